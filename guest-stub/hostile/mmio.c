/* Accesses outside RAM, and device registers reached by instructions that no driver uses. */
#include "hostile.h"

#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "machine.h"
#include "try.h"

#define PTE_RW	   3u
#define WINDOW_VA  UINT64_C(0x7f00000000) /* free linear addresses */
#define RACES	   1000
#define IOAPIC_GPA UINT64_C(0xfec00000)
#define LAPIC_GPA  UINT64_C(0xfee00000)

static void run_outside(const struct hostile_case *c)
{
	unsigned width =
		cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
	const uint64_t places[] = { memory_end_low(), memory_end_low() + MIB(64),
		UINT64_C(0xc0000000), UINT64_C(0xefff0000), LAPIC_GPA, LAPIC_GPA + 0x300,
		UINT64_C(0xfed00000), UINT64_C(0xffff0000), GIB(4), GIB(64) - 4096,
		(MIN(BIT64(width), GIB(512))) - 4096, UINT64_C(0xa0000), UINT64_C(0xf0000) };
	uint64_t v, ones = 0;

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (memory_is_ram(places[i], PAGE_SIZE) || !map_identity(places[i], PAGE_SIZE))
			continue;
		for (unsigned size = 1; size <= 8; size *= 2) {
			tally(try_read(places[i], size, &v));
			ones += size == 8 && v == UINT64_MAX;
			/* below 1 MiB there may be tables that we want to keep */
			if (places[i] >= MIB(1))
				tally(try_write(places[i] + 16, size, junk()));
		}
	}
	note("all-ones", ones);
	tally_note();
}

static void attack_address(uint64_t address, const struct insn *first, const struct insn *end)
{
	const char *only = option("insn");

	for (const struct insn *i = first; i != end; i++) {
		unsigned vector;

		if (only && strcmp(only, i->name))
			continue;
		if (option("verbose"))
			print("%s", i->name);
		vector = try_call(i->run, (void *)address);
		trap_init();
		tally(vector);
		if (option("verbose"))
			print(" #%u\n", vector);
	}
}

static void run_ioapic(const struct hostile_case *c)
{
	(void)c;
	attack_address(IOAPIC_GPA, mmio_insns, mmio_insns_end);
	*(volatile uint32_t *)IOAPIC_GPA = 0x10; /* whatever was selected: pin 0, masked */
	*(volatile uint32_t *)(IOAPIC_GPA + 0x10) = 0x10000;
	tally_note();
}

static void run_device(const struct hostile_case *c)
{
	(void)c;
	attack_address(nic.common.base + COMMON_QUEUE_DESC, mmio_insns, mmio_insns_end);
	attack_address(nic.isr.base, mmio_insns, mmio_insns_end);
	tally_note();
}

static void run_nothing(const struct hostile_case *c)
{
	(void)c;
	attack_address(UINT64_C(0xefff0000), mmio_insns, mmio_insns_end);
	tally_note();
}

static void run_odd(const struct hostile_case *c)
{
	(void)c;
	attack_address(UINT64_C(0xefff0000), odd_insns, odd_insns_end);
	attack_address(IOAPIC_GPA, odd_insns, odd_insns_end);
	tally_note();
}

