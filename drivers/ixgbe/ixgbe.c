/* Attaching a port. DS 4.6.3: reset, EEPROM, address, module. */
#include "drivers/ixgbe/ixgbe.h"

#include "drivers/ixgbe/ixgbe_hw.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mem/page_alloc.h"

#define VENDOR_INTEL   0x8086
#define RING_MIN       64u
#define RING_MAX       4096u
#define BUFFER_MIN     1024u
#define BUFFER_MAX     15360u
#define MTU_MIN	       68u
#define MTU_MAX	       9000u
#define RSS_QUEUES_MAX 16u

/* Those with SFP+ cages that need no other code. */
static const uint16_t device_ids[] = {
	0x10fb, /* SFI/SFP+ */
	0x1507, /* SFP+, extended memory */
	0x154d, /* SFP+, second source */
	0x154a, /* SFP+, four ports */
	0x1557, /* 82599EN */
	0x1529, /* SFP+ with FCoE */
};

bool ixgbe_matches(uint16_t vendor, uint16_t device)
{
	for (unsigned i = 0; vendor == VENDOR_INTEL && i < ARRAY_SIZE(device_ids); i++) {
		if (device_ids[i] == device)
			return true;
	}
	return false;
}

static int set_mtu(struct nic *nic, uint16_t mtu)
{
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		return -EINVAL;
	if (nic->state != NIC_STOPPED)
		return -EBUSY;
	nic->mtu = mtu;
	return 0;
}

static void set_rsc(struct nic *nic, bool on)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	ix->rsc_on = on && ix->setup.rsc;
	if (nic->state == NIC_RUNNING)
		ixgbe_change(
			ix, IXGBE_RFCTL, IXGBE_RFCTL_RSC_DIS, ix->rsc_on ? 0 : IXGBE_RFCTL_RSC_DIS);
}

static const struct nic_ops ixgbe_ops = {
	.start = ixgbe_start,
	.stop = ixgbe_stop,
	.reset = ixgbe_reset,
	.housekeeping = ixgbe_housekeeping,
	.collect = ixgbe_collect,
	.control_interrupt = ixgbe_control_interrupt,
	.route_vector = ixgbe_route_vector,
	.arm = ixgbe_arm,
	.mask = ixgbe_mask,
	.moderate = ixgbe_moderate,
	.add_mac = ixgbe_add_mac,
	.remove_mac = ixgbe_remove_mac,
	.set_multicast = ixgbe_set_multicast,
	.set_promiscuous = ixgbe_set_promiscuous,
	.set_vlan_filter = ixgbe_set_vlan_filter,
	.set_vlan = ixgbe_set_vlan,
	.set_mtu = set_mtu,
	.set_rsc = set_rsc,
	.set_flow_control = ixgbe_set_flow_control,
	.set_dca = ixgbe_set_dca,
	.rx_take_back = ixgbe_rx_take_back,
	.rx_queue_stop = ixgbe_rx_queue_stop,
	.rx_queue_start = ixgbe_rx_queue_start,
};

static bool is_ring_size(unsigned n)
{
	return n >= RING_MIN && n <= RING_MAX && (n & (n - 1)) == 0;
}

static int check_setup(const struct nic_setup *s)
{
	unsigned per_pool_max = s->nr_pools <= 1    ? RSS_QUEUES_MAX
				: s->nr_pools <= 32 ? IXGBE_POOL_QUEUES_MAX
						    : 2;

	if (!s->nr_pools || s->nr_pools > NIC_POOLS_MAX || !s->queues_per_pool ||
		s->queues_per_pool > per_pool_max || s->nr_vectors > IXGBE_VECTORS - 1)
		return -EINVAL;
	if (!is_ring_size(s->rx_entries) || !is_ring_size(s->tx_entries) ||
		s->rx_buffer_bytes < BUFFER_MIN || s->rx_buffer_bytes > BUFFER_MAX ||
		s->rx_buffer_bytes % 1024 || s->mtu < MTU_MIN || s->mtu > MTU_MAX)
		return -EINVAL;
	return 0;
}

