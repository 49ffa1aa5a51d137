// sources: @82599_control tests/support/model_bench.c
/* The 82599's control plane: register access, resets, the register test that stock drivers run,
 * fault commands. */
#include "m82599_stub.h"

#include <errno.h>

static const uint32_t patterns[] = { 0x5a5a5a5a, 0xa5a5a5a5, 0x00000000, 0xffffffff };

/* What is written is there, as far as mask says, and nothing else. */
static void check_pattern(uint32_t off, uint32_t mask, uint32_t write)
{
	for (size_t i = 0; i < 4; i++) {
		uint32_t before = get(off);

		put(off, patterns[i] & write);
		assert_int_equal(get(off), patterns[i] & write & mask);
		put(off, before);
	}
}

/* The masks that Linux's ethtool -t checks, for this half of the registers. */
static void registers_hold_patterns(void **state)
{
	(void)state;
	check_pattern(REG_FCRTL(0), 0x8007fff0, 0x8007fff0);
	check_pattern(REG_FCRTH(0), 0x8007fff0, 0x8007fff0);
	check_pattern(REG_PFCTOP, 0xffffffff, 0xffffffff);
	check_pattern(REG_VLNCTRL, 0, 0);
	check_pattern(REG_FCTTV(0), 0xffffffff, 0xffffffff);
	for (uint32_t i = 0; i < 16; i++) {
		check_pattern(REG_RAL_LOW(i), 0xffffffff, 0xffffffff);
		check_pattern(REG_RAH_LOW(i), 0x8001ffff, 0x800cffff);
	}
	for (uint32_t i = 0; i < 128; i++)
		check_pattern(REG_MTA(i), 0xffffffff, 0xffffffff);
}

static void status_does_not_change_by_writing(void **state)
{
	uint32_t before = get(REG_STATUS);

	(void)state;
	put(REG_STATUS, 0x7ffff30f);
	assert_int_equal(get(REG_STATUS), before);
	assert_true(before & STATUS_GIO);
	assert_true(before & STATUS_LINK_UP);
	assert_int_equal(before >> STATUS_LAN_ID_SHIFT & 3, 0);
	assert_int_equal(
		bench_read32(m82599_function(chip, 1), 0, REG_STATUS) >> STATUS_LAN_ID_SHIFT & 3,
		1);
}

/* DS 4.2.1: the bit clears itself; then the EEPROM is read again. */
static void check_reset(uint32_t bit)
{
	put(REG_FCTRL, FCTRL_UPE);
	put(REG_RAL(0), 0x12345678);
	put(REG_CTRL, bit);
	assert_int_equal(get(REG_CTRL) & bit, bit);
	assert_int_equal(get(REG_FCTRL), 0);
	wait_us(1000);
	assert_int_equal(get(REG_CTRL) & bit, 0);
	assert_int_equal(get(REG_EEC) & EEC_AUTO_RD, 0);
	assert_int_equal(get(REG_EEMNGCTL) & EEMNGCTL_CFG_DONE(0), 0);
	assert_int_not_equal(get(REG_EEMNGCTL) & EEMNGCTL_CFG_DONE(1), 0);
	wait_us(9000);
	assert_int_not_equal(get(REG_EEC) & EEC_AUTO_RD, 0);
	assert_int_not_equal(get(REG_EEMNGCTL) & EEMNGCTL_CFG_DONE(0), 0);
	assert_int_equal(get(REG_RAL(0)), 0x10211b00);
	assert_int_equal(get(REG_RAH(0)), RAH_AV | 0x3020);
	assert_int_equal(get(REG_AUTOC) >> AUTOC_LMS_SHIFT & 7, LMS_10G_SERIAL);
}

static void reset_of_the_device(void **state)
{
	(void)state;
	check_reset(CTRL_RST);
	assert_int_equal(told.resets, 3);
	/* the light was on all the time */
	assert_true(link_is_up(port));
	assert_int_equal(told.link_changes, 2);
}

static void reset_of_the_link(void **state)
{
	(void)state;
	put(REG_CTRL, CTRL_LRST);
	assert_false(link_is_up(port));
	assert_false(link_is_up(&chip->port[1]));
	wait_us(20000);
	check_reset(CTRL_LRST);
	assert_true(link_is_up(port));
}

static void reset_that_hangs(void **state)
{
	(void)state;
	assert_int_equal(m82599_fault(chip, 0, "reset-hangs on", NULL), 0);
	put(REG_CTRL, CTRL_RST);
	wait_us(1000000);
	assert_int_equal(get(REG_CTRL) & CTRL_RST, CTRL_RST);
	assert_int_equal(m82599_fault(chip, 0, "reset-hangs off", NULL), 0);
	assert_int_equal(get(REG_CTRL) & CTRL_RST, 0);
}

