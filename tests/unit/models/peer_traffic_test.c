// sources: tests/models/peer.c tests/models/peer_config.c tests/models/peer_echo.c tests/models/peer_generator.c tests/models/peer_sink.c tests/models/wire.c tests/models/pcap.c tests/models/clock.c
/* Peers: the generator's rate, mix and frames, and what the sink finds wrong. */
#include "peer_fixture.h"

/* ---- Generator ---- */

static void test_generator_frames(void **state)
{
	(void)state;
	create("generator dst=02:00:00:00:00:09 src=02:00:00:00:00:01 size=100 count=9 flows=4"
	       " ip_src=10.0.0.1 ip_dst=10.1.0.1 start_us=3");
	run_us(20);
	assert_int_equal(nr_got, 9);
	for (unsigned i = 0; i < nr_got; i++) {
		const uint8_t *d = got[i].data;

		assert_int_equal(got[i].len, 96);
		assert_memory_equal(d, ours, 6);
		assert_memory_equal(d + 6, its, 6);
		assert_int_equal(be16(d + 12), 0x0800);
		assert_int_equal(d[L3], 0x45);
		assert_int_equal(be16(d + L3 + 2), 82);
		assert_int_equal(ref_sum(0, d + L3, 20), 0xffff);
		assert_int_equal(be32(d + L3 + 12), 0x0a000001 + i % 4);
		assert_int_equal(be32(d + L3 + 16), 0x0a010001);
		assert_int_equal(be16(d + L4), 1024 + i % 4);
		assert_int_equal(be16(d + L4 + 4), 62);
		assert_int_equal(ref_sum(ref_pseudo(d + L3, 17, 62), d + L4, 62), 0xffff);
		assert_int_equal(be16(d + PAYLOAD + 2), 96);
		assert_int_equal(be16(d + PAYLOAD + 4), i % 4);
		assert_int_equal(be32(d + PAYLOAD + 6), i / 4);
		assert_int_equal((uint64_t)be32(d + PAYLOAD + 10) << 32 | be32(d + PAYLOAD + 14),
			got[i].at_ps - WIRE_LATENCY_PS);
	}
	assert_int_equal(got[0].at_ps, 3 * CLOCK_PS_PER_US + wire_time_ps(96) + WIRE_LATENCY_PS);
	assert_int_equal(got[1].at_ps - got[0].at_ps, wire_time_ps(96)); /* line rate */
	assert_int_equal(counts(peer).tx_frames, 9);
	assert_int_equal(counts(peer).tx_bytes, 900);
}

/* 3 does not divide a second's picoseconds: what is left over must not be lost. */
static void test_generator_rates(void **state)
{
	(void)state;
	create("generator dst=02:00:00:00:00:09 pps=3000000");
	run_us(100);
	assert_int_equal(nr_got, 300);
	assert_int_equal(got[297].at_ps - got[0].at_ps, 99 * CLOCK_PS_PER_US);
	peer_destroy(peer);
	nr_got = 0;
	create("generator dst=02:00:00:00:00:09 mbit=300 size=1000");
	run_us(3000);
	assert_int_equal(got[90].at_ps - got[0].at_ps, 90 * 8000 * CLOCK_PS_PER_US / 300);
	peer_destroy(peer);
	nr_got = 0;
	create("generator dst=02:00:00:00:00:09 pps=100000000 size=1518"); /* more than fits */
	run_us(100);
	assert_int_equal(got[50].at_ps - got[0].at_ps, 50 * wire_time_ps(1514));
}

static void test_generator_mix(void **state)
{
	unsigned nr[3] = { 0 };

	(void)state;
	create("generator dst=02:00:00:00:00:09 mix=64:7,594:4,1518:1 count=120 pps=1000000");
	run_us(200);
	assert_int_equal(nr_got, 120);
	for (unsigned i = 0; i < nr_got; i++)
		nr[got[i].len == 60 ? 0 : got[i].len == 590 ? 1 : 2]++;
	assert_int_equal(nr[0], 70);
	assert_int_equal(nr[1], 40);
	assert_int_equal(nr[2], 10);
	for (unsigned i = 3; i < 120; i++) /* mixed, not in runs */
		assert_false(got[i].len == 590 && got[i - 1].len == 590);
}

static void test_generator_waits_for_the_link(void **state)
{
	(void)state;
	wire_set_plugged(&wire, false);
	create("generator dst=02:00:00:00:00:09 pps=1000000 count=20");
	run_us(100);
	assert_int_equal(counts(peer).tx_frames, 0);
	wire_set_plugged(&wire, true);
	run_us(10);
	assert_int_equal(nr_got, 10); /* at its rate: the past is not made up for */
	wire_set_plugged(&wire, false);
	run_us(10);
	assert_int_equal(counts(peer).tx_frames, 10);
	wire_set_plugged(&wire, true);
	run_us(100);
	assert_int_equal(nr_got, 20);
}

