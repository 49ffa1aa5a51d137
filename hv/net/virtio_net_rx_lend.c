/* Receive buffers lent to the uplink; see virtio_net_rx_lend.h. Virtio 1.2, 5.1.6.4. */
#include "net/virtio_net_rx_lend.h"

#include "lib/errno.h"
#include "net/virtio_net_rx.h"
#include "net/virtio_net_rx_copy.h"

/* Buffers that are not lent: of those that Linux posts, the largest frame needs 44. */
#define RESERVE_BUFFERS RX_MERGE_MAX

static void wake_lender(struct lend *l)
{
	struct rx_queue *rx = CONTAINER_OF(l, struct rx_queue, lend);

	queue_schedule(&rx->q);
}

void rx_lend_init(struct rx_queue *rx)
{
	rx->lend.wake_lender = wake_lender;
}

/* ---- Offers ---- */

/* The next chain of the ring, if it can be lent. */
static bool pop_one(struct rx_queue *rx, struct lend_buffer *offer)
{
	struct virtqueue_segment segment;
	struct virtqueue_chain c = { .segment = &segment, .segments_max = 1 };
	int r = virtqueue_pop_chain(&rx->q.vq, &c);

	if (r == -EAGAIN || r == -EPROTO)
		return false;
	if (r || c.nr_read || c.write_bytes < LEND_BUFFER_BYTES) {
		virtqueue_unpop(&rx->q.vq, 1); /* for a frame that is copied, or its error */
		return false;
	}
	*offer = (struct lend_buffer){ segment.hva, c.head };
	return true;
}

void rx_lend_offer(struct rx_queue *rx)
{
	struct lend *l = &rx->lend;
	unsigned size = rx->q.vq.size;
	unsigned max = size > RESERVE_BUFFERS ? MIN(size - RESERVE_BUFFERS, LEND_BUFFERS) : 0;
	uint32_t head = l->head, first = head;

	if (!(rx->q.dev->features & VIRTIO_NET_F_MRG_RXBUF))
		return;
	for (unsigned left = virtqueue_nr_avail(&rx->q.vq); l->out < max && left > RESERVE_BUFFERS;
		left--, head++, l->out++) {
		if (!pop_one(rx, &l->ring[head % LEND_BUFFERS]))
			break;
	}
	if (head == first)
		return;
	store_relaxed(&l->state, (uint32_t)LEND_ON);
	store_release(&l->head, head);
	l->wake_borrower(l->borrower);
}

bool rx_lend_stop(struct rx_queue *rx)
{
	struct lend *l = &rx->lend;

	switch (load_acquire(&l->state)) {
	case LEND_OFF:
		l->out = 0;
		return true;
	case LEND_ON:
		store_release(&l->state, (uint32_t)LEND_RECALL);
		l->wake_borrower(l->borrower);
		return false;
	default:
		return false;
	}
}

/* ---- Frames ---- */

bool rx_lend_takes(const struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan)
{
	bool complete = (plan->offload.flags & VNET_HDR_F_NEEDS_CSUM) &&
			!(rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM);

	/* others may have it too (flooded, mirrored), and read it for longer than until it is used
	 */
	return f->lent->from == &rx->lend && load_relaxed(&f->refs) == 1 && !complete;
}

/* What is copied: the head as this guest gets it, and headers behind it. */
static uint32_t head_bytes_of(const struct frame *f, const struct frame_plan *plan)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < plan->nr_pieces; i++)
		bytes += plan->piece[i].len_bytes;
	for (unsigned i = 0; i < f->lent->first; i++)
		bytes += f->segment[i].len_bytes;
	return bytes;
}

static int write_head(struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan)
{
	bool complete = !(rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM);
	struct virtio_net_hdr h = rx_header_of(rx, &plan->offload, complete);
	struct sink s;
	int r;

	rx_sink_init(rx, &s);
	r = sink_write(&s, &h, RX_HDR_BYTES);
	for (unsigned i = 0; i < plan->nr_pieces && !r; i++)
		r = sink_write(&s, plan->piece[i].hva, plan->piece[i].len_bytes);
	for (unsigned i = 0; i < f->lent->first && !r; i++)
		r = sink_write(&s, f->segment[i].hva, f->segment[i].len_bytes);
	return r;
}

/* Behind the buffers that were popped for the headers; of those the last one is filled no further.
 */
static void add_lent(struct rx_queue *rx, const struct frame *f, uint32_t head_bytes)
{
	for (unsigned i = 0; i < rx->nr_buffers; i++) {
		struct rx_buffer *b = &rx->buffer[i];

		b->room_bytes = MIN(b->room_bytes, head_bytes);
		head_bytes -= b->room_bytes;
	}
	for (unsigned i = f->lent->first; i < f->nr_segments; i++)
		rx->buffer[rx->nr_buffers++] =
			(struct rx_buffer){ f->segment[i].len_bytes, f->lent->head[i] };
}

static int fill(struct rx_queue *rx, struct frame *f, const struct frame_plan *plan, bool behind)
{
	uint32_t head_bytes = head_bytes_of(f, plan);
	int r;

	if (write_head(rx, f, plan))
		return -ENOSPC;
	if (!behind)
		return COPY_DONE;
	r = rx_copy_written(rx, head_bytes);
	if (r < 0)
		return r;
	stat_add(&rx->q.stats.copies, 1);
	stat_add(&rx->q.stats.copy_bytes, head_bytes);
	return r;
}

int rx_lend_frame(struct rx_queue *rx, struct frame *f, const struct frame_plan *plan)
{
	bool behind = rx_copy_is_pending(rx); /* then it takes its place as a copy of the headers */
	uint32_t len_bytes = RX_HDR_BYTES + plan->len_bytes;
	uint32_t head_bytes = RX_HDR_BYTES + head_bytes_of(f, plan);
	unsigned popped;
	int r;

	if (behind && rx_copy_room(rx))
		return -EBUSY;
	r = rx_take_buffers(rx, head_bytes);
	if (r)
		return r;
	popped = rx->nr_buffers;
	add_lent(rx, f, head_bytes);
	r = fill(rx, f, plan, behind);
	if (r < 0) {
		virtqueue_unpop(&rx->q.vq, popped);
		return r;
	}
	f->lent->used = true;
	rx->lend.out -= f->nr_segments - f->lent->first;
	rx->lent_frame = f;
	if (r == COPY_PENDING)
		rx_copy_wait(rx, f, len_bytes);
	else
		rx_use_buffers(rx, len_bytes);
	rx->lent_frame = NULL;
	return r;
}
