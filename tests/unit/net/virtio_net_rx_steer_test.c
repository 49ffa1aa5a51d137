// sources: @virtio_net @ioat @net_guest hv/net/copy.c hv/net/copy_estimate.c tests/unit/net/copy_machine.c
/* Received frames by steering's decisions: where they are copied, by whom, and how long they are
 * held. Guest A on core 0 sends to guest B, whose vCPU is where the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/virtio_net_rx_steer.h"
#include "net_guest.h"
#include "tests/unit/net/copy_machine.h"

#define BASE (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define A    (&world.guest[0])
#define B    (&world.guest[1])
#define RX   (&B->net->pair[0].rx)
#define BOOK (&RX->track.stats)
#define LEN  1500u
#define LONG 1000000u /* longer than anything survives, in us */

static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];
static struct steer_core cores[NET_CORES];
static struct steer steer;
static uint32_t published;
static unsigned on_core, nr_placed, nr_woken, nr_released, near_core;
static uint64_t placed_word; /* what place() says of a sleeper */
static bool runs_while_placed;

static uint8_t *guest_memory(uint64_t len_bytes)
{
	return machine_alloc(len_bytes, 4096);
}

static unsigned this_core(void)
{
	return on_core;
}

static uint64_t place(struct sched_hint *h, unsigned core)
{
	nr_placed++;
	near_core = core;
	if (runs_while_placed)
		hint_publish(h, HINT_RUNNING, hint_core(placed_word), 0);
	return placed_word;
}

static void wake(struct sched_hint *h)
{
	assert_ptr_equal(h, &B->hint);
	assert_true(h->held); /* else it could run before it is told what waits */
	nr_woken++;
	hint_publish(h, HINT_QUEUED, hint_core(placed_word), LONG);
}

static void release(struct sched_hint *h)
{
	nr_released++;
	virtio_net_release(B->net, &world.worker[hint_core(hint_read(h))]);
}

static const struct virtio_net_setup steering = {
	.steer = &steer,
	.pending = &published,
	.this_core = this_core,
	.place = place,
	.wake = wake,
	.release = release,
};

static bool run_cores(void)
{
	bool more = false;

	for (on_core = 0; on_core < NET_CORES; on_core++)
		more |= worker_run(&world.worker[on_core]);
	on_core = 0;
	return more || world.copy[0].job_head != world.copy[0].job_tail ||
	       world.copy[1].job_head != world.copy[1].job_tail;
}

static void run(void)
{
	for (unsigned n = 0; n < 20000 && run_cores(); n++) {
		machine_advance_us(1);
		machine_interrupts();
	}
}

static void start(enum steer_policy policy, enum steer_backend backend, unsigned channels)
{
	static const struct net_guest_conf conf[2] = { { .mtu = 9000 }, { .mtu = 9000 } };

	steer_init(&steer, policy, backend, cores, NET_CORES);
	steer_housekeeping(&steer, 1000);
	published = 0;
	nr_placed = nr_woken = nr_released = 0;
	runs_while_placed = false;
	copy_machine_start(backend == STEER_BACKEND_DCA);
	world.memory = guest_memory;
	world.steering = &steering;
	net_world_init(2, conf);
	copy_machine_open(world.copy, world.worker, (unsigned[]){ channels, channels }, true);
	machine_fault(0, "run 0");
	hint_publish(&A->hint, HINT_RUNNING, 0, 0);
	hint_publish(&B->hint, HINT_RUNNING, 0, 0);
	assert_int_equal(net_guest_start(A, BASE, 256), 0);
	assert_int_equal(net_guest_start(B, BASE, 256), 0);
	net_guest_post_rx(B, 250, 2000);
	run();
}

static int teardown(void **state)
{
	uint64_t known;

	(void)state;
	run();
	virtio_net_consume(B->net, 0, world.now_us, false);
	known = BOOK->on_target;
	for (unsigned i = 0; i < STEER_MISSED_REASONS; i++)
		known += BOOK->missed[i];
	assert_int_equal(BOOK->placed, known);
	assert_true(net_world_balanced());
	net_world_free();
	machine_stop();
	world.memory = NULL;
	world.steering = NULL;
	return 0;
}

