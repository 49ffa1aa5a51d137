/* Copying packets' bytes: one interface over the CPU and the I/OAT channels of a core.
 *
 * A copy context belongs to a core; who copies on that core submits jobs to it, each a list of
 * pieces. Which engine takes which piece: copy_estimate.h. Small pieces are copied by the CPU in
 * copy_submit(), large ones go to a channel; one doorbell, in copy_flush(), covers a batch. What a
 * channel cannot do (no room, halted, lost for good), the CPU does: a job that was accepted is
 * always completed, with each byte copied.
 *
 * Order. A copy queue is a stream of jobs that complete in the order of their submission; a guest's
 * receive queue is one. Its owner is whoever runs its work, on one core at a time:
 *
 *     unsigned n = copy_take(q);   the n oldest pending jobs are done: publish them
 *     copy_submit(ctx, q, ...)     COPY_DONE: done already, and nothing older is pending
 *                                  COPY_PENDING: one more that copy_take() will say
 *                                  -EAGAIN: not accepted, nothing copied; q->wake() comes
 *     copy_flush(ctx)              at the end of the batch
 *
 * So the owner keeps its pending jobs in a ring of its own, and nothing is allocated. Buffers of a
 * pending job must stay as they are. Completion is noticed by copy_poll() on the context's core,
 * which is a work item of that core; it only counts in the queue and calls q->wake(), which
 * schedules the owner's work. When the owner moves to another core, jobs on the new core's context
 * are refused (-EAGAIN) until those on the old one are done.
 *
 * The work item runs after those that have submitted, just before the core turns to a guest or
 * halts. While jobs are pending it is polled, so that a core that stays with its packets pays for
 * no interrupt; after COPY_DRY_POLLS runs in which nothing ended, it asks for an interrupt instead
 * and leaves the core to the guest. Without an interrupt it stays polled. One that is lost is
 * noticed by copy_queue_housekeeping() at its second call: it has the work look, and the driver
 * find out what is wrong.
 *
 * Without channels copy_submit() is the plain loop, inline. */
#ifndef SLUICE_NET_COPY_H
#define SLUICE_NET_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/bits.h"
#include "net/copy_estimate.h"
#include "net/work.h"

#define COPY_CHANNELS_MAX 4
#define COPY_JOBS	  256u /* pending on a context; a power of two */
#define COPY_PIECES	  512u /* of those, on their way in a channel; a power of two */
#define COPY_JOB_PIECES	  64u  /* more are copied by the CPU */
#define COPY_ANY_CORE	  UINT32_MAX
#define COPY_DRY_POLLS	  1u
#define COPY_SMALL_BYTES  256u /* fewer are never worth a channel's while */

struct ioat_chan;

enum copy_result { COPY_DONE, COPY_PENDING };

struct copy_piece {
	void *dst;
	const void *src;
	uint32_t len_bytes; /* 0 is allowed */
};

struct copy_queue {
	uint32_t done;		   /* atomic, the context's: jobs that were pending and are not */
	uint32_t submitted, taken; /* the owner's: jobs that were ever pending; taken as done */
	uint32_t expected_done;	   /* housekeeping's: by the next time */
	struct copy_ctx *ctx;	   /* where the newest is */
	void (*wake)(struct copy_queue *q); /* on the context's core: done has changed */
};

/* Each job counts once, as the channel's if all its large pieces were. */
struct copy_stats {
	uint64_t cpu_copies, cpu_bytes;
	uint64_t ioat_copies, ioat_bytes;
	/* Jobs that were meant for a channel and that the CPU did, in whole or from where the
	 * channel stopped: the ring was full, the channel was being recovered, no more jobs can be
	 * pending, or it was handed back after an error. */
	uint64_t fallback_full, fallback_fault, fallback_space, errors_recovered;
	uint64_t refused;	/* -EAGAIN */
	uint64_t channels_lost; /* for good */
	uint64_t doorbells;
};

struct copy_job {
	struct copy_queue *q;
	uint64_t submit_tsc;  /* 0: not timed */
	uint32_t first_piece; /* counted as piece_head is */
	uint32_t nr_pieces;   /* the channel's */
	uint32_t bytes;	      /* of those */
	bool done;
};

struct copy_ctx {
	/* The fast path's. */
	unsigned nr_channels;
	/* Of the last job that copy_submit_channels() took: the first piece that a channel has, of
	 * no length if none does; whether it is aimed at its destination. */
	struct copy_piece offloaded;
	bool aimed;
	struct copy_stats stats;

