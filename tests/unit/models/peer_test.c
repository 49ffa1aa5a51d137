// sources: tests/models/peer.c tests/models/peer_config.c tests/models/peer_echo.c tests/models/peer_generator.c tests/models/peer_sink.c tests/models/wire.c tests/models/pcap.c tests/models/clock.c
/* Peers: their specification, and what the echo answers. */
#include "peer_fixture.h"

/* ---- Specification ---- */

static void test_wrong_specifications(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"mirror",
		"echo",
		"echo ip=10.0.0.1",
		"echo mac=02:00:00:00:00",
		"echo mac=02:00:00:00:00:0g",
		"echo mac=02-00-00-00-00-01",
		"echo mac=03:00:00:00:00:01",
		"echo mac=02:00:00:00:00:01 ip=10.0.0",
		"echo mac=02:00:00:00:00:01 ip=10.0.0.256",
		"echo mac=02:00:00:00:00:01 ip=10.0.0.1.",
		"echo mac=02:00:00:00:00:01 mac=02:00:00:00:00:01",
		"echo mac",
		"sink pps=1",
		"generator",
		"generator pps=1",
		"generator dst=02:00:00:00:00:01 pps=0",
		"generator dst=02:00:00:00:00:01 pps=1 mbit=1",
		"generator dst=02:00:00:00:00:01 size=63",
		"generator dst=02:00:00:00:00:01 size=16133",
		"generator dst=02:00:00:00:00:01 size=",
		"generator dst=02:00:00:00:00:01 size=64x",
		"generator dst=02:00:00:00:00:01 mix=64:7,",
		"generator dst=02:00:00:00:00:01 mix=64",
		"generator dst=02:00:00:00:00:01 mix=64:0",
		"generator dst=02:00:00:00:00:01 mix=64:1,65:1,66:1,67:1,68:1,69:1,70:1,71:1,72:1",
		"generator dst=02:00:00:00:00:01 flows=1025",
		"generator dst=02:00:00:00:00:01 count=18446744073709551616",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why = NULL;
		assert_int_equal(peer_create(&peer, wrong[i], &clock, &wire, 1, &why), -22);
		assert_null(peer);
		assert_non_null(why);
	}
	create(" generator  dst=FF:ff:ff:ff:ff:ff mix=64:7,594:4,16132:1 mbit=10000 flows=1024"
	       " count=18446744073709551615 start_us=5 ip_src=1.2.3.4 ip_dst=255.255.255.255 ");
}

static void test_long_word(void **state)
{
	char spec[300] = "echo mac=";

	(void)state;
	memset(spec + 9, '0', 200);
	assert_int_equal(peer_create(&peer, spec, &clock, &wire, 1, &why), -22);
	assert_string_equal(why, "a word is too long");
}

/* ---- Echo ---- */

static void exchange(uint32_t len)
{
	wire_send(&wire, 0, frame, len, true);
	run_us(10);
}

/* An IPv4 packet from 10.0.0.1 to 10.0.0.9 at `ip`, but for what follows its header. */
static void put_ipv4(uint8_t *ip, unsigned proto, unsigned l4_len, unsigned fragment)
{
	ip[0] = 0x45;
	set16(ip + 2, 20 + l4_len);
	set16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	set32(ip + 12, 0x0a000001);
	set32(ip + 16, 0x0a000009);
	set16(ip + 10, ~ref_sum(0, ip, 20) & 0xffff);
}

static void test_echo_returns_frames(void **state)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 },
			     group[6] = { 1, 0, 0x5e, 0, 0, 1 };

	(void)state;
	create("echo mac=02:00:00:00:00:01");
	begin(its, 0x88b5); /* local experimental: IEEE 802 */
	frame[100] = 0x77;
	exchange(101);
	assert_int_equal(nr_got, 1);
	assert_int_equal(got[0].len, 101);
	assert_memory_equal(got[0].data, ours, 6);
	assert_memory_equal(got[0].data + 6, its, 6);
	assert_memory_equal(got[0].data + 12, frame + 12, 101 - 12);
	begin(all, 0x88b5);
	exchange(60);
	assert_memory_equal(got[1].data + 6, its, 6); /* never a group address as a source */
	begin(group, 0x88b5);
	exchange(60);
	begin(ours, 0x88b5);
	exchange(60);
	assert_int_equal(nr_got, 2);
	assert_int_equal(counts(peer).ignored, 2);
	wire_send(&wire, 0, frame, 60, false);
	exchange(59);
	assert_int_equal(counts(peer).rx_errors, 2);
	assert_int_equal(counts(peer).tx_bytes, 105 + 64);
	assert_int_equal(nr_got, 2);
}

