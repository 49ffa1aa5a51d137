/* TCP segments for tests, and checks of what became of them that share no code with the tree. */
#ifndef TESTS_SUPPORT_PACKETS_H
#define TESTS_SUPPORT_PACKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct tcp_packet {
	bool ipv6;
	int vlan;	     /* -1: untagged */
	unsigned ip_options; /* bytes, IPv4 only */
	unsigned tcp_options;
	unsigned payload;
	unsigned flags;
	uint16_t ip_id;
	uint32_t seq;
	unsigned l3, l4, headers; /* offsets, filled in by packet_build() */
};

static inline unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] * 256 + p[1];
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) * 65536 + be16(p + 2);
}

static inline void set16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v / 256);
	p[1] = (uint8_t)v;
}

static inline void set32(uint8_t *p, uint32_t v)
{
	set16(p, v >> 16);
	set16(p + 2, v & 0xffff);
}

/* One's complement sum in big-endian words, byte by byte. */
static inline uint32_t ref_sum(uint32_t sum, const uint8_t *p, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] * 256;
	while (sum > 0xffff)
		sum = sum - 0x10000 + 1;
	return sum;
}

static inline uint32_t ref_pseudo(const uint8_t *ip, unsigned proto, unsigned l4_len)
{
	bool v6 = ip[0] / 16 == 6;
	uint32_t sum = ref_sum(0, ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + l4_len;

	return ref_sum(sum, NULL, 0);
}

/* As a guest sends it with TSO: pseudo-header's sum in the checksum field. Returns its length. */
static inline unsigned packet_build(struct tcp_packet *t, uint8_t *b, unsigned salt)
{
	unsigned l3_len = t->ipv6 ? 40 : 20 + t->ip_options,
		 l4_len = 20 + t->tcp_options + t->payload;
	uint8_t *ip, *tcp;

	t->l3 = t->vlan < 0 ? 14 : 18;
	t->l4 = t->l3 + l3_len;
	t->headers = t->l4 + 20 + t->tcp_options;
	for (unsigned i = 0; i < t->headers + t->payload; i++)
		b[i] = (uint8_t)(i * 7 + i / 251 + salt);
	b[0] = 0x52;
	b[6] = 0x52;
	if (t->vlan >= 0) {
		set16(b + 12, 0x8100);
		set16(b + 14, (unsigned)t->vlan);
	}
	set16(b + t->l3 - 2, t->ipv6 ? 0x86dd : 0x0800);
	ip = b + t->l3;
	tcp = b + t->l4;
	if (t->ipv6) {
		ip[0] = 0x60;
		set16(ip + 4, l4_len);
		ip[6] = 6;
	} else {
		ip[0] = (uint8_t)(0x40 + l3_len / 4);
		set16(ip + 2, l3_len + l4_len);
		set16(ip + 4, t->ip_id);
		set16(ip + 6, 0x4000);
		ip[9] = 6;
	}
	set32(tcp + 4, t->seq);
	tcp[12] = (uint8_t)((20 + t->tcp_options) / 4 * 16);
	tcp[13] = (uint8_t)t->flags;
	set16(tcp + 16, ref_pseudo(ip, 6, l4_len));
	return t->headers + t->payload;
}

#endif
