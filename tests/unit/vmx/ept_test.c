// sources: hv/vmx/ept.c hv/mem/pagetable.c tests/support/fake_vmx.c
/* A guest's address space: leaves as large as the processor allows, entries as SDM vol. 3C, 29.3
 * has them, and flushes where they are due. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_vmx.h"
#include "mem/page_alloc.h"
#include "vmx/ept.h"
#include "vmx/vmx.h"

struct vmx_caps vmx_caps;

static unsigned pages, pages_max;
static struct ept ept;

void *page_alloc(unsigned nr_pages)
{
	if (nr_pages != 1 || pages == pages_max)
		return NULL;
	pages++;
	return memset(aligned_alloc(PAGE_SIZE, PAGE_SIZE), 0, PAGE_SIZE);
}

void page_free(void *hva, unsigned nr_pages)
{
	pages -= nr_pages;
	free(hva);
}

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	pages = 0;
	pages_max = 1000;
	vmx_caps = (struct vmx_caps){ .vpid = true };
	vmx_caps.ept_vpid = EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M | EPT_CAP_1G | EPT_CAP_INVEPT |
			    EPT_CAP_INVEPT_SINGLE;
	memset(&ept, 0, sizeof(ept));
	assert_int_equal(ept_init(&ept), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ept_destroy(&ept);
	assert_int_equal(ept.pointer, 0);
	assert_int_equal(pages, 0);
	return 0;
}

static void again_with(uint64_t missing_caps)
{
	ept_destroy(&ept);
	vmx_caps.ept_vpid &= ~missing_caps;
	assert_int_equal(ept_init(&ept), 0);
}

/* The entry that maps gpa, walked by hand; its level in *level. */
static uint64_t entry_of(uint64_t gpa, unsigned *level)
{
	uint64_t *table = (uint64_t *)(ept.pointer & ~UINT64_C(0xfff)), e = 0;

	for (*level = 4; *level >= 1; --*level) {
		e = table[gpa >> (3 + 9 * *level) & 511];
		if (!(e & 7) || *level == 1 || e & BIT64(7))
			return e;
		assert_int_equal(e & 0xfff, 7); /* tables: all rights, nothing reserved */
		table = (uint64_t *)(e & ~UINT64_C(0xfff));
	}
	return e;
}

static void check(uint64_t gpa, unsigned wanted_level, uint64_t wanted)
{
	unsigned level;

	assert_int_equal(entry_of(gpa, &level), wanted);
	assert_int_equal(level, wanted_level);
}

#define LARGE BIT64(7)

static void pointer_is_well_formed(void **state)
{
	(void)state;
	assert_int_equal(ept.pointer & 7, 6);	   /* write-back */
	assert_int_equal(ept.pointer >> 3 & 7, 3); /* four levels */
	assert_int_equal(ept.pointer & 0xfc0, 0);  /* no accessed and dirty flags, reserved */
}

static void leaves_follow_capabilities(void **state)
{
	const uint64_t ram = EPT_READ | EPT_WRITE | EPT_EXECUTE | 6 << 3;

	(void)state;
	assert_int_equal(EPT_RAM, ram);
	assert_int_equal(ept_map(&ept, 0, GIB(4), GIB(1), EPT_RAM), 0);
	check(0x12345678, 3, GIB(4) | ram | LARGE);
	again_with(EPT_CAP_1G);
	assert_int_equal(ept_map(&ept, 0, GIB(4), GIB(1), EPT_RAM), 0);
	check(0, 2, GIB(4) | ram | LARGE);
	check(GIB(1) - 1, 2, (GIB(5) - MIB(2)) | ram | LARGE);
	check(GIB(1), 3, 0);
	again_with(EPT_CAP_2M);
	assert_int_equal(ept_map(&ept, 0, GIB(4), MIB(4), EPT_RAM), 0);
	check(0x5000, 1, (GIB(4) + 0x5000) | ram);
	check(MIB(4), 2, 0);
}

/* 1 GiB pages without 2 MiB ones are not a thing; still nothing larger than allowed. */
static void alignment_limits_leaves(void **state)
{
	(void)state;
	assert_int_equal(ept_map(&ept, 0, GIB(4) + MIB(2), GIB(1), EPT_RAM), 0);
	check(0, 2, (GIB(4) + MIB(2)) | EPT_RAM | LARGE);
	assert_int_equal(ept_map(&ept, GIB(2), GIB(8) + 0x1000, MIB(4), EPT_RAM), 0);
	check(GIB(2), 1, (GIB(8) + 0x1000) | EPT_RAM);
}

/* A guest of 3.5 GiB and one hole, as vm/build.c maps it. */
static void holes_stay_holes(void **state)
{
	unsigned level;

	(void)state;
	assert_int_equal(ept_map(&ept, 0, GIB(16), GIB(3), EPT_RAM), 0);
	assert_int_equal(ept_map(&ept, GIB(4), GIB(19), MIB(512), EPT_RAM), 0);
	assert_int_equal(entry_of(GIB(3), &level), 0);
	assert_int_equal(entry_of(0xfec00000, &level), 0);
	assert_int_equal(entry_of(0xfee00000, &level), 0);
	assert_int_equal(entry_of(GIB(4) + MIB(512), &level), 0);
	check(GIB(4) + MIB(510), 2, (GIB(19) + MIB(510)) | EPT_RAM | LARGE);
}

