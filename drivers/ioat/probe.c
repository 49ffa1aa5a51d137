/* Finding I/OAT engines and making them ready. DS 8.4, 8.5.1 to 8.5.10. */
#include "drivers/ioat/internal.h"

#include "drivers/ioat/ioat_mmio.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define VENDOR_INTEL 0x8086

#define CAP_PCIE	       0x10
#define PCIE_DEVCTL	       8
#define PCIE_DEVCTL_RELAXED_EN BIT32(4)

/* Those of version 3.x that can copy. */
static const struct {
	uint16_t first, last;
} device_ids[] = {
	{ 0x0b00, 0x0b00 }, /* Ice Lake SP: 3.4 */
	{ 0x0c50, 0x0c53 }, /* Atom S1200: 3.3 */
	{ 0x0e20, 0x0e27 }, /* Xeon E5/E7 v2: 3.2; 8 functions, and two with RAID */
	{ 0x0e2e, 0x0e2f }, { 0x2021, 0x2021 }, /* Skylake SP */
	{ 0x2f20, 0x2f27 },			/* Xeon E5/E7 v3 */
	{ 0x2f2e, 0x2f2f }, { 0x3429, 0x342c }, /* 5500, 5520, X58: 3.0 */
	{ 0x3430, 0x3433 }, { 0x3710, 0x3719 }, /* Xeon C5500, C3500: 3.2 */
	{ 0x3c20, 0x3c27 },			/* Xeon E5 */
	{ 0x3c2e, 0x3c2f }, { 0x6f20, 0x6f27 }, /* Xeon E5/E7 v4 */
	{ 0x6f2e, 0x6f2f }, { 0x6f50, 0x6f53 }, /* Xeon D-1500: 3.3 */
};

static bool is_known(uint16_t vendor, uint16_t device)
{
	if (vendor != VENDOR_INTEL)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(device_ids); i++) {
		if (device >= device_ids[i].first && device <= device_ids[i].last)
			return true;
	}
	return false;
}

/* With relaxed ordering the completion word might pass the data. */
static void order_writes(pci_bdf bdf)
{
	uint8_t cap = host_pci_find_capability(bdf, CAP_PCIE);
	uint16_t control;

	if (!cap)
		return;
	control = host_pci_read16(bdf, cap + PCIE_DEVCTL);
	host_pci_write16(bdf, cap + PCIE_DEVCTL, (uint16_t)(control & ~PCIE_DEVCTL_RELAXED_EN));
}

static int read_capabilities(struct ioat_device *dev)
{
	uint8_t xfercap = ioat_read8(dev->regs, IOAT_XFERCAP) & IOAT_XFERCAP_MASK;

	dev->version = ioat_read8(dev->regs, IOAT_CBVER);
	dev->nr_channels = ioat_read8(dev->regs, IOAT_CHANCNT) & IOAT_CHANCNT_MASK;
	if (dev->version < IOAT_CBVER_3_0 || dev->version >= IOAT_CBVER_4_0)
		return -ENOTSUP;
	if (!dev->nr_channels || dev->nr_channels > IOAT_CHANNELS_MAX || xfercap < PAGE_SHIFT ||
		IOAT_CHANNEL(dev->nr_channels) > dev->regs_bytes)
		return -ENODEV; /* switched off by the firmware, or nonsense */
	dev->max_bytes = BIT32(xfercap);
	return 0;
}

static int map_registers(struct ioat_device *dev)
{
	struct host_pci_bar bar;
	void *regs;

	if (host_pci_bar_read(dev->bdf, 0, &bar) || bar.is_io || bar.len_bytes < IOAT_CHANNEL(1))
		return -ENODEV;
	regs = host_pci_bar_map(dev->bdf, 0);
	if (!regs)
		return -ENOMEM;
	dev->regs = (uint64_t)regs; /* registers are reached by number: ioat_mmio.h */
	dev->regs_bytes = bar.len_bytes;
	return 0;
}

/* What ran before us may have left channels at work: they are reset before the function may reach
 * memory. */
static int reset_all(struct ioat_device *dev)
{
	for (unsigned i = 0; i < dev->nr_channels; i++) {
		struct ioat_chan *c = &dev->chan[i];
		int r;

		c->dev = dev;
		c->index = i;
		c->regs = dev->regs + IOAT_CHANNEL(i);
		c->target = IOAT_NO_TARGET;
		r = ioat_reset_wait(c);
		if (r)
			return r;
		c->state = IOAT_CLOSED;
	}
	return 0;
}

static int set_up(struct ioat_device *dev, pci_bdf bdf, uint16_t device_id, enum ioat_dca dca)
{
	int r;

	memset(dev, 0, sizeof(*dev));
	dev->bdf = bdf;
	dev->device_id = device_id;
	host_pci_set_command(bdf, HOST_PCI_COMMAND_MEMORY, HOST_PCI_COMMAND_MASTER);
	r = map_registers(dev);
	if (!r)
		r = read_capabilities(dev);
	if (!r)
		r = reset_all(dev);
	if (r)
		return r;
	order_writes(bdf);
	ioat_write8(dev->regs, IOAT_INTRCTRL, 0);
	ioat_dca_init(dev, dca);
	host_pci_set_command(bdf, HOST_PCI_COMMAND_MASTER | HOST_PCI_COMMAND_NO_INTX, 0);
	return 0;
}

struct probe {
	struct ioat_device *dev;
	unsigned nr, max;
	enum ioat_dca dca;
};

static bool visit(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg)
{
	struct probe *p = arg;
	struct ioat_device *dev = &p->dev[p->nr];
	int r;

	if (!is_known(vendor, device))
		return false;
	r = set_up(dev, bdf, device, p->dca);
	if (r) {
		log_warn("ioat %02x:%02x.%x: %04x not used (%d)", bdf >> 8, bdf >> 3 & 0x1f,
			bdf & 7, device, r);
		return false;
	}
	log_info("ioat %02x:%02x.%x: version %u.%u, %u channels%s", bdf >> 8, bdf >> 3 & 0x1f,
		bdf & 7, dev->version >> 4, dev->version & 0xfu, dev->nr_channels,
		dev->has_dca ? ", DCA" : "");
	return ++p->nr == p->max;
}

static bool count(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg)
{
	(void)bdf;
	*(unsigned *)arg += is_known(vendor, device);
	return false;
}

unsigned ioat_count(void)
{
	unsigned nr = 0;

	(void)host_pci_enumerate(count, &nr);
	return nr;
}

unsigned ioat_probe(struct ioat_device *dev, unsigned max, enum ioat_dca dca)
{
	struct probe p = { .dev = dev, .max = max, .dca = dca };

	if (max)
		(void)host_pci_enumerate(visit, &p);
	return p.nr;
}

void ioat_stop(struct ioat_device *dev)
{
	bool works = !load_relaxed(&dev->dead);

	ioat_write8(dev->regs, IOAT_INTRCTRL, 0);
	/* First, so that other cores, which may use the channels still, find them dead, and have
	 * the CPU do what is left. */
	ioat_off_the_bus(dev);
	for (unsigned i = 0; i < dev->nr_channels; i++) {
		if (works && dev->chan[i].state != IOAT_CLOSED)
			(void)ioat_reset_wait(&dev->chan[i]);
	}
}
