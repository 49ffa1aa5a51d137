/* Cores and events in simulated time; see engine.h. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "coroutine.h"
#include "event_heap.h"
#include "lib/log.h"
#include "mem/page_alloc.h"

#define STACK_BYTES (128 * 1024)
#define MAIN	    ENGINE_CORES_MAX /* the loop, beside the cores */

struct core {
	struct percpu cpu;
	struct coroutine coroutine;
	uint8_t *stack;
	uint64_t now;
	uint64_t timer; /* armed deadline */
	uint64_t halted_ticks;
	struct engine_irq *irq, **irq_tail;
	bool kicked, halted;
};

static struct engine_setup setup;
static struct core *cores;
static struct event_heap heap;
static uint64_t due[2 * ENGINE_CORES_MAX]; /* a tree of minima; leaves are the cores */
static unsigned current;		   /* core, or ENGINE_NO_CORE */
static uint64_t event_now, end_tsc;
static struct coroutine loop;
static void *pages[64];
static unsigned nr_pages_blocks;

uint64_t tsc_khz;

uint64_t us_to_tsc(uint64_t us)
{
	return us * tsc_khz / 1000;
}

uint64_t tsc_to_us(uint64_t ticks)
{
	return ticks * 1000 / tsc_khz;
}

uint64_t engine_ns(uint64_t ns)
{
	return ns * tsc_khz / 1000000;
}

void *page_alloc(unsigned nr_pages)
{
	void *p;

	ASSERT(nr_pages_blocks < sizeof(pages) / sizeof(pages[0]));
	p = aligned_alloc(4096, (size_t)nr_pages * 4096);
	ASSERT(p);
	pages[nr_pages_blocks++] = p;
	return memset(p, 0, (size_t)nr_pages * 4096);
}

void *fake_read_gs_self(void)
{
	return &cores[current == ENGINE_NO_CORE ? 0 : current].cpu;
}

uint64_t engine_now(void)
{
	return current == ENGINE_NO_CORE ? event_now : cores[current].now;
}

unsigned engine_core(void)
{
	return current;
}

uint64_t fake_rdtsc(void)
{
	return engine_now();
}

static void set_due(unsigned core, uint64_t when)
{
	unsigned i = ENGINE_CORES_MAX + core;

	due[i] = when;
	for (i /= 2; i; i /= 2)
		due[i] = due[2 * i] < due[2 * i + 1] ? due[2 * i] : due[2 * i + 1];
}

static unsigned first_due(void)
{
	unsigned i = 1;

	while (i < ENGINE_CORES_MAX)
		i = due[2 * i] <= due[2 * i + 1] ? 2 * i : 2 * i + 1;
	return i - ENGINE_CORES_MAX;
}

static uint64_t next_due(void)
{
	uint64_t event = event_heap_next(&heap);

	return event < due[1] ? event : due[1];
}

/* A core goes back to the loop, and on from here when its turn comes. */
static void leave_core(void)
{
	coroutine_switch(&cores[current].coroutine, &loop);
}

static void enter_core(unsigned index)
{
	current = index;
	set_due(index, ENGINE_NEVER);
	coroutine_switch(&loop, &cores[index].coroutine);
	current = ENGINE_NO_CORE;
}

void engine_spend(uint64_t cycles)
{
	struct core *c = &cores[current];

	c->now += cycles;
	if (c->now < next_due() && c->now < end_tsc)
		return;
	set_due(current, c->now);
	leave_core();
}

static bool has_interrupt(const struct core *c)
{
	return c->kicked || c->irq;
}

static void wake_core(unsigned index)
{
	struct core *c = &cores[index];
	uint64_t awake = engine_now() + setup.ipi_cycles;

	if (!c->halted)
		return;
	if (awake < due[ENGINE_CORES_MAX + index])
		set_due(index, awake);
}

void smp_kick(unsigned index)
{
	cores[index].kicked = true;
	wake_core(index);
}

