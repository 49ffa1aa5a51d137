/* From a reset to running queues, in the order of DS 4.6.3. */
#include "drivers/ixgbe/ixgbe_hw.h"

#define SECRX_TIMEOUT_US 4000u

/* ---- Receive, DS 4.6.7 ---- */

static bool is_jumbo(const struct ixgbe *ix)
{
	return ix->nic.mtu > 1500;
}

static void write_mac_modes(const struct ixgbe *ix)
{
	uint32_t frame_bytes = ix->nic.mtu + IXGBE_FRAME_OVERHEAD;

	ixgbe_change(ix, IXGBE_HLREG0, IXGBE_HLREG0_JUMBOEN | IXGBE_HLREG0_LPBK,
		IXGBE_HLREG0_TXCRCEN | IXGBE_HLREG0_RXCRCSTRP | IXGBE_HLREG0_TXPADEN |
			(is_jumbo(ix) ? IXGBE_HLREG0_JUMBOEN : 0));
	ixgbe_write(ix, IXGBE_MAXFRS, IXGBE_MAXFRS_MFS(frame_bytes));
}

/* DS 7.1.2.8. The key repeats 16 bits, so that both directions of a connection get the same hash.
 */
static void write_rss(const struct ixgbe *ix)
{
	unsigned per_pool = ix->nic.queues_per_pool;
	uint32_t mrqc = ix->pool_stride == 2   ? IXGBE_MRQC_VMDQ_RSS64
			: ix->pool_stride == 4 ? IXGBE_MRQC_VMDQ_RSS32
			: per_pool > 1	       ? IXGBE_MRQC_RSS
					       : 0;

	for (unsigned i = 0; i < IXGBE_RSSRK_WORDS; i++)
		ixgbe_write(ix, IXGBE_RSSRK(i), 0x5a6d5a6d);
	for (unsigned i = 0; i < IXGBE_RETA_WORDS; i++) {
		uint32_t v = 0;

		for (unsigned k = 0; k < 4; k++)
			v |= (4 * i + k) % per_pool << 8 * k;
		ixgbe_write(ix, IXGBE_RETA(i), v);
	}
	if (per_pool > 1)
		mrqc |= IXGBE_MRQC_HASH_TCPV4 | IXGBE_MRQC_HASH_IPV4 | IXGBE_MRQC_HASH_TCPV6 |
			IXGBE_MRQC_HASH_IPV6;
	ixgbe_write(ix, IXGBE_MRQC, mrqc);
}

/* DS 4.6.10.1, 7.10.3: pools without SR-IOV; pool 0 is the default one. No local switching: the
 * software switch does that. */
static void write_pools(const struct ixgbe *ix)
{
	unsigned log2_queues = ix->pool_stride == 4 ? 2 : ix->pool_stride == 2 ? 1 : 0;
	uint64_t pools = ix->nic.nr_pools == 64 ? UINT64_MAX : BIT64(ix->nic.nr_pools) - 1;

	for (unsigned p = 0; p < MAX(ix->nic.nr_pools, 1u); p++)
		ixgbe_write(ix, IXGBE_PSRTYPE(p),
			IXGBE_PSRTYPE_HEADERS |
				IXGBE_PSRTYPE_RQPL(
					ix->setup.single_queue_pools & BIT64(p) ? 0 : log2_queues));
	ixgbe_write(ix, IXGBE_PFDTXGSWC, 0);
	if (!ix->pool_stride) {
		ixgbe_write(ix, IXGBE_VT_CTL, 0);
		return;
	}
	ixgbe_write(ix, IXGBE_VT_CTL, IXGBE_VT_CTL_ENA | IXGBE_VT_CTL_REPLEN);
	for (unsigned i = 0; i < 2; i++) {
		ixgbe_write(ix, IXGBE_VFRE(i), (uint32_t)(pools >> 32 * i));
		ixgbe_write(ix, IXGBE_VFTE(i), (uint32_t)(pools >> 32 * i));
	}
}

