// sources: @sched
/* Sleep against wake-up on real threads. Tokens hop from entity to entity, each hop a wake-up; one
 * that is lost strands its token. `make tsan` builds this with ThreadSanitizer. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "lib/atomic.h"
#include "mem/page_alloc.h"
#include "sched/sched.h"

#define CORES	  3
#define ENTITIES  7
#define TOKENS	  2
#define HOPS	  40000
#define TIMEOUT_S 60

struct player {
	struct sched_entity e;
	unsigned tokens;  /* atomic */
	int loaded_on;	  /* atomic */
	unsigned running; /* atomic; never 2 */
	unsigned letters; /* atomic; left until it is scheduled in */
	uint32_t random;
};

struct core {
	struct percpu cpu;
	pthread_t thread;
	sem_t interrupt;
	uint64_t timer;
	struct player *loaded;
};

static struct core core[CORES];
static struct player player[ENTITIES];
static _Thread_local struct core *self;
static _Alignas(4096) uint8_t pages[16 * 4096];
static unsigned hops_left, tokens_done, worked, letters_read;
static bool stop, isolated;

uint64_t tsc_khz = 1000000;

uint64_t us_to_tsc(uint64_t us)
{
	return us * 1000;
}

uint64_t tsc_to_us(uint64_t ticks)
{
	return ticks / 1000;
}

