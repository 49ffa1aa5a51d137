// sources: @virtio_net @ioat @net_guest hv/net/copy.c hv/net/copy_estimate.c tests/unit/net/copy_machine.c
/* Guest to guest with I/OAT channels behind the receive queue: every byte, in order, whatever the
 * channels do; push-back, moves between cores, lost interrupts, resets while copies are under way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net_guest.h"
#include "tests/unit/net/copy_machine.h"

#define BASE  (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define MERGE VIRTIO_NET_F_MRG_RXBUF
#define SUMS  (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define TSO                                                                                        \
	(SUMS | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 |        \
		VIRTIO_NET_F_GUEST_TSO6)
#define A  (&world.guest[0])
#define B  (&world.guest[1])
#define RX (&B->net->pair[0].rx)

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];

static uint8_t *guest_memory(uint64_t len_bytes)
{
	return machine_alloc(len_bytes, 4096);
}

static struct copy_stats stats(void)
{
	struct copy_stats sum = { 0 };

	for (unsigned i = 0; i < NET_CORES; i++)
		copy_stats_add(&sum, &world.copy[i]);
	return sum;
}

static void start_world(unsigned channels_0, unsigned channels_1, bool interrupts, bool dca)
{
	static const struct net_guest_conf conf[2] = { { .policy.spoof_check = true, .mtu = 9000 },
		{ .policy.spoof_check = true, .mtu = 9000 } };

	copy_machine_start(dca);
	world.memory = guest_memory;
	net_world_init(2, conf);
	copy_machine_open(
		world.copy, world.worker, (unsigned[]){ channels_0, channels_1 }, interrupts);
}

static bool copies_pending(void)
{
	for (unsigned i = 0; i < NET_CORES; i++) {
		if (world.copy[i].job_head != world.copy[i].job_tail)
			return true;
	}
	return false;
}

/* Packet work, time, interrupts and housekeeping until nothing is under way. */
static void run(void)
{
	for (unsigned n = 0; n < 100000; n++) {
		bool more = worker_run(&world.worker[0]) | worker_run(&world.worker[1]);

		if (!more && !worker_pending(&world.worker[0]) && !copies_pending())
			return;
		machine_advance_us(1);
		machine_interrupts();
		if (n % 10000 == 9999)
			virtio_net_housekeeping(B->net, world.now_us);
	}
	fail_msg("the work does not end");
}

/* Only as much as is there to do by now. */
static void run_some(unsigned rounds)
{
	for (unsigned n = 0; n < rounds; n++) {
		(void)worker_run(&world.worker[0]);
		(void)worker_run(&world.worker[1]);
	}
}

