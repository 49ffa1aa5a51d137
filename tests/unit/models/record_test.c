// sources: tests/models/record.c
/* The injection record: ring, search, export. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/record.h"

static void add(
	struct record *r, uint64_t at_ps, uint64_t addr, uint32_t len_bytes, uint32_t target)
{
	struct record_entry e = {
		.at_ps = at_ps,
		.addr = addr,
		.len_bytes = len_bytes,
		.device = 3,
		.hint = { .kind = DMA_PAYLOAD, .queue = 17, .target = target },
	};

	record_add(r, &e);
}

static void test_find_the_newest(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_init(&r, 8), 0);
	assert_null(record_find(&r, 0x1000, 0));
	add(&r, 10, 0x1000, 64, 1);
	add(&r, 20, 0x1020, 64, 2);
	assert_int_equal(record_find(&r, 0x101f, 0)->hint.target, 1);
	assert_int_equal(record_find(&r, 0x1020, 0)->hint.target, 2);
	assert_int_equal(record_find(&r, 0x105f, 0)->hint.target, 2);
	assert_null(record_find(&r, 0x1060, 0));
	assert_null(record_find(&r, 0xfff, 0));
	assert_int_equal(record_find(&r, 0x1000, 10)->hint.target, 1);
	assert_null(record_find(&r, 0x1000, 11)); /* too old */
	record_destroy(&r);
}

static void test_ring_drops_from_its_beginning(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_init(&r, 5), 0); /* 8 */
	assert_int_equal(r.capacity, 8);
	for (uint64_t i = 0; i < 11; i++)
		add(&r, i, 0x1000 * i, 16, (uint32_t)i);
	assert_int_equal(r.nr_written, 11);
	assert_null(record_find(&r, 0x2000, 0));
	assert_int_equal(record_find(&r, 0x3000, 0)->hint.target, 3);
	assert_int_equal(record_find(&r, 0xa000, 0)->hint.target, 10);
	record_destroy(&r);
}

/* A range that ends at the top of the address space. */
static void test_top_of_address_space(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_init(&r, 1), 0);
	add(&r, 0, UINT64_MAX - 15, 16, 9);
	assert_int_equal(record_find(&r, UINT64_MAX, 0)->hint.target, 9);
	assert_null(record_find(&r, 0, 0));
	record_destroy(&r);
	assert_true(record_init(&r, SIZE_MAX) < 0);
}

static void test_export(void **state)
{
	struct record r;
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_int_equal(record_init(&r, 2), 0);
	add(&r, 5, 0x40, 1, 1); /* dropped */
	add(&r, 10, 0x1000, 64, 1);
	add(&r, 20, 0xfffffffff0, 1518, DMA_NO_TARGET);
	record_export(&r, out);
	fclose(out);
	assert_string_equal(text, "10 3 17 payload 0x1000 64 1\n"
				  "20 3 17 payload 0xfffffffff0 1518 -\n");
	record_destroy(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_the_newest),
		cmocka_unit_test(test_ring_drops_from_its_beginning),
		cmocka_unit_test(test_top_of_address_space),
		cmocka_unit_test(test_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
