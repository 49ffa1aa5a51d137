/* VMX on and off. SDM vol. 3C, 24.6 to 24.8 and 32.5. */
#include "vmx/vmx.h"

#include "cpu/cpu.h"
#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"

struct vmx_caps vmx_caps;

static bool vmx_is_on[CPU_MAX];

/* Sets and locks IA32_FEATURE_CONTROL where the firmware left it open. */
static int enable_feature_control(void)
{
	uint64_t v;

	if (rdmsr_safe(IA32_FEATURE_CONTROL, &v))
		return -ENODEV;
	if (!(v & FEATURE_CONTROL_LOCK)) {
		v |= FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON;
		if (wrmsr_safe(IA32_FEATURE_CONTROL, v))
			return -ENODEV;
	}
	return v & FEATURE_CONTROL_VMXON ? 0 : -ENODEV;
}

static uint64_t read_or_zero(uint32_t msr)
{
	uint64_t v;

	return rdmsr_safe(msr, &v) ? 0 : v;
}

static void read_msrs(struct vmx_msrs *m)
{
	bool true_controls;

	m->basic = rdmsr(IA32_VMX_BASIC);
	true_controls = m->basic & BIT64(55);
	m->pin = rdmsr(true_controls ? IA32_VMX_TRUE_PINBASED : IA32_VMX_PINBASED_CTLS);
	m->proc = rdmsr(true_controls ? IA32_VMX_TRUE_PROCBASED : IA32_VMX_PROCBASED_CTLS);
	m->exit = rdmsr(true_controls ? IA32_VMX_TRUE_EXIT : IA32_VMX_EXIT_CTLS);
	m->entry = rdmsr(true_controls ? IA32_VMX_TRUE_ENTRY : IA32_VMX_ENTRY_CTLS);
	m->misc = rdmsr(IA32_VMX_MISC);
	m->cr0_fixed0 = rdmsr(IA32_VMX_CR0_FIXED0);
	m->cr0_fixed1 = rdmsr(IA32_VMX_CR0_FIXED1);
	m->cr4_fixed0 = rdmsr(IA32_VMX_CR4_FIXED0);
	m->cr4_fixed1 = rdmsr(IA32_VMX_CR4_FIXED1);
	/* These two exist only with the controls that name them. */
	m->proc2 = m->proc >> 32 & PROC_SECONDARY ? read_or_zero(IA32_VMX_PROCBASED_CTLS2) : 0;
	m->ept_vpid =
		m->proc2 >> 32 & (PROC2_EPT | PROC2_VPID) ? read_or_zero(IA32_VMX_EPT_VPID_CAP) : 0;
}

int vmx_init(const struct vmx_wishes *w)
{
	char missing[VMX_MISSING_MAX];
	struct vmx_msrs m;

	if (!cpu_features_get()->vmx) {
		log_error("no VT-x: CPUID reports no VMX. Enable it in the firmware, or, in a "
			  "virtual "
			  "machine, nested virtualisation (QEMU: -cpu host,+vmx)");
		return -ENODEV;
	}
	if (enable_feature_control()) {
		log_error("VT-x is locked off in IA32_FEATURE_CONTROL: enable VT-x (Intel "
			  "Virtualization Technology) in the firmware's setup");
		return -ENODEV;
	}
	read_msrs(&m);
	if (vmx_caps_choose(&m, w, &vmx_caps, missing)) {
		log_error("this CPU's VT-x lacks: %s. Sluice needs a CPU with EPT and unrestricted "
			  "guest (2010 or later)",
			missing);
		return -ENOTSUP;
	}
	log_info("VT-x: APIC virtualisation %s, posted interrupts %s, VPID %s, preemption timer "
		 "2^%u TSC ticks",
		vmx_caps.apicv ? "on" : "off", vmx_caps.posted_interrupts ? "on" : "off",
		vmx_caps.vpid ? "on" : "off", vmx_caps.preemption_shift);
	return 0;
}

int vmx_core_on(void)
{
	uint32_t *region = page_alloc(1);

	if (!region)
		return -ENOMEM;
	if (enable_feature_control())
		return -ENODEV;
	region[0] = vmx_caps.revision;
	write_cr0((read_cr0() | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
	write_cr4((read_cr4() | CR4_VMXE | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
	if (!vmx_on(HPA(region))) {
		log_error("core %u: VMXON failed", this_cpu()->index);
		page_free(region, 1);
		return -EIO;
	}
	vmx_is_on[this_cpu()->index] = true;
	return 0;
}

void vmx_core_off(void)
{
	if (!vmx_is_on[this_cpu()->index])
		return;
	vmx_off();
	vmx_is_on[this_cpu()->index] = false;
}