/* RFC 826 */
static void test_echo_answers_arp(void **state)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };

	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	for (unsigned tag = 0; tag <= 4; tag += 4) {
		uint8_t *arp = frame + L3 + tag, *reply = got[nr_got].data;

		begin(all, tag ? 0x8100 : 0x0806);
		set16(frame + 12 + tag, 0x0806);
		frame[15] = tag ? 5 : 0;
		memcpy(arp, "\0\1\10\0\6\4\0\1", 8);
		memcpy(arp + 8, ours, 6);
		set32(arp + 14, 0x0a000001);
		set32(arp + 24, 0x0a000009);
		exchange(60);
		assert_memory_equal(reply, ours, 6);
		assert_memory_equal(reply + 6, its, 6);
		assert_memory_equal(reply + 12, frame + 12, 2 + tag);
		assert_memory_equal(reply + L3 + tag, "\0\1\10\0\6\4\0\2", 8);
		assert_memory_equal(reply + L3 + tag + 8, its, 6);
		assert_int_equal(be32(reply + L3 + tag + 14), 0x0a000009);
		assert_memory_equal(reply + L3 + tag + 18, ours, 6);
		assert_int_equal(be32(reply + L3 + tag + 24), 0x0a000001);
	}
	set32(frame + L3 + 4 + 24, 0x0a00000a); /* somebody else's: returned as it is */
	exchange(60);
	assert_int_equal(be16(got[2].data + L3 + 4 + 6), 1);
}

/* RFC 792; every length, odd ones too, and every remainder of the checksum's sum. */
static void test_echo_answers_ping(void **state)
{
	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	for (unsigned len = 8; len < 300; len++) {
		uint8_t *icmp = frame + L4, *reply = got[nr_got].data;

		begin(its, 0x0800);
		put_ipv4(frame + L3, 1, len, 0);
		icmp[0] = 8;
		for (unsigned i = 8; i < len; i++)
			icmp[i] = (uint8_t)(i * len);
		set16(icmp + 6, len);
		set16(icmp + 2, ~ref_sum(0, icmp, len) & 0xffff);
		exchange(L4 + len < 60 ? 60 : L4 + len);
		assert_int_equal(reply[L4], 0);
		assert_int_equal(ref_sum(0, reply + L4, len), 0xffff);
		assert_int_equal(ref_sum(0, reply + L3, 20), 0xffff);
		assert_int_equal(be32(reply + L3 + 12), 0x0a000009);
		assert_int_equal(be32(reply + L3 + 16), 0x0a000001);
		assert_memory_equal(reply + L4 + 4, icmp + 4, len - 4);
	}
}

/* The type and its effect on the checksum are in the first fragment only. */
static void test_echo_answers_fragments(void **state)
{
	uint8_t message[200] = { 8 }, answer[200];

	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	for (unsigned i = 4; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 3);
	message[96] = 8; /* looks like a request at the second fragment's beginning */
	set16(message + 2, ~ref_sum(0, message, sizeof(message)) & 0xffff);
	begin(its, 0x0800);
	put_ipv4(frame + L3, 1, 96, 0x2000);
	memcpy(frame + L4, message, 96);
	exchange(L4 + 96);
	begin(its, 0x0800);
	put_ipv4(frame + L3, 1, 104, 96 / 8);
	memcpy(frame + L4, message + 96, 104);
	exchange(L4 + 104);
	memcpy(answer, got[0].data + L4, 96);
	memcpy(answer + 96, got[1].data + L4, 104);
	assert_int_equal(answer[0], 0);
	assert_int_equal(ref_sum(0, answer, sizeof(answer)), 0xffff);
	assert_memory_equal(answer + 4, message + 4, sizeof(answer) - 4);
	assert_int_equal(be32(got[1].data + L3 + 16), 0x0a000001);
}

