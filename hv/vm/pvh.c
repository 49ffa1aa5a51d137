/* Loader for 64-bit ELF kernels with a PVH entry point: see pvh.h. */
#include "vm/pvh.h"

#include "lib/elf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/boot_params.h"
#include "vm/guest_layout.h"

#define SEGMENTS_MAX 64
#define NOTES_MAX    256

#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define HVM_START_MAGIC UINT32_C(0x336ec578)

struct hvm_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "start_info.h");

struct hvm_module {
	uint64_t paddr, size, cmdline_paddr, reserved;
};

struct hvm_memmap_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/* What lies at GUEST_PVH_START_GPA. */
struct start_page {
	struct hvm_start_info info;
	struct hvm_module initrd;
	struct hvm_memmap_entry memmap[MEMORY_MAP_MAX];
};

bool pvh_is_elf(const struct guest_files *f)
{
	return f->kernel_len_bytes >= 4 && memcmp(f->kernel, ELF_MAGIC, 4) == 0;
}

static bool in_file(const struct guest_files *f, uint64_t offset, uint64_t len)
{
	return offset <= f->kernel_len_bytes && len <= f->kernel_len_bytes - offset;
}

static int read_header(struct guest_loader *l, struct elf_header *h)
{
	const struct guest_files *f = l->files;

	if (!in_file(f, 0, sizeof(*h)))
		return guest_load_fail(l, -EINVAL, "ELF: file is truncated");
	memcpy(h, f->kernel, sizeof(*h));
	if (h->ident[EI_CLASS] != ELFCLASS64 || h->ident[EI_DATA] != ELFDATA2LSB ||
		h->machine != EM_X86_64)
		return guest_load_fail(l, -EINVAL, "ELF: not a 64-bit x86 file");
	if (h->phentsize != sizeof(struct elf_program_header) || h->phnum > SEGMENTS_MAX)
		return guest_load_fail(l, -EINVAL, "ELF: bad program header table");
	if (!in_file(f, h->phoff, (uint64_t)h->phnum * sizeof(struct elf_program_header)))
		return guest_load_fail(l, -EINVAL, "ELF: program headers lie outside the file");
	return 0;
}

static struct elf_program_header read_segment(
	const struct guest_files *f, const struct elf_header *h, unsigned i)
{
	struct elf_program_header s;

	memcpy(&s, f->kernel + h->phoff + i * sizeof(s), sizeof(s));
	return s;
}

/* The entry point in one note segment that lies in the file; 0 if it has none. */
static uint32_t find_entry_note(const uint8_t *p, uint64_t len)
{
	for (unsigned i = 0; i < NOTES_MAX && len >= sizeof(struct elf_note); i++) {
		struct elf_note n;
		uint64_t desc, next;
		uint32_t entry;

		memcpy(&n, p, sizeof(n));
		desc = sizeof(n) + ALIGN_UP((uint64_t)n.namesz, UINT64_C(4));
		next = desc + ALIGN_UP((uint64_t)n.descsz, UINT64_C(4));
		if (desc + n.descsz > len)
			return 0;
		if (n.type == XEN_ELFNOTE_PHYS32_ENTRY && n.namesz == 4 &&
			n.descsz >= sizeof(entry) && memcmp(p + sizeof(n), "Xen", 4) == 0) {
			memcpy(&entry, p + desc, sizeof(entry));
			return entry;
		}
		next = MIN(next, len);
		p += next;
		len -= next;
	}
	return 0;
}

static int find_entry(struct guest_loader *l, const struct elf_header *h, uint64_t *entry_gpa)
{
	const struct guest_files *f = l->files;

	for (unsigned i = 0; i < h->phnum; i++) {
		struct elf_program_header s = read_segment(f, h, i);

		if (s.type != PT_NOTE || !in_file(f, s.offset, s.filesz))
			continue;
		*entry_gpa = find_entry_note(f->kernel + s.offset, s.filesz);
		if (*entry_gpa != 0)
			return 0;
	}
	return guest_load_fail(l, -EINVAL, "ELF: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)");
}

