// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: pairs of queues for guests, which follow their vCPUs; and everything at random, with the
 * books balanced and every buffer back at the end. */
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

/* ---- Pairs ---- */

static void init_pairs(void)
{
	struct bench_conf c = {
		.nr_pools = 3, .nr_guests = 3, .capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL }
	};

	bench_free();
	bench_init(&c);
	for (unsigned i = 0; i < 3; i++) /* the third one finds none left */
		bench_assign(i + 1, &world.guest[i], i);
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
}

static void test_pairs(void **state)
{
	(void)state;
	init_pairs();
	for (unsigned i = 0; i < 3; i++) {
		unsigned queue = i < 2 ? i + 1 : 0;

		hint_publish(&world.guest[i].hint, HINT_RUNNING, i & 1, 0);
		bench_send_frames(&world.guest[i], 5, 100);
		bench_run();
		assert_int_equal(fake_nic_in_ring(NIC, queue), 5);
		assert_int_equal(fake_nic_transmit(NIC, queue, 99), 5);
		bench_run();
		assert_ptr_equal(UP->pair[queue]->tx.work.worker, &world.worker[i < 2 ? i : 1]);
		assert_int_equal(net_guest_reap(&world.guest[i]), 5);
		bench_from_wire(world.guest[i].mac, queue, 100 + i);
		bench_run();
		bench_expect_frame(&world.guest[i], 100 + i);
		assert_ptr_equal(UP->pair[queue]->rx.work.worker, &world.worker[i < 2 ? i : 1]);
	}
	hint_publish(&A->hint, HINT_RUNNING, 1, 0); /* the guest moves, its queues do too */
	bench_from_wire(A->mac, 1, 99);
	bench_run();
	bench_expect_frame(A, 99);
	assert_ptr_equal(UP->pair[1]->rx.work.worker, &world.worker[1]);
	assert_int_equal(COUNTER->tx_frames, 15);
	assert_int_equal(COUNTER->rx_frames, 4);
}

/* ---- Two pairs for a guest: NIC queues 2 and 3; pool 0's second queue is not used ---- */

static void init_queues(struct sched_hint hints[2])
{
	struct bench_conf c = {
		.nr_pools = 2, .queues_per_pool = 2, .capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL }
	};
	const struct sched_hint *const hint[2] = { &hints[0], &hints[1] };

	bench_free();
	bench_init(&c);
	for (unsigned i = 0; i < 2; i++)
		hint_publish(&hints[i], HINT_RUNNING, i, 0);
	uplink_assign_pool(UP, 1, &A->net->port, hint, 0);
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
}

/* As the guest's pair of that number sends it. */
static void send_by(unsigned pair, uint32_t len_bytes)
{
	struct frame *f;
	struct port *blocked;

	net_make_frame(bench_frame, peer_mac[0], A->mac, len_bytes, len_bytes);
	f = fake_frame(bench_frame, len_bytes, 1);
	f->source_queue = (uint16_t)pair;
	assert_int_equal(switch_forward(&A->net->port, f, world.now_us, &blocked), 0);
}

static void test_queues_send(void **state)
{
	static struct sched_hint hints[2];

	(void)state;
	init_queues(hints);
	assert_int_equal(UP->nr_pairs, 3);
	for (uint32_t i = 0; i < 12; i++)
		send_by(i % 3, 100 + i); /* 2: there are but two, the first sends it */
	bench_run();
	assert_int_equal(fake_nic_in_ring(NIC, 0), 0);
	assert_int_equal(fake_nic_in_ring(NIC, 2), 8);
	assert_int_equal(fake_nic_in_ring(NIC, 3), 4);
	fake_nic_transmit(NIC, 3, 99);
	fake_nic_transmit(NIC, 2, 99);
	bench_run();
	for (uint32_t i = 0; i < 4; i++) /* in order */
		assert_int_equal(NIC->sent[i].len_bytes, 101 + 3 * i);
	for (uint32_t i = 1; i < 8; i++)
		assert_true(NIC->sent[4 + i].len_bytes > NIC->sent[3 + i].len_bytes);
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(UP->pair[1 + i]->tx.work.worker, &world.worker[i]);
}

