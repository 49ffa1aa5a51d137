/* Four-level page tables; see pagetable.h. */
#include "mem/pagetable.h"

#include "lib/errno.h"

#define ENTRIES	     512u
#define TOP_LEVEL    4u
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)
#define HPA_END	     BIT64(52)
#define CANONICAL_48 UINT64_C(0x0000ffffffffffff)

/* One operation on a range, while it walks. */
struct walk {
	struct pagetable *pt;
	uint64_t va, end; /* what is left of the range */
	uint64_t hpa;	  /* of va; map only */
	uint64_t flags;
	bool map; /* else unmap */
};

static unsigned shift_of(unsigned level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static uint64_t bytes_of(unsigned level)
{
	return BIT64(shift_of(level));
}

static unsigned index_of(uint64_t va, unsigned level)
{
	return (va >> shift_of(level)) & (ENTRIES - 1);
}

static bool is_present(const struct pagetable *pt, uint64_t entry)
{
	return (entry & pt->config->present_mask) != 0;
}

/* Of a present entry. Bit 7 of a level-1 entry is something else (PAT), of level 4 reserved. */
static bool is_leaf(uint64_t entry, unsigned level)
{
	return level == 1 || (level < TOP_LEVEL && (entry & PAGETABLE_LARGE));
}

static uint64_t leaf_flags(uint64_t entry, unsigned level)
{
	return entry & ~(ADDRESS_MASK | (level > 1 ? PAGETABLE_LARGE : 0));
}

static uint64_t make_leaf(uint64_t hpa, uint64_t flags, unsigned level)
{
	return hpa | flags | (level > 1 ? PAGETABLE_LARGE : 0);
}

static uint64_t *next_table(const struct pagetable *pt, uint64_t entry)
{
	return pt->config->table_hva(entry & ADDRESS_MASK);
}

/* The table below *entry, made if there is none; a large page is split into it. Other cores may
 * walk the tables meanwhile: the new table is complete before the one store that shows it. */
static uint64_t *descend(struct pagetable *pt, uint64_t *entry, unsigned level)
{
	uint64_t *table;

	if (is_present(pt, *entry) && !is_leaf(*entry, level))
		return next_table(pt, *entry);
	table = pt->config->alloc_table();
	if (!table)
		return NULL;
	for (unsigned i = 0; is_present(pt, *entry) && i < ENTRIES; i++)
		table[i] = make_leaf((*entry & ADDRESS_MASK) + i * bytes_of(level - 1),
			leaf_flags(*entry, level), level - 1);
	__atomic_store_n(
		entry, pt->config->table_hpa(table) | pt->config->table_flags, __ATOMIC_RELEASE);
	return table;
}

/* Whether the entry at this level can be replaced as a whole. A table that is already there is kept
 * by map, so that nothing is freed under another core's walk. */
static bool takes_whole(const struct walk *w, uint64_t entry, unsigned level)
{
	if (!IS_ALIGNED(w->va, bytes_of(level)) || w->end - w->va < bytes_of(level))
		return false;
	if (is_present(w->pt, entry) && !is_leaf(entry, level))
		return false;
	return !w->map ||
	       (level <= w->pt->config->max_leaf_level && IS_ALIGNED(w->hpa, bytes_of(level)));
}

static void advance(struct walk *w, unsigned level)
{
	uint64_t next = ALIGN_DOWN(w->va, bytes_of(level)) + bytes_of(level);
	uint64_t step = MIN(next, w->end) - w->va;

	w->va += step;
	w->hpa += step;
}

static int walk_table(struct walk *w, uint64_t *table, unsigned level);

static int walk_entry(struct walk *w, uint64_t *entry, unsigned level)
{
	uint64_t *table;

	if (takes_whole(w, *entry, level)) {
		uint64_t leaf = w->map ? make_leaf(w->hpa, w->flags, level) : 0;

		__atomic_store_n(entry, leaf, __ATOMIC_RELEASE);
		advance(w, level);
		return 0;
	}
	if (!w->map && !is_present(w->pt, *entry)) {
		advance(w, level);
		return 0;
	}
	table = descend(w->pt, entry, level);
	return table ? walk_table(w, table, level - 1) : -ENOMEM;
}

/* Covers as much of the range as this table does. The recursion is as deep as the levels. */
static int walk_table(struct walk *w, uint64_t *table, unsigned level)
{
	unsigned i = index_of(w->va, level);

	for (; i < ENTRIES && w->va < w->end; i++) {
		int err = walk_entry(w, &table[i], level);

		if (err)
			return err;
	}
	return 0;
}

static int walk_range(struct walk *w, uint64_t va, uint64_t len_bytes)
{
	w->va = va & CANONICAL_48;
	w->end = w->va + len_bytes;
	if (!IS_ALIGNED(va, PAGE_SIZE) || !IS_ALIGNED(len_bytes, PAGE_SIZE) ||
		len_bytes > CANONICAL_48 + 1 - w->va)
		return -EINVAL;
	return len_bytes ? walk_table(w, w->pt->root, TOP_LEVEL) : 0;
}

int pagetable_init(struct pagetable *pt, const struct pagetable_config *config)
{
	pt->config = config;
	pt->root = config->alloc_table();
	return pt->root ? 0 : -ENOMEM;
}

static void destroy_table(struct pagetable *pt, uint64_t *table, unsigned level)
{
	for (unsigned i = 0; level > 1 && i < ENTRIES; i++) {
		if (is_present(pt, table[i]) && !is_leaf(table[i], level))
			destroy_table(pt, next_table(pt, table[i]), level - 1);
	}
	if (pt->config->free_table)
		pt->config->free_table(table);
}

void pagetable_destroy(struct pagetable *pt)
{
	if (pt->root)
		destroy_table(pt, pt->root, TOP_LEVEL);
	pt->root = NULL;
}

int pagetable_map(
	struct pagetable *pt, uint64_t va, uint64_t hpa, uint64_t len_bytes, uint64_t flags)
{
	struct walk w = { .pt = pt, .hpa = hpa, .flags = flags, .map = true };

	if (!IS_ALIGNED(hpa, PAGE_SIZE) || hpa > HPA_END || len_bytes > HPA_END - hpa)
		return -EINVAL;
	return walk_range(&w, va, len_bytes);
}

int pagetable_unmap(struct pagetable *pt, uint64_t va, uint64_t len_bytes)
{
	struct walk w = { .pt = pt };

	return walk_range(&w, va, len_bytes);
}

bool pagetable_lookup(const struct pagetable *pt, uint64_t va, struct pagetable_leaf *leaf)
{
	uint64_t *table = pt->root;

	for (unsigned level = TOP_LEVEL; level >= 1; level--) {
		uint64_t *entry = &table[index_of(va, level)], value = *entry;

		if (!is_present(pt, value))
			return false;
		if (is_leaf(value, level)) {
			uint64_t offset = va & (bytes_of(level) - 1);

			leaf->hpa = (value & ADDRESS_MASK & ~(bytes_of(level) - 1)) + offset;
			leaf->flags = leaf_flags(value, level);
			leaf->page_bytes = bytes_of(level);
			leaf->entry = entry;
			return true;
		}
		table = next_table(pt, value);
	}
	return false;
}
