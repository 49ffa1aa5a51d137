// sources: hv/net/steer_track.c hv/net/steer.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/steer_track.h"

#define CORES	 4
#define START_US UINT64_C(5000000)

static struct steer_core cores[CORES];
static struct steer steer;
static struct steer_track t;
static uint32_t pending;
static const uint8_t *const memory = (const uint8_t *)0x100000; /* nobody looks there */

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	pending = 0;
	steer_init(&steer, STEER_FULL, STEER_BACKEND_DCA, cores, CORES);
	steer_track_init(&t, &steer, &pending);
	return 0;
}

static void note(unsigned core, unsigned nr, bool astray)
{
	for (unsigned i = 0; i < nr; i++) {
		const struct steer_placement p = { .hva = memory + t.nr_placements * 4096,
			.len_bytes = 100,
			.core = (uint16_t)core,
			.writer = STEER_BY_ENGINE,
			.astray = astray };

		steer_track_note(&t, &p);
	}
}

static uint64_t missed(enum steer_missed why)
{
	return t.stats.missed[why];
}

static uint64_t accounted(void)
{
	uint64_t sum = t.stats.on_target;

	for (unsigned i = 0; i < STEER_MISSED_REASONS; i++)
		sum += t.stats.missed[i];
	return sum;
}

static void test_on_target(void **state)
{
	(void)state;
	note(2, 5, false);
	steer_track_consume(&t, 2, START_US, false); /* not published yet */
	assert_int_equal(accounted(), 0);
	assert_int_equal(pending, 0);
	steer_track_publish(&t, START_US);
	assert_int_equal(pending, 1);
	assert_int_equal(accounted(), 0);
	steer_track_consume(&t, 2, START_US + steer_survival_us(&steer, 2), false);
	assert_int_equal(t.stats.placed, 5);
	assert_int_equal(t.stats.on_target, 5);
	steer_track_consume(&t, 3, START_US, false); /* once is enough */
	assert_int_equal(accounted(), 5);
}

static void test_missed_by_reason(void **state)
{
	(void)state;
	note(2, 1, false);
	note(1, 2, false);
	note(2, 4, false);
	note(2, 8, true);
	steer_track_publish(&t, START_US);
	steer_track_consume(&t, 2, START_US + steer_survival_us(&steer, 2) + 1, false);
	assert_int_equal(t.stats.placed, 15);
	assert_int_equal(missed(STEER_MISSED_OLD), 5);
	assert_int_equal(missed(STEER_MISSED_MOVED), 2);
	assert_int_equal(missed(STEER_MISSED_ASTRAY), 8);
	assert_int_equal(t.stats.on_target, 0);
}

/* A guest that is not interrupted by an exit takes them when they come. */
static void test_at_once(void **state)
{
	(void)state;
	note(2, 3, false);
	steer_track_publish(&t, START_US);
	steer_track_consume(&t, 2, START_US + 1000000, true);
	assert_int_equal(t.stats.on_target, 3);
	note(1, 3, false);
	steer_track_publish(&t, START_US);
	steer_track_consume(&t, 2, START_US, true);
	assert_int_equal(missed(STEER_MISSED_MOVED), 3);
}

static void test_consumer_clock_behind(void **state)
{
	(void)state;
	note(2, 1, false);
	steer_track_publish(&t, START_US);
	steer_track_consume(&t, 2, START_US - 3, false);
	assert_int_equal(t.stats.on_target, 1);
}

static void test_too_many_batches(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STEER_BATCHES; i++) {
		note(i % 2, 1, false);
		steer_track_publish(&t, START_US);
	}
	note(3, 7, false);
	steer_track_publish(&t, START_US);
	assert_int_equal(missed(STEER_MISSED_UNSEEN), 7);
	steer_track_consume(&t, 1, START_US, false);
	assert_int_equal(t.stats.on_target, STEER_BATCHES / 2);
	assert_int_equal(missed(STEER_MISSED_MOVED), STEER_BATCHES / 2);
	assert_int_equal(accounted(), t.stats.placed);
	note(1, 1, false);
	steer_track_publish(&t, START_US);
	steer_track_consume(&t, 1, START_US, false);
	assert_int_equal(t.stats.on_target, STEER_BATCHES / 2 + 1);
}

