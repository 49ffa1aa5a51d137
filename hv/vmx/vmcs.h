/* VMCS fields. SDM vol. 3D, appendix B; the order follows its tables. */
#ifndef SLUICE_VMX_VMCS_H
#define SLUICE_VMX_VMCS_H

#include <stdint.h>

#include "cpu/hw.h"

/* clang-format off */
enum vmcs_field {
	/* B.1.1 16-bit control fields */
	VMCS_VPID			= 0x0000,
	VMCS_POSTED_INT_VECTOR		= 0x0002,
	/* B.1.2 16-bit guest-state fields: ES CS SS DS FS GS LDTR TR, by 2 */
	VMCS_GUEST_ES_SELECTOR		= 0x0800,
	VMCS_GUEST_CS_SELECTOR		= 0x0802,
	VMCS_GUEST_INTR_STATUS		= 0x0810,
	/* B.1.3 16-bit host-state fields */
	VMCS_HOST_ES_SELECTOR		= 0x0c00,
	VMCS_HOST_CS_SELECTOR		= 0x0c02,
	VMCS_HOST_SS_SELECTOR		= 0x0c04,
	VMCS_HOST_DS_SELECTOR		= 0x0c06,
	VMCS_HOST_FS_SELECTOR		= 0x0c08,
	VMCS_HOST_GS_SELECTOR		= 0x0c0a,
	VMCS_HOST_TR_SELECTOR		= 0x0c0c,
	/* B.2.1 64-bit control fields */
	VMCS_IO_BITMAP_A		= 0x2000,
	VMCS_IO_BITMAP_B		= 0x2002,
	VMCS_MSR_BITMAP			= 0x2004,
	VMCS_TSC_OFFSET			= 0x2010,
	VMCS_VIRTUAL_APIC_PAGE		= 0x2012,
	VMCS_POSTED_INT_DESC		= 0x2016,
	VMCS_EPT_POINTER		= 0x201a,
	VMCS_EOI_EXIT_BITMAP0		= 0x201c, /* to 3, by 2 */
	VMCS_XSS_EXIT_BITMAP		= 0x202c,
	VMCS_TSC_MULTIPLIER		= 0x2032,
	/* B.2.2 64-bit read-only data field */
	VMCS_GUEST_PHYSICAL_ADDRESS	= 0x2400,
	/* B.2.3 64-bit guest-state fields */
	VMCS_LINK_POINTER		= 0x2800,
	VMCS_GUEST_DEBUGCTL		= 0x2802,
	VMCS_GUEST_PAT			= 0x2804,
	VMCS_GUEST_EFER			= 0x2806,
	/* B.2.4 64-bit host-state fields */
	VMCS_HOST_PAT			= 0x2c00,
	VMCS_HOST_EFER			= 0x2c02,
	/* B.3.1 32-bit control fields */
	VMCS_PIN_CONTROLS		= 0x4000,
	VMCS_PROC_CONTROLS		= 0x4002,
	VMCS_EXCEPTION_BITMAP		= 0x4004,
	VMCS_PAGE_FAULT_MASK		= 0x4006,
	VMCS_PAGE_FAULT_MATCH		= 0x4008,
	VMCS_CR3_TARGET_COUNT		= 0x400a,
	VMCS_EXIT_CONTROLS		= 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT	= 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT	= 0x4010,
	VMCS_ENTRY_CONTROLS		= 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT	= 0x4014,
	VMCS_ENTRY_INTR_INFO		= 0x4016,
	VMCS_ENTRY_ERROR_CODE		= 0x4018,
	VMCS_ENTRY_INSTRUCTION_LEN	= 0x401a,
	VMCS_TPR_THRESHOLD		= 0x401c,
	VMCS_PROC_CONTROLS2		= 0x401e,
	VMCS_PLE_GAP			= 0x4020,
	VMCS_PLE_WINDOW			= 0x4022,
	/* B.3.2 32-bit read-only data fields */
	VMCS_INSTRUCTION_ERROR		= 0x4400,
	VMCS_EXIT_REASON		= 0x4402,
	VMCS_EXIT_INTR_INFO		= 0x4404,
	VMCS_EXIT_INTR_ERROR_CODE	= 0x4406,
	VMCS_IDT_VECTORING_INFO		= 0x4408,
	VMCS_IDT_VECTORING_ERROR_CODE	= 0x440a,
	VMCS_EXIT_INSTRUCTION_LEN	= 0x440c,
	VMCS_EXIT_INSTRUCTION_INFO	= 0x440e,
	/* B.3.3 32-bit guest-state fields */
	VMCS_GUEST_ES_LIMIT		= 0x4800,
	VMCS_GUEST_CS_LIMIT		= 0x4802,
	VMCS_GUEST_GDTR_LIMIT		= 0x4810,
	VMCS_GUEST_IDTR_LIMIT		= 0x4812,
	VMCS_GUEST_ES_ACCESS		= 0x4814,
	VMCS_GUEST_CS_ACCESS		= 0x4816,
	VMCS_GUEST_SS_ACCESS		= 0x4818,
	VMCS_GUEST_INTERRUPTIBILITY	= 0x4824,
	VMCS_GUEST_ACTIVITY_STATE	= 0x4826,
	VMCS_GUEST_SYSENTER_CS		= 0x482a,
	VMCS_PREEMPTION_TIMER		= 0x482e,
	/* B.3.4 32-bit host-state field */
	VMCS_HOST_SYSENTER_CS		= 0x4c00,
	/* B.4.1 natural-width control fields */
	VMCS_CR0_MASK			= 0x6000,
	VMCS_CR4_MASK			= 0x6002,
	VMCS_CR0_SHADOW			= 0x6004,
	VMCS_CR4_SHADOW			= 0x6006,
	/* B.4.2 natural-width read-only data fields */
	VMCS_EXIT_QUALIFICATION		= 0x6400,
	VMCS_GUEST_LINEAR_ADDRESS	= 0x640a,
	/* B.4.3 natural-width guest-state fields */
	VMCS_GUEST_CR0			= 0x6800,
	VMCS_GUEST_CR3			= 0x6802,
	VMCS_GUEST_CR4			= 0x6804,
	VMCS_GUEST_ES_BASE		= 0x6806,
	VMCS_GUEST_CS_BASE		= 0x6808,
	VMCS_GUEST_GDTR_BASE		= 0x6816,
	VMCS_GUEST_IDTR_BASE		= 0x6818,
	VMCS_GUEST_DR7			= 0x681a,
	VMCS_GUEST_RSP			= 0x681c,
	VMCS_GUEST_RIP			= 0x681e,
	VMCS_GUEST_RFLAGS		= 0x6820,
	VMCS_GUEST_PENDING_DEBUG	= 0x6822,
	VMCS_GUEST_SYSENTER_ESP		= 0x6824,
	VMCS_GUEST_SYSENTER_EIP		= 0x6826,
	/* B.4.4 natural-width host-state fields */
	VMCS_HOST_CR0			= 0x6c00,
	VMCS_HOST_CR3			= 0x6c02,
	VMCS_HOST_CR4			= 0x6c04,
	VMCS_HOST_FS_BASE		= 0x6c06,
	VMCS_HOST_GS_BASE		= 0x6c08,
	VMCS_HOST_TR_BASE		= 0x6c0a,
	VMCS_HOST_GDTR_BASE		= 0x6c0c,
	VMCS_HOST_IDTR_BASE		= 0x6c0e,
	VMCS_HOST_SYSENTER_ESP		= 0x6c10,
	VMCS_HOST_SYSENTER_EIP		= 0x6c12,
	VMCS_HOST_RSP			= 0x6c14,
	VMCS_HOST_RIP			= 0x6c16,
};
/* clang-format on */

/* Offsets, in units of a segment's field, from the ES member of each group. */
enum vmcs_segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEGMENTS };

/* The current VMCS. A failure is a bug of ours (no VMCS loaded, or a field that this CPU lacks and
 * that its capability bit should have kept us from): a panic that names the field. */
_Noreturn void vmcs_fail(const char *what, enum vmcs_field f);

static inline uint64_t vmcs_read(enum vmcs_field f)
{
	uint64_t v;

	if (__builtin_expect(!vmx_read(f, &v), 0))
		vmcs_fail("VMREAD", f);
	return v;
}

static inline uint32_t vmcs_read32(enum vmcs_field f)
{
	return (uint32_t)vmcs_read(f);
}

static inline void vmcs_write(enum vmcs_field f, uint64_t v)
{
	if (__builtin_expect(!vmx_write(f, v), 0))
		vmcs_fail("VMWRITE", f);
}

/* The field of segment s in the group whose ES member is es_field. */
static inline enum vmcs_field vmcs_seg(enum vmcs_field es_field, enum vmcs_segment s)
{
	return (enum vmcs_field)((uint32_t)es_field + 2 * (uint32_t)s);
}

#endif
