/* Token bucket as a cell rate algorithm; see rate_limit.h. */
#include "net/rate_limit.h"

#include "lib/atomic.h"

#define TICKS_PER_US 1024u
#define COST_SHIFT   24

void rate_limit_init(struct rate_limit *r, uint64_t units_per_s, uint64_t burst_us)
{
	uint64_t ticks_per_s = UINT64_C(1000000) * TICKS_PER_US;

	r->cost_q24 = units_per_s ? (ticks_per_s << COST_SHIFT) / units_per_s : 0;
	if (units_per_s && !r->cost_q24)
		r->cost_q24 = 1;
	r->burst_ticks = burst_us * TICKS_PER_US;
	r->full_ticks = 0;
}

bool rate_limit_ok(const struct rate_limit *r, uint64_t now_us)
{
	return load_relaxed(&r->full_ticks) <= now_us * TICKS_PER_US + r->burst_ticks;
}

void rate_limit_charge(struct rate_limit *r, uint64_t units, uint64_t now_us)
{
	uint64_t cost = (uint64_t)(((unsigned __int128)units * r->cost_q24) >> COST_SHIFT);
	uint64_t full = load_relaxed(&r->full_ticks), now = now_us * TICKS_PER_US, next;

	do {
		next = (full > now ? full : now) + cost;
	} while (!atomic_cas(&r->full_ticks, &full, next));
}
