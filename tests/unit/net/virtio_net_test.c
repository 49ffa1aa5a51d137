// sources: @virtio_net @net_guest tests/support/cpu_copy.c
/* virtio-net devices on a switch, driven through their PCI registers: negotiation, frames of every
 * size and layout, segments cut and uncut, push-back, starvation, reset in flight, hostile rings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/virtio_net_ctrl.h"
#include "net_guest.h"

#define BASE  (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define MERGE VIRTIO_NET_F_MRG_RXBUF
#define SUMS  (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define TSO                                                                                        \
	(SUMS | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 |        \
		VIRTIO_NET_F_GUEST_TSO6)
#define CTRL                                                                                       \
	(VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_VLAN |                    \
		VIRTIO_NET_F_CTRL_MAC_ADDR)

#define A (&world.guest[0])
#define B (&world.guest[1])

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];

static int setup(void **state)
{
	(void)state;
	net_world_init(2, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_world_run();
	assert_true(net_world_balanced());
	net_world_free();
	return 0;
}

static void start_both(uint64_t features)
{
	assert_int_equal(net_guest_start(A, features, 256), 0);
	assert_int_equal(net_guest_start(B, features, 256), 0);
	assert_true(net_world_run());
}

static void run(void)
{
	assert_true(net_world_run());
}

static void send_frame(struct net_guest *from, struct net_guest *to, uint32_t len, unsigned seed)
{
	net_make_frame(sent, to->mac, from->mac, len, seed);
	assert_true(net_guest_send(from, NULL, sent, len, NULL) >= 0);
}

static void expect_frame(struct net_guest *at, const uint8_t *frame, int len)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(at, &h, got), len);
	assert_memory_equal(got, frame, len);
}

static void expect_nothing(struct net_guest *at)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(at, &h, got), -1);
}

static void test_negotiation(void **state)
{
	struct net_guest_conf conf[2] = { { .features_off = VIRTIO_NET_F_CSUM,
						  .policy.spoof_check = true },
		{ .features_off = VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_GUEST_TSO4 |
				  VIRTIO_NET_F_GUEST_TSO6,
			.policy.spoof_check = true,
			.mtu = 9000 } };

	assert_int_equal(net_guest_start(A, BASE | TSO | MERGE | CTRL, 256), 0);
	assert_true((A->drv.offered & (BASE | TSO | MERGE | CTRL)) == (BASE | TSO | MERGE | CTRL));
	assert_int_equal(machine_read(&A->memory, A->drv.device + 8, 2), 1); /* one pair */
	assert_int_equal(net_guest_start(A, BASE | VIRTIO_NET_F_HOST_TSO4, 256), -1);
	assert_int_equal(net_guest_start(A, BASE | VIRTIO_NET_F_GUEST_TSO6, 256), -1);
	assert_int_equal(net_guest_start(A, BASE | VIRTIO_NET_F_CTRL_RX, 256), -1);
	assert_int_equal(net_guest_start(A, BASE | VIRTIO_NET_F_MQ, 256), -1);
	assert_int_equal(net_guest_start(A, BASE | VIRTIO_F_RING_PACKED, 256), -1);
	assert_int_equal(net_guest_start(A, BASE & ~VIRTIO_F_VERSION_1, 256), -1);
	assert_int_equal(net_guest_start(A, BASE, 256), 0);
	teardown(state);

	net_world_init(2, conf);
	assert_int_equal(net_guest_start(A, BASE, 256), 0);
	assert_int_equal(A->drv.offered & (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |
						  VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN),
		0);
	assert_int_equal(net_guest_start(B, BASE, 256), 0);
	assert_int_equal(B->drv.offered & (CTRL | VIRTIO_NET_F_GUEST_ECN), 0);
	assert_int_equal(machine_read(&B->memory, B->drv.device + 10, 2), 9000);
	assert_int_equal(machine_read(&B->memory, B->drv.device + 6, 2), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(machine_read(&B->memory, B->drv.device + 4, 2), 0x0200);
}

