/* Physical pages, handed out as direct-map pointers. For set-up, not for any packet path.
 *
 * A sorted list of free ranges, best fit: small requests fill the small holes, and the large ranges
 * stay whole for guests' memory. Memory below 1 MiB is never handed out. Takes a lock; any core may
 * call. Two owners are accounted for: the hypervisor itself and the guests. */
#ifndef SLUICE_MEM_PAGE_ALLOC_H
#define SLUICE_MEM_PAGE_ALLOC_H

#include <stdint.h>

#include "boot_info.h"
#include "lib/bits.h"

/* The hypervisor's own; zeroed, contiguous, 4 KiB-aligned. NULL if there is none, or for 0 pages.
 */
void *page_alloc(unsigned nr_pages);
/* align_bytes: a power of two, 4096 at least. */
void *page_alloc_aligned(unsigned nr_pages, uint64_t align_bytes);
/* Wholly below limit_hpa, for devices that cannot address more. */
void *page_alloc_below(unsigned nr_pages, uint64_t limit_hpa);
void page_free(void *hva, unsigned nr_pages);

/* As page_alloc(), for packets' bytes: as much as sluice.conf says, and so counted apart. Never
 * freed. */
void *page_alloc_buffers(unsigned nr_pages);

/* Guest memory: contiguous, NOT zeroed (the caller clears it once, before a guest can see it);
 * bytes a multiple of 4096. */
void *page_alloc_large(uint64_t bytes, uint64_t align_bytes);
void page_free_large(void *hva, uint64_t bytes);

struct page_stats {
	uint64_t total_bytes; /* ever given to the allocator */
	uint64_t free_bytes;
	uint64_t hypervisor_bytes;
	uint64_t buffer_bytes; /* page_alloc_buffers() */
	uint64_t guest_bytes;
	uint64_t largest_free_bytes; /* one contiguous range */
	uint64_t lost_bytes;	     /* freed, but the list of ranges was full */
};
void page_stats(struct page_stats *s);

/* Takes over all BOOT_MEM_USABLE memory. Called once. */
void page_alloc_init(const struct boot_mem *mem, unsigned nr_mem);

/* Adds memory later: what the loader left, once it is consumed. Page-aligned. */
void page_alloc_add(uint64_t hpa, uint64_t len_bytes);

#endif
