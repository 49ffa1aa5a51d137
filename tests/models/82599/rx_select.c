/* Which queues a frame goes to: EtherType filters, SYN filter, 5-tuple filters, flow director, RSS,
 * pools and traffic classes, in the order of DS 7.1.2. */
#include "data.h"

#define PTYPE_L2	  (1u << 15)
#define PTYPE_ETQF_SHIFT  4
#define STATUS_FLM	  (1u << 2)
#define ERROR_FDIR_LENGTH (1u << 20)
#define FCOE_F_CTL	  (14 + 9) /* behind the FCoE header: class, F_CTL */
#define FCOE_OX_ID	  (14 + 16)
#define FCOE_RX_ID	  (14 + 18)
#define FCOE_EXCHANGE	  0x80 /* in F_CTL: sent by the responder */
#define QUEUE(n)	  ((n)&0x7fu)

struct choice {
	bool found, drop;
	uint8_t queue;
};

static unsigned mode_of(const struct port *p)
{
	return reg_get(p, REG_MRQC) & MRQC_MODE;
}

static bool mode_has_pools(unsigned mode)
{
	return mode >= MRQC_64VT;
}

static unsigned traffic_class(const struct port *p, const struct rx_packet *k, unsigned mode)
{
	unsigned up = k->vlan ? k->vlan_tci >> 13 : 0, tc;

	if (mode < MRQC_8TC || (mode > MRQC_4TC_RSS && mode < MRQC_16VT_8TC))
		return 0;
	tc = reg_get(p, REG_RTRUP2TC) >> 3 * up & 7;
	return mode == MRQC_4TC || mode == MRQC_4TC_RSS || mode == MRQC_32VT_4TC ? tc & 3 : tc;
}

/* FCRETA by the exchange identifier that this side has given: DS 7.1.2.4. */
static unsigned fcoe_queue(const struct port *p, const uint8_t *data, const struct rx_packet *k)
{
	const uint8_t *fc = data + k->parse.l3;
	unsigned at;

	if (k->len_bytes < k->parse.l3 + FCOE_RX_ID + 2u)
		return QUEUE(reg_get(p, REG_FCRETA(0)));
	at = fc[FCOE_F_CTL] & FCOE_EXCHANGE ? FCOE_OX_ID : FCOE_RX_ID;
	return QUEUE(reg_get(p, REG_FCRETA(fc[at + 1] & 7)));
}

static void by_ethertype(const struct port *p, const uint8_t *data, unsigned pool,
	struct rx_packet *k, struct choice *c)
{
	for (unsigned i = 0; i < NR_ETQF; i++) {
		uint32_t f = reg_get(p, REG_ETQF(i)), s = reg_get(p, REG_ETQS(i));

		if (!(f & ETQF_ENABLE) || (f & 0xffff) != k->parse.ethertype)
			continue;
		if (f & ETQF_UP_EN && (f >> ETQF_UP_SHIFT & 7) != k->vlan_tci >> 13)
			continue;
		if (f & ETQF_POOL_EN && (f >> ETQF_POOL_SHIFT & 0x3f) != pool)
			continue;
		k->type = (uint16_t)(PTYPE_L2 | i << PTYPE_ETQF_SHIFT);
		k->low_latency = s & ETQS_LLI;
		if (f & ETQF_FCOE && reg_get(p, REG_FCRECTL) & FCRECTL_ENA)
			*c = (struct choice){ true, false, (uint8_t)fcoe_queue(p, data, k) };
		else if (s & ETQS_ENABLE)
			*c = (struct choice){ true, false, QUEUE(s >> ETQS_QUEUE_SHIFT) };
		return;
	}
}

