/* VMCS failures and the names of exit reasons. */
#include "vmx/vmcs.h"

#include <stddef.h>

#include "lib/log.h"
#include "vmx/exit_reason.h"

void vmcs_fail(const char *what, enum vmcs_field f)
{
	uint64_t error = 0;

	(void)vmx_read(VMCS_INSTRUCTION_ERROR, &error);
	panic("%s of field 0x%x failed, instruction error %llu", what, (unsigned)f,
		(unsigned long long)error);
}

static const char *const reason_name[EXIT_REASONS] = {
	[EXIT_EXCEPTION_NMI] = "exception_nmi",
	[EXIT_EXTERNAL_INTERRUPT] = "external_interrupt",
	[EXIT_TRIPLE_FAULT] = "triple_fault",
	[EXIT_INIT] = "init",
	[EXIT_SIPI] = "sipi",
	[EXIT_INTERRUPT_WINDOW] = "interrupt_window",
	[EXIT_NMI_WINDOW] = "nmi_window",
	[EXIT_TASK_SWITCH] = "task_switch",
	[EXIT_CPUID] = "cpuid",
	[EXIT_GETSEC] = "getsec",
	[EXIT_HLT] = "hlt",
	[EXIT_INVD] = "invd",
	[EXIT_INVLPG] = "invlpg",
	[EXIT_RDPMC] = "rdpmc",
	[EXIT_RDTSC] = "rdtsc",
	[EXIT_RSM] = "rsm",
	[EXIT_VMCALL] = "vmcall",
	[EXIT_VMCLEAR] = "vmclear",
	[EXIT_VMLAUNCH] = "vmlaunch",
	[EXIT_VMPTRLD] = "vmptrld",
	[EXIT_VMPTRST] = "vmptrst",
	[EXIT_VMREAD] = "vmread",
	[EXIT_VMRESUME] = "vmresume",
	[EXIT_VMWRITE] = "vmwrite",
	[EXIT_VMXOFF] = "vmxoff",
	[EXIT_VMXON] = "vmxon",
	[EXIT_CR_ACCESS] = "cr_access",
	[EXIT_DR_ACCESS] = "dr_access",
	[EXIT_IO] = "io",
	[EXIT_RDMSR] = "rdmsr",
	[EXIT_WRMSR] = "wrmsr",
	[EXIT_INVALID_GUEST_STATE] = "invalid_guest_state",
	[EXIT_MSR_LOADING] = "msr_loading",
	[EXIT_MWAIT] = "mwait",
	[EXIT_MONITOR_TRAP] = "monitor_trap",
	[EXIT_MONITOR] = "monitor",
	[EXIT_PAUSE] = "pause",
	[EXIT_MACHINE_CHECK] = "machine_check",
	[EXIT_TPR_BELOW_THRESHOLD] = "tpr_below_threshold",
	[EXIT_APIC_ACCESS] = "apic_access",
	[EXIT_VIRTUALIZED_EOI] = "virtualized_eoi",
	[EXIT_GDTR_IDTR] = "gdtr_idtr",
	[EXIT_LDTR_TR] = "ldtr_tr",
	[EXIT_EPT_VIOLATION] = "ept_violation",
	[EXIT_EPT_MISCONFIG] = "ept_misconfig",
	[EXIT_INVEPT] = "invept",
	[EXIT_RDTSCP] = "rdtscp",
	[EXIT_PREEMPTION_TIMER] = "preemption_timer",
	[EXIT_INVVPID] = "invvpid",
	[EXIT_WBINVD] = "wbinvd",
	[EXIT_XSETBV] = "xsetbv",
	[EXIT_APIC_WRITE] = "apic_write",
	[EXIT_RDRAND] = "rdrand",
	[EXIT_INVPCID] = "invpcid",
	[EXIT_VMFUNC] = "vmfunc",
	[EXIT_ENCLS] = "encls",
	[EXIT_RDSEED] = "rdseed",
	[EXIT_PML_FULL] = "pml_full",
	[EXIT_XSAVES] = "xsaves",
	[EXIT_XRSTORS] = "xrstors",
};

const char *exit_reason_name(unsigned basic_reason)
{
	return basic_reason < EXIT_REASONS ? reason_name[basic_reason] : NULL;
}
