/* A guest's PCI bus 0: a host bridge at 00:00.0 and up to 31 single-function devices.
 *
 * PCI Local Bus 3.0, chapter 6: type-0 headers, BARs, capabilities; PCI Firmware 3.3, 3.2 for
 * configuration mechanism #1 (ports CF8h and CFCh); PCI Express Base 5.0, 7.2.2 for ECAM, which
 * shows the same 256 bytes per function.
 *
 * There is no firmware in the guest: devices come out of reset with their BARs assigned from the
 * windows below and decode enabled, and stock Linux keeps that.
 *
 * Functions are added while the machine is built. One lock per bus serialises configuration
 * accesses; a BAR's own handler runs without it. */
#ifndef SLUICE_DEV_PCI_H
#define SLUICE_DEV_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"
#include "lib/bits.h"
#include "lib/spinlock.h"

/* What the bridge forwards: the guest's ACPI _CRS says the same. */
#define PCI_MMIO_BASE	   UINT64_C(0xe0000000)
#define PCI_MMIO_LEN_BYTES UINT64_C(0x10000000)
#define PCI_IO_BASE	   UINT64_C(0xc000)
#define PCI_IO_LEN_BYTES   UINT64_C(0x1000)

#define PCI_CONFIG_PORT	     0xcf8  /* address at +0, data at +4 */
#define PCI_ECAM_LEN_BYTES   MIB(1) /* bus 0 */
#define PCI_SLOTS	     32
#define PCI_BARS	     6
#define PCI_CONFIG_LEN_BYTES 256

/* 6.1 Configuration space, type 0 */
#define PCI_VENDOR_ID		 0x00
#define PCI_DEVICE_ID		 0x02
#define PCI_COMMAND		 0x04
#define PCI_COMMAND_IO		 0x0001
#define PCI_COMMAND_MEMORY	 0x0002
#define PCI_COMMAND_MASTER	 0x0004
#define PCI_COMMAND_INTX_DISABLE 0x0400
#define PCI_STATUS		 0x06
#define PCI_STATUS_CAP_LIST	 0x0010
#define PCI_REVISION_ID		 0x08
#define PCI_CLASS_PROG		 0x09
#define PCI_CLASS_DEVICE	 0x0a
#define PCI_CACHE_LINE_SIZE	 0x0c
#define PCI_BAR0		 0x10
#define PCI_SUBSYSTEM_VENDOR_ID	 0x2c
#define PCI_SUBSYSTEM_ID	 0x2e
#define PCI_CAPABILITY_LIST	 0x34
#define PCI_INTERRUPT_LINE	 0x3c

#define PCI_CAP_ID_VENDOR 0x09
#define PCI_CAP_ID_MSIX	  0x11

enum pci_bar_type { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64 };

struct pci_bar {
	enum pci_bar_type type; /* MEM64: its upper half is the next BAR */
	uint64_t size_bytes;	/* a power of two */
	uint64_t reset_address;
	struct bus_region *region;
};

struct pci_function;

/* Under the bus's lock, around an access to configuration space. */
struct pci_ops {
	/* Before a read: brings f->config up to date where it is computed. May be NULL. */
	void (*config_read)(struct pci_function *f, unsigned off, unsigned size_bytes);
	/* After a write: what is writable has its new value. May be NULL. */
	void (*config_written)(struct pci_function *f, unsigned off, unsigned size_bytes);
};

struct pci_function {
	const struct pci_ops *ops;
	unsigned slot;
	unsigned cap_end;  /* first byte behind the capabilities so far */
	unsigned cap_last; /* offset of the last capability, 0: none */
	struct pci_bar bar[PCI_BARS];
	uint8_t config[PCI_CONFIG_LEN_BYTES];
	uint8_t writable[PCI_CONFIG_LEN_BYTES]; /* bits that software may change */
	uint8_t at_reset[PCI_CONFIG_LEN_BYTES];
};

struct pci_ids {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint16_t class; /* base class and sub-class */
	uint8_t revision;
};

struct pci_bus {
	struct spinlock lock;
	uint32_t address; /* CONFIG_ADDRESS */
	struct bus *memory, *io;
	uint64_t next_mmio, next_io; /* of the windows */
	struct pci_function *function[PCI_SLOTS];
	struct pci_function bridge;
};

/* Adds the host bridge and registers ports CF8h-CFFh. A one-byte reset register at CF9h must be
 * on the bus before: the first region that was added answers. 0 or -ENOSPC. */
int pci_bus_init(struct pci_bus *b, struct bus *memory, struct bus *io) __must_check;

/* Handler of an ECAM region (bus_add(), arg: the struct pci_bus); offset 0 is 00:00.0. */
void pci_ecam_access(void *arg, struct bus_access *a);

/* Building a function, in this order. config is cleared and the header filled in. */
void pci_function_init(
	struct pci_function *f, const struct pci_ids *ids, const struct pci_ops *ops);
/* Appends a capability of len_bytes, id and link included; its offset, or -ENOSPC. */
int pci_add_capability(struct pci_function *f, uint8_t id, unsigned len_bytes) __must_check;
/* BAR n answers by handler. 0 or -ENOSPC: a window or the bus is full. */
int pci_add_bar(struct pci_bus *b, struct pci_function *f, unsigned n, enum pci_bar_type type,
	uint64_t size_bytes, bus_handler handler, void *arg) __must_check;
/* Puts it into the next free slot, BARs decoding. 0 or -ENOSPC. */
int pci_add_function(struct pci_bus *b, struct pci_function *f) __must_check;

/* Everything in configuration space as after power-on. */
void pci_bus_reset(struct pci_bus *b);

/* An access inside BAR n, as if made through the bus: false if it is not there or too small. */
bool pci_bar_access(struct pci_function *f, unsigned n, uint64_t offset, struct bus_access *a);

static inline uint16_t pci_get16(const struct pci_function *f, unsigned off)
{
	return (uint16_t)(f->config[off] | (f->config[off + 1] << 8));
}

static inline uint32_t pci_get32(const struct pci_function *f, unsigned off)
{
	return pci_get16(f, off) | ((uint32_t)pci_get16(f, off + 2) << 16);
}

static inline void pci_set16(struct pci_function *f, unsigned off, uint16_t v)
{
	f->config[off] = (uint8_t)v;
	f->config[off + 1] = (uint8_t)(v >> 8);
}

static inline void pci_set32(struct pci_function *f, unsigned off, uint32_t v)
{
	pci_set16(f, off, (uint16_t)v);
	pci_set16(f, off + 2, (uint16_t)(v >> 16));
}

#endif
