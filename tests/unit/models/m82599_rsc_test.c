// sources: @82599_model tests/support/model_bench.c
/* The 82599's receive side coalescing. DS 7.11. */
#include "m82599_fixture.h"

#define RSCCNT(v)  ((v).dw0 >> 17 & 0xf)
#define NEXTP(v)   ((v).status >> 4 & 0xffff)
#define MAXDESC_16 (3u << RSCCTL_MAXDESC_SHIFT)
#define MSS	   1000
#define TIMESTAMP  12

static struct frame frame;
static struct rx_ring ring;

static int set_up_rsc(void **state)
{
	set_up(state);
	put(REG_RSCDBU, RSCDBU_RSCACKDIS);
	put(REG_RDRXCTL, get(REG_RDRXCTL) | RDRXCTL_CRCSTRIP);
	rx_open(&ring, 0, ONE_BUFFER, 48);
	put(REG_RX_QUEUE(0) + RSCCTL, RSCCTL_RSCEN | MAXDESC_16);
	return 0;
}

#define RSC_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_rsc, tear_down)

/* The n-th segment of a stream; flags besides ACK. */
static void build(uint32_t n, uint32_t payload, uint8_t flags)
{
	frame_build(&frame, false, 6, -1, payload, n * MSS);
	frame.data[frame.l4 + 13] |= flags;
	store_be32(frame.data + frame.l4 + 8, 100 + n); /* acknowledgement */
	store_be16(frame.data + frame.l4 + 14, (uint16_t)(500 + n));
	for (uint32_t i = 0; i < payload; i++)
		frame.data[frame.payload + i] = (uint8_t)((n * MSS + i) * 13 >> 3);
	frame_sums(&frame);
}

static void segment(uint32_t n, uint32_t payload, uint8_t flags)
{
	build(n, payload, flags);
	receive(frame.data, frame.len);
}

/* Follows NEXTP from the ring's next descriptor; the bytes of the whole packet, or 0: not done.
 * *last: its last descriptor. Sums up what RSCCNT says was appended. */
static uint32_t collect(uint8_t *to, struct rx_done *last, unsigned *appended)
{
	uint32_t at = ring.next, len = 0;

	*appended = 0;
	for (unsigned i = 0; i < 17; i++) {
		if (!rx_peek(&ring, at, last))
			return 0;
		ring.next = (ring.next + 1) % RING;
		memcpy(to + len, last->data, last->len);
		len += last->len;
		*appended += RSCCNT(*last) ? RSCCNT(*last) - 1 : 0;
		if (last->status & 2)
			return len;
		at = NEXTP(*last);
	}
	return 0;
}

static void check_payload(const uint8_t *data, uint32_t from, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(data[i], (uint8_t)((from + i) * 13 >> 3));
}

/* Segments in order become one packet whose header is right. */
static void test_coalesces(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;
	uint32_t len;

	(void)state;
	for (uint32_t n = 0; n < 5; n++)
		segment(n, MSS, 0);
	assert_int_equal(collect(got, &v, &appended), 0);
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 0);
	wait_us(5); /* GPIE.RSC_Delay 0: 4 us */
	ring.next = 0;
	len = collect(got, &v, &appended);
	assert_int_equal(len, 54 + 5 * MSS);
	assert_int_equal(appended, 4);
	assert_int_equal(load_be16(got + 16), 40 + 5 * MSS);
	assert_int_equal(plain_fold(plain_sum(got + 14, 20, 0)), 0xffff);
	assert_int_equal(load_be32(got + 34 + 4), 0);
	assert_int_equal(load_be32(got + 34 + 8), 104);
	assert_int_equal(load_be16(got + 34 + 14), 504);
	check_payload(got + 54, 0, 5 * MSS);
	assert_int_equal(v.status & 0x63, 0x63); /* DD, EOP, L4CS, IPCS */
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 1);
	assert_int_equal(port->counts.rx_rsc, 1);
	assert_int_equal(port->counts.rx_delivered, 5);
	assert_int_equal(get(REG_QPRC(0)), 5);
}

