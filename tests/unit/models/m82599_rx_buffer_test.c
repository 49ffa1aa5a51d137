// sources: @82599_model tests/support/model_bench.c
/* The 82599's reception when descriptors are scarce: packet buffers, drops, flow control; and DCA,
 * stalled and disabled queues. DS 3.7, 7.1, 8.2.3.11. */
#include "m82599_fixture.h"

#define ERROR_L4E (1u << 30)

static struct frame frame;

/* Half of a jumbo frame has descriptors; the rest follows when there are more. */
static void test_waits_in_the_middle(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 2);
	frame_build(&frame, true, 6, -1, 7000, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_true(rx_get(&r, &v));
	assert_false(rx_get(&r, &v));
	assert_int_equal(port->counts.rx_delivered, 0);
	rx_post(&r, 10);
	assert_true(rx_get(&r, &v));
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.status & 3, 3);
	assert_int_equal(v.len, frame.len - 3 * 2048);
	assert_memory_equal(v.data, frame.data + 3 * 2048, v.len);
	assert_int_equal(port->counts.rx_delivered, 1);
}

/* Frames that wait come out in order, with what their descriptors say. */
static void test_waits_for_descriptors(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 1);
	for (uint32_t i = 0; i < 40; i++) {
		frame_build(&frame, false, 17, -1, 18 + i, i);
		receive(frame.data, frame.len);
	}
	for (uint32_t i = 0; i < 40; i++) {
		assert_true(rx_get(&r, &v));
		assert_int_equal(v.len, 60 + i);
		assert_int_equal(v.data[v.len - 1], (uint8_t)(i + (17 + i) * 7));
		assert_int_equal(v.status & ERROR_L4E, 0);
		rx_post(&r, 1);
	}
	assert_int_equal(port->counts.rx_no_descriptor, 0);
	assert_int_equal(get(REG_RXMPC(0)), 0);
}

/* DS 8.2.3.8.7: DROP_EN, and PFQDE for the same. */
static void test_drop_enable(void **state)
{
	struct rx_ring r;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER | SRRCTL_DROP_EN, 2);
	frame_build(&frame, false, 17, -1, 100, 0);
	for (unsigned i = 0; i < 5; i++)
		receive(frame.data, frame.len);
	assert_int_equal(port->counts.rx_delivered, 2);
	assert_int_equal(port->counts.rx_no_descriptor, 3);
	assert_int_equal(get(REG_QPRDC(0)), 3);
	assert_int_equal(get(REG_RXMPC(0)), 0);
	put(REG_RX_QUEUE(0) + SRRCTL, ONE_BUFFER | 2);
	receive(frame.data, frame.len);
	assert_int_equal(port->counts.rx_no_descriptor, 3);
	put(REG_PFQDE, PFQDE_WE | PFQDE_ENABLE);
	assert_int_equal(port->counts.rx_no_descriptor, 4); /* also what was waiting */
	put(REG_PFQDE, PFQDE_RE);
	assert_int_equal(get(REG_PFQDE) & PFQDE_ENABLE, PFQDE_ENABLE);
}

/* A full packet buffer: RXMPC, and an interrupt cause. */
static void test_packet_buffer_overflow(void **state)
{
	unsigned sent = 0;
	struct rx_ring r;

	(void)state;
	put(REG_RXPBSIZE(0), 64 * 1024);
	rx_open(&r, 0, ONE_BUFFER, 0);
	frame_build(&frame, false, 17, -1, 1400, 0);
	while (!port->counts.rx_no_descriptor && sent < 1000) {
		receive(frame.data, frame.len);
		sent++;
	}
	assert_in_range(sent, 40, 46); /* 64 KiB of 1446 bytes */
	assert_int_equal(get(REG_RXMPC(0)), 1);
	assert_int_equal(get(REG_QPRDC(0)), 0);
	assert_int_equal(get(REG_EICR) & EICR_RX_MISS, EICR_RX_MISS);
	for (unsigned i = 0; i < sent; i++)
		rx_post(&r, 1);
	assert_int_equal(port->counts.rx_delivered, sent - 1);
}

