// sources: hv/vm/guest_msr.c hv/vm/pvclock.c hv/dev/lapic.c hv/dev/lapic_msr.c hv/dev/lapic_timer.c hv/mem/guest_mem.c hv/vmx/vmx_event.c hv/vmx/vmcs.c tests/support/fake_vmx.c
/* The MSRs that exit: every number with any value is answered by a value or by #GP. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/interrupt.h"
#include "cpu/msr.h"
#include "fake_vmx.h"
#include "vm/exit.h"
#include "vm/vm.h"
#include "vmx/vmx.h"

#define RAM_BYTES 0x4000

struct vmx_caps vmx_caps;
static struct vm vm;
static struct vcpu v;
static _Alignas(4096) uint8_t ram[RAM_BYTES], page[4096];
static _Alignas(64) struct pi_desc pi;
static uint64_t host_arch_capabilities, sent_icr;
static bool host_has_arch_capabilities, fast_strings;

int rdmsr_safe(uint32_t msr, uint64_t *value)
{
	assert_int_equal(msr, IA32_ARCH_CAPABILITIES);
	*value = host_arch_capabilities;
	return 0;
}

bool vmx_has_fast_strings(void)
{
	return fast_strings;
}

struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	(void)subleaf;
	if (leaf == 0)
		return (struct cpuid_regs){ .eax = 7 };
	return (struct cpuid_regs){ .edx = host_has_arch_capabilities ? BIT32(29) : 0 };
}

static uint64_t guest_tsc(void *ctx)
{
	(void)ctx;
	return fake_tsc + v.vmx.tsc_offset;
}

static void send_ipi(void *ctx, uint64_t icr)
{
	(void)ctx;
	sent_icr = icr;
}

static void eoi(void *ctx, uint8_t vector)
{
	(void)ctx;
	(void)vector;
}

static const struct lapic_ops ops = { guest_tsc, send_ipi, eoi };

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	memset(&v, 0, sizeof(v));
	memset(&vm, 0, sizeof(vm));
	memset(ram, 0, sizeof(ram));
	vm.mem = (struct guest_mem){ 1, { { 0, RAM_BYTES, ram } } };
	vm.clock.scale = pvclock_scale_of(1000000);
	v.vm = &vm;
	v.mtrr_def_type = 0xc06;
	lapic_init(&v.lapic, 0, true, page, &pi, &ops, &v);
	vmx_caps = (struct vmx_caps){ .xsaves = true };
	fake_set(VMCS_GUEST_CR0, CR0_PE);
	host_has_arch_capabilities = true;
	host_arch_capabilities = UINT64_MAX;
	sent_icr = 0;
	return 0;
}

static uint64_t rd(uint32_t msr)
{
	uint64_t value = 0xdead;

	assert_int_equal(vcpu_rdmsr(&v, msr, &value), 0);
	return value;
}

static void no_rd(uint32_t msr)
{
	uint64_t value;

	assert_int_equal(vcpu_rdmsr(&v, msr, &value), -EINVAL);
}

static void wr(uint32_t msr, uint64_t value)
{
	assert_int_equal(vcpu_wrmsr(&v, msr, value), 0);
}

static void no_wr(uint32_t msr, uint64_t value)
{
	assert_int_equal(vcpu_wrmsr(&v, msr, value), -EINVAL);
}

/* ---- Everything ---- */

static const uint64_t values[] = { 0, 1, 3, 0xff, 0x100, 0x1000, 0x3fff, 0x4000, 0xfee00d00,
	0x80000000, UINT32_MAX, BIT64(32), 0x0007040600070406, BIT64(63), UINT64_MAX };

static void try_all_values(uint32_t msr)
{
	uint64_t value;
	int err = vcpu_rdmsr(&v, msr, &value);

	assert_true(err == 0 || err == -EINVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		err = vcpu_wrmsr(&v, msr, values[i]);
		assert_true(err == 0 || err == -EINVAL);
		err = vcpu_rdmsr(&v, msr, &value);
		assert_true(err == 0 || err == -EINVAL);
	}
}

static void every_msr_answers(void **state)
{
	(void)state;
	for (uint32_t msr = 0; msr < 0x2000; msr++)
		try_all_values(msr);
	for (uint32_t msr = 0xc0000000; msr < 0xc0002000; msr++)
		try_all_values(msr);
	for (uint32_t msr = 0x40000000; msr < 0x40000200; msr++)
		try_all_values(msr);
	for (uint32_t msr = 0x4b564d00; msr < 0x4b564e00; msr++)
		try_all_values(msr);
	for (uint32_t bit = 0; bit < 32; bit++)
		try_all_values(BIT32(bit) - 1);
	try_all_values(UINT32_MAX);
}

