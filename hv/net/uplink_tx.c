/* From the switch onto the wire; see uplink.h. */
#include "net/uplink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "net/checksum.h"

#define ETH_TYPE_IPV4  0x0800
#define ETH_TYPE_IPV6  0x86dd
#define IP_BYTES_MIN   20
#define IP_BYTES_MAX   511 /* that a NIC's descriptor has room for */
#define IPV4_CHECKSUM  10
#define IPV4_ADDRESSES 12
#define IPV6_ADDRESSES 8
#define IP_PROTO_TCP   6
#define TCP_CHECKSUM   16
#define UDP_CHECKSUM   6

#define SEGMENTS_MAX (FRAME_SEGMENTS_MAX + 3)
_Static_assert(SEGMENTS_MAX <= NIC_TX_SEGMENTS_MAX, "any frame is one packet");

/* What became of the frame at hand, beside the errnos. */
enum { FRAME_DONE = 0, FRAME_MORE = 1 };

/* A packet being made. */
struct packet {
	struct nic_tx_packet p;
	struct nic_segment segment[SEGMENTS_MAX];
};

/* ---- Into the queue: any core ---- */

static struct uplink_tx *tx_of(struct port *p, const struct frame *f)
{
	struct uplink *up = CONTAINER_OF(p, struct uplink, port);

	/* One source stays in one queue, and so in order. */
	return &up->pair[up->pair_of_port[f->source_port % SWITCH_PORTS_MAX]]->tx;
}

static struct uplink_pair *pair_of(struct uplink_tx *tx)
{
	return CONTAINER_OF(tx, struct uplink_pair, tx);
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

