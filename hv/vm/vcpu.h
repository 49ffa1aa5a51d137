/* A virtual CPU as a schedulable entity: VT-x state, local APIC, and what it waits for. */
#ifndef SLUICE_VM_VCPU_H
#define SLUICE_VM_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/lapic.h"
#include "sched/sched.h"
#include "vm/pvclock.h"
#include "vmx/exit_reason.h"
#include "vmx/vmx_vcpu.h"

struct vm;

/* Where the vCPU is in the architecture's start-up sequence. */
enum vcpu_phase { VCPU_WAIT_START, VCPU_WAIT_SIPI, VCPU_ACTIVE };

/* Asked for by other cores; handled by the owner before the next entry. */
#define VCPU_REQUEST_START BIT32(0) /* first vCPU: at vm->entry */
#define VCPU_REQUEST_INIT  BIT32(1)
#define VCPU_REQUEST_SIPI  BIT32(2)
#define VCPU_REQUEST_NMI   BIT32(3)

#define VCPU_MTRR_VARIABLE 8
#define VCPU_MTRR_FIXED	   11

struct vcpu {
	struct vmx_vcpu vmx;
	struct sched_entity entity;
	struct lapic lapic;
	struct vm *vm;
	unsigned index;
	uint32_t requests; /* atomic */
	enum vcpu_phase phase;
	uint8_t sipi_vector;
	bool halted;	     /* executed HLT */
	bool halted_with_if; /* with interrupts enabled: they end it */
	bool yield;	     /* PAUSE loop: give the core away once */
	bool nmi_pending;
	bool irr_dirty;		/* the page's IRR may differ from what the VMCS says */
	bool tmr_dirty;		/* likewise TMR and the EOI-exit bitmap */
	struct vmx_start start; /* for VCPU_REQUEST_START */
	struct pvclock_vcpu clock;
	uint64_t steal_base_ticks; /* waited_ticks when the guest registered */
	uint64_t mtrr_def_type;
	uint64_t mtrr_fixed[VCPU_MTRR_FIXED];
	uint64_t mtrr_variable[2 * VCPU_MTRR_VARIABLE];
	uint64_t exits[EXIT_REASONS];
	uint64_t nr_exits;
	uint64_t guest_ticks; /* inside the guest */
};

/* What an exit handler wants. */
enum exit_action {
	EXIT_RESUME,	/* go on at the same instruction */
	EXIT_NEXT_INSN, /* go on behind it */
	EXIT_STOP,	/* the guest is being stopped */
};

/* Allocates and wires; `ept` must be initialised. */
int vcpu_init(struct vcpu *v, struct vm *vm, unsigned index, uint16_t vpid) __must_check;
/* Back to the state before start; the vCPU is asleep and held. */
void vcpu_reset(struct vcpu *v);

/* Any core: something for v is waiting in its mailbox or its requests. leave_guest: a
 * posted-interrupt notification is not enough. */
void vcpu_notify(struct vcpu *v, bool leave_guest);
void vcpu_request(struct vcpu *v, uint32_t request);

/* Any core: an interrupt, NMI, INIT or SIPI message to whom it may concern. sender NULL: a device.
 */
void vcpu_deliver(struct vm *vm, const struct lapic_ipi *ipi, struct vcpu *sender);

uint64_t vcpu_guest_tsc(const struct vcpu *v);

/* vm/exit.c: handles one exit. */
enum exit_action vcpu_handle_exit(struct vcpu *v, uint32_t reason_word);

/* MSRs: 0, or -EINVAL for #GP. vm/guest_msr.c */
int vcpu_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value) __must_check;
int vcpu_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value) __must_check;

#endif
