// sources: hv/vm/pvclock.c hv/mem/guest_mem.c
/* Conversion over the range of frequencies, structures in guest memory, refused addresses. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/pvclock.h"

static uint8_t ram[8192] __attribute__((aligned(64)));
static const struct guest_mem memory = { 1, { { 0x10000, sizeof(ram), ram } } };

static const uint32_t khz[] = { 1, 1000, 100000, 499999, 500000, 999999, 1000000, 1000001, 1999999,
	2000000, 2000001, 2399987, 2999999, 3000000, 4000000, 4294967, 5700000, 10000000 };

static void test_scale_is_normalised(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(khz); i++)
		assert_true(pvclock_scale_of(khz[i]).mul >= 0x7fffffff);
	assert_int_equal(pvclock_scale_of(500000).shift, 2);
	assert_int_equal(pvclock_scale_of(500000).mul, 0x80000000);
	assert_int_equal(pvclock_scale_of(2000000).shift, 0);
	assert_int_equal(pvclock_scale_of(2000000).mul, 0x80000000);
	assert_int_equal(pvclock_scale_of(4000000).shift, -1);
}

/* Linux's arithmetic: the multiplication keeps 64 bits after >> 32. */
static void test_ns_is_exact_within_ppb(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(khz); i++) {
		struct pvclock_scale s = pvclock_scale_of(khz[i]);

		for (uint64_t second = 1; second < 100000000; second *= 10) {
			uint64_t ns = pvclock_ns(s, second * khz[i] * 1000);
			uint64_t exact = second * 1000000000;

			assert_true(ns <= exact);
			assert_true(exact - ns <= 2 + second * 2);
		}
	}
}

static void test_ns_is_monotonic(void **state)
{
	struct pvclock_scale s = pvclock_scale_of(2399987);
	uint64_t last = 0;

	(void)state;
	for (uint64_t t = UINT64_C(1) << 50; t < (UINT64_C(1) << 50) + 10000; t++) {
		assert_true(pvclock_ns(s, t) >= last);
		last = pvclock_ns(s, t);
	}
}

static uint64_t get(unsigned off, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, ram + off, size);
	return v;
}

static void test_system_time(void **state)
{
	struct pvclock c = { { 0x80000001, -3 }, 12345, 0 };
	struct pvclock_vcpu v = { 0 };
	uint64_t value;

	(void)state;
	memset(ram, 0xff, sizeof(ram));
	assert_int_equal(pvclock_write_msr(&v, &c, &memory, MSR_KVM_SYSTEM_TIME_NEW, 0x10041), 0);
	assert_int_equal(get(0x40, 4), 2);
	assert_int_equal(get(0x48, 8), 12345);
	assert_int_equal(get(0x50, 8), 0);
	assert_int_equal(get(0x58, 4), 0x80000001);
	assert_int_equal(get(0x5c, 1), 0xfd);
	assert_int_equal(get(0x5d, 1), 1);
	assert_int_equal(get(0x60, 1), 0xff);
	c.tsc_base = 99;
	pvclock_update(&v, &c, &memory);
	assert_int_equal(get(0x40, 4), 4);
	assert_int_equal(get(0x48, 8), 99);
	assert_int_equal(pvclock_read_msr(&v, MSR_KVM_SYSTEM_TIME, &value), 0);
	assert_int_equal(value, 0x10041);
	assert_int_equal(pvclock_write_msr(&v, &c, &memory, MSR_KVM_SYSTEM_TIME, 0), 0);
	pvclock_update(&v, &c, &memory);
	assert_int_equal(get(0x40, 4), 4);
}

static void test_wall_clock(void **state)
{
	struct pvclock c = { .wall_base_ns = UINT64_C(1700000000123456789) };
	struct pvclock_vcpu v = { 0 };

	(void)state;
	assert_int_equal(pvclock_write_msr(&v, &c, &memory, MSR_KVM_WALL_CLOCK_NEW, 0x10100), 0);
	assert_int_equal(get(0x100, 4) & 1, 0);
	assert_int_equal(get(0x104, 4), 1700000000);
	assert_int_equal(get(0x108, 4), 123456789);
}

static void test_steal_time(void **state)
{
	struct pvclock c = { 0 };
	struct pvclock_vcpu v = { 0 };

	(void)state;
	memset(ram, 0, sizeof(ram));
	pvclock_update_steal(&v, &memory, 5, true);
	assert_int_equal(pvclock_write_msr(&v, &c, &memory, MSR_KVM_STEAL_TIME, 0x10081), 0);
	pvclock_update_steal(&v, &memory, 777, true);
	assert_int_equal(get(0x80, 8), 777);
	assert_int_equal(get(0x88, 4), 2);
	assert_int_equal(get(0x90, 1), 1);
	pvclock_update_steal(&v, &memory, 800, false);
	assert_int_equal(get(0x80, 8), 800);
	assert_int_equal(get(0x88, 4), 4);
	assert_int_equal(get(0x90, 1), 0);
}

static void test_refused_addresses(void **state)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} bad[] = {
		{ MSR_KVM_SYSTEM_TIME_NEW, 0x10043 },
		{ MSR_KVM_SYSTEM_TIME_NEW, 0x11fe5 },
		{ MSR_KVM_SYSTEM_TIME_NEW, 0xfff1 },
		{ MSR_KVM_SYSTEM_TIME_NEW, UINT64_MAX - 6 },
		{ MSR_KVM_WALL_CLOCK_NEW, 0x11ff8 },
		{ MSR_KVM_WALL_CLOCK, 0x10001 },
		{ MSR_KVM_STEAL_TIME, 0x10021 },
		{ MSR_KVM_STEAL_TIME, 0x12001 },
	};
	struct pvclock c = { 0 };
	struct pvclock_vcpu v = { 0 };
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(
			pvclock_write_msr(&v, &c, &memory, bad[i].msr, bad[i].value), -EINVAL);
	assert_int_equal(v.system_time_msr | v.steal_time_msr, 0);
	assert_int_equal(pvclock_write_msr(&v, &c, &memory, 0x10, 0), -ENOENT);
	assert_int_equal(pvclock_read_msr(&v, 0x4b564d02, &value), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale_is_normalised),
		cmocka_unit_test(test_ns_is_exact_within_ppb),
		cmocka_unit_test(test_ns_is_monotonic),
		cmocka_unit_test(test_system_time),
		cmocka_unit_test(test_wall_clock),
		cmocka_unit_test(test_steal_time),
		cmocka_unit_test(test_refused_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
