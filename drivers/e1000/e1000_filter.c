/* Which frames come in. SDM 13.5.1 (MTA), 13.5.2 (RAL), 13.5.3 (RAH), 13.5.4 (VFTA), 13.4.22
 * (RCTL). The tables in memory are what counts; a reset loses the registers, and they are written
 * again. */
#include "drivers/e1000/e1000_hw.h"

#include "lib/errno.h"
#include "lib/string.h"

#define VLAN_LAST  4094u
#define MODES_MASK (E1000_RCTL_UPE | E1000_RCTL_MPE | E1000_RCTL_VFE)

/* Whether it stays: an emulator may have fewer than the manual says. */
static bool write_mac(const struct e1000 *e, unsigned i)
{
	const struct e1000_mac_entry *entry = &e->filters.mac[i];
	const uint8_t *m = entry->mac;
	uint32_t low = 0, high = 0;

	if (entry->used) {
		low = (uint32_t)m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 |
		      (uint32_t)m[3] << 24;
		high = E1000_RAH_AV | (uint32_t)m[4] | (uint32_t)m[5] << 8;
	}
	e1000_write(e, E1000_RAH(i), 0);
	e1000_write(e, E1000_RAL(i), low);
	e1000_write(e, E1000_RAH(i), high); /* last: it has the valid bit */
	return e1000_read(e, E1000_RAL(i)) == low && e1000_read(e, E1000_RAH(i)) == high;
}

uint32_t e1000_filter_modes(const struct e1000 *e)
{
	const struct e1000_filters *f = &e->filters;

	return (f->unicast_promiscuous ? E1000_RCTL_UPE : 0) |
	       (f->multicast_promiscuous ? E1000_RCTL_MPE : 0) | (f->vlan_on ? E1000_RCTL_VFE : 0);
}

/* While the port is stopped its registers mean nothing: start() writes them. */
static bool is_live(const struct e1000 *e)
{
	return e->nic.state == NIC_RUNNING;
}

static void write_modes(const struct e1000 *e)
{
	if (is_live(e))
		e1000_change(e, E1000_RCTL, MODES_MASK, e1000_filter_modes(e));
}

void e1000_filters_write(const struct e1000 *e)
{
	for (unsigned i = 0; i < E1000_RARS; i++)
		(void)write_mac(e, i); /* each was tried when it was added */
	for (unsigned i = 0; i < E1000_MTA_WORDS; i++)
		e1000_write(e, E1000_MTA(i), e->filters.mta[i]);
	for (unsigned i = 0; i < E1000_VFTA_WORDS; i++)
		e1000_write(e, E1000_VFTA(i), e->filters.vfta[i]);
}

int e1000_add_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct e1000 *e = E1000_OF(nic);
	struct e1000_mac_entry *free = NULL;

	if (pool || mac[0] & 1)
		return -EINVAL;
	for (unsigned i = E1000_RARS; i-- > 0;) {
		struct e1000_mac_entry *entry = &e->filters.mac[i];

		if (entry->used && !memcmp(entry->mac, mac, NIC_MAC_BYTES))
			return 0;
		if (!entry->used)
			free = entry;
	}
	if (!free)
		return -ENOSPC;
	memcpy(free->mac, mac, NIC_MAC_BYTES);
	free->used = true;
	if (write_mac(e, (unsigned)(free - e->filters.mac)))
		return 0;
	free->used = false;
	return -ENOSPC;
}

int e1000_remove_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct e1000 *e = E1000_OF(nic);

	for (unsigned i = 0; i < E1000_RARS && !pool; i++) {
		struct e1000_mac_entry *entry = &e->filters.mac[i];

		if (!entry->used || memcmp(entry->mac, mac, NIC_MAC_BYTES))
			continue;
		entry->used = false;
		(void)write_mac(e, i);
		return 0;
	}
	return -ENOENT;
}

/* SDM 13.5.1, RCTL.MO 0: bits 47:36 of the address, the last byte on the wire highest. */
void e1000_set_multicast(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr)
{
	struct e1000 *e = E1000_OF(nic);

	memset(e->filters.mta, 0, sizeof(e->filters.mta));
	for (unsigned i = 0; i < nr; i++) {
		unsigned hash = mac[i][4] >> 4 | (unsigned)mac[i][5] << 4;

		e->filters.mta[hash >> 5] |= BIT32(hash & 31);
	}
	for (unsigned i = 0; i < E1000_MTA_WORDS && is_live(e); i++)
		e1000_write(e, E1000_MTA(i), e->filters.mta[i]);
}

void e1000_set_promiscuous(struct nic *nic, bool unicast, bool multicast)
{
	struct e1000 *e = E1000_OF(nic);

	e->filters.unicast_promiscuous = unicast;
	e->filters.multicast_promiscuous = multicast;
	write_modes(e);
}

void e1000_set_vlan_filter(struct nic *nic, bool on)
{
	struct e1000 *e = E1000_OF(nic);

	e->filters.vlan_on = on;
	e->filters.vfta[0] |= BIT32(0); /* priority-tagged frames are in no VLAN */
	if (is_live(e))
		e1000_write(e, E1000_VFTA(0), e->filters.vfta[0]);
	write_modes(e);
}

int e1000_set_vlan(struct nic *nic, uint16_t vlan, unsigned pool, bool member)
{
	struct e1000 *e = E1000_OF(nic);
	uint32_t *word = &e->filters.vfta[vlan / 32 % E1000_VFTA_WORDS];

	if (vlan == 0 || vlan > VLAN_LAST || pool)
		return -EINVAL;
	*word = member ? *word | BIT32(vlan % 32) : *word & ~BIT32(vlan % 32);
	if (is_live(e))
		e1000_write(e, E1000_VFTA(vlan / 32), *word);
	return 0;
}
