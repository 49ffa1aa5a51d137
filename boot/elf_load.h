/* Reads the hypervisor's ELF file: checks it, and places its segments.
 *
 * ELF-64 (System V ABI, chapters 4 and 5), x86-64, statically linked (ET_EXEC). Pure code: it
 * touches only the memory it is given. Every field of the file is checked before it is used. */
#ifndef SLUICE_BOOT_ELF_LOAD_H
#define SLUICE_BOOT_ELF_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

#define ELF_SEGMENTS_MAX 16
#define ELF_IMAGE_MAX	 MIB(64)

struct elf_segment {
	uint64_t virt;
	uint64_t offset; /* in the file */
	uint64_t file_bytes, mem_bytes;
	bool write, exec; /* never both */
};

struct elf_image {
	uint64_t entry;
	uint64_t virt;	    /* of the lowest segment's page */
	uint64_t len_bytes; /* to the end of the highest segment's page */
	unsigned nr_segments;
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* 0, or -EINVAL with *why saying what is wrong. On 0 the segments are sorted by address, share no
 * page, lie in the upper half of the address space and inside the file, and none is both
 * writable and executable; the entry lies in an executable one. */
int elf_parse(
	const void *file, size_t len_bytes, struct elf_image *img, const char **why) __must_check;

/* Copies the segments to dst, which has img->len_bytes bytes and stands for img->virt. What no
 * segment fills is zeroed. */
void elf_place(const void *file, const struct elf_image *img, void *dst);

#endif
