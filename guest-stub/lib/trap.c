/* Interrupts and exceptions. SDM vol. 3A, chapter 6. */
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/atomic.h"
#include "machine.h"
#include "report.h"

#define STUB_BYTES	16 /* start.S aligns each stub so */
#define VECTOR_NMI	2
#define VECTOR_RESERVED 15 /* no exception: at most a message that names it */
#define FIRST_EXTERNAL	32

struct idt_gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3A, figure 6-8");

extern uint8_t trap_stubs[], try_landing[];

void (*interrupt_hook)(unsigned vector);
static struct idt_gate idt[256];

void trap_init(void)
{
	struct descriptor_table d = { sizeof(idt) - 1, (uint64_t)idt };

	for (unsigned v = 0; v < 256; v++) {
		uint64_t entry = (uint64_t)trap_stubs + v * STUB_BYTES;

		idt[v] = (struct idt_gate){ .offset_low = (uint16_t)entry,
			.selector = 8,
			.type = 0x8e,
			.offset_mid = (uint16_t)(entry >> 16),
			.offset_high = (uint32_t)(entry >> 32) };
	}
	load_idt(&d);
}

static _Noreturn void die(const struct trap_frame *f)
{
	report_fail("exception", "#%lu error %lx rip %lx cr2 %lx rsp %lx", f->vector, f->error,
		f->rip, read_cr2(), f->rsp);
	machine_end();
}

void trap_dispatch(struct trap_frame *f)
{
	struct cpu *c = this_cpu();

	if (f->vector >= FIRST_EXTERNAL || f->vector == VECTOR_NMI ||
		f->vector == VECTOR_RESERVED) {
		store_relaxed(&c->interrupts[f->vector], c->interrupts[f->vector] + 1);
		if (interrupt_hook)
			interrupt_hook((unsigned)f->vector);
		if (f->vector != VECTOR_NMI)
			apic_eoi();
		return;
	}
	if (!c->recover_rsp)
		die(f);
	c->fault_error = f->error;
	c->fault_rip = f->rip;
	f->rax = f->vector;
	f->rip = (uint64_t)try_landing;
	f->rsp = c->recover_rsp;
	f->rflags = 2; /* try_call() restores its caller's */
	f->cs = 8;
	f->ss = 16;
}
