/* The part of virtio-net's receive side that knows the copy engine: for virtio_net_rx.c.
 *
 * A receive queue whose core has an I/OAT channel works asynchronously (rx->async, decided once a
 * run): buffers that were taken and are being filled lie in rx->pending, in the order of the ring,
 * and become used when the engine says so, never one before an older one. What the CPU writes
 * meanwhile (small frames, checksums, pieces of a segment) takes its place behind them. */
#ifndef SLUICE_NET_VIRTIO_NET_RX_COPY_H
#define SLUICE_NET_VIRTIO_NET_RX_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/copy.h"
#include "net/frame.h"
#include "net/virtio_net.h"

#define RX_HDR_BYTES ((uint32_t)sizeof(struct virtio_net_hdr))

void rx_copy_init(struct rx_queue *rx);

/* At the start of each run: makes the buffers of finished copies used, or, when the queue stops,
 * drops their frames. Decides how this run copies. */
void rx_copy_begin(struct rx_queue *rx, bool stopping);
/* At its end. */
void rx_copy_end(struct rx_queue *rx);

static inline bool rx_copy_is_pending(const struct rx_queue *rx)
{
	return rx->pending_head != rx->pending_tail;
}

/* The buffers at hand, to be filled. */
static inline void rx_sink_init(const struct rx_queue *rx, struct sink *s)
{
	/* The same pair of pointer and length on both sides of the module border. */
	_Static_assert(sizeof(struct sink_buffer) == sizeof(struct virtqueue_segment) &&
			       offsetof(struct sink_buffer, len_bytes) ==
				       offsetof(struct virtqueue_segment, len_bytes),
		"a sink is made of a chain's segments");
	sink_init(s, (const struct sink_buffer *)(const void *)rx->segment, rx->nr_segments);
}

/* rx->async: whether one more frame, or piece of one, may be begun. 0, or -EBUSY: the queue's work
 * is scheduled when older copies have ended. */
int rx_copy_room(struct rx_queue *rx) __must_check;

/* rx->async: f as planned into the buffers at hand, behind the header h; no checksum to complete.
 * enum copy_result, -EBUSY as above (buffers are still the caller's), or -ENOSPC: does not fit. */
int rx_copy_frame(struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan,
	const struct virtio_net_hdr *h) __must_check;
/* rx->async: the CPU has filled the buffers at hand with so many bytes. The same. */
int rx_copy_written(struct rx_queue *rx, uint32_t len_bytes) __must_check;

/* After COPY_PENDING: the buffers at hand wait. f: the frame whose reference ends with them, NULL:
 * none does. len_bytes: of it, header included. */
void rx_copy_wait(struct rx_queue *rx, struct frame *f, uint32_t len_bytes);

#endif
