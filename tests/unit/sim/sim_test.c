// sources: @switch @sched tests/sim/channel.c tests/sim/engine.c tests/sim/event_heap.c tests/sim/guest.c tests/sim/guest_rx.c tests/sim/hog.c tests/sim/machine.c tests/sim/memory.c tests/sim/nic.c tests/sim/result.c tests/sim/sim.c tests/sim/wire.c hv/net/steer.c hv/net/copy_estimate.c
/* Short runs of the simulation, and what must hold in each: it can be repeated, no frame is lost
 * without being counted, and steering reaches what it is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

static struct sim_result a, b;

/* Twice as many vCPUs as cores, half of them I/O guests. */
static struct sim_config crowd(const char *machine, enum steer_policy policy)
{
	struct sim_config c;

	sim_defaults(&c);
	c.machine = machine_find(machine);
	c.nr_cores = 4;
	c.nr_io = 4;
	c.nr_hogs = 4;
	c.flows = 4;
	c.window = 16;
	c.policy = policy;
	c.warm_us = 10000;
	c.run_us = 30000;
	c.sample = 16;
	return c;
}

static void assert_books(const struct sim_result *r)
{
	assert_true(r->books_balance);
	assert_int_equal(r->f.sent + r->in_flight_at_start,
		r->f.consumed + r->f.missed + r->f.dropped + r->in_flight);
	assert_true(r->f.consumed > 1000);
	assert_int_equal(r->latency_ns.nr, r->f.consumed);
	assert_true(r->f.on_target <= r->f.consumed);
	assert_true(r->guests.llc_misses <= r->guests.l2_misses);
	assert_true(r->guests.l2_misses <= r->guests.lines);
}

static void test_same_seed_same_run(void **state)
{
	struct sim_config c = crowd("westmere", STEER_FULL);

	(void)state;
	sim_run(&c, &a);
	sim_run(&c, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	c.traffic = TRAFFIC_POISSON;
	c.guest_pps = 50000;
	c.seed = 2;
	sim_run(&c, &a);
	c.seed = 3;
	sim_run(&c, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void test_books_balance_with_every_policy(void **state)
{
	(void)state;
	for (unsigned m = 0; m < nr_machines; m++) {
		for (unsigned p = 0; p < STEER_POLICIES; p++) {
			struct sim_config c = crowd(machines[m].name, (enum steer_policy)p);

			sim_run(&c, &a);
			assert_books(&a);
		}
	}
}

static void test_books_balance_when_frames_are_lost(void **state)
{
	struct sim_config c = crowd("haswell", STEER_FULL);

	(void)state;
	c.traffic = TRAFFIC_BURSTS;
	c.frames = FRAMES_SMALL;
	c.guest_pps = 1500000;
	c.burst = 1000;
	sim_run(&c, &a);
	assert_books(&a);
	assert_true(a.f.missed + a.f.dropped > 0);
}

static void test_full_is_on_target_at_twice_the_load(void **state)
{
	struct sim_config c = crowd("westmere", STEER_FULL);

	(void)state;
	sim_run(&c, &a);
	assert_true(a.f.on_target * 100 >= a.f.consumed * 95);
	c.policy = STEER_STATIC;
	sim_run(&c, &b);
	assert_true(b.f.on_target * a.f.consumed < a.f.on_target * b.f.consumed);
	/* and its packets are there when the guests look at them, more often */
	assert_true(a.f.resident_permille * b.f.consumed > b.f.resident_permille * a.f.consumed);
}

/* Their device's interrupt has the core look at them at once, and the guest goes first. */
static void test_packets_do_not_wait_for_a_hog(void **state)
{
	struct sim_config c = crowd("westmere", STEER_FULL);

	(void)state;
	c.nr_io = 2;
	c.nr_hogs = 6;
	c.traffic = TRAFFIC_POISSON;
	c.frames = FRAMES_MIX;
	c.guest_pps = 20000;
	sim_run(&c, &a);
	assert_true(a.f.consumed > 500);
	assert_in_range(histogram_quantile(&a.latency_ns, 990000), 1000, 100000);
}

/* One guest, one flow, three cores that have nothing to do: they are not left idle for the sake of
 * one cache. */
static void test_one_flow_is_helped(void **state)
{
	(void)state;
	for (unsigned m = 0; m < nr_machines; m++) {
		struct sim_config c = crowd(machines[m].name, STEER_FULL);

		c.nr_io = 1;
		c.nr_hogs = 0;
		c.flows = 1;
		c.window = 64;
		sim_run(&c, &a);
		assert_books(&a);
		assert_true(a.f.on_target * 100 >= a.f.consumed * 95);
		c.policy = STEER_STATIC;
		sim_run(&c, &b);
		assert_true(a.f.bytes >= b.f.bytes);
		c.policy = STEER_FOLLOW;
		sim_run(&c, &b);
		assert_true(a.f.bytes > b.f.bytes);
	}
}

static void test_scales_to_many_cores(void **state)
{
	struct sim_config c = crowd("westmere", STEER_FULL);

	(void)state;
	c.nr_cores = 48;
	c.nr_io = c.nr_hogs = 48;
	c.nr_ports = 12;
	c.sample = 64;
	c.warm_us = 2000;
	c.run_us = 5000;
	sim_run(&c, &a);
	assert_books(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_run),
		cmocka_unit_test(test_books_balance_with_every_policy),
		cmocka_unit_test(test_books_balance_when_frames_are_lost),
		cmocka_unit_test(test_full_is_on_target_at_twice_the_load),
		cmocka_unit_test(test_packets_do_not_wait_for_a_hog),
		cmocka_unit_test(test_one_flow_is_helped),
		cmocka_unit_test(test_scales_to_many_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
