/* The sink peer, and the checks that it shares with the generator. */
#include "peer_traffic.h"

enum verdict { FOREIGN, CORRUPTED, RIGHT };

struct sink {
	struct traffic_flow flow[PEER_FLOWS_MAX];
};

/* Whether it is a frame of the generator, and unharmed. A forwarder may have changed addresses,
 * ports and time to live, if it mended the checksums. */
static enum verdict judge(const uint8_t *data, uint32_t len_bytes)
{
	const uint8_t *ip = data + ETH_BYTES, *udp = ip + IPV4_BYTES, *payload = udp + UDP_BYTES;
	uint32_t size, flow;

	if (len_bytes < ETH_MIN || load_be16(data + 12) != ETH_TYPE_IPV4 || ip[0] != 0x45 ||
		ip[9] != IPV4_UDP || load_be16(payload + TRAFFIC_OFF_MAGIC) != TRAFFIC_MAGIC)
		return FOREIGN;
	size = load_be16(payload + TRAFFIC_OFF_SIZE);
	flow = load_be16(payload + TRAFFIC_OFF_FLOW);
	if (size != len_bytes || flow >= PEER_FLOWS_MAX || load_be16(ip + 2) != size - ETH_BYTES ||
		load_be16(udp + 4) != size - ETH_BYTES - IPV4_BYTES)
		return CORRUPTED;
	if (inet_sum(0, ip, IPV4_BYTES) != 0xffff || udp_sum(ip, udp, load_be16(udp + 4)) != 0xffff)
		return CORRUPTED;
	for (uint32_t i = TRAFFIC_BYTES; i < len_bytes - (uint32_t)(payload - data); i++) {
		if (payload[i] != traffic_pattern(flow, load_be32(payload + TRAFFIC_OFF_SEQ), i))
			return CORRUPTED;
	}
	return RIGHT;
}

static bool was_seen(const struct traffic_flow *f, uint32_t seq)
{
	return f->seen[seq % TRAFFIC_WINDOW / 64] >> (seq % 64) & 1;
}

static void set_seen(struct traffic_flow *f, uint32_t seq, bool seen)
{
	uint64_t bit = UINT64_C(1) << (seq % 64);

	f->seen[seq % TRAFFIC_WINDOW / 64] &= ~bit;
	f->seen[seq % TRAFFIC_WINDOW / 64] |= seen ? bit : 0;
}

static void count_sequence(struct peer_counts *c, struct traffic_flow *f, uint32_t seq)
{
	uint32_t ahead = seq - f->next;

	if (ahead < UINT32_MAX / 2) {
		for (uint32_t i = 0; i < ahead && i < TRAFFIC_WINDOW; i++)
			set_seen(f, seq - 1 - i, false);
		set_seen(f, seq, true);
		f->next = seq + 1;
		c->rx_lost += ahead;
	} else if (f->next - seq > TRAFFIC_WINDOW) {
		c->rx_too_late++;
	} else if (was_seen(f, seq)) {
		c->rx_duplicated++;
	} else {
		set_seen(f, seq, true);
		c->rx_reordered++;
		if (c->rx_lost) /* numbers before the first one that came are forged */
			c->rx_lost--;
	}
}

static void count_latency(struct peer_counts *c, uint64_t sent_ps, uint64_t now_ps)
{
	uint64_t latency_ps = now_ps >= sent_ps ? now_ps - sent_ps : 0;

	c->latency_sum_ps += latency_ps;
	if (latency_ps < c->latency_min_ps)
		c->latency_min_ps = latency_ps;
	if (latency_ps > c->latency_max_ps)
		c->latency_max_ps = latency_ps;
}

void traffic_check(
	struct peer *p, struct traffic_flow *flows, const uint8_t *data, uint32_t len_bytes)
{
	const uint8_t *payload = data + ETH_BYTES + IPV4_BYTES + UDP_BYTES;

	switch (judge(data, len_bytes)) {
	case FOREIGN:
		p->counts.rx_foreign++;
		return;
	case CORRUPTED:
		p->counts.rx_corrupted++;
		return;
	case RIGHT:
		break;
	}
	p->counts.rx_checked++;
	count_sequence(&p->counts, &flows[load_be16(payload + TRAFFIC_OFF_FLOW)],
		load_be32(payload + TRAFFIC_OFF_SEQ));
	count_latency(&p->counts,
		(uint64_t)load_be32(payload + TRAFFIC_OFF_TIME) << 32 |
			load_be32(payload + TRAFFIC_OFF_TIME + 4),
		clock_now(p->clock));
}

static void sink_receive(struct peer *p, const uint8_t *data, uint32_t len_bytes)
{
	traffic_check(p, ((struct sink *)p->own)->flow, data, len_bytes);
}

const struct peer_kind peer_sink = {
	.name = "sink",
	.own_bytes = sizeof(struct sink),
	.receive = sink_receive,
};
