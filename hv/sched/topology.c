/* Distances between cores; see topology.h. */
#include "sched/topology.h"

enum sched_distance topology_distance(const struct sched_topology *t, unsigned a, unsigned b)
{
	const struct sched_place_ids *x = &t->core[a], *y = &t->core[b];

	if (a == b)
		return DIST_SELF;
	if (x->smt == y->smt)
		return DIST_SMT;
	if (x->l2 == y->l2)
		return DIST_L2;
	if (x->llc == y->llc)
		return DIST_LLC;
	return x->package == y->package || x->node == y->node ? DIST_PACKAGE_OR_NODE : DIST_FAR;
}

void topology_flat(struct sched_topology *t, unsigned nr_cores)
{
	t->nr_cores = nr_cores;
	for (unsigned i = 0; i < nr_cores; i++)
		t->core[i] = (struct sched_place_ids){ .smt = (uint16_t)i, .l2 = (uint16_t)i };
}
