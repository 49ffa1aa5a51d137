/* Frames as packets for the NIC; see uplink_packet.h.
 *
 * What decides where a packet goes, addresses and tag, is always the frame's own copy, never the
 * sender's memory: it is in the frame's head, in the slot, or in a bounce buffer. Offload fields
 * come from a guest. They were checked against the frame's length; what the NIC is asked for
 * besides is checked here, and where it does not know a protocol, the work is done in software. */
#include "net/uplink_packet.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "net/checksum.h"

#define ETH_TYPE_IPV4  0x0800
#define ETH_TYPE_IPV6  0x86dd
#define IPV4_BYTES_MIN 20
#define IPV6_BYTES     40
#define IP_BYTES_MAX   511 /* that a NIC's descriptor has room for */
#define IPV4_LENGTH    2
#define IPV4_CHECKSUM  10
#define IPV4_ADDRESSES 12
#define IPV6_LENGTH    4
#define IPV6_ADDRESSES 8
#define IP_PROTO_TCP   6
#define TCP_CHECKSUM   16
#define TCP_BYTES_MIN  20
#define UDP_CHECKSUM   6
#define UDP_BYTES      8

/* The plan's pieces or a slot's headers, what the head has behind them, segments, padding. */
_Static_assert(3 + FRAME_SEGMENTS_MAX <= NIC_TX_SEGMENTS_MAX, "any frame is one packet");

static const uint8_t zeros[NIC_TX_BYTES_MIN];

static const struct uplink *uplink_of(const struct uplink_tx *tx)
{
	return CONTAINER_OF(tx, const struct uplink_pair, tx)->up;
}

static bool can(const struct uplink_tx *tx, uint32_t capability)
{
	return (tx->queue->nic->capabilities & capability) != 0;
}

/* On the wire, without FCS. */
static uint32_t frame_bytes_max(const struct uplink_tx *tx)
{
	return (uint32_t)tx->queue->nic->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES;
}

/* ---- The batch ---- */

static bool has_room(const struct uplink_tx *tx)
{
	return tx->nr_packets < NIC_BATCH && tx->head - tx->tail < UPLINK_TX_ENTRIES;
}

/* The next packet, empty. It is in the batch only once it is committed. */
static struct nic_tx_packet *begin(struct uplink_tx *tx)
{
	struct nic_tx_packet *p = &tx->packet[tx->nr_packets];

	*p = (struct nic_tx_packet){ .cookie = tx->head, .segment = &tx->segment[tx->nr_segments] };
	return p;
}

static void add(struct uplink_tx *tx, struct nic_tx_packet *p, const void *hva, uint32_t len_bytes)
{
	if (!len_bytes)
		return;
	tx->segment[tx->nr_segments + p->nr_segments++] =
		(struct nic_segment){ .hpa = HPA(hva), .len_bytes = len_bytes };
	p->len_bytes += len_bytes;
}

/* frame: goes back with this packet, or NULL. */
static void commit(struct uplink_tx *tx, struct nic_tx_packet *p, struct frame *frame, bool bounced)
{
	struct uplink_slot *slot = uplink_slot_at(tx, tx->head);

	if (p->len_bytes < NIC_TX_BYTES_MIN)
		add(tx, p, zeros, NIC_TX_BYTES_MIN - p->len_bytes);
	slot->frame = frame;
	slot->frames = 1;
	slot->bounced = bounced;
	slot->done = false;
	tx->nr_segments += p->nr_segments;
	tx->nr_packets++;
	tx->head++;
}

/* The frame's bytes from the cursor on. */
static void add_rest(struct uplink_tx *tx, struct nic_tx_packet *p, const struct frame *f,
	struct frame_cursor at)
{
	unsigned i = 0;

	if (at.piece == 0) {
		add(tx, p, f->head + at.offset, f->head_len - at.offset);
	} else if (at.piece <= f->nr_segments) {
		i = at.piece - 1;
		add(tx, p, f->segment[i].hva + at.offset, f->segment[i].len_bytes - at.offset);
		i++;
	} else {
		return;
	}
	for (; i < f->nr_segments; i++)
		add(tx, p, f->segment[i].hva, f->segment[i].len_bytes);
}

/* ---- Bounce buffers ---- */

