// sources: @82599_model tests/support/model_bench.c
/* The 82599's reception: descriptors, buffers, header split, checksums, VLANs. DS 7.1. */
#include "m82599_fixture.h"

#define STATUS_DD_EOP 0x3u
#define STATUS_VP     (1u << 3)
#define STATUS_UDPCS  (1u << 4)
#define STATUS_L4CS   (1u << 5)
#define STATUS_IPCS   (1u << 6)
#define STATUS_PIF    (1u << 7)
#define ERROR_HBO     (1u << 23)
#define ERROR_RXE     (1u << 29)
#define ERROR_L4E     (1u << 30)
#define ERROR_IPE     (1u << 31)
#define SPH	      (1u << 31)

static struct frame frame;

/* DS 7.1.5: length, fragment checksum, status, errors, VLAN tag in the second quadword. */
static void test_legacy_descriptor(void **state)
{
	struct rx_ring r;
	const uint8_t *d;

	(void)state;
	rx_open(&r, 0, 0, 8);
	put(REG_RX_QUEUE(0) + RXDCTL, get(REG_RX_QUEUE(0) + RXDCTL) | RXDCTL_VME);
	frame_build(&frame, false, 6, 0x2005, 100, 1);
	receive(frame.data, frame.len);
	d = bench_mem(&bench, r.desc, 16);
	assert_int_equal(load_le64(d), r.buffers); /* the address stays */
	assert_int_equal(d[8] | d[9] << 8, frame.len - 4);
	assert_int_equal(d[12], STATUS_DD_EOP | STATUS_VP | STATUS_L4CS | STATUS_IPCS);
	assert_int_equal(d[13], 0);
	assert_int_equal(d[14] | d[15] << 8, 0x2005);
	assert_memory_equal(bench_mem(&bench, r.buffers, 12), frame.data, 12);
	assert_memory_equal(
		bench_mem(&bench, r.buffers + 12, frame.len - 16), frame.data + 16, frame.len - 16);
	frame.data[frame.len - 1] ^= 1;
	receive(frame.data, frame.len);
	d = bench_mem(&bench, r.desc + 16, 16);
	assert_int_equal(d[13], 0x40); /* TCPE */
}

/* DS 7.1.6.2: the advanced write-back, field by field. */
static void test_advanced_descriptor(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 8);
	frame_build(&frame, false, 17, -1, 200, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0, 1u << 4 | 1u << 9); /* IPv4, UDP; no RSS, no split */
	assert_int_equal(v.status, STATUS_DD_EOP | STATUS_UDPCS | STATUS_L4CS | STATUS_IPCS);
	assert_int_equal(v.len, frame.len);
	assert_int_equal(v.vlan, 0);
	assert_int_equal(v.hash, 0x1234); /* PCSD is 0: the IP identification, no fragment */
	assert_memory_equal(v.data, frame.data, frame.len);
	assert_false(rx_get(&r, &v));
	assert_int_equal(get(REG_RX_QUEUE(0) + RDH), 1);
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 1);
	assert_int_equal(port->counts.rx_delivered, 1);
	assert_int_equal(port->counts.rx_delivered_bytes, frame.len + 4);
	assert_int_equal(get(REG_QPRC(0)), 1);
}

static void test_upper_window_and_aliases(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	put(REG_SRRCTL_LOW(3), ONE_BUFFER | 4);
	assert_int_equal(get(REG_RX_QUEUE(3) + SRRCTL), ONE_BUFFER | 4);
	put(REG_DCA_RXCTRL_LOW(15), 0x12000020);
	assert_int_equal(get(REG_RX_QUEUE(15) + DCA_RXCTRL), 0x12000020);
	assert_int_equal(REG_RX_QUEUE(64), 0xd000);
	rx_open(&r, 127, ONE_BUFFER, 4);
	put(REG_ETQF(1), ETQF_ENABLE | 0x88cc);
	put(REG_ETQS(1), ETQS_ENABLE | 127u << ETQS_QUEUE_SHIFT);
	memset(frame.data, 0xff, 60);
	store_be16(frame.data + 12, 0x88cc);
	receive(frame.data, 60);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0, 1u << 15 | 1u << 4); /* packet type: EtherType filter 1 */
}

