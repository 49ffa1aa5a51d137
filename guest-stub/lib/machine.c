/* Start information (Xen's PVH start_info ABI, "x86/HVM direct boot ABI"), and the machine's end.
 */
#include "machine.h"

#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/string.h"
#include "options.h"
#include "report.h"

#define START_MAGIC 0x336ec578u
#define RANGES_MAX  32
#define SLEEP_PORT  0x600 /* hardware-reduced ACPI sleep control: SLP_EN, SLP_TYP 5 */
#define SLEEP_S5    ((5u << 2) | 0x20u)
#define RESET_PORT  0xcf9
#define RESET_FULL  6
#define DEBUG_EXIT  0xf4 /* QEMU's isa-debug-exit */
#define FW_CFG_PORT 0x510

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules_gpa, cmdline_gpa, rsdp_gpa, memory_map_gpa;
	uint32_t nr_memory_ranges, reserved;
};

extern uint64_t start_info_gpa;

static struct memory_range ranges[RANGES_MAX];
const struct memory_range *memory_map = ranges;
uint32_t nr_memory_ranges;

/* Copied before anything else is written: the loader may have put it anywhere. */
static void start_info_take(void)
{
	const struct start_info *s = (const void *)start_info_gpa; /* identity-mapped */

	if (s->magic != START_MAGIC)
		return;
	if (s->cmdline_gpa)
		options_take((const char *)s->cmdline_gpa);
	if (s->version < 1)
		return;
	nr_memory_ranges = MIN(s->nr_memory_ranges, (uint32_t)RANGES_MAX);
	memcpy(ranges, (const void *)s->memory_map_gpa, nr_memory_ranges * sizeof(ranges[0]));
}

bool memory_is_ram(uint64_t gpa, uint64_t len_bytes)
{
	for (uint32_t i = 0; i < nr_memory_ranges; i++) {
		const struct memory_range *r = &ranges[i];

		if (r->type == MEMORY_RAM && gpa >= r->gpa && len_bytes <= r->len_bytes &&
			gpa - r->gpa <= r->len_bytes - len_bytes)
			return true;
	}
	return false;
}

uint64_t memory_end_low(void)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < nr_memory_ranges; i++)
		if (ranges[i].type == MEMORY_RAM && ranges[i].gpa < GIB(4))
			end = MAX(end, ranges[i].gpa + ranges[i].len_bytes);
	return end;
}

enum hypervisor machine_hypervisor(void)
{
	struct cpuid_regs r;
	uint32_t name[3];

	if (!(cpuid(1, 0).ecx & BIT32(31)))
		return HYPERVISOR_NONE;
	r = cpuid(0x40000000, 0);
	name[0] = r.ebx;
	name[1] = r.ecx;
	name[2] = r.edx;
	return memcmp(name, "KVMKVMKVM\0\0\0", 12) ? HYPERVISOR_OTHER : HYPERVISOR_KVM_LIKE;
}

bool machine_is_qemu(void)
{
	outw(FW_CFG_PORT, 0);
	return inb(FW_CFG_PORT + 1) == 'Q' && inb(FW_CFG_PORT + 1) == 'E';
}

void machine_triple_fault(void)
{
	static const struct descriptor_table none;

	load_idt(&none);
	__asm__ volatile("ud2");
}

static _Noreturn void halt_forever(void)
{
	interrupts_disable();
	for (;;)
		cpu_halt();
}

void machine_poweroff(bool ok)
{
	outb(SLEEP_PORT, SLEEP_S5);
	outb(DEBUG_EXIT, ok ? 0 : 1);
	halt_forever();
}

void machine_end(void)
{
	bool ok = report_done();

	if (option_is("end", "reset"))
		outb(RESET_PORT, RESET_FULL);
	if (option_is("end", "triple"))
		machine_triple_fault();
	if (option_is("end", "hlt"))
		halt_forever();
	machine_poweroff(ok);
}

void machine_main(void)
{
	start_info_take();
	console_init();
	stub_main();
	machine_end();
}
