/* Transmit: packets into legacy descriptors, doorbell, completions. SDM 3.3.3, 3.4.
 *
 * Memory is read where it lies. Each packet's last descriptor asks for a write-back (RS). */
#include "drivers/e1000/e1000_hw.h"

#include "lib/atomic.h"
#include "lib/errno.h"

/* One descriptor per segment; 0, or -EINVAL. Nothing counts until tx->filled moves. */
static int write_segments(const struct e1000_tx *tx, const struct nic_tx_packet *p)
{
	uint32_t at = tx->filled, unseen = p->len_bytes;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct nic_segment *s = &p->segment[i];
		uint64_t bits = E1000_TXD_IFCS;

		if (!s->len_bytes || s->len_bytes > unseen)
			return -EINVAL;
		unseen -= s->len_bytes;
		if (i == p->nr_segments - 1u)
			bits |= E1000_TXD_EOP | E1000_TXD_RS;
		tx->ring[at++ & tx->mask] = (struct e1000_tx_desc){ s->hpa, bits | s->len_bytes };
	}
	return unseen ? -EINVAL : 0;
}

/* max_bytes is below what a descriptor can say: the longest MTU is 9000. */
static int put_packet(struct e1000_tx *tx, const struct nic_tx_packet *p)
{
	_Static_assert(9000 + 18 <= E1000_TXD_LEN_MAX, "one descriptor per segment");
	if (p->flags || p->len_bytes < NIC_TX_BYTES_MIN || p->len_bytes > tx->max_bytes ||
		p->nr_segments - 1u >= NIC_TX_SEGMENTS_MAX)
		return -EINVAL;
	/* Cookies that nobody has reaped take room too; one descriptor stays free. */
	if (p->nr_segments > tx->mask - (tx->filled - tx->done) ||
		tx->packet_end - tx->packet_first == tx->mask + 1)
		return -EAGAIN;
	if (write_segments(tx, p))
		return -EINVAL;
	tx->filled += p->nr_segments;
	tx->packet[tx->packet_end++ & tx->mask] =
		(struct e1000_tx_packet){ .cookie = p->cookie, .end = tx->filled };
	return 0;
}

static bool is_reported(const struct e1000_tx *tx, uint32_t seen)
{
	uint32_t end = tx->packet[seen & tx->mask].end;

	/* one that is not flushed yet: the device has not seen it */
	return (int32_t)(load_relaxed(&tx->flushed) - end) >= 0 &&
	       load_acquire(&tx->ring[(end - 1) & tx->mask].hi) & E1000_TXD_DD;
}

/* Takes over what the device has reported. */
static void see_done(struct e1000_tx *tx)
{
	for (; tx->packet_seen != tx->packet_end && is_reported(tx, tx->packet_seen);
		tx->packet_seen++)
		store_relaxed(&tx->done, tx->packet[tx->packet_seen & tx->mask].end);
}

static int tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	struct e1000_tx *tx = CONTAINER_OF(q, struct e1000_tx, q);
	unsigned taken = 0;
	int err = 0;

	see_done(tx);
	while (taken < nr && !err) {
		err = put_packet(tx, &p[taken]);
		taken += !err;
	}
	store_relaxed(&tx->prepared, tx->prepared + taken);
	if (err == -EAGAIN)
		store_relaxed(&tx->full, tx->full + 1);
	return taken || !err ? (int)taken : err;
}

static void tx_flush(struct nic_txq *q)
{
	struct e1000_tx *tx = CONTAINER_OF(q, struct e1000_tx, q);

	if (tx->flushed == tx->filled)
		return;
	store_relaxed(&tx->flushed, tx->filled);
	/* the accessor keeps the descriptors' stores before it */
	mmio_write32(tx->regs, E1000_TDT, tx->filled & tx->mask);
}

static unsigned tx_reap(struct nic_txq *q, struct nic_tx_done *done, unsigned max)
{
	struct e1000_tx *tx = CONTAINER_OF(q, struct e1000_tx, q);
	unsigned n = 0, lost = 0;

	see_done(tx);
	for (; n < max && tx->packet_first != tx->packet_seen; n++) {
		const struct e1000_tx_packet *p = &tx->packet[tx->packet_first & tx->mask];

		done[n] = (struct nic_tx_done){ p->cookie, !p->lost };
		lost += p->lost;
		store_relaxed(&tx->packet_first, tx->packet_first + 1);
	}
	store_relaxed(&tx->sent, tx->sent + n - lost);
	store_relaxed(&tx->lost_in_reset, tx->lost_in_reset + lost);
	return n;
}

bool e1000_tx_pending(const struct nic_txq *q)
{
	const struct e1000_tx *tx = CONTAINER_OF(q, const struct e1000_tx, q);
	uint32_t seen = load_relaxed(&tx->packet_seen);

	return load_relaxed(&tx->packet_first) != seen ||
	       (seen != load_relaxed(&tx->packet_end) && is_reported(tx, seen));
}

void e1000_tx_rewind(struct e1000_tx *tx)
{
	see_done(tx);
	for (; tx->packet_seen != tx->packet_end; tx->packet_seen++)
		tx->packet[tx->packet_seen & tx->mask].lost = true;
	tx->done = tx->flushed = tx->filled;
	for (uint32_t i = 0; i <= tx->mask; i++)
		tx->ring[i] = (struct e1000_tx_desc){ UINT64_MAX, 0 };
}

const struct nic_txq e1000_txq_functions = {
	.prepare = tx_prepare,
	.flush = tx_flush,
	.reap = tx_reap,
	.pending = e1000_tx_pending,
};
