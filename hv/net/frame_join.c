/* Joining TCP segments; see frame_join.h.
 *
 * A guest may change what lies in its memory at any time: lengths, flags and sequence numbers are
 * taken from the frames' heads, which are ours. Only the end of long TCP options is looked at where
 * it lies; who changes it afterwards has changed its own segments. */
#include "net/frame_join.h"

#include "lib/string.h"
#include "net/checksum.h"

#define ETH_TYPE_IPV4  0x0800
#define IPV4_BYTES     20u
#define IPV4_TOS       1
#define IPV4_LENGTH    2
#define IPV4_FRAGMENT  6
#define IPV4_FRAG_MASK 0x3fff /* more fragments, and the offset */
#define IPV4_TTL       8
#define IPV4_PROTOCOL  9
#define IPV4_CHECKSUM  10
#define IPV4_ADDRESSES 12
#define IPV4_BYTES_MAX 65535u
#define IP_PROTO_TCP   6
#define TCP_SEQ	       4
#define TCP_ACK	       8
#define TCP_OFFSET     12
#define TCP_FLAGS      13
#define TCP_FLAG_PSH   0x08
#define TCP_FLAG_ACK   0x10
#define TCP_WINDOW     14
#define TCP_CHECKSUM   16
#define TCP_URGENT     18
#define TCP_BYTES_MIN  20u

/* Offsets in a frame, as it came. */
struct tcp_frame {
	const uint8_t *ip, *tcp; /* in the head */
	uint32_t l3, l4, headers, payload;
	uint32_t mss; /* its segments' payload */
};

static uint32_t get_be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get_be32(const uint8_t *p)
{
	return get_be16(p) << 16 | get_be16(p + 2);
}

/* Its checksum is to be completed, or somebody has found it right. */
static bool is_checked(const struct frame_offload *o, uint32_t l4)
{
	if (o->flags & VNET_HDR_F_NEEDS_CSUM)
		return o->csum_start == l4 && o->csum_offset == TCP_CHECKSUM;
	return (o->flags & VNET_HDR_F_DATA_VALID) != 0;
}

/* What is joined gets a new one: a wrong one must not be repaired by that. */
static bool ip_checksum_is_right(const uint8_t *ip)
{
	struct checksum c = { 0 };

	checksum_add(&c, ip, IPV4_BYTES);
	return checksum_fold(&c) == 0;
}

static bool is_plain_ip(const struct frame *f, const uint8_t *ip, uint32_t l3)
{
	return ip[0] == 0x45 && ip[IPV4_PROTOCOL] == IP_PROTO_TCP &&
	       !(get_be16(ip + IPV4_FRAGMENT) & IPV4_FRAG_MASK) &&
	       get_be16(ip + IPV4_LENGTH) == f->len_bytes - l3 && ip_checksum_is_right(ip);
}

/* False: nothing that can be joined. */
static bool parse(const struct frame *f, struct tcp_frame *t)
{
	uint32_t type_off = f->tagged ? 16 : 12;

	t->l3 = type_off + 2;
	t->l4 = t->l3 + IPV4_BYTES;
	t->ip = f->head + t->l3;
	t->tcp = f->head + t->l4;
	if (f->head_len < t->l4 + TCP_BYTES_MIN || get_be16(f->head + type_off) != ETH_TYPE_IPV4 ||
		!is_plain_ip(f, t->ip, t->l3) || !is_checked(&f->offload, t->l4))
		return false;
	t->headers = t->l4 + (t->tcp[TCP_OFFSET] >> 4) * 4u;
	if (t->headers < t->l4 + TCP_BYTES_MIN ||
		t->headers + FRAME_JOIN_BYTES_MIN > f->len_bytes || (t->tcp[TCP_OFFSET] & 0x0f) ||
		(t->tcp[TCP_FLAGS] & ~TCP_FLAG_PSH) != TCP_FLAG_ACK)
		return false;
	t->payload = f->len_bytes - t->headers;
	t->mss = f->offload.gso_type == VNET_HDR_GSO_NONE ? t->payload : f->offload.gso_size;
	return t->mss >= FRAME_JOIN_BYTES_MIN;
}

static bool same(const uint8_t *a, const uint8_t *b, unsigned off, unsigned len_bytes)
{
	return memcmp(a + off, b + off, len_bytes) == 0;
}

/* The part of the headers that the head has no room for. */
static bool same_long_options(const struct frame *f, const struct frame *g, uint32_t headers)
{
	uint32_t n;

	if (headers <= FRAME_HEAD_BYTES)
		return f->head_len >= headers && g->head_len >= headers;
	n = headers - FRAME_HEAD_BYTES;
	return f->head_len == FRAME_HEAD_BYTES && g->head_len == FRAME_HEAD_BYTES &&
	       f->nr_segments && g->nr_segments && f->segment[0].len_bytes >= n &&
	       g->segment[0].len_bytes >= n && memcmp(f->segment[0].hva, g->segment[0].hva, n) == 0;
}

