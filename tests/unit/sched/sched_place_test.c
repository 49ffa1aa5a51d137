// sources: @sched
/* Where entities go: idle cores by distance, sleepers near their packets, expected waits, work that
 * is held until one is scheduled in. */
#include "sched_task.h"

#define SLICE_US 5000

/* Two packages of four cores, no threads; a last-level cache for each package. */
static void start(bool cache_aware)
{
	static struct sched_topology t;

	topology_flat(&t, 8);
	for (unsigned i = 0; i < 8; i++)
		t.core[i].llc = t.core[i].package = t.core[i].node = (uint16_t)(i / 4);
	memset(loaded, 0, sizeof(loaded));
	sim_init_with((struct sched_setup){ .nr_cores = 8,
		.slice_us = SLICE_US,
		.topology = &t,
		.cache_aware = cache_aware,
		.credit_stealing = true });
}

/* Nobody who sleeps may still be in the hardware of its core. */
static void unload_all(void)
{
	for (unsigned i = 0; i < 8; i++)
		if (loaded[i])
			loaded[i]->loaded_on = -1;
	memset(loaded, 0, sizeof(loaded));
}

/* ---- Idle cores ---- */

/* Home, core 2, is busy; 1 and 5 are idle: 1 is nearer, though 5 would be next in order. */
static void wake_goes_to_the_nearest(void **state)
{
	(void)state;
	for (unsigned aware = 0; aware < 2; aware++) {
		struct task *t;

		start(aware);
		for (unsigned i = 0; i < 8; i++)
			if (i != 1 && i != 5)
				hog(i, 256, BIT64(i));
		t = task_prepare(8, 256, BIT64(2), 100 * US, SIM_NEVER);
		sched_add(&t->e);
		t->e.cores = CORE_SET_ALL;
		sim_run_until(50 * MS);
		sched_wake(&t->e);
		sim_run_until(51 * MS);
		assert_int_equal(t->nr_runs, 1);
		assert_int_equal(t->ran_on, aware ? BIT64(1) : BIT64(5));
		sim_end();
	}
}

/* Two wait on core 0 beside a hog there. Core 1, in the package, takes one; core 4 the other. */
static void steals_count_by_distance(void **state)
{
	struct sched_core_stats near, far;

	(void)state;
	start(true);
	for (unsigned i = 0; i < 3; i++)
		hog(i, 256, BIT64(0));
	sim_run_until(20 * MS);
	for (unsigned i = 0; i < 3; i++)
		task[i].e.cores = cores_from(BIT64(0) | BIT64(1) | BIT64(4));
	sim_run_until(200 * MS);
	sched_stats(1, &near);
	sched_stats(4, &far);
	assert_true(near.nr_stolen_by_distance[DIST_LLC] > 0);
	assert_true(far.nr_stolen_by_distance[DIST_FAR] > 0);
	assert_int_equal(near.nr_stolen_by_distance[DIST_FAR], 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(task[i].ran > 150 * MS);
	sim_end();
}

/* ---- Packets for a sleeper ---- */

static struct task *sleeper(uint64_t home, uint64_t cores)
{
	struct task *t = task_prepare(20, 256, home, 100 * US, SIM_NEVER);

	sched_add(&t->e);
	t->e.cores = cores_from(cores);
	return t;
}

static void place_stays_near(void **state)
{
	struct task *t;
	uint64_t word;

	(void)state;
	start(true);
	t = sleeper(BIT64(2), EVERYWHERE);
	sim_run_until(1 * MS);
	word = sched_place(&t->e.hint, 0); /* home is free and shares a cache with core 0 */
	assert_int_equal(hint_state(word), HINT_RUNNING);
	assert_int_equal(hint_core(word), 2);
	assert_int_equal(t->e.core, 2);
	sim_end();
}

static void place_follows_packets(void **state)
{
	struct task *t;
	uint64_t word;

	(void)state;
	start(true);
	t = sleeper(BIT64(2), EVERYWHERE);
	sim_run_until(1 * MS);
	word = sched_place(&t->e.hint, 6);
	assert_int_equal(hint_state(word), HINT_RUNNING);
	assert_int_equal(hint_core(word), 6);
	assert_int_equal(t->e.core, 6);
	assert_int_equal(hint_read(&t->e.hint), hint_pack(HINT_ASLEEP, 6, 0));
	sched_wake_io(&t->e);
	sim_run_until(2 * MS);
	assert_int_equal(t->ran_on, BIT64(6));
	sim_end();
}

static void place_keeps_to_the_set(void **state)
{
	struct task *t;

	(void)state;
	start(true);
	t = sleeper(BIT64(2), BIT64(2) | BIT64(7));
	sim_run_until(1 * MS);
	assert_int_equal(hint_core(sched_place(&t->e.hint, 6)), 7);   /* as near as it may */
	assert_int_equal(hint_core(sched_place(&t->e.hint, 999)), 7); /* no such core */
	sim_end();
}

/* In the hardware of its core: it stays. Awake: the word as it is. */
static void place_leaves_alone(void **state)
{
	struct task *t;

	(void)state;
	start(true);
	t = sleeper(BIT64(2), EVERYWHERE);
	sim_run_until(1 * MS);
	sched_wake(&t->e);
	assert_int_equal(sched_place(&t->e.hint, 6), hint_read(&t->e.hint));
	sim_run_until(5 * MS);
	assert_int_equal(t->loaded_on, 2);
	assert_int_equal(hint_core(sched_place(&t->e.hint, 6)), 2);
	unload_all();
	assert_int_equal(hint_core(sched_place(&t->e.hint, 6)), 6);
	sim_end();
}

/* Every core has a hog. One that does no I/O is preempted; by one that has had more than its share
 * it is not, and that one waits until both hogs there have had as much. */
static void place_foretells(void **state)
{
	struct task *t;
	uint64_t word, waited;
	int64_t wrong_us;

	(void)state;
	start(true);
	for (unsigned i = 0; i < 8; i++)
		hog(i, 256, BIT64(i));
	hog(8, 256, BIT64(2));
	t = sleeper(BIT64(2), BIT64(2));
	sim_run_until(52 * MS);
	unload_all();
	word = sched_place(&t->e.hint, 2);
	assert_int_equal(hint_state(word), HINT_RUNNING);
	t->e.vruntime = task[2].e.vruntime + 100 * MS; /* had more than its share */
	word = sched_place(&t->e.hint, 2);
	assert_int_equal(hint_state(word), HINT_QUEUED);
	waited = t->e.waited_ticks;
	sched_wake_io(&t->e);
	sim_run_until(400 * MS);
	assert_true(t->e.waited_ticks > waited); /* it ran */
	wrong_us = (int64_t)((t->e.waited_ticks - waited) / US) - (int64_t)hint_wait_us(word);
	assert_true(wrong_us <= SLICE_US && wrong_us >= -SLICE_US);
	sim_end();
}

/* The timer of a sleeper that was moved to a core which halts for longer. */
static void moved_sleeper_keeps_its_timer(void **state)
{
	struct task *t;

	(void)state;
	start(true);
	t = task_prepare(20, 256, BIT64(2), 50 * US, 3 * MS);
	sched_add(&t->e);
	sched_wake(&t->e);
	sim_run_until(1 * MS);
	assert_int_equal(t->nr_runs, 1);
	t->e.cores = CORE_SET_ALL;
	unload_all();
	assert_int_equal(hint_core(sched_place(&t->e.hint, 6)), 6);
	sim_run_until(4 * MS);
	assert_int_equal(t->nr_runs, 2);
	assert_int_equal(t->e.ran_on, 6);
	sim_end();
}

/* ---- Expected waits ---- */

/* Hogs that take turns of a slice: the expectation is right to a tenth of a slice. */
static void waits_are_as_expected(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= 4; n++) {
		start(true);
		for (unsigned i = 0; i < n; i++)
			hog(i, 256, BIT64(3));
		sim_run_until(1000 * MS);
		for (unsigned i = 0; i < n; i++) {
			const struct sched_entity_stats *s = &task[i].e.stats;

			assert_true(s->nr_waits > 20);
			assert_true(s->wait_error_ticks / s->nr_waits < SLICE_US * US / 10);
		}
		sim_end();
	}
}

