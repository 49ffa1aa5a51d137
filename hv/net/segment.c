/* Offloads in software while a frame is written to its destination; see segment.h. */
#include "net/segment.h"

#include "lib/errno.h"
#include "lib/string.h"

#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_IPV6 0x86dd

/* RFC 791, 3.1 */
#define IPV4_LENGTH    2
#define IPV4_ID	       4
#define IPV4_FRAGMENT  6
#define IPV4_PROTOCOL  9
#define IPV4_CHECKSUM  10
#define IPV4_ADDRESSES 12
#define IPV4_MIN_BYTES 20u
#define IPV4_FRAG_MASK 0x3fff /* more fragments, and the offset */
/* RFC 8200, 3 */
#define IPV6_LENGTH    4
#define IPV6_NEXT      6
#define IPV6_ADDRESSES 8
#define IPV6_BYTES     40
/* RFC 9293, 3.1 */
#define IP_PROTO_TCP  6
#define TCP_SEQ	      4
#define TCP_OFFSET    12
#define TCP_FLAGS     13
#define TCP_FIN	      0x01
#define TCP_PSH	      0x08
#define TCP_CWR	      0x80
#define TCP_CHECKSUM  16
#define TCP_MIN_BYTES 20u

static uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}

void sink_init(struct sink *s, const struct sink_buffer *buffer, unsigned nr_buffers)
{
	*s = (struct sink){ .buffer = buffer, .nr_buffers = nr_buffers };
}

/* Room in the current buffer, going to the next one that has some; 0 at the end. */
static uint32_t sink_room(struct sink *s)
{
	while (s->current < s->nr_buffers && s->offset == s->buffer[s->current].len_bytes) {
		s->current++;
		s->offset = 0;
	}
	return s->current < s->nr_buffers ? s->buffer[s->current].len_bytes - s->offset : 0;
}

/* src NULL: leaves the bytes as they are. */
static int sink_put(struct sink *s, const uint8_t *src, uint32_t len_bytes)
{
	while (len_bytes) {
		uint32_t part = MIN(len_bytes, sink_room(s));

		if (part == 0)
			return -ENOSPC;
		if (src) {
			memcpy(s->buffer[s->current].hva + s->offset, src, part);
			src += part;
		}
		s->offset += part;
		len_bytes -= part;
	}
	return 0;
}

int sink_write(struct sink *s, const void *src, uint32_t len_bytes)
{
	return sink_put(s, src, len_bytes);
}

int sink_skip(struct sink *s, uint32_t len_bytes)
{
	return sink_put(s, NULL, len_bytes);
}

/* The bytes at the cursor, at most max of them, and moves it on; 0 at the frame's end. */
static uint32_t next_chunk(
	const struct frame *f, struct frame_cursor *at, uint32_t max, const uint8_t **bytes)
{
	for (; at->piece <= f->nr_segments; at->piece++, at->offset = 0) {
		const struct frame_segment *s = at->piece ? &f->segment[at->piece - 1] : NULL;
		uint32_t len = s ? s->len_bytes : f->head_len;
		uint32_t part = MIN(len - at->offset, max);

		if (len == at->offset)
			continue;
		*bytes = (s ? s->hva : f->head) + at->offset;
		at->offset += part;
		return part;
	}
	return 0;
}

/* What is summed and what is written are two reads of memory that its guest may change meanwhile:
 * that spoils the checksum of its own frame, which the receiver then drops. */
static int write_summed(struct sink *s, const uint8_t *src, uint32_t len_bytes, struct checksum *c)
{
	if (c)
		checksum_add(c, src, len_bytes);
	return sink_write(s, src, len_bytes);
}

/* A checksum of 0 means "none" to UDP: send its other representation (RFC 768). */
static uint16_t checksum_final(const struct checksum *c)
{
	uint16_t sum = checksum_fold(c);

	return sum ? sum : 0xffff;
}

/* One piece of a frame; bytes from sum_from of the frame on are summed. */
static int write_piece(struct sink *s, const struct frame_segment *piece, uint32_t *pos,
	uint32_t sum_from, struct checksum *c)
{
	uint32_t plain = *pos < sum_from ? MIN(sum_from - *pos, piece->len_bytes) : 0;
	int r = sink_write(s, piece->hva, plain);

	*pos += piece->len_bytes;
	if (r)
		return r;
	return write_summed(s, piece->hva + plain, piece->len_bytes - plain, c);
}

