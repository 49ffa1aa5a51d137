// sources: @virtio_net @net_guest tests/support/cpu_copy.c
/* The packet path on two cores at once, in threads: a driver per guest, a worker per core, hints
 * that wander. Every frame arrives exactly once and in order, no wake-up is lost, resets end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "net_guest.h"

#define FEATURES                                                                                   \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | VIRTIO_NET_F_MRG_RXBUF)
#define FRAMES	  20000
#define TIMEOUT_S 60

static bool stop;
static bool failed, time_stands;
static uint64_t nr_held; /* frames, in the last run */

struct driver {
	struct net_guest *g;
	struct net_guest *to;
	uint32_t sent, got;
	bool resets; /* then frames are lost, but never out of order */
	unsigned seed;
};

/* ---- Steering, with the drivers in the scheduler's place ---- */

#define LONG 1000000u /* us that nothing survives */

static struct steer_core cores[NET_CORES];
static struct steer steer;
static uint32_t published;
static __thread unsigned core_of_thread, place_seed;

static unsigned this_core(void)
{
	return core_of_thread;
}

static uint64_t place(struct sched_hint *h, unsigned near_core)
{
	unsigned n = (unsigned)rand_r(&place_seed);

	(void)near_core;
	if (hint_state(hint_read(h)) != HINT_ASLEEP)
		return hint_read(h);
	sched_yield(); /* the vCPU may come to run before what is decided is done */
	return n & 2 ? hint_pack(HINT_QUEUED, n & 1, LONG) : hint_pack(HINT_RUNNING, n & 1, 0);
}

static void wake(struct sched_hint *h)
{
	(void)h; /* its driver does not sleep for long */
}

static void release(struct sched_hint *h)
{
	virtio_net_release(CONTAINER_OF(h, struct net_guest, hint)->net,
		&world.worker[hint_core(hint_read(h))]);
}

static const struct virtio_net_setup steering = {
	.steer = &steer,
	.pending = &published,
	.this_core = this_core,
	.place = place,
	.wake = wake,
	.release = release,
};

/* As sched/ does it when it picks the vCPU. */
static void schedule_in(struct net_guest *g, unsigned core)
{
	hint_publish(&g->hint, HINT_RUNNING, core, 0);
	smp_mb();
	if (hint_take_held(&g->hint))
		virtio_net_release(g->net, &world.worker[core]);
}

static void wander(struct driver *d)
{
	unsigned n = (unsigned)rand_r(&d->seed);

	if (n % 8)
		return;
	switch (world.steering ? n / 8 % 4 : 0) {
	case 0:
	case 1:
		schedule_in(d->g, n / 32 % 2);
		break;
	case 2:
		hint_publish(&d->g->hint, HINT_QUEUED, n / 32 % 2, LONG);
		break;
	default:
		hint_publish(&d->g->hint, HINT_ASLEEP, n / 32 % 2, 0);
		break;
	}
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Steered, time stands still, so that nothing is helped on because it was held for too long. */
static uint64_t time_us(void)
{
	return time_stands ? world.now_us : clock_us();
}

static void *run_core(void *arg)
{
	struct worker *w = arg;

	core_of_thread = (unsigned)(w - world.worker);
	while (!load_acquire(&stop)) {
		if (!worker_run(w))
			sched_yield();
		for (unsigned i = 0; i < world.nr_guests && w == &world.worker[0]; i++)
			virtio_net_housekeeping(world.guest[i].net, time_us());
	}
	return NULL;
}

/* A driver waits for its reset; everybody gets a core meanwhile. */
static void yield(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < world.nr_guests && world.steering; i++)
		schedule_in(&world.guest[i], i);
	sched_yield();
}

static void send_some(struct driver *d)
{
	uint8_t frame[1514];
	uint32_t len = 60 + (uint32_t)rand_r(&d->seed) % 1400;

	/* A slot is free again only when its chain is. */
	while (d->sent < FRAMES && d->g->drv.ring[NET_TX].nr_free > 256 - NET_TX_SLOTS / 2) {
		net_make_frame(frame, d->to->mac, d->g->mac, len, 0);
		memcpy(frame + 20, &d->sent, 4);
		if (net_guest_send(d->g, NULL, frame, len, NULL) < 0)
			break;
		d->sent++;
	}
	net_guest_kick(d->g, NET_TX);
	net_guest_reap(d->g);
}