static void all_sizes(uint64_t features, uint32_t buffer, const struct net_layout *layout)
{
	struct virtio_net_hdr h;

	start_both(features);
	net_guest_post_rx(B, 250, buffer);
	for (uint32_t len = 14; len <= 1514; len++) {
		net_make_frame(sent, B->mac, A->mac, len, len);
		assert_true(net_guest_send(A, NULL, sent, len, layout) >= 0);
		net_guest_kick(A, NET_TX);
		run();
		assert_int_equal(net_guest_receive(B, &h, got), len);
		assert_memory_equal(got, sent, len);
		assert_int_equal(h.num_buffers, (12 + len + buffer - 1) / buffer);
		assert_int_equal(h.flags | h.gso_type, 0);
		net_guest_kick(B, NET_RX);
		net_guest_reap(A);
	}
	expect_nothing(B);
	assert_int_equal(A->drv.ring[NET_TX].nr_free, 256);
}

static void test_sizes(void **state)
{
	static const struct net_layout layouts[] = {
		{ 0 }, { 1, { 12 }, false },	  /* the header alone */
		{ 2, { 5, 7 }, true },		  /* split */
		{ 3, { 12, 14, 20 }, true },	  /* protocol by protocol */
		{ 4, { 10, 3, 70, 100 }, false }, /* across the head's end */
		{ 1, { 76 }, false },		  /* header and head, exactly */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++)
		all_sizes(BASE | (i & 1 ? MERGE : 0), 1600, &layouts[i]);
	all_sizes(BASE | MERGE, 100, &layouts[4]); /* up to 16 buffers a frame */
	all_sizes(VIRTIO_F_VERSION_1, 1526, NULL); /* just large enough, no events */
}

/* A TCP/IPv4 segment of that length; only what the device looks at is right. */
static void make_segment(uint32_t len, struct virtio_net_hdr *h, uint16_t gso_size)
{
	net_make_frame(sent, B->mac, A->mac, len, 3);
	memcpy(sent + 12, (uint8_t[]){ 8, 0, 0x45, 0 }, 4);
	sent[16] = (uint8_t)((len - 14) >> 8);
	sent[17] = (uint8_t)(len - 14);
	memcpy(sent + 20, (uint8_t[]){ 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 }, 14);
	sent[46] = 0x50; /* 20 bytes of header */
	sent[47] = 0x18; /* PSH ACK */
	*h = (struct virtio_net_hdr){ .flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = VNET_HDR_GSO_TCPV4,
		.hdr_len = 54,
		.gso_size = gso_size,
		.csum_start = 34,
		.csum_offset = 16 };
}

static void send_segment(uint32_t len, struct virtio_net_hdr *h)
{
	/* As Linux: headers, then page fragments. */
	struct net_layout layout = { .indirect = true, .nr = 16 };

	make_segment(len, h, 1448);
	layout.len_bytes[0] = 12 + 66;
	for (unsigned i = 1; i < 16; i++)
		layout.len_bytes[i] = 4096;
	assert_true(net_guest_send(A, h, sent, len, &layout) >= 0);
	net_guest_kick(A, NET_TX);
	run();
}

static void uncut(uint64_t features, uint32_t buffer, unsigned nr)
{
	struct virtio_net_hdr h, r;
	uint32_t len = 65535 + 14;

	start_both(features);
	net_guest_post_rx(B, nr, buffer);
	send_segment(len, &h);
	assert_int_equal(net_guest_receive(B, &r, got), len);
	assert_memory_equal(got, sent, len);
	h.num_buffers = (uint16_t)((len + 12 + buffer - 1) / buffer);
	assert_memory_equal(&r, &h, 12);
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(B->interrupts[NET_RX], 1);
	B->interrupts[NET_RX] = 0;
}

static void test_segment_uncut(void **state)
{
	(void)state;
	uncut(BASE | TSO | MERGE, 1536, 200);
	uncut(BASE | TSO | MERGE, 1100, 256);
	uncut(BASE | TSO, 65562 + 12, 8);
}

static void test_segment_cut(void **state)
{
	static const uint64_t receiver[] = { BASE | MERGE, BASE, BASE | MERGE | SUMS,
		BASE | MERGE | SUMS | VIRTIO_NET_F_GUEST_TSO6 };
	struct virtio_net_hdr h, r;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(receiver); i++) {
		uint32_t len = 40000, payload = 0;
		int n;

		assert_int_equal(net_guest_start(A, BASE | TSO | MERGE, 256), 0);
		assert_int_equal(net_guest_start(B, receiver[i], 256), 0);
		net_guest_post_rx(B, 10, 1600); /* too few at first */
		send_segment(len, &h);
		for (unsigned rounds = 0; rounds < 10; rounds++) {
			while ((n = net_guest_receive(B, &r, got)) > 0) {
				assert_int_equal(r.gso_type, 0);
				assert_int_equal(r.flags, receiver[i] & SUMS ? 1 : 0);
				assert_memory_equal(got + 54, sent + 54 + payload, n - 54);
				payload += (uint32_t)n - 54;
			}
			net_guest_kick(B, NET_RX);
			run();
		}
		assert_int_equal(payload, len - 54);
		assert_int_equal(net_guest_reap(A), 1);
	}
}

