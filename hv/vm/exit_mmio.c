/* Accesses to what EPT does not map: device registers, or nobody's. SDM vol. 3C, table 28-7. */
#include "vm/exit.h"

#include "dev/guest_walk.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "vm/vm.h"

#define EPT_VIOLATION_FETCH   BIT64(2)
#define EPT_VIOLATION_LINEAR  BIT64(7) /* a linear address was translated, */
#define EPT_VIOLATION_OPERAND BIT64(8) /* and this is its target, not a page table */
#define CS_ACCESS_L	      BIT32(13)
#define CS_ACCESS_DB	      BIT32(14)

void exit_guest_cpu(struct guest_cpu *cpu)
{
	uint32_t access = vmcs_read32(VMCS_GUEST_CS_ACCESS);

	cpu->cr0 = vmcs_read(VMCS_GUEST_CR0);
	cpu->cr3 = vmcs_read(VMCS_GUEST_CR3);
	cpu->cr4 = vmcs_read(VMCS_GUEST_CR4);
	cpu->efer = vmcs_read(VMCS_GUEST_EFER);
	cpu->cs_base = vmcs_read(VMCS_GUEST_CS_BASE);
	cpu->cs_l = access & CS_ACCESS_L;
	cpu->cs_d = access & CS_ACCESS_DB;
}

static enum exit_action refuse(
	struct vcpu *v, uint64_t gpa, const uint8_t *bytes, unsigned nr_bytes)
{
	char why[VM_WHY_MAX];
	size_t len;

	len = fmt_print(why, sizeof(why),
		"access to GPA 0x%llx by an instruction not emulated:", (unsigned long long)gpa);
	for (unsigned i = 0; i < nr_bytes && len < sizeof(why); i++)
		len += fmt_print(why + len, sizeof(why) - len, " %02x", bytes[i]);
	return exit_crash(v, why);
}

static void access(struct vcpu *v, uint64_t gpa, const struct decode_insn *insn)
{
	struct bus_access a = { .size_bytes = insn->size_bytes, .write = insn->write };
	uint64_t rflags;

	v->vmx.gpr[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP);
	if (insn->write)
		a.value = decode_store_value(insn, v->vmx.gpr);
	(void)bus_access(&v->vm->mmio, gpa, &a);
	if (insn->write)
		return;
	rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	decode_load(insn, a.value, v->vmx.gpr, &rflags);
	vmcs_write(VMCS_GUEST_RFLAGS, rflags);
	vmcs_write(VMCS_GUEST_RSP, v->vmx.gpr[GPR_RSP]);
}

enum exit_action exit_ept_violation(struct vcpu *v)
{
	uint64_t gpa = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	uint8_t bytes[DECODE_BYTES_MAX];
	struct decode_insn insn;
	struct guest_cpu cpu;
	char why[VM_WHY_MAX];
	unsigned nr_bytes;

	if (qualification & EPT_VIOLATION_FETCH) {
		fmt_print(why, sizeof(why), "instruction fetch from GPA 0x%llx, which is not RAM",
			(unsigned long long)gpa);
		return exit_crash(v, why);
	}
	if (!(qualification & EPT_VIOLATION_LINEAR) || !(qualification & EPT_VIOLATION_OPERAND))
		return exit_crash(v, "page table outside of RAM");
	if (vmx_event_pending())
		return exit_crash(v, "stack or descriptor table outside of RAM");
	exit_guest_cpu(&cpu);
	nr_bytes = guest_fetch(&v->vm->mem, &cpu, vmcs_read(VMCS_GUEST_RIP), bytes);
	if (decode_insn(bytes, nr_bytes, guest_cpu_mode(&cpu), &insn))
		return refuse(v, gpa, bytes, nr_bytes);
	/* The exit's instruction length is undefined for EPT violations. */
	access(v, gpa, &insn);
	vmx_skip(insn.length);
	return EXIT_RESUME;
}
