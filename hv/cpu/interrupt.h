/* Exceptions, and the dispatch of external interrupts.
 *
 * The hypervisor runs with IF=0. An external interrupt reaches interrupt_handle() in two ways: by
 * the IDT while the core halts (cpu_halt_until_interrupt), or called by the VM-exit path with the
 * vector that acknowledge-interrupt-on-exit gave. Handlers run with IF=0 and to completion. */
#ifndef SLUICE_CPU_INTERRUPT_H
#define SLUICE_CPU_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vectors.h"
#include "lib/bits.h"

/* As pushed by the stubs in entry.S, lowest address first. */
struct exception_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef void (*interrupt_fn)(uint8_t vector, void *arg);

/* Runs the vector's handler and signals EOI (not for VECTOR_SPURIOUS). A vector without a handler
 * is counted and otherwise ignored. */
void interrupt_handle(uint8_t vector);

/* For a fixed vector of vectors.h. Call on the boot CPU before the cores start or when the vector
 * cannot come yet; NULL takes the handler away. */
void interrupt_register(uint8_t vector, interrupt_fn fn, void *arg);

/* A free device vector with that handler, the same on all cores; -ENOSPC if there is none. */
int interrupt_alloc(interrupt_fn fn, void *arg) __must_check;
void interrupt_free(uint8_t vector);

/* For the VM-exit path: an NMI that exited. The host's own NMI arrives by the IDT. An NMI is
 * counted; during a panic it stops the core. */
void nmi_handle(void);

/* From now on an NMI stops the core that takes it (panic). */
void nmi_stops_cores(void);

/* For the VM-exit path: a machine check during VM entry or in the guest. Logs the banks; panics if
 * the processor says that its context is corrupt. */
void machine_check_handle(void);

/* Called by entry.S. */
void exception_handle(struct exception_frame *f);

/* RDMSR and WRMSR of an MSR that may not exist: -EIO on #GP. */
int rdmsr_safe(uint32_t msr, uint64_t *value) __must_check;
int wrmsr_safe(uint32_t msr, uint64_t value) __must_check;

/* Masks all lines of the two 8259s, after moving them off the exception vectors. */
void pic_mask_all(void);

#endif
