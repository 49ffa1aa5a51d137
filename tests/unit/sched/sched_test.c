// sources: @sched
/* The scheduler on simulated cores: shares, wake-ups, timers, stealing, packet work. */
#include "sched_task.h"

#define SLICE_US 2000

static void start(unsigned nr_cores)
{
	memset(loaded, 0, sizeof(loaded));
	sim_init(nr_cores, SLICE_US);
}

/* ---- Shares ---- */

static void one_core_by_weight(void **state)
{
	(void)state;
	start(1);
	for (unsigned i = 0; i < 3; i++)
		hog(i, 256u << i, EVERYWHERE);
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 3; i++)
		assert_near(task[i].ran, (1000 * MS << i) / 7, 20 * MS);
	sim_end();
}

static void four_on_two_cores(void **state)
{
	(void)state;
	start(2);
	for (unsigned i = 0; i < 4; i++)
		hog(i, 256, EVERYWHERE);
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 4; i++)
		assert_near(task[i].ran, 500 * MS, 20 * MS);
	sim_end();
}

/* However they were placed: no core halts while another has two to choose from. */
static void no_core_idles_beside_a_queue(void **state)
{
	(void)state;
	for (unsigned nr = 2; nr <= 4; nr++) {
		start(nr);
		for (unsigned i = 0; i < nr; i++) {
			struct task *t = add(i, 256, BIT64(0), SIM_NEVER, 0);

			sched_wake(&t->e);
			t->e.cores = CORE_SET_ALL; /* all queued on core 0 */
		}
		sim_run_until(1000 * MS);
		for (unsigned i = 0; i < nr; i++)
			assert_true(task[i].ran > 950 * MS);
		sim_end();
	}
}

