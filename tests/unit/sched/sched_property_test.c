// sources: @sched
/* What must hold whatever runs: random workloads on 1 to 8 simulated cores, from fixed seeds. No
 * core is idle while somebody waits who may run there, nobody waits for ever, shares follow
 * weights, caps hold, and an entity is on one core at a time. */
#include "sched_task.h"

#define SLICE_US    5000
#define SHARE_SEEDS 24
#define MIX_SEEDS   32
#define MIX_RUN	    (400 * MS)

static uint64_t prng;

/* xorshift64 */
static uint32_t dice(uint32_t sides)
{
	prng ^= prng << 13;
	prng ^= prng >> 7;
	prng ^= prng << 17;
	return (uint32_t)(prng >> 33) % sides;
}

static void start(unsigned nr_cores, const struct sched_topology *t)
{
	memset(loaded, 0, sizeof(loaded));
	sim_init_with((struct sched_setup){ .nr_cores = nr_cores,
		.slice_us = SLICE_US,
		.topology = t,
		.cache_aware = true,
		.credit_stealing = true });
}

/* ---- Shares ---- */

static unsigned nr_tasks;
static uint32_t weight_sum;

/* Weights of which none is more than a core's worth. */
static void draw_weights(unsigned nr_cores)
{
	uint32_t max;

	nr_tasks = nr_cores + 1 + dice(2 * nr_cores);
	do {
		weight_sum = max = 0;
		for (unsigned i = 0; i < nr_tasks; i++) {
			task[i].e.weight = 64 + dice(512);
			weight_sum += task[i].e.weight;
			max = MAX(max, task[i].e.weight);
		}
	} while (max * nr_cores > weight_sum);
}

static uint64_t share_error_max;

/* By how much each missed its share in the second that began at `before`. */
static void look_at_shares(unsigned seed, unsigned nr_cores, const uint64_t *before)
{
	for (unsigned i = 0; i < nr_tasks; i++) {
		uint64_t want = 1000 * MS * nr_cores * task[i].e.weight / weight_sum;
		uint64_t got = task[i].ran - before[i];
		uint64_t error = got > want ? got - want : want - got;

		if (error > 20 * MS)
			fail_msg("seed %u, %u cores, %u tasks: weight %u of %u got %lu us, not %lu",
				seed, nr_cores, nr_tasks, task[i].e.weight, weight_sum, got / US,
				want / US);
		share_error_max = MAX(share_error_max, error);
	}
}

static void run_shares(unsigned seed)
{
	unsigned nr_cores = 1 + seed % 8;
	uint64_t before[TASKS_MAX];

	prng = seed * UINT64_C(0x9e3779b97f4a7c15);
	start(nr_cores, NULL);
	draw_weights(nr_cores);
	for (unsigned i = 0; i < nr_tasks; i++)
		hog(i, task[i].e.weight, EVERYWHERE);
	sim_run_until(500 * MS);
	for (unsigned i = 0; i < nr_tasks; i++)
		before[i] = task[i].ran;
	sim_run_until(1500 * MS);
	look_at_shares(seed, nr_cores, before);
	sim_end();
}

/* And two that missed theirs when debts counted up to 8 slices. */
static void shares_follow_weights(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SHARE_SEEDS; seed++)
		run_shares(seed);
	run_shares(62);
	run_shares(143);
	print_message("worst share: off by %lu us in a second\n", share_error_max / US);
}

/* ---- A mixture ---- */

/* What every exit of every task looks at. */
static struct {
	uint64_t since[SIM_CORES]; /* idle although somebody waits for it; 0: not so */
	uint64_t idle_max;
	uint64_t wait_max;
	int64_t lead_min[TASKS_MAX], over_max; /* of a cap */
} seen;

static bool could_run_on(const struct task *t, unsigned core)
{
	return t->e.state == SCHED_QUEUED && t->e.eligible_tsc <= sim[sim_index].now &&
	       core_set_has(&t->e.cores, core) && t->loaded_on < 0;
}

static void look_at_core(unsigned core)
{
	uint64_t now = sim[sim_index].now;
	bool wanted = false;

	for (unsigned i = 0; sim[core].halted && i < nr_tasks; i++)
		wanted |= could_run_on(&task[i], core);
	if (!wanted)
		seen.since[core] = 0;
	else if (!seen.since[core])
		seen.since[core] = now;
	else if (now > seen.since[core])
		seen.idle_max = MAX(seen.idle_max, now - seen.since[core]);
}

/* Never more than a slice above the line of the cap, from wherever it is drawn. */
static void look_at_cap(unsigned i)
{
	const struct task *t = &task[i];
	int64_t over = (int64_t)t->ran - (int64_t)(sim[sim_index].now * t->e.cap_percent / 100);

	if (!t->e.cap_percent)
		return;
	seen.lead_min[i] = MIN(seen.lead_min[i], over);
	seen.over_max = MAX(seen.over_max, over - seen.lead_min[i]);
}

