/* The data plane as a whole: its life, events that change queues, write-backs that come late. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define LATE_MAX 65536 /* write-backs under way: more than all rings of a driver */

const struct reg_range *const data_ranges[] = { rx_ranges, select_ranges, fdir_ranges, tx_ranges,
	tsync_ranges, NULL };

static void settle_event(void *ctx)
{
	data_settle(ctx);
}

static void late_event(void *ctx);

int data_create(struct port *p)
{
	struct data *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	p->data = d;
	d->settle = (struct clock_event){ .fn = settle_event, .ctx = p };
	d->late_timer = (struct clock_event){ .fn = late_event, .ctx = p };
	d->rsc_timer = (struct clock_event){ .fn = rsc_timer, .ctx = p };
	d->mac = (struct clock_event){ .fn = tx_mac_event, .ctx = p };
	d->pause_refresh = (struct clock_event){ .fn = pause_refresh, .ctx = p };
	d->pause_end = (struct clock_event){ .fn = settle_event, .ctx = p };
	data_reset(p);
	return 0;
}

static void cancel_events(struct port *p)
{
	struct data *d = p->data;

	clock_cancel(p->clock, &d->settle);
	clock_cancel(p->clock, &d->late_timer);
	clock_cancel(p->clock, &d->rsc_timer);
	clock_cancel(p->clock, &d->mac);
	clock_cancel(p->clock, &d->pause_refresh);
	clock_cancel(p->clock, &d->pause_end);
}

void data_destroy(struct port *p)
{
	struct data *d = p->data;

	if (!d)
		return;
	cancel_events(p);
	fdir_reset(p);
	for (unsigned tc = 0; tc < RX_PACKET_BUFFERS; tc++)
		free(d->fifo[tc].bytes);
	free(d->tx_fifo.bytes);
	free(d->late);
	free(d);
	p->data = NULL;
}

/* Tables of filters and RSS are not reset by hardware in every case, but no driver may count on
 * what is in them: their registers are as data_ranges say. */
void data_reset(struct port *p)
{
	struct data *d = p->data;

	d->reset_wanted = d->in_dma;
	if (data_is_busy(p))
		return;
	cancel_events(p);
	for (unsigned q = 0; q < M82599_QUEUES; q++) {
		ring_reset(&d->rx[q].ring);
		d->rx[q].drop_enable = false;
	}
	rx_fifo_reset(p);
	rsc_reset(p);
	tx_reset(p);
	fdir_reset(p);
	d->late_head = d->late_nr = 0;
	d->toeplitz_ready = false;
	memset(d->tuple_filters, 0, sizeof(d->tuple_filters));
	d->ethertype_filters = 0;
	d->systime = 0;
	d->systime_at = clock_now(p->clock);
	d->dma_ready_at = clock_now(p->clock) + DMA_INIT_PS;
}

void data_link_changed(struct port *p)
{
	p->data->paused_until = 0;
	tx_run(p);
}

/* ---- DMA ---- */

bool data_dma_read(struct port *p, uint64_t addr, void *buf, uint32_t len_bytes)
{
	bool ok;

	p->data->in_dma++;
	ok = pci_dev_dma_read(&p->dev, addr, buf, len_bytes);
	p->data->in_dma--;
	p->counts.dma_errors += !ok;
	return ok;
}

bool data_dma_write(struct port *p, uint64_t addr, const void *buf, uint32_t len_bytes,
	const struct dma_hint *hint)
{
	bool ok;

	p->data->in_dma++;
	ok = pci_dev_dma_write(&p->dev, addr, buf, len_bytes, hint);
	p->data->in_dma--;
	p->counts.dma_errors += !ok;
	return ok;
}

bool data_is_busy(struct port *p)
{
	if (!p->data->in_dma)
		return false;
	data_settle_at(p, clock_now(p->clock));
	return true;
}

/* ---- Queues that change their state ---- */

void data_settle_at(struct port *p, uint64_t at_ps)
{
	struct clock_event *e = &p->data->settle;

	if (at_ps != CLOCK_NEVER && (!clock_is_scheduled(e) || at_ps < e->at_ps))
		clock_schedule(p->clock, e, at_ps);
}

static void apply(struct ring *r, uint64_t base, uint32_t len)
{
	r->enabled = r->wanted;
	r->cache_at = r->cache_nr = 0;
	r->base = base;
	r->entries = len / DESCRIPTOR_BYTES;
}

/* When the ring changes next; CLOCK_NEVER: not by itself. */
static uint64_t next_change(const struct ring *r, uint64_t now)
{
	uint64_t at = r->wanted != r->enabled ? r->change_at : CLOCK_NEVER;

	return r->stalled_until > now && r->stalled_until < at ? r->stalled_until : at;
}

static void settle_rx(struct port *p, unsigned q, uint64_t now)
{
	struct ring *r = &p->data->rx[q].ring;

	if (r->wanted == r->enabled || now < r->change_at)
		return;
	rsc_close_queue(p, q);
	apply(r, (uint64_t)rx_reg(p, q, RDBAH) << 32 | rx_reg(p, q, RDBAL), rx_reg(p, q, RDLEN));
}

