// sources: @82599_control tests/support/model_bench.c
/* The 82599's receive filters and statistics registers. DS 7.1.1, 7.10.3, 8.2.3.23 */
#include "m82599_stub.h"

static uint8_t frame[1514];

static const uint8_t *to(uint64_t address)
{
	for (unsigned i = 0; i < 6; i++)
		frame[i] = (uint8_t)(address >> (40 - 8 * i));
	return frame;
}

static const uint8_t *tagged(uint64_t address, uint16_t tag)
{
	to(address);
	frame[12] = 0x81;
	frame[13] = 0x00;
	frame[14] = (uint8_t)(tag >> 8);
	frame[15] = (uint8_t)tag;
	return frame;
}

static struct filter_result filter(const uint8_t *data)
{
	struct filter_result r;

	filter_frame(port, data, 60, &r);
	return r;
}

#define OWN	  0x001b21102030
#define FOREIGN	  0x020000000001
#define MULTICAST 0x01005e123456
#define BROADCAST 0xffffffffffff

static int clear_frame(void **state)
{
	memset(frame, 0, sizeof(frame));
	return set_up(state);
}

static void unicast(void **state)
{
	(void)state;
	assert_true(filter(to(OWN)).exact);
	assert_int_equal(filter(to(OWN)).pools, 1);
	assert_false(filter(to(FOREIGN)).accepted);
	put(REG_FCTRL, FCTRL_UPE);
	assert_true(filter(to(FOREIGN)).accepted);
	assert_false(filter(to(FOREIGN)).exact);
	put(REG_FCTRL, 0);
	put(REG_RAL(127), 0x00000002);
	put(REG_RAH(127), RAH_AV | 0x0100);
	assert_true(filter(to(FOREIGN)).accepted);
	put(REG_RAH(127), 0x0100);
	assert_false(filter(to(FOREIGN)).accepted);
	assert_false(filter(to(MULTICAST)).accepted);
}

static void broadcast(void **state)
{
	(void)state;
	assert_false(filter(to(BROADCAST)).accepted);
	put(REG_FCTRL, FCTRL_MPE | FCTRL_UPE);
	assert_false(filter(to(BROADCAST)).accepted);
	put(REG_FCTRL, FCTRL_BAM);
	assert_true(filter(to(BROADCAST)).broadcast);
	assert_true(filter(to(BROADCAST)).accepted);
}

/* MO picks which 12 bits of the last two bytes, 0x5634 as a little-endian number of them. */
static void multicast(void **state)
{
	static const uint32_t hash[] = { 0x5634 >> 4, 0x5634 >> 3 & 0xfff, 0x5634 >> 2 & 0xfff,
		0x5634 & 0xfff };

	(void)state;
	for (uint32_t mo = 0; mo < 4; mo++) {
		put(REG_MCSTCTRL, mo | MCSTCTRL_MFE);
		assert_false(filter(to(MULTICAST)).accepted);
		put(REG_MTA(hash[mo] / 32), 1u << hash[mo] % 32);
		assert_true(filter(to(MULTICAST)).accepted);
		assert_true(filter(to(MULTICAST)).uta_or_mta);
		put(REG_MCSTCTRL, mo);
		assert_false(filter(to(MULTICAST)).accepted);
		put(REG_MTA(hash[mo] / 32), 0);
	}
	put(REG_FCTRL, FCTRL_MPE);
	assert_true(filter(to(MULTICAST)).accepted);
	assert_true(filter(to(MULTICAST)).multicast);
	assert_false(filter(to(FOREIGN)).accepted);
}

static void vlan(void **state)
{
	(void)state;
	assert_true(filter(tagged(OWN, 0x6123)).accepted);
	put(REG_VLNCTRL, get(REG_VLNCTRL) | VLNCTRL_VFE);
	assert_false(filter(tagged(OWN, 0x6123)).accepted);
	put(REG_VFTA(0x123 / 32), 1u << 0x123 % 32);
	assert_true(filter(tagged(OWN, 0x6123)).accepted);
	assert_true(filter(tagged(OWN, 0x6123)).vlan);
	assert_false(filter(tagged(OWN, 0x6124)).accepted);
	/* the CFI bit */
	put(REG_VLNCTRL, get(REG_VLNCTRL) | VLNCTRL_CFIEN);
	assert_true(filter(tagged(OWN, 0x6123)).accepted);
	assert_false(filter(tagged(OWN, 0x7123)).accepted);
	frame[12] = 0x08;
	assert_true(filter(to(OWN)).accepted);
}

static void short_frame(void **state)
{
	struct filter_result r;

	(void)state;
	put(REG_FCTRL, FCTRL_UPE);
	filter_frame(port, frame, 11, &r);
	assert_false(r.accepted);
	filter_frame(port, tagged(OWN, 1), 14, &r);
	assert_true(r.accepted);
}

static void use_pools(uint32_t more)
{
	put(REG_PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN | more);
	put(REG_MPSAR(0), 1u << 3);
}

