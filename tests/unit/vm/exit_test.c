// sources: hv/vm/exit.c hv/vm/exit_cr.c hv/vm/exit_io.c hv/vm/exit_mmio.c hv/vm/guest_msr.c hv/vm/guest_cpuid.c hv/vm/pvclock.c hv/dev/bus.c hv/dev/decode.c hv/dev/guest_walk.c hv/dev/lapic.c hv/dev/lapic_msr.c hv/dev/lapic_timer.c hv/mem/guest_mem.c hv/vmx/vmx_event.c hv/vmx/vmx_control.c hv/vmx/vmx_switch.c hv/vmx/ept.c hv/vmx/vmcs.c hv/mem/pagetable.c hv/lib/fmt.c tests/support/fake_vmx.c
/* Exit handlers: whatever the exit says and the guest holds, the guest goes on or stops alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "cpu/tsc.h"
#include "fake_vmx.h"
#include "mem/page_alloc.h"
#include "vm/exit.h"
#include "vm/vm.h"
#include "vmx/vmx.h"

#define RAM_BYTES 0x10000
#define DEVICE	  UINT64_C(0xfe000000)

struct vmx_caps vmx_caps;
uint64_t tsc_khz = 1000000;

static struct vm vm;
static struct vcpu v;
static struct conf_guest conf = { .name = "test" };
static _Alignas(4096) uint8_t ram[RAM_BYTES], apic_page[4096], fpu_page[4096];
static _Alignas(64) struct pi_desc pi;
static unsigned nr_crashes, nr_interrupts, nr_nmis, nr_machine_checks, nr_ipis;
static struct bus_access last_access;

/* ---- What the handlers call ---- */

void vm_crash(struct vm *m, const char *why)
{
	assert_ptr_equal(m, &vm);
	assert_true(strlen(why) < VM_WHY_MAX);
	nr_crashes++;
}

void interrupt_handle(uint8_t vector)
{
	(void)vector;
	nr_interrupts++;
}

void nmi_handle(void)
{
	nr_nmis++;
}

void machine_check_handle(void)
{
	nr_machine_checks++;
}

int rdmsr_safe(uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = 0;
	return 0;
}

bool vmx_enter(uint64_t gpr[GPRS], bool launched);
bool vmx_enter(uint64_t gpr[GPRS], bool launched)
{
	(void)gpr;
	(void)launched;
	return true;
}

void *page_alloc(unsigned n)
{
	(void)n;
	return NULL;
}

void page_free(void *hva, unsigned n)
{
	(void)hva;
	(void)n;
}

uint64_t vmx_guest_cr4_mask(void)
{
	return CR4_PAE | CR4_PGE | CR4_MCE | CR4_OSFXSR | CR4_PCIDE;
}

uint64_t vmx_guest_xcr0_mask(void)
{
	return 7;
}

bool vmx_has_fast_strings(void)
{
	return true;
}

bool vmx_has_spec_ctrl(void)
{
	return true;
}

static uint64_t guest_tsc(void *ctx)
{
	(void)ctx;
	return fake_tsc;
}

static void send_ipi(void *ctx, uint64_t icr)
{
	(void)ctx;
	(void)icr;
	nr_ipis++;
}

static void eoi(void *ctx, uint8_t vector)
{
	(void)ctx;
	(void)vector;
}

static const struct lapic_ops ops = { guest_tsc, send_ipi, eoi };

static void device(void *arg, struct bus_access *a)
{
	(void)arg;
	last_access = *a;
	if (!a->write)
		a->value = 0x1122334455667788;
}

/* ---- A vCPU in flat protected mode without paging ---- */

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	memset(&v, 0, sizeof(v));
	memset(&vm, 0, sizeof(vm));
	memset(ram, 0, sizeof(ram));
	vm.mem = (struct guest_mem){ 1, { { 0, RAM_BYTES, ram } } };
	vm.conf = &conf;
	vm.nr_vcpus = 1;
	vm.clock.scale = pvclock_scale_of(1000000);
	v.vm = &vm;
	v.vmx.fpu_area = fpu_page;
	v.vmx.vpid = 1;
	v.vmx.dr6 = 0xffff0ff0;
	lapic_init(&v.lapic, 0, true, apic_page, &pi, &ops, &v);
	assert_non_null(bus_add(&vm.mmio, DEVICE, 0x1000, device, NULL));
	assert_non_null(bus_add(&vm.ports, 0x3f8, 8, device, NULL));
	vmx_caps = (struct vmx_caps){ .vpid = true, .xsaves = true };
	fake_set(VMCS_GUEST_CR0, CR0_PE | CR0_NE);
	fake_set(VMCS_CR0_MASK, CR0_NE | CR0_CD | CR0_NW);
	fake_set(VMCS_GUEST_CR4, CR4_VMXE | CR4_MCE);
	fake_set(VMCS_CR4_MASK, ~vmx_guest_cr4_mask());
	fake_set(VMCS_GUEST_CS_ACCESS, 0xc09b);
	fake_set(VMCS_GUEST_RIP, 0x1000);
	fake_set(VMCS_GUEST_RFLAGS, 2);
	fake_set(VMCS_PROC_CONTROLS, PROC_MOV_DR);
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 2);
	nr_crashes = nr_interrupts = nr_nmis = nr_machine_checks = nr_ipis = 0;
	memset(&last_access, 0, sizeof(last_access));
	return 0;
}

