/* Host PCI (the guests' is dev/pci.h): configuration access, enumeration, BARs, MSI-X. PCI Local
 * Bus 3.0, 6; PCI Express 7.2. By ECAM where the MCFG covers the bus, by CF8/CFC under one lock
 * otherwise. */
#ifndef SLUICE_DRIVERS_PCI_H
#define SLUICE_DRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define HOST_PCI_VENDOR_ID	     0x00
#define HOST_PCI_COMMAND	     0x04
#define HOST_PCI_COMMAND_IO	     BIT32(0)
#define HOST_PCI_COMMAND_MEMORY	     BIT32(1)
#define HOST_PCI_COMMAND_MASTER	     BIT32(2)
#define HOST_PCI_COMMAND_NO_INTX     BIT32(10)
#define HOST_PCI_STATUS		     0x06
#define HOST_PCI_STATUS_CAPABILITIES BIT32(4)
#define HOST_PCI_CLASS		     0x08 /* revision, programming interface, subclass, class */
#define HOST_PCI_HEADER_TYPE	     0x0e
#define HOST_PCI_BAR(n)		     ((uint16_t)(0x10 + 4 * (n)))
#define HOST_PCI_SECONDARY_BUS	     0x19
#define HOST_PCI_CAPABILITIES	     0x34

#define HOST_PCI_CAP_MSIX 0x11

/* Bus, device, function as in a requester id: bus << 8 | device << 3 | function. */
typedef uint16_t pci_bdf;
#define HOST_PCI_BDF(bus, dev, fn) ((pci_bdf)((bus) << 8 | (dev) << 3 | (fn)))

/* After acpi_init() and host_paging_init(); before it, CF8/CFC works already. */
void host_pci_init(void);

/* off + width within 256 bytes (4096 where there is ECAM), naturally aligned; reads beyond give
 * all ones, writes nothing. */
uint32_t host_pci_read32(pci_bdf bdf, uint16_t off);
uint16_t host_pci_read16(pci_bdf bdf, uint16_t off);
uint8_t host_pci_read8(pci_bdf bdf, uint16_t off);
void host_pci_write32(pci_bdf bdf, uint16_t off, uint32_t v);
void host_pci_write16(pci_bdf bdf, uint16_t off, uint16_t v);
void host_pci_write8(pci_bdf bdf, uint16_t off, uint8_t v);

/* Calls fn for every function that is there, until it returns true; true if it did. */
typedef bool (*host_pci_visit_fn)(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg);
bool host_pci_enumerate(host_pci_visit_fn fn, void *arg);

/* The index-th function with these ids; -ENODEV if there is none. */
int host_pci_find(uint16_t vendor, uint16_t device, unsigned index, pci_bdf *bdf) __must_check;

struct host_pci_bar {
	uint64_t address; /* hpa or port */
	uint64_t len_bytes;
	bool is_io, is_64bit, is_prefetchable;
};
/* Sizes by writing all ones, with decoding off meanwhile. -ENOENT: not implemented. */
int host_pci_bar_read(pci_bdf bdf, unsigned index, struct host_pci_bar *bar) __must_check;
/* Maps a memory BAR uncached; NULL if it is none. */
void *host_pci_bar_map(pci_bdf bdf, unsigned index);

void host_pci_set_command(pci_bdf bdf, uint16_t set, uint16_t clear);

/* Offset of a capability in configuration space, 0: none. The walk is bounded. */
uint8_t host_pci_find_capability(pci_bdf bdf, uint8_t id);

struct host_pci_msix {
	pci_bdf bdf;
	uint8_t cap;
	uint16_t nr_entries;
	uint64_t table; /* mapped registers */
};
/* Maps the table, masks all entries, enables MSI-X, disables INTx. -ENOENT, -ENOMEM, -EIO. */
int host_pci_msix_enable(pci_bdf bdf, struct host_pci_msix *msix) __must_check;
/* Programs the entry masked, then unmasks it: fixed delivery, edge. apic_id above 255 needs
 * interrupt remapping: -EINVAL, as for an entry that is not there. */
int host_pci_msix_route(
	struct host_pci_msix *msix, unsigned entry, uint32_t apic_id, uint8_t vector) __must_check;
void host_pci_msix_mask(struct host_pci_msix *msix, unsigned entry, bool masked);

#endif
