// sources: boot/elf_load.c
/* The hypervisor's ELF file: a good one, and every way in which one can be broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/elf_load.h"
#include "lib/errno.h"

#define BASE UINT64_C(0xffffffff80000000)

/* As in the System V ABI, written down independently of elf_load.c. */
struct header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

enum { X = 1, W = 2, R = 4 };

static struct {
	struct header h;
	struct segment seg[20];
	uint8_t data[0x300];
} file;

static struct elf_image image;
static const char *why;

static void reset(void)
{
	memset(&file, 0, sizeof(file));
	memcpy(file.h.ident, "\177ELF\2\1\1", 7);
	file.h.type = 2;
	file.h.machine = 62;
	file.h.version = 1;
	file.h.entry = BASE + 0x10;
	file.h.phoff = sizeof(struct header);
	file.h.phentsize = sizeof(struct segment);
	file.h.phnum = 3;
	for (unsigned i = 0; i < sizeof(file.data); i++)
		file.data[i] = (uint8_t)(i * 7 + 1);
	file.seg[0] = (struct segment){ 1, R | X, offsetof(__typeof__(file), data), BASE, 0, 0x100,
		0x100, 4096 };
	/* the order in the file is not that in memory */
	file.seg[1] = (struct segment){ 1, R | W, offsetof(__typeof__(file), data) + 0x200,
		BASE + 0x2020, 0, 0x80, 0x3000, 4096 };
	file.seg[2] = (struct segment){ 1, R, offsetof(__typeof__(file), data) + 0x100,
		BASE + 0x1000, 0, 0x100, 0x100, 4096 };
}

static int setup(void **state)
{
	(void)state;
	reset();
	return 0;
}

/* Parses an exact copy, so that the sanitizer sees a read beyond its end. */
static int parse(size_t len)
{
	void *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, &file, len);
	r = elf_parse(copy, len, &image, &why);
	free(copy);
	return r;
}

static void broken(const char *expected)
{
	assert_int_equal(parse(sizeof(file)), -EINVAL);
	assert_string_equal(why, expected);
	reset();
}

static void good_file_is_sorted_and_measured(void **state)
{
	(void)state;
	assert_int_equal(parse(sizeof(file)), 0);
	assert_null(why);
	assert_true(image.entry == BASE + 0x10);
	assert_true(image.virt == BASE);
	assert_int_equal(image.len_bytes, 0x6000);
	assert_int_equal(image.nr_segments, 3);
	assert_true(image.segment[1].virt == BASE + 0x1000);
	assert_true(image.segment[0].exec && !image.segment[0].write);
	assert_true(!image.segment[1].exec && !image.segment[1].write);
	assert_true(!image.segment[2].exec && image.segment[2].write);
}

static void placing_copies_and_zeroes(void **state)
{
	uint8_t *dst;

	(void)state;
	assert_int_equal(parse(sizeof(file)), 0);
	dst = malloc(image.len_bytes);
	memset(dst, 0xaa, image.len_bytes);
	elf_place(&file, &image, dst);
	assert_memory_equal(dst, file.data, 0x100);
	assert_memory_equal(dst + 0x1000, file.data + 0x100, 0x100);
	assert_memory_equal(dst + 0x2020, file.data + 0x200, 0x80);
	for (size_t i = 0x20a0; i < image.len_bytes; i++)
		assert_int_equal(dst[i], 0);
	assert_int_equal(dst[0x100], 0);
	assert_int_equal(dst[0x2010], 0);
	free(dst);
}

static void other_kinds_of_files(void **state)
{
	(void)state;
	assert_int_equal(parse(0), -EINVAL);
	assert_string_equal(why, "not an ELF file");
	assert_int_equal(parse(63), -EINVAL);
	file.h.ident[1] = 'e';
	broken("not an ELF file");
	file.h.ident[4] = 1;
	broken("not a 64-bit little-endian ELF file");
	file.h.ident[5] = 2;
	broken("not a 64-bit little-endian ELF file");
	file.h.machine = 183;
	broken("built for another machine than x86-64");
	file.h.type = 3;
	broken("not a statically linked executable");
	file.seg[2].type = 3;
	broken("dynamically linked");
}

static void truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < offsetof(__typeof__(file), data) + 0x280; len++)
		assert_int_equal(parse(len), -EINVAL);
	assert_int_equal(parse(offsetof(__typeof__(file), data) + 0x280), 0);
}

static void program_headers_outside(void **state)
{
	(void)state;
	file.h.phentsize = 32;
	broken("program headers of an unknown size");
	file.h.phnum = 0;
	broken("nothing to load in it");
	file.h.phnum = 65535;
	broken("truncated: its program headers lie outside the file");
	file.h.phoff = UINT64_MAX - 8;
	broken("truncated: its program headers lie outside the file");
}

static void segments_outside_the_file(void **state)
{
	(void)state;
	file.seg[0].offset = sizeof(file) - 0xff;
	broken("truncated: a segment lies outside the file");
	file.seg[0].offset = UINT64_MAX - 0x80;
	broken("truncated: a segment lies outside the file");
	file.seg[0].filesz = UINT64_MAX;
	broken("truncated: a segment lies outside the file");
	file.seg[0].memsz = 0xff;
	broken("a segment is larger in the file than in memory");
}

static void segments_in_wrong_places(void **state)
{
	(void)state;
	file.seg[0].vaddr = 0x100000;
	broken("a segment is not in the upper half of the address space");
	file.seg[1].memsz = UINT64_MAX;
	broken("a segment wraps around the end of the address space");
	file.seg[1].memsz = -(BASE + 0x2020);
	broken("a segment wraps around the end of the address space");
	file.seg[1].vaddr = BASE - MIB(64);
	broken("larger than 64 MiB in memory");
	file.seg[2].vaddr = BASE + 0x2000;
	broken("two segments share a page");
	file.seg[2].vaddr = BASE + 0xf00;
	broken("two segments share a page");
}

static void writable_and_executable(void **state)
{
	(void)state;
	file.seg[1].flags = R | W | X;
	broken("a segment is both writable and executable");
}

static void entry_outside(void **state)
{
	(void)state;
	file.h.entry = BASE + 0x100;
	broken("its entry is not in an executable segment");
	file.h.entry = BASE + 0x1000;
	broken("its entry is not in an executable segment");
	file.h.entry = 0;
	broken("its entry is not in an executable segment");
}

static void number_of_segments(void **state)
{
	(void)state;
	file.h.phnum = ELF_SEGMENTS_MAX;
	for (unsigned i = 3; i < 20; i++)
		file.seg[i] = (struct segment){
			.type = 1, .flags = R, .vaddr = BASE + 0x10000 * i, .memsz = 1
		};
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(image.nr_segments, ELF_SEGMENTS_MAX);
	file.h.phnum++;
	broken("too many segments");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good_file_is_sorted_and_measured, setup),
		cmocka_unit_test_setup(placing_copies_and_zeroes, setup),
		cmocka_unit_test_setup(other_kinds_of_files, setup),
		cmocka_unit_test_setup(truncated, setup),
		cmocka_unit_test_setup(program_headers_outside, setup),
		cmocka_unit_test_setup(segments_outside_the_file, setup),
		cmocka_unit_test_setup(segments_in_wrong_places, setup),
		cmocka_unit_test_setup(writable_and_executable, setup),
		cmocka_unit_test_setup(entry_outside, setup),
		cmocka_unit_test_setup(number_of_segments, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
