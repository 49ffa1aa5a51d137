/* smoke: does the virtual machine's basic hardware work? Options: README.md. */
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "machine.h"
#include "report.h"
#include "try.h"
#include "vnet.h"

#define MSR_KVM_WALL_CLOCK  0x4b564d00
#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define MSR_KVM_STEAL_TIME  0x4b564d03
#define KVM_FEATURE_CLOCK2  BIT32(3)
#define KVM_FEATURE_STEAL   BIT32(5)
#define KVM_LEAF_FEATURES   0x40000001

/* A stamp in each 2 MiB of RAM, written and then read back, detects aliases and holes. */
static void stamp_memory(bool write, uint64_t *checked, uint64_t *wrong)
{
	for (uint32_t i = 0; i < nr_memory_ranges; i++) {
		const struct memory_range *r = &memory_map[i];
		uint64_t gpa = ALIGN_UP(MAX(r->gpa, (uint64_t)image_end), MIB(2));

		for (; r->type == MEMORY_RAM && gpa + MIB(2) <= r->gpa + r->len_bytes;
			gpa += MIB(2)) {
			volatile uint64_t *last = (volatile uint64_t *)(gpa + MIB(2) - 8);

			if (write && map_identity(gpa, MIB(2)))
				*last = gpa;
			else if (*last != gpa)
				++*wrong;
			++*checked;
		}
	}
}

static void test_memory(const char *name)
{
	uint64_t checked = 0, wrong = 0;

	stamp_memory(true, &checked, &wrong);
	stamp_memory(false, &checked, &wrong);
	if (wrong || !checked)
		report_fail(name, "%lu of %lu stamps wrong", wrong, checked / 2);
	else
		report_pass(name, "%lu MB", checked);
}

static void test_cpuid(const char *name)
{
	if (machine_hypervisor() != HYPERVISOR_KVM_LIKE)
		report_skip(name, "no KVM signature");
	else
		report(name, (cpuid(1, 0).ecx & BIT32(21)) && apic_has_deadline(),
			"x2APIC or TSC deadline missing");
}

static void test_timer(const char *name)
{
	uint32_t *count = &this_cpu()->interrupts[VECTOR_TIMER];
	uint32_t before = *count;
	uint64_t start = rdtsc();

	apic_timer_arm(100000);
	while (load_relaxed(count) == before && rdtsc() - start < WAIT_TICKS)
		cpu_relax();
	report(name, load_relaxed(count) == before + 1, "no interrupt");
}

static void test_halt(const char *name)
{
	uint32_t before = this_cpu()->interrupts[VECTOR_TIMER];
	uint64_t start = rdtsc();

	cpu_idle(200000);
	if (this_cpu()->interrupts[VECTOR_TIMER] != before + 1)
		report_fail(name, "woken without the timer");
	else if (apic_has_deadline() && rdtsc() - start < 200000)
		report_fail(name, "woken after %lu of 200000 ticks", rdtsc() - start);
	else
		report_pass(name, "%lu ticks late", rdtsc() - start - 200000);
}

static void test_self_ipi(const char *name)
{
	uint32_t *count = this_cpu()->interrupts;
	bool held;

	interrupts_disable();
	apic_self_ipi(VECTOR_TEST);
	apic_self_ipi(VECTOR_TEST); /* merges with the first */
	apic_self_ipi(VECTOR_TEST + 0x10);
	held = load_relaxed(&count[VECTOR_TEST]) == 0;
	interrupts_enable();
	wait_interrupts(VECTOR_TEST, 0);
	report(name,
		held && load_relaxed(&count[VECTOR_TEST]) == 1 &&
			load_relaxed(&count[VECTOR_TEST + 0x10]) == 1,
		"wrong count");
}

static void send_ipi_back(void *arg)
{
	apic_send(*(uint32_t *)arg, APIC_FIXED | APIC_ASSERT | VECTOR_TEST);
}

