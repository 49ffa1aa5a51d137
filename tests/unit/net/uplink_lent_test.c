// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Zero-copy reception: what guests lend to the uplink's queues, what lands there, and how they get
 * it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "packets.h"
#include "uplink_bench.h"

#define NIC	   (&side[0].nic)
#define UP	   (&side[0].up)
#define PAIR	   (side[0].up.pair[1]) /* guest A's */
#define LENT	   (&PAIR->rx.lent)
#define LEND	   virtio_net_lend(A->net)
#define FEATURES   (BASE | MERGE | TSO)
#define HEADERS	   54
#define COUNTER(g) ((g)->net->port.counters)
#define MOST	   (256 - RX_MERGE_MAX) /* of a ring of 256 */

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];

static void init(const struct bench_conf *conf)
{
	static const struct net_guest_conf guest[2] = { { .policy.spoof_check = true, .mtu = 9000 },
		{ .policy.spoof_check = true, .mtu = 9000 } };
	struct bench_conf c = conf ? *conf : (struct bench_conf){ 0 };

	c.guest = c.guest ? c.guest : guest;
	c.mtu = 9000;
	c.nr_pools = 3;
	c.lend = true;
	c.capabilities[0] = c.capabilities[1] = FAKE_NIC_ALL;
	bench_init(&c);
}

static int setup(void **state)
{
	(void)state;
	init(NULL);
	return 0;
}

static uint64_t zero_copies(void)
{
	return PAIR->rx.stats.zero_copy;
}

static uint64_t copies(const struct net_guest *g)
{
	struct virtio_net_stats s;

	virtio_net_sum(g->net, &s);
	return s.copies;
}

static bool arrive(const uint8_t *to, unsigned queue, uint32_t len, const struct fake_arrival *how)
{
	bool taken;

	net_make_frame(sent, to, peer_mac[0], len, len);
	taken = fake_nic_receive(NIC, queue, sent, len, how);
	bench_run();
	return taken;
}

static void expect(struct net_guest *g, uint32_t len, unsigned nr_buffers)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(g, &h, got), len);
	assert_memory_equal(got, sent, len);
	assert_int_equal(h.num_buffers, nr_buffers);
	net_guest_kick(g, NET_RX);
	bench_run();
}

/* Our own buffers that the queue had before: it takes the oldest ones first. */
static void use_up_own(unsigned queue)
{
	struct net_guest *g = &world.guest[queue - 1];
	const struct uplink_rx *rx = &UP->pair[queue]->rx;
	struct virtio_net_hdr h;

	while (rx->nr_posted > rx->lent.nr_lent - rx->lent.nr_free) {
		net_make_frame(sent, g->mac, peer_mac[0], 60, 0);
		assert_true(fake_nic_receive(NIC, queue, sent, 60, NULL));
		bench_run();
		while (net_guest_receive(g, &h, got) > 0)
			;
		net_guest_kick(g, NET_RX);
		bench_run();
	}
}

/* What the guest has posted since is lent with the next frame. */
static void check_lent(void)
{
	assert_in_range(LENT->nr_lent, MOST - 9, MOST);
}

static void start_lending(void)
{
	bool repost = A->repost;

	A->repost = true;
	bench_start_guests(FEATURES, 256, LEND_BUFFER_BYTES);
	assert_int_equal(LENT->nr_lent, MOST);
	use_up_own(1);
	A->repost = repost;
}

/* ---- What arrives ---- */

static void every_size(uint32_t max)
{
	static const uint32_t headers[] = { HEADERS, 14, 66, 86, 256 };

	start_lending();
	for (unsigned i = 0; i < ARRAY_SIZE(headers); i++) {
		struct fake_arrival how = { .header_bytes = headers[i] };

		for (uint32_t len = headers[i] + 46; len <= max; len += 97) {
			uint32_t payload = len - headers[i];
			bool lands = payload >= LEND_PAYLOAD_MIN;
			uint64_t copied = copies(A);

			assert_true(arrive(A->mac, 1, len, &how));
			expect(A, len,
				lands ? 1 + (payload + 4095) / 4096 : (len + 12 + 4095) / 4096);
			assert_int_equal(copies(A) - copied, lands ? 0 : 1);
			check_lent();
		}
	}
	assert_true(max < LEND_PAYLOAD_MIN ? !zero_copies() : zero_copies() > 100);
	assert_int_equal(copies(A) + zero_copies(), COUNTER(A).tx_frames);
}

/* ---- Steered: what the NIC wrote is where its queue was aimed ---- */

