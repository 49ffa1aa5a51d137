/* Model-specific registers that exit. SDM vol. 4; which exist follows vm/guest_cpuid.h.
 *
 * What is not in the table does not exist: #GP, as on a processor. */
#include "vm/vcpu.h"

#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "lib/errno.h"
#include "vm/exit.h"
#include "vm/vm.h"
#include "vmx/tsc_scale.h"
#include "vmx/vmx.h"

#define MICROCODE_REVISION    (UINT64_C(1) << 32)
#define MTRR_CAP	      (UINT64_C(0x500) | VCPU_MTRR_VARIABLE) /* fixed, WC */
#define MISC_FAST_STRINGS     BIT64(0)
#define MISC_NO_BTS_PEBS      (BIT64(11) | BIT64(12))
#define DEBUGCTL_LBR_BTF      UINT64_C(3)
#define X86_ARCH_CAPABILITIES BIT32(29) /* CPUID leaf 7 EDX */
/* What the processor is immune to; not the bits that promise further MSRs (TSX_CTRL and others). */
#define ARCH_CAPABILITIES_FACTS                                                                    \
	(BIT64(0) | BIT64(1) | BIT64(2) | BIT64(3) | BIT64(4) | BIT64(5) | BIT64(6) | BIT64(8) |   \
		BIT64(13) | BIT64(14) | BIT64(15) | BIT64(17) | BIT64(19) | BIT64(20) |            \
		BIT64(24) | BIT64(26) | BIT64(27))

struct msr_rule {
	uint32_t first, last;
	int (*read)(struct vcpu *v, uint32_t msr, uint64_t *value); /* NULL: #GP */
	int (*write)(struct vcpu *v, uint32_t msr, uint64_t value);
};

static int read_zero(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = 0;
	return 0;
}

static int write_ignored(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)v;
	(void)msr;
	(void)value;
	return 0;
}

static int write_zero_only(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)v;
	(void)msr;
	return value ? -EINVAL : 0;
}

static int write_tsc(struct vcpu *v, uint32_t msr, uint64_t value)
{
	uint64_t offset = value - tsc_scale(rdtsc(), v->vmx.tsc_ratio);

	(void)msr;
	lapic_timer_tsc_moved(&v->lapic, (int64_t)(offset - v->vmx.tsc_offset));
	v->vmx.tsc_offset = offset;
	vmcs_write(VMCS_TSC_OFFSET, offset);
	return 0;
}

static int read_feature_control(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = FEATURE_CONTROL_LOCK;
	return 0;
}

static int read_microcode(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = MICROCODE_REVISION;
	return 0;
}

/* Fast strings as the processor has them: the guest's copy routines depend on it. */
static int read_misc_enable(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = (vmx_has_fast_strings() ? MISC_FAST_STRINGS : 0) | MISC_NO_BTS_PEBS;
	return 0;
}

static int read_arch_capabilities(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).edx & X86_ARCH_CAPABILITIES))
		return -EINVAL;
	if (rdmsr_safe(msr, value))
		return -EINVAL;
	*value &= ARCH_CAPABILITIES_FACTS;
	return 0;
}

static int read_debugctl(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = vmcs_read(VMCS_GUEST_DEBUGCTL);
	return 0;
}

/* Branch records are not switched between guests: accepted and left off. */
static int write_debugctl(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)v;
	(void)msr;
	return value & ~DEBUGCTL_LBR_BTF ? -EINVAL : 0;
}

static int read_mtrr_cap(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = MTRR_CAP;
	return 0;
}

/* EPT decides on memory types; MTRRs only remember. */
static uint64_t *mtrr_slot(struct vcpu *v, uint32_t msr)
{
	if (msr == IA32_MTRR_DEF_TYPE)
		return &v->mtrr_def_type;
	if (msr >= IA32_MTRR_PHYSBASE0 && msr <= IA32_MTRR_PHYSMASK7)
		return &v->mtrr_variable[msr - IA32_MTRR_PHYSBASE0];
	if (msr == IA32_MTRR_FIX64K_00000)
		return &v->mtrr_fixed[0];
	if (msr == 0x258 || msr == 0x259)
		return &v->mtrr_fixed[1 + msr - 0x258];
	if (msr >= 0x268 && msr <= IA32_MTRR_FIX4K_F8000)
		return &v->mtrr_fixed[3 + msr - 0x268];
	return NULL;
}

static int read_mtrr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	uint64_t *slot = mtrr_slot(v, msr);

	if (!slot)
		return -EINVAL;
	*value = *slot;
	return 0;
}

static int write_mtrr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	uint64_t *slot = mtrr_slot(v, msr);

	if (!slot)
		return -EINVAL;
	*slot = value;
	return 0;
}

static int read_apic_base(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = lapic_base_read(&v->lapic);
	return 0;
}

static int write_apic_base(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)msr;
	return lapic_base_write(&v->lapic, value);
}

