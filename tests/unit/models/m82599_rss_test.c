// sources: @82599_model tests/support/model_bench.c
/* The 82599's receive side scaling against the published verification suite, and the queue that
 * follows from it. DS 7.1.2.8. */
#include "m82599_fixture.h"

#define PCSD_ON	 put(REG_RXCSUM, RXCSUM_PCSD)
#define RSS_TYPE 0xfu

static struct frame frame;

static const uint8_t suite_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

static const struct {
	uint8_t src[4], dst[4];
	uint16_t sport, dport;
	uint32_t ip_hash, tcp_hash;
} suite4[] = {
	{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217, 0x82989176, 0xafc7327f },
	{ { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303, 0x5d1809c5, 0x10e828a2 },
};

static const struct {
	uint16_t src[8], dst[8];
	uint16_t sport, dport;
	uint32_t ip_hash, tcp_hash;
} suite6[] = {
	{ { 0x3ffe, 0x2501, 0x200, 0x1fff, 0, 0, 0, 7 }, { 0x3ffe, 0x2501, 0x200, 3, 0, 0, 0, 1 },
		2794, 1766, 0x2cc18cd5, 0x40207d3d },
	{ { 0x3ffe, 0x501, 8, 0, 0x260, 0x97ff, 0xfe40, 0xefab }, { 0xff02, 0, 0, 0, 0, 0, 0, 1 },
		14230, 4739, 0x0f0c461c, 0xdde51bbf },
	{ { 0x3ffe, 0x1900, 0x4545, 3, 0x200, 0xf8ff, 0xfe21, 0x67cf },
		{ 0xfe80, 0, 0, 0, 0x200, 0xf8ff, 0xfe21, 0x67cf }, 44251, 38024, 0x4b61e985,
		0x02d1feef },
};

static void program_key(void)
{
	for (unsigned i = 0; i < 10; i++)
		put(REG_RSSRK(i), load_le32(suite_key + 4 * i));
}

static void set_ports(uint16_t sport, uint16_t dport)
{
	store_be16(frame.data + frame.l4, sport);
	store_be16(frame.data + frame.l4 + 2, dport);
	frame_sums(&frame);
}

static void expect(struct rx_ring *r, uint32_t type, uint32_t hash)
{
	struct rx_done v;

	receive(frame.data, frame.len);
	assert_true(rx_get(r, &v));
	assert_int_equal(v.dw0 & RSS_TYPE, type);
	assert_int_equal(v.hash, hash);
	rx_post(r, 1);
}

static void test_suite_ipv4(void **state)
{
	struct rx_ring r;

	(void)state;
	program_key();
	PCSD_ON;
	rx_open(&r, 0, ONE_BUFFER, 16);
	for (unsigned i = 0; i < sizeof(suite4) / sizeof(suite4[0]); i++) {
		frame_build(&frame, false, 6, -1, 100, i);
		memcpy(frame.data + frame.l3 + 12, suite4[i].src, 4);
		memcpy(frame.data + frame.l3 + 16, suite4[i].dst, 4);
		set_ports(suite4[i].sport, suite4[i].dport);
		put(REG_MRQC, MRQC_RSS | MRQC_IPV4);
		expect(&r, 2, suite4[i].ip_hash);
		put(REG_MRQC, MRQC_RSS | MRQC_IPV4 | MRQC_TCP_IPV4);
		expect(&r, 1, suite4[i].tcp_hash);
	}
}

static void test_suite_ipv6(void **state)
{
	struct rx_ring r;

	(void)state;
	program_key();
	PCSD_ON;
	rx_open(&r, 0, ONE_BUFFER, 16);
	for (unsigned i = 0; i < sizeof(suite6) / sizeof(suite6[0]); i++) {
		frame_build(&frame, true, 6, 7, 100, i);
		for (unsigned w = 0; w < 8; w++) {
			store_be16(frame.data + frame.l3 + 8 + 2 * w, suite6[i].src[w]);
			store_be16(frame.data + frame.l3 + 24 + 2 * w, suite6[i].dst[w]);
		}
		set_ports(suite6[i].sport, suite6[i].dport);
		put(REG_MRQC, MRQC_RSS | MRQC_IPV6);
		expect(&r, 5, suite6[i].ip_hash);
		put(REG_MRQC, MRQC_RSS | MRQC_IPV6 | MRQC_TCP_IPV6);
		expect(&r, 3, suite6[i].tcp_hash);
	}
}

/* Which function applies: DS 7.1.2.8, "TcpIPv4, UdpIPv4, IPv4" and so on. */
static void test_functions(void **state)
{
	struct rx_ring r;
	struct rx_done v;

	(void)state;
	program_key();
	PCSD_ON;
	rx_open(&r, 0, ONE_BUFFER, 32);
	put(REG_MRQC, MRQC_RSS | MRQC_IPV4 | MRQC_TCP_IPV4 | MRQC_UDP_IPV6);
	frame_build(&frame, false, 17, -1, 100, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & RSS_TYPE, 2);
	frame_build(&frame, true, 17, -1, 100, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & RSS_TYPE, 8);
	frame_build(&frame, true, 6, -1, 100, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & RSS_TYPE, 0);
	assert_int_equal(v.hash, 0);
	/* a fragment has no ports */
	frame_build(&frame, false, 6, -1, 100, 1);
	store_be16(frame.data + frame.l3 + 6, 0x2000);
	frame_sums(&frame);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r, &v));
	assert_int_equal(v.dw0 & RSS_TYPE, 2);
}