static int load_segment(struct guest_loader *l, const struct elf_program_header *s)
{
	uint8_t *dst;

	if (s->memsz < s->filesz || !in_file(l->files, s->offset, s->filesz))
		return guest_load_fail(l, -EINVAL, "ELF: a segment lies outside the file");
	if (s->paddr < GUEST_LOW_HOLE_END)
		return guest_load_fail(l, -EINVAL, "ELF: a segment loads below 1 MiB");
	dst = guest_mem_map(l->gm, s->paddr, s->memsz);
	if (!dst)
		return guest_load_fail(l, -ENOSPC, "ELF: a segment lies outside the memory");
	memcpy(dst, l->files->kernel + s->offset, s->filesz);
	memset(dst + s->filesz, 0, s->memsz - s->filesz);
	return 0;
}

/* *end_gpa: the first byte behind all segments in low RAM. */
static int load_segments(struct guest_loader *l, const struct elf_header *h, uint64_t *end_gpa)
{
	*end_gpa = GUEST_LOW_HOLE_END;
	for (unsigned i = 0; i < h->phnum; i++) {
		struct elf_program_header s = read_segment(l->files, h, i);
		int err;

		if (s.type != PT_LOAD || s.memsz == 0)
			continue;
		err = load_segment(l, &s);
		if (err)
			return err;
		if (s.paddr < l->low_ram_end)
			*end_gpa = MAX(*end_gpa, s.paddr + s.memsz);
	}
	return 0;
}

static int write_start_info(struct guest_loader *l, uint64_t initrd_gpa)
{
	struct start_page *p = guest_mem_map(l->gm, GUEST_PVH_START_GPA, sizeof(*p));
	struct e820_entry map[MEMORY_MAP_MAX];
	unsigned nr = memory_map_build(l->gm, map);

	_Static_assert(GUEST_PVH_START_GPA + sizeof(*p) <= GUEST_CMDLINE_GPA, "layout");
	if (!p)
		return guest_load_fail(l, -ENOSPC, "no memory for the start info");
	memset(p, 0, sizeof(*p));
	p->info.magic = HVM_START_MAGIC;
	p->info.version = 1;
	p->info.cmdline_paddr = GUEST_CMDLINE_GPA;
	p->info.rsdp_paddr = l->rsdp_gpa;
	p->info.memmap_paddr = GUEST_PVH_START_GPA + offsetof(struct start_page, memmap);
	p->info.memmap_entries = nr;
	for (unsigned i = 0; i < nr; i++)
		p->memmap[i] = (struct hvm_memmap_entry){
			.addr = map[i].gpa, .size = map[i].len_bytes, .type = map[i].type
		};
	if (initrd_gpa) {
		p->info.nr_modules = 1;
		p->info.modlist_paddr = GUEST_PVH_START_GPA + offsetof(struct start_page, initrd);
		p->initrd.paddr = initrd_gpa;
		p->initrd.size = l->files->initrd_len_bytes;
	}
	return 0;
}

int pvh_load(struct guest_loader *l, struct guest_entry *out)
{
	struct elf_header h;
	uint64_t end_gpa, initrd_gpa;
	int err = read_header(l, &h);

	if (!err)
		err = find_entry(l, &h, &out->rip);
	if (!err)
		err = load_segments(l, &h, &end_gpa);
	if (err)
		return err;
	if (!guest_mem_map(l->gm, out->rip, 1))
		return guest_load_fail(l, -EINVAL, "ELF: the PVH entry lies outside the memory");
	err = guest_load_initrd(l, end_gpa, GUEST_LOW_RAM_MAX, &initrd_gpa);
	if (!err)
		err = guest_load_cmdline(l, GUEST_CMDLINE_LEN - 1);
	if (!err)
		err = write_start_info(l, initrd_gpa);
	if (err)
		return err;
	out->mode = ENTRY_PROTECTED32;
	out->rbx = GUEST_PVH_START_GPA;
	return 0;
}
