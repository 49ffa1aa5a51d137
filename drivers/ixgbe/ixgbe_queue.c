/* Rings: their memory and their registers. DS 4.6.7 (receive), 4.6.8 (transmit), 7.1.9, 7.2.3.3. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"

#define ENABLE_TIMEOUT_US 10000u

static void *alloc(uint64_t len_bytes)
{
	return page_alloc((unsigned)(ALIGN_UP(len_bytes, (uint64_t)PAGE_SIZE) >> PAGE_SHIFT));
}

/* DS 7.1.9: rings are aligned to 128 bytes, their length is a multiple of 128: pages are. */
static int alloc_rx(struct ixgbe *ix, struct ixgbe_rx *rx, unsigned entries)
{
	rx->ring = alloc(sizeof(rx->ring[0]) * entries);
	rx->slot = alloc(sizeof(rx->slot[0]) * entries);
	rx->header_hpa = alloc(sizeof(rx->header_hpa[0]) * entries);
	rx->chain = alloc(sizeof(rx->chain[0]) * entries);
	rx->node = alloc(sizeof(rx->node[0]) * entries);
	if (!rx->ring || !rx->slot || !rx->header_hpa || !rx->chain || !rx->node)
		return -ENOMEM;
	rx->mask = entries - 1;
	for (uint32_t i = 0; i < entries; i++)
		rx->node[i].next = i + 1; /* the last one is never taken: entries - 1 buffers */
	rx->q = ixgbe_rxq_functions;
	rx->q.nic = &ix->nic;
	rx->q.ring_entries = entries;
	rx->q.buffer_bytes = ix->setup.rx_buffer_bytes;
	rx->regs = ix->regs;
	rx->rdt = IXGBE_RDT(rx->hw);
	ixgbe_rx_rewind(rx);
	return 0;
}

static int alloc_tx(struct ixgbe *ix, struct ixgbe_tx *tx, unsigned entries)
{
	tx->ring = alloc(sizeof(tx->ring[0]) * entries);
	tx->packet = alloc(sizeof(tx->packet[0]) * entries);
	tx->lost = alloc(sizeof(tx->lost[0]) * entries);
	tx->mark = alloc(sizeof(tx->mark[0]) * entries);
	if (!tx->ring || !tx->packet || !tx->lost || !tx->mark)
		return -ENOMEM;
	tx->mask = entries - 1;
	tx->q = ixgbe_txq_functions;
	tx->q.nic = &ix->nic;
	tx->q.ring_entries = entries;
	tx->regs = ix->regs;
	tx->tdt = IXGBE_TDT(tx->hw);
	ixgbe_tx_rewind(tx);
	return 0;
}

static int alloc_pair(struct ixgbe *ix, unsigned i)
{
	unsigned per_pool = ix->nic.queues_per_pool, pool = i / per_pool;
	uint32_t hw = ix->pool_stride ? pool * ix->pool_stride + i % per_pool : i;
	uint16_t vector = ix->nic.nr_vectors ? (uint16_t)(i % ix->nic.nr_vectors) : NIC_NO_VECTOR;
	struct ixgbe_rx *rx = &ix->rx[i];
	struct ixgbe_tx *tx = &ix->tx[i];
	int ret;

	rx->hw = tx->hw = hw;
	ret = alloc_rx(ix, rx, ix->setup.rx_entries);
	if (!ret)
		ret = alloc_tx(ix, tx, ix->setup.tx_entries);
	if (ret)
		return ret;
	rx->q.index = tx->q.index = (uint16_t)i;
	rx->q.pool = tx->q.pool = (uint16_t)pool;
	rx->q.vector = tx->q.vector = vector;
	ix->nic.rxq[i] = &rx->q;
	ix->nic.txq[i] = &tx->q;
	return 0;
}

int ixgbe_queues_alloc(struct ixgbe *ix)
{
	unsigned nr = ix->nic.nr_queues;
	int ret = 0;

	ix->rx = alloc(sizeof(ix->rx[0]) * nr);
	ix->tx = alloc(sizeof(ix->tx[0]) * nr);
	ix->watch = alloc(sizeof(ix->watch[0]) * nr);
	ix->dca_tag = alloc(nr);
	ix->nic.rxq = alloc(sizeof(ix->nic.rxq[0]) * nr);
	ix->nic.txq = alloc(sizeof(ix->nic.txq[0]) * nr);
	if (!ix->rx || !ix->tx || !ix->watch || !ix->dca_tag || !ix->nic.rxq || !ix->nic.txq)
		return -ENOMEM;
	for (unsigned i = 0; i < nr && !ret; i++)
		ret = alloc_pair(ix, i);
	return ret;
}

