/* A guest's I/O APIC: 24 pins at 0xFEC00000.
 *
 * Intel 82093AA datasheet, with the EOI register of its successors (version 0x20). What a pin sends
 * leaves as an MSI-shaped message. Level means asserted, whatever the entry's polarity bit says:
 * the guest's ACPI tables describe each pin as its device drives it. */
#ifndef SLUICE_DEV_IOAPIC_H
#define SLUICE_DEV_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"
#include "lib/spinlock.h"

#define IOAPIC_GPA	  UINT64_C(0xfec00000)
#define IOAPIC_SIZE_BYTES 0x1000
#define IOAPIC_PINS	  24

/* Called with the I/O APIC's lock held, on any core: it must not call back. */
typedef void (*ioapic_msi)(void *ctx, uint64_t address, uint32_t data);

struct ioapic {
	struct spinlock lock;
	uint8_t index; /* IOREGSEL */
	uint8_t id;
	uint32_t asserted; /* per pin */
	uint64_t entry[IOAPIC_PINS];
	ioapic_msi msi;
	void *ctx;
};

/* Reset state: every pin masked, edge, not asserted. */
void ioapic_init(struct ioapic *io, ioapic_msi msi, void *ctx);
/* The guest was reset. Pins stay as their devices drive them. */
void ioapic_reset(struct ioapic *io);
/* bus_handler for [IOAPIC_GPA, +IOAPIC_SIZE_BYTES); arg is the struct ioapic. */
void ioapic_mmio(void *arg, struct bus_access *a);
/* Any core. A pin that does not exist is ignored. */
void ioapic_set_pin(struct ioapic *io, unsigned pin, bool asserted);
/* Any core: the EOI message of a local APIC. A level pin that is still asserted interrupts again.
 */
void ioapic_eoi(struct ioapic *io, uint8_t vector);

#endif
