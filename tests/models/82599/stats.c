/* Statistics: DS 8.2.3.23. Registers clear when they are read and stick at their maximum. Byte
 * counters have 36 bits in two registers: reading the lower one clears both and keeps the upper
 * bits for the read that follows. */
#include "control.h"

#define BYTES_MAX (UINT64_C(0xfffffffff))
#define RXCTRL	  0x03000 /* the data plane's; bit 0: reception is on */

static struct stats *state(struct port *p)
{
	return &p->control->stats;
}

void stats_reset(struct port *p)
{
	*state(p) = (struct stats){ 0 };
}

void stats_add(struct port *p, uint32_t off, uint32_t n)
{
	uint32_t v = reg_get(p, off);

	reg_set(p, off, v > UINT32_MAX - n ? UINT32_MAX : v + n);
}

static void count(struct port *p, uint32_t off)
{
	stats_add(p, off, 1);
}

static void add_bytes(struct port *p, unsigned which, uint32_t n)
{
	uint64_t *v = &state(p)->bytes[which];

	*v = *v + n > BYTES_MAX ? BYTES_MAX : *v + n;
}

/* PRC64 and PTC64 are followed by 65 to 127, to 255, to 511, to 1023 and above. */
static void count_size(struct port *p, uint32_t base, uint32_t bytes)
{
	static const uint16_t up_to[] = { 64, 127, 255, 511, 1023 };
	unsigned i = 0;

	while (i < 5 && bytes > up_to[i])
		i++;
	count(p, base + 4 * i);
}

static bool is_broadcast(const uint8_t *data)
{
	return (data[0] & data[1] & data[2] & data[3] & data[4] & data[5]) == 0xff;
}

static void count_cast(struct port *p, const uint8_t *data, uint32_t multicast, uint32_t broadcast)
{
	if (is_broadcast(data))
		count(p, broadcast);
	else if (data[0] & 1)
		count(p, multicast);
}

static void count_total(struct port *p, uint32_t bytes)
{
	count(p, REG_TPR);
	add_bytes(p, STATS_TOR, bytes);
}

/* GPRC and GORC only count what reception is on for and the filters let through; RXNFGPC and
 * RXNFGBC all that is good. */
void stats_rx_frame(struct port *p, const uint8_t *data, uint32_t len_bytes)
{
	uint32_t bytes = len_bytes + WIRE_FCS_BYTES;
	struct filter_result filter;

	count_total(p, bytes);
	count(p, REG_RXNFGPC);
	add_bytes(p, STATS_RXNFGBC, bytes);
	count_size(p, REG_PRC64, bytes);
	filter_frame(p, data, len_bytes, &filter);
	if (!filter.accepted || !(reg_get(p, RXCTRL) & 1))
		return;
	count(p, REG_GPRC);
	add_bytes(p, STATS_GORC, bytes);
	count_cast(p, data, REG_MPRC, REG_BPRC);
}

static uint32_t longest(const struct port *p)
{
	if (!(reg_get(p, REG_HLREG0) & HLREG0_JUMBOEN))
		return 1518 + 4; /* a VLAN tag */
	return (reg_get(p, REG_MAXFRS) >> MAXFRS_MFS_SHIFT) + 4;
}

void stats_rx_fcs_error(struct port *p, uint32_t len_bytes)
{
	uint32_t bytes = len_bytes + WIRE_FCS_BYTES;

	count_total(p, bytes);
	if (bytes < 64)
		count(p, REG_RFC); /* a fragment */
	else if (bytes > longest(p))
		count(p, REG_RJC); /* jabber */
	else
		count(p, REG_CRCERRS);
}

/* Too short, too long, or not as its length field says. */
void stats_rx_length_error(struct port *p, uint32_t len_bytes)
{
	uint32_t bytes = len_bytes + WIRE_FCS_BYTES;

	count_total(p, bytes);
	if (bytes < 64)
		count(p, REG_RUC);
	else if (bytes > longest(p))
		count(p, REG_ROC);
	else
		count(p, REG_RLEC);
}