/* Two connections at once: their descriptors are not neighbours. */
static void test_two_flows(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	for (uint32_t n = 0; n < 6; n++) {
		segment(n, MSS, 0);
		build(n, MSS, 0);
		store_be16(frame.data + frame.l4, 40001);
		frame_sums(&frame);
		receive(frame.data, frame.len);
	}
	wait_us(5);
	assert_int_equal(collect(got, &v, &appended), 54 + 6 * MSS);
	check_payload(got + 54, 0, 6 * MSS);
	ring.next = 1;
	assert_int_equal(collect(got, &v, &appended), 54 + 6 * MSS);
	assert_int_equal(load_be16(got + 34), 40001);
	check_payload(got + 54, 0, 6 * MSS);
	assert_int_equal(port->counts.rx_rsc, 2);
}

/* DS 7.11.4: PSH ends it at once, with the segment that has it. */
static void test_push(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	segment(0, MSS, 0);
	segment(1, MSS, 0);
	segment(2, 10, TCP_PSH);
	assert_int_equal(collect(got, &v, &appended), 54 + 2 * MSS + 10);
	assert_int_equal(got[34 + 13], TCP_ACK | TCP_PSH);
	assert_int_equal(appended, 2);
}

static void expect_closed_by(void (*other)(void))
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	segment(0, MSS, 0);
	segment(1, MSS, 0);
	other();
	assert_int_equal(collect(got, &v, &appended), 54 + 2 * MSS);
	assert_int_equal(appended, 1);
	wait_us(1000);
	assert_true(collect(got, &v, &appended) != 0);
	rx_post(&ring, ring.next > 30 ? 10 : 0);
}

static void gap(void)
{
	segment(3, MSS, 0);
}

static void fin(void)
{
	segment(2, MSS, TCP_FIN);
}

static void no_payload(void)
{
	build(2, 0, 0);
	receive(frame.data, 60); /* padded */
}

static void bad_sum(void)
{
	build(2, MSS, 0);
	frame.data[frame.payload] ^= 1;
	receive(frame.data, frame.len);
}

static void other_tos(void)
{
	build(2, MSS, 0);
	frame.data[frame.l3 + 1] = 3; /* congestion experienced */
	frame_sums(&frame);
	receive(frame.data, frame.len);
}

static void test_what_closes(void **state)
{
	(void)state;
	expect_closed_by(gap);
	expect_closed_by(fin);
	expect_closed_by(no_payload);
	expect_closed_by(bad_sum);
	expect_closed_by(other_tos);
}

/* RSCCTL.MAXDESC: descriptors of one packet at most. */
static void test_descriptor_limit(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	put(REG_RX_QUEUE(0) + RSCCTL, RSCCTL_RSCEN | 1u << RSCCTL_MAXDESC_SHIFT);
	for (uint32_t n = 0; n < 12; n++)
		segment(n, MSS, 0);
	wait_us(5);
	assert_int_equal(collect(got, &v, &appended), 54 + 8 * MSS); /* 4 buffers of 2048 */
	assert_int_equal(collect(got, &v, &appended), 54 + 4 * MSS);
	check_payload(got + 54, 8 * MSS, 4 * MSS);
}

/* The whole is an IP packet: 65535 bytes at most. */
static void test_length_limit(void **state)
{
	static uint8_t got[65536 * 2];
	struct rx_done v;
	unsigned appended;
	uint32_t total = 0, len;

	(void)state;
	put(REG_RX_QUEUE(0) + SRRCTL, ONE_BUFFER | 2);
	for (uint32_t n = 0; n < 40; n++)
		segment(n, MSS, 0);
	wait_us(5);
	while ((len = collect(got, &v, &appended)) != 0) {
		assert_in_range(len, 1, 16 * 2048);
		check_payload(got + 54, total, len - 54);
		total += len - 54;
	}
	assert_int_equal(total, 40 * MSS);
}

