// sources: hv/vm/guest_cpuid.c
/* The policy against a fake host that claims everything, and against an old one. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/bits.h"
#include "vm/guest_cpuid.h"

/* Components: AVX 256 bytes at 576, MPX, AVX-512 at 1088, 1152 and 1664, PKRU at 2688. */
static const struct cpuid_regs xsave_component[] = {
	[2] = { 256, 576, 0, 0 },
	[3] = { 64, 960, 0, 0 },
	[4] = { 64, 1024, 0, 0 },
	[5] = { 64, 1088, 0, 0 },
	[6] = { 512, 1152, 0, 0 },
	[7] = { 1024, 1664, 2, 0 },
	[9] = { 8, 2688, 0, 0 },
};

static struct cpuid_regs all_ones_host(uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_regs ones = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };

	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ 0x20, 0x756e6547, 0x6c65746e, 0x49656e69 };
	case 4:
		return (struct cpuid_regs){ subleaf < 4 ? 0xfc3fc121 + (subleaf << 5) : 0, 1, 2,
			3 };
	case 0xd:
		if (subleaf == 0)
			return (struct cpuid_regs){ 0x2ff, 2696, 2696, 0 };
		if (subleaf == 1)
			return (struct cpuid_regs){ 0x1f, 2696, 0x100, 0 };
		return subleaf < ARRAY_SIZE(xsave_component) ? xsave_component[subleaf] : ones;
	case 0x80000000:
		return (struct cpuid_regs){ 0x80000020, 0, 0, 0 };
	case 0x80000008:
		return (struct cpuid_regs){ 0x00303934, ~0u, ~0u, ~0u };
	default:
		return ones;
	}
}

/* Ends at leaf 0xa and answers everything above with ones, as its highest leaf. */
static struct cpuid_regs old_host(uint32_t leaf, uint32_t subleaf)
{
	(void)subleaf;
	if (leaf == 0)
		return (struct cpuid_regs){ 0xa, 0x756e6547, 0x6c65746e, 0x49656e69 };
	if (leaf == 1)
		return (struct cpuid_regs){ 0x206a0, 0, 0x1, 0xbfebfbff };
	if (leaf == 0x80000000)
		return (struct cpuid_regs){ 0x80000008, 0, 0, 0 };
	if (leaf < 0xa && leaf != 7)
		return (struct cpuid_regs){ 0 };
	return (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u };
}

static const struct guest_cpuid_in full = {
	.host = all_ones_host,
	.vcpu = 2,
	.nr_vcpus = 3,
	.tsc_khz = 2399987,
	.xcr0_supported = GUEST_XCR0_MAX,
	.has_rdtscp = true,
	.has_invpcid = true,
	.has_xsaves = true,
	.cr4_osxsave = true,
	.xcr0 = 7,
};

static struct cpuid_regs ask(const struct guest_cpuid_in *in, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	memset(&r, 0xa5, sizeof(r));
	guest_cpuid(in, leaf, subleaf, &r);
	return r;
}

static void assert_zero(struct cpuid_regs r)
{
	assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
}

static void test_hides_what_is_not_virtualised(void **state)
{
	struct cpuid_regs r = ask(&full, 1, 0);

	(void)state;
	/* DTES64 MONITOR DS-CPL VMX SMX EIST TM2 CNXT SDBG xTPR PDCM DCA */
	assert_int_equal(r.ecx & 0x4c9fc, 0x0);
	assert_int_equal(r.edx & (1u << 18 | 1u << 21 | 1u << 22 | 7u << 29), 0);
	r = ask(&full, 7, 0);
	/* TSC_ADJUST SGX HLE RTM PQM MPX PQE PT */
	assert_int_equal(r.ebx & (1u << 1 | 1u << 2 | 1u << 4 | 1u << 11 | 1u << 12 | 1u << 14 |
					 1u << 15 | 1u << 25),
		0);
	/* PKU OSPKE WAITPKG CET_SS TME LA57 PKS */
	assert_int_equal(r.ecx & (3u << 3 | 1u << 5 | 1u << 7 | 1u << 13 | 1u << 16 | 1u << 31), 0);
	/* UINTR, hybrid, AMX, CET_IBT, FLUSH_CMD, CORE_CAPABILITIES */
	assert_int_equal(
		r.edx & (1u << 5 | 1u << 15 | 1u << 20 | 1u << 22 | 3u << 24 | 1u << 28 | 1u << 30),
		0);
	assert_zero(ask(&full, 5, 0));
	assert_zero(ask(&full, 9, 0));
	assert_zero(ask(&full, 0xa, 0));
	assert_zero(ask(&full, 0x12, 0));
	assert_zero(ask(&full, 0x14, 0));
	assert_zero(ask(&full, 0x16, 0));
	assert_zero(ask(&full, 0x1d, 0));
	assert_zero(ask(&full, 0x20, 0));
	assert_zero(ask(&full, 0x40000002, 0));
	assert_zero(ask(&full, 0x80000009, 0));
	assert_zero(ask(&full, UINT32_MAX, 0));
}

