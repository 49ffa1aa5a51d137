/* Privileged and odd instructions, control and debug registers, CPUID, hypercalls, KVM's MSRs. */
#include "hostile.h"

#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "cpu/msr.h"
#include "lib/string.h"
#include "machine.h"
#include "try.h"

#define DR7_RESET   0x400u
#define DR7_GD	    0x2000u
#define GUARD_TICKS 200000 /* wakes an MWAIT that really waits */

/* try_call() restores everything but debug registers and the descriptor tables. */
static void tidy(void)
{
	write_dr7(DR7_RESET);
	trap_init();
}

static void run_insns(const struct hostile_case *c)
{
	static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	const char *only = option("insn");

	(void)c;
	for (const struct insn *i = cpu_insns; i != cpu_insns_end; i++) {
		unsigned vector;

		if (only && strcmp(only, i->name))
			continue;
		if (option("verbose"))
			print("%s", i->name);
		apic_timer_arm(GUARD_TICKS);
		vector = try_call(i->run, page);
		tidy();
		tally(vector);
		if (option("verbose"))
			print(" #%u\n", vector);
	}
	tally_note();
}

/* Every bit of CR0 and CR4 flipped on its own, and restored. CR3 with reserved bits. */
static void run_control(const struct hostile_case *c)
{
	uint64_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();

	(void)c;
	if (machine_is_qemu()) {
		skip_case("QEMU does not check");
		return;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		tally(try_write_cr0(cr0 ^ BIT64(bit)));
		write_cr0(cr0);
		tally(try_write_cr4(cr4 ^ BIT64(bit)));
		write_cr4(cr4);
	}
	for (unsigned bit = 52; bit < 64; bit++) /* above any physical address */
		tally(try_write_cr3(cr3 | BIT64(bit)));
	tally(try_write_cr3(cr3 | 0xfff));
	write_cr3(cr3);
	tally(try_write_cr0(cr0 | CR0_CD | CR0_NW));
	write_cr0(cr0);
	tally(try_write_cr0(0));
	tally(try_write_cr0(UINT64_MAX));
	tally(try_write_cr4(UINT64_MAX));
	tally(try_write_cr4(0));
	tally_note();
	if (read_cr0() != cr0 || read_cr4() != cr4)
		flaw("CR0 or CR4 is not what was written");
}

static void run_cr8(const struct hostile_case *c)
{
	static const uint64_t bad[] = { 16, 255, BIT64(32), BIT64(63), UINT64_MAX };
	unsigned wrong = 0;

	(void)c;
	interrupts_disable();
	for (uint64_t v = 0; v < 16; v++) {
		tally(try_write_cr8(v));
		wrong += apic_read(APIC_REG_TPR) != v << 4;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		tally(try_write_cr8(bad[i]));
	try_write_cr8(0);
	interrupts_enable();
	tally_note();
	if (wrong)
		flaw("CR8 and TPR differ");
}

static void run_debug(const struct hostile_case *c)
{
	/* all but GD, which is a case of its own */
	static const uint64_t values[] = { 0, ~(uint64_t)DR7_GD, UINT32_MAX & ~DR7_GD, BIT64(32),
		0x155, 0xffff0400 };
	uint64_t cr4 = read_cr4();

	(void)c;
	for (unsigned de = 0; de < 2; de++) {
		write_cr4(de ? cr4 | CR4_DE : cr4 & ~(uint64_t)CR4_DE);
		for (unsigned n = 0; n < 8; n++)
			for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
				tally(try_write_dr(n, values[i]));
				tally(try_write_dr(7, DR7_RESET));
			}
	}
	write_cr4(cr4);
	for (unsigned n = 0; n < 4; n++)
		try_write_dr(n, 0);
	try_write_dr(6, 0xffff0ff0);
	tally_note();
}

/* General detect: the processor clears GD with the fault (SDM vol. 3B, 17.2.4), so that its handler
 * can use the debug registers. */
void run_general_detect(const struct hostile_case *c)
{
	(void)c;
	tally(try_write_dr(7, DR7_RESET | DR7_GD));
	tally(try_write_dr(0, 0));
	if (try_write_dr(7, DR7_RESET))
		flaw("GD stays set");
	tally_note();
}