static struct steer_core cores[NET_CORES];
static struct steer steer;
static uint32_t published;

static unsigned this_core(void)
{
	return 1;
}

static void aim(struct uplink *up, unsigned pair, unsigned core)
{
	(void)up;
	(void)pair;
	(void)core;
}

static void test_steered(void **state)
{
	static const struct virtio_net_setup steering = {
		.steer = &steer, .pending = &published, .this_core = this_core
	};
	const struct bench_conf c = { .steer = &steer, .aim = aim };
	struct fake_arrival how = { .header_bytes = HEADERS };
	struct steer_track *t;
	struct steer_trace tr;

	(void)state;
	bench_free();
	steer_init(&steer, STEER_FULL, STEER_BACKEND_DCA, cores, NET_CORES);
	world.steering = &steering;
	init(&c);
	hint_publish(&A->hint, HINT_RUNNING, 1, 0);
	start_lending();
	t = &A->net->pair[0].rx.track;
	virtio_net_consume(A->net, 1, world.now_us, true);
	/* Its vCPU waits for long: the payload is there all the same. */
	hint_publish(&A->hint, HINT_QUEUED, 1, 1000000);
	assert_true(arrive(A->mac, 1, 3000, &how));
	expect(A, 3000, 2);
	virtio_net_consume(A->net, 1, world.now_us, true);
	assert_int_equal(zero_copies(), 1);
	assert_true(steer_track_read(t, t->nr_placements - 1, &tr));
	assert_int_equal(tr.placement.writer, STEER_BY_NIC);
	assert_int_equal(tr.placement.core, PAIR->steer.core);
	assert_int_equal(tr.placement.core, 1);
	assert_int_equal(tr.placement.contiguous_bytes, 3000 - HEADERS);
	assert_int_equal(tr.missed, STEER_MISSED_REASONS);
	assert_int_equal(t->stats.holds, 0);
	bench_free();
	world.steering = NULL;
	init(NULL);
}

static void test_every_size(void **state)
{
	(void)state;
	every_size(1514);
}

static void test_jumbo(void **state)
{
	(void)state;
	every_size(9014);
}

static uint32_t make_merged(struct tcp_packet *t)
{
	uint32_t len = packet_build(t, sent, 1);

	memcpy(sent, A->mac, 6);
	memcpy(sent + 6, peer_mac[0], 6);
	set16(sent + t->l3 + 10, 0);
	set16(sent + t->l3 + 10, 0xffff & ~ref_sum(0, sent + t->l3, 20));
	return len;
}

/* What RSC merged, for guests that take it as it is, and for some that do not. */
static void merged(uint64_t features, uint32_t payload)
{
	struct tcp_packet t = { .vlan = -1, .tcp_options = 12, .payload = payload, .flags = 0x18 };
	struct fake_arrival how = { .rsc_segments = (uint16_t)((payload + 1447) / 1448),
		.flags = NIC_RX_IPV4 | NIC_RX_TCP | NIC_RX_L4_GOOD };
	bool whole = features & VIRTIO_NET_F_GUEST_TSO4;
	uint64_t before = zero_copies();
	struct virtio_net_hdr h;
	uint32_t len = make_merged(&t), at = 0;
	int r;

	how.header_bytes = t.headers;
	assert_true(fake_nic_receive(NIC, 1, sent, len, &how));
	bench_run();
	while ((r = net_guest_receive(A, &h, got)) > 0) {
		assert_memory_equal(
			got + t.headers, sent + t.headers + at, (uint32_t)r - t.headers);
		assert_int_equal(h.gso_type, whole ? VNET_HDR_GSO_TCPV4 : 0);
		if (whole) {
			assert_int_equal(h.num_buffers, 1 + (payload + 4095) / 4096);
			assert_int_equal(h.hdr_len, t.headers);
			assert_int_equal(h.csum_start, t.l4);
			assert_int_equal(h.flags, VNET_HDR_F_NEEDS_CSUM);
		}
		at += (uint32_t)r - t.headers;
		net_guest_kick(A, NET_RX);
		bench_run();
	}
	assert_int_equal(at, payload);
	assert_int_equal(zero_copies() - before, whole ? 1 : 0);
}

static void test_merged(void **state)
{
	static const uint64_t features[] = { FEATURES, BASE | MERGE | SUMS, BASE | MERGE };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		bench_start_guests(features[i], 256, LEND_BUFFER_BYTES);
		use_up_own(1);
		for (uint32_t payload = 2896; payload <= 32768; payload += 1448)
			merged(features[i], payload);
		check_lent();
	}
}

