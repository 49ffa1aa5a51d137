/* Inside the peers: what their kinds have in common, and bytes of packets. */
#ifndef SLUICE_MODELS_PEER_IMPL_H
#define SLUICE_MODELS_PEER_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

#define MAC_BYTES	 6
#define ETH_BYTES	 14
#define ETH_MIN		 60 /* without FCS */
#define ETH_TYPE_IPV4	 0x0800
#define ETH_TYPE_ARP	 0x0806
#define ETH_TYPE_VLAN	 0x8100
#define ETH_TYPE_CONTROL 0x8808
#define IPV4_BYTES	 20
#define IPV4_ICMP	 1
#define IPV4_UDP	 17
#define UDP_BYTES	 8
#define PEER_MIX_MAX	 8

struct peer_config {
	uint8_t mac[MAC_BYTES]; /* mac= or src= */
	uint8_t dst[MAC_BYTES];
	uint32_t ip_src, ip_dst; /* echo: ip= is ip_src; 0: none */
	uint64_t pps, mbit, count, start_us;
	uint64_t flows;
	unsigned nr_sizes;
	struct {
		uint64_t bytes, weight; /* with FCS */
	} size[PEER_MIX_MAX];
	uint32_t given; /* one bit for each key of peer_config.c */
};

struct peer_kind {
	const char *name;
	size_t own_bytes; /* zeroed: struct peer.own */
	void (*init)(struct peer *p);
	/* Whether there is a frame to send, how long, and not before when; may be asked again. */
	bool (*next)(struct peer *p, uint32_t *len_bytes, uint64_t *not_before_ps);
	/* That frame: its last bit leaves now. Its length. */
	uint32_t (*build)(struct peer *p, uint8_t *frame);
	void (*receive)(struct peer *p, const uint8_t *data, uint32_t len_bytes);
	void (*link_lost)(struct peer *p);
};

extern const struct peer_kind peer_echo, peer_generator, peer_sink;

struct peer {
	const struct peer_kind *kind;
	struct peer_config config;
	struct clock *clock;
	struct wire *wire;
	unsigned end;
	bool signal;
	struct clock_event departure; /* the last bit of the frame in transmission leaves */
	uint64_t start_ps;	      /* when its first one did or will */
	uint64_t free_ps;	      /* the wire is free again */
	uint64_t paused_until_ps;
	struct peer_counts counts;
	void *own;
	uint8_t frame[WIRE_FRAME_MAX];
};

/* peer_config.c: 0, or -EINVAL with the reason. */
int peer_config_parse(
	struct peer_config *c, const struct peer_kind **kind, const char *spec, const char **why);

/* peer.c: something may be there to send now. */
void peer_kick(struct peer *p);

static inline uint32_t load_be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return load_be16(p) << 16 | load_be16(p + 2);
}

static inline void store_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	store_be16(p, v >> 16);
	store_be16(p + 2, v);
}

/* RFC 1071: one's complement sum of at most 64 KiB, not inverted. */
static inline uint32_t inet_sum(uint32_t sum, const uint8_t *p, uint32_t len_bytes)
{
	for (uint32_t i = 0; i + 1 < len_bytes; i += 2)
		sum += load_be16(p + i);
	if (len_bytes % 2)
		sum += (uint32_t)p[len_bytes - 1] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* The sum over a UDP datagram with its pseudo-header; 0xffff where the checksum in it is right. */
static inline uint32_t udp_sum(const uint8_t *ip, const uint8_t *udp, uint32_t udp_bytes)
{
	return inet_sum(inet_sum(IPV4_UDP + udp_bytes, ip + 12, 8), udp, udp_bytes);
}

#endif
