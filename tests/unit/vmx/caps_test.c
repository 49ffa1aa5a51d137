// sources: hv/vmx/caps.c hv/lib/fmt.c
/* Capability folding with the MSRs of real processor models, as an emulator reports them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmx/caps.h"

struct model {
	const char *name;
	struct vmx_msrs msrs; /* the TRUE controls: all of them have IA32_VMX_BASIC[55] */
	bool unusable;
	bool apicv, posted_interrupts, invpcid, xsaves, pause_loop, tsc_scaling;
};

/* clang-format off */
static const struct model models[] = {
	{
		.name = "core2_penryn_t9600",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000003f00000016,
			.proc = 0xf7f9fffe04006172,
			.proc2 = 0x0000004100000000,
			.exit = 0x4003ffff00036dfb,
			.entry = 0x00003fff000011fb,
			.misc = 0x00000000000401e0,
			.ept_vpid = 0x0000000000000000,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000000427ff,
		},
		.unusable = true,
	},
	{
		.name = "corei5_arrandale_m520",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000007f00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x000000ff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000000401e0,
			.ept_vpid = 0x00000f0106114141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000000067ff,
		},
		.apicv = false, .posted_interrupts = false,
		.invpcid = false, .xsaves = false,
		.pause_loop = false, .tsc_scaling = false,
	},
	{
		.name = "corei7_sandy_bridge_2600k",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000007f00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x000000ef00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000000401e0,
			.ept_vpid = 0x00000f0106114141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000000627ff,
		},
		.apicv = false, .posted_interrupts = false,
		.invpcid = false, .xsaves = false,
		.pause_loop = false, .tsc_scaling = false,
	},
	{
		.name = "corei7_ivy_bridge_3770k",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000007f00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x000008ff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000000401e0,
			.ept_vpid = 0x00000f0106114141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000001727ff,
		},
		.apicv = false, .posted_interrupts = false,
		.invpcid = false, .xsaves = false,
		.pause_loop = false, .tsc_scaling = false,
	},
	{
		.name = "corei7_haswell_4770",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000007f00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x00047fff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000200401e0,
			.ept_vpid = 0x00000f0106334141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000001727ff,
		},
		.apicv = true, .posted_interrupts = false,
		.invpcid = true, .xsaves = false,
		.pause_loop = true, .tsc_scaling = false,
	},
	{
		.name = "broadwell_ult",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x0000007f00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x00057fff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000200401e0,
			.ept_vpid = 0x00000f0106334141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000003727ff,
		},
		.apicv = true, .posted_interrupts = false,
		.invpcid = true, .xsaves = false,
		.pause_loop = true, .tsc_scaling = false,
	},
	{
		.name = "corei7_skylake_x",
		.msrs = {
			.basic = 0x00d810000000002b,
			.pin = 0x000000ff00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x02577fff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000600401e0,
			.ept_vpid = 0x00000f0106734141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x00000000003727ff,
		},
		.apicv = true, .posted_interrupts = true,
		.invpcid = true, .xsaves = true,
		.pause_loop = true, .tsc_scaling = true,
	},
	{
		.name = "corei7_icelake_u",
		.msrs = {
			.basic = 0x00d8100000000004,
			.pin = 0x000000ff00000016,
			.proc = 0xfff9fffe04006172,
			.proc2 = 0x02d77fff00000000,
			.exit = 0x407fffff00036dfb,
			.entry = 0x0000ffff000011fb,
			.misc = 0x00000000600401e0,
			.ept_vpid = 0x00000f0106734141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x0000000000772fff,
		},
		.apicv = true, .posted_interrupts = true,
		.invpcid = true, .xsaves = true,
		.pause_loop = true, .tsc_scaling = true,
	},
	{
		.name = "sapphire_rapids",
		.msrs = {
			.basic = 0x00d8100000000004,
			.pin = 0x000000ff00000016,
			.proc = 0xfffbfffe04006172,
			.proc2 = 0x06d77fff00000000,
			.exit = 0xe87fffff00036dfb,
			.entry = 0x0048ffff000011fb,
			.misc = 0x00000000600401e0,
			.ept_vpid = 0x00000f0106734141,
			.cr0_fixed0 = 0x0000000080000021,
			.cr0_fixed1 = 0x00000000ffffffff,
			.cr4_fixed0 = 0x0000000000002000,
			.cr4_fixed1 = 0x0000000003773fff,
		},
		.apicv = true, .posted_interrupts = true,
		.invpcid = true, .xsaves = true,
		.pause_loop = true, .tsc_scaling = true,
	},
};
/* clang-format on */

#define PENRYN	  (&models[0])
#define ARRANDALE (&models[1])
#define SKYLAKE	  (&models[6])

static const struct vmx_wishes all = { .apicv = true, .posted_interrupts = true };
static char missing[VMX_MISSING_MAX];

