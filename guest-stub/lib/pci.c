/* PCI Local Bus Specification 3.0, 3.2.2.3.2 and 6.2.5. */
#include "pci.h"

#include "cpu/hw.h"
#include "lib/bits.h"
#include "machine.h"

#define COMMAND_IO	    0x1u
#define COMMAND_MEMORY	    0x2u
#define COMMAND_MASTER	    0x4u
#define STATUS_CAPABILITIES 0x10u
#define CAPABILITIES_MAX    48
#define BAR_64		    0x4u

/* Where BARs go that nobody placed. */
static uint64_t next_memory = UINT64_C(0xe0000000);
static uint32_t next_io = 0xc000;

static void address(uint8_t dev, uint8_t off)
{
	outl(PCI_ADDRESS_PORT, BIT32(31) | (uint32_t)dev << 8 | (off & 0xfcu));
}

uint32_t pci_read(uint8_t dev, uint8_t off, unsigned size_bytes)
{
	uint16_t port = (uint16_t)(PCI_DATA_PORT + (off & 3));

	address(dev, off);
	if (size_bytes == 1)
		return inb(port);
	return size_bytes == 2 ? inw(port) : inl(port);
}

void pci_write(uint8_t dev, uint8_t off, unsigned size_bytes, uint32_t v)
{
	uint16_t port = (uint16_t)(PCI_DATA_PORT + (off & 3));

	address(dev, off);
	if (size_bytes == 1)
		outb(port, (uint8_t)v);
	else if (size_bytes == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
}

bool pci_find(uint32_t id, unsigned index, uint8_t *dev)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		*dev = (uint8_t)(slot << 3);
		if (pci_read(*dev, PCI_ID, 4) == id && index-- == 0)
			return true;
	}
	return false;
}

uint8_t pci_capability(uint8_t dev, uint8_t kind, uint8_t after)
{
	uint8_t off = (uint8_t)pci_read(dev, after ? (uint8_t)(after + 1) : PCI_CAPABILITIES, 1);

	if (!(pci_read(dev, PCI_STATUS, 2) & STATUS_CAPABILITIES))
		return 0;
	for (unsigned i = 0; off && i < CAPABILITIES_MAX; i++) {
		if (pci_read(dev, off, 1) == kind)
			return off;
		off = (uint8_t)pci_read(dev, (uint8_t)(off + 1), 1);
	}
	return 0;
}

static uint64_t bar_probe_length(uint8_t dev, uint8_t off, uint32_t low, bool is_64)
{
	uint64_t mask;

	pci_write(dev, off, 4, UINT32_MAX);
	mask = pci_read(dev, off, 4);
	pci_write(dev, off, 4, low);
	if (!mask)
		return 0;
	mask &= low & 1 ? ~3u : ~15u;
	if (!is_64)
		return (uint32_t)(-(uint32_t)mask) & (low & 1 ? 0xffffu : UINT32_MAX);
	uint32_t high = pci_read(dev, (uint8_t)(off + 4), 4);

	pci_write(dev, (uint8_t)(off + 4), 4, UINT32_MAX);
	mask |= (uint64_t)pci_read(dev, (uint8_t)(off + 4), 4) << 32;
	pci_write(dev, (uint8_t)(off + 4), 4, high);
	return -mask;
}

static uint64_t bar_place(uint8_t dev, uint8_t off, const struct pci_bar *b)
{
	uint64_t base;

	if (b->io) {
		base = next_io = ALIGN_UP(next_io, (uint32_t)b->len_bytes);
		next_io += (uint32_t)b->len_bytes;
	} else {
		base = next_memory = ALIGN_UP(next_memory, MAX(b->len_bytes, PAGE_SIZE));
		next_memory += MAX(b->len_bytes, PAGE_SIZE);
	}
	pci_write(dev, off, 4, (uint32_t)base);
	return base;
}

struct pci_bar pci_bar(uint8_t dev, unsigned n)
{
	uint8_t off = (uint8_t)PCI_BAR(n);
	uint32_t low = pci_read(dev, off, 4);
	bool is_64 = !(low & 1) && (low & BAR_64);
	struct pci_bar b = { .io = low & 1 };

	pci_write(dev, PCI_COMMAND, 2,
		pci_read(dev, PCI_COMMAND, 2) & ~(COMMAND_IO | COMMAND_MEMORY));
	b.len_bytes = bar_probe_length(dev, off, low, is_64);
	b.base = low & (b.io ? ~3u : ~15u);
	if (is_64)
		b.base |= (uint64_t)pci_read(dev, (uint8_t)(off + 4), 4) << 32;
	if (b.len_bytes && !b.base)
		b.base = bar_place(dev, off, &b);
	if (b.len_bytes && !b.io && !map_identity(b.base, b.len_bytes))
		b.len_bytes = 0;
	return b;
}

void pci_enable(uint8_t dev)
{
	pci_write(dev, PCI_COMMAND, 2,
		pci_read(dev, PCI_COMMAND, 2) | COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
}
