// sources: hv/vm/bzimage.c hv/vm/pvh.c hv/vm/guest_load.c hv/vm/boot_params.c hv/mem/guest_mem.c
/* PVH ELF loading: segments, entry note, start info, and what broken files get. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <elf.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/guest_layout.h"
#include "vm/guest_load.h"

#define RAM_LEN MIB(8)

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment[2];
	struct {
		Elf64_Nhdr header; /* another owner's note comes first */
		char name[8], desc[4];
	} other;
	struct {
		Elf64_Nhdr header;
		char name[4];
		uint64_t entry;
	} __attribute__((packed)) note;
	uint8_t code[64];
};

struct fixture {
	uint8_t *ram;
	struct image *file; /* on the heap by itself, so that ASan sees its end */
	struct guest_mem gm;
	struct guest_files files;
	struct guest_entry entry;
	char why[96];
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	struct image *f = calloc(1, sizeof(*f));

	x->ram = malloc(RAM_LEN);
	memset(x->ram, 0xcc, RAM_LEN);
	x->gm = (struct guest_mem){ 1, { { 0, RAM_LEN, x->ram } } };
	memcpy(f->header.e_ident, "\177ELF\2\1\1", 7);
	f->header.e_machine = EM_X86_64;
	f->header.e_phoff = offsetof(struct image, segment);
	f->header.e_phentsize = sizeof(Elf64_Phdr);
	f->header.e_phnum = 2;
	f->segment[0].p_type = PT_LOAD;
	f->segment[0].p_offset = offsetof(struct image, code);
	f->segment[0].p_paddr = 0x200000;
	f->segment[0].p_filesz = sizeof(f->code);
	f->segment[0].p_memsz = 4096;
	f->segment[1].p_type = PT_NOTE;
	f->segment[1].p_offset = offsetof(struct image, other);
	f->segment[1].p_filesz = sizeof(f->other) + sizeof(f->note);
	f->other.header = (Elf64_Nhdr){ 5, 4, 18 };
	memcpy(f->other.name, "Xeno", 5);
	f->note.header = (Elf64_Nhdr){ 4, 8, 18 };
	memcpy(f->note.name, "Xen", 4);
	f->note.entry = 0x200010;
	memset(f->code, 0x90, sizeof(f->code));
	x->file = f;
	x->files = (struct guest_files){ (uint8_t *)f, sizeof(*f), f->code, 10, "a=b" };
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	free(x->ram);
	free(x->file);
	free(x);
	return 0;
}

static int load(struct fixture *x)
{
	return guest_load(&x->gm, &x->files, GUEST_ACPI_GPA, &x->entry, x->why, sizeof(x->why));
}

static uint64_t get64(const struct fixture *x, uint64_t gpa)
{
	uint64_t v;

	memcpy(&v, x->ram + gpa, sizeof(v));
	return v;
}

static void test_loads_segments_and_enters(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(load(x), 0);
	assert_int_equal(x->entry.mode, ENTRY_PROTECTED32);
	assert_int_equal(x->entry.rip, 0x200010);
	assert_int_equal(x->entry.rbx, GUEST_PVH_START_GPA);
	assert_int_equal(x->entry.cs, 0x08);
	assert_memory_equal(x->ram + 0x200000, x->file->code, sizeof(x->file->code));
	for (unsigned i = sizeof(x->file->code); i < 4096; i++)
		assert_int_equal(x->ram[0x200000 + i], 0);
	assert_int_equal(x->ram[0x201000], 0xcc);
}

