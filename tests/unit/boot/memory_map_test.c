// sources: boot/memory_map.c
/* The firmware's memory map: conversion, merging, overlaps, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/memory_map.h"
#include "lib/errno.h"

/* As real firmware does, descriptors are longer than the structure. */
#define DESCRIPTOR_BYTES 48
#define MAP_MAX		 2048

static struct boot_info info;
static uint8_t map[MAP_MAX * DESCRIPTOR_BYTES];
static size_t map_bytes;

static void add(uint32_t type, uint64_t hpa, uint64_t nr_pages)
{
	struct efi_descriptor d = { .type = type, .hpa = hpa, .nr_pages = nr_pages };

	memset(map + map_bytes, 0xee, DESCRIPTOR_BYTES);
	memcpy(map + map_bytes, &d, sizeof(d));
	map_bytes += DESCRIPTOR_BYTES;
}

static int convert(void)
{
	int r = memory_map_convert(&info, map, map_bytes, DESCRIPTOR_BYTES);

	map_bytes = 0;
	return r;
}

static int setup(void **state)
{
	(void)state;
	memset(&info, 0, sizeof(info));
	map_bytes = 0;
	return 0;
}

static void is(unsigned i, uint64_t hpa, uint64_t len_bytes, enum boot_mem_type type)
{
	assert_true(i < info.nr_mem);
	assert_true(info.mem[i].hpa == hpa);
	assert_true(info.mem[i].len_bytes == len_bytes);
	assert_int_equal(info.mem[i].type, type);
}

static void sorts_and_merges(void **state)
{
	(void)state;
	add(EFI_TYPE_CONVENTIONAL, 0x200000, 16);
	add(EFI_TYPE_BOOT_DATA, 0x210000, 16);
	add(EFI_TYPE_BOOT_CODE, 0x1f0000, 16);
	add(EFI_TYPE_LOADER_DATA, 0x220000, 1);
	add(EFI_TYPE_LOADER_CODE, 0x221000, 1);
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 3);
	is(0, 0, 0x1000, BOOT_MEM_RESERVED);
	is(1, 0x1f0000, 0x30000, BOOT_MEM_USABLE);
	is(2, 0x220000, 0x2000, BOOT_MEM_LOADER);
	assert_int_equal(memory_map_usable_bytes(&info), 0x30000);
}

static void all_types(void **state)
{
	static const enum boot_mem_type expected[] = {
		[EFI_TYPE_RESERVED] = BOOT_MEM_RESERVED,
		[EFI_TYPE_LOADER_CODE] = BOOT_MEM_LOADER,
		[EFI_TYPE_LOADER_DATA] = BOOT_MEM_LOADER,
		[EFI_TYPE_BOOT_CODE] = BOOT_MEM_USABLE,
		[EFI_TYPE_BOOT_DATA] = BOOT_MEM_USABLE,
		[EFI_TYPE_RUNTIME_CODE] = BOOT_MEM_RESERVED,
		[EFI_TYPE_RUNTIME_DATA] = BOOT_MEM_RESERVED,
		[EFI_TYPE_CONVENTIONAL] = BOOT_MEM_USABLE,
		[EFI_TYPE_UNUSABLE] = BOOT_MEM_RESERVED,
		[EFI_TYPE_ACPI_RECLAIM] = BOOT_MEM_ACPI,
		[EFI_TYPE_ACPI_NVS] = BOOT_MEM_RESERVED,
		[EFI_TYPE_MMIO] = BOOT_MEM_MMIO,
		[EFI_TYPE_MMIO_PORT] = BOOT_MEM_MMIO,
		[13] = BOOT_MEM_RESERVED, /* PAL code */
		[14] = BOOT_MEM_RESERVED, /* persistent */
		[15] = BOOT_MEM_RESERVED, /* unaccepted */
	};

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		add(i, 0x100000 * (i + 1), 1);
	add(0x80000000, 0x10000000, 1);
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 18);
	for (unsigned i = 0; i < 16; i++)
		is(i + 1, 0x100000 * (i + 1), 0x1000, expected[i]);
	is(17, 0x10000000, 0x1000, BOOT_MEM_RESERVED);
}

static void page_0_is_never_memory(void **state)
{
	(void)state;
	add(EFI_TYPE_CONVENTIONAL, 0, 0xa0);
	assert_int_equal(convert(), 0);
	is(0, 0, 0x1000, BOOT_MEM_RESERVED);
	is(1, 0x1000, 0x9f000, BOOT_MEM_USABLE);
}

static void overlaps_take_the_more_restrictive_type(void **state)
{
	(void)state;
	add(EFI_TYPE_RUNTIME_DATA, 0x108000, 2);
	add(EFI_TYPE_CONVENTIONAL, 0x100000, 16);
	add(EFI_TYPE_ACPI_RECLAIM, 0x10f000, 4);
	add(EFI_TYPE_CONVENTIONAL, 0x10e000, 8);
	add(EFI_TYPE_MMIO, 0x100000, 1);
	assert_int_equal(convert(), 0);
	is(1, 0x100000, 0x1000, BOOT_MEM_MMIO);
	is(2, 0x101000, 0x7000, BOOT_MEM_USABLE);
	is(3, 0x108000, 0x2000, BOOT_MEM_RESERVED);
	is(4, 0x10a000, 0x5000, BOOT_MEM_USABLE);
	is(5, 0x10f000, 0x4000, BOOT_MEM_ACPI);
	is(6, 0x113000, 0x3000, BOOT_MEM_USABLE);
	assert_int_equal(info.nr_mem, 7);
}

