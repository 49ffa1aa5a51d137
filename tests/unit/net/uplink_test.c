// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: frames of all sizes both ways, byte by byte; flooding; order; what is bad or too long; a
 * full ring; wake-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "uplink_bench.h"

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
static const uint8_t stranger[6] = { 2, 0, 0, 0, 9, 9 };

static void restart(const struct bench_conf *c)
{
	bench_free();
	bench_init(c);
}

static void expect_frame(struct net_guest *g, const uint8_t *frame, uint32_t len_bytes)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(g, &h, got), len_bytes);
	assert_memory_equal(got, frame, len_bytes);
	assert_int_equal(h.gso_type, 0);
}

static void expect_nothing(struct net_guest *g)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(g, &h, got), -1);
}

static void from_wire(const uint8_t *to, uint32_t len_bytes, const struct fake_arrival *how)
{
	net_make_frame(sent, to, peer_mac[0], len_bytes, len_bytes);
	assert_true(fake_nic_receive(&side[0].nic, 0, sent, len_bytes, how));
	bench_run();
	net_guest_kick(A, NET_RX);
	bench_run();
}

static void guest_sends(struct net_guest *g, const uint8_t *to, uint32_t len_bytes, unsigned seed)
{
	net_make_frame(sent, to, g->mac, len_bytes, seed);
	assert_true(net_guest_send(g, NULL, sent, len_bytes, NULL) >= 0);
	net_guest_kick(g, NET_TX);
}

static void expect_sent(unsigned s, unsigned i, const uint8_t *frame, uint32_t len_bytes)
{
	assert_true(i < side[s].nic.nr_sent);
	assert_int_equal(side[s].nic.sent[i].len_bytes, len_bytes);
	assert_memory_equal(side[s].nic.sent[i].bytes, frame, len_bytes);
}

static void test_receive_sizes(void **state)
{
	static const uint32_t piece[] = { 0, 1024, 65, 64, 63, 20, 11 };

	(void)state;
	bench_start_guests(BASE | MERGE, 200, 1600);
	for (unsigned i = 0; i < ARRAY_SIZE(piece); i++) {
		const struct fake_arrival how = { .piece_bytes = piece[i] };
		uint32_t max = piece[i] ? MIN(1514, piece[i] * FRAME_SEGMENTS_MAX) : 1514;

		for (uint32_t len = 14; len <= max; len += i ? 7 : 1) {
			from_wire(A->mac, len, &how);
			expect_frame(A, sent, len);
		}
	}
	for (uint32_t len = 1; len < 14; len++)
		from_wire(A->mac, len, NULL);
	assert_int_equal(bench_drops(0, DROP_RUNT), 13);
	expect_nothing(A);
	expect_nothing(B);
}

static void test_receive_jumbo(void **state)
{
	struct net_guest_conf guest[2] = { { .mtu = 9000 }, { .mtu = 1500 } };
	struct bench_conf c = { .guest = guest, .mtu = 9000 };

	(void)state;
	restart(&c);
	bench_start_guests(BASE | MERGE, 200, 1600);
	for (uint32_t len = 1500; len <= 9014; len += 61) {
		from_wire(A->mac, len, NULL);
		expect_frame(A, sent, len);
	}
	for (uint32_t len = 1518; len <= 1520; len++)
		from_wire(B->mac, len, NULL);
	net_make_frame(sent, B->mac, peer_mac[0], 1518, 1518);
	expect_frame(B, sent, 1518);
	assert_int_equal(bench_drops(0, DROP_OVERSIZE), 2);
}

/* Short ones are padded with zeros, and only up to what the NIC needs. */
static void test_send_sizes(void **state)
{
	struct net_layout pages = { .nr = 17, .len_bytes = { 12 + 30, 40 } };

	(void)state;
	bench_start_guests(BASE | MERGE, 10, 1600);
	for (unsigned i = 2; i < 17; i++)
		pages.len_bytes[i] = 97;
	for (uint32_t len = 14; len <= 1518; len++) {
		memset(sent, 0, sizeof(sent));
		net_make_frame(sent, peer_mac[0], A->mac, len, len);
		assert_true(net_guest_send(A, NULL, sent, len, len % 2 ? &pages : NULL) >= 0);
		net_guest_kick(A, NET_TX);
		bench_run();
		assert_int_equal(net_guest_reap(A), 0); /* its memory is the NIC's */
		assert_int_equal(fake_nic_transmit(&side[0].nic, 0, 99), 1);
		bench_run();
		assert_int_equal(net_guest_reap(A), 1);
		expect_sent(0, 0, sent, MAX(len, NIC_TX_BYTES_MIN));
		fake_nic_forget(&side[0].nic);
	}
	guest_sends(A, peer_mac[0], 1519, 1);
	bench_run();
	assert_int_equal(bench_drops(0, DROP_OVERSIZE), 1);
	assert_int_equal(side[0].up.pair[0]->tx.stats.zero_copy, 1505);
	assert_int_equal(side[0].up.pair[0]->tx.stats.bounced, 0);
	assert_int_equal(side[0].up.port.counters.tx_frames, 1505);
}

