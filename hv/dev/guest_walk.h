/* From a guest's linear address to its physical one, through the guest's own page tables, and the
 * fetch of the instruction that made an exit.
 *
 * SDM vol. 3A, chapter 4: no paging, 32-bit, PAE, 4-level and 5-level paging. Permissions are not
 * checked and accessed bits not set: the processor has just executed the instruction; all that a
 * guest gains by changing tables meanwhile is to have its own memory read differently. */
#ifndef SLUICE_DEV_GUEST_WALK_H
#define SLUICE_DEV_GUEST_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/decode.h"
#include "lib/bits.h"
#include "mem/guest_mem.h"

struct guest_cpu {
	uint64_t cr0, cr3, cr4, efer;
	uint64_t cs_base;
	bool cs_l, cs_d;
};

/* 0, or -EFAULT: not mapped, or a table outside guest RAM. *gpa itself may be anywhere. */
int guest_walk(const struct guest_mem *gm, const struct guest_cpu *cpu, uint64_t linear,
	uint64_t *gpa) __must_check;

/* Copies up to DECODE_BYTES_MAX bytes at CS:rip. How many there were, up to the first page that
 * is not mapped to guest RAM. */
unsigned guest_fetch(const struct guest_mem *gm, const struct guest_cpu *cpu, uint64_t rip,
	uint8_t bytes[DECODE_BYTES_MAX]);

enum decode_mode guest_cpu_mode(const struct guest_cpu *cpu);

#endif
