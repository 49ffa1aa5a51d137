/* virtio-net transmit: from the guest's ring to the switch; see virtio_net.h. Virtio 1.2, 5.1.6.2.
 */
#include "net/virtio_net.h"

#include "cpu/hw.h"
#include "lib/errno.h"
#include "net/switch.h"

#define HDR_BYTES ((uint32_t)sizeof(struct virtio_net_hdr))

/* The last destination has copied. Any core. */
static void tx_release(struct frame *f)
{
	struct tx_frame *t = CONTAINER_OF(f, struct tx_frame, frame), *head;
	struct tx_queue *tx = f->owner;

	head = load_relaxed(&tx->done);
	do {
		t->next = head;
	} while (!atomic_cas(&tx->done, &head, t));
	if (!head) /* whoever made it non-empty has the work look */
		queue_schedule(&tx->q);
}

static void tx_free(struct tx_queue *tx, struct tx_frame *t)
{
	t->next = tx->free;
	tx->free = t;
	tx->in_flight--;
}

/* Frames that are back: their chains are used. */
static void tx_reclaim(struct tx_queue *tx)
{
	struct tx_frame *t;

	if (!load_relaxed(&tx->done))
		return;
	t = atomic_xchg(&tx->done, NULL);
	while (t) {
		struct tx_frame *next = t->next;

		virtqueue_push_used(&tx->q.vq, t->head, 0);
		tx_free(tx, t);
		t = next;
	}
}

/* The driver may only ask for what it negotiated (5.1.6.2.1); the switch checks the rest. */
static bool offload_negotiated(uint64_t features, const struct virtio_net_hdr *h)
{
	if ((h->flags & VNET_HDR_F_NEEDS_CSUM) && !(features & VIRTIO_NET_F_CSUM))
		return false;
	if (h->gso_type == VNET_HDR_GSO_NONE)
		return true;
	switch (h->gso_type) {
	case VNET_HDR_GSO_TCPV4:
		return features & VIRTIO_NET_F_HOST_TSO4;
	case VNET_HDR_GSO_TCPV6:
		return features & VIRTIO_NET_F_HOST_TSO6;
	case VNET_HDR_GSO_TCPV4 | VNET_HDR_GSO_ECN:
		return (features & VIRTIO_NET_F_HOST_TSO4) && (features & VIRTIO_NET_F_HOST_ECN);
	case VNET_HDR_GSO_TCPV6 | VNET_HDR_GSO_ECN:
		return (features & VIRTIO_NET_F_HOST_TSO6) && (features & VIRTIO_NET_F_HOST_ECN);
	default:
		return false;
	}
}

