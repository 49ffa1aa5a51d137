/* Run queues, sleep and wake-up; see sched.h. Locks: one per core, never two at a time. */
#include "sched/sched.h"

#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mem/page_alloc.h"
#include "sched/queue.h"

#define LONG_SLICE_US	    100000 /* when nobody else waits */
#define WAKE_GRANULARITY_US 1000   /* a woken entity must be this far behind to preempt */
#define WORK_DELAY_MIN_US   20	   /* how long a guest may go on after it queued packets, */
#define WORK_DELAY_MAX_US   1000   /* if that fills a batch */
#define WORK_BATCH	    16	   /* packets that are enough */
#define WORK_PROBE_RUNS	    64	   /* runs of one packet before the delay is tried again */
#define WORKER_PASSES	    8	   /* before a guest gets its turn */
#define DEFAULT_WEIGHT	    256

struct sched_core {
	struct spinlock lock; /* queued, sleepers, and the entities whose `core` this is */
	struct sched_queue queued, sleepers;
	struct sched_entity *current;
	uint64_t picked_tsc; /* since when it is the current one */
	uint64_t min_vruntime;
	uint64_t yield_tsc; /* the core's own */
	uint64_t next_timer_tsc;
	uint64_t work_delay_ticks; /* see adapt_delay() */
	uint64_t last_work_tsc;
	unsigned work_probe;
	uint64_t next_housekeeping_tsc;
	bool idle;  /* atomic */
	bool poked; /* atomic: another core queued something here */
	struct sched_core_stats stats;
	struct worker worker;
} __cacheline_aligned;

static struct sched_core *cores;
static unsigned nr;
static uint64_t slice_ticks, long_slice_ticks, wake_ticks, delay_min_ticks, delay_max_ticks;
static uint64_t (*do_housekeeping)(void);

static struct sched_core *this_core(void)
{
	return &cores[this_cpu()->index];
}

static unsigned index_of(const struct sched_core *c)
{
	return (unsigned)(c - cores);
}

/* Packets were queued for this core's worker. Its own guest may fill the batch a little longer;
 * another core has sent us here by an interrupt that is already paid for. */
static void worker_woken(struct worker *wk)
{
	struct sched_core *c = CONTAINER_OF(wk, struct sched_core, worker);

	if (c == this_core()) {
		c->yield_tsc = load_relaxed(&wk->eager_queued)
				       ? 0
				       : MIN(c->yield_tsc, rdtsc() + c->work_delay_ticks);
		return;
	}
	store_release(&c->poked, true);
	smp_mb();
	sched_kick(index_of(c));
}

static struct sched_entity *entity_of(const struct sched_hint *h)
{
	return CONTAINER_OF(h, struct sched_entity, hint);
}

static void worker_charge(struct worker *wk, const struct sched_hint *who, uint64_t ticks)
{
	(void)wk;
	if (who)
		(void)atomic_fetch_add(&entity_of(who)->stats.charged_ticks, ticks);
}

int sched_init(const struct sched_setup *setup)
{
	uint64_t bytes = ALIGN_UP(setup->nr_cores * sizeof(*cores), (uint64_t)PAGE_SIZE);

	if (setup->nr_cores > CORE_SET_MAX)
		return -EINVAL;
	cores = page_alloc((unsigned)(bytes / PAGE_SIZE));
	if (!cores)
		return -ENOMEM;
	nr = setup->nr_cores;
	slice_ticks = us_to_tsc(setup->slice_us);
	long_slice_ticks = us_to_tsc(LONG_SLICE_US);
	wake_ticks = us_to_tsc(WAKE_GRANULARITY_US);
	delay_min_ticks = us_to_tsc(WORK_DELAY_MIN_US);
	/* With one core nobody could take the packets earlier: a whole slice. */
	delay_max_ticks = nr == 1 ? slice_ticks : us_to_tsc(WORK_DELAY_MAX_US);
	do_housekeeping = setup->housekeeping;
	for (unsigned i = 0; i < nr; i++) {
		cores[i].worker.wake = worker_woken;
		cores[i].worker.charge = worker_charge;
		cores[i].next_timer_tsc = SCHED_NO_TIMER;
	}
	return 0;
}

struct worker *sched_worker(unsigned core)
{
	return &cores[core < nr ? core : 0].worker;
}

void sched_kick(unsigned core)
{
	smp_kick(core);
}

static struct sched_core *lock_home(struct sched_entity *e)
{
	for (;;) {
		unsigned i = load_acquire(&e->core);

		spin_lock(&cores[i].lock);
		if (load_relaxed(&e->core) == i)
			return &cores[i];
		spin_unlock(&cores[i].lock);
	}
}

