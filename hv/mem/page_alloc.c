/* Page allocator: a sorted array of free ranges. See page_alloc.h. */
#include "mem/page_alloc.h"

#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mem/direct_map.h"

#define RANGES_MAX (2 * BOOT_MEM_MAX)

struct range {
	uint64_t start, end; /* hpa, page-aligned */
};

static struct {
	struct spinlock lock;
	unsigned nr_ranges;
	struct range range[RANGES_MAX]; /* by start; neighbours never touch */
	struct page_stats stats;
} pool;

static void insert_at(unsigned i, struct range r)
{
	memmove(&pool.range[i + 1], &pool.range[i], (pool.nr_ranges - i) * sizeof(r));
	pool.range[i] = r;
	pool.nr_ranges++;
}

static void remove_at(unsigned i)
{
	pool.nr_ranges--;
	memmove(&pool.range[i], &pool.range[i + 1], (pool.nr_ranges - i) * sizeof(pool.range[0]));
}

/* Where `bytes` would start at the upper end of the range, 0 if they do not fit. */
static uint64_t fit(const struct range *r, uint64_t bytes, uint64_t align, uint64_t limit)
{
	uint64_t end = MIN(r->end, limit), start;

	if (end < bytes)
		return 0;
	start = ALIGN_DOWN(end - bytes, align);
	return start >= r->start ? start : 0;
}

/* Cuts [start, end) out of range i. */
static void carve(unsigned i, uint64_t start, uint64_t end)
{
	struct range *r = &pool.range[i];
	struct range upper = { end, r->end };

	r->end = start;
	if (r->start == r->end)
		*r = upper;
	else if (upper.start < upper.end)
		insert_at(i + 1, upper);
	if (pool.range[i].start == pool.range[i].end)
		remove_at(i);
}

/* hpa, or 0. Best fit; of equals the highest, which leaves low memory to those who ask for it. */
static uint64_t take(uint64_t bytes, uint64_t align, uint64_t limit)
{
	uint64_t best_len = UINT64_MAX, best_start = 0;
	unsigned best = 0;

	for (unsigned i = 0; i < pool.nr_ranges; i++) {
		uint64_t len = pool.range[i].end - pool.range[i].start;
		uint64_t start = fit(&pool.range[i], bytes, align, limit);

		if (start && len <= best_len) {
			best = i;
			best_len = len;
			best_start = start;
		}
	}
	/* Cutting out of the middle takes one more entry. */
	if (!best_start || pool.nr_ranges == RANGES_MAX)
		return 0;
	carve(best, best_start, best_start + bytes);
	pool.stats.free_bytes -= bytes;
	return best_start;
}

static void give(uint64_t start, uint64_t bytes)
{
	struct range r = { start, start + bytes };
	unsigned i = 0;

	while (i < pool.nr_ranges && pool.range[i].start < start)
		i++;
	if ((i > 0 && pool.range[i - 1].end > r.start) ||
		(i < pool.nr_ranges && pool.range[i].start < r.end))
		panic("page at %llx freed twice", (unsigned long long)start);
	pool.stats.free_bytes += bytes;
	if (i > 0 && pool.range[i - 1].end == r.start) {
		r.start = pool.range[i - 1].start;
		remove_at(--i);
	}
	if (i < pool.nr_ranges && pool.range[i].start == r.end) {
		r.end = pool.range[i].end;
		remove_at(i);
	}
	if (pool.nr_ranges < RANGES_MAX) {
		insert_at(i, r);
		return;
	}
	pool.stats.free_bytes -= r.end - r.start;
	pool.stats.lost_bytes += r.end - r.start;
}

static void *allocate(uint64_t bytes, uint64_t align, uint64_t limit, uint64_t *owner_bytes)
{
	uint64_t hpa = 0;

	spin_lock(&pool.lock);
	if (bytes && bytes < UINT64_MAX / 2)
		hpa = take(bytes, align, limit);
	if (hpa)
		*owner_bytes += bytes;
	spin_unlock(&pool.lock);
	return hpa ? HVA(hpa) : NULL;
}

static void release(void *hva, uint64_t bytes, uint64_t *owner_bytes)
{
	if (!hva || !bytes)
		return;
	spin_lock(&pool.lock);
	give(HPA(hva), bytes);
	*owner_bytes -= bytes;
	spin_unlock(&pool.lock);
}

static void *allocate_zeroed(
	unsigned nr_pages, uint64_t align, uint64_t limit, uint64_t *owner_bytes)
{
	uint64_t bytes = (uint64_t)nr_pages * PAGE_SIZE;
	void *hva = allocate(bytes, align, limit, owner_bytes);

	if (hva)
		memset(hva, 0, bytes);
	return hva;
}

static void *allocate_pages(unsigned nr_pages, uint64_t align, uint64_t limit)
{
	return allocate_zeroed(nr_pages, align, limit, &pool.stats.hypervisor_bytes);
}

void *page_alloc_buffers(unsigned nr_pages)
{
	return allocate_zeroed(nr_pages, PAGE_SIZE, UINT64_MAX, &pool.stats.buffer_bytes);
}

void *page_alloc(unsigned nr_pages)
{
	return allocate_pages(nr_pages, PAGE_SIZE, UINT64_MAX);
}

void *page_alloc_aligned(unsigned nr_pages, uint64_t align_bytes)
{
	return allocate_pages(nr_pages, MAX(align_bytes, PAGE_SIZE), UINT64_MAX);
}

void *page_alloc_below(unsigned nr_pages, uint64_t limit_hpa)
{
	return allocate_pages(nr_pages, PAGE_SIZE, limit_hpa);
}

void page_free(void *hva, unsigned nr_pages)
{
	release(hva, (uint64_t)nr_pages * PAGE_SIZE, &pool.stats.hypervisor_bytes);
}

void *page_alloc_large(uint64_t bytes, uint64_t align_bytes)
{
	if (!IS_ALIGNED(bytes, PAGE_SIZE))
		return NULL;
	return allocate(bytes, MAX(align_bytes, PAGE_SIZE), UINT64_MAX, &pool.stats.guest_bytes);
}

void page_free_large(void *hva, uint64_t bytes)
{
	release(hva, bytes, &pool.stats.guest_bytes);
}

void page_stats(struct page_stats *s)
{
	spin_lock(&pool.lock);
	*s = pool.stats;
	for (unsigned i = 0; i < pool.nr_ranges; i++) {
		uint64_t len = pool.range[i].end - pool.range[i].start;

		s->largest_free_bytes = MAX(s->largest_free_bytes, len);
	}
	spin_unlock(&pool.lock);
}

void page_alloc_add(uint64_t hpa, uint64_t len_bytes)
{
	uint64_t start = MAX(ALIGN_UP(hpa, PAGE_SIZE), MIB(1));
	uint64_t end = ALIGN_DOWN(hpa + len_bytes, PAGE_SIZE);

	if (end <= start)
		return;
	spin_lock(&pool.lock);
	pool.stats.total_bytes += end - start;
	give(start, end - start);
	spin_unlock(&pool.lock);
}

void page_alloc_init(const struct boot_mem *mem, unsigned nr_mem)
{
	memset(&pool, 0, sizeof(pool));
	for (unsigned i = 0; i < nr_mem; i++) {
		if (mem[i].type == BOOT_MEM_USABLE)
			page_alloc_add(mem[i].hpa, mem[i].len_bytes);
	}
}
