/* VMX operation on this machine: capabilities once, VMXON on each core. */
#ifndef SLUICE_VMX_VMX_H
#define SLUICE_VMX_VMX_H

#include "vmx/caps.h"

/* The chosen controls, constant after vmx_init(). */
extern struct vmx_caps vmx_caps;

/* On the boot CPU: reads the capability MSRs and chooses. -ENODEV: the CPU has no VMX or the
 * firmware locked it off; -ENOTSUP: something indispensable is missing. The reason is logged as an
 * error, in words for the user. */
int vmx_init(const struct vmx_wishes *w) __must_check;

/* On each core, after vmx_init(): IA32_FEATURE_CONTROL, CR0/CR4 fixed bits, VMXON. */
int vmx_core_on(void) __must_check;

/* Leaves VMX operation before power off; harmless when it was never entered. */
void vmx_core_off(void);

#endif
