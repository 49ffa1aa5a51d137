// sources: hv/vmx/vmx_switch.c hv/vmx/vmx_setup.c hv/vmx/vmx_event.c hv/vmx/ept.c hv/vmx/vmcs.c hv/mem/pagetable.c tests/support/fake_vmx.c
/* Starting vCPUs, moving them between cores, entering them, and events into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/descriptors.h"
#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "fake_vmx.h"
#include "mem/page_alloc.h"
#include "vmx/exit_reason.h"
#include "vmx/vmx.h"
#include "vmx/vmx_vcpu.h"

struct vmx_caps vmx_caps;
static struct cpu_features features;
static struct ept ept;
static struct vmx_vcpu a, b;
static void *pages[64];
static unsigned nr_pages;

/* What the next entry does. */
static bool enter_ok;
static uint32_t enter_reason, enter_error;
static bool entered_launched;

extern const char vmx_exit_entry[];
const char vmx_exit_entry[1];
bool vmx_enter(uint64_t gpr[GPRS], bool launched);

bool vmx_enter(uint64_t gpr[GPRS], bool launched)
{
	(void)gpr;
	entered_launched = launched;
	fake_set(VMCS_INSTRUCTION_ERROR, enter_error);
	fake_set(VMCS_EXIT_REASON, enter_reason);
	return enter_ok;
}

const struct cpu_features *cpu_features_get(void)
{
	return &features;
}

int rdmsr_safe(uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = 0;
	return 0;
}

uint64_t idt_base(void)
{
	return 0x2000;
}

void *page_alloc(unsigned n)
{
	void *p = memset(aligned_alloc(PAGE_SIZE, n * PAGE_SIZE), 0, n * PAGE_SIZE);

	pages[nr_pages++] = p;
	return p;
}

void page_free(void *hva, unsigned n)
{
	(void)hva;
	(void)n;
}

struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	(void)subleaf;
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ .eax = 0xd };
	case 7:
		return (struct cpuid_regs){ .edx = BIT32(26) };
	case 0xd:
		return (struct cpuid_regs){ .eax = 7 };
	default:
		return (struct cpuid_regs){ 0 };
	}
}

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	nr_pages = 0;
	enter_ok = true;
	enter_reason = EXIT_HLT;
	enter_error = 0;
	features.xsave = true;
	vmx_caps = (struct vmx_caps){ .revision = 0x2b,
		.vpid = true,
		.apicv = true,
		.posted_interrupts = true,
		.xsaves = true,
		.rdtscp = true,
		.pause_loop = true,
		.entry = 0x11fb | ENTRY_CTL_GUEST_64,
		.proc = PROC_MOV_DR | PROC_HLT,
		.ept_vpid = EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE };
	assert_int_equal(vmx_shared_init(), 0);
	memset(&ept, 0, sizeof(ept));
	assert_int_equal(ept_init(&ept), 0);
	assert_int_equal(vmx_vcpu_init(&a, &ept, 1, page_alloc(1), page_alloc(1)), 0);
	assert_int_equal(vmx_vcpu_init(&b, &ept, 2, page_alloc(1), page_alloc(1)), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < nr_pages; i++)
		free(pages[i]);
	return 0;
}

static void start(struct vmx_vcpu *v)
{
	struct vmx_start s = {
		.mode = START_LONG64, .rip = 0x1000000, .cr3 = 0x9000, .gdt_gpa = 0x8000
	};

	vmx_vcpu_start(v, &s);
}

static void on_core(unsigned index)
{
	fake_core_index = index;
}

/* ---- Start ---- */

static void start_in_real_mode(void **state)
{
	struct vmx_start s = { .mode = START_REAL, .sipi_vector = 0x9a };

	(void)state;
	vmx_vcpu_start(&a, &s);
	assert_int_equal(fake_get(VMCS_GUEST_CS_SELECTOR), 0x9a00);
	assert_int_equal(fake_get(VMCS_GUEST_CS_BASE), 0x9a000);
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 0);
	assert_int_equal(fake_get(VMCS_GUEST_CR0), CR0_NE | CR0_ET);
	assert_int_equal(fake_get(VMCS_CR0_SHADOW), CR0_ET);
	assert_int_equal(fake_get(VMCS_GUEST_EFER), 0);
	assert_false(fake_get(VMCS_ENTRY_CONTROLS) & ENTRY_CTL_GUEST_64);
	assert_int_equal(fake_get(VMCS_GUEST_RFLAGS), 2);
	assert_int_equal(fake_get(VMCS_LINK_POINTER), UINT64_MAX);
	assert_int_equal(fake_get(VMCS_VPID), 1);
}

