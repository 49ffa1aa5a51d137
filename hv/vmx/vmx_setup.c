/* What a VMCS holds before the first entry. SDM vol. 3C, 25 (fields), 27.2 and 27.3 (checks),
 * vol. 3A, 10.1.1 (state after INIT). */
#include "vmx/vmx_vcpu.h"

#include "cpu/cpu.h"
#include "cpu/descriptors.h"
#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "cpu/vectors.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"
#include "vmx/vmx.h"

#define DR7_RESET 0x400u
#define DR6_RESET 0xffff0ff0u
#define PAT_RESET UINT64_C(0x0007040600070406)

/* Segment access rights: 25.4.1 */
#define AR_CODE64   0xa09bu
#define AR_CODE32   0xc09bu
#define AR_DATA32   0xc093u
#define AR_CODE16   0x009bu
#define AR_DATA16   0x0093u
#define AR_LDTR	    0x0082u
#define AR_TSS_BUSY 0x008bu
#define AR_UNUSABLE 0x10000u

#define XCR0_X87    BIT64(0)
#define XCR0_SSE    BIT64(1)
#define XCR0_AVX    BIT64(2)
#define XCR0_AVX512 (BIT64(5) | BIT64(6) | BIT64(7))

static uint8_t *io_bitmap;  /* two pages, all ports exit */
static uint8_t *msr_bitmap; /* one page */
static uint64_t xcr0_mask, cr4_mask;
static bool has_spec_ctrl;
static bool fast_strings;

extern const char vmx_exit_entry[];

static void msr_bitmap_pass(uint32_t msr, bool reads, bool writes)
{
	uint32_t base = msr >= 0xc0000000u ? 1024 : 0, n = msr & 0x1fff;

	if (reads)
		msr_bitmap[base + n / 8] &= (uint8_t) ~(1u << (n % 8));
	if (writes)
		msr_bitmap[2048 + base + n / 8] &= (uint8_t) ~(1u << (n % 8));
}

bool vmx_has_spec_ctrl(void)
{
	return has_spec_ctrl;
}

static void build_msr_bitmap(void)
{
	static const uint32_t pass[] = { IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP,
		IA32_PAT, IA32_EFER, IA32_STAR, IA32_LSTAR, IA32_CSTAR, IA32_FMASK, IA32_FS_BASE,
		IA32_GS_BASE, IA32_KERNEL_GS_BASE };

	memset(msr_bitmap, 0xff, PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(pass); i++)
		msr_bitmap_pass(pass[i], true, true);
	msr_bitmap_pass(IA32_TIME_STAMP_COUNTER, true, false);
	if (vmx_caps.rdtscp)
		msr_bitmap_pass(IA32_TSC_AUX, true, true);
	if (vmx_has_spec_ctrl()) {
		msr_bitmap_pass(IA32_SPEC_CTRL, true, true);
		msr_bitmap_pass(IA32_PRED_CMD, false, true);
	}
	if (vmx_caps.apicv) { /* 30.5: what the virtual-APIC page answers without an exit */
		msr_bitmap_pass(IA32_X2APIC_TPR, true, true);
		msr_bitmap_pass(IA32_X2APIC_EOI, false, true);
		msr_bitmap_pass(IA32_X2APIC_SELF_IPI, false, true);
	}
}

static uint64_t supported_xcr0(void)
{
	struct cpuid_regs r;
	uint64_t have;

	if (!cpu_features_get()->xsave)
		return 0;
	r = cpuid(0xd, 0);
	have = ((uint64_t)r.edx << 32) | r.eax;
	have &= XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512;
	return (have & XCR0_AVX512) == XCR0_AVX512 ? have : have & ~XCR0_AVX512;
}

static uint64_t supported_cr4(void)
{
	uint64_t m = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
		     CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	uint32_t ecx1 = cpuid(1, 0).ecx;
	struct cpuid_regs r7 = { 0 };

	if (cpuid(0, 0).eax >= 7)
		r7 = cpuid(7, 0);
	m |= r7.ebx & BIT32(0) ? CR4_FSGSBASE : 0;
	m |= r7.ebx & BIT32(7) ? CR4_SMEP : 0;
	m |= r7.ebx & BIT32(20) ? CR4_SMAP : 0;
	m |= r7.ecx & BIT32(2) ? CR4_UMIP : 0;
	m |= ecx1 & BIT32(17) ? CR4_PCIDE : 0;
	m |= xcr0_mask ? CR4_OSXSAVE : 0;
	return m;
}

bool vmx_has_fast_strings(void)
{
	return fast_strings;
}

