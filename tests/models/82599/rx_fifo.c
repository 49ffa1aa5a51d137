/* The receive packet buffers: frames that wait for descriptors, in order, one FIFO per traffic
 * class. A frame that finds descriptors at once is never copied. DS 3.7.4, 8.2.3.8.9. */
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define GRANULE 64 /* what a frame occupies is rounded up to */
#define CAPACITY_OF                                                                                \
	4 /* bytes here per byte of the chip: small frames and what is known of them               \
	   */
#define END_OF_BYTES  UINT32_MAX
#define PORT_NO_QUEUE M82599_QUEUES

struct entry {
	uint32_t bytes; /* with this header; END_OF_BYTES: the next one is at the beginning */
	struct rx_packet packet;
};

static uint32_t occupied(const struct rx_packet *k)
{
	return (k->wire_bytes + WIRE_FCS_BYTES + GRANULE - 1) / GRANULE * GRANULE;
}

static uint32_t limit_of(const struct port *p, unsigned tc)
{
	return reg_get(p, REG_RXPBSIZE(tc)) & RXPBSIZE_BYTES;
}

/* Room for an entry, contiguous; NULL: none. */
static struct entry *reserve(struct rx_fifo *f, uint32_t limit, uint32_t bytes)
{
	uint32_t capacity = limit * CAPACITY_OF + 2 * WIRE_FRAME_MAX;

	if (!f->frames && f->capacity < capacity) {
		free(f->bytes);
		f->bytes = malloc(capacity);
		f->capacity = f->bytes ? capacity : 0;
	}
	if (!f->frames)
		f->head = f->tail = 0;
	if (f->frames && f->tail <= f->head)
		return f->head - f->tail >= bytes ? (struct entry *)(f->bytes + f->tail) : NULL;
	if (f->capacity - f->tail >= bytes + sizeof(uint32_t))
		return (struct entry *)(f->bytes + f->tail);
	if (f->head < bytes)
		return NULL;
	*(uint32_t *)(f->bytes + f->tail) = END_OF_BYTES;
	f->tail = 0;
	return (struct entry *)f->bytes;
}

static bool store(struct rx_fifo *f, uint32_t limit, const uint8_t *data, const struct rx_packet *k)
{
	uint32_t bytes = (uint32_t)(sizeof(struct entry) + k->len_bytes + 7) & ~7u;
	struct entry *e = reserve(f, limit, bytes);

	if (!e)
		return false;
	e->bytes = bytes;
	e->packet = *k;
	memcpy(e + 1, data, k->len_bytes);
	f->tail += bytes;
	f->frames++;
	f->used += occupied(k);
	return true;
}

static struct entry *first(struct rx_fifo *f)
{
	struct entry *e = (struct entry *)(f->bytes + f->head);

	if (e->bytes == END_OF_BYTES) {
		f->head = 0;
		e = (struct entry *)f->bytes;
	}
	return e;
}

static void missed(struct port *p, unsigned tc)
{
	p->counts.rx_no_descriptor++;
	stats_rx_missed(p, PORT_NO_QUEUE, tc);
	irq_other(p, EICR_RX_MISS);
}

void rx_fifo_put(struct port *p, const uint8_t *data, struct rx_packet *k)
{
	struct rx_fifo *f = &p->data->fifo[k->tc];
	uint32_t limit = limit_of(p, k->tc);

	if (f->used + occupied(k) > limit) {
		missed(p, k->tc);
		return;
	}
	if (!f->frames && rx_deliver(p, data, k))
		return;
	if (!store(f, limit, data, k))
		missed(p, k->tc);
	pause_check(p, k->tc);
}

void rx_fifo_run(struct port *p, unsigned tc)
{
	struct rx_fifo *f = &p->data->fifo[tc];
	bool moved = false;

	while (f->frames) {
		struct entry *e = first(f);

		if (!rx_deliver(p, (const uint8_t *)(e + 1), &e->packet))
			break;
		f->head += e->bytes;
		f->used -= occupied(&e->packet);
		f->frames--;
		moved = true;
	}
	if (moved)
		pause_check(p, tc);
}

void rx_fifo_reset(struct port *p)
{
	for (unsigned tc = 0; tc < RX_PACKET_BUFFERS; tc++) {
		struct rx_fifo *f = &p->data->fifo[tc];

		f->head = f->tail = f->frames = f->used = 0;
		f->xoff_sent = false;
	}
	p->data->in_rx = false;
}

void rx_kick(struct port *p)
{
	if (p->data->in_rx || data_is_busy(p))
		return;
	p->data->in_rx = true;
	for (unsigned tc = 0; tc < RX_PACKET_BUFFERS; tc++)
		if (p->data->fifo[tc].frames)
			rx_fifo_run(p, tc);
	p->data->in_rx = false;
}