/* As many pieces as a frame can have, on a port that tags: as many as a packet can have. */
static void test_send_pieces(void **state)
{
	static const struct net_guest_conf guest[2] = { { .policy.vlan = 5 } };
	struct bench_conf c = { .guest = guest, .uplink[0] = { .trunk = true } };
	uint8_t bytes[1000], want[1004];
	struct frame *f;

	(void)state;
	restart(&c);
	net_make_frame(bytes, peer_mac[0], A->mac, sizeof(bytes), 3);
	f = fake_frame(bytes, sizeof(bytes), 1);
	for (unsigned i = 1; i < FRAME_SEGMENTS_MAX; i++) {
		f->segment[i] = (struct frame_segment){ f->segment[i - 1].hva + 10,
			f->segment[i - 1].len_bytes - 10 };
		f->segment[i - 1].len_bytes = 10;
	}
	f->nr_segments = FRAME_SEGMENTS_MAX;
	memcpy(want, bytes, 12);
	memcpy(want + 12, (uint8_t[]){ 0x81, 0, 0, 5 }, 4);
	memcpy(want + 16, bytes + 12, sizeof(bytes) - 12);
	assert_int_equal(switch_forward(&A->net->port, f, 1, &(struct port *){ NULL }), 0);
	bench_run();
	assert_int_equal(fake_nic_transmit(&side[0].nic, 0, 99), 1);
	expect_sent(0, 0, want, sizeof(want));
	assert_int_equal(side[0].nic.tx[0].packet[0].p.nr_segments, NIC_TX_SEGMENTS_MAX);
}

/* Guest - switch - NIC - wire - NIC - switch - port, and back. */
static void test_over_the_cable(void **state)
{
	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t len = 60 + i * 37 % 1454;

		guest_sends(A, peer_mac[i % 2], len, i);
		bench_settle();
		assert_int_equal(bench_take(i % 2, got, NULL), len);
		assert_memory_equal(got, sent, len);
		assert_int_equal(net_guest_reap(A), 1);
		net_make_frame(sent, A->mac, peer_mac[i % 2], len, i + 1);
		assert_true(bench_forward(i % 2, fake_frame(sent, len, 1 + i % 5)));
		bench_settle();
		expect_frame(A, sent, len);
		net_guest_kick(A, NET_RX);
		bench_run();
		for (unsigned k = 0; k < BENCH_PORTS; k++)
			assert_int_equal(test_port[k].nr, 0);
	}
	expect_nothing(B);
}

static void test_flooding(void **state)
{
	struct port_counters c;

	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	guest_sends(A, broadcast, 700, 1);
	bench_settle();
	net_guest_kick(B, NET_RX);
	expect_frame(B, sent, 700);
	expect_sent(0, 0, sent, 700);
	for (unsigned i = 0; i < BENCH_PORTS; i++) {
		assert_int_equal(bench_take(i, got, NULL), 700);
		assert_memory_equal(got, sent, 700);
	}
	switch_sum(side[0].sw, &c);
	assert_int_equal(c.extra_copies, 1);
	switch_sum(side[1].sw, &c);
	assert_int_equal(c.extra_copies, 2);
	assert_int_equal(side[0].up.port.counters.tx_flooded, 1);
	from_wire(broadcast, 900, NULL);
	expect_frame(A, sent, 900);
	expect_frame(B, sent, 900);
	from_wire(stranger, 900, NULL); /* of nobody here: not back onto the wire */
	assert_int_equal(bench_drops(0, DROP_NO_PORT), 1);
	assert_int_equal(side[0].nic.tx[0].end, 1);
}

