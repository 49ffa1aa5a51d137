// sources: @82599_model tests/support/model_bench.c
/* The 82599's transmission: descriptors, write-back, offloads, segmentation, the MAC's pace.
 * DS 7.2.
 *
 * What leaves the port is compared with frames whose lengths and sums the test computes itself. */
#include "m82599_fixture.h"

#define L4T_UDP	   (0u << 11)
#define L4T_TCP	   (1u << 11)
#define L4T_SCTP   (2u << 11)
#define TUCMD_IPV4 (1u << 10)

static struct frame frame, sent;

/* A frame as the driver hands it over: sums not yet made. */
static void expect(unsigned n, const struct frame *f)
{
	assert_true(n < nr_kept);
	assert_int_equal(kept[n].len, f->len < 60 ? 60 : f->len);
	assert_true(kept[n].fcs_ok);
	assert_memory_equal(kept[n].data, f->data, f->len);
}

/* DS 7.2.3.2.1 */
static void test_legacy_descriptor(void **state)
{
	struct tx_ring t;
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 17, -1, 300, 1);
	i = tx_send(&t, frame.data, frame.len, TX_EOP | TX_IFCS | TX_RS, 0);
	assert_true(tx_is_done(&t, i)); /* DMA is ahead of the wire */
	assert_int_equal(nr_kept, 0);
	wait_us(2);
	expect(0, &frame);
	/* checksum insertion: CSO, CSS */
	store_be16(frame.data + frame.l4 + 6, plain_fold(plain_pseudo(&frame, 308)));
	sent = frame;
	frame_sums(&sent);
	i = tx_send(&t, frame.data, frame.len,
		TX_EOP | TX_IFCS | TX_RS | 1u << 26 | (frame.l4 + 6) << 16, frame.l4 << 8);
	wait_us(2);
	expect(1, &sent);
	/* the descriptor is as it was, but for DD */
	assert_int_equal(load_le64(bench_mem(&bench, t.desc + 16 * i, 8)), t.buffers + 2048 * i);
	assert_int_equal(port->counts.tx_frames, 2);
	assert_int_equal(port->counts.tx_bytes, 2 * (frame.len + 4));
	assert_int_equal(get(REG_QPTC(0)), 2);
}

static void test_advanced_descriptor(void **state)
{
	struct tx_ring t;
	const uint8_t *d;
	uint32_t i;

	(void)state;
	tx_open(&t, 5, 0);
	memset(frame.data, 0x33, 60);
	frame.len = 40;
	i = tx_send(&t, frame.data, 40, TX_ALL, 40u << 14);
	d = bench_mem(&bench, t.desc + 16 * i, 16);
	assert_int_equal(load_le64(d), 0);
	assert_int_equal(load_le32(d + 12), 1);
	wait_us(2);
	assert_int_equal(kept[0].len, 60); /* padded with zeros */
	assert_memory_equal(kept[0].data, frame.data, 40);
	assert_int_equal(kept[0].data[40] | kept[0].data[59], 0);
	assert_int_equal(bench_messages(&bench.slot[0], 5, 0), 1);
	assert_int_equal(get(REG_TX_QUEUE(5) + TDH), 1);
}

/* A packet in several buffers; nothing happens before its end is there. */
static void test_several_buffers(void **state)
{
	struct tx_ring t, other;

	(void)state;
	tx_open(&t, 0, 0);
	tx_open(&other, 1, 0);
	frame_build(&frame, false, 6, -1, 1400, 9);
	memcpy(bench_mem(&bench, t.buffers, frame.len), frame.data, frame.len);
	tx_desc(&t, t.buffers, TX_DATA | TX_IFCS | 54, frame.len << 14);
	tx_desc(&t, t.buffers + 54, TX_DATA | 1000, 0);
	tx_bump(&t);
	wait_us(5);
	assert_int_equal(nr_kept, 0);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), 0);
	/* other queues do not wait for it */
	tx_send(&other, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(5);
	assert_int_equal(nr_kept, 1);
	tx_desc(&t, t.buffers + 1054, TX_ALL | (frame.len - 1054), 0);
	tx_bump(&t);
	wait_us(5);
	expect(1, &frame);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), 3);
}