static enum exit_action take(uint32_t reason, uint64_t qualification)
{
	fake_set(VMCS_EXIT_QUALIFICATION, qualification);
	return vcpu_handle_exit(&v, reason);
}

#define UD 0x80000306u
#define GP 0x80000b0du

static void assert_injected(uint32_t info)
{
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), info);
	fake_set(VMCS_ENTRY_INTR_INFO, 0);
}

/* ---- Anything ---- */

static uint64_t next_random(void)
{
	static uint64_t r = 88172645463325252;

	r ^= r << 13;
	r ^= r >> 7;
	r ^= r << 17;
	return r;
}

static uint64_t random_value(void)
{
	uint64_t r = next_random();

	switch (r & 7) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return r >> 8 & 0xffff;
	case 3:
		return DEVICE + (r >> 8 & 0xfff);
	case 4:
		return BIT64(r >> 8 & 63);
	default:
		return next_random();
	}
}

static void randomise(void)
{
	static const uint32_t guest[] = { VMCS_GUEST_CR0, VMCS_GUEST_CR3, VMCS_GUEST_CR4,
		VMCS_GUEST_EFER, VMCS_GUEST_RIP, VMCS_GUEST_RSP, VMCS_GUEST_RFLAGS, VMCS_GUEST_DR7,
		VMCS_GUEST_CS_BASE, VMCS_EXIT_QUALIFICATION, VMCS_GUEST_PHYSICAL_ADDRESS,
		VMCS_GUEST_LINEAR_ADDRESS };
	static const uint32_t words[] = { VMCS_EXIT_INTR_INFO, VMCS_EXIT_INTR_ERROR_CODE,
		VMCS_IDT_VECTORING_INFO, VMCS_IDT_VECTORING_ERROR_CODE, VMCS_EXIT_INSTRUCTION_LEN,
		VMCS_EXIT_INSTRUCTION_INFO, VMCS_GUEST_CS_ACCESS, VMCS_GUEST_INTERRUPTIBILITY };

	for (unsigned i = 0; i < ARRAY_SIZE(guest); i++)
		fake_set(guest[i], random_value());
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		fake_set(words[i], (uint32_t)random_value());
	for (unsigned i = 0; i < GPRS; i++)
		v.vmx.gpr[i] = random_value();
	for (unsigned i = 0; i < 64; i++)
		ram[next_random() % RAM_BYTES] = (uint8_t)next_random();
}

/* Every reason with every kind of nonsense; ASan, UBSan and a panic are the judges. */
static void no_exit_brings_us_down(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		for (uint32_t reason = 0; reason < EXIT_REASONS + 4; reason++) {
			enum exit_action action;
			unsigned crashes = nr_crashes;

			randomise();
			action = vcpu_handle_exit(&v, reason | (next_random() & 0x80) << 24);
			assert_true(action <= EXIT_STOP);
			assert_int_equal(nr_crashes, crashes + (action == EXIT_STOP));
		}
	}
}

static void impossible_exits_stop_the_guest(void **state)
{
	const uint32_t fatal[] = { EXIT_TRIPLE_FAULT, EXIT_TASK_SWITCH, EXIT_EPT_MISCONFIG,
		EXIT_INIT, EXIT_SIPI, 5, 35, 71, 72, 0xffff, VMX_ENTRY_FAILED,
		VMX_ENTRY_FAILED | EXIT_INVALID_GUEST_STATE, VMX_ENTRY_FAILED | EXIT_MSR_LOADING };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		assert_int_equal(take(fatal[i], 0), EXIT_STOP);
	assert_int_equal(nr_crashes, ARRAY_SIZE(fatal));
}