static void permissions_and_split(void **state)
{
	const uint64_t read_only = EPT_READ | EPT_WB, device = EPT_READ | EPT_WRITE | EPT_UC;

	(void)state;
	assert_int_equal(ept_map(&ept, 0, GIB(4), GIB(1), EPT_RAM), 0);
	assert_int_equal(ept_map(&ept, 0x3000, GIB(9), 0x1000, read_only), 0);
	check(0x3000, 1, GIB(9) | read_only);
	check(0x2000, 1, (GIB(4) + 0x2000) | EPT_RAM);
	check(0x4000, 1, (GIB(4) + 0x4000) | EPT_RAM);
	check(MIB(2), 2, (GIB(4) + MIB(2)) | EPT_RAM | LARGE);
	assert_int_equal(ept_map(&ept, GIB(2), GIB(10), MIB(2), device), 0);
	check(GIB(2), 2, GIB(10) | device | LARGE);
	assert_int_equal(EPT_UC, 0);
}

static void errors(void **state)
{
	(void)state;
	assert_int_equal(ept_map(&ept, 0x800, GIB(4), 0x1000, EPT_RAM), -EINVAL);
	assert_int_equal(ept_map(&ept, 0, GIB(4) + 8, 0x1000, EPT_RAM), -EINVAL);
	assert_int_equal(ept_map(&ept, 0, GIB(4), 0x1001, EPT_RAM), -EINVAL);
	pages_max = pages + 1;
	assert_int_equal(ept_map(&ept, 0, GIB(4), 0x1000, EPT_RAM), -ENOMEM);
	pages_max = 1000;
	assert_int_equal(ept_map(&ept, 0, GIB(4), 0x1000, EPT_RAM), 0);
}

static void no_memory_for_the_root(void **state)
{
	struct ept other = { 0 };

	(void)state;
	pages_max = pages;
	assert_int_equal(ept_init(&other), -ENOMEM);
	ept_destroy(&other);
	pages_max = 1000;
}

/* Each core flushes once for each change, before its first entry too. */
static void sync_flushes_each_core_once(void **state)
{
	(void)state;
	for (unsigned round = 1; round < 4; round++) {
		for (fake_core_index = 0; fake_core_index < FAKE_CORES; fake_core_index++) {
			ept_sync(&ept);
			ept_sync(&ept);
			assert_int_equal(fake_this()->nr_invept, round);
			assert_int_equal(fake_this()->last_invept_type, 1);
			assert_int_equal(fake_this()->last_invept_tag, ept.pointer);
		}
		assert_int_equal(ept_map(&ept, 0, GIB(4) * round, MIB(2), EPT_RAM), 0);
	}
	fake_core_index = 0;
}

/* A change that failed half-way may have changed something. */
static void failed_change_flushes_too(void **state)
{
	(void)state;
	ept_sync(&ept);
	pages_max = pages + 1;
	assert_int_equal(ept_map(&ept, 0, GIB(4), 0x1000, EPT_RAM), -ENOMEM);
	ept_sync(&ept);
	assert_int_equal(fake_this()->nr_invept, 2);
}

static void flushes_all_where_single_is_missing(void **state)
{
	(void)state;
	vmx_caps.ept_vpid &= ~EPT_CAP_INVEPT_SINGLE;
	ept_sync(&ept);
	assert_int_equal(fake_this()->last_invept_type, 2);
}

/* The pages of a guest that is gone may become another one's root. */
static void reuse_of_a_root_flushes(void **state)
{
	uint32_t generation = ept.generation;

	(void)state;
	ept_sync(&ept);
	again_with(0);
	assert_true(ept.generation != generation);
	ept_sync(&ept);
	assert_int_equal(fake_this()->nr_invept, 2);
}

static void vpid(void **state)
{
	(void)state;
	vpid_flush(7);
	assert_int_equal(fake_this()->nr_invvpid, 1);
	assert_int_equal(fake_this()->last_invvpid_type, 1);
	assert_int_equal(fake_this()->last_invvpid_tag, 7);
	vmx_caps.vpid = false;
	vpid_flush(7);
	assert_int_equal(fake_this()->nr_invvpid, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pointer_is_well_formed),
		TEST(leaves_follow_capabilities),
		TEST(alignment_limits_leaves),
		TEST(holes_stay_holes),
		TEST(permissions_and_split),
		TEST(errors),
		TEST(no_memory_for_the_root),
		TEST(sync_flushes_each_core_once),
		TEST(failed_change_flushes_too),
		TEST(flushes_all_where_single_is_missing),
		TEST(reuse_of_a_root_flushes),
		TEST(vpid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
