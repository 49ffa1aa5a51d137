/* Packet work: what a core's worker runs.
 *
 * A work item is something that may have packets to move: a transmit queue that was kicked, a
 * receive queue with frames waiting. It runs on one core at a time, whoever schedules it how often
 * from where: state is one word, so that no wake-up is lost and no lock is held.
 *
 *     IDLE --schedule--> QUEUED --worker takes it--> RUNNING --returns WORK_DONE--> IDLE
 *                                                    RUNNING --schedule--> AGAIN --> QUEUED
 *
 * run() moves at most `budget` frames and returns WORK_MORE if it stopped for that reason. A queue
 * that was busy answers WORK_POLL: the worker looks at it again whenever the core comes by, and the
 * guest needs no notification (and no VM exit) meanwhile. It stays QUEUED. With WORK_MOVE it goes
 * to the worker of another core, which it has named in move_to; that one is woken. */
#ifndef SLUICE_NET_WORK_H
#define SLUICE_NET_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"

enum work_result { WORK_DONE, WORK_MORE, WORK_POLL, WORK_MOVE };
enum work_state { WORK_IDLE, WORK_QUEUED, WORK_RUNNING, WORK_AGAIN };

#define WORK_BUDGET_FRAMES 64

struct copy_ctx;
struct sched_hint;

struct work {
	struct work *next;	/* owned by the worker while QUEUED */
	uint32_t state;		/* enum work_state, atomic */
	struct worker *worker;	/* where it was queued last; atomic */
	struct worker *move_to; /* for WORK_MOVE; run()'s */
	enum work_result (*run)(struct work *w, unsigned budget);
	/* Of the vCPU for which it is done and whose account is charged; NULL: nobody's. */
	const struct sched_hint *who;
	/* A device's interrupt schedules it: the core has left its guest for that already, and the
	 * guest cannot fill the batch. So it does not wait, as a guest's own packets do. */
	bool eager;
};

/* Per core. Many cores push, only the owning core pops. */
struct worker {
	struct work *incoming; /* lock-free LIFO, atomic */
	struct work *batch;    /* taken over, in arrival order; the owner's */
	struct work *polled;   /* to look at again; the owner's */
	bool eager_queued;     /* an eager one is incoming; atomic */
	bool eager_polled;     /* one is to be looked at again; the owner's */
	uint64_t runs, frames; /* statistics, the owner's */
	struct copy_ctx *copy; /* the core's, if it has one: copy.h; set at start */
	/* Set by the scheduler: incoming became non-empty, or an eager one came. */
	void (*wake)(struct worker *w);
	/* Set by the scheduler, may be NULL: an item has run for `who` for so many TSC ticks. */
	void (*charge)(struct worker *w, const struct sched_hint *who, uint64_t ticks);
} __cacheline_aligned;

/* For nobody, and not eager: set `who` and `eager` before it is scheduled for the first time. */
void work_init(struct work *w, enum work_result (*run)(struct work *, unsigned budget));

/* Any core. True: w is queued, or runs and will run once more, so that it sees what the caller has
 * written, and there is nothing to schedule. Cheaper than to find out which worker it would be. */
static inline bool work_again(struct work *w)
{
	uint32_t state = load_relaxed(&w->state);

	while (state != WORK_IDLE) {
		uint32_t next = state == WORK_RUNNING ? WORK_AGAIN : state;

		if (atomic_cas(&w->state, &state, next))
			return true;
	}
	return false;
}

/* Any core. Calls wk->wake if the worker had nothing incoming, or w is eager. */
void work_schedule(struct worker *wk, struct work *w);

/* The owning core. Runs each item that is queued now once, polled ones too; true if something is
 * left to do. */
bool worker_run(struct worker *wk);
/* Without the polled ones. */
bool worker_run_queued(struct worker *wk);

/* Anything at all, or anything but what is polled. */
bool worker_pending(const struct worker *wk);
bool worker_queued(const struct worker *wk);

#endif