static void unknown_ones_fault(void **state)
{
	const uint32_t none[] = { 0, 0x3b, 0x48, 0x49, 0xc1, 0xce, 0x122, 0x186, 0x198, 0x345,
		0x38f, 0x480, 0x48d, 0x4f0, 0x570, 0x7ff, 0x900, 0xc0010015, 0x40000000, 0x4b564d02,
		0x4b564d04, UINT32_MAX };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		no_rd(none[i]);
		no_wr(none[i], 0);
	}
}

/* ---- Exits ---- */

static void exits_move_registers(void **state)
{
	(void)state;
	v.vmx.gpr[GPR_RCX] = 0xdeadbeef00000000 | IA32_MTRRCAP;
	v.vmx.gpr[GPR_RAX] = v.vmx.gpr[GPR_RDX] = UINT64_MAX;
	assert_int_equal(exit_rdmsr(&v), EXIT_NEXT_INSN);
	assert_int_equal(v.vmx.gpr[GPR_RAX], 0x508);
	assert_int_equal(v.vmx.gpr[GPR_RDX], 0);
	v.vmx.gpr[GPR_RCX] = IA32_TSC_DEADLINE;
	v.vmx.gpr[GPR_RAX] = 0xffffffff00000001;
	v.vmx.gpr[GPR_RDX] = 0xffffffff00000002;
	wr(0x832, 2 << 17 | 0x40); /* TSC-deadline mode; masked until SVR enables */
	assert_int_equal(exit_wrmsr(&v), EXIT_NEXT_INSN);
	assert_int_equal(rd(IA32_TSC_DEADLINE), 0x200000001);
	v.vmx.gpr[GPR_RCX] = 0x1234;
	assert_int_equal(exit_rdmsr(&v), EXIT_RESUME);
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000b0d);
	fake_set(VMCS_ENTRY_INTR_INFO, 0);
	assert_int_equal(exit_wrmsr(&v), EXIT_RESUME);
	assert_int_equal(fake_get(VMCS_ENTRY_INTR_INFO), 0x80000b0d);
}

/* ---- One by one ---- */

static void constants(void **state)
{
	(void)state;
	assert_int_equal(rd(IA32_APIC_BASE), 0xfee00d00); /* boot CPU, x2APIC */
	no_wr(IA32_APIC_BASE, 0xfee00900);
	wr(IA32_APIC_BASE, 0xfee00d00);
	assert_int_equal(rd(IA32_FEATURE_CONTROL), 1); /* locked, no VMX */
	no_wr(IA32_FEATURE_CONTROL, 5);
	assert_int_equal(rd(IA32_BIOS_SIGN_ID), BIT64(32));
	assert_int_equal(rd(IA32_PLATFORM_ID), 0);
	assert_int_equal(rd(IA32_MCG_CAP), 0);
	no_wr(IA32_MCG_STATUS, 4);
	no_rd(IA32_TIME_STAMP_COUNTER); /* reads do not exit */
	fast_strings = true;
	assert_int_equal(rd(IA32_MISC_ENABLE), 0x1801);
	fast_strings = false;
	assert_int_equal(rd(IA32_MISC_ENABLE), 0x1800);
}

/* Immunities are told; bits that promise an MSR which is not there are not. */
static void arch_capabilities(void **state)
{
	const uint64_t promises = BIT64(7) | BIT64(9) | BIT64(10) | BIT64(11) | BIT64(12) |
				  BIT64(18) | BIT64(21) | BIT64(22) | BIT64(23);

	(void)state;
	assert_int_equal(rd(IA32_ARCH_CAPABILITIES) & promises, 0);
	assert_int_equal(rd(IA32_ARCH_CAPABILITIES) & 0x17f, 0x17f);
	host_arch_capabilities = BIT64(0) | BIT64(7);
	assert_int_equal(rd(IA32_ARCH_CAPABILITIES), 1);
	host_has_arch_capabilities = false;
	no_rd(IA32_ARCH_CAPABILITIES);
}

