#include "probe.h"

#define SLOTS	      32
#define CAP_MSIX      0x11
#define MSIX_ENABLE   (1u << 31)
#define MSIX_MASK_ALL (1u << 30)
#define CFG_COMMAND   4
#define COMMAND_ALL   7 /* ports, memory, bus master */
#define ENTRY_BYTES   16

bool device_find(struct device *d)
{
	for (d->slot = 0; d->slot < SLOTS; d->slot++)
		if (pci_read(d->slot, 0) == (SELFTEST_DEVICE << 16 | SELFTEST_VENDOR))
			break;
	if (d->slot == SLOTS)
		return false;
	pci_write(d->slot, CFG_COMMAND, COMMAND_ALL);
	d->bar0 = pci_bar(d->slot, 0);
	d->bar4 = pci_bar(d->slot, 4);
	d->ports = (uint16_t)(pci_read(d->slot, 0x18) & 0xfffc);
	d->msix_cap = pci_capability(d->slot, CAP_MSIX);
	return true;
}

void device_set_vector(const struct device *d, unsigned n, uint8_t vector, uint32_t id)
{
	uint64_t entry = d->bar4 + SELFTEST_MSIX_TABLE + ENTRY_BYTES * n;

	mmio_write32(entry, 0, LAPIC | id << 12);
	mmio_write32(entry, 4, 0);
	mmio_write32(entry, 8, vector);
	mmio_write32(entry, 12, 0);
}

void device_set_msix(const struct device *d, bool on)
{
	uint32_t v = pci_read(d->slot, d->msix_cap) & ~(MSIX_ENABLE | MSIX_MASK_ALL);

	pci_write(d->slot, d->msix_cap, v | (on ? MSIX_ENABLE : 0));
}