/* The same with sleepers that wake together on one core. */
static void sleepers_spread_out(void **state)
{
	(void)state;
	start(2);
	for (unsigned i = 0; i < 2; i++) {
		struct task *t = add(i, 256, BIT64(0), 8 * MS, 2 * MS);

		sched_wake(&t->e);
		t->e.cores = CORE_SET_ALL;
	}
	sim_run_until(1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		assert_near(task[i].ran, 800 * MS, 40 * MS);
	sim_end();
}

/* A core that has nothing to do sleeps without a timer: the one that has too much calls it. */
static void halted_core_is_called(void **state)
{
	(void)state;
	start(2);
	for (unsigned i = 0; i < 2; i++)
		hog(i, 256, BIT64(0));
	sim_run_until(100 * MS);
	assert_near(task[0].ran + task[1].ran, 100 * MS, 1 * MS);
	task[0].e.cores = task[1].e.cores = CORE_SET_ALL;
	sim_run_until(200 * MS);
	assert_near(task[0].ran + task[1].ran, 300 * MS, 2 * SLICE_US * US);
	sim_end();
}

static void nobody_starves(void **state)
{
	(void)state;
	start(2);
	hog(0, 1, EVERYWHERE);
	hog(1, 1000, EVERYWHERE);
	hog(2, 1000, EVERYWHERE);
	hog(3, 0, EVERYWHERE); /* a weight that sluice.conf does not allow */
	sim_run_until(8000 * MS);
	for (unsigned i = 0; i < 4; i++)
		assert_true(task[i].nr_runs > 0 && task[i].ran > 0);
	sim_end();
}

/* One that slept for long gets its share from now on, not what it did not use: a lead of a slice,
 * and of what the other one has had since it was picked. */
static void sleep_saves_little(void **state)
{
	(void)state;
	start(1);
	hog(0, 256, EVERYWHERE);
	add(1, 256, EVERYWHERE, SIM_NEVER, 0);
	sim_run_until(1000 * MS);
	assert_true(task[0].ran > 990 * MS);
	sched_wake(&task[1].e);
	sim_run_until(2000 * MS);
	assert_near(task[1].ran, 500 * MS, 52 * MS);
	sim_end();
}

/* ---- Placement ---- */

static void masks_are_kept(void **state)
{
	(void)state;
	start(4);
	hog(0, 256, BIT64(0));
	hog(1, 256, BIT64(0));
	hog(2, 256, BIT64(1) | BIT64(2));
	add(3, 256, BIT64(1), 100 * US, 300 * US);
	sched_wake(&task[3].e);
	hog(4, 256, BIT64(40)); /* there is no such core: anywhere */
	sim_run_until(500 * MS);
	assert_near(task[0].ran, 250 * MS, 10 * MS);
	assert_near(task[1].ran, 250 * MS, 10 * MS);
	assert_int_equal(task[3].ran_on, BIT64(1));
	assert_true(task[4].ran > 400 * MS);
	sim_end();
}

static void stealing_counts(void **state)
{
	struct sched_core_stats s;

	(void)state;
	start(2);
	for (unsigned i = 0; i < 3; i++) {
		struct task *t = add(i, 256, BIT64(0), SIM_NEVER, 0);

		sched_wake(&t->e);
		t->e.cores = CORE_SET_ALL;
	}
	sim_run_until(100 * MS);
	sched_stats(1, &s);
	assert_true(s.nr_stolen > 0);
	assert_true(task[0].ran + task[1].ran + task[2].ran > 195 * MS);
	sim_end();
}

/* ---- Sleep and wake-up ---- */

static void wake_self(struct task *t)
{
	if (t->nr_runs < 100)
		sched_wake(&t->e);
}

/* A wake-up between the decision to sleep and the sleep. */
static void wake_while_going_to_sleep(void **state)
{
	(void)state;
	start(1);
	add(0, 256, EVERYWHERE, 50 * US, SIM_NEVER)->before_sleep = wake_self;
	sched_wake(&task[0].e);
	sim_run_until(100 * MS);
	assert_int_equal(task[0].nr_runs, 100);
	assert_int_equal(task[0].e.state, SCHED_ASLEEP);
	sim_end();
}

static void wake_while_running(void **state)
{
	(void)state;
	start(1);
	add(0, 256, EVERYWHERE, 50 * US, SIM_NEVER)->while_running = wake_self;
	sched_wake(&task[0].e);
	sim_run_until(100 * MS);
	assert_int_equal(task[0].nr_runs, 100);
	sim_end();
}

static void wake_and_forget(struct task *t)
{
	sched_wake(&t->e);
	sched_forget_wake(&t->e);
}

/* What run() has seen already does not cost another round. */
static void forgotten_wake(void **state)
{
	(void)state;
	start(1);
	add(0, 256, EVERYWHERE, 50 * US, SIM_NEVER)->while_running = wake_and_forget;
	sched_wake(&task[0].e);
	sim_run_until(100 * MS);
	assert_int_equal(task[0].nr_runs, 1);
	sched_wake(&task[0].e);
	sim_run_until(200 * MS);
	assert_int_equal(task[0].nr_runs, 2);
	sim_end();
}

static void wake_other(struct task *t)
{
	(void)t;
	if (task[0].e.state == SCHED_ASLEEP)
		task[0].asked_tsc = sim[sim_index].now;
	sched_wake(&task[0].e);
}

/* Every sleep of task 0 is ended at once by task 1 on another core. */
static void wake_across_cores(void **state)
{
	(void)state;
	start(2);
	add(0, 256, BIT64(0), 200 * US, SIM_NEVER);
	hog(1, 256, BIT64(1))->while_running = wake_other;
	sim_run_until(100 * MS);
	assert_true(task[0].nr_runs > 300);
	assert_true(task[0].latency_max <= 5 * US);
	sim_end();
}

static void timers_wake(void **state)
{
	(void)state;
	start(2);
	add(0, 256, EVERYWHERE, 10 * US, 990 * US);
	add(1, 256, EVERYWHERE, 10 * US, 3 * MS);
	sched_wake(&task[0].e);
	sched_wake(&task[1].e);
	sim_run_until(1000 * MS);
	assert_near(task[0].nr_runs, 1000, 10);
	assert_near(task[1].nr_runs, 332, 4);
	assert_true(task[0].latency_max < 50 * US && task[1].latency_max < 50 * US);
	assert_true(sim[0].nr_halts > 300); /* nobody polls for it */
	sim_end();
}

static void wake_before_the_timer(void **state)
{
	(void)state;
	start(1);
	add(0, 256, EVERYWHERE, 10 * US, 500 * MS);
	sched_wake(&task[0].e);
	sim_run_until(100 * MS);
	assert_int_equal(task[0].nr_runs, 1);
	sched_wake(&task[0].e);
	sim_run_until(200 * MS);
	assert_int_equal(task[0].nr_runs, 2);
	sim_end();
}

static void remove_takes_it_out(void **state)
{
	(void)state;
	start(1);
	add(0, 256, EVERYWHERE, 10 * US, 5 * MS);
	sched_wake(&task[0].e);
	sim_run_until(1 * MS);
	sched_remove(&task[0].e);
	sim_run_until(50 * MS);
	assert_int_equal(task[0].nr_runs, 1);
	sim_end();
}

/* ---- Latency ---- */

/* A sleeper beside a hog: its timer ends the hog's slice. */
static void timer_preempts(void **state)
{
	(void)state;
	start(1);
	hog(0, 256, EVERYWHERE);
	add(1, 256, EVERYWHERE, 100 * US, 5 * MS);
	sched_wake(&task[1].e);
	sim_run_until(1000 * MS);
	assert_true(task[1].nr_runs > 150);
	assert_true(task[1].latency_max <= 3 * STEP);
	assert_true(task[0].ran > 950 * MS);
	sim_end();
}

/* Woken from another core, and by the running guest itself. */
static void wake_preempts(void **state)
{
	(void)state;
	for (unsigned waker = 0; waker < 2; waker++) {
		start(2);
		add(0, 256, BIT64(0), 100 * US, SIM_NEVER);
		hog(1, 256, BIT64(0));
		hog(2, 256, BIT64(1));
		task[waker ? 1 : 2].while_running = wake_other;
		sim_run_until(20 * MS);
		task[0].latency_max = 0; /* at first they are even */
		sim_run_until(200 * MS);
		assert_near(task[0].ran, 100 * MS, 25 * MS);
		assert_true(task[0].latency_max <= (SLICE_US + 1200) * US);
		sim_end();
	}
}

static void wake_other_late(struct task *t)
{
	if (t->ran >= 50 * MS)
		wake_other(t);
}

/* What the running one has had in its long slice counts at once. */
static void long_slice_ends_for_a_sleeper(void **state)
{
	(void)state;
	start(2);
	add(0, 256, BIT64(1), 100 * US, SIM_NEVER);
	hog(1, 256, BIT64(1))->while_running = wake_other_late;
	sim_run_until(51 * MS);
	assert_true(task[0].nr_runs > 0);
	assert_true(task[0].latency_max <= 2 * STEP);
	sim_end();
}

/* ---- Packet work ---- */

static struct work item;
static uint64_t work_ran, work_asked, work_latency_max;
static unsigned work_core;
static bool work_for_ever;

static enum work_result do_work(struct work *w, unsigned budget)
{
	(void)w;
	(void)budget;
	assert_int_equal(sim_index, work_core);
	work_ran++;
	if (work_asked)
		work_latency_max = MAX(work_latency_max, sim[sim_index].now - work_asked);
	work_asked = 0;
	sim_spend(10 * US);
	return work_for_ever ? WORK_MORE : WORK_DONE;
}

static void start_work(unsigned core, bool for_ever)
{
	work_ran = work_asked = work_latency_max = 0;
	work_core = core;
	work_for_ever = for_ever;
	work_init(&item, do_work);
}

static void queue_work(struct task *t)
{
	(void)t;
	if (!work_asked)
		work_asked = sim[sim_index].now;
	work_schedule(sched_worker(work_core), &item);
}

/* Work queued by the core's own guest, or from another core, runs soon, however busy guests are. */
static void worker_gets_its_turn(void **state)
{
	(void)state;
	for (unsigned from = 0; from < 2; from++) {
		start(2);
		start_work(0, false);
		hog(0, 256, BIT64(0));
		hog(1, 256, BIT64(1));
		task[from].while_running = queue_work;
		sim_run_until(200 * MS);
		assert_true(work_ran > 1000);
		assert_true(work_latency_max <= 4 * STEP);
		assert_true(task[0].ran > 50 * MS);
		sim_end();
	}
}

static void worker_without_guests(void **state)
{
	(void)state;
	start(2);
	start_work(1, false);
	hog(0, 256, BIT64(0))->while_running = queue_work;
	sim_run_until(100 * MS);
	assert_true(work_ran > 1000 && work_latency_max <= 3 * US);
	sim_end();
}

/* Work without end leaves the guest its turns, and interrupts are taken. */
static void endless_work(void **state)
{
	(void)state;
	start(1);
	start_work(0, true);
	queue_work(NULL);
	hog(0, 256, EVERYWHERE);
	sim_run_until(100 * MS);
	assert_true(task[0].ran > 10 * MS);
	assert_true(work_ran > 1000);
	assert_true(sim[0].nr_takes > 100);
	sim_end();
}

static void endless_work_alone_takes_interrupts(void **state)
{
	(void)state;
	start(1);
	start_work(0, true);
	queue_work(NULL);
	sim_run_until(100 * MS);
	assert_int_equal(sim[0].nr_halts, 0);
	assert_true(sim[0].nr_takes > 500);
	sim_end();
}

/* ---- Housekeeping ---- */

static void housekeeping_keeps_time(void **state)
{
	(void)state;
	for (unsigned busy = 0; busy < 2; busy++) {
		start(2);
		if (busy)
			hog(0, 256, BIT64(0));
		sim_run_until(1000 * MS);
		assert_near(sim_housekeepings, 100, 3);
		sim_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_core_by_weight),
		cmocka_unit_test(four_on_two_cores),
		cmocka_unit_test(no_core_idles_beside_a_queue),
		cmocka_unit_test(sleepers_spread_out),
		cmocka_unit_test(halted_core_is_called),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(sleep_saves_little),
		cmocka_unit_test(masks_are_kept),
		cmocka_unit_test(stealing_counts),
		cmocka_unit_test(wake_while_going_to_sleep),
		cmocka_unit_test(wake_while_running),
		cmocka_unit_test(forgotten_wake),
		cmocka_unit_test(wake_across_cores),
		cmocka_unit_test(timers_wake),
		cmocka_unit_test(wake_before_the_timer),
		cmocka_unit_test(remove_takes_it_out),
		cmocka_unit_test(timer_preempts),
		cmocka_unit_test(wake_preempts),
		cmocka_unit_test(long_slice_ends_for_a_sleeper),
		cmocka_unit_test(worker_gets_its_turn),
		cmocka_unit_test(worker_without_guests),
		cmocka_unit_test(endless_work),
		cmocka_unit_test(endless_work_alone_takes_interrupts),
		cmocka_unit_test(housekeeping_keeps_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
