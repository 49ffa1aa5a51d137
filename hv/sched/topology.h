/* How near cores are to each other: what they share, in the scheduler's and the packet code's
 * terms.
 *
 * Pure data. The hypervisor fills it in from CPUID and ACPI (topology_host.h), a simulation as it
 * likes. */
#ifndef SLUICE_SCHED_TOPOLOGY_H
#define SLUICE_SCHED_TOPOLOGY_H

#include <stdint.h>

#include "sched/core_set.h"

/* What two cores share: the nearer, the less it costs to move an entity or a packet. */
enum sched_distance {
	DIST_SELF,
	DIST_SMT,	      /* threads of one core */
	DIST_L2,	      /* a second-level cache */
	DIST_LLC,	      /* the last-level cache */
	DIST_PACKAGE_OR_NODE, /* the package or the memory, but no cache */
	DIST_FAR,	      /* nothing */
	SCHED_DISTANCES
};

/* Small numbers: cores that have the same one share that thing. */
struct sched_place_ids {
	uint16_t smt, l2, llc, package, node;
};

struct sched_topology {
	unsigned nr_cores;
	struct sched_place_ids core[CORE_SET_MAX];
};

/* a and b are below nr_cores. */
enum sched_distance topology_distance(const struct sched_topology *t, unsigned a, unsigned b);

/* Every core by itself, all of them on one last-level cache. */
void topology_flat(struct sched_topology *t, unsigned nr_cores);

#endif
