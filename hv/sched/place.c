/* Where an entity should run: idle cores, near its last core and its packets. */
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "lib/log.h"
#include "sched/core.h"

void place_init(bool cache_aware)
{
	for (unsigned i = 0; i < sched.nr; i++) {
		for (unsigned j = 0; j < sched.nr; j++) {
			enum sched_distance d =
				cache_aware ? topology_distance(&sched.topology, i, j) : DIST_LLC;

			if (i != j && sched.topology.core[i].smt == sched.topology.core[j].smt)
				core_set_add(&sched.core[i].siblings, j);
			for (; i != j && d < SCHED_DISTANCES; d++)
				core_set_add(&sched.core[i].within[d], j);
		}
	}
}

bool place_claim(unsigned core)
{
	uint64_t bit = BIT64(core % 64);

	return atomic_fetch_and(&sched.idle.word[core / 64], ~bit) & bit;
}

/* The first from `core` on, and on from 0. */
static unsigned next_around(const struct core_set *s, unsigned core)
{
	unsigned n = core_set_next(s, core);

	return n != CORE_SET_MAX ? n : core_set_next(s, 0);
}

/* No thread of the core that `core` is a thread of is busy. */
static bool is_wholly_idle(unsigned core)
{
	struct core_set busy = core_set_without(&sched.core[core].siblings, &sched.idle);

	return core_set_is_empty(&busy);
}

unsigned place_wholly_idle(const struct core_set *s, unsigned near)
{
	struct core_set rest = *s;
	unsigned core;

	while ((core = next_around(&rest, near)) != CORE_SET_MAX) {
		if (is_wholly_idle(core))
			return core;
		core_set_remove(&rest, core);
	}
	return SCHED_NO_CORE;
}

/* A thread beside a busy one is nearest and shares every cache, and the execution units too:
 * another core on the same last-level cache is better. */
static unsigned nearest(const struct core_set *want, unsigned near, enum sched_distance max)
{
	if (core_set_has(want, near))
		return near;
	for (enum sched_distance d = DIST_L2; d <= max; d++) {
		struct core_set s = core_set_and(want, &sched.core[near].within[d]);
		unsigned core = place_wholly_idle(&s, near);

		if (core == SCHED_NO_CORE && d >= DIST_LLC)
			core = next_around(&s, near);
		if (core != SCHED_NO_CORE)
			return core;
	}
	return SCHED_NO_CORE;
}

unsigned place_claim_idle(const struct sched_entity *e, unsigned near, enum sched_distance max)
{
	struct core_set want = core_set_and(&sched.idle, &e->cores);
	unsigned core;

	if (core_set_is_empty(&want))
		return SCHED_NO_CORE;
	while ((core = nearest(&want, near, max)) != SCHED_NO_CORE) {
		if (smt_allows(&sched.core[core], e->group) && place_claim(core))
			return core;
		core_set_remove(&want, core); /* somebody was faster, or another guest is there */
	}
	return SCHED_NO_CORE;
}

/* ---- Start ---- */

static unsigned entities_of(unsigned core)
{
	const struct sched_core *c = &sched.core[core];

	return load_relaxed(&c->queued.nr) + load_relaxed(&c->sleepers.nr) +
	       load_relaxed(&c->throttled.nr) + (load_relaxed(&c->current) != NULL);
}

/* Threads beside busy ones come after cores that have nothing to do. */
static unsigned crowd_of(unsigned core)
{
	const struct core_set *siblings = &sched.core[core].siblings;
	unsigned crowd = 2 * entities_of(core);

	for (unsigned i = core_set_next(siblings, 0); i < sched.nr;
		i = core_set_next(siblings, i + 1))
		crowd += entities_of(i);
	return crowd;
}

static unsigned least_crowded(const struct sched_entity *e)
{
	unsigned best = SCHED_NO_CORE;

	for (unsigned i = 0; i < sched.nr; i++)
		if (may_run_on(e, i) && (best == SCHED_NO_CORE || crowd_of(i) < crowd_of(best)))
			best = i;
	return best == SCHED_NO_CORE ? 0 : best;
}

void sched_add(struct sched_entity *e)
{
	struct core_set exist = core_set_below(sched.nr), usable = core_set_and(&e->cores, &exist);
	struct sched_core *c;

	if (core_set_is_empty(&usable))
		e->cores = CORE_SET_ALL; /* none of the cores that were asked for exists */
	e->core = e->ran_on = least_crowded(e);
	e->state = SCHED_ASLEEP;
	e->timer_tsc = SCHED_NO_TIMER;
	account_start(e);
	c = lock_home(e);
	e->vruntime = c->vclock;
	queue_insert(&c->sleepers, e);
	hint_publish(&e->hint, HINT_ASLEEP, e->core, 0);
	spin_unlock(&c->lock);
}

