// sources: @sched
/* Helpers: idle cores for the packet work of vCPUs that keep theirs busy. */
#include "sched_task.h"

#define WARM (100 * MS) /* several turns: the core is looked at when its vCPU gives it back */
#define NONE HINT_NO_HELPER

static unsigned work_percent;

/* Two packages of four cores. All but the first of each may help. */
static void start(void)
{
	static struct sched_topology t;

	topology_flat(&t, 8);
	for (unsigned i = 0; i < 8; i++)
		t.core[i].llc = t.core[i].package = t.core[i].node = (uint16_t)(i / 4);
	memset(loaded, 0, sizeof(loaded));
	sim_init_with((struct sched_setup){
		.nr_cores = 8, .slice_us = 5000, .topology = &t, .cache_aware = true });
	for (unsigned i = 0; i < 8; i++)
		if (i % 4)
			sched_may_help(i);
	work_percent = 25;
}

/* As if its core's worker had done so much for it. */
static void charge(struct task *t)
{
	struct worker *wk = sched_worker(sim_index);

	wk->charge(wk, &t->e.hint, STEP * work_percent / 100);
}

static struct task *streams(unsigned i, unsigned core)
{
	struct task *t = hog(i, 256, BIT64(core));

	t->while_running = charge;
	return t;
}

static void idle_neighbour_helps(void **state)
{
	struct task *t;

	(void)state;
	start();
	t = streams(0, 0);
	assert_int_equal(hint_helper(&t->e.hint), NONE);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	sim_run_until(2 * WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	sim_end();
}

static void each_helps_one(void **state)
{
	struct task *t[3];

	(void)state;
	start();
	for (unsigned i = 0; i < 2; i++)
		t[i] = streams(i, i);
	t[2] = streams(2, 4);
	sim_run_until(WARM);
	assert_true(hint_helper(&t[0]->e.hint) == 2 || hint_helper(&t[0]->e.hint) == 3);
	assert_int_equal(hint_helper(&t[1]->e.hint), hint_helper(&t[0]->e.hint) == 2 ? 3 : 2);
	assert_int_equal(hint_helper(&t[2]->e.hint), 5); /* not of the other package */
	sim_end();
}

static void nobody_is_free(void **state)
{
	struct task *t;

	(void)state;
	start();
	t = streams(0, 0);
	for (unsigned i = 1; i < 4; i++)
		hog(i, 256, BIT64(i));
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), NONE);
	sim_end();
}

static void little_work_needs_none(void **state)
{
	struct task *t;

	(void)state;
	start();
	work_percent = 10;
	t = streams(0, 0);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), NONE);
	work_percent = 25;
	sim_run_until(2 * WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	work_percent = 10; /* once there, it stays for less */
	sim_run_until(3 * WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	work_percent = 5;
	sim_run_until(4 * WARM);
	assert_int_equal(hint_helper(&t->e.hint), NONE);
	sim_end();
}

/* It sleeps between packets: its core has the time. */
static void idle_core_needs_none(void **state)
{
	struct task *t;

	(void)state;
	start();
	t = add(0, 256, BIT64(0), 500 * US, 100 * US);
	t->while_running = charge;
	sched_wake(&t->e);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), NONE);
	sim_end();
}

/* Core 1 is idle most of the time, but not for long. */
static void core_of_others_does_not_help(void **state)
{
	struct task *t;

	(void)state;
	start();
	sched_wake(&add(1, 256, BIT64(1), 20 * US, 500 * US)->e);
	t = streams(0, 0);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), 2);
	sim_end();
}

static void helper_with_somebody_to_run_ends(void **state)
{
	struct task *t;

	(void)state;
	start();
	t = streams(0, 0);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	hog(1, 256, BIT64(1));
	sim_run_until(WARM + 1 * MS);
	assert_int_not_equal(hint_helper(&t->e.hint), 1);
	sim_run_until(2 * WARM);
	assert_int_equal(hint_helper(&t->e.hint), 2);
	sim_end();
}

/* A guest that does nothing any more keeps nobody. */
static void sleeper_gives_way(void **state)
{
	struct task *t, *other;

	(void)state;
	start();
	hog(2, 256, BIT64(2));
	hog(3, 256, BIT64(3));
	t = streams(0, 0);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	t->left = STEP;
	t->sleep = SIM_NEVER;
	sim_run_until(2 * WARM);
	assert_int_equal(t->e.state, SCHED_ASLEEP);
	other = streams(4, 0);
	sim_run_until(4 * WARM);
	assert_int_equal(hint_helper(&other->e.hint), 1);
	sim_end();
}

static uint64_t polls;

static enum work_result poll_on(struct work *w, unsigned budget)
{
	(void)w;
	(void)budget;
	sim_spend(1 * US);
	polls++;
	return WORK_POLL;
}

/* However busy it is with that: who waits elsewhere goes first. */
static void polling_helper_steals(void **state)
{
	static struct work w;
	struct task *t;

	(void)state;
	start();
	t = streams(0, 0);
	sim_run_until(WARM);
	assert_int_equal(hint_helper(&t->e.hint), 1);
	work_init(&w, poll_on);
	work_schedule(sched_worker(1), &w);
	sim_run_until(WARM + 1 * MS);
	assert_true(polls > 100);
	for (unsigned i = 1; i < 3; i++)
		hog(i, 256, BIT64(2));
	for (unsigned i = 1; i < 3; i++)
		task[i].e.cores = cores_from(BIT64(1) | BIT64(2));
	sim_run_until(2 * WARM);
	assert_int_not_equal(hint_helper(&t->e.hint), 1);
	/* more than one core's time, though polling takes some of it */
	assert_true(task[1].ran + task[2].ran > WARM + 20 * MS);
	sim_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_neighbour_helps),
		cmocka_unit_test(each_helps_one),
		cmocka_unit_test(nobody_is_free),
		cmocka_unit_test(little_work_needs_none),
		cmocka_unit_test(idle_core_needs_none),
		cmocka_unit_test(core_of_others_does_not_help),
		cmocka_unit_test(helper_with_somebody_to_run_ends),
		cmocka_unit_test(sleeper_gives_way),
		cmocka_unit_test(polling_helper_steals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
