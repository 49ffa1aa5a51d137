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

	if (ran < turn_of(c->current))
		return turn_of(c->current) - ran;
	return yield > now ? MIN(yield - now, sched.slice) : 0;
}

/* e need not be in the queue. */
static bool is_ahead(const struct sched_entity *other, const struct sched_entity *e)
{
	if (sched.policy == SCHED_ROUND_ROBIN)
		return true;
	if (other->boosted != e->boosted)
		return other->boosted;
	return (int64_t)(other->vruntime - e->vruntime) <= 0;
}

/* What runs before an entity. Everybody gets a turn, and more of them for as long as its virtual
 * run time is less: packet work cuts turns short, and whoever has had least goes on afterwards. */
struct ahead {
	uint64_t turns_ticks;
	uint64_t lags_ticks; /* until the virtual run times of those with `weight` have reached v */
	uint64_t weight, v;
};

static uint64_t lag_ticks(uint64_t v, uint64_t until_v, uint64_t weight)
{
	int64_t lag = (int64_t)(until_v - v);

	return lag > 0 ? (uint64_t)lag * weight / SCHED_DEFAULT_WEIGHT : 0;
}

static void reach(struct ahead *a, uint64_t v)
{
	a->lags_ticks += lag_ticks(a->v, v, a->weight);
	a->v = v;
}

static void pass(struct ahead *a, const struct sched_entity *o)
{
	a->turns_ticks += turn_of(o);
	if (o->boosted) /* for one turn, whatever it has had */
		return;
	reach(a, o->vruntime);
	a->weight += o->weight;
}

/* cur: the one that runs, NULL: none that e would have to wait for. */
static uint64_t wait_behind(struct ahead a, const struct sched_core *c,
	const struct sched_entity *cur, const struct sched_entity *e, uint64_t now)
{
	if (cur)
		a.turns_ticks += rest_of_current(c, now);
	if (e->boosted || sched.policy == SCHED_ROUND_ROBIN)
		return a.turns_ticks;
	reach(&a, e->vruntime);
	if (cur)
		a.lags_ticks += lag_ticks(account_current(c, now), e->vruntime, cur->weight);
	return MAX(a.turns_ticks, a.lags_ticks);
}

uint64_t wait_expected(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	struct ahead a = { 0 };

	for (const struct sched_entity *o = c->queued.head; o && o != e && is_ahead(o, e);
		o = o->next)
		pass(&a, o);
	return wait_behind(a, c, would_preempt(c, e, now) ? NULL : c->current, e, now);
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
	struct ahead a = { 0 };

	for (struct sched_entity *e = c->queued.head; e; e = e->next) {
		publish(c, e, wait_behind(a, c, c->current, e, now));
		pass(&a, e);
	}
}

void wait_measure(struct sched_entity *e, uint64_t now)
{
	e->stats.wait_error_ticks +=
		now > e->expected_tsc ? now - e->expected_tsc : e->expected_tsc - now;
	e->stats.nr_waits++;
}
