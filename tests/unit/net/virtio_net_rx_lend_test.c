// sources: @virtio_net @ioat @net_guest hv/net/copy.c hv/net/copy_estimate.c tests/unit/net/copy_machine.c
/* Receive queues that lend: frames whose payload is in lent buffers among others that I/OAT
 * channels copy, in order; resets with both under way. The borrower is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_port.h"
#include "net_guest.h"
#include "tests/unit/net/copy_machine.h"

#define FEATURES                                                                                   \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM |    \
		VIRTIO_NET_F_GUEST_CSUM)
#define A	(&world.guest[0])
#define B	(&world.guest[1])
#define RX	(&B->net->pair[0].rx)
#define LEND	(&RX->lend)
#define HEADERS 54

struct wire_frame {
	struct frame frame;
	struct frame_lent lent;
	uint8_t headers[HEADERS];
	struct lend_buffer buffer[FRAME_SEGMENTS_MAX];
};

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];
static struct fake_port wire;
static struct lend_buffer have[LEND_BUFFERS];
static unsigned nr_have, nr_wakes, nr_used, nr_flying;

static uint8_t *guest_memory(uint64_t len_bytes)
{
	return machine_alloc(len_bytes, 4096);
}

static void wake_borrower(void *borrower)
{
	assert_ptr_equal(borrower, have);
	nr_wakes++;
}

static int setup(void **state)
{
	static const struct net_guest_conf conf[2] = { { .mtu = 9000 }, { .mtu = 9000 } };
	static const struct port_policy policy = { .promiscuous = true };

	(void)state;
	copy_machine_start(false);
	world.memory = guest_memory;
	net_world_init(2, conf);
	copy_machine_open(world.copy, world.worker, (unsigned[]){ 1, 1 }, true);
	fake_port_init(&wire, FAKE_QUEUE);
	assert_int_equal(switch_add_port(world.sw, &wire.p, &policy), 0);
	nr_have = nr_wakes = nr_used = nr_flying = 0;
	LEND->borrower = have;
	LEND->wake_borrower = wake_borrower;
	return 0;
}

static bool copies_pending(void)
{
	return world.copy[0].job_head != world.copy[0].job_tail ||
	       world.copy[1].job_head != world.copy[1].job_tail;
}

/* As the uplink's work: takes what is offered, or gives back what it has. */
static void borrow(void)
{
	uint32_t head = load_acquire(&LEND->head);

	if (load_acquire(&LEND->state) == LEND_RECALL) {
		LEND->tail = head;
		nr_have = 0;
		if (nr_flying)
			return;
		store_release(&LEND->state, (uint32_t)LEND_OFF);
		LEND->wake_lender(LEND);
	}
	for (; LEND->tail != head; LEND->tail++)
		have[nr_have++] = LEND->ring[LEND->tail % LEND_BUFFERS];
}

static void run(void)
{
	for (unsigned n = 0; n < 100000; n++) {
		bool more = worker_run(&world.worker[0]) | worker_run(&world.worker[1]);

		borrow();
		if (!more && !worker_pending(&world.worker[0]) && !copies_pending())
			return;
		machine_advance_us(1);
		machine_interrupts();
	}
	fail_msg("the work does not end");
}

static void run_some(void)
{
	for (unsigned n = 0; n < 10; n++) {
		(void)worker_run(&world.worker[0]);
		(void)worker_run(&world.worker[1]);
		borrow();
	}
}

static int teardown(void **state)
{
	(void)state;
	virtio_driver_set_status(&B->drv, 0);
	run();
	run();
	assert_int_equal(virtio_driver_status(&B->drv), 0);
	assert_int_equal(nr_flying, 0);
	fake_drain(&wire);
	run();
	assert_true(net_world_balanced());
	net_world_free();
	machine_stop();
	world.memory = NULL;
	return 0;
}

static void start_both(void)
{
	assert_int_equal(net_guest_start(A, FEATURES, 256), 0);
	assert_int_equal(net_guest_start(B, FEATURES, 256), 0);
	net_guest_post_rx(B, 256, 4096);
	run();
}

