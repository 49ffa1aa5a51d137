/* One set-associative cache of line numbers: which are in it, and which was used least recently. */
#ifndef SLUICE_SIM_CACHE_H
#define SLUICE_SIM_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/log.h"

#define CACHE_NONE UINT32_MAX

struct cache {
	uint32_t *tag;	/* [set][way], CACHE_NONE: empty */
	uint32_t *used; /* when: a stamp */
	uint32_t now;
	unsigned nr_sets, nr_ways;
};

static inline void cache_init(struct cache *c, unsigned nr_lines, unsigned nr_ways)
{
	size_t n;

	c->nr_ways = nr_ways;
	c->nr_sets = nr_lines / nr_ways;
	c->now = 0;
	n = (size_t)c->nr_sets * nr_ways;
	c->tag = malloc(n * sizeof(*c->tag));
	c->used = calloc(n, sizeof(*c->used));
	ASSERT(n && c->tag && c->used);
	for (size_t i = 0; i < n; i++)
		c->tag[i] = CACHE_NONE;
}

static inline void cache_free(struct cache *c)
{
	free(c->tag);
	free(c->used);
}

static inline size_t cache_set(const struct cache *c, uint32_t line)
{
	return (size_t)(line % c->nr_sets) * c->nr_ways;
}

static inline bool cache_touch(struct cache *c, uint32_t line)
{
	size_t set = cache_set(c, line);

	for (size_t i = set; i < set + c->nr_ways; i++) {
		if (c->tag[i] == line) {
			c->used[i] = ++c->now;
			return true;
		}
	}
	return false;
}

static inline bool cache_remove(struct cache *c, uint32_t line)
{
	size_t set = cache_set(c, line);

	for (size_t i = set; i < set + c->nr_ways; i++) {
		if (c->tag[i] == line) {
			c->tag[i] = CACHE_NONE;
			c->used[i] = 0;
			return true;
		}
	}
	return false;
}

/* The line is not in it. Only the first `ways` may take it, 0: any. What had to go, or CACHE_NONE.
 */
static inline uint32_t cache_fill(struct cache *c, uint32_t line, unsigned ways)
{
	size_t set = cache_set(c, line), oldest = set;
	uint32_t victim;

	for (size_t i = set; i < set + (ways ? ways : c->nr_ways); i++)
		if (c->used[i] < c->used[oldest])
			oldest = i;
	victim = c->tag[oldest];
	c->tag[oldest] = line;
	c->used[oldest] = ++c->now;
	return victim;
}

#endif