uint64_t fake_rdtsc(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void *page_alloc(unsigned nr_pages)
{
	return nr_pages * 4096 <= sizeof(pages) ? memset(pages, 0, sizeof(pages)) : NULL;
}

void *fake_read_gs_self(void)
{
	return &self->cpu;
}

void apic_timer_arm_tsc(uint64_t deadline_tsc)
{
	self->timer = deadline_tsc;
}

void apic_timer_disarm(void)
{
	self->timer = SCHED_NO_TIMER;
}

void smp_kick(unsigned index)
{
	sem_post(&core[index].interrupt);
}

void fake_cpu_take_interrupts(void)
{
	while (sem_trywait(&self->interrupt) == 0)
		;
}

void fake_cpu_halt_until_interrupt(void)
{
	struct timespec t = { (time_t)(self->timer / 1000000000),
		(long)(self->timer % 1000000000) };

	if (self->timer == SCHED_NO_TIMER)
		sem_wait(&self->interrupt);
	else
		sem_timedwait(&self->interrupt, &t);
}

static bool resident(const struct sched_entity *e)
{
	return load_acquire(&CONTAINER_OF(e, struct player, e)->loaded_on) >= 0;
}

static void load(struct player *p)
{
	if (self->loaded == p)
		return;
	if (load_relaxed(&p->loaded_on) != -1)
		abort(); /* moved while its registers were elsewhere */
	if (self->loaded)
		store_release(&self->loaded->loaded_on, -1);
	store_release(&p->loaded_on, (int)self->cpu.index);
	self->loaded = p;
}

static enum work_result count_work(struct work *w, unsigned budget)
{
	(void)w;
	(void)budget;
	(void)atomic_fetch_add(&worked, 1);
	return WORK_DONE;
}

static struct work item[CORES];

static void read_letters(struct player *p)
{
	(void)atomic_fetch_add(&letters_read, atomic_xchg(&p->letters, 0));
}

static void held_work(struct sched_entity *e)
{
	read_letters(CONTAINER_OF(e, struct player, e));
}

/* For the moment at which it is scheduled in. */
static void leave_letter(struct player *p)
{
	(void)atomic_fetch_add(&p->letters, 1);
	if (!hint_hold(&p->e.hint))
		read_letters(p);
}

static void hop(struct player *p)
{
	struct player *next;

	p->random = p->random * 1664525 + 1013904223;
	if ((int)atomic_fetch_sub(&hops_left, 1) <= 0) {
		(void)atomic_fetch_add(&tokens_done, 1);
		return;
	}
	if (p->random >> 28 == 0)
		work_schedule(sched_worker(p->random >> 8 & 3), &item[p->random >> 8 & 1]);
	next = &player[(p->random >> 16) % ENTITIES];
	(void)atomic_fetch_add(&next->tokens, 1);
	if (p->random >> 4 & 1)
		(void)sched_place(&next->e.hint, (p->random >> 5) % (CORES + 1));
	leave_letter(next);
	if (p->random >> 7 & 1)
		sched_wake_io(&next->e);
	else
		sched_wake(&next->e);
}

/* Which group each thread runs, + 1; with isolation the same on cores 0 and 1. */
static unsigned group_on[CORES];

static void check_siblings(const struct player *p)
{
	unsigned me = self->cpu.index, other = me ^ 1, group;

	if (me > 1 || !isolated)
		return;
	store_release(&group_on[me], p->e.group + 1);
	smp_mb();
	group = load_acquire(&group_on[other]);
	if (group && group != p->e.group + 1)
		abort();
}

static enum sched_result run(struct sched_entity *e)
{
	struct player *p = CONTAINER_OF(e, struct player, e);
	bool sleep;

	if (atomic_fetch_add(&p->running, 1) != 0)
		abort(); /* on two cores at once */
	load(p);
	check_siblings(p);
	for (unsigned n = atomic_xchg(&p->tokens, 0); n; n--)
		hop(p);
	sched_poll();
	if (p->random & 1)
		sched_forget_wake(e); /* both ways of going to sleep */
	sleep = load_acquire(&p->tokens) == 0;
	/* A timer would find a stranded token: only one has it. */
	p->e.timer_tsc = p == &player[1] ? fake_rdtsc() + 100000 : SCHED_NO_TIMER;
	store_release(&group_on[self->cpu.index], 0u);
	(void)atomic_fetch_sub(&p->running, 1);
	return sleep ? SCHED_SLEEP : SCHED_YIELD;
}

static uint64_t housekeeping(void)
{
	return 1000;
}

static void *core_main(void *arg)
{
	self = arg;
	while (!load_acquire(&stop))
		sched_run_once();
	return NULL;
}

static void add_players(void)
{
	for (unsigned i = 0; i < ENTITIES; i++) {
		struct player *p = &player[i];

		*p = (struct player){ .loaded_on = -1, .random = i * 77 + 1 };
		p->e.run = run;
		p->e.resident = resident;
		p->e.held_work = held_work;
		p->e.weight = 256;
		p->e.group = i % 3;
		p->e.cap_percent = i == 2 ? 30 : 0;
		p->e.cores = i == 0 ? core_set_of(1) : CORE_SET_ALL; /* one that is pinned */
		sched_add(&p->e);
	}
}

/* Cores 0 and 1 are threads of one core. */
static void start(void)
{
	static struct sched_topology t;
	const struct sched_setup setup = { .nr_cores = CORES,
		.slice_us = 50,
		.housekeeping = housekeeping,
		.topology = &t,
		.cache_aware = true,
		.credit_stealing = true,
		.smt_isolation = isolated };

	topology_flat(&t, CORES);
	t.core[1].smt = t.core[0].smt;
	self = &core[0];
	assert_int_equal(sched_init(&setup), 0);
	for (unsigned i = 0; i < CORES; i++) {
		core[i] = (struct core){ .cpu.index = i, .timer = SCHED_NO_TIMER };
		sem_init(&core[i].interrupt, 0, 0);
		work_init(&item[i], count_work);
	}
	hops_left = HOPS;
	tokens_done = worked = letters_read = 0;
	stop = false;
	add_players();
	for (unsigned i = 0; i < TOKENS; i++) {
		(void)atomic_fetch_add(&player[i % ENTITIES].tokens, 1);
		sched_wake(&player[i % ENTITIES].e);
	}
}

static void run_cores(void)
{
	uint64_t deadline = fake_rdtsc() + TIMEOUT_S * UINT64_C(1000000000);

	for (unsigned i = 0; i < CORES; i++)
		pthread_create(&core[i].thread, NULL, core_main, &core[i]);
	while (load_acquire(&tokens_done) < TOKENS && fake_rdtsc() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	store_release(&stop, true);
	for (unsigned i = 0; i < CORES; i++)
		smp_kick(i);
	for (unsigned i = 0; i < CORES; i++)
		pthread_join(core[i].thread, NULL);
}

static void no_wake_up_is_lost(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		isolated = round;
		start();
		run_cores();
		assert_int_equal(tokens_done, TOKENS);
		for (unsigned i = 0; i < ENTITIES; i++)
			letters_read += player[i].letters; /* woken, stopped before it ran */
		assert_int_equal(letters_read, HOPS);
		assert_true(worked > 0);
		assert_true(player[2].e.stats.nr_throttled > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_wake_up_is_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
