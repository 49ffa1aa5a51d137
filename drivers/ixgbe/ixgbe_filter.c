/* Which frames come in, and to which pool: addresses. DS 7.1.1 (filters), 7.10.3 (pools), 8.2.3.7.
 * The tables in memory are what counts; a reset loses the registers, and they are written again. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"
#include "lib/string.h"

static void write_mac(const struct ixgbe *ix, unsigned i)
{
	const struct ixgbe_mac_entry *e = &ix->filters.mac[i];
	const uint8_t *m = e->mac;
	uint64_t pools = e->used ? BIT64(e->pool) : 0;

	/* RAH last: it has the valid bit */
	ixgbe_write(ix, IXGBE_RAH(i), 0);
	ixgbe_write(ix, IXGBE_RAL(i),
		e->used ? (uint32_t)m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 |
				  (uint32_t)m[3] << 24
			: 0);
	ixgbe_write(ix, IXGBE_MPSAR(2 * i), (uint32_t)pools);
	ixgbe_write(ix, IXGBE_MPSAR(2 * i + 1), (uint32_t)(pools >> 32));
	if (e->used)
		ixgbe_write(ix, IXGBE_RAH(i), IXGBE_RAH_AV | (uint32_t)m[4] | (uint32_t)m[5] << 8);
}

/* DS 7.1.1.1: promiscuity is the port's; what nobody claims goes to the default pool, 0. */
static void write_modes(const struct ixgbe *ix)
{
	const struct ixgbe_filters *f = &ix->filters;
	uint32_t fctrl = IXGBE_FCTRL_BAM;
	uint32_t vmolr = IXGBE_VMOLR_AUPE | IXGBE_VMOLR_BAM | IXGBE_VMOLR_ROMPE;

	if (f->unicast_promiscuous)
		fctrl |= IXGBE_FCTRL_UPE;
	if (f->multicast_promiscuous) {
		fctrl |= IXGBE_FCTRL_MPE;
		vmolr |= IXGBE_VMOLR_MPE;
	}
	ixgbe_write(ix, IXGBE_FCTRL, fctrl);
	ixgbe_write(ix, IXGBE_MCSTCTRL, IXGBE_MCSTCTRL_MFE);
	if (!ix->pool_stride)
		return;
	for (unsigned p = 0; p < NIC_POOLS_MAX; p++) {
		bool used = p < ix->nic.nr_pools;

		ixgbe_write(ix, IXGBE_VMOLR(p), !used ? 0 : p ? IXGBE_VMOLR_AUPE : vmolr);
	}
}

void ixgbe_filters_write(const struct ixgbe *ix)
{
	for (unsigned i = 0; i < IXGBE_MACS_MAX; i++)
		write_mac(ix, i);
	for (unsigned i = 0; i < IXGBE_MTA_WORDS; i++)
		ixgbe_write(ix, IXGBE_MTA(i), ix->filters.mta[i]);
	write_modes(ix);
	ixgbe_vlans_write(ix);
}

/* While the port is stopped its registers mean nothing: start() writes them. */
static bool is_live(const struct ixgbe *ix)
{
	return ix->nic.state == NIC_RUNNING;
}

int ixgbe_add_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	unsigned at = IXGBE_MACS_MAX;

	if (pool >= nic->nr_pools || mac[0] & 1)
		return -EINVAL;
	for (unsigned i = 0; i < IXGBE_MACS_MAX; i++) {
		const struct ixgbe_mac_entry *e = &ix->filters.mac[i];

		if (e->used && !memcmp(e->mac, mac, NIC_MAC_BYTES))
			return e->pool == pool ? 0 : -EEXIST;
		if (!e->used && at == IXGBE_MACS_MAX)
			at = i;
	}
	if (at == IXGBE_MACS_MAX)
		return -ENOSPC;
	memcpy(ix->filters.mac[at].mac, mac, NIC_MAC_BYTES);
	ix->filters.mac[at].pool = (uint8_t)pool;
	ix->filters.mac[at].used = true;
	if (is_live(ix))
		write_mac(ix, at);
	return 0;
}

int ixgbe_remove_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	for (unsigned i = 0; i < IXGBE_MACS_MAX; i++) {
		struct ixgbe_mac_entry *e = &ix->filters.mac[i];

		if (!e->used || e->pool != pool || memcmp(e->mac, mac, NIC_MAC_BYTES))
			continue;
		e->used = false;
		if (is_live(ix))
			write_mac(ix, i);
		return 0;
	}
	return -ENOENT;
}

/* DS 7.1.1.2, MCSTCTRL.MO 0: bits 47:36 of the address, the last byte on the wire highest. */
void ixgbe_set_multicast(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	memset(ix->filters.mta, 0, sizeof(ix->filters.mta));
	for (unsigned i = 0; i < nr; i++) {
		unsigned hash = mac[i][4] >> 4 | (unsigned)mac[i][5] << 4;

		ix->filters.mta[hash >> 5] |= BIT32(hash & 31);
	}
	for (unsigned i = 0; i < IXGBE_MTA_WORDS && is_live(ix); i++)
		ixgbe_write(ix, IXGBE_MTA(i), ix->filters.mta[i]);
}

void ixgbe_set_promiscuous(struct nic *nic, bool unicast, bool multicast)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	ix->filters.unicast_promiscuous = unicast;
	ix->filters.multicast_promiscuous = multicast;
	if (is_live(ix))
		write_modes(ix);
}