static void start_in_long_mode(void **state)
{
	(void)state;
	start(&a);
	assert_true(fake_get(VMCS_ENTRY_CONTROLS) & ENTRY_CTL_GUEST_64);
	assert_int_equal(fake_get(VMCS_GUEST_EFER), EFER_LME | EFER_LMA);
	assert_int_equal(fake_get(VMCS_GUEST_CR3), 0x9000);
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 0x1000000);
	assert_int_equal(fake_get(VMCS_HOST_GS_BASE), (uint64_t)&fake_core[0].cpu);
	assert_int_equal(fake_get(VMCS_EPT_POINTER), ept.pointer);
}

/* Nothing of the former life: registers, XCR0, debug registers, a pending event, translations. */
static void restart_is_clean(void **state)
{
	unsigned flushes;

	(void)state;
	start(&a);
	vmx_give_debug_registers(&a);
	fake_this()->dr[0] = 0x1234;
	fake_this()->fpu = 0x77;
	fake_this()->star = 0x55;
	fake_this()->spec_ctrl = 1;
	fake_this()->cr2 = 0x99;
	a.xcr0 = fake_this()->xcr0 = 7;
	a.gpr[GPR_RBX] = 3;
	vmx_inject(EVENT_EXTERNAL, 0x30, false, 0);
	vmx_window_exiting(PROC_INTERRUPT_WINDOW, true);
	fake_set(VMCS_GUEST_INTR_STATUS, 0x3030);
	flushes = fake_this()->nr_invvpid;
	start(&a);
	assert_true(fake_this()->nr_invvpid > flushes);
	assert_int_equal(fake_this()->last_invvpid_tag, 1);
	assert_int_equal(fake_this()->fpu | fake_this()->star | fake_this()->spec_ctrl, 0);
	assert_int_equal(fake_this()->cr2, 0);
	assert_int_equal(fake_this()->xcr0, 1);
	assert_int_equal(a.gpr[GPR_RBX], 0);
	assert_false(vmx_event_pending());
	assert_int_equal(fake_get(VMCS_PROC_CONTROLS), vmx_caps.proc);
	assert_int_equal(fake_get(VMCS_GUEST_INTR_STATUS), 0);
	assert_false(a.uses_dr);
	vmx_give_debug_registers(&a);
	assert_int_equal(fake_this()->dr[0], 0);
}

/* ---- Switching ---- */

static void two_share_a_core(void **state)
{
	(void)state;
	start(&a);
	fake_this()->fpu = 0xa;
	fake_this()->lstar = 0xaa;
	fake_this()->cr2 = 0xaaa;
	a.xcr0 = fake_this()->xcr0 = 3;
	start(&b);
	assert_int_equal(a.loaded_on, VMX_NOT_LOADED);
	assert_int_equal(b.loaded_on, 0);
	assert_int_equal(fake_this()->fpu | fake_this()->lstar | fake_this()->cr2, 0);
	assert_int_equal(fake_this()->xcr0, 1);
	fake_this()->fpu = 0xb;
	b.xcr0 = fake_this()->xcr0 = 7;
	vmx_vcpu_load(&a);
	assert_int_equal(fake_this()->fpu, 0xa);
	assert_int_equal(fake_this()->lstar, 0xaa);
	assert_int_equal(fake_this()->cr2, 0xaaa);
	assert_int_equal(fake_this()->xcr0, 3);
	vmx_vcpu_load(&b);
	assert_int_equal(fake_this()->fpu, 0xb);
	assert_int_equal(fake_this()->lstar, 0);
	assert_int_equal(fake_this()->xcr0, 7);
}