static int setup(void **state)
{
	(void)state;
	start_world(1, 1, true, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run();
	assert_true(net_world_balanced());
	assert_int_equal(RX->pending_head, RX->pending_tail);
	net_world_free();
	machine_stop();
	world.memory = NULL;
	return 0;
}

static void start_both(uint64_t features)
{
	machine_fault(0, "run 0");
	assert_int_equal(net_guest_start(A, features, 256), 0);
	assert_int_equal(net_guest_start(B, features, 256), 0);
	run();
}

static void send_frame(uint32_t len, unsigned seed)
{
	net_make_frame(sent, B->mac, A->mac, len, seed);
	assert_true(net_guest_send(A, NULL, sent, len, NULL) >= 0);
}

static void expect_frame(uint32_t len, unsigned seed)
{
	struct virtio_net_hdr h;

	net_make_frame(sent, B->mac, A->mac, len, seed);
	assert_int_equal(net_guest_receive(B, &h, got), len);
	assert_memory_equal(got, sent, len);
	assert_int_equal(h.flags | h.gso_type, 0);
}

static void expect_nothing(void)
{
	struct virtio_net_hdr h;

	assert_int_equal(net_guest_receive(B, &h, got), -1);
}

static void all_sizes(uint64_t features, uint32_t buffer, const struct net_layout *layout)
{
	struct virtio_net_hdr h;

	start_both(features);
	net_guest_post_rx(B, 250, buffer);
	for (uint32_t len = 14; len <= 9014; len += len < 1514 ? 1 : 37) {
		net_make_frame(sent, B->mac, A->mac, len, len);
		assert_true(net_guest_send(A, NULL, sent, len, layout) >= 0);
		net_guest_kick(A, NET_TX);
		run();
		assert_int_equal(net_guest_receive(B, &h, got), len);
		assert_memory_equal(got, sent, len);
		assert_int_equal(h.num_buffers, (12 + len + buffer - 1) / buffer);
		net_guest_kick(B, NET_RX);
		assert_int_equal(net_guest_reap(A), 1);
	}
	expect_nothing();
}

static void test_sizes(void **state)
{
	static const struct net_layout layouts[] = {
		{ 0 }, { 1, { 12 }, false },	  /* the header alone */
		{ 3, { 12, 14, 20 }, true },	  /* protocol by protocol */
		{ 4, { 10, 3, 70, 900 }, false }, /* across the head's end */
		{ 1, { 76 }, false },		  /* header and head, exactly */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++)
		all_sizes(BASE | (i & 1 ? MERGE : 0), 9100, &layouts[i]);
	all_sizes(BASE | MERGE, 1500, &layouts[3]);
	all_sizes(BASE | MERGE, 142, &layouts[3]); /* up to 64 buffers */
	assert_true(stats().ioat_copies > 500);
	assert_true(stats().cpu_copies > 500);
	assert_int_equal(stats().errors_recovered, 0);
	assert_int_equal(copy_machine_bytes(), stats().ioat_bytes);
}

/* A TCP/IPv4 segment of that length; only what the device looks at is right. */
static void make_segment(uint32_t len, struct virtio_net_hdr *h, uint16_t gso_size, unsigned seed)
{
	net_make_frame(sent, B->mac, A->mac, len, seed);
	memcpy(sent + 12, (uint8_t[]){ 8, 0, 0x45, 0 }, 4);
	sent[16] = (uint8_t)((len - 14) >> 8);
	sent[17] = (uint8_t)(len - 14);
	memcpy(sent + 20, (uint8_t[]){ 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 }, 14);
	sent[46] = 0x50; /* 20 bytes of header */
	sent[47] = 0x18; /* PSH ACK */
	*h = (struct virtio_net_hdr){ .flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_size ? VNET_HDR_GSO_TCPV4 : 0,
		.hdr_len = 54,
		.gso_size = gso_size,
		.csum_start = 34,
		.csum_offset = 16 };
}

static void send_segment(uint32_t len, struct virtio_net_hdr *h, uint16_t gso_size)
{
	/* As Linux: headers, then page fragments. */
	struct net_layout layout = { .indirect = true, .nr = 16 };

	make_segment(len, h, gso_size, 3);
	layout.len_bytes[0] = 12 + 66;
	for (unsigned i = 1; i < 16; i++)
		layout.len_bytes[i] = 4096;
	assert_true(net_guest_send(A, h, sent, len, &layout) >= 0);
	net_guest_kick(A, NET_TX);
}

static void uncut(uint64_t features, uint32_t buffer, unsigned nr)
{
	struct virtio_net_hdr h, r;
	uint32_t len = 65535 + 14;

	start_both(features);
	net_guest_post_rx(B, nr, buffer);
	send_segment(len, &h, 1448);
	run();
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
	uint64_t before;

	(void)state;
	uncut(BASE | TSO | MERGE, 4096, 64);
	assert_true(stats().ioat_bytes > 20000);
	uncut(BASE | TSO | MERGE, 1536, 200);
	uncut(BASE | TSO, 65562 + 12, 8);
	assert_true(stats().ioat_bytes > 80000);
	before = stats().ioat_bytes;
	uncut(BASE | TSO | MERGE, 1030, 256); /* more than 64 pieces: by the CPU */
	assert_int_equal(stats().ioat_bytes, before);
}

/* What the CPU has to write does not overtake what is under way: a large frame, a checksum to
 * complete, a segment to cut, a small frame. */
static void test_order(void **state)
{
	struct virtio_net_hdr h, r;
	uint32_t payload = 0;
	int n;

	(void)state;
	assert_int_equal(net_guest_start(A, BASE | TSO | MERGE, 256), 0);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 200, 9100);
	run();
	machine_fault(0, "stall 0 2000");
	send_frame(9000, 1);
	make_segment(2000, &h, 0, 2);
	assert_true(net_guest_send(A, &h, sent, 2000, NULL) >= 0);
	send_segment(40000, &h, 1448);
	send_frame(60, 4);
	net_guest_kick(A, NET_TX);
	run_some(10);
	expect_nothing();
	assert_int_equal(B->interrupts[NET_RX], 0);
	assert_int_equal(net_guest_reap(A), 0);
	assert_int_equal(stats().cpu_copies, 1 + 28 + 1); /* done, but not shown */
	run();
	expect_frame(9000, 1);
	assert_int_equal(net_guest_receive(B, &r, got), 2000);
	make_segment(2000, &h, 0, 2);
	assert_int_equal(r.flags, 0);
	assert_memory_equal(got, sent, 50);
	assert_memory_not_equal(got + 50, sent + 50, 2);
	assert_memory_equal(got + 52, sent + 52, 1948);
	make_segment(40000, &h, 1448, 3);
	for (; payload < 40000 - 54; payload += (uint32_t)n - 54) {
		n = net_guest_receive(B, &r, got);
		assert_true(n > 54);
		assert_memory_equal(got + 54, sent + 54 + payload, n - 54);
	}
	expect_frame(60, 4);
	expect_nothing();
	assert_int_equal(net_guest_reap(A), 4);
}

