// sources: tests/models/wire.c tests/models/clock.c tests/models/pcap.c
/* The wire: pacing arithmetic, order, signal, loss and damage, capture files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/models/pcap.h"
#include "tests/models/wire.h"

struct end {
	unsigned index;
	struct {
		uint8_t first;
		uint32_t len_bytes;
		bool fcs_ok;
		uint64_t at_ps;
	} frame[8];
	unsigned nr_frames, nr_signals;
	bool signal;
	bool echoes, unplugs;
};

static struct clock clock;
static struct wire wire;
static struct end end[2];
static uint8_t data[WIRE_FRAME_MAX + 1];

static void receive(void *ctx, const uint8_t *bytes, uint32_t len_bytes, bool fcs_ok)
{
	struct end *e = ctx;
	unsigned i = e->nr_frames++ % 8;

	e->frame[i].first = bytes[0];
	e->frame[i].len_bytes = len_bytes;
	e->frame[i].fcs_ok = fcs_ok;
	e->frame[i].at_ps = clock_now(&clock);
	if (e->echoes)
		wire_send(&wire, e->index, bytes, len_bytes, true);
	if (e->unplugs)
		wire_set_plugged(&wire, false);
}

static void signal(void *ctx, bool present)
{
	struct end *e = ctx;

	e->signal = present;
	e->nr_signals++;
}

static const struct wire_end_ops ops = { receive, signal };

static int setup(void **state)
{
	(void)state;
	clock_init(&clock, NULL, NULL);
	wire_init(&wire, &clock);
	memset(end, 0, sizeof(end));
	for (unsigned i = 0; i < 2; i++) {
		end[i].index = i;
		wire_attach(&wire, i, &ops, &end[i]);
		wire_set_transmitter(&wire, i, true);
	}
	memset(data, 0, sizeof(data));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_destroy(&wire);
	clock_destroy(&clock);
	return 0;
}

static void send(unsigned from, uint8_t first, uint32_t len_bytes)
{
	data[0] = first;
	wire_send(&wire, from, data, len_bytes, true);
}

/* IEEE 802.3 clause 4: 7 bytes of preamble, start delimiter, at least 64 bytes, 96 bits of gap;
 * 14.88 million of the smallest frames and 812,744 of 1518 bytes a second at 10 Gbit/s. */
static void test_time_of_a_frame(void **state)
{
	(void)state;
	assert_int_equal(wire_time_ps(60), 67200);
	assert_int_equal(wire_time_ps(14), 67200);
	assert_int_equal(wire_time_ps(1514), 1230400);
	assert_int_equal(CLOCK_PS_PER_S / wire_time_ps(60), 14880952);
	assert_int_equal(CLOCK_PS_PER_S / wire_time_ps(1514), 812743);
}

static void test_latency_and_order(void **state)
{
	(void)state;
	send(0, 1, 60);
	clock_advance(&clock, 10000);
	send(0, 2, 61);
	send(1, 3, 62);
	clock_advance(&clock, WIRE_LATENCY_PS - 1);
	assert_int_equal(end[1].nr_frames, 0);
	clock_advance(&clock, 1000000);
	assert_int_equal(end[1].nr_frames, 2);
	assert_int_equal(end[1].frame[0].first, 1);
	assert_int_equal(end[1].frame[0].at_ps, WIRE_LATENCY_PS);
	assert_int_equal(end[1].frame[1].first, 2);
	assert_int_equal(end[1].frame[1].at_ps, WIRE_LATENCY_PS + 10000);
	assert_int_equal(end[0].frame[0].len_bytes, 62);
	assert_int_equal(wire.end[0].nr_frames, 2);
	assert_int_equal(wire.end[0].nr_bytes, 121);
	assert_int_equal(wire.end[0].nr_lost + wire.end[1].nr_lost, 0);
}

static void test_nobody_overtakes(void **state)
{
	(void)state;
	wire.latency_ps = 1000000;
	send(0, 1, 60);
	wire.latency_ps = 10;
	send(0, 2, 60);
	clock_advance(&clock, 999999);
	assert_int_equal(end[1].nr_frames, 0);
	clock_advance(&clock, 1000000);
	assert_int_equal(end[1].frame[0].first, 1);
	assert_int_equal(end[1].frame[1].first, 2);
}

static void test_send_from_receive(void **state)
{
	(void)state;
	end[1].echoes = true;
	send(0, 7, 60);
	clock_advance(&clock, 10 * WIRE_LATENCY_PS);
	assert_int_equal(end[0].nr_frames, 1);
	assert_int_equal(end[0].frame[0].at_ps, 2 * WIRE_LATENCY_PS);
}