	for (unsigned i = 0; i < up->setup.nr_pairs; i++) {
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

static struct uplink_slot *slot_at(struct uplink_tx *tx, unsigned i)
{
	return &tx->slot[i % UPLINK_TX_ENTRIES];
}

static void add_segment(struct packet *k, const void *hva, uint32_t len_bytes)
{
	if (!len_bytes)
		return;
	k->segment[k->p.nr_segments++] =
		(struct nic_segment){ .hpa = HPA(hva), .len_bytes = len_bytes };
	k->p.len_bytes += len_bytes;
}

/* The rest of a frame, from the cursor on. */
static void add_rest(struct packet *k, const struct frame *f, struct frame_cursor at)
{
	if (at.piece == 0)
		add_segment(k, f->head + at.offset, f->head_len - at.offset);
	for (unsigned i = at.piece ? at.piece - 1 : 0; i < f->nr_segments; i++) {
		uint32_t skip = at.piece == i + 1 ? at.offset : 0;

		add_segment(k, f->segment[i].hva + skip, f->segment[i].len_bytes - skip);
	}
}

/* Hands it to the NIC. 0; -EAGAIN: full; others: not this packet, or not now. */
static int send(struct uplink_tx *tx, struct packet *k, struct frame *f, bool bounced)
{
	struct uplink_slot *slot = slot_at(tx, tx->head);
	int n;

	if (tx->head - tx->tail == UPLINK_TX_ENTRIES)
		return -EAGAIN;
	k->p.segment = k->segment;
	k->p.cookie = tx->head;
	n = nic_tx_prepare(tx->queue, &k->p, 1);
	if (n != 1)
		return n < 0 ? n : -EAGAIN;
	slot->frame = f;
	slot->bounced = bounced;
	tx->head++;
	tx->bounce_head += bounced;
	uplink_count(&tx->stats.packets);
	uplink_count(bounced ? &tx->stats.bounced : &tx->stats.zero_copy);
	return 0;
}

static bool can(const struct uplink_tx *tx, uint32_t capability)
{
	return tx->queue->nic->capabilities & capability;
}

static uint32_t frame_bytes_max(const struct uplink_tx *tx)
{
	return (uint32_t)tx->queue->nic->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES;
}

static unsigned ether_type(const struct frame *f)
{
	unsigned off = f->tagged ? 16 : 12;

	return (unsigned)f->head[off] << 8 | f->head[off + 1];
}

/* A partial checksum for the NIC to complete. False: not of a protocol that NICs know. */
static bool ask_checksum(
	struct nic_tx_packet *p, const struct frame *f, const struct frame_plan *plan, bool tagged)
{
	const struct frame_offload *o = &plan->offload;
	unsigned type = ether_type(f);

	p->l2_len = (uint8_t)(ETH_HEADER_BYTES + (tagged ? ETH_VLAN_BYTES : 0));
	p->l3_len = (uint16_t)(o->csum_start - p->l2_len);
	p->flags = NIC_TX_L4_CSUM;
	if (type == ETH_TYPE_IPV4)
		p->flags |= NIC_TX_IPV4;
	if (o->csum_offset == TCP_CHECKSUM)
		p->flags |= NIC_TX_TCP;
	return (type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6) && p->l3_len >= IP_BYTES_MIN &&
	       p->l3_len <= IP_BYTES_MAX &&
	       (o->csum_offset == TCP_CHECKSUM || o->csum_offset == UDP_CHECKSUM);
}

static struct sink_buffer bounce_buffer(const struct uplink_tx *tx)
{
	uint32_t bytes = pair_of((struct uplink_tx *)tx)->up->setup.bounce_bytes;

	if (tx->bounce_head - tx->bounce_tail == UPLINK_BOUNCE_FRAMES)
		return (struct sink_buffer){ 0 };
	return (struct sink_buffer){
		tx->bounce + (uint64_t)(tx->bounce_head % UPLINK_BOUNCE_FRAMES) * bytes, bytes
	};
}

static int send_bounced(
	struct uplink_tx *tx, const struct sink_buffer *b, uint32_t len_bytes, struct frame *last)
{
	struct packet k = { 0 };

	add_segment(&k, b->hva, len_bytes);
	return send(tx, &k, last, true);
}

/* A frame whose checksum the NIC cannot complete. */
static int tx_completed(struct uplink_tx *tx, struct frame *f, struct frame_plan *plan)
{
	struct sink_buffer b = bounce_buffer(tx);
	struct sink sink;

	if (!b.len_bytes)
		return -EAGAIN;
	sink_init(&sink, &b, 1);
	if (frame_write(f, plan, true, &sink))
		return -EINVAL;
	return send_bounced(tx, &b, plan->len_bytes, f);
}

/* Its bytes go out from where they are. */
static int tx_whole(struct uplink_tx *tx, struct frame *f, bool tagged)
{
	struct frame_plan *plan = &slot_at(tx, tx->head)->plan; /* the tag may lie in it */
	struct packet k = { 0 };

	if (tx->head - tx->tail == UPLINK_TX_ENTRIES)
		return -EAGAIN; /* the slot is not ours yet */
	frame_plan(f, tagged, plan);
	if (plan->len_bytes > frame_bytes_max(tx))
		return -E2BIG;
	if (plan->offload.flags & VNET_HDR_F_NEEDS_CSUM &&
		(!can(tx, NIC_CAP_TX_CSUM) || !ask_checksum(&k.p, f, plan, tagged)))
		return tx_completed(tx, f, plan);
	for (unsigned i = 0; i < plan->nr_pieces; i++)
		add_segment(&k, plan->piece[i].hva, plan->piece[i].len_bytes);
	add_rest(&k, f, (struct frame_cursor){ .piece = 1 });
	return send(tx, &k, f, false);
}

/* What the NIC wants in the headers of what it cuts: see nic_tx_prepare(). */
static void prepare_headers(struct segmenter *s)
{
	uint8_t *ip = s->headers + s->l3_off, *tcp = s->headers + s->l4_off;
	uint8_t tail[4] = { 0, IP_PROTO_TCP };
	struct checksum c = { 0 };
	uint16_t sum;

	if (!s->ipv6)
		memset(ip + IPV4_CHECKSUM, 0, 2);
	checksum_add(&c, ip + (s->ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES), s->ipv6 ? 32 : 8);
	checksum_add(&c, tail, sizeof(tail));
	sum = (uint16_t)~checksum_fold(&c);
	memcpy(tcp + TCP_CHECKSUM, &sum, sizeof(sum));
}

/* The NIC cuts it. The headers, read once and validated, are ours; the payload stays. */
static int tx_tso(struct uplink_tx *tx, struct frame *f, const struct segmenter *s)
{
	struct uplink_slot *slot = slot_at(tx, tx->head);
	struct packet k = { 0 };

	if (tx->head - tx->tail == UPLINK_TX_ENTRIES)
		return -EAGAIN;
	memcpy(slot->headers, s->headers, s->headers_len);
	add_segment(&k, slot->headers, s->headers_len);
	add_rest(&k, f, s->at);
	k.p.flags = NIC_TX_TCP | NIC_TX_L4_CSUM | NIC_TX_TSO;
	if (!s->ipv6)
		k.p.flags |= NIC_TX_IPV4 | NIC_TX_L3_CSUM;
	k.p.mss = s->mss;
	k.p.l2_len = (uint8_t)s->l3_off;
	k.p.l3_len = (uint16_t)(s->l4_off - s->l3_off);
	k.p.l4_len = (uint8_t)(s->headers_len - s->l4_off);
	return send(tx, &k, f, false);
}

/* We cut it. */
static int tx_cut(struct uplink_tx *tx, struct frame *f, unsigned *budget)
{
	uint32_t len_bytes;

	while ((len_bytes = segment_next_len(&tx->cutter)) != 0) {
		struct sink_buffer b = bounce_buffer(tx);
		struct frame_offload offload;
		struct segmenter before;
		struct sink sink;
		int err;

		if (*budget == 0)
			return FRAME_MORE;
		if (!b.len_bytes)
			return -EAGAIN;
		sink_init(&sink, &b, 1);
		before = tx->cutter;
		if (segment_write(&tx->cutter, &sink, &offload))
			return -E2BIG;
		err = send_bounced(tx, &b, len_bytes, segment_next_len(&tx->cutter) ? NULL : f);
		if (err) {
			tx->cutter = before;
			return err;
		}
		(*budget)--;
	}
	return FRAME_DONE;
}

static int tx_segmented(struct uplink_tx *tx, struct frame *f, bool tagged, unsigned *budget)
{
	if (tx->cutting)
		return tx_cut(tx, f, budget);
	if (segment_begin(&tx->cutter, f, tagged, true))
		return -EINVAL;
	if ((uint32_t)tx->cutter.headers_len + tx->cutter.mss > frame_bytes_max(tx))
		return -E2BIG;
	if (can(tx, NIC_CAP_TSO)) {
		prepare_headers(&tx->cutter);
		return tx_tso(tx, f, &tx->cutter);
	}
	tx->cutting = true;
	return tx_cut(tx, f, budget);
}

static enum drop_reason why_dropped(int err)
{
	switch (err) {
	case -E2BIG:
		return DROP_OVERSIZE;
	case -ENODEV:
		return DROP_LINK_DOWN;
	default:
		return DROP_MALFORMED;
	}
}

/* The ring's first frame. -EAGAIN: the NIC is full; FRAME_MORE: out of budget in the middle. */
static int tx_next(struct uplink_pair *pair, struct frame *f, unsigned *budget)
{
	struct uplink_tx *tx = &pair->tx;
	bool tagged = port_wants_tag(&pair->up->port, f);
	int r;

	if (!load_acquire(&pair->up->link_up))
		r = -ENODEV;
	else if (f->offload.gso_type != VNET_HDR_GSO_NONE)
		r = tx_segmented(tx, f, tagged, budget);
	else
		r = tx_whole(tx, f, tagged);
	if (r == -EAGAIN || r == FRAME_MORE)
		return r;
	tx->cutting = false;
	frame_ring_pop(&tx->ring);
	if (r) {
		port_count_drop(&pair->up->port, why_dropped(r));
		frame_put(f);
	}
	return FRAME_DONE;
}

/* What the NIC has done with. */
static void tx_reap(struct uplink_pair *pair)
{
	struct uplink_tx *tx = &pair->tx;
	struct nic_tx_done done[NIC_BATCH];
	unsigned n;

	do {
		n = nic_tx_reap(tx->queue, done, NIC_BATCH);
		for (unsigned i = 0; i < n; i++) {
			struct uplink_slot *slot = slot_at(tx, tx->tail++);

			tx->bounce_tail += slot->bounced;
			if (!done[i].sent)
				uplink_count(&tx->stats.lost_in_reset);
			if (!slot->frame)
				continue;
			if (done[i].sent)
				port_count_tx(&pair->up->port, slot->frame);
			else
				port_count_drop(&pair->up->port, DROP_LINK_DOWN);
			frame_put(slot->frame);
		}
	} while (n == NIC_BATCH);
}

/* Nothing to send for now. While frames come we look again by ourselves; false: the interrupt is
 * armed, or nothing is under way. */
static bool poll_on(struct uplink_pair *pair, unsigned moved)
{
	struct uplink_tx *tx = &pair->tx;

	if (moved) {
		tx->dry_polls = 0;
		return true;
	}
	if (tx->head == tx->tail)
		return false; /* deliver() schedules */
	if (tx->dry_polls++ < UPLINK_DRY_POLLS || tx->queue->vector == NIC_NO_VECTOR)
		return true;
	tx->dry_polls = UPLINK_DRY_POLLS;
	nic_vector_arm(pair->up->nic, tx->queue->vector);
	return nic_tx_pending(tx->queue);
}

static enum work_result tx_run(struct work *w, unsigned budget)
{
	struct uplink_pair *pair = CONTAINER_OF(w, struct uplink_pair, tx.work);
	struct uplink_tx *tx = &pair->tx;
	unsigned left = budget;
	struct frame *f;
	int r = FRAME_DONE;

	tx_reap(pair);
	while (left && r == FRAME_DONE && (f = frame_ring_peek(&tx->ring))) {
		left--;
		r = tx_next(pair, f, &left);
	}
	nic_tx_flush(tx->queue);
	tx_reap(pair);
	waiters_wake(&tx->waiters);
	w->worker->frames += budget - left;
	if (!left && r != -EAGAIN)
		return WORK_MORE;
	return poll_on(pair, r == -EAGAIN ? 0 : budget - left) ? WORK_POLL : WORK_DONE;
}

int uplink_tx_init(struct uplink_pair *pair)
{
	const struct uplink_setup *s = &pair->up->setup;
	struct uplink_tx *tx = &pair->tx;

	tx->slot = s->pages(UPLINK_TX_ENTRIES * sizeof(*tx->slot));
	tx->bounce = s->pages((uint64_t)UPLINK_BOUNCE_FRAMES * s->bounce_bytes);
	if (!tx->slot || !tx->bounce)
		return -ENOMEM;
	work_init(&tx->work, tx_run);
	frame_ring_init(&tx->ring);
	return 0;
}