static void settle_tx(struct port *p, unsigned q, uint64_t now)
{
	struct tx_queue *t = &p->data->tx[q];
	struct ring *r = &t->ring;

	if (r->wanted == r->enabled || now < r->change_at)
		return;
	if (r->enabled)
		tx_write_back(p, q);
	if (p->data->packet.queue == q)
		p->data->packet.active = false;
	t->stopped = false;
	t->nr_done = 0;
	apply(r, (uint64_t)tx_reg(p, q, TDBAH) << 32 | tx_reg(p, q, TDBAL), tx_reg(p, q, TDLEN));
}

void data_settle(struct port *p)
{
	struct data *d = p->data;
	uint64_t now = clock_now(p->clock), next = CLOCK_NEVER, at;

	if (d->reset_wanted) {
		data_reset(p);
		return;
	}
	rsc_close_disabled(p);
	for (unsigned q = 0; q < M82599_QUEUES; q++) {
		settle_rx(p, q, now);
		settle_tx(p, q, now);
		at = next_change(&d->rx[q].ring, now);
		next = at < next ? at : next;
		at = next_change(&d->tx[q].ring, now);
		next = at < next ? at : next;
		if (ring_available(&d->tx[q].ring))
			tx_kick(p, q);
	}
	data_settle_at(p, next);
	rx_kick(p);
	tx_run(p);
}

/* ---- Write-backs ---- */

static void write_now(struct port *p, const struct late_write *w)
{
	data_dma_write(p, w->addr, w->data, w->len_bytes, &w->hint);
	if (!w->interrupt)
		return;
	p->data->in_dma++; /* so is a message */
	if (w->tx)
		irq_tx(p, w->queue);
	else if (w->low_latency)
		irq_rx_low_latency(p, w->queue);
	else
		irq_rx(p, w->queue);
	p->data->in_dma--;
}

static struct late_write *late_first(struct data *d)
{
	return &d->late[d->late_head];
}

static void late_write_first(struct port *p)
{
	struct data *d = p->data;
	struct late_write w = *late_first(d);

	d->late_head = (d->late_head + 1) % d->late_capacity;
	d->late_nr--;
	write_now(p, &w);
}

static void late_event(void *ctx)
{
	struct port *p = ctx;
	struct data *d = p->data;

	while (d->late_nr && late_first(d)->at_ps <= clock_now(p->clock))
		late_write_first(p);
	if (d->late_nr)
		clock_schedule(p->clock, &d->late_timer, late_first(d)->at_ps);
}

static bool late_reserve(struct port *p)
{
	struct data *d = p->data;
	uint32_t capacity = d->late_capacity ? d->late_capacity * 2 : 256;
	struct late_write *grown;

	if (d->late_nr < d->late_capacity)
		return true;
	if (capacity > LATE_MAX) {
		late_write_first(p);
		return true;
	}
	grown = malloc(capacity * sizeof(*grown));
	if (!grown)
		return false;
	for (uint32_t i = 0; i < d->late_nr; i++)
		grown[i] = d->late[(d->late_head + i) % d->late_capacity];
	free(d->late);
	d->late = grown;
	d->late_capacity = capacity;
	d->late_head = 0;
	return true;
}

void data_write_back(struct port *p, bool tx, unsigned queue, uint64_t addr, const uint8_t *bytes,
	uint32_t len_bytes, bool interrupt, bool low_latency)
{
	struct data *d = p->data;
	struct late_write w = { .at_ps = clock_now(p->clock) + d->write_back_delay,
		.addr = addr,
		.len_bytes = (uint8_t)len_bytes,
		.queue = (uint8_t)queue,
		.tx = tx,
		.interrupt = interrupt,
		.low_latency = low_latency,
		.hint = tx ? dca_tx(p, queue, DMA_DESCRIPTOR) : dca_rx(p, queue, DMA_DESCRIPTOR) };

	if (tx && len_bytes < 8)
		w.hint.kind = DMA_HEAD_WRITE_BACK;
	memcpy(w.data, bytes, len_bytes);
	if ((!d->write_back_delay && !d->late_nr) || !late_reserve(p)) {
		write_now(p, &w);
		return;
	}
	/* a shorter delay does not let one overtake another */
	d->late[(d->late_head + d->late_nr++) % d->late_capacity] = w;
	if (!clock_is_scheduled(&d->late_timer))
		clock_schedule(p->clock, &d->late_timer, late_first(d)->at_ps);
}

/* ---- Fault injection ---- */

void data_stall(struct port *p, bool tx, unsigned queue, uint64_t until_ps)
{
	struct data *d = p->data;

	if (queue >= M82599_QUEUES)
		return;
	(tx ? &d->tx[queue].ring : &d->rx[queue].ring)->stalled_until = until_ps;
	data_settle_at(p, until_ps);
}

void data_run(struct port *p, bool tx, unsigned queue)
{
	data_stall(p, tx, queue, 0);
}

void data_delay_write_back(struct port *p, uint64_t delay_ps)
{
	p->data->write_back_delay = delay_ps;
}
