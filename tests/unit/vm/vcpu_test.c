// sources: hv/vm/vcpu.c hv/vm/pvclock.c hv/dev/lapic.c hv/dev/lapic_msr.c hv/dev/lapic_timer.c hv/mem/guest_mem.c hv/vmx/vmx_event.c hv/vmx/vmcs.c tests/support/fake_vmx.c
/* The vCPU's loop: what it waits for, what it injects, who is notified how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/apic.h"
#include "cpu/msr.h"
#include "cpu/tsc.h"
#include "cpu/vectors.h"
#include "fake_vmx.h"
#include "mem/page_alloc.h"
#include "vm/vm.h"
#include "vmx/vmx.h"

struct vmx_caps vmx_caps;
struct percpu *cpus[CPU_MAX];

static struct vm vm;
static struct vcpu vcpu[2];
static struct conf_guest conf = { .name = "test", .weight = 256, .cores = { { UINT64_MAX } } };
static _Alignas(4096) uint8_t pages[4][4096], ram[0x4000];
static unsigned nr_pages;
static enum vm_exit stopped_why;
static unsigned nr_wakes, nr_kicks, nr_posted, nr_ioapic_eois, nr_starts;
static unsigned released_on, nr_taken[2];
static uint64_t yield_tsc;
static struct vmx_start last_start;

/* One entry: what the processor finds, and the exit that it makes. */
static unsigned nr_entries, entries_max;
static uint64_t entered_timer, entered_event, entered_status;
static void (*in_guest)(struct vcpu *v);
static enum exit_action action;
static bool halt_next;

void *page_alloc(unsigned n)
{
	assert_int_equal(n, 1);
	return memset(pages[nr_pages++], 0, 4096);
}

int vmx_vcpu_init(struct vmx_vcpu *v, struct ept *e, uint16_t vpid, void *apic, void *pi)
{
	(void)e;
	(void)apic;
	(void)pi;
	v->vpid = vpid;
	v->loaded_on = VMX_NOT_LOADED;
	return 0;
}

void vmx_vcpu_load(struct vmx_vcpu *v)
{
	v->loaded_on = 0;
}

void vmx_vcpu_start(struct vmx_vcpu *v, const struct vmx_start *s)
{
	vmx_vcpu_load(v);
	last_start = *s;
	nr_starts++;
}

uint32_t vmx_vcpu_enter(struct vmx_vcpu *v)
{
	assert_true(v->in_guest);
	assert_int_equal(v->loaded_on, 0);
	assert_false(vm.hold);
	nr_entries++;
	entered_timer = fake_get(VMCS_PREEMPTION_TIMER);
	entered_event = fake_get(VMCS_ENTRY_INTR_INFO);
	entered_status = fake_get(VMCS_GUEST_INTR_STATUS);
	fake_set(VMCS_ENTRY_INTR_INFO, 0);
	fake_tsc += 1000;
	if (in_guest)
		in_guest(CONTAINER_OF(v, struct vcpu, vmx));
	if (nr_entries >= entries_max)
		yield_tsc = 0;
	return EXIT_PREEMPTION_TIMER;
}

enum exit_action vcpu_handle_exit(struct vcpu *v, uint32_t reason)
{
	(void)reason;
	assert_false(v->vmx.in_guest);
	if (halt_next) {
		v->halted = true;
		v->halted_with_if = fake_get(VMCS_GUEST_RFLAGS) & RFLAGS_IF;
	}
	halt_next = false;
	return action;
}

void sched_add(struct sched_entity *e)
{
	e->state = SCHED_ASLEEP;
}

void sched_wake(struct sched_entity *e)
{
	(void)e;
	nr_wakes++;
}

void sched_wake_io(struct sched_entity *e)
{
	sched_wake(e);
}

void sched_forget_wake(struct sched_entity *e)
{
	(void)e;
}

uint64_t sched_yield_tsc(void)
{
	return yield_tsc;
}

void sched_poll(void)
{
}

void sched_kick(unsigned core)
{
	assert_int_equal(core, 1);
	nr_kicks++;
}

void apic_send_ipi(uint32_t apic_id, uint8_t vector)
{
	assert_int_equal(apic_id, 11);
	assert_int_equal(vector, VECTOR_POSTED);
	nr_posted++;
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	(void)io;
	(void)vector;
	nr_ioapic_eois++;
}

void vm_request_stop(struct vm *m, enum vm_exit why)
{
	stopped_why = why;
	m->hold = true;
}