static void look_around(struct task *self)
{
	uint64_t now = sim[sim_index].now;
	struct task *other = &task[dice(nr_tasks)];

	for (unsigned i = 0; i < sim_nr; i++)
		look_at_core(i);
	for (unsigned i = 0; i < nr_tasks; i++) {
		const struct sched_entity *e = &task[i].e;

		look_at_cap(i);
		if (e->state == SCHED_QUEUED && e->eligible_tsc <= now && now > e->queued_since_tsc)
			seen.wait_max = MAX(seen.wait_max, now - e->queued_since_tsc);
	}
	if (other == self || dice(20))
		return;
	if (dice(2))
		(void)sched_place(&other->e.hint, dice(sim_nr));
	if (dice(2))
		sched_wake_io(&other->e);
	else
		sched_wake(&other->e);
}

/* Two packages with two memories and two last-level caches, two threads a core. */
static void draw_topology(struct sched_topology *t, unsigned nr_cores)
{
	t->nr_cores = nr_cores;
	for (unsigned i = 0; i < nr_cores; i++)
		t->core[i] = (struct sched_place_ids){ .smt = (uint16_t)(i / 2),
			.l2 = (uint16_t)(i / 2),
			.llc = (uint16_t)(i / 4),
			.package = (uint16_t)(i / 4),
			.node = (uint16_t)(i / 4) };
}

static void draw_task(unsigned i)
{
	uint64_t cores = dice(4) ? EVERYWHERE : BIT64(dice(sim_nr)) | BIT64(dice(sim_nr));
	uint64_t burst = dice(2) ? SIM_NEVER : (1 + dice(3000)) * US;
	uint64_t sleep = dice(3) ? (1 + dice(8000)) * US : SIM_NEVER;
	struct task *t = task_prepare(i, 1 + dice(1000), cores, burst, sleep);

	if (!dice(4))
		t->e.cap_percent = 5 + dice(90);
	t->while_running = look_around;
	sched_add(&t->e);
	sched_wake(&t->e);
}

static void run_mixture(unsigned seed)
{
	struct sched_topology t;
	unsigned nr_cores = 1 + seed % 8;

	prng = seed * UINT64_C(0x9e3779b97f4a7c15);
	memset(&seen, 0, sizeof(seen));
	draw_topology(&t, nr_cores);
	start(nr_cores, seed & 1 ? &t : NULL);
	nr_tasks = 1 + dice(3 * nr_cores);
	for (unsigned i = 0; i < nr_tasks; i++)
		draw_task(i);
	sim_run_until(MIX_RUN);
	sim_end();
}

static void mixtures(void **state)
{
	uint64_t idle_max = 0, wait_max = 0;
	int64_t over_max = 0;

	(void)state;
	for (unsigned seed = 1; seed <= MIX_SEEDS; seed++) {
		run_mixture(seed);
		if (seen.idle_max > SCHED_STEAL_FAR_US * US)
			fail_msg("seed %u: a core was idle for %lu us beside who waits", seed,
				seen.idle_max / US);
		if (seen.wait_max > SCHED_STARVING_US * US + nr_tasks * SLICE_US * US)
			fail_msg("seed %u: somebody waited %lu us", seed, seen.wait_max / US);
		if (seen.over_max > SLICE_US * (int64_t)US)
			fail_msg("seed %u: %ld us above a cap", seed, seen.over_max / (int64_t)US);
		idle_max = MAX(idle_max, seen.idle_max);
		wait_max = MAX(wait_max, seen.wait_max);
		over_max = MAX(over_max, seen.over_max);
	}
	print_message("idle beside who waits: %lu us; waited: %lu us; above a cap: %ld us\n",
		idle_max / US, wait_max / US, over_max / (int64_t)US);
}

/* The lightest of many beside the heaviest: its turn comes all the same. */
static void nobody_starves(void **state)
{
	(void)state;
	for (unsigned nr_cores = 1; nr_cores <= 4; nr_cores++) {
		start(nr_cores, NULL);
		memset(&seen, 0, sizeof(seen));
		nr_tasks = 3 * nr_cores;
		for (unsigned i = 0; i < nr_tasks; i++)
			hog(i, i % 3 ? 65535 : 1, EVERYWHERE)->while_running = look_around;
		sim_run_until(5000 * MS);
		for (unsigned i = 0; i < nr_tasks; i++)
			assert_true(task[i].nr_runs >= 3);
		assert_true(seen.wait_max <= SCHED_STARVING_US * US + nr_tasks * SLICE_US * US);
		sim_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(mixtures),
		cmocka_unit_test(nobody_starves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
