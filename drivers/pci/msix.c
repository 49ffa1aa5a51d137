/* MSI-X of host devices. PCI Local Bus 3.0, 6.8.2; message format: SDM vol. 3A, 11.11. */
#include "drivers/pci/pci.h"

#include "cpu/hw.h"
#include "lib/errno.h"
#include "mem/host_paging.h"

#define MSIX_CONTROL	    2
#define MSIX_CONTROL_SIZE   0x7ff
#define MSIX_CONTROL_MASK   BIT32(14)
#define MSIX_CONTROL_ENABLE BIT32(15)
#define MSIX_TABLE	    4 /* bits 2:0 the BAR, the rest the offset in it */

#define ENTRY_BYTES	 16u
#define ENTRY_ADDRESS	 0
#define ENTRY_ADDRESS_HI 4
#define ENTRY_DATA	 8
#define ENTRY_CONTROL	 12
#define ENTRY_MASKED	 BIT32(0)

#define MSI_ADDRESS(apic_id) (0xfee00000u | (apic_id) << 12)

static uint64_t entry_offset(unsigned entry)
{
	return (uint64_t)entry * ENTRY_BYTES;
}

int host_pci_msix_enable(pci_bdf bdf, struct host_pci_msix *msix)
{
	uint8_t cap = host_pci_find_capability(bdf, HOST_PCI_CAP_MSIX);
	uint16_t control;
	uint32_t place;
	uint64_t len;
	struct host_pci_bar bar;
	void *table;

	if (!cap)
		return -ENOENT;
	control = host_pci_read16(bdf, cap + MSIX_CONTROL);
	place = host_pci_read32(bdf, cap + MSIX_TABLE);
	len = entry_offset((control & MSIX_CONTROL_SIZE) + 1u);
	if (host_pci_bar_read(bdf, place & 7, &bar) || bar.is_io ||
		(place & ~7u) + len > bar.len_bytes)
		return -EIO;
	table = mmio_map(bar.address + (place & ~7u), len);
	if (!table)
		return -ENOMEM;
	*msix = (struct host_pci_msix){ .bdf = bdf,
		.cap = cap,
		.nr_entries = (uint16_t)((control & MSIX_CONTROL_SIZE) + 1),
		.table = (uint64_t)table };
	host_pci_set_command(bdf, HOST_PCI_COMMAND_MEMORY | HOST_PCI_COMMAND_NO_INTX, 0);
	/* The function's own mask covers the entries until each has been masked. */
	host_pci_write16(
		bdf, cap + MSIX_CONTROL, control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK);
	for (unsigned i = 0; i < msix->nr_entries; i++)
		host_pci_msix_mask(msix, i, true);
	host_pci_write16(bdf, cap + MSIX_CONTROL,
		(uint16_t)((control & ~MSIX_CONTROL_MASK) | MSIX_CONTROL_ENABLE));
	return 0;
}

void host_pci_msix_mask(struct host_pci_msix *msix, unsigned entry, bool masked)
{
	if (entry < msix->nr_entries)
		mmio_write32(msix->table, entry_offset(entry) + ENTRY_CONTROL,
			masked ? ENTRY_MASKED : 0);
}

int host_pci_msix_route(
	struct host_pci_msix *msix, unsigned entry, uint32_t apic_id, uint8_t vector)
{
	uint64_t at = entry_offset(entry);

	if (entry >= msix->nr_entries || apic_id > 0xfe)
		return -EINVAL;
	host_pci_msix_mask(msix, entry, true);
	mmio_write32(msix->table, at + ENTRY_ADDRESS, MSI_ADDRESS(apic_id));
	mmio_write32(msix->table, at + ENTRY_ADDRESS_HI, 0);
	mmio_write32(msix->table, at + ENTRY_DATA, vector);
	host_pci_msix_mask(msix, entry, false);
	return 0;
}
