// sources: @sched
/* smt=isolated: no two groups on the threads of one core, and everybody gets on all the same. */
#include "sched_task.h"

#define SLICE_US 5000

static unsigned nr_tasks;
static uint64_t together_ticks; /* both threads of a core at work */

static void start(unsigned nr_cores, unsigned threads, bool isolated)
{
	static struct sched_topology t;

	topology_flat(&t, nr_cores);
	for (unsigned i = 0; i < nr_cores; i++)
		t.core[i].smt = t.core[i].l2 = (uint16_t)(i / threads);
	memset(loaded, 0, sizeof(loaded));
	together_ticks = 0;
	sim_init_with((struct sched_setup){ .nr_cores = nr_cores,
		.slice_us = SLICE_US,
		.topology = &t,
		.cache_aware = true,
		.credit_stealing = true,
		.smt_isolation = isolated });
}

static bool shares_core(const struct task *a, const struct task *b)
{
	return a != b && a->e.state == SCHED_RUNNING && b->e.state == SCHED_RUNNING &&
	       a->e.core / 2 == b->e.core / 2;
}

static void check_siblings(struct task *self)
{
	for (unsigned i = 0; i < nr_tasks; i++) {
		if (!shares_core(self, &task[i]))
			continue;
		assert_true(task[i].e.group == self->e.group || task[i].e.group == SCHED_NO_GROUP ||
			    self->e.group == SCHED_NO_GROUP);
		together_ticks += STEP;
	}
}

static struct task *member(unsigned i, uint32_t group, uint64_t burst, uint64_t sleep)
{
	struct task *t = task_prepare(i, 256, EVERYWHERE, burst, sleep);

	t->e.group = group;
	t->while_running = check_siblings;
	sched_add(&t->e);
	sched_wake(&t->e);
	return t;
}

/* Two guests of two on one core with two threads: each has the core for half of the time. */
static void two_groups_take_turns(void **state)
{
	uint64_t sum = 0;

	(void)state;
	start(2, 2, true);
	nr_tasks = 4;
	for (unsigned i = 0; i < 4; i++)
		member(i, i / 2, SIM_NEVER, 0);
	sim_run_until(2000 * MS);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(task[i].ran > 500 * MS);
		sum += task[i].ran;
	}
	assert_true(sum > 2500 * MS);
	assert_true(together_ticks > 1000 * MS);
	sim_end();
}

static void a_group_for_each_thread(void **state)
{
	struct sched_core_stats s;

	(void)state;
	start(2, 2, true);
	nr_tasks = 2;
	for (unsigned i = 0; i < 2; i++)
		member(i, i, SIM_NEVER, 0);
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		assert_near(task[i].ran, 500 * MS, 40 * MS);
	assert_int_equal(together_ticks, 0);
	sched_stats(0, &s);
	assert_true(s.smt_blocked_ticks > 300 * MS);
	sim_end();
}

/* One core each: nobody has to wait. */
static void groups_spread_over_cores(void **state)
{
	(void)state;
	start(4, 2, true);
	nr_tasks = 2;
	for (unsigned i = 0; i < 2; i++)
		member(i, i, SIM_NEVER, 0);
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		assert_true(task[i].ran > 980 * MS);
	sim_end();
}

/* Sleepers, hogs and somebody who belongs to no group, on two cores with two threads. */
static void mixture(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 8; seed++) {
		start(4, 2, true);
		nr_tasks = 9;
		for (unsigned i = 0; i < nr_tasks; i++) {
			bool sleeps = (i + seed) % 3 == 0;

			member(i, i == 8 ? SCHED_NO_GROUP : (i + seed / 3) % 4,
				sleeps ? (300 + 100 * i) * US : SIM_NEVER,
				sleeps ? (seed + 1) * MS : 0);
		}
		sim_run_until(1000 * MS);
		for (unsigned i = 0; i < nr_tasks; i++)
			assert_true(task[i].ran > 30 * MS);
		assert_true(together_ticks > 0);
		sim_end();
	}
}

static void shared_is_not_held_up(void **state)
{
	(void)state;
	start(2, 2, false);
	nr_tasks = 2;
	for (unsigned i = 0; i < 2; i++)
		member(i, i, SIM_NEVER, 0)->while_running = NULL;
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		assert_true(task[i].ran > 980 * MS);
	sim_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_groups_take_turns),
		cmocka_unit_test(a_group_for_each_thread),
		cmocka_unit_test(groups_spread_over_cores),
		cmocka_unit_test(mixture),
		cmocka_unit_test(shared_is_not_held_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
