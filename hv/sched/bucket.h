/* Token buckets: how caps and loans are limited. A token is a TSC tick. */
#ifndef SLUICE_SCHED_BUCKET_H
#define SLUICE_SCHED_BUCKET_H

#include <stdint.h>

#include "lib/bits.h"

/* tokens may be negative: a debt. */
struct bucket {
	int64_t tokens;
	uint64_t filled_tsc;
};

/* What a bucket gets and holds. */
struct bucket_rate {
	uint32_t percent; /* of the time that passes */
	int64_t depth;
};

static inline void bucket_fill(struct bucket *b, const struct bucket_rate *r, uint64_t now)
{
	uint64_t elapsed = now - b->filled_tsc;

	/* Longer than anything that is owed or held: full, and the product cannot wrap. */
	b->tokens = elapsed >> 48
			    ? r->depth
			    : MIN(b->tokens + (int64_t)(elapsed * r->percent / 100), r->depth);
	b->filled_tsc = now;
}

/* Up to `wanted`, as far as there are tokens. */
static inline uint64_t bucket_take(struct bucket *b, uint64_t wanted)
{
	uint64_t n = b->tokens > 0 ? MIN(wanted, (uint64_t)b->tokens) : 0;

	b->tokens -= (int64_t)n;
	return n;
}

/* When the bucket, filled at b->filled_tsc, will be full. */
static inline uint64_t bucket_full_tsc(const struct bucket *b, const struct bucket_rate *r)
{
	int64_t missing = r->depth - b->tokens;

	return b->filled_tsc + (missing > 0 ? (uint64_t)missing * 100 / r->percent + 1 : 0);
}

#endif