static void vmx_instructions_do_not_exist(void **state)
{
	const uint32_t none[] = { EXIT_VMXON, EXIT_VMXOFF, EXIT_VMCLEAR, EXIT_VMLAUNCH,
		EXIT_VMPTRLD, EXIT_VMPTRST, EXIT_VMREAD, EXIT_VMWRITE, EXIT_VMRESUME, EXIT_INVEPT,
		EXIT_INVVPID, EXIT_VMFUNC, EXIT_GETSEC, EXIT_RSM, EXIT_MWAIT, EXIT_MONITOR };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		assert_int_equal(take(none[i], 0), EXIT_RESUME);
		assert_injected(UD);
	}
}

static void host_events_are_passed_on(void **state)
{
	(void)state;
	fake_set(VMCS_EXIT_INTR_INFO, 0x800000f1);
	assert_int_equal(take(EXIT_EXTERNAL_INTERRUPT, 0), EXIT_RESUME);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000202);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 0), EXIT_RESUME);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000312);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 0), EXIT_RESUME);
	assert_int_equal(take(EXIT_MACHINE_CHECK, 0), EXIT_RESUME);
	assert_true(nr_interrupts == 1 && nr_nmis == 1 && nr_machine_checks == 2);
	assert_injected(0);
}

static void halt_and_pause(void **state)
{
	(void)state;
	assert_int_equal(take(EXIT_HLT, 0), EXIT_NEXT_INSN);
	assert_true(v.halted && !v.halted_with_if);
	fake_set(VMCS_GUEST_RFLAGS, RFLAGS_IF | 2);
	assert_int_equal(take(EXIT_HLT, 0), EXIT_NEXT_INSN);
	assert_true(v.halted_with_if);
	assert_int_equal(take(EXIT_PAUSE, 0), EXIT_NEXT_INSN);
	assert_true(v.yield);
}

/* ---- Exceptions ---- */

static void debug_exception(void **state)
{
	(void)state;
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000301);
	fake_set(VMCS_GUEST_DR7, 0x2400); /* GD */
	assert_int_equal(take(EXIT_EXCEPTION_NMI, BIT64(14) | 1), EXIT_RESUME);
	assert_int_equal(fake_this()->dr[6] & 0x600f, BIT64(14) | 1);
	assert_int_equal(fake_get(VMCS_GUEST_DR7), 0x400);
	assert_injected(0x80000301);
	fake_this()->dr[0] = 0x1234; /* by the guest */
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 2), EXIT_RESUME);
	assert_int_equal(fake_this()->dr[0], 0x1234);
	assert_int_equal(fake_this()->dr[6] & 0xf, 2);
	assert_int_equal(fake_get(VMCS_GUEST_PENDING_DEBUG), 0);
}

/* A step that an interrupt shadow has put off must be pending, or the entry is refused. */
static void debug_exception_in_a_shadow(void **state)
{
	(void)state;
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000301);
	fake_set(VMCS_GUEST_RFLAGS, RFLAGS_TF | 2);
	fake_set(VMCS_GUEST_INTERRUPTIBILITY, 1);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 1), EXIT_RESUME);
	assert_int_equal(fake_get(VMCS_GUEST_PENDING_DEBUG), BIT64(14));
}

static void int1_is_not_repeated(void **state)
{
	(void)state;
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000501);
	fake_set(VMCS_EXIT_INSTRUCTION_LEN, 1);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 0), EXIT_RESUME);
	assert_int_equal(fake_get(VMCS_ENTRY_INSTRUCTION_LEN), 1);
	assert_injected(0x80000501);
}

static void alignment_check(void **state)
{
	(void)state;
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000b11);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 0), EXIT_RESUME);
	assert_injected(0x80000b11);
	fake_set(VMCS_EXIT_INTR_INFO, 0x80000311);
	assert_int_equal(take(EXIT_EXCEPTION_NMI, 0), EXIT_RESUME);
	assert_injected(0x80000311);
}

static void interrupted_event_stays(void **state)
{
	(void)state;
	fake_set(VMCS_IDT_VECTORING_INFO, 0x80000030);
	fake_set(VMCS_EXIT_INTR_INFO, 0x800000f1);
	assert_int_equal(take(EXIT_EXTERNAL_INTERRUPT, 0), EXIT_RESUME);
	assert_injected(0x80000030);
}

/* ---- Registers ---- */

