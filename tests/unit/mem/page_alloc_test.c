// sources: hv/mem/page_alloc.c
/* The allocator over a real arena, whose host addresses stand for physical ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/log.h"
#include "mem/page_alloc.h"

#define ARENA_PAGES 1024u
#define ARENA_BYTES (ARENA_PAGES * PAGE_SIZE)

static uint8_t *arena;

static int setup(void **state)
{
	struct boot_mem mem[4] = { { .type = BOOT_MEM_USABLE }, { .type = BOOT_MEM_LOADER },
		{ .type = BOOT_MEM_USABLE }, { .type = BOOT_MEM_USABLE } };

	(void)state;
	arena = aligned_alloc(MIB(4), ARENA_BYTES);
	memset(arena, 0xa5, ARENA_BYTES);
	/* Below 1 MiB: must be left alone. Then 256 pages, 256 of the loader, 512 pages. */
	mem[0].hpa = 0x1000;
	mem[0].len_bytes = 0x9f000;
	for (unsigned i = 1; i < 4; i++) {
		static const unsigned first[] = { 0, 256, 0, 512 }, pages[] = { 0, 256, 256, 512 };

		mem[i].hpa = (uintptr_t)arena + first[i] * PAGE_SIZE;
		mem[i].len_bytes = pages[i] * PAGE_SIZE;
	}
	page_alloc_init(mem, 4);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(arena);
	return 0;
}

static struct page_stats stats(void)
{
	struct page_stats s;

	page_stats(&s);
	return s;
}

static void test_accounts(void **state)
{
	void *a, *b;

	(void)state;
	assert_int_equal(stats().total_bytes, 768 * PAGE_SIZE);
	assert_int_equal(stats().largest_free_bytes, 512 * PAGE_SIZE);
	a = page_alloc(3);
	b = page_alloc_large(16 * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(stats().hypervisor_bytes, 3 * PAGE_SIZE);
	assert_int_equal(stats().guest_bytes, 16 * PAGE_SIZE);
	assert_int_equal(stats().free_bytes, (768 - 19) * PAGE_SIZE);
	page_free(a, 3);
	page_free_large(b, 16 * PAGE_SIZE);
	assert_int_equal(stats().free_bytes, 768 * PAGE_SIZE);
	assert_int_equal(stats().hypervisor_bytes + stats().guest_bytes, 0);
	assert_int_equal(stats().largest_free_bytes, 512 * PAGE_SIZE);
	a = page_alloc_buffers(2);
	assert_int_equal(((const uint8_t *)a)[2 * PAGE_SIZE - 1], 0);
	assert_int_equal(stats().buffer_bytes, 2 * PAGE_SIZE);
	assert_int_equal(stats().hypervisor_bytes, 0);
	assert_int_equal(stats().free_bytes, 766 * PAGE_SIZE);
}

static void test_small_go_to_small_ranges_and_are_zero(void **state)
{
	uint8_t *p = page_alloc(2);

	(void)state;
	assert_true(p >= arena && p < arena + 256 * PAGE_SIZE);
	assert_true(IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal(p[i], 0);
}

static void test_alignment_and_limit(void **state)
{
	uint8_t *p = page_alloc_aligned(1, MIB(1)), *low;

	(void)state;
	assert_true(IS_ALIGNED((uintptr_t)p, MIB(1)));
	low = page_alloc_below(300, (uintptr_t)arena + 900 * PAGE_SIZE);
	assert_non_null(low);
	assert_true(low + 300 * PAGE_SIZE <= arena + 900 * PAGE_SIZE);
	assert_null(page_alloc_below(1, MIB(1)));
	assert_null(page_alloc_large(PAGE_SIZE + 1, PAGE_SIZE));
}

static void test_refuses(void **state)
{
	(void)state;
	assert_null(page_alloc(0));
	assert_null(page_alloc(513));
	assert_null(page_alloc_large(UINT64_MAX & PAGE_MASK, PAGE_SIZE));
	assert_int_equal(stats().free_bytes, 768 * PAGE_SIZE);
}

static void test_add_merges(void **state)
{
	(void)state;
	page_alloc_add((uintptr_t)arena + 256 * PAGE_SIZE, 256 * PAGE_SIZE);
	assert_int_equal(stats().largest_free_bytes, 1024 * PAGE_SIZE);
	assert_non_null(page_alloc_large(ARENA_BYTES, MIB(2)));
	assert_int_equal(stats().free_bytes, 0);
	assert_null(page_alloc(1));
}

/* Random requests; every page carries its owner's number, so an overlap would show. */
static void test_random(void **state)
{
	struct {
		uint8_t *p;
		unsigned pages;
	} held[64] = { 0 };

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned slot = (unsigned)rand() % 64;
		uint64_t align = PAGE_SIZE << (rand() % 4);

		if (held[slot].p) {
			for (unsigned i = 0; i < held[slot].pages; i++)
				assert_int_equal(held[slot].p[i * PAGE_SIZE], slot + 1);
			page_free(held[slot].p, held[slot].pages);
			held[slot].p = NULL;
			continue;
		}
		held[slot].pages = 1 + (unsigned)rand() % 20;
		held[slot].p = page_alloc_aligned(held[slot].pages, align);
		for (unsigned i = 0; held[slot].p && i < held[slot].pages; i++)
			held[slot].p[i * PAGE_SIZE] = (uint8_t)(slot + 1);
	}
	for (unsigned i = 0; i < 64; i++)
		page_free(held[i].p, held[i].pages);
	assert_int_equal(stats().free_bytes, 768 * PAGE_SIZE);
	assert_int_equal(stats().largest_free_bytes, 512 * PAGE_SIZE);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_accounts),
		T(test_small_go_to_small_ranges_and_are_zero),
		T(test_alignment_and_limit),
		T(test_refuses),
		T(test_add_merges),
		T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
