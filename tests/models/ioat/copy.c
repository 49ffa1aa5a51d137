/* The engine of the I/OAT model: which channel has it until when, and the data.
 *
 * The engine serves one channel at a time, a chunk of IOAT_CHUNK_BYTES at most, then the next one
 * in turn; a chunk takes its bytes at the configured rate, a descriptor's first one also the 64
 * bytes of the descriptor. Source and destination are touched when the time of their chunk is over,
 * never before. As descriptors of a channel are done strictly in order, a fence has nothing to add.
 *
 * Page breaks: with the bit set, a buffer that crosses a page boundary goes on at the descriptor's
 * next source or destination address, which is the start of one further page. */
#include "engine.h"

#include <string.h>

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint32_t before_break(uint64_t address)
{
	return IOAT_PAGE_BYTES - (uint32_t)(address % IOAT_PAGE_BYTES);
}

/* DS 8.5.22, bits 0, 1 and 11, for one of the two buffers: error is 0 or 1's bit. */
static uint32_t check_buffer(
	const struct descriptor *d, uint64_t address, uint64_t next, bool broken, uint32_t error)
{
	uint32_t size = d->size_bytes, first = before_break(address);

	if (broken && size > first) {
		if (size - first > IOAT_PAGE_BYTES)
			return IOAT_CHANERR_LENGTH;
		if (next % IOAT_PAGE_BYTES || next >= IOAT_ADDRESS_LIMIT)
			return error;
		size = first;
	}
	return address >= IOAT_ADDRESS_LIMIT || size > IOAT_ADDRESS_LIMIT - address ? error : 0;
}

static uint32_t check(const struct ioat_model *m, const struct descriptor *d)
{
	uint32_t op = d->ctl >> IOAT_CTL_OP_SHIFT, errors = 0;
	bool fill = op == IOAT_OP_FILL && (m->dmacap & IOAT_DMACAP_FILL);

	if (op != IOAT_OP_COPY && !fill)
		return IOAT_CHANERR_CONTROL;
	if (d->ctl & (fill ? IOAT_CTL_FILL_RESERVED : IOAT_CTL_COPY_RESERVED))
		return IOAT_CHANERR_CONTROL;
	/* a null descriptor needs a length too, as Linux's driver notes */
	if (d->size_bytes == 0 || d->size_bytes > UINT32_C(1) << m->xfercap)
		return IOAT_CHANERR_LENGTH;
	if (d->ctl & IOAT_CTL_NULL)
		return 0;
	if (!fill)
		errors = check_buffer(
			d, d->src, d->next_src, d->ctl & IOAT_CTL_SRC_BREAK, IOAT_CHANERR_SOURCE);
	return errors | check_buffer(d, d->dst, d->next_dst, d->ctl & IOAT_CTL_DST_BREAK,
				IOAT_CHANERR_DESTINATION);
}

/* True: there is a descriptor, which may be wrong but has a successor. */
static bool fetch(struct chan *ch)
{
	struct descriptor *d = &ch->desc;
	uint8_t raw[IOAT_DESC_BYTES];

	if (ch->address % IOAT_DESC_BYTES || ch->address >= IOAT_ADDRESS_LIMIT)
		return chan_error(ch, ch->fresh ? IOAT_CHANERR_CHAIN : IOAT_CHANERR_NEXT, false);
	if (!pci_dev_dma_read(&ch->m->dev, ch->address, raw, sizeof(raw)))
		return chan_error(ch, IOAT_CHANERR_DESCRIPTOR, false);
	d->size_bytes = (uint32_t)get64(raw + IOAT_DESC_SIZE);
	d->ctl = (uint32_t)(get64(raw + IOAT_DESC_SIZE) >> 32);
	d->src = get64(raw + IOAT_DESC_SRC);
	d->dst = get64(raw + IOAT_DESC_DST);
	d->next = get64(raw + IOAT_DESC_NEXT);
	d->next_src = get64(raw + IOAT_DESC_NEXT_SRC);
	d->next_dst = get64(raw + IOAT_DESC_NEXT_DST);
	ch->fresh = false;
	ch->fetched = true;
	ch->done_bytes = 0;
	return true;
}

