// sources: tests/models/clock.c
/* Emulated time: order of events, stability, what the host is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/models/clock.h"

#define EVENTS 500

struct probe {
	struct clock_event e;
	unsigned id;
	uint64_t wanted_ps, ran_at_ps;
	unsigned again; /* reschedules itself so often, every 10 ps */
	struct clock_event *cancels;
};

static struct clock clock;
static struct probe probe[EVENTS];
static unsigned ran[4 * EVENTS], nr_ran;
static uint64_t woken_at[16];
static unsigned nr_woken;

static void run(void *ctx)
{
	struct probe *p = ctx;

	assert_false(clock_is_scheduled(&p->e));
	ran[nr_ran++] = p->id;
	p->ran_at_ps = clock_now(&clock);
	if (p->again) {
		p->again--;
		clock_schedule(&clock, &p->e, clock_now(&clock) + 10);
	}
	if (p->cancels)
		clock_cancel(&clock, p->cancels);
}

static void wake_at(void *ctx, uint64_t at_ps)
{
	assert_ptr_equal(ctx, &clock);
	woken_at[nr_woken++ % 16] = at_ps;
}

static int setup(void **state)
{
	(void)state;
	clock_init(&clock, wake_at, &clock);
	for (unsigned i = 0; i < EVENTS; i++)
		probe[i] = (struct probe){ .e = { .fn = run, .ctx = &probe[i] }, .id = i };
	nr_ran = nr_woken = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clock_destroy(&clock);
	return 0;
}

static void test_order_of_time_then_of_scheduling(void **state)
{
	(void)state;
	clock_schedule(&clock, &probe[0].e, 200);
	clock_schedule(&clock, &probe[1].e, 100);
	clock_schedule(&clock, &probe[2].e, 200);
	clock_schedule(&clock, &probe[3].e, 100);
	clock_schedule(&clock, &probe[1].e, 100); /* again: now after 3 */
	clock_advance(&clock, 1000);
	assert_int_equal(nr_ran, 4);
	assert_int_equal(ran[0], 3);
	assert_int_equal(ran[1], 1);
	assert_int_equal(ran[2], 0);
	assert_int_equal(ran[3], 2);
	assert_int_equal(clock_now(&clock), 1000);
	assert_int_equal(clock_next(&clock), CLOCK_NEVER);
}

static void test_each_event_sees_its_own_time(void **state)
{
	(void)state;
	probe[0].again = 3;
	clock_schedule(&clock, &probe[0].e, 5);
	clock_schedule(&clock, &probe[1].e, 17);
	clock_advance(&clock, 30);
	assert_int_equal(nr_ran, 4); /* 5, 15, 17, 25 */
	assert_int_equal(ran[2], 1);
	assert_int_equal(probe[1].ran_at_ps, 17);
	assert_int_equal(probe[0].ran_at_ps, 25);
	assert_int_equal(clock_next(&clock), 35);
}

static void test_past_is_now_and_time_never_goes_back(void **state)
{
	(void)state;
	clock_advance(&clock, 100);
	clock_schedule(&clock, &probe[0].e, 7);
	assert_int_equal(clock_next(&clock), 100);
	clock_advance(&clock, 50);
	assert_int_equal(nr_ran, 0);
	assert_int_equal(clock_now(&clock), 100);
	clock_advance(&clock, 100);
	assert_int_equal(probe[0].ran_at_ps, 100);
}

static void test_cancel(void **state)
{
	(void)state;
	clock_cancel(&clock, &probe[0].e);
	clock_schedule(&clock, &probe[0].e, 10);
	clock_schedule(&clock, &probe[1].e, 20);
	clock_schedule(&clock, &probe[2].e, 30);
	clock_schedule(&clock, &probe[2].e, CLOCK_NEVER);
	assert_false(clock_is_scheduled(&probe[2].e));
	probe[0].cancels = &probe[1].e;
	clock_advance(&clock, 100);
	assert_int_equal(nr_ran, 1);
	assert_false(clock_is_scheduled(&probe[1].e));
}

static void test_host_is_told_of_the_next_event(void **state)
{
	(void)state;
	clock_schedule(&clock, &probe[0].e, 50);
	assert_int_equal(woken_at[0], 50);
	clock_schedule(&clock, &probe[1].e, 60); /* not the next */
	assert_int_equal(nr_woken, 1);
	clock_schedule(&clock, &probe[1].e, 40);
	assert_int_equal(woken_at[1], 40);
	clock_cancel(&clock, &probe[1].e);
	assert_int_equal(woken_at[2], 50);
	probe[0].again = 2;
	clock_advance(&clock, 60); /* runs at 50 and 60: told once, at the end */
	assert_int_equal(nr_woken, 4);
	assert_int_equal(woken_at[3], 70);
	clock_advance(&clock, 70);
	assert_int_equal(woken_at[4], CLOCK_NEVER);
	assert_int_equal(nr_woken, 5);
}

/* Against a sorted list: the heap is grown, shrunk and changed in the middle. */
static void test_many_events(void **state)
{
	uint64_t last_ps = 0;
	unsigned expected = 0;

	(void)state;
	srandom(1);
	for (unsigned round = 0; round < 3 * EVENTS; round++) {
		struct probe *p = &probe[(unsigned)random() % EVENTS];

		p->wanted_ps = 1000 + (unsigned)random() % 200;
		clock_schedule(&clock, &p->e, p->wanted_ps);
		if (round % 7 == 0)
			clock_cancel(&clock, &probe[(unsigned)random() % EVENTS].e);
	}
	for (unsigned i = 0; i < EVENTS; i++)
		expected += clock_is_scheduled(&probe[i].e);
	clock_advance(&clock, 5000);
	assert_int_equal(nr_ran, expected);
	for (unsigned i = 0; i < nr_ran; i++) {
		const struct probe *p = &probe[ran[i]];

		assert_int_equal(p->ran_at_ps, p->wanted_ps);
		assert_true(p->ran_at_ps >= last_ps);
		assert_true(
			i == 0 || p->ran_at_ps > last_ps || p->e.order > probe[ran[i - 1]].e.order);
		last_ps = p->ran_at_ps;
	}
}

static void test_destroy_forgets_events(void **state)
{
	(void)state;
	clock_schedule(&clock, &probe[0].e, 50);
	clock_destroy(&clock);
	assert_false(clock_is_scheduled(&probe[0].e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_order_of_time_then_of_scheduling),
		T(test_each_event_sees_its_own_time),
		T(test_past_is_now_and_time_never_goes_back),
		T(test_cancel),
		T(test_host_is_told_of_the_next_event),
		T(test_many_events),
		T(test_destroy_forgets_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
