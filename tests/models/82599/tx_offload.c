/* Transmit offloads: checksums, and the headers of segments. DS 7.2.4 (segmentation), 7.2.5. */
#include "data.h"

#define L4T_UDP	       0u
#define L4T_TCP	       1u
#define L4T_SCTP       2u
#define TUCMD_IPV4     (1u << 10)
#define TCP_CHECKSUM   16
#define UDP_CHECKSUM   6
#define SCTP_CHECKSUM  8
#define IPV4_LENGTH    2
#define IPV4_ID	       4
#define IPV4_CHECKSUM  10
#define IPV6_LENGTH    4
#define IPV6_BYTES     40
#define UDP_LENGTH     4
#define TCP_SEQUENCE   4
#define TCP_FLAGS      12
#define TCP_FLAGS_BITS 0x0fffu

struct layout {
	uint32_t l3, l4, end;
	unsigned l4t;
	bool ipv4;
};

static struct layout layout_of(const struct tx_context *c, uint32_t len)
{
	struct layout l = { .l3 = c->vlan_macip >> 9 & 0x7f,
		.end = len,
		.l4t = c->type >> 11 & 3,
		.ipv4 = c->type & TUCMD_IPV4 };

	l.l4 = l.l3 + (c->vlan_macip & 0x1ff);
	return l;
}

/* What software has put into the field is part of the sum: the pseudo header, without its length
 * when the packet is segmented (extra: that length). */
static void insert_l4(uint8_t *frame, const struct layout *l, uint32_t extra)
{
	static const uint8_t field_of[] = {
		[L4T_UDP] = UDP_CHECKSUM, [L4T_TCP] = TCP_CHECKSUM, [L4T_SCTP] = SCTP_CHECKSUM
	};
	uint32_t field;
	uint16_t sum;

	if (l->l4t > L4T_SCTP)
		return;
	field = field_of[l->l4t];
	if (l->l4 + field + 4 > l->end && (l->l4t == L4T_SCTP || l->l4 + field + 2 > l->end))
		return;
	if (l->l4t == L4T_SCTP) {
		store_le32(
			frame + l->l4 + field, crc32c_sctp(frame + l->l4, l->end - l->l4, field));
		return;
	}
	sum = (uint16_t)~sum_fold(sum_words(frame + l->l4, l->end - l->l4, extra));
	if (l->l4t == L4T_UDP && !sum)
		sum = 0xffff;
	store_be16(frame + l->l4 + field, sum);
}

static void insert_ip(uint8_t *frame, const struct layout *l)
{
	if (l->l4 > l->end || l->l4 - l->l3 < 20)
		return;
	store_be16(frame + l->l3 + IPV4_CHECKSUM,
		(uint16_t)~sum_fold(sum_words(frame + l->l3, l->l4 - l->l3, 0)));
}

static void add_be16(uint8_t *p, uint32_t n)
{
	store_be16(p, (uint16_t)(load_be16(p) + n));
}

/* DTXTCPFLGL and DTXTCPFLGH: which flags survive in the first, middle and last segments. */
static void mask_tcp_flags(const struct port *p, uint8_t *tcp, bool first, bool last)
{
	uint32_t low = reg_get(p, REG_DTXTCPFLGL), mask = first ? low : low >> 16;

	if (first && last) /* not cut */
		return;
	if (last)
		mask = reg_get(p, REG_DTXTCPFLGH);
	store_be16(
		tcp + TCP_FLAGS, load_be16(tcp + TCP_FLAGS) & (uint16_t)(mask | ~TCP_FLAGS_BITS));
}

/* DS 7.2.4.7: lengths, identification, sequence number and flags of one segment. */
static void segment_headers(
	const struct port *p, const struct tx_packet *k, uint8_t *frame, const struct layout *l)
{
	uint32_t mss = k->context.mss_l4 >> 16;
	uint8_t *ip = frame + l->l3, *l4 = frame + l->l4;

	if (l->ipv4) {
		store_be16(ip + IPV4_LENGTH, (uint16_t)(l->end - l->l3));
		add_be16(ip + IPV4_ID, k->segment);
	} else if (l->l4 - l->l3 >= IPV6_BYTES) {
		store_be16(ip + IPV6_LENGTH, (uint16_t)(l->end - l->l3 - IPV6_BYTES));
	}
	if (l->l4t == L4T_TCP) {
		store_be32(l4 + TCP_SEQUENCE, load_be32(l4 + TCP_SEQUENCE) + k->segment * mss);
		mask_tcp_flags(p, l4, k->segment == 0, k->payload_done == k->payload_bytes);
	} else if (l->l4t == L4T_UDP) {
		store_be16(l4 + UDP_LENGTH, (uint16_t)(l->end - l->l4));
	}
}

/* Legacy descriptors: a sum from CSS to the end, at CSO. */
static void insert_legacy(const struct tx_packet *k, uint8_t *frame, uint32_t len)
{
	if (k->css >= len || k->cso + 2u > len)
		return;
	store_be16(frame + k->cso, (uint16_t)~sum_fold(sum_words(frame + k->css, len - k->css, 0)));
}

void tx_offload(const struct port *p, const struct tx_packet *k, uint8_t *frame, uint32_t len_bytes)
{
	struct layout l = layout_of(&k->context, len_bytes);

	if (k->legacy) {
		if (k->insert_checksum)
			insert_legacy(k, frame, len_bytes);
		return;
	}
	if (k->tso)
		segment_headers(p, k, frame, &l);
	if (k->txsm && l.l4 < len_bytes)
		insert_l4(frame, &l, k->tso ? len_bytes - l.l4 : 0);
	if (k->ixsm)
		insert_ip(frame, &l);
}