static bool is_syn(const uint8_t *data, const struct parse *r)
{
	return r->l4_type == L4_TCP && (data[r->l4 + 13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool tuple_matches(
	const struct port *p, unsigned i, const uint8_t *data, const struct parse *r, unsigned pool)
{
	static const uint8_t protocol[] = {
		[L4_NONE] = 3, [L4_UDP] = 1, [L4_TCP] = 0, [L4_SCTP] = 2
	};
	uint32_t f = reg_get(p, REG_FTQF(i));
	uint32_t ports = r->l4_type == L4_NONE ? 0 : load_le32(data + r->l4);
	uint32_t wanted = reg_get(p, REG_SDPQF(i));

	if (!(f & FTQF_POOL_MASKED) && mode_has_pools(mode_of(p)) &&
		(f >> FTQF_POOL_SHIFT & 0x3f) != pool)
		return false;
	if (!(f & FTQF_PROTO_MASKED) && (f & 3) != protocol[r->l4_type])
		return false;
	if (!(f & FTQF_SAQF_MASKED) && load_le32(data + r->src) != reg_get(p, REG_SAQF(i)))
		return false;
	if (!(f & FTQF_DAQF_MASKED) && load_le32(data + r->dst) != reg_get(p, REG_DAQF(i)))
		return false;
	if (!(f & FTQF_SPORT_MASKED) && (ports & 0xffff) != (wanted & 0xffff))
		return false;
	return f & FTQF_DPORT_MASKED || ports >> 16 == wanted >> 16;
}

/* The one of the highest priority, the first among equals. Addresses and ports stand in their
 * registers in the order of the wire. DS 7.1.2.5 */
static void by_tuple(const struct port *p, const uint8_t *data, unsigned pool, struct rx_packet *k,
	struct choice *c)
{
	unsigned best = NR_FILTERS, best_priority = 0;
	uint32_t t;

	if (k->parse.ip != 4 || k->parse.fragment)
		return;
	for (unsigned word = 0; word < 2; word++)
		for (uint64_t left = p->data->tuple_filters[word]; left; left &= left - 1) {
			unsigned i = word * 64 + (unsigned)__builtin_ctzll(left);
			unsigned priority = reg_get(p, REG_FTQF(i)) >> FTQF_PRIORITY_SHIFT & 7;

			if (best < NR_FILTERS && priority <= best_priority)
				continue;
			if (!tuple_matches(p, i, data, &k->parse, pool))
				continue;
			best = i;
			best_priority = priority;
		}
	if (best == NR_FILTERS)
		return;
	t = reg_get(p, REG_L34TIMIR(best));
	if (t & L34TIMIR_LLI && (t & L34TIMIR_SIZE_BP || k->wire_bytes < (t & L34TIMIR_SIZE)))
		k->low_latency = true;
	*c = (struct choice){ true, false, QUEUE(t >> L34TIMIR_QUEUE_SHIFT) };
}

static void by_flow(
	struct port *p, const uint8_t *data, unsigned pool, struct rx_packet *k, struct choice *c)
{
	uint32_t ctrl = reg_get(p, REG_FDIRCTRL);
	struct fdir_match m = { 0 };

	if (!fdir_match(p, data, k->wire_bytes, &k->parse, pool, &m))
		return;
	if (ctrl & (FDIRCTRL_REPORT | FDIRCTRL_REPORT_ALL)) {
		k->status |= STATUS_FLM | (m.too_long ? ERROR_FDIR_LENGTH : 0);
		k->type &= 0xfff0;
		k->hash = (uint32_t)m.hash << 16 | m.id;
	}
	k->low_latency |= m.interrupt;
	if (m.drop || m.queue_valid)
		*c = (struct choice){ true, m.drop, m.queue };
}

/* DS 7.1.2.1, table of queue assignment by MRQC's mode. */
static unsigned default_queue(
	const struct port *p, unsigned mode, unsigned pool, unsigned tc, unsigned rss)
{
	unsigned bits = reg_get(p, REG_PSRTYPE(pool)) >> PSRTYPE_RQPL_SHIFT;
	unsigned in_pool = rss & ((1u << bits) - 1);

	switch (mode) {
	case MRQC_RSS:
		return rss;
	case MRQC_8TC:
		return tc * 16;
	case MRQC_4TC:
		return tc * 32;
	case MRQC_8TC_RSS:
		return tc * 16 + rss;
	case MRQC_4TC_RSS:
		return tc * 32 + rss;
	case MRQC_64VT:
		return pool * 2;
	case MRQC_32VT_RSS:
		return (pool & 31) * 4 + (in_pool & 3);
	case MRQC_64VT_RSS:
		return pool * 2 + (in_pool & 1);
	case MRQC_16VT_8TC:
		return (pool & 15) * 8 + tc;
	case MRQC_32VT_4TC:
		return (pool & 31) * 4 + tc;
	default:
		return 0;
	}
}

static bool mode_has_rss(unsigned mode)
{
	return mode == MRQC_RSS || mode == MRQC_8TC_RSS || mode == MRQC_4TC_RSS ||
	       mode == MRQC_32VT_RSS || mode == MRQC_64VT_RSS;
}

static unsigned by_rss(struct port *p, const uint8_t *data, struct rx_packet *k, unsigned mode)
{
	uint32_t hash;
	unsigned type;

	if (!mode_has_rss(mode))
		return 0;
	type = rss_hash(p, data, &k->parse, &hash);
	if (!type)
		return 0;
	if (reg_get(p, REG_RXCSUM) & RXCSUM_PCSD) {
		k->hash = hash;
		k->type |= (uint16_t)type;
	}
	return reg_get(p, REG_RETA((hash & 127) / 4)) >> 8 * (hash & 3) & 0xf;
}

static void add_queue(struct rx_packet *k, unsigned queue)
{
	k->queues[queue / 64] |= UINT64_C(1) << (queue & 63);
}

static uint64_t wanted_pools(const struct port *p, uint64_t pools)
{
	uint64_t enabled = (uint64_t)reg_get(p, REG_PFVFRE(1)) << 32 | reg_get(p, REG_PFVFRE(0));
	uint32_t vtctl = reg_get(p, REG_PFVTCTL);

	if (!(vtctl & PFVTCTL_VT_ENA))
		return pools ? pools : 1;
	if (!(vtctl & PFVTCTL_RPL_EN))
		pools &= -pools;
	return pools & enabled;
}

bool rx_select(struct port *p, const uint8_t *data, uint64_t pools, struct rx_packet *k)
{
	unsigned mode = mode_of(p), rss, first;
	uint32_t synqf = reg_get(p, REG_SYNQF);
	struct choice c = { 0 }, syn = { 0 };

	pools = mode_has_pools(mode) ? wanted_pools(p, pools) : 1;
	if (!pools)
		return false;
	first = (unsigned)__builtin_ctzll(pools);
	k->tc = (uint8_t)traffic_class(p, k, mode);
	rss = by_rss(p, data, k, mode);
	if (p->data->ethertype_filters)
		by_ethertype(p, data, first, k, &c);
	if (synqf & SYNQF_ENABLE && is_syn(data, &k->parse))
		syn = (struct choice){ true, false, QUEUE(synqf >> 1) };
	if (!c.found && synqf & SYNQF_PRIORITY)
		c = syn;
	if (!c.found && (p->data->tuple_filters[0] | p->data->tuple_filters[1]))
		by_tuple(p, data, first, k, &c);
	if (!c.found)
		c = syn;
	if (!c.found && p->data->fdir)
		by_flow(p, data, first, k, &c);
	if (c.drop)
		return false;
	if (c.found)
		add_queue(k, c.queue);
	/* a filter decides for one pool; the others get their copies as without it */
	for (pools &= c.found ? pools - 1 : ~UINT64_C(0); pools; pools &= pools - 1)
		add_queue(k, default_queue(p, mode, (unsigned)__builtin_ctzll(pools), k->tc, rss));
	return true;
}

/* ---- Registers ---- */

static void ftqf_write(struct port *p, unsigned i, uint32_t v)
{
	uint64_t bit = UINT64_C(1) << (i & 63), *word = &p->data->tuple_filters[i / 64];

	reg_set(p, REG_FTQF(i), v);
	*word = v & FTQF_ENABLE ? *word | bit : *word & ~bit;
}

#define RETA_WRITABLE 0x0f0f0f0fu

static void etqf_write(struct port *p, unsigned i, uint32_t v)
{
	uint8_t bit = (uint8_t)(1u << i), *mask = &p->data->ethertype_filters;

	reg_set(p, REG_ETQF(i), v);
	*mask = v & ETQF_ENABLE ? *mask | bit : *mask & (uint8_t)~bit;
}

static void rssrk_write(struct port *p, unsigned i, uint32_t v)
{
	reg_set(p, REG_RSSRK(i), v);
	p->data->toeplitz_ready = false;
}

static uint32_t psrtype_low_read(struct port *p, unsigned i)
{
	return reg_get(p, REG_PSRTYPE(i));
}

static void psrtype_low_write(struct port *p, unsigned i, uint32_t v)
{
	reg_set(p, REG_PSRTYPE(i), v);
}

static uint32_t rssrk_read(struct port *p, unsigned i)
{
	return reg_get(p, REG_RSSRK(i));
}

static uint32_t reta_read(struct port *p, unsigned i)
{
	return reg_get(p, REG_RETA(i));
}

static void reta_write(struct port *p, unsigned i, uint32_t v)
{
	reg_set(p, REG_RETA(i), v & RETA_WRITABLE);
}

static uint32_t mrqc_read(struct port *p, unsigned i)
{
	(void)i;
	return reg_get(p, REG_MRQC);
}

static void mrqc_write(struct port *p, unsigned i, uint32_t v)
{
	(void)i;
	reg_set(p, REG_MRQC, v);
}

/* DS 8.2.3.7: those of receive queue selection */
const struct reg_range select_ranges[] = {
	{ .off = REG_RXCSUM, .writable = 0x00003000 },
	{ .off = REG_RFCTL, .writable = 0x0003ffff },
	{ .off = REG_PSRTYPE(0), .count = 64, .writable = ~0u },
	{ .off = REG_PSRTYPE_LOW(0),
		.count = 16,
		.read = psrtype_low_read,
		.write = psrtype_low_write },
	{ .off = REG_MRQC, .writable = ~0u },
	{ .off = REG_RETA(0), .count = 32, .writable = RETA_WRITABLE },
	{ .off = REG_RSSRK(0), .count = 10, .write = rssrk_write },
	{ .off = REG_MRQC_ALIAS, .read = mrqc_read, .write = mrqc_write },
	{ .off = REG_RETA_ALIAS(0), .count = 32, .read = reta_read, .write = reta_write },
	{ .off = REG_RSSRK_ALIAS(0), .count = 10, .read = rssrk_read, .write = rssrk_write },
	{ .off = REG_ETQF(0), .count = NR_ETQF, .write = etqf_write },
	{ .off = REG_ETQS(0), .count = NR_ETQF, .writable = ~0u },
	{ .off = REG_SYNQF, .writable = 0x800000ff },
	{ .off = REG_SAQF(0), .count = NR_FILTERS, .writable = ~0u },
	{ .off = REG_DAQF(0), .count = NR_FILTERS, .writable = ~0u },
	{ .off = REG_SDPQF(0), .count = NR_FILTERS, .writable = ~0u },
	{ .off = REG_FTQF(0), .count = NR_FILTERS, .write = ftqf_write },
	{ .off = REG_L34TIMIR(0), .count = NR_FILTERS, .writable = ~0u },
	{ .off = REG_LLITHRESH, .writable = ~0u },
	{ .off = REG_RQTC, .writable = 0x77777777 },
	{ .off = REG_FCRECTL, .writable = ~0u },
	{ .off = REG_FCRETA(0), .count = 8, .writable = 0x7f },
	/* the rest of FCoE, and mirroring of pools: settings only. DS 8.2.3.18, 8.2.3.27 */
	{ .off = 0x02410, .count = 3, .writable = ~0u }, /* FCPTRL, FCPTRH, FCBUFF */
	{ .off = 0x02420, .writable = ~0u },		 /* FCDMARW */
	{ .off = 0x05100, .writable = 0xfff },		 /* FCRXCTRL */
	{ .off = 0x05108, .writable = ~0u },		 /* FCFLT */
	{ .off = 0x05110, .writable = ~0u },		 /* FCFLTRW */
	{ .off = 0x05158, .writable = ~0u },		 /* REOFF */
	{ .off = 0x051d8, .writable = ~0u },		 /* FCPARAM */
	{ .off = 0x051f8, .writable = ~0u },		 /* RSOFF */
	{ .off = 0x0f600, .count = 4, .writable = ~0u }, /* PFMRCTL */
	{ .off = 0x0f610, .count = 8, .writable = ~0u }, /* PFMRVLAN */
	{ .off = 0x0f630, .count = 8, .writable = ~0u }, /* PFMRVM */
	{ 0 },
};
