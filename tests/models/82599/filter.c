/* Receive filters: which frames pass layer 2, and which pools want them. DS 7.1.1 (filtering),
 * 7.10.3 (pools). */
#include "control.h"

#include <string.h>

#define VLAN_TAG_AT    12
#define VLAN_TAG_BYTES 4
#define VLAN_ID	       0xfffu
#define VLAN_CFI       0x1000u
#define ALL_POOLS      UINT64_MAX

static uint64_t get_pair(const struct port *p, uint32_t low_off)
{
	return reg_get(p, low_off) | (uint64_t)reg_get(p, low_off + 4) << 32;
}

static bool pools_are_on(const struct port *p)
{
	return reg_get(p, REG_PFVTCTL) & PFVTCTL_VT_ENA;
}

/* The search only goes as far as there are valid addresses. */
void filter_changed(struct port *p)
{
	unsigned n = RECEIVE_ADDRESSES;

	while (n && !(reg_get(p, REG_RAH(n - 1)) & RAH_AV))
		n--;
	p->control->nr_receive_addresses = n;
}

/* -1: none. */
static int find_exact(const struct port *p, const uint8_t *address)
{
	uint32_t low = address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 |
		       (uint32_t)address[3] << 24;
	uint32_t high = RAH_AV | address[4] | (uint32_t)address[5] << 8;

	for (unsigned i = 0; i < p->control->nr_receive_addresses; i++) {
		if (reg_get(p, REG_RAL(i)) == low && reg_get(p, REG_RAH(i)) == high)
			return (int)i;
	}
	return -1;
}

/* 12 bits of the address, from where MCSTCTRL.MO says, pick one of 4096 bits. DS 8.2.3.7 */
static bool is_in_table(const struct port *p, uint32_t table, const uint8_t *address)
{
	static const uint8_t shifts[] = { 4, 3, 2, 0 };
	uint32_t bits = address[4] | (uint32_t)address[5] << 8;

	bits = bits >> shifts[reg_get(p, REG_MCSTCTRL) & MCSTCTRL_MO] & 0xfff;
	return reg_get(p, table + bits / 32 * 4) >> (bits % 32) & 1;
}