/* A stream of numbered frames of any size with anything going on in between. */
struct stream {
	uint32_t sent, got;
	unsigned max; /* length */
};

static uint32_t length_of(uint32_t number, unsigned max)
{
	return 60 + (number * 7919u + number / 3) % (max - 60);
}

static void stream_send(struct stream *s, unsigned burst)
{
	net_guest_reap(A);
	/* A slot is free again only when its chain is. */
	while (burst-- && A->drv.ring[NET_TX].nr_free > 256 - NET_TX_SLOTS) {
		send_frame(length_of(s->sent, s->max), s->sent);
		s->sent++;
	}
	net_guest_kick(A, NET_TX);
}

static void stream_receive(struct stream *s)
{
	while (s->got < s->sent &&
		load_acquire(&B->drv.ring[NET_RX].used->idx) != B->drv.ring[NET_RX].used_seen) {
		expect_frame(length_of(s->got, s->max), s->got);
		s->got++;
	}
	net_guest_kick(B, NET_RX);
}

static void stream_end(struct stream *s)
{
	for (unsigned i = 0; i < 100 && s->got != s->sent; i++) {
		run();
		stream_receive(s);
	}
	assert_int_equal(s->got, s->sent);
	net_guest_reap(A);
	assert_int_equal(A->drv.ring[NET_TX].nr_free, 256);
}

static void test_stream(void **state)
{
	struct stream s = { .max = 9000 };

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 200, 4500);
	srand(1);
	while (s.sent < 3000) {
		stream_send(&s, 1 + (unsigned)rand() % 40);
		run_some((unsigned)rand() % 5);
		machine_advance_us((uint64_t)rand() % 30);
		machine_interrupts();
		stream_receive(&s);
	}
	stream_end(&s);
	assert_true(stats().ioat_copies > 1500);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 0);
	/* a doorbell is for a batch */
	assert_true(stats().doorbells < stats().ioat_copies / 2);
}

static void test_faults(void **state)
{
	struct stream s = { .max = 9000 };

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 200, 4500);
	srand(2);
	for (unsigned i = 0; i < 19 * 6; i++) {
		stream_send(&s, 20 + (unsigned)rand() % 20);
		run_some(3);
		if (i % 7 == 0)
			machine_fault(0, "stall 0 20000");
		machine_fault(0, "halt 0 %u", i % 19);
		machine_advance_us((uint64_t)rand() % 10);
		stream_send(&s, (unsigned)rand() % 20);
		for (unsigned n = 0; n < (unsigned)rand() % 3; n++)
			run();
		stream_receive(&s);
	}
	stream_end(&s);
	assert_true(stats().errors_recovered > 50);
	assert_int_equal(stats().channels_lost, 0);
	assert_true(stats().ioat_copies > 500);
}

/* The only channel dies in mid-stream: the CPU does what it had, and everything else from then on.
 */
static void test_channel_lost(void **state)
{
	struct stream s = { .max = 9000 };
	uint64_t ioat_copies;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 200, 4500);
	stream_send(&s, 30);
	run_some(2);
	machine_fault(0, "reset-hangs on");
	machine_fault(0, "halt 0 dma-data");
	machine_advance_us(2);
	stream_send(&s, 30);
	stream_end(&s);
	assert_int_equal(world.copy[0].nr_channels, 0);
	assert_int_equal(stats().channels_lost, 1);
	ioat_copies = stats().ioat_copies;
	stream_send(&s, 30);
	stream_end(&s);
	assert_false(RX->async);
	assert_int_equal(stats().ioat_copies, ioat_copies);
}