static void control_registers(void **state)
{
	unsigned flushes = fake_this()->nr_invvpid;

	(void)state;
	v.vmx.gpr[GPR_RCX] = CR0_PE | CR0_CD;
	assert_int_equal(take(EXIT_CR_ACCESS, 1 << 8 | 0), EXIT_NEXT_INSN);
	assert_int_equal(vmx_get_cr0(), CR0_PE | CR0_CD | CR0_ET);
	v.vmx.gpr[GPR_RCX] = CR0_PG;
	assert_int_equal(take(EXIT_CR_ACCESS, 1 << 8 | 0), EXIT_RESUME);
	assert_injected(GP);
	v.vmx.gpr[GPR_RBX] = CR4_VMXE;
	assert_int_equal(take(EXIT_CR_ACCESS, 3 << 8 | 4), EXIT_RESUME);
	assert_injected(GP);
	v.vmx.gpr[GPR_RBX] = CR4_MCE;
	assert_int_equal(take(EXIT_CR_ACCESS, 3 << 8 | 4), EXIT_NEXT_INSN);
	assert_int_equal(vmx_get_cr4(), CR4_MCE);
	assert_true(fake_this()->nr_invvpid >= flushes + 2); /* as the instructions flush */
	assert_int_equal(take(EXIT_CR_ACCESS, 2 << 4), EXIT_NEXT_INSN);		    /* CLTS */
	assert_int_equal(take(EXIT_CR_ACCESS, 3 << 4 | 0xb << 16), EXIT_NEXT_INSN); /* LMSW */
	assert_int_equal(vmx_get_cr0() & 0xf, 0xb);
	assert_int_equal(take(EXIT_CR_ACCESS, 3 << 4 | 0 << 16), EXIT_NEXT_INSN);
	assert_int_equal(vmx_get_cr0() & 0xf, 1); /* PE stays */
	for (unsigned cr = 0; cr < 16; cr++)
		if (cr != 0 && cr != 3 && cr != 4 && cr != 8)
			assert_int_equal(take(EXIT_CR_ACCESS, cr), EXIT_RESUME);
}

static void pae_takes_its_pointers(void **state)
{
	uint64_t pdpte[4] = { 0x2001, 0x3001, 0, 0x5001 };

	(void)state;
	memcpy(ram + 0x4020, pdpte, sizeof(pdpte));
	fake_set(VMCS_GUEST_CR3, 0x4020);
	fake_set(VMCS_GUEST_CR4, fake_get(VMCS_GUEST_CR4) | CR4_PAE);
	v.vmx.gpr[0] = CR0_PE | CR0_PG;
	assert_int_equal(take(EXIT_CR_ACCESS, 0), EXIT_NEXT_INSN);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(fake_get(0x280a + 2 * i), pdpte[i]);
	fake_set(VMCS_GUEST_CR3, 0xfffff000);
	assert_int_equal(take(EXIT_CR_ACCESS, 0), EXIT_RESUME);
	assert_injected(GP);
}

static void xsetbv_is_checked(void **state)
{
	(void)state;
	v.vmx.gpr[GPR_RAX] = 7;
	assert_int_equal(take(EXIT_XSETBV, 0), EXIT_NEXT_INSN);
	assert_int_equal(v.vmx.xcr0, 7);
	v.vmx.gpr[GPR_RAX] = 5;
	assert_int_equal(take(EXIT_XSETBV, 0), EXIT_RESUME);
	assert_injected(GP);
	v.vmx.gpr[GPR_RAX] = 7;
	v.vmx.gpr[GPR_RCX] = 1;
	assert_int_equal(take(EXIT_XSETBV, 0), EXIT_RESUME);
	assert_injected(GP);
}

static void illegal_self_ipi(void **state)
{
	(void)state;
	v.lapic.regs[LAPIC_SELF_IPI / 4] = 5;
	assert_int_equal(take(EXIT_APIC_WRITE, LAPIC_SELF_IPI), EXIT_RESUME);
	assert_int_equal(v.lapic.errors, LAPIC_ESR_SEND_ILLEGAL_VECTOR);
	assert_int_equal(nr_crashes, 0);
}

/* ---- Ports and device memory ---- */

static void port_accesses(void **state)
{
	(void)state;
	v.vmx.gpr[GPR_RAX] = 0xaabbccddeeff0011;
	assert_int_equal(take(EXIT_IO, 0x3f80000), EXIT_NEXT_INSN);
	assert_true(last_access.write && last_access.size_bytes == 1 && last_access.value == 0x11);
	assert_int_equal(take(EXIT_IO, 0x3f90008 | 1), EXIT_NEXT_INSN);
	assert_int_equal(last_access.offset, 1);
	assert_int_equal(v.vmx.gpr[GPR_RAX], 0xaabbccddeeff7788);
	assert_int_equal(take(EXIT_IO, 0x3f80008 | 3), EXIT_NEXT_INSN);
	assert_int_equal(v.vmx.gpr[GPR_RAX], 0x55667788);
}

