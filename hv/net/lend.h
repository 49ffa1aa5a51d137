/* Receive buffers that a guest's receive queue lends to its uplink's NIC queue, so that payload
 * lands where the guest wants it and is not copied.
 *
 * Lender: the work of the guest's receive queue (virtio_net_rx_lend.c). It alone reads the guest's
 * ring; it offers buffers in a ring of its own. Borrower: the receive work of the uplink's queue
 * pair (uplink_lent.c), which posts them to the NIC. They come back as part of a frame, in the
 * order of all other frames for that guest: struct frame_lent says which of its segments are lent
 * ones. If the frame is for the lender alone, the lender makes them used; in any other case the
 * frame is copied like others, and the borrower posts them again.
 *
 *     OFF --lender offers--> ON --the guest's queue stops--> RECALL --all are back--> OFF
 *
 * The borrower takes lent buffers away from the NIC before it says OFF: from then on nothing writes
 * to the guest's memory, nor reads it. */
#ifndef SLUICE_NET_LEND_H
#define SLUICE_NET_LEND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "net/frame.h"

#define LEND_BUFFERS	  256u	/* lent at most; a power of two */
#define LEND_BUFFER_BYTES 4096u /* what the NIC uses of each; shorter ones are not lent */
/* Bytes of a frame that are worth it. With fewer in it the buffer counts against the limit of the
 * guest's socket for more than twice of what it holds, and packets are lost there. */
#define LEND_PAYLOAD_MIN 2048u

enum lend_state { LEND_OFF, LEND_ON, LEND_RECALL };

struct lend_buffer {
	uint8_t *hva;
	uint16_t head; /* the lender's name for it */
};

struct lend {
	uint32_t state; /* enum lend_state, atomic: OFF to ON and ON to RECALL by the lender */
	uint32_t out;	/* the lender's: lent and not used */
	void *borrower; /* NULL: none; constant from set-up on */
	void (*wake_borrower)(void *borrower); /* there are offers, or it is RECALL */
	void (*wake_lender)(struct lend *l);   /* it is OFF */
	uint32_t head __cacheline_aligned;     /* offers, free running; atomic: the lender's */
	uint32_t tail __cacheline_aligned;     /* the borrower's */
	struct lend_buffer ring[LEND_BUFFERS];
};

/* Of a frame: its segments from `first` on are lent buffers, each from its beginning. */
struct frame_lent {
	const struct lend *from;
	bool used;     /* the lender's: they are the guest's again */
	uint16_t core; /* at which the NIC's writes were aimed: steer.h */
	uint16_t first;
	uint16_t head[FRAME_SEGMENTS_MAX]; /* by segment */
};

#endif