/* A partial checksum is completed for a driver that does not take them. */
static void test_checksum(void **state)
{
	struct virtio_net_hdr h, r;

	(void)state;
	assert_int_equal(net_guest_start(A, BASE | SUMS, 256), 0);
	assert_int_equal(net_guest_start(B, BASE | SUMS | MERGE, 256), 0);
	net_guest_post_rx(B, 10, 1600);
	make_segment(200, &h, 0);
	h.gso_type = 0;
	net_guest_send(A, &h, sent, 200, NULL);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_guest_receive(B, &r, got), 200);
	assert_memory_equal(got, sent, 200);
	assert_int_equal(r.flags, 1);
	assert_int_equal(r.csum_start, 34);
	assert_int_equal(r.csum_offset, 16);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 10, 120);
	net_guest_send(A, &h, sent, 200, NULL);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_guest_receive(B, &r, got), 200);
	assert_int_equal(r.flags, 0);
	assert_memory_equal(got, sent, 50);
	assert_memory_not_equal(got + 50, sent + 50, 2);
	assert_memory_equal(got + 52, sent + 52, 148);
}

static void test_batch(void **state)
{
	struct virtio_net_stats tx, rx;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 100, 1600);
	run();
	B->drv.kicks = 0;
	A->drv.kicks = 0;
	for (unsigned i = 0; i < 32; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	for (unsigned i = 0; i < 8; i++) { /* no more kicks while the work is queued */
		send_frame(A, B, 60, 32 + i);
		net_guest_kick(A, NET_TX);
	}
	run();
	assert_int_equal(A->drv.kicks, 1);
	assert_int_equal(B->interrupts[NET_RX], 1);
	assert_int_equal(A->interrupts[NET_TX], 1);
	for (unsigned i = 0; i < 40; i++) {
		net_make_frame(sent, B->mac, A->mac, 60, i);
		expect_frame(B, sent, 60);
	}
	assert_int_equal(net_guest_reap(A), 40);
	net_guest_kick(B, NET_RX);
	assert_int_equal(B->drv.kicks, 0); /* refilling needs none */
	virtio_net_sum(A->net, &tx);
	virtio_net_sum(B->net, &rx);
	assert_int_equal(tx.frames, 40);
	assert_int_equal(rx.frames, 40);
	assert_int_equal(rx.copies, 40);
	assert_int_equal(rx.copy_bytes, 2400);
	assert_int_equal(rx.interrupts, 1);
}

/* More frames than all rings hold, to a guest without buffers: nobody loses any, in order. */
static void test_push_back(void **state)
{
	uint32_t next_sent[2] = { 0, 0 }, next_got[2] = { 0, 0 };
	struct net_guest *sender[2];
	struct virtio_net_hdr h;

	net_world_free();
	net_world_init(3, NULL);
	(void)state;
	start_both(BASE | MERGE);
	assert_int_equal(net_guest_start(&world.guest[2], BASE | MERGE, 256), 0);
	sender[0] = A;
	sender[1] = &world.guest[2];
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned s = 0; s < 2; s++) {
			net_guest_reap(sender[s]);
			/* 64: as many slots as there are */
			while (next_sent[s] < 1000 && sender[s]->drv.ring[NET_TX].nr_free > 192) {
				net_make_frame(sent, B->mac, sender[s]->mac, 60, 0);
				memcpy(sent + 20, &next_sent[s], 4);
				sent[24] = (uint8_t)s;
				assert_true(net_guest_send(sender[s], NULL, sent, 60, NULL) >= 0);
				next_sent[s]++;
			}
			net_guest_kick(sender[s], NET_TX);
		}
		run();
		if (round == 2)
			net_guest_post_rx(B, 40, 1600);
		run();
		while (net_guest_receive(B, &h, got) == 60) {
			assert_memory_equal(got + 20, &next_got[got[24]], 4);
			next_got[got[24]]++;
		}
		net_guest_kick(B, NET_RX);
		run();
	}
	while (net_guest_receive(B, &h, got) == 60)
		next_got[got[24]]++;
	assert_int_equal(next_got[0], 1000);
	assert_int_equal(next_got[1], 1000);
}