static void send_frames(unsigned nr, uint32_t len_bytes)
{
	for (unsigned i = 0; i < nr; i++) {
		net_make_frame(sent, B->mac, A->mac, len_bytes, 7);
		assert_true(net_guest_send(A, NULL, sent, len_bytes, NULL) >= 0);
		(void)net_guest_reap(A);
	}
	net_guest_kick(A, NET_TX);
}

static unsigned received(uint32_t len_bytes)
{
	struct virtio_net_hdr h;
	unsigned n = 0;
	int r;

	net_make_frame(sent, B->mac, A->mac, len_bytes, 7);
	while ((r = net_guest_receive(B, &h, got)) >= 0) {
		assert_int_equal(r, len_bytes);
		assert_memory_equal(got, sent, len_bytes);
		n++;
	}
	return n;
}

static void taken_on(unsigned core)
{
	assert_int_equal(published, 1);
	published = 0;
	virtio_net_consume(B->net, core, world.now_us, false);
}

/* The scheduler picks B's vCPU. */
static void schedule_in(unsigned core)
{
	hint_publish(&B->hint, HINT_RUNNING, core, 0);
	if (hint_take_held(&B->hint))
		virtio_net_release(B->net, &world.worker[core]);
}

/* ---- Running ---- */

static void test_running_here(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_int_equal(BOOK->placed, 5);
	assert_int_equal(BOOK->moved, 0);
	taken_on(0);
	assert_int_equal(BOOK->on_target, 5);
}

static void test_running_elsewhere(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_RUNNING, 1, 0);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 5);
	send_frames(3, LEN);
	run();
	assert_int_equal(received(LEN), 3);
	taken_on(0); /* it was moved meanwhile */
	assert_int_equal(BOOK->missed[STEER_MISSED_MOVED], 3);
}

static void test_engine_aims_at_another_core(void **state)
{
	struct steer_trace t;

	(void)state;
	start(STEER_FULL, STEER_BACKEND_DCA, 2);
	world.copy[0].estimate.break_even_bytes = 512;
	hint_publish(&B->hint, HINT_RUNNING, 1, 0);
	send_frames(1, LEN);
	run();
	assert_int_equal(received(LEN), 1);
	assert_ptr_equal(RX->q.work.worker, &world.worker[0]); /* core 1 was left alone */
	assert_int_equal(world.copy[0].stats.ioat_copies, 1);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 1);
	assert_true(steer_track_read(&RX->track, 0, &t));
	assert_int_equal(t.placement.writer, STEER_BY_ENGINE);
	assert_int_equal(t.placement.contiguous_bytes, LEN - FRAME_HEAD_BYTES); /* the CPU's */
	/* a core's APIC ID is twice its number */
	assert_int_equal(copy_machine_target(t.placement.hva), 2);
	/* what is not worth an engine's while goes there with the work */
	send_frames(1, 100);
	run();
	assert_int_equal(received(100), 1);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 2);
}

/* A channel that is thought to cost more than it saves is left alone, but for a trial; a core that
 * helps uses it all the same. */
static void test_engine_that_is_dear(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_DCA, 2);
	world.copy[0].estimate.break_even_bytes = 4000;
	hint_publish(&B->hint, HINT_RUNNING, 1, 0);
	send_frames(1, LEN);
	run();
	assert_int_equal(received(LEN), 1);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	taken_on(1);
	hint_set_helper(&B->hint, 0);
	send_frames(3, LEN);
	run();
	assert_int_equal(received(LEN), 3);
	assert_ptr_equal(RX->q.work.worker, &world.worker[0]);
	assert_int_equal(world.copy[0].stats.ioat_copies, 3);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 4);
	hint_set_helper(&B->hint, HINT_NO_HELPER);
	for (unsigned i = 0; i < COPY_TRIAL_PERIOD; i++) {
		world.copy[0].estimate.break_even_bytes = 4000; /* whatever was measured */
		send_frames(1, LEN);
		run();
		assert_int_equal(received(LEN), 1);
		taken_on(1);
	}
	assert_int_equal(world.copy[0].stats.ioat_copies, 3 + 1);
	assert_int_equal(BOOK->on_target, 4 + COPY_TRIAL_PERIOD);
}

