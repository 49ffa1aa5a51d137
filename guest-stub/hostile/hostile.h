/* Cases of the hostile guest: what each does to the machine, and what it notes about the answer. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "vnet.h"

#define NEEDS_NIC 1u
#define NEEDS_CPU 2u /* a second vCPU */

struct hostile_case {
	const char *name;
	void (*run)(const struct hostile_case *c);
	unsigned needs;
	unsigned queue;			/* ring cases */
	void (*fill)(struct vqueue *q); /* ring cases: writes descriptors, from 0 on */
	uint64_t features;		/* ring cases: skipped if not offered */
};

extern const struct hostile_case ring_cases[], queue_cases[], register_cases[], sweep_cases[],
	cpu_cases[], mmio_cases[], odd_cases[], storm_cases[]; /* each ends with a NULL name */

void run_general_detect(const struct hostile_case *c); /* cpu.c, a case of group odd */

extern struct vnet nic;

/* Appends "label value" to the case's report line. */
void note(const char *label, uint64_t value);
void note_hex(const char *label, uint64_t value);
/* The case fails: text says why. */
void flaw(const char *text);
void skip_case(const char *why);

/* Counts faults by vector over many attempts; tally_note() notes them. */
void tally_clear(void);
void tally(unsigned vector);
void tally_note(void);

uint64_t junk(void); /* pseudo-random, the same in every run */

/* Ends the guest as end= says; returns if that is none of the hostile ends. */
void hostile_end(void);

/* insns.S: instructions to try; arg is a page of scratch memory, or the address of an MMIO
 * register for the other two. */
struct insn {
	void (*run)(void *arg);
	const char *name;
};
extern const struct insn cpu_insns[], cpu_insns_end[], mmio_insns[], mmio_insns_end[], odd_insns[],
	odd_insns_end[];

#endif
