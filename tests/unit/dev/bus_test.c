// sources: hv/dev/bus.c
/* The guest's buses: dispatch, borders, moving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/bus.h"

struct device {
	unsigned calls;
	struct bus_access last;
};

static void handle(void *arg, struct bus_access *a)
{
	struct device *d = arg;

	d->calls++;
	d->last = *a;
	if (!a->write)
		a->value = 0x55;
}

static bool read_at(struct bus *b, uint64_t address, uint8_t size, uint64_t *value)
{
	struct bus_access a = { .size_bytes = size };
	bool answered = bus_access(b, address, &a);

	*value = a.value;
	return answered;
}

static void test_dispatch(void **state)
{
	static struct bus b;
	struct device d = { 0 }, e = { 0 };
	uint64_t v;

	(void)state;
	assert_non_null(bus_add(&b, 0x1000, 0x10, handle, &d));
	assert_non_null(bus_add(&b, 0x1008, 0x100, handle, &e));
	assert_true(read_at(&b, 0x100c, 4, &v)); /* the first that was added wins */
	assert_int_equal(v, 0x55);
	assert_int_equal(d.calls, 1);
	assert_int_equal(d.last.offset, 0xc);
	assert_true(read_at(&b, 0x1010, 8, &v));
	assert_int_equal(e.last.offset, 8);
	assert_false(read_at(&b, 0x100d, 4, &v)); /* straddles the end */
	assert_true(v == UINT64_MAX);
	assert_false(read_at(&b, 0xfff, 1, &v));
	assert_false(read_at(&b, 0x1108, 1, &v));
	assert_false(read_at(&b, 0x1107, 2, &v));
}

static void test_move(void **state)
{
	static struct bus b;
	struct device d = { 0 };
	struct bus_region *r = bus_add(&b, BUS_UNMAPPED, 0x10, handle, &d);
	uint64_t v;

	(void)state;
	assert_false(read_at(&b, UINT64_MAX, 1, &v));
	assert_false(read_at(&b, 0, 1, &v));
	assert_false(read_at(&b, 5, 1, &v));
	bus_move(r, UINT64_MAX & ~UINT64_C(0xf));
	assert_true(read_at(&b, UINT64_MAX, 1, &v));
	assert_false(read_at(&b, UINT64_MAX - 3, 8, &v));
	assert_false(read_at(&b, 0, 1, &v));
	bus_move(r, 0);
	assert_true(read_at(&b, 5, 1, &v));
}

static void test_full(void **state)
{
	static struct bus b;
	struct device d = { 0 };

	(void)state;
	for (unsigned i = 0; i < BUS_REGIONS_MAX; i++)
		assert_non_null(bus_add(&b, i * 16, 16, handle, &d));
	assert_null(bus_add(&b, 0x10000, 16, handle, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
