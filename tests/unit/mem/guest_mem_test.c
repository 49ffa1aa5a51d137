// sources: hv/mem/guest_mem.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "lib/errno.h"
#include "mem/guest_mem.h"

static uint8_t low[4096], high[8192];

static const struct guest_mem gm = {
	.nr_regions = 2,
	.region = { { .gpa = 0, .len_bytes = sizeof(low), .hva = low },
		{ .gpa = GIB(4), .len_bytes = sizeof(high), .hva = high } },
};

static void test_maps_inside_a_region(void **state)
{
	(void)state;
	assert_ptr_equal(guest_mem_map(&gm, 0, 1), low);
	assert_ptr_equal(guest_mem_map(&gm, 0, 4096), low);
	assert_ptr_equal(guest_mem_map(&gm, 4095, 1), low + 4095);
	assert_ptr_equal(guest_mem_map(&gm, GIB(4), 8192), high);
	assert_ptr_equal(guest_mem_map(&gm, GIB(4) + 8000, 192), high + 8000);
	assert_true(guest_mem_size(&gm) == 4096 + 8192);
}

static void test_refuses_the_rest(void **state)
{
	static const struct {
		uint64_t gpa, len;
	} bad[] = {
		{ 0, 0 },
		{ 0, 4097 },
		{ 4095, 2 },
		{ 4096, 1 },
		{ GIB(4) - 1, 1 },
		{ GIB(4) - 1, 2 },
		{ GIB(4) + 8191, 2 },
		{ GIB(4) + 8192, 1 },
		{ 0, UINT64_MAX },
		{ 1, UINT64_MAX },
		{ GIB(4), UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX - 4095, 8192 },
		{ BIT64(63), 1 },
	};
	struct guest_mem none = { 0 };
	uint8_t b[1];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(guest_mem_map(&gm, bad[i].gpa, bad[i].len));
		assert_int_equal(guest_mem_read(&gm, bad[i].gpa, b, bad[i].len), -EFAULT);
		assert_int_equal(guest_mem_write(&gm, bad[i].gpa, b, bad[i].len), -EFAULT);
	}
	assert_null(guest_mem_map(&none, 0, 1));
	assert_true(guest_mem_size(&none) == 0);
}

/* Regions that touch in guest-physical space need not touch in the host. */
static void test_border_of_two_regions(void **state)
{
	struct guest_mem two = gm;

	(void)state;
	two.region[1].gpa = sizeof(low);
	assert_ptr_equal(guest_mem_map(&two, 4096, 1), high);
	assert_null(guest_mem_map(&two, 4095, 2));
}

static void test_copies(void **state)
{
	char b[6] = { 0 };

	(void)state;
	assert_int_equal(guest_mem_write(&gm, GIB(4) + 100, "hello", 6), 0);
	assert_string_equal((char *)high + 100, "hello");
	assert_int_equal(guest_mem_read(&gm, GIB(4) + 100, b, 6), 0);
	assert_string_equal(b, "hello");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_inside_a_region),
		cmocka_unit_test(test_refuses_the_rest),
		cmocka_unit_test(test_border_of_two_regions),
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
