/* The machine's topology in the scheduler's terms, from CPUID (cpu/topology.h) and ACPI's SRAT. */
#ifndef SLUICE_SCHED_TOPOLOGY_HOST_H
#define SLUICE_SCHED_TOPOLOGY_HOST_H

#include "cpu/acpi.h"
#include "cpu/topology.h"
#include "sched/topology.h"

/* Pure. Core i has APIC id apic_id[i]; nr_cores is at most CORE_SET_MAX. Without a second-level
 * cache that CPUID describes, threads of a core share one; without a third-level cache the second
 * is the last; without an SRAT each package has its memory. */
void topology_from_ids(struct sched_topology *t, unsigned nr_cores, const uint32_t *apic_id,
	const struct topology *cpu, const struct acpi_info *acpi);

/* Of the cores that are online. */
void topology_of_machine(struct sched_topology *t);

#endif
