/* MSI-X: vector table, pending bits and capability. PCI Local Bus 3.0, 6.8.2.
 *
 * Any core notifies while vCPUs write the table: one lock per function, held for a few loads. */
#ifndef SLUICE_DEV_MSIX_H
#define SLUICE_DEV_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"
#include "dev/pci.h"
#include "lib/spinlock.h"

#define MSIX_VECTORS_MAX 64
#define MSIX_ENTRY_BYTES 16

/* Layout of the BAR. */
#define MSIX_TABLE_OFFSET  0
#define MSIX_PBA_OFFSET	   0x800
#define MSIX_BAR_LEN_BYTES 0x1000

/* A write of data to address as a device makes it: the interrupt message. Any core, no lock
 * held. */
typedef void (*msi_send)(void *ctx, uint64_t address, uint32_t data);

struct msix {
	struct spinlock lock;
	unsigned nr_vectors;
	unsigned cap; /* offset of the capability */
	bool enabled, function_masked;
	uint64_t pending;
	msi_send send;
	void *ctx;
	uint8_t table[MSIX_VECTORS_MAX * MSIX_ENTRY_BYTES];
};

/* Adds the capability and BAR n (32-bit memory) to f. 0 or -ENOSPC, -EINVAL. */
int msix_init(struct msix *m, struct pci_bus *b, struct pci_function *f, unsigned n,
	unsigned nr_vectors, msi_send send, void *ctx) __must_check;

/* From the function's config_written: follows Message Control. */
void msix_config_written(struct msix *m, const struct pci_function *f);

/* All entries masked, nothing pending. */
void msix_reset(struct msix *m);

/* Sends vector's message, or remembers it while masked. Nothing happens while MSI-X is disabled.
 * A vector that is not there is ignored. */
void msix_notify(struct msix *m, unsigned vector);

#endif
