/* I/OAT channels: copies beside the core that submits them, in order, at a rate of their own. What
 * is done is noticed as in hv/net/copy.c: by polling while something ends, then by an interrupt. */
#include "lib/bits.h"
#include "model.h"

static void moved(void *arg)
{
	struct channel *ch = arg;
	const struct channel_op *op = &ch->op[ch->done++ % CHANNEL_OPS];

	memory_dma_read(sim->mem, op->src, op->len_bytes);
	memory_dma_write(
		sim->mem, socket_of(ch->core), op->dst, op->len_bytes, op->core, sim->c->aim);
	ch->backlog_bytes -= op->len_bytes;
	if (ch->irq_wanted) {
		ch->irq_wanted = false;
		sim->f.interrupts++;
		engine_interrupt(ch->core, &ch->irq);
	}
}

static void interrupt(struct engine_irq *irq)
{
	struct channel *ch = CONTAINER_OF(irq, struct channel, irq);

	if (ch->scheduled)
		return;
	ch->scheduled = true;
	work_schedule(sched_worker(ch->core), &ch->work);
}

static enum work_result run(struct work *w, unsigned budget)
{
	struct channel *ch = CONTAINER_OF(w, struct channel, work);
	uint64_t start = engine_now();
	unsigned n = 0;

	for (; n < budget && ch->tail != ch->done; n++) {
		const struct channel_op *op = &ch->op[ch->tail++ % CHANNEL_OPS];

		spend(costs.engine_complete);
		copy_estimate_latency(&ch->estimate, op->len_bytes, engine_now() - op->submitted);
		guest_filled(op->guest, op->slot);
	}
	if (n) {
		copy_estimate_poll(&ch->estimate, engine_now() - start, n);
		return WORK_POLL;
	}
	ch->irq_wanted = ch->tail != ch->head;
	ch->scheduled = false;
	return WORK_DONE;
}

void channel_init(struct channel *ch, unsigned core)
{
	ch->core = core;
	ch->there = sim->c->engine && core % sim->m->cores_per_socket < ENGINE_CHANNELS;
	ch->irq.handler = interrupt;
	work_init(&ch->work, run);
	ch->work.eager = true;
	copy_estimate_init(&ch->estimate);
}

bool channel_wants(struct channel *ch, uint32_t len_bytes)
{
	return ch->there && len_bytes >= 256 && ch->head - ch->tail < CHANNEL_OPS &&
	       copy_estimate_prefers_channel(&ch->estimate, len_bytes, ch->backlog_bytes);
}

bool channel_submit(struct channel *ch, const struct channel_op *op)
{
	struct channel_op *mine = &ch->op[ch->head % CHANNEL_OPS];

	if (ch->head - ch->tail == CHANNEL_OPS)
		return false;
	*mine = *op;
	mine->submitted = engine_now();
	ch->head++;
	ch->backlog_bytes += op->len_bytes;
	spend(costs.engine_prepare);
	copy_estimate_prepare(&ch->estimate, engine_now() - mine->submitted);
	return true;
}

void channel_flush(struct channel *ch)
{
	unsigned n = ch->head - ch->issued;
	uint64_t start = engine_now();

	if (!n)
		return;
	spend(costs.engine_doorbell);
	copy_estimate_doorbell(&ch->estimate, engine_now() - start, n);
	ch->busy_until = MAX(ch->busy_until, engine_now() + engine_ns(costs.engine_start_ns));
	for (; ch->issued != ch->head; ch->issued++) {
		struct channel_op *op = &ch->op[ch->issued % CHANNEL_OPS];
		uint64_t ticks = engine_ns(op->len_bytes * UINT64_C(1000) / costs.engine_mb_per_s);

		ch->busy_until += ticks;
		copy_estimate_rate(&ch->estimate, op->len_bytes, ticks);
		engine_at(ch->busy_until, moved, ch);
	}
	if (!ch->scheduled) {
		ch->scheduled = true;
		work_schedule(sched_worker(ch->core), &ch->work);
	}
}
