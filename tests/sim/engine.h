/* Simulated time: cores that run the hypervisor's real code, and events of the devices.
 *
 * Each core is a coroutine with a clock of its own; whoever is furthest behind, a core or an event,
 * goes next, so that what happens happens in the order of time. Code on a core takes no time by
 * itself: it calls engine_spend(). Time is in ticks of the TSC, which are core cycles.
 *
 * It stands in for cpu/hw.h's clock, halt and interrupts, the local APIC's timer, the IPI, and the
 * page allocator. One machine at a time; the order of ties is fixed, so a run can be repeated. */
#ifndef SLUICE_SIM_ENGINE_H
#define SLUICE_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#define ENGINE_NEVER	 UINT64_MAX
#define ENGINE_CORES_MAX 256
#define ENGINE_NO_CORE	 UINT32_MAX

struct engine_setup {
	unsigned nr_cores;
	uint64_t khz;
	uint64_t ipi_cycles;	 /* until a halted core has woken up */
	uint64_t take_cycles;	 /* spent by a core for the interrupts it takes at once */
	void (*core_loop)(void); /* one round; called for ever */
};

void engine_init(const struct engine_setup *s);
void engine_end(void);

/* Until `end`, or nothing is left to happen. */
void engine_run_until(uint64_t end);

/* Of the core or event that is running. */
uint64_t engine_now(void);
/* ENGINE_NO_CORE in an event. */
unsigned engine_core(void);

/* The calling core computes; meanwhile whatever is due earlier happens. */
void engine_spend(uint64_t cycles);

/* Calls fn at `when`, or now if that is past. Any number at the same time, in order. */
void engine_at(uint64_t when, void (*fn)(void *arg), void *arg);

/* A device's interrupt. Pending on one core at a time; while it is, raising it does nothing. */
struct engine_irq {
	struct engine_irq *next;
	void (*handler)(struct engine_irq *irq);
	bool pending;
};

void engine_interrupt(unsigned core, struct engine_irq *irq);

/* For code that stands for a guest: an interrupt wants an exit; take it. */
bool engine_is_interrupted(void);
void engine_take_interrupts(void);

/* Ticks that cores were halted. */
uint64_t engine_halted_ticks(unsigned core);

/* Cycles of so many nanoseconds. */
uint64_t engine_ns(uint64_t ns);

#endif
