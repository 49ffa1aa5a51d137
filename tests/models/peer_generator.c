/* The generator peer: numbered UDP datagrams at a rate, in a mix of sizes, over some flows. */
#include <string.h>

#include "peer_traffic.h"

#define FIRST_SOURCE_PORT 1024
#define DESTINATION_PORT  9 /* discard: RFC 863 */

struct generator {
	uint64_t nr_sent;
	uint64_t due_ps, due_rest; /* when the next frame may start; the rest in units of 1/rate */
	uint32_t len_bytes;	   /* of the next frame, without FCS */
	int64_t credit[PEER_MIX_MAX];
	uint32_t seq[PEER_FLOWS_MAX]; /* next of each flow */
	struct traffic_flow flow[PEER_FLOWS_MAX];
};

/* Smooth weighted round robin: in exact proportion, and as evenly mixed as the weights allow. */
static void choose_size(struct peer *p)
{
	struct generator *g = p->own;
	unsigned best = 0;

	for (unsigned i = 0; i < p->config.nr_sizes; i++) {
		g->credit[i] += (int64_t)p->config.size[i].weight;
		if (g->credit[i] > g->credit[best])
			best = i;
	}
	for (unsigned i = 0; i < p->config.nr_sizes; i++)
		g->credit[best] -= (int64_t)p->config.size[i].weight;
	g->len_bytes = (uint32_t)p->config.size[best].bytes - WIRE_FCS_BYTES;
}

/* The next start is this much later, numerator/rate picoseconds; what does not divide is kept. */
static void add_interval(struct generator *g, uint64_t numerator, uint64_t rate)
{
	g->due_rest += numerator % rate;
	g->due_ps += numerator / rate + g->due_rest / rate;
	g->due_rest %= rate;
}

static void pace(struct peer *p)
{
	struct generator *g = p->own;

	/* the wire or the link made it late: that is not made up for */
	if (g->due_ps < p->start_ps)
		g->due_ps = p->start_ps;
	if (p->config.pps)
		add_interval(g, CLOCK_PS_PER_S, p->config.pps);
	else if (p->config.mbit)
		add_interval(
			g, (g->len_bytes + WIRE_FCS_BYTES) * 8 * CLOCK_PS_PER_US, p->config.mbit);
}

static void build_headers(const struct peer *p, uint8_t *frame, uint32_t len_bytes, uint32_t flow)
{
	const struct generator *g = p->own;
	uint8_t *ip = frame + ETH_BYTES, *udp = ip + IPV4_BYTES;

	memcpy(frame, p->config.dst, MAC_BYTES);
	memcpy(frame + MAC_BYTES, p->config.mac, MAC_BYTES);
	store_be16(frame + 12, ETH_TYPE_IPV4);
	memset(ip, 0, IPV4_BYTES + UDP_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, len_bytes - ETH_BYTES);
	store_be16(ip + 4, (uint32_t)g->nr_sent);
	ip[8] = 64;
	ip[9] = IPV4_UDP;
	store_be32(ip + 12, p->config.ip_src + flow);
	store_be32(ip + 16, p->config.ip_dst);
	store_be16(ip + 10, ~inet_sum(0, ip, IPV4_BYTES));
	store_be16(udp, FIRST_SOURCE_PORT + flow);
	store_be16(udp + 2, DESTINATION_PORT);
	store_be16(udp + 4, len_bytes - ETH_BYTES - IPV4_BYTES);
}

static void build_payload(uint8_t *payload, uint32_t len_bytes, uint32_t flow, uint32_t seq)
{
	for (uint32_t i = TRAFFIC_BYTES; i < len_bytes; i++)
		payload[i] = traffic_pattern(flow, seq, i);
	store_be16(payload + TRAFFIC_OFF_MAGIC, TRAFFIC_MAGIC);
	store_be16(payload + TRAFFIC_OFF_FLOW, flow);
	store_be32(payload + TRAFFIC_OFF_SEQ, seq);
}

static uint32_t generator_build(struct peer *p, uint8_t *frame)
{
	struct generator *g = p->own;
	uint32_t len_bytes = g->len_bytes, flow = (uint32_t)(g->nr_sent % p->config.flows), sum;
	uint8_t *ip = frame + ETH_BYTES, *udp = ip + IPV4_BYTES, *payload = udp + UDP_BYTES;
	uint64_t now_ps = clock_now(p->clock);

	build_headers(p, frame, len_bytes, flow);
	build_payload(payload, len_bytes - (uint32_t)(payload - frame), flow, g->seq[flow]++);
	store_be16(payload + TRAFFIC_OFF_SIZE, len_bytes);
	store_be32(payload + TRAFFIC_OFF_TIME, (uint32_t)(now_ps >> 32));
	store_be32(payload + TRAFFIC_OFF_TIME + 4, (uint32_t)now_ps);
	sum = ~udp_sum(ip, udp, load_be16(udp + 4)) & 0xffff;
	store_be16(udp + 6, sum ? sum : 0xffff); /* RFC 768: 0 would mean none */
	g->nr_sent++;
	pace(p);
	choose_size(p);
	return len_bytes;
}

static bool generator_next(struct peer *p, uint32_t *len_bytes, uint64_t *not_before_ps)
{
	const struct generator *g = p->own;

	*len_bytes = g->len_bytes;
	*not_before_ps = g->due_ps;
	return !p->config.count || g->nr_sent < p->config.count;
}

static void generator_init(struct peer *p)
{
	struct generator *g = p->own;

	g->due_ps = p->config.start_us * CLOCK_PS_PER_US;
	choose_size(p);
}

static void generator_receive(struct peer *p, const uint8_t *data, uint32_t len_bytes)
{
	traffic_check(p, ((struct generator *)p->own)->flow, data, len_bytes);
}

const struct peer_kind peer_generator = {
	.name = "generator",
	.own_bytes = sizeof(struct generator),
	.init = generator_init,
	.next = generator_next,
	.build = generator_build,
	.receive = generator_receive,
};