/* Address of the byte that comes after `done` ones, and how many follow it without a break. */
static uint64_t place(
	uint64_t address, uint64_t next, bool broken, uint32_t done, uint32_t *contiguous)
{
	uint32_t first = before_break(address);

	if (!broken)
		return address + done;
	if (done >= first)
		return next + (done - first);
	if (*contiguous > first - done)
		*contiguous = first - done;
	return address + done;
}

static void fill_chunk(struct ioat_model *m, uint64_t pattern, uint32_t done, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		m->chunk[i] = (uint8_t)(pattern >> (8 * ((done + i) % 8)));
}

static uint32_t payload_target(const struct chan *ch)
{
	uint32_t cpu = ch->dcactrl & IOAT_DCACTRL_TARGET, ctl = ch->desc.ctl;

	if (!(ctl & IOAT_CTL_DEST_DCA) || !(ch->m->dmacap & IOAT_DMACAP_DCA) ||
		cpu == IOAT_DCACTRL_TARGET)
		return DMA_NO_TARGET;
	return cpu | (ctl & IOAT_CTL_HINT ? IOAT_MODEL_TARGET_HINT : 0);
}

/* Moves up to n bytes, to the next break; 0 or the error. */
static uint32_t move(struct chan *ch, uint32_t *n)
{
	struct ioat_model *m = ch->m;
	const struct descriptor *d = &ch->desc;
	struct dma_hint hint = { DMA_PAYLOAD, (uint16_t)ch->index, payload_target(ch) };
	bool fill = d->ctl >> IOAT_CTL_OP_SHIFT == IOAT_OP_FILL;
	uint64_t src = 0, dst;

	if (!fill)
		src = place(d->src, d->next_src, d->ctl & IOAT_CTL_SRC_BREAK, ch->done_bytes, n);
	dst = place(d->dst, d->next_dst, d->ctl & IOAT_CTL_DST_BREAK, ch->done_bytes, n);
	if (fill)
		fill_chunk(m, d->src, ch->done_bytes, *n);
	else if (!pci_dev_dma_read(&m->dev, src, m->chunk, *n))
		return IOAT_CHANERR_READ;
	if (!pci_dev_dma_write(&m->dev, dst, m->chunk, *n, &hint))
		return IOAT_CHANERR_WRITE;
	ch->done_bytes += *n;
	m->counts.bytes += *n;
	m->counts.channel[ch->index].bytes += *n;
	return 0;
}

static uint32_t chunk_bytes(const struct chan *ch)
{
	uint32_t left = ch->desc.size_bytes - ch->done_bytes;

	if (ch->desc.ctl & IOAT_CTL_NULL)
		return 0;
	return left < IOAT_CHUNK_BYTES ? left : IOAT_CHUNK_BYTES;
}

static void count(struct chan *ch)
{
	struct ioat_model_counts *c = &ch->m->counts;

	if (ch->desc.ctl & IOAT_CTL_NULL)
		c->nulls++;
	else if (ch->desc.ctl >> IOAT_CTL_OP_SHIFT == IOAT_OP_FILL)
		c->fills++;
	else
		c->copies++;
}

