/* What belongs to one core. GS.base points at the core's own struct percpu as long as the core runs
 * the hypervisor; a VM exit restores it from the VMCS (HOST_GS_BASE = (uint64_t)this_cpu()). */
#ifndef SLUICE_CPU_PERCPU_H
#define SLUICE_CPU_PERCPU_H

#include <stdint.h>

#include "cpu/descriptors.h"
#include "cpu/hw.h"
#include "lib/bits.h"

#define CPU_MAX		256
#define CPU_STACK_BYTES (16 * 1024u)

struct percpu {
	struct percpu *self; /* at GS:0 */
	uint32_t index;	     /* 0 is the boot CPU; dense */
	uint32_t apic_id;
	uint8_t *stack_top; /* CPU_STACK_BYTES below it; under that an unmapped page */
	uint8_t online;	    /* set by the core itself, last thing before its entry function */

	/* Owned by the modules of that name; opaque here. */
	void *sched;
	void *vmx;
	void *vcpu; /* the one whose VMCS is loaded, or NULL */
	void *worker;

	uint64_t nr_nmi;
	uint64_t nr_machine_check;
	uint64_t nr_interrupts;
	uint64_t nr_unexpected_interrupts;

	struct core_tables tables; /* GDT, TSS and the IST stacks */
} __cacheline_aligned;

extern struct percpu *cpus[CPU_MAX]; /* by index; NULL past nr_cpus */
extern unsigned nr_cpus;	     /* cores that are online; constant after smp_start() */

static inline struct percpu *this_cpu(void)
{
	return read_gs_self();
}

/* Makes pc this core's: GDT, TSS, IDT, GS.base, CR0/CR4 basics (WP, SMEP, OSXSAVE, MCE). */
void percpu_load(struct percpu *pc);

/* The boot CPU's, in the image's data; callable before any memory management. */
void percpu_init_boot(void);

/* Allocates and fills in the data and stacks of core `index`; NULL if there is no memory. */
struct percpu *percpu_alloc(unsigned index, uint32_t apic_id);

#endif
