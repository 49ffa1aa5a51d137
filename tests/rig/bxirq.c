/* Messages of devices as interrupts of the emulator's CPUs. It decodes none itself.
 * Intel SDM vol. 3A, 11.11 (message signalled interrupts). */
#include "bx.h"

#define ADDRESS_LOGICAL	     (1u << 2)
#define ADDRESS_DEST(a)	     ((uint32_t)((a) >> 12) & 0xff)
#define DATA_VECTOR(d)	     ((uint8_t)(d))
#define DATA_MODE(d)	     ((uint8_t)((d) >> 8 & 7))
#define DATA_ASSERT(d)	     ((d) >> 14 & 1)
#define DATA_LEVEL(d)	     ((d) >> 15 & 1)
#define MODE_FIXED	     0
#define MODE_LOWEST_PRIORITY 1

static bool repair;

/* The emulator works out which events are masked before it marks the CPU as being in the guest, so
 * that it gets a guest's IF wrong. The function that does so depends on the CPU's state alone: it
 * is called again. */
static void repair_masks(void *param)
{
	(void)param;
	for (int i = 0; i < bx_cpu_count; i++)
		bx_cpu_update_masks(bx_cpu_array[i]);
}

void machine_repair_masks(unsigned period_us)
{
	repair = period_us != 0;
	if (repair)
		bx_timer_add(
			bx_pc_system, NULL, repair_masks, period_us, true, true, RIG_NAME ".masks");
}

void bx_message(uint64_t addr, uint32_t data)
{
	bool logical = addr & ADDRESS_LOGICAL;
	uint8_t mode = DATA_MODE(data);

	/* it drops this combination */
	if (mode == MODE_LOWEST_PRIORITY && !logical)
		mode = MODE_FIXED;
	bx_apic_deliver(DATA_VECTOR(data), ADDRESS_DEST(addr), mode, logical, DATA_ASSERT(data),
		DATA_LEVEL(data));
	if (repair)
		repair_masks(NULL);
}
