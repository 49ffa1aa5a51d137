/* Work goes where it can run: idle cores take over who waits, busy ones who is owed more. */
#include "cpu/tsc.h"
#include "sched/core.h"

#define RETRY_US 50 /* what waits is still in the hardware of its core, or about to run there */

static enum sched_distance distance(const struct sched_core *a, const struct sched_core *b)
{
	return topology_distance(&sched.topology, index_of(a), index_of(b));
}

/* Under `from`'s lock: e is on its way to c; and on c, without a lock held. */
static void take(struct sched_core *c, struct sched_core *from, struct sched_entity *e)
{
	run_queue_remove(from, e);
	entity_leave(from, e, index_of(c));
}

static void receive(
	struct sched_core *c, const struct sched_core *from, struct sched_entity *e, uint64_t now)
{
	uint64_t expected_tsc = e->expected_tsc;

	spin_lock(&c->lock);
	entity_arrive(c, e);
	enqueue(c, e, now);
	e->expected_tsc = expected_tsc; /* the one it was given first is measured */
	spin_unlock(&c->lock);
	c->stats.nr_stolen++;
	c->stats.nr_stolen_by_distance[distance(c, from)]++;
}

/* The only one that waits there was just woken. */
static bool is_about_to_run_it(const struct sched_core *from)
{
	return !from->current && from->queued.nr == 1;
}

/* ---- Idle cores ---- */

/* Whether e waits long enough for such a way; else *again says when it will have. */
static bool is_worth_it(const struct sched_entity *e, uint64_t after, uint64_t now, uint64_t *again)
{
	if (now - e->queued_since_tsc >= after ||
		(int64_t)(e->expected_tsc - now) >= (int64_t)after)
		return true;
	*again = MIN(*again, e->queued_since_tsc + after);
	return false;
}

static bool steal_from(struct sched_core *c, struct sched_core *from, uint64_t *again)
{
	uint64_t after = sched.steal_after[distance(c, from)], now = rdtsc();
	struct sched_entity *e;

	spin_lock(&from->lock);
	if (is_about_to_run_it(from)) /* unless it has long packet work */
		after = MAX(after, us_to_tsc(RETRY_US));
	for (e = from->queued.head; e; e = e->next) {
		if (!may_run_on(e, index_of(c)) || !smt_allows(c, e->group))
			continue;
		if (e->resident(e))
			*again = MIN(*again, now + us_to_tsc(RETRY_US));
		else if (is_worth_it(e, after, now, again))
			break;
	}
	if (e)
		take(c, from, e);
	spin_unlock(&from->lock);
	if (!e)
		return false;
	receive(c, from, e, now);
	return true;
}

/* From those in `victims`, beginning behind the core's own number so that not all look at one. */
static bool steal_from_any(struct sched_core *c, struct core_set victims, uint64_t *again)
{
	unsigned self = index_of(c), i;

	for (i = core_set_next(&victims, self); i < sched.nr; i = core_set_next(&victims, i + 1))
		if (steal_from(c, &sched.core[i], again))
			return true;
	for (i = core_set_next(&victims, 0); i < self; i = core_set_next(&victims, i + 1))
		if (steal_from(c, &sched.core[i], again))
			return true;
	return false;
}

bool steal(struct sched_core *c, uint64_t *again)
{
	struct core_set done = core_set_of(index_of(c));

	for (enum sched_distance d = DIST_SMT; d < SCHED_DISTANCES; d++) {
		struct core_set victims = core_set_and(&sched.waiting, &c->within[d]);

		victims = core_set_without(&victims, &done);
		if (steal_from_any(c, victims, again))
			return true;
		done = c->within[d];
	}
	return false;
}

/* ---- Busy cores ---- */

/* What c would run next: the machine's virtual time of it. */
struct own {
	uint64_t v;
	uint64_t load;
	uint64_t stride;
};

static bool look_at_own(struct sched_core *c, struct own *own)
{
	const struct sched_entity *e;

	spin_lock(&c->lock);
	e = c->queued.head;
	if (e)
		*own = (struct own){ e->vruntime + c->vbase, c->load, core_stride(c) };
	spin_unlock(&c->lock);
	return e != NULL;
}

/* A lag beyond all bounds comes from two clocks that have gone apart: then e is taken only if it is
 * better off here. */
static bool is_owed(
	const struct sched_core *from, const struct sched_entity *e, const struct own *own)
{
	int64_t lag = (int64_t)(own->v - (e->vruntime + from->vbase));

	if (lag <= (int64_t)weighted(e, sched.pull_lag))
		return false;
	return lag <= (int64_t)(weighted(e, sched.lag_max) + own->stride) ||
	       own->load + e->weight <= from->load;
}

static bool pull_from(
	struct sched_core *c, struct sched_core *from, const struct own *own, uint64_t now)
{
	struct sched_entity *e;

	spin_lock(&from->lock);
	for (e = is_about_to_run_it(from) ? NULL : from->queued.head; e; e = e->next)
		if (may_run_on(e, index_of(c)) && is_owed(from, e, own) && !e->resident(e))
			break;
	if (e)
		take(c, from, e);
	spin_unlock(&from->lock);
	if (e)
		receive(c, from, e, now);
	return e != NULL;
}

/* How far c's clock is behind one who waits on `other` and could run here. */
static int64_t behind(struct sched_core *c, struct sched_core *other, const struct own *own)
{
	const struct sched_entity *e;
	int64_t lag = 0;

	spin_lock(&other->lock);
	for (e = other->queued.head; e && !may_run_on(e, index_of(c)); e = e->next)
		;
	if (e)
		lag = (int64_t)(e->vruntime + other->vbase - own->v);
	spin_unlock(&other->lock);
	return lag;
}

/* Those who compete for cores are compared by clocks that are no further apart than what one may be
 * owed. Only the core's own clock is set, for all on it alike. */
static void catch_up(struct sched_core *c, struct sched_core *other, const struct own *own)
{
	int64_t excess = behind(c, other, own) - (int64_t)sched.lag_max;

	if (excess <= 0)
		return;
	spin_lock(&c->lock);
	c->vbase += (uint64_t)excess;
	spin_unlock(&c->lock);
}

void balance(struct sched_core *c, uint64_t now)
{
	struct core_set self = core_set_of(index_of(c)), others;
	struct sched_core *due = NULL;
	struct own own;

	if (sched.policy == SCHED_ROUND_ROBIN || now < c->next_balance_tsc)
		return;
	others = core_set_without(&sched.waiting, &self);
	if (core_set_is_empty(&others) || !look_at_own(c, &own))
		return;
	c->next_balance_tsc = now + sched.slice / 2;
	for (unsigned i = core_set_next(&others, 0); i < sched.nr;
		i = core_set_next(&others, i + 1)) {
		struct sched_core *other = &sched.core[i];
		int64_t lag = (int64_t)(own.v - load_relaxed(&other->due_v));

		if (lag > 0 && (!due || (int64_t)(load_relaxed(&due->due_v) -
						  load_relaxed(&other->due_v)) > 0))
			due = other;
		else if (-lag > 2 * (int64_t)sched.lag_max)
			catch_up(c, other, &own);
	}
	if (due)
		(void)pull_from(c, due, &own, now);
}
