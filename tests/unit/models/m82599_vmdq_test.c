// sources: @82599_model tests/support/model_bench.c
/* The 82599's pools and traffic classes: queue assignment by MRQC's modes, replication, switching
 * between pools, anti-spoofing. DS 7.1.2.1, 7.10. */
#include "m82599_fixture.h"

#define STATUS_LB (1u << 18)

static struct frame frame;

static void set_address(unsigned i, uint8_t last, uint64_t pools)
{
	put(REG_RAL(i), 0x00000002);
	put(REG_RAH(i), RAH_AV | (uint32_t)last << 8);
	put(REG_MPSAR(2 * i), (uint32_t)pools);
	put(REG_MPSAR(2 * i + 1), (uint32_t)(pools >> 32));
}

/* Frame to the address 02:..:last. */
static void address_to(uint8_t last)
{
	frame_build(&frame, false, 6, -1, 100, 1);
	memcpy(frame.data, (uint8_t[]){ 2, 0, 0, 0, 0, last }, 6);
}

static void pools_on(uint32_t mrqc)
{
	put(REG_MRQC, mrqc);
	put(REG_PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN | 0u << PFVTCTL_DEF_PL_SHIFT);
	put(REG_PFVFRE(0), ~0u);
	put(REG_PFVFRE(1), ~0u);
	put(REG_PFVFTE(0), ~0u);
	put(REG_PFVFTE(1), ~0u);
}

static void expect_one(struct rx_ring *r, bool there)
{
	struct rx_done v;

	assert_int_equal(rx_get(r, &v), there);
}

static void test_64_pools(void **state)
{
	struct rx_ring r0, r10, r127;

	(void)state;
	pools_on(MRQC_64VT);
	set_address(1, 5, UINT64_C(1) << 5);
	set_address(2, 63, UINT64_C(1) << 63);
	rx_open(&r0, 0, ONE_BUFFER, 8);
	rx_open(&r10, 10, ONE_BUFFER, 8);
	rx_open(&r127, 126, ONE_BUFFER, 8);
	address_to(5);
	receive(frame.data, frame.len);
	expect_one(&r10, true);
	expect_one(&r0, false);
	address_to(63);
	receive(frame.data, frame.len);
	expect_one(&r127, true);
	address_to(99); /* the default pool's */
	receive(frame.data, frame.len);
	expect_one(&r0, true);
	put(REG_PFVFRE(0), ~0u & ~(1u << 5));
	address_to(5);
	receive(frame.data, frame.len);
	expect_one(&r10, false);
}

/* MRQC 1010b: 32 pools of 4 queues, PSRTYPE says how many RSS uses. */
static void test_pools_with_rss(void **state)
{
	struct rx_ring r[4];

	(void)state;
	pools_on(MRQC_32VT_RSS | MRQC_TCP_IPV4);
	for (unsigned i = 0; i < 10; i++)
		put(REG_RSSRK(i), 0x01020304 * (i + 1));
	for (unsigned i = 0; i < 32; i++)
		put(REG_RETA(i), 0x0f0f0f0f);
	set_address(1, 5, UINT64_C(1) << 5);
	for (unsigned q = 0; q < 4; q++)
		rx_open(&r[q], 20 + q, ONE_BUFFER, 8);
	address_to(5);
	receive(frame.data, frame.len);
	expect_one(&r[0], true); /* RQPL 0: no RSS */
	put(REG_PSRTYPE(5), 1u << PSRTYPE_RQPL_SHIFT);
	receive(frame.data, frame.len);
	expect_one(&r[1], true);
	put(REG_PSRTYPE(5), 2u << PSRTYPE_RQPL_SHIFT);
	receive(frame.data, frame.len);
	expect_one(&r[3], true);
}

/* A broadcast goes to every pool that wants it, as copies of their own. */
static void test_replication(void **state)
{
	struct rx_ring r[3];
	struct rx_done v;

	(void)state;
	pools_on(MRQC_64VT);
	for (unsigned i = 0; i < 3; i++) {
		rx_open(&r[i], 2 * (i + 1), ONE_BUFFER, 2);
		put(REG_PFVML2FLT(i + 1), PFVML2FLT_BAM | PFVML2FLT_AUPE);
	}
	put(REG_RX_QUEUE(4) + RXDCTL, get(REG_RX_QUEUE(4) + RXDCTL) | RXDCTL_VME);
	frame_build(&frame, false, 17, 9, 100, 1);
	memset(frame.data, 0xff, 6);
	receive(frame.data, frame.len);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(rx_get(&r[i], &v));
		assert_int_equal(v.len, i == 1 ? frame.len - 4 : frame.len);
	}
	assert_int_equal(port->counts.rx_delivered, 3);
	put(REG_PFVTCTL, PFVTCTL_VT_ENA);
	receive(frame.data, frame.len);
	expect_one(&r[0], true);
	expect_one(&r[1], false);
	put(REG_PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN);
	/* pool 1 has no descriptor left: the copies behind wait, and come */
	receive(frame.data, frame.len);
	expect_one(&r[1], false);
	rx_post(&r[0], 4);
	expect_one(&r[0], true);
	expect_one(&r[1], true);
	expect_one(&r[2], true);
}

