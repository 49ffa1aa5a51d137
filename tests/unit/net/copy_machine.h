/* Two cores with copy contexts and the channels of an I/OAT model, for tests of what copies by
 * them. tests/unit/ioat/ioat_bench.h without the models' headers: their names of PCI's registers
 * are those of hv/dev/pci.h. */
#ifndef TESTS_UNIT_NET_COPY_MACHINE_H
#define TESTS_UNIT_NET_COPY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/copy.h"

#define COPY_MACHINE_CORES 2

/* What there is of it; see ioat_bench.h. */
void *machine_alloc(uint64_t len_bytes, uint64_t align);
void machine_fault(unsigned device, const char *format, ...) __attribute__((format(printf, 2, 3)));
void machine_advance_us(uint64_t us);
void machine_interrupts(void);
void machine_stop(void);

/* Power on. A core's APIC ID is twice its number. */
void copy_machine_start(bool dca);
/* After the workers were initialized: ctx[i] for core i, and so many channels for each. */
void copy_machine_open(struct copy_ctx *ctx, struct worker *worker,
	const unsigned channels[COPY_MACHINE_CORES], bool interrupts);

uint64_t copy_machine_bytes(void);
uint64_t copy_machine_interrupts(void);
/* APIC ID of the cache that a payload write to this address was aimed at, UINT32_MAX: at none. */
uint32_t copy_machine_target(const void *dst);

#endif
