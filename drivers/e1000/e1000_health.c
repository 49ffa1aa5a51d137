/* Whether the port does what it should: looked at every 10 ms, judged every 100 ms.
 *
 *   link                      seen within 10 ms
 *   stalled transmit queue    TDH stands for 200 ms, link up, not paused: reset within 400 ms
 *   late write-back           everything sent, not reported for 100 ms: counted; 500 ms: reset
 *   stalled receive queue     frames are missed, the queue has buffers and RDH stands for 200 ms:
 *                             reset within 400 ms
 *   DMA abort, device gone    PCI status, registers of all ones: reset within 100 ms
 *   broken descriptors        reset within 100 ms
 *   link down with packets in the ring for 200 ms: reset, so that their memory comes back */
#include "drivers/e1000/e1000_hw.h"

#include "lib/log.h"

#define CHECK_US     100000u
#define STALL_US     200000u
#define LATE_US	     100000u
#define LATE_MAX_US  500000u
#define LINK_DOWN_US 200000u

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

/* ---- Link: SDM 13.4.2 ---- */

static struct nic_link read_link(const struct e1000 *e)
{
	static const uint32_t mbps[4] = { 10, 100, 1000, 1000 };
	uint32_t v = e1000_read(e, E1000_STATUS);
	struct nic_link link = { .up = v != UINT32_MAX && v & E1000_STATUS_LU };

	if (link.up)
		link.mbps = mbps[E1000_STATUS_SPEED(v)];
	return link;
}

static void check_link(struct e1000 *e)
{
	struct nic_link link = read_link(e);
	struct nic *nic = &e->nic;

	if (link.up == nic->link.up && link.mbps == nic->link.mbps)
		return;
	nic->link = link;
	nic->stats.link_changes++;
	e->health.link_down_since_us = link.up ? 0 : e->health.now_us;
	log_info("%s: link %s, %u Mbit/s", nic->name, link.up ? "up" : "down", link.mbps);
	if (e->setup.client.link_changed)
		e->setup.client.link_changed(e->setup.client.ctx, nic, link);
}

/* ---- Queues that stand still. Each returns whether only a reset helps. ---- */

static bool tx_is_late(struct e1000 *e, bool late)
{
	struct e1000_health *h = &e->health;

	if (holds_for(&h->tx_late_since_us, late, h->now_us, LATE_MAX_US))
		return true;
	if (!h->tx_late_since_us) {
		h->late_counted = false;
	} else if (h->now_us - h->tx_late_since_us >= LATE_US && !h->late_counted) {
		e->nic.stats.late_write_backs++;
		h->late_counted = true;
	}
	return false;
}

static bool tx_stands(struct e1000 *e)
{
	struct e1000_health *h = &e->health;
	const struct e1000_tx *tx = &e->tx;
	uint32_t flushed = load_relaxed(&tx->flushed), done = load_relaxed(&tx->done), tdh;
	bool all_sent, stands, late, paused;

	if (flushed == done || e1000_tx_pending(&tx->q)) {
		h->tx_still_since_us = h->tx_late_since_us = 0;
		return false;
	}
	tdh = e1000_read(e, E1000_TDH);
	paused = e1000_read(e, E1000_STATUS) & E1000_STATUS_TXOFF;
	all_sent = tdh == (flushed & tx->mask);
	stands = tdh == h->tdh && done == h->tx_done;
	late = all_sent && done == h->tx_done;
	h->tdh = tdh;
	h->tx_done = done;
	if (tx_is_late(e, late))
		return true;
	if (!holds_for(&h->tx_still_since_us, !all_sent && stands && e->nic.link.up && !paused,
		    h->now_us, STALL_US))
		return false;
	e->nic.stats.tx_stalls++;
	log_warn("%s: transmit stands still at %u of %u", e->nic.name, tdh, flushed & tx->mask);
	return true;
}

static bool rx_stands(struct e1000 *e, bool missed)
{
	struct e1000_health *h = &e->health;
	const struct e1000_rx *rx = &e->rx;
	uint32_t clean = load_relaxed(&rx->clean), rdh = e1000_read(e, E1000_RDH);
	bool has_buffers = rdh != (load_relaxed(&rx->flushed) & rx->mask);
	bool stands =
		rdh == h->rdh && clean == h->rx_clean && has_buffers && !e1000_rx_pending(&rx->q);

	h->rdh = rdh;
	h->rx_clean = clean;
	if (!stands)
		h->rx_still_since_us = 0;
	/* a queue that stands because nothing arrives is none */
	if (!stands || !missed || !holds_for(&h->rx_still_since_us, true, h->now_us, STALL_US))
		return false;
	e->nic.stats.rx_stalls++;
	log_warn("%s: receive stands still at %u", e->nic.name, rdh);
	return true;
}

static bool dma_aborted(struct e1000 *e)
{
	uint16_t status = host_pci_read16(e->bdf, HOST_PCI_STATUS);

	if (!(status & PCI_STATUS_ABORTS))
		return false;
	host_pci_write16(e->bdf, HOST_PCI_STATUS, status & PCI_STATUS_ABORTS);
	e->nic.stats.dma_aborts++;
	log_warn("%s: a DMA access was aborted, PCI status %x", e->nic.name, status);
	return true;
}

/* The link is down, and what is in the ring will not go out. */
static bool packets_are_stuck(const struct e1000 *e)
{
	const struct e1000_health *h = &e->health;

	return !e->nic.link.up && h->now_us - h->link_down_since_us >= LINK_DOWN_US &&
	       load_relaxed(&e->tx.flushed) != load_relaxed(&e->tx.done) &&
	       !e1000_tx_pending(&e->tx.q);
}

static bool needs_reset(struct e1000 *e)
{
	struct e1000_health *h = &e->health;
	const struct nic_stats *s = &e->nic.stats;
	bool reset;

	if (e1000_is_gone(e)) {
		log_error("%s: the device does not answer", e->nic.name);
		return true;
	}
	e1000_stats_collect(e);
	reset = dma_aborted(e) || s->rx_bad_descriptors != h->seen_bad_descriptors ||
		packets_are_stuck(e);
	reset |= tx_stands(e);
	reset |= rx_stands(e, s->rx_missed + s->rx_no_buffer != h->seen_missed);
	h->seen_bad_descriptors = s->rx_bad_descriptors;
	h->seen_missed = s->rx_missed + s->rx_no_buffer;
	return reset;
}

void e1000_housekeeping(struct nic *nic, uint64_t now_us)
{
	struct e1000 *e = E1000_OF(nic);
	struct e1000_health *h = &e->health;

	h->now_us = now_us;
	if (nic->state == NIC_RECOVERING)
		e1000_retry(e);
	if (nic->state != NIC_RUNNING)
		return;
	check_link(e);
	if (h->checked_us && now_us - h->checked_us < CHECK_US)
		return;
	h->checked_us = now_us ? now_us : 1;
	if (needs_reset(e))
		(void)e1000_reset(nic);
}