/* The time of the chunk under way is over. */
static void finish_chunk(struct ioat_model *m)
{
	struct chan *ch = m->busy;
	uint32_t end = ch->done_bytes + chunk_bytes(ch), error = 0;

	m->busy = NULL;
	m->free_ps = m->busy_end_ps;
	while (ch->done_bytes < end && !error) { /* at most three rounds: two breaks */
		uint32_t n = end - ch->done_bytes;

		error = move(ch, &n);
	}
	if (!ch->fetched) /* it wrote to its own registers */
		return;
	if (error) {
		if (chan_error(ch, error, true))
			chan_complete(ch);
		return;
	}
	if (!(ch->desc.ctl & IOAT_CTL_NULL) && ch->done_bytes < ch->desc.size_bytes)
		return;
	count(ch);
	if (m->late_ps) {
		ch->finishing = true;
		ch->ready_ps = m->busy_end_ps + m->late_ps;
	} else {
		chan_complete(ch);
	}
}

/* The channel's turn, at start_ps. */
static void begin(struct chan *ch, uint64_t start_ps)
{
	struct ioat_model *m = ch->m;
	uint64_t cost_bytes = ch->fetched ? 0 : IOAT_DESC_BYTES, ps;
	uint32_t errors;

	m->last = ch->index;
	if (ch->finishing) {
		chan_complete(ch);
		return;
	}
	if (!ch->fetched) {
		if (ch->count == (uint16_t)ch->dmacount) { /* a later doorbell took it back */
			ch->state = ch->fresh ? CHAN_ARMED : CHAN_IDLE;
			return;
		}
		if (!fetch(ch))
			return;
		errors = ch->inject | check(m, &ch->desc);
		ch->inject = 0;
		if (errors && !chan_error(ch, errors, true))
			return;
		if (errors & ~IOAT_CHANERR_UNAFFILIATED) {
			chan_complete(ch);
			return;
		}
	}
	cost_bytes += chunk_bytes(ch);
	ps = cost_bytes * CLOCK_PS_PER_US / m->config.copy_bytes_per_us;
	m->busy = ch;
	m->busy_end_ps = start_ps + (ps < IOAT_JOB_MIN_PS ? IOAT_JOB_MIN_PS : ps);
}

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The channel that can go on first, in turn if several can; when. */
static struct chan *pick(struct ioat_model *m, uint64_t *start_ps)
{
	struct chan *best = NULL;

	for (unsigned i = 1; i <= m->chancnt; i++) {
		struct chan *ch = &m->chan[(m->last + i) % m->chancnt];
		uint64_t at = latest(latest(ch->ready_ps, ch->stalled_until_ps), m->free_ps);

		if (ch->state != CHAN_ACTIVE || at == CLOCK_NEVER || (best && at >= *start_ps))
			continue;
		best = ch;
		*start_ps = at;
	}
	return best;
}

static void wake_at(struct ioat_model *m, uint64_t at_ps)
{
	uint64_t rest = m->config.batch_ps ? at_ps % m->config.batch_ps : 0;

	if (rest && at_ps < CLOCK_NEVER - m->config.batch_ps)
		at_ps += m->config.batch_ps - rest;
	clock_schedule(m->clock, &m->event, at_ps);
}

/* Each round ends a chunk or begins one; a doorbell is for 65535 descriptors at most. */
static void run(struct ioat_model *m)
{
	uint64_t now = clock_now(m->clock), start_ps = 0;
	struct chan *ch;

	for (;;) {
		if (m->busy) {
			if (m->busy_end_ps > now) {
				wake_at(m, m->busy_end_ps);
				return;
			}
			finish_chunk(m);
			continue;
		}
		ch = pick(m, &start_ps);
		if (!ch) {
			clock_cancel(m->clock, &m->event);
			return;
		}
		if (start_ps > now) {
			wake_at(m, start_ps);
			return;
		}
		begin(ch, start_ps);
	}
}

void copy_run(struct ioat_model *m)
{
	if (m->running)
		return;
	m->running = true;
	run(m);
	m->running = false;
}

void copy_event(void *model)
{
	copy_run(model);
}

void copy_drop(struct chan *ch)
{
	struct ioat_model *m = ch->m;

	if (m->busy == ch) {
		m->busy = NULL;
		m->free_ps = clock_now(m->clock);
	}
}