static void test_queues_receive(void **state)
{
	static struct sched_hint hints[2];
	uint32_t next[2] = { 200, 300 };
	struct virtio_net_hdr h;

	(void)state;
	init_queues(hints);
	net_make_frame(bench_frame, A->mac, peer_mac[0], 100, 0);
	assert_false(fake_nic_receive(NIC, 1, bench_frame, 100, NULL)); /* it has no buffers */
	for (uint32_t i = 0; i < 20; i++) {
		bench_from_wire(A->mac, 2, 200 + i);
		bench_from_wire(A->mac, 3, 300 + i);
	}
	bench_run();
	for (unsigned i = 0; i < 40; i++) { /* each queue's in order */
		int len = net_guest_receive(A, &h, bench_got);
		unsigned q = len >= 300;

		assert_int_equal(len, next[q]++);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_ptr_equal(UP->pair[1 + i]->rx.work.worker, &world.worker[i]);
		assert_int_equal(UP->pair[1 + i]->rx.stats.packets, 20);
	}
	hint_publish(&hints[1], HINT_RUNNING, 0, 0);
	bench_from_wire(A->mac, 3, 400);
	bench_run();
	bench_expect_frame(A, 400);
	assert_ptr_equal(UP->pair[2]->rx.work.worker, &world.worker[0]);
	assert_int_equal(uplink_borrow(UP, 1, virtio_net_lend(A->net)), -ENOTSUP);
}

/* ---- Steered pairs ---- */

static struct steer_core cores[NET_CORES];
static struct steer steer;
static unsigned aimed_at[4], nr_aimed;

static void note_aim(struct uplink *up, unsigned pair, unsigned core)
{
	(void)up;
	aimed_at[pair] = core;
	nr_aimed++;
}

static void init_steered(enum steer_policy policy)
{
	struct bench_conf c = { .nr_pools = 3,
		.nr_guests = 2,
		.capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL },
		.steer = &steer,
		.aim = note_aim };

	bench_free();
	steer_init(&steer, policy, STEER_BACKEND_DCA, cores, NET_CORES);
	nr_aimed = 0;
	bench_init(&c);
	for (unsigned i = 0; i < 2; i++) {
		hint_publish(&world.guest[i].hint, HINT_RUNNING, 0, 0);
		bench_assign(i + 1, &world.guest[i], i);
	}
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
}

/* A packet for guest A comes and goes. */
static void exchange(unsigned core)
{
	bench_from_wire(A->mac, 1, 99);
	bench_run();
	bench_expect_frame(A, 99);
	assert_ptr_equal(UP->pair[1]->rx.work.worker, &world.worker[core]);
	bench_send_frames(A, 1, 100);
	bench_run();
	assert_int_equal(fake_nic_transmit(NIC, 1, 99), 1);
	bench_run();
	assert_int_equal(net_guest_reap(A), 1);
	assert_ptr_equal(UP->pair[1]->tx.work.worker, &world.worker[core]);
}

static void test_pair_follows(void **state)
{
	(void)state;
	init_steered(STEER_FULL);
	assert_int_equal(nr_aimed, 2);
	exchange(0);
	assert_int_equal(nr_aimed, 2);
	hint_publish(&A->hint, HINT_RUNNING, 1, 0);
	exchange(1);
	assert_int_equal(nr_aimed, 3);
	assert_int_equal(aimed_at[1], 1);
	assert_int_equal(aimed_at[2], 0);
	hint_publish(&A->hint, HINT_RUNNING, 0, 0); /* too soon */
	exchange(1);
	assert_int_equal(nr_aimed, 3);
	world.now_us += STEER_HYSTERESIS_US;
	exchange(0);
	assert_int_equal(nr_aimed, 4);
	assert_int_equal(aimed_at[1], 0);
	assert_int_equal(UP->pair[1]->steer.retagged, 2);
}

