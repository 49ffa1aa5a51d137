/* The one door to guest memory; see guest_mem.h. */
#include "mem/guest_mem.h"

#include "lib/errno.h"
#include "lib/string.h"

void *guest_mem_map(const struct guest_mem *gm, uint64_t gpa, uint64_t len_bytes)
{
	for (unsigned i = 0; i < gm->nr_regions; i++) {
		const struct guest_mem_region *r = &gm->region[i];
		uint64_t off = gpa - r->gpa; /* wraps to a huge offset below the region */

		if (off < r->len_bytes && len_bytes != 0 && len_bytes <= r->len_bytes - off)
			return r->hva + off;
	}
	return NULL;
}

int guest_mem_read(const struct guest_mem *gm, uint64_t gpa, void *dst, uint64_t len_bytes)
{
	const void *src = guest_mem_map(gm, gpa, len_bytes);

	if (!src)
		return -EFAULT;
	memcpy(dst, src, len_bytes);
	return 0;
}

int guest_mem_write(const struct guest_mem *gm, uint64_t gpa, const void *src, uint64_t len_bytes)
{
	void *dst = guest_mem_map(gm, gpa, len_bytes);

	if (!dst)
		return -EFAULT;
	memcpy(dst, src, len_bytes);
	return 0;
}

uint64_t guest_mem_size(const struct guest_mem *gm)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < gm->nr_regions; i++)
		sum += gm->region[i].len_bytes;
	return sum;
}