static void send_for_checksum(struct tx_ring *t, uint32_t type)
{
	uint32_t len = frame.len - frame.l4;

	sent = frame;
	frame_sums(&sent);
	store_be16(frame.data + frame.l4 + (frame.protocol == 6 ? 16 : 6),
		plain_fold(plain_pseudo(&frame, len)));
	if (!frame.v6)
		store_be16(frame.data + frame.l3 + 10, 0);
	tx_context(t, frame.l3, frame.l4 - frame.l3, 0, type, 0, 0);
	tx_send(t, frame.data, frame.len, TX_ALL,
		frame.len << 14 | TX_TXSM | (frame.v6 ? 0 : TX_IXSM));
	wait_us(3);
	expect(nr_kept - 1, &sent);
}

/* DS 7.2.5 */
static void test_checksum_insertion(void **state)
{
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 6, -1, 777, 3);
	send_for_checksum(&t, L4T_TCP | TUCMD_IPV4);
	frame_build(&frame, true, 6, -1, 778, 3);
	send_for_checksum(&t, L4T_TCP);
	frame_build(&frame, false, 17, -1, 1, 3);
	send_for_checksum(&t, L4T_UDP | TUCMD_IPV4);
	frame_build(&frame, true, 17, 5, 1001, 3);
	send_for_checksum(&t, L4T_UDP);
}

/* RFC 3720, B.4: the CRC32c of 32 bytes of zeros. */
static void test_sctp_checksum(void **state)
{
	static const uint8_t zeros[32];
	struct tx_ring t;
	uint8_t crc[4];

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 132, -1, 100, 3);
	frame.data[frame.l3 + 9] = 132;
	memset(frame.data + frame.l4 + 8, 0, 4);
	store_le32(crc, crc32c_sctp(frame.data + frame.l4, frame.len - frame.l4, 8));
	tx_context(&t, 14, 20, 0, L4T_SCTP | TUCMD_IPV4, 0, 0);
	tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14 | TX_TXSM);
	wait_us(3);
	assert_memory_equal(kept[0].data + frame.l4 + 8, crc, 4);
	assert_int_equal(crc32c_sctp(zeros, sizeof(zeros), 8), 0x8a9136aa);
}

static void test_vlan_insertion(void **state)
{
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 6, -1, 100, 3);
	frame_build(&sent, false, 6, 0x2abc, 100, 3);
	tx_context(&t, 14, 20, 0, 0, 0, 0x2abc);
	tx_send(&t, frame.data, frame.len, TX_ALL | TX_VLE, frame.len << 14);
	wait_us(2);
	expect(0, &sent);
	tx_send(&t, frame.data, frame.len, TX_EOP | TX_IFCS | TX_RS | TX_VLE, 0x2abcu << 16);
	wait_us(2);
	expect(1, &sent);
}

/* DS 7.2.4: header once, then as many frames as it takes. */
static void send_segmented(struct tx_ring *t, uint32_t mss, int vlan, uint32_t flags)
{
	uint32_t payload = frame.len - frame.payload, l4 = frame.payload - frame.l4;
	uint8_t *head = bench_mem(&bench, t->buffers, frame.len);
	uint32_t type = (frame.protocol == 6 ? L4T_TCP : L4T_UDP) | (frame.v6 ? 0 : TUCMD_IPV4);
	uint32_t cut = frame.payload + payload / 3, paylen = payload << 14;

	memcpy(head, frame.data, frame.len);
	/* as a driver does: no lengths, a pseudo header without length, no IP checksum */
	store_be16(head + frame.l4 + (frame.protocol == 6 ? 16 : 6),
		plain_fold(plain_pseudo(&frame, 0)));
	if (frame.v6) {
		store_be16(head + frame.l3 + 4, 0);
	} else {
		store_be16(head + frame.l3 + 2, 0);
		store_be16(head + frame.l3 + 10, 0);
	}
	if (frame.protocol == 6)
		head[frame.l4 + 13] |= (uint8_t)flags;
	tx_context(t, frame.l3, frame.l4 - frame.l3, l4, type, mss, vlan < 0 ? 0 : (uint32_t)vlan);
	tx_desc(t, t->buffers, TX_DATA | TX_IFCS | TX_TSE | (vlan < 0 ? 0 : TX_VLE) | cut,
		paylen | TX_TXSM | (frame.v6 ? 0 : TX_IXSM));
	tx_desc(t, t->buffers + cut, TX_DATA | TX_EOP | TX_RS | TX_TSE | (frame.len - cut), 0);
	tx_bump(t);
}

