/* Start of CPUs, and what they do when idle. SDM vol. 3A, 9.4 (MP initialisation). */
#include "cpu.h"

#include "apic.h"
#include "console.h"
#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "machine.h"

#define TRAMPOLINE_GPA ((uint64_t)CPU_START_PAGE << PAGE_SHIFT)
#define PIC_MASK_1     0x21
#define PIC_MASK_2     0xa1
#define SIPI_WAIT      UINT64_C(3000000) /* ticks for CPUs whose number is not known */

extern uint8_t stacks[], trampoline[], trampoline_end[];

static bool boot_cpu_started;

struct cpu *cpu_by_id(unsigned id)
{
	return (struct cpu *)(stacks + (uint64_t)(id % CPUS_MAX) * STACK_BYTES);
}

static _Noreturn void cpu_serve(struct cpu *c)
{
	for (;;) {
		void (*fn)(void *) = load_acquire(&c->work);

		if (!fn) {
			cpu_halt_until_interrupt();
			continue;
		}
		interrupts_enable();
		store_release(&c->working, true);
		fn(c->work_arg);
		interrupts_disable();
		store_release(&c->work, NULL);
	}
}

void cpu_start(unsigned id)
{
	struct cpu *c = this_cpu();

	memset(c, 0, sizeof(*c));
	c->id = id;
	trap_init();
	apic_init();
	store_release(&c->online, true);
	if (boot_cpu_started)
		cpu_serve(c);
	boot_cpu_started = true;
	outb(PIC_MASK_1, 0xff); /* where firmware ran before us, its timer is still on */
	outb(PIC_MASK_2, 0xff);
	interrupts_enable();
	machine_main();
}

static unsigned cpus_online(void)
{
	unsigned n = 0;

	for (unsigned id = 0; id < CPUS_MAX; id++)
		n += load_acquire(&cpu_by_id(id)->online);
	return n;
}

static void send_to_others(uint32_t icr)
{
	for (unsigned id = 0; id < CPUS_MAX; id++)
		if (id != this_cpu()->id)
			apic_send(id, icr);
}

static bool as_many_as(void *expected)
{
	return cpus_online() >= *(unsigned *)expected;
}

unsigned cpu_start_others(unsigned expected)
{
	for (unsigned id = 0; id < CPUS_MAX; id++)
		if (id != this_cpu()->id)
			cpu_by_id(id)->online = false;
	/* identity-mapped RAM below 1 MiB that the image does not use */
	memcpy((void *)TRAMPOLINE_GPA, trampoline, (size_t)(trampoline_end - trampoline));
	send_to_others(APIC_INIT | APIC_ASSERT);
	cpu_idle(100000);
	send_to_others(APIC_SIPI | APIC_ASSERT | CPU_START_PAGE);
	cpu_idle(100000);
	if (cpus_online() == 1) /* the second SIPI that the SDM's algorithm allows for */
		send_to_others(APIC_SIPI | APIC_ASSERT | CPU_START_PAGE);
	if (!expected) {
		expected = CPUS_MAX;
		wait_until(as_many_as, &expected, SIPI_WAIT);
	} else {
		wait_until(as_many_as, &expected, WAIT_TICKS);
	}
	return cpus_online();
}

struct cpu *cpu_other(void)
{
	for (unsigned id = 0; id < CPUS_MAX; id++)
		if (id != this_cpu()->id && cpu_by_id(id)->online)
			return cpu_by_id(id);
	return NULL;
}

static bool has_begun(void *arg)
{
	return load_acquire(&((struct cpu *)arg)->working);
}

void cpu_run(struct cpu *c, void (*fn)(void *), void *arg)
{
	c->work_arg = arg;
	c->working = false;
	store_release(&c->work, fn);
	apic_send(c->id, APIC_FIXED | APIC_ASSERT | VECTOR_WORK);
	wait_until(has_begun, c, WAIT_TICKS);
}

bool cpu_busy(const struct cpu *c)
{
	return load_acquire(&c->work) != NULL;
}

void cpu_idle(uint64_t ticks)
{
	interrupts_disable();
	apic_timer_arm(ticks);
	cpu_halt_until_interrupt();
	interrupts_enable();
}

bool wait_until(bool (*cond)(void *), void *arg, uint64_t timeout)
{
	uint64_t start = rdtsc();

	while (!cond(arg)) {
		if (rdtsc() - start > timeout)
			return false;
		cpu_idle(20000);
	}
	return true;
}

struct interrupt_wait {
	unsigned vector;
	uint32_t count;
};

static bool interrupt_arrived(void *arg)
{
	const struct interrupt_wait *w = arg;

	return load_relaxed(&this_cpu()->interrupts[w->vector]) != w->count;
}

bool wait_interrupts(unsigned vector, uint32_t count)
{
	struct interrupt_wait w = { vector, count };

	return wait_until(interrupt_arrived, &w, WAIT_TICKS);
}
