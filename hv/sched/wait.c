/* How long a queued entity will have to wait, as its hint says; and how wrong that was. */
#include "cpu/tsc.h"
#include "sched/core.h"

/* A turn is as long as the entity's were on average, and never longer than a slice. */
static uint64_t turn_of(const struct sched_entity *e)
{
	return e->turn_ticks ? MIN(e->turn_ticks, sched.slice) : sched.slice;
}

/* Until the current one gives the core back. */
static uint64_t rest_of_current(const struct sched_core *c, uint64_t now)
{
	uint64_t ran = now - c->picked_tsc, yield = load_relaxed(&c->yield_tsc);

	if (!c->current)
		return 0;
	if (ran < turn_of(c->current))
		return turn_of(c->current) - ran;
	return yield > now ? MIN(yield - now, sched.slice) : 0;
}

/* e need not be in the queue. */
static bool is_ahead(const struct sched_entity *other, const struct sched_entity *e)
{
	if (sched.policy == SCHED_ROUND_ROBIN)
		return true;
	return (other->boosted && !e->boosted) || (int64_t)(other->vruntime - e->vruntime) <= 0;
}

uint64_t wait_expected(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	uint64_t wait = would_preempt(c, e, now) ? 0 : rest_of_current(c, now);

	for (const struct sched_entity *o = c->queued.head; o && o != e && is_ahead(o, e);
		o = o->next)
		wait += turn_of(o);
	return wait;
}

static void publish(struct sched_core *c, struct sched_entity *e, uint64_t wait)
{
	hint_publish(&e->hint, HINT_QUEUED, index_of(c),
		(uint32_t)MIN(tsc_to_us(wait), (uint64_t)UINT32_MAX));
}

void wait_publish(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	uint64_t wait = wait_expected(c, e, now);

	if (e->eligible_tsc > now)
		wait += e->eligible_tsc - now;
	e->expected_tsc = now + wait;
	publish(c, e, wait);
}

void wait_publish_all(struct sched_core *c, uint64_t now)
{
	uint64_t wait = rest_of_current(c, now);

	for (struct sched_entity *e = c->queued.head; e; e = e->next) {
		publish(c, e, wait);
		wait += turn_of(e);
	}
}

void wait_measure(struct sched_entity *e, uint64_t now)
{
	e->stats.wait_error_ticks +=
		now > e->expected_tsc ? now - e->expected_tsc : e->expected_tsc - now;
	e->stats.nr_waits++;
}