/* All that has to be equal between segments of a stream, but for what counts them. */
static bool same_stream(const struct frame *f, const struct tcp_frame *a, const struct frame *g,
	const struct tcp_frame *b)
{
	if (a->l3 != b->l3 || a->headers != b->headers || f->vlan != g->vlan ||
		!same(f->head, g->head, 0, a->l3))
		return false;
	if (a->ip[IPV4_TOS] != b->ip[IPV4_TOS] || a->ip[IPV4_TTL] != b->ip[IPV4_TTL] ||
		a->ip[IPV4_FRAGMENT] != b->ip[IPV4_FRAGMENT] ||
		!same(a->ip, b->ip, IPV4_ADDRESSES, 8))
		return false;
	if (!same(a->tcp, b->tcp, 0, TCP_SEQ) || !same(a->tcp, b->tcp, TCP_ACK, 4) ||
		!same(a->tcp, b->tcp, TCP_WINDOW, 2) || !same(a->tcp, b->tcp, TCP_URGENT, 2))
		return false;
	return same(f->head, g->head, a->l4 + TCP_BYTES_MIN,
		       MIN(a->headers, (uint32_t)FRAME_HEAD_BYTES) - a->l4 - TCP_BYTES_MIN) &&
	       same_long_options(f, g, a->headers);
}

/* Cut again, the whole gives the same segments: all are full, except the last. */
static bool follows(const struct tcp_frame *a, const struct tcp_frame *b, const struct frame *g)
{
	if (get_be32(b->tcp + TCP_SEQ) != get_be32(a->tcp + TCP_SEQ) + a->payload)
		return false;
	if ((a->tcp[TCP_FLAGS] & TCP_FLAG_PSH) || a->payload % a->mss)
		return false;
	return g->offload.gso_type == VNET_HDR_GSO_NONE ? b->payload <= a->mss : b->mss == a->mss;
}

static bool fits(const struct frame *f, const struct tcp_frame *a, const struct frame *g,
	const struct tcp_frame *b)
{
	return f->nr_segments + g->nr_segments + 1u <= FRAME_SEGMENTS_MAX &&
	       f->len_bytes - a->l3 + b->payload <= IPV4_BYTES_MAX;
}

static void append(struct frame *f, const uint8_t *hva, uint32_t len_bytes)
{
	if (len_bytes)
		f->segment[f->nr_segments++] = (struct frame_segment){ hva, len_bytes };
}

static void append_payload(struct frame *f, const struct frame *g, uint32_t headers)
{
	uint32_t in_head = MIN(headers, (uint32_t)g->head_len), skip = headers - in_head;

	append(f, g->head + in_head, g->head_len - in_head);
	for (unsigned i = 0; i < g->nr_segments; i++, skip = 0)
		append(f, g->segment[i].hva + skip, g->segment[i].len_bytes - skip);
}

static void rewrite_headers(struct frame *f, const struct tcp_frame *a, uint8_t tcp_flags)
{
	uint8_t *ip = f->head + a->l3, *tcp = f->head + a->l4;
	uint32_t ip_bytes = f->len_bytes - a->l3;
	struct checksum c = { 0 };
	uint16_t sum;

	ip[IPV4_LENGTH] = (uint8_t)(ip_bytes >> 8);
	ip[IPV4_LENGTH + 1] = (uint8_t)ip_bytes;
	memset(ip + IPV4_CHECKSUM, 0, 2);
	checksum_add(&c, ip, IPV4_BYTES);
	sum = checksum_fold(&c);
	memcpy(ip + IPV4_CHECKSUM, &sum, sizeof(sum));
	tcp[TCP_FLAGS] |= tcp_flags;
	checksum_put_tcp_pseudo(ip + IPV4_ADDRESSES, tcp + TCP_CHECKSUM, f->len_bytes - a->l4);
	f->offload = (struct frame_offload){
		.flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = VNET_HDR_GSO_TCPV4,
		.header_len = (uint16_t)a->headers,
		.gso_size = (uint16_t)a->mss,
		.csum_start = (uint16_t)a->l4,
		.csum_offset = TCP_CHECKSUM,
	};
}

bool frame_join(struct frame *f, struct frame *g)
{
	struct tcp_frame a, b;

	if (!frame_may_join(f) || !frame_may_join(g) || !parse(f, &a) || !parse(g, &b) ||
		!same_stream(f, &a, g, &b) || !follows(&a, &b, g) || !fits(f, &a, g, &b))
		return false;
	append_payload(f, g, b.headers);
	f->len_bytes += b.payload;
	rewrite_headers(f, &a, b.tcp[TCP_FLAGS]);
	f->nr_joined++;
	f->joined_header_bytes = (uint16_t)(f->joined_header_bytes + b.headers);
	g->joined = f->joined;
	f->joined = g;
	return true;
}
