/* Statistics: registers that clear when they are read, added up in 64 bits. DS 8.2.3.23. At 10
 * Gbit/s the 36-bit byte counters last 54 s, frames 288 s: once a second is enough.
 */
#include "drivers/ixgbe/ixgbe_hw.h"

#define QUEUES_PER_RQSMR 4u

static const struct {
	uint32_t reg;
	uint32_t offset; /* in struct nic_stats */
} counters[] = {
#define C(reg, field)                                                                              \
	{                                                                                          \
		reg, offsetof(struct nic_stats, field)                                             \
	}
	C(IXGBE_GPRC, rx_frames),
	C(IXGBE_BPRC, rx_broadcast),
	C(IXGBE_MPRC, rx_multicast),
	C(IXGBE_GPTC, tx_frames),
	C(IXGBE_CRCERRS, rx_crc_errors),
	C(IXGBE_RLEC, rx_length_errors),
	C(IXGBE_RUC, rx_length_errors),
	C(IXGBE_RFC, rx_length_errors),
	C(IXGBE_ROC, rx_length_errors),
	C(IXGBE_RJC, rx_length_errors),
	C(IXGBE_ILLERRC, rx_other_errors),
	C(IXGBE_ERRBC, rx_other_errors),
	C(IXGBE_XEC, rx_l3_l4_errors),
	C(IXGBE_LXOFFRXC, rx_pause),
	C(IXGBE_LXOFFTXC, tx_pause),
#undef C
};

/* Queue q's drops go to counter q % 16. */
void ixgbe_stats_clear(const struct ixgbe *ix)
{
	for (unsigned i = 0; i < IXGBE_RQSMRS; i++) {
		uint32_t v = 0;

		for (unsigned k = 0; k < QUEUES_PER_RQSMR; k++)
			v |= (i * QUEUES_PER_RQSMR + k) % IXGBE_QCOUNTERS << 8 * k;
		ixgbe_write(ix, IXGBE_RQSMR(i), v);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		(void)ixgbe_read(ix, counters[i].reg);
	(void)ixgbe_read(ix, IXGBE_GORCL);
	(void)ixgbe_read(ix, IXGBE_GORCH);
	(void)ixgbe_read(ix, IXGBE_GOTCL);
	(void)ixgbe_read(ix, IXGBE_GOTCH);
	(void)ixgbe_read(ix, IXGBE_RXDGPC);
	for (unsigned i = 0; i < IXGBE_PACKET_BUFFERS; i++)
		(void)ixgbe_read(ix, IXGBE_RXMPC(i));
	for (unsigned i = 0; i < IXGBE_QCOUNTERS; i++)
		(void)ixgbe_read(ix, IXGBE_QPRDC(i));
}

/* The low half first: DS 8.2.3.23, reading the high half clears both. */
static uint64_t read36(const struct ixgbe *ix, uint32_t low, uint32_t high)
{
	uint32_t lo = ixgbe_read(ix, low);

	return (uint64_t)(ixgbe_read(ix, high) & 0xf) << 32 | lo;
}

static void collect_hardware(struct ixgbe *ix)
{
	struct nic_stats *s = &ix->nic.stats;

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		*(uint64_t *)(void *)((char *)s + counters[i].offset) +=
			ixgbe_read(ix, counters[i].reg);
	s->rx_bytes += read36(ix, IXGBE_GORCL, IXGBE_GORCH);
	s->tx_bytes += read36(ix, IXGBE_GOTCL, IXGBE_GOTCH);
	ix->health.dma_frames += ixgbe_read(ix, IXGBE_RXDGPC);
	for (unsigned i = 0; i < IXGBE_PACKET_BUFFERS; i++)
		s->rx_missed += ixgbe_read(ix, IXGBE_RXMPC(i));
	for (unsigned i = 0; i < IXGBE_QCOUNTERS; i++) {
		uint32_t drops = ixgbe_read(ix, IXGBE_QPRDC(i));

		s->rx_no_buffer += drops;
		ix->health.queue_drops[i] += drops;
	}
}

static void sum_queues(struct ixgbe *ix)
{
	struct nic_stats *s = &ix->nic.stats;

	s->rx_polled = s->rx_polled_bytes = s->rx_bad_frames = s->rx_bad_descriptors = 0;
	s->rx_coalesced = s->rx_coalesced_frames = 0;
	s->tx_prepared = s->tx_sent = s->tx_lost_in_reset = s->tx_full = 0;
	s->rx_lost_in_reset = ix->health.lost_in_fifo;
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		const struct ixgbe_rx *rx = &ix->rx[i];
		const struct ixgbe_tx *tx = &ix->tx[i];

		s->rx_polled += load_relaxed(&rx->polled);
		s->rx_polled_bytes += load_relaxed(&rx->polled_bytes);
		s->rx_bad_frames += load_relaxed(&rx->bad_frames);
		s->rx_bad_descriptors += load_relaxed(&rx->bad_descriptors);
		s->rx_coalesced += load_relaxed(&rx->coalesced);
		s->rx_coalesced_frames += load_relaxed(&rx->coalesced_frames);
		s->rx_lost_in_reset += rx->lost_in_reset;
		s->tx_prepared += load_relaxed(&tx->prepared);
		s->tx_sent += load_relaxed(&tx->sent);
		s->tx_lost_in_reset += load_relaxed(&tx->lost_in_reset);
		s->tx_full += load_relaxed(&tx->full);
	}
}

/* A device that is gone reads all ones: nothing of that is added. */
void ixgbe_stats_collect(struct ixgbe *ix)
{
	if (ixgbe_read(ix, IXGBE_STATUS) != UINT32_MAX)
		collect_hardware(ix);
	sum_queues(ix);
}

/* A port that is stopped, or off the bus, has been collected from. */
void ixgbe_collect(struct nic *nic)
{
	if (nic->state == NIC_RUNNING)
		ixgbe_stats_collect(IXGBE_OF(nic));
	else
		sum_queues(IXGBE_OF(nic));
}
