/* Exit dispatch, and the handlers that are a few lines each. SDM vol. 3C, 26 and 28.2. */
#include "vm/exit.h"

#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "cpu/vectors.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "vm/guest_cpuid.h"
#include "vm/vm.h"
#include "vmx/vmx.h"

#define KVM_ENOSYS 1000

#define DR7_GD		  BIT64(13)
#define SHADOW_STI_MOV_SS UINT32_C(3)
#define PENDING_DEBUG_BS  BIT64(14)

enum exit_action exit_crash(struct vcpu *v, const char *why)
{
	log_error("guest %s, vCPU %u: %s", v->vm->conf->name, v->index, why);
	vmx_vcpu_dump(&v->vmx);
	vm_crash(v->vm, why);
	return EXIT_STOP;
}

static enum exit_action exit_debug_exception(struct vcpu *v)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	vmx_give_debug_registers(&v->vmx);
	/* 28.2.1: the causes stand in the qualification as DR6 would hold them. Neither the exit
	 * nor the injection does what the exception does to DR6 and DR7. */
	write_dr6((read_dr6() & ~UINT64_C(0xf)) | (qualification & 0x600f));
	vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~DR7_GD);
	/* 27.3.1.5: an entry into an interrupt shadow with TF set wants to see the step pending. */
	if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF &&
		vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & SHADOW_STI_MOV_SS)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
	vmx_inject_exited();
	return EXIT_RESUME;
}

static enum exit_action exit_exception_nmi(struct vcpu *v)
{
	uint32_t info = vmcs_read32(VMCS_EXIT_INTR_INFO);

	switch (info & 0xff) {
	case VECTOR_NMI:
		nmi_handle();
		return EXIT_RESUME;
	case VECTOR_MACHINE_CHECK:
		machine_check_handle();
		return EXIT_RESUME;
	case VECTOR_DB:
		return exit_debug_exception(v);
	case VECTOR_AC:
		vmx_inject_exited();
		return EXIT_RESUME;
	default:
		return exit_crash(v, "unexpected exception exit");
	}
}

static enum exit_action exit_external_interrupt(struct vcpu *v)
{
	(void)v;
	interrupt_handle((uint8_t)vmcs_read32(VMCS_EXIT_INTR_INFO));
	return EXIT_RESUME;
}

static enum exit_action exit_triple_fault(struct vcpu *v)
{
	return exit_crash(v, "triple fault");
}

/* Task switches exit unconditionally; 64-bit guests have none. */
static enum exit_action exit_task_switch(struct vcpu *v)
{
	return exit_crash(v, "hardware task switch is not supported");
}

static enum exit_action exit_misconfig(struct vcpu *v)
{
	return exit_crash(v, "EPT misconfiguration");
}

static enum exit_action exit_nothing(struct vcpu *v)
{
	(void)v;
	return EXIT_RESUME;
}

static enum exit_action exit_skip(struct vcpu *v)
{
	(void)v;
	return EXIT_NEXT_INSN;
}

static enum exit_action exit_undefined(struct vcpu *v)
{
	(void)v;
	vmx_inject_ud();
	return EXIT_RESUME;
}

static enum exit_action exit_protection(struct vcpu *v)
{
	(void)v;
	vmx_inject_gp();
	return EXIT_RESUME;
}

static enum exit_action exit_interrupt_window(struct vcpu *v)
{
	(void)v; /* delivery looks again before the next entry and closes the window */
	return EXIT_RESUME;
}

static enum exit_action exit_hlt(struct vcpu *v)
{
	v->halted = true;
	v->halted_with_if = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF;
	return EXIT_NEXT_INSN;
}

static enum exit_action exit_pause(struct vcpu *v)
{
	v->yield = true; /* it spins for a vCPU that may be waiting for this core */
	return EXIT_NEXT_INSN;
}

static enum exit_action exit_cpuid(struct vcpu *v)
{
	struct guest_cpuid_in in = {
		.host = cpuid,
		.vcpu = v->index,
		.nr_vcpus = v->vm->nr_vcpus,
		.tsc_khz = v->vm->tsc_khz,
		.xcr0_supported = vmx_guest_xcr0_mask(),
		.has_rdtscp = vmx_caps.rdtscp,
		.has_invpcid = vmx_caps.invpcid,
		.has_xsaves = vmx_caps.xsaves,
		.fast_strings = vmx_has_fast_strings(),
		.cr4_osxsave = vmcs_read(VMCS_GUEST_CR4) & CR4_OSXSAVE,
		.xcr0 = v->vmx.xcr0,
	};
	struct cpuid_regs r;

	guest_cpuid(&in, (uint32_t)v->vmx.gpr[GPR_RAX], (uint32_t)v->vmx.gpr[GPR_RCX], &r);
	v->vmx.gpr[GPR_RAX] = r.eax;
	v->vmx.gpr[GPR_RBX] = r.ebx;
	v->vmx.gpr[GPR_RCX] = r.ecx;
	v->vmx.gpr[GPR_RDX] = r.edx;
	return EXIT_NEXT_INSN;
}

