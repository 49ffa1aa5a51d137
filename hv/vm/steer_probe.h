/* What steering has to know of the CPU. Pure. */
#ifndef SLUICE_VM_STEER_PROBE_H
#define SLUICE_VM_STEER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/topology.h"

/* Whether inbound DMA allocates in the last-level cache of a CPU like this: Xeon E5, E7 v2
 * and later, and Scalable. Intel, Data Direct I/O Technology, A Primer (2012); models: SDM vol. 4,
 * table 2-1. */
bool steer_cpu_has_ddio(const struct cpu_features *f);
/* What packets may take of a core's second-level cache: half of it, which its threads share. What
 * falls out of it may still be in the last level, but every core's other work goes through there.
 * 0: not known. */
uint64_t steer_cache_share(const struct topology *t);

/* Cores of one number share the last-level cache. */
uint32_t steer_llc_id(const struct topology *t, uint32_t apic_id);

#endif