/* NULL: all are in use. */
static uint8_t *bounce_buffer(const struct uplink_tx *tx)
{
	uint64_t i = tx->bounce_head % UPLINK_BOUNCE_FRAMES;

	if (tx->bounce_head - tx->bounce_tail == UPLINK_BOUNCE_FRAMES)
		return NULL;
	return tx->bounce + i * uplink_of(tx)->setup.bounce_bytes;
}

static struct sink_buffer sink_buffer(const struct uplink_tx *tx, uint8_t *hva)
{
	return (struct sink_buffer){ hva, uplink_of(tx)->setup.bounce_bytes };
}

static void commit_bounced(
	struct uplink_tx *tx, const uint8_t *hva, uint32_t len_bytes, struct frame *frame)
{
	struct nic_tx_packet *p = begin(tx);

	add(tx, p, hva, len_bytes);
	commit(tx, p, frame, true);
	tx->bounce_head++;
}

/* ---- Frames that go as they are ---- */

static unsigned ether_type(const struct frame *f)
{
	unsigned off = f->tagged ? 16 : 12;

	return (unsigned)f->head[off] << 8 | f->head[off + 1];
}

/* A partial checksum for the NIC to complete. False: not of a protocol that NICs know, or not all
 * of its header is there. */
static bool ask_checksum(
	struct nic_tx_packet *p, const struct frame *f, const struct frame_plan *plan, bool tagged)
{
	const struct frame_offload *o = &plan->offload;
	uint32_t l2 = ETH_HEADER_BYTES + (tagged ? ETH_VLAN_BYTES : 0);
	uint32_t l3 = o->csum_start - l2; /* not below: frame_check_offload() */
	bool tcp = o->csum_offset == TCP_CHECKSUM, ipv4 = ether_type(f) == ETH_TYPE_IPV4;

	if ((!ipv4 && ether_type(f) != ETH_TYPE_IPV6) || (!tcp && o->csum_offset != UDP_CHECKSUM))
		return false;
	if (l3 < (ipv4 ? IPV4_BYTES_MIN : IPV6_BYTES) || l3 > IP_BYTES_MAX ||
		l2 + l3 + (tcp ? TCP_BYTES_MIN : UDP_BYTES) > plan->len_bytes)
		return false;
	p->l2_len = (uint8_t)l2;
	p->l3_len = (uint16_t)l3;
	p->flags = (uint16_t)(NIC_TX_L4_CSUM | (ipv4 ? NIC_TX_IPV4 : 0) | (tcp ? NIC_TX_TCP : 0));
	return true;
}

/* A frame whose checksum the NIC cannot complete. */
static int make_completed(struct uplink_tx *tx, struct frame *f, struct frame_plan *plan)
{
	uint8_t *hva = bounce_buffer(tx);
	struct sink_buffer b = sink_buffer(tx, hva);
	struct sink sink;

	if (!hva)
		return -EAGAIN;
	sink_init(&sink, &b, 1);
	if (frame_write(f, plan, true, &sink))
		return -E2BIG;
	commit_bounced(tx, hva, plan->len_bytes, f);
	return 0;
}

/* Its bytes go out from where they are. */
static int make_whole(struct uplink_tx *tx, struct frame *f, bool tagged)
{
	struct nic_tx_packet *p;
	struct frame_plan plan;

	if (!has_room(tx))
		return -EAGAIN;
	frame_plan(f, tagged, &plan);
	if (plan.len_bytes > frame_bytes_max(tx))
		return -E2BIG;
	p = begin(tx);
	if (plan.offload.flags & VNET_HDR_F_NEEDS_CSUM &&
		(!can(tx, NIC_CAP_TX_CSUM) || !ask_checksum(p, f, &plan, tagged)))
		return make_completed(tx, f, &plan);
	for (unsigned i = 0; i < plan.nr_pieces; i++) {
		const uint8_t *hva = plan.piece[i].hva;

		if (hva == plan.tag) /* the plan goes, the tag stays */
			hva = memcpy(uplink_slot_at(tx, tx->head)->tag, hva, ETH_VLAN_BYTES);
		add(tx, p, hva, plan.piece[i].len_bytes);
	}
	add_rest(tx, p, f, (struct frame_cursor){ .piece = 1 });
	commit(tx, p, f, false);
	return 0;
}

/* ---- Segments ---- */

