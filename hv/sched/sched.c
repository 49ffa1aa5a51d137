/* A core's loop: packets, wake-ups, the next entity, or a halt; see sched.h. */
#include "sched/sched.h"

#include "cpu/apic.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/page_alloc.h"
#include "sched/core.h"

_Static_assert(CORE_SET_MAX >= CPU_MAX, "every core has a number in a set");

struct sched_machine sched;

/* ---- Start ---- */

static void set_constants(const struct sched_setup *s)
{
	uint64_t slice = us_to_tsc(s->slice_us);
	bool plain = s->policy == SCHED_ROUND_ROBIN || !s->cache_aware;

	sched.slice = slice;
	sched.long_slice = MAX(slice, us_to_tsc(SCHED_LONG_SLICE_US));
	sched.wake_granularity = us_to_tsc(SCHED_WAKE_GRANULARITY_US);
	sched.boost_run = us_to_tsc(SCHED_BOOST_RUN_US);
	sched.io_memory = us_to_tsc(SCHED_IO_MEMORY_US);
	sched.pull_lag = SCHED_PULL_LAG_SLICES * slice;
	sched.lag_max = SCHED_LAG_MAX_SLICES * slice;
	sched.starving = us_to_tsc(SCHED_STARVING_US);
	sched.starving_run = us_to_tsc(SCHED_STARVING_RUN_US);
	sched.delay_min = us_to_tsc(SCHED_WORK_DELAY_MIN_US);
	sched.help_after = us_to_tsc(SCHED_HELP_AFTER_US);
	sched.device_delay = us_to_tsc(SCHED_DEVICE_DELAY_US);
	/* With one core nobody could take the packets earlier: a whole slice. */
	sched.delay_max = s->nr_cores == 1 ? slice : us_to_tsc(SCHED_WORK_DELAY_MAX_US);
	sched.steal_after[DIST_PACKAGE_OR_NODE] = plain ? 0 : us_to_tsc(SCHED_STEAL_NODE_US);
	sched.steal_after[DIST_FAR] = plain ? 0 : us_to_tsc(SCHED_STEAL_FAR_US);
	sched.borrow_rate = (struct bucket_rate){ SCHED_BORROW_PERCENT,
		(int64_t)us_to_tsc(SCHED_BORROW_BURST_US) };
	sched.lend_rate = (struct bucket_rate){ 2 * SCHED_BORROW_PERCENT,
		2 * (int64_t)us_to_tsc(SCHED_BORROW_BURST_US) };
}

static void core_init(struct sched_core *c)
{
	c->worker.wake = pace_worker_woken;
	c->worker.charge = account_charge;
	c->next_timer_tsc = SCHED_NO_TIMER;
}

int sched_init(const struct sched_setup *setup)
{
	uint64_t bytes = ALIGN_UP(setup->nr_cores * sizeof(*sched.core), (uint64_t)PAGE_SIZE);

	if (setup->nr_cores > CORE_SET_MAX)
		return -EINVAL;
	sched = (struct sched_machine){ .nr = setup->nr_cores,
		.policy = setup->policy,
		.credit_stealing = setup->credit_stealing && setup->policy == SCHED_FULL,
		.smt_isolation = setup->smt_isolation,
		.housekeeping = setup->housekeeping };
	sched.core = page_alloc((unsigned)(bytes / PAGE_SIZE));
	if (!sched.core)
		return -ENOMEM;
	if (setup->topology)
		sched.topology = *setup->topology;
	else
		topology_flat(&sched.topology, setup->nr_cores);
	set_constants(setup);
	for (unsigned i = 0; i < sched.nr; i++)
		core_init(&sched.core[i]);
	place_init(setup->cache_aware && setup->policy == SCHED_FULL);
	return 0;
}

struct worker *sched_worker(unsigned core)
{
	return &sched.core[core < sched.nr ? core : 0].worker;
}

void sched_kick(unsigned core)
{
	smp_kick(core);
}

/* ---- For run() ---- */

uint64_t sched_yield_tsc(void)
{
	const struct sched_core *c = this_core();

	return MIN(c->yield_tsc, load_relaxed(&c->next_timer_tsc));
}

void sched_poll(void)
{
	struct sched_core *c = this_core();
	uint32_t poked;

	if (__builtin_expect(!load_relaxed(&c->poked), 1))
		return;
	poked = atomic_xchg(&c->poked, 0u);
	yield_by(c, poked & POKE_YIELD ? 0 : rdtsc() + sched.slice);
}