static uint32_t last_wait;

static void see_wait(struct task *t)
{
	uint64_t word = hint_read(&task[1].e.hint);

	(void)t;
	if (hint_state(word) == HINT_QUEUED)
		last_wait = hint_wait_us(word);
}

/* The one behind the next learns that it is the next now. */
static void wait_is_published_again(void **state)
{
	uint32_t longest = 0, shortest = UINT32_MAX;

	(void)state;
	start(true);
	for (unsigned i = 0; i < 3; i++)
		hog(i, 256, BIT64(3))->while_running = see_wait;
	for (uint64_t t = 20; t < 60; t++) {
		sim_run_until(t * MS);
		longest = MAX(longest, last_wait);
		shortest = MIN(shortest, last_wait);
	}
	assert_near(longest, 2 * SLICE_US, 200);
	assert_near(shortest, SLICE_US, 200);
	sim_end();
}

/* ---- Held work ---- */

static struct work item;
static unsigned nr_done;
static bool ran_before; /* the entity, when the work was done */

static enum work_result do_item(struct work *w, unsigned budget)
{
	(void)w;
	(void)budget;
	nr_done++;
	ran_before = task[20].nr_runs > 0;
	return WORK_DONE;
}

static void held_work(struct sched_entity *e)
{
	work_schedule(sched_worker(e->core), &item);
}

static void held_work_comes_before_the_entity(void **state)
{
	struct task *t;

	(void)state;
	start(true);
	nr_done = 0;
	work_init(&item, do_item);
	t = sleeper(BIT64(2), EVERYWHERE);
	t->e.held_work = held_work;
	assert_true(hint_hold(&t->e.hint));
	sim_run_until(1 * MS);
	assert_int_equal(nr_done, 0);
	sched_wake(&t->e);
	sim_run_until(2 * MS);
	assert_int_equal(nr_done, 1);
	assert_false(ran_before);
	assert_true(t->nr_runs > 0);
	sched_wake(&t->e); /* it is held once */
	sim_run_until(3 * MS);
	assert_int_equal(nr_done, 1);
	hint_publish(&t->e.hint, HINT_RUNNING, 2, 0);
	assert_false(hint_hold(&t->e.hint));
	sim_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wake_goes_to_the_nearest),
		cmocka_unit_test(steals_count_by_distance),
		cmocka_unit_test(place_stays_near),
		cmocka_unit_test(place_follows_packets),
		cmocka_unit_test(place_keeps_to_the_set),
		cmocka_unit_test(place_leaves_alone),
		cmocka_unit_test(place_foretells),
		cmocka_unit_test(moved_sleeper_keeps_its_timer),
		cmocka_unit_test(waits_are_as_expected),
		cmocka_unit_test(wait_is_published_again),
		cmocka_unit_test(held_work_comes_before_the_entity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
