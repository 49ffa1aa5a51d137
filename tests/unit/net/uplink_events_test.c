// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: link and port going and coming back, packets that the NIC does not take, interrupts and
 * polling, doorbells, set-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "uplink_bench.h"

#define NIC	(&side[0].nic)
#define UP	(&side[0].up)
#define COUNTER (&side[0].up.port.counters)

static void restart(const struct bench_conf *c)
{
	bench_free();
	bench_init(c);
	bench_start_guests(BASE | MERGE, 100, 1600);
}

/* It works, both ways. */
static void check_traffic(void)
{
	uint64_t tx = COUNTER->tx_frames;

	fake_nic_forget(NIC);
	bench_send_frames(A, 1, 100);
	bench_run();
	assert_int_equal(fake_nic_transmit(NIC, 0, 99), 1);
	assert_memory_equal(NIC->sent[0].bytes, bench_frame, 100);
	bench_run();
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(COUNTER->tx_frames, tx + 1);
	bench_from_wire(A->mac, 0, 300);
	bench_run();
	bench_expect_frame(A, 300);
	assert_int_equal(UP->pair[0]->rx.nr_posted, 511);
}

/* ---- Link and port ---- */

static void test_no_link_at_first(void **state)
{
	struct bench_conf c = { .no_link = true };

	(void)state;
	restart(&c);
	bench_send_frames(A, 10, 100);
	bench_run();
	assert_int_equal(net_guest_reap(A), 10);
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 10);
	fake_nic_link(NIC, true);
	check_traffic();
}

static void fill_everything(void)
{
	struct bench_conf c = { .tx_entries = 64, .nr_guests = 2 };

	restart(&c);
	bench_learn(0, 0);
	bench_send_frames(A, 250, 60);
	bench_send_frames(B, 250, 60);
	bench_run();
	assert_int_equal(fake_nic_in_ring(NIC, 0), 63);
	assert_int_equal(COUNTER->tx_frames, 0);
}

/* What is in the NIC's ring stays there, all else is dropped at once. */
static void test_link_lost(void **state)
{
	(void)state;
	fill_everything();
	fake_nic_link(NIC, false);
	bench_run();
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 500 - 63);
	assert_int_equal(net_guest_reap(A) + net_guest_reap(B), 500 - 63);
	fake_nic_link(NIC, true);
	bench_run();
	assert_int_equal(fake_nic_transmit(NIC, 0, 99), 63);
	bench_run();
	assert_int_equal(COUNTER->tx_frames, 63);
	assert_int_equal(net_guest_reap(A) + net_guest_reap(B), 63);
	check_traffic();
}

static void test_reset_in_flight(void **state)
{
	(void)state;
	fill_everything();
	fake_nic_transmit(NIC, 0, 20); /* done, not reaped yet */
	for (unsigned i = 0; i < 100; i++)
		bench_from_wire(A->mac, 0, 200); /* arrived, not polled yet */
	assert_int_equal(NIC->nic.ops->reset(&NIC->nic), 0);
	bench_run();
	assert_int_equal(COUNTER->tx_frames, 20);
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 480);
	assert_int_equal(UP->pair[0]->tx.stats.lost_in_reset, 43);
	assert_int_equal(net_guest_reap(A) + net_guest_reap(B), 500);
	assert_int_equal(net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, bench_got), -1);
	fake_nic_link(NIC, true);
	check_traffic();
}

static void test_failed(void **state)
{
	(void)state;
	fill_everything();
	NIC->reset_fails = true;
	assert_int_equal(NIC->nic.ops->reset(&NIC->nic), -EIO);
	bench_run();
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 500);
	assert_int_equal(net_guest_reap(A) + net_guest_reap(B), 500);
	bench_send_frames(A, 10, 100);
	bench_run();
	assert_int_equal(net_guest_reap(A), 10);
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 510);
}

static void test_stop_and_start(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		fill_everything();
		NIC->nic.ops->stop(&NIC->nic);
		bench_run();
		assert_int_equal(net_guest_reap(A) + net_guest_reap(B), 500);
		assert_int_equal(NIC->nic.ops->start(&NIC->nic), 0);
		fake_nic_link(NIC, true);
		check_traffic();
	}
}

