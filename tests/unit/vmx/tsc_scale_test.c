// sources: hv/lib/fmt.c
/* Ratios, and that a deadline is reached at the host tick tsc_unscale() names and not before. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bits.h"
#include "vmx/tsc_scale.h"

static void test_equal_is_off(void **state)
{
	(void)state;
	assert_int_equal(tsc_ratio_of(2400000, 2400000), 0);
	assert_int_equal(tsc_scale(12345, 0), 12345);
	assert_int_equal(tsc_unscale(12345, 0), 12345);
}

static void test_ratio(void **state)
{
	(void)state;
	assert_int_equal(tsc_ratio_of(1000000, 2000000), BIT64(47));
	assert_int_equal(tsc_ratio_of(3000000, 1000000), 3 * BIT64(48));
	assert_int_equal(tsc_scale(1000, BIT64(47)), 500);
	assert_int_equal(tsc_scale(UINT64_C(1) << 60, BIT64(47)), UINT64_C(1) << 59);
}

static void test_unscale_is_first_tick(void **state)
{
	static const uint64_t khz[] = { 10000, 999999, 2400000, 2399987, 3700000, 10000000 };

	(void)state;
	for (unsigned h = 0; h < ARRAY_SIZE(khz); h++) {
		for (unsigned g = 0; g < ARRAY_SIZE(khz); g++) {
			uint64_t ratio = tsc_ratio_of(khz[g], khz[h]);

			for (uint64_t t = 1; t < UINT64_C(1) << 50; t = t * 7 + 3) {
				uint64_t host = tsc_unscale(t, ratio);

				assert_true(tsc_scale(host, ratio) >= t);
				assert_true(tsc_scale(host - 1, ratio) < t);
			}
		}
	}
}

static void test_unscale_saturates(void **state)
{
	(void)state;
	assert_true(tsc_unscale(UINT64_MAX, tsc_ratio_of(10000, 10000000)) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_is_off),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_unscale_is_first_tick),
		cmocka_unit_test(test_unscale_saturates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
