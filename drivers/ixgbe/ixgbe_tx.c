/* Transmit: packets into descriptors, doorbell, completions. DS 7.2.1, 7.2.3.
 *
 * Memory is read where it lies (zero copy). The device reports one descriptor per batch (RS): the
 * flush marks the last one, and a long batch is marked in between, so that reaping looks at one
 * cache line per mark and not at every descriptor. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/atomic.h"
#include "lib/errno.h"

#define MARK_DESCRIPTORS 64u /* at least so often a write-back is asked for */

static void mark_last(struct ixgbe_tx *tx, uint32_t filled)
{
	tx->ring[(filled - 1) & tx->mask].hi |= IXGBE_TXD_RS;
	tx->mark[tx->mark_end++ & tx->mask] = filled;
	tx->marked = filled;
}

/* Descriptors for n bytes in one segment. */
static inline uint32_t pieces(uint32_t len_bytes)
{
	return len_bytes <= IXGBE_TXD_LEN_MAX
		       ? 1
		       : (len_bytes + IXGBE_TXD_LEN_MAX - 1) / IXGBE_TXD_LEN_MAX;
}

/* How many descriptors the segments need; 0 if they make no sense. */
static inline uint32_t count_pieces(const struct nic_tx_packet *p)
{
	uint32_t nr = 0, sum = 0;

	if (p->nr_segments > NIC_TX_SEGMENTS_MAX || p->len_bytes > NIC_TX_BYTES_MAX)
		return 0;
	for (unsigned i = 0; i < p->nr_segments; i++) {
		uint32_t len = p->segment[i].len_bytes;

		/* no overflow: 23 segments of at most 64 KiB */
		if (len - 1 >= NIC_TX_BYTES_MAX)
			return 0;
		sum += len;
		nr += pieces(len);
	}
	return sum == p->len_bytes ? nr : 0;
}

/* Data descriptors; returns the position behind them. The last one gets EOP. */
static inline uint32_t write_segments(
	struct ixgbe_tx *tx, const struct nic_tx_packet *p, uint32_t at, uint64_t bits)
{
	struct ixgbe_tx_desc *d = tx->ring;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		uint64_t hpa = p->segment[i].hpa;
		uint32_t left = p->segment[i].len_bytes;

		do {
			uint32_t len = MIN(left, IXGBE_TXD_LEN_MAX);

			d = &tx->ring[at++ & tx->mask];
			d->lo = hpa;
			d->hi = bits | len;
			hpa += len;
			left -= len;
		} while (left);
	}
	d->hi |= IXGBE_TXD_EOP;
	return at;
}

/* 0, -EINVAL or -EAGAIN; nothing has happened then. */
static inline int prepare_one(struct ixgbe_tx *tx, const struct nic_tx_packet *p)
{
	uint64_t bits =
		IXGBE_TXD_DATA | IXGBE_TXD_IFCS | (uint64_t)p->len_bytes << IXGBE_TXD_PAYLEN_SHIFT;
	uint32_t at = tx->filled, needed = count_pieces(p);
	struct ixgbe_tx_context context = { 0, 0 };
	struct ixgbe_tx_packet *entry;

	if (!needed || p->len_bytes < NIC_TX_BYTES_MIN)
		return -EINVAL;
	if (p->flags) {
		if (ixgbe_tx_offload(p, &context, &bits))
			return -EINVAL;
		needed += context.lo != tx->context.lo || context.hi != tx->context.hi;
	}
	if (!(p->flags & NIC_TX_TSO) && p->len_bytes > tx->max_bytes)
		return -EINVAL;
	if (needed > tx->mask - (at - tx->done) || tx->packet_end - tx->packet_first > tx->mask)
		return -EAGAIN;
	if (p->flags && (context.lo != tx->context.lo || context.hi != tx->context.hi)) {
		tx->ring[at & tx->mask].lo = context.lo;
		tx->ring[at++ & tx->mask].hi = context.hi;
		tx->context = context;
	}
	at = write_segments(tx, p, at, bits);
	entry = &tx->packet[tx->packet_end++ & tx->mask];
	entry->cookie = p->cookie;
	entry->end = at;
	entry->lost = false;
	tx->filled = at;
	if (at - tx->marked >= MARK_DESCRIPTORS)
		mark_last(tx, at);
	return 0;
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

static int tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
	unsigned i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		ret = prepare_one(tx, &p[i]);
		if (ret == -EAGAIN) {
			/* room may be there already, only not seen */
			see_done(tx);
			ret = prepare_one(tx, &p[i]);
		}
		if (ret)
			break;
	}
	store_relaxed(&tx->prepared, tx->prepared + i);
	if (ret == -EAGAIN)
		store_relaxed(&tx->full, tx->full + 1);
	return i ? (int)i : ret;
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
	unsigned nr = 0, nr_lost = 0;

	see_done(tx);
	while (nr < max && tx->packet_first != tx->packet_end) {
		const struct ixgbe_tx_packet *p = &tx->packet[tx->packet_first & tx->mask];

		if ((int32_t)(tx->done - p->end) < 0)
			break;
		done[nr].cookie = p->cookie;
		done[nr++].sent = !p->lost;
		nr_lost += p->lost;
		tx->packet_first++;
	}
	store_relaxed(&tx->sent, tx->sent + nr - nr_lost);
	store_relaxed(&tx->lost_in_reset, tx->lost_in_reset + nr_lost);
	return nr;
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

		p->lost |= (int32_t)(tx->done - p->end) < 0;
		p->end = 0; /* back at once: done is 0 too */
	}
	tx->filled = tx->flushed = tx->done = tx->marked = 0;
	tx->mark_first = tx->mark_end = 0;
	tx->context = (struct ixgbe_tx_context){ 0, 0 };
	for (uint32_t i = 0; i <= tx->mask; i++)
		tx->ring[i] = (struct ixgbe_tx_desc){ UINT64_MAX, UINT64_MAX };
}

const struct nic_txq ixgbe_txq_functions = {
	.prepare = tx_prepare,
	.flush = tx_flush,
	.reap = tx_reap,
	.pending = ixgbe_tx_pending,
};