/* RETA: four bits of queue for each of 128 values of the hash's low bits. */
static void test_redirection(void **state)
{
	struct rx_ring r[4];
	struct rx_done v;
	unsigned got[4] = { 0 };

	(void)state;
	program_key();
	put(REG_MRQC, MRQC_RSS | MRQC_TCP_IPV4);
	PCSD_ON;
	for (unsigned i = 0; i < 32; i++)
		put(REG_RETA(i), 0x03020100);
	for (unsigned q = 0; q < 4; q++)
		rx_open(&r[q], q, ONE_BUFFER, 60);
	for (unsigned i = 0; i < 100; i++) {
		frame_build(&frame, false, 6, -1, 100, i);
		set_ports((uint16_t)(1000 + 13 * i), 80);
		receive(frame.data, frame.len);
	}
	for (unsigned q = 0; q < 4; q++)
		while (rx_get(&r[q], &v)) {
			assert_int_equal(v.hash & 3, q);
			got[q]++;
		}
	assert_int_equal(got[0] + got[1] + got[2] + got[3], 100);
	for (unsigned q = 0; q < 4; q++)
		assert_in_range(got[q], 10, 45);
	for (unsigned q = 0; q < 4; q++)
		assert_int_equal(bench_messages(&bench.slot[0], q, 0) > 0, 1);
}

/* DS 7.1.2.3 to 7.1.2.6: filters that come before RSS. */
static void test_filters(void **state)
{
	struct rx_ring r[5];
	struct rx_done v;

	(void)state;
	for (unsigned q = 0; q < 5; q++)
		rx_open(&r[q], q, ONE_BUFFER, 8);
	put(REG_MRQC, MRQC_RSS | MRQC_TCP_IPV4);
	put(REG_SYNQF, SYNQF_ENABLE | 2u << 1);
	/* the 5-tuple: source port 40000 (in the order of the wire) over TCP, low latency */
	put(REG_SDPQF(9), 0x409c);
	put(REG_FTQF(9), FTQF_ENABLE | FTQF_POOL_MASKED | FTQF_SAQF_MASKED | FTQF_DAQF_MASKED |
				 FTQF_DPORT_MASKED | 1u << 2);
	put(REG_L34TIMIR(9), 3u << L34TIMIR_QUEUE_SHIFT | L34TIMIR_LLI | L34TIMIR_SIZE_BP);
	frame_build(&frame, false, 6, -1, 100, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[3], &v));
	assert_int_equal(v.status & 1u << 11, 1u << 11); /* LLINT */
	/* one of higher priority, by addresses in network order */
	put(REG_SAQF(100), 0x0201a8c0);
	put(REG_DAQF(100), 0x0101a8c0);
	put(REG_L34TIMIR(100), 4u << L34TIMIR_QUEUE_SHIFT);
	put(REG_FTQF(100), FTQF_ENABLE | FTQF_POOL_MASKED | FTQF_SPORT_MASKED | FTQF_DPORT_MASKED |
				   FTQF_PROTO_MASKED | 7u << 2);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[4], &v));
	frame.data[frame.l4 + 13] = TCP_SYN;
	frame_sums(&frame);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[4], &v));
	put(REG_SYNQF, SYNQF_ENABLE | SYNQF_PRIORITY | 2u << 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[2], &v));
	put(REG_FTQF(100), 0);
	put(REG_FTQF(9), 0);
	put(REG_SYNQF, 0);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[0], &v));
}

/* The registers answer at two addresses each: DS 8.2.3.7.12 to 8.2.3.7.14. */
static void test_aliases(void **state)
{
	(void)state;
	put(REG_RETA_ALIAS(31), 0xffffffff);
	assert_int_equal(get(REG_RETA(31)), 0x0f0f0f0f);
	put(REG_RETA(0), 0x01020304);
	assert_int_equal(get(REG_RETA_ALIAS(0)), 0x01020304);
	put(REG_RSSRK_ALIAS(9), 0x12345678);
	assert_int_equal(get(REG_RSSRK(9)), 0x12345678);
	put(REG_MRQC_ALIAS, 0x00010001);
	assert_int_equal(get(REG_MRQC), 0x00010001);
	dev->bdf = 0x0311;
	assert_int_equal(get(REG_DCA_ID), 0x0311);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_suite_ipv4),
		TEST(test_suite_ipv6),
		TEST(test_functions),
		TEST(test_redirection),
		TEST(test_filters),
		TEST(test_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