static void setting_splits_and_swallows(void **state)
{
	(void)state;
	add(EFI_TYPE_CONVENTIONAL, 0x200000, 0x100);
	assert_int_equal(convert(), 0);
	assert_int_equal(memory_map_set(&info, 0x240000, 0x10000, BOOT_MEM_HYPERVISOR), 0);
	is(1, 0x200000, 0x40000, BOOT_MEM_USABLE);
	is(2, 0x240000, 0x10000, BOOT_MEM_HYPERVISOR);
	is(3, 0x250000, 0xb0000, BOOT_MEM_USABLE);
	assert_int_equal(memory_map_set(&info, 0x240000, 0x8000, BOOT_MEM_USABLE), 0);
	is(1, 0x200000, 0x48000, BOOT_MEM_USABLE);
	is(2, 0x248000, 0x8000, BOOT_MEM_HYPERVISOR);
	assert_int_equal(memory_map_set(&info, 0x100000, 0x300000, BOOT_MEM_LOADER), 0);
	is(1, 0x100000, 0x300000, BOOT_MEM_LOADER);
	assert_int_equal(info.nr_mem, 2);
	assert_int_equal(memory_map_set(&info, 0x100000, 0, BOOT_MEM_MMIO), 0);
	assert_int_equal(info.nr_mem, 2);
}

static void sums(void **state)
{
	(void)state;
	add(EFI_TYPE_CONVENTIONAL, 0x100000, 0x100);
	add(EFI_TYPE_CONVENTIONAL, GIB(4), 0x40000);
	add(EFI_TYPE_RESERVED, GIB(1020), 0x40000);
	add(EFI_TYPE_MMIO, GIB(2048), 0x40000);
	assert_int_equal(convert(), 0);
	assert_true(memory_map_usable_bytes(&info) == GIB(1) + 0x100000);
	assert_true(memory_map_ram_end(&info) == GIB(5));
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	add(EFI_TYPE_CONVENTIONAL, 0x200800, 1);
	assert_int_equal(convert(), -EINVAL);
	add(EFI_TYPE_CONVENTIONAL, 0x200000, UINT64_MAX);
	assert_int_equal(convert(), -EINVAL);
	add(EFI_TYPE_RESERVED, BIT64(52), 1);
	assert_int_equal(convert(), -EINVAL);
	add(EFI_TYPE_RESERVED, UINT64_C(0xfffffffffffff000), 1);
	assert_int_equal(convert(), -EINVAL);
	assert_int_equal(memory_map_convert(&info, map, 39, 39), -EINVAL);
}

static void empty_and_partial_maps(void **state)
{
	(void)state;
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 1);
	add(EFI_TYPE_CONVENTIONAL, 0x200000, 1);
	map_bytes--; /* half a descriptor is none */
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 1);
	add(EFI_TYPE_CONVENTIONAL, 0x200000, 0);
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 1);
}

static void too_many_ranges(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BOOT_MEM_MAX - 1; i++)
		add(EFI_TYPE_CONVENTIONAL, 0x10000 * (i + 1), 1);
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, BOOT_MEM_MAX);
	for (unsigned i = 0; i < BOOT_MEM_MAX; i++)
		add(EFI_TYPE_CONVENTIONAL, 0x10000 * (i + 1), 1);
	assert_int_equal(convert(), -ENOSPC);
	/* that many descriptors are no problem where they merge */
	for (unsigned i = 0; i < MAP_MAX; i++)
		add(EFI_TYPE_CONVENTIONAL, 0x1000 * (MAP_MAX - i), 1);
	assert_int_equal(convert(), 0);
	assert_int_equal(info.nr_mem, 2);
}

/* Random maps against one type per page. */
static void random_maps_against_a_page_array(void **state)
{
	enum { PAGES = 64, NONE = 99 };

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t page[PAGES];
		unsigned nr = 0;

		info.nr_mem = 0;
		memset(page, NONE, sizeof(page));
		for (unsigned i = 0; i < 12; i++) {
			unsigned first = (unsigned)rand() % PAGES;
			unsigned n = (unsigned)rand() % (PAGES - first + 1);
			unsigned type = (unsigned)rand() % 3;

			assert_int_equal(memory_map_set(&info, first * 4096, n * 4096, type), 0);
			memset(page + first, (int)type, n);
		}
		for (unsigned i = 0; i < info.nr_mem; i++) {
			const struct boot_mem *m = &info.mem[i];

			assert_true(m->len_bytes > 0);
			if (i > 0 && m[-1].type == m->type)
				assert_true(m[-1].hpa + m[-1].len_bytes < m->hpa);
			else if (i > 0)
				assert_true(m[-1].hpa + m[-1].len_bytes <= m->hpa);
			for (uint64_t k = 0; k < m->len_bytes / 4096; k++, nr++)
				assert_int_equal(page[m->hpa / 4096 + k], m->type);
		}
		for (unsigned i = 0; i < PAGES; i++)
			nr += page[i] == NONE;
		assert_int_equal(nr, PAGES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sorts_and_merges, setup),
		cmocka_unit_test_setup(all_types, setup),
		cmocka_unit_test_setup(page_0_is_never_memory, setup),
		cmocka_unit_test_setup(overlaps_take_the_more_restrictive_type, setup),
		cmocka_unit_test_setup(setting_splits_and_swallows, setup),
		cmocka_unit_test_setup(sums, setup),
		cmocka_unit_test_setup(nonsense_is_refused, setup),
		cmocka_unit_test_setup(empty_and_partial_maps, setup),
		cmocka_unit_test_setup(too_many_ranges, setup),
		cmocka_unit_test_setup(random_maps_against_a_page_array, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
