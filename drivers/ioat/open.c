/* Taking a channel into use: its memory, a reset, and a first descriptor that shows that it works.
 * DS 8.5.14 to 8.5.24. */
#include "drivers/ioat/internal.h"

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"

/* One piece of memory: descriptors, then the completion word in a cache line of its own, which the
 * device writes, then what is software's. */
#define DESC_BYTES	 (IOAT_RING_ENTRIES * sizeof(struct ioat_desc))
#define COMPLETION_BYTES CACHE_LINE_BYTES
#define SLOT_BYTES	 (IOAT_RING_ENTRIES * sizeof(struct ioat_slot))
#define MEMORY_PAGES                                                                               \
	((unsigned)((DESC_BYTES + COMPLETION_BYTES + SLOT_BYTES + PAGE_SIZE - 1) / PAGE_SIZE))

static void lay_out(struct ioat_chan *c, uint8_t *memory)
{
	c->desc = (struct ioat_desc *)(void *)memory;
	c->completion = (uint64_t *)(void *)(memory + DESC_BYTES);
	c->slot = (struct ioat_slot *)(void *)(memory + DESC_BYTES + COMPLETION_BYTES);
	c->desc_hpa = HPA(c->desc);
	c->completion_hpa = HPA(c->completion);
	for (uint32_t n = 0; n < IOAT_RING_ENTRIES; n++)
		c->desc[n].next_hpa = c->desc_hpa + (uint64_t)((n + 1) & IOAT_RING_MASK) *
							    sizeof(struct ioat_desc);
}

/* The first descriptor's completion must arrive where we look for it. */
static int test_run(struct ioat_chan *c)
{
	uint64_t end = rdtsc() + us_to_tsc(IOAT_START_US);
	struct ioat_result none;

	if (ioat_commit_null(c, 0))
		return -EIO;
	(void)ioat_flush(c);
	while (ioat_is_busy(c) && rdtsc() < end && c->state == IOAT_RUNNING) {
		(void)ioat_poll(c, &none, 1);
		cpu_relax();
	}
	return ioat_is_busy(c) || c->state != IOAT_RUNNING ? -EIO : 0;
}

int ioat_open(struct ioat_chan *c)
{
	uint8_t *memory = page_alloc(MEMORY_PAGES);
	int r = -ENOMEM;

	if (!memory)
		return r;
	lay_out(c, memory);
	c->target = IOAT_NO_TARGET;
	r = ioat_reset_wait(c);
	if (!r) {
		ioat_start_chain(c, 0);
		r = test_run(c);
	}
	if (!r)
		return 0;
	log_warn("ioat %02x:%02x.%x channel %u: does not start (%d), not used", c->dev->bdf >> 8,
		c->dev->bdf >> 3 & 0x1f, c->dev->bdf & 7, c->index, r);
	/* The device may hold the address of this memory for ever: it is given up. */
	if (ioat_reset_wait(c))
		ioat_device_kill(c->dev);
	c->state = IOAT_CLOSED;
	return r;
}