/* MRQC 0100b: eight traffic classes with RSS, each with its packet buffer. */
static void test_traffic_classes(void **state)
{
	struct rx_ring r0, r2;

	(void)state;
	put(REG_MRQC, MRQC_8TC_RSS | MRQC_TCP_IPV4);
	put(REG_RTRUP2TC, 2u << 3 * 6); /* priority 6: class 2 */
	put(REG_RXPBSIZE(0), 64 * 1024);
	put(REG_RXPBSIZE(2), 64 * 1024);
	rx_open(&r0, 0, ONE_BUFFER, 0);
	rx_open(&r2, 32, ONE_BUFFER, 8);
	frame_build(&frame, false, 6, 0x0005, 100, 1);
	receive(frame.data, frame.len); /* class 0 has no descriptors: class 2 goes on */
	frame_build(&frame, false, 6, 0xc005, 100, 1);
	receive(frame.data, frame.len);
	expect_one(&r2, true);
	rx_post(&r0, 1);
	expect_one(&r0, true);
	put(REG_RXPBSIZE(2), 0);
	receive(frame.data, frame.len);
	assert_int_equal(get(REG_RXMPC(2)), 1);
}

static void open_switch(struct tx_ring *t)
{
	pools_on(MRQC_64VT);
	put(REG_MTQC, MTQC_VT_ENA | 1u << MTQC_NUM_SHIFT);
	put(REG_PFDTXGSWC, PFDTXGSWC_LBEN);
	set_address(1, 1, 1u << 1);
	set_address(2, 2, 1u << 2);
	tx_open(t, 2, 0); /* pool 1's */
}

static void send_from(struct tx_ring *t, uint8_t from)
{
	frame.data[6] = 2;
	memset(frame.data + 7, 0, 4);
	frame.data[11] = from;
	tx_send(t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(5);
}

/* DS 7.10.3.4: between pools without the wire. */
static void test_switching(void **state)
{
	struct rx_ring r2, r4;
	struct rx_done v;
	struct tx_ring t;

	(void)state;
	open_switch(&t);
	rx_open(&r2, 2, ONE_BUFFER, 8);
	rx_open(&r4, 4, ONE_BUFFER, 8);
	address_to(2);
	send_from(&t, 1);
	assert_true(rx_get(&r4, &v));
	assert_int_equal(v.status & STATUS_LB, STATUS_LB);
	assert_int_equal(v.len, frame.len);
	assert_int_equal(nr_kept, 0);
	address_to(77); /* unknown: for the network */
	send_from(&t, 1);
	assert_int_equal(nr_kept, 1);
	expect_one(&r4, false);
	put(REG_PFVML2FLT(1), PFVML2FLT_BAM | PFVML2FLT_AUPE);
	put(REG_PFVML2FLT(2), PFVML2FLT_BAM | PFVML2FLT_AUPE);
	address_to(2);
	memset(frame.data, 0xff, 6);
	send_from(&t, 1); /* both, but not back to its sender */
	assert_int_equal(nr_kept, 2);
	expect_one(&r4, true);
	expect_one(&r2, false);
	put(REG_PFVMTXSW(0), 1u << 1);
	send_from(&t, 1);
	expect_one(&r2, true);
}

static void test_anti_spoofing(void **state)
{
	struct tx_ring t;

	(void)state;
	open_switch(&t);
	put(REG_PFVFSPOOF(0), 1u << 1 | 1u << 9);
	address_to(77);
	send_from(&t, 2);
	assert_int_equal(nr_kept, 0);
	assert_int_equal(get(REG_SSVPC), 1);
	send_from(&t, 1);
	assert_int_equal(nr_kept, 1);
	frame_build(&frame, false, 6, 30, 100, 1);
	memcpy(frame.data, (uint8_t[]){ 2, 0, 0, 0, 0, 77 }, 6);
	send_from(&t, 1);
	assert_int_equal(nr_kept, 1);
	put(REG_PFVLVF(3), PFVLVF_VI_EN | 30);
	put(REG_PFVLVFB(6), 1u << 1);
	send_from(&t, 1);
	assert_int_equal(nr_kept, 2);
	assert_int_equal(get(REG_SSVPC), 1);
}

/* PFVMVIR and PFVFTE. */
static void test_pool_vlan_and_enable(void **state)
{
	struct tx_ring t;

	(void)state;
	open_switch(&t);
	put(REG_PFVMVIR(1), PFVMVIR_ALWAYS << PFVMVIR_ACTION_SHIFT | 0x123);
	address_to(77);
	send_from(&t, 1);
	assert_int_equal(kept[0].len, frame.len + 4);
	assert_int_equal(load_be32(kept[0].data + 12), 0x81000123);
	put(REG_PFVFTE(0), 0);
	send_from(&t, 1);
	assert_int_equal(nr_kept, 1);
	put(REG_PFVFTE(0), 2);
	wait_us(5);
	assert_int_equal(nr_kept, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_64_pools),
		TEST(test_pools_with_rss),
		TEST(test_replication),
		TEST(test_traffic_classes),
		TEST(test_switching),
		TEST(test_anti_spoofing),
		TEST(test_pool_vlan_and_enable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
