/* The hypervisor's ELF file. System V ABI, chapter 4 (header) and 5 (program header). */
#include "boot/elf_load.h"

#include "lib/elf.h"
#include "lib/errno.h"
#include "lib/string.h"

#define UPPER_HALF UINT64_C(0xffff800000000000)

/* Whether [start, start + len) lies within [0, end). */
static bool range_fits(uint64_t start, uint64_t len, uint64_t end)
{
	return start <= end && len <= end - start;
}

static const char *check_header(const struct elf_header *h, size_t len_bytes)
{
	if (h->ident[EI_CLASS] != ELFCLASS64 || h->ident[EI_DATA] != ELFDATA2LSB)
		return "not a 64-bit little-endian ELF file";
	if (h->machine != EM_X86_64)
		return "built for another machine than x86-64";
	if (h->type != ET_EXEC)
		return "not a statically linked executable";
	if (h->phentsize != sizeof(struct elf_program_header))
		return "program headers of an unknown size";
	if (!range_fits(h->phoff, (uint64_t)h->phnum * h->phentsize, len_bytes))
		return "truncated: its program headers lie outside the file";
	return NULL;
}

static const char *check_segment(const struct elf_program_header *p, size_t len_bytes)
{
	if (!range_fits(p->offset, p->filesz, len_bytes))
		return "truncated: a segment lies outside the file";
	if (p->filesz > p->memsz)
		return "a segment is larger in the file than in memory";
	if (p->vaddr < UPPER_HALF)
		return "a segment is not in the upper half of the address space";
	/* the last page stays free so that no end wraps */
	if (!range_fits(p->vaddr, p->memsz, UINT64_MAX - PAGE_SIZE))
		return "a segment wraps around the end of the address space";
	if ((p->flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return "a segment is both writable and executable";
	return NULL;
}

/* Keeps img->segment[] sorted by address. */
static void insert_segment(struct elf_image *img, const struct elf_program_header *p)
{
	unsigned i = img->nr_segments++;

	for (; i > 0 && img->segment[i - 1].virt > p->vaddr; i--)
		img->segment[i] = img->segment[i - 1];
	img->segment[i] = (struct elf_segment){
		.virt = p->vaddr,
		.offset = p->offset,
		.file_bytes = p->filesz,
		.mem_bytes = p->memsz,
		.write = p->flags & PF_W,
		.exec = p->flags & PF_X,
	};
}

static const char *read_segments(
	const uint8_t *file, size_t len_bytes, const struct elf_header *h, struct elf_image *img)
{
	for (unsigned i = 0; i < h->phnum; i++) {
		struct elf_program_header p;
		const char *why;

		memcpy(&p, file + h->phoff + i * sizeof(p), sizeof(p));
		if (p.type == PT_INTERP)
			return "dynamically linked";
		if (p.type != PT_LOAD || p.memsz == 0)
			continue;
		why = check_segment(&p, len_bytes);
		if (why)
			return why;
		if (img->nr_segments == ELF_SEGMENTS_MAX)
			return "too many segments";
		insert_segment(img, &p);
	}
	return img->nr_segments ? NULL : "nothing to load in it";
}

static uint64_t segment_end(const struct elf_segment *s)
{
	return ALIGN_UP(s->virt + s->mem_bytes, (uint64_t)PAGE_SIZE);
}

static const char *check_layout(struct elf_image *img)
{
	const struct elf_segment *last = &img->segment[img->nr_segments - 1];
	bool entry_found = false;

	img->virt = ALIGN_DOWN(img->segment[0].virt, (uint64_t)PAGE_SIZE);
	img->len_bytes = segment_end(last) - img->virt;
	if (img->len_bytes > ELF_IMAGE_MAX)
		return "larger than 64 MiB in memory";
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct elf_segment *s = &img->segment[i];

		if (i > 0 && ALIGN_DOWN(s->virt, (uint64_t)PAGE_SIZE) < segment_end(s - 1))
			return "two segments share a page";
		if (s->exec && img->entry >= s->virt && img->entry - s->virt < s->mem_bytes)
			entry_found = true;
	}
	return entry_found ? NULL : "its entry is not in an executable segment";
}

int elf_parse(const void *file, size_t len_bytes, struct elf_image *img, const char **why)
{
	struct elf_header h;

	memset(img, 0, sizeof(*img));
	*why = "not an ELF file";
	if (len_bytes < sizeof(h))
		return -EINVAL;
	memcpy(&h, file, sizeof(h));
	if (memcmp(h.ident, ELF_MAGIC, 4) != 0)
		return -EINVAL;
	img->entry = h.entry;
	*why = check_header(&h, len_bytes);
	if (!*why)
		*why = read_segments(file, len_bytes, &h, img);
	if (!*why)
		*why = check_layout(img);
	return *why ? -EINVAL : 0;
}

void elf_place(const void *file, const struct elf_image *img, void *dst)
{
	memset(dst, 0, img->len_bytes);
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct elf_segment *s = &img->segment[i];

		memcpy((uint8_t *)dst + (s->virt - img->virt), (const uint8_t *)file + s->offset,
			s->file_bytes);
	}
}
