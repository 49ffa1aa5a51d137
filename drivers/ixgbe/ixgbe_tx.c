/* Transmit: packets into descriptors, doorbell, completions. DS 7.2.1, 7.2.3.
 *
 * Memory is read where it lies (zero copy). The device reports one descriptor per batch (RS): the
 * flush marks the last one, and a long batch is marked in between, so that reaping looks at one
 * cache line per mark and not at every descriptor. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MARK_DESCRIPTORS 64u /* at least so often a write-back is asked for */

static void mark_last(struct ixgbe_tx *tx, uint32_t filled)
{
	tx->ring[(filled - 1) & tx->mask].hi |= IXGBE_TXD_RS;
	tx->mark[tx->mark_end++ & tx->mask] = filled;
	tx->marked = filled;
}

/* What stays as it is while a batch is prepared: in registers, as the compiler cannot know that the
 * descriptors are not part of struct ixgbe_tx. */
struct view {
	struct ixgbe_tx_desc *ring;
	uint32_t mask;
	uint32_t max_bytes;
	uint32_t end; /* no packet may reach this position */
};

/* Data descriptors from position `at` on, as many as the segments need; returns the position behind
 * them, or -EINVAL if the segments are not what the packet says. Their bytes never exceed the
 * packet's, so the room that was found for it suffices. */
static inline int64_t write_segments(
	struct view v, const struct nic_tx_packet *p, uint32_t at, uint64_t bits)
{
	const struct nic_segment *s = p->segment, *end = s + p->nr_segments;
	struct ixgbe_tx_desc *d;
	uint32_t unseen = p->len_bytes;

	do {
		uint64_t hpa = s->hpa;
		uint32_t left = s->len_bytes;

		if (left - 1 >= unseen) /* 0 too */
			return -EINVAL;
		unseen -= left;
		while (__builtin_expect(left > IXGBE_TXD_LEN_MAX, 0)) {
			d = &v.ring[at++ & v.mask];
			d->lo = hpa;
			d->hi = bits | IXGBE_TXD_LEN_MAX;
			hpa += IXGBE_TXD_LEN_MAX;
			left -= IXGBE_TXD_LEN_MAX;
		}
		d = &v.ring[at++ & v.mask];
		d->lo = hpa;
		d->hi = bits | left;
	} while (++s != end);
	d->hi |= IXGBE_TXD_EOP;
	return unseen ? -EINVAL : (int64_t)at;
}

/* Another request than the last packet's: its context goes to position `at`. The caller forgets it
 * again if the packet does not follow. 0, or -EINVAL. */
static __attribute__((noinline)) int write_context(
	struct ixgbe_tx *tx, const struct nic_tx_packet *p, uint32_t at)
{
	if (ixgbe_tx_offload(p, &tx->offload))
		return -EINVAL;
	tx->ring[at & tx->mask] =
		(struct ixgbe_tx_desc){ tx->offload.context_lo, tx->offload.context_hi };
	return 0;
}

/* What identifies an offload request: flags, tag, mss, header lengths. */
static inline bool same_offload(const struct ixgbe_tx_offload *o, const struct nic_tx_packet *p)
{
	return ixgbe_tx_key(p) == o->key && p->l2_len == o->l2_len && p->l4_len == o->l4_len;
}

/* Returns the position behind the packet, or -EINVAL, or -EAGAIN. */
static inline int64_t put_packet(
	struct ixgbe_tx *tx, struct view v, const struct nic_tx_packet *p, uint32_t at)
{
	uint64_t bits = IXGBE_TXD_DATA | IXGBE_TXD_IFCS;
	uint32_t len = p->len_bytes, payload = len, max = v.max_bytes, context = 0;

	if (len < NIC_TX_BYTES_MIN || len > NIC_TX_BYTES_MAX ||
		p->nr_segments - 1u >= NIC_TX_SEGMENTS_MAX)
		return -EINVAL;
	/* A long segment takes another descriptor for 15.5 KiB; one for a context. */
	if (p->nr_segments + (len >> 13) >= v.end - at)
		return -EAGAIN;
	if (p->flags) {
		context = !same_offload(&tx->offload, p);
		if (context && write_context(tx, p, at))
			return -EINVAL;
		if (len < tx->offload.min_bytes)
			return -EINVAL;
		bits |= tx->offload.bits;
		payload -= tx->offload.headers;
		max = tx->offload.max_bytes ? tx->offload.max_bytes : max;
	}
	if (len > max)
		return -EINVAL;
	return write_segments(
		v, p, at + context, bits | (uint64_t)payload << IXGBE_TXD_PAYLEN_SHIFT);
}

