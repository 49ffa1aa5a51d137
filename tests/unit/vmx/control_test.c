// sources: hv/vmx/vmx_control.c hv/vmx/vmcs.c tests/support/fake_vmx.c
/* A guest's control registers: what is refused, and that what is accepted enters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/msr.h"
#include "fake_vmx.h"
#include "vmx/vmx.h"
#include "vmx/vmx_vcpu.h"

struct vmx_caps vmx_caps;
static uint64_t xcr0_mask;
static struct vmx_vcpu vcpu;

#define CR4_GUEST                                                                                  \
	(CR4_VME | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR |         \
		CR4_OSXSAVE | CR4_PCIDE | CR4_SMEP)
#define CS_LONG BIT32(13)

uint64_t vmx_guest_cr4_mask(void)
{
	return CR4_GUEST;
}

uint64_t vmx_guest_xcr0_mask(void)
{
	return xcr0_mask;
}

static int setup(void **state)
{
	(void)state;
	fake_vmx_reset();
	fake_set(VMCS_CR0_MASK, CR0_NE | CR0_CD | CR0_NW);
	fake_set(VMCS_CR4_MASK, ~(uint64_t)(CR4_GUEST & ~CR4_MCE));
	fake_set(VMCS_GUEST_CR0, CR0_NE | CR0_ET);
	fake_set(VMCS_CR0_SHADOW, CR0_ET);
	fake_set(VMCS_GUEST_CR4, CR4_VMXE | CR4_MCE);
	xcr0_mask = 0xe7;
	memset(&vcpu, 0, sizeof(vcpu));
	return 0;
}

static void in_long_mode(void)
{
	fake_set(VMCS_GUEST_CR0, CR0_PE | CR0_PG | CR0_NE | CR0_ET);
	fake_set(VMCS_CR0_SHADOW, CR0_PE | CR0_PG | CR0_ET);
	fake_set(VMCS_GUEST_CR4, CR4_PAE | CR4_VMXE | CR4_MCE);
	fake_set(VMCS_CR4_SHADOW, CR4_PAE);
	fake_set(VMCS_GUEST_EFER, EFER_LME | EFER_LMA);
	fake_set(VMCS_ENTRY_CONTROLS, ENTRY_CTL_GUEST_64);
	fake_set(VMCS_GUEST_CS_ACCESS, 0xa09b);
}

/* SDM vol. 3C, 27.3.1.1, as far as these registers go. */
static void check_enterable(void)
{
	uint64_t cr0 = fake_get(VMCS_GUEST_CR0), cr4 = fake_get(VMCS_GUEST_CR4);
	uint64_t efer = fake_get(VMCS_GUEST_EFER);
	bool long_mode = fake_get(VMCS_ENTRY_CONTROLS) & ENTRY_CTL_GUEST_64;

	assert_true(cr0 & CR0_NE);
	assert_true(!(cr0 & CR0_PG) || cr0 & CR0_PE);
	assert_int_equal(cr0 & ~(uint64_t)0xe005003f, 0);
	assert_int_equal(cr0 & (CR0_CD | CR0_NW), 0); /* the caches stay on */
	assert_true(cr4 & CR4_VMXE && cr4 & CR4_MCE);
	assert_int_equal(cr4 & ~(uint64_t)(CR4_GUEST | CR4_VMXE), 0);
	assert_true(!long_mode || (cr0 & CR0_PG && cr4 & CR4_PAE));
	assert_true(long_mode || !(cr4 & CR4_PCIDE));
	assert_int_equal(!!(efer & EFER_LMA), long_mode);
	assert_true(!(cr0 & CR0_PG) || !!(efer & EFER_LMA) == !!(efer & EFER_LME));
}

static void cr0_refuses(void **state)
{
	const uint64_t bad[] = { BIT64(32), BIT64(63) | CR0_PE, CR0_PG, CR0_PG | CR0_NE, CR0_NW,
		CR0_NW | CR0_PE };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(vmx_set_cr0(bad[i]));
		assert_int_equal(vmx_get_cr0(), CR0_ET);
		check_enterable();
	}
}

/* The guest reads back what it wrote, whatever the processor runs with. */
static void cr0_shows_what_was_written(void **state)
{
	const uint64_t good[] = { 0, CR0_PE, CR0_PE | CR0_CD, CR0_PE | CR0_CD | CR0_NW,
		CR0_PE | CR0_NE | CR0_WP | CR0_AM | CR0_MP | CR0_EM | CR0_TS };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(vmx_set_cr0(good[i]));
		assert_int_equal(vmx_get_cr0(), good[i] | CR0_ET);
		check_enterable();
	}
}