/* Header, then head. Most drivers put both into the first buffer. */
static void copy_front(struct virtqueue_reader *r, struct virtio_net_hdr *h, struct frame *f)
{
	const struct virtqueue_segment *s = r->segment;

	if (s->len_bytes >= HDR_BYTES + f->head_len) {
		__builtin_memcpy(h, s->hva, sizeof(*h));
		if (f->head_len == FRAME_HEAD_BYTES)
			__builtin_memcpy(f->head, s->hva + HDR_BYTES, FRAME_HEAD_BYTES);
		else
			copy_bytes(f->head, s->hva + HDR_BYTES, f->head_len);
		virtqueue_skip(r, HDR_BYTES + f->head_len);
	} else {
		(void)virtqueue_read(r, h, HDR_BYTES);
		(void)virtqueue_read(r, f->head, f->head_len);
	}
	/* From here on the copies are what counts; the compiler may not read the buffer again. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* What the head does not hold stays where it is. */
static int refer_rest(const struct virtqueue_reader *r, struct frame *f)
{
	uint32_t offset = r->offset;

	if (r->nr_segments > FRAME_SEGMENTS_MAX)
		return -E2BIG;
	f->nr_segments = (uint16_t)r->nr_segments;
	for (unsigned i = 0; i < r->nr_segments; i++) {
		f->segment[i].hva = r->segment[i].hva + offset;
		f->segment[i].len_bytes = r->segment[i].len_bytes - offset;
		offset = 0;
	}
	return 0;
}

#define GOOD DROP_REASONS

/* GOOD, or why not. The frame may still be shorter than Ethernet's: the switch looks at that. */
static enum drop_reason tx_build(
	const struct tx_queue *tx, const struct virtqueue_chain *c, struct frame *f)
{
	struct virtqueue_reader r;
	struct virtio_net_hdr h;

	if (c->read_bytes < HDR_BYTES)
		return DROP_MALFORMED;
	if (c->read_bytes > HDR_BYTES + FRAME_BYTES_MAX)
		return DROP_OVERSIZE;
	f->refs = 1;
	f->len_bytes = (uint32_t)c->read_bytes - HDR_BYTES;
	f->head_len = (uint16_t)MIN(f->len_bytes, (uint32_t)FRAME_HEAD_BYTES);
	virtqueue_reader_init(&r, c);
	copy_front(&r, &h, f);
	if (!offload_negotiated(tx->q.dev->features, &h) || refer_rest(&r, f))
		return DROP_MALFORMED;
	f->offload.flags = h.flags & VNET_HDR_F_NEEDS_CSUM;
	f->offload.gso_type = h.gso_type;
	f->offload.header_len = h.hdr_len;
	f->offload.gso_size = h.gso_size;
	f->offload.csum_start = h.csum_start;
	f->offload.csum_offset = h.csum_offset;
	if (load_relaxed(&tx->q.dev->active_pairs) > 1)
		flow_learn(&tx->q.dev->flows, f, tx->q.index / 2);
	return GOOD;
}

/* Pops the next chain into a frame. -EAGAIN: none; -EINVAL: it was no good and is counted and
 * returned; -EPROTO: broken. */
static int tx_pop(struct tx_queue *tx, struct tx_frame *t)
{
	struct virtqueue_chain c = { .segment = tx->segment, .segments_max = TX_CHAIN_SEGMENTS };
	enum drop_reason why = DROP_MALFORMED;
	int r = virtqueue_pop_chain(&tx->q.vq, &c);

	if (r == -EAGAIN || r == -EPROTO)
		return r;
	if (r == 0)
		why = tx_build(tx, &c, &t->frame);
	if (why == GOOD) {
		t->head = c.head;
		return 0;
	}
	port_count_bad(&tx->q.dev->port, why);
	virtqueue_push_used(&tx->q.vq, c.head, 0);
	return -EINVAL;
}

/* False: its destination is full, and the work will be scheduled when it is not. */
static bool tx_forward(struct tx_queue *tx, struct tx_frame *t, uint64_t now_us)
{
	struct port *blocked;

	if (switch_forward(&tx->q.dev->port, &t->frame, now_us, &blocked) == 0)
		return true;
	tx->stalled = t;
	blocked->ops->wait_room(blocked, &tx->q.work);
	return false;
}

/* 0: moved one, or a bad one. -EAGAIN: nothing more to do until a kick, room, or a frame that
 * comes back, each of which schedules the work. */
static int tx_next(struct tx_queue *tx, uint64_t now_us)
{
	struct tx_frame *t = tx->stalled;
	int r;

	if (t) {
		tx->stalled = NULL;
		return tx_forward(tx, t, now_us) ? 0 : -EAGAIN;
	}
	t = tx->free;
	if (!t)
		return -EAGAIN;
	r = tx_pop(tx, t);
	if (r == -EAGAIN)
		return -ENOENT;
	if (r == -EPROTO)
		queue_broken(&tx->q);
	if (r)
		return r == -EINVAL ? 0 : r;
	tx->free = t->next;
	tx->in_flight++;
	stat_add(&tx->q.stats.frames, 1);
	return tx_forward(tx, t, now_us) ? 0 : -EAGAIN;
}

/* Ring memory is not touched any more; ends when the last frame is back, which schedules us. */
static void tx_stop(struct tx_queue *tx)
{
	struct tx_frame *t = tx->stalled;

	if (t) {
		tx->stalled = NULL;
		port_count_bad(&tx->q.dev->port, DROP_LINK_DOWN);
		tx_free(tx, t);
	}
	t = atomic_xchg(&tx->done, NULL);
	while (t) {
		struct tx_frame *next = t->next;

		tx_free(tx, t);
		t = next;
	}
	if (tx->in_flight == 0)
		store_release(&tx->q.state, (uint32_t)QUEUE_OFF);
}

/* The ring is empty. While the guest fills it by batches we look again by ourselves and want no
 * notification; false: it sends little, is armed for one, and still is empty. */
static bool tx_poll_on(struct tx_queue *tx, unsigned moved)
{
	if (moved >= TX_POLL_FRAMES) {
		tx->dry_polls = 0;
		return true;
	}
	if (!moved && tx->dry_polls++ < TX_DRY_POLLS)
		return true;
	tx->dry_polls = TX_DRY_POLLS;
	return virtqueue_enable_kick(&tx->q.vq);
}

static enum work_result tx_move(struct tx_queue *tx, unsigned budget, unsigned *moved)
{
	uint64_t now_us = tx->q.dev->setup.now_us();
	int r = 0;

	while (*moved < budget && (r = tx_next(tx, now_us)) == 0)
		(*moved)++;
	if (r == 0)
		return WORK_MORE;
	if (r == -ENOENT && tx_poll_on(tx, *moved))
		return WORK_POLL;
	return WORK_DONE; /* or whoever we wait for schedules us */
}

/* Work that goes on follows the vCPU: a queue that is polled gets no notification that would. */
static enum work_result tx_follow(struct tx_queue *tx, enum work_result result)
{
	struct work *w = &tx->q.work;

	if (result == WORK_DONE)
		return result;
	w->move_to = tx->q.dev->setup.worker_of(queue_core(&tx->q));
	return w->move_to == w->worker ? result : WORK_MOVE;
}

static enum work_result tx_run(struct work *w, unsigned budget)
{
	struct tx_queue *tx = CONTAINER_OF(w, struct tx_queue, q.work);
	enum virtio_net_queue_state state = queue_state(&tx->q);
	enum work_result result;
	unsigned n = 0;

	if (state == QUEUE_STOPPING)
		tx_stop(tx);
	if (state != QUEUE_ON)
		return WORK_DONE;
	tx_reclaim(tx);
	virtqueue_disable_kick(&tx->q.vq);
	result = tx_move(tx, budget, &n);
	tx_reclaim(tx); /* what the switch dropped */
	queue_publish(&tx->q);
	stat_add(&tx->q.stats.runs, 1);
	stat_add(&tx->q.stats.batches, n != 0);
	stat_add(&w->worker->frames, n);
	return tx_follow(tx, result);
}

void virtio_net_tx_init(struct tx_queue *tx, struct virtio_net *d, unsigned index)
{
	queue_init(&tx->q, d, index, tx_run);
	for (unsigned i = VIRTIO_NET_QUEUE_SIZE; i-- > 0;) {
		struct tx_frame *t = &tx->frame[i];

		t->frame.release = tx_release;
		t->frame.owner = tx;
		t->frame.source_queue = (uint16_t)(index / 2);
		t->next = tx->free;
		tx->free = t;
	}
}
