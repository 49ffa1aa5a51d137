/* virtio-net receive: from the switch to the guest's ring; see virtio_net.h. Virtio 1.2, 5.1.6.4.
 */
#include "net/virtio_net_rx.h"

#include "cpu/hw.h"
#include "lib/errno.h"
#include "net/frame_join.h"
#include "net/switch.h"
#include "net/virtio_net_rx_copy.h"
#include "net/virtio_net_rx_lend.h"
#include "net/virtio_net_rx_steer.h"

#define HDR_BYTES RX_HDR_BYTES

/* What became of the frame at hand, beside the errnos: see rx_frame(). */
enum { FRAME_DONE = 0, FRAME_MORE = 1, FRAME_KEPT = 2 };

static struct rx_queue *rx_of(struct port *p, const struct frame *f)
{
	struct virtio_net *d = CONTAINER_OF(p, struct virtio_net, port);
	unsigned pairs = load_relaxed(&d->active_pairs);

	/* A flow stays in one queue, and so in order, while the guest sends by one. */
	return &d->pair[pairs > 1 ? flow_pair(&d->flows, f, pairs) : 0].rx;
}

static int deliver(struct port *p, struct frame *f)
{
	struct rx_queue *rx = rx_of(p, f);

	if (queue_state(&rx->q) != QUEUE_ON)
		return -ENODEV;
	if (f->queue_max && frame_ring_used(&rx->ring) >= f->queue_max)
		return -EAGAIN;
	if (!frame_ring_push(&rx->ring, f))
		return -EAGAIN;
	if (rx->q.dev->setup.steer)
		rx_steer_schedule(rx, f);
	else
		queue_schedule(&rx->q);
	return 0;
}

/* Waiting is pointless: there is room, or nothing is taken at all. */
static bool is_open(const struct rx_queue *rx)
{
	return queue_state(&rx->q) != QUEUE_ON || frame_ring_has_room(&rx->ring);
}

/* With several queues it is not said which of them was full: the work waits for any that is. */
static void wait_room(struct port *p, struct work *w)
{
	struct virtio_net *d = CONTAINER_OF(p, struct virtio_net, port);
	unsigned waits = 0;

	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		struct rx_queue *rx = &d->pair[i].rx;

		if (is_open(rx))
			continue;
		waiters_add(&rx->waiters, w);
		waits++;
		if (is_open(rx))
			waiters_wake(&rx->waiters);
	}
	if (!waits)
		waiters_wake_one(w);
}

const struct port_ops virtio_net_port_ops = { deliver, wait_room };

static int write_whole(struct rx_queue *rx, const struct frame *f, struct frame_plan *plan)
{
	bool complete = !(rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM);
	struct virtio_net_hdr h = rx_header_of(rx, &plan->offload, complete);
	struct sink header, body;

	rx_sink_init(rx, &header);
	rx_sink_init(rx, &body);
	if (sink_write(&header, &h, HDR_BYTES) || sink_skip(&body, HDR_BYTES))
		return -ENOSPC;
	return frame_write(f, plan, complete, &body);
}

/* A small frame that needs nothing done, into one buffer: most of those that come in numbers. */
__attribute__((always_inline)) static inline bool write_simple(
	const struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan)
{
	const struct virtqueue_segment *s = rx->segment;
	bool checked = rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM;
	const struct virtio_net_hdr h = { .flags = checked ? plan->offload.flags : 0,
		.num_buffers = 1 };
	uint8_t *at = s->hva + HDR_BYTES;

	if ((plan->offload.flags & VNET_HDR_F_NEEDS_CSUM) || plan->nr_pieces != 1 ||
		rx->nr_buffers != 1 || s->len_bytes < HDR_BYTES + plan->len_bytes)
		return false;
	__builtin_memcpy(s->hva, &h, sizeof(h));
	copy_bytes(at, plan->piece[0].hva, plan->piece[0].len_bytes);
	at += plan->piece[0].len_bytes;
	for (unsigned i = 0; i < f->nr_segments; i++) {
		copy_bytes(at, f->segment[i].hva, f->segment[i].len_bytes);
		at += f->segment[i].len_bytes;
	}
	return true;
}

static void count_copy(struct rx_queue *rx, uint32_t len_bytes)
{
	stat_add(&rx->q.stats.copies, 1);
	stat_add(&rx->q.stats.copy_bytes, len_bytes);
}

static int drop(struct rx_queue *rx, const struct frame *f, enum drop_reason why)
{
	rx->cutting = false;
	port_count_dropped(&rx->q.dev->port, f, why);
	return FRAME_DONE;
}

