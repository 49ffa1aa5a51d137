// sources: hv/mem/pagetable.c
/* The walker with EPT-like and host-like entries; every mapping is checked by lookup. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem/pagetable.h"

static unsigned tables, tables_max;

static void *alloc_table(void)
{
	if (tables == tables_max)
		return NULL;
	tables++;
	return memset(aligned_alloc(PAGE_SIZE, PAGE_SIZE), 0, PAGE_SIZE);
}

static void free_table(void *table)
{
	tables--;
	free(table);
}

static uint64_t table_hpa(const void *table)
{
	return (uintptr_t)table;
}

static void *table_hva(uint64_t hpa)
{
	return (void *)(uintptr_t)hpa;
}

#define RW  (BIT64(0) | BIT64(1))
#define RWX UINT64_C(7)
#define WB  UINT64_C(6 << 3)
#define NX  BIT64(63)

static const struct pagetable_config host = { 1, RW, 3, alloc_table, free_table, table_hpa,
	table_hva };
static const struct pagetable_config ept = { 7, RWX, 3, alloc_table, free_table, table_hpa,
	table_hva };
static const struct pagetable_config ept_2m = { 7, RWX, 2, alloc_table, free_table, table_hpa,
	table_hva };

static struct pagetable make(const struct pagetable_config *config)
{
	struct pagetable pt;

	tables = 0;
	tables_max = 100;
	assert_int_equal(pagetable_init(&pt, config), 0);
	return pt;
}

static void done(struct pagetable *pt)
{
	pagetable_destroy(pt);
	assert_int_equal(tables, 0);
}

static void expect(struct pagetable *pt, uint64_t va, uint64_t hpa, uint64_t flags, uint64_t page)
{
	struct pagetable_leaf leaf;

	assert_true(pagetable_lookup(pt, va, &leaf));
	assert_int_equal(leaf.hpa, hpa);
	assert_int_equal(leaf.flags, flags);
	assert_int_equal(leaf.page_bytes, page);
}

static void expect_none(struct pagetable *pt, uint64_t va)
{
	struct pagetable_leaf leaf;

	assert_false(pagetable_lookup(pt, va, &leaf));
}

static void test_sizes(void **state)
{
	struct pagetable pt = make(&ept);

	(void)state;
	/* From just below 1 GiB to just above 3 GiB: 4K, 2M, 1G, 2M, 4K pages. */
	assert_int_equal(pagetable_map(&pt, GIB(1) - MIB(2) - 4096, GIB(5) - MIB(2) - 4096,
				 GIB(2) + MIB(4) + 8192, RWX | WB),
		0);
	expect(&pt, GIB(1) - MIB(2) - 1, GIB(5) - MIB(2) - 1, RWX | WB, 4096);
	expect(&pt, GIB(1) - 1, GIB(5) - 1, RWX | WB, MIB(2));
	expect(&pt, GIB(2) + 5, GIB(6) + 5, RWX | WB, GIB(1));
	expect(&pt, GIB(3) + 5, GIB(7) + 5, RWX | WB, MIB(2));
	expect(&pt, GIB(3) + MIB(2), GIB(7) + MIB(2), RWX | WB, 4096);
	expect_none(&pt, GIB(3) + MIB(2) + 4096);
	expect_none(&pt, GIB(1) - MIB(2) - 4097);
	done(&pt);
}

static void test_leaf_limit(void **state)
{
	struct pagetable pt = make(&ept_2m);

	(void)state;
	assert_int_equal(pagetable_map(&pt, 0, 0, GIB(1), RWX), 0);
	expect(&pt, 12345, 12345, RWX, MIB(2));
	done(&pt);
}

static void test_high_half(void **state)
{
	struct pagetable pt = make(&host);
	uint64_t va = UINT64_C(0xffffffff80000000);

	(void)state;
	assert_int_equal(pagetable_map(&pt, va, MIB(32), MIB(2), RW | NX), 0);
	expect(&pt, va + 0x123456, MIB(32) + 0x123456, RW | NX, MIB(2));
	/* The very last page of the address space. */
	assert_int_equal(pagetable_map(&pt, UINT64_MAX - 4095, 0, 4096, RW), 0);
	expect(&pt, UINT64_MAX, 4095, RW, 4096);
	done(&pt);
}

static void test_split_keeps_the_rest(void **state)
{
	struct pagetable pt = make(&ept);

	(void)state;
	assert_int_equal(pagetable_map(&pt, 0, GIB(4), GIB(1), RWX | WB), 0);
	assert_int_equal(
		pagetable_map(&pt, MIB(2) + 4096, GIB(4) + MIB(2) + 4096, 4096, 1 | WB), 0);
	expect(&pt, MIB(2) + 4096, GIB(4) + MIB(2) + 4096, 1 | WB, 4096);
	expect(&pt, MIB(2), GIB(4) + MIB(2), RWX | WB, 4096);
	expect(&pt, MIB(2) + 8192, GIB(4) + MIB(2) + 8192, RWX | WB, 4096);
	expect(&pt, MIB(4), GIB(4) + MIB(4), RWX | WB, MIB(2));
	assert_int_equal(tables, 4);
	done(&pt);
}

static void test_unmap(void **state)
{
	struct pagetable pt = make(&ept);

	(void)state;
	assert_int_equal(pagetable_unmap(&pt, 0, GIB(512)), 0);
	assert_int_equal(tables, 1);
	assert_int_equal(pagetable_map(&pt, 0, 0, MIB(6), RWX), 0);
	assert_int_equal(pagetable_unmap(&pt, MIB(2) - 4096, MIB(2) + 4096), 0);
	expect(&pt, MIB(2) - 4097, MIB(2) - 4097, RWX, 4096);
	expect_none(&pt, MIB(2) - 1);
	expect_none(&pt, MIB(4) - 1);
	expect(&pt, MIB(4), MIB(4), RWX, MIB(2));
	done(&pt);
}

static void test_refuses(void **state)
{
	struct pagetable pt = make(&ept);

	(void)state;
	assert_int_equal(pagetable_map(&pt, 1, 0, 4096, RWX), -EINVAL);
	assert_int_equal(pagetable_map(&pt, 0, 1, 4096, RWX), -EINVAL);
	assert_int_equal(pagetable_map(&pt, 0, 0, 1, RWX), -EINVAL);
	assert_int_equal(pagetable_map(&pt, BIT64(48) - 4096, 0, 8192, RWX), -EINVAL);
	assert_int_equal(pagetable_map(&pt, 0, BIT64(52) - 4096, 8192, RWX), -EINVAL);
	assert_int_equal(pagetable_map(&pt, 0, 0, 0, RWX), 0);
	tables_max = 2;
	assert_int_equal(pagetable_map(&pt, 0, 0, 4096, RWX), -ENOMEM);
	tables_max = 100;
	done(&pt);
}

static void test_level1_bit7_is_no_size(void **state)
{
	struct pagetable pt = make(&host);

	(void)state;
	assert_int_equal(pagetable_map(&pt, 4096, 8192, 4096, RW | BIT64(7)), 0);
	expect(&pt, 4096, 8192, RW | BIT64(7), 4096);
	done(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_leaf_limit),
		cmocka_unit_test(test_high_half),
		cmocka_unit_test(test_split_keeps_the_rest),
		cmocka_unit_test(test_unmap),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_level1_bit7_is_no_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
