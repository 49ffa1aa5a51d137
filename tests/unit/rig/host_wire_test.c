// sources: tests/rig/host_wire.c tests/rig/host_open.c tests/rig/words.c tests/rig/pacer.c tests/rig/profile.c tests/models/clock.c tests/models/wire.c tests/models/pcap.c
/* The end of a wire that leads to the host, by a UNIX socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/rig/host_open.h"
#include "tests/rig/host_wire.h"

#define LEN_BYTES 100

static struct clock the_clock;
static struct wire wire;
static struct pacer pacer;
static struct host_wire *host;
static char dir[] = "/tmp/rig-wire-XXXXXX", spec[2 * sizeof(dir) + 32];
static struct sockaddr_un rig_address, unused;
static int peer;
static unsigned nr_received;
static uint64_t received_ps;
static uint8_t frame[LEN_BYTES];
static uint32_t expected_bytes;

static void receive(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	(void)ctx;
	assert_true(fcs_ok);
	assert_int_equal(len_bytes, expected_bytes);
	assert_memory_equal(data, frame, expected_bytes);
	nr_received++;
	received_ps = clock_now(&the_clock);
}

static void signal_changed(void *ctx, bool present)
{
	(void)ctx;
	(void)present;
}

static const struct wire_end_ops ops = { receive, signal_changed };

static int set_up(void **state)
{
	char path[sizeof(dir) + 8], reason[WORDS_REASON_MAX];

	(void)state;
	strcpy(dir, "/tmp/rig-wire-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/peer", dir);
	peer = host_open_unix(path, &unused);
	assert_true(peer >= 0);
	rig_address.sun_family = AF_UNIX;
	snprintf(rig_address.sun_path, sizeof(rig_address.sun_path), "%s/rig", dir);
	clock_init(&the_clock, NULL, NULL);
	wire_init(&wire, &the_clock);
	pacer_init(&pacer);
	nr_received = 0;
	expected_bytes = LEN_BYTES;
	for (unsigned i = 0; i < LEN_BYTES; i++)
		frame[i] = (uint8_t)i;
	wire_attach(&wire, 0, &ops, NULL);
	snprintf(spec, sizeof(spec), *state ? "unix=%s/rig,%s/peer" : "unix=%s/rig", dir, dir);
	assert_true(host_wire_is(spec));
	return host_wire_create(&host, spec, &wire, 1, &pacer, reason);
}

static int tear_down(void **state)
{
	char path[sizeof(dir) + 8];

	(void)state;
	host_wire_destroy(host);
	wire_destroy(&wire);
	clock_destroy(&the_clock);
	close(peer);
	snprintf(path, sizeof(path), "%s/peer", dir);
	unlink(path);
	return rmdir(dir);
}

static void send_frames(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(sendto(peer, frame, LEN_BYTES, 0, (struct sockaddr *)&rig_address,
					 sizeof(rig_address)),
			LEN_BYTES);
}

static void test_nothing_runs_without_a_link(void **state)
{
	(void)state;
	assert_int_equal(clock_next(&the_clock), CLOCK_NEVER);
	send_frames(1);
	wire_set_transmitter(&wire, 0, true);
	assert_int_not_equal(clock_next(&the_clock), CLOCK_NEVER);
	wire_set_transmitter(&wire, 0, false);
	assert_int_equal(clock_next(&the_clock), CLOCK_NEVER);
	wire_set_transmitter(&wire, 0, true);
	clock_advance(&the_clock, CLOCK_PS_PER_MS);
	assert_int_equal(nr_received, 1);
}

static void test_in_at_wire_speed(void **state)
{
	uint64_t first_ps;

	(void)state;
	wire_set_transmitter(&wire, 0, true);
	send_frames(8);
	while (nr_received < 1)
		clock_advance(&the_clock, clock_next(&the_clock));
	first_ps = received_ps;
	clock_advance(&the_clock, CLOCK_PS_PER_MS);
	assert_int_equal(nr_received, 8);
	assert_int_equal(received_ps - first_ps, 7 * wire_time_ps(LEN_BYTES));
}

/* The host's stack leaves that to the MAC. */
static void test_short_frames_are_padded(void **state)
{
	(void)state;
	memset(frame + 42, 0, LEN_BYTES - 42);
	expected_bytes = WIRE_FRAME_MIN;
	wire_set_transmitter(&wire, 0, true);
	assert_int_equal(
		sendto(peer, frame, 42, 0, (struct sockaddr *)&rig_address, sizeof(rig_address)),
		42);
	clock_advance(&the_clock, CLOCK_PS_PER_MS);
	assert_int_equal(nr_received, 1);
}