static bool oversize(const struct rx_queue *rx, uint32_t len_bytes)
{
	return len_bytes > (uint32_t)rx->q.dev->setup.mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES;
}

/* Whether it is worth asking the copy engine: a checksum to complete is the CPU's work. */
static bool wants_engine(const struct rx_queue *rx, const struct frame_plan *plan)
{
	if (plan->len_bytes < COPY_SMALL_BYTES)
		return false;
	return !(plan->offload.flags & VNET_HDR_F_NEEDS_CSUM) ||
	       (rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM);
}

static int fill_by_engine(struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan)
{
	bool complete = !(rx->q.dev->features & VIRTIO_NET_F_GUEST_CSUM);
	const struct virtio_net_hdr h = rx_header_of(rx, &plan->offload, complete);

	return rx_copy_frame(rx, f, plan, &h);
}

/* The buffers at hand are full, or will be. f: ends with them, NULL: it goes on. */
static int end_buffers(struct rx_queue *rx, struct frame *f, uint32_t len_bytes, int copied)
{
	count_copy(rx, len_bytes);
	if (copied == COPY_PENDING) {
		rx_copy_wait(rx, f, HDR_BYTES + len_bytes);
		return FRAME_KEPT;
	}
	rx_use_buffers(rx, HDR_BYTES + len_bytes);
	if (f)
		port_count_tx(&rx->q.dev->port, f);
	return FRAME_DONE;
}

/* rx_whole() where copies end later, or may. */
__attribute__((noinline)) static int rx_whole_async(
	struct rx_queue *rx, struct frame *f, struct frame_plan *plan)
{
	int r;

	if (rx_copy_room(rx))
		return -EBUSY;
	r = rx_take_buffers(rx, HDR_BYTES + plan->len_bytes);
	if (r == -ENOSPC)
		return drop(rx, f, DROP_BUFFER_SIZE);
	if (r)
		return r;
	if (wants_engine(rx, plan))
		r = fill_by_engine(rx, f, plan);
	else if (write_simple(rx, f, plan) || !write_whole(rx, f, plan))
		r = rx_copy_written(rx, plan->len_bytes);
	else
		r = -ENOSPC;
	if (r >= 0)
		return end_buffers(rx, f, plan->len_bytes, r);
	virtqueue_unpop(&rx->q.vq, rx->nr_buffers);
	return r == -EBUSY ? r : drop(rx, f, DROP_MALFORMED);
}

static int rx_lent(struct rx_queue *rx, struct frame *f, const struct frame_plan *plan)
{
	int r = rx_lend_frame(rx, f, plan);

	if (r == -ENOSPC)
		return drop(rx, f, DROP_BUFFER_SIZE);
	if (r == COPY_PENDING)
		return FRAME_KEPT;
	if (r == COPY_DONE)
		port_count_tx(&rx->q.dev->port, f);
	return r == COPY_DONE ? FRAME_DONE : r;
}

static int rx_whole(struct rx_queue *rx, struct frame *f)
{
	struct virtio_net *d = rx->q.dev;
	struct frame_plan plan;
	int r;

	frame_plan(f, port_wants_tag(&d->port, f), &plan);
	if (plan.offload.gso_type == VNET_HDR_GSO_NONE && oversize(rx, plan.len_bytes))
		return drop(rx, f, DROP_OVERSIZE);
	if (f->lent && rx_lend_takes(rx, f, &plan))
		return rx_lent(rx, f, &plan);
	if (rx->async)
		return rx_whole_async(rx, f, &plan);
	r = rx_take_buffers(rx, HDR_BYTES + plan.len_bytes);
	if (r == -ENOSPC)
		return drop(rx, f, DROP_BUFFER_SIZE);
	if (r)
		return r;
	if (!write_simple(rx, f, &plan) && write_whole(rx, f, &plan)) {
		virtqueue_unpop(&rx->q.vq, rx->nr_buffers);
		return drop(rx, f, DROP_MALFORMED);
	}
	rx_use_buffers(rx, HDR_BYTES + plan.len_bytes);
	count_copy(rx, plan.len_bytes);
	port_count_tx(&d->port, f);
	return FRAME_DONE;
}