static void test_signal(void **state)
{
	(void)state;
	/* end 0 was there before the other's transmitter came on, end 1 after that */
	assert_int_equal(end[0].nr_signals, 2);
	assert_int_equal(end[1].nr_signals, 1);
	assert_true(end[0].signal);
	assert_true(end[1].signal);
	wire_set_transmitter(&wire, 0, true); /* no change */
	assert_int_equal(end[1].nr_signals, 1);
	wire_set_transmitter(&wire, 0, false);
	assert_false(end[1].signal);
	assert_true(end[0].signal);
	wire_set_plugged(&wire, false);
	assert_false(end[0].signal);
	assert_int_equal(end[1].nr_signals, 2); /* one for both reasons */
	wire_set_transmitter(&wire, 0, true);
	assert_false(end[1].signal);
	wire_set_plugged(&wire, true);
	assert_true(end[0].signal);
	assert_true(end[1].signal);
	wire_attach(&wire, 1, &ops, &end[1]);
	assert_int_equal(end[1].nr_signals, 4);
	assert_true(end[1].signal);
}

static void test_losses(void **state)
{
	(void)state;
	send(0, 1, 60);
	wire_set_plugged(&wire, false); /* under way */
	send(0, 2, 60);
	wire_set_plugged(&wire, true);
	wire_set_transmitter(&wire, 0, false);
	send(0, 3, 60);
	wire_set_transmitter(&wire, 0, true);
	send(0, 4, WIRE_FRAME_MAX + 1);
	send(0, 5, 0);
	send(0, 6, WIRE_FRAME_MAX);
	clock_advance(&clock, 1000000);
	assert_int_equal(end[1].nr_frames, 1);
	assert_int_equal(end[1].frame[0].first, 6);
	assert_int_equal(wire.end[0].nr_frames, 6);
	assert_int_equal(wire.end[0].nr_lost, 5);
	wire_attach(&wire, 1, NULL, NULL);
	send(0, 7, 60);
	clock_advance(&clock, 2000000);
	assert_int_equal(wire.end[0].nr_lost, 6);
}

static void test_unplug_from_receive(void **state)
{
	(void)state;
	end[1].unplugs = true;
	send(0, 1, 60);
	send(0, 2, 60);
	clock_advance(&clock, 1000000);
	assert_int_equal(end[1].nr_frames, 1);
	assert_int_equal(wire.end[0].nr_lost, 1);
	assert_false(end[1].signal);
}

static void test_damage(void **state)
{
	(void)state;
	wire.damage_fcs = 1;
	wire.damage_length = 1;
	send(0, 1, 1514);
	send(0, 2, 1514);
	send(0, 3, 1514);
	clock_advance(&clock, 1000000);
	assert_false(end[1].frame[0].fcs_ok);
	assert_int_equal(end[1].frame[0].len_bytes, 1514);
	assert_true(end[1].frame[1].len_bytes < 60);
	assert_true(end[1].frame[2].fcs_ok);
	assert_int_equal(end[1].frame[2].len_bytes, 1514);
	wire_send(&wire, 0, data, 60, false); /* wrong from the start */
	clock_advance(&clock, 2000000);
	assert_false(end[1].frame[3].fcs_ok);
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* pcap-savefile(5) */
static void test_capture(void **state)
{
	char path[] = "/tmp/wire_test.XXXXXX";
	uint8_t file[256];
	size_t len;
	FILE *in;

	(void)state;
	close(mkstemp(path));
	wire.end[0].pcap = pcap_file_open(path);
	assert_non_null(wire.end[0].pcap);
	clock_advance(&clock, 3 * CLOCK_PS_PER_S + 7 * CLOCK_PS_PER_NS + 999);
	send(0, 0x42, 60);
	send(1, 0x43, 60); /* the other direction is not captured */
	assert_int_equal(pcap_file_close(wire.end[0].pcap), 0);
	in = fopen(path, "rb");
	len = fread(file, 1, sizeof(file), in);
	fclose(in);
	unlink(path);
	assert_int_equal(len, 24 + 16 + 60);
	assert_int_equal(word(file), 0xa1b23c4d); /* nanoseconds */
	assert_int_equal(word(file + 4), 2 | 4 << 16);
	assert_int_equal(word(file + 20), 1); /* LINKTYPE_ETHERNET */
	assert_int_equal(word(file + 24), 3);
	assert_int_equal(word(file + 28), 7);
	assert_int_equal(word(file + 32), 60);
	assert_int_equal(word(file + 36), 60);
	assert_int_equal(file[40], 0x42);
	assert_null(pcap_file_open("/nonexistent/file"));
	assert_int_equal(pcap_file_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_time_of_a_frame),
		T(test_latency_and_order),
		T(test_nobody_overtakes),
		T(test_send_from_receive),
		T(test_signal),
		T(test_losses),
		T(test_unplug_from_receive),
		T(test_damage),
		T(test_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
