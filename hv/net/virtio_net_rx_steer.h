/* The part of virtio-net's receive side that asks steering: for virtio_net_rx.c.
 *
 * Each run of a receive queue's work begins with one decision for its frames (steer.h): copy them
 * here, go to another core first, or leave them in the ring until the vCPU is scheduled in. Those
 * that are held keep their memory at their source, whose sender gets it back later; so nothing is
 * held for longer than STEER_HOLD_MAX_US, looked at every housekeeping, nor when RX_HOLD_FRAMES of
 * the ring are used: before a sender must wait, or the wire drops. */
#ifndef SLUICE_NET_VIRTIO_NET_RX_STEER_H
#define SLUICE_NET_VIRTIO_NET_RX_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/frame.h"
#include "net/steer.h"
#include "net/virtio_net.h"

#define RX_HOLD_FRAMES (FRAME_RING_ENTRIES * 3 / 4)

/* f was pushed: schedules the work where it is to be decided. */
void rx_steer_schedule_idle(struct rx_queue *rx, const struct frame *f);

/* The same; mostly another frame has done so. */
static inline void rx_steer_schedule(struct rx_queue *rx, const struct frame *f)
{
	if (rx->q.dev->setup.steer->policy == STEER_RSS || !work_again(&rx->q.work))
		rx_steer_schedule_idle(rx, f);
}

/* At the start of a run. COPY, COPY_BY_ENGINE: go on, the destination is in rx->dest_core. MOVE: to
 * work.move_to. HOLD: nothing is to be copied now; when there is, the work will be
 * scheduled. */
enum steer_action rx_steer(struct rx_queue *rx);

/* No frames wait any more: the queue stops. */
void rx_steer_stop(struct rx_queue *rx);
void rx_steer_housekeeping(struct rx_queue *rx, uint64_t now_us);

/* The placement of a frame whose bytes go into the buffers at hand. engine: the first piece of it
 * that a channel writes; NULL: the CPU writes it. */
struct steer_placement rx_steer_placement(
	const struct rx_queue *rx, uint32_t len_bytes, const struct copy_piece *engine);
/* The CPU has written it: into the books. */
void rx_steer_note(struct rx_queue *rx, uint32_t len_bytes);

#endif