/* DS 7.1.4: a packet over several buffers; status in the last descriptor only. */
static void test_jumbo(void **state)
{
	struct rx_ring r;
	struct rx_done v;
	uint32_t at = 0;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 32);
	frame_build(&frame, false, 6, -1, 9000 - 40, 1);
	receive(frame.data, frame.len);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(rx_get(&r, &v));
		assert_int_equal(v.status & 3, i < 4 ? 1 : 3);
		assert_int_equal(v.len, i < 4 ? 2048 : frame.len - 4 * 2048);
		assert_memory_equal(v.data, frame.data + at, v.len);
		at += v.len;
	}
	assert_int_equal(v.status & ~3u, STATUS_L4CS | STATUS_IPCS);
	assert_int_equal(port->counts.rx_delivered, 1);
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 1);
}

static void expect_errors(struct rx_ring *r, uint32_t errors, uint32_t status)
{
	struct rx_done v;

	receive(frame.data, frame.len);
	assert_true(rx_get(r, &v));
	assert_int_equal(v.status & (ERROR_IPE | ERROR_L4E | ERROR_RXE), errors);
	assert_int_equal(v.status & (STATUS_IPCS | STATUS_L4CS), status);
}

/* DS 7.1.11 */
static void test_checksums(void **state)
{
	struct rx_ring r;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 32);
	frame_build(&frame, false, 6, -1, 101, 5);
	expect_errors(&r, 0, STATUS_IPCS | STATUS_L4CS);
	frame.data[frame.l3 + 8]--;
	expect_errors(&r, ERROR_IPE, STATUS_IPCS | STATUS_L4CS);
	frame_build(&frame, false, 17, -1, 101, 5);
	frame.data[60] ^= 0x10;
	expect_errors(&r, ERROR_L4E, STATUS_IPCS | STATUS_L4CS);
	store_be16(frame.data + frame.l4 + 6, 0); /* UDP without a checksum */
	expect_errors(&r, 0, STATUS_IPCS);
	frame_build(&frame, true, 6, -1, 33, 5);
	expect_errors(&r, 0, STATUS_L4CS);
	frame.data[frame.l4 + 4] ^= 1;
	expect_errors(&r, ERROR_L4E, STATUS_L4CS);
	put(REG_RFCTL, RFCTL_IPV6_XSUM);
	expect_errors(&r, 0, 0);
	frame_build(&frame, false, 6, -1, 101, 5);
	store_be16(frame.data + frame.l3 + 6, 0x2000); /* a fragment */
	frame_sums(&frame);
	expect_errors(&r, 0, STATUS_IPCS);
	assert_int_equal(port->counts.rx_csum_errors, 3);
	assert_int_equal(get(REG_XEC), 3);
}

/* DS 7.1.12: the unadjusted sum over a fragment's payload. */
static void test_fragment_checksum(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 8);
	put(REG_RXCSUM, RXCSUM_IPPCSE);
	frame_build(&frame, false, 17, -1, 100, 5);
	store_be16(frame.data + frame.l3 + 6, 0x2000);
	frame_sums(&frame);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.hash & 0xffff, 0x1234);
	assert_int_equal(v.hash >> 16,
		plain_fold(plain_sum(frame.data + frame.l4, frame.len - frame.l4, 0)));
	assert_int_equal(v.status & 1u << 10, 1u << 10); /* UDPV */
}

static void test_vlan_strip(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 8);
	frame_build(&frame, true, 6, 0x6123, 500, 5);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.status & STATUS_VP, 0);
	assert_int_equal(v.len, frame.len);
	assert_memory_equal(v.data, frame.data, frame.len);
	put(REG_RX_QUEUE(0) + RXDCTL, get(REG_RX_QUEUE(0) + RXDCTL) | RXDCTL_VME);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.status & STATUS_VP, STATUS_VP);
	assert_int_equal(v.vlan, 0x6123);
	assert_int_equal(v.len, frame.len - 4);
	assert_memory_equal(v.data + 12, frame.data + 16, frame.len - 16);
}

