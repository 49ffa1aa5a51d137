/* What became of the packets that steering has placed: the books of a receive queue.
 *
 * Whoever puts packets into the guest's buffers (the queue's work, one core at a time) notes each
 * of them, then publishes what it has noted, as one batch for each core whose cache they went to.
 * The vCPU that the queue is for takes the published batches when it enters the guest: they are on
 * target if that is on the core that was chosen, and not later than a packet survives there.
 * Otherwise they are missed, by reason. Packets that are published and not yet taken are pending:
 *
 *     placed = on_target + all of missed + pending
 *
 * The guest gives as many buffers as its ring has, and more only when it runs; so no more than
 * STEER_BATCHES batches can be pending, unless it cheats.
 *
 * The newest placements stay readable, as a trace. No locks: a counter has one writer. */
#ifndef SLUICE_NET_STEER_TRACK_H
#define SLUICE_NET_STEER_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "net/steer.h"

#define STEER_BATCHES	 256u  /* a power of two */
#define STEER_PLACEMENTS 1024u /* a power of two */

enum steer_missed {
	STEER_MISSED_MOVED,  /* the vCPU ran on another core when it took them */
	STEER_MISSED_OLD,    /* on that core, but too late */
	STEER_MISSED_ASTRAY, /* written into another cache than the chosen one, or none */
	STEER_MISSED_UNSEEN, /* too many batches: nobody looked where they were taken */
	STEER_MISSED_REASONS
};

extern const char *const steer_missed_name[STEER_MISSED_REASONS];

struct steer_stats {
	uint64_t placed; /* packets, all of these */
	uint64_t on_target;
	uint64_t missed[STEER_MISSED_REASONS];
	uint64_t held;	      /* that waited for their vCPU to be scheduled in */
	uint64_t holds;	      /* how often a queue began to wait so */
	uint64_t holds_ended; /* because it was for too long, or senders would have had to wait */
	uint64_t moved;	      /* how often the work went to another core first */
};

/* Who wrote the packet. */
enum steer_writer { STEER_BY_CPU, STEER_BY_ENGINE, STEER_BY_NIC, STEER_WRITERS };

struct steer_placement {
	/* Where it begins in the guest's memory, or, if an engine writes it, the first part that
	 * the engine does. */
	const void *hva;
	uint32_t contiguous_bytes; /* from there on */
	uint32_t len_bytes;	   /* of the packet */
	uint16_t core;		   /* whose cache it was meant for */
	uint8_t writer;
	bool astray;
};

struct steer_batch {
	uint64_t published_us, consumed_us;
	uint64_t bytes;
	uint32_t first; /* number of its first placement */
	uint16_t packets, astray;
	uint16_t core, consumed_core;
	enum steer_missed missed; /* STEER_MISSED_REASONS: on target */
};

struct steer_track {
	struct steer *steer; /* NULL: nothing is noted */
	uint32_t *pending;   /* set when something is published; the taker clears it; atomic */
	struct steer_stats stats;
	/* Batches: taken [.., tail), published [tail, head), being noted [head, building). */
	uint32_t tail, head, building;
	uint32_t nr_placements; /* free running */
	struct steer_batch batch[STEER_BATCHES];
	struct steer_placement placement[STEER_PLACEMENTS];
};

void steer_track_init(struct steer_track *t, struct steer *s, uint32_t *pending);

/* The queue's work. */
void steer_track_note(struct steer_track *t, const struct steer_placement *p);

/* The same in two steps, for most packets: the batch that is being noted, if it is for that core
 * and takes one more packet, else NULL; and what goes into it. */
static inline struct steer_batch *steer_track_batch(struct steer_track *t, unsigned core)
{
	struct steer_batch *b = &t->batch[(t->building - 1) & (STEER_BATCHES - 1)];

	return t->building != t->head && b->core == core && b->packets < UINT16_MAX ? b : NULL;
}

static inline void steer_track_add(
	struct steer_track *t, struct steer_batch *b, const struct steer_placement *p)
{
	store_relaxed(&t->stats.placed, t->stats.placed + 1);
	t->placement[t->nr_placements & (STEER_PLACEMENTS - 1)] = *p;
	store_release(&t->nr_placements, t->nr_placements + 1);
	b->packets++;
	b->bytes += p->len_bytes;
	if (!p->astray)
		return;
	b->astray++;
	store_relaxed(
		&t->stats.missed[STEER_MISSED_ASTRAY], t->stats.missed[STEER_MISSED_ASTRAY] + 1);
}

/* Before the guest can see them. */
void steer_track_publish(struct steer_track *t, uint64_t now_us);

/* The vCPU, on `core`. at_once: it was in the guest when they were published, and is an interrupt
 * away from them then; otherwise it is about to enter. */
void steer_track_consume(struct steer_track *t, unsigned core, uint64_t now_us, bool at_once);

/* Any core: adds to *sum. */
void steer_stats_add(struct steer_stats *sum, const struct steer_stats *s);

/* One placement and what became of it. */
struct steer_trace {
	struct steer_placement placement;
	uint64_t published_us, consumed_us;
	unsigned consumed_core;
	enum steer_missed missed; /* STEER_MISSED_REASONS: on target */
};

/* Any core, while the others go on: placement `number` of t, counted from the first one. False: it
 * is not there any more, or not taken yet. */
bool steer_track_read(const struct steer_track *t, uint32_t number, struct steer_trace *out);
/* The oldest number that may still be there, and the next one to come. */
void steer_track_range(const struct steer_track *t, uint32_t *first, uint32_t *end);

#endif
