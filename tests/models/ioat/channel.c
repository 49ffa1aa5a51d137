/* A channel of the I/OAT model: states, commands, completion, errors. DS 8.5.12 to 8.5.23.
 *
 * States: after a reset or an error Halted; CHAINADDR written: Armed; DMACOUNT beyond the internal
 * counter: Active; all counted descriptors done: Idle. Suspend takes effect between two descriptors
 * and leaves the channel Suspended, until Resume, or a new CHAINADDR with its DMACOUNT. */
#include "engine.h"

static uint64_t join(uint32_t lo, uint32_t hi)
{
	return (uint64_t)hi << 32 | lo;
}

uint64_t chan_status(const struct chan *ch)
{
	uint64_t v = ch->completed | ch->state;

	if (ch->chanerr & IOAT_CHANERR_UNAFFILIATED)
		v |= IOAT_CHANSTS_UNAFFILIATED;
	if (ch->chanerr & IOAT_CHANERR_SOFT)
		v |= IOAT_CHANSTS_SOFT;
	return v;
}

/* What a channel forgets when it stops for good. */
static void stop(struct chan *ch, enum chan_state state)
{
	copy_drop(ch);
	ch->state = state;
	ch->suspending = ch->fresh = ch->fetched = ch->finishing = false;
}

static void clear(struct chan *ch)
{
	stop(ch, CHAN_HALTED);
	irq_reset(ch);
	ch->chanctrl = ch->dmacount = ch->dcactrl = 0;
	ch->chainaddr_lo = ch->chainaddr_hi = ch->chancmp_lo = ch->chancmp_hi = ch->chansts_hi = 0;
	ch->drsctl = ch->ltr_swsel = ch->ltr_active = ch->ltr_idle = 0;
	ch->count = 0;
	ch->completed = ch->address = 0;
	ch->stalled_until_ps = 0;
}

static void reset_event(void *ctx)
{
	chan_reset_end(ctx);
}

void chan_init(struct ioat_model *m, unsigned index)
{
	struct chan *ch = &m->chan[index];

	ch->m = m;
	ch->index = index;
	ch->state = CHAN_HALTED;
	ch->irq_event.fn = irq_event;
	ch->irq_event.ctx = ch;
	ch->reset_event.fn = reset_event;
	ch->reset_event.ctx = ch;
}

/* Unlike a reset by CHANCMD this clears the sticky errors and their mask too. */
void chan_power_on(struct chan *ch)
{
	clock_cancel(ch->m->clock, &ch->reset_event);
	ch->resetting = false;
	clear(ch);
	ch->chanerr = ch->chanerrmsk = ch->inject = 0;
}

/* DS 8.5.14: the last resort; back to a known state, Halted, whatever the channel was doing. */
static void reset(struct chan *ch)
{
	struct ioat_model *m = ch->m;

	m->counts.resets++;
	clear(ch);
	ch->inject = 0;
	ch->chanerr &= ~IOAT_CHANERR_UNAFFILIATED;
	ch->resetting = true;
	if (!m->reset_hangs)
		clock_schedule(m->clock, &ch->reset_event, clock_now(m->clock) + IOAT_RESET_PS);
	copy_run(m);
}

void chan_reset_end(struct chan *ch)
{
	struct ioat_model *m = ch->m;

	if (!ch->resetting || m->reset_hangs)
		return;
	ch->resetting = false;
	if (m->reset_clears_msix) {
		m->dev.msix[0].address = 0;
		m->dev.msix[0].data = 0;
		m->dev.msix[0].control = 1;
	}
}

static void start(struct chan *ch)
{
	struct ioat_model *m = ch->m;

	ch->state = CHAN_ACTIVE;
	ch->ready_ps = clock_now(m->clock) + m->config.start_latency_ps;
	copy_run(m);
}

/* Where the channel stands when it neither works nor is held. */
static void settle(struct chan *ch)
{
	if (ch->count != (uint16_t)ch->dmacount)
		start(ch);
	else
		ch->state = ch->fresh ? CHAN_ARMED : CHAN_IDLE;
}

static void suspend(struct chan *ch)
{
	struct ioat_model *m = ch->m;
	bool stalled = ch->stalled_until_ps > clock_now(m->clock);

	if (ch->state == CHAN_HALTED || ch->state == CHAN_SUSPENDED) {
		m->counts.ignored_writes++;
		return;
	}
	m->counts.suspends++;
	if (ch->state == CHAN_ACTIVE && (ch->fetched || stalled))
		ch->suspending = true;
	else
		ch->state = CHAN_SUSPENDED;
}

static void abort_chain(struct chan *ch)
{
	if (ch->state == CHAN_HALTED) {
		ch->m->counts.ignored_writes++;
		return;
	}
	ch->m->counts.aborts++;
	stop(ch, CHAN_HALTED);
	copy_run(ch->m);
}

static void resume(struct chan *ch)
{
	ch->suspending = false;
	if (ch->state == CHAN_SUSPENDED)
		settle(ch);
}