/* DS 7.11.2: buffers of one coalesced packet together stay below 64 KiB. */
static uint32_t rsc_control(const struct ixgbe *ix, const struct ixgbe_rx *rx)
{
	unsigned log4 = rx->q.buffer_bytes < 4096 ? 3 : rx->q.buffer_bytes < 8192 ? 2 : 1;

	return ix->setup.rsc ? IXGBE_RSCCTL_EN | IXGBE_RSCCTL_MAX(log4) : 0;
}

/* DS 4.6.7.1, the queue's part. A queue that is full must not stop the others: it drops, unless it
 * is alone and flow control can stop the peer. */
void ixgbe_rx_configure(const struct ixgbe *ix, const struct ixgbe_rx *rx)
{
	uint64_t hpa = HPA(rx->ring);
	uint32_t srrctl = IXGBE_SRRCTL_BSIZE(rx->q.buffer_bytes / 1024) | IXGBE_SRRCTL_HEADER256 |
			  (rx->q.header_bytes ? IXGBE_SRRCTL_SPLIT : IXGBE_SRRCTL_ADVANCED);

	if (ix->nic.nr_queues > 1 || !ix->setup.flow_control)
		srrctl |= IXGBE_SRRCTL_DROP_EN;
	ixgbe_write(ix, IXGBE_RXDCTL(rx->hw), 0);
	ixgbe_write(ix, IXGBE_RDBAL(rx->hw), (uint32_t)hpa);
	ixgbe_write(ix, IXGBE_RDBAH(rx->hw), (uint32_t)(hpa >> 32));
	ixgbe_write(ix, IXGBE_RDLEN(rx->hw), rx->q.ring_entries * sizeof(struct ixgbe_rx_desc));
	ixgbe_write(ix, IXGBE_RDH(rx->hw), 0);
	ixgbe_write(ix, IXGBE_RDT(rx->hw), 0);
	ixgbe_write(ix, IXGBE_SRRCTL(rx->hw), srrctl);
	ixgbe_write(ix, IXGBE_RSCCTL(rx->hw), rsc_control(ix, rx));
}

/* DS 4.6.7.1.2: enable, wait for the bit, then the tail. */
int ixgbe_rx_enable(const struct ixgbe *ix, struct ixgbe_rx *rx)
{
	uint32_t vme = ix->setup.vlan_strip ? IXGBE_RXDCTL_VME : 0;
	int ret;

	rx->q.poll = rx->q.header_bytes ? ixgbe_rx_poll_split : ixgbe_rxq_functions.poll;
	ixgbe_write(ix, IXGBE_RXDCTL(rx->hw), IXGBE_RXDCTL_ENABLE | vme);
	ret = ixgbe_wait(ix, IXGBE_RXDCTL(rx->hw), IXGBE_RXDCTL_ENABLE, IXGBE_RXDCTL_ENABLE,
		ENABLE_TIMEOUT_US);
	if (!ret)
		rx->q.flush(&rx->q); /* what a reset left in the ring */
	return ret;
}

/* DS 4.6.8.1, the queue's part. */
void ixgbe_tx_configure(const struct ixgbe *ix, const struct ixgbe_tx *tx)
{
	uint64_t hpa = HPA(tx->ring);

	ixgbe_write(ix, IXGBE_TXDCTL(tx->hw), 0);
	ixgbe_write(ix, IXGBE_TDBAL(tx->hw), (uint32_t)hpa);
	ixgbe_write(ix, IXGBE_TDBAH(tx->hw), (uint32_t)(hpa >> 32));
	ixgbe_write(ix, IXGBE_TDLEN(tx->hw), tx->q.ring_entries * sizeof(struct ixgbe_tx_desc));
	ixgbe_write(ix, IXGBE_TDH(tx->hw), 0);
	ixgbe_write(ix, IXGBE_TDT(tx->hw), 0);
	ixgbe_write(ix, IXGBE_TDWBAL(tx->hw), 0); /* no head write-back: DD by mark */
	/* Many descriptors in one fetch: the device is slow otherwise. */
	ixgbe_write(ix, IXGBE_TXDCTL(tx->hw), IXGBE_TXDCTL_THRESH);
}

int ixgbe_tx_enable(const struct ixgbe *ix, struct ixgbe_tx *tx)
{
	tx->plain.max_bytes = ix->nic.mtu + 14u + 4u;
	ixgbe_write(ix, IXGBE_TXDCTL(tx->hw), IXGBE_TXDCTL_THRESH | IXGBE_TXDCTL_ENABLE);
	return ixgbe_wait(ix, IXGBE_TXDCTL(tx->hw), IXGBE_TXDCTL_ENABLE, IXGBE_TXDCTL_ENABLE,
		ENABLE_TIMEOUT_US);
}
