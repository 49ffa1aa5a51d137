/* Transmission: round robin between the queues, the transmit packet buffer, and the MAC, which
 * sends at 10 Gbit/s. DS 7.2.1, 7.2.3.6; 3.7.7.3 (pause).
 *
 * The DMA engine runs ahead of the MAC as far as the packet buffer has room. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define GAP_PS	      (12 * WIRE_PS_PER_BYTE)
#define FIFO_CAPACITY (2 * TX_PACKET_BUFFER_SIZE + 2 * WIRE_FRAME_MAX)
#define FIFO_BUFFERS  8
#define GRANULE	      64
#define NO_PAUSE      (-1)
#define PAUSE_BYTES   60
#define WRAP	      UINT32_MAX /* in len_bytes: the next frame is at the beginning */

/* ---- Packet buffer ---- */

static uint32_t occupied(uint32_t len)
{
	return (len + WIRE_FCS_BYTES + GRANULE - 1) / GRANULE * GRANULE;
}

static uint32_t stored(uint32_t len)
{
	return (uint32_t)(sizeof(struct tx_frame) + len + 7) & ~7u;
}

static uint32_t fifo_limit(const struct port *p)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < FIFO_BUFFERS; i++)
		sum += reg_get(p, REG_TXPBSIZE(i)) & TXPBSIZE_BYTES;
	return sum < TX_PACKET_BUFFER_SIZE ? sum : TX_PACKET_BUFFER_SIZE;
}

uint8_t *tx_fifo_reserve(struct port *p, uint32_t len_bytes)
{
	struct tx_fifo *f = &p->data->tx_fifo;
	uint32_t bytes = stored(len_bytes);

	if (!f->bytes)
		f->bytes = malloc(FIFO_CAPACITY);
	if (!f->bytes || f->used + occupied(len_bytes) > fifo_limit(p))
		return NULL;
	if (!f->frames)
		f->head = f->tail = 0;
	if (f->frames && f->tail <= f->head) {
		if (f->head - f->tail < bytes)
			return NULL;
	} else if (FIFO_CAPACITY - f->tail < bytes + stored(0)) {
		if (f->head < bytes)
			return NULL;
		((struct tx_frame *)(f->bytes + f->tail))->len_bytes = WRAP;
		f->tail = 0;
	}
	return f->bytes + f->tail + sizeof(struct tx_frame);
}

void tx_fifo_commit(struct port *p, const struct tx_frame *frame)
{
	struct tx_fifo *f = &p->data->tx_fifo;

	*(struct tx_frame *)(f->bytes + f->tail) = *frame;
	f->tail += stored(frame->len_bytes);
	f->used += occupied(frame->len_bytes);
	f->frames++;
}

static struct tx_frame *fifo_first(struct tx_fifo *f)
{
	struct tx_frame *frame = (struct tx_frame *)(f->bytes + f->head);

	if (frame->len_bytes == WRAP) {
		f->head = 0;
		frame = (struct tx_frame *)f->bytes;
	}
	return frame;
}

static void fifo_drop_first(struct tx_fifo *f)
{
	uint32_t len = fifo_first(f)->len_bytes;

	f->head += stored(len);
	f->used -= occupied(len);
	f->frames--;
}

/* ---- MAC ---- */

static bool is_looped(const struct port *p)
{
	return reg_get(p, REG_HLREG0) & HLREG0_LPBK;
}

static bool has_link(const struct port *p)
{
	return link_is_up(p) || is_looped(p);
}

/* Starts the next frame if there is one: pause frames first, and whatever the other side says. */
static void mac_start(struct port *p)
{
	struct data *d = p->data;
	uint64_t now = clock_now(p->clock), start = now > d->mac_free_at ? now : d->mac_free_at;
	uint32_t len;

	if (d->mac_busy || !has_link(p))
		return;
	d->mac_pause = d->pause_wanted != NO_PAUSE;
	if (d->mac_pause)
		len = PAUSE_BYTES;
	else if (d->tx_fifo.frames && now >= d->paused_until)
		len = fifo_first(&d->tx_fifo)->len_bytes;
	else
		return;
	d->mac_busy = true;
	clock_schedule(p->clock, &d->mac, start + wire_time_ps(len) - GAP_PS);
}

static void mac_put(struct port *p, const uint8_t *data, uint32_t len, bool fcs_ok)
{
	if (is_looped(p))
		rx_frame(p, data, len, fcs_ok);
	else if (p->wire)
		wire_send(p->wire, p->wire_end, data, len, fcs_ok);
}

