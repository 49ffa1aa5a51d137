/* The scheduler's inside: what a core has, and what its files offer each other. Used by hv/sched
 * only.
 *
 * Locks: one per core, never two at a time. An entity that goes from one core to another is in
 * nobody's list meanwhile, its state is not ASLEEP, and its virtual run time is the machine's. */
#ifndef SLUICE_SCHED_CORE_H
#define SLUICE_SCHED_CORE_H

#include "cpu/hw.h"
#include "cpu/percpu.h"
#include "lib/spinlock.h"
#include "sched/queue.h"
#include "sched/sched.h"

#define SCHED_DEFAULT_WEIGHT 256u
#define SCHED_NO_CORE	     CORE_SET_MAX

/* What another core asks of one that runs an entity; bits of `poked`. */
#define POKE_YIELD BIT32(0) /* come back at once */
#define POKE_SLICE BIT32(1) /* somebody waits: no longer than a slice from now */

struct sched_core {
	struct spinlock lock; /* the lists, vclock, vbase, and the entities whose `core` this is */
	struct sched_queue queued; /* in the order in which they will run */
	struct sched_queue sleepers, throttled;
	struct sched_entity *current; /* read without the lock too */
	uint64_t picked_tsc;	      /* since when it is the current one */
	uint64_t vclock;	      /* virtual run time of the one picked last; never goes back */
	uint64_t vbase;		      /* plus a virtual run time of this core: the machine's */
	uint64_t load;	/* weights of the queued and the current one; read without the lock too */
	uint64_t due_v; /* atomic; virtual time at which the first queued one may be pulled */

	uint64_t next_timer_tsc; /* written under the lock, read by the core without it */

	/* The core's own. */
	uint64_t yield_tsc; /* read by others as a guess */
	uint64_t next_housekeeping_tsc;
	uint64_t next_balance_tsc;
	uint64_t work_delay_ticks, last_work_tsc; /* pace.c */
	unsigned work_probe;
	struct sched_core_stats stats;

	uint64_t idle_tsc;	    /* the core's own: when it last had nothing to do */
	uint64_t ran_tsc;	    /* atomic: when an entity last gave it back */
	struct sched_entity *helps; /* atomic: whose packet work it does; help.c */

	uint32_t poked; /* atomic: POKE_* */
	struct worker worker;

	uint64_t smt_gate;  /* atomic: smt.c */
	uint32_t smt_group; /* for which the core waits outside, or that it let in last */
	bool smt_waits;	    /* it asked for smt_group in vain */
	bool smt_blocked;   /* atomic: it waits outside and may halt */

	struct core_set siblings;		 /* other threads of the core; constant */
	struct core_set within[SCHED_DISTANCES]; /* other cores up to that distance; constant */
} __cacheline_aligned;

/* Constants after sched_init(), in ticks, but for the two sets. */
struct sched_machine {
	struct sched_core *core;
	unsigned nr;
	enum sched_policy policy;
	bool credit_stealing, smt_isolation;
	uint64_t (*housekeeping)(void);
	uint64_t slice, long_slice, wake_granularity, boost_run, io_memory;
	uint64_t pull_lag, lag_max, starving, starving_run, delay_min, delay_max, device_delay;
	uint64_t help_after;
	uint64_t steal_after[SCHED_DISTANCES];
	struct bucket_rate borrow_rate, lend_rate;
	struct sched_topology topology;
	struct core_set helpers;		     /* sched_may_help() */
	struct core_set idle __cacheline_aligned;    /* atomic */
	struct core_set waiting __cacheline_aligned; /* atomic; cores with something queued */
};

extern struct sched_machine sched;

static inline struct sched_core *this_core(void)
{
	return &sched.core[this_cpu()->index];
}

static inline unsigned index_of(const struct sched_core *c)
{
	return (unsigned)(c - sched.core);
}

static inline struct sched_entity *entity_of(const struct sched_hint *h)
{
	return CONTAINER_OF(h, struct sched_entity, hint);
}

static inline uint64_t weighted(const struct sched_entity *e, uint64_t ticks)
{
	return ticks * SCHED_DEFAULT_WEIGHT / MAX(e->weight, 1u);
}

static inline bool may_run_on(const struct sched_entity *e, unsigned core)
{
	return core_set_has(&e->cores, core);
}

/* The core wants to be given back by then. */
static inline void yield_by(struct sched_core *c, uint64_t tsc)
{
	store_relaxed(&c->yield_tsc, MIN(c->yield_tsc, tsc));
}

/* Under c's lock: something there waits for a time. */
static inline void timer_sooner(struct sched_core *c, uint64_t tsc)
{
	store_relaxed(&c->next_timer_tsc, MIN(c->next_timer_tsc, tsc));
}

/* Nothing runs there or waits to; without the lock a guess. */
static inline bool core_is_free(const struct sched_core *c)
{
	return !load_relaxed(&c->current) && !load_relaxed(&c->queued.nr);
}

static inline bool does_io(const struct sched_entity *e, uint64_t now)
{
	uint64_t last = load_relaxed(&e->last_io_tsc);

	return last && now - last < sched.io_memory;
}

/* Locks the core that the entity belongs to. It may have been moved meanwhile. */
struct sched_core *lock_home(struct sched_entity *e);

/* ---- run_queue.c: under c's lock ---- */

