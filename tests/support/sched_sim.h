/* A machine in simulated time for hv/sched: each core is a coroutine with a clock of its own, and
 * the one that is furthest behind runs next. One TSC tick is a nanosecond. Include in one file. */
#ifndef SLUICE_SCHED_SIM_H
#define SLUICE_SCHED_SIM_H

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "mem/page_alloc.h"
#include "sched/sched.h"

#define SIM_CORES 256
#define SIM_STACK (256 * 1024)
#define SIM_NEVER UINT64_MAX
#define US	  UINT64_C(1000)
#define MS	  UINT64_C(1000000)

struct sim_core {
	struct percpu cpu;
	ucontext_t context;
	uint8_t *stack;
	uint64_t now;
	uint64_t timer; /* armed deadline */
	bool interrupt; /* pending */
	bool halted;
	uint64_t nr_kicks, nr_halts, nr_takes;
};

static struct sim_core sim[SIM_CORES];
static unsigned sim_nr, sim_index;
static ucontext_t sim_main;
static _Alignas(4096) uint8_t sim_pages[SIM_CORES * 4096];
static uint64_t sim_housekeepings, sim_end_tsc;
static uint64_t sim_others_due; /* when the first of the cores that do not run has to */

uint64_t tsc_khz = 1000000;

uint64_t us_to_tsc(uint64_t us)
{
	return us * US;
}

uint64_t tsc_to_us(uint64_t ticks)
{
	return ticks / US;
}

void *page_alloc(unsigned nr_pages)
{
	if (nr_pages * 4096 > sizeof(sim_pages))
		return NULL;
	return memset(sim_pages, 0, nr_pages * 4096);
}

void *fake_read_gs_self(void)
{
	return &sim[sim_index].cpu;
}

uint64_t fake_rdtsc(void)
{
	return sim[sim_index].now;
}

void apic_timer_arm_tsc(uint64_t deadline_tsc)
{
	sim[sim_index].timer = deadline_tsc;
}

void apic_timer_disarm(void)
{
	sim[sim_index].timer = SIM_NEVER;
}

/* When a core has something to do next. */
static uint64_t sim_due(const struct sim_core *c)
{
	if (!c->halted || c->interrupt)
		return c->now;
	return c->timer == SIM_NEVER ? SIM_NEVER : MAX(c->timer, c->now);
}

void smp_kick(unsigned index)
{
	sim[index].interrupt = true;
	sim[index].nr_kicks++;
	if (sim[index].halted && sim[index].now < sim[sim_index].now)
		sim[index].now = sim[sim_index].now;
	if (index != sim_index)
		sim_others_due = MIN(sim_others_due, sim_due(&sim[index]));
}

void fake_cpu_take_interrupts(void)
{
	sim[sim_index].nr_takes++;
	sim[sim_index].interrupt = false;
}

static void sim_switch(void)
{
	swapcontext(&sim[sim_index].context, &sim_main);
}

/* The calling core computes for so long; meanwhile the others do. */
static void sim_spend(uint64_t ticks)
{
	sim[sim_index].now += ticks;
	if (sim[sim_index].now > sim_others_due || sim[sim_index].now >= sim_end_tsc)
		sim_switch();
}

void fake_cpu_halt_until_interrupt(void)
{
	struct sim_core *c = &sim[sim_index];

	c->nr_halts++;
	c->halted = !c->interrupt;
	while (c->halted)
		sim_switch();
	c->interrupt = false;
	sim_spend(US);
}

static void sim_core_main(void)
{
	for (;;) {
		sched_run_once();
		sim_spend(100); /* a round is not free, so that time passes whatever it does */
	}
}

static uint64_t sim_housekeeping(void)
{
	sim_housekeepings++;
	return 10000;
}

static void sim_start_core(unsigned index)
{
	struct sim_core *c = &sim[index];

	c->cpu.index = index;
	c->timer = SIM_NEVER;
	c->stack = malloc(SIM_STACK);
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = c->stack;
	c->context.uc_stack.ss_size = SIM_STACK;
	makecontext(&c->context, sim_core_main, 0);
}

/* setup.housekeeping is filled in. */
static void sim_init_with(struct sched_setup setup)
{
	unsigned nr_cores = setup.nr_cores;

	setup.housekeeping = sim_housekeeping;
	memset(sim, 0, sizeof(sim));
	sim_nr = nr_cores;
	sim_index = 0;
	sim_housekeepings = 0;
	for (unsigned i = 0; i < nr_cores; i++)
		sim_start_core(i);
	if (sched_init(&setup))
		abort();
}

static inline void sim_init(unsigned nr_cores, uint64_t slice_us)
{
	sim_init_with((struct sched_setup){ .nr_cores = nr_cores,
		.slice_us = slice_us,
		.cache_aware = true,
		.credit_stealing = true });
}

static void sim_end(void)
{
	for (unsigned i = 0; i < sim_nr; i++)
		free(sim[i].stack);
}

static void sim_run_until(uint64_t end)
{
	sim_end_tsc = end;
	for (;;) {
		uint64_t due = SIM_NEVER;

		sim_others_due = SIM_NEVER;
		for (unsigned i = sim_nr; i-- > 0;) {
			uint64_t t = sim_due(&sim[i]);

			if (t < due) {
				sim_others_due = due;
				due = t;
				sim_index = i;
			} else {
				sim_others_due = MIN(sim_others_due, t);
			}
		}
		if (due >= end)
			break;
		if (sim[sim_index].now < due)
			sim[sim_index].now = due;
		sim[sim_index].halted = false;
		swapcontext(&sim_main, &sim[sim_index].context);
	}
	sim_index = 0;
}

#endif
