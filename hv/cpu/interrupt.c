/* Exceptions and interrupt dispatch; see interrupt.h. SDM vol. 3A, chapter 6. */
#include "cpu/interrupt.h"

#include "cpu/apic.h"
#include "cpu/crash.h"
#include "cpu/image.h"
#include "cpu/percpu.h"
#include "cpu/symbols.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"

struct handler {
	interrupt_fn fn;
	void *arg;
};

static struct handler handlers[NR_VECTORS];
static struct spinlock alloc_lock;
static bool stop_on_nmi;

static const char *const exception_names[NR_EXCEPTIONS] = { "divide error", "debug", "NMI",
	"breakpoint", "overflow", "bound range", "invalid opcode", "no FPU", "double fault",
	"FPU overrun", "invalid TSS", "segment not present", "stack fault", "general protection",
	"page fault", "reserved", "FPU error", "alignment check", "machine check", "SIMD error",
	"virtualization", "control protection" };

struct fixup {
	uint64_t fault_rip, resume_rip;
};
extern const struct fixup fixups_start[], fixups_end[];

static bool fix_up(struct exception_frame *f)
{
	for (const struct fixup *x = fixups_start; x < fixups_end; x++) {
		if (f->vector == VECTOR_GP && f->rip == x->fault_rip) {
			f->rip = x->resume_rip;
			return true;
		}
	}
	return false;
}

static void dump_registers(const struct exception_frame *f)
{
	log_error("rip %016lx cs %02lx rflags %08lx rsp %016lx", f->rip, f->cs, f->rflags, f->rsp);
	log_error("rax %016lx rbx %016lx rcx %016lx", f->rax, f->rbx, f->rcx);
	log_error("rdx %016lx rsi %016lx rdi %016lx", f->rdx, f->rsi, f->rdi);
	log_error("rbp %016lx r8  %016lx r9  %016lx", f->rbp, f->r8, f->r9);
	log_error("r10 %016lx r11 %016lx r12 %016lx", f->r10, f->r11, f->r12);
	log_error("r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
	log_error("cr0 %08lx cr2 %016lx cr3 %09lx cr4 %06lx", read_cr0(), read_cr2(), read_cr3(),
		read_cr4());
}

static _Noreturn void die(const struct exception_frame *f)
{
	const char *name = exception_names[f->vector % NR_EXCEPTIONS];

	crash_begin();
	log_error("PANIC on core %u: exception %lu (%s), error code 0x%lx", this_cpu()->index,
		f->vector, name ? name : "reserved", f->error_code);
	dump_registers(f);
	backtrace_print(f->rip, f->rbp);
	crash_end();
}

void exception_handle(struct exception_frame *f)
{
	if (f->vector >= NR_EXCEPTIONS)
		interrupt_handle((uint8_t)f->vector);
	else if (f->vector == VECTOR_NMI)
		nmi_handle();
	else if (f->vector == VECTOR_MACHINE_CHECK)
		machine_check_handle();
	else if (!fix_up(f))
		die(f);
}

void interrupt_handle(uint8_t vector)
{
	const struct handler *h = &handlers[vector];
	struct percpu *pc = this_cpu();

	pc->nr_interrupts++;
	if (h->fn)
		h->fn(vector, h->arg);
	else if (vector != VECTOR_RESCHEDULE && vector != VECTOR_POSTED &&
		 vector != VECTOR_SPURIOUS)
		pc->nr_unexpected_interrupts++;
	/* Below the device vectors there is only the 8259's spurious one, which the APIC knows
	 * nothing of. */
	if (vector != VECTOR_SPURIOUS && vector >= VECTOR_DEVICE_FIRST)
		apic_eoi();
}

void interrupt_register(uint8_t vector, interrupt_fn fn, void *arg)
{
	handlers[vector].arg = arg;
	store_release(&handlers[vector].fn, fn);
}

int interrupt_alloc(interrupt_fn fn, void *arg)
{
	int vector = -ENOSPC;

	spin_lock(&alloc_lock);
	for (unsigned v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++) {
		if (!handlers[v].fn) {
			interrupt_register((uint8_t)v, fn, arg);
			vector = (int)v;
			break;
		}
	}
	spin_unlock(&alloc_lock);
	return vector;
}

void interrupt_free(uint8_t vector)
{
	interrupt_register(vector, NULL, NULL);
}

void nmi_stops_cores(void)
{
	store_release(&stop_on_nmi, true);
}

void nmi_handle(void)
{
	this_cpu()->nr_nmi++;
	if (load_acquire(&stop_on_nmi))
		cpu_stop();
}

/* 8259s: ICW1-4 move them to vectors 0x20-0x2f, then everything is masked. Intel 8259A data sheet.
 */
void pic_mask_all(void)
{
	static const uint8_t master[] = { 0x20, 0x04, 0x01 }, slave[] = { 0x28, 0x02, 0x01 };

	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	for (unsigned i = 0; i < 3; i++) {
		outb(0x21, master[i]);
		outb(0xa1, slave[i]);
	}
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}