static void test_echo_answers_udp(void **state)
{
	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	begin(its, 0x0800);
	put_ipv4(frame + L3, 17, 30, 0);
	set16(frame + L4, 5555);
	set16(frame + L4 + 2, 7);
	set16(frame + L4 + 4, 30);
	set16(frame + L4 + 6, ~ref_sum(ref_pseudo(frame + L3, 17, 30), frame + L4, 30) & 0xffff);
	exchange(L4 + 30);
	assert_int_equal(be16(got[0].data + L4), 7);
	assert_int_equal(be16(got[0].data + L4 + 2), 5555);
	assert_int_equal(
		ref_sum(ref_pseudo(got[0].data + L3, 17, 30), got[0].data + L4, 30), 0xffff);
}

/* Not right, or not for it: returned as any frame. */
static void test_echo_leaves_other_packets_alone(void **state)
{
	static const struct {
		unsigned off, value;
	} change[] = {
		{ L3, 0x65 },
		{ L3, 0x44 },
		{ L3, 0x4f },
		{ L3 + 2, 0xff },
		{ L3 + 3, 10 },
		{ L3 + 10, 0 },
		{ L3 + 9, 6 },
		{ L3 + 19, 8 },
		{ L4, 0 },
		{ L4, 3 },
	};

	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		begin(its, 0x0800);
		put_ipv4(frame + L3, 1, 26, 0);
		frame[L4] = 8;
		frame[change[i].off] = (uint8_t)change[i].value;
		exchange(60);
		assert_memory_equal(got[i].data + 12, frame + 12, 48);
	}
}

/* Frames leave no faster than the wire allows, and wait in order. */
static void test_echo_queue(void **state)
{
	(void)state;
	create("echo mac=02:00:00:00:00:01");
	begin(its, 0x88b5);
	for (unsigned i = 0; i < PEER_ECHO_FRAMES + 10; i++) {
		frame[20] = (uint8_t)i;
		wire_send(&wire, 0, frame, 1000, true);
	}
	run_us(400);
	assert_int_equal(nr_got, PEER_ECHO_FRAMES);
	assert_int_equal(counts(peer).dropped, 10);
	for (unsigned i = 1; i < nr_got; i++) {
		assert_int_equal(got[i].data[20], i & 0xff);
		assert_int_equal(got[i].at_ps - got[i - 1].at_ps, wire_time_ps(1000));
	}
	wire_send(&wire, 0, frame, 1000, true);
	wire_send(&wire, 0, frame, 1000, true);
	clock_advance(&clock, clock_now(&clock) + WIRE_LATENCY_PS);
	wire_set_plugged(&wire, false); /* what waited is gone */
	assert_int_equal(counts(peer).dropped, 12);
	wire_set_plugged(&wire, true);
	run_us(10);
	assert_int_equal(nr_got, PEER_ECHO_FRAMES);
}

static void test_noise_is_survived(void **state)
{
	(void)state;
	create("echo mac=02:00:00:00:00:01 ip=10.0.0.9");
	srandom(3);
	for (unsigned i = 0; i < 20000; i++) {
		begin(its, (random() % 2) ? 0x0800 : 0x8100);
		put_ipv4(frame + L3 + (random() % 2) * 4, random() % 2 ? 1 : 17,
			(unsigned)random() % 50, (unsigned)random() & random() & 0xffff);
		for (unsigned n = (unsigned)random() % 4; n; n--)
			frame[12 + random() % 60] = (uint8_t)random();
		wire_send(&wire, 0, frame, 14 + (uint32_t)random() % 60, true);
		run_us(1);
		nr_got = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_wrong_specifications),
		T(test_long_word),
		T(test_echo_returns_frames),
		T(test_echo_answers_arp),
		T(test_echo_answers_ping),
		T(test_echo_answers_fragments),
		T(test_echo_answers_udp),
		T(test_echo_leaves_other_packets_alone),
		T(test_echo_queue),
		T(test_noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