static struct vmx_caps choose(const struct vmx_msrs *m, const struct vmx_wishes *w)
{
	struct vmx_caps c;

	memset(&c, 0xa5, sizeof(c));
	assert_int_equal(vmx_caps_choose(m, w, &c, missing), 0);
	assert_string_equal(missing, "");
	return c;
}

static void fold_keeps_both_rules(void **state)
{
	(void)state;
	assert_int_equal(vmx_fold(0x000000ff00000016, 0), 0x16);
	assert_int_equal(vmx_fold(0x000000ff00000016, 0x81), 0x97);
	assert_int_equal(vmx_fold(0x0000007f00000016, 0x81), 0x17);
	assert_int_equal(vmx_fold(0xffffffff00000000, 0xffffffff), 0xffffffff);
	assert_int_equal(vmx_fold(0, 0xffffffff), 0);
}

static void models_give_what_they_have(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++) {
		const struct model *m = &models[i];
		struct vmx_caps c;

		if (m->unusable)
			continue;
		c = choose(&m->msrs, &all);
		assert_int_equal(c.apicv, m->apicv);
		assert_int_equal(c.posted_interrupts, m->posted_interrupts);
		assert_int_equal(c.invpcid, m->invpcid);
		assert_int_equal(c.xsaves, m->xsaves);
		assert_int_equal(c.pause_loop, m->pause_loop);
		assert_int_equal(c.tsc_scaling, m->tsc_scaling);
		assert_true(c.vpid && c.rdtscp);
		assert_int_equal(c.proc2 & (PROC2_EPT | PROC2_UNRESTRICTED_GUEST | PROC2_VPID),
			PROC2_EPT | PROC2_UNRESTRICTED_GUEST | PROC2_VPID);
		assert_int_equal(c.revision, m->msrs.basic & 0x7fffffff);
		assert_int_equal(c.preemption_shift, m->msrs.misc & 31);
		assert_true(c.save_efer_lma);
		assert_true(c.ept_vpid == m->msrs.ept_vpid);
		assert_true(c.cr0_fixed0 == 0x80000021 && c.cr4_fixed0 == 0x2000);
	}
}

static void check_word(uint64_t capability, uint32_t word)
{
	assert_int_equal(word & (uint32_t)capability, (uint32_t)capability);
	assert_int_equal(word & ~(uint32_t)(capability >> 32), 0);
}

/* On every model and with every wish: bits that must be 1 are, bits that must be 0 are. */
static void words_are_legal(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++) {
		for (unsigned wish = 0; wish < 4; wish++) {
			struct vmx_wishes w = { wish & 1, wish & 2 };
			const struct vmx_msrs *m = &models[i].msrs;
			struct vmx_caps c;

			(void)!vmx_caps_choose(m, &w, &c, missing);
			check_word(m->pin, c.pin);
			check_word(m->proc, c.proc);
			check_word(m->proc2, c.proc2);
			check_word(m->exit, c.exit);
			check_word(m->entry, c.entry);
		}
	}
}

/* What costs exits and nobody wants stays off where the processor allows it. */
static void no_control_that_only_costs(void **state)
{
	(void)state;
	for (unsigned i = 1; i < ARRAY_SIZE(models); i++) {
		struct vmx_caps c = choose(&models[i].msrs, &all);

		assert_int_equal(
			c.proc & (PROC_CR3_LOAD | PROC_CR3_STORE | PROC_INVLPG | PROC_RDTSC |
					 PROC_CR8_LOAD | PROC_CR8_STORE | PROC_PAUSE |
					 PROC_UNCOND_IO | PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW),
			0);
		assert_int_equal(c.proc2 & PROC2_DESCRIPTOR_TABLE, 0);
	}
}

static void penryn_is_told_what_it_lacks(void **state)
{
	struct vmx_caps c;

	(void)state;
	assert_int_equal(vmx_caps_choose(&PENRYN->msrs, &all, &c, missing), -ENOTSUP);
	assert_string_equal(missing,
		"preemption timer, EPT, unrestricted guest, save IA32_PAT, load IA32_PAT on exit, "
		"save IA32_EFER, load IA32_EFER on exit, load IA32_PAT on entry, load IA32_EFER on "
		"entry");
	assert_false(c.apicv || c.posted_interrupts || c.vpid);
	assert_int_equal(c.ept_vpid, 0);
}

static void nothing_at_all_names_are_cut(void **state)
{
	struct vmx_msrs none = { 0 };
	struct vmx_caps c;

	(void)state;
	memset(missing, 'x', sizeof(missing));
	assert_int_equal(vmx_caps_choose(&none, &all, &c, missing), -ENOTSUP);
	assert_int_equal(strnlen(missing, sizeof(missing)), VMX_MISSING_MAX - 1);
	assert_memory_equal(missing, "external-interrupt exiting, NMI exiting, ", 41);
	assert_int_equal(c.pin | c.proc | c.proc2 | c.exit | c.entry, 0);
}

