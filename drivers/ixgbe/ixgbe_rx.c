/* Receive: posting buffers, polling packets. DS 7.1.4 (queues), 7.1.6 (descriptors), 7.11 (RSC).
 *
 * The short way is a packet in one buffer; everything else goes to ixgbe_rx_chain.c. Descriptors
 * are memory that a device writes: each is read once, in two loads, and what it says is checked.
 * A slot whose buffer is not the device's holds an address that is none, so that a stray DMA hits
 * nothing. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/atomic.h"

#define NO_ADDRESS UINT64_MAX

static const uint16_t checksum_flags[16] = {
	/* index: IXGBE_RXD_CHECKSUMS; a verdict counts only where a check was made */
	[1] = NIC_RX_L4_GOOD,
	[2] = NIC_RX_L3_GOOD,
	[3] = NIC_RX_L3_GOOD | NIC_RX_L4_GOOD,
	[4 + 1] = NIC_RX_L4_BAD,
	[4 + 2] = NIC_RX_L3_GOOD,
	[4 + 3] = NIC_RX_L3_GOOD | NIC_RX_L4_BAD,
	[8 + 1] = NIC_RX_L4_GOOD,
	[8 + 2] = NIC_RX_L3_BAD,
	[8 + 3] = NIC_RX_L3_BAD | NIC_RX_L4_GOOD,
	[12 + 1] = NIC_RX_L4_BAD,
	[12 + 2] = NIC_RX_L3_BAD,
	[12 + 3] = NIC_RX_L3_BAD | NIC_RX_L4_BAD,
};

#define V4  NIC_RX_IPV4
#define V6  NIC_RX_IPV6
#define OPT NIC_RX_IP_OPTIONS
#define TCP NIC_RX_TCP
#define UDP NIC_RX_UDP
/* index: IXGBE_RXD_TYPE: IPv4 1, with options 2, IPv6 4, with extensions 8, TCP 16, UDP 32 */
#define L3_FLAGS(l4)                                                                               \
	[(l4 ? (l4 == TCP ? 16 : 32) : 0) +                                                        \
		0] = 0,                                                                            \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 1] = V4 | (l4),                                \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 2] = V4 | OPT | (l4),                          \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 3] = V4 | OPT | (l4),                          \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 4] = V6 | (l4),                                \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 8] = V6 | OPT | (l4),                          \
		[(l4 ? (l4 == TCP ? 16 : 32) : 0) + 12] = V6 | OPT | (l4)
static const uint16_t type_flags[64] = { L3_FLAGS(0), L3_FLAGS(TCP), L3_FLAGS(UDP) };

static inline void describe(struct nic_rx_packet *p, uint64_t lo, uint64_t hi)
{
	unsigned flags = (unsigned)(hi >> IXGBE_RXD_VP_SHIFT) & NIC_RX_VLAN;

	flags |= checksum_flags[IXGBE_RXD_CHECKSUMS(hi)];
	if (!(lo & IXGBE_RXD_ETQF))
		flags |= type_flags[IXGBE_RXD_TYPE(lo)];
	if (IXGBE_RXD_RSS_TYPE(lo))
		flags |= NIC_RX_HASH;
	p->flags = (uint16_t)flags;
	p->hash = IXGBE_RXD_HASH(lo);
	p->vlan_tci = IXGBE_RXD_VLAN(hi);
	p->error = hi & IXGBE_RXD_ERRORS ? NIC_RX_BAD_FRAME : NIC_RX_OK;
}

void ixgbe_rx_describe(struct nic_rx_packet *p, uint64_t lo, uint64_t hi)
{
	describe(p, lo, hi);
}

static unsigned rx_post(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	uint32_t owned = rx->filled - rx->clean + rx->parked;
	uint32_t room = rx->mask - owned, filled = rx->filled;
	unsigned i;

	for (i = 0; i < nr && i < room; i++, filled++) {
		struct ixgbe_rx_desc *d = &rx->ring[filled & rx->mask];
		struct ixgbe_rx_slot *s = &rx->slot[filled & rx->mask];

		if (b[i].len_bytes < q->buffer_bytes)
			break;
		s->cookie = b[i].cookie;
		s->hpa = b[i].hpa;
		d->lo = b[i].hpa;
		d->hi = 0; /* no header buffer, DD not set */
	}
	rx->filled = filled;
	return i;
}