static bool is_broadcast(const uint8_t *address)
{
	static const uint8_t all_ones[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(address, all_ones, 6) == 0;
}

struct seen {
	int exact; /* index of the receive address, or -1 */
	bool multicast_hash, unicast_hash;
	bool tagged;
	uint16_t tag;
};

static bool address_passes(
	const struct port *p, const uint8_t *address, struct seen *seen, struct filter_result *r)
{
	uint32_t fctrl = reg_get(p, REG_FCTRL);

	seen->exact = find_exact(p, address);
	r->exact = seen->exact >= 0;
	if (is_broadcast(address)) {
		r->broadcast = true;
		return r->exact || (fctrl & FCTRL_BAM);
	}
	r->multicast = address[0] & 1;
	if (r->multicast) {
		seen->multicast_hash = (reg_get(p, REG_MCSTCTRL) & MCSTCTRL_MFE) &&
				       is_in_table(p, REG_MTA(0), address);
		return r->exact || seen->multicast_hash || (fctrl & FCTRL_MPE);
	}
	seen->unicast_hash = pools_are_on(p) && is_in_table(p, REG_PFUTA(0), address);
	return r->exact || seen->unicast_hash || (fctrl & FCTRL_UPE);
}

static void look_for_tag(
	const struct port *p, const uint8_t *data, uint32_t len_bytes, struct seen *seen)
{
	uint32_t vlnctrl = reg_get(p, REG_VLNCTRL);
	uint32_t at = VLAN_TAG_AT;

	/* the outer tag of two is not looked at. DS 7.4.5 */
	if (reg_get(p, REG_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN)
		at += VLAN_TAG_BYTES;
	if (len_bytes < at + VLAN_TAG_BYTES)
		return;
	if (((uint32_t)data[at] << 8 | data[at + 1]) != (vlnctrl & VLNCTRL_VET))
		return;
	seen->tagged = true;
	seen->tag = (uint16_t)(data[at + 2] << 8 | data[at + 3]);
}

/* DS 7.1.1.2 */
static bool vlan_passes(const struct port *p, const struct seen *seen, struct filter_result *r)
{
	uint32_t vlnctrl = reg_get(p, REG_VLNCTRL), id = seen->tag & VLAN_ID;

	if (!(vlnctrl & VLNCTRL_VFE) || !seen->tagged)
		return true;
	if ((vlnctrl & VLNCTRL_CFIEN) && !!(seen->tag & VLAN_CFI) != !!(vlnctrl & VLNCTRL_CFI))
		return false;
	r->vlan = reg_get(p, REG_VFTA(id / 32)) >> (id % 32) & 1;
	return r->vlan;
}

/* ---- Pools ---- */

static uint64_t pools_with(const struct port *p, uint32_t bits)
{
	uint64_t pools = 0;

	for (unsigned i = 0; i < VIRTUAL_POOLS; i++) {
		if (reg_get(p, REG_PFVML2FLT(i)) & bits)
			pools |= UINT64_C(1) << i;
	}
	return pools;
}

static uint64_t pools_of_address(
	const struct port *p, const struct seen *seen, const struct filter_result *r)
{
	uint64_t pools = 0;

	if (seen->exact >= 0)
		pools = get_pair(p, REG_MPSAR(2 * (unsigned)seen->exact));
	if (r->broadcast)
		return pools | pools_with(p, PFVML2FLT_BAM);
	if (r->multicast)
		return pools |
		       pools_with(p, PFVML2FLT_MPE | (seen->multicast_hash ? PFVML2FLT_ROMPE : 0));
	if (!pools && seen->unicast_hash)
		pools = pools_with(p, PFVML2FLT_ROPE);
	return pools;
}

static uint64_t pools_of_vlan(const struct port *p, const struct seen *seen)
{
	if (!(reg_get(p, REG_VLNCTRL) & VLNCTRL_VFE))
		return ALL_POOLS;
	if (!seen->tagged)
		return pools_with(p, PFVML2FLT_AUPE);
	for (unsigned i = 0; i < VIRTUAL_POOLS; i++) {
		uint32_t v = reg_get(p, REG_PFVLVF(i));

		if ((v & PFVLVF_VI_EN) && (v & VLAN_ID) == (seen->tag & VLAN_ID))
			return get_pair(p, REG_PFVLVFB(2 * i));
	}
	return 0;
}

static uint64_t choose_pools(
	const struct port *p, const struct seen *seen, const struct filter_result *r)
{
	uint32_t ctl = reg_get(p, REG_PFVTCTL);
	uint64_t pools = pools_of_address(p, seen, r) & pools_of_vlan(p, seen);

	if (!pools && !(ctl & PFVTCTL_DIS_DEF_POOL))
		pools = UINT64_C(1) << ((ctl & PFVTCTL_DEF_PL) >> PFVTCTL_DEF_PL_SHIFT);
	/* without replication one copy is all there is */
	if (!(ctl & PFVTCTL_RPL_EN))
		pools &= -pools;
	return pools;
}

void filter_frame(struct port *p, const uint8_t *data, uint32_t len_bytes, struct filter_result *r)
{
	struct seen seen = { .exact = -1 };

	*r = (struct filter_result){ 0 };
	if (len_bytes < 12)
		return;
	look_for_tag(p, data, len_bytes, &seen);
	r->accepted = address_passes(p, data, &seen, r) && vlan_passes(p, &seen, r);
	if (!r->accepted)
		return;
	r->uta_or_mta = !r->exact && (seen.multicast_hash || seen.unicast_hash);
	r->pools = pools_are_on(p) ? choose_pools(p, &seen, r) : 1;
	r->accepted = r->pools != 0;
}

/* ---- Registers ---- */

static void write_ral(struct port *p, unsigned index, uint32_t v)
{
	reg_set(p, REG_RAL(index), v);
}

static void write_rah(struct port *p, unsigned index, uint32_t v)
{
	reg_set(p, REG_RAH(index), v & (RAH_AV | 0xffff));
	filter_changed(p);
}

static uint32_t read_ral(struct port *p, unsigned index)
{
	return reg_get(p, REG_RAL(index));
}

static uint32_t read_rah(struct port *p, unsigned index)
{
	return reg_get(p, REG_RAH(index));
}

#define PFVML2FLT_WRITABLE                                                                         \
	(PFVML2FLT_AUPE | PFVML2FLT_ROMPE | PFVML2FLT_ROPE | PFVML2FLT_BAM | PFVML2FLT_MPE)

const struct reg_range filter_ranges[] = {
	{ .off = REG_FCTRL, .writable = FCTRL_SBP | FCTRL_MPE | FCTRL_UPE | FCTRL_BAM },
	{ .off = REG_VLNCTRL,
		.writable = VLNCTRL_VET | VLNCTRL_CFI | VLNCTRL_CFIEN | VLNCTRL_VFE,
		.reset = 0x8100 },
	{ .off = REG_MCSTCTRL, .writable = MCSTCTRL_MO | MCSTCTRL_MFE },
	{ .off = REG_EXVET, .writable = 0xffff0000, .reset = 0x81000000 },
	{ .off = REG_MTA(0), .count = 128, .writable = UINT32_MAX },
	{ .off = REG_RAL(0), .count = 128, .stride = 8, .read = read_ral, .write = write_ral },
	{ .off = REG_RAH(0), .count = 128, .stride = 8, .read = read_rah, .write = write_rah },
	{ .off = REG_RAL_LOW(0), .count = 16, .stride = 8, .read = read_ral, .write = write_ral },
	{ .off = REG_RAH_LOW(0), .count = 16, .stride = 8, .read = read_rah, .write = write_rah },
	{ .off = REG_MPSAR(0), .count = 256, .writable = UINT32_MAX },
	{ .off = REG_VFTA(0), .count = 128, .writable = UINT32_MAX },
	{ .off = REG_PFVTCTL,
		.writable =
			PFVTCTL_VT_ENA | PFVTCTL_DEF_PL | PFVTCTL_DIS_DEF_POOL | PFVTCTL_RPL_EN },
	{ .off = REG_PFVFRE(0), .count = 2, .writable = UINT32_MAX },
	{ .off = REG_PFVML2FLT(0), .count = 64, .writable = PFVML2FLT_WRITABLE },
	{ .off = REG_PFVLVF(0), .count = 64, .writable = PFVLVF_VI_EN | VLAN_ID },
	{ .off = REG_PFVLVFB(0), .count = 128, .writable = UINT32_MAX },
	{ .off = REG_PFUTA(0), .count = 128, .writable = UINT32_MAX },
	{ 0 },
};
