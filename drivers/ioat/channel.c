/* A channel of the I/OAT engine at work: prepare, doorbell, completion. DS 8.5.12 to 8.5.24.
 *
 * Order of stores. Descriptors lie in write-back memory, the doorbell is an uncached register. x86
 * keeps the order of stores, and an uncached one does not pass earlier ones in the store buffer
 * (SDM vol. 3A, 8.2.2 and 11.3), so what was stored before the doorbell is visible to the device's
 * snooped reads when the doorbell arrives. Only the compiler must keep the order too: the barrier
 * in ioat_mmio.c. The same holds for what the CPU wrote into buffers.
 *
 * Order of loads. The device writes the data, then the completion word; writes of one function do
 * not pass each other as relaxed ordering is off (probe.c). x86 keeps the order of loads, so what
 * is read after the completion word is what the device wrote. */
#include "drivers/ioat/internal.h"

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "drivers/ioat/ioat_mmio.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "mem/direct_map.h"

static uint64_t desc_hpa(const struct ioat_chan *c, uint32_t n)
{
	return c->desc_hpa + (uint64_t)(n & IOAT_RING_MASK) * sizeof(struct ioat_desc);
}

/* ---- Prepare ---- */

int ioat_begin(struct ioat_chan *c)
{
	if (c->state != IOAT_RUNNING)
		return c->state == IOAT_DEAD || c->state == IOAT_CLOSED ? -EIO : -EAGAIN;
	c->building = c->head;
	c->building_bytes = 0;
	return 0;
}

static int add_desc(
	struct ioat_chan *c, uint64_t dst_hpa, uint64_t src_hpa, uint32_t bytes, uint32_t ctl)
{
	struct ioat_desc *d = &c->desc[c->building & IOAT_RING_MASK];
	struct ioat_slot *s = ioat_slot_of(c, c->building);

	if (c->building - c->tail >= IOAT_RING_ENTRIES - 1) {
		c->stats.ring_full++;
		return -EAGAIN;
	}
	d->size = bytes;
	d->ctl = ctl;
	d->src_hpa = src_hpa;
	d->dst_hpa = dst_hpa;
	s->bytes = bytes;
	s->nr = 0;
	c->building++;
	return 0;
}

int ioat_add(struct ioat_chan *c, void *dst, const void *src, uint32_t len_bytes, bool dca)
{
	uint64_t dst_hpa = HPA(dst), src_hpa = HPA(src);
	uint32_t ctl = IOAT_CTL_OP_COPY;
	int r = len_bytes ? 0 : -EINVAL;

	if (dca && c->target != IOAT_NO_TARGET)
		ctl |= IOAT_CTL_DEST_DCA | IOAT_CTL_HINT;
	c->building_bytes += len_bytes;
	while (len_bytes && !r) {
		uint32_t n = MIN(len_bytes, c->dev->max_bytes);

		r = add_desc(c, dst_hpa, src_hpa, n, ctl);
		dst_hpa += n;
		src_hpa += n;
		len_bytes -= n;
	}
	return r;
}

void ioat_commit(struct ioat_chan *c, uint64_t token)
{
	struct ioat_slot *first = ioat_slot_of(c, c->head);

	first->token = token;
	first->nr = (uint16_t)(c->building - c->head);
	c->desc[(c->building - 1) & IOAT_RING_MASK].ctl |= IOAT_CTL_COMPL_WRITE;
	c->head = c->building;
	c->backlog_bytes += c->building_bytes;
}

void ioat_cancel(struct ioat_chan *c)
{
	c->building = c->head;
}

/* ---- Doorbell ---- */

static void ring_doorbell(struct ioat_chan *c)
{
	c->stats.doorbells++;
	ioat_write16(c->regs, IOAT_DMACOUNT, (uint16_t)(c->issued - c->chain_start));
}

unsigned ioat_flush(struct ioat_chan *c)
{
	unsigned n = c->head - c->issued;

	if (!n || c->state == IOAT_DEAD)
		return n;
	if (c->issued == c->complete)
		c->moved = true; /* time without progress begins here */
	c->issued = c->head;
	c->stats.descriptors += n;
	if (c->state == IOAT_RUNNING) /* else ioat_start_chain() rings for it */
		ring_doorbell(c);
	return n;
}

