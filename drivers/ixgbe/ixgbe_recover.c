/* Start, stop, and what both have in common with recovery: a reset that loses nothing.
 *
 *     close the queues -> reset (or off the bus) -> rewind the rings -> bring up -> open
 *
 * Memory is given back only when the device can no longer reach it: after a reset that worked, or
 * with bus mastering off. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define BUSY_STEP_US 10u
#define BUSY_TRIES   1000u /* a queue's functions take microseconds */
#define RETRY_US     1000000u
#define FAILURES_MAX 3u

void ixgbe_set_state(struct ixgbe *ix, enum nic_state state)
{
	if (ix->nic.state == state)
		return;
	store_release(&ix->nic.state, state);
	if (ix->setup.client.state_changed)
		ix->setup.client.state_changed(ix->setup.client.ctx, &ix->nic, state);
}

static void set_gates(struct ixgbe *ix, enum nic_gate_state rx, enum nic_gate_state tx)
{
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		bool stopped = ix->rx[i].stopped && rx == NIC_GATE_OPEN;

		store_release(&ix->rx[i].q.gate.state, stopped ? NIC_GATE_RETURN : rx);
		store_release(&ix->tx[i].q.gate.state, tx);
	}
	smp_mb(); /* the states are visible before anyone's busy is read */
}

bool ixgbe_gate_wait_idle(const struct nic_gate *g)
{
	for (unsigned i = 0; i < BUSY_TRIES; i++) {
		if (!load_acquire(&g->busy))
			return true;
		udelay(BUSY_STEP_US);
	}
	return false;
}

/* -EBUSY: a core stays in a queue's function; the queues are open again. */
static int close_queues(struct ixgbe *ix)
{
	set_gates(ix, NIC_GATE_CLOSED, NIC_GATE_CLOSED);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		if (ixgbe_gate_wait_idle(&ix->rx[i].q.gate) &&
			ixgbe_gate_wait_idle(&ix->tx[i].q.gate))
			continue;
		if (ix->nic.state == NIC_RUNNING)
			set_gates(ix, NIC_GATE_OPEN, NIC_GATE_OPEN);
		return -EBUSY;
	}
	return 0;
}

/* Frames that the MAC had accepted and that never became a descriptor's business. */
static void count_lost_in_fifo(struct ixgbe *ix)
{
	struct ixgbe_health *h = &ix->health;
	const struct nic_stats *s = &ix->nic.stats;
	uint64_t gone = h->dma_frames + s->rx_no_buffer + s->rx_missed + h->lost_in_fifo;

	if (s->rx_frames > gone)
		h->lost_in_fifo += s->rx_frames - gone;
}

/* What only the running device knows. */
static void take_last_look(struct ixgbe *ix)
{
	ixgbe_stats_collect(ix);
	count_lost_in_fifo(ix);
	for (unsigned i = 0; i < ix->nic.nr_queues; i++)
		ix->rx[i].rdh = ixgbe_read(ix, IXGBE_RDH(ix->rx[i].hw));
}

static void rewind_queues(struct ixgbe *ix)
{
	for (unsigned i = 0; i < ix->nic.nr_queues; i++) {
		ixgbe_rx_rewind(&ix->rx[i]);
		ixgbe_tx_rewind(&ix->tx[i]);
	}
	memset(ix->watch, 0, sizeof(ix->watch[0]) * ix->nic.nr_queues);
}

/* Queues have new things to tell: cookies, room. */
static void wake_all(struct ixgbe *ix)
{
	for (unsigned v = 0; v < ix->nic.nr_vectors && ix->setup.client.wake; v++)
		ix->setup.client.wake(ix->setup.client.ctx, &ix->nic, v);
}

static void link_lost(struct ixgbe *ix)
{
	if (!ix->nic.link.up)
		return;
	ix->nic.link = (struct nic_link){ .up = false };
	ix->health.link_down_since_us = ix->health.now_us;
	if (ix->setup.client.link_changed)
		ix->setup.client.link_changed(ix->setup.client.ctx, &ix->nic, ix->nic.link);
}

