/* Interrupts of all kinds, far too many of them; and the ways to end. */
#include "hostile.h"

#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "cpu/msr.h"
#include "lib/atomic.h"
#include "machine.h"
#include "report.h"
#include "try.h"

#define STORM	      3000
#define SETTLE_ROUNDS 5
#define SETTLE_TICKS  2000000
#define REAL_MODE_NMI UINT64_C(8)
#define VECTOR_FIRST  0x20
#define VECTOR_STORM  0x70
#define VECTOR_NMI    2
#define REARM_TICKS   1
#define REARMS	      500
#define DR7_WATCH_ALL 0xbbbb04aaull /* four, 8 bytes each, reads and writes */

static uint32_t arrived(unsigned vector)
{
	return load_relaxed(&this_cpu()->interrupts[vector]);
}

static void run_self_ipi(const struct hostile_case *c)
{
	uint32_t before = arrived(VECTOR_STORM);

	(void)c;
	for (unsigned i = 0; i < STORM; i++)
		apic_self_ipi(VECTOR_STORM);
	note("enabled", arrived(VECTOR_STORM) - before);
	interrupts_disable();
	for (unsigned v = VECTOR_FIRST; v < 255; v++)
		apic_self_ipi((uint8_t)v);
	interrupts_enable();
	for (unsigned v = VECTOR_FIRST; v < 255; v++)
		wait_interrupts(v, arrived(v) ? UINT32_MAX : 0);
}

static uint32_t hook_left;

static void send_again(unsigned vector)
{
	if (vector == VECTOR_STORM && hook_left && hook_left--) {
		apic_self_ipi(VECTOR_STORM);
		apic_self_ipi(VECTOR_STORM + 0x20); /* higher priority, nests */
		interrupts_enable();
		interrupts_disable();
	}
	if (vector == VECTOR_TIMER && hook_left && hook_left--)
		apic_timer_arm(REARM_TICKS);
}

static bool hook_is_done(void *arg)
{
	(void)arg;
	return load_relaxed(&hook_left) == 0;
}

/* Each interrupt raises the next from its own handler. */
static void run_nested(const struct hostile_case *c)
{
	(void)c;
	hook_left = STORM;
	interrupt_hook = send_again;
	apic_self_ipi(VECTOR_STORM);
	if (!wait_until(hook_is_done, NULL, WAIT_TICKS))
		flaw("interrupts stopped");
	interrupt_hook = NULL;
	note("left", hook_left);
}

static void run_timer(const struct hostile_case *c)
{
	uint32_t before = arrived(VECTOR_TIMER);

	(void)c;
	for (unsigned i = 0; i < STORM; i++) {
		if (apic_has_deadline())
			wrmsr(IA32_TSC_DEADLINE, i & 1 ? 1 : rdtsc() - 1);
		else
			apic_timer_arm(1);
	}
	note("past", arrived(VECTOR_TIMER) - before);
	hook_left = REARMS;
	interrupt_hook = send_again;
	apic_timer_arm(REARM_TICKS);
	if (!wait_until(hook_is_done, NULL, WAIT_TICKS))
		flaw("timer stopped");
	interrupt_hook = NULL;
	if (apic_has_deadline()) {
		static const uint64_t far[] = { UINT64_MAX, BIT64(63), UINT64_MAX >> 1, 0 };

		for (unsigned i = 0; i < ARRAY_SIZE(far); i++)
			tally(try_wrmsr(IA32_TSC_DEADLINE, far[i]));
	}
	note("all", arrived(VECTOR_TIMER) - before);
}

static void run_nmi(const struct hostile_case *c)
{
	uint32_t before = arrived(VECTOR_NMI);

	(void)c;
	for (unsigned i = 0; i < STORM; i++)
		apic_send(apic_id(), APIC_NMI | APIC_ASSERT);
	interrupts_disable();
	for (unsigned i = 0; i < STORM; i++)
		apic_send(apic_id(), APIC_NMI | APIC_ASSERT);
	interrupts_enable();
	cpu_idle(1000);
	note("arrived", arrived(VECTOR_NMI) - before);
	if (arrived(VECTOR_NMI) == before)
		flaw("no NMI came");
}

static const uint8_t park[] = { 0xfa, 0xf4, 0xeb, 0xfd }; /* cli; again: hlt; jmp again */
static const uint8_t spin[] = { 0xfa, 0xeb, 0xfe };	  /* cli; again: jmp again */