int frame_write(const struct frame *f, struct frame_plan *plan, bool complete, struct sink *s)
{
	struct frame_offload *o = &plan->offload;
	bool sum = complete && o->flags & VNET_HDR_F_NEEDS_CSUM;
	struct sink field = *s;
	struct checksum c = { 0 };
	uint32_t pos = 0;
	uint16_t value;

	for (unsigned i = 0; i < plan->nr_pieces + f->nr_segments; i++) {
		const struct frame_segment *piece =
			i < plan->nr_pieces ? &plan->piece[i] : &f->segment[i - plan->nr_pieces];
		int r = write_piece(s, piece, &pos, sum ? o->csum_start : 0, sum ? &c : NULL);

		if (r)
			return r;
	}
	if (!sum)
		return 0;
	/* The field held the pseudo-header's sum, so it is in c already. */
	value = checksum_final(&c);
	o->flags &= (uint8_t)~VNET_HDR_F_NEEDS_CSUM;
	if (sink_skip(&field, (uint32_t)o->csum_start + o->csum_offset))
		return -ENOSPC;
	return sink_write(&field, &value, sizeof(value));
}

/* Headers as the destination wants them, read once. Returns how many bytes there are. */
static uint32_t read_headers(struct segmenter *s, const struct frame_plan *plan)
{
	struct frame_cursor at = { .piece = 1 };
	uint32_t len = 0, part;
	const uint8_t *bytes;

	for (unsigned i = 0; i < plan->nr_pieces; i++) {
		memcpy(s->headers + len, plan->piece[i].hva, plan->piece[i].len_bytes);
		len += plan->piece[i].len_bytes;
	}
	for (; len < sizeof(s->headers); len += part) {
		part = next_chunk(s->f, &at, (uint32_t)sizeof(s->headers) - len, &bytes);
		if (part == 0)
			break;
		memcpy(s->headers + len, bytes, part);
	}
	return len;
}

static bool ipv4_fits(const uint8_t *ip, uint32_t l3_len)
{
	uint32_t header_len = (ip[0] & 0x0fu) * 4;

	return ip[0] >> 4 == 4 && header_len >= IPV4_MIN_BYTES && header_len == l3_len &&
	       ip[IPV4_PROTOCOL] == IP_PROTO_TCP &&
	       !(get_be16(ip + IPV4_FRAGMENT) & IPV4_FRAG_MASK);
}

static bool ipv6_fits(const uint8_t *ip, uint32_t l3_len)
{
	return ip[0] >> 4 == 6 && l3_len == IPV6_BYTES && ip[IPV6_NEXT] == IP_PROTO_TCP;
}

/* Headers against what the offload fields claim. The smallest IP header is 20 bytes, so that all
 * that is looked at lies within len once the TCP header does. */
static int parse_headers(struct segmenter *s, const struct frame_offload *o, uint32_t len)
{
	const uint8_t *h = s->headers, *tcp;
	uint32_t type_off = get_be16(h + 12) == ETH_TYPE_VLAN ? 16 : 12;
	uint32_t l3_len, tcp_len;

	s->l3_off = (uint16_t)(type_off + 2);
	s->l4_off = o->csum_start;
	if (s->l4_off < s->l3_off + IPV4_MIN_BYTES || s->l4_off + TCP_MIN_BYTES > len)
		return -EINVAL;
	l3_len = s->l4_off - s->l3_off;
	s->ipv6 = (o->gso_type & ~VNET_HDR_GSO_ECN) == VNET_HDR_GSO_TCPV6;
	if (get_be16(h + type_off) != (s->ipv6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4))
		return -EINVAL;
	if (s->ipv6 ? !ipv6_fits(h + s->l3_off, l3_len) : !ipv4_fits(h + s->l3_off, l3_len))
		return -EINVAL;
	tcp = h + s->l4_off;
	tcp_len = (tcp[TCP_OFFSET] >> 4) * 4u;
	if (tcp_len < TCP_MIN_BYTES || s->l4_off + tcp_len > len || o->csum_offset != TCP_CHECKSUM)
		return -EINVAL;
	s->headers_len = (uint16_t)(s->l4_off + tcp_len);
	return 0;
}

/* Moves the cursor over the headers as they came. */
static void skip_headers(struct segmenter *s, uint32_t len)
{
	const uint8_t *bytes;
	uint32_t part;

	s->at = (struct frame_cursor){ 0 };
	while (len && (part = next_chunk(s->f, &s->at, len, &bytes)) != 0)
		len -= part;
}

int segment_begin(struct segmenter *s, const struct frame *f, bool want_tag, bool complete)
{
	struct frame_plan plan;

	frame_plan(f, want_tag, &plan);
	s->f = f;
	s->complete = complete;
	s->mss = plan.offload.gso_size;
	if (s->mss == 0 || parse_headers(s, &plan.offload, read_headers(s, &plan)))
		return -EINVAL;
	if (plan.len_bytes <= s->headers_len)
		return -EINVAL;
	s->payload_left = plan.len_bytes - s->headers_len;
	skip_headers(s, f->len_bytes - s->payload_left);
	s->ip_id = get_be16(s->headers + s->l3_off + IPV4_ID);
	s->seq = get_be32(s->headers + s->l4_off + TCP_SEQ);
	s->tcp_flags = s->headers[s->l4_off + TCP_FLAGS];
	return 0;
}