static void send_pause(struct port *p)
{
	uint8_t frame[PAUSE_BYTES];
	uint16_t quanta = (uint16_t)p->data->pause_wanted;
	uint32_t len = pause_frame(p, frame, quanta);

	p->data->pause_wanted = NO_PAUSE;
	if (!has_link(p))
		return;
	p->counts.tx_pause++;
	stats_pause(p, true, quanta == 0);
	mac_put(p, frame, len, true);
}

static void send_frame(struct port *p)
{
	struct tx_fifo *f = &p->data->tx_fifo;
	const struct tx_frame *frame = fifo_first(f);
	const uint8_t *data = (const uint8_t *)(frame + 1);

	if (has_link(p)) {
		p->counts.tx_frames++;
		p->counts.tx_bytes += frame->len_bytes + WIRE_FCS_BYTES;
		stats_tx_frame(p, frame->queue, data, frame->len_bytes);
		if (frame->timestamp)
			tsync_transmit(p);
		mac_put(p, data, frame->len_bytes, frame->fcs_ok);
	}
	fifo_drop_first(f);
}

void tx_mac_event(void *ctx)
{
	struct port *p = ctx;
	struct data *d = p->data;

	/* still busy meanwhile: a frame that is looped back may lead here again */
	d->mac_free_at = clock_now(p->clock) + GAP_PS;
	if (d->mac_pause)
		send_pause(p);
	else
		send_frame(p);
	d->mac_busy = false;
	tx_run(p);
}

/* ---- Queues ---- */

void tx_kick(struct port *p, unsigned queue)
{
	p->data->tx_active[queue / 64] |= UINT64_C(1) << (queue & 63);
}

static void deactivate(struct data *d, unsigned queue)
{
	d->tx_active[queue / 64] &= ~(UINT64_C(1) << (queue & 63));
}

/* The next one after that which was served last; M82599_QUEUES: none. */
static unsigned next_queue(const struct data *d)
{
	unsigned first = (d->tx_last + 1) % M82599_QUEUES;
	uint64_t later = d->tx_active[first / 64] >> (first & 63) << (first & 63);

	if (later)
		return first / 64 * 64 + (unsigned)__builtin_ctzll(later);
	for (unsigned i = 1; i <= 2; i++) {
		unsigned word = (first / 64 + i) % 2;

		if (d->tx_active[word])
			return word * 64 + (unsigned)__builtin_ctzll(d->tx_active[word]);
	}
	return M82599_QUEUES;
}

/* false: no queue has a whole packet. */
static bool take_packet(struct port *p)
{
	struct data *d = p->data;
	unsigned q;

	while ((q = next_queue(d)) < M82599_QUEUES) {
		struct tx_queue *t = &d->tx[q];

		d->tx_last = q;
		if (!t->stopped && ring_runs(&t->ring, clock_now(p->clock)) &&
			tx_pool_may_send(p, q) && ring_available(&t->ring) &&
			tx_packet_take(p, q) == 0)
			return true;
		deactivate(d, q);
	}
	return false;
}

static bool dma_may_run(const struct port *p)
{
	return reg_get(p, REG_DMATXCTL) & DMATXCTL_TE && has_link(p) &&
	       !(reg_get(p, REG_RTTDCS) & RTTDCS_ARBDIS);
}

void tx_run(struct port *p)
{
	struct data *d = p->data;

	if (d->in_tx || data_is_busy(p))
		return;
	d->in_tx = true;
	while (dma_may_run(p) && (d->packet.active || take_packet(p)))
		if (!tx_packet_frame(p))
			break;
	mac_start(p);
	d->in_tx = false;
}

void tx_reset(struct port *p)
{
	struct data *d = p->data;

	for (unsigned q = 0; q < M82599_QUEUES; q++) {
		ring_reset(&d->tx[q].ring);
		d->tx[q].stopped = false;
		d->tx[q].nr_done = 0;
		memset(d->tx[q].context, 0, sizeof(d->tx[q].context));
	}
	d->tx_active[0] = d->tx_active[1] = 0;
	d->packet.active = false;
	d->tx_fifo.head = d->tx_fifo.tail = d->tx_fifo.frames = d->tx_fifo.used = 0;
	d->mac_busy = d->in_tx = false;
	d->pause_wanted = NO_PAUSE;
	d->mac_free_at = d->paused_until = 0;
}