/* Also lets the next interrupt through, if the last one disabled it. */
void ioat_write_control(const struct ioat_chan *c)
{
	uint16_t v = IOAT_CHANCTRL_INT_DISABLE | IOAT_CHANCTRL_ERR_COMPL_EN |
		     IOAT_CHANCTRL_ANY_ERR_ABORT;

	if (c->vector)
		v |= IOAT_CHANCTRL_ERR_INT_EN;
	ioat_write16(c->regs, IOAT_CHANCTRL, v);
}

void ioat_write_target(const struct ioat_chan *c)
{
	uint32_t v = c->target & IOAT_DCACTRL_TARGET_CPU;

	if (c->target != IOAT_NO_TARGET)
		v |= IOAT_DCACTRL_COMPL_WRITE_EN;
	ioat_write32(c->regs, IOAT_DCACTRL, v);
}

void ioat_start_chain(struct ioat_chan *c, uint32_t n)
{
	c->chain_start = c->complete = n;
	c->last_word = 0;
	store_release(c->completion, UINT64_C(0));
	ioat_write_control(c);
	ioat_write32(c->regs, IOAT_CHANERRMSK, 0);
	ioat_write32(c->regs, IOAT_CHANCMP_LO, (uint32_t)c->completion_hpa);
	ioat_write32(c->regs, IOAT_CHANCMP_HI, (uint32_t)(c->completion_hpa >> 32));
	ioat_write_target(c);
	ioat_write32(c->regs, IOAT_CHAINADDR_LO, (uint32_t)desc_hpa(c, n));
	ioat_write32(c->regs, IOAT_CHAINADDR_HI, (uint32_t)(desc_hpa(c, n) >> 32));
	c->state = IOAT_RUNNING;
	c->moved = true;
	c->check_tsc = rdtsc() + us_to_tsc(IOAT_CHECK_US);
	if (c->issued != n)
		ring_doorbell(c);
}

/* ---- Completion ---- */

uint64_t ioat_chansts(const struct ioat_chan *c)
{
	uint64_t lo = ioat_read32(c->regs, IOAT_CHANSTS_LO);

	return (uint64_t)ioat_read32(c->regs, IOAT_CHANSTS_HI) << 32 | lo;
}

/* The word may be anything: only the address of a descriptor that the device has now is progress.
 * No address, and the one that was completed last, are no news. */
enum ioat_progress ioat_take_progress(struct ioat_chan *c, uint64_t status)
{
	uint64_t offset = (status & IOAT_CHANSTS_COMPLETED) - c->desc_hpa;
	uint32_t ahead;

	if (!(status & IOAT_CHANSTS_COMPLETED))
		return IOAT_PROGRESS_NONE;
	if (offset >= IOAT_RING_ENTRIES * sizeof(struct ioat_desc))
		return IOAT_PROGRESS_BAD;
	ahead = ((uint32_t)(offset / sizeof(struct ioat_desc)) - c->complete) & IOAT_RING_MASK;
	if (ahead == IOAT_RING_MASK)
		return IOAT_PROGRESS_NONE;
	if (ahead >= c->issued - c->complete)
		return IOAT_PROGRESS_BAD;
	c->complete += ahead + 1;
	c->moved = true;
	return IOAT_PROGRESS_MADE;
}

static unsigned state_of(uint64_t status)
{
	return (unsigned)(status & IOAT_CHANSTS_STATE);
}

/* Nothing new in memory although something is under way: now and then, what do the registers say? A
 * read of them costs as much as a small copy. */
