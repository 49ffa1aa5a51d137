// sources: hv/cpu/topology.c
/* Topologies as CPUID of known machines reports them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/topology.h"
#include "lib/bits.h"

static struct cpuid_regs leaves_4[4], leaves_b[3], leaves_1f[4];
static struct cpuid_regs leaf_0, leaf_1;

static struct cpuid_regs query(uint32_t leaf, uint32_t subleaf)
{
	if (leaf == 0)
		return leaf_0;
	if (leaf == 1)
		return leaf_1;
	if (leaf == 4 && subleaf < 4)
		return leaves_4[subleaf];
	if (leaf == 0xb && subleaf < 3)
		return leaves_b[subleaf];
	if (leaf == 0x1f && subleaf < 4)
		return leaves_1f[subleaf];
	return (struct cpuid_regs){ 0 };
}

/* Type, level, threads that share it, cores of a package; 8 ways of 64-byte lines. */
static struct cpuid_regs cache(uint32_t type, uint32_t level, uint32_t shared, uint32_t sets)
{
	return (struct cpuid_regs){ .eax = type | level << 5 | (shared - 1) << 14 | 15u << 26,
		.ebx = 63 | 7u << 22,
		.ecx = sets - 1 };
}

/* Two threads of a core share L1 and L2, 16 threads the L3. */
static void make_server(void)
{
	leaf_0.eax = 0xb;
	leaves_4[0] = cache(1, 1, 2, 64);
	leaves_4[1] = cache(2, 1, 2, 64);
	leaves_4[2] = cache(3, 2, 2, 1024);
	leaves_4[3] = cache(3, 3, 16, 16384);
	leaves_b[0] = (struct cpuid_regs){ .eax = 1, .ebx = 2, .ecx = 0x100 };
	leaves_b[1] = (struct cpuid_regs){ .eax = 5, .ebx = 16, .ecx = 0x201 };
	leaves_b[2] = (struct cpuid_regs){ 0 };
}

static void test_server(void **state)
{
	struct topology t;

	(void)state;
	make_server();
	topology_read(&t, query);
	assert_int_equal(t.core_shift, 1);
	assert_int_equal(t.package_shift, 5);
	assert_int_equal(t.cache_bytes[0], 32768);
	assert_int_equal(t.cache_bytes[2], 8 << 20);
	assert_int_equal(topology_shared_cache(&t, 6, 7), 1);
	assert_int_equal(topology_shared_cache(&t, 6, 8), 3);
	assert_int_equal(topology_shared_cache(&t, 6, 32), 0);
	assert_int_equal(topology_shared_cache(&t, 6, 6), 1);
}

/* Leaf 0xB calls two dies one package of 32 threads; 0x1F tells them from the package. */
static void test_dies(void **state)
{
	struct topology t;

	(void)state;
	make_server();
	leaf_0.eax = 0x1f;
	leaves_1f[0] = (struct cpuid_regs){ .eax = 1, .ebx = 2, .ecx = 0x100 };
	leaves_1f[1] = (struct cpuid_regs){ .eax = 4, .ebx = 16, .ecx = 0x201 };
	leaves_1f[2] = (struct cpuid_regs){ .eax = 6, .ebx = 64, .ecx = 0x502 };
	topology_read(&t, query);
	assert_int_equal(t.core_shift, 1);
	assert_int_equal(t.package_shift, 6);
	leaves_1f[0] = (struct cpuid_regs){ 0 }; /* there is no such leaf */
	topology_read(&t, query);
	assert_int_equal(t.package_shift, 5);
}

static void test_without_leaf_b(void **state)
{
	struct topology t;

	(void)state;
	make_server();
	leaf_0.eax = 4;
	leaf_1 = (struct cpuid_regs){ .ebx = 32u << 16, .edx = BIT32(28) };
	topology_read(&t, query);
	assert_int_equal(t.package_shift, 5); /* 32 threads, 16 cores */
	assert_int_equal(t.core_shift, 1);
}

static void test_nothing_known(void **state)
{
	struct topology t;

	(void)state;
	leaf_0.eax = 1;
	leaf_1 = (struct cpuid_regs){ 0 };
	topology_read(&t, query);
	assert_int_equal(t.core_shift, 0);
	assert_int_equal(t.package_shift, 0);
	assert_int_equal(topology_shared_cache(&t, 0, 1), 0);
	assert_int_equal(topology_shared_cache(&t, 1, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_dies),
		cmocka_unit_test(test_without_leaf_b),
		cmocka_unit_test(test_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
