/* The per-core scheduler: who runs next on a core, and for how long.
 *
 * Each core has a run queue, a list of sleepers with their timers, and a packet worker. Entities
 * (vCPUs) run for a slice bounded by sched_yield_tsc(); shares follow weights by virtual run time,
 * charged by timestamp, packet work included. Idle cores take queued entities from others, nearest
 * first; a core whose entities had more than what waits elsewhere takes that. Nothing else of the
 * hypervisor is visible from here: an entity is a run() function and a set of cores.
 *
 * Protocol of sleep and wake-up: a waker sets wake_pending, then reads the state; a sleeper sets
 * the state, then reads wake_pending; full barriers between. Whichever comes second acts. */
#ifndef SLUICE_SCHED_SCHED_H
#define SLUICE_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "net/work.h"
#include "sched/bucket.h"
#include "sched/core_set.h"
#include "sched/hint.h"
#include "sched/topology.h"

#define SCHED_NO_TIMER UINT64_MAX
#define SCHED_NO_GROUP UINT32_MAX /* an entity that may run beside any other */

/* The scheduler's constants, in microseconds unless the name says otherwise. "Slice" is slice_us.
 */
enum {
	/* While nobody waits anywhere, an entity runs for so long. */
	SCHED_LONG_SLICE_US = 20000,
	/* A woken entity takes the core at once if the running one is so far ahead of it. */
	SCHED_WAKE_GRANULARITY_US = 1000,
	/* An entity that I/O has woken takes the core at once from one that does no I/O, and runs
	 * before others, for so long each time, packet work in between not counted; but not while
	 * it is a slice ahead of its core's clock, which is that of who has had least there. So
	 * while that one waits, each of the others is boosted for no longer than this, a slice that
	 * it had saved (at weight 256), and one in advance. */
	SCHED_BOOST_RUN_US = 1000,
	/* "Does I/O": was woken by it or had packet work done in the last so many. */
	SCHED_IO_MEMORY_US = 50000,
	/* Packet work that is done for an entity may be paid by the ones on its core that do no
	 * I/O: so many percent of time for each borrower, the double for each lender, and no more
	 * than a burst of it at once. */
	SCHED_BORROW_PERCENT = 5,
	SCHED_BORROW_BURST_US = 5000,
	/* Whoever is owed so many slices on a core is taken by a core whose entities had more. */
	SCHED_PULL_LAG_SLICES = 1,
	/* What one is owed, or has had too much, counts up to so many slices. */
	SCHED_LAG_MAX_SLICES = 16,
	/* An idle core takes over an entity only if that has to wait so long where it is: nobody
	 * who shares a cache, the package or the memory, nothing. No core is idle for longer than
	 * the last while an entity waits that may run there. */
	SCHED_STEAL_NODE_US = 100,
	SCHED_STEAL_FAR_US = 500,
	/* Whoever has waited so long is next, whatever its weight, for a millisecond. So nobody
	 * waits longer than this and a slice for each of the others on its core. */
	SCHED_STARVING_US = 1000000,
	SCHED_STARVING_RUN_US = 1000,
	/* A core that has run nobody for so long takes over the packet work of a vCPU whose core
	 * has not been idle for so long; looked at as often. */
	SCHED_HELP_AFTER_US = 2000,
	/* Packets that a running guest queues wait for more of them; see pace.c. */
	SCHED_WORK_DELAY_MIN_US = 20,
	SCHED_WORK_DELAY_MAX_US = 1000,
	/* A device's queue that is polled is looked at so often while somebody runs who does no
	 * I/O, and so has nothing to do with it: as often as the device would interrupt. */
	SCHED_DEVICE_DELAY_US = 40,
};

/* rr: in the order in which they were queued, for a slice each, nobody is preferred; whoever packet
 * work interrupts gets the rest of the slice at once. A plain scheduler to compare the full one
 * with. */
enum sched_policy { SCHED_FULL, SCHED_ROUND_ROBIN };

struct sched_setup {
	unsigned nr_cores; /* at most CORE_SET_MAX */
	uint64_t slice_us; /* how long an entity runs while others wait */
	/* Runs on core 0 and says in how many microseconds it wants to run again. */
	uint64_t (*housekeeping)(void);
	const struct sched_topology *topology; /* copied; NULL: flat */
	enum sched_policy policy;
	bool cache_aware;     /* placement and stealing look at the topology */
	bool credit_stealing; /* packet work may borrow time from entities that do no I/O */
	bool smt_isolation;   /* threads of a core run entities of one group at a time */
};

/* MOVING: asleep, on its way to another core. */
enum sched_state { SCHED_ASLEEP, SCHED_QUEUED, SCHED_RUNNING, SCHED_MOVING };
enum sched_result { SCHED_YIELD, SCHED_SLEEP };