static void release(struct frame *f)
{
	struct wire_frame *w = CONTAINER_OF(f, struct wire_frame, frame);

	for (unsigned i = 0; i < f->nr_segments; i++) {
		if (f->lent->used)
			nr_used++;
		else
			have[nr_have++] = w->buffer[i];
	}
	nr_flying--;
	free(w);
}

static bool wire_send(uint32_t len, unsigned seed)
{
	unsigned nr = (len - HEADERS + LEND_BUFFER_BYTES - 1) / LEND_BUFFER_BYTES;
	struct wire_frame *w;
	struct port *blocked;
	uint32_t at = HEADERS;

	if (nr_have < nr || load_acquire(&LEND->state) != LEND_ON)
		return false;
	w = calloc(1, sizeof(*w));
	net_make_frame(sent, B->mac, (uint8_t[]){ 2, 0, 0, 0, 1, 1 }, len, seed);
	w->frame = (struct frame){ .refs = 1,
		.len_bytes = len,
		.head_len = HEADERS,
		.nr_segments = (uint16_t)nr,
		.release = release,
		.lent = &w->lent };
	memcpy(w->frame.head, sent, HEADERS);
	w->lent.from = LEND;
	for (unsigned i = 0; i < nr; i++) {
		uint32_t part = MIN(len - at, LEND_BUFFER_BYTES);

		w->buffer[i] = have[--nr_have];
		w->lent.head[i] = w->buffer[i].head;
		memcpy(w->buffer[i].hva, sent + at, part);
		w->frame.segment[i] = (struct frame_segment){ w->buffer[i].hva, part };
		at += part;
	}
	nr_flying++;
	if (switch_forward(&wire.p, &w->frame, world.now_us, &blocked))
		frame_put(&w->frame);
	return true;
}

static void guest_sends(uint32_t len, unsigned seed)
{
	net_make_frame(sent, B->mac, A->mac, len, seed);
	assert_true(net_guest_send(A, NULL, sent, len, NULL) >= 0);
	net_guest_kick(A, NET_TX);
}

static void expect_from(const uint8_t *from, uint32_t len, unsigned seed, unsigned nr_buffers)
{
	struct virtio_net_hdr h;

	net_make_frame(sent, B->mac, from, len, seed);
	assert_int_equal(net_guest_receive(B, &h, got), len);
	assert_memory_equal(got, sent, len);
	assert_int_equal(h.num_buffers, nr_buffers);
}

static const uint8_t outside[6] = { 2, 0, 0, 0, 1, 1 };

/* Behind a copy that is under way a lent frame waits, and what comes behind it does too. */
static void test_order(void **state)
{
	unsigned out;

	(void)state;
	start_both();
	out = LEND->out;
	assert_int_equal(out, 256 - RX_MERGE_MAX);
	assert_true(nr_wakes > 0);
	machine_fault(0, "stall 0 2000");
	guest_sends(9000, 1);
	run_some();
	assert_true(wire_send(9000, 2));
	run_some();
	guest_sends(60, 3);
	run_some();
	assert_int_equal(net_guest_receive(B, &(struct virtio_net_hdr){ 0 }, got), -1);
	run();
	expect_from(A->mac, 9000, 1, 3);
	expect_from(outside, 9000, 2, 1 + 3);
	expect_from(A->mac, 60, 3, 1);
	assert_int_equal(nr_used, 3);
	/* alone it need not wait */
	assert_true(wire_send(5000, 4));
	run_some();
	expect_from(outside, 5000, 4, 1 + 2);
	net_guest_kick(B, NET_RX);
}

/* Reset with a copy, and behind it a lent frame, under way: the frame counts as dropped, and the
 * device is quiet only when both have ended. */