static void paging_switches_long_mode(void **state)
{
	(void)state;
	fake_set(VMCS_GUEST_EFER, EFER_LME);
	assert_false(vmx_set_cr0(CR0_PE | CR0_PG)); /* no PAE */
	check_enterable();
	assert_true(vmx_set_cr4(CR4_PAE));
	fake_set(VMCS_GUEST_CS_ACCESS, 0xa09b);
	assert_false(vmx_set_cr0(CR0_PE | CR0_PG)); /* CS.L */
	fake_set(VMCS_GUEST_CS_ACCESS, 0xc09b);
	assert_true(vmx_set_cr0(CR0_PE | CR0_PG));
	assert_int_equal(fake_get(VMCS_GUEST_EFER), EFER_LME | EFER_LMA);
	check_enterable();
	assert_true(vmx_set_cr0(CR0_PE | CR0_PG | CR0_CD)); /* again, paging stays */
	assert_int_equal(fake_get(VMCS_GUEST_EFER), EFER_LME | EFER_LMA);
	assert_true(vmx_set_cr0(CR0_PE));
	assert_int_equal(fake_get(VMCS_GUEST_EFER), EFER_LME);
	check_enterable();
}

static void paging_off_needs_compatibility_mode(void **state)
{
	(void)state;
	in_long_mode();
	assert_false(vmx_set_cr0(CR0_PE));
	check_enterable();
	fake_set(VMCS_GUEST_CS_ACCESS, 0xc09b);
	fake_set(VMCS_GUEST_CR4, fake_get(VMCS_GUEST_CR4) | CR4_PCIDE);
	assert_false(vmx_set_cr0(CR0_PE));
	check_enterable();
	fake_set(VMCS_GUEST_CR4, fake_get(VMCS_GUEST_CR4) & ~(uint64_t)CR4_PCIDE);
	assert_true(vmx_set_cr0(CR0_PE));
	check_enterable();
}

static void cr4_rules(void **state)
{
	(void)state;
	assert_false(vmx_set_cr4(CR4_VMXE)); /* no VMX inside */
	assert_false(vmx_set_cr4(CR4_UMIP)); /* not offered here */
	assert_false(vmx_set_cr4(BIT64(31)));
	assert_false(vmx_set_cr4(BIT64(63)));
	assert_false(vmx_set_cr4(CR4_PCIDE)); /* outside of long mode */
	assert_int_equal(vmx_get_cr4(), 0);
	assert_true(vmx_set_cr4(CR4_MCE | CR4_PSE));
	assert_int_equal(vmx_get_cr4(), CR4_MCE | CR4_PSE);
	check_enterable();
	assert_true(vmx_set_cr4(0));
	assert_int_equal(vmx_get_cr4(), 0); /* MCE is off for the guest, on for the host */
	check_enterable();
	in_long_mode();
	assert_false(vmx_set_cr4(CR4_PGE)); /* PAE off */
	assert_true(vmx_set_cr4(CR4_PAE | CR4_PCIDE | CR4_SMEP));
	assert_int_equal(vmx_get_cr4(), CR4_PAE | CR4_PCIDE | CR4_SMEP);
	check_enterable();
}

/* No sequence of writes leads to a state that does not enter. */
static void random_writes_stay_enterable(void **state)
{
	uint32_t r = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t v;

		r = r * 1664525 + 1013904223;
		v = (uint64_t)r << (r >> 4 & 1 ? 0 : 16) & 0xffffffff;
		switch (r >> 28 & 7) {
		case 0:
			(void)vmx_set_cr4(v & CR4_GUEST);
			break;
		case 1:
			(void)vmx_set_cr4(v);
			break;
		case 2: /* without an exit, while paging is off */
			if (!(fake_get(VMCS_GUEST_CR0) & CR0_PG))
				fake_set(VMCS_GUEST_EFER, r & EFER_LME);
			break;
		case 3:
			fake_set(VMCS_GUEST_CS_ACCESS, r & CS_LONG);
			break;
		case 4:
			(void)vmx_set_cr0((v & 0xe005003f) | CR0_PE);
			break;
		default:
			(void)vmx_set_cr0(v);
			break;
		}
		check_enterable();
	}
}

static void xcr0_rules(void **state)
{
	const uint64_t bad[] = { 0, 2, 4, 5, 6, 0x21, 0x61, 0xe1, 0xe3, 0x67, 0xa7, 0xc7, 0x1f, 0x9,
		0x200 | 7, BIT64(63) | 7 };
	const uint64_t good[] = { 1, 3, 7, 0xe7 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(vmx_set_xcr0(&vcpu, bad[i]));
	assert_int_equal(fake_this()->xcr0, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(vmx_set_xcr0(&vcpu, good[i]));
		assert_int_equal(vcpu.xcr0, good[i]);
		assert_int_equal(fake_this()->xcr0, good[i]);
	}
	xcr0_mask = 7;
	assert_false(vmx_set_xcr0(&vcpu, 0xe7));
	xcr0_mask = 0; /* a processor without XSAVE */
	assert_false(vmx_set_xcr0(&vcpu, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cr0_refuses, setup),
		cmocka_unit_test_setup(cr0_shows_what_was_written, setup),
		cmocka_unit_test_setup(paging_switches_long_mode, setup),
		cmocka_unit_test_setup(paging_off_needs_compatibility_mode, setup),
		cmocka_unit_test_setup(cr4_rules, setup),
		cmocka_unit_test_setup(random_writes_stay_enterable, setup),
		cmocka_unit_test_setup(xcr0_rules, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
