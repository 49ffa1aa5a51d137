/* Buffers that a guest lends to the uplink's queue; see lend.h, uplink_lent.h. */
#include "net/uplink_lent.h"

#include "lib/errno.h"

/* While a guest lends, so few buffers of our own are posted, and only if lent ones are fewer: so
 * that what comes finds a place, and soon lent ones again. */
#define RESERVE_POSTED 128u

static enum lend_state state_of(const struct uplink_lent *z)
{
	return (enum lend_state)load_acquire(&z->lend->state);
}

static enum uplink_lent_phase phase_of(const struct uplink_lent *z)
{
	return (enum uplink_lent_phase)load_acquire(&z->phase);
}

/* ---- Posting ---- */

unsigned uplink_lent_postable(const struct uplink_rx *rx)
{
	const struct uplink_lent *z = &rx->lent;

	if (!z->nr_free || phase_of(z) != UPLINK_LENT_RUNNING)
		return 0;
	return z->nr_free;
}

unsigned uplink_own_postable(const struct uplink_rx *rx, unsigned lent)
{
	unsigned posted = rx->nr_posted + lent;

	if (!rx->lent.nr_lent)
		return rx->nr_free;
	return posted < RESERVE_POSTED ? MIN(rx->nr_free, RESERVE_POSTED - posted) : 0;
}

/* ---- Frames ---- */

void uplink_lent_describe(
	struct uplink_rx *rx, struct frame *f, unsigned first, struct uplink_buffer *b)
{
	struct frame_lent *fl = &rx->lent.frame_lent[b - rx->buffer];
	uint32_t payload_bytes = 0;
	unsigned n = first;

	for (const struct uplink_buffer *at = b; at; at = at->next) {
		if (!at->in_frame)
			continue;
		payload_bytes += f->segment[n].len_bytes;
		fl->head[n++] = at->head;
	}
	if (n != f->nr_segments || payload_bytes < LEND_PAYLOAD_MIN)
		return; /* some of it is in buffers of our own, or it is not worth it */
	fl->first = (uint16_t)first;
	fl->from = rx->lent.lend;
	fl->used = false;
	fl->core = (uint16_t)CONTAINER_OF(rx, struct uplink_pair, rx)->steer.core;
	f->lent = fl;
}

static void empty(struct uplink_rx *rx, struct uplink_buffer *b)
{
	struct uplink_lent *z = &rx->lent;

	b->lent = false;
	b->data = NULL;
	b->list = z->slot;
	z->slot = b;
	store_relaxed(&z->nr_lent, z->nr_lent - 1);
}

void uplink_lent_used(struct uplink_rx *rx, struct uplink_buffer *b)
{
	if (!b->frame.lent->used)
		return;
	uplink_count(&rx->stats.zero_copy, 1);
	for (; b; b = b->next)
		if (b->in_frame)
			b->data = NULL; /* the guest's again */
}

void uplink_lent_free(struct uplink_rx *rx, struct uplink_buffer *b)
{
	struct uplink_lent *z = &rx->lent;

	if (!b->data) {
		empty(rx, b);
		return;
	}
	b->list = z->free;
	z->free = b;
	z->nr_free++;
}

/* ---- The work ---- */

static void take_offers(struct uplink_rx *rx)
{
	struct uplink_lent *z = &rx->lent;
	struct lend *l = z->lend;
	uint32_t tail = l->tail, head = load_acquire(&l->head);

	if (phase_of(z) == UPLINK_LENT_CLEAN)
		store_release(&z->phase, (uint32_t)UPLINK_LENT_RUNNING);
	for (; tail != head && z->slot; tail++) {
		const struct lend_buffer *offer = &l->ring[tail % LEND_BUFFERS];
		struct uplink_buffer *b = z->slot;

		z->slot = b->list;
		b->data = offer->hva;
		b->head = offer->head;
		b->lent = true;
		store_relaxed(&z->nr_lent, z->nr_lent + 1);
		uplink_lent_free(rx, b);
	}
	l->tail = tail;
}