/* What a CPU does that a SIPI with this vector starts. */
static void place_code(uint8_t vector, const uint8_t *code, size_t len_bytes)
{
	volatile uint8_t *page = (volatile uint8_t *)((uint64_t)vector << PAGE_SHIFT);

	for (size_t i = 0; i < len_bytes; i++)
		page[i] = code[i];
}

/* Modes, shorthands and destinations that do not reset this CPU. */
static bool harmless(uint32_t icr, uint32_t dest)
{
	uint32_t mode = icr & 0x700, shorthand = icr & APIC_ALL_OTHERS;
	bool self = !shorthand ? dest == apic_id() || dest == UINT32_MAX || (icr & APIC_LOGICAL)
			       : shorthand != APIC_ALL_OTHERS;

	return !(self && (mode == APIC_INIT || mode == APIC_SIPI));
}

static void run_icr(const struct hostile_case *c)
{
	const uint32_t dests[] = { apic_id(), apic_id() ^ 1, 77, 255, 0x10001, UINT32_MAX };
	static const uint8_t vectors[] = { 0, 1, 15, VECTOR_STORM, 0x9e };
	unsigned cpus = 0;

	(void)c;
	if (!apic_is_x2()) {
		skip_case("no x2APIC");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
		place_code(vectors[i], park, sizeof(park));
	mmio_write32(REAL_MODE_NMI, 0, 0); /* parked as well: 0:0 is vector 0's page */
	for (unsigned i = 0; i < 8 * 4 * 8 * ARRAY_SIZE(dests) * ARRAY_SIZE(vectors); i++) {
		unsigned k = i / 256;
		uint32_t icr = (i & 7) << 8 | (i >> 3 & 3) << 18 | (i >> 5 & 1 ? APIC_LOGICAL : 0) |
			       (i >> 6 & 1 ? APIC_ASSERT : 0) | (i >> 7 & 1 ? APIC_LEVEL : 0) |
			       vectors[k % ARRAY_SIZE(vectors)];
		uint32_t dest = dests[k / ARRAY_SIZE(vectors)];

		if (harmless(icr, dest))
			tally(try_wrmsr(
				IA32_X2APIC_FIRST + APIC_REG_ICR, (uint64_t)dest << 32 | icr));
	}
	for (unsigned bit = 0; bit < 32; bit++) /* reserved ones, too; mode stays fixed */
		if (bit < 8 || bit > 10)
			tally(try_wrmsr(IA32_X2APIC_FIRST + APIC_REG_ICR,
				(uint64_t)apic_id() << 32 | BIT32(bit) | VECTOR_STORM));
	apic_write(APIC_REG_ESR, 0);
	/* An NMI that is still under way must not meet a starting CPU: it has no IDT yet. */
	apic_send(0, APIC_ALL_OTHERS | APIC_INIT | APIC_ASSERT);
	for (unsigned i = 0; i < SETTLE_ROUNDS; i++)
		cpu_idle(SETTLE_TICKS);
	cpus = cpu_start_others((unsigned)option_u64("vcpus", 0)); /* INIT took them away */
	tally_note();
	note("cpus", cpus);
}

static void answer(void *arg)
{
	for (unsigned i = 0; i < STORM / 4; i++)
		apic_send(*(uint32_t *)arg, APIC_FIXED | APIC_ASSERT | VECTOR_STORM);
}

/* Two CPUs shower each other, broadcasts included. */
static void run_ping_pong(const struct hostile_case *c)
{
	static uint32_t self;
	struct cpu *other = cpu_other();
	uint32_t before = arrived(VECTOR_STORM);

	(void)c;
	self = apic_id();
	cpu_run(other, answer, &self);
	for (unsigned i = 0; i < STORM / 4; i++)
		apic_send(0, APIC_ALL | APIC_ASSERT | VECTOR_STORM);
	while (cpu_busy(other))
		cpu_relax();
	note("here", arrived(VECTOR_STORM) - before);
	note("there", load_relaxed(&other->interrupts[VECTOR_STORM]));
}

/* INIT and SIPI again and again, also while the other CPU is starting. */
static void run_init_sipi(const struct hostile_case *c)
{
	(void)c;
	for (unsigned i = 0; i < 50; i++) {
		apic_send(cpu_other() ? cpu_other()->id : 1, APIC_INIT | APIC_ASSERT);
		apic_send(cpu_other() ? cpu_other()->id : 1,
			APIC_SIPI | APIC_ASSERT | CPU_START_PAGE);
		if (i % 8 == 0)
			cpu_idle(1000 * i + 1);
		apic_send(cpu_other() ? cpu_other()->id : 1, APIC_INIT | APIC_ASSERT);
	}
	note("cpus", cpu_start_others((unsigned)option_u64("vcpus", 0)));
	if (!cpu_other())
		flaw("the other CPU does not start again");
}

/* A CPU that has never had interrupts on and does not exit: only its time slice ends it. */
static void run_spin(const struct hostile_case *c)
{
	uint32_t other = cpu_other()->id;
	uint64_t start;
	unsigned ticks = 0;

	(void)c;
	place_code(VECTOR_STORM, spin, sizeof(spin));
	apic_send(other, APIC_INIT | APIC_ASSERT);
	cpu_idle(SETTLE_TICKS);
	apic_send(other, APIC_SIPI | APIC_ASSERT | VECTOR_STORM);
	start = rdtsc();
	for (; ticks < 10; ticks++)
		cpu_idle(SETTLE_TICKS);
	note("late", (rdtsc() - start) / SETTLE_TICKS - ticks);
	note("cpus", cpu_start_others((unsigned)option_u64("vcpus", 0)));
	if (!cpu_other())
		flaw("the other CPU does not start again");
}

static void run_eoi(const struct hostile_case *c)
{
	(void)c;
	for (unsigned i = 0; i < STORM; i++)
		apic_eoi();
	for (unsigned i = 0; i < STORM; i++) {
		apic_write(APIC_REG_TPR, (i & 15) << 4);
		if (i % 64 == 0)
			apic_self_ipi(VECTOR_STORM);
	}
	apic_write(APIC_REG_TPR, 0);
}

#define CASE(n, f, needs)                                                                          \
	{                                                                                          \
		n, f, needs, 0, NULL, 0                                                            \
	}

const struct hostile_case storm_cases[] = {
	CASE("self-ipi", run_self_ipi, 0),
	CASE("nested", run_nested, 0),
	CASE("timer", run_timer, 0),
	CASE("nmi", run_nmi, 0),
	CASE("icr", run_icr, 0),
	CASE("ping-pong", run_ping_pong, NEEDS_CPU),
	CASE("init-sipi", run_init_sipi, NEEDS_CPU),
	CASE("spin", run_spin, NEEDS_CPU),
	CASE("eoi", run_eoi, 0),
	{ NULL, NULL, 0, 0, NULL, 0 },
};

static void spin_forever(void)
{
	interrupts_disable();
	for (;;)
		__asm__ volatile("");
}

static void halt_stuck(void)
{
	interrupts_disable();
	for (;;)
		cpu_halt();
}

static void fetch_outside(void)
{
	((void (*)(void))memory_end_low())();
}

static void init_self(void)
{
	apic_send(apic_id(), APIC_INIT | APIC_ASSERT);
	halt_stuck();
}

/* The page tables' root is not RAM. */
static void bad_cr3(void)
{
	write_cr3(memory_end_low());
}

/* Deep enough that nobody else uses the stack there. */
static void breakpoint(void *arg)
{
	(void)arg;
	__asm__ volatile("sub $2048, %rsp\n\tint3");
}

/* A data breakpoint on the stack that the delivery of #DB itself writes to. */
static void debug_loop(void)
{
	uint64_t at;

	__asm__ volatile("mov %%rsp, %0" : "=r"(at));
	for (unsigned i = 0; i < 4; i++)
		try_write_dr(i, ALIGN_DOWN(at - 2048, UINT64_C(32)) - 192 + 32 * i);
	write_dr7(DR7_WATCH_ALL);
	try_call(breakpoint, NULL);
	machine_poweroff(true);
}

void hostile_end(void)
{
	static const struct {
		const char *name;
		void (*end)(void);
	} ends[] = { { "triple", machine_triple_fault }, { "fetch", fetch_outside },
		{ "stuck", halt_stuck }, { "spin", spin_forever }, { "init", init_self },
		{ "cr3", bad_cr3 }, { "db-loop", debug_loop } };

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!option_is("end", ends[i].name))
			continue;
		report_done();
		print("END %s\n", ends[i].name);
		ends[i].end();
	}
}
