// sources: @sched
/* Who pays for what: caps, boosts and their limits, packet work and what it may borrow, and guests
 * that try to get more than their share. */
#include "sched_task.h"

#define SLICE_US 5000

static void start_with(unsigned nr_cores, bool credit_stealing, enum sched_policy policy)
{
	memset(loaded, 0, sizeof(loaded));
	sim_init_with((struct sched_setup){ .nr_cores = nr_cores,
		.slice_us = SLICE_US,
		.policy = policy,
		.cache_aware = true,
		.credit_stealing = credit_stealing });
}

static void start(unsigned nr_cores)
{
	start_with(nr_cores, true, SCHED_FULL);
}

/* ---- Time is measured, not sampled ---- */

/* Asleep whenever a timer tick of 1, 5 or 10 ms would look who runs. */
static void sleeping_before_the_tick_gains_nothing(void **state)
{
	static const uint64_t tick_us[] = { 1000, 5000, 10000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(tick_us); i++) {
		start(1);
		hog(0, 256, EVERYWHERE);
		add(1, 256, EVERYWHERE, (tick_us[i] - 50) * US, 50 * US);
		sched_wake(&task[1].e);
		sim_run_until(1000 * MS);
		assert_true(task[1].ran < 520 * MS);
		assert_true(task[0].ran > 480 * MS);
		sim_end();
	}
}

/* The same with a boost after each sleep. */
static void boosts_do_not_add_to_a_share(void **state)
{
	(void)state;
	start(2);
	hog(0, 256, BIT64(0));
	add(1, 256, BIT64(0), 950 * US, SIM_NEVER);
	add(2, 256, BIT64(1), 20 * US, 80 * US);
	sched_wake(&task[2].e);
	for (uint64_t t = 1; t <= 1000; t++) {
		sim_run_until(t * MS);
		sched_wake_io(&task[1].e);
	}
	assert_true(task[1].ran < 520 * MS);
	assert_true(task[0].ran > 480 * MS);
	sim_end();
}

/* ---- Caps ---- */

static void capped_alone(void **state)
{
	static const unsigned percent[] = { 5, 33, 80 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(percent); i++) {
		struct task *t;

		start(2);
		t = task_prepare(0, 256, EVERYWHERE, SIM_NEVER, 0);
		t->e.cap_percent = percent[i];
		sched_add(&t->e);
		sched_wake(&t->e);
		sim_run_until(1000 * MS);
		assert_near(t->ran, percent[i] * 10 * MS, SLICE_US * US);
		assert_true(t->e.stats.nr_throttled > 10);
		sim_end();
	}
}

/* What a capped one may not use goes to others. */
static void capped_beside_others(void **state)
{
	struct task *t;

	(void)state;
	start(1);
	t = task_prepare(0, 1024, EVERYWHERE, SIM_NEVER, 0);
	t->e.cap_percent = 20;
	sched_add(&t->e);
	sched_wake(&t->e);
	hog(1, 256, EVERYWHERE);
	sim_run_until(1000 * MS);
	assert_near(t->ran, 200 * MS, SLICE_US * US);
	assert_true(task[1].ran > 790 * MS);
	sim_end();
}

/* ---- Boost ---- */

/* Sleeps until I/O wakes it, all in all for `percent` of the time, beside a hog. */
static void io_beside_hog(enum sched_policy policy, uint64_t burst_us, uint64_t period_us)
{
	start_with(2, true, policy);
	hog(0, 256, BIT64(0));
	add(1, 256, BIT64(0), burst_us * US, SIM_NEVER);
	for (uint64_t t = 1; t * period_us < 500000; t++) {
		sim_run_until(t * period_us * US);
		if (task[1].e.state == SCHED_ASLEEP)
			task[1].asked_tsc = t * period_us * US;
		sched_wake_io(&task[1].e);
	}
}

static void boosted_runs_at_once(void **state)
{
	(void)state;
	io_beside_hog(SCHED_FULL, 200, 2000);
	assert_true(task[1].latency_max <= 3 * STEP);
	assert_near(task[1].nr_runs, 249, 3);
	sim_end();
	io_beside_hog(SCHED_ROUND_ROBIN, 200, 2000); /* which waits for a slice */
	assert_true(task[1].latency_max > 2 * MS);
	assert_int_equal(task[1].e.stats.nr_boosts, 0);
	sim_end();
}

