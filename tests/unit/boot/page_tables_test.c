// sources: boot/page_tables.c
/* The temporary page tables, walked as the processor does (SDM vol. 3A, 4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/page_tables.h"
#include "lib/errno.h"

#define TABLES_HPA UINT64_C(0x7f000000)
#define IMAGE_VIRT UINT64_C(0xffffffff80000000)

static struct page_tables tables;

static void make(unsigned nr_pages, bool has_1g_pages)
{
	free(tables.base);
	tables = (struct page_tables){
		.base = aligned_alloc(4096, (size_t)nr_pages * 4096),
		.base_hpa = TABLES_HPA,
		.nr_pages = nr_pages,
		.has_1g_pages = has_1g_pages,
		.has_no_exec = true,
	};
	page_tables_init(&tables);
}

static int teardown(void **state)
{
	(void)state;
	free(tables.base);
	tables.base = NULL;
	return 0;
}

/* The leaf entry for virt and the size it maps, 0 if there is none. */
static uint64_t walk(uint64_t virt, uint64_t *size)
{
	uint64_t hpa = TABLES_HPA, entry;

	for (int shift = 39; shift >= 12; shift -= 9) {
		assert_true(hpa >= TABLES_HPA && hpa < TABLES_HPA + tables.nr_used * 4096);
		memcpy(&entry, tables.base + (hpa - TABLES_HPA) + ((virt >> shift) & 511) * 8, 8);
		if (!(entry & 1))
			return 0;
		*size = BIT64(shift);
		if (shift == 12 || (entry & BIT64(7)))
			return entry;
		assert_true((entry & 3) == 3 && !(entry & BIT64(63)));
		hpa = entry & PTE_HPA_MASK;
	}
	return 0;
}

static void maps(uint64_t virt, uint64_t hpa, uint64_t size, bool write, bool exec)
{
	uint64_t got_size = 0, entry = walk(virt, &got_size);

	assert_true(entry != 0);
	assert_true(got_size == size);
	assert_true((entry & PTE_HPA_MASK & ~(size - 1)) == (hpa & ~(size - 1)));
	assert_int_equal(!!(entry & PTE_WRITE), write);
	assert_int_equal(!(entry & PTE_NO_EXEC), exec);
	assert_false(size > 4096 && (entry & (size - 1) & ~0xfffULL)); /* reserved bits */
}

static void maps_nothing(uint64_t virt)
{
	uint64_t size;

	assert_true(walk(virt, &size) == 0);
}

/* What the loader does: identity with one page cut out, and an image. */
static void map_all(uint64_t end, uint64_t code)
{
	assert_int_equal(page_tables_map(&tables, 0, 0, code, true, false), 0);
	assert_int_equal(page_tables_map(&tables, code, code, 4096, false, true), 0);
	assert_int_equal(
		page_tables_map(&tables, code + 4096, code + 4096, end - code - 4096, true, false),
		0);
	assert_int_equal(page_tables_map(&tables, IMAGE_VIRT, MIB(32), 0x5000, false, true), 0);
	assert_int_equal(page_tables_map(&tables, IMAGE_VIRT + 0x5000, MIB(32) + 0x5000, MIB(6),
				 true, false),
		0);
}

static void check_all(uint64_t end, uint64_t code)
{
	maps(0, 0, MIB(2), true, false);
	maps(GIB(3), GIB(3), MIB(2), true, false);
	maps(code, code, 4096, false, true);
	maps(code - 1, code - 4096, 4096, true, false);
	maps(code + 4096, code + 4096, 4096, true, false);
	maps(IMAGE_VIRT + 0x4000, MIB(32) + 0x4000, 4096, false, true);
	maps(IMAGE_VIRT + 0x5000, MIB(32) + 0x5000, 4096, true, false);
	maps(IMAGE_VIRT + MIB(2), MIB(34), MIB(2), true, false);
	maps(IMAGE_VIRT + MIB(6) + 0x4fff, MIB(38) + 0x4000, 4096, true, false);
	maps_nothing(IMAGE_VIRT + MIB(6) + 0x5000);
	maps_nothing(end);
	maps_nothing(IMAGE_VIRT - 1);
}

static void small_machine(void **state)
{
	const uint64_t code = 0x1e2e5000;

	(void)state;
	make(page_tables_estimate(GIB(4), MIB(7), true), true);
	map_all(GIB(4), code);
	check_all(GIB(4), code);
	make(page_tables_estimate(GIB(4), MIB(7), false), false);
	map_all(GIB(4), code);
	check_all(GIB(4), code);
}

static void large_machine_with_1g_pages(void **state)
{
	const uint64_t code = GIB(900) + 0x3000;

	(void)state;
	make(page_tables_estimate(GIB(1500), MIB(7), true), true);
	map_all(GIB(1500), code);
	check_all(GIB(1500), code);
	maps(GIB(4), GIB(4), GIB(1), true, false);
	maps(GIB(1499), GIB(1499), GIB(1), true, false);
	maps(GIB(900) + MIB(2), GIB(900) + MIB(2), MIB(2), true, false);
	assert_true(tables.nr_pages < 32);
}

static void large_machine_without_1g_pages(void **state)
{
	const uint64_t code = GIB(900) + 0x3000;

	(void)state;
	make(page_tables_estimate(GIB(1500), MIB(7), false), false);
	map_all(GIB(1500), code);
	check_all(GIB(1500), code);
	maps(GIB(1499), GIB(1499), MIB(2), true, false);
}

static void no_execute_disable(void **state)
{
	(void)state;
	make(8, false);
	tables.has_no_exec = false;
	assert_int_equal(page_tables_map(&tables, 0, 0, 4096, true, false), 0);
	maps(0, 0, 4096, true, true);
}

static void running_out_is_an_error(void **state)
{
	(void)state;
	make(3, false);
	assert_int_equal(page_tables_map(&tables, 0, 0, 4096, true, false), -ENOMEM);
	make(4, false);
	assert_int_equal(page_tables_map(&tables, 0, 0, MIB(2) - 4096, true, false), 0);
	assert_int_equal(page_tables_map(&tables, GIB(1), 0, 4096, true, false), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(small_machine, teardown),
		cmocka_unit_test_teardown(large_machine_with_1g_pages, teardown),
		cmocka_unit_test_teardown(large_machine_without_1g_pages, teardown),
		cmocka_unit_test_teardown(no_execute_disable, teardown),
		cmocka_unit_test_teardown(running_out_is_an_error, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