void engine_interrupt(unsigned core, struct engine_irq *irq)
{
	struct core *c = &cores[core];

	if (irq->pending)
		return;
	irq->pending = true;
	irq->next = NULL;
	*c->irq_tail = irq;
	c->irq_tail = &irq->next;
	wake_core(core);
}

bool engine_is_interrupted(void)
{
	return has_interrupt(&cores[current]);
}

void engine_take_interrupts(void)
{
	struct core *c = &cores[current];
	struct engine_irq *irq = c->irq;

	if (!has_interrupt(c))
		return;
	c->kicked = false;
	c->irq = NULL;
	c->irq_tail = &c->irq;
	engine_spend(setup.take_cycles);
	while (irq) {
		struct engine_irq *next = irq->next;

		irq->pending = false;
		irq->handler(irq);
		irq = next;
	}
}

void fake_cpu_take_interrupts(void)
{
	engine_take_interrupts();
}

void apic_timer_arm_tsc(uint64_t deadline_tsc)
{
	cores[current].timer = deadline_tsc;
}

void apic_timer_disarm(void)
{
	cores[current].timer = ENGINE_NEVER;
}

void fake_cpu_halt_until_interrupt(void)
{
	struct core *c = &cores[current];
	uint64_t start = c->now, timer = c->timer;

	if (!has_interrupt(c)) {
		c->halted = true;
		if (timer != ENGINE_NEVER && timer < c->now)
			timer = c->now;
		set_due(current, timer);
		leave_core();
		c->halted = false;
	}
	c->halted_ticks += c->now - start;
	engine_take_interrupts();
}

uint64_t engine_halted_ticks(unsigned core)
{
	return cores[core].halted_ticks;
}

void engine_at(uint64_t when, void (*fn)(void *arg), void *arg)
{
	uint64_t now = engine_now();

	event_heap_push(&heap, when > now ? when : now, fn, arg);
}

static void core_main(void)
{
	for (;;)
		setup.core_loop();
}

static void start_core(unsigned index)
{
	struct core *c = &cores[index];

	c->cpu.index = index;
	c->timer = ENGINE_NEVER;
	c->irq_tail = &c->irq;
	c->stack = malloc(STACK_BYTES);
	ASSERT(c->stack);
	coroutine_init(&c->coroutine, core_main, c->stack, STACK_BYTES);
	set_due(index, 0);
}

void engine_init(const struct engine_setup *s)
{
	ASSERT(s->nr_cores >= 1 && s->nr_cores <= ENGINE_CORES_MAX);
	setup = *s;
	tsc_khz = s->khz;
	current = ENGINE_NO_CORE;
	event_now = 0;
	for (unsigned i = 0; i < 2 * ENGINE_CORES_MAX; i++)
		due[i] = ENGINE_NEVER;
	cores = aligned_alloc(64, s->nr_cores * sizeof(*cores));
	ASSERT(cores);
	memset(cores, 0, s->nr_cores * sizeof(*cores));
	for (unsigned i = 0; i < s->nr_cores; i++)
		start_core(i);
}

void engine_end(void)
{
	for (unsigned i = 0; i < setup.nr_cores; i++)
		free(cores[i].stack);
	free(cores);
	event_heap_free(&heap);
	while (nr_pages_blocks)
		free(pages[--nr_pages_blocks]);
}

static void run_core(unsigned index)
{
	struct core *c = &cores[index];
	uint64_t when = due[ENGINE_CORES_MAX + index];

	if (c->now < when)
		c->now = when;
	enter_core(index);
}

void engine_run_until(uint64_t end)
{
	end_tsc = end;
	for (;;) {
		uint64_t next = next_due();

		if (next >= end)
			break;
		if (event_heap_next(&heap) <= next) {
			event_now = next;
			event_heap_run(&heap);
		} else {
			run_core(first_due());
		}
	}
	event_now = end;
}