/* With closed queues: everything comes back, and the port runs again or is off the bus. */
static int restart(struct ixgbe *ix)
{
	int ret = ixgbe_hardware_reset(ix);

	if (ret)
		ixgbe_off_the_bus(ix);
	rewind_queues(ix);
	if (!ret) {
		host_pci_set_command(ix->bdf, HOST_PCI_COMMAND_MEMORY | HOST_PCI_COMMAND_MASTER, 0);
		ret = ixgbe_bring_up(ix);
		if (ret) {
			ixgbe_off_the_bus(ix);
			rewind_queues(ix);
		}
	}
	if (ret) {
		set_gates(ix, NIC_GATE_RETURN, NIC_GATE_RETURN);
		return ret;
	}
	set_gates(ix, NIC_GATE_OPEN, NIC_GATE_OPEN);
	return 0;
}

int ixgbe_start(struct nic *nic)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	int ret;

	if (nic->state == NIC_RUNNING || nic->state == NIC_RECOVERING)
		return -EBUSY;
	ret = close_queues(ix); /* who takes buffers back is in one of its functions */
	if (!ret)
		ret = restart(ix);
	else
		set_gates(ix, NIC_GATE_RETURN, NIC_GATE_RETURN);
	if (ret)
		return ret;
	ix->health.failures = 0;
	ixgbe_set_state(ix, NIC_RUNNING);
	return 0;
}

void ixgbe_stop(struct nic *nic)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (nic->state == NIC_STOPPED)
		return;
	/* A core that does not leave its queue would be a fault of ours; off the bus, its memory is
	 * safe in any case. */
	if (close_queues(ix))
		log_error("%s: a queue is busy for too long", nic->name);
	if (nic->state == NIC_RUNNING) {
		ixgbe_link_stop(ix); /* nothing comes after the last look */
		take_last_look(ix);
		if (ixgbe_hardware_reset(ix))
			log_warn("%s: does not reset", nic->name);
	}
	ixgbe_off_the_bus(ix);
	rewind_queues(ix);
	/* Before the client hears of it, whose queues then find what comes back. */
	set_gates(ix, NIC_GATE_RETURN, NIC_GATE_RETURN);
	link_lost(ix);
	ixgbe_set_state(ix, NIC_STOPPED);
}

static void failed(struct ixgbe *ix)
{
	struct ixgbe_health *h = &ix->health;

	ix->nic.stats.failed_resets++;
	h->retry_us = h->now_us + RETRY_US;
	if (++h->failures < FAILURES_MAX) {
		log_warn("%s: reset failed, next try in 1 s", ix->nic.name);
		ixgbe_set_state(ix, NIC_RECOVERING);
		return;
	}
	log_error("%s: out of service, %u resets failed", ix->nic.name, h->failures);
	ixgbe_set_state(ix, NIC_FAILED);
}

static int reset_closed(struct ixgbe *ix)
{
	int ret;

	ix->nic.stats.resets++;
	ix->nic.stats.link_changes += ix->nic.link.up;
	link_lost(ix);
	ret = restart(ix);
	if (ret) {
		failed(ix);
	} else {
		ix->health.failures = 0;
		ixgbe_set_state(ix, NIC_RUNNING);
	}
	wake_all(ix);
	return ret;
}

int ixgbe_reset(struct nic *nic)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	int ret;

	if (nic->state == NIC_STOPPED)
		return -ENODEV;
	ret = close_queues(ix);
	if (ret)
		return ret;
	if (nic->state == NIC_RUNNING)
		take_last_look(ix);
	return reset_closed(ix);
}

void ixgbe_retry(struct ixgbe *ix)
{
	if (ix->health.now_us >= ix->health.retry_us)
		(void)ixgbe_reset(&ix->nic);
}