void vm_nics_release(struct vm *m, unsigned core)
{
	assert_ptr_equal(m, &vm);
	released_on = core;
}

void vm_nics_consume(struct vm *m, unsigned core, uint64_t now_us, bool at_once)
{
	(void)now_us;
	assert_ptr_equal(m, &vm);
	assert_int_equal(core, 0);
	nr_taken[at_once]++;
}

uint64_t tsc_to_us(uint64_t ticks)
{
	return ticks;
}

uint64_t tsc_to_ns(uint64_t ticks)
{
	return ticks;
}

/* ---- Two vCPUs, the first one running on core 0 ---- */

#define BSP (&vcpu[0])
#define AP  (&vcpu[1])

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	fake_core[0].cpu.apic_id = 10;
	fake_core[1].cpu.apic_id = 11;
	cpus[0] = &fake_core[0].cpu;
	cpus[1] = &fake_core[1].cpu;
	memset(&vm, 0, sizeof(vm));
	memset(vcpu, 0, sizeof(vcpu));
	memset(&last_start, 0, sizeof(last_start));
	nr_pages = nr_wakes = nr_kicks = nr_posted = nr_ioapic_eois = nr_starts = nr_entries = 0;
	vmx_caps = (struct vmx_caps){ .apicv = true, .posted_interrupts = true };
	vm.conf = &conf;
	vm.mem = (struct guest_mem){ 1, { { 0, sizeof(ram), ram } } };
	vm.nr_vcpus = 2;
	for (unsigned i = 0; i < 2; i++) {
		vm.vcpu[i] = &vcpu[i];
		assert_int_equal(vcpu_init(&vcpu[i], &vm, i, (uint16_t)(i + 1)), 0);
	}
	fake_set(VMCS_GUEST_RFLAGS, RFLAGS_IF | 2);
	fake_set(VMCS_GUEST_CR0, CR0_PE);
	stopped_why = VM_EXIT_NONE;
	in_guest = NULL;
	action = EXIT_RESUME;
	halt_next = false;
	entries_max = 1;
	yield_tsc = UINT64_MAX;
	BSP->phase = VCPU_ACTIVE;
	assert_int_equal(lapic_msr_write(&BSP->lapic, 0x80f, 0x1ff), 0);
	assert_int_equal(lapic_msr_write(&AP->lapic, 0x80f, 0x1ff), 0);
	return 0;
}

static enum sched_result run(struct vcpu *v)
{
	nr_entries = 0;
	yield_tsc = UINT64_MAX;
	return v->entity.run(&v->entity);
}

static void runs_until_its_slice_ends(void **state)
{
	(void)state;
	entries_max = 5;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(nr_entries, 5);
	assert_int_equal(entered_timer, UINT32_MAX);
	assert_int_equal(BSP->nr_exits, 5);
	assert_int_equal(BSP->exits[EXIT_PREEMPTION_TIMER], 5);
	assert_false(BSP->vmx.in_guest);
}

static void skips_behind_the_instruction(void **state)
{
	(void)state;
	action = EXIT_NEXT_INSN;
	fake_set(VMCS_GUEST_RIP, 0x1000);
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 3);
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 0x1003);
}

/* ---- Packets that steering has put somewhere ---- */

static void publish(struct vcpu *v)
{
	v->vm->published = 1;
	in_guest = NULL;
}

static void takes_packets_at_entry(void **state)
{
	(void)state;
	nr_taken[0] = nr_taken[1] = 0;
	entries_max = 3;
	vm.published = 1;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(nr_taken[0], 1);
	assert_int_equal(nr_taken[1], 0);
}

static void takes_packets_in_the_guest(void **state)
{
	(void)state;
	nr_taken[0] = nr_taken[1] = 0;
	in_guest = publish;
	entries_max = 3;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(nr_taken[0], 0);
	assert_int_equal(nr_taken[1], 1);
	vmx_caps.posted_interrupts = false; /* then only the next entry shows them to the guest */
	in_guest = publish;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(nr_taken[0], 1);
	assert_int_equal(nr_taken[1], 1);
}

static void does_what_was_held(void **state)
{
	(void)state;
	released_on = UINT32_MAX;
	BSP->entity.held_work(&BSP->entity);
	assert_int_equal(released_on, 0);
	assert_null(AP->entity.held_work);
}

/* ---- Hold and requests ---- */

