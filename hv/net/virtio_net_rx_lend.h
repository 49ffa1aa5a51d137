/* The part of virtio-net's receive side that lends the guest's buffers to the uplink (lend.h): for
 * virtio_net_rx.c.
 *
 * Lent are mergeable buffers of LEND_BUFFER_BYTES or more that are one piece; what a driver posts
 * beside them, and as many as any frame may need, stay for headers and for what is copied. A frame
 * whose payload is in lent buffers takes one more for its headers, which goes in front. */
#ifndef SLUICE_NET_VIRTIO_NET_RX_LEND_H
#define SLUICE_NET_VIRTIO_NET_RX_LEND_H

#include <stdbool.h>

#include "net/frame.h"
#include "net/virtio_net.h"

void rx_lend_init(struct rx_queue *rx);

/* At the end of a run, if there is a borrower. */
void rx_lend_offer(struct rx_queue *rx);

/* The queue stops: true when nothing is lent any more; before that the queue's work is scheduled
 * when it is so. */
bool rx_lend_stop(struct rx_queue *rx);

/* f->lent: whether the payload may stay where it is. */
bool rx_lend_takes(const struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan);

/* Then: headers written, buffers used, or waiting behind older copies (enum copy_result). -EAGAIN,
 * -EBUSY, -ENOSPC, -EPROTO as rx_take_buffers() and rx_copy_room(). */
int rx_lend_frame(struct rx_queue *rx, struct frame *f, const struct frame_plan *plan) __must_check;

#endif
