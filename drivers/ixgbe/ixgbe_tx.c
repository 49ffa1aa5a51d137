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

static void mark_last(struct ixgbe_tx *tx)
{
	tx->ring[(tx->filled - 1) & tx->mask].hi |= IXGBE_TXD_RS;
	tx->mark[tx->mark_end++ & tx->mask] = (struct ixgbe_tx_mark){ tx->filled, tx->packet_end };
	tx->marked = tx->filled;
}

/* Positions while a batch is prepared. */
struct room {
	uint32_t end;	   /* no packet may reach beyond */
	uint32_t straight; /* nor beyond this without looking where the ring begins again */
};

static inline uint32_t straight_from(const struct ixgbe_tx *tx, uint32_t at, uint32_t end)
{
	return at + MIN(end - at, tx->mask + 1 - (at & tx->mask));
}

/* Data descriptors from position `at` on; bits: of each. Segments that are long, a ring that begins
 * again, little room. Returns the position behind them, or -EINVAL if the segments are not what the
 * packet says, or -EAGAIN. Their bytes never exceed the packet's, so the room that is found for it
 * suffices: a long segment takes another descriptor for 15.5 KiB. */
static __attribute__((noinline)) int64_t write_any(struct ixgbe_tx *tx,
	const struct nic_tx_packet *p, uint32_t at, struct room *room, uint64_t bits)
{
	const struct nic_segment *s = p->segment;
	uint32_t unseen = p->len_bytes;

	if (p->nr_segments + (unseen >> 13) > room->end - at)
		return -EAGAIN;
	for (unsigned i = 0; i < p->nr_segments; i++) {
		uint64_t hpa = s[i].hpa;
		uint32_t left = s[i].len_bytes;

		if (left - 1 >= unseen) /* 0 too */
			return -EINVAL;
		unseen -= left;
		while (left) {
			uint32_t len = MIN(left, IXGBE_TXD_LEN_MAX);

			tx->ring[at++ & tx->mask] = (struct ixgbe_tx_desc){ hpa, bits | len };
			hpa += len;
			left -= len;
		}
	}
	tx->ring[(at - 1) & tx->mask].hi |= IXGBE_TXD_EOP;
	room->straight = straight_from(tx, at, room->end);
	return unseen ? -EINVAL : (int64_t)at;
}

/* The same where a segment is a descriptor and they follow each other: the usual case. */
static inline int64_t write_segments(struct ixgbe_tx *tx, const struct nic_tx_packet *p,
	uint32_t at, struct room *room, uint64_t bits)
{
	struct ixgbe_tx_desc *d = &tx->ring[at & tx->mask];
	const struct nic_segment *s = p->segment;
	uint64_t nr = p->nr_segments, i;
	uint32_t unseen = p->len_bytes;

	if (nr > room->straight - at)
		return write_any(tx, p, at, room, bits);
	for (i = 0; i != nr; i++) {
		uint32_t len = s[i].len_bytes;

		if (len - 1 >= IXGBE_TXD_LEN_MAX) /* 0 too */
			return write_any(tx, p, at, room, bits);
		unseen -= len;
		d[i].lo = s[i].hpa;
		d[i].hi = bits | len;
	}
	d[i - 1].hi |= IXGBE_TXD_EOP;
	return unseen ? -EINVAL : (int64_t)(at + nr);
}

/* What identifies an offload request: flags, tag, mss, header lengths. */
static inline bool same_offload(const struct ixgbe_tx_offload *o, const struct nic_tx_packet *p)
{
	return ixgbe_tx_key(p) == o->key && ixgbe_tx_l2_l4_len(p) == o->l2_l4_len;
}

/* Another request than the last packet's: its context goes to position `at`. The caller forgets it
 * again if the packet does not follow. 0, -EINVAL or -EAGAIN. */
static __attribute__((noinline)) int write_context(
	struct ixgbe_tx *tx, const struct nic_tx_packet *p, uint32_t at, uint32_t end)
{
	int err = at == end ? -EAGAIN : ixgbe_tx_offload(p, tx->plain.max_bytes, &tx->offload);

	if (err)
		return err;
	tx->ring[at & tx->mask] =
		(struct ixgbe_tx_desc){ tx->offload.context_lo, tx->offload.context_hi };
	return 0;
}

/* Returns the position behind the packet, or -EINVAL, or -EAGAIN. */
static inline int64_t put_packet(
	struct ixgbe_tx *tx, const struct nic_tx_packet *p, uint32_t at, struct room *room)
{
	const struct ixgbe_tx_offload *o = &tx->plain;
	uint32_t len = p->len_bytes;

	if (p->flags) {
		o = &tx->offload;
		if (!same_offload(o, p)) {
			int err = write_context(tx, p, at, room->end);

			if (err)
				return err;
			at++;
			room->straight = straight_from(tx, at, room->end);
		}
	}
	if (len < o->min_bytes || len > o->max_bytes || p->nr_segments - 1u >= NIC_TX_SEGMENTS_MAX)
		return -EINVAL;
	return write_segments(
		tx, p, at, room, o->bits | (uint64_t)(len - o->headers) << IXGBE_TXD_PAYLEN_SHIFT);
}

