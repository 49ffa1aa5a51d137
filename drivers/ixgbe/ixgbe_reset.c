/* Reset of a port. DS 4.2.1.6 (software reset), 5.2.5.3.2 (master disable), 4.6.3.2; specification
 * update, clarification 9: what to do if requests stay pending. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"

#define MASTER_TIMEOUT_US 20000u
#define RESET_TIMEOUT_US  10000u
#define RESET_REST_US	  10000u /* DS 4.6.3.2: before anything else is touched */
#define EEPROM_TIMEOUT_US 100000u
#define DMA_TIMEOUT_US	  20000u
#define FLUSH_US	  20u
#define WAIT_STEP_US	  10u

int ixgbe_wait(
	const struct ixgbe *ix, uint32_t reg, uint32_t mask, uint32_t want, uint32_t timeout_us)
{
	for (uint32_t us = 0;; us += WAIT_STEP_US) {
		uint32_t v = ixgbe_read(ix, reg);

		if ((v & mask) == want && v != UINT32_MAX)
			return 0;
		if (us >= timeout_us)
			return -ETIMEDOUT;
		udelay(WAIT_STEP_US);
	}
}

static void stop_traffic(const struct ixgbe *ix)
{
	ixgbe_write(ix, IXGBE_EIMC, 0x7fffffff);
	ixgbe_write(ix, IXGBE_EIMC_EX(0), UINT32_MAX);
	ixgbe_write(ix, IXGBE_EIMC_EX(1), UINT32_MAX);
	ixgbe_write(ix, IXGBE_RXCTRL, 0);
	for (unsigned i = 0; ix->rx && i < ix->nic.nr_queues; i++) {
		ixgbe_write(ix, IXGBE_RXDCTL(ix->rx[i].hw), 0);
		ixgbe_write(ix, IXGBE_TXDCTL(ix->tx[i].hw), 0);
	}
	ixgbe_write_flush(ix);
}

/* Requests that never complete: the data path is emptied by hand, and two resets are needed. */
static void flush_data_path(const struct ixgbe *ix)
{
	ixgbe_change(ix, IXGBE_HLREG0, 0, IXGBE_HLREG0_LPBK);
	ixgbe_write_flush(ix);
	ixgbe_change(ix, IXGBE_GCR_EXT, 0, IXGBE_GCR_EXT_BUFFERS_CLEAR);
	ixgbe_write_flush(ix);
	udelay(FLUSH_US);
	ixgbe_change(ix, IXGBE_HLREG0, IXGBE_HLREG0_LPBK, 0);
	ixgbe_change(ix, IXGBE_GCR_EXT, IXGBE_GCR_EXT_BUFFERS_CLEAR, 0);
}

/* Both bits: the MAC too begins anew. */
static int reset_once(const struct ixgbe *ix)
{
	const uint32_t bits = IXGBE_CTRL_RST | IXGBE_CTRL_LRST;
	int ret;

	ixgbe_change(ix, IXGBE_CTRL, 0, bits);
	ixgbe_write_flush(ix);
	udelay(1);
	ret = ixgbe_wait(ix, IXGBE_CTRL, bits, 0, RESET_TIMEOUT_US);
	udelay(RESET_REST_US);
	return ret;
}

int ixgbe_hardware_reset(struct ixgbe *ix)
{
	bool pending;
	int ret;

	if (ixgbe_read(ix, IXGBE_STATUS) == UINT32_MAX)
		return -EIO;
	stop_traffic(ix);
	ixgbe_change(ix, IXGBE_CTRL, 0, IXGBE_CTRL_MASTER_DISABLE);
	pending = ixgbe_wait(ix, IXGBE_STATUS, IXGBE_STATUS_MASTER, 0, MASTER_TIMEOUT_US);
	if (pending)
		flush_data_path(ix);
	ret = reset_once(ix);
	if (!ret && pending)
		ret = reset_once(ix);
	if (!ret)
		ret = ixgbe_wait(ix, IXGBE_EEC, IXGBE_EEC_ARD, IXGBE_EEC_ARD, EEPROM_TIMEOUT_US);
	if (!ret)
		ret = ixgbe_wait(ix, IXGBE_RDRXCTL, IXGBE_RDRXCTL_DMAIDONE, IXGBE_RDRXCTL_DMAIDONE,
			DMA_TIMEOUT_US);
	if (ret)
		return ret;
	/* masked until the interrupts are set up */
	ixgbe_write(ix, IXGBE_EIMC, 0x7fffffff);
	/* DS 8.2.3.1.3: never without snooping; the firmware knows that a driver is here */
	ixgbe_change(ix, IXGBE_CTRL_EXT, 0, IXGBE_CTRL_EXT_NS_DIS | IXGBE_CTRL_EXT_DRV_LOAD);
	ixgbe_change(ix, IXGBE_CTRL, IXGBE_CTRL_MASTER_DISABLE, 0);
	return 0;
}

void ixgbe_off_the_bus(struct ixgbe *ix)
{
	host_pci_set_command(ix->bdf, 0, HOST_PCI_COMMAND_MASTER);
}