static void rx_flush(struct nic_rxq *q)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);

	if (rx->flushed == rx->filled)
		return;
	rx->flushed = rx->filled;
	/* the accessor keeps the descriptors' stores before it */
	mmio_write32(rx->regs, rx->rdt, rx->filled & rx->mask);
}

static inline bool is_whole_packet(const struct ixgbe_rx *rx, uint32_t at, uint64_t lo, uint64_t hi)
{
	return hi & IXGBE_RXD_EOP && !rx->chain[at].state && IXGBE_RXD_RSCCNT(lo) <= 1 &&
	       IXGBE_RXD_LEN(hi) <= rx->q.buffer_bytes;
}

static inline void take_packet(
	struct ixgbe_rx *rx, struct nic_rx_batch *b, uint32_t at, uint64_t lo, uint64_t hi)
{
	struct nic_rx_packet *p = &b->packet[b->nr_packets++];
	struct nic_rx_buffer *buffer = &b->buffer[b->nr_buffers];

	describe(p, lo, hi);
	p->len_bytes = buffer->len_bytes = IXGBE_RXD_LEN(hi);
	p->first_buffer = (uint16_t)b->nr_buffers++;
	p->nr_buffers = 1;
	p->rsc_segments = 0;
	buffer->cookie = rx->slot[at].cookie;
}

static void count(struct ixgbe_rx *rx, const struct nic_rx_batch *b)
{
	uint64_t good = 0, bytes = 0;

	for (unsigned i = 0; i < b->nr_packets; i++) {
		if (b->packet[i].error == NIC_RX_OK) {
			good++;
			bytes += b->packet[i].len_bytes;
		} else if (b->packet[i].error == NIC_RX_BAD_FRAME) {
			store_relaxed(&rx->bad_frames, rx->bad_frames + 1);
		} else {
			store_relaxed(&rx->bad_descriptors, rx->bad_descriptors + 1);
		}
	}
	store_relaxed(&rx->polled, rx->polled + good);
	store_relaxed(&rx->polled_bytes, rx->polled_bytes + bytes);
}

static void rx_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	uint32_t clean = rx->clean;

	/* Bounded by what was posted: slots beyond may show anything. */
	while (clean != rx->flushed && b->nr_packets < NIC_BATCH &&
		b->nr_buffers <= NIC_RX_BATCH_BUFFERS - NIC_RX_CHAIN_MAX) {
		uint32_t at = clean & rx->mask;
		struct ixgbe_rx_desc *d = &rx->ring[at];
		uint64_t hi = load_acquire(&d->hi), lo; /* the rest is valid if DD is set */

		if (!(hi & IXGBE_RXD_DD))
			break;
		lo = load_relaxed(&d->lo);
		store_relaxed(&d->lo, NO_ADDRESS);
		store_relaxed(&rx->clean, ++clean);
		if (is_whole_packet(rx, at, lo, hi))
			take_packet(rx, b, at, lo, hi);
		else
			ixgbe_rx_chain(rx, b, at, lo, hi);
	}
	if (b->nr_packets)
		count(rx, b);
}

bool ixgbe_rx_pending(const struct nic_rxq *q)
{
	const struct ixgbe_rx *rx = CONTAINER_OF(q, const struct ixgbe_rx, q);
	uint32_t clean = load_relaxed(&rx->clean);

	return clean != load_relaxed(&rx->flushed) &&
	       load_acquire(&rx->ring[clean & rx->mask].hi) & IXGBE_RXD_DD;
}

const struct nic_rxq ixgbe_rxq_functions = {
	.post = rx_post,
	.flush = rx_flush,
	.poll = rx_poll,
	.pending = ixgbe_rx_pending,
};