/* The bounded ring itself: three senders with 256 frames each. */
static void test_ring_full(void **state)
{
	struct virtio_net_hdr h;
	unsigned n = 0;

	(void)state;
	net_world_free();
	net_world_init(4, NULL);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(net_guest_start(&world.guest[i], BASE | MERGE, 256), 0);
	for (unsigned s = 0; s < 4; s++) {
		if (s == 1)
			continue;
		net_make_frame(sent, B->mac, world.guest[s].mac, 60, s);
		for (unsigned i = 0; i < 256; i++) /* slots are shared: the bytes are the same */
			assert_true(net_guest_send(&world.guest[s], NULL, sent, 60, NULL) >= 0);
		net_guest_kick(&world.guest[s], NET_TX);
	}
	run();
	assert_true(B->net->port.counters.pushed_back > 0);
	B->repost = false;
	for (unsigned i = 0; i < 10; i++) {
		net_guest_post_rx(B, 100, 1600);
		run();
		while (net_guest_receive(B, &h, got) == 60)
			n++;
	}
	assert_int_equal(n, 768);
	for (unsigned s = 0; s < 4; s++)
		assert_int_equal(net_guest_reap(&world.guest[s]), s == 1 ? 0 : 256);
}

static void pass_time(uint64_t us)
{
	for (uint64_t t = 0; t < us; t += 10000) {
		world.now_us += 10000;
		for (unsigned i = 0; i < world.nr_guests; i++)
			virtio_net_housekeeping(world.guest[i].net, world.now_us);
		run();
	}
}

static void test_starvation(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	for (unsigned i = 0; i < 100; i++)
		send_frame(A, B, 60, 1);
	net_guest_kick(A, NET_TX);
	run();
	pass_time(150000);
	assert_int_equal(net_guest_reap(A), 0);
	pass_time(100000);
	assert_int_equal(net_guest_reap(A), 100);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 100);
	send_frame(A, B, 60, 1);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 101); /* at once from now on */
	net_guest_post_rx(B, 3, 1600);
	run();
	B->repost = false;
	for (unsigned i = 0; i < 5; i++)
		send_frame(A, B, 60, 2);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 101); /* patient again */
	for (unsigned i = 0; i < 3; i++)
		expect_frame(B, sent, 60);
	expect_nothing(B);
	pass_time(100000);
	net_guest_post_rx(B, 1, 1600);
	run();
	expect_frame(B, sent, 60);
	pass_time(150000);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 101); /* progress restarts the clock */
	pass_time(100000);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 102);
}

/* Too few mergeable buffers for a frame: the driver's next one is announced by a kick. */
static void test_partial_starvation(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	B->repost = false;
	net_guest_post_rx(B, 3, 200);
	run();
	send_frame(A, B, 1000, 5);
	net_guest_kick(A, NET_TX);
	run();
	expect_nothing(B);
	B->drv.kicks = 0;
	net_guest_post_rx(B, 2, 200);
	assert_int_equal(B->drv.kicks, 1);
	run();
	expect_nothing(B);
	net_guest_post_rx(B, 2, 200);
	assert_int_equal(B->drv.kicks, 2);
	run();
	expect_frame(B, sent, 1000);
}

static void test_small_buffers(void **state)
{
	(void)state;
	start_both(BASE);
	net_guest_post_rx(B, 4, 500);
	send_frame(A, B, 1000, 5);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_BUFFER_SIZE), 1);
	expect_nothing(B);
	B->repost = false;
	for (unsigned i = 0; i < 4; i++) /* all four are still there */
		send_frame(A, B, 300, 6);
	net_guest_kick(A, NET_TX);
	run();
	for (unsigned i = 0; i < 4; i++)
		expect_frame(B, sent, 300);
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 256, 16); /* 64 of them hold 1024 bytes */
	send_frame(A, B, 1013, 5);
	send_frame(A, B, 1012, 5);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_BUFFER_SIZE), 2);
	expect_frame(B, sent, 1012);
	net_guest_post_rx(B, 1, 1600);
	send_frame(A, B, 1519, 5); /* over B's MTU */
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_OVERSIZE), 1);
}

static void test_link_down(void **state)
{
	(void)state;
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0);
	send_frame(A, B, 60, 1);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_LINK_DOWN), 1);
	assert_int_equal(net_guest_reap(A), 1);
}