/* Takes over what the device has reported. */
static inline void see_done(struct ixgbe_tx *tx)
{
	while (tx->mark_first != tx->mark_end) {
		uint32_t end = tx->mark[tx->mark_first & tx->mask];

		/* a mark that is not flushed yet: the device has not seen it */
		if ((int32_t)(tx->flushed - end) < 0)
			break;
		if (!(load_acquire(&tx->ring[(end - 1) & tx->mask].hi) & IXGBE_TXD_DD))
			break;
		store_relaxed(&tx->done, end);
		tx->mark_first++;
	}
}

/* A packet that is refused has moved no position; a context that it may have left in the ring is
 * overwritten, so it counts as none. */
static int tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
	struct ixgbe_tx_packet *packet = tx->packet;
	uint32_t at = tx->filled, first = tx->packet_end, last;
	struct view v = { tx->ring, tx->mask, tx->max_bytes, 0 };
	int64_t end = 0;

	see_done(tx);
	v.end = tx->done + v.mask;
	last = first + MIN(nr, v.mask + 1 - (first - tx->packet_first));
	for (; first != last; first++, p++) {
		struct ixgbe_tx_packet *entry = &packet[first & v.mask];

		end = put_packet(tx, v, p, at);
		if (end < 0)
			break;
		at = (uint32_t)end;
		entry->cookie = p->cookie;
		entry->end = at;
		entry->lost = 0;
	}
	if (end >= 0 && first - tx->packet_end != nr)
		end = -EAGAIN;
	nr = first - tx->packet_end;
	tx->filled = at;
	tx->packet_end = first;
	if (at - tx->marked >= MARK_DESCRIPTORS)
		mark_last(tx, at);
	store_relaxed(&tx->prepared, tx->prepared + nr);
	if (end < 0)
		tx->offload.key = 0;
	if (end == -EAGAIN)
		store_relaxed(&tx->full, tx->full + 1);
	return nr || end >= 0 ? (int)nr : (int)end;
}

static void tx_flush(struct nic_txq *q)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);

	if (tx->flushed == tx->filled)
		return;
	if (tx->marked != tx->filled)
		mark_last(tx, tx->filled);
	store_relaxed(&tx->flushed, tx->filled);
	/* the accessor keeps the descriptors' stores before it */
	mmio_write32(tx->regs, tx->tdt, tx->filled & tx->mask);
}

static unsigned tx_reap(struct nic_txq *q, struct nic_tx_done *done, unsigned max)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
	const struct ixgbe_tx_packet *packet = tx->packet;
	uint32_t first = tx->packet_first, at = first, mask = tx->mask, seen, nr_lost = 0;
	uint32_t end = first + MIN(max, tx->packet_end - first);

	see_done(tx);
	seen = tx->done;
	for (; at != end; at++, done++) {
		const struct ixgbe_tx_packet *p = &packet[at & mask];

		if ((int32_t)(seen - p->end) < 0)
			break;
		done->cookie = p->cookie;
		done->sent = !p->lost;
		nr_lost += p->lost;
	}
	store_relaxed(&tx->packet_first, at);
	store_relaxed(&tx->sent, tx->sent + (at - first) - nr_lost);
	store_relaxed(&tx->lost_in_reset, tx->lost_in_reset + nr_lost);
	return at - first;
}

bool ixgbe_tx_pending(const struct nic_txq *q)
{
	const struct ixgbe_tx *tx = CONTAINER_OF(q, const struct ixgbe_tx, q);
	uint32_t first = load_relaxed(&tx->mark_first), end;

	if (tx->packet_first != tx->packet_end &&
		(int32_t)(load_relaxed(&tx->done) - tx->packet[tx->packet_first & tx->mask].end) >=
			0)
		return true;
	if (first == load_relaxed(&tx->mark_end))
		return false;
	end = tx->mark[first & tx->mask];
	return (int32_t)(load_relaxed(&tx->flushed) - end) >= 0 &&
	       load_acquire(&tx->ring[(end - 1) & tx->mask].hi) & IXGBE_TXD_DD;
}

void ixgbe_tx_rewind(struct ixgbe_tx *tx)
{
	see_done(tx);
	for (uint32_t i = tx->packet_first; i != tx->packet_end; i++) {
		struct ixgbe_tx_packet *p = &tx->packet[i & tx->mask];

		p->lost |= (uint32_t)((int32_t)(tx->done - p->end) < 0);
		p->end = 0; /* back at once: done is 0 too */
	}
	tx->filled = tx->flushed = tx->done = tx->marked = 0;
	tx->mark_first = tx->mark_end = 0;
	tx->offload = (struct ixgbe_tx_offload){ .key = 0 };
	for (uint32_t i = 0; i <= tx->mask; i++)
		tx->ring[i] = (struct ixgbe_tx_desc){ UINT64_MAX, UINT64_MAX };
}

const struct nic_txq ixgbe_txq_functions = {
	.prepare = tx_prepare,
	.flush = tx_flush,
	.reap = tx_reap,
	.pending = ixgbe_tx_pending,
};