static void test_start_info(void **state)
{
	struct fixture *x = *state;
	uint64_t info = GUEST_PVH_START_GPA, modules, map;

	assert_int_equal(load(x), 0);
	assert_int_equal(get64(x, info), UINT64_C(1) << 32 | 0x336ec578);
	assert_int_equal(get64(x, info + 8), UINT64_C(1) << 32);
	modules = get64(x, info + 16);
	assert_string_equal((char *)x->ram + get64(x, info + 24), "a=b");
	assert_int_equal(get64(x, info + 32), GUEST_ACPI_GPA);
	map = get64(x, info + 40);
	assert_int_equal(get64(x, info + 48), 6);
	assert_int_equal(get64(x, map), 0);
	assert_int_equal(get64(x, map + 8), GUEST_LOW_HOLE_GPA);
	assert_int_equal(get64(x, modules), RAM_LEN - PAGE_SIZE);
	assert_int_equal(get64(x, modules + 8), 10);
	x->files.initrd_len_bytes = 0;
	assert_int_equal(load(x), 0);
	assert_int_equal(get64(x, info + 8), 0);
}

static void expect_fail(struct fixture *x, int err, const char *why)
{
	assert_int_equal(load(x), err);
	assert_string_equal(x->why, why);
}

static void test_no_note(void **state)
{
	struct fixture *x = *state;

	x->file->note.header.n_type = 17;
	expect_fail(x, -EINVAL, "ELF: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)");
	x->file->note.header.n_type = 18;
	x->file->note.header.n_descsz = UINT32_MAX;
	expect_fail(x, -EINVAL, "ELF: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)");
	x->file->note.header.n_descsz = 8;
	x->file->other.header.n_namesz = UINT32_MAX;
	expect_fail(x, -EINVAL, "ELF: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)");
	x->file->segment[1].p_offset = UINT64_MAX - 4;
	expect_fail(x, -EINVAL, "ELF: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)");
}

static void test_bad_segments(void **state)
{
	struct fixture *x = *state;
	Elf64_Phdr *s = &x->file->segment[0];

	s->p_offset = UINT64_MAX;
	expect_fail(x, -EINVAL, "ELF: a segment lies outside the file");
	s->p_offset = 0;
	s->p_filesz = sizeof(*x->file) + 1;
	expect_fail(x, -EINVAL, "ELF: a segment lies outside the file");
	s->p_filesz = 8192;
	expect_fail(x, -EINVAL, "ELF: a segment lies outside the file");
	s->p_filesz = 0;
	s->p_paddr = 0xff000;
	expect_fail(x, -EINVAL, "ELF: a segment loads below 1 MiB");
	s->p_paddr = RAM_LEN - 4095;
	expect_fail(x, -ENOSPC, "ELF: a segment lies outside the memory");
	s->p_paddr = UINT64_MAX - 10;
	expect_fail(x, -ENOSPC, "ELF: a segment lies outside the memory");
	s->p_paddr = 0x200000;
	s->p_memsz = UINT64_MAX;
	expect_fail(x, -ENOSPC, "ELF: a segment lies outside the memory");
}

static void test_bad_headers(void **state)
{
	struct fixture *x = *state;

	x->file->note.entry = RAM_LEN;
	expect_fail(x, -EINVAL, "ELF: the PVH entry lies outside the memory");
	x->file->header.e_phoff = UINT64_MAX - 8;
	expect_fail(x, -EINVAL, "ELF: program headers lie outside the file");
	x->file->header.e_phnum = 65535;
	expect_fail(x, -EINVAL, "ELF: bad program header table");
	x->file->header.e_ident[4] = ELFCLASS32;
	expect_fail(x, -EINVAL, "ELF: not a 64-bit x86 file");
	x->files.kernel_len_bytes = 63;
	expect_fail(x, -EINVAL, "ELF: file is truncated");
}

static void test_initrd_does_not_fit(void **state)
{
	struct fixture *x = *state;

	x->file->segment[0].p_paddr = RAM_LEN - 4096;
	x->file->note.entry = RAM_LEN - 4096;
	assert_int_equal(load(x), -ENOSPC);
	x->files.initrd_len_bytes = 0;
	assert_int_equal(load(x), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loads_segments_and_enters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_info, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_note, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd_does_not_fit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