static void pool_of_an_address(void **state)
{
	(void)state;
	use_pools(5u << PFVTCTL_DEF_PL_SHIFT);
	assert_true(filter(to(OWN)).pools == 1u << 3);
	put(REG_MPSAR(1), 1u << 31);
	assert_true(filter(to(OWN)).pools == (1u << 3 | UINT64_C(1) << 63));
	/* promiscuous, and nobody's: the default pool */
	put(REG_FCTRL, FCTRL_UPE);
	assert_true(filter(to(FOREIGN)).pools == 1u << 5);
	put(REG_PFVTCTL, get(REG_PFVTCTL) | PFVTCTL_DIS_DEF_POOL);
	assert_false(filter(to(FOREIGN)).accepted);
}

static void pools_of_groups(void **state)
{
	(void)state;
	use_pools(PFVTCTL_DIS_DEF_POOL);
	put(REG_FCTRL, FCTRL_BAM | FCTRL_MPE);
	put(REG_PFVML2FLT(1), PFVML2FLT_BAM);
	put(REG_PFVML2FLT(40), PFVML2FLT_BAM | PFVML2FLT_MPE);
	assert_true(filter(to(BROADCAST)).pools == (1u << 1 | UINT64_C(1) << 40));
	assert_true(filter(to(MULTICAST)).pools == UINT64_C(1) << 40);
	put(REG_PFVML2FLT(2), PFVML2FLT_ROMPE);
	put(REG_MCSTCTRL, MCSTCTRL_MFE);
	put(REG_MTA(0x563 / 32), 1u << 0x563 % 32);
	assert_true(filter(to(MULTICAST)).pools == (1u << 2 | UINT64_C(1) << 40));
	/* without replication: one */
	put(REG_PFVTCTL, get(REG_PFVTCTL) & ~PFVTCTL_RPL_EN);
	assert_true(filter(to(MULTICAST)).pools == 1u << 2);
}

static void pools_by_unicast_hash(void **state)
{
	(void)state;
	use_pools(PFVTCTL_DIS_DEF_POOL);
	put(REG_PFVML2FLT(7), PFVML2FLT_ROPE);
	assert_false(filter(to(FOREIGN)).accepted);
	put(REG_PFUTA(0x010 / 32), 1u << 0x010 % 32);
	assert_true(filter(to(FOREIGN)).pools == 1u << 7);
	assert_true(filter(to(FOREIGN)).uta_or_mta);
}

static void pools_by_vlan(void **state)
{
	(void)state;
	use_pools(PFVTCTL_DIS_DEF_POOL);
	put(REG_MPSAR(0), 0xff);
	put(REG_VLNCTRL, get(REG_VLNCTRL) | VLNCTRL_VFE);
	put(REG_VFTA(0), 0xff);
	put(REG_PFVLVF(63), PFVLVF_VI_EN | 2);
	put(REG_PFVLVFB(126), 0x0c);
	assert_true(filter(tagged(OWN, 2)).pools == 0x0c);
	assert_false(filter(tagged(OWN, 3)).accepted);
	put(REG_PFVML2FLT(4), PFVML2FLT_AUPE);
	frame[12] = 0x08;
	assert_true(filter(to(OWN)).pools == 0x10);
}

/* ---- Statistics ---- */

static void receive(uint64_t address, uint32_t bytes)
{
	stats_rx_frame(port, to(address), bytes - 4);
}

static void received(void **state)
{
	static const struct {
		uint32_t bytes, off;
	} sizes[] = { { 64, 0 }, { 65, 4 }, { 127, 4 }, { 128, 8 }, { 255, 8 }, { 256, 12 },
		{ 511, 12 }, { 512, 16 }, { 1023, 16 }, { 1024, 20 }, { 1518, 20 } };

	(void)state;
	reg_set(port, 0x3000, 1); /* the data plane's RXCTRL */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		receive(OWN, sizes[i].bytes);
		assert_int_equal(get(REG_PRC64 + sizes[i].off), 1);
		assert_int_equal(get(REG_GPRC), 1);
		assert_int_equal(get(REG_GORCL), sizes[i].bytes);
		assert_int_equal(get(REG_GORCH), 0);
	}
	assert_int_equal(get(REG_TPR), 11);
	assert_int_equal(get(REG_TPR), 0);
}

/* Good but not for us: RXNFGPC sees it. */
static void received_and_filtered(void **state)
{
	(void)state;
	reg_set(port, 0x3000, 1);
	receive(FOREIGN, 100);
	assert_int_equal(get(REG_GPRC), 0);
	assert_int_equal(get(REG_GORCL), 0);
	assert_int_equal(get(REG_RXNFGPC), 1);
	assert_int_equal(get(REG_RXNFGBCL), 100);
	assert_int_equal(get(REG_TPR), 1);
	put(REG_FCTRL, FCTRL_BAM | FCTRL_MPE);
	receive(BROADCAST, 100);
	receive(MULTICAST, 100);
	receive(MULTICAST, 100);
	assert_int_equal(get(REG_BPRC), 1);
	assert_int_equal(get(REG_MPRC), 2);
	assert_int_equal(get(REG_GPRC), 3);
}

