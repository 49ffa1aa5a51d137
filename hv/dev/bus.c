/* The guest's port and memory buses; see bus.h. */
#include "dev/bus.h"

#include "lib/atomic.h"

struct bus_region *bus_add(
	struct bus *b, uint64_t base, uint64_t size_bytes, bus_handler handler, void *arg)
{
	struct bus_region *r;

	if (b->nr_regions == BUS_REGIONS_MAX)
		return NULL;
	r = &b->region[b->nr_regions];
	*r = (struct bus_region){ base, size_bytes, handler, arg };
	/* Release: a dispatcher on another core that counts the region sees it complete. */
	store_release(&b->nr_regions, b->nr_regions + 1);
	return r;
}

void bus_move(struct bus_region *r, uint64_t base)
{
	store_relaxed(&r->base, base);
}

static const struct bus_region *find(const struct bus *b, uint64_t address, uint64_t *offset)
{
	unsigned nr = load_acquire(&b->nr_regions);

	for (unsigned i = 0; i < nr; i++) {
		const struct bus_region *r = &b->region[i];
		uint64_t base = load_relaxed(&r->base);

		*offset = address - base; /* wraps to a huge offset below the region */
		if (*offset < r->size_bytes && base != BUS_UNMAPPED)
			return r;
	}
	return NULL;
}

bool bus_access(struct bus *b, uint64_t address, struct bus_access *a)
{
	const struct bus_region *r = find(b, address, &a->offset);

	if (!r || a->size_bytes > r->size_bytes - a->offset) {
		if (!a->write)
			a->value = UINT64_MAX;
		return false;
	}
	r->handler(r->arg, a);
	return true;
}
