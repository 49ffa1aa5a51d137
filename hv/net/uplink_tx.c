/* From the switch onto the wire; see uplink.h. */
#include "net/uplink.h"

#include "lib/errno.h"
#include "net/uplink_packet.h"

static struct uplink_pair *pair_of(struct uplink_tx *tx)
{
	return CONTAINER_OF(tx, struct uplink_pair, tx);
}

/* ---- Into the queue: any core ---- */

static struct uplink_tx *tx_of(struct port *p, const struct frame *f)
{
	struct uplink *up = CONTAINER_OF(p, struct uplink, port);

	const struct uplink_pool *pool =
		&up->pool[up->pool_of_port[f->source_port % SWITCH_PORTS_MAX]];

	/* What comes from one queue of a source stays in one queue, and so in order. */
	return &up->pair[pool->first + (pool->nr > 1 ? f->source_queue % pool->nr : 0)]->tx;
}

static int deliver(struct port *p, struct frame *f)
{
	struct uplink *up = CONTAINER_OF(p, struct uplink, port);
	struct uplink_tx *tx = tx_of(p, f);

	if (!load_acquire(&up->link_up))
		return -ENODEV;
	if (!frame_ring_push(&tx->ring, f))
		return -EAGAIN;
	uplink_schedule(pair_of(tx), &tx->work);
	return 0;
}

/* It is not said which queue was full: the work waits for any that is. */
static void wait_room(struct port *p, struct work *w)
{
	struct uplink *up = CONTAINER_OF(p, struct uplink, port);
	unsigned waits = 0;

	for (unsigned i = 0; i < up->nr_pairs; i++) {
		struct uplink_tx *tx = &up->pair[i]->tx;

		if (frame_ring_has_room(&tx->ring))
			continue;
		waiters_add(&tx->waiters, w);
		waits++;
		if (frame_ring_has_room(&tx->ring))
			waiters_wake(&tx->waiters);
	}
	if (!waits)
		waiters_wake_one(w);
}

const struct port_ops uplink_port_ops = { deliver, wait_room };

/* ---- Onto the wire: the queue's work ---- */

static enum drop_reason why_dropped(int err)
{
	switch (err) {
	case -E2BIG:
		return DROP_OVERSIZE;
	case -EPROTO:
		return DROP_VLAN;
	case -ENODEV:
		return DROP_LINK_DOWN;
	case -EAGAIN:
		return DROP_QUEUE_FULL;
	default:
		return DROP_MALFORMED;
	}
}

static void drop(struct uplink_tx *tx, struct frame *f, int err)
{
	port_count_drop(&pair_of(tx)->up->port, why_dropped(err));
	frame_put(f);
}

/* Slots and bounce buffers are free again in the order in which they were taken. */
static void retire(struct uplink_tx *tx)
{
	for (; tx->tail != tx->head; tx->tail++) {
		const struct uplink_slot *slot = uplink_slot_at(tx, tx->tail);

		if (!slot->done)
			return;
		tx->bounce_tail += slot->bounced;
	}
}

/* The NIC will never take it. */
static void refuse_first(struct uplink_tx *tx, int err)
{
	const struct nic_tx_packet *p = &tx->packet[tx->first_packet++];
	struct uplink_slot *slot = uplink_slot_at(tx, (uint32_t)p->cookie);

	uplink_count(&tx->stats.refused, 1);
	if (slot->frame)
		drop(tx, slot->frame, err);
	slot->done = true;
}

static bool batch_is_empty(const struct uplink_tx *tx)
{
	return tx->first_packet == tx->nr_packets;
}

/* Is anything with the NIC, which will come back and make room? */
static bool awaits_any(const struct uplink_tx *tx)
{
	return tx->tail != tx->head - (tx->nr_packets - tx->first_packet);
}

/* The batch to the NIC; what it has no room for stays. */
static void give(struct uplink_tx *tx)
{
	while (!batch_is_empty(tx)) {
		int n = -ENODEV;

		if (load_acquire(&pair_of(tx)->up->link_up))
			n = nic_tx_prepare(tx->queue, &tx->packet[tx->first_packet],
				tx->nr_packets - tx->first_packet);
		if (n == -EAGAIN && awaits_any(tx))
			return;
		if (n > 0)
			tx->first_packet += (unsigned)n;
		else
			refuse_first(tx, n);
		retire(tx);
	}
	tx->first_packet = tx->nr_packets = tx->nr_segments = 0;
}

