/* The echo peer: returns frames, and answers for one IPv4 address so that a stock system can reach
 * it. RFC 826 (ARP), 792 (ICMP), 768 (UDP). */
#include <string.h>

#include "peer_impl.h"

#define ARP_BYTES	  28
#define ARP_REQUEST	  1
#define ARP_REPLY	  2
#define IPV4_OFFSET	  0x1fff /* fragment offset */
#define ICMP_BYTES	  8
#define ICMP_ECHO_REQUEST 8

struct echo {
	unsigned first, nr;
	struct {
		uint32_t len_bytes;
		uint8_t data[WIRE_FRAME_MAX];
	} frame[PEER_ECHO_FRAMES];
};

/* RFC 826, "Packet Generation": the same packet, with both sides exchanged. */
static bool answer_arp(const struct peer *p, uint8_t *frame, uint8_t *arp, uint32_t len_bytes)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, ARP_REQUEST };

	if (len_bytes < ARP_BYTES || memcmp(arp, head, sizeof(head)) ||
		load_be32(arp + 24) != p->config.ip_src)
		return false;
	arp[7] = ARP_REPLY;
	memcpy(arp + 18, arp + 8, 10);
	memcpy(arp + 8, p->config.mac, MAC_BYTES);
	store_be32(arp + 14, p->config.ip_src);
	memcpy(frame, arp + 18, MAC_BYTES);
	memcpy(frame + MAC_BYTES, p->config.mac, MAC_BYTES);
	return true;
}

/* The header's length, or 0: not a right one, or not for this address. */
static uint32_t check_ipv4(const struct peer *p, const uint8_t *ip, uint32_t len_bytes)
{
	uint32_t header = (ip[0] & 0xfu) * 4, total;

	if (len_bytes < IPV4_BYTES || ip[0] >> 4 != 4 || header < IPV4_BYTES || header > len_bytes)
		return 0;
	total = load_be16(ip + 2);
	if (total < header || total > len_bytes || inet_sum(0, ip, header) != 0xffff ||
		load_be32(ip + 16) != p->config.ip_src)
		return 0;
	return header;
}

/* Echo request to reply. The checksum changes by what the type changes it (RFC 1624, 3), so that
 * the rest of the message may be in other fragments. */
static bool answer_icmp(uint8_t *icmp, uint32_t len_bytes)
{
	uint32_t sum;

	if (len_bytes < ICMP_BYTES || icmp[0] != ICMP_ECHO_REQUEST)
		return false;
	sum = (~load_be16(icmp + 2) & 0xffff) + (~load_be16(icmp) & 0xffff);
	icmp[0] = 0;
	sum = inet_sum(sum, icmp, 2);
	store_be16(icmp + 2, ~sum);
	return true;
}

static bool answer_udp(uint8_t *udp, uint32_t len_bytes)
{
	uint32_t source;

	if (len_bytes < UDP_BYTES)
		return false;
	source = load_be16(udp);
	memcpy(udp, udp + 2, 2);
	store_be16(udp + 2, source);
	return true;
}

/* Exchanges the addresses of a packet that this peer answers; no checksum changes by that. */
static void answer_ipv4(const struct peer *p, uint8_t *ip, uint32_t len_bytes)
{
	uint32_t header = check_ipv4(p, ip, len_bytes), source, rest;
	bool first;

	if (!header || (ip[9] != IPV4_ICMP && ip[9] != IPV4_UDP))
		return;
	rest = load_be16(ip + 2) - header;
	first = !(load_be16(ip + 6) & IPV4_OFFSET);
	if (first && ip[9] == IPV4_ICMP && !answer_icmp(ip + header, rest))
		return;
	if (first && ip[9] == IPV4_UDP && !answer_udp(ip + header, rest))
		return;
	source = load_be32(ip + 12);
	memcpy(ip + 12, ip + 16, 4);
	store_be32(ip + 16, source);
}

/* Turns a received frame into what is returned. */
static void answer(const struct peer *p, uint8_t *frame, uint32_t len_bytes)
{
	uint32_t l3 = ETH_BYTES, type = load_be16(frame + 12);

	if (type == ETH_TYPE_VLAN) {
		type = load_be16(frame + 16);
		l3 += 4;
	}
	if (p->config.ip_src && type == ETH_TYPE_ARP &&
		answer_arp(p, frame, frame + l3, len_bytes - l3))
		return;
	if (p->config.ip_src && type == ETH_TYPE_IPV4)
		answer_ipv4(p, frame + l3, len_bytes - l3);
	memcpy(frame, frame + MAC_BYTES, MAC_BYTES);
	memcpy(frame + MAC_BYTES, p->config.mac, MAC_BYTES);
}

static bool is_for_me(const struct peer *p, const uint8_t *data)
{
	static const uint8_t broadcast[MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return !memcmp(data, p->config.mac, MAC_BYTES) || !memcmp(data, broadcast, MAC_BYTES);
}

static void echo_receive(struct peer *p, const uint8_t *data, uint32_t len_bytes)
{
	struct echo *e = p->own;
	unsigned i = (e->first + e->nr) % PEER_ECHO_FRAMES;

	if (!is_for_me(p, data)) {
		p->counts.ignored++;
		return;
	}
	if (e->nr == PEER_ECHO_FRAMES) {
		p->counts.dropped++;
		return;
	}
	memcpy(e->frame[i].data, data, len_bytes);
	e->frame[i].len_bytes = len_bytes;
	answer(p, e->frame[i].data, len_bytes);
	e->nr++;
	peer_kick(p);
}

static bool echo_next(struct peer *p, uint32_t *len_bytes, uint64_t *not_before_ps)
{
	const struct echo *e = p->own;

	*not_before_ps = 0;
	*len_bytes = e->frame[e->first].len_bytes;
	return e->nr != 0;
}

static uint32_t echo_build(struct peer *p, uint8_t *frame)
{
	struct echo *e = p->own;
	unsigned i = e->first;

	e->first = (i + 1) % PEER_ECHO_FRAMES;
	e->nr--;
	memcpy(frame, e->frame[i].data, e->frame[i].len_bytes);
	return e->frame[i].len_bytes;
}

static void echo_link_lost(struct peer *p)
{
	struct echo *e = p->own;

	p->counts.dropped += e->nr;
	e->nr = 0;
}

const struct peer_kind peer_echo = {
	.name = "echo",
	.own_bytes = sizeof(struct echo),
	.next = echo_next,
	.build = echo_build,
	.receive = echo_receive,
	.link_lost = echo_link_lost,
};