/* Time stamps are the only option: the last ones stay. */
static void test_timestamps(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	for (uint32_t n = 0; n < 3; n++) {
		uint8_t *tcp = frame.data + 34;

		build(n, MSS, 0);
		memmove(tcp + 20 + TIMESTAMP, tcp + 20, MSS);
		memcpy(tcp + 20, (uint8_t[]){ 1, 1, 8, 10, 0, 0, 0, (uint8_t)n, 0, 0, 0, 9 }, 12);
		tcp[12] = 0x80;
		frame.len += TIMESTAMP;
		store_be16(frame.data + 16, (uint16_t)(frame.len - 14));
		frame_sums(&frame);
		receive(frame.data, frame.len);
	}
	wait_us(5);
	assert_int_equal(collect(got, &v, &appended), 66 + 3 * MSS);
	assert_int_equal(got[34 + 20 + 7], 2);
	check_payload(got + 66, 0, 3 * MSS);
}

/* A stripped tag, buffers of a whole jumbo frame. */
static void test_vlan_and_jumbo(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	put(REG_RX_QUEUE(0) + RXDCTL, get(REG_RX_QUEUE(0) + RXDCTL) | RXDCTL_VME);
	for (uint32_t n = 0; n < 3; n++) {
		frame_build(&frame, false, 6, 0x44, 8000, n * 8000);
		for (uint32_t i = 0; i < 8000; i++)
			frame.data[frame.payload + i] = (uint8_t)((n * 8000 + i) * 13 >> 3);
		frame_sums(&frame);
		receive(frame.data, frame.len);
	}
	wait_us(5);
	assert_int_equal(collect(got, &v, &appended), 54 + 3 * 8000);
	assert_int_equal(appended, 2);
	assert_int_equal(v.vlan, 0x44);
	assert_int_equal(v.status & 8, 8);
	check_payload(got + 54, 0, 3 * 8000);
}

/* While its vector must not interrupt yet, a flow stays open: EITR. */
static void test_interrupt_rate(void **state)
{
	static uint8_t got[65536];
	struct rx_done v;
	unsigned appended;

	(void)state;
	put(REG_EITR(0), 50 << 3); /* 100 us */
	segment(0, MSS, TCP_PSH);
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 1);
	put(REG_EIMS_EX(1), 1);
	assert_int_equal(collect(got, &v, &appended), 54 + MSS);
	for (uint32_t n = 1; n < 9; n++) {
		segment(n, MSS, 0);
		wait_us(10);
	}
	assert_int_equal(collect(got, &v, &appended), 0);
	ring.next = 1;
	wait_us(25);
	assert_int_equal(collect(got, &v, &appended), 54 + 8 * MSS);
	assert_int_equal(bench_messages(&bench.slot[0], 0, 0), 2);
}

/* More connections than contexts: the oldest one goes. */
static void test_contexts(void **state)
{
	struct rx_done v;

	(void)state;
	for (uint32_t n = 0; n < RSC_CONTEXTS + 1; n++) {
		build(0, MSS, 0);
		store_be16(frame.data + frame.l4, (uint16_t)(40000 + n));
		frame_sums(&frame);
		receive(frame.data, frame.len);
	}
	assert_true(rx_peek(&ring, 0, &v));
	assert_false(rx_peek(&ring, 1, &v));
	wait_us(5);
	for (uint32_t n = 0; n < RSC_CONTEXTS + 1; n++)
		assert_true(rx_peek(&ring, n, &v));
	assert_int_equal(port->counts.rx_rsc, 0);
}

static void test_off(void **state)
{
	struct rx_done v;

	(void)state;
	put(REG_RFCTL, RFCTL_RSC_DIS);
	segment(0, MSS, 0);
	assert_true(rx_get(&ring, &v));
	assert_int_equal(RSCCNT(v), 0);
	put(REG_RFCTL, 0);
	segment(1, MSS, 0);
	assert_false(rx_peek(&ring, 1, &v));
	put(REG_RX_QUEUE(0) + RSCCTL, 0); /* closes what is open */
	assert_true(rx_peek(&ring, 1, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RSC_TEST(test_coalesces),
		RSC_TEST(test_two_flows),
		RSC_TEST(test_push),
		RSC_TEST(test_what_closes),
		RSC_TEST(test_descriptor_limit),
		RSC_TEST(test_length_limit),
		RSC_TEST(test_timestamps),
		RSC_TEST(test_vlan_and_jumbo),
		RSC_TEST(test_interrupt_rate),
		RSC_TEST(test_contexts),
		RSC_TEST(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