static void check_registers(struct ioat_chan *c)
{
	uint64_t now = rdtsc(), status;

	if (c->moved) {
		c->moved = false;
		c->progress_tsc = now;
		c->check_tsc = now + us_to_tsc(IOAT_CHECK_US);
	}
	if (now < c->check_tsc)
		return;
	c->check_tsc = now + us_to_tsc(IOAT_CHECK_US);
	if (load_relaxed(&c->dev->dead)) {
		ioat_recover_never(c);
		return;
	}
	status = ioat_chansts(c);
	if (status == UINT64_MAX) { /* nobody answers: the function fell off the bus */
		ioat_device_kill(c->dev);
		ioat_recover_never(c);
	} else if (state_of(status) == IOAT_STATE_HALTED) {
		ioat_recover_halted(c);
	} else if (ioat_take_progress(c, status) == IOAT_PROGRESS_MADE) {
		c->stats.lost_completions++;
	} else if (now - c->progress_tsc >= us_to_tsc(IOAT_STALL_US)) {
		ioat_recover_stalled(c, now);
	} else if (state_of(status) == IOAT_STATE_IDLE || state_of(status) == IOAT_STATE_ARMED) {
		ring_doorbell(c); /* the same number again: no harm if it was heard */
		c->stats.repeated_doorbells++;
	}
}

static void watch(struct ioat_chan *c)
{
	uint64_t word = load_acquire(c->completion);

	if (word == c->last_word) {
		if (c->issued != c->complete)
			check_registers(c);
		return;
	}
	c->last_word = word;
	switch (ioat_take_progress(c, word)) {
	case IOAT_PROGRESS_MADE:
		c->recoveries = 0;
		break;
	case IOAT_PROGRESS_BAD:
		c->stats.bad_completions++;
		break;
	case IOAT_PROGRESS_NONE:
		break;
	}
	if (state_of(word) == IOAT_STATE_HALTED)
		ioat_recover_halted(c);
}

/* The operation at the tail, if it has ended. */
static bool pop(struct ioat_chan *c, struct ioat_result *result)
{
	const struct ioat_slot *s = ioat_slot_of(c, c->tail);
	bool failed = c->tail - c->fail_first < c->fail_end - c->fail_first;
	uint32_t bytes = 0;

	if (failed ? c->state == IOAT_RESETTING : c->complete - c->tail < s->nr)
		return false; /* until its reset the channel may still write */
	for (uint32_t n = 0; n < s->nr; n++)
		bytes += ioat_slot_of(c, c->tail + n)->bytes;
	*result = (struct ioat_result){ .token = s->token };
	if (failed) {
		result->status = -EIO;
		result->done_bytes = c->fail_done_bytes;
		c->fail_done_bytes = 0;
		c->fail_first = c->tail + s->nr;
	}
	c->tail += s->nr;
	if (s->token != IOAT_TOKEN_NONE) {
		c->backlog_bytes -= bytes;
		c->stats.operations += !failed;
		c->stats.bytes += failed ? 0 : bytes;
		c->stats.handed_back += failed;
	}
	return true;
}

unsigned ioat_poll(struct ioat_chan *c, struct ioat_result *result, unsigned max)
{
	unsigned n = 0;

	if (c->state == IOAT_RUNNING)
		watch(c);
	else
		ioat_recover_step(c);
	while (n < max && c->tail != c->head && pop(c, &result[n]))
		n += result[n].token != IOAT_TOKEN_NONE;
	return n;
}

/* ---- Other requests ---- */

int ioat_commit_null(struct ioat_chan *c, uint32_t ctl)
{
	int r = ioat_begin(c);

	if (!r)
		r = add_desc(c, 0, 0, sizeof(struct ioat_desc), ctl | IOAT_CTL_NULL);
	if (r)
		return r;
	c->building_bytes = 0;
	ioat_commit(c, IOAT_TOKEN_NONE);
	return 0;
}

bool ioat_interrupt_request(struct ioat_chan *c)
{
	if (!c->vector || !ioat_is_busy(c) || ioat_commit_null(c, IOAT_CTL_INT_EN))
		return false;
	(void)ioat_flush(c);
	return true;
}

int ioat_set_target(struct ioat_chan *c, uint32_t apic_id)
{
	if (c->target == apic_id)
		return 0;
	if (!c->dev->has_dca || (apic_id >= IOAT_DCACTRL_TARGET_CPU && apic_id != IOAT_NO_TARGET))
		return -ENOTSUP;
	if (c->state != IOAT_RUNNING || ioat_is_busy(c)) {
		c->stats.retargets_refused++;
		return -EBUSY;
	}
	c->target = apic_id;
	ioat_write_target(c);
	c->stats.retargets++;
	return 0;
}