/* The channel stands still. As many buffers as may be are under way, then frames stay in their
 * ring; all goes on when the channel does, and nothing counts as starvation. */
static void test_push_back(void **state)
{
	struct stream s = { .max = 2000 };

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 1, 9100);
	net_guest_post_rx(B, 255, 250);
	machine_fault(0, "stall 0 5000");
	send_frame(9000, 500);
	while (A->drv.ring[NET_TX].nr_free > 256 - NET_TX_SLOTS)
		stream_send(&s, 1);
	run_some(3);
	assert_true(RX->pending_head - RX->pending_tail > 256 - RX_FRAME_BUFFERS_MAX);
	assert_non_null(frame_ring_peek(&RX->ring));
	assert_false(RX->starved);
	expect_nothing();
	for (unsigned i = 0; i < 30; i++) {
		world.now_us += 10000;
		virtio_net_housekeeping(B->net, world.now_us);
		run_some(1);
	}
	expect_nothing();
	run();
	expect_frame(9000, 500);
	stream_end(&s);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 0);
}

static void pass_time(uint64_t us)
{
	for (uint64_t t = 0; t < us; t += 10000) {
		world.now_us += 10000;
		virtio_net_housekeeping(B->net, world.now_us);
		run();
	}
}

/* Copies that ended are progress, which restarts the clock of patience. */
static void test_starvation(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	B->repost = false;
	net_guest_post_rx(B, 2, 9100);
	for (unsigned i = 0; i < 4; i++)
		send_frame(8000, i);
	net_guest_kick(A, NET_TX);
	run();
	assert_true(RX->starved);
	expect_frame(8000, 0);
	expect_frame(8000, 1);
	expect_nothing();
	assert_int_equal(net_guest_reap(A), 2);
	pass_time(150000);
	net_guest_post_rx(B, 1, 9100);
	run();
	expect_frame(8000, 2);
	pass_time(150000);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 0);
	pass_time(100000);
	assert_int_equal(net_world_drops(DROP_NO_BUFFER), 1);
	assert_int_equal(net_guest_reap(A), 2);
}

static uint64_t hash_memory(const struct net_guest *g)
{
	const uint64_t *word = (const uint64_t *)(const void *)g->mem.bytes;
	uint64_t h = 0;

	for (uint64_t i = 0; i < g->mem.len_bytes / 8; i++)
		h = (h ^ word[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* A queue is off only when the channel has stopped to write, and then it has. */
static void test_reset_receiver(void **state)
{
	uint64_t before;
	uint32_t used;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 100, 9100);
	send_frame(9000, 100);
	net_guest_kick(A, NET_TX);
	run();
	expect_frame(9000, 100);
	machine_fault(0, "stall 0 3000");
	for (unsigned i = 0; i < 20; i++)
		send_frame(9000, i);
	net_guest_kick(A, NET_TX);
	run_some(5);
	assert_int_equal(RX->pending_head - RX->pending_tail, 20);
	used = B->drv.ring[NET_RX].used->idx;
	virtio_driver_set_status(&B->drv, 0);
	run_some(5);
	assert_true(virtio_pci_reset_pending(&B->vp));
	assert_int_not_equal(virtio_driver_status(&B->drv), 0);
	assert_int_equal(queue_state(&RX->q), QUEUE_STOPPING);
	while (virtio_pci_reset_pending(&B->vp)) {
		run_some(1);
		machine_advance_us(1);
		machine_interrupts();
	}
	assert_int_equal(virtio_driver_status(&B->drv), 0);
	before = hash_memory(B);
	machine_advance_us(50000);
	run();
	assert_int_equal(hash_memory(B), before);
	assert_int_equal(B->drv.ring[NET_RX].used->idx, used);
	assert_int_equal(net_world_drops(DROP_LINK_DOWN), 20);
	assert_int_equal(net_guest_reap(A), 21);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 10, 9100);
	send_frame(9000, 7);
	net_guest_kick(A, NET_TX);
	run();
	expect_frame(9000, 7);
}

/* The sender's buffers are read until the copies end. */
static void test_reset_sender(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 100, 9100);
	machine_fault(0, "stall 0 1000");
	for (unsigned i = 0; i < 20; i++)
		send_frame(9000, i);
	net_guest_kick(A, NET_TX);
	run_some(5);
	virtio_driver_set_status(&A->drv, 0);
	run_some(5);
	assert_true(virtio_pci_reset_pending(&A->vp));
	run();
	assert_false(virtio_pci_reset_pending(&A->vp));
	for (unsigned i = 0; i < 20; i++)
		expect_frame(9000, i);
}

