// sources: hv/cpu/tsc.c
/* The conversions: exact where they fit, saturating where they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/acpi.h"
#include "cpu/piix4.h"
#include "cpu/tsc.h"

const struct acpi_info *acpi_get(void)
{
	return NULL;
}

uint16_t piix4_pm_base(void)
{
	return 0;
}

static void test_exact(void **state)
{
	(void)state;
	tsc_khz = 2600001;
	assert_int_equal(tsc_to_us(UINT64_C(2600001) * 1000), 1000000);
	assert_int_equal(us_to_tsc(1000), 2600001);
	assert_int_equal(us_to_tsc(1), 2600);
	assert_int_equal(tsc_to_ns(2600001), 1000000);
	/* A year of uptime: the product of ticks and 10^6 does not fit in 64 bits. */
	assert_int_equal(tsc_to_ns(UINT64_C(2600001000) * 31536000), UINT64_C(31536000000000000));
}

static void test_saturates(void **state)
{
	(void)state;
	tsc_khz = 10000000;
	assert_true(us_to_tsc(UINT64_MAX) == UINT64_MAX);
	tsc_khz = 1000;
	assert_true(tsc_to_ns(UINT64_MAX) == UINT64_MAX);
	assert_true(tsc_to_us(UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_saturates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