/* RQSMR and TQSM: four queues a register, one of 16 counters each. */
static unsigned queue_counter(const struct port *p, uint32_t map, unsigned queue)
{
	queue %= M82599_QUEUES;
	return reg_get(p, map + queue / 4 * 4) >> 8 * (queue % 4) & 0xf;
}

void stats_rx_delivered(struct port *p, unsigned queue, uint32_t len_bytes)
{
	unsigned i = queue_counter(p, REG_RQSMR(0), queue);

	count(p, REG_QPRC(i));
	add_bytes(p, STATS_QBRC + i, len_bytes + WIRE_FCS_BYTES);
	count(p, REG_RXDGPC);
	add_bytes(p, STATS_RXDGBC, len_bytes + WIRE_FCS_BYTES);
}

/* A queue or a packet buffer that does not exist is none: what was dropped before a queue was
 * chosen, and what a queue dropped, are counted apart. */
void stats_rx_missed(struct port *p, unsigned queue, unsigned packet_buffer)
{
	if (packet_buffer < 8)
		count(p, REG_RXMPC(packet_buffer));
	if (queue < M82599_QUEUES)
		count(p, REG_QPRDC(queue_counter(p, REG_RQSMR(0), queue)));
}

static void count_transmitted(struct port *p, const uint8_t *data, uint32_t bytes)
{
	count(p, REG_TPT);
	count(p, REG_GPTC);
	add_bytes(p, STATS_GOTC, bytes);
	count_size(p, REG_PTC64, bytes);
	count_cast(p, data, REG_MPTC, REG_BPTC);
}

void stats_tx_frame(struct port *p, unsigned queue, const uint8_t *data, uint32_t len_bytes)
{
	uint32_t bytes = len_bytes + WIRE_FCS_BYTES;
	unsigned i = queue_counter(p, REG_TQSM(0), queue);

	count_transmitted(p, data, bytes);
	count(p, REG_QPTC(i));
	add_bytes(p, STATS_QBTC + i, bytes);
	count(p, REG_TXDGPC);
	add_bytes(p, STATS_TXDGBC, bytes);
}

/* Transmitted pause frames are in the general counters too: drivers subtract them. */
void stats_pause(struct port *p, bool transmitted, bool xon)
{
	static const uint8_t pause_address[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x01 };

	if (transmitted) {
		count(p, xon ? REG_LXONTXC : REG_LXOFFTXC);
		count_transmitted(p, pause_address, 64);
	} else {
		count(p, xon ? REG_LXONRXCNT : REG_LXOFFRXCNT);
		count_total(p, 64);
	}
}

/* ---- Registers ---- */

static uint32_t take(struct port *p, uint32_t off)
{
	uint32_t v = reg_get(p, off);

	reg_set(p, off, 0);
	return v;
}

static uint32_t take_low(struct port *p, unsigned which)
{
	struct stats *s = state(p);
	uint64_t v = s->bytes[which];

	s->bytes[which] = 0;
	s->upper[which] = (uint8_t)(v >> 32);
	return (uint32_t)v;
}

/* Without a read of the lower half before it: what has carried over since. */
static uint32_t take_high(struct port *p, unsigned which)
{
	struct stats *s = state(p);
	uint32_t v = s->upper[which];

	if (v == 0)
		v = (uint32_t)(s->bytes[which] >> 32);
	s->upper[which] = 0;
	return v;
}

#define TAKE(name, off)                                                                            \
	static uint32_t name(struct port *p, unsigned i)                                           \
	{                                                                                          \
		(void)i;                                                                           \
		return take(p, off);                                                               \
	}

#define TAKE_BYTES(name, which)                                                                    \
	static uint32_t name##_low(struct port *p, unsigned i)                                     \
	{                                                                                          \
		(void)i;                                                                           \
		return take_low(p, which);                                                         \
	}                                                                                          \
	static uint32_t name##_high(struct port *p, unsigned i)                                    \
	{                                                                                          \
		(void)i;                                                                           \
		return take_high(p, which);                                                        \
	}