void run_queue_insert(struct sched_core *c, struct sched_entity *e);
void run_queue_remove(struct sched_core *c, struct sched_entity *e);
/* An entity begins to run, or has run. */
void core_set_current(struct sched_core *c, struct sched_entity *e, uint64_t now);
void core_clear_current(struct sched_core *c);

/* Virtual time there: never goes back. */
uint64_t core_clock(const struct sched_core *c, uint64_t now);

/* By how much the virtual run time of the lightest entity there jumps in a slice. */
uint64_t core_stride(const struct sched_core *c);

/* Takes e out of c's account, its virtual run time becomes the machine's, it belongs to core `to`;
 * and the other end of the way, under that core's lock. */
void entity_leave(struct sched_core *c, struct sched_entity *e, unsigned to);
void entity_arrive(struct sched_core *c, struct sched_entity *e);

/* e, in no list, becomes QUEUED on c, or waits until its cap allows it. */
void enqueue(struct sched_core *c, struct sched_entity *e, uint64_t now);
/* Those whose cap allows it again. Returns when the next one will be, or SCHED_NO_TIMER. */
uint64_t unthrottle_due(struct sched_core *c, uint64_t now);

/* ---- account.c: under c's lock, e in no list ---- */

void account_start(struct sched_entity *e);
/* It has run. */
void account_run(struct sched_core *c, struct sched_entity *e, uint64_t ran);
/* Packet work that was done for it meanwhile. */
void account_settle(struct sched_core *c, struct sched_entity *e, uint64_t now);
/* It has had more than its cap until e->eligible_tsc. */
bool account_at_cap(struct sched_entity *e, uint64_t now);
/* How long it may run before it reaches its cap. */
uint64_t account_cap_ticks(const struct sched_entity *e);
/* Virtual run time of the current one, up to now. */
uint64_t account_current(const struct sched_core *c, uint64_t now);
/* Any core, without a lock: struct worker's charge(). */
void account_charge(struct worker *wk, const struct sched_hint *who, uint64_t ticks);

/* ---- wait.c: under c's lock ---- */

/* Ticks until e would run if it were queued on c now. */
uint64_t wait_expected(const struct sched_core *c, const struct sched_entity *e, uint64_t now);
void wait_publish(struct sched_core *c, struct sched_entity *e, uint64_t now);
/* The same for all that go on waiting, nearer to their turn now. */
void wait_publish_all(struct sched_core *c, uint64_t now);
void wait_measure(struct sched_entity *e, uint64_t now);

/* ---- wake.c: under c's lock ---- */

/* e would take the core from the current one. */
bool would_preempt(const struct sched_core *c, const struct sched_entity *e, uint64_t now);
/* Virtual run time of a sleeper as it would count on c, and whether I/O would boost it. */
void wake_prepare(const struct sched_core *c, struct sched_entity *e, bool io, uint64_t now);
/* e was queued on c: whoever runs there learns it. True: send it an interrupt when the lock is
 * released. */
bool preempt_for(struct sched_core *c, const struct sched_entity *e, uint64_t now) __must_check;
/* A sleeper that is in no list becomes runnable on c or, for want of place, elsewhere. Releases the
 * lock. */
void make_runnable(struct sched_core *c, struct sched_entity *e, uint64_t now);
/* Sleepers whose timer is due. Takes the lock. */
void wake_due(struct sched_core *c, uint64_t now);

/* ---- place.c ---- */

void place_init(bool cache_aware);
/* The idle core for e that is nearest to `near`, if any is within `max`, taken out of the idle
 * ones: the caller has to queue something there or to kick it. SCHED_NO_CORE: none. */
unsigned place_claim_idle(
	const struct sched_entity *e, unsigned near, enum sched_distance max) __must_check;
/* The same for one core: true if it was idle. */
bool place_claim(unsigned core) __must_check;
/* The first of `s`, from `near` on, of whose threads none is busy. SCHED_NO_CORE: none. */
unsigned place_wholly_idle(const struct core_set *s, unsigned near);

/* ---- help.c ---- */

/* Under c's lock: e has just run there. */
void help_review(const struct sched_core *c, struct sched_entity *e, uint64_t now);
/* The core itself: it has somebody to run. */
void help_end(struct sched_core *helper);

/* ---- steal.c: takes locks, call with none ---- */

/* For an idle core: takes an entity over; true if it did. Else *again is brought forward to when it
 * should be tried again. */
bool steal(struct sched_core *c, uint64_t *again) __must_check;
/* For a busy one: takes over whoever is owed more than its own. */
void balance(struct sched_core *c, uint64_t now);

/* ---- smt.c: any lock may be held ---- */

/* Whether an entity of that group could go in on c now. */
bool smt_allows(const struct sched_core *c, uint32_t group);
/* Before e runs on c, NULL if nothing does; and when it has run. False: c has to wait outside. */
bool smt_enter(struct sched_core *c, const struct sched_entity *e) __must_check;
void smt_leave(struct sched_core *c, const struct sched_entity *e);

/* ---- pace.c ---- */

void pace_worker_woken(struct worker *wk);
void pace_run_worker(struct sched_core *c);
/* How long e may run before polled work is looked at. */
uint64_t pace_delay(const struct sched_core *c, const struct sched_entity *e, uint64_t now);

#endif
