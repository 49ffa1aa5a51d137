// sources: hv/dev/guest_walk.c hv/mem/guest_mem.c
/* Guest page-table walks in every paging mode, and fetches across a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/guest_walk.h"
#include "lib/errno.h"

#define RAM_BYTES (64 * 4096)
#define PG	  0x80000001
#define PAE	  0x20
#define PSE	  0x10
#define LMA	  0x500

static uint8_t ram[RAM_BYTES];
static const struct guest_mem gm = { 1, { { 0, RAM_BYTES, ram } } };

static int setup(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	return 0;
}

static void put64(uint64_t gpa, uint64_t v)
{
	memcpy(ram + gpa, &v, sizeof(v));
}

static void put32(uint64_t gpa, uint32_t v)
{
	memcpy(ram + gpa, &v, sizeof(v));
}

static uint64_t walk(const struct guest_cpu *cpu, uint64_t linear)
{
	uint64_t gpa;

	assert_int_equal(guest_walk(&gm, cpu, linear, &gpa), 0);
	return gpa;
}

static void walk_fails(const struct guest_cpu *cpu, uint64_t linear)
{
	uint64_t gpa;

	assert_int_equal(guest_walk(&gm, cpu, linear, &gpa), -EFAULT);
}

static void no_paging(void **state)
{
	struct guest_cpu cpu = { .cr0 = 1 };

	(void)state;
	assert_true(walk(&cpu, 0x12345678) == 0x12345678);
	assert_true(walk(&cpu, 0x112345678) == 0x12345678);
}

static void four_level(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1000 | 0xfff, .cr4 = PAE, .efer = LMA };
	const uint64_t linear = 0xffff800000000000 | 5ULL << 30 | 6ULL << 21 | 7ULL << 12;

	(void)state;
	cpu.cr3 = 0x1018; /* PCID or caching bits do not matter */
	put64(0x1000 + 256 * 8, 0x2000 | 0x8000000000000067);
	walk_fails(&cpu, linear);
	put64(0x2000 + 5 * 8, 0x3000 | 7);
	put64(0x3000 + 6 * 8, 0x4000 | 7);
	put64(0x4000 + 7 * 8, 0xabcde000 | 7);
	assert_true(walk(&cpu, linear + 0x123) == 0xabcde123);
	walk_fails(&cpu, linear + 0x1000);
	walk_fails(&cpu, linear & 0x0000ffffffffffff); /* not canonical */
	/* The large bit of a page-table entry is PAT, of the others a page */
	put64(0x4000 + 7 * 8, 0xabcde000 | 0x87);
	assert_true(walk(&cpu, linear + 0x123) == 0xabcde123);
	put64(0x3000 + 6 * 8, 0x40001000 | 0x87);
	assert_true(walk(&cpu, linear + 0x123) == 0x40007123);
	put64(0x2000 + 5 * 8, 0x7ffc0000000 | 0x87);
	assert_true(walk(&cpu, linear + 0x123) == (0x7ffc0000000 | 6 << 21 | 7 << 12 | 0x123));
}

static void five_level(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1000, .cr4 = PAE | 0x1000, .efer = LMA };
	const uint64_t linear = 1ULL << 48 | 2ULL << 39 | 3ULL << 30;

	(void)state;
	put64(0x1000 + 8, 0x2007);
	put64(0x2000 + 16, 0x3007);
	put64(0x3000 + 24, 0x80000087);
	assert_true(walk(&cpu, linear + 0x3fffffff) == 0xbfffffff);
	cpu.cr4 = PAE;
	walk_fails(&cpu, linear);
}

static void hostile_tables(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1000, .cr4 = PAE, .efer = LMA };

	(void)state;
	put64(0x1000, 0x1000 | 7); /* a table that is its own page: the walk ends all the same */
	assert_true(walk(&cpu, 0x10) == 0x1010);
	put64(0x1000, 0xfffffffff000 | 7);
	walk_fails(&cpu, 0);
	cpu.cr3 = UINT64_MAX;
	walk_fails(&cpu, 0);
	cpu.cr3 = RAM_BYTES;
	walk_fails(&cpu, 0);
}

