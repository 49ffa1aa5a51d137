/* The guest's CPUs: per-CPU state, faults, other CPUs' start, waiting. */
#ifndef STUB_CPU_H
#define STUB_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define CPUS_MAX       8     /* start.S */
#define CPU_START_PAGE 8     /* the SIPI vector that leads to start.S's trampoline */
#define STACK_BYTES    16384 /* start.S */

/* Longest wait for anything that must happen, in TSC ticks: generous, since it is spent only when
 * something is broken, and other guests may share the core. */
#define WAIT_TICKS UINT64_C(500000000)

enum { VECTOR_TIMER = 0x40, VECTOR_WORK = 0x50, VECTOR_TEST = 0x58, VECTOR_NET = 0x60 };

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* At the lower end of each CPU's stack; start.S knows the first field. */
struct cpu {
	uint64_t recover_rsp; /* non-zero inside try_call() */
	uint64_t fault_error, fault_rip;
	uint32_t id;
	bool online;
	bool working;
	void (*work)(void *); /* posted by cpu_run(), cleared when done */
	void *work_arg;
	uint32_t interrupts[256]; /* arrivals by vector; 2 = NMI */
};

static inline struct cpu *this_cpu(void)
{
	uint64_t rsp;

	__asm__("mov %%rsp, %0" : "=r"(rsp));
	return (struct cpu *)ALIGN_DOWN(rsp, (uint64_t)STACK_BYTES); /* start.S puts it there */
}

struct cpu *cpu_by_id(unsigned id);

/* INIT and SIPI to every CPU but this one, by APIC ID 1..7; returns how many CPUs run, this one
 * included. expected: wait until so many do, 0 if unknown. */
unsigned cpu_start_others(unsigned expected);
/* A started CPU other than this one, or NULL. */
struct cpu *cpu_other(void);
/* Returns when c has begun to run fn. */
void cpu_run(struct cpu *c, void (*fn)(void *), void *arg);
bool cpu_busy(const struct cpu *c);

/* Called by trap_dispatch() for each interrupt after counting it, before EOI. */
extern void (*interrupt_hook)(unsigned vector);

void trap_init(void);
void trap_dispatch(struct trap_frame *f);
void cpu_start(unsigned id);

/* Halts until an interrupt arrives or ticks have passed. */
void cpu_idle(uint64_t ticks);
/* Idles until cond(arg), at most timeout TSC ticks. */
bool wait_until(bool (*cond)(void *), void *arg, uint64_t timeout);
bool wait_interrupts(unsigned vector, uint32_t count); /* this CPU's count differs from count */

#endif