/* Resets of both, and halts, at any time. Frames get lost, but none is wrong or out of order. */
static void test_resets(void **state)
{
	struct virtio_net_hdr h;
	uint32_t number, next = 0, last = 0, received = 0;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 100, 4500);
	srand(3);
	for (unsigned i = 0; i < 3000; i++) {
		net_guest_reap(A);
		for (unsigned n = (unsigned)rand() % 8;
			n && A->drv.ring[NET_TX].nr_free > 256 - NET_TX_SLOTS; n--, next++) {
			uint32_t len = length_of(next, 9000);

			net_make_frame(sent, B->mac, A->mac, len, next);
			memcpy(sent + 20, &next, 4);
			assert_true(net_guest_send(A, NULL, sent, len, NULL) >= 0);
		}
		net_guest_kick(A, NET_TX);
		run_some((unsigned)rand() % 4);
		machine_advance_us((uint64_t)rand() % 8);
		machine_interrupts();
		if (rand() % 50 == 0)
			machine_fault(0, "halt 0 %d", rand() % 19);
		if (rand() % 100 == 0) {
			struct net_guest *g = rand() % 2 ? A : B;

			virtio_driver_set_status(&g->drv, 0);
			run();
			g->mem.next = g->drv.ring[0].conf.desc_gpa - g->mem.gpa;
			assert_int_equal(net_guest_start(g, BASE | MERGE, 256), 0);
			if (g == B)
				net_guest_post_rx(B, 100, 4500);
		}
		for (int n; (n = net_guest_receive(B, &h, got)) > 0; received++) {
			memcpy(&number, got + 20, 4);
			assert_true(number >= last && number < next);
			last = number + 1;
			net_make_frame(sent, B->mac, A->mac, length_of(number, 9000), number);
			memcpy(sent + 20, &number, 4);
			assert_int_equal(n, length_of(number, 9000));
			assert_memory_equal(got, sent, n);
		}
		net_guest_kick(B, NET_RX);
	}
	assert_true(received > next / 2);
	assert_true(net_world_drops(DROP_LINK_DOWN) > 0);
}

/* The guest, and with it the queue's work, goes from core to core, with copies under way. */
static void test_moves(void **state)
{
	struct stream s = { .max = 9000 };

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 200, 4500);
	srand(4);
	while (s.sent < 3000) {
		stream_send(&s, 1 + (unsigned)rand() % 20);
		run_some((unsigned)rand() % 4);
		hint_publish(&B->hint, HINT_RUNNING, (unsigned)rand() % 2, 0);
		machine_advance_us((uint64_t)rand() % 20);
		machine_interrupts();
		stream_receive(&s);
	}
	stream_end(&s);
	assert_true(world.copy[0].stats.ioat_copies > 200);
	assert_true(world.copy[1].stats.ioat_copies > 200);
	assert_true(stats().refused > 0);
}

/* To a core without channels and back: order is kept there too. */
static void test_moves_to_cpu(void **state)
{
	struct stream s = { .max = 9000 };

	(void)state;
	teardown(NULL);
	start_world(1, 0, true, false);
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 200, 4500);
	srand(5);
	while (s.sent < 2000) {
		stream_send(&s, 1 + (unsigned)rand() % 20);
		run_some((unsigned)rand() % 4);
		hint_publish(&B->hint, HINT_RUNNING, (unsigned)rand() % 2, 0);
		machine_advance_us((uint64_t)rand() % 20);
		machine_interrupts();
		stream_receive(&s);
	}
	stream_end(&s);
	assert_true(world.copy[0].stats.ioat_copies > 200);
	assert_true(world.copy[1].stats.cpu_copies > 200);
}

