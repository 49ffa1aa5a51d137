/* Host PCI configuration; see pci.h. */
#include "drivers/pci/pci.h"

#include "cpu/acpi.h"
#include "cpu/hw.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mem/host_paging.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  BIT32(31)
#define CONFIG_BYTES   256u
#define ECAM_BYTES     4096u

#define HEADER_MULTIFUNCTION 0x80
#define HEADER_TYPE_MASK     0x7f
#define HEADER_BRIDGE	     1

#define BAR_IO		 BIT32(0)
#define BAR_TYPE_MASK	 (3u << 1)
#define BAR_TYPE_64	 (2u << 1)
#define BAR_PREFETCHABLE BIT32(3)

#define CAPABILITIES_MAX 48u /* as many as fit behind the header */

static struct spinlock cf8_lock;

/* Segment 0's ECAM window, if there is one. */
static struct {
	uint64_t base; /* mapped; of first_bus */
	uint8_t first_bus, last_bus;
} ecam;

void host_pci_init(void)
{
	const struct acpi_info *acpi = acpi_get();

	for (unsigned i = 0; i < acpi->nr_ecam; i++) {
		const struct acpi_ecam *e = &acpi->ecam[i];
		uint64_t len = MIB(1) * (e->last_bus - e->first_bus + 1u);
		void *window;

		if (e->segment != 0)
			continue;
		window = mmio_map(e->hpa + MIB(1) * e->first_bus, len);
		if (!window)
			return;
		ecam.first_bus = e->first_bus;
		ecam.last_bus = e->last_bus;
		store_release(&ecam.base, (uint64_t)window);
		log_info("PCI by ECAM at %lx, buses %u-%u", e->hpa, e->first_bus, e->last_bus);
		return;
	}
}

/* 0: not covered by ECAM. */
static uint64_t ecam_address(pci_bdf bdf)
{
	unsigned bus = bdf >> 8;

	if (!ecam.base || bus < ecam.first_bus || bus > ecam.last_bus)
		return 0;
	return ecam.base + ((uint64_t)(bdf - (ecam.first_bus << 8)) << 12);
}

/* All accesses go by aligned 32-bit words: bytes are cut out of them, or put in. That is safe for
 * writes of neighbours too, except where a neighbour clears on writing ones: STATUS, beside
 * COMMAND. */
uint32_t host_pci_read32(pci_bdf bdf, uint16_t off)
{
	uint64_t window = ecam_address(bdf);
	uint32_t v;

	if (off >= (window ? ECAM_BYTES : CONFIG_BYTES))
		return UINT32_MAX;
	if (window)
		return mmio_read32(window, off & ~3u);
	spin_lock(&cf8_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)bdf << 8 | (off & ~3u));
	v = inl(CONFIG_DATA);
	spin_unlock(&cf8_lock);
	return v;
}

void host_pci_write32(pci_bdf bdf, uint16_t off, uint32_t v)
{
	uint64_t window = ecam_address(bdf);

	if (off >= (window ? ECAM_BYTES : CONFIG_BYTES))
		return;
	if (window) {
		mmio_write32(window, off & ~3u, v);
		return;
	}
	spin_lock(&cf8_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)bdf << 8 | (off & ~3u));
	outl(CONFIG_DATA, v);
	spin_unlock(&cf8_lock);
}

uint16_t host_pci_read16(pci_bdf bdf, uint16_t off)
{
	return (uint16_t)(host_pci_read32(bdf, off) >> (off & 2) * 8);
}

uint8_t host_pci_read8(pci_bdf bdf, uint16_t off)
{
	return (uint8_t)(host_pci_read32(bdf, off) >> (off & 3) * 8);
}

static void write_part(pci_bdf bdf, uint16_t off, uint32_t v, uint32_t mask)
{
	unsigned shift = (off & 3) * 8;
	uint32_t old = host_pci_read32(bdf, off);

	if ((off & ~3u) == HOST_PCI_COMMAND)
		old &= 0xffff; /* zeros leave STATUS as it is */
	host_pci_write32(bdf, off, (old & ~(mask << shift)) | (v & mask) << shift);
}

void host_pci_write16(pci_bdf bdf, uint16_t off, uint16_t v)
{
	write_part(bdf, off, v, 0xffff);
}

void host_pci_write8(pci_bdf bdf, uint16_t off, uint8_t v)
{
	write_part(bdf, off, v, 0xff);
}

/* Visits one device's functions. */
static bool visit_device(unsigned bus, unsigned dev, host_pci_visit_fn fn, void *arg)
{
	unsigned nr_functions = 1;

	for (unsigned i = 0; i < nr_functions; i++) {
		pci_bdf bdf = HOST_PCI_BDF(bus, dev, i);
		uint32_t id = host_pci_read32(bdf, HOST_PCI_VENDOR_ID);

		if ((id & 0xffff) == 0xffff || id == 0)
			continue;
		if (i == 0 && (host_pci_read8(bdf, HOST_PCI_HEADER_TYPE) & HEADER_MULTIFUNCTION))
			nr_functions = 8;
		if (fn(bdf, (uint16_t)id, (uint16_t)(id >> 16), arg))
			return true;
	}
	return false;
}

struct bus_search {
	uint8_t seen[256]; /* 1: to visit */
};

static bool note_bridge(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg)
{
	struct bus_search *s = arg;

	(void)vendor;
	(void)device;
	if ((host_pci_read8(bdf, HOST_PCI_HEADER_TYPE) & HEADER_TYPE_MASK) == HEADER_BRIDGE)
		s->seen[host_pci_read8(bdf, HOST_PCI_SECONDARY_BUS)] = 1;
	return false;
}