/* ---- The next one ---- */

/* In the order of the queue, unless somebody has waited for too long. */
static struct sched_entity *next_of(const struct sched_core *c, uint64_t now, bool *starving)
{
	struct sched_entity *oldest = c->queued.head;

	for (struct sched_entity *e = oldest; e; e = e->next)
		if ((int64_t)(e->queued_since_tsc - oldest->queued_since_tsc) < 0)
			oldest = e;
	*starving = oldest && now - oldest->queued_since_tsc > sched.starving;
	return *starving ? oldest : c->queued.head;
}

/* A slice, if anybody waits anywhere: whoever waits may be owed this core. */
static uint64_t turn_of(const struct sched_entity *e, bool starving)
{
	uint64_t turn = core_set_is_empty(&sched.waiting) ? sched.long_slice : sched.slice;

	if (e->boosted)
		turn = MIN(turn, sched.boost_run);
	if (e->left_ticks)
		turn = MIN(turn, e->left_ticks);
	if (starving)
		turn = MIN(turn, sched.starving_run);
	return MIN(turn, account_cap_ticks(e));
}

static void begin_turn(struct sched_core *c, struct sched_entity *e, uint64_t now, bool starving)
{
	help_end(c);
	run_queue_remove(c, e);
	store_release(&e->state, SCHED_RUNNING);
	core_set_current(c, e, now);
	e->turn_end_tsc = now + turn_of(e, starving);
	e->left_ticks = 0;
	store_relaxed(&c->yield_tsc, e->turn_end_tsc);
	e->waited_ticks += now - e->queued_since_tsc;
	wait_measure(e, now);
	wait_publish_all(c, now);
}

/* Under c's lock: an idle core for something that has to wait here. What is resident now will not
 * be for long: another entity is about to take its place. */
static unsigned find_helper(const struct sched_core *c)
{
	unsigned idle = SCHED_NO_CORE;

	for (const struct sched_entity *e = c->queued.head; e && idle == SCHED_NO_CORE; e = e->next)
		idle = place_claim_idle(e, index_of(c), DIST_FAR);
	return idle;
}

/* *blocked: there is one, but a thread of the same core runs another group. */
static struct sched_entity *pick(struct sched_core *c, uint64_t now, bool *blocked)
{
	unsigned helper = SCHED_NO_CORE;
	struct sched_entity *e;
	bool starving;

	spin_lock(&c->lock);
	e = next_of(c, now, &starving);
	*blocked = !smt_enter(c, e);
	if (*blocked) {
		helper = find_helper(c);
		e = NULL;
	} else if (e) {
		begin_turn(c, e, now, starving);
		helper = find_helper(c);
	}
	spin_unlock(&c->lock);
	if (helper != SCHED_NO_CORE)
		smp_kick(helper);
	return e;
}

/* Packet work or housekeeping does not end a boosted turn, nor any in a round robin: the rest of it
 * comes at once afterwards, of a slice: others may wait by now. Nor the first millisecond of one
 * that does I/O: packets that were put into this core's cache for it would grow old. */
static void keep_turn(const struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	uint64_t end = MIN(e->turn_end_tsc, c->picked_tsc + sched.slice);

	if (sched.policy == SCHED_FULL && !e->boosted && does_io(e, now)) {
		end = MIN(end, c->picked_tsc + sched.boost_run);
		e->boosted = true;
	}
	if ((sched.policy == SCHED_ROUND_ROBIN || e->boosted) && now < end)
		e->left_ticks = end - now;
}

static void put_back(struct sched_core *c, struct sched_entity *e, enum sched_result result)
{
	uint64_t now = rdtsc();

	smt_leave(c, e);
	spin_lock(&c->lock);
	core_clear_current(c);
	account_run(c, e, now - c->picked_tsc);
	store_relaxed(&c->ran_tsc, now);
	help_review(c, e, now);
	if (result == SCHED_YIELD)
		keep_turn(c, e, now);
	e->boosted = e->boosted && e->left_ticks;
	if (result == SCHED_SLEEP) {
		store_release(&e->state, SCHED_ASLEEP);
		hint_publish(&e->hint, HINT_ASLEEP, index_of(c), 0);
		smp_mb(); /* against sched_wake() */
		if (!load_acquire(&e->wake_pending)) {
			queue_insert(&c->sleepers, e);
			timer_sooner(c, e->timer_tsc);
			spin_unlock(&c->lock);
			return;
		}
	}
	e->queued_since_tsc = now;
	enqueue(c, e, now);
	spin_unlock(&c->lock);
}