/* Tags come and go with the headers. */
static void test_tagged(void **state)
{
	static const struct net_guest_conf guest[2] = { { .policy.vlan = 5, .mtu = 9000 },
		{ .policy = { .trunk = true, .trunk_vlan = { 5 }, .nr_trunk_vlans = 1 },
			.mtu = 9000 } };
	struct bench_conf c = { .guest = guest, .uplink = { { .trunk = true } } };
	struct fake_arrival how = { .header_bytes = 18 };

	(void)state;
	bench_free();
	init(&c);
	bench_start_guests(FEATURES, 256, LEND_BUFFER_BYTES);
	for (unsigned i = 0; i < 2; i++) {
		struct net_guest *g = &world.guest[i];
		struct virtio_net_hdr h;

		use_up_own(1 + i);
		net_make_frame(sent, g->mac, peer_mac[0], 3000, 3);
		memcpy(sent + 12, "\x81\x00\x00\x05\x88\xb5", 6);
		assert_true(fake_nic_receive(NIC, 1 + i, sent, 3000, &how));
		bench_run();
		assert_int_equal(net_guest_receive(g, &h, got), i ? 3000 : 2996);
		assert_memory_equal(got, sent, 12);
		assert_memory_equal(got + 12, sent + (i ? 12 : 16), 2984);
		assert_int_equal(h.num_buffers, 2);
		assert_int_equal(side[0].up.pair[1 + i]->rx.stats.zero_copy, 1);
	}
}

/* Not for the lender, or not for it alone: copied, and what was lent is posted again. */
static void test_others(void **state)
{
	static const uint8_t stranger[6] = { 2, 0, 0, 0, 9, 9 };
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	struct fake_arrival how = { .header_bytes = HEADERS };

	(void)state;
	start_lending();
	assert_true(arrive(B->mac, 1, 3000, &how));
	expect(B, 3000, 1);
	assert_true(arrive(stranger, 1, 3000, &how));
	assert_int_equal(net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got), -1);
	assert_true(arrive(group, 1, 3000, &how));
	expect(A, 3000, 1);
	expect(B, 3000, 1);
	how.error = NIC_RX_BAD_FRAME;
	arrive(A->mac, 1, 3000, &how);
	assert_int_equal(zero_copies(), 0);
	assert_int_equal(LENT->nr_lent, MOST);
	assert_int_equal(PAIR->rx.nr_posted + LENT->nr_free, MOST);
	how.error = NIC_RX_OK;
	assert_true(arrive(A->mac, 1, 3000, &how));
	assert_int_equal(LENT->nr_lent, MOST - 1);
	expect(A, 3000, 2);
}

/* Between guests it goes on as ever, with the buffers that are not lent. */
static void test_other_guests(void **state)
{
	(void)state;
	bench_start_guests(FEATURES, 256, LEND_BUFFER_BYTES);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t len = i % 3 ? 60 + i : 1514;

		net_make_frame(sent, A->mac, B->mac, len, i);
		assert_true(net_guest_send(B, NULL, sent, len, NULL) >= 0);
		net_guest_kick(B, NET_TX);
		bench_run();
		expect(A, len, 1);
		net_guest_reap(B);
	}
	assert_int_equal(LENT->nr_lent, MOST);
}

/* ---- What is lent ---- */

static void post(struct net_guest *g, unsigned nr, uint32_t len_bytes)
{
	net_guest_post_rx(g, nr, len_bytes);
	bench_run();
}

static void test_what_is_lent(void **state)
{
	(void)state;
	A->repost = false;
	bench_start_guests(FEATURES, 256, LEND_BUFFER_BYTES - 1); /* too short */
	assert_int_equal(LENT->nr_lent, 0);
	assert_int_equal(
		PAIR->rx.nr_posted, MIN(PAIR->rx.nr_buffers, PAIR->rx.queue->ring_entries - 1));
	assert_true(arrive(A->mac, 1, 3000, NULL));
	expect(A, 3000, 1);
	bench_start_guests(FEATURES, RX_MERGE_MAX, 4096); /* as many as stay */
	assert_int_equal(LENT->nr_lent, 0);
	post(A, 1, 4096);
	post(A, 10, 2000);
	post(A, 10, 4096);
	assert_true(arrive(A->mac, 1, 3000, NULL)); /* its work had no reason to look before */
	assert_int_equal(LENT->nr_lent, 20);
	bench_start_guests(BASE | TSO, 256, 70000); /* not mergeable */
	assert_int_equal(LENT->nr_lent, 0);
	assert_true(arrive(A->mac, 1, 3000, NULL));
	expect(A, 3000, 1);
}