/* From bus 0 through the bridges that the firmware set up; a bus is behind its bridge's number. */
bool host_pci_enumerate(host_pci_visit_fn fn, void *arg)
{
	struct bus_search s = { .seen = { 1 } };

	for (unsigned bus = 0; bus < 256; bus++) {
		for (unsigned dev = 0; s.seen[bus] && dev < 32; dev++) {
			visit_device(bus, dev, note_bridge, &s);
			if (visit_device(bus, dev, fn, arg))
				return true;
		}
	}
	return false;
}

struct id_search {
	uint16_t vendor, device;
	unsigned left;
	pci_bdf found;
};

static bool match_id(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg)
{
	struct id_search *s = arg;

	if (vendor != s->vendor || device != s->device || s->left-- > 0)
		return false;
	s->found = bdf;
	return true;
}

int host_pci_find(uint16_t vendor, uint16_t device, unsigned index, pci_bdf *bdf)
{
	struct id_search s = { .vendor = vendor, .device = device, .left = index };

	if (!host_pci_enumerate(match_id, &s))
		return -ENODEV;
	*bdf = s.found;
	return 0;
}

void host_pci_set_command(pci_bdf bdf, uint16_t set, uint16_t clear)
{
	uint16_t v = host_pci_read16(bdf, HOST_PCI_COMMAND);

	host_pci_write16(bdf, HOST_PCI_COMMAND, (uint16_t)((v & ~clear) | set));
}

/* What the BAR register keeps of all ones. */
static uint32_t probe_bar(pci_bdf bdf, unsigned index)
{
	uint32_t old = host_pci_read32(bdf, HOST_PCI_BAR(index)), kept;

	host_pci_write32(bdf, HOST_PCI_BAR(index), UINT32_MAX);
	kept = host_pci_read32(bdf, HOST_PCI_BAR(index));
	host_pci_write32(bdf, HOST_PCI_BAR(index), old);
	return kept;
}

/* Whether this register is a BAR of its own: not the upper half of the one before. */
static bool is_bar_start(pci_bdf bdf, unsigned index)
{
	unsigned i = 0;

	while (i < index) {
		uint32_t v = host_pci_read32(bdf, HOST_PCI_BAR(i));

		i += !(v & BAR_IO) && (v & BAR_TYPE_MASK) == BAR_TYPE_64 ? 2 : 1;
	}
	return i == index;
}

static void read_bar_size(pci_bdf bdf, unsigned index, uint32_t low, struct host_pci_bar *bar)
{
	uint16_t command = host_pci_read16(bdf, HOST_PCI_COMMAND);
	uint32_t raw;
	uint64_t kept;

	host_pci_set_command(bdf, 0, HOST_PCI_COMMAND_IO | HOST_PCI_COMMAND_MEMORY);
	raw = probe_bar(bdf, index);
	kept = raw & (bar->is_io ? ~3u : ~15u);
	if (bar->is_io)
		kept |= UINT64_C(0xffffffffffff0000);
	else if (bar->is_64bit)
		kept |= (uint64_t)probe_bar(bdf, index + 1) << 32;
	else
		kept |= UINT64_C(0xffffffff00000000);
	host_pci_write16(bdf, HOST_PCI_COMMAND, command);
	bar->len_bytes = raw ? ~kept + 1 : 0;
	bar->address = low & (bar->is_io ? ~3u : ~15u);
	if (bar->is_64bit)
		bar->address |= (uint64_t)host_pci_read32(bdf, HOST_PCI_BAR(index + 1)) << 32;
}

int host_pci_bar_read(pci_bdf bdf, unsigned index, struct host_pci_bar *bar)
{
	unsigned nr_bars =
		(host_pci_read8(bdf, HOST_PCI_HEADER_TYPE) & HEADER_TYPE_MASK) == 0 ? 6 : 2;
	uint32_t low;

	if (index >= nr_bars || !is_bar_start(bdf, index))
		return -ENOENT;
	low = host_pci_read32(bdf, HOST_PCI_BAR(index));
	*bar = (struct host_pci_bar){ .is_io = low & BAR_IO };
	if (!bar->is_io) {
		bar->is_64bit = (low & BAR_TYPE_MASK) == BAR_TYPE_64;
		bar->is_prefetchable = low & BAR_PREFETCHABLE;
	}
	if (bar->is_64bit && index + 1 >= nr_bars)
		return -ENOENT;
	read_bar_size(bdf, index, low, bar);
	return bar->len_bytes ? 0 : -ENOENT;
}

void *host_pci_bar_map(pci_bdf bdf, unsigned index)
{
	struct host_pci_bar bar;

	if (host_pci_bar_read(bdf, index, &bar) || bar.is_io || !bar.address)
		return NULL;
	return mmio_map(bar.address, bar.len_bytes);
}

uint8_t host_pci_find_capability(pci_bdf bdf, uint8_t id)
{
	uint8_t at;

	if (!(host_pci_read16(bdf, HOST_PCI_STATUS) & HOST_PCI_STATUS_CAPABILITIES))
		return 0;
	at = host_pci_read8(bdf, HOST_PCI_CAPABILITIES) & 0xfc;
	for (unsigned i = 0; at >= 0x40 && i < CAPABILITIES_MAX; i++) {
		if (host_pci_read8(bdf, at) == id)
			return at;
		at = host_pci_read8(bdf, (uint16_t)(at + 1)) & 0xfc;
	}
	return 0;
}
