// sources: @virtio_net @net_guest tests/support/cpu_copy.c
/* Segments that wait for a guest one behind the other reach it as one (frame_join.h), and each is
 * counted: delivered, or dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net_guest.h"
#include "packets.h"

#define BASE                                                                                       \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC |                        \
		VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define TSO (BASE | VIRTIO_NET_F_GUEST_TSO4)

#define A (&world.guest[0])
#define B (&world.guest[1])

#define MSS	 1448
#define SEGMENTS 5
#define HEADERS	 66

static uint8_t sent[SEGMENTS][HEADERS + MSS], got[NET_FRAME_MAX];

static int setup(void **state)
{
	(void)state;
	net_world_init(2, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(net_world_run());
	assert_true(net_world_balanced());
	net_world_free();
	return 0;
}

static void start(uint64_t receiver)
{
	assert_int_equal(net_guest_start(A, BASE, 256), 0);
	assert_int_equal(net_guest_start(B, receiver, 256), 0);
	assert_true(net_world_run());
}

/* One batch, as a guest without TSO sends it. */
static void send_segments(void)
{
	struct virtio_net_hdr h = {
		.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16
	};
	struct net_layout layout = { .nr = 1, .len_bytes = { 12 + HEADERS } };

	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct tcp_packet t = {
			.vlan = -1, .flags = 0x10, .tcp_options = 12, .payload = MSS, .seq = i * MSS
		};
		uint8_t *f = sent[i];

		packet_build(&t, f, i);
		memcpy(f, B->mac, 6);
		memcpy(f + 6, A->mac, 6);
		/* what packet_build() fills at random is the same in a stream */
		for (unsigned k = 14; k < HEADERS; k++)
			f[k] = (uint8_t)(k >= 38 && k < 42 ? f[k] : sent[0][k]);
		set16(f + 24, 0);
		set16(f + 24, ~ref_sum(0, f + 14, 20) & 0xffff);
		assert_true(net_guest_send(A, &h, f, HEADERS + MSS, &layout) >= 0);
	}
	net_guest_kick(A, NET_TX);
	assert_true(net_world_run());
}

static void expect_joined(void)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(B, &h, got), HEADERS + SEGMENTS * MSS);
	assert_int_equal(h.gso_type, VNET_HDR_GSO_TCPV4);
	assert_int_equal(h.gso_size, MSS);
	assert_int_equal(h.hdr_len, HEADERS);
	assert_int_equal(h.flags, VNET_HDR_F_NEEDS_CSUM);
	for (unsigned i = 0; i < SEGMENTS; i++)
		assert_memory_equal(got + HEADERS + i * MSS, sent[i] + HEADERS, MSS);
	assert_int_equal(net_guest_receive(B, &h, got), -1);
	assert_int_equal(net_guest_reap(A), SEGMENTS);
	assert_int_equal(B->net->port.counters.tx_frames, SEGMENTS);
	assert_int_equal(B->net->port.counters.tx_bytes, SEGMENTS * (HEADERS + MSS));
	assert_int_equal(B->net->port.counters.tx_joined, SEGMENTS - 1);
	assert_int_equal(B->net->port.counters.tx_joined_bytes, (SEGMENTS - 1) * HEADERS);
}

static void test_joined(void **state)
{
	(void)state;
	start(TSO);
	net_guest_post_rx(B, 100, 1600);
	send_segments();
	expect_joined();
}

static void test_as_they_are(void **state)
{
	struct virtio_net_hdr h;

	(void)state;
	start(BASE);
	net_guest_post_rx(B, 100, 1600);
	send_segments();
	for (unsigned i = 0; i < SEGMENTS; i++) {
		assert_int_equal(net_guest_receive(B, &h, got), HEADERS + MSS);
		assert_int_equal(h.gso_type, VNET_HDR_GSO_NONE);
		assert_memory_equal(got, sent[i], HEADERS + MSS);
	}
	assert_int_equal(net_guest_reap(A), SEGMENTS);
}

/* Joined before there are buffers for it. */
static void test_waits(void **state)
{
	struct virtio_net_hdr h;

	(void)state;
	start(TSO);
	net_guest_post_rx(B, 2, 1600);
	send_segments();
	assert_int_equal(net_guest_receive(B, &h, got), -1);
	assert_int_equal(net_guest_reap(A), 0);
	net_guest_post_rx(B, 10, 1600);
	net_guest_kick(B, NET_RX);
	assert_true(net_world_run());
	expect_joined();
}

static void test_dropped(void **state)
{
	(void)state;
	start(TSO);
	net_guest_post_rx(B, 2, 1600);
	send_segments();
	virtio_driver_reset(&B->drv);
	assert_true(net_world_run());
	assert_int_equal(net_world_drops(DROP_LINK_DOWN), SEGMENTS);
	assert_int_equal(net_guest_reap(A), SEGMENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