/* Both uplinks on one switch: from one wire to the other, without a copy. */
static void test_uplink_to_uplink(void **state)
{
	struct bench_conf c = { .one_switch = true };

	(void)state;
	restart(&c);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t len = 60 + i * 41 % 1459;

		net_make_frame(sent, stranger, peer_mac[0], len, i);
		assert_true(fake_nic_receive(&side[0].nic, 0, sent, len, NULL));
		bench_run();
		assert_int_equal(fake_nic_in_ring(&side[1].nic, 0), 1);
		assert_int_equal(fake_nic_transmit(&side[1].nic, 0, 99), 1);
		expect_sent(1, 0, sent, len);
		fake_nic_forget(&side[1].nic);
		bench_run();
	}
	assert_int_equal(side[0].up.port.counters.rx_frames, 1000);
	assert_int_equal(side[1].up.port.counters.tx_frames, 1000);
}

static void test_bad_frames(void **state)
{
	struct uplink_rx_stats *s = &side[0].up.pair[0]->rx.stats;
	struct fake_arrival how = { .error = NIC_RX_BAD_FRAME };

	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	from_wire(A->mac, 100, &how);
	how.piece_bytes = 300;
	from_wire(A->mac, 1200, &how);
	how.error = NIC_RX_BAD_DESCRIPTOR;
	from_wire(A->mac, 1200, &how);
	assert_int_equal(s->bad_frames, 2);
	assert_int_equal(s->bad_descriptors, 1);
	assert_int_equal(side[0].up.port.counters.rx_frames, 0);
	how = (struct fake_arrival){ .piece_bytes = 64 };
	for (unsigned n = FRAME_SEGMENTS_MAX + 1; n <= NIC_RX_CHAIN_MAX; n++)
		from_wire(A->mac, n * 64, &how); /* a chain that no frame refers to */
	assert_int_equal(bench_drops(0, DROP_OVERSIZE), 4);
	assert_int_equal(side[0].up.port.counters.rx_frames, 4);
	expect_nothing(A);
	from_wire(A->mac, 1200, NULL);
	expect_frame(A, sent, 1200);
	assert_int_equal(s->packets, 5);
}

/* All of the ring at once, to a guest that takes nothing: the wire does not wait. */
static void test_receive_overrun(void **state)
{
	struct virtio_net_hdr h;
	unsigned n = 0;

	(void)state;
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	bench_run();
	A->repost = false;
	for (unsigned i = 0; i < 600; i++) {
		net_make_frame(sent, A->mac, peer_mac[0], 60, 0);
		memcpy(sent + 20, &i, 4);
		assert_int_equal(fake_nic_receive(&side[0].nic, 0, sent, 60, NULL), i < 511);
	}
	bench_run();
	assert_int_equal(side[0].nic.missed, 89);
	assert_int_equal(bench_drops(0, DROP_QUEUE_FULL), 511 - FRAME_RING_ENTRIES);
	/* the guest's queue holds as many, and the NIC's ring is full nevertheless */
	assert_int_equal(side[0].up.pair[0]->rx.nr_posted, 511);
	for (unsigned round = 0; round < 4; round++) {
		net_guest_post_rx(A, 100, 1600);
		bench_run();
		for (; net_guest_receive(A, &h, got) == 60; n++)
			assert_memory_equal(got + 20, &n, 4);
	}
	assert_int_equal(n, FRAME_RING_ENTRIES);
	net_guest_post_rx(B, 100, 1600);
	from_wire(B->mac, 60, NULL);
	expect_frame(B, sent, 60);
}

/* The NIC sends nothing: guests wait and lose nothing, and what comes is in each one's order. */
static void send_all(unsigned tx_entries)
{
	struct bench_conf c = { .tx_entries = tx_entries, .nr_guests = 3 };
	uint32_t next_sent[3] = { 0 }, next_got[3] = { 0 };
	unsigned left = 3000, seed = 1;

	restart(&c);
	bench_start_guests(BASE | MERGE, 10, 1600);
	bench_learn(0, 0);
	while (left) {
		struct fake_nic *n = &side[0].nic;

		for (unsigned g = 0; g < 3; g++) {
			net_guest_reap(&world.guest[g]);
			while (next_sent[g] < 1000 &&
				world.guest[g].drv.ring[NET_TX].nr_free > 192) {
				net_make_frame(sent, peer_mac[0], world.guest[g].mac, 200, 0);
				memcpy(sent + 100, &next_sent[g], 4);
				assert_true(net_guest_send(
						    &world.guest[g], NULL, sent, 200, NULL) >= 0);
				next_sent[g]++;
			}
			net_guest_kick(&world.guest[g], NET_TX);
		}
		bench_run();
		seed = seed * 1103515245 + 12345;
		fake_nic_transmit(n, 0, seed >> 16 & 63);
		bench_run();
		for (unsigned i = 0; i < n->nr_sent; i++, left--) {
			unsigned g = n->sent[i].bytes[11] - 1u;

			assert_int_equal(n->sent[i].len_bytes, 200);
			assert_memory_equal(n->sent[i].bytes + 100, &next_got[g], 4);
			next_got[g]++;
		}
		fake_nic_forget(n);
	}
	for (unsigned g = 0; g < 3; g++)
		assert_int_equal(next_got[g], 1000);
	assert_int_equal(side[0].up.port.counters.tx_frames, 3000);
}