void sched_remove(struct sched_entity *e)
{
	struct sched_core *c = lock_home(e);

	while (e->state == SCHED_MOVING) { /* for as long as two short locks take */
		spin_unlock(&c->lock);
		cpu_relax();
		c = lock_home(e);
	}
	ASSERT(e->state == SCHED_ASLEEP);
	queue_remove(&c->sleepers, e);
	spin_unlock(&c->lock);
}

/* ---- Packets for a sleeper ---- */

static bool is_near(unsigned a, unsigned b)
{
	return a == b || core_set_has(&sched.core[a].within[DIST_LLC], b);
}

static bool is_free_for(unsigned core, const struct sched_entity *e)
{
	return may_run_on(e, core) && core_is_free(&sched.core[core]);
}

/* Its last core, if that is free and shares a cache with the packets, else a core that shares one
 * with them, else its last one. Nobody is free: where less waits, the last core or the packets'. */
static unsigned choose_place(
	const struct sched_core *home, const struct sched_entity *e, unsigned near)
{
	struct core_set want = core_set_and(&sched.idle, &e->cores);
	unsigned at = index_of(home), core;

	if (is_free_for(at, e) && is_near(at, near))
		return at;
	core = is_free_for(near, e) ? near : nearest(&want, near, DIST_LLC);
	if (core != SCHED_NO_CORE)
		return core;
	if (core_is_free(home))
		return at;
	core = nearest(&want, near, DIST_FAR);
	if (core != SCHED_NO_CORE)
		return core;
	return may_run_on(e, near) && load_relaxed(&sched.core[near].load) + e->weight <
					      load_relaxed(&home->load)
		       ? near
		       : at;
}

/* The word for e, which sleeps on c, as if I/O woke it now. */
static uint64_t forecast(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	struct sched_entity woken = { .weight = e->weight, .vruntime = e->vruntime };

	wake_prepare(c, &woken, true, now);
	if (core_is_free(c) || would_preempt(c, &woken, now))
		return hint_pack(HINT_RUNNING, index_of(c), 0);
	return hint_pack(HINT_QUEUED, index_of(c),
		(uint32_t)MIN(tsc_to_us(wait_expected(c, &woken, now)), (uint64_t)UINT32_MAX));
}

/* The other end of sched_place()'s way: asleep again, or woken meanwhile. Releases c's lock. */
static void settle_down(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	bool sooner = e->timer_tsc < load_relaxed(&c->next_timer_tsc);

	store_release(&e->state, SCHED_ASLEEP);
	hint_publish(&e->hint, HINT_ASLEEP, index_of(c), 0);
	smp_mb(); /* against sched_wake() */
	if (atomic_xchg(&e->wake_pending, false)) {
		make_runnable(c, e, now);
		return;
	}
	queue_insert(&c->sleepers, e);
	timer_sooner(c, e->timer_tsc);
	if (sooner && c != this_core())
		(void)atomic_fetch_or(&c->poked, POKE_SLICE);
	spin_unlock(&c->lock);
	if (sooner && c != this_core())
		smp_kick(index_of(c)); /* its timer is armed for later */
}

uint64_t sched_place(struct sched_hint *h, unsigned near_core)
{
	struct sched_entity *e = entity_of(h);
	uint64_t word = hint_read(h), now = rdtsc();
	struct sched_core *c;
	unsigned to;

	if (hint_state(word) != HINT_ASLEEP)
		return word;
	c = lock_home(e);
	if (e->state != SCHED_ASLEEP) {
		spin_unlock(&c->lock);
		return hint_read(h);
	}
	to = near_core < sched.nr && !e->resident(e) ? choose_place(c, e, near_core) : index_of(c);
	if (to != index_of(c)) {
		queue_remove(&c->sleepers, e);
		store_release(&e->state, SCHED_MOVING);
		entity_leave(c, e, to);
		spin_unlock(&c->lock);
		c = &sched.core[to];
		spin_lock(&c->lock);
		entity_arrive(c, e);
		word = forecast(c, e, now);
		settle_down(c, e, now);
		return word;
	}
	word = forecast(c, e, now);
	spin_unlock(&c->lock);
	return word;
}
