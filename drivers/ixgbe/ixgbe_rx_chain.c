/* Packets in several buffers, coalesced ones, and what a broken device writes. DS 7.1.6.2, 7.11.5.
 *
 * A packet that is not complete waits at the slot where it goes on: the next one, or with RSC the
 * one that the descriptor names, since packets of several connections grow at the same time. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/atomic.h"

static void park(struct ixgbe_rx *rx, struct ixgbe_rx_chain *c, uint32_t at, uint32_t len_bytes)
{
	uint32_t n = rx->free_nodes; /* there are as many as buffers may be owned, and one more */
	struct ixgbe_rx_node *node = &rx->node[n];

	rx->free_nodes = node->next;
	*node = (struct ixgbe_rx_node){ .cookie = rx->slot[at].cookie,
		.hpa = rx->slot[at].hpa,
		.header_hpa = rx->header_hpa[at],
		.len_bytes = len_bytes,
		.next = IXGBE_NO_SLOT };
	if (c->nr)
		rx->node[c->last].next = n;
	else
		c->first = (uint16_t)n;
	c->last = (uint16_t)n;
	c->nr++;
	c->len_bytes += len_bytes;
	rx->parked++;
}

/* The chain's buffers go to the caller and its nodes back. */
static void emit(struct ixgbe_rx *rx, struct nic_rx_batch *b, const struct ixgbe_rx_chain *c,
	uint64_t lo, uint64_t hi)
{
	struct nic_rx_packet *p = &b->packet[b->nr_packets++];
	uint32_t n = c->first;

	ixgbe_rx_describe(p, lo, hi);
	if (c->state & IXGBE_CHAIN_BAD)
		p->error = NIC_RX_BAD_DESCRIPTOR;
	p->len_bytes = c->len_bytes;
	p->header_bytes = c->header_bytes;
	p->first_buffer = (uint16_t)b->nr_buffers;
	p->nr_buffers = c->nr;
	p->rsc_segments = c->rsc ? (uint16_t)(c->rsc + 1) : 0;
	if (p->rsc_segments > 1 && p->error == NIC_RX_OK) {
		store_relaxed(&rx->coalesced, rx->coalesced + 1);
		store_relaxed(&rx->coalesced_frames, rx->coalesced_frames + p->rsc_segments);
	}
	for (unsigned i = 0; i < c->nr; i++) {
		struct ixgbe_rx_node *node = &rx->node[n];
		uint32_t next = node->next;

		b->buffer[b->nr_buffers++] = (struct nic_rx_buffer){ .cookie = node->cookie,
			.len_bytes = node->len_bytes };
		node->next = rx->free_nodes;
		rx->free_nodes = n;
		n = next;
	}
	rx->parked -= c->nr;
}

/* Where the packet goes on, or NO_SLOT if the device names a place that cannot be. */
static uint32_t next_slot(const struct ixgbe_rx *rx, uint32_t at, uint64_t lo, uint64_t hi)
{
	uint32_t next = (at + 1) & rx->mask;

	if (IXGBE_RXD_RSCCNT(lo)) {
		/* only a slot that the device has; clean is already behind `at` */
		next = IXGBE_RXD_NEXTP(hi);
		if (next > rx->mask || ((next - rx->clean) & rx->mask) >= rx->flushed - rx->clean)
			return IXGBE_NO_SLOT;
	}
	return rx->chain[next].state ? IXGBE_NO_SLOT : next;
}

/* What the first descriptor says of its header buffer. */
static void add_header(const struct ixgbe_rx *rx, struct ixgbe_rx_chain *c, uint64_t lo)
{
	/* of headers that are longer than it the device says the length nevertheless */
	c->header_bytes = (uint16_t)MIN(IXGBE_RXD_HEADER(lo), rx->q.header_bytes);
	c->len_bytes = c->header_bytes;
}

/* One descriptor of packet c, at slot `at`. */
static void add_descriptor(
	struct ixgbe_rx *rx, struct ixgbe_rx_chain *c, uint32_t at, uint64_t lo, uint64_t hi)
{
	uint32_t len = IXGBE_RXD_LEN(hi);

	c->state |= IXGBE_CHAIN_OPEN;
	if (len > rx->q.buffer_bytes) {
		c->state |= IXGBE_CHAIN_BAD;
		len = rx->q.buffer_bytes;
	}
	if (rx->q.header_bytes && !c->nr)
		add_header(rx, c, lo);
	park(rx, c, at, len);
	if (IXGBE_RXD_RSCCNT(lo) > 1)
		c->rsc = (uint16_t)(c->rsc + IXGBE_RXD_RSCCNT(lo) - 1);
}

/* True: the packet goes on at the very next slot, which the device has filled in. */
static bool take_next(struct ixgbe_rx *rx, uint32_t next, uint64_t *lo, uint64_t *hi)
{
	if (next != (rx->clean & rx->mask) || rx->clean == rx->flushed)
		return false;
	*hi = load_acquire(&rx->ring[next].hi); /* the rest is valid if DD is set */
	if (!(*hi & IXGBE_RXD_DD))
		return false;
	*lo = load_relaxed(&rx->ring[next].lo);
	store_relaxed(&rx->ring[next].lo, IXGBE_NO_ADDRESS);
	store_relaxed(&rx->clean, rx->clean + 1);
	return true;
}

void ixgbe_rx_chain(
	struct ixgbe_rx *rx, struct nic_rx_batch *b, uint32_t at, uint64_t lo, uint64_t hi)
{
	struct ixgbe_rx_chain c = rx->chain[at];
	uint32_t next = at;

	rx->nr_chains -= c.state != 0;
	rx->chain[at] = (struct ixgbe_rx_chain){ 0 };
	do {
		add_descriptor(rx, &c, next, lo, hi);
		if (hi & IXGBE_RXD_EOP) {
			emit(rx, b, &c, lo, hi);
			return;
		}
		next = next_slot(rx, next, lo, hi);
		if (next == IXGBE_NO_SLOT || c.nr == NIC_RX_CHAIN_MAX) {
			c.state |= IXGBE_CHAIN_BAD;
			emit(rx, b, &c, lo, hi);
			c = (struct ixgbe_rx_chain){ .state = IXGBE_CHAIN_OPEN | IXGBE_CHAIN_BAD };
			break;
		}
	} while (take_next(rx, next, &lo, &hi));
	/* What follows a broken beginning is no packet either. */
	if (next != IXGBE_NO_SLOT) {
		rx->chain[next] = c;
		rx->nr_chains++;
	}
}
