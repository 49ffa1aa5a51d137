// sources: hv/sched/topology.c hv/sched/topology_host.c hv/cpu/topology.c hv/cpu/acpi.c
/* Distances between cores, from APIC ids as servers number them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/percpu.h"
#include "mem/host_paging.h"
#include "sched/topology_host.h"

struct percpu *cpus[CPU_MAX];
unsigned nr_cpus;

const void *host_map_firmware(uint64_t hpa, uint64_t len)
{
	(void)hpa;
	(void)len;
	return NULL;
}

/* Two packages of four cores with two threads; ids 0 to 7 and 16 to 23. */
static const struct topology cpu = {
	.core_shift = 1, .package_shift = 4, .cache_shift = { 1, 1, 4, 32 }
};
static const uint32_t id[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23 };
static struct sched_topology t;
static struct acpi_info acpi;

static void two_packages(void **state)
{
	(void)state;
	acpi = (struct acpi_info){ 0 };
	topology_from_ids(&t, 16, id, &cpu, &acpi);
	assert_int_equal(t.nr_cores, 16);
	assert_int_equal(topology_distance(&t, 3, 3), DIST_SELF);
	assert_int_equal(topology_distance(&t, 2, 3), DIST_SMT);
	assert_int_equal(topology_distance(&t, 1, 2), DIST_LLC);
	assert_int_equal(topology_distance(&t, 0, 8), DIST_FAR);
	for (unsigned a = 0; a < 16; a++)
		for (unsigned b = 0; b < 16; b++)
			assert_int_equal(topology_distance(&t, a, b), topology_distance(&t, b, a));
}

/* The second-level cache of two cores; two halves of a package with a last-level cache each. */
static void clusters(void **state)
{
	struct topology c = cpu;

	(void)state;
	acpi = (struct acpi_info){ 0 };
	c.cache_shift[1] = 2;
	c.cache_shift[2] = 3;
	c.package_shift = 5;
	topology_from_ids(&t, 16, id, &c, &acpi);
	assert_int_equal(topology_distance(&t, 0, 2), DIST_L2);
	assert_int_equal(topology_distance(&t, 0, 4), DIST_LLC);
	assert_int_equal(topology_distance(&t, 0, 8), DIST_PACKAGE_OR_NODE);
}

static void without_third_level(void **state)
{
	struct topology c = cpu;

	(void)state;
	acpi = (struct acpi_info){ 0 };
	c.cache_shift[2] = 32;
	topology_from_ids(&t, 16, id, &c, &acpi);
	assert_int_equal(topology_distance(&t, 0, 1), DIST_SMT);
	assert_int_equal(topology_distance(&t, 0, 2), DIST_PACKAGE_OR_NODE);
	c.cache_shift[1] = 32;
	c.core_shift = 0;
	topology_from_ids(&t, 16, id, &c, &acpi);
	assert_int_equal(topology_distance(&t, 0, 1), DIST_PACKAGE_OR_NODE);
}

/* The SRAT says that both packages are near one memory. */
static void one_memory(void **state)
{
	(void)state;
	acpi = (struct acpi_info){ .nr_affinities = 16 };
	for (unsigned i = 0; i < 16; i++)
		acpi.affinity[i] = (struct acpi_affinity){ id[i], 77 };
	topology_from_ids(&t, 16, id, &cpu, &acpi);
	assert_int_equal(topology_distance(&t, 0, 8), DIST_PACKAGE_OR_NODE);
}

static void flat(void **state)
{
	(void)state;
	topology_flat(&t, CORE_SET_MAX);
	assert_int_equal(topology_distance(&t, 0, 255), DIST_LLC);
	assert_int_equal(topology_distance(&t, 255, 255), DIST_SELF);
}

/* ---- Sets ---- */

static void sets(void **state)
{
	struct core_set s = core_set_of(200), below = core_set_below(65), both;

	(void)state;
	assert_true(core_set_has(&s, 200));
	assert_false(core_set_has(&s, 201) || core_set_has(&s, 456));
	assert_true(core_set_has(&below, 64));
	assert_false(core_set_has(&below, 65));
	core_set_add(&s, 3);
	core_set_add(&s, CORE_SET_MAX); /* no such core */
	assert_int_equal(core_set_next(&s, 0), 3);
	assert_int_equal(core_set_next(&s, 4), 200);
	assert_int_equal(core_set_next(&s, 201), CORE_SET_MAX);
	both = core_set_and(&s, &below);
	assert_true(core_set_equal(&both, &(struct core_set){ { 8 } }));
	both = core_set_without(&s, &below);
	assert_int_equal(core_set_next(&both, 0), 200);
	core_set_remove(&both, 200);
	assert_true(core_set_is_empty(&both));
	both = core_set_below(CORE_SET_MAX);
	assert_true(core_set_equal(&both, &CORE_SET_ALL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_packages),
		cmocka_unit_test(clusters),
		cmocka_unit_test(without_third_level),
		cmocka_unit_test(one_memory),
		cmocka_unit_test(flat),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