/* The KVM hypercall ABI; none is offered. */
static enum exit_action exit_vmcall(struct vcpu *v)
{
	v->vmx.gpr[GPR_RAX] = -(uint64_t)KVM_ENOSYS;
	return EXIT_NEXT_INSN;
}

static enum exit_action exit_xsetbv(struct vcpu *v)
{
	uint64_t value = v->vmx.gpr[GPR_RDX] << 32 | (uint32_t)v->vmx.gpr[GPR_RAX];

	if ((uint32_t)v->vmx.gpr[GPR_RCX] != 0 || !vmx_set_xcr0(&v->vmx, value))
		return exit_protection(v);
	return EXIT_NEXT_INSN;
}

static enum exit_action exit_dr_access(struct vcpu *v)
{
	vmx_give_debug_registers(&v->vmx);
	return EXIT_RESUME;
}

static enum exit_action exit_virtualized_eoi(struct vcpu *v)
{
	lapic_eoi_exited(&v->lapic, (uint8_t)vmcs_read(VMCS_EXIT_QUALIFICATION));
	return EXIT_RESUME; /* trap-like: behind the instruction already */
}

/* Self-IPI with an illegal vector: the one write that the processor virtualises only half. */
static enum exit_action exit_apic_write(struct vcpu *v)
{
	unsigned off = (unsigned)vmcs_read(VMCS_EXIT_QUALIFICATION) & 0xff0;

	v->irr_dirty = true;
	(void)!lapic_msr_write(&v->lapic, LAPIC_X2APIC_MSR(off), v->lapic.regs[off / 4]);
	return EXIT_RESUME; /* trap-like */
}

static enum exit_action exit_machine_check(struct vcpu *v)
{
	(void)v;
	machine_check_handle();
	return EXIT_RESUME;
}

static const exit_handler handler[EXIT_REASONS] = {
	[EXIT_EXCEPTION_NMI] = exit_exception_nmi,
	[EXIT_EXTERNAL_INTERRUPT] = exit_external_interrupt,
	[EXIT_TRIPLE_FAULT] = exit_triple_fault,
	[EXIT_INTERRUPT_WINDOW] = exit_interrupt_window,
	[EXIT_NMI_WINDOW] = exit_interrupt_window,
	[EXIT_TASK_SWITCH] = exit_task_switch,
	[EXIT_CPUID] = exit_cpuid,
	[EXIT_GETSEC] = exit_undefined,
	[EXIT_HLT] = exit_hlt,
	[EXIT_INVD] = exit_skip, /* memory behind the caches is the host's: nothing may be lost */
	[EXIT_RDPMC] = exit_protection,
	[EXIT_RSM] = exit_undefined,
	[EXIT_VMCALL] = exit_vmcall,
	[EXIT_VMCLEAR] = exit_undefined,
	[EXIT_VMLAUNCH] = exit_undefined,
	[EXIT_VMPTRLD] = exit_undefined,
	[EXIT_VMPTRST] = exit_undefined,
	[EXIT_VMREAD] = exit_undefined,
	[EXIT_VMRESUME] = exit_undefined,
	[EXIT_VMWRITE] = exit_undefined,
	[EXIT_VMXOFF] = exit_undefined,
	[EXIT_VMXON] = exit_undefined,
	[EXIT_CR_ACCESS] = exit_cr_access,
	[EXIT_DR_ACCESS] = exit_dr_access,
	[EXIT_IO] = exit_io,
	[EXIT_RDMSR] = exit_rdmsr,
	[EXIT_WRMSR] = exit_wrmsr,
	[EXIT_MWAIT] = exit_undefined,
	[EXIT_MONITOR] = exit_undefined,
	[EXIT_PAUSE] = exit_pause,
	[EXIT_MACHINE_CHECK] = exit_machine_check,
	[EXIT_TPR_BELOW_THRESHOLD] = exit_nothing,
	[EXIT_VIRTUALIZED_EOI] = exit_virtualized_eoi,
	[EXIT_EPT_VIOLATION] = exit_ept_violation,
	[EXIT_EPT_MISCONFIG] = exit_misconfig,
	[EXIT_INVEPT] = exit_undefined,
	[EXIT_PREEMPTION_TIMER] = exit_nothing,
	[EXIT_INVVPID] = exit_undefined,
	[EXIT_WBINVD] = exit_skip, /* all guest memory is write-back and coherent */
	[EXIT_XSETBV] = exit_xsetbv,
	[EXIT_APIC_WRITE] = exit_apic_write,
	[EXIT_VMFUNC] = exit_undefined,
	[EXIT_ENCLS] = exit_undefined,
};

enum exit_action vcpu_handle_exit(struct vcpu *v, uint32_t reason_word)
{
	uint32_t reason = reason_word & 0xffff;
	char why[VM_WHY_MAX];

	if (reason_word & VMX_ENTRY_FAILED) {
		fmt_print(
			why, sizeof(why), "VM entry refused the guest's state (reason %u)", reason);
		return exit_crash(v, why);
	}
	vmx_reinject_interrupted();
	if (reason < EXIT_REASONS && handler[reason])
		return handler[reason](v);
	fmt_print(why, sizeof(why), "unhandled exit reason %u", reason);
	return exit_crash(v, why);
}
