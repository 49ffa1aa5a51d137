// sources: hv/vm/bzimage.c hv/vm/pvh.c hv/vm/guest_load.c hv/vm/boot_params.c hv/mem/guest_mem.c
/* bzImage placement, zero page and entry state, and what broken files get. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/boot_params.h"
#include "vm/guest_layout.h"
#include "vm/guest_load.h"

#define RAM_LEN	 MIB(32)
#define CODE_LEN 0x3000u
#define FILE_LEN (2 * SETUP_SECTOR_BYTES + CODE_LEN)

struct fixture {
	uint8_t *ram;
	uint8_t file[FILE_LEN];
	uint8_t initrd[5000];
	struct guest_mem gm;
	struct guest_files files;
	struct guest_entry entry;
	char why[96];
};

static struct setup_header *header(struct fixture *x)
{
	return (struct setup_header *)(x->file + SETUP_HEADER_OFFSET);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	struct setup_header *h = header(x);

	x->ram = calloc(1, RAM_LEN);
	x->gm = (struct guest_mem){ 1, { { 0, RAM_LEN, x->ram } } };
	memset(x->file + 2 * SETUP_SECTOR_BYTES, 0x90, CODE_LEN);
	memset(x->initrd, 0x5a, sizeof(x->initrd));
	h->setup_sects = 1;
	h->syssize = CODE_LEN / 16;
	h->boot_flag = SETUP_BOOT_FLAG;
	h->jump = 0x6aeb;
	h->header = SETUP_HEADER_MAGIC;
	h->version = 0x020f;
	h->loadflags = SETUP_LOADED_HIGH;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->xloadflags = SETUP_XLF_KERNEL_64;
	h->cmdline_size = 64;
	h->pref_address = 0x1000000;
	h->init_size = 0x100000;
	x->files = (struct guest_files){ x->file, FILE_LEN, x->initrd, sizeof(x->initrd),
		"console=ttyS0" };
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	free(x->ram);
	free(x);
	return 0;
}

static int load(struct fixture *x)
{
	return guest_load(&x->gm, &x->files, GUEST_ACPI_GPA, &x->entry, x->why, sizeof(x->why));
}

static void test_loads_at_preferred_address(void **state)
{
	struct fixture *x = *state;
	const struct boot_params *bp = (void *)(x->ram + GUEST_ZERO_PAGE_GPA);

	assert_int_equal(load(x), 0);
	assert_string_equal(x->why, "");
	assert_int_equal(x->entry.mode, ENTRY_LONG64);
	assert_int_equal(x->entry.rip, 0x1000200);
	assert_int_equal(x->entry.rsi, GUEST_ZERO_PAGE_GPA);
	assert_int_equal(x->entry.cs, 0x10);
	assert_int_equal(x->entry.ds, 0x18);
	assert_memory_equal(x->ram + 0x1000000, x->file + 1024, CODE_LEN);
	assert_string_equal((char *)x->ram + bp->hdr.cmd_line_ptr, "console=ttyS0");
	assert_int_equal(bp->acpi_rsdp_addr, GUEST_ACPI_GPA);
	assert_int_equal(bp->hdr.ramdisk_size, sizeof(x->initrd));
	assert_int_equal(bp->hdr.ramdisk_image, RAM_LEN - 0x2000);
	assert_memory_equal(x->ram + bp->hdr.ramdisk_image, x->initrd, sizeof(x->initrd));
}

static void test_identity_map_covers_4_gib(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(load(x), 0);
	for (uint64_t gpa = 0; gpa < GIB(4); gpa += MIB(2)) {
		const uint64_t *pml4 = (void *)(x->ram + x->entry.cr3);
		const uint64_t *pdpt = (void *)(x->ram + (pml4[0] & PAGE_MASK));
		const uint64_t *pd = (void *)(x->ram + (pdpt[gpa >> 30] & PAGE_MASK));

		assert_int_equal(pd[gpa >> 21 & 511], gpa | 0x83);
	}
}

static void test_memory_map_with_high_ram(void **state)
{
	struct fixture *x = *state;
	const struct boot_params *bp = (void *)(x->ram + GUEST_ZERO_PAGE_GPA);
	uint64_t ram = 0, end = 0;

	x->gm.nr_regions = 2;
	x->gm.region[1] = (struct guest_mem_region){ GUEST_HIGH_RAM_GPA, MIB(4), x->ram };
	assert_int_equal(load(x), 0);
	assert_int_equal(bp->e820_entries, 7);
	for (unsigned i = 0; i < bp->e820_entries; i++) {
		struct e820_entry e = bp->e820_table[i];

		assert_true(e.gpa >= end);
		end = e.gpa + e.len_bytes;
		if (e.type == MEMORY_MAP_RAM)
			ram += e.len_bytes;
	}
	assert_int_equal(end, GUEST_HIGH_RAM_GPA + MIB(4));
	assert_int_equal(ram, RAM_LEN + MIB(4) - 0x60000);
}

static void test_relocates_if_preferred_does_not_fit(void **state)
{
	struct fixture *x = *state;

	header(x)->pref_address = RAM_LEN - 0x1000;
	assert_int_equal(load(x), 0);
	assert_int_equal(x->entry.rip, 0x200200);
	header(x)->relocatable_kernel = 0;
	assert_int_equal(load(x), -ENOSPC);
	header(x)->pref_address = UINT64_MAX - 0xfff;
	assert_int_equal(load(x), -ENOSPC);
	header(x)->pref_address = 0x2000; /* over the page tables */
	assert_int_equal(load(x), -ENOSPC);
}