static void test_back_pressure(void **state)
{
	(void)state;
	send_all(64);
	send_all(1024);
}

static void send_same(struct net_guest *g, unsigned nr)
{
	net_make_frame(sent, peer_mac[0], g->mac, 60, 1);
	for (unsigned i = 0; i < nr; i++) /* slots are shared: the bytes are the same */
		assert_true(net_guest_send(g, NULL, sent, 60, NULL) >= 0);
	net_guest_kick(g, NET_TX);
	bench_run();
}

/* 256 frames in the queue, 63 descriptors in the ring, more in the guests; the last one has nothing
 * under way that would wake it when it comes back. */
static void test_full_ring(void **state)
{
	struct bench_conf c = { .tx_entries = 64, .nr_guests = 4 };
	unsigned n = 0;

	(void)state;
	restart(&c);
	bench_start_guests(BASE | MERGE, 1, 1600);
	bench_learn(0, 0);
	for (unsigned g = 0; g < 3; g++)
		send_same(&world.guest[g], 250);
	send_same(&world.guest[3], 20);
	assert_int_equal(fake_nic_in_ring(&side[0].nic, 0), 63);
	assert_true(side[0].up.port.counters.pushed_back > 0);
	assert_false(frame_ring_has_room(&side[0].up.pair[0]->tx.ring));
	for (unsigned i = 0; i < 1000 && n < 770; i++) {
		n += fake_nic_transmit(&side[0].nic, 0, 63);
		bench_run();
	}
	assert_int_equal(n, 770);
	for (unsigned g = 0; g < 4; g++)
		assert_int_equal(net_guest_reap(&world.guest[g]), g < 3 ? 250 : 20);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

/* Guests that take nothing share a pair's buffers with one that does: it gets all that is its own,
 * long before their frames are dropped for want of patience. */
static void test_slow_guests_leave_some(void **state)
{
	struct bench_conf c = { .capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL }, .nr_guests = 4 };
	const struct uplink_rx *rx;
	struct virtio_net_hdr h;

	(void)state;
	bench_free();
	bench_init(&c);
	rx = &side[0].up.pair[0]->rx;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(net_guest_start(&world.guest[i], BASE | MERGE, 256), 0);
	for (unsigned i = 0; i < 3 * 300; i++) { /* the first three have no buffers */
		net_make_frame(sent, world.guest[i % 3].mac, peer_mac[0], 60, 0);
		assert_true(fake_nic_receive(&side[0].nic, 0, sent, 60, NULL));
		bench_run();
	}
	assert_in_range(
		rx->nr_posted + rx->nr_free, BENCH_RX_BUFFERS / 4 - 3, BENCH_RX_BUFFERS / 4 + 3);
	net_guest_post_rx(&world.guest[3], 200, 1600);
	for (unsigned i = 0; i < 150; i++) {
		net_make_frame(sent, world.guest[3].mac, peer_mac[0], 60, i);
		assert_true(fake_nic_receive(&side[0].nic, 0, sent, 60, NULL));
		if (i % 32 == 31)
			bench_run();
	}
	bench_run();
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(net_guest_receive(&world.guest[3], &h, got), 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_receive_sizes),
		TEST(test_receive_jumbo),
		TEST(test_send_sizes),
		TEST(test_send_pieces),
		TEST(test_over_the_cable),
		TEST(test_flooding),
		TEST(test_uplink_to_uplink),
		TEST(test_bad_frames),
		TEST(test_receive_overrun),
		TEST(test_slow_guests_leave_some),
		TEST(test_back_pressure),
		TEST(test_full_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
