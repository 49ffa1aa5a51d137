/* One receive queue stops and starts alone, while the port runs. DS 4.6.7.1.1 (dynamic disable). */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define DISABLE_TIMEOUT_US 1000u
#define REST_US		   100u /* what was on its way when the bit went out */

static void set_gate(struct ixgbe_rx *rx, enum nic_gate_state state)
{
	store_release(&rx->q.gate.state, state);
	smp_mb(); /* visible before the core's busy is read */
}

static int disable(const struct ixgbe *ix, const struct ixgbe_rx *rx)
{
	ixgbe_change(ix, IXGBE_RXDCTL(rx->hw), IXGBE_RXDCTL_ENABLE, 0);
	if (ixgbe_wait(ix, IXGBE_RXDCTL(rx->hw), IXGBE_RXDCTL_ENABLE, 0, DISABLE_TIMEOUT_US))
		return -ETIMEDOUT;
	udelay(REST_US);
	return 0;
}

/* The device has let go of the queue. */
static void empty(struct ixgbe *ix, unsigned queue)
{
	struct ixgbe_rx *rx = &ix->rx[queue];

	rx->rdh = ixgbe_read(ix, IXGBE_RDH(rx->hw));
	ixgbe_rx_rewind(rx);
	ixgbe_rx_configure(ix, rx);
	memset(&ix->watch[queue], 0, sizeof(ix->watch[queue]));
}

/* A device that keeps one queue to itself is reset; that brings up all but the stopped ones, or
 * takes the port off the bus. */
static int stop_by_reset(struct ixgbe *ix, unsigned queue)
{
	log_warn("%s: receive queue %u does not stop: reset", ix->nic.name, queue);
	return ixgbe_reset(&ix->nic) == -EBUSY ? -EBUSY : 0;
}

int ixgbe_rx_queue_stop(struct nic *nic, unsigned queue)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	struct ixgbe_rx *rx;
	uint32_t before;
	int ret = 0;

	if (queue >= nic->nr_queues)
		return -EINVAL;
	rx = &ix->rx[queue];
	if (rx->stopped)
		return 0;
	before = load_relaxed(&rx->q.gate.state);
	set_gate(rx, NIC_GATE_CLOSED);
	if (!ixgbe_gate_wait_idle(&rx->q.gate)) {
		set_gate(rx, (enum nic_gate_state)before);
		return -EBUSY;
	}
	rx->stopped = true;
	if (nic->state == NIC_RUNNING && disable(ix, rx))
		ret = stop_by_reset(ix, queue);
	else if (nic->state == NIC_RUNNING)
		empty(ix, queue);
	rx->stopped = !ret;
	set_gate(rx, ret ? NIC_GATE_OPEN : NIC_GATE_RETURN);
	return ret;
}

int ixgbe_rx_queue_start(struct nic *nic, unsigned queue)
{
	struct ixgbe *ix = IXGBE_OF(nic);
	struct ixgbe_rx *rx;
	int ret;

	if (queue >= nic->nr_queues)
		return -EINVAL;
	rx = &ix->rx[queue];
	if (!rx->stopped)
		return 0;
	if (nic->state != NIC_RUNNING) {
		rx->stopped = false;
		return 0;
	}
	ixgbe_rx_configure(ix, rx);
	ret = ixgbe_rx_enable(ix, rx);
	if (ret)
		return ret;
	rx->stopped = false;
	set_gate(rx, NIC_GATE_OPEN);
	return 0;
}