/* Takes over what the device has reported. */
static inline void see_done(struct ixgbe_tx *tx)
{
	while (tx->mark_first != tx->mark_end) {
		struct ixgbe_tx_mark m = tx->mark[tx->mark_first & tx->mask];

		/* a mark that is not flushed yet: the device has not seen it */
		if ((int32_t)(tx->flushed - m.end) < 0)
			break;
		if (!(load_acquire(&tx->ring[(m.end - 1) & tx->mask].hi) & IXGBE_TXD_DD))
			break;
		store_relaxed(&tx->done, m.end);
		tx->packet_done = m.packet_end;
		tx->mark_first++;
	}
}

/* A packet that is refused has moved no position; a context that it may have left in the ring is
 * overwritten, so it counts as none. */
static int tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
	uint32_t at = tx->filled, first = tx->packet_end, mask = tx->mask, last;
	uint64_t *packet = tx->packet;
	struct room room;
	int64_t end = 0;

	see_done(tx);
	room.end = tx->done + mask;
	room.straight = straight_from(tx, at, room.end);
	last = first + MIN(nr, mask + 1 - (first - tx->packet_first));
	for (; first != last; first++, p++) {
		end = put_packet(tx, p, at, &room);
		if (end < 0)
			break;
		at = (uint32_t)end;
		packet[first & mask] = p->cookie;
	}
	if (end >= 0 && first - tx->packet_end != nr)
		end = -EAGAIN;
	nr = first - tx->packet_end;
	tx->filled = at;
	tx->packet_end = first;
	if (at - tx->marked >= MARK_DESCRIPTORS)
		mark_last(tx);
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
		mark_last(tx);
	store_relaxed(&tx->flushed, tx->filled);
	/* the accessor keeps the descriptors' stores before it */
	mmio_write32(tx->regs, tx->tdt, tx->filled & tx->mask);
}

/* Some that were lost are among, or behind, these from position `at` on: how many among them. */
static __attribute__((noinline)) unsigned tell_lost(
	struct ixgbe_tx *tx, uint32_t at, struct nic_tx_done *done, unsigned nr)
{
	unsigned nr_lost = 0;

	for (unsigned i = 0; i < nr; i++) {
		bool *lost = &tx->lost[(at + i) & tx->mask];

		done[i].sent = !*lost;
		nr_lost += *lost;
		*lost = false;
	}
	tx->nr_lost -= nr_lost;
	return nr_lost;
}

static unsigned tx_reap(struct nic_txq *q, struct nic_tx_done *done, unsigned max)
{
	struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
	const uint64_t *packet = tx->packet;
	uint32_t first = tx->packet_first, mask = tx->mask, nr, nr_lost = 0;

	see_done(tx);
	nr = MIN(max, tx->packet_done - first);
	for (uint32_t i = 0; i != nr; i++)
		done[i] = (struct nic_tx_done){ packet[(first + i) & mask], true };
	if (__builtin_expect(tx->nr_lost != 0, 0))
		nr_lost = tell_lost(tx, first, done, nr);
	store_relaxed(&tx->packet_first, first + nr);
	store_relaxed(&tx->sent, tx->sent + nr - nr_lost);
	store_relaxed(&tx->lost_in_reset, tx->lost_in_reset + nr_lost);
	return nr;
}

bool ixgbe_tx_pending(const struct nic_txq *q)
{
	const struct ixgbe_tx *tx = CONTAINER_OF(q, const struct ixgbe_tx, q);
	uint32_t first = load_relaxed(&tx->mark_first), end;

	if (load_relaxed(&tx->packet_first) != load_relaxed(&tx->packet_done))
		return true;
	if (first == load_relaxed(&tx->mark_end))
		return false;
	end = tx->mark[first & tx->mask].end;
	return (int32_t)(load_relaxed(&tx->flushed) - end) >= 0 &&
	       load_acquire(&tx->ring[(end - 1) & tx->mask].hi) & IXGBE_TXD_DD;
}

void ixgbe_tx_rewind(struct ixgbe_tx *tx)
{
	see_done(tx);
	tx->nr_lost += tx->packet_end - tx->packet_done;
	for (; tx->packet_done != tx->packet_end; tx->packet_done++)
		tx->lost[tx->packet_done & tx->mask] = true;
	tx->filled = tx->flushed = tx->done = tx->marked = 0;
	tx->mark_first = tx->mark_end = 0;
	tx->plain = (struct ixgbe_tx_offload){
		.bits = IXGBE_TXD_DATA | IXGBE_TXD_IFCS,
		.min_bytes = NIC_TX_BYTES_MIN,
	};
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