/* One piece of the frame being cut, by the CPU. enum copy_result, or an error. */
static int write_piece(struct rx_queue *rx, uint32_t len_bytes)
{
	struct frame_offload o;
	struct virtio_net_hdr h;
	struct sink header, body;

	rx_sink_init(rx, &header);
	rx_sink_init(rx, &body);
	if (sink_skip(&body, HDR_BYTES) || segment_write(&rx->cutter, &body, &o))
		return -ENOSPC;
	h = rx_header_of(rx, &o, false);
	if (sink_write(&header, &h, HDR_BYTES))
		return -ENOSPC;
	return rx->async ? rx_copy_written(rx, len_bytes) : COPY_DONE;
}

/* TCP segmentation for a guest that did not negotiate it. */
static int rx_cut(struct rx_queue *rx, struct frame *f, unsigned *budget)
{
	uint32_t len_bytes;
	int r = FRAME_DONE;

	while ((len_bytes = segment_next_len(&rx->cutter)) != 0) {
		if (*budget == 0)
			return FRAME_MORE;
		if (rx->async && rx_copy_room(rx))
			return -EBUSY;
		(*budget)--;
		if (oversize(rx, len_bytes))
			return drop(rx, f, DROP_OVERSIZE);
		r = rx_take_buffers(rx, HDR_BYTES + len_bytes);
		if (r == -ENOSPC)
			return drop(rx, f, DROP_BUFFER_SIZE);
		if (r)
			return r;
		r = write_piece(rx, len_bytes);
		if (r < 0) {
			virtqueue_unpop(&rx->q.vq, rx->nr_buffers);
			return drop(rx, f, DROP_BUFFER_SIZE);
		}
		r = end_buffers(rx, segment_next_len(&rx->cutter) ? NULL : f, len_bytes, r);
	}
	rx->cutting = false;
	return r;
}

/* 5.1.6.4.1: only what the driver negotiated may reach it. */
static bool takes_gso(uint64_t features, uint8_t gso_type)
{
	uint64_t type = (gso_type & ~(unsigned)VNET_HDR_GSO_ECN) == VNET_HDR_GSO_TCPV4
				? VIRTIO_NET_F_GUEST_TSO4
				: VIRTIO_NET_F_GUEST_TSO6;

	if ((gso_type & VNET_HDR_GSO_ECN) && !(features & VIRTIO_NET_F_GUEST_ECN))
		return false;
	return (features & type) != 0;
}

/* FRAME_DONE: delivered, or dropped and counted. FRAME_KEPT: it has its buffers and will be.
 * FRAME_MORE: out of budget in the middle of it. -EAGAIN: no buffers; -EBUSY: older copies must end
 * first; -EPROTO: the ring makes no sense. */
static int rx_frame(struct rx_queue *rx, struct frame *f, unsigned *budget)
{
	uint64_t features = rx->q.dev->features;

	if (rx->cutting)
		return rx_cut(rx, f, budget);
	if (f->offload.gso_type == VNET_HDR_GSO_NONE || takes_gso(features, f->offload.gso_type))
		return rx_whole(rx, f);
	if (segment_begin(&rx->cutter, f, port_wants_tag(&rx->q.dev->port, f),
		    !(features & VIRTIO_NET_F_GUEST_CSUM)))
		return drop(rx, f, DROP_MALFORMED);
	rx->cutting = true;
	return rx_cut(rx, f, budget);
}

/* What waits behind f and continues it, for a guest that takes segments whole. */
static void join_following(struct rx_queue *rx, struct frame *f)
{
	struct frame *g;

	if (!frame_may_join(f) || !(rx->q.dev->features & VIRTIO_NET_F_GUEST_TSO4) || rx->cutting)
		return;
	while ((g = frame_ring_peek_second(&rx->ring)) && frame_join(f, g))
		frame_ring_pop_second(&rx->ring);
}

static void pop_frame(struct rx_queue *rx, struct frame *f)
{
	frame_ring_pop(&rx->ring);
	frame_put(f);
}

static void drop_all(struct rx_queue *rx, enum drop_reason why)
{
	struct frame *f;

	/* Bounded by what was there; senders may go on meanwhile. */
	for (unsigned n = 0; n < FRAME_RING_ENTRIES && (f = frame_ring_peek(&rx->ring)); n++) {
		(void)drop(rx, f, why);
		pop_frame(rx, f);
	}
	waiters_wake(&rx->waiters);
}

static void set_starved(struct rx_queue *rx, bool starved)
{
	if (load_relaxed(&rx->starved) == starved)
		return;
	store_relaxed(&rx->starved, starved);
	if (!starved)
		store_relaxed(&rx->drop_waiting, false);
}

/* Moves frames until there are none, no buffers (-EAGAIN), too many copies under way (-EBUSY), or
 * no budget. Returns how many. */