/* Frame n of them, from the description of the whole. */
static void segment(uint32_t n, uint32_t mss, int vlan, uint32_t flags)
{
	uint32_t all = frame.len - frame.payload, at = n * mss;
	uint32_t len = all - at < mss ? all - at : mss;
	bool last = at + len == all;

	frame_build(&sent, frame.v6, frame.protocol, vlan, len, 0);
	if (frame.protocol == 6) {
		store_be32(sent.data + sent.l4 + 4, load_be32(frame.data + frame.l4 + 4) + at);
		sent.data[sent.l4 + 13] |= (uint8_t)(last ? flags : flags & ~(TCP_FIN | TCP_PSH));
	}
	if (!frame.v6)
		store_be16(sent.data + sent.l3 + 4, (uint16_t)(0x1234 + n));
	memcpy(sent.data + sent.payload, frame.data + frame.payload + at, len);
	frame_sums(&sent);
}

static void check_segmented(struct tx_ring *t, uint32_t mss, int vlan, uint32_t flags)
{
	uint32_t payload = frame.len - frame.payload, n = (payload + mss - 1) / mss;
	unsigned before = nr_kept;

	send_segmented(t, mss, vlan, flags);
	wait_us(100);
	assert_int_equal(nr_kept - before, n);
	for (uint32_t i = 0; i < n; i++) {
		segment(i, mss, vlan, flags);
		expect(before + i, &sent);
	}
}

static void test_segmentation(void **state)
{
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 6, -1, 14600, 0xfffff000); /* the sequence number wraps */
	check_segmented(&t, 1460, -1, TCP_FIN | TCP_PSH);
	assert_int_equal(port->counts.tx_tso, 1);
	frame_build(&frame, false, 6, -1, 14601, 1);
	check_segmented(&t, 1460, 0x123, TCP_PSH);
	frame_build(&frame, true, 6, -1, 10000, 1);
	check_segmented(&t, 1440, -1, TCP_PSH);
	frame_build(&frame, false, 6, -1, 100, 1);
	check_segmented(&t, 1460, -1, TCP_PSH);
	frame_build(&frame, false, 17, -1, 4097, 1);
	check_segmented(&t, 1000, -1, 0);
	frame_build(&frame, true, 17, -1, 5000, 1);
	check_segmented(&t, 1400, -1, 0);
	assert_int_equal(port->counts.tx_tso, 6);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), t.tail);
}

/* DS 7.2.3.5.2: head write-back instead of DD. */
static void test_head_write_back(void **state)
{
	struct tx_ring t;
	uint64_t at = bench_alloc(&bench, 4, 4);
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	put(REG_TX_QUEUE(0) + TDWBAL, (uint32_t)at | TDWBAL_HEAD_WB);
	frame_build(&frame, false, 6, -1, 100, 1);
	tx_send(&t, frame.data, frame.len, TX_DATA | TX_EOP | TX_IFCS, frame.len << 14);
	assert_int_equal(load_le32(bench_mem(&bench, at, 4)), 0);
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	assert_int_equal(load_le32(bench_mem(&bench, at, 4)), 2);
	assert_false(tx_is_done(&t, i));
	assert_int_equal(record_find(&bench.record, at, 0)->hint.kind, DMA_HEAD_WRITE_BACK);
}

/* RS says which descriptors are reported, WTHRESH how many together. */
static void test_report_status(void **state)
{
	struct tx_ring t;
	uint32_t first, i;

	(void)state;
	tx_open(&t, 0, 4u << TXDCTL_WTHRESH_SHIFT);
	frame_build(&frame, false, 6, -1, 100, 1);
	first = tx_send(&t, frame.data, frame.len, TX_DATA | TX_EOP | TX_IFCS, frame.len << 14);
	assert_false(tx_is_done(&t, first));
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	assert_true(tx_is_done(&t, i)); /* no more work: nothing is held back */
	assert_false(tx_is_done(&t, first));
}

/* DS 7.2.1.2: round robin, packet by packet. */
static void test_round_robin(void **state)
{
	struct tx_ring t[3];

	(void)state;
	for (unsigned q = 0; q < 3; q++)
		tx_open(&t[q], q * 50, 0);
	put(REG_RTTDCS, RTTDCS_ARBDIS);
	frame_build(&frame, false, 6, -1, 100, 1);
	for (unsigned i = 0; i < 9; i++) {
		frame.data[11] = (uint8_t)(i / 3);
		tx_send(&t[i / 3], frame.data, frame.len, TX_ALL, frame.len << 14);
	}
	wait_us(10);
	assert_int_equal(nr_kept, 0);
	put(REG_RTTDCS, 0);
	wait_us(10);
	assert_int_equal(nr_kept, 9);
	for (unsigned i = 1; i < 9; i++)
		assert_int_equal(kept[i].data[11], (kept[i - 1].data[11] + 1) % 3);
}

