/* Whether the port does what it should: looked at every 10 ms, judged every 100 ms.
 *
 *   link                      seen within 10 ms
 *   lost interrupt            work that nobody fetched for 20 ms: its vector is called here
 *   stalled transmit queue    TDH stands for 200 ms, link up, not paused: reset within 400 ms
 *   late write-back           everything sent, not reported for 100 ms: counted; 500 ms: reset
 *   stalled receive queue     frames go on arriving, the queue has buffers and RDH stands for
 *                             200 ms: reset within 400 ms
 *   DMA abort, device gone    PCI status, registers of all ones: reset within 100 ms
 *   broken descriptors        reset within 100 ms
 *   link down with packets in the ring for 200 ms: reset, so that their memory comes back */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/log.h"

#define CHECK_US     100000u
#define WAITING_US   20000u
#define TX_STALL_US  200000u
#define RX_STALL_US  200000u /* from the second check on: up to 300 ms */
#define LATE_US	     100000u
#define LATE_MAX_US  500000u
#define LINK_DOWN_US 200000u
#define SFP_US	     1000000u

#define PCI_STATUS_ABORTS (BIT32(12) | BIT32(13)) /* received target abort, master abort */

/* Since when something holds: 0 while it does not. */
static bool holds_for(uint64_t *since_us, bool holds, uint64_t now_us, uint64_t limit_us)
{
	if (!holds)
		*since_us = 0;
	else if (!*since_us)
		*since_us = now_us ? now_us : 1;
	return holds && now_us - *since_us >= limit_us;
}

/* ---- Work that nobody fetches ---- */

static void wake(struct ixgbe *ix, unsigned vector)
{
	ix->nic.stats.lost_interrupts++;
	if (ix->setup.client.wake)
		ix->setup.client.wake(ix->setup.client.ctx, &ix->nic, vector);
}

static void check_waiting(struct ixgbe *ix, unsigned i)
{
	struct ixgbe_watch *w = &ix->watch[i];
	const struct ixgbe_rx *rx = &ix->rx[i];
	const struct ixgbe_tx *tx = &ix->tx[i];
	uint32_t clean = load_relaxed(&rx->clean), reaped = load_relaxed(&tx->packet_first);
	uint64_t now_us = ix->health.now_us;

	if (rx->q.vector == NIC_NO_VECTOR)
		return;
	if (holds_for(&w->rx_waiting_since_us, ixgbe_rx_pending(&rx->q) && clean == w->rx_clean,
		    now_us, WAITING_US)) {
		w->rx_waiting_since_us = 0;
		wake(ix, rx->q.vector);
	}
	if (holds_for(&w->tx_waiting_since_us, ixgbe_tx_pending(&tx->q) && reaped == w->tx_reaped,
		    now_us, WAITING_US)) {
		w->tx_waiting_since_us = 0;
		wake(ix, tx->q.vector);
	}
	w->rx_clean = clean;
	w->tx_reaped = reaped;
}

/* ---- Queues that stand still. Each returns whether only a reset helps. ---- */

static bool tx_stands(struct ixgbe *ix, unsigned i, bool paused)
{
	struct ixgbe_watch *w = &ix->watch[i];
	const struct ixgbe_tx *tx = &ix->tx[i];
	uint64_t now_us = ix->health.now_us;
	uint32_t flushed = load_relaxed(&tx->flushed), done = load_relaxed(&tx->done), tdh;
	bool all_sent, stands, late;

	if (flushed == done || ixgbe_tx_pending(&tx->q)) {
		w->tx_still_since_us = w->tx_late_since_us = 0;
		return false;
	}
	tdh = ixgbe_read(ix, IXGBE_TDH(tx->hw));
	all_sent = tdh == (flushed & tx->mask);
	stands = tdh == w->tdh && done == w->tx_done;
	late = all_sent && done == w->tx_done;
	w->tdh = tdh;
	w->tx_done = done;
	if (holds_for(&w->tx_late_since_us, late, now_us, LATE_MAX_US))
		return true;
	if (w->tx_late_since_us && now_us - w->tx_late_since_us >= LATE_US && !w->late_counted) {
		ix->nic.stats.late_write_backs++;
		w->late_counted = true;
	} else if (!w->tx_late_since_us) {
		w->late_counted = false;
	}
	if (!holds_for(&w->tx_still_since_us, !all_sent && stands && ix->nic.link.up && !paused,
		    now_us, TX_STALL_US))
		return false;
	ix->nic.stats.tx_stalls++;
	log_warn("%s: transmit queue %u stands still at %u of %u", ix->nic.name, i, tdh,
		flushed & tx->mask);
	return true;
}

/* stuck: frames came for a queue that nobody knows, and none was written. Evidence of any kind must
 * come twice, RX_STALL_US apart: a queue that stands because nothing arrives is none. */