	struct ioat_chan *channel[COPY_CHANNELS_MAX];
	struct copy_job *job;	  /* COPY_JOBS, in order of submission; NULL: never had a channel */
	struct copy_piece *piece; /* COPY_PIECES */
	uint32_t job_head, job_tail;
	uint32_t piece_head, piece_tail;
	struct copy_estimate estimate;
	unsigned sample;
	uint64_t busy_since_tsc; /* the channels have worked since, and not been measured */
	struct work work;
	struct worker *worker; /* this core's; NULL: someone calls copy_poll() */
	bool scheduled;
	uint32_t last_tail; /* job_tail when the work ran last */
	unsigned dry_polls; /* runs in a row in which nothing ended */
} __cacheline_aligned;

/* wake may be NULL. */
void copy_queue_init(struct copy_queue *q, void (*wake)(struct copy_queue *q));

/* Zeroed by the caller. worker: of the core that it belongs to, whose `copy` it becomes. */
void copy_ctx_init(struct copy_ctx *ctx, struct worker *worker);
/* An open channel that nobody else uses. At start, it allocates. -ENOMEM, -ENOSPC. */
int copy_ctx_add_channel(struct copy_ctx *ctx, struct ioat_chan *c) __must_check;

/* Neither an engine beside the CPU nor older jobs to keep the order with: the caller may as well
 * copy by itself, and say so by copy_count_cpu(). */
static inline bool copy_is_immediate(const struct copy_ctx *ctx, const struct copy_queue *q)
{
	return !ctx->nr_channels && q->submitted == q->taken;
}

/* Whether a channel can put bytes into a cache of the caller's choice. */
bool copy_can_aim(const struct copy_ctx *ctx);

/* Copies beside copy_submit(); or, with 0 copies, bytes that belong to a job of it. */
static inline void copy_count_cpu(struct copy_ctx *ctx, uint64_t copies, uint64_t bytes)
{
	store_relaxed(&ctx->stats.cpu_copies, ctx->stats.cpu_copies + copies);
	store_relaxed(&ctx->stats.cpu_bytes, ctx->stats.cpu_bytes + bytes);
}

/* Whether copy_submit() would take a job now. If not, it is counted as refused and q->wake() comes.
 */
bool copy_accepts(struct copy_ctx *ctx, const struct copy_queue *q);

int copy_submit_channels(struct copy_ctx *ctx, struct copy_queue *q, const struct copy_piece *piece,
	unsigned nr, uint32_t dest_core) __must_check;

/* The owner of q, on the core of ctx. dest_core: index of the core whose cache should have the
 * bytes, if a channel can aim; or COPY_ANY_CORE. The pieces are not needed after the call. Without
 * pieces: a copy that the caller has done itself, for its place in the order. enum copy_result, or
 * -EAGAIN. */
static inline __must_check int copy_submit(struct copy_ctx *ctx, struct copy_queue *q,
	const struct copy_piece *piece, unsigned nr, uint32_t dest_core)
{
	uint64_t bytes = 0;

	if (!copy_is_immediate(ctx, q))
		return copy_submit_channels(ctx, q, piece, nr, dest_core);
	for (unsigned i = 0; i < nr; i++) {
		copy_bytes(piece[i].dst, piece[i].src, piece[i].len_bytes);
		bytes += piece[i].len_bytes;
	}
	copy_count_cpu(ctx, 1, bytes);
	return COPY_DONE;
}

/* How many jobs are done since the last call. The owner; before it submits. */
static inline unsigned copy_take(struct copy_queue *q)
{
	uint32_t n;

	if (q->submitted == q->taken)
		return 0;
	/* pairs with the release in copy.c: the bytes are there */
	n = load_acquire(&q->done) - q->taken;
	q->taken += n;
	return n;
}

/* Rings the doorbells for what was submitted. The core of ctx. */
void copy_flush(struct copy_ctx *ctx);
/* Completes what can be. True while jobs are pending. The core of ctx. */
bool copy_poll(struct copy_ctx *ctx);
/* Asks for an interrupt when what is pending is done, before a core turns to something else. False:
 * not possible, or nothing is pending; then only polling tells. */
bool copy_interrupt_request(struct copy_ctx *ctx);
/* notify() of a channel's interrupt; arg: the context. */
void copy_interrupt(void *ctx);
/* Every 10 ms or so, on one core at a time: jobs that have been pending since the last time are
 * looked after. Any core. */
void copy_queue_housekeeping(struct copy_queue *q);

/* Whether this core's channels would do a batch of copies like that, which otherwise another core
 * does. The core of ctx; helps: see copy_estimate_takes(). */
bool copy_takes(struct copy_ctx *ctx, uint32_t len_bytes, bool helps);

/* Other cores may go on counting. */
void copy_stats_add(struct copy_stats *sum, const struct copy_ctx *ctx);

#endif
