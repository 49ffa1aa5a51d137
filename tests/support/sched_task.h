/* Entities for sched_sim.h: tasks that compute, sleep and are woken. Include in one file. */
#ifndef SLUICE_SCHED_TASK_H
#define SLUICE_SCHED_TASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched_sim.h"

#define STEP	   (20 * US) /* how often a guest exits */
#define TASKS_MAX  64
#define EVERYWHERE UINT64_MAX

/* Computes until its burst is over, then sleeps. */
struct task {
	struct sched_entity e;
	uint64_t burst;	    /* SIM_NEVER: never sleeps */
	uint64_t sleep;	    /* then, for so long; SIM_NEVER: until it is woken */
	uint64_t left;	    /* of the burst */
	uint64_t asked_tsc; /* when it was to run, for latency_max */
	uint64_t latency_max;
	uint64_t ran;
	int loaded_on;
	unsigned nr_runs;
	uint64_t ran_on; /* mask */
	void (*before_sleep)(struct task *t);
	void (*while_running)(struct task *t);
};

static struct task task[TASKS_MAX];
static struct task *loaded[SIM_CORES];

static bool task_resident(const struct sched_entity *e)
{
	return CONTAINER_OF(e, struct task, e)->loaded_on >= 0;
}

static void task_load(struct task *t)
{
	struct task *old = loaded[sim_index];

	assert_true(t->loaded_on < 0 || t->loaded_on == (int)sim_index); /* never moved */
	if (old)
		old->loaded_on = -1;
	t->loaded_on = (int)sim_index;
	loaded[sim_index] = t;
}

static enum sched_result task_sleep(struct task *t)
{
	uint64_t now = sim[sim_index].now;

	if (t->before_sleep)
		t->before_sleep(t);
	t->e.timer_tsc = t->sleep == SIM_NEVER ? SCHED_NO_TIMER : now + t->sleep;
	if (t->sleep != SIM_NEVER)
		t->asked_tsc = now + t->sleep;
	t->left = t->burst;
	return SCHED_SLEEP;
}

static void task_begin(struct task *t)
{
	uint64_t now = sim[sim_index].now;

	assert_true(core_set_has(&t->e.cores, sim_index));
	assert_int_equal(t->e.state, SCHED_RUNNING);
	assert_int_equal(t->e.core, sim_index);
	assert_int_equal(hint_core(hint_read(&t->e.hint)), sim_index);
	task_load(t);
	t->nr_runs++;
	t->ran_on |= BIT64(sim_index % 64);
	if (t->asked_tsc && now > t->asked_tsc)
		t->latency_max = MAX(t->latency_max, now - t->asked_tsc);
	t->asked_tsc = 0;
}

static enum sched_result task_run(struct sched_entity *e)
{
	struct task *t = CONTAINER_OF(e, struct task, e);

	task_begin(t);
	do {
		uint64_t now = sim[sim_index].now, yield = sched_yield_tsc();
		/* as the preemption timer ends it */
		uint64_t step = MIN(STEP, MIN(t->left, MAX(yield, now + US) - now));

		if (t->while_running)
			t->while_running(t);
		sim_spend(step);
		t->ran += step;
		if (t->left != SIM_NEVER)
			t->left -= step;
		sched_poll();
		if (!t->left)
			return task_sleep(t);
	} while (sim[sim_index].now < sched_yield_tsc());
	return SCHED_YIELD;
}

/* The lowest 64. */
static struct core_set cores_from(uint64_t mask)
{
	return mask == EVERYWHERE ? CORE_SET_ALL : (struct core_set){ { mask } };
}

/* The caller may set more before sched_add(). */
static struct task *task_prepare(
	unsigned i, uint32_t weight, uint64_t cores, uint64_t burst, uint64_t sleep)
{
	struct task *t = &task[i];

	*t = (struct task){ .burst = burst, .left = burst, .sleep = sleep, .loaded_on = -1 };
	t->e.run = task_run;
	t->e.resident = task_resident;
	t->e.weight = weight;
	t->e.group = SCHED_NO_GROUP;
	t->e.cores = cores_from(cores);
	return t;
}

static inline struct task *add(
	unsigned i, uint32_t weight, uint64_t cores, uint64_t burst, uint64_t sleep)
{
	struct task *t = task_prepare(i, weight, cores, burst, sleep);

	sched_add(&t->e);
	return t;
}

static inline struct task *hog(unsigned i, uint32_t weight, uint64_t cores)
{
	struct task *t = add(i, weight, cores, SIM_NEVER, 0);

	sched_wake(&t->e);
	return t;
}

static inline void assert_near(uint64_t value, uint64_t wanted, uint64_t tolerance)
{
	if (value + tolerance < wanted || value > wanted + tolerance)
		fail_msg("%lu is not within %lu of %lu", value, tolerance, wanted);
}

#endif
