/* Which cores share what. SDM vol. 2A, CPUID leaves 0x1F, 0xB and 4. */
#ifndef SLUICE_CPU_TOPOLOGY_H
#define SLUICE_CPU_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"

#define TOPOLOGY_CACHE_LEVELS 4

/* APIC ids that agree above a shift share that thing: id >> shift. */
struct topology {
	uint8_t core_shift;			    /* threads of one core */
	uint8_t package_shift;			    /* cores of one package */
	uint8_t cache_shift[TOPOLOGY_CACHE_LEVELS]; /* L1d, L2, L3, L4; 32: no such cache */
	uint32_t cache_bytes[TOPOLOGY_CACHE_LEVELS];
};

typedef struct cpuid_regs (*cpuid_fn)(uint32_t leaf, uint32_t subleaf);

/* Pure: everything comes from `query`. */
void topology_read(struct topology *t, cpuid_fn query);

/* The machine's, taken on the boot CPU. */
const struct topology *topology_get(void);
void topology_init(void);

/* The lowest cache level (1..4) that both share, 0 if none. Same core: 1. */
unsigned topology_shared_cache(const struct topology *t, uint32_t apic_a, uint32_t apic_b);

#endif
