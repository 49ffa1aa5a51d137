/* The rings' memory, and the way from a reset to running queues. SDM 14.3 (general), 14.4
 * (receive), 14.5 (transmit). */
#include "drivers/e1000/e1000_hw.h"

#include "lib/errno.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"

#define FRAME_BYTES_MAX	   1522u /* that come without LPE */
#define COLLISIONS_MAX	   0x0f	 /* SDM 14.5: CT */
#define COLLISION_DISTANCE 0x40	 /* SDM 14.5: COLD, full duplex */

static void *alloc(uint64_t len_bytes)
{
	return page_alloc((unsigned)(ALIGN_UP(len_bytes, (uint64_t)PAGE_SIZE) >> PAGE_SHIFT));
}

static int alloc_rx(struct e1000 *e)
{
	struct e1000_rx *rx = &e->rx;
	unsigned entries = e->setup.rx_entries;

	rx->ring = alloc(sizeof(rx->ring[0]) * entries);
	rx->slot = alloc(sizeof(rx->slot[0]) * entries);
	if (!rx->ring || !rx->slot)
		return -ENOMEM;
	rx->mask = entries - 1;
	rx->regs = e->regs;
	rx->q = e1000_rxq_functions;
	rx->q.nic = &e->nic;
	rx->q.ring_entries = entries;
	rx->q.buffer_bytes = e->setup.rx_buffer_bytes;
	rx->q.vector = NIC_NO_VECTOR;
	e1000_rx_rewind(rx);
	return 0;
}

static int alloc_tx(struct e1000 *e)
{
	struct e1000_tx *tx = &e->tx;
	unsigned entries = e->setup.tx_entries;

	tx->ring = alloc(sizeof(tx->ring[0]) * entries);
	tx->packet = alloc(sizeof(tx->packet[0]) * entries);
	if (!tx->ring || !tx->packet)
		return -ENOMEM;
	tx->mask = entries - 1;
	tx->regs = e->regs;
	tx->q = e1000_txq_functions;
	tx->q.nic = &e->nic;
	tx->q.ring_entries = entries;
	tx->q.vector = NIC_NO_VECTOR;
	e1000_tx_rewind(tx);
	return 0;
}

/* SDM 13.4.27: rings are aligned to 16 bytes, their length is a multiple of 128: pages are. */
int e1000_queues_alloc(struct e1000 *e)
{
	int ret = alloc_rx(e);

	if (!ret)
		ret = alloc_tx(e);
	e->rxq = &e->rx.q;
	e->txq = &e->tx.q;
	e->nic.rxq = &e->rxq;
	e->nic.txq = &e->txq;
	return ret;
}

/* SDM 14.3: the PHY negotiates by itself, the MAC follows; no tag is taken out, no PAUSE. */
static void set_up_link(const struct e1000 *e)
{
	e1000_change(e, E1000_CTRL,
		E1000_CTRL_LRST | E1000_CTRL_ILOS | E1000_CTRL_FRCSPD | E1000_CTRL_FRCDPLX |
			E1000_CTRL_RFCE | E1000_CTRL_TFCE | E1000_CTRL_VME | E1000_CTRL_PHY_RST,
		E1000_CTRL_SLU | E1000_CTRL_ASDE);
	e1000_write(e, E1000_FCAL, 0);
	e1000_write(e, E1000_FCAH, 0);
	e1000_write(e, E1000_FCT, 0);
	e1000_write(e, E1000_FCTTV, 0);
	e1000_write(e, E1000_WUC, 0);
}

static uint32_t buffer_size_bits(uint32_t buffer_bytes)
{
	switch (buffer_bytes) {
	case 1024:
		return E1000_RCTL_BSIZE;
	case 4096:
		return E1000_RCTL_BSEX | 3 * E1000_RCTL_BSIZE;
	case 8192:
		return E1000_RCTL_BSEX | 2 * E1000_RCTL_BSIZE;
	default:
		return 0; /* 2048 */
	}
}

/* SDM 14.4. The ring begins where the driver's positions are, so that a reset moves no buffer. */
static void set_up_receive(struct e1000 *e)
{
	struct e1000_rx *rx = &e->rx;
	uint64_t hpa = HPA(rx->ring);
	uint32_t rctl = E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_SECRC |
			buffer_size_bits(rx->q.buffer_bytes) | e1000_filter_modes(e);

	if (e->nic.mtu + E1000_FRAME_OVERHEAD > FRAME_BYTES_MAX)
		rctl |= E1000_RCTL_LPE;
	e1000_write(e, E1000_RXCSUM, 0);
	e1000_write(e, E1000_RDTR, 0);
	e1000_write(e, E1000_RDBAL, (uint32_t)hpa);
	e1000_write(e, E1000_RDBAH, (uint32_t)(hpa >> 32));
	e1000_write(e, E1000_RDLEN, rx->q.ring_entries * (uint32_t)sizeof(rx->ring[0]));
	e1000_write(e, E1000_RDH, rx->clean & rx->mask);
	e1000_write(e, E1000_RDT, rx->clean & rx->mask);
	e1000_write(e, E1000_RCTL, rctl);
	rx->q.flush(&rx->q); /* what a reset left in the ring */
}

/* SDM 14.5; the gap: 13.4.34, IEEE 802.3's values. */
static void set_up_transmit(struct e1000 *e)
{
	struct e1000_tx *tx = &e->tx;
	uint64_t hpa = HPA(tx->ring);

	tx->max_bytes = e->nic.mtu + 14u + 4u;
	e1000_write(e, E1000_TDBAL, (uint32_t)hpa);
	e1000_write(e, E1000_TDBAH, (uint32_t)(hpa >> 32));
	e1000_write(e, E1000_TDLEN, tx->q.ring_entries * (uint32_t)sizeof(tx->ring[0]));
	e1000_write(e, E1000_TDH, tx->filled & tx->mask);
	e1000_write(e, E1000_TDT, tx->filled & tx->mask);
	e1000_write(e, E1000_TIDV, 0);
	e1000_write(e, E1000_TIPG, E1000_TIPG_IPGT(10) | E1000_TIPG_R1(4) | E1000_TIPG_R2(6));
	e1000_write(e, E1000_TCTL,
		E1000_TCTL_EN | E1000_TCTL_PSP | E1000_TCTL_CT(COLLISIONS_MAX) |
			E1000_TCTL_COLD(COLLISION_DISTANCE));
}

int e1000_bring_up(struct e1000 *e)
{
	set_up_link(e);
	e1000_filters_write(e);
	e1000_stats_clear(e);
	set_up_transmit(e);
	set_up_receive(e);
	return e1000_is_gone(e) ? -EIO : 0;
}