/* Segments are cut for B, behind whole frames that are copied, on either core. */
static void test_cut(void **state)
{
	static uint8_t segment[40000];
	struct virtio_net_hdr h, r;
	uint32_t frames = 0, payload = 0;
	unsigned nr_sent = 0;
	int n;

	(void)state;
	assert_int_equal(net_guest_start(A, BASE | TSO | MERGE, 256), 0);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 250, 9100);
	run();
	make_segment(sizeof(segment), &h, 1448, 3);
	memcpy(segment, sent, sizeof(segment));
	srand(6);
	for (unsigned round = 0; round < 1000; round++) {
		net_guest_reap(A);
		while (nr_sent < 400 && A->drv.ring[NET_TX].nr_free > 200) {
			if (nr_sent++ % 2) {
				send_segment(sizeof(segment), &h, 1448);
			} else {
				send_frame(9000, 1);
				net_guest_kick(A, NET_TX);
			}
		}
		if (round % 16 == 0)
			machine_fault(0, "stall %u 30", round / 16 % 2);
		run_some((unsigned)rand() % 4);
		hint_publish(&B->hint, HINT_RUNNING, (unsigned)rand() % 2, 0);
		machine_advance_us((uint64_t)rand() % 20);
		machine_interrupts();
		for (; (n = net_guest_receive(B, &r, got)) > 0; net_guest_kick(B, NET_RX)) {
			if (n == 9000) {
				assert_int_equal(payload, 0);
				frames++;
				continue;
			}
			assert_memory_equal(got + 54, segment + 54 + payload, n - 54);
			payload = (payload + (uint32_t)n - 54) % (sizeof(segment) - 54);
			frames += !payload;
		}
	}
	assert_int_equal(frames, 400);
	assert_int_equal(net_world_drops(DROP_BUFFER_SIZE), 0);
	assert_true(stats().ioat_copies > 100 && stats().refused > 0);
}

static void send_and_leave(void)
{
	for (unsigned i = 0; i < 4; i++)
		send_frame(9000, i);
	net_guest_kick(A, NET_TX);
	run_some(10);
	expect_nothing();
}

static void expect_four(void)
{
	for (unsigned i = 0; i < 4; i++)
		expect_frame(9000, i);
	net_guest_kick(B, NET_RX);
	assert_int_equal(net_guest_reap(A), 4);
}

/* The core has nothing to poll while the channel works; its interrupt ends that. */
static void test_interrupt(void **state)
{
	uint64_t before;

	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 20, 9100);
	machine_fault(0, "stall 0 200");
	before = copy_machine_interrupts();
	send_and_leave();
	assert_false(worker_pending(&world.worker[0]));
	assert_true(copies_pending());
	machine_advance_us(300);
	machine_interrupts();
	assert_int_equal(copy_machine_interrupts(), before + 1);
	assert_true(worker_pending(&world.worker[0]));
	run_some(10);
	assert_false(worker_pending(&world.worker[0]));
	expect_four();
}

/* Housekeeping notices at its second look. */
static void test_lost_interrupt(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 20, 9100);
	for (unsigned i = 0; i < 3; i++) {
		machine_fault(0, "lose-interrupts 1");
		machine_fault(0, "stall 0 200");
		send_and_leave();
		machine_advance_us(300);
		machine_interrupts();
		assert_false(worker_pending(&world.worker[0]));
		virtio_net_housekeeping(B->net, world.now_us += 10000);
		run_some(10);
		expect_nothing();
		virtio_net_housekeeping(B->net, world.now_us += 10000);
		assert_true(worker_pending(&world.worker[0]));
		run_some(10);
		assert_false(worker_pending(&world.worker[0]));
		expect_four();
		virtio_net_housekeeping(B->net, world.now_us += 10000);
		assert_false(worker_pending(&world.worker[0]));
	}
}

/* It stands still for good: no interrupt comes. Housekeeping makes the work poll, and the driver
 * brings the channel back. */
static void test_stall(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 20, 9100);
	machine_fault(0, "stall 0");
	send_and_leave();
	for (unsigned ms = 0; copies_pending(); ms++) {
		assert_true(ms < 60);
		if (ms % 10 == 0)
			virtio_net_housekeeping(B->net, world.now_us += 10000);
		for (unsigned i = 0; i < 100; i++) {
			machine_advance_us(10);
			machine_interrupts();
			run_some(2);
		}
	}
	run();
	expect_four();
	assert_int_equal(stats().errors_recovered, 1);
	assert_int_equal(stats().channels_lost, 0);
}

