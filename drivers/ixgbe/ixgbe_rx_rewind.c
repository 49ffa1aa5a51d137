/* What becomes of receive buffers when the device has been reset, or has stopped for good. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/string.h"

/* Frames that had arrived and will not be polled any more. Of descriptors that the device had used
 * up and not reported, each counts as a frame. */
static uint64_t count_arrived(const struct ixgbe_rx *rx)
{
	uint32_t used = (rx->rdh - rx->clean) & rx->mask;
	uint64_t nr = 0;

	if (rx->rdh > rx->mask || used > rx->flushed - rx->clean)
		used = 0; /* the register says what cannot be */
	for (uint32_t i = 0; i <= rx->mask; i++)
		nr += rx->chain[i].nr ? 1u + rx->chain[i].rsc : 0;
	for (uint32_t p = rx->clean; p != rx->flushed; p++) {
		const struct ixgbe_rx_desc *d = &rx->ring[p & rx->mask];
		uint64_t hi = load_acquire(&d->hi);

		if (!(hi & IXGBE_RXD_DD))
			nr += p - rx->clean < used;
		else if (hi & IXGBE_RXD_EOP)
			nr += MAX(IXGBE_RXD_RSCCNT(load_relaxed(&d->lo)), 1u);
	}
	return nr;
}

/* Moves the ring's buffers behind those of chains, all in one list of nodes. */
static uint32_t collect(struct ixgbe_rx *rx)
{
	uint32_t list = IXGBE_NO_SLOT;

	for (uint32_t p = rx->clean; p != rx->filled; p++) {
		uint32_t n = rx->free_nodes;

		rx->free_nodes = rx->node[n].next;
		rx->node[n].cookie = rx->slot[p & rx->mask].cookie;
		rx->node[n].hpa = rx->slot[p & rx->mask].hpa;
		rx->node[n].header_hpa = rx->header_hpa[p & rx->mask];
		rx->node[n].next = list;
		list = n;
	}
	for (uint32_t i = 0; i <= rx->mask; i++) {
		uint32_t n = rx->chain[i].first;

		for (unsigned k = 0; k < rx->chain[i].nr; k++) {
			uint32_t next = rx->node[n].next;

			rx->node[n].next = list;
			list = n;
			n = next;
		}
	}
	return list;
}

void ixgbe_rx_rewind(struct ixgbe_rx *rx)
{
	uint32_t list;

	rx->lost_in_reset += count_arrived(rx);
	list = collect(rx);
	memset(rx->chain, 0, sizeof(rx->chain[0]) * (rx->mask + 1));
	for (uint32_t i = 0; i <= rx->mask; i++)
		rx->ring[i] = (struct ixgbe_rx_desc){ UINT64_MAX, UINT64_MAX };
	rx->clean = rx->flushed = rx->filled = rx->parked = rx->nr_chains = rx->rdh = 0;
	while (list != IXGBE_NO_SLOT) {
		struct ixgbe_rx_node *node = &rx->node[list];
		uint32_t next = node->next, at = rx->filled++;

		rx->slot[at] = (struct ixgbe_rx_slot){ node->cookie, node->hpa };
		rx->header_hpa[at] = node->header_hpa;
		rx->ring[at] = (struct ixgbe_rx_desc){ node->hpa, node->header_hpa };
		node->next = rx->free_nodes;
		rx->free_nodes = list;
		list = next;
	}
}

unsigned ixgbe_rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	unsigned nr = 0;

	if (!nic_gate_enter(&q->gate, NIC_GATE_RETURN))
		return 0;
	while (load_relaxed(&q->gate.state) == NIC_GATE_RETURN && nr < max && rx->filled) {
		uint32_t at = --rx->filled;

		cookie[nr++] = rx->slot[at].cookie;
		rx->ring[at] = (struct ixgbe_rx_desc){ UINT64_MAX, UINT64_MAX };
	}
	nic_gate_leave(&q->gate);
	return nr;
}