/* A guest that gives buffers back late: ours take over, and then the guest's again. */
static void test_slow_guest(void **state)
{
	struct fake_arrival how = { .header_bytes = HEADERS };
	unsigned n = 0;

	(void)state;
	A->repost = false;
	start_lending();
	while (arrive(A->mac, 1, 3000, &how) && n < 1000)
		n++;
	assert_int_equal(zero_copies(), RX_MERGE_MAX); /* then no buffer is left for headers */
	assert_true(n > RX_MERGE_MAX + FRAME_RING_ENTRIES);
	world.now_us += 10 * VIRTIO_NET_PATIENCE_US;
	virtio_net_housekeeping(A->net, world.now_us);
	world.now_us += 10 * VIRTIO_NET_PATIENCE_US;
	virtio_net_housekeeping(A->net, world.now_us);
	bench_run();
	assert_true(bench_drops(0, DROP_NO_BUFFER) > 0);
	while (net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got) > 0)
		;
	A->repost = true;
	post(A, 128, 4096);
	for (unsigned i = 0; i < 2000; i++) {
		arrive(A->mac, 1, 3000, &how);
		while (net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got) > 0)
			;
		net_guest_kick(A, NET_RX);
		bench_run();
	}
	assert_true(zero_copies() > RX_MERGE_MAX + 1500);
}

/* ---- Giving back ---- */

static void fill_memory(struct net_guest *g)
{
	memset(g->mem.bytes, 0x5a, g->mem.len_bytes);
}

static void check_memory(const struct net_guest *g)
{
	for (uint64_t i = 0; i < g->mem.len_bytes; i++)
		if (g->mem.bytes[i] != 0x5a)
			fail_msg("byte %lx was written", (unsigned long)i);
}

static void traffic(unsigned nr)
{
	struct fake_arrival how = { .header_bytes = HEADERS };

	for (unsigned i = 0; i < nr; i++) {
		net_make_frame(sent, A->mac, peer_mac[0], 3000, i);
		fake_nic_receive(NIC, 1, sent, 3000, &how);
	}
}

/* Reset with packets in the NIC, in the switch and in the ring: nothing is written afterwards. */
static void test_reset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		start_lending();
		traffic(20);
		if (i)
			worker_run(&world.worker[0]);
		if (i == 2)
			traffic(20);
		virtio_driver_reset(&A->drv);
		assert_int_equal(virtio_driver_status(&A->drv), 0);
		assert_int_equal(LENT->nr_lent, 0);
		assert_int_equal(LEND->state, LEND_OFF);
		fill_memory(A);
		bench_housekeep();
		traffic(50);
		bench_housekeep();
		check_memory(A);
	}
	/* and it is as new */
	start_lending();
	assert_true(arrive(A->mac, 1, 3000, NULL));
	expect(A, 3000, 2);
}

/* While a frame of it waits somewhere else the guest's memory is not free. */
static void test_reset_waits_for_frames(void **state)
{
	struct fake_arrival how = { .header_bytes = HEADERS };

	(void)state;
	B->repost = false;
	start_lending();
	for (unsigned i = 0; i < 300; i++) /* B is full */
		arrive(B->mac, 1, 3000, &how);
	virtio_driver_set_status(&A->drv, 0);
	for (unsigned i = 0; i < 10; i++)
		bench_housekeep();
	assert_int_not_equal(virtio_driver_status(&A->drv), 0);
	assert_true(LENT->nr_lent > 0);
	virtio_driver_reset(&B->drv);
	bench_housekeep();
	assert_int_equal(virtio_driver_status(&A->drv), 0);
	assert_int_equal(LENT->nr_lent, 0);
}

/* The NIC does not let go, is reset, has failed, or has no link. */
static void test_reset_and_nic(void **state)
{
	(void)state;
	start_lending();
	NIC->stays_busy = true;
	virtio_driver_set_status(&A->drv, 0);
	for (unsigned i = 0; i < 5; i++)
		bench_housekeep();
	assert_int_not_equal(virtio_driver_status(&A->drv), 0);
	assert_int_equal(LENT->nr_lent, MOST);
	NIC->stays_busy = false;
	NIC->nic.ops->reset(&NIC->nic);
	bench_housekeep();
	assert_int_equal(virtio_driver_status(&A->drv), 0);

	bench_start_guests(FEATURES, 256, 4096);
	fake_nic_link(NIC, false);
	virtio_driver_reset(&A->drv);
	fake_nic_link(NIC, true);

	bench_start_guests(FEATURES, 256, 4096);
	traffic(5);
	NIC->nic.ops->reset(&NIC->nic);
	bench_run();
	assert_int_equal(LENT->nr_lent, MOST);
	NIC->reset_fails = true;
	NIC->nic.ops->reset(&NIC->nic);
	bench_run();
	assert_int_equal(LENT->nr_lent, MOST);
	virtio_driver_reset(&A->drv);
	assert_int_equal(LENT->nr_lent, 0);
	NIC->nic.ops->start(&NIC->nic);
	fake_nic_link(NIC, true);
	bench_housekeep();
	start_lending();
	assert_true(arrive(A->mac, 1, 3000, NULL));
	expect(A, 3000, 2);
}