/* DS 8.5.14. Start and Append are version 1's, which had no DMACOUNT. */
void chan_command(struct chan *ch, uint32_t v)
{
	v &= 0x3f;
	if (v & (v - 1)) {
		chan_error(ch, IOAT_CHANERR_COMMAND, false);
		copy_run(ch->m);
		return;
	}
	if (ch->resetting || v & (IOAT_CHANCMD_START | IOAT_CHANCMD_APPEND))
		ch->m->counts.ignored_writes++;
	else if (v == IOAT_CHANCMD_RESET)
		reset(ch);
	else if (v == IOAT_CHANCMD_SUSPEND)
		suspend(ch);
	else if (v == IOAT_CHANCMD_ABORT)
		abort_chain(ch);
	else if (v == IOAT_CHANCMD_RESUME)
		resume(ch);
}

void chan_doorbell(struct chan *ch)
{
	ch->m->counts.doorbells++;
	if (ch->state == CHAN_ARMED || ch->state == CHAN_IDLE)
		settle(ch);
	else if (ch->state == CHAN_HALTED)
		ch->m->counts.ignored_writes++;
}

/* A new chain: the counters start at 0 (DS 8.5.15) and nothing of it is completed. Not while the
 * channel works or resets, and not before the errors that halted it are cleared. */
void chan_chain_written(struct chan *ch)
{
	uint32_t pending = ch->chanerr & ~ch->chanerrmsk & ~IOAT_CHANERR_UNAFFILIATED;

	if (ch->state == CHAN_ACTIVE || ch->resetting || (ch->state == CHAN_HALTED && pending)) {
		ch->m->counts.ignored_writes++;
		return;
	}
	ch->dmacount = ch->count = 0;
	ch->completed = 0;
	ch->address = join(ch->chainaddr_lo, ch->chainaddr_hi);
	ch->fresh = true;
	ch->state = CHAN_ARMED;
}

/* DS 8.5.24, 8.5.12 bit 9. False: an illegal address, or nobody there. */
static bool write_completion(struct chan *ch)
{
	uint64_t address = join(ch->chancmp_lo, ch->chancmp_hi), v = chan_status(ch);
	struct dma_hint hint = { DMA_COMPLETION, (uint16_t)ch->index, DMA_NO_TARGET };
	uint32_t cpu = ch->dcactrl & IOAT_DCACTRL_TARGET;
	uint8_t bytes[8];

	if ((ch->m->dmacap & IOAT_DMACAP_DCA) && cpu != IOAT_DCACTRL_TARGET &&
		((ch->chanctrl & IOAT_CHANCTRL_COMPL_DCA_EN) ||
			(ch->dcactrl & IOAT_DCACTRL_COMPL_EN)))
		hint.target = cpu;
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	if (address % 8 || address >= IOAT_ADDRESS_LIMIT ||
		!pci_dev_dma_write(&ch->m->dev, address, bytes, sizeof(bytes), &hint))
		return false;
	ch->m->counts.completion_writes++;
	return true;
}

/* DS 8.5.22; configuration space collects the errors of all channels, DS 8.4.36. */
static void note(struct chan *ch, uint32_t bits)
{
	struct ioat_model *m = ch->m;
	uint32_t all = pci_dev_cfg_get(&m->dev, IOAT_CFG_CHANERR_INT);

	ch->chanerr |= bits;
	pci_dev_cfg_set(&m->dev, IOAT_CFG_CHANERR_INT, all | bits);
	for (unsigned i = 0; i < 32; i++)
		m->counts.errors[i] += bits >> i & 1;
}

/* DS 8.5.12: what the channel says of the error it stopped for. */
static void report(struct chan *ch, uint32_t bits)
{
	if ((ch->chanctrl & IOAT_CHANCTRL_ERR_COMPL_EN) && !(bits & IOAT_CHANERR_COMPLETION) &&
		!write_completion(ch)) {
		note(ch, IOAT_CHANERR_COMPLETION);
	}
	if ((ch->chanctrl & IOAT_CHANCTRL_ERR_INT_EN) && !(bits & IOAT_CHANERR_INTERRUPT))
		irq_request(ch);
}

bool chan_error(struct chan *ch, uint32_t bits, bool can_skip)
{
	struct ioat_model *m = ch->m;
	uint32_t unmasked = bits & ~ch->chanerrmsk;
	bool stops = unmasked & ~IOAT_CHANERR_UNAFFILIATED;

	note(ch, bits);
	/* bit 15 concerns no descriptor of this channel */
	stops |= (unmasked & IOAT_CHANERR_UNAFFILIATED) &&
		 (ch->chanctrl & IOAT_CHANCTRL_ANY_ERR_ABORT);
	if (!stops && can_skip)
		return true;
	stop(ch, CHAN_HALTED);
	m->counts.halts++;
	m->counts.channel[ch->index].halts++;
	if (unmasked && !m->reporting) {
		m->reporting = true;
		report(ch, unmasked);
		m->reporting = false;
	}
	return false;
}

void chan_complete(struct chan *ch)
{
	const struct descriptor *d = &ch->desc;
	uint32_t ctl = d->ctl;

	ch->m->counts.channel[ch->index].descriptors++;
	ch->count++;
	ch->completed = ch->address;
	ch->address = d->next;
	ch->fetched = ch->finishing = false;
	if (ch->suspending)
		ch->state = CHAN_SUSPENDED;
	else if (ch->count == (uint16_t)ch->dmacount)
		ch->state = CHAN_IDLE;
	ch->suspending = false;
	if ((ctl & IOAT_CTL_COMPL) && !write_completion(ch) &&
		!chan_error(ch, IOAT_CHANERR_COMPLETION, true))
		return;
	if (ctl & IOAT_CTL_INT)
		irq_request(ch);
}