/* The sender is reset while its frames wait at a receiver without buffers. */
static void test_reset_sender(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	run();
	virtio_driver_set_status(&A->drv, 0);
	run();
	assert_int_not_equal(virtio_driver_status(&A->drv), 0);
	assert_true(virtio_pci_reset_pending(&A->vp));
	net_guest_post_rx(B, 20, 1600);
	run();
	assert_int_equal(virtio_driver_status(&A->drv), 0);
	for (unsigned i = 0; i < 10; i++) {
		net_make_frame(sent, B->mac, A->mac, 60, i);
		expect_frame(B, sent, 60);
	}
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0);
	send_frame(A, B, 60, 7);
	net_guest_kick(A, NET_TX);
	run();
	expect_frame(B, sent, 60);
	/* Never any buffers: patience ends it. */
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	send_frame(A, B, 60, 7);
	net_guest_kick(A, NET_TX);
	run();
	virtio_driver_set_status(&A->drv, 0);
	pass_time(300000);
	assert_int_equal(virtio_driver_status(&A->drv), 0);
}

/* The sender waits for room when it is reset. */
static void test_reset_stalled(void **state)
{
	(void)state;
	net_world_free();
	net_world_init(4, NULL);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(net_guest_start(&world.guest[i], BASE | MERGE, 256), 0);
	for (unsigned s = 0; s < 4; s++) {
		if (s == 1)
			continue;
		for (unsigned i = 0; i < 200; i++)
			send_frame(&world.guest[s], B, 60, s);
		net_guest_kick(&world.guest[s], NET_TX);
		run();
	}
	for (unsigned s = 0; s < 4; s++)
		virtio_driver_set_status(&world.guest[s].drv, 0);
	run();
	for (unsigned s = 0; s < 4; s++)
		assert_int_equal(virtio_driver_status(&world.guest[s].drv), 0);
}

static void test_reset_receiver(void **state)
{
	struct virtio_net_hdr h;

	(void)state;
	start_both(BASE | TSO);
	net_guest_post_rx(B, 2, 65600);
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	run();
	virtio_driver_reset(&B->drv);
	assert_int_equal(virtio_driver_status(&B->drv), 0);
	assert_int_equal(net_guest_reap(A), 10);
	assert_int_equal(net_world_drops(DROP_LINK_DOWN), 8);
	/* In the middle of cutting. */
	assert_int_equal(net_guest_start(B, BASE, 256), 0);
	net_guest_post_rx(B, 3, 1600);
	send_segment(30000, &h);
	virtio_driver_reset(&B->drv);
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(net_guest_start(B, BASE, 256), 0);
	net_guest_post_rx(B, 3, 1600);
	send_frame(A, B, 60, 9);
	net_guest_kick(A, NET_TX);
	run();
	expect_frame(B, sent, 60);
}

static void test_vlan(void **state)
{
	struct net_guest_conf conf[2] = { { .policy.spoof_check = true, .policy.vlan = 5 },
		{ .policy.spoof_check = true, .policy.vlan = 1, .policy.trunk = true } };

	net_world_free();
	net_world_init(2, conf);
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(A, 10, 1600);
	net_guest_post_rx(B, 10, 30);
	send_frame(A, B, 100, 1);
	net_guest_kick(A, NET_TX);
	run();
	memmove(sent + 16, sent + 12, 88);
	memcpy(sent + 12, (uint8_t[]){ 0x81, 0, 0, 5 }, 4);
	expect_frame(B, sent, 104);
	net_make_frame(sent, A->mac, B->mac, 100, 3);
	memcpy(sent + 12, (uint8_t[]){ 0x81, 0, 0, 5, 0x88, 0xb5 }, 6);
	net_guest_send(B, NULL, sent, 100, NULL);
	net_guest_kick(B, NET_TX);
	run();
	memmove(sent + 12, sent + 16, 84);
	expect_frame(A, sent, 96);
}

/* Whatever the driver of A posts, the other guests' traffic goes on. */
static void others_go_on(void)
{
	struct net_guest *c = &world.guest[2];

	send_frame(c, B, 60, 77);
	net_guest_kick(c, NET_TX);
	run();
	expect_frame(B, sent, 60);
	net_guest_kick(B, NET_RX);
	net_guest_reap(c);
}

