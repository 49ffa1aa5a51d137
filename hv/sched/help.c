/* Helpers: a core that has nothing to run takes over the packet work of a vCPU that keeps its own
 * core busy.
 *
 * Decided by the vCPU's core when the vCPU gives it back, and published in the hint. A helper helps
 * one vCPU only; it ends when the helper has somebody to run (help_end(), by the helper), or when
 * the packet work has become little or the vCPU has gone elsewhere (by the vCPU's core). The two
 * may cross each other: then a helper stays published that helps no more, until the next look. */
#include "cpu/tsc.h"
#include "sched/core.h"

/* Of the time since the last look, packet work took so much: is it worth another core, and still?
 */
#define BEGIN_SHARE(ticks) ((ticks) / 8)
#define KEEP_SHARE(ticks)  ((ticks) / 16)

void sched_may_help(unsigned core)
{
	core_set_add(&sched.helpers, core);
}

void help_end(struct sched_core *helper)
{
	struct sched_entity *e;

	if (!load_relaxed(&helper->helps))
		return;
	e = atomic_xchg(&helper->helps, NULL);
	if (e)
		hint_set_helper(&e->hint, HINT_NO_HELPER);
}

static void release(struct sched_entity *e, struct sched_core *helper)
{
	struct sched_entity *helped = e;

	hint_set_helper(&e->hint, HINT_NO_HELPER);
	(void)atomic_cas(&helper->helps, &helped, NULL);
}

static bool is_busy(const struct sched_core *c, uint64_t now)
{
	return now - c->idle_tsc > sched.help_after;
}

/* One that nobody has run on lately: guests that sleep between packets leave theirs idle too. */
static bool claim(struct sched_core *helper, struct sched_entity *e, uint64_t now)
{
	struct sched_entity *helped = load_relaxed(&helper->helps);

	if (!core_is_free(helper) || now - load_relaxed(&helper->ran_tsc) <= sched.help_after)
		return false;
	if (helped && does_io(helped, now))
		return false;
	return atomic_cas(&helper->helps, &helped, e);
}

static void find(const struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	struct core_set want = core_set_and(&sched.idle, &sched.helpers);
	unsigned core;

	want = core_set_and(&want, &c->within[DIST_LLC]);
	while ((core = place_wholly_idle(&want, index_of(c))) != SCHED_NO_CORE) {
		if (claim(&sched.core[core], e, now)) {
			hint_set_helper(&e->hint, core);
			return;
		}
		core_set_remove(&want, core);
	}
}

void help_review(const struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	uint64_t since = now - e->reviewed_tsc, charged = load_relaxed(&e->stats.charged_ticks);
	uint64_t work = charged - e->reviewed_ticks;
	unsigned at = hint_helper(&e->hint);

	if (core_set_is_empty(&sched.helpers) || since < sched.help_after)
		return;
	e->reviewed_tsc = now;
	e->reviewed_ticks = charged;
	if (at != HINT_NO_HELPER) {
		struct sched_core *helper = &sched.core[at];

		if (work < KEEP_SHARE(since) || load_relaxed(&helper->helps) != e ||
			!core_set_has(&c->within[DIST_LLC], at))
			release(e, helper);
	} else if (work >= BEGIN_SHARE(since) && is_busy(c, now)) {
		find(c, e, now);
	}
}
