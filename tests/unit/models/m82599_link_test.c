// sources: @82599_control tests/support/model_bench.c
/* The 82599's link: its state machine, AUTOC and LINKS as drivers use them, link faults. DS 3.7.4
 */
#include "m82599_stub.h"

static uint32_t links(void)
{
	get(REG_LINKS);
	return get(REG_LINKS);
}

static bool other_is_up(void)
{
	return link_is_up(&chip->port[1]);
}

static void comes_up(void **state)
{
	uint32_t v = links();

	(void)state;
	assert_true(v & LINKS_UP);
	assert_int_equal((v & LINKS_SPEED) >> LINKS_SPEED_SHIFT, LINKS_SPEED_10G);
	assert_true(link_is_up(port));
	assert_true(other_is_up());
	assert_int_equal(told.link_changes, 2);
	assert_true(get(REG_EICR) & EICR_LSC);
}

/* SDP3 is the module's TX_DISABLE. */
static void laser_off_and_on(void **state)
{
	(void)state;
	get(REG_EICR);
	put(REG_ESDP, get(REG_ESDP) | ESDP_DATA(3));
	assert_false(link_is_up(port));
	assert_false(other_is_up());
	assert_false(links() & LINKS_UP);
	assert_int_equal(links() & LINKS_SPEED, 0);
	assert_true(get(REG_EICR) & EICR_LSC);
	put(REG_ESDP, get(REG_ESDP) & ~ESDP_DATA(3));
	assert_false(links() & LINKS_UP);
	wait_us(10000);
	assert_true(links() & LINKS_UP);
	assert_true(other_is_up());
	assert_true(get(REG_EICR) & EICR_LSC);
}

/* A loss between two reads shows in the first. */
static void latched_low(void **state)
{
	(void)state;
	links();
	assert_int_equal(m82599_fault(chip, 0, "link-flap 100", NULL), 0);
	wait_us(20000);
	assert_true(link_is_up(port));
	assert_false(get(REG_LINKS) & LINKS_UP);
	assert_true(get(REG_LINKS) & LINKS_UP);
}

static void link_faults(void **state)
{
	(void)state;
	assert_int_equal(m82599_fault(chip, 0, "link-down", NULL), 0);
	assert_false(link_is_up(port));
	assert_false(other_is_up());
	wait_us(1000000);
	assert_false(link_is_up(port));
	assert_int_equal(m82599_fault(chip, 0, "link-up", NULL), 0);
	wait_us(10000);
	assert_true(link_is_up(port));
	assert_true(other_is_up());
	assert_int_equal(m82599_fault(chip, 0, "link-flap 1000", NULL), 0);
	wait_us(999);
	assert_false(link_is_up(port));
	wait_us(10000);
	assert_true(link_is_up(port));
}

static void cable_pulled(void **state)
{
	(void)state;
	wire_set_plugged(&cable, false);
	assert_false(link_is_up(port));
	assert_false(other_is_up());
	wire_set_plugged(&cable, true);
	wait_us(10000);
	assert_true(link_is_up(port));
	assert_true(other_is_up());
}

/* The reset of the pipeline that drivers do: restart with LMS[2] toggled, wait for the arbitration
 * to leave state 0, restart with the old mode. */
static void pipeline_reset(void **state)
{
	uint32_t autoc = get(REG_AUTOC) | AUTOC_RESTART_AN;

	(void)state;
	put(REG_AUTOC, autoc ^ (4u << AUTOC_LMS_SHIFT));
	wait_us(4000);
	assert_true(get(REG_ANLP1) >> ANLP1_AN_STATE_SHIFT & 0xf);
	assert_false(link_is_up(port));
	put(REG_AUTOC, autoc);
	assert_int_equal(get(REG_AUTOC), autoc & ~AUTOC_RESTART_AN);
	assert_false(link_is_up(port));
	wait_us(10000);
	assert_true(link_is_up(port));
	assert_int_equal(get(REG_ANLP1) >> ANLP1_AN_STATE_SHIFT & 0xf, 0);
}

static void other_speed_finds_no_partner(void **state)
{
	uint32_t autoc = (get(REG_AUTOC) & ~AUTOC_LMS) | LMS_1G_AN << AUTOC_LMS_SHIFT;

	(void)state;
	put(REG_AUTOC, autoc | AUTOC_RESTART_AN);
	wait_us(1000000);
	assert_false(link_is_up(port));
}

/* The loopback test of ethtool -t: with the cable out. */
static void forced_up(void **state)
{
	(void)state;
	wire_set_plugged(&cable, false);
	put(REG_HLREG0, get(REG_HLREG0) | HLREG0_LPBK);
	put(REG_AUTOC, get(REG_AUTOC) | AUTOC_FLU);
	assert_true(link_is_up(port));
	assert_true(links() & LINKS_UP);
	put(REG_CTRL, CTRL_RST);
	wait_us(20000);
	assert_false(link_is_up(port));
	assert_int_equal(get(REG_HLREG0) & HLREG0_LPBK, 0);
}

static void forced_up_by_macc(void **state)
{
	(void)state;
	wire_set_plugged(&cable, false);
	put(REG_MACC, MACC_FLU);
	assert_true(link_is_up(port));
	put(REG_MACC, 0);
	assert_false(link_is_up(port));
}

static void disabled_by_autoc2(void **state)
{
	uint32_t autoc2 = get(REG_AUTOC2);

	(void)state;
	assert_int_equal(autoc2 & AUTOC2_10G_SERIAL_PMD, AUTOC2_10G_SERIAL_SFI);
	put(REG_AUTOC2, autoc2 | 1u << 30);
	assert_false(link_is_up(port));
	put(REG_AUTOC2, autoc2);
	wait_us(10000);
	assert_true(link_is_up(port));
}

/* SDP1 is RX_LOS, and may interrupt. */
static void loss_of_signal_by_pin(void **state)
{
	(void)state;
	get(REG_EICR);
	assert_false(get(REG_ESDP) & ESDP_DATA(1));
	wire_set_plugged(&cable, false);
	assert_true(get(REG_ESDP) & ESDP_DATA(1));
	assert_int_equal(get(REG_EICR), EICR_LSC);
	put(REG_GPIE, GPIE_SDP_GPIEN(1));
	wire_set_plugged(&cable, true);
	assert_int_equal(get(REG_EICR), 0);
	wire_set_plugged(&cable, false);
	assert_int_equal(get(REG_EICR), EICR_GPI_SDP(1));
}

static void frames_arrive_while_it_is_up(void **state)
{
	const uint8_t frame[60] = { 0 };

	(void)state;
	wire_send(&cable, 1, frame, sizeof(frame), true);
	wait_us(10);
	assert_int_equal(told.received, 1);
	m82599_fault(chip, 0, "link-down", NULL);
	wire_send(&cable, 1, frame, sizeof(frame), true);
	wait_us(10);
	assert_int_equal(told.received, 1);
}

static void module_destroyed_first(void **state)
{
	(void)state;
	assert_true(cable.end[0].transmitter_on);
	m82599_destroy(chip);
	assert_false(cable.end[0].transmitter_on);
	assert_null(cable.end[1].ops);
	chip = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comes_up),
		TEST(laser_off_and_on),
		TEST(latched_low),
		TEST(link_faults),
		TEST(cable_pulled),
		TEST(pipeline_reset),
		TEST(other_speed_finds_no_partner),
		TEST(forced_up),
		TEST(forced_up_by_macc),
		TEST(disabled_by_autoc2),
		TEST(loss_of_signal_by_pin),
		TEST(frames_arrive_while_it_is_up),
		TEST(module_destroyed_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