/* As often as I/O comes, for a share of the time. */
static void boosts_have_a_share(void **state)
{
	(void)state;
	io_beside_hog(SCHED_FULL, 20, 100);
	assert_true(task[1].latency_max <= 3 * STEP);
	assert_near(task[1].nr_runs, 4999, 3);
	sim_end();
	io_beside_hog(SCHED_FULL, 80, 100);
	assert_true(task[1].e.stats.nr_boosts > 1000);
	assert_near(task[1].ran, 250 * MS, 2 * SLICE_US * US);
	assert_near(task[0].ran, 250 * MS, 2 * SLICE_US * US);
	sim_end();
}

static uint64_t hog_waited_max;

static void wake_the_other(struct task *t)
{
	hog_waited_max = MAX(hog_waited_max, sim[0].now - task[0].e.queued_since_tsc);
	sched_wake_io(&task[t == &task[1] ? 2 : 1].e);
}

/* Two that wake each other, so that one of them is boosted at any time. */
static void boosts_do_not_add_up(void **state)
{
	(void)state;
	hog_waited_max = 0;
	start(1);
	hog(0, 256, EVERYWHERE);
	for (unsigned i = 1; i <= 2; i++)
		add(i, 256, EVERYWHERE, 900 * US, SIM_NEVER)->before_sleep = wake_the_other;
	sched_wake_io(&task[1].e);
	sim_run_until(100 * MS);
	assert_true(task[1].e.stats.nr_boosts > 10);
	assert_true(hog_waited_max <= 2 * (2 * SLICE_US + SCHED_BOOST_RUN_US) * US + STEP);
	assert_near(task[0].ran, 33 * MS, 3 * SLICE_US * US);
	sim_end();
}

/* ---- Packet work ---- */

static struct work item;
static uint64_t item_ticks;

static enum work_result do_work(struct work *w, unsigned budget)
{
	(void)w;
	(void)budget;
	sim_spend(item_ticks);
	return WORK_DONE;
}

/* Task 0 causes packet work of 30 us at every exit, about 60% of what the core does. */
static void cause_work(struct task *t)
{
	(void)t;
	work_schedule(sched_worker(0), &item);
}

static void start_work(bool credit_stealing)
{
	start_with(1, credit_stealing, SCHED_FULL);
	item_ticks = 30 * US;
	work_init(&item, do_work);
	item.who = &task[0].e.hint;
	hog(0, 256, EVERYWHERE)->while_running = cause_work;
	hog(1, 256, EVERYWHERE);
	sim_run_until(1000 * MS);
}

static void packet_work_is_charged(void **state)
{
	uint64_t all;

	(void)state;
	start_work(false);
	all = task[0].ran + task[0].e.stats.charged_ticks;
	assert_true(task[0].e.stats.charged_ticks > 100 * MS);
	assert_near(all, 500 * MS, 20 * MS);
	assert_near(task[1].ran, 500 * MS, 20 * MS);
	assert_int_equal(task[0].e.stats.borrowed_ticks, 0);
	sim_end();
}

/* In a round robin it costs nobody's turn. */
static void packet_work_does_not_end_a_turn(void **state)
{
	(void)state;
	start_with(1, false, SCHED_ROUND_ROBIN);
	item_ticks = 30 * US;
	work_init(&item, do_work);
	hog(0, 256, EVERYWHERE)->while_running = cause_work;
	hog(1, 256, EVERYWHERE);
	sim_run_until(1000 * MS);
	assert_true(task[0].nr_runs > 1000);
	assert_near(task[0].ran, task[1].ran, SLICE_US * US + STEP);
	sim_end();
}

static struct task *in_turn;
static unsigned nr_turns;

static void cause_work_and_count(struct task *t)
{
	nr_turns += t != in_turn;
	in_turn = t;
	cause_work(t);
}

/* Two that take turns whenever packet work lets the core choose: the one that the packets are for
 * keeps it for a millisecond, and the other gets as much. */
static void packet_work_leaves_a_millisecond(void **state)
{
	(void)state;
	start_with(1, false, SCHED_FULL);
	item_ticks = 2 * US;
	nr_turns = 0;
	work_init(&item, do_work);
	item.who = &task[0].e.hint;
	hog(0, 256, EVERYWHERE)->while_running = cause_work_and_count;
	hog(1, 256, EVERYWHERE)->while_running = cause_work_and_count;
	sim_run_until(1000 * MS);
	assert_true(nr_turns > 100 && nr_turns < 1100);
	assert_near(task[0].ran + task[0].e.stats.charged_ticks, task[1].ran, SLICE_US * US);
	sim_end();
}