static void wishes_turn_off(void **state)
{
	const uint32_t apicv = PROC2_VIRTUAL_X2APIC | PROC2_APIC_REGISTER | PROC2_VIRTUAL_INTERRUPT;
	struct vmx_caps c;

	(void)state;
	c = choose(&SKYLAKE->msrs, &(struct vmx_wishes){ .apicv = true });
	assert_true(c.apicv);
	assert_false(c.posted_interrupts || c.pin & PIN_POSTED_INTERRUPTS);
	assert_int_equal(c.proc2 & apicv, apicv);
	/* Posted interrupts are nothing without virtual-interrupt delivery. */
	c = choose(&SKYLAKE->msrs, &(struct vmx_wishes){ .posted_interrupts = true });
	assert_false(c.apicv || c.posted_interrupts || c.pin & PIN_POSTED_INTERRUPTS);
	assert_int_equal(c.proc2 & apicv, 0);
}

/* One of the three alone, as on Arrandale and Ivy Bridge, is not used. */
static void apicv_is_all_or_nothing(void **state)
{
	const uint32_t part[] = { PROC2_VIRTUAL_X2APIC, PROC2_APIC_REGISTER,
		PROC2_VIRTUAL_INTERRUPT };

	(void)state;
	assert_true(ARRANDALE->msrs.proc2 >> 32 & PROC2_VIRTUAL_X2APIC);
	assert_int_equal(choose(&ARRANDALE->msrs, &all).proc2 & PROC2_VIRTUAL_X2APIC, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(part); i++) {
		struct vmx_msrs m = SKYLAKE->msrs;
		struct vmx_caps c;

		m.proc2 &= ~((uint64_t)part[i] << 32);
		c = choose(&m, &all);
		assert_false(c.apicv || c.posted_interrupts || c.pin & PIN_POSTED_INTERRUPTS);
	}
}

static void must_be_1_is_kept(void **state)
{
	struct vmx_msrs m = SKYLAKE->msrs;
	struct vmx_caps c;

	(void)state;
	m.proc |= PROC_CR3_LOAD | PROC_CR3_STORE; /* a processor without TRUE controls */
	m.proc2 |= PROC2_DESCRIPTOR_TABLE;
	c = choose(&m, &all);
	assert_int_equal(c.proc & (PROC_CR3_LOAD | PROC_CR3_STORE), PROC_CR3_LOAD | PROC_CR3_STORE);
	assert_true(c.proc2 & PROC2_DESCRIPTOR_TABLE);
}

static int without(uint64_t ept_bits, struct vmx_caps *c)
{
	struct vmx_msrs m = SKYLAKE->msrs;

	m.ept_vpid &= ~ept_bits;
	return vmx_caps_choose(&m, &all, c, missing);
}

static void ept_needs(void **state)
{
	struct vmx_caps c;

	(void)state;
	assert_int_equal(without(EPT_CAP_WALK_4, &c), -ENOTSUP);
	assert_string_equal(missing, "EPT page-walk length 4");
	assert_int_equal(without(EPT_CAP_WB, &c), -ENOTSUP);
	assert_string_equal(missing, "EPT write-back memory type");
	assert_int_equal(without(EPT_CAP_INVEPT, &c), -ENOTSUP);
	assert_string_equal(missing, "INVEPT");
	assert_int_equal(without(EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL, &c), -ENOTSUP);
	assert_int_equal(without(EPT_CAP_INVEPT_SINGLE, &c), 0);
	assert_int_equal(without(EPT_CAP_1G | EPT_CAP_2M | EPT_CAP_ACCESSED_DIRTY, &c), 0);
}

static void vpid_only_if_it_can_be_flushed(void **state)
{
	struct vmx_caps c;

	(void)state;
	assert_int_equal(without(EPT_CAP_INVVPID_SINGLE, &c), 0);
	assert_false(c.vpid || c.proc2 & PROC2_VPID);
	assert_int_equal(without(EPT_CAP_INVVPID, &c), 0);
	assert_false(c.vpid || c.proc2 & PROC2_VPID);
	assert_int_equal(without(EPT_CAP_INVVPID_ALL, &c), 0);
	assert_true(c.vpid && c.proc2 & PROC2_VPID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fold_keeps_both_rules),
		cmocka_unit_test(models_give_what_they_have),
		cmocka_unit_test(words_are_legal),
		cmocka_unit_test(no_control_that_only_costs),
		cmocka_unit_test(penryn_is_told_what_it_lacks),
		cmocka_unit_test(nothing_at_all_names_are_cut),
		cmocka_unit_test(wishes_turn_off),
		cmocka_unit_test(apicv_is_all_or_nothing),
		cmocka_unit_test(must_be_1_is_kept),
		cmocka_unit_test(ept_needs),
		cmocka_unit_test(vpid_only_if_it_can_be_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