/* Without interrupts the work stays polled. */
static void test_polled(void **state)
{
	(void)state;
	teardown(NULL);
	start_world(1, 0, false, false);
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 20, 9100);
	machine_fault(0, "stall 0 200");
	send_and_leave();
	assert_true(worker_pending(&world.worker[0]));
	machine_advance_us(300);
	run_some(10);
	assert_false(worker_pending(&world.worker[0]));
	expect_four();
}

/* Small frames take no part in it unless there is something to wait for. */
static void test_small(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 100, 9100);
	for (unsigned i = 0; i < 30; i++)
		send_frame(200, i);
	net_guest_kick(A, NET_TX);
	run_some(3);
	for (unsigned i = 0; i < 30; i++)
		expect_frame(200, i);
	assert_int_equal(RX->copies.submitted, 0);
	assert_int_equal(stats().cpu_copies, 30);
	assert_int_equal(stats().cpu_bytes, 6000);
	assert_int_equal(stats().doorbells, 0);
	assert_int_equal(net_guest_reap(A), 30);
}

/* Payload is aimed at the core where the guest's vCPU is, not where the sender's is. */
static void test_destination(void **state)
{
	(void)state;
	teardown(NULL);
	start_world(1, 1, true, true);
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 4, 9100);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *dst = test_memory_at(&B->mem, B->rx_pool_gpa + i * 9103);

		hint_publish(&B->hint, HINT_RUNNING, i % 2, 0);
		send_frame(9000, i);
		net_guest_kick(A, NET_TX);
		run();
		assert_int_equal(copy_machine_target(dst + 12 + FRAME_HEAD_BYTES), 2 * (i % 2));
		expect_frame(9000, i);
	}
	assert_true(world.copy[0].stats.ioat_copies && world.copy[1].stats.ioat_copies);
}

/* The driver's index says that there are more buffers than its ring has. */
static void test_hostile_ring(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 256, 300);
	machine_fault(0, "stall 0 3000");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 20; i++)
			send_frame(3000, i); /* 11 buffers each */
		net_guest_kick(A, NET_TX);
		run_some(5);
		/* the same buffers again, as if they had come back */
		B->drv.ring[NET_RX].avail->idx = (uint16_t)(B->drv.ring[NET_RX].avail->idx + 100);
		virtio_net_housekeeping(B->net, world.now_us += 10000);
		queue_schedule(&RX->q);
		run_some(5);
		assert_true(RX->pending_head - RX->pending_tail <= RX_PENDING_MAX);
	}
	run();
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	run();
	net_guest_reap(A);
	assert_int_equal(A->drv.ring[NET_TX].nr_free, 256);
}

/* The ring breaks while copies are under way. */
static void test_broken_ring(void **state)
{
	(void)state;
	start_both(BASE | MERGE);
	net_guest_post_rx(B, 10, 9100);
	machine_fault(0, "stall 0 500");
	for (unsigned i = 0; i < 12; i++)
		send_frame(9000, i);
	B->drv.ring[NET_RX].avail->idx = (uint16_t)(B->drv.ring[NET_RX].avail->idx + 1000);
	net_guest_kick(A, NET_TX);
	run_some(5);
	run();
	assert_int_equal(virtio_driver_status(&B->drv) & 0x40, 0x40);
	assert_int_equal(net_guest_reap(A), 12);
	assert_int_equal(net_guest_start(B, BASE | MERGE, 256), 0);
	net_guest_post_rx(B, 10, 9100);
	send_frame(9000, 77);
	net_guest_kick(A, NET_TX);
	run();
	expect_frame(9000, 77);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),
		TEST(test_segment_uncut),
		TEST(test_order),
		TEST(test_stream),
		TEST(test_faults),
		TEST(test_channel_lost),
		TEST(test_push_back),
		TEST(test_starvation),
		TEST(test_reset_receiver),
		TEST(test_reset_sender),
		TEST(test_resets),
		TEST(test_moves),
		TEST(test_moves_to_cpu),
		TEST(test_cut),
		TEST(test_interrupt),
		TEST(test_lost_interrupt),
		TEST(test_stall),
		TEST(test_polled),
		TEST(test_small),
		TEST(test_destination),
		TEST(test_hostile_ring),
		TEST(test_broken_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