int vmx_shared_init(void)
{
	uint64_t misc_enable;

	io_bitmap = page_alloc(2);
	msr_bitmap = page_alloc(1);
	if (!io_bitmap || !msr_bitmap)
		return -ENOMEM;
	memset(io_bitmap, 0xff, 2 * PAGE_SIZE);
	has_spec_ctrl = cpuid(0, 0).eax >= 7 && cpuid(7, 0).edx & BIT32(26);
	build_msr_bitmap();
	xcr0_mask = supported_xcr0();
	cr4_mask = supported_cr4();
	fast_strings = rdmsr_safe(IA32_MISC_ENABLE, &misc_enable) == 0 && misc_enable & BIT64(0);
	return 0;
}

uint64_t vmx_guest_xcr0_mask(void)
{
	return xcr0_mask;
}

uint64_t vmx_guest_cr4_mask(void)
{
	return cr4_mask;
}

int vmx_vcpu_init(struct vmx_vcpu *v, struct ept *ept, uint16_t vpid, void *vapic_page,
	void *posted_interrupts)
{
	memset(v, 0, sizeof(*v));
	v->vmcs = page_alloc(1);
	v->fpu_area = page_alloc(1);
	if (!v->vmcs || !v->fpu_area)
		return -ENOMEM;
	v->ept = ept;
	v->vpid = vpid;
	v->vapic_page = vapic_page;
	v->posted_interrupts = posted_interrupts;
	v->loaded_on = VMX_NOT_LOADED;
	v->last_core = -1;
	*(uint32_t *)v->vmcs = vmx_caps.revision;
	/* 25.11.3: before the first VMPTRLD, for what the processor keeps in it beside the fields.
	 */
	return vmx_clear(HPA(v->vmcs)) ? 0 : -EIO;
}

/* Event-injection and window controls come and go at run time; everything else is set here. */
static void write_controls(const struct vmx_vcpu *v)
{
	vmcs_write(VMCS_PIN_CONTROLS, vmx_caps.pin);
	vmcs_write(VMCS_PROC_CONTROLS, vmx_caps.proc);
	vmcs_write(VMCS_PROC_CONTROLS2,
		v->tsc_ratio ? vmx_caps.proc2 | PROC2_TSC_SCALING : vmx_caps.proc2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_caps.entry & ~ENTRY_CTL_GUEST_64);
	/* #DB and #AC can be delivered to themselves for ever inside the guest, out of reach of
	 * interrupts; seen here, each delivery is bounded. */
	vmcs_write(VMCS_EXCEPTION_BITMAP,
		BIT32(VECTOR_DB) | BIT32(VECTOR_AC) | BIT32(VECTOR_MACHINE_CHECK));
	vmcs_write(VMCS_PAGE_FAULT_MASK, 0);
	vmcs_write(VMCS_PAGE_FAULT_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write(VMCS_IO_BITMAP_A, HPA(io_bitmap));
	vmcs_write(VMCS_IO_BITMAP_B, HPA(io_bitmap) + PAGE_SIZE);
	vmcs_write(VMCS_MSR_BITMAP, HPA(msr_bitmap));
	vmcs_write(VMCS_EPT_POINTER, v->ept->pointer);
	vmcs_write(VMCS_TSC_OFFSET, v->tsc_offset);
	vmcs_write(VMCS_VIRTUAL_APIC_PAGE, HPA(v->vapic_page));
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	vmcs_write(VMCS_LINK_POINTER, ~UINT64_C(0));
}

static void write_optional_controls(const struct vmx_vcpu *v)
{
	if (vmx_caps.vpid)
		vmcs_write(VMCS_VPID, v->vpid);
	if (vmx_caps.apicv) {
		for (unsigned i = 0; i < 4; i++)
			vmcs_write(VMCS_EOI_EXIT_BITMAP0 + 2 * i, 0);
		vmcs_write(VMCS_GUEST_INTR_STATUS, 0);
	}
	if (vmx_caps.posted_interrupts) {
		vmcs_write(VMCS_POSTED_INT_VECTOR, VECTOR_POSTED);
		vmcs_write(VMCS_POSTED_INT_DESC, HPA(v->posted_interrupts));
	}
	if (v->tsc_ratio)
		vmcs_write(VMCS_TSC_MULTIPLIER, v->tsc_ratio);
	if (vmx_caps.xsaves)
		vmcs_write(VMCS_XSS_EXIT_BITMAP, 0);
	if (vmx_caps.pause_loop) {
		vmcs_write(VMCS_PLE_GAP, 128);	   /* TSC ticks between two PAUSEs of a loop */
		vmcs_write(VMCS_PLE_WINDOW, 8192); /* and of the loop before it exits */
	}
}

/* All of it is the same for all vCPUs, but what belongs to a core is written on loading. */
static void write_host_state(void)
{
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_CR3, read_cr3());
	vmcs_write(VMCS_HOST_CR4, read_cr4());
	vmcs_write(VMCS_HOST_ES_SELECTOR, 0);
	vmcs_write(VMCS_HOST_CS_SELECTOR, SELECTOR_CODE);
	vmcs_write(VMCS_HOST_SS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_DS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, SELECTOR_TSS);
	vmcs_write(VMCS_HOST_FS_BASE, 0);
	vmcs_write(VMCS_HOST_IDTR_BASE, idt_base());
	vmcs_write(VMCS_HOST_PAT, rdmsr(IA32_PAT));
	vmcs_write(VMCS_HOST_EFER, rdmsr(IA32_EFER));
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_RIP, (uint64_t)vmx_exit_entry);
}