/* Sending all the time does not keep it from listening. */
static void test_in_while_sending(void **state)
{
	(void)state;
	wire_set_transmitter(&wire, 0, true);
	send_frames(1);
	for (unsigned i = 0; i < 100; i++) {
		wire_send(&wire, 0, frame, LEN_BYTES, true);
		clock_advance(&the_clock, clock_now(&the_clock) + 5 * CLOCK_PS_PER_US);
	}
	assert_int_equal(nr_received, 1);
}

static void test_out(void **state)
{
	uint8_t got[LEN_BYTES + 1];

	wire_set_transmitter(&wire, 0, true);
	wire_send(&wire, 0, frame, LEN_BYTES, true);
	/* a damaged one does not get out */
	wire_send(&wire, 0, frame, LEN_BYTES, false);
	clock_advance(&the_clock, CLOCK_PS_PER_MS);
	if (!*state) {
		/* nobody is known yet */
		assert_true(recv(peer, got, sizeof(got), 0) < 0);
		send_frames(1);
		clock_advance(&the_clock, 2 * CLOCK_PS_PER_MS);
		wire_send(&wire, 0, frame, LEN_BYTES, true);
		clock_advance(&the_clock, 3 * CLOCK_PS_PER_MS);
	}
	assert_int_equal(recv(peer, got, sizeof(got), 0), LEN_BYTES);
	assert_memory_equal(got, frame, LEN_BYTES);
	assert_true(recv(peer, got, sizeof(got), 0) < 0);
}

static void test_looks_less_often_when_idle(void **state)
{
	unsigned nr = 0;

	(void)state;
	wire_set_transmitter(&wire, 0, true);
	while (clock_next(&the_clock) < 10 * CLOCK_PS_PER_MS) {
		clock_advance(&the_clock, clock_next(&the_clock));
		nr++;
	}
	assert_in_range(nr, 10, 50);
}

/* After a frame to the host, 20 ms of an idle machine take 20 ms, but for what it may be ahead. */
static void test_pace(void **state)
{
	struct timespec t0, t1;
	long ms;

	(void)state;
	wire_set_transmitter(&wire, 0, true);
	wire_send(&wire, 0, frame, LEN_BYTES, true);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (clock_now(&the_clock) < 20 * CLOCK_PS_PER_MS)
		clock_advance(&the_clock, clock_next(&the_clock));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	ms = (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000;
	assert_true(ms >= 17);
}

static void test_wrong_specifications(void **state)
{
	static const char *const wrong[] = { "unix=", "unix=/nonexistent/x", "tap=fd:99999",
		"tap=fd:x", "tap=a-name-that-is-too-long" };
	char reason[WORDS_REASON_MAX];
	struct host_wire *h;

	(void)state;
	assert_false(host_wire_is("echo"));
	wire_init(&wire, &the_clock);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(host_wire_create(&h, wrong[i], &wire, 1, &pacer, reason) < 0);
}

int main(void)
{
	static int fixed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_nothing_runs_without_a_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_at_wire_speed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_short_frames_are_padded, set_up, tear_down),
		cmocka_unit_test_prestate_setup_teardown(
			test_in_while_sending, set_up, tear_down, &fixed),
		cmocka_unit_test_setup_teardown(test_out, set_up, tear_down),
		cmocka_unit_test_prestate_setup_teardown(test_out, set_up, tear_down, &fixed),
		cmocka_unit_test_setup_teardown(test_looks_less_often_when_idle, set_up, tear_down),
		cmocka_unit_test_prestate_setup_teardown(test_pace, set_up, tear_down, &fixed),
		cmocka_unit_test(test_wrong_specifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