static bool may_run_on(const struct sched_entity *e, unsigned core)
{
	return core_set_has(&e->cores, core);
}

static unsigned load_of(unsigned core)
{
	const struct sched_core *c = &cores[core];

	return load_relaxed(&c->queued.nr) + (load_relaxed(&c->current) != NULL);
}

static unsigned least_loaded(const struct sched_entity *e)
{
	unsigned best = nr;

	for (unsigned i = 0; i < nr; i++)
		if (may_run_on(e, i) &&
			(best == nr ||
				load_of(i) + load_relaxed(&cores[i].sleepers.nr) <
					load_of(best) + load_relaxed(&cores[best].sleepers.nr)))
			best = i;
	return best == nr ? 0 : best;
}

void sched_add(struct sched_entity *e)
{
	struct core_set exist = core_set_below(nr), usable = core_set_and(&e->cores, &exist);
	struct sched_core *c;

	if (core_set_is_empty(&usable))
		e->cores = CORE_SET_ALL; /* none of the cores that were asked for exists */
	e->core = least_loaded(e);
	e->state = SCHED_ASLEEP;
	e->timer_tsc = SCHED_NO_TIMER;
	c = lock_home(e);
	e->vruntime = c->min_vruntime;
	queue_insert(&c->sleepers, e);
	hint_publish(&e->hint, HINT_ASLEEP, e->core, 0);
	spin_unlock(&c->lock);
}

void sched_remove(struct sched_entity *e)
{
	struct sched_core *c = lock_home(e);

	ASSERT(e->state == SCHED_ASLEEP);
	queue_remove(&c->sleepers, e);
	spin_unlock(&c->lock);
}

/* Under c's lock. A sleeper keeps what it has saved up only within bounds. */
static void enqueue(struct sched_core *c, struct sched_entity *e)
{
	uint64_t floor = c->min_vruntime - slice_ticks;

	if ((int64_t)(e->vruntime - floor) < 0)
		e->vruntime = floor;
	store_release(&e->core, index_of(c));
	e->queued_since_tsc = rdtsc();
	store_relaxed(&e->state, SCHED_QUEUED);
	queue_insert(&c->queued, e);
	hint_publish(&e->hint, HINT_QUEUED, e->core,
		(uint32_t)tsc_to_us(slice_ticks) * (c->queued.nr - 1 + (c->current != NULL)));
}

static uint64_t weighted(const struct sched_entity *e, uint64_t ticks)
{
	return ticks * DEFAULT_WEIGHT / MAX(e->weight, 1u);
}

/* Whether e, just queued on c, should run at once. Only ever brings the yield nearer. */
static void consider_preemption(struct sched_core *c, const struct sched_entity *e)
{
	const struct sched_entity *cur = c->current;
	uint64_t now = rdtsc(), had = 0;

	if (c != this_core()) {
		store_release(&c->poked, true);
		return;
	}
	if (cur)
		had = cur->vruntime + weighted(cur, now - c->picked_tsc);
	if (cur && (int64_t)(had - e->vruntime) > (int64_t)wake_ticks)
		c->yield_tsc = 0;
	else
		c->yield_tsc = MIN(c->yield_tsc, now + slice_ticks);
}

static struct sched_core *find_idle(const struct sched_entity *e)
{
	for (unsigned i = 0; i < nr; i++)
		if (may_run_on(e, i) && load_relaxed(&cores[i].idle))
			return &cores[i];
	return NULL;
}

/* A sleeper becomes runnable; c is its home and locked. Returns the core to kick, or NULL. */
static struct sched_core *make_runnable(struct sched_core *c, struct sched_entity *e)
{
	struct sched_core *idle = NULL;

	queue_remove(&c->sleepers, e);
	enqueue(c, e);
	consider_preemption(c, e);
	if ((c->current || c == this_core()) && !e->resident(e))
		idle = find_idle(e); /* it comes and takes it */
	if (c == this_core())
		return idle;
	return idle ? idle : c;
}

void sched_wake(struct sched_entity *e)
{
	struct sched_core *c, *kick = NULL;

	store_release(&e->wake_pending, true);
	smp_mb();
	if (load_acquire(&e->state) != SCHED_ASLEEP)
		return;
	c = lock_home(e);
	if (e->state == SCHED_ASLEEP) {
		store_release(&e->wake_pending, false);
		kick = make_runnable(c, e);
	}
	spin_unlock(&c->lock);
	if (kick)
		sched_kick(index_of(kick));
}