static void received_with_errors(void **state)
{
	(void)state;
	stats_rx_fcs_error(port, 100);
	stats_rx_fcs_error(port, 40);
	stats_rx_fcs_error(port, 2000);
	stats_rx_length_error(port, 40);
	stats_rx_length_error(port, 1600);
	stats_rx_length_error(port, 100);
	assert_int_equal(get(REG_CRCERRS), 1);
	assert_int_equal(get(REG_RFC), 1);
	assert_int_equal(get(REG_RJC), 1);
	assert_int_equal(get(REG_RUC), 1);
	assert_int_equal(get(REG_ROC), 1);
	assert_int_equal(get(REG_RLEC), 1);
	assert_int_equal(get(REG_TPR), 6);
	/* jumbo frames are allowed: neither is too long any more */
	put(REG_HLREG0, get(REG_HLREG0) | HLREG0_JUMBOEN);
	put(REG_MAXFRS, 9018u << MAXFRS_MFS_SHIFT);
	stats_rx_length_error(port, 1600);
	assert_int_equal(get(REG_RLEC), 1);
}

/* Which counter a queue has: RQSMR, TQSM. */
static void queue_counters(void **state)
{
	(void)state;
	put(REG_RQSMR(1), 0x0f030201);
	put(REG_TQSM(31), 0x05000000);
	stats_rx_delivered(port, 7, 60);
	stats_rx_delivered(port, 5, 60);
	stats_tx_frame(port, 127, to(FOREIGN), 96);
	stats_rx_missed(port, 7, 2);
	stats_rx_missed(port, M82599_QUEUES, 2);
	stats_rx_missed(port, 7, 8);
	assert_int_equal(get(REG_QPRC(15)), 1);
	assert_int_equal(get(REG_QBRC_L(15)), 64);
	assert_int_equal(get(REG_QBRC_H(15)), 0);
	assert_int_equal(get(REG_QPRC(2)), 1);
	assert_int_equal(get(REG_QPTC_ALIAS(5)), 1);
	assert_int_equal(get(REG_QPTC(5)), 0);
	assert_int_equal(get(REG_QBTC_L(5)), 100);
	assert_int_equal(get(REG_QPRDC(15)), 2);
	assert_int_equal(get(REG_RXMPC(2)), 2);
}

static void transmitted(void **state)
{
	(void)state;
	stats_tx_frame(port, 0, to(MULTICAST), 60);
	stats_tx_frame(port, 0, to(BROADCAST), 1514);
	stats_pause(port, true, false);
	stats_pause(port, true, true);
	stats_pause(port, false, false);
	assert_int_equal(get(REG_LXOFFTXC), 1);
	assert_int_equal(get(REG_LXONTXC), 1);
	assert_int_equal(get(REG_LXOFFRXCNT), 1);
	assert_int_equal(get(REG_LXONRXCNT), 0);
	/* pause frames are in them: drivers take them out again */
	assert_int_equal(get(REG_GPTC), 4);
	assert_int_equal(get(REG_TPT), 4);
	assert_int_equal(get(REG_MPTC), 3);
	assert_int_equal(get(REG_PTC64), 3);
	assert_int_equal(get(REG_GOTCL), 3 * 64 + 1518);
	assert_int_equal(get(REG_BPTC), 1);
	assert_int_equal(get(REG_PTC64 + 20), 1);
}

/* Byte counters have 36 bits, and stay at their end. */
static void byte_counters(void **state)
{
	uint64_t *gotc = &port->control->stats.bytes[STATS_GOTC];

	(void)state;
	*gotc = UINT64_C(0x3ffffffff);
	assert_int_equal(get(REG_GOTCL), 0xffffffff);
	assert_int_equal(get(REG_GOTCH), 3);
	assert_int_equal(get(REG_GOTCH), 0);
	*gotc = UINT64_C(0xfffffffff);
	stats_tx_frame(port, 0, to(FOREIGN), 60);
	assert_int_equal(get(REG_GOTCL), 0xffffffff);
	assert_int_equal(get(REG_GOTCH), 0xf);
	stats_add(port, REG_FDIRMATCH, 0xfffffffe);
	stats_add(port, REG_FDIRMATCH, 5);
	assert_int_equal(get(REG_FDIRMATCH), 0xffffffff);
	assert_int_equal(get(REG_FDIRMATCH), 0);
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, clear_frame, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unicast),
		TEST(broadcast),
		TEST(multicast),
		TEST(vlan),
		TEST(short_frame),
		TEST(pool_of_an_address),
		TEST(pools_of_groups),
		TEST(pools_by_unicast_hash),
		TEST(pools_by_vlan),
		TEST(received),
		TEST(received_and_filtered),
		TEST(received_with_errors),
		TEST(queue_counters),
		TEST(transmitted),
		TEST(byte_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
