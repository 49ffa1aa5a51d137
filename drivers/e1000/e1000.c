/* Attaching a port. */
#include "drivers/e1000/e1000.h"

#include "drivers/e1000/e1000_hw.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/page_alloc.h"

#define VENDOR_INTEL 0x8086
#define RING_MIN     64u
#define RING_MAX     4096u
#define BUFFER_MIN   1024u
#define BUFFER_MAX   8192u
#define MTU_MIN	     68u
#define MTU_MAX	     9000u

/* Of SDM table 5-1 those that need no other code, and that emulators have. */
static const uint16_t device_ids[] = {
	0x100e, /* 82540EM */
	0x100f, /* 82545EM, copper */
};

bool e1000_matches(uint16_t vendor, uint16_t device)
{
	for (unsigned i = 0; vendor == VENDOR_INTEL && i < ARRAY_SIZE(device_ids); i++) {
		if (device_ids[i] == device)
			return true;
	}
	return false;
}

/* ---- What there is not: interrupts, RSC, PAUSE, DCA ---- */

static void control_interrupt(struct nic *nic)
{
	(void)nic;
}

static int route_vector(struct nic *nic, unsigned v, uint32_t apic_id, uint8_t idt_vector)
{
	(void)nic;
	(void)v;
	(void)apic_id;
	(void)idt_vector;
	return -ENOTSUP;
}

static void no_vector(struct nic *nic, unsigned v)
{
	(void)nic;
	(void)v;
}

static void moderate(struct nic *nic, unsigned v, uint16_t interval_us)
{
	(void)nic;
	(void)v;
	(void)interval_us;
}

static void set_rsc(struct nic *nic, bool on)
{
	(void)nic;
	(void)on;
}

static int set_flow_control(struct nic *nic, bool on)
{
	(void)nic;
	return on ? -ENOTSUP : 0;
}

static int set_dca(struct nic *nic, unsigned queue, uint8_t tag)
{
	(void)nic;
	(void)queue;
	return tag ? -ENOTSUP : 0;
}

/* ---- Attaching ---- */

static int set_mtu(struct nic *nic, uint16_t mtu)
{
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		return -EINVAL;
	if (nic->state != NIC_STOPPED)
		return -EBUSY;
	nic->mtu = mtu;
	return 0;
}

static const struct nic_ops e1000_ops = {
	.start = e1000_start,
	.stop = e1000_stop,
	.reset = e1000_reset,
	.housekeeping = e1000_housekeeping,
	.collect = e1000_collect,
	.control_interrupt = control_interrupt,
	.route_vector = route_vector,
	.arm = no_vector,
	.mask = no_vector,
	.moderate = moderate,
	.add_mac = e1000_add_mac,
	.remove_mac = e1000_remove_mac,
	.set_multicast = e1000_set_multicast,
	.set_promiscuous = e1000_set_promiscuous,
	.set_vlan_filter = e1000_set_vlan_filter,
	.set_vlan = e1000_set_vlan,
	.set_mtu = set_mtu,
	.set_rsc = set_rsc,
	.set_flow_control = set_flow_control,
	.set_dca = set_dca,
	.rx_take_back = e1000_rx_take_back,
};

static bool is_power_of_two(unsigned n, unsigned min, unsigned max)
{
	return n >= min && n <= max && (n & (n - 1)) == 0;
}

static int check_setup(const struct nic_setup *s)
{
	if (s->nr_pools != 1 || s->queues_per_pool != 1 || s->vlan_strip ||
		!is_power_of_two(s->rx_entries, RING_MIN, RING_MAX) ||
		!is_power_of_two(s->tx_entries, RING_MIN, RING_MAX) ||
		!is_power_of_two(s->rx_buffer_bytes, BUFFER_MIN, BUFFER_MAX) || s->mtu < MTU_MIN ||
		s->mtu > MTU_MAX)
		return -EINVAL;
	return 0;
}

static void fill_in(struct e1000 *e, pci_bdf bdf, const struct nic_setup *s)
{
	e->setup = *s;
	e->bdf = bdf;
	e->nic.ops = &e1000_ops;
	e->nic.name = s->name;
	e->nic.mtu = s->mtu;
	e->nic.nr_pools = e->nic.queues_per_pool = e->nic.nr_queues = 1;
}

static int probe_hardware(struct e1000 *e)
{
	void *bar = host_pci_bar_map(e->bdf, 0);
	int ret;

	if (!bar)
		return -EIO;
	e->regs = (uint64_t)bar; /* mmio_map()'s window: an address for the accessors */
	host_pci_set_command(e->bdf, HOST_PCI_COMMAND_MEMORY | HOST_PCI_COMMAND_NO_INTX,
		HOST_PCI_COMMAND_MASTER);
	if (e1000_hardware_reset(e)) {
		log_error("%s: reset failed", e->nic.name);
		return -EIO;
	}
	ret = e1000_eeprom_read_mac(e, e->nic.mac);
	if (ret)
		return ret;
	return e1000_add_mac(&e->nic, e->nic.mac, 0) ? -EIO : 0;
}

int e1000_attach(pci_bdf bdf, const struct nic_setup *setup, struct nic **nic)
{
	struct e1000 *e;
	int ret = check_setup(setup);

	if (ret)
		return ret;
	e = page_alloc((unsigned)((sizeof(*e) + PAGE_SIZE - 1) >> PAGE_SHIFT));
	if (!e)
		return -ENOMEM;
	fill_in(e, bdf, setup);
	ret = probe_hardware(e);
	if (!ret)
		ret = e1000_queues_alloc(e);
	if (ret)
		return ret; /* its pages stay: attach is at start-up, once a device */
	*nic = &e->nic;
	log_info("%s: 1 GbE, %02x:%02x:%02x:%02x:%02x:%02x, polled", e->nic.name, e->nic.mac[0],
		e->nic.mac[1], e->nic.mac[2], e->nic.mac[3], e->nic.mac[4], e->nic.mac[5]);
	return 0;
}
