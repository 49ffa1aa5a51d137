/* Between the pools of a port: anti-spoofing, local delivery. DS 7.10.3.4 to 7.10.3.9. */
#include "data.h"

#define POOLS_OF_8Q 3 /* shifts: a pool's queues */
#define POOLS_OF_4Q 2
#define POOLS_OF_2Q 1

/* MTQC: how many queues a pool has. */
unsigned tx_pool(const struct port *p, unsigned queue)
{
	uint32_t mtqc = reg_get(p, REG_MTQC);

	if (!(mtqc & MTQC_VT_ENA))
		return 0;
	switch (mtqc >> MTQC_NUM_SHIFT & 3) {
	case 3:
		return queue >> POOLS_OF_8Q;
	case 2:
		return queue >> POOLS_OF_4Q;
	default:
		return queue >> POOLS_OF_2Q;
	}
}

bool tx_pool_may_send(const struct port *p, unsigned queue)
{
	unsigned pool = tx_pool(p, queue);

	return !(reg_get(p, REG_MTQC) & MTQC_VT_ENA) ||
	       reg_get(p, REG_PFVFTE(pool / 32)) >> (pool & 31) & 1;
}

static bool has_bit(const struct port *p, uint32_t pair, unsigned pool)
{
	return reg_get(p, pair + pool / 32 * 4) >> (pool & 31) & 1;
}

/* The source address is one of the pool's receive addresses. */
static bool owns_address(const struct port *p, const uint8_t *address, unsigned pool)
{
	uint32_t low = load_le32(address), high = RAH_AV | address[4] | (uint32_t)address[5] << 8;

	for (unsigned i = 0; i < 128; i++)
		if (reg_get(p, REG_RAL(i)) == low && reg_get(p, REG_RAH(i)) == high &&
			has_bit(p, REG_MPSAR(2 * i), pool))
			return true;
	return false;
}

static bool owns_vlan(const struct port *p, unsigned vlan, unsigned pool)
{
	for (unsigned i = 0; i < 64; i++) {
		uint32_t v = reg_get(p, REG_PFVLVF(i));

		if (v & PFVLVF_VI_EN && (v & 0xfff) == vlan)
			return has_bit(p, REG_PFVLVFB(2 * i), pool);
	}
	return false;
}

static bool is_spoofed(const struct port *p, unsigned pool, const uint8_t *frame)
{
	uint32_t spoof = reg_get(p, REG_PFVFSPOOF(pool / 8)) >> (pool & 7);
	bool tagged = load_be16(frame + 12) == (reg_get(p, REG_VLNCTRL) & VLNCTRL_VET);

	if (spoof & 1 && !owns_address(p, frame + 6, pool))
		return true;
	return spoof & 1u << 8 && tagged && !owns_vlan(p, load_be16(frame + 14) & 0xfff, pool);
}

/* A frame for exactly one known address stays inside; others go to the wire as well. */
bool tx_switch(struct port *p, unsigned queue, const uint8_t *frame, uint32_t len_bytes)
{
	unsigned pool = tx_pool(p, queue);
	struct filter_result r;

	if (!(reg_get(p, REG_MTQC) & MTQC_VT_ENA))
		return true;
	if (is_spoofed(p, pool, frame)) {
		stats_add(p, REG_SSVPC, 1);
		return false;
	}
	if (!(reg_get(p, REG_PFDTXGSWC) & PFDTXGSWC_LBEN))
		return true;
	filter_frame(p, frame, len_bytes, &r);
	/* frames that only the default pool gets, for want of another, are for the network */
	if (!r.accepted || (!r.exact && !r.multicast && !r.broadcast))
		return true;
	if (!has_bit(p, REG_PFVMTXSW(0), pool))
		r.pools &= ~(UINT64_C(1) << pool);
	if (r.pools) {
		stats_add(p, REG_RXLPBKPC, 1);
		rx_local(p, frame, len_bytes, r.pools);
	}
	return !r.exact || r.multicast || r.broadcast;
}