static void start_three(void)
{
	net_world_free();
	net_world_init(3, NULL);
	start_both(BASE | MERGE);
	assert_int_equal(net_guest_start(&world.guest[2], BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 100, 1600);
	run();
}

static void offer(struct net_guest *g, unsigned q, struct vring_desc d)
{
	struct vring *r = &g->drv.ring[q];

	r->desc[0] = d;
	r->avail->ring[r->avail->idx & (r->size - 1)] = 0;
	r->avail->idx++;
	net_guest_kick(g, q);
	run();
}

static void test_hostile_buffers(void **state)
{
	static const struct vring_desc bad[] = {
		{ 0, 100, 0, 0 },
		{ UINT64_MAX - 50, 100, 0, 0 },
		{ 0x200000, UINT32_MAX, 0, 0 },
		{ 0x200000, 0, 0, 0 },
		{ 0x200000, 11, 0, 0 },
		{ 0x200000, 100, VRING_DESC_F_WRITE, 0 },
		{ 0x200000, 70000, 0, 0 },
	};

	(void)state;
	start_three();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		offer(A, NET_TX, bad[i]);
		assert_int_equal(virtio_driver_status(&A->drv) & 0x40, 0);
		assert_int_equal(net_guest_reap(A), 1);
		others_go_on();
	}
	assert_int_equal(net_world_drops(DROP_MALFORMED), ARRAY_SIZE(bad) - 1);
	assert_int_equal(net_world_drops(DROP_OVERSIZE), 1);
}

static void test_hostile_rings(void **state)
{
	static const struct vring_desc bad[] = {
		{ 0x200000, 100, VRING_DESC_F_NEXT, 0 },
		{ 0x200000, 100, VRING_DESC_F_NEXT, 999 },
		{ 0x200000, 17, VRING_DESC_F_INDIRECT, 0 },
		{ 0, 32, VRING_DESC_F_INDIRECT, 0 },
	};

	(void)state;
	for (unsigned q = 0; q < 3; q++) {
		for (unsigned i = 0; i <= ARRAY_SIZE(bad); i++) {
			start_three();
			assert_int_equal(net_guest_start(A, BASE | MERGE | CTRL, 256), 0);
			if (i == ARRAY_SIZE(bad)) {
				A->drv.ring[q].avail->idx += 1000;
				net_guest_kick(A, q);
			} else {
				offer(A, q, bad[i]);
			}
			send_frame(&world.guest[2], A, 60, 1); /* makes A's receive side look */
			net_guest_kick(&world.guest[2], NET_TX);
			run();
			assert_int_equal(virtio_driver_status(&A->drv) & 0x40, 0x40);
			net_guest_reap(&world.guest[2]);
			others_go_on();
			pass_time(300000);
			assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0);
			send_frame(A, B, 60, 1);
			net_guest_kick(A, NET_TX);
			run();
			expect_frame(B, sent, 60);
		}
	}
}

/* Receive buffers outside memory, or not for writing. */
static void test_hostile_receive(void **state)
{
	static const struct vring_desc bad[] = { { 0, 1600, VRING_DESC_F_WRITE, 0 },
		{ 0x200000, 1600, 0, 0 }, { 0x200000, UINT32_MAX, VRING_DESC_F_WRITE, 0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		start_three();
		offer(A, NET_RX, bad[i]);
		send_frame(&world.guest[2], A, 60, 1);
		net_guest_kick(&world.guest[2], NET_TX);
		run();
		assert_int_equal(virtio_driver_status(&A->drv) & 0x40, 0x40);
		assert_int_equal(net_guest_reap(&world.guest[2]), 1);
		others_go_on();
	}
}

static void test_hostile_offloads(void **state)
{
	static const struct virtio_net_hdr bad[] = {
		{ .flags = 1, .csum_start = 34, .csum_offset = 60000 },
		{ .flags = 1, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = 1, .csum_start = 0, .csum_offset = 0 },
		{ .gso_type = 1, .gso_size = 1000 },
		{ .flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 1, .gso_type = 3, .gso_size = 1000, .csum_start = 34 },
		{ .flags = 1, .gso_type = 0xff, .gso_size = 1000, .csum_start = 34 },
		{ .flags = 1, .gso_type = 0x81, .gso_size = 1000, .csum_start = 34 },
	};

	(void)state;
	start_three();
	assert_int_equal(net_guest_start(A, BASE | MERGE | TSO, 256), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		net_make_frame(sent, B->mac, A->mac, 100, 0);
		net_guest_send(A, &bad[i], sent, 100, NULL);
		net_guest_kick(A, NET_TX);
		run();
		assert_int_equal(net_world_drops(DROP_MALFORMED), i + 1);
		assert_int_equal(net_guest_reap(A), 1);
		others_go_on();
	}
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0); /* not negotiated */
	net_guest_send(
		A, &(struct virtio_net_hdr){ .flags = 1, .csum_start = 34 }, sent, 100, NULL);
	net_guest_kick(A, NET_TX);
	run();
	assert_int_equal(net_world_drops(DROP_MALFORMED), ARRAY_SIZE(bad) + 1);
}

