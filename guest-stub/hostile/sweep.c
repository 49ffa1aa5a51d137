/* All MSRs and all I/O ports in turn. The longest cases: some 200,000 exits. */
#include "hostile.h"

#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "cpu/msr.h"
#include "machine.h"
#include "try.h"

#define PORT_SLEEP   0x600
#define PORT_RESET   0xcf9
#define PORT_UART    0x3f8
#define SLEEP_ENABLE 0x20
#define WIDE_STEP    8

/* Interrupts that the sweep itself would send to us, and switching our own APIC off. */
static bool may_write(uint32_t msr)
{
	return msr != IA32_APIC_BASE && msr != IA32_X2APIC_FIRST + APIC_REG_ICR &&
	       msr != IA32_X2APIC_SELF_IPI;
}

static void attack_msr(uint32_t msr)
{
	static const uint64_t values[] = { UINT64_MAX, UINT64_C(0xaaaaaaaaaaaaaaaa), BIT64(63), 0 };
	uint64_t before;
	unsigned vector = try_rdmsr(msr, &before);

	tally(vector);
	if (vector) {
		if (may_write(msr))
			tally(try_wrmsr(msr, UINT64_C(0xaaaaaaaaaaaaaaaa)));
		return;
	}
	if (!may_write(msr))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		tally(try_wrmsr(msr, values[i]));
	tally(try_wrmsr(msr, before));
}

static void run_msrs(const struct hostile_case *c)
{
	static const struct {
		uint32_t first, end;
	} ranges[] = { { 0, 0x2000 }, { 0xc0000000, 0xc0002000 }, { 0x40000000, 0x40000100 },
		{ 0x4b564d00, 0x4b564d10 } };

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (uint32_t msr = ranges[i].first; msr < ranges[i].end; msr++)
			attack_msr(msr);
	for (unsigned i = 0; i < 64; i++)
		attack_msr((uint32_t)junk() | 0x4000); /* away from the ranges above */
	apic_init();
	tally_note();
}

/* What ends the guest is left to the end= option. */
static uint32_t port_value(uint16_t port, unsigned size_bytes, uint32_t v)
{
	if (port + size_bytes > PORT_SLEEP && port <= PORT_SLEEP)
		return 0x14141414u & ~(uint32_t)SLEEP_ENABLE;
	if (port + size_bytes > PORT_RESET && port <= PORT_RESET)
		return 0;
	return v;
}

static void attack_port(uint16_t port, unsigned size_bytes)
{
	uint32_t v;

	tally(try_in(port, size_bytes, &v));
	tally(try_out(port, size_bytes, port_value(port, size_bytes, UINT32_MAX)));
	tally(try_out(port, size_bytes, port_value(port, size_bytes, 0)));
}

static void run_ports(const struct hostile_case *c)
{
	(void)c;
	if (machine_is_qemu()) {
		skip_case("QEMU's ports end it");
		return;
	}
	for (uint32_t port = 0; port < 0x10000; port++) {
		attack_port((uint16_t)port, 1);
		if (port % WIDE_STEP == 0 || port < 0x100 || (port >= PORT_UART && port < 0x400)) {
			attack_port((uint16_t)port, 2);
			attack_port((uint16_t)port, 4);
		}
		if (port >= PORT_UART - 4 && port < PORT_UART + 8)
			console_init();
	}
	print("\n");
	tally_note();
}

struct string_io {
	uint16_t port;
	bool write, down;
	unsigned size_bytes;
	uint64_t address, count;
};

#define STRING_IO(insn)                                                                            \
	__asm__ volatile("rep " insn "\n\tcld"                                                     \
			 : "+c"(count), "+D"(to), "+S"(from)                                       \
			 : "d"(s->port)                                                            \
			 : "memory")

static void string_io_now(void *arg)
{
	struct string_io *s = arg;
	uint64_t count = s->count, to = s->address, from = s->address;

	if (s->down)
		__asm__ volatile("std");
	if (s->write && s->size_bytes == 1)
		STRING_IO("outsb");
	else if (s->write && s->size_bytes == 2)
		STRING_IO("outsw");
	else if (s->write)
		STRING_IO("outsl");
	else if (s->size_bytes == 1)
		STRING_IO("insb");
	else if (s->size_bytes == 2)
		STRING_IO("insw");
	else
		STRING_IO("insl");
	__asm__ volatile("cld");
}

/* INS and OUTS, from and to RAM, devices, what is not mapped, and non-canonical addresses. */
static void run_string_io(const struct hostile_case *c)
{
	static uint8_t buffer[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	const uint64_t addresses[] = { (uint64_t)buffer, (uint64_t)buffer + PAGE_SIZE - 2,
		UINT64_C(0xfec00000), UINT64_C(0xfec00ffe), memory_end_low(),
		UINT64_C(0x7f0000000000), BIT64(63) };
	const uint16_t ports[] = { machine_is_qemu() ? 0x80 : 0x3fd, 0x71, 0xcfc, 0x80 };

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(addresses) * ARRAY_SIZE(ports) * 12; i++) {
		struct string_io s = { ports[i / 12 % ARRAY_SIZE(ports)], i & 1, i & 2,
			1u << i / 4 % 3, addresses[i / 12 / ARRAY_SIZE(ports)], 5 };

		tally(try_call(string_io_now, &s));
	}
	console_init();
	tally_note();
}

/* Bytes that a console multiplexer should not pass on or act upon. */
static void run_console(const struct hostile_case *c)
{
	(void)c;
	print("\n");
	for (unsigned i = 0; i < 256; i++)
		print("%c", (int)i);
	print("\033[2J\033]0;x\007\033c\n");
}

const struct hostile_case sweep_cases[] = {
	{ "string-io", run_string_io, 0, 0, NULL, 0 },
	{ "console", run_console, 0, 0, NULL, 0 },
	{ "msrs", run_msrs, 0, 0, NULL, 0 },
	{ "ports", run_ports, 0, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, NULL, 0 },
};
