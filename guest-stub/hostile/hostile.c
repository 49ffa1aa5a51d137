/* hostile: does to the hypervisor what no guest should, case by case. Options: README.md.
 *
 * After each case the machine must still work for this guest: timer, interrupts, and the NIC after
 * a reset. */
#include "hostile.h"

#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "frame.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "machine.h"
#include "report.h"

#define NOTES_MAX 8

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

struct vnet nic;

static struct {
	struct {
		const char *label;
		uint64_t value;
		bool hex;
	} notes[NOTES_MAX];
	unsigned nr_notes;
	const char *flaw, *skipped;
} outcome;
static bool has_nic;
static uint32_t faults[33], attempts;

static void add_note(const char *label, uint64_t value, bool hex)
{
	if (outcome.nr_notes == NOTES_MAX)
		return;
	outcome.notes[outcome.nr_notes].label = label;
	outcome.notes[outcome.nr_notes].value = value;
	outcome.notes[outcome.nr_notes++].hex = hex;
}

void note(const char *label, uint64_t value)
{
	add_note(label, value, false);
}

void note_hex(const char *label, uint64_t value)
{
	add_note(label, value, true);
}

void flaw(const char *text)
{
	if (!outcome.flaw)
		outcome.flaw = text;
}

void skip_case(const char *why)
{
	outcome.skipped = why;
}

void tally_clear(void)
{
	memset(faults, 0, sizeof(faults));
	attempts = 0;
}

void tally(unsigned vector)
{
	attempts++;
	if (vector)
		faults[vector < 32 ? vector : 32]++;
}

void tally_note(void)
{
	static const char *const names[32] = { [1] = "#DB",
		[3] = "#BP",
		[6] = "#UD",
		[7] = "#NM",
		[8] = "#DF",
		[10] = "#TS",
		[11] = "#NP",
		[12] = "#SS",
		[13] = "#GP",
		[14] = "#PF",
		[17] = "#AC" };

	note("tried", attempts);
	for (unsigned v = 1; v <= 32; v++)
		if (faults[v])
			note(v < 32 && names[v] ? names[v] : "other", faults[v]);
}

uint64_t junk(void)
{
	static uint64_t x = 88172645463325252u; /* Marsaglia's xorshift64 */

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static bool interrupts_work(void)
{
	uint32_t *count = this_cpu()->interrupts;
	uint32_t before = load_relaxed(&count[VECTOR_TIMER]);
	uint64_t start = rdtsc();

	apic_timer_arm(1000);
	while (load_relaxed(&count[VECTOR_TIMER]) == before)
		if (rdtsc() - start > WAIT_TICKS)
			return false;
	before = load_relaxed(&count[VECTOR_TEST]);
	apic_self_ipi(VECTOR_TEST);
	return wait_interrupts(VECTOR_TEST, before);
}

/* After a reset a frame goes out and its buffer comes back. */
static bool nic_works(void)
{
	uint8_t *f;

	if (!vnet_start(&nic, 0, false) || !(f = vnet_tx_buffer(&nic)))
		return false;
	probe_make(f, broadcast, nic.mac, PROBE_NOISE, 0, ETHERNET_MIN_BYTES);
	vnet_tx(&nic, ETHERNET_MIN_BYTES);
	return vnet_drain(&nic) && vnet_reset(&nic);
}

static void report_outcome(const char *name)
{
	if (outcome.flaw) {
		report_fail(name, "%s", outcome.flaw);
		return;
	}
	if (outcome.skipped) {
		report_skip(name, outcome.skipped);
		return;
	}
	report_pass_begin(name);
	for (unsigned i = 0; i < outcome.nr_notes; i++)
		print(outcome.notes[i].hex ? " %s %lx" : " %s %lu", outcome.notes[i].label,
			outcome.notes[i].value);
	print("\n");
}

static void run_case(const struct hostile_case *c)
{
	memset(&outcome, 0, sizeof(outcome));
	tally_clear();
	if ((c->needs & NEEDS_NIC) && !has_nic) {
		report_skip(c->name, "no NIC");
		return;
	}
	if ((c->needs & NEEDS_CPU) && !cpu_other()) {
		report_skip(c->name, "one vCPU");
		return;
	}
	if (option("verbose"))
		print("RUN %s\n", c->name);
	c->run(c);
	interrupts_enable();
	if (!interrupts_work())
		flaw("no interrupts any more");
	if (has_nic && !nic_works())
		flaw("NIC does not work after a reset");
	report_outcome(c->name);
}

static const struct {
	const char *name;
	const struct hostile_case *cases;
} groups[] = {
	{ "ring", ring_cases },
	{ "queue", queue_cases },
	{ "register", register_cases },
	{ "cpu", cpu_cases },
	{ "mmio", mmio_cases },
	{ "storm", storm_cases },
	{ "sweep", sweep_cases },
	{ "odd", odd_cases },
};

static bool selected(const char *which, const char *group, const char *name)
{
	if (!which)
		return !option("end") && strcmp(group, "odd");
	return (!strcmp(which, "all") && strcmp(group, "odd")) || !strcmp(which, group) ||
	       !strcmp(which, name);
}

static void quit_echo_guests(void)
{
	uint8_t *f;

	if (!vnet_start(&nic, 0, false) || !(f = vnet_tx_buffer(&nic)))
		return;
	probe_make(f, broadcast, nic.mac, PROBE_QUIT, 0, ETHERNET_MIN_BYTES);
	vnet_tx(&nic, ETHERNET_MIN_BYTES);
	vnet_drain(&nic);
}

void stub_main(void)
{
	const char *which = option("case");

	cpu_start_others((unsigned)option_u64("vcpus", 0));
	has_nic = vnet_find(&nic);
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (const struct hostile_case *c = groups[g].cases; c->name; c++)
			if (selected(which, groups[g].name, c->name))
				run_case(c);
	if (has_nic && option_u64("quit", 0))
		quit_echo_guests();
	hostile_end();
}
