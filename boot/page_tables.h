/* The temporary page tables that the hypervisor is entered with.
 *
 * Four-level paging, SDM vol. 3A, section 4.5. Pure code: tables are built in memory that the
 * caller gives and that stands for physical memory at base_hpa. */
#ifndef SLUICE_BOOT_PAGE_TABLES_H
#define SLUICE_BOOT_PAGE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

/* Page-table entry, SDM vol. 3A, tables 4-15 to 4-20 */
#define PTE_PRESENT  BIT64(0)
#define PTE_WRITE    BIT64(1)
#define PTE_LARGE    BIT64(7)
#define PTE_NO_EXEC  BIT64(63)
#define PTE_HPA_MASK UINT64_C(0x000ffffffffff000)

struct page_tables {
	uint8_t *base; /* nr_pages zeroed pages; the first becomes the root */
	uint64_t base_hpa;
	unsigned nr_pages, nr_used;
	bool has_1g_pages;
	bool has_no_exec;
};

/* How many pages are enough for page_tables_map of [0, identity_end), cut in two places, and of an
 * image of image_bytes. */
unsigned page_tables_estimate(uint64_t identity_end, uint64_t image_bytes, bool has_1g_pages);

void page_tables_init(struct page_tables *t);

/* Maps [virt, virt + len_bytes) to hpa with the largest pages that fit; 1 GiB ones only at and
 * above 4 GiB, below which memory types change too often. All three are multiples of 4096, the
 * range is not mapped yet. -ENOMEM if the pages run out. */
int page_tables_map(struct page_tables *t, uint64_t virt, uint64_t hpa, uint64_t len_bytes,
	bool write, bool exec) __must_check;

#endif