static unsigned rx_move(struct rx_queue *rx, unsigned *budget, int *r)
{
	struct frame *f;
	unsigned n = 0, frames;

	while (*budget && (f = frame_ring_peek(&rx->ring))) {
		join_following(rx, f);
		frames = 1u + f->nr_joined;
		*r = rx_frame(rx, f, budget);
		if (*r == FRAME_DONE || *r == FRAME_KEPT) {
			frame_ring_pop(&rx->ring);
			if (*r == FRAME_DONE)
				frame_put(f);
			n += frames;
			*budget -= MIN(*budget, frames);
		} else if (*r == -EAGAIN && virtqueue_enable_kick(&rx->q.vq)) {
			virtqueue_disable_kick(&rx->q.vq); /* some came just now */
			(*budget)--;
		} else {
			break;
		}
	}
	return n;
}

static void rx_on(struct rx_queue *rx, unsigned *budget)
{
	uint64_t before = rx->progress;
	int r = FRAME_DONE;
	unsigned n;

	rx_copy_begin(rx, false);
	if (load_relaxed(&rx->starved) && virtqueue_enable_kick(&rx->q.vq))
		set_starved(rx, false);
	virtqueue_disable_kick(&rx->q.vq);
	n = rx_move(rx, budget, &r);
	rx_copy_end(rx);
	if (rx->track.building != rx->track.head)
		steer_track_publish(&rx->track, rx->q.dev->setup.now_us());
	if (rx->lend.borrower)
		rx_lend_offer(rx);
	queue_publish(&rx->q);
	if (r == -EPROTO) {
		queue_broken(&rx->q);
		drop_all(rx, DROP_LINK_DOWN);
	}
	if (rx->progress != before)
		set_starved(rx, false);
	if (r == -EAGAIN) {
		set_starved(rx, true);
		if (load_relaxed(&rx->drop_waiting))
			drop_all(rx, DROP_NO_BUFFER);
	}
	if (n)
		waiters_wake(&rx->waiters);
	stat_add(&rx->q.stats.runs, 1);
	stat_add(&rx->q.stats.batches, n != 0);
	stat_add(&rx->q.work.worker->frames, n);
	stat_add(&rx->q.stats.frames, n);
}

static enum work_result rx_steered(struct rx_queue *rx, unsigned budget)
{
	unsigned none = 0; /* still, what has been copied is shown to the guest */

	switch (rx_steer(rx)) {
	case STEER_MOVE:
		rx_on(rx, &none);
		return WORK_MOVE;
	case STEER_HOLD:
		rx_on(rx, &none);
		return WORK_DONE;
	case STEER_COPY:
	case STEER_COPY_BY_ENGINE:
	default:
		rx_on(rx, &budget);
		return budget ? WORK_DONE : WORK_MORE;
	}
}

static enum work_result rx_run(struct work *w, unsigned budget)
{
	struct rx_queue *rx = CONTAINER_OF(w, struct rx_queue, q.work);
	enum virtio_net_queue_state state = queue_state(&rx->q);

	if (state == QUEUE_ON)
		return rx_steered(rx, budget);
	rx_steer_stop(rx);
	if (state == QUEUE_STOPPING) {
		set_starved(rx, false);
		rx_copy_begin(rx, true);
		/* else we are woken */
		if (!rx_copy_is_pending(rx) && rx_lend_stop(rx))
			store_release(&rx->q.state, (uint32_t)QUEUE_OFF);
	}
	drop_all(rx, DROP_LINK_DOWN); /* also what was pushed while the state changed */
	return WORK_DONE;
}

void virtio_net_rx_housekeeping(struct rx_queue *rx, uint64_t now_us)
{
	uint64_t progress = load_relaxed(&rx->progress);

	copy_queue_housekeeping(&rx->copies);
	rx_steer_housekeeping(rx, now_us);
	if (!load_relaxed(&rx->starved) || progress != rx->starved_progress) {
		rx->starved_progress = progress;
		rx->starved_since_us = now_us;
		return;
	}
	if (now_us - rx->starved_since_us < VIRTIO_NET_PATIENCE_US ||
		load_relaxed(&rx->drop_waiting))
		return;
	store_relaxed(&rx->drop_waiting, true);
	queue_schedule(&rx->q);
}

void virtio_net_rx_init(struct rx_queue *rx, struct virtio_net *d, unsigned index)
{
	queue_init(&rx->q, d, index, rx_run);
	frame_ring_init(&rx->ring);
	rx_copy_init(rx);
	steer_track_init(&rx->track, d->setup.steer, d->setup.pending);
	rx_lend_init(rx);
}