/* Starts all CPUs; each sends an interrupt to this one. */
static void test_cpus(const char *name)
{
	unsigned expected = (unsigned)option_u64("vcpus", 0);
	unsigned n = cpu_start_others(expected), answered = 1;
	uint32_t self = apic_id();

	for (unsigned id = 0; id < CPUS_MAX; id++) {
		uint32_t before = this_cpu()->interrupts[VECTOR_TEST];

		if (id == this_cpu()->id || !cpu_by_id(id)->online)
			continue;
		cpu_run(cpu_by_id(id), send_ipi_back, &self);
		answered += wait_interrupts(VECTOR_TEST, before);
	}
	if (answered != n || (expected && n != expected))
		report_fail(name, "%u started, %u answered", n, answered);
	else
		report_pass(name, "%u", n);
}

/* KVM's clock page: Linux, Documentation/virt/kvm/x86/msr.rst. */
struct clock_page {
	uint32_t version, pad;
	uint64_t tsc, system_ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

/* The time at *@tsc, which is read here: one moment by both clocks. */
static uint64_t clock_now_ns(volatile struct clock_page *p, uint64_t *tsc)
{
	uint64_t delta, now;
	uint32_t version;

	do {
		version = load_acquire(&p->version);
		*tsc = rdtsc();
		delta = *tsc - p->tsc;
		delta = p->shift < 0 ? delta >> -p->shift : delta << p->shift;
		now = p->system_ns + (uint64_t)(((unsigned __int128)delta * p->mul) >> 32);
	} while ((version & 1) || load_acquire(&p->version) != version);
	return now;
}

static void test_clock(const char *name)
{
	static volatile struct clock_page page __attribute__((aligned(PAGE_SIZE)));
	uint64_t first, last, tsc, tsc_last, ns;

	if (machine_hypervisor() != HYPERVISOR_KVM_LIKE ||
		!(cpuid(KVM_LEAF_FEATURES, 0).eax & KVM_FEATURE_CLOCK2)) {
		report_skip(name, "not offered");
		return;
	}
	if (try_wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1) || !page.mul) {
		report_fail(name, "page not filled");
		return;
	}
	first = clock_now_ns(&page, &tsc);
	cpu_idle(300000);
	last = clock_now_ns(&page, &tsc_last);
	ns = last - first;
	if (!ns || ns > UINT64_C(10000000000))
		report_fail(name, "%lu ns passed", ns);
	else
		report_pass(name, "%lu kHz", ((tsc_last - tsc) * 1000000 + ns / 2) / ns);
}

static void test_steal(const char *name)
{
	static volatile uint64_t area[8] __attribute__((aligned(64)));

	if (machine_hypervisor() != HYPERVISOR_KVM_LIKE ||
		!(cpuid(KVM_LEAF_FEATURES, 0).eax & KVM_FEATURE_STEAL)) {
		report_skip(name, "not offered");
		return;
	}
	if (try_wrmsr(MSR_KVM_STEAL_TIME, (uint64_t)area | 1))
		report_fail(name, "MSR refused");
	else
		report_pass(name, "%lu ns", area[0]);
}

static void test_nic(const char *name)
{
	static struct vnet nic;

	if (!vnet_find(&nic))
		report_skip(name, "none");
	else if (!vnet_start(&nic, 0, true))
		report_fail(name, "status %x", vnet_status(&nic));
	else
		report_pass(name, "%lx, %u queues", nic.features, nic.nr_queues);
}

static const struct {
	const char *name;
	void (*test)(const char *name);
} tests[] = {
	{ "memory", test_memory },
	{ "cpuid", test_cpuid },
	{ "timer", test_timer },
	{ "halt", test_halt },
	{ "self-ipi", test_self_ipi },
	{ "cpus", test_cpus },
	{ "clock", test_clock },
	{ "steal", test_steal },
	{ "nic", test_nic },
};

void stub_main(void)
{
	const char *only = option("case");

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		if (!only || !strcmp(only, "all") || !strcmp(only, tests[i].name))
			tests[i].test(tests[i].name);
}
