/* The guest's receive buffers: taken, described and used; see virtio_net_rx.h. Virtio 1.2, 5.1.6.4.
 */
#include "net/virtio_net_rx.h"

#include "lib/errno.h"
#include "net/virtio_net_rx_copy.h"
#include "net/virtio_net_rx_steer.h"

static int take_several(struct rx_queue *rx, uint64_t need_bytes)
{
	bool merge = rx->q.dev->features & VIRTIO_NET_F_MRG_RXBUF;
	unsigned max = merge ? MIN(RX_MERGE_MAX, rx->q.vq.size) : 1;
	uint64_t room_bytes = 0;
	int r = 0;

	rx->nr_buffers = 0;
	rx->nr_segments = 0;
	while (room_bytes < need_bytes && rx->nr_buffers < max) {
		struct virtqueue_chain c = { .segment = rx->segment + rx->nr_segments,
			.segments_max = RX_SEGMENTS_MAX - rx->nr_segments };

		r = virtqueue_pop_chain(&rx->q.vq, &c);
		if (r == 0 && c.nr_read)
			r = -EINVAL;
		if (r == -EAGAIN || r == -EPROTO)
			break;
		rx->buffer[rx->nr_buffers++] =
			(struct rx_buffer){ (uint32_t)MIN(c.write_bytes, need_bytes), c.head };
		if (r)
			break;
		rx->nr_segments += c.nr_write;
		room_bytes += c.write_bytes;
	}
	if (r == 0 && room_bytes >= need_bytes)
		return 0;
	virtqueue_unpop(&rx->q.vq, rx->nr_buffers);
	if (r == -EINVAL) /* buffers outside memory, or to read from: no driver does that */
		return -EPROTO;
	return r == -EAGAIN || r == -EPROTO ? r : -ENOSPC;
}

/* Mostly the first one is large enough. */
int rx_take_buffers(struct rx_queue *rx, uint64_t need_bytes)
{
	struct virtqueue_chain c;
	int r;

	c.segment = rx->segment;
	c.segments_max = RX_SEGMENTS_MAX;
	r = virtqueue_pop_chain(&rx->q.vq, &c);
	if (r == -EAGAIN || r == -EPROTO)
		return r;
	if (r || c.nr_read || c.write_bytes < need_bytes) {
		virtqueue_unpop(&rx->q.vq, 1);
		return take_several(rx, need_bytes);
	}
	rx->nr_buffers = 1;
	rx->nr_segments = c.nr_write;
	rx->buffer[0] = (struct rx_buffer){ (uint32_t)need_bytes, c.head };
	return 0;
}

void rx_use_buffers(struct rx_queue *rx, uint32_t len_bytes)
{
	if (rx->track.steer)
		rx_steer_note(rx, len_bytes - RX_HDR_BYTES);
	for (unsigned i = 0; i < rx->nr_buffers; i++) {
		uint32_t n = MIN(len_bytes, rx->buffer[i].room_bytes);

		virtqueue_push_used(&rx->q.vq, rx->buffer[i].head, n);
		len_bytes -= n;
	}
	stat_add(&rx->progress, 1);
}

struct virtio_net_hdr rx_header_of(
	const struct rx_queue *rx, const struct frame_offload *o, bool complete)
{
	struct virtio_net_hdr h = { .num_buffers = (uint16_t)rx->nr_buffers };

	if (!(o->flags & VNET_HDR_F_NEEDS_CSUM)) /* DATA_VALID: what a NIC has checked */
		h.flags = complete ? 0 : o->flags;
	if (complete || !(o->flags & VNET_HDR_F_NEEDS_CSUM))
		return h;
	h.flags = VNET_HDR_F_NEEDS_CSUM;
	h.csum_start = o->csum_start;
	h.csum_offset = o->csum_offset;
	if (o->gso_type != VNET_HDR_GSO_NONE) {
		h.gso_type = o->gso_type;
		h.gso_size = o->gso_size;
		h.hdr_len = o->header_len;
	}
	return h;
}
