/* The one door to guest memory.
 *
 * A guest's RAM is a few contiguous regions. A guest-physical range is turned into a host pointer
 * only here, and only if it lies wholly inside one region; length and address are guest-controlled
 * and may be anything. What the pointer shows can change under the reader at any time: copy once,
 * then validate the copy. */
#ifndef SLUICE_MEM_GUEST_MEM_H
#define SLUICE_MEM_GUEST_MEM_H

#include <stdint.h>

#include "lib/bits.h"

#define GUEST_MEM_REGIONS 4

struct guest_mem_region {
	uint64_t gpa;
	uint64_t len_bytes;
	uint8_t *hva;
};

struct guest_mem {
	unsigned nr_regions;
	struct guest_mem_region region[GUEST_MEM_REGIONS];
};

/* Host address of [gpa, gpa + len_bytes), or NULL if any byte of it is not guest RAM.
 * A length of 0 gives NULL. */
void *guest_mem_map(const struct guest_mem *gm, uint64_t gpa, uint64_t len_bytes);

/* The same for one region: for callers that go on where the last access was. */
static inline void *guest_mem_map_in(
	const struct guest_mem_region *r, uint64_t gpa, uint64_t len_bytes)
{
	uint64_t off = gpa - r->gpa; /* wraps to a huge offset below the region */

	if (off < r->len_bytes && len_bytes != 0 && len_bytes <= r->len_bytes - off)
		return r->hva + off;
	return NULL;
}

/* Copies across region borders are refused as well. 0 or -EFAULT. */
int guest_mem_read(
	const struct guest_mem *gm, uint64_t gpa, void *dst, uint64_t len_bytes) __must_check;
int guest_mem_write(
	const struct guest_mem *gm, uint64_t gpa, const void *src, uint64_t len_bytes) __must_check;

/* Total RAM in bytes. */
uint64_t guest_mem_size(const struct guest_mem *gm);

#endif