static void pae(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1020, .cr4 = PAE };
	const uint64_t linear = 3ULL << 30 | 6 << 21 | 7 << 12 | 0x456;

	(void)state;
	walk_fails(&cpu, linear);
	put64(0x1020 + 3 * 8, 0x2001);
	put64(0x2000 + 6 * 8, 0x3007);
	put64(0x3000 + 7 * 8, 0x1abcde007);
	assert_true(walk(&cpu, linear) == 0x1abcde456);
	put64(0x2000 + 6 * 8, 0x100000087);
	assert_true(walk(&cpu, linear) == (0x100000000 | 7 << 12 | 0x456));
}

static void thirty_two_bit(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1000 };
	const uint64_t linear = 0x301ULL << 22 | 9 << 12 | 0x789;

	(void)state;
	walk_fails(&cpu, linear);
	put32(0x1000 + 0x301 * 4, 0x2087); /* without CR4.PSE that is a table */
	walk_fails(&cpu, linear);
	put32(0x2000 + 9 * 4, 0xfedcb007);
	assert_true(walk(&cpu, linear) == 0xfedcb789);
	cpu.cr4 = PSE;
	put32(0x1000 + 0x301 * 4, 0x00c02087);
	assert_true(walk(&cpu, linear) == (0x100c00000 | 9 << 12 | 0x789));
}

static void modes(void **state)
{
	struct guest_cpu cpu = { .cr0 = 1, .cs_l = true };

	(void)state;
	assert_int_equal(guest_cpu_mode(&cpu), DECODE_16);
	cpu.cs_d = true;
	assert_int_equal(guest_cpu_mode(&cpu), DECODE_32);
	cpu.efer = LMA;
	cpu.cs_d = false;
	assert_int_equal(guest_cpu_mode(&cpu), DECODE_64);
}

static void fetch(void **state)
{
	struct guest_cpu cpu = { .cr0 = PG, .cr3 = 0x1000, .cr4 = PAE, .efer = LMA, .cs_l = true };
	uint8_t bytes[DECODE_BYTES_MAX];

	(void)state;
	cpu.cs_base = 0x100000; /* ignored in 64-bit mode */
	put64(0x1000, 0x2007);
	put64(0x2000, 0x3007);
	put64(0x3000, 0x4007);
	put64(0x4000, 0x9007);
	put64(0x4008, 0x7007); /* pages are not neighbours */
	for (unsigned i = 0; i < 16; i++) {
		ram[0x9ff8 + i % 8] = (uint8_t)(i % 8);
		ram[0x7000 + i] = (uint8_t)(8 + i);
	}
	assert_int_equal(guest_fetch(&gm, &cpu, 0xff8, bytes), 15);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(bytes[i], i);
	assert_int_equal(guest_fetch(&gm, &cpu, 0x1ffe, bytes), 2);
	assert_int_equal(guest_fetch(&gm, &cpu, 0x2000, bytes), 0);
	put64(0x4010, 0xfee00007); /* code in no RAM */
	assert_int_equal(guest_fetch(&gm, &cpu, 0x2000, bytes), 0);
	assert_int_equal(guest_fetch(&gm, &cpu, UINT64_MAX - 3, bytes), 0);
	put64(0x1000 + 511 * 8, 0x2007);
	put64(0x2000 + 511 * 8, 0x3007);
	put64(0x3000 + 511 * 8, 0x4007);
	put64(0x4000 + 511 * 8, 0x9007);
	assert_int_equal(guest_fetch(&gm, &cpu, UINT64_MAX - 7, bytes), 15); /* wraps */
}

static void fetch_with_a_segment_base(void **state)
{
	struct guest_cpu cpu = { .cs_base = 0xffff0000 };
	uint8_t bytes[DECODE_BYTES_MAX];

	(void)state;
	ram[0x20] = 0x5a;
	assert_int_equal(guest_fetch(&gm, &cpu, 0x10020, bytes), 15);
	assert_int_equal(bytes[0], 0x5a);
	assert_int_equal(guest_fetch(&gm, &cpu, 0xfff0, bytes), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_paging, setup),
		cmocka_unit_test_setup(four_level, setup),
		cmocka_unit_test_setup(five_level, setup),
		cmocka_unit_test_setup(hostile_tables, setup),
		cmocka_unit_test_setup(pae, setup),
		cmocka_unit_test_setup(thirty_two_bit, setup),
		cmocka_unit_test_setup(modes, setup),
		cmocka_unit_test_setup(fetch, setup),
		cmocka_unit_test_setup(fetch_with_a_segment_base, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
