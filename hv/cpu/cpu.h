/* Feature bits of this machine, for those who are not VMX. */
#ifndef SLUICE_CPU_CPU_H
#define SLUICE_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
	char vendor[13];
	char brand[49];
	uint32_t family, model, stepping;
	bool vmx, x2apic, tsc_deadline, invariant_tsc, pages_1g, nx, smep, xsave, mwait;
	uint8_t physical_address_bits;
};

void cpu_features_init(void);
const struct cpu_features *cpu_features_get(void);

#endif
