/* A guest's writes to control registers that exit. SDM vol. 3A, 2.5; vol. 3C, 26.1.3. */
#include "vmx/vmx_vcpu.h"

#include "cpu/msr.h"
#include "vmx/vmx.h"

/* What the guest reads: its own bits, and the shadow's where the host owns them. */
static uint64_t seen(enum vmcs_field reg, enum vmcs_field mask, enum vmcs_field shadow)
{
	uint64_t m = vmcs_read(mask);

	return (vmcs_read(reg) & ~m) | (vmcs_read(shadow) & m);
}

uint64_t vmx_get_cr0(void)
{
	return seen(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);
}

uint64_t vmx_get_cr4(void)
{
	return seen(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW);
}

/* Paging goes on or off: long mode becomes active or not (vol. 3A, 10.8.5). False: #GP. */
static bool switch_paging(bool on)
{
	uint64_t efer = vmcs_read(VMCS_GUEST_EFER);
	uint32_t entry = vmcs_read32(VMCS_ENTRY_CONTROLS);

	if (on && efer & EFER_LME) {
		if (!(vmcs_read(VMCS_GUEST_CR4) & CR4_PAE) ||
			vmcs_read32(VMCS_GUEST_CS_ACCESS) & BIT32(13))
			return false;
		vmcs_write(VMCS_GUEST_EFER, efer | EFER_LMA);
		vmcs_write(VMCS_ENTRY_CONTROLS, entry | ENTRY_CTL_GUEST_64);
	} else if (!on) {
		if (vmcs_read(VMCS_GUEST_CR4) & CR4_PCIDE ||
			vmcs_read32(VMCS_GUEST_CS_ACCESS) & BIT32(13))
			return false;
		vmcs_write(VMCS_GUEST_EFER, efer & ~(uint64_t)EFER_LMA);
		vmcs_write(VMCS_ENTRY_CONTROLS, entry & ~ENTRY_CTL_GUEST_64);
	}
	return true;
}

bool vmx_set_cr0(uint64_t value)
{
	uint64_t old = vmx_get_cr0();

	value |= CR0_ET;
	if (value >> 32 || (value & CR0_PG && !(value & CR0_PE)) ||
		(value & CR0_NW && !(value & CR0_CD)))
		return false;
	if ((value ^ old) & CR0_PG && !switch_paging(value & CR0_PG))
		return false;
	vmcs_write(VMCS_CR0_SHADOW, value);
	/* Reserved bits read as zero; caches stay on whatever the guest thinks. */
	vmcs_write(VMCS_GUEST_CR0, ((value & 0xe005003fu) | CR0_NE) & ~(uint64_t)(CR0_CD | CR0_NW));
	return true;
}

bool vmx_set_cr4(uint64_t value)
{
	uint64_t efer = vmcs_read(VMCS_GUEST_EFER);

	if (value & ~vmx_guest_cr4_mask())
		return false;
	if (efer & EFER_LMA && !(value & CR4_PAE))
		return false;
	if (value & CR4_PCIDE && !(efer & EFER_LMA))
		return false;
	vmcs_write(VMCS_CR4_SHADOW, value);
	vmcs_write(VMCS_GUEST_CR4, value | CR4_VMXE | CR4_MCE);
	return true;
}

/* XSETBV: vol. 1, 13.3. */
bool vmx_set_xcr0(struct vmx_vcpu *v, uint64_t value)
{
	const uint64_t sse_avx = BIT64(1) | BIT64(2), avx512 = BIT64(5) | BIT64(6) | BIT64(7);

	if (!(value & 1) || value & ~vmx_guest_xcr0_mask())
		return false;
	if ((value & sse_avx) == BIT64(2))
		return false;
	if (value & avx512 && ((value & avx512) != avx512 || !(value & BIT64(2))))
		return false;
	v->xcr0 = value;
	xsetbv(0, value);
	return true;
}