/* A helper receives, and looks for more for a while before it asks for an interrupt. */
static void test_pair_with_a_helper(void **state)
{
	(void)state;
	init_steered(STEER_FULL);
	exchange(0);
	hint_set_helper(&A->hint, 1);
	bench_from_wire(A->mac, 1, 99);
	assert_false(net_world_run()); /* without end */
	bench_expect_frame(A, 99);
	assert_int_equal(aimed_at[1], 1);
	assert_ptr_equal(UP->pair[1]->rx.work.worker, &world.worker[1]);
	assert_false(NIC->armed[1]);
	world.now_us += STEER_HELPER_POLL_US - 1;
	assert_false(net_world_run());
	world.now_us++;
	bench_run();
	assert_true(NIC->armed[1]);
	hint_set_helper(&A->hint, HINT_NO_HELPER);
	world.now_us += STEER_HYSTERESIS_US;
	exchange(0);
	assert_int_equal(UP->pair[1]->steer.helped, 1);
}

static void test_pair_that_stays(void **state)
{
	(void)state;
	init_steered(STEER_STATIC); /* A's device is number 0 */
	hint_publish(&A->hint, HINT_RUNNING, 1, 0);
	exchange(0);
	world.now_us += STEER_HYSTERESIS_US;
	exchange(0);
	assert_int_equal(nr_aimed, 2);
	assert_int_equal(aimed_at[1], 0);
	assert_int_equal(aimed_at[2], 1);
}

/* ---- At random ---- */

static unsigned seed;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void guest_acts(struct net_guest *g)
{
	uint32_t len = 14 + dice(1500);

	net_guest_reap(g);
	if (g->drv.ring[NET_TX].nr_free < 200)
		return;
	net_make_frame(bench_frame, dice(4) ? peer_mac[dice(3)] : world.guest[dice(3)].mac, g->mac,
		len, dice(256));
	if (!dice(20))
		memset(bench_frame, 255, 6);
	assert_true(net_guest_send(g, NULL, bench_frame, len, NULL) >= 0);
	if (dice(3))
		net_guest_kick(g, NET_TX);
}

static void guest_takes(struct net_guest *g)
{
	struct virtio_net_hdr h;

	while (net_guest_receive(g, &h, bench_got) >= 0)
		;
	net_guest_kick(g, NET_RX);
}

static void wire_brings(unsigned s)
{
	struct fake_arrival how = { .error = dice(50) ? NIC_RX_OK : NIC_RX_BAD_FRAME };
	uint32_t len = 14 + dice(1500);

	net_make_frame(bench_frame, world.guest[dice(3)].mac, peer_mac[dice(3)], len, dice(256));
	fake_nic_receive(&side[s].nic, dice(3), bench_frame, len, &how);
}

static void act(void)
{
	unsigned s = dice(2);

	switch (dice(16)) {
	case 0:
		if (!dice(10))
			side[s].nic.nic.ops->reset(&side[s].nic.nic);
		break;
	case 1:
		fake_nic_link(&side[s].nic, dice(8));
		break;
	case 2:
		bench_cable(s, dice(3));
		break;
	case 3:
	case 4:
		worker_run(&world.worker[s]);
		break;
	case 5:
		guest_takes(&world.guest[dice(3)]);
		break;
	case 6:
		fake_drain(&test_port[dice(3)]);
		break;
	case 7:
	case 8:
		wire_brings(s);
		break;
	case 9:
		fake_nic_transmit(&side[s].nic, dice(3), dice(20));
		break;
	case 10:
		hint_publish(&world.guest[dice(3)].hint, HINT_RUNNING, s, 0);
		break;
	case 11:
		net_make_frame(bench_frame, world.guest[dice(3)].mac, peer_mac[s], 200, 1);
		bench_forward(s, fake_frame(bench_frame, 200, 1 + dice(4)));
		break;
	default:
		guest_acts(&world.guest[dice(3)]);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		seed = round;
		init_pairs();
		for (unsigned i = 0; i < 3000; i++)
			act();
		for (unsigned i = 0; i < 3; i++)
			guest_takes(&world.guest[i]);
		bench_run();
		assert_true(COUNTER->rx_frames > 20);
	} /* bench_free() looks at the books, and for each buffer */
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pairs),
		TEST(test_queues_send),
		TEST(test_queues_receive),
		TEST(test_pair_follows),
		TEST(test_pair_with_a_helper),
		TEST(test_pair_that_stays),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