static void test_reset(void **state)
{
	uint64_t drops = net_world_drops(DROP_LINK_DOWN);

	(void)state;
	start_both();
	machine_fault(0, "stall 0 2000");
	guest_sends(9000, 1);
	run_some();
	assert_true(wire_send(9000, 2));
	run_some();
	virtio_driver_set_status(&B->drv, 0);
	run_some();
	assert_int_not_equal(virtio_driver_status(&B->drv), 0);
	run();
	run();
	assert_int_equal(virtio_driver_status(&B->drv), 0);
	assert_int_equal(nr_flying, 0);
	assert_int_equal(net_world_drops(DROP_LINK_DOWN) - drops, 2);
	start_both();
	assert_true(wire_send(2000, 3));
	run();
	expect_from(outside, 2000, 3, 2);
}

/* A driver that gives as many buffers as may be for the headers alone: those that were lent come
 * on top. */
static void headers_in_many_buffers(bool behind_a_copy)
{
	unsigned nr = 0;

	assert_int_equal(net_guest_start(A, FEATURES, 256), 0);
	assert_int_equal(net_guest_start(B, FEATURES, 256), 0);
	net_guest_post_rx(B, 20, 4096);
	if (behind_a_copy)
		net_guest_post_rx(B, 3, 3100); /* too short to be lent */
	net_guest_post_rx(B, RX_MERGE_MAX - 1, 1);
	net_guest_post_rx(B, 1, 12 + HEADERS);
	net_guest_post_rx(B, 20, 1);
	run();
	if (behind_a_copy) {
		machine_fault(0, "stall 0 2000");
		guest_sends(9000, 1);
		run_some();
	}
	assert_true(nr_have >= 3);
	assert_true(wire_send(9000, 2));
	run();
	while (vring_take_used(&B->drv.ring[NET_RX], NULL) >= 0)
		nr++;
	assert_int_equal(nr_used, 3);
	assert_int_equal(nr, RX_MERGE_MAX + 3u + (behind_a_copy ? 3 : 0));
}

static void test_headers_in_many_buffers(void **state)
{
	(void)state;
	headers_in_many_buffers(false);
}

static void test_headers_in_many_behind_a_copy(void **state)
{
	(void)state;
	headers_in_many_buffers(true);
}

static unsigned seed;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static uint32_t length_of(unsigned number)
{
	return 1100 + number * 7919u % 7900;
}

/* Two streams, each in order and whole, whoever copies or does not. */
static void test_streams(void **state)
{
	unsigned sent_nr[2] = { 0 }, got_nr[2] = { 0 };
	struct virtio_net_hdr h;
	int r;

	(void)state;
	start_both();
	for (unsigned i = 0; i < 20000; i++) {
		switch (dice(8)) {
		case 0:
			sent_nr[0] += wire_send(length_of(sent_nr[0]), sent_nr[0]);
			break;
		case 1:
			net_guest_reap(A);
			if (A->drv.ring[NET_TX].nr_free > 256 - NET_TX_SLOTS) {
				guest_sends(length_of(sent_nr[1]), sent_nr[1]);
				sent_nr[1]++;
			}
			break;
		case 2:
			machine_advance_us(1 + dice(20));
			machine_interrupts();
			break;
		case 3:
			if (!dice(50))
				machine_fault(0, "stall 0 %u", dice(300));
			break;
		case 4:
			borrow();
			break;
		default:
			(void)worker_run(&world.worker[dice(2)]);
		}
		while ((r = net_guest_receive(B, &h, got)) > 0) {
			unsigned from = got[10] == 1 ? 0 : 1, n = got_nr[from]++;

			net_make_frame(sent, B->mac, from ? A->mac : outside, length_of(n), n);
			assert_int_equal(r, length_of(n));
			assert_memory_equal(got, sent, (uint32_t)r);
		}
		net_guest_kick(B, NET_RX);
	}
	assert_true(got_nr[0] > 500 && got_nr[1] > 500 && nr_used > 500);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_reset),
		TEST(test_headers_in_many_buffers),
		TEST(test_headers_in_many_behind_a_copy),
		TEST(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