void sched_wake_io(struct sched_entity *e)
{
	sched_wake(e);
}

uint64_t sched_place(struct sched_hint *h, unsigned near_core)
{
	uint64_t word = hint_read(h);
	const struct sched_core *c = &cores[hint_core(word)];
	unsigned waiting;

	(void)near_core; /* its home it is */
	if (hint_state(word) != HINT_ASLEEP)
		return word;
	waiting = load_of(hint_core(word));
	if (!waiting || load_relaxed(&c->idle))
		return hint_pack(HINT_RUNNING, hint_core(word), 0);
	return hint_pack(HINT_QUEUED, hint_core(word), (uint32_t)tsc_to_us(slice_ticks) * waiting);
}

void sched_forget_wake(struct sched_entity *e)
{
	(void)atomic_xchg(&e->wake_pending, false);
}

uint64_t sched_yield_tsc(void)
{
	const struct sched_core *c = this_core();

	return MIN(c->yield_tsc, c->next_timer_tsc);
}

void sched_poll(void)
{
	struct sched_core *c = this_core();

	if (__builtin_expect(load_relaxed(&c->poked), 0)) {
		store_relaxed(&c->poked, false);
		c->yield_tsc = 0;
	}
}

/* Timers of sleepers: makes the due ones runnable, leaves the nearest in next_timer_tsc. */
static void wake_due(struct sched_core *c, uint64_t now)
{
	uint64_t next = SCHED_NO_TIMER;
	struct sched_entity *e, *following;

	spin_lock(&c->lock);
	for (e = c->sleepers.head; e; e = following) {
		following = e->next;
		if (e->timer_tsc <= now)
			(void)make_runnable(c, e);
		else
			next = MIN(next, e->timer_tsc);
	}
	c->next_timer_tsc = next;
	spin_unlock(&c->lock);
}

/* Under c's lock: an idle core for something that has to wait here. What is resident now will not
 * be for long: another entity is about to take its place. */
static struct sched_core *find_helper(const struct sched_core *c)
{
	struct sched_core *idle = NULL;

	for (const struct sched_entity *e = c->queued.head; e && !idle; e = e->next)
		idle = find_idle(e);
	return idle;
}

static struct sched_entity *pick(struct sched_core *c, uint64_t now)
{
	struct sched_core *helper = NULL;
	struct sched_entity *e;

	spin_lock(&c->lock);
	e = queue_least(&c->queued);
	if (e) {
		queue_remove(&c->queued, e);
		store_release(&e->state, SCHED_RUNNING);
		store_relaxed(&c->current, e);
		c->picked_tsc = now;
		e->waited_ticks += now - e->queued_since_tsc;
		if ((int64_t)(e->vruntime - c->min_vruntime) > 0)
			c->min_vruntime = e->vruntime;
		c->yield_tsc = now + (c->queued.nr ? slice_ticks : long_slice_ticks);
		helper = find_helper(c);
	}
	spin_unlock(&c->lock);
	if (helper)
		sched_kick(index_of(helper));
	return e;
}

static void put_back(struct sched_core *c, struct sched_entity *e, enum sched_result result)
{
	spin_lock(&c->lock);
	store_relaxed(&c->current, NULL);
	if (result == SCHED_SLEEP) {
		store_release(&e->state, SCHED_ASLEEP);
		hint_publish(&e->hint, HINT_ASLEEP, index_of(c), 0);
		smp_mb(); /* against sched_wake() */
		if (!load_acquire(&e->wake_pending)) {
			queue_insert(&c->sleepers, e);
			c->next_timer_tsc = MIN(c->next_timer_tsc, e->timer_tsc);
			spin_unlock(&c->lock);
			return;
		}
	}
	enqueue(c, e);
	spin_unlock(&c->lock);
}

/* Takes one entity from another core's queue. */
static bool steal(struct sched_core *c)
{
	struct sched_entity *e;

	for (unsigned n = 1; n < nr; n++) {
		struct sched_core *victim = &cores[(index_of(c) + n) % nr];

		if (!load_relaxed(&victim->queued.nr))
			continue;
		spin_lock(&victim->lock);
		for (e = victim->queued.head; e; e = e->next)
			if (may_run_on(e, index_of(c)) && !e->resident(e))
				break;
		if (e) {
			queue_remove(&victim->queued, e);
			e->vruntime += c->min_vruntime - victim->min_vruntime;
			store_release(&e->core, index_of(c));
		}
		spin_unlock(&victim->lock);
		if (!e)
			continue;
		spin_lock(&c->lock);
		enqueue(c, e);
		spin_unlock(&c->lock);
		c->stats.nr_stolen++;
		return true;
	}
	return false;
}

