/* What the files of virtio-net's receive side share. */
#ifndef SLUICE_NET_VIRTIO_NET_RX_H
#define SLUICE_NET_VIRTIO_NET_RX_H

#include "net/virtio_net.h"

/* Buffers for need_bytes, into rx->buffer and rx->segment. 0; -EAGAIN: not enough there now;
 * -ENOSPC: what the guest posts cannot hold it; -EPROTO. After an error none is taken. */
int rx_take_buffers(struct rx_queue *rx, uint64_t need_bytes) __must_check;

/* Those in rx->buffer are used: each filled to its room, but the last (5.1.6.4). */
void rx_use_buffers(struct rx_queue *rx, uint32_t len_bytes);

/* The header for a frame in the buffers at hand. complete: its checksum has been completed. */
struct virtio_net_hdr rx_header_of(
	const struct rx_queue *rx, const struct frame_offload *o, bool complete);

#endif