static void fill_in(struct ixgbe *ix, pci_bdf bdf, const struct nic_setup *s)
{
	struct nic *nic = &ix->nic;

	ix->setup = *s;
	ix->bdf = bdf;
	ix->rsc_on = s->rsc;
	if (s->nr_pools > 1)
		ix->pool_stride = s->nr_pools > 32 || s->queues_per_pool <= 2 ? 2 : 4;
	nic->ops = &ixgbe_ops;
	nic->name = s->name;
	nic->capabilities = NIC_CAP_TX_CSUM | NIC_CAP_RX_CSUM | NIC_CAP_VLAN | NIC_CAP_RSS |
			    NIC_CAP_DCA | NIC_CAP_RX_SPLIT | (s->tso ? NIC_CAP_TSO : 0) |
			    (s->rsc ? NIC_CAP_RSC : 0);
	nic->mtu = s->mtu;
	nic->nr_pools = s->nr_pools;
	nic->queues_per_pool = s->queues_per_pool;
	nic->nr_queues = s->nr_pools * s->queues_per_pool;
	nic->nr_vectors = MIN(s->nr_vectors, nic->nr_queues);
}

/* The reset has loaded address 0 from the EEPROM: DS 4.6.3, 6.1. */
static int read_mac(struct ixgbe *ix)
{
	uint32_t low = ixgbe_read(ix, IXGBE_RAL(0)), high = ixgbe_read(ix, IXGBE_RAH(0));
	uint8_t *m = ix->nic.mac;

	for (unsigned i = 0; i < 4; i++)
		m[i] = (uint8_t)(low >> 8 * i);
	m[4] = (uint8_t)high;
	m[5] = (uint8_t)(high >> 8);
	if (m[0] & 1 || !(low | (high & 0xffff)))
		return -EIO;
	return ixgbe_add_mac(&ix->nic, m, 0);
}

static int probe_hardware(struct ixgbe *ix)
{
	void *bar = host_pci_bar_map(ix->bdf, 0);
	int ret;

	if (!bar)
		return -EIO;
	ix->regs = (uint64_t)bar; /* mmio_map()'s window: an address for the accessors */
	host_pci_set_command(ix->bdf, HOST_PCI_COMMAND_MEMORY, HOST_PCI_COMMAND_MASTER);
	ret = ixgbe_hardware_reset(ix);
	if (ret) {
		log_error("%s: reset failed", ix->nic.name);
		return -EIO;
	}
	ix->port = IXGBE_STATUS_LAN_ID(ixgbe_read(ix, IXGBE_STATUS)) & 1;
	ret = ixgbe_eeprom_check(ix);
	if (!ret)
		ret = read_mac(ix);
	if (ret)
		return ret == -ETIMEDOUT ? -EIO : ret;
	ixgbe_sfp_identify(ix);
	return 0;
}

int ixgbe_attach(pci_bdf bdf, const struct nic_setup *setup, struct nic **nic)
{
	struct ixgbe *ix;
	int ret = check_setup(setup);

	if (ret)
		return ret;
	ix = page_alloc((unsigned)((sizeof(*ix) + PAGE_SIZE - 1) >> PAGE_SHIFT));
	if (!ix)
		return -ENOMEM;
	fill_in(ix, bdf, setup);
	ret = probe_hardware(ix);
	if (!ret)
		ret = ixgbe_irq_attach(ix);
	if (!ret)
		ret = ixgbe_queues_alloc(ix);
	if (ret)
		return ret; /* its pages stay: attach is at start-up, once a device */
	*nic = &ix->nic;
	log_info("%s: 82599 port %u, %02x:%02x:%02x:%02x:%02x:%02x, %u pools, %u queues",
		ix->nic.name, ix->port, ix->nic.mac[0], ix->nic.mac[1], ix->nic.mac[2],
		ix->nic.mac[3], ix->nic.mac[4], ix->nic.mac[5], ix->nic.nr_pools,
		ix->nic.nr_queues);
	return 0;
}