/* DS 5.2.5.3.2 */
static void master_disable(void **state)
{
	(void)state;
	put(REG_CTRL, CTRL_GIO_DIS);
	assert_int_equal(get(REG_CTRL), CTRL_GIO_DIS);
	assert_int_equal(get(REG_STATUS) & STATUS_GIO, 0);
	put(REG_CTRL, CTRL_RST);
	wait_us(20000);
	assert_int_not_equal(get(REG_STATUS) & STATUS_GIO, 0);
}

static void function_level_reset(void **state)
{
	(void)state;
	put(REG_FCTRL, FCTRL_UPE);
	pci_dev_reset(dev);
	bench_enable(dev);
	assert_int_equal(get(REG_FCTRL), 0);
	wait_us(20000);
	assert_int_equal(get(REG_RAL(0)), 0x10211b00);
	assert_true(link_is_up(port));
}

/* No offset is in two tables, except those that only fill gaps. */
static void ranges_do_not_overlap(void **state)
{
	const struct reg_range *const lists[] = { reset_ranges, eeprom_ranges, i2c_ranges,
		link_ranges, mac_ranges, filter_ranges, irq_ranges, stats_ranges };
	unsigned index;

	(void)state;
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		for (const struct reg_range *r = lists[l]; r->off || r->count; r++) {
			for (unsigned i = 0; i < (r->count ? r->count : 1u); i++) {
				uint32_t off = r->off + i * (r->stride ? r->stride : 4u);

				assert_true(off < M82599_BAR_SIZE);
				assert_ptr_equal(registers_find(off, &index), r);
				assert_int_equal(index, i);
			}
		}
	}
}

static void unknown_registers_are_counted(void **state)
{
	struct m82599_counts before, after;

	(void)state;
	m82599_counts(chip, 0, &before);
	assert_int_equal(get(0x1fff0), 0);
	put(0x1fff0, 1);
	bench_write32(dev, 0, REG_FCTRL, FCTRL_UPE);
	pci_dev_bar_write(dev, 0, REG_FCTRL, 0, 1);
	m82599_counts(chip, 0, &after);
	assert_int_equal(after.unknown_reads - before.unknown_reads, 1);
	assert_int_equal(after.unknown_writes - before.unknown_writes, 2);
	assert_int_equal(get(REG_FCTRL), FCTRL_UPE);
}

static void wide_and_narrow_access(void **state)
{
	(void)state;
	bench_write64(dev, 0, REG_RAL(3), 0x8000605004030201);
	assert_int_equal(get(REG_RAL(3)), 0x04030201);
	assert_int_equal(get(REG_RAH(3)), 0x80006050);
	assert_true(bench_read64(dev, 0, REG_RAL(3)) == 0x8000605004030201);
	assert_int_equal(pci_dev_bar_read(dev, 0, REG_RAL(3) + 1, 1) & 0xff, 0x02);
	assert_int_equal(pci_dev_bar_read(dev, 0, REG_RAL(3) + 2, 2) & 0xffff, 0x0403);
}

/* DS 8.1 */
static void window_in_io_space(void **state)
{
	(void)state;
	bench_write32(dev, 2, 0, REG_FCTRL);
	assert_int_equal(bench_read32(dev, 2, 0), REG_FCTRL);
	bench_write32(dev, 2, 4, FCTRL_BAM);
	assert_int_equal(get(REG_FCTRL), FCTRL_BAM);
	assert_int_equal(bench_read32(dev, 2, 4), FCTRL_BAM);
	bench_write32(dev, 2, 0, 0xfffffffc);
	bench_write32(dev, 2, 4, 1);
	assert_int_equal(bench_read32(dev, 2, 4), 0);
}

static void identity(void **state)
{
	(void)state;
	assert_int_equal(pci_dev_cfg_read(dev, 0, 4), 0x10fb8086);
	assert_int_equal(pci_dev_cfg_read(dev, 0x0e, 1), 0x80);
	assert_int_equal(pci_dev_cfg_read(dev, 0x3d, 1), 1);
	assert_int_equal(pci_dev_cfg_read(m82599_function(chip, 1), 0x3d, 1), 2);
	/* where Linux looks for them: MSI-X table size, link status */
	assert_int_equal(pci_dev_cfg_read(dev, 0x72, 2) & 0x7ff, 63);
	assert_int_equal(pci_dev_cfg_read(dev, 0xb2, 2) & 0x3ff, 0x082);
	assert_int_equal(pci_dev_cfg_read(dev, 0x144, 4), 0xff102030);
	assert_int_equal(pci_dev_cfg_read(dev, 0x148, 4), 0x001b21ff);
}

