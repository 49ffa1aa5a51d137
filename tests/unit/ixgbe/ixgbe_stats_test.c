// sources: drivers/ixgbe/ixgbe_stats.c
/* Statistics registers that are about to wrap, again and again: 64-bit sums stay exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/ixgbe/ixgbe_hw.h"

static uint32_t status, low, high;

uint32_t fake_mmio_read32(uint64_t base, uint64_t off)
{
	assert_int_equal(base, 0x1000);
	if (off == 0x00008) /* STATUS */
		return status;
	if (off == 0x0408c || off == 0x04094) /* the upper halves of byte counters */
		return high;
	return low;
}

void fake_mmio_write32(uint64_t base, uint64_t off, uint32_t v)
{
	assert_int_equal(base, 0x1000);
	assert_in_range(off, 0x02300, 0x0237c); /* RQSMR */
	assert_int_equal(v & 0xf0f0f0f0, 0);
}

static void test_sums(void **state)
{
	static struct ixgbe ix;
	const struct nic_stats *s = &ix.nic.stats;

	(void)state;
	ix.regs = 0x1000;
	low = UINT32_MAX;
	high = 0xf;
	ixgbe_stats_clear(&ix);
	for (unsigned i = 0; i < 1000; i++)
		ixgbe_stats_collect(&ix);
	assert_int_equal(s->rx_frames, 1000 * (uint64_t)UINT32_MAX);
	assert_int_equal(s->tx_frames, 1000 * (uint64_t)UINT32_MAX);
	assert_int_equal(s->rx_bytes, 1000 * UINT64_C(0xfffffffff));
	assert_int_equal(s->tx_bytes, 1000 * UINT64_C(0xfffffffff));
	assert_int_equal(s->rx_missed, 8000 * (uint64_t)UINT32_MAX);
	assert_int_equal(s->rx_no_buffer, 16000 * (uint64_t)UINT32_MAX);
	/* a device that is gone adds nothing */
	status = UINT32_MAX;
	ixgbe_stats_collect(&ix);
	assert_int_equal(s->rx_frames, 1000 * (uint64_t)UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sums) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