static void loading_the_loaded_one_is_free(void **state)
{
	unsigned wrmsrs;

	(void)state;
	start(&a);
	wrmsrs = fake_this()->nr_wrmsr;
	vmx_vcpu_load(&a);
	assert_int_equal(fake_this()->nr_wrmsr, wrmsrs);
}

static void migration(void **state)
{
	(void)state;
	start(&a);
	(void)vmx_vcpu_enter(&a);
	assert_true(a.launched);
	fake_this()->fpu = 0xa;
	vmx_vcpu_evict(&a);
	assert_false(a.launched);
	on_core(1);
	vmx_vcpu_evict(&a); /* not here: nothing happens */
	vmx_vcpu_load(&a);
	assert_int_equal(a.loaded_on, 1);
	assert_int_equal(fake_this()->fpu, 0xa);
	assert_int_equal(fake_get(VMCS_HOST_GS_BASE), (uint64_t)&fake_core[1].cpu);
	assert_int_equal(fake_get(VMCS_HOST_TR_BASE), (uint64_t)&fake_core[1].cpu.tables.tss);
	assert_int_equal(fake_this()->nr_invvpid, 1);
	(void)vmx_vcpu_enter(&a);
	assert_false(entered_launched);
	assert_int_equal(fake_this()->nr_invept, 1);
	vmx_vcpu_evict(&a);
	on_core(0);
	vmx_vcpu_load(&a);
	assert_int_equal(fake_this()->last_invvpid_tag, 1); /* what core 0 kept is old by now */
	assert_int_equal(fake_this()->nr_invvpid, 3);
}

static void without_xsave(void **state)
{
	(void)state;
	features.xsave = false;
	assert_int_equal(vmx_shared_init(), 0);
	assert_int_equal(vmx_guest_xcr0_mask(), 0);
	start(&a);
	fake_this()->fpu = 0xa;
	start(&b);
	fake_this()->fpu = 0xb;
	vmx_vcpu_load(&a);
	assert_int_equal(fake_this()->fpu, 0xa);
}

/* The guest's debug registers are in the hardware once it has touched them: a later #DB, or another
 * MOV-DR exit, must not bring back older ones. */
static void debug_registers_are_given_once(void **state)
{
	(void)state;
	start(&a);
	assert_true(fake_get(VMCS_PROC_CONTROLS) & PROC_MOV_DR);
	vmx_give_debug_registers(&a);
	assert_false(fake_get(VMCS_PROC_CONTROLS) & PROC_MOV_DR);
	assert_int_equal(fake_this()->dr[6], 0xffff0ff0);
	fake_this()->dr[0] = 0x1000;
	fake_this()->dr[3] = 0x3000;
	vmx_give_debug_registers(&a);
	assert_int_equal(fake_this()->dr[0], 0x1000);
	start(&b);
	fake_this()->dr[0] = 0xbad; /* somebody else's */
	vmx_vcpu_load(&a);
	assert_int_equal(fake_this()->dr[0], 0x1000);
	assert_int_equal(fake_this()->dr[3], 0x3000);
}

/* ---- Entry ---- */

static void failed_entry_does_not_launch(void **state)
{
	(void)state;
	start(&a);
	enter_reason = EXIT_INVALID_GUEST_STATE | VMX_ENTRY_FAILED;
	assert_int_equal(vmx_vcpu_enter(&a), EXIT_INVALID_GUEST_STATE | VMX_ENTRY_FAILED);
	assert_false(a.launched);
	enter_reason = EXIT_HLT;
	assert_int_equal(vmx_vcpu_enter(&a), EXIT_HLT);
	assert_false(entered_launched);
	assert_int_equal(vmx_vcpu_enter(&a), EXIT_HLT);
	assert_true(entered_launched);
}

/* An injected event that contradicts the guest's state is the guest's end, not ours. */
static void refused_event_is_the_guests(void **state)
{
	(void)state;
	start(&a);
	vmx_inject(EVENT_HARDWARE_EXCEPTION, 13, false, 0);
	enter_ok = false;
	enter_error = 7;
	assert_int_equal(vmx_vcpu_enter(&a), VMX_ENTRY_FAILED);
	assert_false(a.launched);
	start(&a);
	assert_false(vmx_event_pending());
	enter_ok = true;
	assert_int_equal(vmx_vcpu_enter(&a), EXIT_HLT);
}

