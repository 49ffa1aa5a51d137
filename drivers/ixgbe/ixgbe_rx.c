/* Receive: posting buffers, polling packets. DS 7.1.4 (queues), 7.1.6 (descriptors), 7.11 (RSC).
 *
 * The short way is a packet in one buffer; everything else goes to ixgbe_rx_chain.c. Descriptors
 * are memory that a device writes: each is read once, in two loads, and what it says is checked.
 * A slot whose buffer is not the device's holds an address that is none, so that a stray DMA hits
 * nothing. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/atomic.h"

#define BATCH_BUFFERS (NIC_RX_BATCH_BUFFERS - NIC_RX_CHAIN_MAX) /* as many, and one packet more */

/* A whole packet without errors; what else a descriptor may say is rare, and looked at elsewhere.
 */
#define GOOD	  (IXGBE_RXD_DD | IXGBE_RXD_EOP)
#define GOOD_MASK (GOOD | IXGBE_RXD_ERRORS)
#define SPECIAL	  (IXGBE_RXD_ETQF | IXGBE_RXD_RSCCNT_MANY)

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

static inline uint16_t flags_of(uint64_t lo, uint64_t hi)
{
	unsigned flags = (unsigned)(hi >> IXGBE_RXD_VP_SHIFT) & NIC_RX_VLAN;

	flags |= checksum_flags[IXGBE_RXD_CHECKSUMS(hi)] | type_flags[IXGBE_RXD_TYPE(lo)];
	if (IXGBE_RXD_RSS_TYPE(lo))
		flags |= NIC_RX_HASH;
	return (uint16_t)flags;
}

void ixgbe_rx_describe(struct nic_rx_packet *p, uint64_t lo, uint64_t hi)
{
	if (lo & IXGBE_RXD_ETQF)
		lo &= ~IXGBE_RXD_TYPES;
	p->flags = flags_of(lo, hi);
	p->hash = IXGBE_RXD_HASH(lo);
	p->vlan_tci = IXGBE_RXD_VLAN(hi);
	p->error = hi & IXGBE_RXD_ERRORS ? NIC_RX_BAD_FRAME : NIC_RX_OK;
}

static unsigned rx_post(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	uint32_t owned = rx->filled - rx->clean + rx->parked;
	uint32_t mask = rx->mask, first = rx->filled, at = first;
	uint32_t end = first + MIN(nr, mask - owned), buffer_bytes = q->buffer_bytes;
	struct ixgbe_rx_desc *ring = rx->ring;
	struct ixgbe_rx_slot *slot = rx->slot;
	uint64_t *header_hpa = rx->header_hpa;

	for (; at != end; at++, b++) {
		struct ixgbe_rx_desc *d = &ring[at & mask];
		struct ixgbe_rx_slot *s = &slot[at & mask];

		if (b->len_bytes < buffer_bytes)
			break;
		s->cookie = b->cookie;
		s->hpa = b->hpa;
		header_hpa[at & mask] = b->header_hpa;
		d->lo = b->hpa;
		d->hi = b->header_hpa; /* even: DD not set */
	}
	rx->filled = at;
	return at - first;
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

/* The descriptor at clean is no good packet in one buffer. Whether there is room for more. */
static bool take_chain(struct ixgbe_rx *rx, struct nic_rx_batch *b, uint64_t lo, uint64_t hi)
{
	uint32_t at = rx->clean & rx->mask;
	const struct nic_rx_packet *p = &b->packet[b->nr_packets];

	store_relaxed(&rx->ring[at].lo, IXGBE_NO_ADDRESS);
	store_relaxed(&rx->clean, rx->clean + 1);
	ixgbe_rx_chain(rx, b, at, lo, hi);
	if (p == &b->packet[b->nr_packets])
		return true;
	if (p->error == NIC_RX_OK) {
		store_relaxed(&rx->polled, rx->polled + 1);
		store_relaxed(&rx->polled_bytes, rx->polled_bytes + p->len_bytes);
	} else if (p->error == NIC_RX_BAD_FRAME) {
		store_relaxed(&rx->bad_frames, rx->bad_frames + 1);
	} else {
		store_relaxed(&rx->bad_descriptors, rx->bad_descriptors + 1);
	}
	return b->nr_packets < NIC_BATCH && b->nr_buffers <= BATCH_BUFFERS;
}

/* Good packets in one buffer, as many as follow each other and as there is room for. true: it ended
 * at another one, whose descriptor is in *lo and *hi. */
static inline bool take_packets(
	struct ixgbe_rx *rx, struct nic_rx_batch *b, uint64_t *lo, uint64_t *hi)
{
	const struct ixgbe_rx_chain *chain = rx->nr_chains ? rx->chain : NULL;
	struct nic_rx_packet *p = &b->packet[b->nr_packets];
	uint32_t first = rx->clean, clean = first, mask = rx->mask, nb = b->nr_buffers;
	/* Bounded by what was posted: slots beyond may show anything. */
	uint32_t end = first + MIN(rx->flushed - first,
				       MIN(NIC_BATCH - b->nr_packets, BATCH_BUFFERS + 1 - nb));
	uint32_t buffer_bytes = rx->q.buffer_bytes;
	struct nic_rx_buffer *buffer = &b->buffer[nb];
	const struct ixgbe_rx_slot *slot = rx->slot;
	struct ixgbe_rx_desc *ring = rx->ring;
	uint64_t bytes = 0;
	bool stopped = false;

	for (; clean != end; clean++, p++, buffer++, nb++) {
		uint32_t at = clean & mask, len;
		struct ixgbe_rx_desc *d = &ring[at];

		*hi = load_acquire(&d->hi); /* the rest is valid if DD is set */
		*lo = load_relaxed(&d->lo);
		len = IXGBE_RXD_LEN(*hi);
		if ((*hi & GOOD_MASK) != GOOD || *lo & SPECIAL || len > buffer_bytes ||
			(chain && chain[at].state)) {
			stopped = *hi & IXGBE_RXD_DD;
			break;
		}
		store_relaxed(&d->lo, IXGBE_NO_ADDRESS);
		*p = (struct nic_rx_packet){ .len_bytes = len,
			.hash = IXGBE_RXD_HASH(*lo),
			.flags = flags_of(*lo, *hi),
			.vlan_tci = IXGBE_RXD_VLAN(*hi),
			.first_buffer = (uint16_t)nb,
			.nr_buffers = 1 };
		*buffer = (struct nic_rx_buffer){ slot[at].cookie, len };
		bytes += len;
	}
	b->nr_packets += clean - first;
	b->nr_buffers = nb;
	store_relaxed(&rx->clean, clean);
	store_relaxed(&rx->polled, rx->polled + (clean - first));
	store_relaxed(&rx->polled_bytes, rx->polled_bytes + bytes);
	return stopped;
}

static void rx_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	uint64_t lo, hi;

	while (take_packets(rx, b, &lo, &hi) && take_chain(rx, b, lo, hi))
		;
}

void ixgbe_rx_poll_split(struct nic_rxq *q, struct nic_rx_batch *b)
{
	struct ixgbe_rx *rx = CONTAINER_OF(q, struct ixgbe_rx, q);
	bool room = true;

	while (room && rx->clean != rx->flushed) {
		const struct ixgbe_rx_desc *d = &rx->ring[rx->clean & rx->mask];
		uint64_t hi = load_acquire(&d->hi);

		if (!(hi & IXGBE_RXD_DD))
			break;
		room = take_chain(rx, b, load_relaxed(&d->lo), hi);
	}
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