static uint64_t burst_asked_tsc, burst_max;

static void measure_burst(struct task *t)
{
	(void)t;
	burst_max = MAX(burst_max, sim[sim_index].now - burst_asked_tsc);
}

/* Task 3 comes to core 0 when it is owed more than task 1 has saved. It gets that in the time that
 * task 1 sleeps, although packets interrupt each of task 1's turns. */
static void boosted_beside_who_is_owed(void **state)
{
	(void)state;
	start(2);
	item_ticks = 2 * US;
	work_init(&item, do_work);
	burst_max = 0;
	hog(0, 256, BIT64(0));
	hog(3, 64, EVERYWHERE);
	hog(2, 256, BIT64(1));
	hog(4, 256, BIT64(1));
	add(1, 256, BIT64(0), 200 * US, SIM_NEVER)->while_running = cause_work;
	task[1].before_sleep = measure_burst;
	for (uint64_t t = 2; t < 500; t += 2) {
		sim_run_until(t * MS);
		burst_asked_tsc = t * MS;
		sched_wake_io(&task[1].e);
	}
	assert_true(burst_max <= 200 * US + 20 * item_ticks + 3 * STEP);
	sim_end();
}

/* As much as it may, and no more, and what one borrows another one lends. */
static void packet_work_borrows(void **state)
{
	uint64_t limit = SCHED_BORROW_PERCENT * 10 * MS + SCHED_BORROW_BURST_US * US;

	(void)state;
	start_work(true);
	assert_true(task[0].e.stats.borrowed_ticks > limit / 2);
	assert_true(task[0].e.stats.borrowed_ticks <= limit);
	assert_int_equal(task[0].e.stats.borrowed_ticks, task[1].e.stats.lent_ticks);
	assert_near(task[1].ran, 500 * MS - task[1].e.stats.lent_ticks, 20 * MS);
	sim_end();
}

/* Two that do I/O do not lend to each other. */
static void io_does_not_lend(void **state)
{
	(void)state;
	start(1);
	item_ticks = 30 * US;
	work_init(&item, do_work);
	item.who = &task[0].e.hint;
	hog(0, 256, EVERYWHERE)->while_running = cause_work;
	add(1, 256, EVERYWHERE, 5 * MS, SIM_NEVER);
	for (uint64_t t = 1; t <= 500; t++) {
		sim_run_until(t * MS);
		sched_wake_io(&task[1].e);
	}
	assert_true(task[0].e.stats.charged_ticks > 50 * MS);
	assert_true(task[0].e.stats.borrowed_ticks < SCHED_BORROW_BURST_US * US);
	sim_end();
}

static void packet_work_counts_for_a_cap(void **state)
{
	struct task *t;

	(void)state;
	start(1);
	item_ticks = 30 * US;
	work_init(&item, do_work);
	item.who = &task[0].e.hint;
	t = task_prepare(0, 256, EVERYWHERE, SIM_NEVER, 0);
	t->e.cap_percent = 20;
	t->while_running = cause_work;
	sched_add(&t->e);
	sched_wake(&t->e);
	sim_run_until(1000 * MS);
	assert_true(t->e.stats.charged_ticks > 50 * MS);
	assert_near(t->ran + t->e.stats.charged_ticks, 200 * MS, SLICE_US * US);
	sim_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeping_before_the_tick_gains_nothing),
		cmocka_unit_test(boosts_do_not_add_to_a_share),
		cmocka_unit_test(capped_alone),
		cmocka_unit_test(capped_beside_others),
		cmocka_unit_test(boosted_runs_at_once),
		cmocka_unit_test(boosts_have_a_share),
		cmocka_unit_test(boosts_do_not_add_up),
		cmocka_unit_test(packet_work_is_charged),
		cmocka_unit_test(packet_work_does_not_end_a_turn),
		cmocka_unit_test(packet_work_leaves_a_millisecond),
		cmocka_unit_test(boosted_beside_who_is_owed),
		cmocka_unit_test(packet_work_borrows),
		cmocka_unit_test(io_does_not_lend),
		cmocka_unit_test(packet_work_counts_for_a_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