struct sched_entity_stats {
	/* Ticks: the expected wait against the real one, absolute, over nr_waits turns. */
	uint64_t wait_error_ticks, nr_waits;
	uint64_t nr_boosts;
	uint64_t nr_migrations; /* began to run on another core than last time */
	uint64_t charged_ticks; /* packet work done for it, part of it borrowed: */
	uint64_t borrowed_ticks, lent_ticks;
	uint64_t nr_throttled; /* reached its cap */
};

struct sched_core_stats {
	uint64_t idle_ticks, entity_ticks, worker_ticks, nr_switches;
	uint64_t smt_blocked_ticks; /* of idle_ticks: a thread of the core ran another group */
	uint64_t nr_stolen;	    /* all of the next */
	uint64_t nr_stolen_by_distance[SCHED_DISTANCES];
	unsigned nr_queued;
	bool idle;
};

struct sched_entity {
	struct sched_entity *next, *prev; /* in its core's run queue or list of sleepers */
	struct sched_hint hint;
	enum sched_result (*run)(struct sched_entity *e);
	/* True if the entity's registers are still in the hardware of `core`: it cannot be moved.
	 */
	bool (*resident)(const struct sched_entity *e);
	/* Does what packet code left for the moment at which the entity is scheduled in: queues
	 * work items on this core's worker, which runs before the entity does. NULL: nothing. */
	void (*held_work)(struct sched_entity *e);
	uint32_t weight;       /* 256 is one share */
	uint32_t cap_percent;  /* of one core's time, at most; 0: no limit */
	uint32_t group;	       /* the guest it belongs to, SCHED_NO_GROUP */
	struct core_set cores; /* where it may run */
	unsigned core;	   /* whose lock guards the entity; changes only while QUEUED or ASLEEP */
	uint32_t state;	   /* enum sched_state; written under that lock */
	bool wake_pending; /* atomic */
	bool io_wake;	   /* atomic; and it was for I/O */
	bool boosted;	   /* runs before those that are not */
	uint64_t vruntime; /* TSC ticks, weighted, by its core's clock; the machine's on the way */
	uint64_t settled_ticks;		       /* of stats.charged_ticks: in vruntime already */
	uint64_t last_io_tsc;		       /* atomic */
	uint64_t reviewed_tsc, reviewed_ticks; /* help.c: when, and stats.charged_ticks then */
	uint64_t turn_end_tsc;		       /* of the one that runs */
	uint64_t left_ticks; /* of a turn that packet work cut short, boosted or rr; else 0 */
	uint64_t turn_ticks; /* average length of its turns; 0: never ran */
	struct bucket cap, borrowing, lending;
	uint64_t eligible_tsc; /* at its cap: when it may go on */
	uint64_t timer_tsc;    /* wakes a sleeper; the entity sets it before it sleeps */
	uint64_t queued_since_tsc, expected_tsc; /* and when it should run by what was ahead then */
	unsigned ran_on;			 /* the last time */
	uint64_t ran_ticks, waited_ticks, nr_switches;
	struct sched_entity_stats stats;
};

/* Before the cores start. -ENOMEM; -EINVAL if there are more cores than CORE_SET_MAX. */
int sched_init(const struct sched_setup *setup) __must_check;

/* The calling core's loop. Does not return. */
_Noreturn void sched_run_core(void);
/* One round of it: housekeeping, packets, then one entity or a halt. */
void sched_run_once(void);

/* Fill in run, resident, held_work, weight, cap_percent, group, cores first. The entity starts
 * asleep on the least loaded core. */
void sched_add(struct sched_entity *e);
/* The entity must be asleep and stay so (parked by its owner). */
void sched_remove(struct sched_entity *e);

/* Any core. Runs the entity as soon as its core allows; nothing lost if it is just going to sleep.
 */
void sched_wake(struct sched_entity *e);
/* The same because of I/O: the entity is preferred, within limits. */
void sched_wake_io(struct sched_entity *e);

/* Any core, packet code: where would the vCPU of this hint be if it were woken now, given that its
 * packets are near the caches of core `near_core`? A sleeper's home moves there, and the word that
 * it would get is returned: RUNNING on c (it would run there at once) or QUEUED on c with the wait
 * to expect. The word as it is if the vCPU is not asleep. */
uint64_t sched_place(struct sched_hint *h, unsigned near_core);

/* For run(): the host TSC at which the core wants to be given back. May come nearer during any call
 * into the scheduler or the worker; check before each entry to the guest. */
uint64_t sched_yield_tsc(void);

/* For run(): wake-ups until now will not be held against going to sleep. Called before run() looks
 * a last time whether it has something to do. */
void sched_forget_wake(struct sched_entity *e);

/* For run(): an exit happened; looks whether something wants the core. */
void sched_poll(void);

struct worker *sched_worker(unsigned core);
void sched_stats(unsigned core, struct sched_core_stats *s);

/* Before the cores start: the core can do the packet work of vCPUs on other cores (hint_helper()),
 * because it reaches their caches from where it is. */
void sched_may_help(unsigned core);

/* Ends a halt or guest mode on another core. */
void sched_kick(unsigned core);

#endif