static void set_hold(struct vcpu *v)
{
	v->vm->hold = true;
}

static void hold_ends_it(void **state)
{
	(void)state;
	in_guest = set_hold;
	entries_max = 100;
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_int_equal(nr_entries, 1);
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_int_equal(nr_entries, 0);
	assert_true(BSP->entity.timer_tsc == SCHED_NO_TIMER);
}

static void start_up_sequence(void **state)
{
	struct lapic_ipi init = { .dest = 1, .mode = LAPIC_INIT, .assert_level = true };
	struct lapic_ipi sipi = { .dest = 1, .mode = LAPIC_SIPI, .vector = 0x9a };

	(void)state;
	assert_int_equal(run(AP), SCHED_SLEEP);
	assert_int_equal(nr_entries, 0);
	vcpu_deliver(&vm, &init, BSP);
	vcpu_deliver(&vm, &sipi, BSP);
	assert_int_equal(run(AP), SCHED_YIELD);
	assert_int_equal(nr_entries, 1);
	assert_true(last_start.mode == START_REAL && last_start.sipi_vector == 0x9a);
	vcpu_deliver(&vm, &sipi, BSP); /* the second one, as Linux sends it */
	assert_int_equal(run(AP), SCHED_YIELD);
	assert_int_equal(nr_starts, 1);
	init.assert_level = false;
	vcpu_deliver(&vm, &init, BSP); /* de-assert: nothing */
	assert_int_equal(run(AP), SCHED_YIELD);
	init.assert_level = true;
	vcpu_deliver(&vm, &init, BSP);
	assert_int_equal(run(AP), SCHED_SLEEP);
	assert_int_equal(AP->phase, VCPU_WAIT_SIPI);
}

static void init_of_the_first_is_a_reset(void **state)
{
	struct lapic_ipi init = { .dest = 0, .mode = LAPIC_INIT, .assert_level = true };

	(void)state;
	vcpu_deliver(&vm, &init, AP);
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_int_equal(stopped_why, VM_EXIT_RESET);
	assert_int_equal(nr_entries, 0);
}

static void first_starts_where_it_is_told(void **state)
{
	(void)state;
	BSP->phase = VCPU_WAIT_START;
	BSP->start = (struct vmx_start){ .mode = START_LONG64, .rip = 0x1234 };
	assert_int_equal(run(BSP), SCHED_SLEEP);
	vcpu_request(BSP, VCPU_REQUEST_START);
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(last_start.rip, 0x1234);
}

/* ---- HLT and time ---- */

static void arm(uint64_t deadline)
{
	assert_int_equal(lapic_msr_write(&BSP->lapic, 0x832, 2 << 17 | 0x40), 0);
	lapic_tsc_deadline_write(&BSP->lapic, deadline);
}

static void halt_waits_for_the_timer(void **state)
{
	(void)state;
	arm(fake_tsc + 50000);
	halt_next = true;
	entries_max = 100;
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_int_equal(nr_entries, 1);
	assert_true(BSP->entity.timer_tsc > fake_tsc + 40000);
	assert_true(BSP->entity.timer_tsc < fake_tsc + 50000);
	assert_int_equal(run(BSP), SCHED_SLEEP); /* too early */
	fake_tsc += 60000;
	entries_max = 1;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(entered_status & 0xff, 0x40);
}

static void halt_without_interrupts_waits_for_an_nmi(void **state)
{
	struct lapic_ipi nmi = { .dest = 0, .mode = LAPIC_NMI };

	(void)state;
	fake_set(VMCS_GUEST_RFLAGS, 2);
	halt_next = true;
	entries_max = 100;
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_true(lapic_post(&BSP->lapic, 0x41));
	assert_int_equal(run(BSP), SCHED_SLEEP);
	vcpu_deliver(&vm, &nmi, AP);
	entries_max = 1;
	assert_int_equal(run(BSP), SCHED_YIELD);
	assert_int_equal(entered_event, 0x80000202);
}

/* The timer of the preemption is the nearest of slice and deadline; neither wraps, whatever the
 * guest makes of its TSC. */