/* DS 4.6.7 */
static void security_engine_stops(void **state)
{
	(void)state;
	assert_int_equal(get(REG_SECRXSTAT) & SECSTAT_RDY, 0);
	put(REG_SECRXCTRL, get(REG_SECRXCTRL) | SECCTRL_PATH_DIS);
	assert_int_equal(get(REG_SECRXSTAT), SECSTAT_RDY | SECSTAT_OFF_DIS);
}

static void refused(const char *command)
{
	const char *why = NULL;

	assert_int_equal(m82599_fault(chip, 0, command, &why), -EINVAL);
	assert_non_null(why);
}

static void fault_commands(void **state)
{
	(void)state;
	assert_int_equal(m82599_fault(chip, 0, " stall-tx  3 ", NULL), 0);
	assert_true(told.stalled && told.stall_tx);
	assert_int_equal(told.stall_queue, 3);
	assert_true(told.stall_until == CLOCK_NEVER);
	assert_int_equal(m82599_fault(chip, 0, "stall-rx 127 10", NULL), 0);
	assert_false(told.stall_tx);
	assert_true(told.stall_until == clock_now(&bench.clock) + 10 * US);
	assert_int_equal(m82599_fault(chip, 0, "run-rx 127", NULL), 0);
	assert_true(told.ran);
	assert_int_equal(m82599_fault(chip, 0, "delay-write-back 7", NULL), 0);
	assert_true(told.delay == 7 * US);
	assert_int_equal(m82599_fault(chip, 1, "abort-reads on", NULL), 0);
	assert_true(m82599_function(chip, 1)->abort_reads);
	assert_int_equal(m82599_fault(chip, 1, "abort-writes on", NULL), 0);
	assert_int_equal(m82599_fault(chip, 1, "abort-writes off", NULL), 0);
	assert_false(m82599_function(chip, 1)->abort_writes);
	assert_int_equal(m82599_fault(chip, 0, "damage-fcs 2", NULL), 0);
	assert_int_equal(m82599_fault(chip, 0, "damage-length 3", NULL), 0);
	assert_int_equal(m82599_fault(chip, 0, "lose-interrupts 4", NULL), 0);
	assert_int_equal(dev->lose_interrupts, 4);
}

static void fault_commands_refused(void **state)
{
	const char *why;

	(void)state;
	refused("");
	refused("   ");
	refused("no-such-thing");
	refused("stall-tx");
	refused("stall-tx 128");
	refused("stall-tx -1");
	refused("stall-tx 1x");
	refused("stall-tx 1 2 3");
	refused("stall-rx 1 99999999999999999999999");
	refused("abort-reads maybe");
	refused("abort-reads");
	refused("a-word-that-is-longer-than-any-that-there-is");
	assert_int_equal(m82599_fault(chip, 2, "link-down", &why), -EINVAL);
}

static void counts_are_printed(void **state)
{
	char text[1024] = { 0 };
	FILE *out = fmemopen(text, sizeof(text) - 1, "w");

	(void)state;
	get(0x1fff0);
	m82599_print_counts(chip, 0, out);
	fclose(out);
	assert_non_null(strstr(text, "rx_frames 0\n"));
	assert_non_null(strstr(text, "unknown_reads 1\n"));
}

/* Whatever is written anywhere. ASan and UBSan look on. */
static void any_register_survives_anything(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		put((uint32_t)(x >> 40) % M82599_BAR_SIZE & ~3u, (uint32_t)x);
		get((uint32_t)(x >> 20) % M82599_BAR_SIZE & ~3u);
		if (i % 64 == 0)
			bench_advance(&bench, x >> 44);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_hold_patterns),
		TEST(status_does_not_change_by_writing),
		TEST(reset_of_the_device),
		TEST(reset_of_the_link),
		TEST(reset_that_hangs),
		TEST(master_disable),
		TEST(function_level_reset),
		TEST(ranges_do_not_overlap),
		TEST(unknown_registers_are_counted),
		TEST(wide_and_narrow_access),
		TEST(window_in_io_space),
		TEST(identity),
		TEST(security_engine_stops),
		TEST(fault_commands),
		TEST(fault_commands_refused),
		TEST(counts_are_printed),
		TEST(any_register_survives_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
