// sources: hv/net/work.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/atomic.h"
#include "net/work.h"

#define ITEMS	   5
#define SCHEDULERS 3
#define ROUNDS	   200000

struct item {
	struct work w;
	unsigned id, more;   /* answers WORK_MORE so often */
	struct worker *self; /* schedules itself there while it runs */
	uint64_t produced;   /* atomic */
	uint64_t consumed;
	uint32_t inside; /* atomic: cores in run() */
	unsigned runs;
};

static unsigned order[64], nr_order, wakes;

static void count_wake(struct worker *wk)
{
	(void)wk;
	wakes++;
}

static enum work_result record(struct work *w, unsigned budget)
{
	struct item *it = CONTAINER_OF(w, struct item, w);

	assert_int_equal(budget, WORK_BUDGET_FRAMES);
	order[nr_order++] = it->id;
	if (it->self) {
		work_schedule(it->self, w);
		work_schedule(it->self, w);
		it->self = NULL;
	}
	if (!it->more)
		return WORK_DONE;
	it->more--;
	return WORK_MORE;
}

static void setup_items(struct item *it, unsigned nr)
{
	memset(it, 0, nr * sizeof(*it));
	nr_order = wakes = 0;
	for (unsigned i = 0; i < nr; i++) {
		work_init(&it[i].w, record);
		it[i].id = i;
	}
}

static void test_runs_in_arrival_order(void **state)
{
	struct worker wk = { .wake = count_wake };
	struct item it[ITEMS];

	(void)state;
	setup_items(it, ITEMS);
	assert_false(worker_pending(&wk));
	assert_false(worker_run(&wk));
	for (unsigned i = 0; i < ITEMS; i++) {
		work_schedule(&wk, &it[i].w);
		work_schedule(&wk, &it[i].w);
	}
	assert_int_equal(wakes, 1);
	assert_true(worker_pending(&wk));
	assert_false(worker_run(&wk));
	assert_int_equal(nr_order, ITEMS);
	for (unsigned i = 0; i < ITEMS; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(wk.runs, ITEMS);
}

static void test_more_runs_once_per_round(void **state)
{
	struct worker wk = { .wake = count_wake };
	struct item it[2];

	(void)state;
	setup_items(it, 2);
	it[0].more = 2;
	work_schedule(&wk, &it[0].w);
	assert_true(worker_run(&wk));
	work_schedule(&wk, &it[0].w); /* already queued */
	work_schedule(&wk, &it[1].w);
	assert_true(worker_run(&wk));
	assert_false(worker_run(&wk));
	assert_int_equal(nr_order, 4);
	assert_int_equal(order[1], 0); /* what was left goes first */
	assert_int_equal(order[2], 1);
	assert_int_equal(it[0].w.state, WORK_IDLE);
}

static void test_scheduled_while_running(void **state)
{
	struct worker wk = { .wake = count_wake };
	struct item it[1];

	(void)state;
	setup_items(it, 1);
	it[0].self = &wk;
	work_schedule(&wk, &it[0].w);
	assert_true(worker_run(&wk));
	assert_int_equal(nr_order, 1);
	assert_false(worker_run(&wk));
	assert_int_equal(nr_order, 2);
	assert_false(worker_pending(&wk));
}

static enum work_result move_once(struct work *w, unsigned budget)
{
	struct item *it = CONTAINER_OF(w, struct item, w);

	if (w->worker == w->move_to)
		return record(w, budget);
	work_schedule(it->self, w); /* makes no difference */
	it->self = NULL;
	return WORK_MOVE;
}

static void test_moves_to_another_worker(void **state)
{
	struct worker from = { .wake = count_wake }, to = { .wake = count_wake };
	struct item it[1];

	(void)state;
	setup_items(it, 1);
	work_init(&it[0].w, move_once);
	it[0].w.move_to = &to;
	it[0].self = &from;
	work_schedule(&from, &it[0].w);
	assert_false(worker_run(&from));
	assert_int_equal(nr_order, 0);
	assert_int_equal(wakes, 2);
	assert_int_equal(it[0].w.state, WORK_QUEUED);
	work_schedule(&from, &it[0].w); /* it is queued */
	assert_false(worker_pending(&from));
	assert_false(worker_run(&to));
	assert_int_equal(nr_order, 1);
	assert_int_equal(it[0].w.state, WORK_IDLE);
}

/* Schedulers on other threads than two workers: every item runs on one core at a time, and what was
 * produced before a schedule is consumed, whatever the interleaving. */
static struct item shared[ITEMS];
static struct worker workers[2];
static uint32_t producers_left;

static enum work_result consume(struct work *w, unsigned budget)
{
	struct item *it = CONTAINER_OF(w, struct item, w);
	uint64_t produced;

	if (atomic_fetch_add(&it->inside, 1) != 0)
		abort();
	produced = load_relaxed(&it->produced);
	if (++it->runs % 5 == 0) { /* and leaves everything to the other core */
		w->move_to = &workers[w->worker == &workers[0]];
		(void)atomic_fetch_sub(&it->inside, 1);
		return WORK_MOVE;
	}
	it->consumed = produced - it->consumed > budget ? it->consumed + budget : produced;
	(void)atomic_fetch_sub(&it->inside, 1);
	return it->consumed == produced ? WORK_DONE : WORK_MORE;
}

static void *produce(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		seed = seed * 1103515245 + 12345;
		struct item *it = &shared[(seed >> 16) % ITEMS];

		(void)__atomic_fetch_add(&it->produced, 1 + (seed >> 28), __ATOMIC_RELAXED);
		work_schedule(&workers[(seed >> 20) & 1], &it->w);
		if (i % 64 == 0)
			sched_yield();
	}
	(void)atomic_fetch_sub(&producers_left, 1);
	return NULL;
}