/* ---- Events ---- */

static void injected_words(void **state)
{
	(void)state;
	start(&a);
	vmx_inject_gp();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000b0d);
	assert_int_equal(fake_get(VMCS_ENTRY_ERROR_CODE), 0);
	fake_set(VMCS_GUEST_CR0, CR0_NE); /* real mode has no error codes */
	vmx_inject_gp();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x8000030d);
	vmx_inject_ud();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000306);
	vmx_inject(EVENT_NMI, 2, false, 0);
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000202);
}

/* INT1 comes back as what it was, with its length: as a fault it would repeat for ever. */
static void exited_exceptions_go_back(void **state)
{
	(void)state;
	start(&a);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000501); /* privileged software exception, #DB */
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 1);
	vmx_inject_exited();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000501);
	assert_int_equal(fake_get(VMCS_ENTRY_INSTRUCTION_LEN), 1);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000b11); /* #AC */
	fake_set(VMCS_EXIT_INTR_ERROR_CODE, 0);
	vmx_inject_exited();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000b11);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80001311); /* #AC in real mode, bit 12 undefined */
	vmx_inject_exited();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000311);
}

static void interrupted_delivery_is_repeated(void **state)
{
	(void)state;
	start(&a);
	fake_set(VMCS_IDT_VECTORING_INFO, 0x80000b0e);
	fake_set(VMCS_IDT_VECTORING_ERROR_CODE, 6);
	vmx_reinject_interrupted();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000b0e);
	assert_int_equal(fake_get(VMCS_ENTRY_ERROR_CODE), 6);
	fake_set(VMCS_IDT_VECTORING_INFO, 0x80001480); /* INT 0x80 */
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 2);
	vmx_reinject_interrupted();
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000480);
	assert_int_equal(fake_get(VMCS_ENTRY_INSTRUCTION_LEN), 2);
	fake_set(VMCS_IDT_VECTORING_INFO, 0x80000202);
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 8);
	vmx_reinject_interrupted();
	assert_int_equal(fake_get(VMCS_GUEST_INTERRUPTIBILITY), 0);
	fake_set(VMCS_ENTRY_INTR_INFO, 0);
	fake_set(VMCS_IDT_VECTORING_INFO, 0x30);
	vmx_reinject_interrupted();
	assert_false(vmx_event_pending());
}

static void when_interrupts_fit(void **state)
{
	(void)state;
	start(&a);
	assert_false(vmx_can_take_interrupt());
	assert_true(vmx_can_take_nmi());
	fake_set(VMCS_GUEST_RFLAGS, RFLAGS_IF | 2);
	assert_true(vmx_can_take_interrupt());
	for (unsigned shadow = 1; shadow < 4; shadow++) {
		fake_set(VMCS_GUEST_INTERRUPTIBILITY, shadow);
		assert_false(vmx_can_take_interrupt() || vmx_can_take_nmi());
	}
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 8);
	assert_true(vmx_can_take_interrupt());
	assert_false(vmx_can_take_nmi());
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmx_inject_ud();
	assert_false(vmx_can_take_interrupt() || vmx_can_take_nmi());
}

static void skipping(void **state)
{
	(void)state;
	start(&a);
	fake_set(VMCS_GUEST_RIP, 0xffffffff);
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 9);
	vmx_skip(3);
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 0x100000002);
	assert_int_equal(fake_get(VMCS_GUEST_INTERRUPTIBILITY), 8);
	fake_set(VMCS_GUEST_CS_ACCESS, 0xc09b);
	fake_set(VMCS_GUEST_RIP, 0xffffffff);
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 2);
	vmx_next_instruction();
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_in_real_mode),
		TEST(start_in_long_mode),
		TEST(restart_is_clean),
		TEST(two_share_a_core),
		TEST(loading_the_loaded_one_is_free),
		TEST(migration),
		TEST(without_xsave),
		TEST(debug_registers_are_given_once),
		TEST(failed_entry_does_not_launch),
		TEST(refused_event_is_the_guests),
		TEST(injected_words),
		TEST(exited_exceptions_go_back),
		TEST(interrupted_delivery_is_repeated),
		TEST(when_interrupts_fit),
		TEST(skipping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