static uint32_t next_payload(const struct segmenter *s)
{
	return MIN(s->payload_left, s->mss);
}

uint32_t segment_next_len(const struct segmenter *s)
{
	return s->payload_left ? s->headers_len + next_payload(s) : 0;
}

static void fill_ip(struct segmenter *s, uint32_t l4_len)
{
	uint8_t *ip = s->headers + s->l3_off;
	uint32_t l3_len = s->l4_off - s->l3_off;
	struct checksum c = { 0 };
	uint16_t sum;

	if (s->ipv6) {
		put_be16(ip + IPV6_LENGTH, l4_len);
		return;
	}
	put_be16(ip + IPV4_LENGTH, l3_len + l4_len);
	put_be16(ip + IPV4_ID, s->ip_id);
	put_be16(ip + IPV4_CHECKSUM, 0);
	checksum_add(&c, ip, l3_len);
	sum = checksum_fold(&c);
	memcpy(ip + IPV4_CHECKSUM, &sum, sizeof(sum));
}

/* RFC 9293, 3.1 and RFC 8200, 8.1: the sum is the same for both layouts. */
static void add_pseudo_header(const struct segmenter *s, uint32_t l4_len, struct checksum *c)
{
	const uint8_t *ip = s->headers + s->l3_off;
	uint8_t tail[8] = { [7] = IP_PROTO_TCP };

	put_be32(tail, l4_len);
	checksum_add(c, ip + (s->ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES), s->ipv6 ? 32 : 8);
	checksum_add(c, tail, sizeof(tail));
}

/* Sequence number and flags; FIN and PSH belong to the last segment, CWR to the first. */
static void fill_tcp(struct segmenter *s, uint32_t payload)
{
	uint8_t *tcp = s->headers + s->l4_off;

	put_be32(tcp + TCP_SEQ, s->seq);
	tcp[TCP_FLAGS] = s->tcp_flags;
	if (payload != s->payload_left)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	put_be16(tcp + TCP_CHECKSUM, 0);
}

/* c: sum of the payload. A partial checksum is the pseudo-header's sum, not inverted. */
static void fill_checksum(struct segmenter *s, uint32_t l4_len, struct checksum *c)
{
	uint8_t *tcp = s->headers + s->l4_off;
	struct checksum pseudo = { 0 };
	uint16_t sum;

	if (s->complete) {
		checksum_add(&pseudo, tcp, s->headers_len - s->l4_off);
		add_pseudo_header(s, l4_len, &pseudo);
		checksum_join(&pseudo, c);
		sum = checksum_fold(&pseudo);
	} else {
		add_pseudo_header(s, l4_len, &pseudo);
		sum = (uint16_t)~checksum_fold(&pseudo);
	}
	memcpy(tcp + TCP_CHECKSUM, &sum, sizeof(sum));
}

static int write_payload(struct segmenter *s, struct frame_cursor *at, uint32_t len,
	struct sink *sink, struct checksum *c)
{
	while (len) {
		const uint8_t *bytes;
		uint32_t part = next_chunk(s->f, at, len, &bytes);

		if (part == 0)
			return -EINVAL; /* the source's lengths do not add up */
		if (write_summed(sink, bytes, part, s->complete ? c : NULL))
			return -ENOSPC;
		len -= part;
	}
	return 0;
}

static void advance(struct segmenter *s, uint32_t payload)
{
	s->payload_left -= payload;
	s->seq += payload;
	s->ip_id++;
	s->tcp_flags &= (uint8_t)~TCP_CWR;
}

int segment_write(struct segmenter *s, struct sink *sink, struct frame_offload *offload)
{
	uint32_t payload = next_payload(s), l4_len = s->headers_len - s->l4_off + payload;
	struct frame_cursor at = s->at;
	struct checksum c = { 0 };
	struct sink front = *sink, back = *sink;
	int r = sink_skip(&back, s->headers_len);

	if (r == 0)
		r = write_payload(s, &at, payload, &back, &c);
	if (r)
		return r;
	fill_ip(s, l4_len);
	fill_tcp(s, payload);
	fill_checksum(s, l4_len, &c);
	r = sink_write(&front, s->headers, s->headers_len);
	if (r)
		return r;
	*sink = back;
	s->at = at;
	advance(s, payload);
	*offload = (struct frame_offload){ 0 };
	if (!s->complete) {
		offload->flags = VNET_HDR_F_NEEDS_CSUM;
		offload->csum_start = s->l4_off;
		offload->csum_offset = TCP_CHECKSUM;
	}
	return 0;
}
