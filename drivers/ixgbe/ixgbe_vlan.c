/* VLAN filters. DS 7.1.1.3 (VFTA), 7.10.3.3 (pools by VLAN), 8.2.3.7.2, 8.2.3.27.16. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"

#define VLAN_LAST 4094u

static void write_vlvf(const struct ixgbe *ix, unsigned i)
{
	const struct ixgbe_vlan_entry *e = &ix->filters.vlan[i];

	if (!ix->pool_stride)
		return;
	ixgbe_write(ix, IXGBE_VLVFB(2 * i), (uint32_t)e->pools);
	ixgbe_write(ix, IXGBE_VLVFB(2 * i + 1), (uint32_t)(e->pools >> 32));
	ixgbe_write(ix, IXGBE_VLVF(i), e->vlan ? IXGBE_VLVF_VI_EN | e->vlan : 0);
}

static void write_switch(const struct ixgbe *ix)
{
	ixgbe_write(ix, IXGBE_VLNCTRL,
		IXGBE_VLNCTRL_VET | (ix->filters.vlan_on ? IXGBE_VLNCTRL_VFE : 0));
}

void ixgbe_vlans_write(const struct ixgbe *ix)
{
	for (unsigned i = 0; i < IXGBE_VFTA_WORDS; i++)
		ixgbe_write(ix, IXGBE_VFTA(i), ix->filters.vfta[i]);
	for (unsigned i = 0; i < IXGBE_VLVFS; i++)
		write_vlvf(ix, i);
	write_switch(ix);
}

void ixgbe_set_vlan_filter(struct nic *nic, bool on)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	ix->filters.vlan_on = on;
	ix->filters.vfta[0] |= BIT32(0); /* priority-tagged frames are in no VLAN */
	if (nic->state != NIC_RUNNING)
		return;
	ixgbe_write(ix, IXGBE_VFTA(0), ix->filters.vfta[0]);
	write_switch(ix);
}

/* The entry of a VLAN, else a free one, else NULL. */
static struct ixgbe_vlan_entry *find(struct ixgbe *ix, uint16_t vlan)
{
	struct ixgbe_vlan_entry *free = NULL;

	for (unsigned i = 0; i < IXGBE_VLVFS; i++) {
		struct ixgbe_vlan_entry *e = &ix->filters.vlan[i];

		if (e->vlan == vlan)
			return e;
		if (!e->vlan && !free)
			free = e;
	}
	return free;
}

int ixgbe_set_vlan(struct nic *nic, uint16_t vlan, unsigned pool, bool member)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	struct ixgbe_vlan_entry *e;
	uint32_t *word = &ix->filters.vfta[vlan / 32 % IXGBE_VFTA_WORDS];

	if (vlan == 0 || vlan > VLAN_LAST || pool >= nic->nr_pools)
		return -EINVAL;
	e = find(ix, vlan);
	/* Without pools the bit table is all there is, and it has all VLANs. */
	if (!e && ix->pool_stride)
		return -ENOSPC;
	if (e && ix->pool_stride) {
		e->pools = member ? e->pools | BIT64(pool) : e->pools & ~BIT64(pool);
		e->vlan = e->pools ? vlan : 0;
		member = e->pools != 0;
	}
	*word = member ? *word | BIT32(vlan % 32) : *word & ~BIT32(vlan % 32);
	if (nic->state != NIC_RUNNING)
		return 0;
	if (e)
		write_vlvf(ix, (unsigned)(e - ix->filters.vlan));
	ixgbe_write(ix, IXGBE_VFTA(vlan / 32), *word);
	return 0;
}