static void write_receive(const struct ixgbe *ix)
{
	uint32_t rfctl = IXGBE_RFCTL_NFSW_DIS | IXGBE_RFCTL_NFSR_DIS;

	/* the checksum field of the descriptor holds the RSS hash */
	ixgbe_write(ix, IXGBE_RXCSUM, IXGBE_RXCSUM_PCSD | IXGBE_RXCSUM_IPPCSE);
	if (!ix->rsc_on)
		rfctl |= IXGBE_RFCTL_RSC_DIS;
	ixgbe_change(ix, IXGBE_RFCTL, IXGBE_RFCTL_RSC_DIS, rfctl);
	/* DS 4.6.7.2: RSC wants these, and CRC stripping as in HLREG0 */
	ixgbe_change(ix, IXGBE_RDRXCTL, IXGBE_RDRXCTL_RSCFRST,
		IXGBE_RDRXCTL_CRCSTRIP | IXGBE_RDRXCTL_RSCACKC | IXGBE_RDRXCTL_FCOE_FIX);
	ixgbe_change(ix, IXGBE_RSCDBU, 0, IXGBE_RSCDBU_ACKDIS);
	for (unsigned i = 0; i < IXGBE_PACKET_BUFFERS; i++)
		ixgbe_write(ix, IXGBE_RXPBSIZE(i), i ? 0 : IXGBE_PB_KB(IXGBE_RXPB_KB));
	write_pools(ix);
	write_rss(ix);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		ixgbe_rx_configure(ix, &ix->rx[i]);
}

/* ---- Transmit, DS 4.6.8 ---- */

static void write_transmit(const struct ixgbe *ix)
{
	uint32_t frame_kb = (ix->nic.mtu + IXGBE_FRAME_OVERHEAD + 1023u) / 1024u;

	/* DS 4.6.11.3.1: the queues' layout changes while the arbiter stands still */
	ixgbe_change(ix, IXGBE_RTTDCS, 0, IXGBE_RTTDCS_ARBDIS);
	ixgbe_write(ix, IXGBE_MTQC,
		ix->pool_stride == 2   ? IXGBE_MTQC_VT64
		: ix->pool_stride == 4 ? IXGBE_MTQC_VT32
				       : 0);
	for (unsigned i = 0; i < IXGBE_PACKET_BUFFERS; i++) {
		ixgbe_write(ix, IXGBE_TXPBSIZE(i), i ? 0 : IXGBE_PB_KB(IXGBE_TXPB_KB));
		ixgbe_write(ix, IXGBE_TXPBTHRESH(i), i ? 0 : IXGBE_TXPB_KB - frame_kb);
	}
	ixgbe_write(ix, IXGBE_DTXMXSZRQ, IXGBE_DTXMXSZRQ_MAX);
	/* DS 8.2.3.9.3: TCP flags that a cut segment keeps: PSH and FIN only in the last one */
	ixgbe_write(ix, IXGBE_DTXTCPFLGL, 0x0ff60ff6);
	ixgbe_write(ix, IXGBE_DTXTCPFLGH, 0x00000f7f);
	ixgbe_change(ix, IXGBE_RTTDCS, IXGBE_RTTDCS_ARBDIS, 0);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		ixgbe_tx_configure(ix, &ix->tx[i]);
	ixgbe_change(ix, IXGBE_DMATXCTL, 0, IXGBE_DMATXCTL_TE | IXGBE_DMATXCTL_VT);
}

/* DS 4.6.7: RXEN changes only while the security block holds the data path. */
static int enable_receiver(const struct ixgbe *ix)
{
	int ret;

	ixgbe_change(ix, IXGBE_SECRXCTRL, 0, IXGBE_SECRXCTRL_RX_DIS);
	ret = ixgbe_wait(
		ix, IXGBE_SECRXSTAT, IXGBE_SECRXSTAT_RDY, IXGBE_SECRXSTAT_RDY, SECRX_TIMEOUT_US);
	ixgbe_change(ix, IXGBE_RXCTRL, 0, IXGBE_RXCTRL_RXEN);
	ixgbe_change(ix, IXGBE_SECRXCTRL, IXGBE_SECRXCTRL_RX_DIS, 0);
	return ret;
}

int ixgbe_bring_up(struct ixgbe *ix)
{
	int ret = 0;

	ixgbe_link_start(ix);  /* DS 4.6.4 */
	ixgbe_stats_clear(ix); /* DS 4.6.5 */
	write_mac_modes(ix);
	ixgbe_filters_write(ix);			     /* DS 4.6.7, 7.1.1 */
	write_receive(ix);				     /* DS 4.6.7 */
	write_transmit(ix);				     /* DS 4.6.8 */
	ixgbe_write(ix, IXGBE_DCA_CTRL, IXGBE_DCA_CTRL_CB2); /* DS 7.5 */
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		ixgbe_dca_write(ix, i);
	ixgbe_irq_write(ix); /* DS 4.6.6 */
	for (unsigned i = 0; i < ix->nic.nr_queues && !ret; i++) {
		ret = ixgbe_tx_enable(ix, &ix->tx[i]);
		if (!ret && !ix->rx[i].stopped)
			ret = ixgbe_rx_enable(ix, &ix->rx[i]);
	}
	return ret ? ret : enable_receiver(ix);
}