static void *serve(void *arg)
{
	struct worker *wk = arg;

	while (load_acquire(&producers_left))
		if (!worker_run(wk))
			sched_yield();
	return NULL;
}

static enum work_result poll_once_more(struct work *w, unsigned budget)
{
	struct item *it = CONTAINER_OF(w, struct item, w);

	(void)budget;
	return it->more-- ? WORK_POLL : WORK_DONE;
}

/* An eager item wakes the worker whatever is incoming, and is told apart while it waits. */
static void test_eager_items(void **state)
{
	struct worker wk = { .wake = count_wake };
	struct item it[2];

	(void)state;
	setup_items(it, 2);
	work_init(&it[1].w, poll_once_more);
	it[1].w.eager = true;
	it[1].more = 1;
	work_schedule(&wk, &it[0].w);
	assert_false(wk.eager_queued);
	work_schedule(&wk, &it[1].w);
	assert_int_equal(wakes, 2);
	assert_true(wk.eager_queued);
	assert_true(worker_run(&wk));
	assert_false(wk.eager_queued);
	assert_true(wk.eager_polled);
	assert_false(worker_run(&wk));
	assert_false(wk.eager_polled);
}

static void test_threads_lose_nothing(void **state)
{
	pthread_t producer[SCHEDULERS], server[2];

	(void)state;
	producers_left = SCHEDULERS;
	for (unsigned i = 0; i < ITEMS; i++)
		work_init(&shared[i].w, consume);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&server[i], NULL, serve, &workers[i]), 0);
	for (uintptr_t i = 0; i < SCHEDULERS; i++)
		assert_int_equal(pthread_create(&producer[i], NULL, produce, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < SCHEDULERS; i++)
		pthread_join(producer[i], NULL);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(server[i], NULL);
	while (worker_pending(&workers[0]) || worker_pending(&workers[1])) {
		(void)worker_run(&workers[0]);
		(void)worker_run(&workers[1]);
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		assert_int_equal(shared[i].w.state, WORK_IDLE);
		assert_true(shared[i].produced == shared[i].consumed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_in_arrival_order),
		cmocka_unit_test(test_more_runs_once_per_round),
		cmocka_unit_test(test_scheduled_while_running),
		cmocka_unit_test(test_moves_to_another_worker),
		cmocka_unit_test(test_eager_items),
		cmocka_unit_test(test_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