/* DS 8.2.3.11.1: which kind of write carries the tag. */
static void test_dca(void **state)
{
	uint32_t dca = REG_RX_QUEUE(0) + DCA_RXCTRL;
	struct rx_ring r;

	(void)state;
	assert_int_equal(get(REG_DCA_CTRL), DCA_CTRL_DIS);
	rx_open(&r, 0, 2u << SRRCTL_DESCTYPE_SHIFT | 2u << 8, 16);
	put(REG_PSRTYPE(0), PSRTYPE_TCP);
	put(dca, 0x42000000 | DCA_RXCTRL_DESC | DCA_RXCTRL_HEADER | DCA_RXCTRL_PAYLOAD);
	frame_build(&frame, false, 6, -1, 300, 5);
	receive(frame.data, frame.len);
	assert_int_equal(record_find(&bench.record, r.desc, 0)->hint.target, DMA_NO_TARGET);
	put(REG_DCA_CTRL, 2);
	receive(frame.data, frame.len);
	assert_int_equal(record_find(&bench.record, r.desc + 16, 0)->hint.target, 0x42);
	assert_int_equal(record_find(&bench.record, r.desc + 16, 0)->hint.kind, DMA_DESCRIPTOR);
	assert_int_equal(record_find(&bench.record, r.headers + 1024, 0)->hint.target, 0x42);
	assert_int_equal(record_find(&bench.record, r.headers + 1024, 0)->hint.kind, DMA_HEADER);
	assert_int_equal(record_find(&bench.record, r.buffers + 2048, 0)->hint.target, 0x42);
	put(dca, 0x42000000 | DCA_RXCTRL_DESC);
	receive(frame.data, frame.len);
	assert_int_equal(
		record_find(&bench.record, r.buffers + 4096, 0)->hint.target, DMA_NO_TARGET);
	/* no snoop bypasses the caches, unless CTRL_EXT forbids it */
	put(dca, 0x42000000 | DCA_RXCTRL_PAYLOAD | DCA_RXCTRL_DATA_NS);
	receive(frame.data, frame.len);
	assert_int_equal(
		record_find(&bench.record, r.buffers + 3 * 2048, 0)->hint.target, DMA_NO_TARGET);
	put(REG_CTRL_EXT, CTRL_EXT_NS_DIS);
	receive(frame.data, frame.len);
	assert_int_equal(record_find(&bench.record, r.buffers + 4 * 2048, 0)->hint.target, 0x42);
}

/* IEEE 802.3 annex 31B; DS 3.7.7.3: XOFF above FCRTH, XON below FCRTL. */
static void test_sends_pause(void **state)
{
	static const uint8_t head[] = { 1, 0x80, 0xc2, 0, 0, 1, 0, 0x1b, 0x21, 0x10, 0x20, 0x30,
		0x88, 8, 0, 1, 0x12, 0x34 };
	struct rx_ring r;

	(void)state;
	put(REG_FCCFG, FCCFG_TFCE_LINK);
	put(REG_FCRTH(0), FCRTH_FCEN | 32 * 1024);
	put(REG_FCRTL(0), FCRTL_XONE | 16 * 1024);
	put(REG_FCTTV(0), 0x1234);
	put(REG_FCRTV, 0x1000);
	rx_open(&r, 0, ONE_BUFFER, 0);
	frame_build(&frame, false, 17, -1, 1400, 0);
	for (unsigned i = 0; i < 30; i++)
		receive(frame.data, frame.len);
	wait_us(5);
	assert_int_equal(nr_kept, 1);
	assert_int_equal(kept[0].len, 60);
	assert_memory_equal(kept[0].data, head, sizeof(head));
	wait_us(30); /* 0x234 quanta later it is repeated */
	assert_int_equal(nr_kept, 2);
	rx_post(&r, 25);
	wait_us(5);
	assert_int_equal(nr_kept, 3);
	assert_int_equal(load_be16(kept[2].data + 16), 0);
	assert_int_equal(get(REG_LXOFFTXC), 2);
	assert_int_equal(get(REG_LXONTXC), 1);
	assert_int_equal(port->counts.tx_pause, 3);
	wait_us(1000);
	assert_int_equal(nr_kept, 3);
}