static void mtrrs_remember(void **state)
{
	(void)state;
	assert_int_equal(rd(IA32_MTRRCAP), 0x508);
	no_wr(IA32_MTRRCAP, 0);
	assert_int_equal(rd(IA32_MTRR_DEF_TYPE), 0xc06);
	for (uint32_t msr = 0x200; msr < 0x210; msr++)
		wr(msr, msr);
	no_rd(0x210);
	wr(0x250, 0x250), wr(0x258, 0x258), wr(0x259, 0x259);
	for (uint32_t msr = 0x268; msr < 0x270; msr++)
		wr(msr, msr);
	no_rd(0x251), no_rd(0x257), no_rd(0x25a), no_rd(0x267), no_rd(0x270);
	no_wr(0x251, 0), no_wr(0x260, 0);
	wr(IA32_MTRR_DEF_TYPE, 0);
	for (uint32_t msr = 0x200; msr < 0x210; msr++)
		assert_int_equal(rd(msr), msr);
	assert_int_equal(rd(0x250), 0x250);
	assert_int_equal(rd(0x259), 0x259);
	assert_int_equal(rd(0x26f), 0x26f);
	assert_int_equal(rd(IA32_MTRR_DEF_TYPE), 0);
}

static void x2apic(void **state)
{
	(void)state;
	assert_int_equal(rd(0x802), 0);
	assert_int_equal(rd(0x803), 0x50014);
	assert_int_equal(rd(0x80d), 1);
	wr(0x80f, 0x1ff);
	assert_true(v.irr_dirty);
	wr(0x808, 0x20);
	assert_int_equal(rd(0x808), 0x20);
	wr(0x830, 0x100004000 | 0x31);
	assert_int_equal(sent_icr, 0x100004000 | 0x31);
	assert_int_equal(rd(0x830), 0x100004000 | 0x31);
	no_rd(0x80b), no_rd(0x83f), no_rd(0x831), no_rd(0x840), no_rd(0x8ff);
	no_wr(0x802, 0), no_wr(0x80b, 1), no_wr(0x840, 0);
	wr(0x83f, 0x41);
	assert_int_equal(rd(0x822), 2);
	assert_int_equal(rd(0x820), 0); /* the page's anchor is not the guest's */
}

static void kvm_clock(void **state)
{
	const uint32_t *version = (const uint32_t *)(ram + 0x1000);

	(void)state;
	wr(0x4b564d01, 0x1001);
	assert_int_equal(rd(0x4b564d01), 0x1001);
	assert_int_equal(rd(0x12), 0x1001); /* the old number is the same register */
	assert_true(*version != 0 && *version % 2 == 0);
	assert_int_equal(*(const uint32_t *)(ram + 0x1000 + 24), 0x80000000); /* 1 GHz */
	(void)!vcpu_wrmsr(&v, 0x4b564d01, RAM_BYTES | 1);
	(void)!vcpu_wrmsr(&v, 0x4b564d01, UINT64_MAX);
	(void)!vcpu_wrmsr(&v, 0x4b564d00, UINT64_MAX & ~UINT64_C(3));
	v.entity.waited_ticks = 1234;
	wr(0x4b564d03, 0x2001);
	assert_int_equal(v.steal_base_ticks, 1234);
	no_wr(0x4b564d02, 1);
}

static void tsc_moves_with_its_timer(void **state)
{
	(void)state;
	wr(0x80f, 0x1ff);
	wr(0x832, 0x40); /* one shot */
	wr(0x83e, 0xb);	 /* divide by 1 */
	wr(0x838, 50000);
	wr(IA32_TIME_STAMP_COUNTER, 0x123456789abc);
	assert_int_equal(fake_get(VMCS_TSC_OFFSET), v.vmx.tsc_offset);
	assert_true(guest_tsc(NULL) - 0x123456789abc < 100);
	assert_true(lapic_timer_deadline(&v.lapic) - guest_tsc(NULL) <= 50000);
	assert_true(lapic_timer_deadline(&v.lapic) - guest_tsc(NULL) > 49000);
}

static void debugctl_and_xss(void **state)
{
	(void)state;
	wr(IA32_DEBUGCTL, 3); /* accepted, and off */
	assert_int_equal(rd(IA32_DEBUGCTL), 0);
	no_wr(IA32_DEBUGCTL, 4);
	assert_int_equal(fake_get(VMCS_GUEST_DEBUGCTL), 0);
	wr(IA32_XSS, 0);
	no_wr(IA32_XSS, 0x100);
	vmx_caps.xsaves = false;
	no_rd(IA32_XSS);
	no_wr(IA32_XSS, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_msr_answers, setup),
		cmocka_unit_test_setup(unknown_ones_fault, setup),
		cmocka_unit_test_setup(exits_move_registers, setup),
		cmocka_unit_test_setup(constants, setup),
		cmocka_unit_test_setup(arch_capabilities, setup),
		cmocka_unit_test_setup(mtrrs_remember, setup),
		cmocka_unit_test_setup(x2apic, setup),
		cmocka_unit_test_setup(kvm_clock, setup),
		cmocka_unit_test_setup(tsc_moves_with_its_timer, setup),
		cmocka_unit_test_setup(debugctl_and_xss, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
