/* Statistics: registers that clear when they are read, added up in 64 bits. SDM 13.7. At 1 Gbit/s a
 * 32-bit count of frames lasts 48 minutes. */
#include "drivers/e1000/e1000_hw.h"

static const struct {
	uint32_t reg;
	uint32_t offset; /* in struct nic_stats */
} counters[] = {
#define C(reg, field)                                                                              \
	{                                                                                          \
		reg, offsetof(struct nic_stats, field)                                             \
	}
	C(E1000_GPRC, rx_frames),
	C(E1000_BPRC, rx_broadcast),
	C(E1000_MPRC, rx_multicast),
	C(E1000_GPTC, tx_frames),
	C(E1000_CRCERRS, rx_crc_errors),
	C(E1000_RLEC, rx_length_errors),
	C(E1000_RUC, rx_length_errors),
	C(E1000_RFC, rx_length_errors),
	C(E1000_ROC, rx_length_errors),
	C(E1000_RJC, rx_length_errors),
	C(E1000_ALGNERRC, rx_other_errors),
	C(E1000_SYMERRS, rx_other_errors),
	C(E1000_RXERRC, rx_other_errors),
	C(E1000_MPC, rx_missed),
	C(E1000_RNBC, rx_no_buffer),
	C(E1000_XOFFRXC, rx_pause),
	C(E1000_XOFFTXC, tx_pause),
#undef C
};

/* SDM 13.7: the low half first; reading the high half clears both. */
static uint64_t read64(const struct e1000 *e, uint32_t low, uint32_t high)
{
	uint32_t lo = e1000_read(e, low);

	return (uint64_t)e1000_read(e, high) << 32 | lo;
}

void e1000_stats_clear(const struct e1000 *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		(void)e1000_read(e, counters[i].reg);
	(void)read64(e, E1000_GORCL, E1000_GORCH);
	(void)read64(e, E1000_GOTCL, E1000_GOTCH);
}

static void collect_hardware(struct e1000 *e)
{
	struct nic_stats *s = &e->nic.stats;

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		*(uint64_t *)(void *)((char *)s + counters[i].offset) +=
			e1000_read(e, counters[i].reg);
	s->rx_bytes += read64(e, E1000_GORCL, E1000_GORCH);
	s->tx_bytes += read64(e, E1000_GOTCL, E1000_GOTCH);
}

static void copy_driver_counts(struct e1000 *e)
{
	struct nic_stats *s = &e->nic.stats;

	s->rx_polled = load_relaxed(&e->rx.polled);
	s->rx_polled_bytes = load_relaxed(&e->rx.polled_bytes);
	s->rx_bad_frames = load_relaxed(&e->rx.bad_frames);
	s->rx_bad_descriptors = load_relaxed(&e->rx.bad_descriptors);
	s->rx_lost_in_reset = e->rx.lost_in_reset;
	s->tx_prepared = load_relaxed(&e->tx.prepared);
	s->tx_sent = load_relaxed(&e->tx.sent);
	s->tx_lost_in_reset = load_relaxed(&e->tx.lost_in_reset);
	s->tx_full = load_relaxed(&e->tx.full);
}

/* Of a device that is gone nothing is added. */
void e1000_stats_collect(struct e1000 *e)
{
	if (!e1000_is_gone(e))
		collect_hardware(e);
	copy_driver_counts(e);
}

/* A port that is stopped, or off the bus, has been collected from. */
void e1000_collect(struct nic *nic)
{
	if (nic->state == NIC_RUNNING)
		e1000_stats_collect(E1000_OF(nic));
	else
		copy_driver_counts(E1000_OF(nic));
}