/* The queues are closed, and nobody has said so yet. */
static void test_closed_queue(void **state)
{
	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	bench_learn(0, 0);
	store_release(&NIC->tx[0].q.gate.state, (uint32_t)NIC_GATE_CLOSED);
	bench_send_frames(A, 40, 100);
	bench_run();
	assert_int_equal(net_guest_reap(A), 40);
	assert_int_equal(bench_drops(0, DROP_LINK_DOWN), 40);
	assert_int_equal(UP->pair[0]->tx.stats.refused, 40);
	store_release(&NIC->tx[0].q.gate.state, (uint32_t)NIC_GATE_OPEN);
	check_traffic();
}

/* Some in the middle of a batch, the last ones, and all: the others go, in order. */
static void test_refused_packets(void **state)
{
	unsigned good = 0;

	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	NIC->refused_bytes = 99;
	for (unsigned i = 0; i < 200; i++) {
		uint32_t len = i % 7 == 3 || i % 7 == 4 || i > 190 ? 99 : 200 + i;

		bench_send_frames(A, 1, len);
		if (i % 50 == 49)
			bench_run();
	}
	assert_int_equal(UP->pair[0]->tx.stats.refused, net_guest_reap(A));
	while (fake_nic_transmit(NIC, 0, 10))
		bench_run();
	for (unsigned i = 0; i < 200; i++)
		if (!(i % 7 == 3 || i % 7 == 4 || i > 190))
			assert_int_equal(NIC->sent[good++].len_bytes, 200 + i);
	assert_int_equal(NIC->nr_sent, good);
	assert_int_equal(bench_drops(0, DROP_MALFORMED), 200 - good);
	assert_int_equal(UP->pair[0]->tx.head, UP->pair[0]->tx.tail);
	bench_send_frames(A, 40, 99);
	bench_run();
	assert_int_equal(bench_drops(0, DROP_MALFORMED), 240 - good);
	assert_int_equal(UP->pair[0]->tx.head, UP->pair[0]->tx.tail);
}

/* A ring of one descriptor, and packets of two. */
static void test_never_fits(void **state)
{
	struct bench_conf c = { .tx_entries = 2 };

	(void)state;
	restart(&c);
	bench_send_frames(A, 10, 100);
	bench_run();
	assert_int_equal(bench_drops(0, DROP_QUEUE_FULL), 10);
	assert_int_equal(net_guest_reap(A), 10);
	bench_send_frames(A, 10, 60);
	bench_run();
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(fake_nic_transmit(NIC, 0, 9), 1);
		bench_run();
	}
	assert_int_equal(COUNTER->tx_frames, 10);
}

/* ---- Interrupts, polling, doorbells ---- */

static void receive_late(struct fake_nic *n, unsigned vector)
{
	(void)vector;
	assert_false(n->armed[0]);
	bench_from_wire(A->mac, 0, 300);
}

static void transmit_late(struct fake_nic *n, unsigned vector)
{
	assert_false(n->armed[vector]);
	assert_int_equal(fake_nic_transmit(n, 0, 99), 1);
}

static void test_no_lost_wake_up(void **state)
{
	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	assert_true(NIC->armed[0]);
	bench_from_wire(A->mac, 0, 200);
	assert_int_equal(NIC->interrupts[0], 1);
	NIC->before_arm = receive_late;
	bench_run();
	bench_expect_frame(A, 200);
	bench_expect_frame(A, 300);
	assert_int_equal(NIC->interrupts[0], 1);
	assert_true(NIC->armed[0]);
	NIC->before_arm = transmit_late;
	NIC->armed[0] = false;
	bench_send_frames(A, 1, 100);
	bench_run();
	assert_int_equal(net_guest_reap(A), 1);
	assert_int_equal(COUNTER->tx_frames, 1);
}