/* What the NIC wants in the headers of what it cuts: see nic.h. */
static void blank_headers(const struct segmenter *s, uint8_t *headers)
{
	uint8_t *ip = headers + s->l3_off, *tcp = headers + s->l4_off;
	uint8_t tail[4] = { 0, IP_PROTO_TCP };
	struct checksum c = { 0 };
	uint16_t sum;

	memset(ip + (s->ipv6 ? IPV6_LENGTH : IPV4_LENGTH), 0, 2);
	if (!s->ipv6)
		memset(ip + IPV4_CHECKSUM, 0, 2);
	checksum_add(&c, ip + (s->ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES), s->ipv6 ? 32 : 8);
	checksum_add(&c, tail, sizeof(tail));
	sum = (uint16_t)~checksum_fold(&c);
	memcpy(tcp + TCP_CHECKSUM, &sum, sizeof(sum));
}

static bool nic_can_cut(const struct uplink_tx *tx, const struct segmenter *s)
{
	return can(tx, NIC_CAP_TSO) && MIN(s->mss, s->payload_left) >= NIC_TX_MSS_MIN &&
	       s->headers_len + s->payload_left <= NIC_TX_BYTES_MAX;
}

/* The NIC cuts it. The headers, read once and validated, are ours; the payload stays. */
static void make_tso(struct uplink_tx *tx, struct frame *f, const struct segmenter *s)
{
	uint8_t *headers = tx->headers[tx->head % UPLINK_TX_ENTRIES];
	struct nic_tx_packet *p = begin(tx);
	struct uplink_slot *slot = uplink_slot_at(tx, tx->head);

	memcpy(headers, s->headers, s->headers_len);
	blank_headers(s, headers);
	add(tx, p, headers, s->headers_len);
	add_rest(tx, p, f, s->at);
	p->flags = NIC_TX_TCP | NIC_TX_L4_CSUM | NIC_TX_TSO;
	if (!s->ipv6)
		p->flags |= NIC_TX_IPV4 | NIC_TX_L3_CSUM;
	p->mss = (uint16_t)MIN(s->mss, s->payload_left);
	p->l2_len = (uint8_t)s->l3_off;
	p->l3_len = (uint16_t)(s->l4_off - s->l3_off);
	p->l4_len = (uint8_t)(s->headers_len - s->l4_off);
	commit(tx, p, f, false);
	slot->frames = (uint16_t)((s->payload_left + p->mss - 1) / p->mss);
}

/* We cut it. */
static int make_cut(struct uplink_tx *tx, struct frame *f, unsigned *budget)
{
	uint32_t len_bytes;

	while ((len_bytes = segment_next_len(&tx->cutter)) != 0) {
		uint8_t *hva = bounce_buffer(tx);
		struct sink_buffer b = sink_buffer(tx, hva);
		struct frame_offload offload;
		struct sink sink;

		if (!*budget || !hva || !has_room(tx))
			return -EAGAIN;
		sink_init(&sink, &b, 1);
		if (segment_write(&tx->cutter, &sink, &offload))
			return -EINVAL;
		commit_bounced(tx, hva, len_bytes, segment_next_len(&tx->cutter) ? NULL : f);
		(*budget)--;
	}
	tx->cutting = false;
	return 0;
}

static int make_segmented(struct uplink_tx *tx, struct frame *f, bool tagged, unsigned *budget)
{
	if (!has_room(tx))
		return -EAGAIN;
	if (segment_begin(&tx->cutter, f, tagged, true))
		return -EINVAL;
	if (segment_next_len(&tx->cutter) > frame_bytes_max(tx))
		return -E2BIG;
	if (nic_can_cut(tx, &tx->cutter)) {
		make_tso(tx, f, &tx->cutter);
		(*budget)--;
		return 0;
	}
	tx->cutting = true;
	return make_cut(tx, f, budget);
}

/* Without its priority tag (VLAN 0) the frame would show another tag that lies behind it, and be in
 * that VLAN on the wire. */
static bool hides_tag(const struct frame *f, bool tagged)
{
	return f->tagged && !tagged && ether_type(f) == ETH_TYPE_VLAN;
}

int uplink_make_packets(struct uplink_tx *tx, struct frame *f, bool tagged, unsigned *budget)
{
	int err;

	if (tx->cutting)
		return make_cut(tx, f, budget);
	if (hides_tag(f, tagged))
		return -EPROTO;
	if (f->offload.gso_type != VNET_HDR_GSO_NONE)
		return make_segmented(tx, f, tagged, budget);
	err = make_whole(tx, f, tagged);
	if (!err)
		(*budget)--;
	return err;
}