static void run_xsetbv(const struct hostile_case *c)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} bad[] = { { 0, 0 }, { 0, 2 }, { 0, 5 }, { 0, BIT64(63) | 1 }, { 0, UINT64_MAX },
		{ 0, 0x9 }, { 0, 0x21 }, { 0, 0xe1 }, { 0, 0x20001 }, { 1, 1 }, { UINT32_MAX, 1 } };
	uint64_t cr4 = read_cr4();
	bool has_xsave = cpuid(1, 0).ecx & BIT32(26);

	(void)c;
	tally(try_xsetbv(0, 1)); /* without CR4.OSXSAVE */
	if (has_xsave) {
		write_cr4(cr4 | CR4_OSXSAVE);
		for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
			tally(try_xsetbv(bad[i].index, bad[i].value));
		for (unsigned bit = 1; bit < 64; bit++)
			tally(try_xsetbv(0, BIT64(bit) | 1));
		tally(try_xsetbv(0, 1));
		write_cr4(cr4);
	}
	tally_note();
}

static void run_cpuid(const struct hostile_case *c)
{
	static const uint32_t firsts[] = { 0, 0x40000000, 0x80000000, 0xc0000000, 0xfffffff0 };
	uint32_t sum = 0;

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(firsts); i++)
		for (uint32_t leaf = 0; leaf < 0x24; leaf++)
			for (uint32_t sub = 0; sub < 4; sub++)
				sum += cpuid(firsts[i] + leaf, sub == 3 ? UINT32_MAX : sub).eax;
	note_hex("sum", sum);
}

struct hypercall {
	uint64_t number, a0, a1, a2, a3;
};

static void hypercall_now(void *arg)
{
	struct hypercall *h = arg;

	__asm__ volatile("vmcall"
			 : "+a"(h->number)
			 : "b"(h->a0), "c"(h->a1), "d"(h->a2), "S"(h->a3)
			 : "memory");
}

static void run_hypercalls(const struct hostile_case *c)
{
	(void)c;
	for (unsigned i = 0; i < 64; i++) {
		struct hypercall h = { i < 32 ? i : junk(), junk(), junk(), junk(), junk() };

		tally(try_call(hypercall_now, &h));
		if (i == 0)
			note_hex("returned", h.number);
	}
	tally_note();
}

/* Clock, steal-time and EOI pages where there is no room for one. */
static void run_kvm_msrs(const struct hostile_case *c)
{
	static const uint32_t msrs[] = { 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03,
		0x4b564d04, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0x4b564d08 };
	const uint64_t places[] = { memory_end_low() - 4, memory_end_low() - 1, memory_end_low(),
		UINT64_C(0x1003), UINT64_C(0xfec00000), UINT64_C(0xfee00000),
		UINT64_C(0xfffffffffffff000), UINT64_MAX, BIT64(52), 0 };

	(void)c;
	if (machine_hypervisor() != HYPERVISOR_KVM_LIKE) {
		skip_case("no KVM signature");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(places); k++) {
			tally(try_wrmsr(msrs[i], places[k]));
			tally(try_wrmsr(msrs[i], places[k] | 1));
			cpu_idle(3000); /* exits, so that the page would be written */
		}
		tally(try_wrmsr(msrs[i], 0));
	}
	tally_note();
}

/* Switching the APIC's modes: x2APIC to xAPIC, off, and impossible bases. */
static void run_apic_base(const struct hostile_case *c)
{
	uint64_t base = rdmsr(IA32_APIC_BASE);
	const uint64_t values[] = { base ^ APIC_BASE_ENABLE,
		base & ~(uint64_t)APIC_BASE_EXTD & ~BIT64(11), base + 0x1000, base | BIT64(60),
		base | 0xff, base ^ APIC_BASE_BSP };

	(void)c;
	if (!apic_is_x2()) {
		skip_case("no x2APIC");
		return;
	}
	interrupts_disable();
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		tally(try_wrmsr(IA32_APIC_BASE, values[i]));
		/* back from off: xAPIC first, then x2APIC */
		if (!(rdmsr(IA32_APIC_BASE) & APIC_BASE_ENABLE))
			tally(try_wrmsr(IA32_APIC_BASE, (base & ~(uint64_t)APIC_BASE_EXTD)));
		tally(try_wrmsr(IA32_APIC_BASE, base));
	}
	apic_init();
	interrupts_enable();
	tally_note();
	if (!apic_is_x2())
		flaw("x2APIC cannot be enabled again");
}

#define CASE(n, f)                                                                                 \
	{                                                                                          \
		n, f, 0, 0, NULL, 0                                                                \
	}

const struct hostile_case cpu_cases[] = {
	CASE("insns", run_insns),
	CASE("control", run_control),
	CASE("cr8", run_cr8),
	CASE("debug", run_debug),
	CASE("xsetbv", run_xsetbv),
	CASE("cpuid", run_cpuid),
	CASE("hypercalls", run_hypercalls),
	CASE("kvm-msrs", run_kvm_msrs),
	CASE("apic-base", run_apic_base),
	{ NULL, NULL, 0, 0, NULL, 0 },
};
