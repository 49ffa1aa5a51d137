/* A processor's VMX state for host tests: VMCSs as arrays of fields, cores, MSRs and registers. */
#ifndef SLUICE_FAKE_VMX_H
#define SLUICE_FAKE_VMX_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/percpu.h"

#define FAKE_CORES  2
#define FAKE_VMCSS  4
#define FAKE_FIELDS 0x7000

struct fake_vmcs {
	uint64_t hpa; /* 0: free */
	bool cleared; /* by VMCLEAR, at least once */
	int core;     /* whose current VMCS it is, -1 */
	uint64_t field[FAKE_FIELDS];
};

/* What VM entries, exits and their handlers touch on one core. */
struct fake_core {
	struct percpu cpu;
	struct fake_vmcs *current;
	uint64_t cr2, dr[8], xcr0;
	uint64_t fpu; /* stands for all of its registers */
	uint64_t spec_ctrl, tsc_aux, star, lstar, cstar, fmask, kernel_gs_base;
	unsigned nr_invept, nr_invvpid, nr_wrmsr;
	uint64_t last_invept_type, last_invept_tag, last_invvpid_type, last_invvpid_tag;
};

extern struct fake_core fake_core[FAKE_CORES];
extern unsigned fake_core_index; /* that on which the test runs now */
extern uint64_t fake_tsc;

/* Forgets everything, loads one VMCS on core 0. */
void fake_vmx_reset(void);

/* Fields of the current VMCS, also those that software may not write. */
uint64_t fake_get(uint64_t field);
void fake_set(uint64_t field, uint64_t value);

static inline struct fake_core *fake_this(void)
{
	return &fake_core[fake_core_index];
}

#endif