static void idle(struct sched_core *c)
{
	uint64_t start = rdtsc(), wake = c->next_timer_tsc;

	if (index_of(c) == 0)
		wake = MIN(wake, c->next_housekeeping_tsc);
	store_release(&c->idle, true);
	smp_mb(); /* a waker sees idle, or we see what it queued */
	if (!load_relaxed(&c->queued.nr) && !worker_pending(&c->worker) && !steal(c)) {
		if (wake != SCHED_NO_TIMER)
			apic_timer_arm_tsc(wake);
		cpu_halt_until_interrupt();
		if (wake != SCHED_NO_TIMER)
			apic_timer_disarm();
	}
	store_release(&c->idle, false);
	c->stats.idle_ticks += rdtsc() - start;
}

/* As interrupt moderation does it: a guest that streams is given time to fill a batch, one that
 * sends a packet and waits for the answer is not kept waiting. A guest that halts ends the delay
 * anyway. Whether packets stream shows only when there is a delay, so one is tried now and then. */
static void adapt_delay(struct sched_core *c, uint64_t packets, uint64_t now)
{
	uint64_t gap = now - c->last_work_tsc;

	if (packets == 0)
		return;
	c->last_work_tsc = now;
	if (packets > 1) {
		if (packets < WORK_BATCH)
			c->work_delay_ticks =
				MIN(MAX(2 * c->work_delay_ticks, delay_min_ticks), delay_max_ticks);
	} else if (c->work_delay_ticks) {
		c->work_delay_ticks /= 2;
		if (c->work_delay_ticks < delay_min_ticks) {
			c->work_delay_ticks = 0;
			c->work_probe = WORK_PROBE_RUNS;
		}
	} else if (c->work_probe) {
		c->work_probe--;
	} else if (gap < delay_max_ticks / 4) {
		c->work_delay_ticks = MAX(2 * gap, delay_min_ticks);
	}
}

static void run_worker(struct sched_core *c)
{
	uint64_t start = rdtsc(), before = c->worker.frames;

	/* One item's work is another's cause: transmit, then receive, then completion. */
	(void)worker_run(&c->worker);
	for (unsigned pass = 0; pass < WORKER_PASSES && worker_queued(&c->worker); pass++)
		(void)worker_run_queued(&c->worker);
	adapt_delay(c, c->worker.frames - before, start);
	c->stats.worker_ticks += rdtsc() - start;
}

static void run_entity(struct sched_core *c, struct sched_entity *e, uint64_t now)
{
	enum sched_result result;
	uint64_t ran;

	hint_publish(&e->hint, HINT_RUNNING, index_of(c), 0);
	smp_mb(); /* against hint_hold() */
	if (hint_take_held(&e->hint) && e->held_work) {
		e->held_work(e);
		run_worker(c);
		now = rdtsc();
	}
	sched_forget_wake(e);
	e->nr_switches++;
	c->stats.nr_switches++;
	result = e->run(e);
	ran = rdtsc() - now;
	e->ran_ticks += ran;
	e->vruntime += weighted(e, ran);
	c->stats.entity_ticks += ran;
	put_back(c, e, result);
}

void sched_run_once(void)
{
	struct sched_core *c = this_core();
	struct sched_entity *e;
	uint64_t now;

	/* A busy worker never halts, and a guest whose every entry faults takes no interrupt. */
	cpu_take_interrupts();
	store_relaxed(&c->poked, false);
	now = rdtsc();
	if (index_of(c) == 0 && now >= c->next_housekeeping_tsc)
		c->next_housekeeping_tsc = now + us_to_tsc(do_housekeeping());
	if (worker_pending(&c->worker))
		run_worker(c);
	now = rdtsc();
	wake_due(c, now);
	e = pick(c, now);
	if (!e) {
		idle(c);
		return;
	}
	if (index_of(c) == 0)
		c->yield_tsc = MIN(c->yield_tsc, c->next_housekeeping_tsc);
	if (worker_pending(&c->worker))
		c->yield_tsc = MIN(c->yield_tsc, now + c->work_delay_ticks);
	run_entity(c, e, now);
}

_Noreturn void sched_run_core(void)
{
	for (;;)
		sched_run_once();
}

void sched_stats(unsigned core, struct sched_core_stats *s)
{
	*s = cores[core].stats;
	s->nr_queued = load_relaxed(&cores[core].queued.nr);
	s->idle = load_relaxed(&cores[core].idle);
}