static void deadlines(void **state)
{
	(void)state;
	arm(fake_tsc + 5000);
	(void)run(BSP);
	assert_true(entered_timer > 4000 && entered_timer <= 5000);
	vmx_caps.preemption_shift = 5;
	fake_tsc -= 1000;
	(void)run(BSP);
	assert_true(entered_timer > 4000 / 32 && entered_timer <= 5000 / 32);
	vmx_caps.preemption_shift = 0;
	arm(UINT64_MAX - 1);
	(void)run(BSP);
	assert_int_equal(entered_timer, UINT32_MAX);
	BSP->vmx.tsc_offset = -UINT64_C(0x100); /* wraps: the guest's TSC is near 2^64 or 0 */
	(void)run(BSP);
	assert_int_equal(entered_timer, UINT32_MAX);
	BSP->vmx.tsc_offset = BIT64(63) - fake_tsc;
	arm(UINT64_MAX - 1);
	(void)run(BSP);
	assert_int_equal(entered_timer, UINT32_MAX);
	BSP->vmx.tsc_offset = -fake_tsc; /* guest's TSC 0, deadline beyond our 2^64 */
	arm(UINT64_MAX - 1000);
	halt_next = true;
	entries_max = 100;
	assert_int_equal(run(BSP), SCHED_SLEEP);
	assert_true(BSP->entity.timer_tsc > fake_tsc + BIT64(62));
}

static void scaled_deadline(void **state)
{
	(void)state;
	BSP->vmx.tsc_ratio = BIT64(49); /* the guest's runs at twice the speed */
	arm(2 * fake_tsc + 10000);
	(void)run(BSP);
	assert_true(entered_timer > 4000 && entered_timer <= 5000);
}

/* ---- Interrupts ---- */

static void hardware_delivery(void **state)
{
	(void)state;
	fake_set(VMCS_GUEST_INTR_STATUS, 0x3100); /* 0x31 in service */
	assert_true(lapic_post(&BSP->lapic, 0x55));
	(void)run(BSP);
	assert_int_equal(entered_status, 0x3155);
	assert_int_equal(entered_event, 0);
	assert_int_equal(fake_get(VMCS_EOI_EXIT_BITMAP0 + 2), 0);
	assert_true(lapic_post_level(&BSP->lapic, 0x61));
	(void)run(BSP);
	assert_int_equal(entered_status, 0x3161);
	assert_int_equal(fake_get(VMCS_EOI_EXIT_BITMAP0 + 2), BIT64(0x21));
	assert_int_equal(pages[0][LAPIC_IRR] & 1, 1); /* the anchor */
}

static void software_delivery(void **state)
{
	(void)state;
	vmx_caps.apicv = vmx_caps.posted_interrupts = false;
	assert_true(lapic_post(&BSP->lapic, 0x55));
	assert_false(lapic_post(&BSP->lapic, 0x41));
	(void)run(BSP);
	assert_int_equal(entered_event, 0x80000055);
	assert_false(fake_get(VMCS_PROC_CONTROLS) & PROC_INTERRUPT_WINDOW); /* 0x41 is below */
	lapic_eoi(&BSP->lapic);
	fake_set(VMCS_GUEST_RFLAGS, 2);
	(void)run(BSP);
	assert_int_equal(entered_event, 0);
	assert_true(fake_get(VMCS_PROC_CONTROLS) & PROC_INTERRUPT_WINDOW);
	fake_set(VMCS_GUEST_RFLAGS, RFLAGS_IF | 2);
	(void)run(BSP);
	assert_int_equal(entered_event, 0x80000041);
	assert_false(fake_get(VMCS_PROC_CONTROLS) & PROC_INTERRUPT_WINDOW);
}

/* 27.2.1.1: a threshold above TPR's class would make the entry fail. */
static void tpr_threshold(void **state)
{
	(void)state;
	vmx_caps.apicv = vmx_caps.posted_interrupts = false;
	for (unsigned tpr = 0; tpr < 16; tpr++) {
		assert_int_equal(lapic_cr8_write(&BSP->lapic, tpr), 0);
		assert_true(lapic_post(&BSP->lapic, 0x91));
		(void)run(BSP);
		assert_true(fake_get(VMCS_TPR_THRESHOLD) <= tpr);
		assert_int_equal(fake_get(VMCS_TPR_THRESHOLD), tpr >= 9 ? 9 : 0);
		lapic_eoi(&BSP->lapic);
	}
}

