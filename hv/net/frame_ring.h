/* A bounded queue of frames: many cores push, one work item pops. No locks.
 *
 * Each cell carries the turn it is good for: t to be filled by the push that got ticket t, t + 1 to
 * be emptied by the pop of the same number, t + ring size to be filled again. */
#ifndef SLUICE_NET_FRAME_RING_H
#define SLUICE_NET_FRAME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "net/frame.h"

#define FRAME_RING_ENTRIES 256u

struct frame_ring {
	uint32_t tail __cacheline_aligned; /* next ticket to push, atomic */
	uint32_t head __cacheline_aligned; /* next to pop: the popper's, others read it */
	struct {
		struct frame *frame;
		uint32_t turn;
	} cell[FRAME_RING_ENTRIES];
};

static inline void frame_ring_init(struct frame_ring *r)
{
	r->tail = 0;
	r->head = 0;
	for (uint32_t i = 0; i < FRAME_RING_ENTRIES; i++)
		r->cell[i].turn = i;
}

/* False: full. Any core. */
static inline bool frame_ring_push(struct frame_ring *r, struct frame *f)
{
	uint32_t ticket = load_relaxed(&r->tail);

	for (;;) {
		uint32_t turn = load_acquire(&r->cell[ticket % FRAME_RING_ENTRIES].turn);

		if ((int32_t)(turn - ticket) < 0)
			return false; /* the last round's frame is still in it */
		if (turn != ticket)
			ticket = load_relaxed(&r->tail);
		else if (atomic_cas(&r->tail, &ticket, ticket + 1))
			break;
	}
	r->cell[ticket % FRAME_RING_ENTRIES].frame = f;
	/* Release: the popper sees the frame with the turn. */
	store_release(&r->cell[ticket % FRAME_RING_ENTRIES].turn, ticket + 1);
	return true;
}

/* The frame that the next pop takes away, or NULL. */
static inline struct frame *frame_ring_peek(struct frame_ring *r)
{
	uint32_t at = r->head % FRAME_RING_ENTRIES;

	return load_acquire(&r->cell[at].turn) == r->head + 1 ? r->cell[at].frame : NULL;
}

static inline void frame_ring_pop(struct frame_ring *r)
{
	uint32_t at = r->head % FRAME_RING_ENTRIES;

	store_release(&r->cell[at].turn, r->head + FRAME_RING_ENTRIES);
	store_relaxed(&r->head, r->head + 1);
}

/* The frame behind that one, or NULL. */
static inline struct frame *frame_ring_peek_second(struct frame_ring *r)
{
	uint32_t at = (r->head + 1) % FRAME_RING_ENTRIES;

	return load_acquire(&r->cell[at].turn) == r->head + 2 ? r->cell[at].frame : NULL;
}

/* Pops the frame behind the first one, which stays. */
static inline void frame_ring_pop_second(struct frame_ring *r)
{
	struct frame *first = r->cell[r->head % FRAME_RING_ENTRIES].frame;

	r->cell[(r->head + 1) % FRAME_RING_ENTRIES].frame = first;
	frame_ring_pop(r);
}

/* Any core; only a guess by the time it returns. */
static inline uint32_t frame_ring_used(const struct frame_ring *r)
{
	return load_relaxed(&r->tail) - load_relaxed(&r->head);
}

static inline bool frame_ring_has_room(const struct frame_ring *r)
{
	return frame_ring_used(r) < FRAME_RING_ENTRIES;
}

#endif
