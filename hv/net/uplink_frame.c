/* A received packet as a frame; see uplink_frame.h. RFC 791, 3.1 (IPv4); RFC 9293, 3.1 (TCP). */
#include "net/uplink_frame.h"

#include "lib/string.h"
#include "net/checksum.h"
#include "net/uplink_lent.h"

#define MACS_BYTES     (2 * ETH_ALEN)
#define ETH_TYPE_IPV4  0x0800
#define IPV4_BYTES     20u
#define IPV4_LENGTH    2
#define IPV4_PROTOCOL  9
#define IPV4_ADDRESSES 12
#define IP_PROTO_TCP   6
#define TCP_BYTES_MIN  20u
#define TCP_OFFSET     12
#define TCP_CHECKSUM   16

_Static_assert(NIC_RX_CHAIN_MAX >= FRAME_SEGMENTS_MAX, "a chain may be longer than a frame");

static inline void add_segment(struct frame *f, const uint8_t *bytes, uint32_t len_bytes)
{
	if (len_bytes)
		f->segment[f->nr_segments++] = (struct frame_segment){ bytes, len_bytes };
}

/* To the frame's end: into the head as long as it has room, then by reference. */
static void add_bytes(struct frame *f, const uint8_t *bytes, uint32_t len_bytes)
{
	uint32_t to_head = MIN(len_bytes, (uint32_t)FRAME_HEAD_BYTES - f->head_len);

	if (to_head == FRAME_HEAD_BYTES)
		__builtin_memcpy(f->head, bytes, FRAME_HEAD_BYTES);
	else if (to_head)
		memcpy(f->head + f->head_len, bytes, to_head);
	f->head_len = (uint16_t)(f->head_len + to_head);
	f->len_bytes += len_bytes;
	add_segment(f, bytes + to_head, len_bytes - to_head);
}

/* The first piece of a packet whose tag the NIC has taken out: the switch looks for it there. */
static bool add_tagged(struct frame *f, const uint8_t *bytes, uint32_t len_bytes, uint16_t tci)
{
	uint8_t tag[ETH_VLAN_BYTES] = { ETH_TYPE_VLAN >> 8, ETH_TYPE_VLAN & 0xff,
		(uint8_t)(tci >> 8), (uint8_t)tci };

	if (len_bytes < MACS_BYTES)
		return false;
	add_bytes(f, bytes, MACS_BYTES);
	add_bytes(f, tag, sizeof(tag));
	add_bytes(f, bytes + MACS_BYTES, len_bytes - MACS_BYTES);
	return true;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* What RSC merged becomes a segment that the guest's stack, or another NIC, may cut again. RSC
 * takes TCP over IPv4 without options only, so that all headers that matter are in the frame's
 * head. False: it is something else, or not what the sender has sent. */
static bool make_gso(struct frame *f, const struct nic_rx_packet *p)
{
	uint32_t type_off = be16(f->head + MACS_BYTES) == ETH_TYPE_VLAN ? 16 : 12;
	uint32_t l3 = type_off + 2, l4 = l3 + IPV4_BYTES, headers, payload, gso_size;
	uint8_t *ip = f->head + l3, *tcp = f->head + l4;

	if (f->head_len < l4 + TCP_BYTES_MIN || be16(f->head + type_off) != ETH_TYPE_IPV4 ||
		ip[0] != 0x45 || ip[IPV4_PROTOCOL] != IP_PROTO_TCP ||
		be16(ip + IPV4_LENGTH) != f->len_bytes - l3)
		return false;
	headers = l4 + (tcp[TCP_OFFSET] >> 4) * 4u;
	if (headers < l4 + TCP_BYTES_MIN || headers >= f->len_bytes)
		return false;
	payload = f->len_bytes - headers;
	/* of tiny segments larger ones, which whoever cuts them can take */
	gso_size = MAX((payload + p->rsc_segments - 1) / p->rsc_segments, NIC_TX_MSS_MIN);
	f->offload = (struct frame_offload){
		.flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = VNET_HDR_GSO_TCPV4,
		.header_len = (uint16_t)headers,
		.gso_size = (uint16_t)gso_size,
		.csum_start = (uint16_t)l4,
		.csum_offset = TCP_CHECKSUM,
	};
	checksum_put_tcp_pseudo(ip + IPV4_ADDRESSES, tcp + TCP_CHECKSUM, f->len_bytes - l4);
	return true;
}

/* A bad checksum is for the guest to see, as without the NIC's help; but not if it is replaced. */
static bool set_offload(struct frame *f, const struct nic_rx_packet *p)
{
	if (p->rsc_segments > 1)
		return !(p->flags & (NIC_RX_L3_BAD | NIC_RX_L4_BAD)) && make_gso(f, p);
	if (p->flags & NIC_RX_L4_GOOD)
		f->offload.flags = VNET_HDR_F_DATA_VALID;
	return true;
}

static bool add_first(
	struct frame *f, const struct nic_rx_packet *p, const uint8_t *bytes, uint32_t len_bytes)
{
	if (p->flags & NIC_RX_VLAN)
		return add_tagged(f, bytes, len_bytes, p->vlan_tci);
	add_bytes(f, bytes, len_bytes);
	return true;
}

/* Payload apart from the headers stays wholly where it is, so that a lent buffer is used from its
 * beginning. */
static bool add_split(struct uplink_rx *rx, const struct nic_rx_packet *p, struct uplink_buffer *b)
{
	const struct nic_rx_buffer *piece = &rx->batch.buffer[p->first_buffer];
	struct frame *f = &b->frame;
	unsigned first;

	if (!add_first(f, p, uplink_buffer_headers(rx, b), p->header_bytes))
		return false;
	first = f->nr_segments;
	for (struct uplink_buffer *at = b; at; at = at->next, piece++) {
		at->in_frame = at->lent && piece->len_bytes;
		if (!piece->len_bytes)
			continue;
		f->segment[f->nr_segments++] = (struct frame_segment){ at->data, piece->len_bytes };
		f->len_bytes += piece->len_bytes;
	}
	uplink_lent_describe(rx, f, first, b);
	return true;
}

static bool add_all(struct uplink_rx *rx, const struct nic_rx_packet *p, struct uplink_buffer *b)
{
	const struct nic_rx_buffer *piece = &rx->batch.buffer[p->first_buffer];

	if (rx->lent.headers)
		return add_split(rx, p, b);
	if (!add_first(&b->frame, p, b->data, piece->len_bytes))
		return false;
	for (const struct uplink_buffer *next = b->next; next; next = next->next)
		add_bytes(&b->frame, next->data, (++piece)->len_bytes);
	return true;
}

enum drop_reason uplink_make_frame(
	struct uplink_rx *rx, const struct nic_rx_packet *p, struct uplink_buffer *b)
{
	struct frame *f = &b->frame;

	/* headers that do not fit into the head are a segment too */
	if (p->nr_buffers > FRAME_SEGMENTS_MAX - (rx->lent.headers ? 1 : 0))
		return DROP_OVERSIZE;
	f->refs = 1;
	f->len_bytes = 0;
	f->head_len = 0;
	f->nr_segments = 0;
	f->lent = NULL;
	f->offload = (struct frame_offload){ 0 };
	if (!add_all(rx, p, b))
		return DROP_MALFORMED;
	return set_offload(f, p) ? UPLINK_FRAME_GOOD : DROP_MALFORMED;
}