TAKE(take_pxon2offcnt, REG_PXON2OFFCNT(i))
TAKE(take_pxontxc, REG_PXONTXC(i))
TAKE(take_pxofftxc, REG_PXOFFTXC(i))
TAKE(take_lxontxc, REG_LXONTXC)
TAKE(take_lxofftxc, REG_LXOFFTXC)
TAKE(take_rxmpc, REG_RXMPC(i))
TAKE(take_rnbc, REG_RNBC(i))
TAKE(take_crcerrs, REG_CRCERRS + 4 * i)
TAKE(take_mspdc, REG_MSPDC)
TAKE(take_mbsdc, REG_MBSDC)
TAKE(take_mlfc, REG_MLFC + 4 * i)
TAKE(take_rlec, REG_RLEC)
TAKE(take_prc64, REG_PRC64 + 4 * i)
TAKE(take_ruc, REG_RUC + 4 * i)
TAKE(take_tpr, REG_TPR + 4 * i)
TAKE(take_xec, REG_XEC)
TAKE(take_pxonrxcnt, REG_PXONRXCNT(i))
TAKE(take_lxonrxcnt, REG_LXONRXCNT + 4 * i)
TAKE(take_rxnfgpc, REG_RXNFGPC)
TAKE(take_rxdgpc, REG_RXDGPC)
TAKE(take_rxddpc, REG_RXDDPC)
TAKE(take_rxlpbkpc, REG_RXLPBKPC)
TAKE(take_rxdlpbkpc, REG_RXDLPBKPC)
TAKE(take_txdgpc, REG_TXDGPC)
TAKE(take_mngptc, REG_MNGPTC)
TAKE(take_qprc, REG_QPRC(i))
TAKE(take_qprdc, REG_QPRDC(i))
TAKE(take_qptc, REG_QPTC(i))
TAKE(take_ssvpc, REG_SSVPC)
TAKE(take_fccrc, REG_FCCRC)
TAKE(take_fcoerpdc, REG_FCOERPDC)
TAKE(take_fcoeprc, REG_FCOEPRC + 4 * i)
TAKE(take_fcoeptc, REG_FCOEPTC + 4 * i)
TAKE(take_fdirustat, REG_FDIRUSTAT + 4 * i)
TAKE_BYTES(take_gorc, STATS_GORC)
TAKE_BYTES(take_gotc, STATS_GOTC)
TAKE_BYTES(take_tor, STATS_TOR)
TAKE_BYTES(take_rxnfgbc, STATS_RXNFGBC)
TAKE_BYTES(take_rxdgbc, STATS_RXDGBC)
TAKE_BYTES(take_rxddbc, STATS_RXDDBC)
TAKE_BYTES(take_rxlpbkbc, STATS_RXLPBKBC)
TAKE_BYTES(take_rxdlpbkbc, STATS_RXDLPBKBC)
TAKE_BYTES(take_txdgbc, STATS_TXDGBC)
TAKE_BYTES(take_qbrc, STATS_QBRC + i)
TAKE_BYTES(take_qbtc, STATS_QBTC + i)

