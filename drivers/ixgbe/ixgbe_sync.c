/* Semaphores between this driver, the other port's, and the firmware. DS 10.5.4. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"

#define STEP_US 50u
#define TRIES	2000u /* 100 ms */
#define SW_BITS 0x1fu

/* SMBI is read and set in one access: who reads 0 has it. */
static int lock_register(const struct ixgbe *ix)
{
	unsigned i;

	for (i = 0; i < TRIES && ixgbe_read(ix, IXGBE_SWSM) & IXGBE_SWSM_SMBI; i++)
		udelay(STEP_US);
	if (i == TRIES)
		return -ETIMEDOUT;
	for (i = 0; i < TRIES; i++) {
		ixgbe_change(ix, IXGBE_SWSM, 0, IXGBE_SWSM_SWESMBI);
		if (ixgbe_read(ix, IXGBE_SWSM) & IXGBE_SWSM_SWESMBI)
			return 0;
		udelay(STEP_US);
	}
	ixgbe_change(ix, IXGBE_SWSM, IXGBE_SWSM_SMBI, 0);
	return -ETIMEDOUT;
}

static void unlock_register(const struct ixgbe *ix)
{
	ixgbe_change(ix, IXGBE_SWSM, IXGBE_SWSM_SMBI | IXGBE_SWSM_SWESMBI, 0);
	ixgbe_write_flush(ix);
}

int ixgbe_sync_get(const struct ixgbe *ix, uint32_t resources)
{
	uint32_t taken = resources | resources << IXGBE_SYNC_FIRMWARE;

	for (unsigned i = 0; i < TRIES; i++) {
		int ret = lock_register(ix);
		uint32_t v;

		if (ret)
			return ret;
		v = ixgbe_read(ix, IXGBE_SW_FW_SYNC);
		if (!(v & taken)) {
			ixgbe_write(ix, IXGBE_SW_FW_SYNC, v | resources);
			unlock_register(ix);
			return 0;
		}
		unlock_register(ix);
		udelay(STEP_US);
	}
	return -ETIMEDOUT;
}

void ixgbe_sync_put(const struct ixgbe *ix, uint32_t resources)
{
	/* Without the lock the write could undo another one; if it cannot be had, releasing what is
	 * ours is still right. */
	int ret = lock_register(ix);

	ixgbe_change(ix, IXGBE_SW_FW_SYNC, resources & SW_BITS, 0);
	if (!ret)
		unlock_register(ix);
}
