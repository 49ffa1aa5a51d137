/* What an entity has had: virtual run time, caps, and packet work that is charged to it.
 *
 * Time is measured by TSC differences only: whoever runs pays, and a guest that is asleep whenever
 * a tick would come gains nothing. */
#include "sched/core.h"

static bool has_cap(const struct sched_entity *e)
{
	return e->cap_percent && e->cap_percent < 100;
}

/* Half a slice at once: with an exit that comes late it stays below a whole one. */
static struct bucket_rate cap_rate(const struct sched_entity *e)
{
	return (struct bucket_rate){ e->cap_percent, (int64_t)sched.slice / 2 };
}

void account_start(struct sched_entity *e)
{
	uint64_t now = rdtsc();

	e->cap = (struct bucket){ cap_rate(e).depth, now };
	e->borrowing = (struct bucket){ sched.borrow_rate.depth, now };
	e->lending = (struct bucket){ sched.lend_rate.depth, now };
}

bool account_at_cap(struct sched_entity *e, uint64_t now)
{
	struct bucket_rate rate = cap_rate(e);

	if (!has_cap(e))
		return false;
	bucket_fill(&e->cap, &rate, now);
	if (e->cap.tokens > 0)
		return false;
	e->eligible_tsc = bucket_full_tsc(&e->cap, &rate);
	e->stats.nr_throttled++;
	return true;
}

uint64_t account_cap_ticks(const struct sched_entity *e)
{
	return has_cap(e) ? (uint64_t)MAX(e->cap.tokens, 0) : UINT64_MAX;
}

void account_run(struct sched_core *c, struct sched_entity *e, uint64_t ran)
{
	e->ran_ticks += ran;
	e->vruntime += weighted(e, ran);
	e->turn_ticks = e->turn_ticks ? e->turn_ticks - e->turn_ticks / 8 + ran / 8 : ran;
	if (has_cap(e))
		e->cap.tokens -= (int64_t)ran;
	c->stats.entity_ticks += ran;
}

uint64_t account_current(const struct sched_core *c, uint64_t now)
{
	return c->current->vruntime + weighted(c->current, now - c->picked_tsc);
}

/* ---- Credit stealing ---- */

/* One on this core that does no I/O: it runs, or would be the next to. */
static struct sched_entity *find_lender(const struct sched_core *c, uint64_t now)
{
	struct sched_entity *e;

	if (c->current && !does_io(c->current, now))
		return c->current;
	for (e = c->queued.head; e; e = e->next)
		if (!does_io(e, now))
			return e;
	return NULL;
}

/* The part of `owed` that a lender pays. */
static uint64_t borrow(struct sched_core *c, struct sched_entity *e, uint64_t owed, uint64_t now)
{
	struct sched_entity *lender = find_lender(c, now);
	uint64_t amount;

	if (!lender || lender == e)
		return 0;
	bucket_fill(&e->borrowing, &sched.borrow_rate, now);
	bucket_fill(&lender->lending, &sched.lend_rate, now);
	amount = bucket_take(&lender->lending, bucket_take(&e->borrowing, owed));
	e->stats.borrowed_ticks += amount;
	lender->stats.lent_ticks += amount;
	if (lender != c->current)
		run_queue_remove(c, lender);
	lender->vruntime += weighted(lender, amount);
	if (lender != c->current)
		run_queue_insert(c, lender);
	return amount;
}

void account_settle(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	uint64_t charged = load_relaxed(&e->stats.charged_ticks);
	uint64_t owed = charged - e->settled_ticks;

	if (!owed)
		return;
	e->settled_ticks = charged;
	if (has_cap(e))
		e->cap.tokens -= (int64_t)owed;
	if (sched.credit_stealing)
		owed -= borrow(c, e, owed, now);
	e->vruntime += weighted(e, owed);
}

void account_charge(struct worker *wk, const struct sched_hint *who, uint64_t ticks)
{
	struct sched_entity *e;

	(void)wk;
	if (!who)
		return;
	e = entity_of(who);
	(void)atomic_fetch_add(&e->stats.charged_ticks, ticks);
	store_relaxed(&e->last_io_tsc, rdtsc());
}