static void test_shows_what_is(void **state)
{
	struct cpuid_regs r = ask(&full, 1, 0);

	(void)state;
	assert_int_equal(r.ecx & (1u << 31 | 1u << 24 | 1u << 21), 1u << 31 | 1u << 24 | 1u << 21);
	assert_int_equal(r.ecx >> 26 & 3, 3);
	r = ask(&full, 7, 0);
	assert_int_equal(r.edx >> 26, 0x2b); /* SPEC_CTRL STIBP ARCH_CAPABILITIES SSBD */
	assert_int_equal(ask(&full, 6, 0).eax, 4);
	assert_int_equal(ask(&full, 0x80000007, 0).edx, 0x100);
	assert_int_equal(ask(&full, 0x80000008, 0).eax, 0x3034);
	assert_int_equal(ask(&full, 0, 0).eax, 0x1f);
	assert_int_equal(ask(&full, 0x80000000, 0).eax, 0x80000008);
}

static void test_vmx_controls_gate_features(void **state)
{
	struct guest_cpuid_in in = full;

	(void)state;
	in.has_rdtscp = in.has_invpcid = in.has_xsaves = in.cr4_osxsave = false;
	assert_int_equal(ask(&in, 1, 0).ecx >> 26 & 3, 1);
	assert_int_equal(ask(&in, 7, 0).ebx & 1u << 10, 0);
	assert_int_equal(ask(&in, 7, 0).ecx & 1u << 22, 0);
	assert_int_equal(ask(&in, 0x80000001, 0).edx & 1u << 27, 0);
	assert_int_equal(ask(&in, 0xd, 1).eax, 7);
	assert_int_equal(ask(&full, 0xd, 1).eax, 15);
}

static void test_xcr0_gates_vector_features(void **state)
{
	struct guest_cpuid_in in = full;

	(void)state;
	in.xcr0_supported = 7;
	assert_int_equal(ask(&in, 7, 0).ebx & 1u << 16, 0);
	assert_int_not_equal(ask(&in, 7, 0).ebx & 1u << 5, 0);
	in.xcr0_supported = 3;
	assert_int_equal(ask(&in, 1, 0).ecx & (1u << 28 | 1u << 12 | 1u << 29), 0);
	assert_int_equal(ask(&in, 7, 0).ebx & 1u << 5, 0);
	assert_int_equal(ask(&in, 7, 1).eax & 0x30, 0);
	in.xcr0_supported = 0;
	assert_int_equal(ask(&in, 1, 0).ecx & 3u << 26, 0);
	assert_zero(ask(&in, 0xd, 0));
	assert_zero(ask(&in, 0xd, 1));
}

static void test_xsave_sizes(void **state)
{
	struct cpuid_regs r = ask(&full, 0xd, 0);

	(void)state;
	assert_int_equal(r.eax, 0xe7);
	assert_int_equal(r.ebx, 832);
	assert_int_equal(r.ecx, 2688);
	assert_int_equal(ask(&full, 0xd, 1).ebx, 832);
	assert_int_equal(ask(&full, 0xd, 1).ecx, 0);
	assert_int_equal(ask(&full, 0xd, 6).eax, 512);
	assert_zero(ask(&full, 0xd, 3));
	assert_zero(ask(&full, 0xd, 9));
	assert_zero(ask(&full, 0xd, 64));
	assert_zero(ask(&full, 0xd, UINT32_MAX));
}

