/* Descriptor rings: their enable handshake, their bounds and the descriptor cache.
 * DS 7.1.9, 7.2.3.3, 4.6.7.1, 4.6.8.1. */
#include <string.h>

#include "data.h"

void ring_reset(struct ring *r)
{
	memset(r, 0, sizeof(*r));
}

/* xXDCTL.ENABLE reads as it was until the change has taken effect. */
void ring_set_enable(struct port *p, struct ring *r, bool on)
{
	if (r->wanted == on)
		return;
	r->wanted = on;
	if (on == r->enabled)
		return;
	r->change_at = clock_now(p->clock) + QUEUE_ENABLE_PS;
	data_settle_at(p, r->change_at);
}

bool ring_enable_bit(struct ring *r, uint64_t now)
{
	return r->wanted != r->enabled && now >= r->change_at ? r->wanted : r->enabled;
}

uint32_t ring_available(const struct ring *r)
{
	if (r->head >= r->entries || r->tail >= r->entries)
		return 0;
	return r->tail >= r->head ? r->tail - r->head : r->entries - r->head + r->tail;
}

void ring_advance(struct ring *r, uint32_t n)
{
	r->head = (r->head + n) % r->entries;
	r->cache_at += n;
	r->cache_nr = n < r->cache_nr ? r->cache_nr - n : 0;
}

const uint8_t *ring_descriptor(
	struct port *p, struct ring *r, uint8_t *cache, uint32_t slots, uint32_t ahead)
{
	uint32_t index = (r->head + ahead) % r->entries, n = ring_available(r) - ahead;

	if (ahead < r->cache_nr)
		return cache + (r->cache_at + ahead) * DESCRIPTOR_BYTES;
	if (r->cache_at && (ahead == 0 || r->cache_at + ahead >= slots)) {
		memmove(cache, cache + r->cache_at * DESCRIPTOR_BYTES,
			r->cache_nr * DESCRIPTOR_BYTES);
		r->cache_at = 0;
	}
	if (ahead != r->cache_nr || r->cache_at + ahead >= slots)
		return NULL;
	if (n > r->entries - index) /* one read does not wrap around */
		n = r->entries - index;
	if (n > slots - r->cache_at - ahead)
		n = slots - r->cache_at - ahead;
	if (!data_dma_read(p, r->base + (uint64_t)index * DESCRIPTOR_BYTES,
		    cache + (r->cache_at + ahead) * DESCRIPTOR_BYTES, n * DESCRIPTOR_BYTES))
		return NULL;
	r->cache_nr += n;
	return cache + (r->cache_at + ahead) * DESCRIPTOR_BYTES;
}
