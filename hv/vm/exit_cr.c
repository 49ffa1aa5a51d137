/* Control-register exits. SDM vol. 3C, table 28-3; vol. 3A, 4.4.1 (PDPTEs). */
#include "vm/exit.h"

#include "cpu/msr.h"
#include "vm/vm.h"

#define VMCS_GUEST_PDPTE0 0x280a

enum cr_access_type { MOV_TO_CR, MOV_FROM_CR, CLTS, LMSW };

/* With EPT the processor takes PAE's four pointers from the VMCS at entry, not from memory. */
static bool reload_pdptes(struct vcpu *v)
{
	uint64_t pdpte[4], efer = vmcs_read(VMCS_GUEST_EFER);

	if (!(vmcs_read(VMCS_GUEST_CR0) & CR0_PG) || !(vmcs_read(VMCS_GUEST_CR4) & CR4_PAE) ||
		efer & EFER_LMA)
		return true;
	if (guest_mem_read(
		    &v->vm->mem, vmcs_read(VMCS_GUEST_CR3) & 0xffffffe0u, pdpte, sizeof(pdpte)))
		return false;
	for (unsigned i = 0; i < 4; i++)
		vmcs_write((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pdpte[i]);
	return true;
}

static bool write_cr(struct vcpu *v, unsigned cr, uint64_t value)
{
	if (cr != 8)
		vpid_flush(v->vmx.vpid); /* as the instruction does; these exits are rare */
	switch (cr) {
	case 0:
		return vmx_set_cr0(value) && reload_pdptes(v);
	case 3:
		vmcs_write(VMCS_GUEST_CR3, value & ~BIT64(63));
		return reload_pdptes(v);
	case 4:
		return vmx_set_cr4(value) && reload_pdptes(v);
	case 8:
		return lapic_cr8_write(&v->lapic, value) == 0;
	default:
		return false;
	}
}

static uint64_t read_cr(struct vcpu *v, unsigned cr)
{
	return cr == 3 ? vmcs_read(VMCS_GUEST_CR3) : lapic_tpr(&v->lapic) >> 4;
}

enum exit_action exit_cr_access(struct vcpu *v)
{
	uint64_t q = vmcs_read(VMCS_EXIT_QUALIFICATION);
	unsigned cr = q & 15, gpr = q >> 8 & 15;
	bool ok = true;

	switch ((enum cr_access_type)(q >> 4 & 3)) {
	case MOV_TO_CR:
		ok = write_cr(v, cr, vmx_gpr_read(&v->vmx, gpr));
		break;
	case MOV_FROM_CR:
		vmx_gpr_write(&v->vmx, gpr, read_cr(v, cr));
		break;
	case CLTS:
		ok = write_cr(v, 0, vmx_get_cr0() & ~(uint64_t)CR0_TS);
		break;
	case LMSW: /* may set PE, never clears it */
		ok = write_cr(v, 0, (vmx_get_cr0() & ~UINT64_C(0xe)) | (q >> 16 & 0xf));
		break;
	}
	if (ok)
		return EXIT_NEXT_INSN;
	vmx_inject_gp();
	return EXIT_RESUME;
}