static bool rx_stands(struct ixgbe *ix, unsigned i, bool stuck)
{
	struct ixgbe_watch *w = &ix->watch[i];
	const struct ixgbe_rx *rx = &ix->rx[i];
	struct ixgbe_health *h = &ix->health;
	uint64_t drops = h->queue_drops[rx->hw % IXGBE_QCOUNTERS];
	uint32_t clean = load_relaxed(&rx->clean), rdh = ixgbe_read(ix, IXGBE_RDH(rx->hw));
	bool evidence = stuck || drops != w->drops;
	bool has_buffers = rdh != (load_relaxed(&rx->flushed) & rx->mask);
	bool stands =
		rdh == w->rdh && clean == w->rx_checked && has_buffers && !ixgbe_rx_pending(&rx->q);

	w->rdh = rdh;
	w->rx_checked = clean;
	w->drops = drops;
	if (!stands)
		w->rx_still_since_us = 0;
	if (!stands || !evidence || !holds_for(&w->rx_still_since_us, true, h->now_us, RX_STALL_US))
		return false;
	ix->nic.stats.rx_stalls++;
	log_warn("%s: receive queue %u stands still at %u", ix->nic.name, i, rdh);
	return true;
}

/* Frames went into the packet buffer, and none left it. What arrives for a stopped queue does not
 * count as having left it. */
static bool packet_buffer_stuck(struct ixgbe *ix)
{
	struct ixgbe_health *h = &ix->health;
	uint64_t in = ix->nic.stats.rx_frames, out = h->dma_frames + ix->nic.stats.rx_no_buffer;
	bool stuck = in != h->seen_in && out == h->seen_out;

	h->seen_in = in;
	h->seen_out = out;
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		stuck = stuck && !ix->rx[i].stopped;
	return stuck;
}

static bool dma_aborted(struct ixgbe *ix)
{
	uint16_t status = host_pci_read16(ix->bdf, HOST_PCI_STATUS);

	if (!(status & PCI_STATUS_ABORTS))
		return false;
	host_pci_write16(ix->bdf, HOST_PCI_STATUS, status & PCI_STATUS_ABORTS);
	ix->nic.stats.dma_aborts++;
	log_warn("%s: a DMA access was aborted, PCI status %x", ix->nic.name, status);
	return true;
}

/* The link is down, and what is in the rings will not go out. */
static bool packets_are_stuck(const struct ixgbe *ix)
{
	const struct ixgbe_health *h = &ix->health;

	if (ix->nic.link.up || h->now_us - h->link_down_since_us < LINK_DOWN_US)
		return false;
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		if (load_relaxed(&ix->tx[i].flushed) != load_relaxed(&ix->tx[i].done) &&
			!ixgbe_tx_pending(&ix->tx[i].q))
			return true;
	}
	return false;
}

static bool needs_reset(struct ixgbe *ix)
{
	struct ixgbe_health *h = &ix->health;
	const struct nic_stats *s = &ix->nic.stats;
	bool reset, stuck, paused;

	if (ixgbe_read(ix, IXGBE_STATUS) == UINT32_MAX) {
		log_error("%s: the device does not answer", ix->nic.name);
		return true;
	}
	ixgbe_stats_collect(ix);
	paused = s->rx_pause != h->seen_pause;
	reset = dma_aborted(ix) || s->rx_bad_descriptors != h->seen_bad_descriptors ||
		packets_are_stuck(ix);
	h->seen_pause = s->rx_pause;
	h->seen_bad_descriptors = s->rx_bad_descriptors;
	stuck = packet_buffer_stuck(ix);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		reset |= tx_stands(ix, i, paused);
		reset |= rx_stands(ix, i, stuck);
	}
	return reset;
}

/* ---- All together ---- */

static void look_for_module(struct ixgbe *ix)
{
	uint64_t now_us = ix->health.now_us;
	enum ixgbe_sfp before = ix->sfp;

	if (ix->nic.link.up || now_us < ix->sfp_next_us)
		return;
	ix->sfp_next_us = now_us + SFP_US;
	ixgbe_sfp_identify(ix);
	if (ix->sfp != before && (ix->sfp == IXGBE_SFP_DA || ix->sfp == IXGBE_SFP_SR_LR))
		ixgbe_link_start(ix);
}

/* What the control vector says is looked at anyway; its causes are cleared, or it would stay quiet.
 */
static void take_causes(struct ixgbe *ix)
{
	uint32_t causes;

	if (!atomic_xchg(&ix->control_pending, 0))
		return;
	causes = ixgbe_read(ix, IXGBE_EICS) & 0xffff0000u;
	ixgbe_write(ix, IXGBE_EICR, causes);
	if (causes & IXGBE_EI_SDP2)
		ix->sfp_next_us = 0;
	if (causes & (IXGBE_EI_PCI | IXGBE_EI_ECC))
		ix->health.checked_us = 0;
}

static void housekeep_running(struct ixgbe *ix)
{
	struct ixgbe_health *h = &ix->health;

	take_causes(ix);
	ixgbe_link_check(ix);
	look_for_module(ix);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		check_waiting(ix, i);
	if (h->checked_us && h->now_us - h->checked_us < CHECK_US)
		return;
	h->checked_us = h->now_us;
	if (needs_reset(ix))
		(void)ixgbe_reset(&ix->nic);
}

void ixgbe_housekeeping(struct nic *nic, uint64_t now_us)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	ix->health.now_us = now_us;
	if (nic->state == NIC_RUNNING)
		housekeep_running(ix);
	else if (nic->state == NIC_RECOVERING)
		ixgbe_retry(ix);
}