static int command(uint8_t class, uint8_t cmd, const void *data, uint32_t len)
{
	uint64_t gpa = A->tx_gpa;
	uint8_t *at = test_memory_at(&A->mem, gpa);
	struct vring_buffer b[] = { { gpa, 2, false }, { gpa + 2, len, false },
		{ gpa + 2000, 1, true } };

	at[0] = class;
	at[1] = cmd;
	memcpy(at + 2, data, len);
	at[2000] = 0xff;
	assert_true(vring_add(&A->drv.ring[NET_CTRL], b, 3, 0) >= 0);
	net_guest_kick(A, NET_CTRL);
	run();
	assert_true(vring_take_used(&A->drv.ring[NET_CTRL], NULL) >= 0);
	return at[2000];
}

static void test_control(void **state)
{
	uint8_t table[8 + 12] = { 1, 0, 0, 0, 2, 2, 2, 2, 2, 2, 1, 0, 0, 0, 3, 3, 3, 3, 3, 3 };

	(void)state;
	start_both(BASE | MERGE | CTRL);
	assert_int_equal(command(0, 0, "\1", 1), VIRTIO_NET_OK);
	assert_true(A->net->promiscuous);
	assert_int_equal(command(0, 1, "\1", 1), VIRTIO_NET_OK);
	assert_int_equal(command(0, 0, "\2", 1), VIRTIO_NET_ERR);
	assert_int_equal(command(0, 5, "\1", 1), VIRTIO_NET_ERR);
	assert_int_equal(command(0, 0, "", 0), VIRTIO_NET_ERR);
	assert_int_equal(command(1, 0, table, 20), VIRTIO_NET_OK);
	assert_int_equal(command(1, 0, table, 19), VIRTIO_NET_ERR);
	table[3] = 0x80; /* 2^31 + 1 addresses */
	assert_int_equal(command(1, 0, table, 20), VIRTIO_NET_ERR);
	assert_int_equal(command(1, 1, A->mac, 6), VIRTIO_NET_OK);
	assert_int_equal(command(1, 1, B->mac, 6), VIRTIO_NET_ERR); /* anti-spoofing */
	assert_int_equal(command(1, 7, A->mac, 6), VIRTIO_NET_ERR);
	assert_int_equal(command(2, 0, "\5\0", 2), VIRTIO_NET_OK);
	assert_int_equal(command(2, 1, "\5\0", 2), VIRTIO_NET_OK);
	assert_int_equal(command(2, 0, "\0\x10", 2), VIRTIO_NET_ERR);
	assert_int_equal(command(4, 0, "\1\0", 2), VIRTIO_NET_ERR); /* no MQ */
	assert_int_equal(command(9, 0, "\1\0", 2), VIRTIO_NET_ERR);
	offer(A, NET_CTRL, (struct vring_desc){ A->tx_gpa, 2, 0, 0 }); /* nowhere to answer */
	assert_int_equal(A->drv.ring[NET_CTRL].used->idx, 17);
	virtio_driver_reset(&A->drv);
	assert_false(A->net->promiscuous);
}

static unsigned nr_config_changes;

static void count_config_change(void *transport)
{
	assert_ptr_equal(transport, A->net->virtio.transport);
	nr_config_changes++;
}

static uint16_t status_of(struct net_guest *g)
{
	struct virtio_device *v = &g->net->virtio;

	return (uint16_t)v->ops->config_read(v, offsetof(struct virtio_net_config, status), 2);
}

static void test_link(void **state)
{
	(void)state;
	A->net->virtio.notify_config = count_config_change;
	nr_config_changes = 0;
	start_both(BASE | MERGE | VIRTIO_NET_F_STATUS);
	assert_int_equal(status_of(A), VIRTIO_NET_S_LINK_UP);
	virtio_net_set_link(A->net, true);
	assert_int_equal(nr_config_changes, 0);
	virtio_net_set_link(A->net, false);
	virtio_net_set_link(A->net, false);
	assert_int_equal(nr_config_changes, 1);
	assert_int_equal(status_of(A), 0);
	/* a new driver finds it so */
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0);
	assert_int_equal(status_of(A), 0);
	virtio_net_set_link(A->net, true); /* it has not asked to be told */
	assert_int_equal(nr_config_changes, 1);
	assert_int_equal(status_of(A), VIRTIO_NET_S_LINK_UP);
}