static void send_pause(unsigned quanta)
{
	static const uint8_t address[6] = { 0x01, 0x80, 0xc2, 0, 0, 1 };

	begin(address, 0x8808);
	set16(frame + 14, 1);
	set16(frame + 16, quanta);
	wire_send(&wire, 0, frame, 60, true);
}

/* IEEE 802.3 annex 31B: a quantum is 512 bit times, 51.2 ns at 10 Gbit/s. */
static void test_pause(void **state)
{
	unsigned before;

	(void)state;
	create("generator dst=02:00:00:00:00:09 size=1518");
	run_us(50);
	send_pause(1000);
	clock_advance(&clock, clock_now(&clock) + WIRE_LATENCY_PS);
	before = nr_got;
	run_us(51);
	assert_true(nr_got - before <= 2); /* in transmission, and under way */
	assert_int_equal(counts(peer).rx_pause, 1);
	before = nr_got;
	run_us(20);
	assert_true(nr_got - before >= 14);
	send_pause(0xffff);
	run_us(10);
	before = nr_got;
	run_us(10);
	assert_int_equal(nr_got, before);
	send_pause(0); /* XON */
	run_us(10);
	assert_true(nr_got - before >= 6);
}

/* A frame that waits for its time is held back too. */
static void test_pause_of_a_slow_generator(void **state)
{
	(void)state;
	create("generator dst=02:00:00:00:00:09 pps=100000"); /* at 0, 10, 20 us */
	run_us(5);
	send_pause(10000); /* 512 us */
	run_us(500);
	assert_int_equal(nr_got, 1);
	run_us(50);
	assert_true(nr_got >= 4 && nr_got <= 6);
}

/* ---- Sink ---- */

/* The generator's frames go through a middle man into a sink on another wire. */
static struct wire second;

static void feed(unsigned i)
{
	wire_send(&second, 0, got[i].data, got[i].len, true);
	run_us(1);
}

static void open_second(const char *generator)
{
	create(generator);
	run_us(400);
	wire_init(&second, &clock);
	wire_set_transmitter(&second, 0, true);
	assert_int_equal(peer_create(&other, "sink", &clock, &second, 1, &why), 0);
}

static void close_second(void)
{
	peer_destroy(other);
	other = NULL;
	wire_destroy(&second);
}

static void test_sink_counts_what_is_right(void **state)
{
	struct peer_counts c;

	(void)state;
	open_second("generator dst=02:00:00:00:00:09 flows=3 count=30 mix=64:1,1518:1,777:1");
	for (unsigned i = 0; i < 30; i++)
		feed(i);
	c = counts(other);
	assert_int_equal(c.rx_checked, 30);
	assert_int_equal(c.rx_frames, 30);
	assert_int_equal(c.rx_bytes, 10 * (64 + 1518 + 777));
	assert_int_equal(c.rx_lost + c.rx_reordered + c.rx_duplicated + c.rx_corrupted, 0);
	assert_int_equal(c.rx_foreign + c.rx_errors + c.rx_too_late, 0);
	assert_true(c.latency_min_ps > 0 && c.latency_min_ps < c.latency_max_ps);
	assert_true(c.latency_sum_ps >= 30 * c.latency_min_ps);
	close_second();
}

static void test_sink_counts_order(void **state)
{
	static const unsigned order[] = { 0, 1, 4, 3, 3, 5, 9, 4, 9 };
	struct peer_counts c;

	(void)state;
	open_second("generator dst=02:00:00:00:00:09 count=10");
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		feed(order[i]);
	c = counts(other);
	assert_int_equal(c.rx_checked, 9);
	assert_int_equal(c.rx_lost, 4); /* 2, 6, 7, 8 */
	assert_int_equal(c.rx_reordered, 1);
	assert_int_equal(c.rx_duplicated, 3);
	feed(2);
	assert_int_equal(counts(other).rx_lost, 3);
	close_second();
}

/* A gap, then all that was missing from it, in order. */
static void test_sink_window(void **state)
{
	struct peer_counts c;

	(void)state;
	open_second("generator dst=02:00:00:00:00:09 count=500 size=100");
	feed(0);
	feed(499);
	assert_int_equal(counts(other).rx_lost, 498);
	for (unsigned i = 1; i < 499; i++)
		feed(i);
	c = counts(other);
	assert_int_equal(c.rx_lost, 0);
	assert_int_equal(c.rx_reordered, 498);
	close_second();
}

