/* Sleep and wake-up, and what a wake-up does to the one that runs. */
#include "cpu/smp.h"
#include "sched/core.h"

bool would_preempt(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	const struct sched_entity *cur = c->current;

	if (!cur || sched.policy == SCHED_ROUND_ROBIN)
		return false;
	if (cur->boosted && !e->boosted)
		return false;
	if (e->boosted && !cur->boosted && !does_io(cur, now))
		return true;
	return (int64_t)(account_current(c, now) - e->vruntime) > (int64_t)sched.wake_granularity;
}

/* Not for somebody who has had more than its share. What others are owed by other cores does not
 * count: core_clock() does not go back for them. */
static bool may_boost(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	int64_t lead = (int64_t)(e->vruntime - core_clock(c, now));

	return sched.policy == SCHED_FULL && lead <= (int64_t)weighted(e, sched.slice);
}

/* A sleeper keeps what it has saved up only within bounds, and is not held for ever what it had too
 * much of. */
static void limit_lag(const struct sched_core *c, struct sched_entity *e)
{
	uint64_t floor = c->vclock - sched.slice, ceiling = c->vclock + weighted(e, sched.lag_max);

	if ((int64_t)(e->vruntime - floor) < 0)
		e->vruntime = floor;
	else if (!core_is_free(c) && (int64_t)(e->vruntime - ceiling) > 0)
		e->vruntime = ceiling;
}

void wake_prepare(const struct sched_core *c, struct sched_entity *e, bool io, uint64_t now)
{
	limit_lag(c, e);
	e->boosted = io && !core_is_free(c) && may_boost(c, e, now);
}

bool preempt_for(struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	bool throttled = e->eligible_tsc > now, preempts = !throttled && would_preempt(c, e, now);
	uint64_t slice_end = now + sched.slice;

	if (c == this_core()) {
		yield_by(c, preempts ? 0 : slice_end);
		return false;
	}
	if (c->current) {
		if (!preempts && !throttled && load_relaxed(&c->yield_tsc) <= slice_end)
			return false;
		(void)atomic_fetch_or(&c->poked, preempts ? POKE_YIELD : POKE_SLICE);
		return true;
	}
	smp_mb(); /* against go_idle(): it sees what is queued, or we see it idle */
	return place_claim(index_of(c)) || load_acquire(&c->smt_blocked);
}

/* e has left `from`, whose lock is released, for core `to`, which was idle. */
static void send_to(unsigned to, struct sched_entity *e, uint64_t now)
{
	struct sched_core *c = &sched.core[to];

	spin_lock(&c->lock);
	entity_arrive(c, e);
	enqueue(c, e, now);
	spin_unlock(&c->lock);
	smp_kick(to);
}

/* Where there is no need to wait: another core, if this one is busy. One that is far does only if e
 * does not get this one at once. */
static unsigned find_place(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	if (core_is_free(c) || e->resident(e))
		return SCHED_NO_CORE;
	return place_claim_idle(e, index_of(c), would_preempt(c, e, now) ? DIST_LLC : DIST_FAR);
}

void make_runnable(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	bool io = atomic_xchg(&e->io_wake, false), kick;
	unsigned to;

	wake_prepare(c, e, io, now);
	e->stats.nr_boosts += e->boosted;
	e->queued_since_tsc = now;
	to = find_place(c, e, now);
	if (to != SCHED_NO_CORE) {
		store_relaxed(&e->state, SCHED_QUEUED);
		entity_leave(c, e, to);
		spin_unlock(&c->lock);
		send_to(to, e, now);
		return;
	}
	enqueue(c, e, now);
	kick = preempt_for(c, e, now);
	spin_unlock(&c->lock);
	if (kick)
		smp_kick(index_of(c));
}

void sched_wake(struct sched_entity *e)
{
	struct sched_core *c;

	store_release(&e->wake_pending, true);
	smp_mb(); /* against put_back() */
	if (load_acquire(&e->state) != SCHED_ASLEEP)
		return;
	c = lock_home(e);
	if (e->state != SCHED_ASLEEP) {
		spin_unlock(&c->lock);
		return;
	}
	store_release(&e->wake_pending, false);
	queue_remove(&c->sleepers, e);
	make_runnable(c, e, rdtsc());
}

void sched_wake_io(struct sched_entity *e)
{
	store_relaxed(&e->last_io_tsc, rdtsc());
	store_release(&e->io_wake, true);
	sched_wake(e);
}

void sched_forget_wake(struct sched_entity *e)
{
	store_relaxed(&e->io_wake, false);
	(void)atomic_xchg(&e->wake_pending, false);
}

/* Only the core itself comes here, when nothing runs on it. */
void wake_due(struct sched_core *c, uint64_t now)
{
	struct sched_entity *e, *following;
	uint64_t next;

	spin_lock(&c->lock);
	next = unthrottle_due(c, now);
	for (e = c->sleepers.head; e; e = following) {
		following = e->next;
		if (e->timer_tsc > now) {
			next = MIN(next, e->timer_tsc);
			continue;
		}
		queue_remove(&c->sleepers, e);
		wake_prepare(c, e, false, now);
		e->queued_since_tsc = now;
		enqueue(c, e, now);
		if (e->eligible_tsc > now)
			next = MIN(next, e->eligible_tsc);
	}
	store_relaxed(&c->next_timer_tsc, next);
	spin_unlock(&c->lock);
}