/* A channel that is busy for another core cannot be turned: the books say so. */
static void test_engine_that_does_not_aim(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_DCA, 1);
	world.copy[0].estimate.break_even_bytes = 512;
	hint_publish(&B->hint, HINT_RUNNING, 1, 0);
	send_frames(1, LEN);
	while (!RX->copies.submitted)
		(void)run_cores();
	hint_publish(&B->hint, HINT_RUNNING, 0, 0);
	send_frames(1, LEN);
	for (unsigned i = 0; i < 5; i++)
		(void)run_cores();
	run();
	assert_int_equal(received(LEN), 2);
	taken_on(0);
	assert_int_equal(BOOK->placed, 2);
	assert_int_equal(BOOK->missed[STEER_MISSED_MOVED], 1);
	assert_int_equal(BOOK->missed[STEER_MISSED_ASTRAY] + BOOK->on_target, 1);
}

/* ---- Queued ---- */

static void test_queued_for_a_moment(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 1, steer_survival_us(&steer, 1) / STEER_WAIT_MARGIN);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	assert_int_equal(BOOK->holds, 0);
}

static void test_held_until_scheduled_in(void **state)
{
	uint64_t runs;

	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 1, LONG);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 0);
	assert_int_equal(BOOK->holds, 1);
	runs = RX->q.stats.runs;
	send_frames(4, LEN); /* join them, and cost no run */
	run();
	assert_int_equal(RX->q.stats.runs, runs);
	assert_int_equal(received(LEN), 0);
	assert_int_equal(BOOK->placed, 0);
	schedule_in(1);
	run();
	assert_int_equal(received(LEN), 9);
	assert_int_equal(BOOK->held, 9);
	assert_int_equal(BOOK->holds, 1);
	assert_int_equal(BOOK->holds_ended, 0);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 9);
}

static void test_held_not_for_too_long(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 1, LONG);
	send_frames(100, LEN);
	run();
	world.now_us += STEER_HOLD_MAX_US - 1;
	virtio_net_housekeeping(B->net, world.now_us);
	run();
	assert_int_equal(received(LEN), 0);
	world.now_us++;
	virtio_net_housekeeping(B->net, world.now_us);
	run();
	assert_int_equal(received(LEN), 100);
	assert_int_equal(BOOK->holds_ended, 1);
	assert_int_equal(BOOK->held, 100);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
}

static void test_held_while_there_is_room(void **state)
{
	unsigned nr = 0;

	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 0, LONG);
	for (; nr < RX_HOLD_FRAMES - 1; nr++) {
		send_frames(1, LEN);
		run();
	}
	assert_int_equal(received(LEN), 0);
	assert_int_equal(B->net->port.counters.pushed_back, 0);
	send_frames(1, LEN);
	run();
	assert_int_equal(received(LEN), RX_HOLD_FRAMES);
	assert_int_equal(BOOK->holds_ended, 1);
	assert_int_equal(A->net->port.counters.pushed_back, 0);
}

static void test_stopped_while_held(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 1, LONG);
	send_frames(5, LEN);
	run();
	virtio_pci_reset(&B->vp);
	for (unsigned i = 0; i < 100 && virtio_pci_reset_pending(&B->vp); i++)
		run();
	assert_false(virtio_pci_reset_pending(&B->vp));
	assert_int_equal(net_world_drops(DROP_LINK_DOWN), 5);
	assert_false(RX->held);
	assert_int_equal(RX->held_since_us, 0);
}

/* ---- Asleep ---- */