/* The transmit queue of a guest that streams is polled without a notification; when the vCPU moves,
 * so does the work. */
static void test_polled_work_follows(void **state)
{
	struct work *w = &A->net->pair[0].tx.q.work;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 40, 1600);
	hint_publish(&A->hint, HINT_RUNNING, 0, 0);
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	(void)worker_run(&world.worker[0]);
	assert_ptr_equal(world.worker[0].polled, w);
	hint_publish(&A->hint, HINT_RUNNING, 1, 0);
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	(void)worker_run(&world.worker[0]);
	assert_null(world.worker[0].polled);
	assert_ptr_equal(w->worker, &world.worker[1]);
	(void)worker_run(&world.worker[1]);
	assert_ptr_equal(world.worker[1].polled, w);
	run();
	assert_int_equal(net_guest_reap(A), 20);
}

/* It is looked at while other guests have the core, too: that it is empty then does not mean that
 * the guest has ended. In the end notifications are on again. */
static void test_polled_while_others_run(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 40, 1600);
	run();
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	for (unsigned look = 0; look < 4; look++)
		(void)worker_run(&world.worker[0]);
	A->drv.kicks = 0;
	for (unsigned i = 0; i < 10; i++)
		send_frame(A, B, 60, i);
	net_guest_kick(A, NET_TX);
	assert_int_equal(A->drv.kicks, 0);
	run();
	assert_int_equal(net_guest_reap(A), 20);
	send_frame(A, B, 60, 0);
	net_guest_kick(A, NET_TX);
	assert_int_equal(A->drv.kicks, 1);
	run();
	assert_int_equal(net_guest_reap(A), 1);
}

/* Everybody to everybody, random sizes and bursts, with resets in between. */
static void test_traffic(void **state)
{
	struct virtio_net_hdr h;
	uint64_t nr_sent = 0, nr_got = 0;

	(void)state;
	net_world_free();
	net_world_init(4, NULL);
	srand(1);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(net_guest_start(&world.guest[i], BASE | MERGE | TSO, 256), 0);
		net_guest_post_rx(&world.guest[i], 100, 1500);
	}
	for (unsigned n = 0; n < 20000; n++) {
		struct net_guest *g = &world.guest[rand() % 4], *to = &world.guest[rand() % 4];
		uint32_t len = 14 + (uint32_t)rand() % 1500;

		if (rand() % 2000 == 0) {
			assert_int_equal(net_guest_start(g, BASE | MERGE | TSO, 256), 0);
			net_guest_post_rx(g, 100, 1500);
		}
		net_make_frame(sent, to->mac, g->mac, len, n);
		if (rand() % 50 == 0)
			memset(sent, 0xff, 6);
		if (g->drv.ring[NET_TX].nr_free > 200)
			nr_sent += net_guest_send(g, NULL, sent, len, NULL) >= 0;
		net_guest_kick(g, NET_TX);
		if (rand() % 4 == 0)
			run();
		while (rand() % 3 && net_guest_receive(to, &h, got) >= 0)
			nr_got++;
		net_guest_kick(to, NET_RX);
		net_guest_reap(g);
	}
	run();
	assert_true(nr_sent > 15000 && nr_got > 5000);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_negotiation),
		TEST(test_sizes),
		TEST(test_segment_uncut),
		TEST(test_segment_cut),
		TEST(test_checksum),
		TEST(test_batch),
		TEST(test_push_back),
		TEST(test_ring_full),
		TEST(test_starvation),
		TEST(test_partial_starvation),
		TEST(test_small_buffers),
		TEST(test_link_down),
		TEST(test_reset_sender),
		TEST(test_reset_stalled),
		TEST(test_reset_receiver),
		TEST(test_vlan),
		TEST(test_hostile_buffers),
		TEST(test_hostile_rings),
		TEST(test_hostile_receive),
		TEST(test_hostile_offloads),
		TEST(test_control),
		TEST(test_polled_work_follows),
		TEST(test_polled_while_others_run),
		TEST(test_link),
		TEST(test_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