/* Gives frame i another sequence number, and mends pattern and checksum: UDP from RFC 768. */
static void renumber(unsigned i, uint32_t seq)
{
	uint8_t *d = got[i].data;
	unsigned udp_bytes = be16(d + L4 + 4), shift = seq - be32(d + PAYLOAD + 6);

	for (unsigned at = PAYLOAD + 18; at < got[i].len; at++)
		d[at] = (uint8_t)(d[at] + shift);
	set32(d + PAYLOAD + 6, seq);
	set16(d + L4 + 6, 0);
	set16(d + L4 + 6, ~ref_sum(ref_pseudo(d + L3, 17, udp_bytes), d + L4, udp_bytes) & 0xffff);
}

/* What came before a long gap must not be taken for what comes after it, and what is older than
 * the window is neither called a duplicate nor late. */
static void test_sink_long_gaps(void **state)
{
	struct peer_counts c;

	(void)state;
	open_second("generator dst=02:00:00:00:00:09 count=8 size=100");
	renumber(0, 5);
	renumber(1, 5 + 3 * 1024); /* the same place in the window */
	renumber(2, 2 * 1024 + 6); /* the oldest that it remembers */
	renumber(3, 2 * 1024 + 5);
	renumber(4, 5);
	renumber(5, 0xfffffff0); /* before the first one that there was */
	for (unsigned i = 0; i < 6; i++)
		feed(i);
	c = counts(other);
	assert_int_equal(c.rx_checked, 6);
	assert_int_equal(c.rx_corrupted, 0);
	assert_int_equal(c.rx_lost, 3 * 1024 + 6 - 2 - 1);
	assert_int_equal(c.rx_reordered, 1);
	assert_int_equal(c.rx_duplicated, 0);
	assert_int_equal(c.rx_too_late, 3);
	close_second();
}

static void test_sink_finds_damage(void **state)
{
	uint8_t whole[FRAME_MAX];

	(void)state;
	open_second("generator dst=02:00:00:00:00:09 count=1 size=200");
	memcpy(whole, got[0].data, got[0].len);
	for (unsigned i = 14; i < 196; i++) {
		struct peer_counts c;

		got[0].data[i] ^= 0x04;
		feed(0);
		memcpy(got[0].data, whole, got[0].len);
		c = counts(other);
		assert_int_equal(c.rx_checked, 0);
		assert_int_equal(c.rx_corrupted + c.rx_foreign, i - 13);
	}
	assert_true(counts(other).rx_foreign < 10); /* only where it no longer looks like ours */
	got[0].len--;
	feed(0);
	got[0].len++;
	wire_send(&second, 0, got[0].data, got[0].len, false);
	run_us(1);
	assert_int_equal(counts(other).rx_errors, 1);
	assert_int_equal(counts(other).rx_checked, 0);
	close_second();
}

static void test_generator_checks_what_an_echo_returns(void **state)
{
	struct peer_counts c;
	char text[1024] = "";
	FILE *out;

	(void)state;
	wire_set_transmitter(&wire, 0, false);
	assert_int_equal(peer_create(&other, "echo mac=02:00:00:00:00:09 ip=198.19.0.1", &clock,
				 &wire, 0, &why),
		0);
	create("generator dst=02:00:00:00:00:09 count=5000 flows=7 mix=64:7,594:4,1518:1");
	run_us(10000);
	c = counts(peer);
	assert_int_equal(c.tx_frames, 5000);
	assert_int_equal(c.rx_checked, 5000);
	assert_int_equal(c.rx_lost + c.rx_reordered + c.rx_corrupted, 0);
	assert_true(c.latency_min_ps >= 2 * WIRE_LATENCY_PS);
	out = fmemopen(text, sizeof(text), "w");
	peer_print_counts(peer, out);
	fclose(out);
	assert_non_null(strstr(text, "tx_frames 5000\n"));
	assert_non_null(strstr(text, "\nrx_checked 5000\n"));
	assert_non_null(strstr(text, "\nlatency_avg_ps "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_generator_frames),
		T(test_generator_rates),
		T(test_generator_mix),
		T(test_generator_waits_for_the_link),
		T(test_pause),
		T(test_pause_of_a_slow_generator),
		T(test_sink_counts_what_is_right),
		T(test_sink_counts_order),
		T(test_sink_window),
		T(test_sink_long_gaps),
		T(test_sink_finds_damage),
		T(test_generator_checks_what_an_echo_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
