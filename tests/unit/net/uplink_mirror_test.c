// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Mirroring with real devices: copies by reference to a guest, or out of an uplink; buffers come
 * back whoever is slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "uplink_bench.h"

#define NIC (&side[0].nic)

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];

static void init(enum port_mirror a, enum port_mirror b, enum port_mirror uplink)
{
	struct net_guest_conf guest[2] = {
		{ .policy = { .spoof_check = true, .mirror = a } },
		{ .policy = { .spoof_check = true, .mirror = b } },
	};
	struct bench_conf c = { .capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL },
		.guest = guest,
		.uplink = { { .mirror = uplink } } };

	bench_init(&c);
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
}

static void expect_frame(struct net_guest *g, uint32_t len_bytes)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(g, &h, got), len_bytes);
	assert_memory_equal(got, sent, len_bytes);
}

static void to_wire(uint32_t len_bytes)
{
	net_make_frame(sent, peer_mac[0], A->mac, len_bytes, len_bytes);
	assert_true(net_guest_send(A, NULL, sent, len_bytes, NULL) >= 0);
	net_guest_kick(A, NET_TX);
	bench_run();
}

static void from_wire(const uint8_t *to, uint32_t len_bytes)
{
	net_make_frame(sent, to, peer_mac[0], len_bytes, len_bytes);
	assert_true(fake_nic_receive(NIC, 0, sent, len_bytes, NULL));
	bench_run();
}

/* What crosses the uplink, both ways, is seen by guest B. */
static void test_uplink_is_mirrored(void **state)
{
	(void)state;
	init(MIRROR_NONE, MIRROR_PORT, MIRROR_BOTH);
	from_wire(A->mac, 1000);
	expect_frame(A, 1000);
	expect_frame(B, 1000);
	to_wire(700);
	expect_frame(B, 700);
	assert_int_equal(fake_nic_transmit(NIC, 0, 9), 1);
	assert_int_equal(NIC->sent[0].len_bytes, 700);
	assert_memory_equal(NIC->sent[0].bytes, sent, 700);
	bench_run();
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(B->net->port.counters.tx_frames, 2);
}

/* The uplink is the mirror port: copies of A's frames go out, and nothing of the wire comes in. */
static void test_uplink_is_the_mirror(void **state)
{
	(void)state;
	init(MIRROR_RX, MIRROR_NONE, MIRROR_PORT);
	net_make_frame(sent, B->mac, A->mac, 900, 3);
	assert_true(net_guest_send(A, NULL, sent, 900, NULL) >= 0);
	net_guest_kick(A, NET_TX);
	bench_run();
	expect_frame(B, 900);
	assert_int_equal(net_guest_reap(A), 0); /* the NIC has it still */
	assert_int_equal(fake_nic_transmit(NIC, 0, 9), 1);
	assert_memory_equal(NIC->sent[0].bytes, sent, 900);
	bench_run();
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(side[0].up.pair[0]->tx.stats.bounced, 0);
	from_wire(A->mac, 100);
	assert_int_equal(net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got), -1);
	assert_int_equal(bench_drops(0, DROP_MIRROR_PORT), 1);
}

/* A listener that gives no buffers holds frames for a while, and then only loses its own. */
static void test_listener_without_buffers(void **state)
{
	unsigned to_a = 0;

	(void)state;
	init(MIRROR_BOTH, MIRROR_PORT, MIRROR_NONE);
	A->repost = true;
	for (unsigned i = 0; i < 1000; i++) {
		world.now_us += 1000;
		from_wire(A->mac, 500);
		to_a += net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got) == 500;
		if (i % 10 == 9)
			virtio_net_housekeeping(B->net, world.now_us);
		bench_run();
	}
	assert_int_equal(to_a, 1000);
	assert_int_equal(B->net->port.counters.tx_frames, 100);
	assert_true(bench_drops(0, DROP_NO_BUFFER) > 0);
	assert_int_equal(A->net->port.counters.drops[DROP_QUEUE_FULL], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_teardown(t, bench_teardown)
		TEST(test_uplink_is_mirrored),
		TEST(test_uplink_is_the_mirror),
		TEST(test_listener_without_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
