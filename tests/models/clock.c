/* Emulated time: a binary heap of events, ordered by time and then by when they were scheduled. */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

static bool before(const struct clock_event *a, const struct clock_event *b)
{
	return a->at_ps != b->at_ps ? a->at_ps < b->at_ps : a->order < b->order;
}

static void put(struct clock *c, size_t i, struct clock_event *e)
{
	c->heap[i] = e;
	e->slot = i + 1;
}

/* Puts e where it belongs between i and the root. */
static size_t sift_up(struct clock *c, size_t i, struct clock_event *e)
{
	while (i > 0 && before(e, c->heap[(i - 1) / 2])) {
		put(c, i, c->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(c, i, e);
	return i;
}

static void sift_down(struct clock *c, size_t i, struct clock_event *e)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= c->nr)
			break;
		if (child + 1 < c->nr && before(c->heap[child + 1], c->heap[child]))
			child++;
		if (before(e, c->heap[child]))
			break;
		put(c, i, c->heap[child]);
		i = child;
	}
	put(c, i, e);
}

static void heap_add(struct clock *c, struct clock_event *e)
{
	if (c->nr == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 64;
		struct clock_event **heap = realloc(c->heap, capacity * sizeof(*heap));

		if (!heap) {
			fprintf(stderr, "clock: no memory for %zu events\n", capacity);
			abort();
		}
		c->heap = heap;
		c->capacity = capacity;
	}
	sift_up(c, c->nr++, e);
}

static void heap_remove(struct clock *c, struct clock_event *e)
{
	size_t i = e->slot - 1;
	struct clock_event *last = c->heap[--c->nr];

	e->slot = 0;
	if (last != e)
		sift_down(c, sift_up(c, i, last), last);
}

/* Tells the host if the next event is not at next_ps any more; an advance does so at its end. */
static void tell(struct clock *c, uint64_t next_ps)
{
	if (!c->advancing && c->wake_at && clock_next(c) != next_ps)
		c->wake_at(c->ctx, clock_next(c));
}

void clock_init(struct clock *c, void (*wake_at)(void *ctx, uint64_t at_ps), void *ctx)
{
	*c = (struct clock){ .wake_at = wake_at, .ctx = ctx };
}

void clock_destroy(struct clock *c)
{
	for (size_t i = 0; i < c->nr; i++)
		c->heap[i]->slot = 0;
	free(c->heap);
	*c = (struct clock){ 0 };
}

uint64_t clock_next(const struct clock *c)
{
	return c->nr ? c->heap[0]->at_ps : CLOCK_NEVER;
}

void clock_schedule(struct clock *c, struct clock_event *e, uint64_t at_ps)
{
	uint64_t next_ps = clock_next(c);

	if (e->slot)
		heap_remove(c, e);
	if (at_ps != CLOCK_NEVER) {
		e->at_ps = at_ps > c->now_ps ? at_ps : c->now_ps;
		e->order = c->order++;
		heap_add(c, e);
	}
	tell(c, next_ps);
}

void clock_cancel(struct clock *c, struct clock_event *e)
{
	uint64_t next_ps = clock_next(c);

	if (!e->slot)
		return;
	heap_remove(c, e);
	tell(c, next_ps);
}

void clock_advance(struct clock *c, uint64_t to_ps)
{
	uint64_t next_ps = clock_next(c);

	c->advancing = true;
	while (c->nr && c->heap[0]->at_ps <= to_ps) {
		struct clock_event *e = c->heap[0];

		heap_remove(c, e);
		c->now_ps = e->at_ps;
		e->fn(e->ctx);
	}
	c->advancing = false;
	if (to_ps > c->now_ps)
		c->now_ps = to_ps;
	tell(c, next_ps);
}
