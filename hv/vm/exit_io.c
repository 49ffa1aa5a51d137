/* Port accesses. SDM vol. 3C, table 28-5 (qualification) and 28-9 (instruction information). */
#include "vm/exit.h"

#include "cpu/msr.h"
#include "dev/guest_walk.h"
#include "vm/vm.h"

#define RFLAGS_DF BIT64(10)

struct io_access {
	uint16_t port;
	uint8_t size_bytes;
	bool in, string, rep;
};

static struct io_access decode_qualification(uint64_t q)
{
	return (struct io_access){
		.port = (uint16_t)(q >> 16),
		.size_bytes = (uint8_t)((q & 7) + 1),
		.in = q & BIT64(3),
		.string = q & BIT64(4),
		.rep = q & BIT64(5),
	};
}

static uint64_t size_mask(unsigned size_bytes)
{
	return size_bytes >= 8 ? UINT64_MAX : BIT64(8 * size_bytes) - 1;
}

/* IN and OUT. A 32-bit result clears the register's upper half, shorter ones keep it. */
static enum exit_action plain(struct vcpu *v, const struct io_access *io)
{
	uint64_t mask = size_mask(io->size_bytes), *rax = &v->vmx.gpr[GPR_RAX];
	struct bus_access a = {
		.size_bytes = io->size_bytes, .write = !io->in, .value = *rax & mask
	};

	(void)bus_access(&v->vm->ports, io->port, &a);
	if (io->in)
		*rax = (a.value & mask) | (io->size_bytes == 4 ? 0 : *rax & ~mask);
	return EXIT_NEXT_INSN;
}

/* INS and OUTS: one element an exit, so that a long one stays interruptible. */
static enum exit_action string(struct vcpu *v, const struct io_access *io)
{
	uint64_t mask = size_mask(io->size_bytes), gpa, bytes = 0;
	uint64_t address_mask = size_mask(2u << (vmcs_read32(VMCS_EXIT_INSTRUCTION_INFO) >> 7 & 3));
	uint64_t *rcx = &v->vmx.gpr[GPR_RCX], *index;
	int64_t step = io->size_bytes;
	struct bus_access a = { .size_bytes = io->size_bytes, .write = !io->in };
	struct guest_cpu cpu;

	index = &v->vmx.gpr[io->in ? GPR_RDI : GPR_RSI];
	if (io->rep && !(*rcx & address_mask))
		return EXIT_NEXT_INSN;
	exit_guest_cpu(&cpu);
	/* An element that straddles pages would need two walks; no driver does it. */
	if (guest_walk(&v->vm->mem, &cpu, vmcs_read(VMCS_GUEST_LINEAR_ADDRESS), &gpa) ||
		(gpa & (PAGE_SIZE - 1)) + io->size_bytes > PAGE_SIZE ||
		!guest_mem_map(&v->vm->mem, gpa, io->size_bytes)) {
		vmx_inject_gp();
		return EXIT_RESUME;
	}
	if (!io->in && guest_mem_read(&v->vm->mem, gpa, &bytes, io->size_bytes) == 0)
		a.value = bytes & mask;
	(void)bus_access(&v->vm->ports, io->port, &a);
	if (io->in && guest_mem_write(&v->vm->mem, gpa, &a.value, io->size_bytes))
		return exit_crash(v, "guest memory vanished");
	if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF)
		step = -step;
	*index = (*index & ~address_mask) | ((*index + (uint64_t)step) & address_mask);
	if (!io->rep)
		return EXIT_NEXT_INSN;
	*rcx = (*rcx & ~address_mask) | ((*rcx - 1) & address_mask);
	return *rcx & address_mask ? EXIT_RESUME : EXIT_NEXT_INSN;
}

enum exit_action exit_io(struct vcpu *v)
{
	struct io_access io = decode_qualification(vmcs_read(VMCS_EXIT_QUALIFICATION));

	return io.string ? string(v, &io) : plain(v, &io);
}