static int read_x2apic(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	return lapic_msr_read(&v->lapic, msr, value);
}

static int write_x2apic(struct vcpu *v, uint32_t msr, uint64_t value)
{
	v->irr_dirty = true;
	return lapic_msr_write(&v->lapic, msr, value);
}

static int read_tsc_deadline(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = lapic_tsc_deadline_read(&v->lapic);
	return 0;
}

static int write_tsc_deadline(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)msr;
	lapic_tsc_deadline_write(&v->lapic, value);
	return 0;
}

static int read_xss(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	(void)v;
	(void)msr;
	*value = 0;
	return vmx_caps.xsaves ? 0 : -EINVAL;
}

static int write_xss(struct vcpu *v, uint32_t msr, uint64_t value)
{
	(void)v;
	(void)msr;
	return vmx_caps.xsaves && value == 0 ? 0 : -EINVAL;
}

static int read_kvm(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	return pvclock_read_msr(&v->clock, msr, value) ? -EINVAL : 0;
}

static int write_kvm(struct vcpu *v, uint32_t msr, uint64_t value)
{
	if (msr == MSR_KVM_STEAL_TIME)
		v->steal_base_ticks = v->entity.waited_ticks;
	return pvclock_write_msr(&v->clock, &v->vm->clock, &v->vm->mem, msr, value) ? -EINVAL : 0;
}

/* In the order of how often stock Linux asks. */
static const struct msr_rule rules[] = {
	{ IA32_TSC_DEADLINE, IA32_TSC_DEADLINE, read_tsc_deadline, write_tsc_deadline },
	{ IA32_X2APIC_FIRST, IA32_X2APIC_LAST, read_x2apic, write_x2apic },
	{ IA32_TIME_STAMP_COUNTER, IA32_TIME_STAMP_COUNTER, NULL, write_tsc },
	{ MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, read_kvm, write_kvm },
	{ MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_STEAL_TIME, read_kvm, write_kvm },
	{ IA32_APIC_BASE, IA32_APIC_BASE, read_apic_base, write_apic_base },
	{ IA32_PLATFORM_ID, IA32_PLATFORM_ID, read_zero, NULL },
	{ IA32_FEATURE_CONTROL, IA32_FEATURE_CONTROL, read_feature_control, NULL },
	{ IA32_BIOS_SIGN_ID, IA32_BIOS_SIGN_ID, read_microcode, write_ignored },
	{ IA32_MTRRCAP, IA32_MTRRCAP, read_mtrr_cap, NULL },
	{ IA32_ARCH_CAPABILITIES, IA32_ARCH_CAPABILITIES, read_arch_capabilities, NULL },
	{ IA32_MCG_CAP, IA32_MCG_STATUS, read_zero, write_zero_only },
	{ IA32_MISC_ENABLE, IA32_MISC_ENABLE, read_misc_enable, write_ignored },
	{ IA32_DEBUGCTL, IA32_DEBUGCTL, read_debugctl, write_debugctl },
	{ IA32_MTRR_PHYSBASE0, IA32_MTRR_PHYSMASK7, read_mtrr, write_mtrr },
	{ IA32_MTRR_FIX64K_00000, IA32_MTRR_FIX4K_F8000, read_mtrr, write_mtrr },
	{ IA32_MTRR_DEF_TYPE, IA32_MTRR_DEF_TYPE, read_mtrr, write_mtrr },
	{ IA32_XSS, IA32_XSS, read_xss, write_xss },
};

static const struct msr_rule *find_rule(uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		if (msr >= rules[i].first && msr <= rules[i].last)
			return &rules[i];
	return NULL;
}

int vcpu_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	const struct msr_rule *r = find_rule(msr);

	return r && r->read ? r->read(v, msr, value) : -EINVAL;
}

int vcpu_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	const struct msr_rule *r = find_rule(msr);

	return r && r->write ? r->write(v, msr, value) : -EINVAL;
}

enum exit_action exit_rdmsr(struct vcpu *v)
{
	uint64_t value;

	if (vcpu_rdmsr(v, (uint32_t)v->vmx.gpr[GPR_RCX], &value)) {
		vmx_inject_gp();
		return EXIT_RESUME;
	}
	v->vmx.gpr[GPR_RAX] = (uint32_t)value;
	v->vmx.gpr[GPR_RDX] = value >> 32;
	return EXIT_NEXT_INSN;
}

enum exit_action exit_wrmsr(struct vcpu *v)
{
	uint64_t value = v->vmx.gpr[GPR_RDX] << 32 | (uint32_t)v->vmx.gpr[GPR_RAX];

	if (vcpu_wrmsr(v, (uint32_t)v->vmx.gpr[GPR_RCX], value)) {
		vmx_inject_gp();
		return EXIT_RESUME;
	}
	return EXIT_NEXT_INSN;
}