/* 1518 bytes with FCS: 1230.4 ns each, 812,744 a second. */
static void test_line_rate(void **state)
{
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 17, -1, 1514 - 42, 1);
	for (unsigned i = 0; i < 40; i++)
		tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(100);
	assert_int_equal(nr_kept, 40);
	for (unsigned i = 1; i < 40; i++)
		assert_int_equal(kept[i].at_ps - kept[i - 1].at_ps, 1230400);
	frame.len = 60;
	nr_kept = 0;
	for (unsigned i = 0; i < 40; i++)
		tx_send(&t, frame.data, 60, TX_ALL, 60u << 14);
	wait_us(100);
	assert_int_equal(kept[39].at_ps - kept[38].at_ps, 67200);
}

/* DMA does not run further ahead than the packet buffer has room. */
static void test_bounded_prefetch(void **state)
{
	struct tx_ring t;

	(void)state;
	put(REG_TXPBSIZE(0), 20 * 1024);
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 17, -1, 1472, 1);
	for (unsigned i = 0; i < 40; i++)
		tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	assert_in_range(get(REG_TX_QUEUE(0) + TDH), 11, 14);
	wait_us(100);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), 40);
	assert_int_equal(nr_kept, 40);
}

/* A stalled queue's head stands still; the others go on. */
static void test_stall(void **state)
{
	struct tx_ring t, other;
	const char *why;
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	tx_open(&other, 1, 0);
	assert_int_equal(m82599_fault(chip, 0, "stall-tx 0", &why), 0);
	frame_build(&frame, false, 17, -1, 1472, 1);
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	tx_send(&other, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(1000);
	assert_false(tx_is_done(&t, i));
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), 0);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDT), 1);
	assert_int_equal(nr_kept, 1);
	assert_int_equal(m82599_fault(chip, 0, "run-tx 0", &why), 0);
	wait_us(10);
	assert_true(tx_is_done(&t, i));
	assert_int_equal(nr_kept, 2);
}

static void expect_stopped(uint32_t dw2, uint32_t dw3, uint32_t len)
{
	uint64_t malformed = port->data->nr_malformed;
	struct tx_ring t;
	unsigned before = nr_kept;

	tx_open(&t, 7, 0);
	tx_send(&t, frame.data, len, dw2, dw3);
	frame_build(&frame, false, 17, -1, 100, 1);
	tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(10);
	assert_int_equal(nr_kept, before);
	assert_int_equal(port->data->nr_malformed, malformed + 1);
	assert_int_equal(get(REG_TX_QUEUE(7) + TDH), 0);
	put(REG_TX_QUEUE(7) + TXDCTL, 0);
	wait_us(20);
}

/* What the chip takes for malicious stops the queue until it is enabled again. */
static void test_malformed(void **state)
{
	struct tx_ring t;

	(void)state;
	frame_build(&frame, false, 17, -1, 100, 1);
	expect_stopped(TX_ALL, 99u << 14, frame.len);		/* PAYLEN */
	expect_stopped(TX_ALL, 10u << 14, 10);			/* too short */
	expect_stopped(TX_ALL | TX_TSE, 100u << 14, frame.len); /* no context */
	expect_stopped(TX_DEXT | 7u << 20 | TX_EOP, 0, frame.len);
	tx_open(&t, 7, 0);
	for (unsigned i = 0; i < 50; i++)
		tx_desc(&t, t.buffers, TX_DATA | 10, 0);
	tx_bump(&t);
	assert_int_equal(port->data->nr_malformed, 5);
	put(REG_TX_QUEUE(7) + TXDCTL, 0);
	wait_us(20);
	tx_open(&t, 7, 0);
	tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(10);
	assert_int_equal(nr_kept, 1);
}

static void test_unreadable(void **state)
{
	struct tx_ring t;
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	i = tx_desc(&t, 0x40000000, TX_ALL | 100, 100u << 14);
	tx_bump(&t);
	wait_us(10);
	assert_false(tx_is_done(&t, i));
	assert_int_equal(nr_kept, 0);
	assert_int_equal(port->counts.dma_errors, 1);
}

/* Nothing leaves without a link: what is queued waits, as drivers know. */
static void test_link_down(void **state)
{
	struct tx_ring t;
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 17, -1, 100, 1);
	wire_set_plugged(&cable, false);
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(100);
	assert_false(tx_is_done(&t, i));
	wire_set_plugged(&cable, true);
	bench_advance(&bench, 20 * MS);
	assert_true(tx_is_done(&t, i));
	assert_int_equal(nr_kept, 1);
}

