/* What CPUID tells a guest: a pure function of the host's CPUID and of what VMX offers.
 *
 * Intel SDM vol. 2A, CPUID; Linux Documentation/virt/kvm/x86/cpuid.rst for leaves 0x4000000x.
 * The vCPUs are single-threaded cores of one package with APIC IDs 0 .. nr_vcpus - 1.
 *
 * Features that bring MSRs with them, mirrored where the host has them. Whoever handles MSRs
 * passes these through to the hardware:
 *   leaf 7 EDX 26 (IBRS, IBPB), 27 (STIBP), 31 (SSBD):  IA32_SPEC_CTRL 0x48, IA32_PRED_CMD 0x49
 *   leaf 7 EDX 29:                                      IA32_ARCH_CAPABILITIES 0x10a (read)
 * and answers, because the feature is always shown: TSC deadline (0x6e0), x2APIC (0x800-0x8ff),
 * MTRR (0xfe, 0x200-0x20f, 0x250-0x26f, 0x2ff), PAT (0x277), MCG_CAP (0x179) as 0 banks, and
 * the KVM MSRs of vm/pvclock.h. XSAVES, if shown, makes IA32_XSS (0xda0) exist: only 0 is valid. */
#ifndef SLUICE_VM_GUEST_CPUID_H
#define SLUICE_VM_GUEST_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"

/* The crystal of leaf 0x15 (or one just below it). Linux takes it for the local APIC timer's input
 * as well, but uses the TSC deadline. */
#define GUEST_CRYSTAL_HZ 25000000u

/* XCR0 components a guest may have: x87, SSE, AVX, AVX-512 (three). */
#define GUEST_XCR0_MAX UINT64_C(0xe7)

struct guest_cpuid_in {
	struct cpuid_regs (*host)(uint32_t leaf, uint32_t subleaf);
	unsigned vcpu, nr_vcpus;
	uint32_t tsc_khz;	 /* measured, as the guest sees it */
	uint64_t xcr0_supported; /* what the hypervisor can switch; 0: no XSAVE for the guest */
	bool has_rdtscp;	 /* VMX controls that are on for this guest */
	bool has_invpcid;
	bool has_xsaves;
	bool fast_strings; /* IA32_MISC_ENABLE[0], which the guest sees as well */
	bool cr4_osxsave;  /* the vCPU's state now */
	uint64_t xcr0;	   /* the vCPU's value now */
};

void guest_cpuid(
	const struct guest_cpuid_in *in, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out);

/* XCR0 values that XSETBV may load: bit 0 set, components complete, within supported. */
bool guest_xcr0_valid(uint64_t xcr0, uint64_t supported);

#endif
