/* The last instructions of the loader. */
#ifndef SLUICE_BOOT_HANDOVER_H
#define SLUICE_BOOT_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

/* Loads the page tables and jumps to entry with RDI = boot_info_hpa. Interrupts are off from
 * here on. Boot services must be over. The code lies within one page, which the tables must map
 * executable at its own address. */
_Noreturn void handover(
	uint64_t boot_info_hpa, uint64_t root_hpa, uint64_t entry, bool has_no_exec);

#endif