/* All that the stopped queue had; nothing while the port is being reset, which wakes us. */
static void take_back(struct uplink_rx *rx)
{
	uint64_t cookie[NIC_BATCH];
	unsigned n;

	while ((n = nic_rx_take_back(rx->queue, cookie, NIC_BATCH)) != 0) {
		rx->nr_posted -= n;
		for (unsigned i = 0; i < n; i++)
			uplink_rx_free(rx, &rx->buffer[cookie[i]]);
	}
	if (!rx->nr_posted)
		store_release(&rx->lent.phase, (uint32_t)UPLINK_LENT_EMPTIED);
}

/* The guest wants its buffers back. What the NIC has comes when housekeeping has stopped the queue,
 * what is in frames when these are done with. */
static void give_back(struct uplink_rx *rx)
{
	struct uplink_lent *z = &rx->lent;
	struct lend *l = z->lend;

	l->tail = load_acquire(&l->head);
	while (z->free) {
		struct uplink_buffer *b = z->free;

		z->free = b->list;
		z->nr_free--;
		empty(rx, b);
	}
	if (z->nr_lent)
		return;
	store_release(&l->state, (uint32_t)LEND_OFF);
	l->wake_lender(l);
}

void uplink_lent_work(struct uplink_pair *pair)
{
	struct uplink_rx *rx = &pair->rx;

	if (phase_of(&rx->lent) == UPLINK_LENT_STOPPED)
		take_back(rx);
	if (state_of(&rx->lent) == LEND_ON)
		take_offers(rx);
	else if (state_of(&rx->lent) == LEND_RECALL)
		give_back(rx);
}

/* ---- Housekeeping ---- */

static void look_after(struct uplink_pair *pair)
{
	const struct nic_ops *ops = pair->up->nic->ops;
	struct uplink_lent *z = &pair->rx.lent;
	enum uplink_lent_phase next = UPLINK_LENT_STOPPED;
	int err;

	switch (phase_of(z)) {
	case UPLINK_LENT_RUNNING:
		if (state_of(z) != LEND_RECALL || !load_relaxed(&z->nr_lent))
			return;
		err = ops->rx_queue_stop(pair->up->nic, pair->rx.queue->index);
		break;
	case UPLINK_LENT_EMPTIED:
		next = UPLINK_LENT_CLEAN;
		err = ops->rx_queue_start(pair->up->nic, pair->rx.queue->index);
		break;
	default:
		return;
	}
	if (err) /* the next time, then */
		return;
	store_release(&z->phase, (uint32_t)next);
	uplink_schedule(pair, &pair->rx.work);
}

void uplink_housekeeping(struct uplink *up)
{
	for (unsigned i = 0; i < up->nr_pairs; i++)
		if (up->pair[i]->rx.lent.lend)
			look_after(up->pair[i]);
}

/* ---- Set-up ---- */

static void wake_borrower(void *borrower)
{
	struct uplink_pair *pair = borrower;

	uplink_schedule(pair, &pair->rx.work);
}

int uplink_borrow(struct uplink *up, unsigned pool, struct lend *l)
{
	struct uplink_pair *pair;
	struct uplink_rx *rx;
	struct uplink_lent *z;

	if (!pool || pool >= up->setup.nr_pools || up->pool[pool].nr > 1 ||
		!(up->nic->capabilities & NIC_CAP_RX_SPLIT))
		return -ENOTSUP;
	pair = up->pair[up->pool[pool].first];
	rx = &pair->rx;
	z = &rx->lent;
	z->headers = up->setup.buffers(rx->nr_slots * sizeof(*z->headers));
	z->frame_lent = up->setup.buffers(rx->nr_slots * sizeof(*z->frame_lent));
	if (!z->headers || !z->frame_lent) {
		z->headers = NULL;
		return -ENOMEM;
	}
	rx->queue->buffer_bytes = LEND_BUFFER_BYTES;
	rx->queue->header_bytes = NIC_HEADER_BYTES;
	uplink_rx_cut(rx, LEND_BUFFER_BYTES);
	for (unsigned n = 0; n < LEND_BUFFERS; n++) {
		struct uplink_buffer *b = &rx->buffer[rx->nr_buffers + n];

		b->list = z->slot;
		z->slot = b;
	}
	z->lend = l;
	l->borrower = pair;
	l->wake_borrower = wake_borrower;
	return 0;
}