static void test_asleep_goes_where_it_is_placed(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_ASLEEP, 0, 0);
	placed_word = hint_pack(HINT_RUNNING, 1, 0);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_true(nr_placed >= 1);
	assert_int_equal(nr_woken, 0); /* the interrupt does */
	taken_on(1);
	assert_int_equal(BOOK->on_target, 5);
}

static void test_asleep_and_would_have_to_wait(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_ASLEEP, 0, 0);
	placed_word = hint_pack(HINT_QUEUED, 1, LONG);
	send_frames(5, LEN);
	run();
	assert_int_equal(near_core, 0);
	assert_int_equal(nr_woken, 1);
	assert_int_equal(received(LEN), 0);
	schedule_in(1);
	run();
	assert_int_equal(received(LEN), 5);
	taken_on(1);
	assert_int_equal(BOOK->on_target, 5);
}

/* The vCPU comes to run between the look at its hint and the note that something is held. */
static void test_runs_before_it_is_held(void **state)
{
	(void)state;
	start(STEER_FULL, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_ASLEEP, 0, 0);
	placed_word = hint_pack(HINT_QUEUED, 1, LONG);
	runs_while_placed = true;
	send_frames(5, LEN);
	run();
	assert_int_equal(nr_released, 1);
	assert_int_equal(nr_woken, 0);
	assert_int_equal(received(LEN), 5);
	assert_int_equal(BOOK->held, 5);
}

/* ---- Other policies ---- */

static void test_static(void **state)
{
	(void)state;
	start(STEER_STATIC, STEER_BACKEND_NONE, 0); /* B's device is number 1 */
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	taken_on(0);
	assert_int_equal(BOOK->missed[STEER_MISSED_MOVED], 5);
	hint_publish(&B->hint, HINT_QUEUED, 0, LONG);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_int_equal(BOOK->holds, 0);
}

static void test_rss(void **state)
{
	unsigned on[NET_CORES] = { 0 };

	(void)state;
	start(STEER_RSS, STEER_BACKEND_NONE, 0);
	for (unsigned port = 0; port < 32; port++) {
		unsigned core;

		net_make_frame(sent, B->mac, A->mac, LEN, 7);
		memcpy(sent + 12, "\x08\x00\x45\x00\x05\xce\x00\x00\x00\x00\x40\x11", 12);
		sent[34] = (uint8_t)port;
		core = steer_flow_hash(sent, FRAME_HEAD_BYTES) % NET_CORES;
		assert_true(net_guest_send(A, NULL, sent, LEN, NULL) >= 0);
		(void)net_guest_reap(A);
		net_guest_kick(A, NET_TX);
		run();
		assert_ptr_equal(RX->q.work.worker, &world.worker[core]);
		on[core]++;
	}
	assert_true(on[0] > 4 && on[1] > 4);
}

static void test_follow(void **state)
{
	(void)state;
	start(STEER_FOLLOW, STEER_BACKEND_NONE, 0);
	hint_publish(&B->hint, HINT_QUEUED, 1, LONG);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_ptr_equal(RX->q.work.worker, &world.worker[1]);
	hint_publish(&B->hint, HINT_ASLEEP, 0, 0);
	send_frames(5, LEN);
	run();
	assert_int_equal(received(LEN), 5);
	assert_ptr_equal(RX->q.work.worker, &world.worker[0]);
	assert_int_equal(nr_placed, 0);
	assert_int_equal(BOOK->holds, 0);
}

#define TEST(t) cmocka_unit_test_teardown(t, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_running_here),
		TEST(test_running_elsewhere),
		TEST(test_engine_aims_at_another_core),
		TEST(test_engine_that_is_dear),
		TEST(test_engine_that_does_not_aim),
		TEST(test_queued_for_a_moment),
		TEST(test_held_until_scheduled_in),
		TEST(test_held_not_for_too_long),
		TEST(test_held_while_there_is_room),
		TEST(test_stopped_while_held),
		TEST(test_asleep_goes_where_it_is_placed),
		TEST(test_asleep_and_would_have_to_wait),
		TEST(test_runs_before_it_is_held),
		TEST(test_static),
		TEST(test_rss),
		TEST(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