/* Buffers that come back while the work sleeps are posted, to the last one. */
static void test_late_buffers(void **state)
{
	struct net_guest_conf guest[2] = { { .mtu = 1500 }, { .mtu = 1500 } };
	struct bench_conf c = { .guest = guest, .rx_entries = 64 };

	(void)state;
	restart(&c);
	assert_int_equal(net_guest_start(A, BASE | MERGE, 256), 0); /* no buffers */
	for (unsigned i = 0; i < 63; i++) {
		net_make_frame(bench_frame, A->mac, peer_mac[0], 60, 0);
		assert_true(fake_nic_receive(NIC, 0, bench_frame, 60, NULL));
	}
	bench_run();
	assert_int_equal(UP->pair[0]->rx.nr_posted, 63);
	net_guest_post_rx(A, 100, 1600);
	bench_run();
	assert_int_equal(UP->pair[0]->rx.nr_free, BENCH_RX_BUFFERS - 63);
	assert_int_equal(NIC->rx[0].flushed - NIC->rx[0].first, 63);
}

static void test_doorbells(void **state)
{
	(void)state;
	bench_start_guests(BASE | MERGE, 100, 1600);
	assert_int_equal(NIC->rx[0].doorbells, 1);
	bench_learn(0, 0);
	bench_send_frames(A, 32, 100);
	bench_run();
	assert_int_equal(NIC->tx[0].doorbells, 1);
	assert_int_equal(NIC->tx[0].prepares, 1);
	NIC->rx[0].doorbells = 0;
	for (unsigned i = 0; i < 256; i++)
		bench_from_wire(A->mac, 0, 60);
	bench_run();
	assert_in_range(NIC->rx[0].doorbells, 1, 5);
	assert_int_equal(NIC->interrupts[0], 2);
	assert_int_equal(UP->pair[0]->rx.nr_posted, 511);
}

/* As the owner of a NIC without vectors does it; the works then come to rest by themselves. */
static void poll_some(void)
{
	uplink_wake(UP, &NIC->nic, 0);
	bench_run();
}

static void test_polled(void **state)
{
	struct bench_conf c = { .polled = true };

	(void)state;
	bench_free();
	bench_init(&c);
	for (unsigned i = 0; i < 2; i++)
		fake_nic_link(&side[i].nic, false);
	bench_start_guests(BASE | MERGE, 100, 1600);
	fake_nic_link(NIC, true);
	for (unsigned i = 0; i < 10; i++) {
		bench_from_wire(A->mac, 0, 200);
		poll_some();
		bench_expect_frame(A, 200);
		bench_send_frames(A, 1, 100);
		poll_some();
		assert_int_equal(fake_nic_transmit(NIC, 0, 9), 1);
		poll_some();
		assert_int_equal(net_guest_reap(A), 1);
	}
	fake_nic_link(NIC, false);
	bench_run();
}

static void *no_pages(uint64_t len_bytes)
{
	(void)len_bytes;
	return NULL;
}

static void test_setup(void **state)
{
	struct uplink_setup s = UP->setup;
	static struct uplink up;

	(void)state;
	s.nr_pools = 0;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -EINVAL);
	s.nr_pools = 2;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -EINVAL);
	s.nr_pools = UPLINK_POOLS_MAX + 1;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -EINVAL);
	s.nr_pools = 1;
	s.bounce_bytes = 1517;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -EINVAL);
	s.bounce_bytes = 1518;
	s.rx_buffers = UPLINK_RX_BUFFERS_MIN - 1;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -EINVAL);
	s.rx_buffers = UPLINK_RX_BUFFERS_MIN;
	s.buffers = no_pages;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -ENOMEM);
	s.pages = no_pages;
	assert_int_equal(uplink_init(&up, &NIC->nic, &s), -ENOMEM);
	uplink_wake(&up, &NIC->nic, 0);
	uplink_link_changed(&up, &NIC->nic, (struct nic_link){ .up = true });
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_link_at_first),
		TEST(test_link_lost),
		TEST(test_reset_in_flight),
		TEST(test_failed),
		TEST(test_stop_and_start),
		TEST(test_closed_queue),
		TEST(test_refused_packets),
		TEST(test_never_fits),
		TEST(test_no_lost_wake_up),
		TEST(test_late_buffers),
		TEST(test_doorbells),
		TEST(test_polled),
		TEST(test_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
