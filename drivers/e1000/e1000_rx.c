/* Receive: posting buffers, polling packets. SDM 3.2.3 (descriptors), 3.2.6 (ring).
 *
 * Descriptors are memory that a device writes. How many belong to the next packet is decided by a
 * look at all of them; then each is read once more, and what it says of its length is checked. A
 * slot whose buffer is not the device's holds an address that is none, so that a stray DMA hits
 * nothing. */
#include "drivers/e1000/e1000_hw.h"

#include "lib/atomic.h"

#define NO_ADDRESS UINT64_MAX

static struct e1000_rx_desc *desc_at(const struct e1000_rx *rx, uint32_t position)
{
	return &rx->ring[position & rx->mask];
}

static unsigned rx_post(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr)
{
	struct e1000_rx *rx = CONTAINER_OF(q, struct e1000_rx, q);
	uint32_t first = rx->filled, end = first + MIN(nr, rx->mask - (first - rx->clean));

	for (; rx->filled != end && b->len_bytes >= q->buffer_bytes; rx->filled++, b++) {
		struct e1000_rx_desc *d = desc_at(rx, rx->filled);

		rx->slot[rx->filled & rx->mask] = (struct e1000_rx_slot){ b->cookie, b->hpa };
		d->lo = b->hpa;
		d->hi = 0;
	}
	return rx->filled - first;
}

static void rx_flush(struct nic_rxq *q)
{
	struct e1000_rx *rx = CONTAINER_OF(q, struct e1000_rx, q);

	if (rx->flushed == rx->filled)
		return;
	store_relaxed(&rx->flushed, rx->filled);
	/* the accessor keeps the descriptors' stores before it */
	mmio_write32(rx->regs, E1000_RDT, rx->filled & rx->mask);
}

/* How many buffers the next packet has, if all of it is there, else 0. A packet without end is cut
 * where no packet can go on. */
static unsigned whole_packet(const struct e1000_rx *rx)
{
	uint32_t clean = load_relaxed(&rx->clean);
	uint32_t limit = MIN(load_relaxed(&rx->flushed) - clean, (uint32_t)NIC_RX_CHAIN_MAX);

	for (uint32_t i = 0; i < limit; i++) {
		uint64_t hi = load_acquire(&desc_at(rx, clean + i)->hi); /* DD: the rest is valid */

		if (!(hi & E1000_RXD_DD))
			return 0;
		if (hi & E1000_RXD_EOP)
			return i + 1;
	}
	return limit == NIC_RX_CHAIN_MAX ? limit : 0;
}

/* The next buffer goes to the caller; what the device says of it. */
static uint64_t take_buffer(struct e1000_rx *rx, struct nic_rx_buffer *b, bool *bad)
{
	struct e1000_rx_desc *d = desc_at(rx, rx->clean);
	uint64_t hi = load_relaxed(&d->hi);

	b->cookie = rx->slot[rx->clean & rx->mask].cookie;
	b->len_bytes = E1000_RXD_LEN(hi);
	if (b->len_bytes > rx->q.buffer_bytes) {
		b->len_bytes = rx->q.buffer_bytes;
		*bad = true;
	}
	store_relaxed(&d->lo, NO_ADDRESS);
	store_relaxed(&rx->clean, rx->clean + 1);
	return hi;
}

static void count(struct e1000_rx *rx, const struct nic_rx_packet *p)
{
	switch (p->error) {
	case NIC_RX_OK:
		store_relaxed(&rx->polled, rx->polled + 1);
		store_relaxed(&rx->polled_bytes, rx->polled_bytes + p->len_bytes);
		break;
	case NIC_RX_BAD_FRAME:
		store_relaxed(&rx->bad_frames, rx->bad_frames + 1);
		break;
	default:
		store_relaxed(&rx->bad_descriptors, rx->bad_descriptors + 1);
		break;
	}
}

static void take_packet(struct e1000_rx *rx, struct nic_rx_batch *b, unsigned nr_buffers)
{
	struct nic_rx_packet *p = &b->packet[b->nr_packets++];
	bool bad = rx->skipping;
	uint64_t hi = 0, seen = 0;

	*p = (struct nic_rx_packet){ .first_buffer = (uint16_t)b->nr_buffers,
		.nr_buffers = (uint16_t)nr_buffers };
	for (unsigned i = 0; i < nr_buffers; i++) {
		struct nic_rx_buffer *buffer = &b->buffer[b->nr_buffers++];

		hi = take_buffer(rx, buffer, &bad);
		seen |= hi;
		p->len_bytes += buffer->len_bytes;
	}
	rx->skipping = !(hi & E1000_RXD_EOP);
	if (bad || rx->skipping)
		p->error = NIC_RX_BAD_DESCRIPTOR;
	else if (seen & E1000_RXD_ERRORS)
		p->error = NIC_RX_BAD_FRAME;
	count(rx, p);
}

static void rx_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	struct e1000_rx *rx = CONTAINER_OF(q, struct e1000_rx, q);
	unsigned n;

	while (b->nr_packets < NIC_BATCH && (n = whole_packet(rx)) != 0 &&
		b->nr_buffers + n <= NIC_RX_BATCH_BUFFERS)
		take_packet(rx, b, n);
}

bool e1000_rx_pending(const struct nic_rxq *q)
{
	return whole_packet(CONTAINER_OF(q, const struct e1000_rx, q)) != 0;
}

/* The buffers stay where they are; frames that had arrived are gone, each by its last buffer. */
void e1000_rx_rewind(struct e1000_rx *rx)
{
	for (uint32_t p = rx->clean; p != rx->flushed; p++) {
		uint64_t hi = load_acquire(&desc_at(rx, p)->hi);

		rx->lost_in_reset += hi & E1000_RXD_DD && hi & E1000_RXD_EOP;
	}
	for (uint32_t p = rx->clean; p != rx->clean + rx->mask + 1; p++) {
		bool posted = p - rx->clean < rx->filled - rx->clean;
		uint64_t hpa = posted ? rx->slot[p & rx->mask].hpa : NO_ADDRESS;

		*desc_at(rx, p) = (struct e1000_rx_desc){ hpa, 0 };
	}
	rx->flushed = rx->clean;
	rx->skipping = false;
}

unsigned e1000_rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max)
{
	struct e1000_rx *rx = CONTAINER_OF(q, struct e1000_rx, q);
	unsigned nr = 0;

	if (q->nic->state == NIC_RUNNING || q->nic->state == NIC_RECOVERING)
		return 0;
	while (nr < max && rx->filled != rx->clean) {
		struct e1000_rx_desc *d = desc_at(rx, --rx->filled);

		cookie[nr++] = rx->slot[rx->filled & rx->mask].cookie;
		d->lo = NO_ADDRESS;
	}
	return nr;
}

const struct nic_rxq e1000_rxq_functions = {
	.post = rx_post,
	.flush = rx_flush,
	.poll = rx_poll,
	.pending = e1000_rx_pending,
};
