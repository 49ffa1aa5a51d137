/* Start, stop, and what both have in common with recovery: a reset that loses no buffer.
 *
 *     close the queues -> reset (or off the bus) -> rewind the rings -> bring up -> open
 *
 * Memory is given back only when the device can no longer reach it: after a reset that worked, or
 * with bus mastering off. */
#include "drivers/e1000/e1000_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"

#define BUSY_STEP_US 10u
#define BUSY_TRIES   1000u /* a queue's functions take microseconds */
#define RETRY_US     1000000u
#define FAILURES_MAX 3u

static void set_state(struct e1000 *e, enum nic_state state)
{
	if (e->nic.state == state)
		return;
	store_release(&e->nic.state, state);
	if (e->setup.client.state_changed)
		e->setup.client.state_changed(e->setup.client.ctx, &e->nic, state);
}

static void set_gates(struct e1000 *e, enum nic_gate_state rx, enum nic_gate_state tx)
{
	store_release(&e->rx.q.gate.state, rx);
	store_release(&e->tx.q.gate.state, tx);
	smp_mb(); /* the states are visible before anyone's busy is read */
}

static bool wait_idle(struct nic_gate *g)
{
	for (unsigned i = 0; i < BUSY_TRIES; i++) {
		if (!load_acquire(&g->busy))
			return true;
		udelay(BUSY_STEP_US);
	}
	return false;
}

/* -EBUSY: a core stays in a queue's function; the queues are open again. */
static int close_queues(struct e1000 *e)
{
	set_gates(e, NIC_GATE_CLOSED, NIC_GATE_CLOSED);
	if (wait_idle(&e->rx.q.gate) && wait_idle(&e->tx.q.gate))
		return 0;
	if (e->nic.state == NIC_RUNNING)
		set_gates(e, NIC_GATE_OPEN, NIC_GATE_OPEN);
	return -EBUSY;
}

static void rewind_queues(struct e1000 *e)
{
	struct e1000_health *h = &e->health;

	e1000_rx_rewind(&e->rx);
	e1000_tx_rewind(&e->tx);
	h->tx_still_since_us = h->tx_late_since_us = h->rx_still_since_us = 0;
}

static void link_lost(struct e1000 *e)
{
	if (!e->nic.link.up)
		return;
	e->nic.link = (struct nic_link){ .up = false };
	e->health.link_down_since_us = e->health.now_us;
	if (e->setup.client.link_changed)
		e->setup.client.link_changed(e->setup.client.ctx, &e->nic, e->nic.link);
}

/* With closed queues: everything comes back, and the port runs again or is off the bus. */
static int restart(struct e1000 *e)
{
	int ret = e1000_hardware_reset(e);

	if (ret)
		e1000_off_the_bus(e);
	rewind_queues(e);
	if (!ret) {
		host_pci_set_command(e->bdf, HOST_PCI_COMMAND_MEMORY | HOST_PCI_COMMAND_MASTER, 0);
		ret = e1000_bring_up(e);
		if (ret) {
			e1000_off_the_bus(e);
			rewind_queues(e);
		}
	}
	if (ret)
		set_gates(e, NIC_GATE_CLOSED, NIC_GATE_RETURN);
	else
		set_gates(e, NIC_GATE_OPEN, NIC_GATE_OPEN);
	return ret;
}

int e1000_start(struct nic *nic)
{
	struct e1000 *e = E1000_OF(nic);
	int ret;

	if (nic->state == NIC_RUNNING || nic->state == NIC_RECOVERING)
		return -EBUSY;
	ret = restart(e);
	if (ret)
		return ret;
	e->health.failures = 0;
	set_state(e, NIC_RUNNING);
	return 0;
}

void e1000_stop(struct nic *nic)
{
	struct e1000 *e = E1000_OF(nic);

	if (nic->state == NIC_STOPPED)
		return;
	/* A core that does not leave its queue would be a fault of ours; off the bus, its memory is
	 * safe in any case. */
	if (close_queues(e))
		log_error("%s: a queue is busy for too long", nic->name);
	if (nic->state == NIC_RUNNING) {
		e1000_stats_collect(e);
		if (e1000_hardware_reset(e))
			log_warn("%s: does not reset", nic->name);
	}
	e1000_off_the_bus(e);
	rewind_queues(e);
	/* Before the client hears of it, whose queues then find what comes back. */
	set_gates(e, NIC_GATE_CLOSED, NIC_GATE_RETURN);
	link_lost(e);
	set_state(e, NIC_STOPPED);
}

static void failed(struct e1000 *e)
{
	struct e1000_health *h = &e->health;

	e->nic.stats.failed_resets++;
	h->retry_us = h->now_us + RETRY_US;
	if (++h->failures < FAILURES_MAX) {
		log_warn("%s: reset failed, next try in 1 s", e->nic.name);
		set_state(e, NIC_RECOVERING);
		return;
	}
	log_error("%s: out of service, %u resets failed", e->nic.name, h->failures);
	set_state(e, NIC_FAILED);
}

int e1000_reset(struct nic *nic)
{
	struct e1000 *e = E1000_OF(nic);
	int ret;

	if (nic->state == NIC_STOPPED)
		return -ENODEV;
	ret = close_queues(e);
	if (ret)
		return ret;
	if (nic->state == NIC_RUNNING)
		e1000_stats_collect(e);
	nic->stats.resets++;
	nic->stats.link_changes += nic->link.up;
	link_lost(e);
	ret = restart(e);
	if (ret) {
		failed(e);
	} else {
		e->health.failures = 0;
		set_state(e, NIC_RUNNING);
	}
	if (e->setup.client.wake) /* the queues have new things to tell: cookies, room */
		e->setup.client.wake(e->setup.client.ctx, nic, 0);
	return ret;
}

void e1000_retry(struct e1000 *e)
{
	if (e->health.now_us >= e->health.retry_us)
		(void)e1000_reset(&e->nic);
}