/* Makes packets of the ring's frames, into an empty batch. 0; -EAGAIN: there are more frames, and
 * no room for their packets. */
static int fill(struct uplink_tx *tx, unsigned *budget)
{
	struct uplink *up = pair_of(tx)->up;
	struct frame *f;

	while (*budget && (f = frame_ring_peek(&tx->ring))) {
		int err = -ENODEV;

		if (load_acquire(&up->link_up))
			err = uplink_make_packets(tx, f, port_wants_tag(&up->port, f), budget);
		if (err == -EAGAIN)
			return err;
		frame_ring_pop(&tx->ring);
		if (!err)
			continue;
		tx->cutting = false;
		drop(tx, f, err);
		(*budget)--;
	}
	return 0;
}

/* False: the NIC is full, or too much is with it. */
static bool move(struct uplink_tx *tx, unsigned *budget)
{
	for (;;) {
		int r;

		give(tx);
		if (!batch_is_empty(tx))
			return false;
		r = fill(tx, budget);
		if (batch_is_empty(tx))
			return r == 0;
	}
}

static void take_back(struct uplink_tx *tx, const struct nic_tx_done *done)
{
	struct uplink_slot *slot = uplink_slot_at(tx, (uint32_t)done->cookie);

	uplink_count(slot->bounced ? &tx->stats.bounced : &tx->stats.zero_copy, 1);
	if (done->sent)
		uplink_count(&tx->stats.wire_frames, slot->frames);
	else
		uplink_count(&tx->stats.lost_in_reset, 1);
	slot->done = true;
	if (!slot->frame)
		return;
	if (!done->sent) {
		drop(tx, slot->frame, -ENODEV);
		return;
	}
	port_count_tx(&pair_of(tx)->up->port, slot->frame);
	frame_put(slot->frame);
}

/* What the NIC has done with. */
static void reap(struct uplink_tx *tx)
{
	struct nic_tx_done done[NIC_BATCH];
	unsigned n;

	do {
		n = nic_tx_reap(tx->queue, done, NIC_BATCH);
		for (unsigned i = 0; i < n; i++)
			take_back(tx, &done[i]);
		retire(tx);
	} while (n == NIC_BATCH);
}

/* Nothing to send for now, or no room. While frames come we look again by ourselves; false: nothing
 * is under way, or the interrupt is armed. Frames that come schedule us. */
static bool poll_on(struct uplink_tx *tx, bool moved)
{
	if (tx->head == tx->tail)
		return false;
	if (moved)
		tx->dry_polls = 0;
	if (tx->dry_polls < UPLINK_DRY_POLLS) {
		tx->dry_polls += !moved;
		return true;
	}
	if (tx->queue->vector == NIC_NO_VECTOR)
		return false; /* as in uplink_rx.c */
	nic_vector_arm(tx->queue->nic, tx->queue->vector);
	return nic_tx_pending(tx->queue);
}

static enum work_result tx_run(struct work *w, unsigned budget)
{
	struct uplink_pair *pair = CONTAINER_OF(w, struct uplink_pair, tx.work);
	struct uplink_tx *tx = &pair->tx;
	uint32_t head = tx->head, tail = tx->tail;
	unsigned left = budget;
	bool blocked;

	if (!uplink_is_home(pair, w))
		return WORK_MOVE;
	reap(tx);
	blocked = !move(tx, &left);
	nic_tx_flush(tx->queue); /* one doorbell for all of it */
	if (left != budget)
		waiters_wake(&tx->waiters);
	uplink_count(&w->worker->frames, budget - left);
	if (!left && !blocked)
		return WORK_MORE;
	return poll_on(tx, tx->head != head || tx->tail != tail) ? WORK_POLL : WORK_DONE;
}

int uplink_tx_init(struct uplink_pair *pair)
{
	const struct uplink_setup *s = &pair->up->setup;
	struct uplink_tx *tx = &pair->tx;

	tx->slot = s->pages(UPLINK_TX_ENTRIES * sizeof(*tx->slot));
	tx->headers = s->pages(UPLINK_TX_ENTRIES * sizeof(*tx->headers));
	tx->bounce = s->buffers((uint64_t)UPLINK_BOUNCE_FRAMES * s->bounce_bytes);
	if (!tx->slot || !tx->headers || !tx->bounce)
		return -ENOMEM;
	work_init(&tx->work, tx_run);
	frame_ring_init(&tx->ring);
	return 0;
}