static void string_port_accesses(void **state)
{
	(void)state;
	memcpy(ram + 0x2000, "xy", 2);
	fake_set(VMCS_GUEST_LINEAR_ADDRESS, 0x2000);
	fake_set(VMCS_EXIT_INSTRUCTION_INFO, 1 << 7); /* 32-bit addresses */
	v.vmx.gpr[GPR_RSI] = 0x2000;
	v.vmx.gpr[GPR_RCX] = 2;
	assert_int_equal(take(EXIT_IO, 0x3f80030), EXIT_RESUME);
	assert_true(last_access.value == 'x' && v.vmx.gpr[GPR_RCX] == 1);
	assert_int_equal(v.vmx.gpr[GPR_RSI], 0x2001);
	fake_set(VMCS_GUEST_LINEAR_ADDRESS, 0x2001);
	assert_int_equal(take(EXIT_IO, 0x3f80030), EXIT_NEXT_INSN);
	assert_true(last_access.value == 'y' && v.vmx.gpr[GPR_RCX] == 0);
	assert_int_equal(take(EXIT_IO, 0x3f80030), EXIT_NEXT_INSN); /* nothing left */
	fake_set(VMCS_GUEST_LINEAR_ADDRESS, RAM_BYTES);
	v.vmx.gpr[GPR_RCX] = 1;
	assert_int_equal(take(EXIT_IO, 0x3f80038), EXIT_RESUME);
	assert_injected(GP);
}

#define OPERAND (BIT64(7) | BIT64(8))

static void device_memory(void **state)
{
	static const uint8_t load[] = { 0x8b, 0x03 }; /* mov (%ebx), %eax */

	(void)state;
	memcpy(ram + 0x1000, load, sizeof(load));
	fake_set(VMCS_GUEST_PHYSICAL_ADDRESS, DEVICE + 0x10);
	assert_int_equal(take(EXIT_EPT_VIOLATION, OPERAND | 1), EXIT_RESUME);
	assert_int_equal(v.vmx.gpr[GPR_RAX], 0x55667788);
	assert_int_equal(last_access.offset, 0x10);
	assert_int_equal(fake_get(VMCS_GUEST_RIP), 0x1002);
	memset(ram + 0x1002, 0x0f, 8);
	assert_int_equal(take(EXIT_EPT_VIOLATION, OPERAND | 1), EXIT_STOP);
}

/* Not the operand of the instruction at RIP: that one must not be run in its place. */
static void device_memory_by_others(void **state)
{
	(void)state;
	fake_set(VMCS_GUEST_PHYSICAL_ADDRESS, DEVICE);
	last_access.offset = 99;
	assert_int_equal(take(EXIT_EPT_VIOLATION, BIT64(2) | OPERAND), EXIT_STOP); /* fetch */
	assert_int_equal(take(EXIT_EPT_VIOLATION, BIT64(7) | 1), EXIT_STOP);	   /* page table */
	assert_int_equal(take(EXIT_EPT_VIOLATION, 1), EXIT_STOP);		   /* PDPTEs */
	fake_set(VMCS_IDT_VECTORING_INFO, 0x80000030);
	assert_int_equal(take(EXIT_EPT_VIOLATION, OPERAND | 2), EXIT_STOP); /* the stack */
	assert_int_equal(last_access.offset, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_exit_brings_us_down, setup),
		cmocka_unit_test_setup(impossible_exits_stop_the_guest, setup),
		cmocka_unit_test_setup(vmx_instructions_do_not_exist, setup),
		cmocka_unit_test_setup(host_events_are_passed_on, setup),
		cmocka_unit_test_setup(halt_and_pause, setup),
		cmocka_unit_test_setup(debug_exception, setup),
		cmocka_unit_test_setup(debug_exception_in_a_shadow, setup),
		cmocka_unit_test_setup(int1_is_not_repeated, setup),
		cmocka_unit_test_setup(alignment_check, setup),
		cmocka_unit_test_setup(interrupted_event_stays, setup),
		cmocka_unit_test_setup(control_registers, setup),
		cmocka_unit_test_setup(pae_takes_its_pointers, setup),
		cmocka_unit_test_setup(xsetbv_is_checked, setup),
		cmocka_unit_test_setup(illegal_self_ipi, setup),
		cmocka_unit_test_setup(port_accesses, setup),
		cmocka_unit_test_setup(string_port_accesses, setup),
		cmocka_unit_test_setup(device_memory, setup),
		cmocka_unit_test_setup(device_memory_by_others, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