static void test_topology(void **state)
{
	struct cpuid_regs r = ask(&full, 1, 0);

	(void)state;
	assert_int_equal(r.ebx >> 16, 0x204);
	assert_int_not_equal(r.edx & 1u << 28, 0);
	for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x14) {
		r = ask(&full, leaf, 0);
		assert_int_equal(r.eax, 0);
		assert_int_equal(r.ebx, 1);
		assert_int_equal(r.ecx, 0x100);
		assert_int_equal(r.edx, 2);
		r = ask(&full, leaf, 1);
		assert_int_equal(r.eax, 2);
		assert_int_equal(r.ebx, 3);
		assert_int_equal(r.ecx, 0x201);
		r = ask(&full, leaf, 2);
		assert_int_equal(r.eax | r.ebx, 0);
		assert_int_equal(r.ecx, 2);
	}
	assert_int_equal(ask(&full, 4, 0).eax, 3u << 26 | 0x121);
	assert_int_equal(ask(&full, 4, 2).eax, 3u << 26 | 3u << 14 | 0x161);
	assert_int_equal(ask(&full, 4, 4).eax, 0);
}

static void test_tsc_frequency_as_linux_computes_it(void **state)
{
	static const uint32_t khz[] = { 1, 25000, 50000, 100000, 499979, 500000, 1999999, 2399987,
		2400000, 2999999, 3000000, 4294967, 4999999, 5700001 };
	struct guest_cpuid_in in = full;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(khz); i++) {
		struct cpuid_regs r;
		uint32_t product;

		in.tsc_khz = khz[i];
		r = ask(&in, 0x15, 0);
		assert_int_not_equal(r.eax, 0);
		assert_false(__builtin_mul_overflow(r.ecx / 1000, r.ebx, &product));
		assert_int_equal(product / r.eax, khz[i]);
		assert_in_range(r.ecx, 24989000, GUEST_CRYSTAL_HZ);
	}
}

static void test_kvm_leaves(void **state)
{
	struct cpuid_regs r = ask(&full, 0x40000000, 0);
	char name[13] = "";

	(void)state;
	memcpy(name, &r.ebx, 12);
	assert_string_equal(name, "KVMKVMKVM");
	assert_int_equal(r.eax, 0x40000001);
	assert_int_equal(ask(&full, 0x40000001, 0).eax, 0x0100002b);
}

static void test_old_host(void **state)
{
	struct guest_cpuid_in in = full;

	(void)state;
	in.host = old_host;
	assert_int_equal(ask(&in, 0, 0).eax, 0x16);
	assert_int_equal(ask(&in, 0xb, 1).ebx, 3);
	assert_zero(ask(&in, 0xd, 0));
	assert_zero(ask(&in, 0xd, 1));
	assert_int_not_equal(ask(&in, 0x15, 0).eax, 0);
	assert_int_equal(ask(&in, 1, 0).ecx & 1u << 26, 0);
}

static void test_xcr0_values(void **state)
{
	(void)state;
	assert_true(guest_xcr0_valid(1, 0xe7));
	assert_true(guest_xcr0_valid(3, 0xe7));
	assert_true(guest_xcr0_valid(7, 0xe7));
	assert_true(guest_xcr0_valid(0xe7, 0xe7));
	assert_false(guest_xcr0_valid(0, 0xe7));
	assert_false(guest_xcr0_valid(2, 0xe7));
	assert_false(guest_xcr0_valid(5, 0xe7));
	assert_false(guest_xcr0_valid(0xe3, 0xe7));
	assert_false(guest_xcr0_valid(0x67, 0xe7));
	assert_false(guest_xcr0_valid(0xe7, 7));
	assert_false(guest_xcr0_valid(0x207, 0xe7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hides_what_is_not_virtualised),
		cmocka_unit_test(test_shows_what_is),
		cmocka_unit_test(test_vmx_controls_gate_features),
		cmocka_unit_test(test_xcr0_gates_vector_features),
		cmocka_unit_test(test_xsave_sizes),
		cmocka_unit_test(test_topology),
		cmocka_unit_test(test_tsc_frequency_as_linux_computes_it),
		cmocka_unit_test(test_kvm_leaves),
		cmocka_unit_test(test_old_host),
		cmocka_unit_test(test_xcr0_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