/* HLREG0.LPBK: DS 3.7.4.5.1, as a driver's loopback test uses it. */
static void test_loopback(void **state)
{
	struct rx_ring r;
	struct rx_done v;
	struct tx_ring t;

	(void)state;
	wire_set_plugged(&cable, false);
	put(REG_HLREG0, get(REG_HLREG0) | HLREG0_LPBK);
	put(REG_AUTOC, get(REG_AUTOC) | AUTOC_FLU);
	tx_open(&t, 0, 0);
	rx_open(&r, 0, ONE_BUFFER, 16);
	frame_build(&frame, false, 6, -1, 900, 1);
	for (unsigned i = 0; i < 8; i++)
		tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	wait_us(50);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(rx_get(&r, &v));
		assert_int_equal(v.len, frame.len);
		assert_memory_equal(v.data, frame.data, frame.len);
	}
	assert_int_equal(nr_kept, 0);
}

/* DCMD.IFCS = 0: software's own FCS, right or wrong. */
static void test_software_fcs(void **state)
{
	struct tx_ring t;
	uint32_t n;

	(void)state;
	tx_open(&t, 0, 0);
	frame_build(&frame, false, 17, -1, 100, 1);
	n = frame.len;
	store_le32(frame.data + n, crc32_ethernet(frame.data, n));
	tx_send(&t, frame.data, n + 4, TX_DATA | TX_EOP, (n + 4) << 14);
	frame.data[n] ^= 1;
	tx_send(&t, frame.data, n + 4, TX_DATA | TX_EOP, (n + 4) << 14);
	wait_us(10);
	assert_int_equal(nr_kept, 2);
	assert_int_equal(kept[0].len, n);
	assert_true(kept[0].fcs_ok);
	assert_false(kept[1].fcs_ok);
}

static void test_dca(void **state)
{
	struct tx_ring t;
	uint32_t i;

	(void)state;
	tx_open(&t, 0, 0);
	put(REG_DCA_CTRL, 2);
	put(REG_TX_QUEUE(0) + DCA_TXCTRL, 0x17000000 | DCA_TXCTRL_DESC);
	frame_build(&frame, false, 17, -1, 100, 1);
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	assert_int_equal(record_find(&bench.record, t.desc + 16 * i, 0)->hint.target, 0x17);
	put(REG_TX_QUEUE(0) + DCA_TXCTRL, 0x17000000 | DCA_TXCTRL_DESC | DCA_TXCTRL_DESC_RO);
	i = tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
	assert_int_equal(
		record_find(&bench.record, t.desc + 16 * i, 0)->hint.target, DMA_NO_TARGET);
}

/* DS 7.9: SYSTIM runs by TIMINCA; a transmit time stamp waits until it is read. */
static void test_time_stamp(void **state)
{
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	put(REG_TIMINCA, 1u << TIMINCA_PERIOD_SHIFT | 64); /* 10 a nanosecond */
	put(REG_SYSTIML, 0);
	put(REG_SYSTIMH, 0);
	wait_us(10);
	assert_in_range(get(REG_SYSTIML), 99900, 100000);
	put(REG_TSYNCTXCTL, TSYNCCTL_EN);
	frame_build(&frame, false, 17, -1, 100, 1);
	tx_send(&t, frame.data, frame.len, TX_ALL | 1u << 19, frame.len << 14);
	wait_us(5);
	assert_int_equal(get(REG_TSYNCTXCTL) & TSYNCCTL_VALID, TSYNCCTL_VALID);
	assert_in_range(get(REG_TXSTMPL), 100000, 150000);
	assert_int_equal(get(REG_TXSTMPH), 0);
	assert_int_equal(get(REG_TSYNCTXCTL) & TSYNCCTL_VALID, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_legacy_descriptor),
		TEST(test_advanced_descriptor),
		TEST(test_several_buffers),
		TEST(test_checksum_insertion),
		TEST(test_sctp_checksum),
		TEST(test_vlan_insertion),
		TEST(test_segmentation),
		TEST(test_head_write_back),
		TEST(test_report_status),
		TEST(test_round_robin),
		TEST(test_line_rate),
		TEST(test_bounded_prefetch),
		TEST(test_stall),
		TEST(test_malformed),
		TEST(test_unreadable),
		TEST(test_link_down),
		TEST(test_loopback),
		TEST(test_software_fcs),
		TEST(test_dca),
		TEST(test_time_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