static void expect_fail(struct fixture *x, int err, const char *why)
{
	assert_int_equal(load(x), err);
	assert_string_equal(x->why, why);
}

static void test_refuses_bad_headers(void **state)
{
	struct fixture *x = *state;

	header(x)->version = 0x020b;
	expect_fail(x, -EINVAL, "bzImage: boot protocol older than 2.12");
	header(x)->version = 0x020c;
	header(x)->xloadflags = 0;
	expect_fail(x, -EINVAL, "bzImage: no 64-bit entry point");
	header(x)->xloadflags = SETUP_XLF_KERNEL_64;
	header(x)->kernel_alignment = 0x300000;
	expect_fail(x, -EINVAL, "bzImage: bad kernel_alignment");
	header(x)->kernel_alignment = 0;
	expect_fail(x, -EINVAL, "bzImage: bad kernel_alignment");
	header(x)->kernel_alignment = 0x1000;
	header(x)->syssize = UINT32_MAX;
	expect_fail(x, -EINVAL, "bzImage: file is truncated");
	header(x)->syssize = 0;
	expect_fail(x, -EINVAL, "bzImage: no code");
	header(x)->setup_sects = 255;
	expect_fail(x, -EINVAL, "bzImage: file is truncated");
	header(x)->header = 0;
	expect_fail(x, -EINVAL, "kernel is neither a bzImage nor an ELF file");
}

static void test_every_truncation_fails(void **state)
{
	struct fixture *x = *state;
	uint8_t *copy;

	for (uint64_t len = 0; len < FILE_LEN; len += len < 1100 ? 1 : 509) {
		copy = malloc(len + 1);
		memcpy(copy, x->file, len);
		x->files.kernel = copy;
		x->files.kernel_len_bytes = len;
		assert_int_equal(load(x), -EINVAL);
		free(copy);
	}
}

static void test_initrd_limits(void **state)
{
	struct fixture *x = *state;
	const struct boot_params *bp = (void *)(x->ram + GUEST_ZERO_PAGE_GPA);

	header(x)->initrd_addr_max = 0x17fffff;
	assert_int_equal(load(x), 0);
	assert_int_equal(bp->hdr.ramdisk_image, 0x1800000 - 0x2000);
	header(x)->initrd_addr_max = 0x1100fff; /* one page above the kernel: too little */
	assert_int_equal(load(x), -ENOSPC);
	header(x)->initrd_addr_max = 0;
	assert_int_equal(load(x), -ENOSPC);
	x->files.initrd_len_bytes = 0;
	assert_int_equal(load(x), 0);
	assert_int_equal(bp->hdr.ramdisk_image, 0);
	x->files.initrd_len_bytes = UINT64_MAX;
	assert_int_equal(load(x), -ENOSPC);
}

static void test_cmdline_limit(void **state)
{
	struct fixture *x = *state;
	char line[66];

	memset(line, 'x', 65);
	line[65] = '\0';
	x->files.cmdline = line;
	assert_int_equal(load(x), -EINVAL);
	line[64] = '\0';
	assert_int_equal(load(x), 0);
}

static void test_little_memory(void **state)
{
	struct fixture *x = *state;

	x->gm.region[0].len_bytes = MIB(1);
	assert_int_equal(load(x), -ENOSPC);
	x->gm.nr_regions = 0;
	assert_int_equal(load(x), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loads_at_preferred_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity_map_covers_4_gib, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_map_with_high_ram, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_relocates_if_preferred_does_not_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_bad_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_truncation_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cmdline_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_little_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