static void write_segment(
	enum vmcs_segment s, uint16_t selector, uint64_t base, uint32_t limit, uint32_t access)
{
	vmcs_write(vmcs_seg(VMCS_GUEST_ES_SELECTOR, s), selector);
	vmcs_write(vmcs_seg(VMCS_GUEST_ES_BASE, s), base);
	vmcs_write(vmcs_seg(VMCS_GUEST_ES_LIMIT, s), limit);
	vmcs_write(vmcs_seg(VMCS_GUEST_ES_ACCESS, s), access);
}

static void write_segments(const struct vmx_start *s)
{
	uint32_t limit = s->mode == START_REAL ? 0xffff : 0xffffffff;
	uint32_t data = s->mode == START_REAL ? AR_DATA16 : AR_DATA32;
	uint16_t selector = s->mode == START_REAL ? 0 : 0x18;

	for (enum vmcs_segment i = SEG_ES; i <= SEG_GS; i++)
		write_segment(i, selector, 0, limit, data);
	if (s->mode == START_REAL)
		write_segment(SEG_CS, (uint16_t)(s->sipi_vector << 8),
			(uint64_t)s->sipi_vector << 12, limit, AR_CODE16);
	else
		write_segment(
			SEG_CS, 0x10, 0, limit, s->mode == START_LONG64 ? AR_CODE64 : AR_CODE32);
	write_segment(SEG_LDTR, 0, 0, 0, AR_UNUSABLE | AR_LDTR);
	write_segment(SEG_TR, 0, 0, 0xffff, AR_TSS_BUSY);
	vmcs_write(VMCS_GUEST_GDTR_BASE, s->gdt_gpa);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, s->gdt_gpa ? s->gdt_limit : 0xffff);
	vmcs_write(VMCS_GUEST_IDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, s->mode == START_REAL ? 0xffff : 0);
}

static void write_modes(const struct vmx_start *s)
{
	uint64_t cr0 = CR0_ET, cr4 = 0, efer = 0;

	if (s->mode != START_REAL)
		cr0 |= CR0_PE;
	if (s->mode == START_LONG64) {
		cr0 |= CR0_PG | CR0_NE;
		cr4 |= CR4_PAE;
		efer = EFER_LME | EFER_LMA;
		vmcs_write(VMCS_ENTRY_CONTROLS, vmx_caps.entry | ENTRY_CTL_GUEST_64);
	}
	vmcs_write(VMCS_GUEST_EFER, efer);
	vmcs_write(VMCS_CR0_MASK, CR0_NE | CR0_CD | CR0_NW);
	vmcs_write(VMCS_CR4_MASK, ~(cr4_mask & ~(uint64_t)CR4_MCE));
	vmcs_write(VMCS_GUEST_CR0, cr0 | CR0_NE);
	vmcs_write(VMCS_CR0_SHADOW, cr0);
	vmcs_write(VMCS_GUEST_CR4, cr4 | CR4_VMXE | CR4_MCE);
	vmcs_write(VMCS_CR4_SHADOW, cr4);
	vmcs_write(VMCS_GUEST_CR3, s->cr3);
}

static void reset_lazy_state(struct vmx_vcpu *v)
{
	uint16_t *fcw = v->fpu_area;
	uint32_t *mxcsr = (uint32_t *)((uint8_t *)v->fpu_area + 24);

	memset(v->fpu_area, 0, PAGE_SIZE);
	*fcw = 0x37f;
	*mxcsr = 0x1f80;
	v->xcr0 = xcr0_mask ? XCR0_X87 : 0;
	memset(v->msr, 0, sizeof(v->msr));
	memset(v->dr, 0, sizeof(v->dr));
	v->dr6 = DR6_RESET;
	v->cr2 = 0;
	v->uses_dr = false;
}

void vmx_vcpu_start(struct vmx_vcpu *v, const struct vmx_start *s)
{
	vmx_vcpu_evict(v);
	reset_lazy_state(v);
	vmx_vcpu_load(v);
	vpid_flush(v->vpid); /* translations of its former life */
	write_controls(v);
	write_optional_controls(v);
	write_host_state();
	write_segments(s);
	write_modes(s);
	vmcs_write(VMCS_GUEST_PAT, PAT_RESET);
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_DR7, DR7_RESET);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY_STATE, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_GUEST_RIP, s->mode == START_REAL ? 0 : s->rip);
	vmcs_write(VMCS_GUEST_RSP, s->rsp);
	vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	memcpy(v->gpr, s->gpr, sizeof(v->gpr));
}