static void receive_some(struct driver *d)
{
	static __thread uint8_t frame[NET_FRAME_MAX];
	struct virtio_net_hdr h;
	uint32_t number, before = d->got;

	while (net_guest_receive(d->g, &h, frame) > 0) {
		memcpy(&number, frame + 20, 4);
		if (number < d->got || (!d->resets && number != d->got))
			store_release(&failed, true);
		d->got = number + 1;
	}
	if (d->got != before) /* a kick would also wake a queue that was forgotten */
		net_guest_kick(d->g, NET_RX);
}

static void restart(struct driver *d)
{
	d->g->mem.next =
		d->g->drv.ring[0].conf.desc_gpa - d->g->mem.gpa; /* rings go where they were */
	if (net_guest_start(d->g, FEATURES, 256))
		store_release(&failed, true);
	net_guest_post_rx(d->g, 64, 1600);
}

static void *run_driver(void *arg)
{
	struct driver *d = arg;
	time_t end = time(NULL) + TIMEOUT_S;

	while (d->sent < FRAMES || (!d->resets && d->got < FRAMES)) {
		send_some(d);
		receive_some(d);
		wander(d);
		if (d->resets && rand_r(&d->seed) % 500 == 0)
			restart(d);
		if (load_acquire(&failed) || time(NULL) > end) {
			store_release(&failed, true);
			break;
		}
		sched_yield();
	}
	schedule_in(d->g, 0);
	while (!d->resets && d->g->drv.ring[NET_TX].nr_free < 256 && time(NULL) <= end)
		net_guest_reap(d->g);
	return NULL;
}

static uint64_t held(void)
{
	struct steer_stats sum = { 0 };

	for (unsigned i = 0; i < 2; i++)
		virtio_net_steer_sum(world.guest[i].net, &sum);
	return sum.held;
}

static void run_all(bool resets, bool steered)
{
	pthread_t core[NET_CORES], vcpu[2];
	struct driver d[2];

	steer_init(&steer, STEER_FULL, STEER_BACKEND_NONE, cores, NET_CORES);
	world.steering = steered ? &steering : NULL;
	time_stands = steered && !resets; /* a driver that has ended takes nothing any more */
	net_world_init(2, NULL);
	stop = failed = false;
	for (unsigned i = 0; i < 2; i++) {
		struct net_guest *g = &world.guest[i];

		d[i] = (struct driver){ g, &world.guest[1 - i], 0, 0, resets, i + 1 };
		assert_int_equal(net_guest_start(g, FEATURES, 256), 0);
		net_guest_post_rx(g, 64, 1600);
		g->drv.idle = yield;
	}
	for (unsigned i = 0; i < NET_CORES; i++)
		assert_int_equal(pthread_create(&core[i], NULL, run_core, &world.worker[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&vcpu[i], NULL, run_driver, &d[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(vcpu[i], NULL);
	for (unsigned i = 0; i < 2 && resets; i++) { /* whoever waits for the other is let go */
		virtio_pci_reset(&world.guest[i].vp);
	}
	store_release(&stop, true);
	for (unsigned i = 0; i < NET_CORES; i++)
		pthread_join(core[i], NULL);
	assert_false(failed);
	assert_true(net_world_run());
	assert_true(net_world_balanced());
	for (unsigned i = 0; i < 2; i++)
		assert_false(resets && virtio_pci_reset_pending(&world.guest[i].vp));
	nr_held = held();
	net_world_free();
}

static void test_traffic(void **state)
{
	(void)state;
	run_all(false, false);
}

static void test_resets(void **state)
{
	(void)state;
	run_all(true, false);
}

static void test_steered(void **state)
{
	(void)state;
	run_all(false, true);
	assert_true(nr_held > FRAMES / 100);
}

static void test_steered_resets(void **state)
{
	(void)state;
	run_all(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traffic),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_steered),
		cmocka_unit_test(test_steered_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