static uint8_t code[4 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* An instruction whose halves lie in pages that are not neighbours in physical memory. */
static void run_split_insn(const struct hostile_case *c)
{
	/* addr32 movl $0x12345678, 0xfec00000; ret */
	static const uint8_t insn[] = { 0x67, 0xc7, 0x04, 0x25, 0, 0, 0xc0, 0xfe, 0x78, 0x56, 0x34,
		0x12, 0xc3 };

	(void)c;
	if (!map_page(WINDOW_VA, (uint64_t)code + 2 * PAGE_SIZE, PTE_RW) ||
		!map_page(WINDOW_VA + PAGE_SIZE, (uint64_t)code, PTE_RW))
		flaw("no page tables");
	for (unsigned before = 1; before <= sizeof(insn); before++) {
		uint64_t at = WINDOW_VA + PAGE_SIZE - before;

		memcpy((void *)at, insn, sizeof(insn));
		*(volatile uint32_t *)IOAPIC_GPA = 0;
		tally(try_fetch(at));
		tally(*(volatile uint32_t *)IOAPIC_GPA & 0x78 ? 0 : 32);
	}
	tally_note();
}

/* Data that lies half in RAM, half in a device, and across two devices. */
static void run_split_data(const struct hostile_case *c)
{
	uint64_t v;

	(void)c;
	if (!map_page(WINDOW_VA, (uint64_t)code, PTE_RW) ||
		!map_page(WINDOW_VA + PAGE_SIZE, IOAPIC_GPA, PTE_RW) ||
		!map_page(WINDOW_VA + 2 * PAGE_SIZE, (uint64_t)code + PAGE_SIZE, PTE_RW))
		flaw("no page tables");
	for (unsigned before = 1; before < 8; before++)
		for (unsigned end = 1; end <= 2; end++)
			for (unsigned size = 2; size <= 8; size *= 2) {
				uint64_t at = WINDOW_VA + end * PAGE_SIZE - before;

				tally(try_read(at, size, &v));
				tally(try_write(at, size, 0));
			}
	tally_note();
}

static bool race_stop;

/* Other vCPU: the bytes of the instruction change between its exit and its decoding. */
static void rewriter(void *arg)
{
	static const uint8_t insns[][6] = { { 0x8b, 0x07, 0xc3, 0xc3, 0xc3,
						    0xc3 }, /* mov eax, [rdi] */
		{ 0x48, 0x89, 0x07, 0xc3, 0xc3, 0xc3 },	    /* mov [rdi], rax */
		{ 0x0f, 0x0b, 0xc3, 0xc3, 0xc3, 0xc3 },	    /* ud2 */
		{ 0xf3, 0xa4, 0xc3, 0xc3, 0xc3, 0xc3 },	    /* rep movsb */
		{ 0x66, 0x66, 0x8b, 0x07, 0xc3, 0xc3 }, { 0xf0, 0x83, 0x0f, 0x01, 0xc3, 0xc3 } };
	volatile uint8_t *at = arg;

	for (unsigned i = 0; !load_relaxed(&race_stop); i++)
		for (unsigned k = 0; k < 6; k++)
			at[k] = insns[i % ARRAY_SIZE(insns)][k];
}

static void call_code(void *arg)
{
	uint64_t to = (uint64_t)arg, from = (uint64_t)code + PAGE_SIZE, count = 4;

	__asm__ volatile("call *%3"
			 : "+D"(to), "+S"(from), "+c"(count)
			 : "r"((uint64_t)code)
			 : "rax", "memory");
}

static void run_rewrite(const struct hostile_case *c)
{
	struct cpu *other = cpu_other();

	(void)c;
	memset(code, 0xc3, 6);
	store_relaxed(&race_stop, false);
	cpu_run(other, rewriter, code);
	for (unsigned i = 0; i < RACES; i++)
		tally(try_call(call_code, (void *)UINT64_C(0xefff0000)));
	store_relaxed(&race_stop, true);
	while (cpu_busy(other))
		cpu_relax();
	tally_note();
}

/* Other vCPU: the page tables of code and data change under an MMIO access. */
static void remapper(void *arg)
{
	(void)arg;
	while (!load_relaxed(&race_stop)) {
		map_page(WINDOW_VA, UINT64_C(0xefff0000), PTE_RW);
		map_page(WINDOW_VA, (uint64_t)code, PTE_RW);
		map_page(WINDOW_VA, 0, 0);
	}
}

static void run_remap(const struct hostile_case *c)
{
	struct cpu *other = cpu_other();
	uint64_t v;

	(void)c;
	map_page(WINDOW_VA, (uint64_t)code, PTE_RW);
	store_relaxed(&race_stop, false);
	cpu_run(other, remapper, NULL);
	for (unsigned i = 0; i < RACES; i++) {
		tally(try_read(WINDOW_VA, 4, &v));
		tally(try_write(WINDOW_VA, 4, v));
		write_cr3(read_cr3());
	}
	store_relaxed(&race_stop, true);
	while (cpu_busy(other))
		cpu_relax();
	tally_note();
}

const struct hostile_case mmio_cases[] = {
	{ "outside", run_outside, 0, 0, NULL, 0 },
	{ "mmio-nothing", run_nothing, 0, 0, NULL, 0 },
	{ "mmio-ioapic", run_ioapic, 0, 0, NULL, 0 },
	{ "mmio-device", run_device, NEEDS_NIC, 0, NULL, 0 },
	{ "split-insn", run_split_insn, 0, 0, NULL, 0 },
	{ "split-data", run_split_data, 0, 0, NULL, 0 },
	{ "remap", run_remap, NEEDS_CPU, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, NULL, 0 },
};

/* The hypervisor may stop the guest at any of these; they are not part of case=all. */
const struct hostile_case odd_cases[] = {
	{ "general-detect", run_general_detect, 0, 0, NULL, 0 },
	{ "odd-insns", run_odd, 0, 0, NULL, 0 },
	{ "rewrite", run_rewrite, NEEDS_CPU, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, NULL, 0 },
};