static void test_who_can(void **state)
{
	static struct lend l;

	(void)state;
	assert_int_equal(uplink_borrow(UP, 0, &l), -ENOTSUP);
	assert_int_equal(uplink_borrow(UP, 3, &l), -ENOTSUP);
	NIC->nic.capabilities = 0;
	assert_int_equal(uplink_borrow(UP, 1, &l), -ENOTSUP);
}

/* ---- At random ---- */

static unsigned seed;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* A's frames carry their number; they come in order, whole, or not at all. */
static uint32_t next_number, seen_number;

static void random_arrival(void)
{
	uint32_t len = 60 + dice(4000);
	struct fake_arrival how = { .header_bytes = 14 + dice(46),
		.error = dice(40) ? NIC_RX_OK : NIC_RX_BAD_FRAME };

	net_make_frame(sent, dice(30) ? A->mac : B->mac, peer_mac[0], len, next_number);
	memcpy(sent + 14, &next_number, 4);
	next_number += fake_nic_receive(NIC, 1, sent, len, &how);
}

static void check_frame(uint32_t len)
{
	uint32_t number;

	memcpy(&number, got + 14, 4);
	assert_true(number >= seen_number && number < next_number);
	seen_number = number + 1;
	for (uint32_t i = 18; i < len; i++)
		assert_int_equal(got[i], (uint8_t)(i * 7 + number));
}

static void guest_takes(void)
{
	struct virtio_net_hdr h;
	int r;

	for (unsigned n = dice(40); n && (r = net_guest_receive(A, &h, got)) > 0; n--)
		if (got[6] == 2 && got[10] == 1) /* from outside */
			check_frame((uint32_t)r);
	net_guest_kick(A, NET_RX);
}

static void neighbour_sends(void)
{
	net_guest_reap(B);
	if (B->drv.ring[NET_TX].nr_free < 200)
		return;
	net_make_frame(sent, A->mac, B->mac, 1000, 1);
	net_guest_send(B, NULL, sent, 1000, NULL);
	net_guest_kick(B, NET_TX);
}

static void restart(void)
{
	virtio_driver_reset(&A->drv);
	fill_memory(A);
	traffic(dice(30));
	bench_housekeep();
	check_memory(A);
	assert_int_equal(net_guest_start(A, FEATURES, 256), 0);
	net_guest_post_rx(A, 256, dice(4) ? 4096 : 3000 + dice(3000));
}

static void act(void)
{
	switch (dice(20)) {
	case 0:
		if (!dice(20))
			restart();
		break;
	case 1:
		if (!dice(20))
			NIC->nic.ops->reset(&NIC->nic);
		fake_nic_link(NIC, true);
		break;
	case 2:
		hint_publish(&A->hint, HINT_RUNNING, dice(2), 0);
		break;
	case 3:
	case 4:
	case 5:
		worker_run(&world.worker[dice(2)]);
		break;
	case 6:
	case 7:
	case 8:
		guest_takes();
		break;
	case 9:
		neighbour_sends();
		break;
	case 10:
		uplink_housekeeping(UP);
		break;
	default:
		random_arrival();
	}
}

static void test_random(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		seed = round;
		next_number = seen_number = 0;
		bench_free();
		init(NULL);
		start_lending();
		for (unsigned i = 0; i < 4000; i++)
			act();
		sum += zero_copies();
	}
	assert_true(sum > 1500);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_size),
		TEST(test_steered),
		TEST(test_jumbo),
		TEST(test_merged),
		TEST(test_tagged),
		TEST(test_others),
		TEST(test_other_guests),
		TEST(test_what_is_lent),
		TEST(test_slow_guest),
		TEST(test_reset),
		TEST(test_reset_waits_for_frames),
		TEST(test_reset_and_nic),
		TEST(test_who_can),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
