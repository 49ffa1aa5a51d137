/* Run queues: the order in which entities run, and their way from core to core. */
#include "sched/core.h"

/* Virtual run times are compared by the sign of their difference. */
static bool runs_before(const struct sched_entity *a, const struct sched_entity *b)
{
	if (sched.policy == SCHED_ROUND_ROBIN && !a->left_ticks != !b->left_ticks)
		return a->left_ticks;
	if (sched.policy == SCHED_ROUND_ROBIN)
		return (int64_t)(a->queued_since_tsc - b->queued_since_tsc) < 0;
	if (a->boosted != b->boosted)
		return a->boosted;
	return (int64_t)(a->vruntime - b->vruntime) < 0;
}

/* What other cores see of the queue without its lock. */
static void show(struct sched_core *c)
{
	const struct sched_entity *e = c->queued.head;

	if (e)
		store_relaxed(&c->due_v, e->vruntime + c->vbase + weighted(e, sched.pull_lag));
}

void run_queue_insert(struct sched_core *c, struct sched_entity *e)
{
	struct sched_entity *before = NULL, *at = c->queued.head;

	while (at && !runs_before(e, at)) {
		before = at;
		at = at->next;
	}
	queue_insert_after(&c->queued, before, e);
	store_relaxed(&c->load, c->load + e->weight);
	if (!before)
		show(c);
	if (c->queued.nr == 1)
		core_set_atomic_add(&sched.waiting, index_of(c));
}

void run_queue_remove(struct sched_core *c, struct sched_entity *e)
{
	queue_remove(&c->queued, e);
	store_relaxed(&c->load, c->load - e->weight);
	show(c);
	if (!c->queued.nr)
		core_set_atomic_remove(&sched.waiting, index_of(c));
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0 ? a : b;
}

/* Of who has had least, which is not the current one if that was boosted or starving. */
uint64_t core_clock(const struct sched_core *c, uint64_t now)
{
	uint64_t least;

	if (core_is_free(c))
		return c->vclock;
	least = c->current ? account_current(c, now) : c->queued.head->vruntime;
	for (const struct sched_entity *e = c->queued.head; e; e = e->next)
		least = earlier(least, e->vruntime);
	return (int64_t)(least - c->vclock) > 0 ? least : c->vclock;
}

void core_set_current(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	store_relaxed(&c->current, e);
	c->picked_tsc = now;
	c->vclock = core_clock(c, now);
	store_relaxed(&c->load, c->load + e->weight);
}

void core_clear_current(struct sched_core *c)
{
	store_relaxed(&c->load, c->load - c->current->weight);
	store_relaxed(&c->current, NULL);
}

struct sched_core *lock_home(struct sched_entity *e)
{
	for (;;) {
		unsigned i = load_acquire(&e->core);

		spin_lock(&sched.core[i].lock);
		if (load_relaxed(&e->core) == i)
			return &sched.core[i];
		spin_unlock(&sched.core[i].lock);
	}
}

void entity_leave(struct sched_core *c, struct sched_entity *e, unsigned to)
{
	e->vruntime += c->vbase;
	store_release(&e->core, to);
}

uint64_t core_stride(const struct sched_core *c)
{
	uint64_t max = c->current ? weighted(c->current, sched.slice) : 0;

	for (const struct sched_entity *e = c->queued.head; e; e = e->next)
		max = MAX(max, weighted(e, sched.slice));
	return max;
}

/* What it is owed and what it has had too much counts within bounds: the clocks of two cores may
 * have gone apart for reasons that are none of its own. */
void entity_arrive(struct sched_core *c, struct sched_entity *e)
{
	uint64_t max = weighted(e, sched.lag_max) + core_stride(c);

	e->vruntime -= c->vbase;
	if ((int64_t)(e->vruntime - (c->vclock - max)) < 0)
		e->vruntime = c->vclock - max;
	else if (!core_is_free(c) && (int64_t)(e->vruntime - (c->vclock + max)) > 0)
		e->vruntime = c->vclock + max;
}

void enqueue(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	account_settle(c, e, now);
	store_relaxed(&e->state, SCHED_QUEUED);
	if (account_at_cap(e, now)) {
		e->boosted = false;
		e->left_ticks = 0;
		queue_insert(&c->throttled, e);
		timer_sooner(c, e->eligible_tsc);
	} else {
		run_queue_insert(c, e);
	}
	wait_publish(c, e, now);
}

uint64_t unthrottle_due(struct sched_core *c, uint64_t now)
{
	uint64_t next = SCHED_NO_TIMER;
	struct sched_entity *e, *following;

	for (e = c->throttled.head; e; e = following) {
		following = e->next;
		if (e->eligible_tsc <= now) {
			queue_remove(&c->throttled, e);
			run_queue_insert(c, e);
			wait_publish(c, e, now);
		} else {
			next = MIN(next, e->eligible_tsc);
		}
	}
	return next;
}
