/* Moving a vCPU on and off a core, and entering it. SDM vol. 3C, 25.11.1 (VMCS state), 27. */
#include "vmx/vmx_vcpu.h"

#include "cpu/cpu.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "mem/direct_map.h"
#include "vmx/vmx.h"

#define ERROR_INVALID_CONTROLS 7 /* VM-instruction error: SDM vol. 3C, 31.4 */

extern bool vmx_enter(uint64_t gpr[GPRS], bool launched);

static const uint32_t switched_msr[GUEST_MSRS] = {
	[GUEST_STAR] = IA32_STAR,
	[GUEST_LSTAR] = IA32_LSTAR,
	[GUEST_CSTAR] = IA32_CSTAR,
	[GUEST_FMASK] = IA32_FMASK,
	[GUEST_KERNEL_GS_BASE] = IA32_KERNEL_GS_BASE,
	[GUEST_TSC_AUX] = IA32_TSC_AUX,
	[GUEST_SPEC_CTRL] = IA32_SPEC_CTRL,
};

static bool msr_exists(unsigned i)
{
	if (i == GUEST_TSC_AUX)
		return vmx_caps.rdtscp;
	if (i == GUEST_SPEC_CTRL)
		return vmx_has_spec_ctrl();
	return true;
}

static void load_fpu(const struct vmx_vcpu *v)
{
	uint64_t mask = vmx_guest_xcr0_mask();

	if (!mask) {
		fxrstor64(v->fpu_area);
		return;
	}
	xsetbv(0, mask);
	xrstor64(v->fpu_area, mask);
	if (v->xcr0 != mask)
		xsetbv(0, v->xcr0);
}

static void save_fpu(struct vmx_vcpu *v)
{
	uint64_t mask = vmx_guest_xcr0_mask();

	if (!mask) {
		fxsave64(v->fpu_area);
		return;
	}
	if (v->xcr0 != mask)
		xsetbv(0, mask);
	xsave64(v->fpu_area, mask);
}

static void load_debug_registers(const struct vmx_vcpu *v)
{
	write_dr0(v->dr[0]);
	write_dr1(v->dr[1]);
	write_dr2(v->dr[2]);
	write_dr3(v->dr[3]);
	write_dr6(v->dr6);
}

static void save_debug_registers(struct vmx_vcpu *v)
{
	v->dr[0] = read_dr0();
	v->dr[1] = read_dr1();
	v->dr[2] = read_dr2();
	v->dr[3] = read_dr3();
	v->dr6 = read_dr6();
}

void vmx_give_debug_registers(struct vmx_vcpu *v)
{
	if (v->uses_dr)
		return; /* the hardware's are newer than ours */
	v->uses_dr = true;
	load_debug_registers(v);
	vmcs_write(VMCS_PROC_CONTROLS, vmcs_read32(VMCS_PROC_CONTROLS) & ~PROC_MOV_DR);
}

static void write_core_state(void)
{
	struct percpu *pc = this_cpu();

	vmcs_write(VMCS_HOST_GS_BASE, (uint64_t)pc);
	vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)&pc->tables.tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, (uint64_t)pc->tables.gdt);
}

void vmx_vcpu_load(struct vmx_vcpu *v)
{
	struct percpu *pc = this_cpu();
	int core = (int)pc->index;

	if (pc->vcpu == v)
		return;
	ASSERT(v->loaded_on == VMX_NOT_LOADED);
	if (pc->vcpu)
		vmx_vcpu_evict(pc->vcpu);
	if (!vmx_load(HPA(v->vmcs)))
		panic("VMPTRLD failed");
	pc->vcpu = v;
	v->loaded_on = core;
	write_core_state();
	if (v->last_core != core)
		vpid_flush(v->vpid); /* left from before it ran elsewhere */
	v->last_core = core;
	load_fpu(v);
	for (unsigned i = 0; i < GUEST_MSRS; i++)
		if (msr_exists(i))
			wrmsr(switched_msr[i], v->msr[i]);
	write_cr2(v->cr2);
	if (v->uses_dr)
		load_debug_registers(v);
}

void vmx_vcpu_evict(struct vmx_vcpu *v)
{
	struct percpu *pc = this_cpu();

	if (pc->vcpu != v)
		return;
	save_fpu(v);
	for (unsigned i = 0; i < GUEST_MSRS; i++)
		if (msr_exists(i))
			v->msr[i] = rdmsr(switched_msr[i]);
	v->cr2 = read_cr2();
	if (v->uses_dr)
		save_debug_registers(v);
	if (!vmx_clear(HPA(v->vmcs)))
		panic("VMCLEAR failed");
	v->launched = false;
	pc->vcpu = NULL;
	store_release(&v->loaded_on, VMX_NOT_LOADED);
}

/* The entry instruction did nothing. What is injected depends on the guest, so that controls that
 * contradict each other are its end only; anything else is a bug of ours. */
static uint32_t entry_refused(void)
{
	uint32_t error = vmcs_read32(VMCS_INSTRUCTION_ERROR);

	if (error != ERROR_INVALID_CONTROLS)
		panic("VM entry failed, instruction error %u", error);
	log_error("VM entry refused: event %08x, controls %08x %08x",
		vmcs_read32(VMCS_ENTRY_INTR_INFO), vmcs_read32(VMCS_PROC_CONTROLS),
		vmcs_read32(VMCS_ENTRY_CONTROLS));
	return VMX_ENTRY_FAILED;
}

uint32_t vmx_vcpu_enter(struct vmx_vcpu *v)
{
	uint32_t reason;

	ept_sync(v->ept);
	if (!vmx_enter(v->gpr, v->launched))
		return entry_refused();
	reason = vmcs_read32(VMCS_EXIT_REASON);
	v->launched |= !(reason & VMX_ENTRY_FAILED);
	return reason;
}