static void test_bytes_shorten_survival(void **state)
{
	uint32_t before = steer_survival_us(&steer, 2);

	(void)state;
	steer_housekeeping(&steer, START_US);
	for (unsigned ms = 1; ms < 50; ms++) {
		note(2, 10000, false); /* 100 bytes each: 1000 bytes per us */
		steer_track_publish(&t, START_US + ms * 1000);
		steer_track_consume(&t, 2, START_US + ms * 1000, true);
	}
	assert_true(steer_survival_us(&steer, 2) < before / 3);
	assert_int_equal(steer_survival_us(&steer, 1), before);
}

static void test_sum(void **state)
{
	struct steer_stats sum = { .placed = 1 };

	(void)state;
	note(2, 5, true);
	t.stats.moved = 3;
	steer_stats_add(&sum, &t.stats);
	steer_stats_add(&sum, &t.stats);
	assert_int_equal(sum.placed, 11);
	assert_int_equal(sum.missed[STEER_MISSED_ASTRAY], 10);
	assert_int_equal(sum.moved, 6);
}

/* ---- The trace ---- */

static void test_trace_of_a_few(void **state)
{
	struct steer_trace tr;
	uint32_t first, end;

	(void)state;
	note(2, 2, false);
	note(1, 1, true);
	steer_track_publish(&t, START_US);
	assert_false(steer_track_read(&t, 0, &tr)); /* not taken */
	steer_track_consume(&t, 2, START_US + 7, false);
	steer_track_range(&t, &first, &end);
	assert_int_equal(first, 0);
	assert_int_equal(end, 3);
	assert_true(steer_track_read(&t, 1, &tr));
	assert_ptr_equal(tr.placement.hva, memory + 4096);
	assert_int_equal(tr.placement.core, 2);
	assert_int_equal(tr.consumed_core, 2);
	assert_int_equal(tr.published_us, START_US);
	assert_int_equal(tr.consumed_us, START_US + 7);
	assert_int_equal(tr.missed, STEER_MISSED_REASONS);
	assert_true(steer_track_read(&t, 2, &tr));
	assert_int_equal(tr.placement.core, 1);
	assert_int_equal(tr.missed, STEER_MISSED_ASTRAY);
	assert_false(steer_track_read(&t, 3, &tr));
}

/* Every placement that can be read is the one that was noted. */
static void test_trace_goes_round(void **state)
{
	unsigned seed = 5, readable;
	struct steer_trace tr;
	uint32_t first, end;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned core = rand_r(&seed) % CORES;

		note(core, rand_r(&seed) % 20, false);
		steer_track_publish(&t, START_US + round);
		if (rand_r(&seed) % 4 == 0)
			steer_track_consume(&t, rand_r(&seed) % CORES, START_US + round, false);
		if (round % 50)
			continue;
		steer_track_range(&t, &first, &end);
		readable = 0;
		for (uint32_t n = first; n != end; n++) {
			if (!steer_track_read(&t, n, &tr))
				continue;
			readable++;
			assert_ptr_equal(tr.placement.hva, memory + (uint64_t)n * 4096);
			assert_int_equal(tr.missed == STEER_MISSED_MOVED,
				tr.consumed_core != tr.placement.core);
		}
		assert_true(round < 200 || readable > STEER_PLACEMENTS / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_on_target, setup),
		cmocka_unit_test_setup(test_missed_by_reason, setup),
		cmocka_unit_test_setup(test_at_once, setup),
		cmocka_unit_test_setup(test_consumer_clock_behind, setup),
		cmocka_unit_test_setup(test_too_many_batches, setup),
		cmocka_unit_test_setup(test_bytes_shorten_survival, setup),
		cmocka_unit_test_setup(test_sum, setup),
		cmocka_unit_test_setup(test_trace_of_a_few, setup),
		cmocka_unit_test_setup(test_trace_goes_round, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