/* What packet code left until now. It sees RUNNING, or we see what it left: hint_hold(). */
static void do_held_work(struct sched_core *c, struct sched_entity *e)
{
	smp_mb();
	if (!hint_take_held(&e->hint) || !e->held_work)
		return;
	e->held_work(e);
	pace_run_worker(c);
	spin_lock(&c->lock);
	c->picked_tsc = rdtsc(); /* the worker has charged for itself */
	spin_unlock(&c->lock);
}

static void run_entity(struct sched_core *c, struct sched_entity *e)
{
	hint_publish(&e->hint, HINT_RUNNING, index_of(c), 0);
	do_held_work(c, e);
	sched_forget_wake(e);
	e->nr_switches++;
	e->stats.nr_migrations += e->ran_on != index_of(c);
	e->ran_on = index_of(c);
	c->stats.nr_switches++;
	put_back(c, e, e->run(e));
}

static void halt_until(uint64_t tsc)
{
	if (tsc != SCHED_NO_TIMER)
		apic_timer_arm_tsc(tsc);
	cpu_halt_until_interrupt();
	if (tsc != SCHED_NO_TIMER)
		apic_timer_disarm();
}

static uint64_t next_event(const struct sched_core *c)
{
	uint64_t next = load_relaxed(&c->next_timer_tsc);

	return index_of(c) == 0 ? MIN(next, c->next_housekeeping_tsc) : next;
}

/* Packet work that is polled is soon over, but for a helper's: others wait no longer for that. */
static bool may_steal(const struct sched_core *c)
{
	return !worker_pending(&c->worker) || load_relaxed(&c->helps);
}

static void go_idle(struct sched_core *c)
{
	uint64_t start = rdtsc(), again = next_event(c);

	core_set_atomic_add(&sched.idle, index_of(c));
	smp_mb(); /* a waker sees us idle, or we see what it queued */
	if (!load_relaxed(&c->queued.nr) && may_steal(c) && !steal(c, &again) &&
		!worker_pending(&c->worker))
		halt_until(again);
	core_set_atomic_remove(&sched.idle, index_of(c));
	c->idle_tsc = rdtsc();
	c->stats.idle_ticks += c->idle_tsc - start;
}

/* What would run next has to wait for another thread of this core, for a slice or so. */
static void wait_outside(struct sched_core *c)
{
	uint64_t start = rdtsc();

	store_release(&c->smt_blocked, true);
	smp_mb(); /* who changes the gate sees us blocked, or we see the gate */
	if (!smt_allows(c, c->smt_group) && !worker_pending(&c->worker))
		halt_until(MIN(next_event(c), start + sched.slice));
	store_release(&c->smt_blocked, false);
	c->stats.idle_ticks += rdtsc() - start;
	c->stats.smt_blocked_ticks += rdtsc() - start;
}

void sched_run_once(void)
{
	struct sched_core *c = this_core();
	struct sched_entity *e;
	bool blocked;
	uint64_t now;

	/* A busy worker never halts, and a guest whose every entry faults takes no interrupt. */
	cpu_take_interrupts();
	store_relaxed(&c->poked, 0u);
	now = rdtsc();
	if (index_of(c) == 0 && now >= c->next_housekeeping_tsc)
		c->next_housekeeping_tsc = now + us_to_tsc(sched.housekeeping());
	if (worker_pending(&c->worker))
		pace_run_worker(c);
	now = rdtsc();
	wake_due(c, now);
	balance(c, now);
	e = pick(c, now, &blocked);
	if (!e) {
		if (blocked)
			wait_outside(c);
		else
			go_idle(c);
		return;
	}
	if (index_of(c) == 0)
		yield_by(c, c->next_housekeeping_tsc);
	if (worker_queued(&c->worker)) /* work without end: the guest gets on all the same */
		yield_by(c, now + MAX(c->work_delay_ticks, sched.delay_min));
	else if (worker_pending(&c->worker))
		yield_by(c, now + pace_delay(c, e, now));
	run_entity(c, e);
}

_Noreturn void sched_run_core(void)
{
	for (;;)
		sched_run_once();
}

void sched_stats(unsigned core, struct sched_core_stats *s)
{
	const struct sched_core *c = &sched.core[core];

	*s = c->stats;
	s->nr_queued = load_relaxed(&c->queued.nr) + load_relaxed(&c->throttled.nr);
	s->idle = core_set_has(&sched.idle, core);
}
