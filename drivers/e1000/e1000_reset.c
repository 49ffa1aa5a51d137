/* Reset of the controller. SDM 13.4.1 (CTRL.RST), 14.3. */
#include "drivers/e1000/e1000_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"

#define DRAIN_US	 10000u /* what is under way on the bus ends meanwhile */
#define RESET_TIMEOUT_US 10000u
#define RESET_REST_US	 10000u /* SDM 14.3: until the EEPROM is loaded again */
#define WAIT_STEP_US	 10u

int e1000_wait(
	const struct e1000 *e, uint32_t reg, uint32_t mask, uint32_t want, uint32_t timeout_us)
{
	for (uint32_t us = 0;; us += WAIT_STEP_US) {
		uint32_t v = e1000_read(e, reg);

		if ((v & mask) == want && v != UINT32_MAX)
			return 0;
		if (us >= timeout_us)
			return -ETIMEDOUT;
		udelay(WAIT_STEP_US);
	}
}

int e1000_hardware_reset(const struct e1000 *e)
{
	int ret;

	if (e1000_is_gone(e))
		return -EIO;
	e1000_write(e, E1000_IMC, UINT32_MAX);
	e1000_write(e, E1000_RCTL, 0);
	e1000_write(e, E1000_TCTL, E1000_TCTL_PSP);
	(void)e1000_read(e, E1000_STATUS); /* the writes have arrived */
	udelay(DRAIN_US);
	e1000_change(e, E1000_CTRL, 0, E1000_CTRL_RST);
	udelay(1);
	ret = e1000_wait(e, E1000_CTRL, E1000_CTRL_RST, 0, RESET_TIMEOUT_US);
	if (ret)
		return ret;
	udelay(RESET_REST_US);
	/* Emulators may have reset nothing: off in any case, and no interrupt, as nobody takes it.
	 */
	e1000_write(e, E1000_RCTL, 0);
	e1000_write(e, E1000_TCTL, E1000_TCTL_PSP);
	e1000_write(e, E1000_IMC, UINT32_MAX);
	(void)e1000_read(e, E1000_ICR);
	return 0;
}

void e1000_off_the_bus(const struct e1000 *e)
{
	host_pci_set_command(e->bdf, 0, HOST_PCI_COMMAND_MASTER);
}
