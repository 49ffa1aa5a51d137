/* Events into a guest, and its general registers. SDM vol. 3C, 27.8.3 and 28.2.4. */
#include "vmx/vmx_vcpu.h"

#include "cpu/msr.h"
#include "cpu/vectors.h"
#include "lib/log.h"
#include "vmx/caps.h"

#define BLOCKING_STI	BIT32(0)
#define BLOCKING_MOV_SS BIT32(1)
#define BLOCKING_NMI	BIT32(3)

uint64_t vmx_gpr_read(const struct vmx_vcpu *v, unsigned n)
{
	return n == GPR_RSP ? vmcs_read(VMCS_GUEST_RSP) : v->gpr[n & 15];
}

void vmx_gpr_write(struct vmx_vcpu *v, unsigned n, uint64_t value)
{
	if (n == GPR_RSP)
		vmcs_write(VMCS_GUEST_RSP, value);
	else
		v->gpr[n & 15] = value;
}

void vmx_skip(unsigned len_bytes)
{
	uint32_t shadow = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP) + len_bytes;
	bool long_mode = vmcs_read32(VMCS_GUEST_CS_ACCESS) & BIT32(13);

	vmcs_write(VMCS_GUEST_RIP, long_mode ? rip : (uint32_t)rip);
	if (shadow & (BLOCKING_STI | BLOCKING_MOV_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, shadow & ~(BLOCKING_STI | BLOCKING_MOV_SS));
}

void vmx_next_instruction(void)
{
	vmx_skip(vmcs_read32(VMCS_EXIT_INSTRUCTION_LEN));
}

void vmx_inject(enum vmx_event_type type, uint8_t vector, bool has_error, uint32_t error_code)
{
	uint32_t info = INTR_INFO_VALID | (uint32_t)type << 8 | vector;

	if (has_error) {
		info |= INTR_INFO_ERROR_CODE;
		vmcs_write(VMCS_ENTRY_ERROR_CODE, error_code);
	}
	vmcs_write(VMCS_ENTRY_INTR_INFO, info);
}

/* Error codes are delivered in protected mode only: 27.2.1.3. */
void vmx_inject_gp(void)
{
	vmx_inject(EVENT_HARDWARE_EXCEPTION, VECTOR_GP, vmcs_read(VMCS_GUEST_CR0) & CR0_PE, 0);
}

void vmx_inject_exited(void)
{
	uint32_t info = vmcs_read32(VMCS_EXIT_INTR_INFO);
	enum vmx_event_type type = (enum vmx_event_type)(info >> 8 & 7);

	/* INT1 exits before it is over: it is skipped by its injection. */
	if (type >= EVENT_SOFTWARE_INTERRUPT)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LEN, vmcs_read32(VMCS_EXIT_INSTRUCTION_LEN));
	vmx_inject(type, (uint8_t)info, info & INTR_INFO_ERROR_CODE,
		info & INTR_INFO_ERROR_CODE ? vmcs_read32(VMCS_EXIT_INTR_ERROR_CODE) : 0);
}

void vmx_inject_ud(void)
{
	vmx_inject(EVENT_HARDWARE_EXCEPTION, VECTOR_UD, false, 0);
}

bool vmx_event_pending(void)
{
	return vmcs_read32(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID;
}

void vmx_reinject_interrupted(void)
{
	uint32_t info = vmcs_read32(VMCS_IDT_VECTORING_INFO);
	uint32_t type = info >> 8 & 7, shadow;

	if (!(info & INTR_INFO_VALID))
		return;
	if (type == EVENT_NMI) { /* its delivery did not finish: it blocks nothing yet */
		shadow = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, shadow & ~BLOCKING_NMI);
	}
	if (info & INTR_INFO_ERROR_CODE)
		vmcs_write(VMCS_ENTRY_ERROR_CODE, vmcs_read32(VMCS_IDT_VECTORING_ERROR_CODE));
	if (type >= EVENT_SOFTWARE_INTERRUPT)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LEN, vmcs_read32(VMCS_EXIT_INSTRUCTION_LEN));
	vmcs_write(VMCS_ENTRY_INTR_INFO, info & ~BIT32(12)); /* bit 12 is undefined there */
}

bool vmx_can_take_interrupt(void)
{
	return vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF &&
	       !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_STI | BLOCKING_MOV_SS)) &&
	       !vmx_event_pending();
}

bool vmx_can_take_nmi(void)
{
	return !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) &
		       (BLOCKING_STI | BLOCKING_MOV_SS | BLOCKING_NMI)) &&
	       !vmx_event_pending();
}

void vmx_window_exiting(uint32_t proc_bit, bool on)
{
	uint32_t old = vmcs_read32(VMCS_PROC_CONTROLS);
	uint32_t new = on ? old | proc_bit : old & ~proc_bit;

	if (new != old)
		vmcs_write(VMCS_PROC_CONTROLS, new);
}

void vmx_vcpu_dump(struct vmx_vcpu *v)
{
	static const char *const seg[SEGMENTS] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR",
		"TR" };
	static const char *const gpr[GPRS] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI",
		"RDI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15" };

	for (unsigned i = 0; i < GPRS; i += 4)
		log_error("  %-3s %016llx  %-3s %016llx  %-3s %016llx  %-3s %016llx", gpr[i],
			(unsigned long long)vmx_gpr_read(v, i), gpr[i + 1],
			(unsigned long long)vmx_gpr_read(v, i + 1), gpr[i + 2],
			(unsigned long long)vmx_gpr_read(v, i + 2), gpr[i + 3],
			(unsigned long long)vmx_gpr_read(v, i + 3));
	log_error("  RIP %016llx  RFLAGS %08llx  CR0 %llx  CR2 %llx  CR3 %llx  CR4 %llx  EFER %llx",
		(unsigned long long)vmcs_read(VMCS_GUEST_RIP),
		(unsigned long long)vmcs_read(VMCS_GUEST_RFLAGS),
		(unsigned long long)vmcs_read(VMCS_GUEST_CR0), (unsigned long long)read_cr2(),
		(unsigned long long)vmcs_read(VMCS_GUEST_CR3),
		(unsigned long long)vmcs_read(VMCS_GUEST_CR4),
		(unsigned long long)vmcs_read(VMCS_GUEST_EFER));
	for (enum vmcs_segment i = SEG_ES; i <= SEG_TR; i++)
		log_error("  %-4s %04x base %016llx limit %08x access %05x", seg[i],
			vmcs_read32(vmcs_seg(VMCS_GUEST_ES_SELECTOR, i)),
			(unsigned long long)vmcs_read(vmcs_seg(VMCS_GUEST_ES_BASE, i)),
			vmcs_read32(vmcs_seg(VMCS_GUEST_ES_LIMIT, i)),
			vmcs_read32(vmcs_seg(VMCS_GUEST_ES_ACCESS, i)));
	log_error("  exit qualification %llx, GPA %llx, activity %u, interruptibility %x",
		(unsigned long long)vmcs_read(VMCS_EXIT_QUALIFICATION),
		(unsigned long long)vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS),
		vmcs_read32(VMCS_GUEST_ACTIVITY_STATE), vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY));
}