/* The FCS can be kept: HLREG0.RXCRCSTRP and RDRXCTL.CRCStrip. */
static void test_keeps_fcs(void **state)
{
	static const char *text = "123456789";
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	assert_int_equal(crc32_ethernet((const uint8_t *)text, 9), 0xcbf43926);
	rx_open(&r, 0, ONE_BUFFER, 8);
	put(REG_HLREG0, get(REG_HLREG0) & ~HLREG0_RXCRCSTRP);
	put(REG_RDRXCTL, get(REG_RDRXCTL) & ~RDRXCTL_CRCSTRIP);
	frame_build(&frame, true, 6, -1, 500, 5);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.len, frame.len + 4);
	assert_int_equal(load_le32(v.data + frame.len), crc32_ethernet(frame.data, frame.len));
}

/* DS 7.1.10 */
static void test_header_split(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	put(REG_PSRTYPE(0), PSRTYPE_TCP | PSRTYPE_UDP | PSRTYPE_IPV4 | PSRTYPE_L2);
	rx_open(&r, 0, 2u << SRRCTL_DESCTYPE_SHIFT | 2u << 8, 16);
	frame_build(&frame, false, 6, -1, 300, 5);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & SPH, SPH);
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 54);
	assert_int_equal(v.len, 300);
	assert_memory_equal(v.header, frame.data, 54);
	assert_memory_equal(v.data, frame.data + 54, 300);
	frame_build(&frame, true, 17, -1, 300, 5); /* IPv6 headers are not split off, UDP is */
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 62);
	put(REG_PSRTYPE(0), PSRTYPE_L2);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 14);
	put(REG_PSRTYPE(0), 0);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & SPH, 0);
	assert_int_equal(v.len, frame.len);
}

static void test_header_too_long(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	put(REG_PSRTYPE(0), PSRTYPE_TCP);
	rx_open(&r, 0, 2u << SRRCTL_DESCTYPE_SHIFT | 1u << 8, 16);
	frame_build(&frame, true, 6, -1, 300, 5); /* 74 bytes of headers, a buffer of 64 */
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.status & ERROR_HBO, ERROR_HBO);
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 74);
	assert_int_equal(v.len, frame.len);
}

static void test_split_always(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, 5u << SRRCTL_DESCTYPE_SHIFT | 2u << 8, 16);
	memset(frame.data, 0x5a, 200);
	receive(frame.data, 100); /* nothing to split, all of it fits in the header buffer */
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & SPH, 0);
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 100);
	assert_int_equal(v.len, 0);
	assert_memory_equal(v.header, frame.data, 100);
	receive(frame.data, 200);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 >> 21 & 0x3ff, 128);
	assert_int_equal(v.len, 72);
}

static void test_errors_are_stored_with_sbp(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	rx_open(&r, 0, ONE_BUFFER, 8);
	frame_build(&frame, false, 6, -1, 300, 5);
	data_receive(port, frame.data, frame.len, false);
	assert_false(rx_get(&r, &v));
	assert_int_equal(get(REG_CRCERRS), 1);
	put(REG_FCTRL, get(REG_FCTRL) | FCTRL_SBP);
	data_receive(port, frame.data, frame.len, false);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.status & ERROR_RXE, ERROR_RXE);
	assert_int_equal(port->counts.rx_fcs_errors, 2);
	receive(frame.data, 40);
	assert_int_equal(get(REG_RUC), 1);
	put(REG_HLREG0, get(REG_HLREG0) & ~HLREG0_JUMBOEN);
	frame_build(&frame, false, 6, -1, 2000, 5);
	receive(frame.data, frame.len);
	assert_int_equal(get(REG_ROC), 1);
	assert_int_equal(port->counts.rx_length_errors, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_legacy_descriptor),
		TEST(test_advanced_descriptor),
		TEST(test_upper_window_and_aliases),
		TEST(test_jumbo),
		TEST(test_checksums),
		TEST(test_fragment_checksum),
		TEST(test_vlan_strip),
		TEST(test_keeps_fcs),
		TEST(test_header_split),
		TEST(test_header_too_long),
		TEST(test_split_always),
		TEST(test_errors_are_stored_with_sbp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
