/* The per-core scheduler: who runs next on a core, and for how long.
 *
 * Each core has a run queue, a list of sleepers with their timers, and a packet worker. Entities
 * (vCPUs) run for a slice bounded by sched_yield_tsc(); shares follow weights by virtual run time,
 * charged by timestamp. An idle core takes queued entities from others. Nothing else of the
 * hypervisor is visible from here: an entity is a run() function and a mask of cores.
 *
 * Protocol of sleep and wake-up: a waker sets wake_pending, then reads the state; a sleeper sets
 * the state, then reads wake_pending; full barriers between. Whichever comes second acts. */
#ifndef SLUICE_SCHED_SCHED_H
#define SLUICE_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "net/work.h"
#include "sched/hint.h"

#define SCHED_NO_TIMER UINT64_MAX

enum sched_state { SCHED_ASLEEP, SCHED_QUEUED, SCHED_RUNNING };
enum sched_result { SCHED_YIELD, SCHED_SLEEP };

struct sched_entity {
	struct sched_entity *next, *prev; /* in its core's run queue or list of sleepers */
	struct sched_hint hint;
	enum sched_result (*run)(struct sched_entity *e);
	/* True if the entity's registers are still in the hardware of `core`: it cannot be moved.
	 */
	bool (*resident)(const struct sched_entity *e);
	uint32_t weight;    /* 256 is one share */
	uint64_t cores;	    /* mask of cores it may run on */
	unsigned core;	    /* whose lock guards the entity; changes only while QUEUED or ASLEEP */
	uint32_t state;	    /* enum sched_state; written under that lock */
	bool wake_pending;  /* atomic */
	uint64_t vruntime;  /* TSC ticks, weighted */
	uint64_t timer_tsc; /* wakes a sleeper; the entity sets it before it sleeps */
	uint64_t queued_since_tsc;
	uint64_t ran_ticks, waited_ticks, nr_switches;
};

struct sched_core_stats {
	uint64_t idle_ticks, entity_ticks, worker_ticks, nr_switches, nr_stolen;
	unsigned nr_queued;
	bool idle;
};

/* Before the cores start: memory for `nr_cores`; slice_us from sluice.conf. housekeeping() runs on
 * core 0 and says in how many microseconds it wants to run again. */
int sched_init(unsigned nr_cores, uint64_t slice_us, uint64_t (*housekeeping)(void)) __must_check;

/* The calling core's loop. Does not return. */
_Noreturn void sched_run_core(void);
/* One round of it: housekeeping, packets, then one entity or a halt. */
void sched_run_once(void);

/* Fill in run, resident, weight, cores first. The entity starts asleep on the least loaded core. */
void sched_add(struct sched_entity *e);
/* The entity must be asleep and stay so (parked by its owner). */
void sched_remove(struct sched_entity *e);

/* Any core. Runs the entity as soon as its core allows; nothing lost if it is just going to sleep.
 */
void sched_wake(struct sched_entity *e);

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

/* Ends a halt or guest mode on another core. */
void sched_kick(unsigned core);

#endif