static void nmi_waits_for_its_window(void **state)
{
	struct lapic_ipi nmi = { .dest = 0, .mode = LAPIC_NMI };

	(void)state;
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 8);
	vcpu_deliver(&vm, &nmi, NULL);
	(void)run(BSP);
	assert_int_equal(entered_event, 0);
	assert_true(fake_get(VMCS_PROC_CONTROLS) & PROC_NMI_WINDOW);
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 0);
	(void)run(BSP);
	assert_int_equal(entered_event, 0x80000202);
	assert_false(fake_get(VMCS_PROC_CONTROLS) & PROC_NMI_WINDOW);
}

/* ---- Notifications ---- */

static void notified_by_the_cheapest_way(void **state)
{
	struct lapic_ipi fixed = { .dest = 1, .vector = 0x41 };

	(void)state;
	AP->entity.core = 1;
	vcpu_deliver(&vm, &fixed, BSP); /* not in the guest: waking is enough */
	assert_true(nr_wakes == 1 && nr_posted == 0 && nr_kicks == 0);
	lapic_sync(&AP->lapic);
	AP->vmx.in_guest = true;
	vcpu_deliver(&vm, &fixed, BSP);
	assert_true(nr_wakes == 2 && nr_posted == 1 && nr_kicks == 0);
	vcpu_deliver(&vm, &fixed, BSP); /* one is on its way */
	assert_true(nr_wakes == 2 && nr_posted == 1);
	fixed.level_triggered = true;
	vcpu_deliver(&vm, &fixed, BSP);
	assert_true(nr_wakes == 3 && nr_posted == 1 && nr_kicks == 1);
	fixed.level_triggered = false;
	lapic_sync(&AP->lapic);
	vmx_caps.posted_interrupts = false;
	vcpu_deliver(&vm, &fixed, BSP);
	assert_true(nr_posted == 1 && nr_kicks == 2);
	AP->entity.core = 0; /* the core that asks */
	vcpu_request(AP, VCPU_REQUEST_NMI);
	assert_true(nr_posted == 1 && nr_kicks == 2);
}

static void messages_to_nobody(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode < 8; mode++) {
		struct lapic_ipi ipi = { .dest = 77, .mode = (uint8_t)mode, .vector = 0x41 };

		vcpu_deliver(&vm, &ipi, BSP);
	}
	assert_int_equal(nr_wakes, 0);
	for (unsigned mode = 2; mode < 8; mode += mode == 3 ? 4 : 1) { /* SMI, reserved, ExtINT */
		struct lapic_ipi ipi = { .dest = 1, .mode = (uint8_t)mode, .vector = 0x41 };

		vcpu_deliver(&vm, &ipi, BSP);
	}
	assert_int_equal(nr_wakes, 0);
}

static struct vcpu *raced;

static void post_meanwhile(struct vcpu *v)
{
	raced = v;
	vcpu_request(v, VCPU_REQUEST_NMI);
}

/* A request that comes while the guest runs is taken before the next entry. */
static void request_during_the_guest(void **state)
{
	(void)state;
	in_guest = post_meanwhile;
	entries_max = 2;
	(void)run(BSP);
	assert_ptr_equal(raced, BSP);
	assert_int_equal(nr_entries, 2);
	assert_int_equal(entered_event, 0x80000202);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(runs_until_its_slice_ends, setup),
		cmocka_unit_test_setup(skips_behind_the_instruction, setup),
		cmocka_unit_test_setup(takes_packets_at_entry, setup),
		cmocka_unit_test_setup(takes_packets_in_the_guest, setup),
		cmocka_unit_test_setup(does_what_was_held, setup),
		cmocka_unit_test_setup(hold_ends_it, setup),
		cmocka_unit_test_setup(start_up_sequence, setup),
		cmocka_unit_test_setup(init_of_the_first_is_a_reset, setup),
		cmocka_unit_test_setup(first_starts_where_it_is_told, setup),
		cmocka_unit_test_setup(halt_waits_for_the_timer, setup),
		cmocka_unit_test_setup(halt_without_interrupts_waits_for_an_nmi, setup),
		cmocka_unit_test_setup(deadlines, setup),
		cmocka_unit_test_setup(scaled_deadline, setup),
		cmocka_unit_test_setup(hardware_delivery, setup),
		cmocka_unit_test_setup(software_delivery, setup),
		cmocka_unit_test_setup(tpr_threshold, setup),
		cmocka_unit_test_setup(nmi_waits_for_its_window, setup),
		cmocka_unit_test_setup(notified_by_the_cheapest_way, setup),
		cmocka_unit_test_setup(messages_to_nobody, setup),
		cmocka_unit_test_setup(request_during_the_guest, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
