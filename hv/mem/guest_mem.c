/* The one door to guest memory; see guest_mem.h. */
#include "mem/guest_mem.h"

#include "lib/errno.h"
#include "lib/string.h"

void *guest_mem_map(const struct guest_mem *gm, uint64_t gpa, uint64_t len_bytes)
{
	for (unsigned i = 0; i < gm->nr_regions; i++) {
		void *hva = guest_mem_map_in(&gm->region[i], gpa, len_bytes);

		if (hva)
			return hva;
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