static void test_obeys_pause(void **state)
{
	uint8_t pause[60] = { 1, 0x80, 0xc2, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x88, 8, 0, 1, 0x03, 0xe8 };
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	put(REG_MFLCN, MFLCN_RFCE | MFLCN_DPF);
	receive(pause, sizeof(pause)); /* 1000 quanta: 51.2 us */
	frame_build(&frame, false, 17, -1, 100, 0);
	tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(50);
	assert_int_equal(nr_kept, 0);
	wait_us(5);
	assert_int_equal(nr_kept, 1);
	receive(pause, sizeof(pause));
	tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(10);
	store_be16(pause + 16, 0);
	receive(pause, sizeof(pause));
	wait_us(2);
	assert_int_equal(nr_kept, 2);
	assert_int_equal(get(REG_LXOFFRXCNT), 2);
	assert_int_equal(get(REG_LXONRXCNT), 1);
	assert_int_equal(port->counts.rx_frames, 0 + 3);
}

static void test_stall_and_late_write_back(void **state)
{
	const char *why;
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 16);
	frame_build(&frame, false, 17, -1, 100, 0);
	assert_int_equal(m82599_fault(chip, 0, "stall-rx 0 100", &why), 0);
	receive(frame.data, frame.len);
	wait_us(90);
	assert_false(rx_get(&r, &v));
	wait_us(20);
	assert_true(rx_get(&r, &v));
	assert_int_equal(m82599_fault(chip, 0, "delay-write-back 50", &why), 0);
	receive(frame.data, frame.len);
	receive(frame.data, frame.len);
	wait_us(40);
	assert_false(rx_get(&r, &v));
	assert_int_equal(m82599_fault(chip, 0, "delay-write-back 0", &why), 0);
	receive(frame.data, frame.len); /* does not overtake */
	assert_false(rx_peek(&r, 3, &v));
	wait_us(20);
	assert_true(rx_get(&r, &v));
	assert_true(rx_get(&r, &v));
	assert_true(rx_get(&r, &v));
}

/* DS 4.6.7.1: a disabled queue takes nothing, and begins anew. */
static void test_disable_and_enable(void **state)
{
	struct rx_ring r, again;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 16);
	put(REG_RX_QUEUE(0) + RXDCTL, 0);
	assert_int_equal(get(REG_RX_QUEUE(0) + RXDCTL) & RXDCTL_ENABLE, RXDCTL_ENABLE);
	wait_us(20);
	assert_int_equal(get(REG_RX_QUEUE(0) + RXDCTL) & RXDCTL_ENABLE, 0);
	frame_build(&frame, false, 17, -1, 100, 0);
	receive(frame.data, frame.len);
	assert_false(rx_get(&r, &v));
	rx_open(&again, 0, ONE_BUFFER, 16);
	receive(frame.data, frame.len);
	assert_true(rx_get(&again, &v));
	assert_false(rx_get(&r, &v));
}

static void test_reception_off(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 16);
	frame_build(&frame, false, 17, -1, 100, 0);
	put(REG_RXCTRL, 0);
	receive(frame.data, frame.len);
	put(REG_RXCTRL, RXCTRL_RXEN);
	put(REG_SECRXCTRL, SECCTRL_DIS | SECCTRL_PATH_DIS);
	receive(frame.data, frame.len);
	put(REG_SECRXCTRL, SECCTRL_DIS);
	assert_false(rx_get(&r, &v));
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(port->counts.rx_filtered, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waits_in_the_middle),
		TEST(test_waits_for_descriptors),
		TEST(test_drop_enable),
		TEST(test_packet_buffer_overflow),
		TEST(test_dca),
		TEST(test_sends_pause),
		TEST(test_obeys_pause),
		TEST(test_stall_and_late_write_back),
		TEST(test_disable_and_enable),
		TEST(test_reception_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
