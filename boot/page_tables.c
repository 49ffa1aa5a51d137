/* Temporary page tables. SDM vol. 3A, section 4.5. */
#include "boot/page_tables.h"

#include "lib/errno.h"
#include "lib/string.h"

#define LEVEL_SHIFT(level) (PAGE_SHIFT + 9 * (level)) /* 0: 4 KiB, 1: 2 MiB, 2: 1 GiB, 3: PML4 */
#define LEVEL_ROOT	   3

static uint64_t nr_units(uint64_t len_bytes, unsigned shift)
{
	return (len_bytes >> shift) + 1;
}

unsigned page_tables_estimate(uint64_t identity_end, uint64_t image_bytes, bool has_1g_pages)
{
	uint64_t large_end = has_1g_pages ? GIB(4) : identity_end;
	uint64_t n = 1;

	n += nr_units(identity_end, LEVEL_SHIFT(3)) + nr_units(large_end, LEVEL_SHIFT(2));
	n += 2 * 2; /* the cuts: a table of 2 MiB and one of 4 KiB pages each */
	n += 2 + nr_units(image_bytes, LEVEL_SHIFT(2)) + 1 + nr_units(image_bytes, LEVEL_SHIFT(1));
	return (unsigned)n + 1;
}

void page_tables_init(struct page_tables *t)
{
	memset(t->base, 0, (size_t)t->nr_pages * PAGE_SIZE);
	t->nr_used = 1;
}

/* The table that a non-leaf entry points to, made where there is none. */
static uint64_t *next_table(struct page_tables *t, uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT)) {
		if (t->nr_used == t->nr_pages)
			return NULL;
		*entry = (t->base_hpa + (uint64_t)t->nr_used++ * PAGE_SIZE) | PTE_PRESENT |
			 PTE_WRITE;
	}
	/* every table lies in the memory at base, so the difference is an offset in it */
	return (uint64_t *)(void *)(t->base + ((*entry & PTE_HPA_MASK) - t->base_hpa));
}

static unsigned leaf_level(
	const struct page_tables *t, uint64_t virt, uint64_t hpa, uint64_t len_bytes)
{
	for (unsigned level = t->has_1g_pages && hpa >= GIB(4) ? 2 : 1; level > 0; level--) {
		uint64_t size = BIT64(LEVEL_SHIFT(level));

		if (IS_ALIGNED(virt | hpa, size) && len_bytes >= size)
			return level;
	}
	return 0;
}

static int map_leaf(
	struct page_tables *t, uint64_t virt, uint64_t hpa, unsigned leaf, uint64_t flags)
{
	uint64_t *table = (uint64_t *)(void *)t->base;

	for (unsigned level = LEVEL_ROOT; level > leaf; level--) {
		table = next_table(t, &table[(virt >> LEVEL_SHIFT(level)) & 511]);
		if (!table)
			return -ENOMEM;
	}
	table[(virt >> LEVEL_SHIFT(leaf)) & 511] = hpa | flags | (leaf ? PTE_LARGE : 0);
	return 0;
}

int page_tables_map(struct page_tables *t, uint64_t virt, uint64_t hpa, uint64_t len_bytes,
	bool write, bool exec)
{
	uint64_t flags =
		PTE_PRESENT | (write ? PTE_WRITE : 0) | (t->has_no_exec && !exec ? PTE_NO_EXEC : 0);

	while (len_bytes > 0) {
		unsigned leaf = leaf_level(t, virt, hpa, len_bytes);
		uint64_t size = BIT64(LEVEL_SHIFT(leaf));
		int r = map_leaf(t, virt, hpa, leaf, flags);

		if (r)
			return r;
		virt += size;
		hpa += size;
		len_bytes -= size;
	}
	return 0;
}
