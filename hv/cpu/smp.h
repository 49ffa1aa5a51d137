/* Starting the other cores, and topology. */
#ifndef SLUICE_CPU_SMP_H
#define SLUICE_CPU_SMP_H

#include <stdint.h>

#include "cpu/percpu.h"

/* Starts all other cores: those of the MADT, or without one whoever answers INIT-SIPI-SIPI. Each
 * core gets its struct percpu, stack, descriptors, paging and APIC, then calls entry(), which does
 * not return. Returns when all have checked in or a deadline has passed; nr_cpus is then final.
 * entry is called on the other cores only. trampoline_hpa: one page below 1 MiB, 0: none. */
void smp_start(uint64_t trampoline_hpa, void (*entry)(void));

/* Sends VECTOR_RESCHEDULE to core `index`. */
void smp_kick(unsigned index);

#endif