const struct reg_range stats_ranges[] = {
	{ .off = REG_RXDSTATCTRL, .writable = 0x1f },
	{ .off = REG_RXDGPC, .read = take_rxdgpc },
	{ .off = REG_RXDGBCL, .read = take_rxdgbc_low },
	{ .off = REG_RXDGBCH, .read = take_rxdgbc_high },
	{ .off = REG_RXDDPC, .read = take_rxddpc },
	{ .off = REG_RXDDBCL, .read = take_rxddbc_low },
	{ .off = REG_RXDDBCH, .read = take_rxddbc_high },
	{ .off = REG_RXLPBKPC, .read = take_rxlpbkpc },
	{ .off = REG_RXLPBKBCL, .read = take_rxlpbkbc_low },
	{ .off = REG_RXLPBKBCH, .read = take_rxlpbkbc_high },
	{ .off = REG_RXDLPBKPC, .read = take_rxdlpbkpc },
	{ .off = REG_RXDLPBKBCL, .read = take_rxdlpbkbc_low },
	{ .off = REG_RXDLPBKBCH, .read = take_rxdlpbkbc_high },
	{ .off = REG_TXDGPC, .read = take_txdgpc },
	{ .off = REG_TXDGBCL, .read = take_txdgbc_low },
	{ .off = REG_TXDGBCH, .read = take_txdgbc_high },
	{ .off = REG_PXON2OFFCNT(0), .count = 8, .read = take_pxon2offcnt },
	{ .off = REG_PXONTXC(0), .count = 8, .read = take_pxontxc },
	{ .off = REG_PXOFFTXC(0), .count = 8, .read = take_pxofftxc },
	{ .off = REG_LXONTXC, .read = take_lxontxc },
	{ .off = REG_LXOFFTXC, .read = take_lxofftxc },
	{ .off = REG_RXMPC(0), .count = 8, .read = take_rxmpc },
	{ .off = REG_RNBC(0), .count = 8, .read = take_rnbc },
	{ .off = REG_CRCERRS, .count = 3, .read = take_crcerrs }, /* ILLERRC, ERRBC */
	{ .off = REG_MSPDC, .read = take_mspdc },
	{ .off = REG_MBSDC, .read = take_mbsdc },
	{ .off = REG_MLFC, .count = 2, .read = take_mlfc }, /* MRFC */
	{ .off = REG_RLEC, .read = take_rlec },
	/* to PRC1522, GPRC, BPRC, MPRC, GPTC */
	{ .off = REG_PRC64, .count = 10, .read = take_prc64 },
	{ .off = REG_GORCL, .read = take_gorc_low },
	{ .off = REG_GORCH, .read = take_gorc_high },
	{ .off = REG_GOTCL, .read = take_gotc_low },
	{ .off = REG_GOTCH, .read = take_gotc_high },
	{ .off = REG_RUC, .count = 6, .read = take_ruc }, /* RFC, ROC, RJC, MNGPRC, MNGPDC */
	{ .off = REG_TORL, .read = take_tor_low },
	{ .off = REG_TORH, .read = take_tor_high },
	{ .off = REG_TPR, .count = 10, .read = take_tpr }, /* TPT, PTC64 to 1522, MPTC, BPTC */
	{ .off = REG_XEC, .read = take_xec },
	{ .off = REG_PXONRXCNT(0), .count = 16, .read = take_pxonrxcnt }, /* PXOFFRXCNT */
	{ .off = REG_LXONRXCNT, .count = 2, .read = take_lxonrxcnt },	  /* LXOFFRXCNT */
	{ .off = REG_RXNFGPC, .read = take_rxnfgpc },
	{ .off = REG_RXNFGBCL, .read = take_rxnfgbc_low },
	{ .off = REG_RXNFGBCH, .read = take_rxnfgbc_high },
	{ .off = REG_MNGPTC, .read = take_mngptc },
	{ .off = REG_RQSMR(0), .count = 32, .writable = 0x0f0f0f0f },
	{ .off = REG_TQSM(0), .count = 32, .writable = 0x0f0f0f0f },
	{ .off = REG_QPRC(0), .count = 16, .stride = 0x40, .read = take_qprc },
	{ .off = REG_QBRC_L(0), .count = 16, .stride = 0x40, .read = take_qbrc_low },
	{ .off = REG_QBRC_H(0), .count = 16, .stride = 0x40, .read = take_qbrc_high },
	{ .off = REG_QPRDC(0), .count = 16, .stride = 0x40, .read = take_qprdc },
	{ .off = REG_QPTC(0), .count = 16, .read = take_qptc },
	{ .off = REG_QPTC_ALIAS(0), .count = 16, .stride = 0x40, .read = take_qptc },
	{ .off = REG_QBTC_L(0), .count = 16, .stride = 8, .read = take_qbtc_low },
	{ .off = REG_QBTC_H(0), .count = 16, .stride = 8, .read = take_qbtc_high },
	{ .off = REG_SSVPC, .read = take_ssvpc },
	{ .off = REG_FCCRC, .read = take_fccrc },
	{ .off = REG_FCOERPDC, .read = take_fcoerpdc },
	{ .off = REG_FCLAST },
	{ .off = REG_FCOEPRC, .count = 2, .read = take_fcoeprc },     /* FCOEDWRC */
	{ .off = REG_FCOEPTC, .count = 2, .read = take_fcoeptc },     /* FCOEDWTC */
	{ .off = REG_FDIRUSTAT, .count = 4, .read = take_fdirustat }, /* to FDIRMISS */
	{ 0 },
};
