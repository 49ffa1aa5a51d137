/* What CPUID tells a guest: see guest_cpuid.h. Features are allowed by list: what a future CPU
 * adds stays hidden until somebody has thought about it. */
#include "vm/guest_cpuid.h"

#include "lib/bits.h"

#define LEAF_MAX_LOW  0x16u /* shown even if the host ends earlier: 0xb and 0x15 are ours */
#define LEAF_MAX_HIGH 0x1fu
#define EXT_BASE      0x80000000u
#define EXT_MAX	      0x80000008u
#define HV_BASE	      0x40000000u

/* Leaf 1 ECX */
#define F1C_FMA	     BIT32(12)
#define F1C_X2APIC   BIT32(21)
#define F1C_DEADLINE BIT32(24)
#define F1C_XSAVE    BIT32(26)
#define F1C_OSXSAVE  BIT32(27)
#define F1C_AVX	     BIT32(28)
#define F1C_F16C     BIT32(29)
#define F1C_HV	     BIT32(31)
#define F1C_ALLOWED                                                                                \
	(BIT32(0) /* SSE3 */ | BIT32(1) /* PCLMULQDQ */ | BIT32(9) /* SSSE3 */ | F1C_FMA |         \
		BIT32(13) /* CMPXCHG16B */ | BIT32(17) /* PCID */ | BIT32(19) /* SSE4.1 */ |       \
		BIT32(20) /* SSE4.2 */ | BIT32(22) /* MOVBE */ | BIT32(23) /* POPCNT */ |          \
		BIT32(25) /* AES */ | F1C_XSAVE | F1C_AVX | F1C_F16C | BIT32(30) /* RDRAND */)
/* Leaf 1 EDX: all up to SSE2 but the serial number (18), DS (21) and ACPI (22); HTT is ours. */
#define F1D_HTT BIT32(28)
#define F1D_ALLOWED                                                                                \
	(UINT32_C(0x07ffffff) & ~(BIT32(10) | BIT32(18) | BIT32(20) | BIT32(21) | BIT32(22)))

/* Leaf 7 EBX */
#define F7B_AVX2    BIT32(5)
#define F7B_INVPCID BIT32(10)
#define F7B_AVX512                                                                                 \
	(BIT32(16) /* F */ | BIT32(17) /* DQ */ | BIT32(21) /* IFMA */ | BIT32(28) /* CD */ |      \
		BIT32(30) /* BW */ | BIT32(31) /* VL */)
#define F7B_ALLOWED                                                                                \
	(BIT32(0) /* FSGSBASE */ | BIT32(3) /* BMI1 */ | F7B_AVX2 | BIT32(6) /* FDP_EXCPTN */ |    \
		BIT32(7) /* SMEP */ | BIT32(8) /* BMI2 */ | BIT32(9) /* ERMS */ | F7B_INVPCID |    \
		BIT32(13) /* no FCS/FDS */ | BIT32(18) /* RDSEED */ | BIT32(19) /* ADX */ |        \
		BIT32(20) /* SMAP */ | BIT32(23) /* CLFLUSHOPT */ | BIT32(24) /* CLWB */ |         \
		BIT32(29) /* SHA */ | F7B_AVX512)
/* Leaf 7 ECX */
#define F7C_AVX (BIT32(9) /* VAES */ | BIT32(10) /* VPCLMULQDQ */)
#define F7C_AVX512                                                                                 \
	(BIT32(1) /* VBMI */ | BIT32(6) /* VBMI2 */ | BIT32(11) /* VNNI */ |                       \
		BIT32(12) /* BITALG */ | BIT32(14) /* VPOPCNTDQ */)
#define F7C_RDPID   BIT32(22)
#define F7C_ALLOWED (BIT32(2) /* UMIP */ | BIT32(8) /* GFNI */ | F7C_AVX | F7C_AVX512 | F7C_RDPID)
/* Leaf 7 EDX */
#define F7D_FSRM   BIT32(4)
#define F7D_AVX512 (BIT32(2) /* 4VNNIW */ | BIT32(3) /* 4FMAPS */ | BIT32(8) /* VP2INTERSECT */)
#define F7D_ALLOWED                                                                                \
	(F7D_AVX512 | F7D_FSRM | BIT32(10) /* MD_CLEAR */ | BIT32(26) /* SPEC_CTRL */ |            \
		BIT32(27) /* STIBP */ | BIT32(29) /* ARCH_CAPABILITIES */ | BIT32(31) /* SSBD */)
/* Leaf 7.1 EAX and 7.2 EDX */
#define F71A_AVX     BIT32(4) /* AVX-VNNI */
#define F71A_AVX512  BIT32(5) /* BF16 */
#define F71A_ALLOWED (F71A_AVX | F71A_AVX512 | BIT32(10) | BIT32(11) | BIT32(12) /* fast REP */)
#define F72D_ALLOWED UINT32_C(0x3f) /* further bits of IA32_SPEC_CTRL */

/* Leaf 0xd.1 EAX */
#define FD1A_XSAVES  BIT32(3)
#define FD1A_ALLOWED (BIT32(0) /* XSAVEOPT */ | BIT32(1) /* XSAVEC */ | BIT32(2) /* XGETBV(1) */)

/* Leaf 0x80000001 */
#define FE1C_ALLOWED (BIT32(0) /* LAHF */ | BIT32(5) /* LZCNT */ | BIT32(8) /* PREFETCHW */)
#define FE1D_SYSCALL BIT32(11) /* reads 0 outside 64-bit mode; a 64-bit guest relies on it */
#define FE1D_RDTSCP  BIT32(27)
#define FE1D_ALLOWED (BIT32(20) /* NX */ | BIT32(26) /* 1 GiB pages */ | FE1D_RDTSCP | BIT32(29))

/* Leaf 0x40000001 EAX, from Linux's kvm_para.h */
#define KVM_FEATURES                                                                               \
	(BIT32(0) /* CLOCKSOURCE */ | BIT32(1) /* NOP_IO_DELAY */ | BIT32(3) /* CLOCKSOURCE2 */ |  \
		BIT32(5) /* STEAL_TIME */ | BIT32(24) /* CLOCKSOURCE_STABLE_BIT */)

#define XCR0_AVX	   UINT64_C(0x4)
#define XCR0_AVX512	   UINT64_C(0xe0)
#define XSAVE_LEGACY_BYTES 576u /* FXSAVE area and XSAVE header */

bool guest_xcr0_valid(uint64_t xcr0, uint64_t supported)
{
	if (!(xcr0 & 1) || (xcr0 & ~supported))
		return false;
	if ((xcr0 & XCR0_AVX) && !(xcr0 & 2))
		return false;
	if (xcr0 & XCR0_AVX512)
		return (xcr0 & (XCR0_AVX512 | XCR0_AVX)) == (XCR0_AVX512 | XCR0_AVX);
	return true;
}

/* A CPU answers a leaf above its maximum with data of its highest one: ask only below. */
static struct cpuid_regs host(const struct guest_cpuid_in *in, uint32_t leaf, uint32_t subleaf)
{
	if (in->host(leaf & EXT_BASE, 0).eax < leaf)
		return (struct cpuid_regs){ 0 };
	return in->host(leaf, subleaf);
}

static uint64_t xcr0_supported(const struct guest_cpuid_in *in)
{
	struct cpuid_regs d;

	if (!(host(in, 1, 0).ecx & F1C_XSAVE))
		return 0;
	d = host(in, 0xd, 0);
	return (((uint64_t)d.edx << 32) | d.eax) & in->xcr0_supported & GUEST_XCR0_MAX;
}

static bool has_avx(const struct guest_cpuid_in *in)
{
	return (xcr0_supported(in) & XCR0_AVX) != 0;
}

static bool has_avx512(const struct guest_cpuid_in *in)
{
	return (xcr0_supported(in) & XCR0_AVX512) == XCR0_AVX512;
}

/* Bits needed to number n things. */
static uint32_t id_bits(unsigned n)
{
	uint32_t bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

static void leaf_0(const struct guest_cpuid_in *in, struct cpuid_regs *r)
{
	*r = in->host(0, 0);
	r->eax = MAX(MIN(r->eax, LEAF_MAX_HIGH), LEAF_MAX_LOW);
}

static void leaf_1(const struct guest_cpuid_in *in, struct cpuid_regs *r)
{
	uint32_t ids = 1u << id_bits(in->nr_vcpus);

	*r = host(in, 1, 0);
	r->ebx = (r->ebx & 0xffff) | (ids & 0xff) << 16 | (uint32_t)in->vcpu << 24;
	r->ecx = (r->ecx & F1C_ALLOWED) | F1C_X2APIC | F1C_DEADLINE | F1C_HV;
	if (!xcr0_supported(in))
		r->ecx &= ~F1C_XSAVE;
	else if (in->cr4_osxsave)
		r->ecx |= F1C_OSXSAVE;
	if (!has_avx(in))
		r->ecx &= ~(F1C_AVX | F1C_FMA | F1C_F16C);
	r->edx = (r->edx & F1D_ALLOWED) | (in->nr_vcpus > 1 ? F1D_HTT : 0);
}

/* Caches: levels 1 and 2 private, further ones shared by all vCPUs. */
static void leaf_4(const struct guest_cpuid_in *in, uint32_t subleaf, struct cpuid_regs *r)
{
	uint32_t last_id = (1u << id_bits(in->nr_vcpus)) - 1, level;

	*r = host(in, 4, subleaf);
	if ((r->eax & 0x1f) == 0)
		return;
	level = r->eax >> 5 & 7;
	r->eax = (r->eax & 0x3fff) | (level > 2 ? last_id : 0) << 14 | last_id << 26;
}

static void leaf_7_0(const struct guest_cpuid_in *in, struct cpuid_regs *r)
{
	*r = host(in, 7, 0);
	r->eax = MIN(r->eax, 2u);
	r->ebx &= F7B_ALLOWED & ~(in->has_invpcid ? 0 : F7B_INVPCID);
	r->ecx &= F7C_ALLOWED & ~(in->has_rdtscp ? 0 : F7C_RDPID);
	r->edx &= F7D_ALLOWED;
	/* Linux 6.1 drops ERMS where fast strings are off but keeps FSRM, and its memmove() then
	 * corrupts memory: the two go together on every processor that has them. */
	if (!in->fast_strings)
		r->edx &= ~F7D_FSRM;
	if (!has_avx(in)) {
		r->ebx &= ~F7B_AVX2;
		r->ecx &= ~F7C_AVX;
	}
	if (!has_avx512(in)) {
		r->ebx &= ~F7B_AVX512;
		r->ecx &= ~F7C_AVX512;
		r->edx &= ~F7D_AVX512;
	}
}

static void leaf_7(const struct guest_cpuid_in *in, uint32_t subleaf, struct cpuid_regs *r)
{
	if (subleaf == 0) {
		leaf_7_0(in, r);
	} else if (subleaf <= MIN(host(in, 7, 0).eax, 2u)) {
		struct cpuid_regs h = host(in, 7, subleaf);

		if (subleaf == 2) {
			r->edx = h.edx & F72D_ALLOWED;
			return;
		}
		r->eax = h.eax & F71A_ALLOWED;
		r->eax &= ~(has_avx(in) ? 0 : F71A_AVX);
		r->eax &= ~(has_avx512(in) ? 0 : F71A_AVX512);
	}
}

/* Leaves 0xb and 0x1f: level 0 threads (one per core), level 1 cores. */
static void leaf_topology(const struct guest_cpuid_in *in, uint32_t subleaf, struct cpuid_regs *r)
{
	r->ecx = subleaf & 0xff;
	r->edx = in->vcpu;
	if (subleaf == 0) {
		r->ebx = 1;
		r->ecx |= 1u << 8;
	} else if (subleaf == 1) {
		r->eax = id_bits(in->nr_vcpus);
		r->ebx = in->nr_vcpus;
		r->ecx |= 2u << 8;
	}
}

/* Size of an XSAVE area that holds the components in mask; compacted: XSAVEC's layout. */
static uint32_t xsave_bytes(const struct guest_cpuid_in *in, uint64_t mask, bool compacted)
{
	uint32_t end = XSAVE_LEGACY_BYTES;

	for (uint32_t i = 2; i < 8; i++) {
		struct cpuid_regs c;

		if (!(mask & BIT64(i)))
			continue;
		c = host(in, 0xd, i);
		if (!compacted)
			end = MAX(end, c.ebx + c.eax);
		else
			end = (c.ecx & 2 ? ALIGN_UP(end, 64u) : end) + c.eax;
	}
	return end;
}

static void leaf_d(const struct guest_cpuid_in *in, uint32_t subleaf, struct cpuid_regs *r)
{
	uint64_t supported = xcr0_supported(in);

	if (!supported)
		return;
	if (subleaf == 0) {
		r->eax = (uint32_t)supported;
		r->ebx = xsave_bytes(in, in->xcr0 & supported, false);
		r->ecx = xsave_bytes(in, supported, false);
	} else if (subleaf == 1) {
		r->eax = host(in, 0xd, 1).eax & (FD1A_ALLOWED | (in->has_xsaves ? FD1A_XSAVES : 0));
		if (r->eax & (BIT32(1) | FD1A_XSAVES))
			r->ebx = xsave_bytes(in, in->xcr0 & supported, true);
	} else if (subleaf < 64 && (supported & BIT64(subleaf))) {
		*r = host(in, 0xd, subleaf);
	}
}

/* A ratio ebx / eax so that crystal_khz * ebx / eax is exactly tsc_khz in 32-bit integers, which is
 * how Linux computes it. A measured frequency has no round ratio, so try denominators. */
static bool find_tsc_ratio(uint32_t tsc_khz, uint32_t crystal_khz, struct cpuid_regs *r)
{
	for (uint64_t eax = 1; eax * tsc_khz <= UINT32_MAX - crystal_khz; eax++) {
		uint64_t ebx = (eax * tsc_khz + crystal_khz - 1) / crystal_khz;

		if (crystal_khz * ebx / eax != tsc_khz)
			continue;
		*r = (struct cpuid_regs){ (uint32_t)eax, (uint32_t)ebx, crystal_khz * 1000, 0 };
		return true;
	}
	return false;
}

/* A TSC a few kHz below a multiple of 25 MHz, which is where measured ones are, has no such ratio:
 * then a prime crystal nearby. Failing both, the crystal is the TSC itself. */
static void leaf_15(const struct guest_cpuid_in *in, struct cpuid_regs *r)
{
	uint32_t ebx = in->tsc_khz > UINT32_MAX / 1000 ? 2 : 1;

	if (in->tsc_khz == 0 || find_tsc_ratio(in->tsc_khz, GUEST_CRYSTAL_HZ / 1000, r) ||
		find_tsc_ratio(in->tsc_khz, 24989, r))
		return;
	*r = (struct cpuid_regs){ 1, ebx, (uint32_t)((uint64_t)in->tsc_khz * 1000 / ebx), 0 };
}

static void leaf_basic(
	const struct guest_cpuid_in *in, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	switch (leaf) {
	case 0:
		return leaf_0(in, r);
	case 1:
		return leaf_1(in, r);
	case 2:
		*r = host(in, 2, 0);
		return;
	case 4:
		return leaf_4(in, subleaf, r);
	case 6:
		/* ARAT, or Linux takes the APIC timer to stop in idle and runs without high
		 * resolution timers for want of another. */
		r->eax = BIT32(2);
		return;
	case 7:
		return leaf_7(in, subleaf, r);
	case 0xb:
	case 0x1f:
		return leaf_topology(in, subleaf, r);
	case 0xd:
		return leaf_d(in, subleaf, r);
	case 0x15:
		return leaf_15(in, r);
	default:
		return; /* perfmon, DCA, RDT, SGX, PT, frequencies, AMX: zero */
	}
}

static void leaf_hypervisor(uint32_t leaf, struct cpuid_regs *r)
{
	if (leaf == HV_BASE) /* "KVMKVMKVM\0\0\0" */
		*r = (struct cpuid_regs){ HV_BASE + 1, 0x4b4d564b, 0x564b4d56, 0x4d };
	else if (leaf == HV_BASE + 1)
		r->eax = KVM_FEATURES;
}

static void leaf_extended(const struct guest_cpuid_in *in, uint32_t leaf, struct cpuid_regs *r)
{
	*r = host(in, leaf, 0);
	switch (leaf) {
	case EXT_BASE:
		r->eax = MIN(r->eax, EXT_MAX);
		return;
	case EXT_BASE + 1:
		r->ecx &= FE1C_ALLOWED;
		r->edx &= FE1D_ALLOWED & ~(in->has_rdtscp ? 0 : FE1D_RDTSCP);
		r->edx |= FE1D_SYSCALL;
		return;
	case EXT_BASE + 7:
		*r = (struct cpuid_regs){ .edx = BIT32(8) }; /* invariant TSC */
		return;
	case EXT_BASE + 8:
		/* Physical bits as the host; linear ones without LA57. */
		*r = (struct cpuid_regs){ .eax = (r->eax & 0xff) | MIN(r->eax & 0xff00, 48u << 8) };
		return;
	default:
		return; /* brand string, caches */
	}
}

void guest_cpuid(
	const struct guest_cpuid_in *in, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out)
{
	struct cpuid_regs zero = { 0 };

	*out = zero;
	if (leaf <= LEAF_MAX_HIGH)
		leaf_basic(in, leaf, subleaf, out);
	else if (leaf >= EXT_BASE && leaf <= EXT_MAX)
		leaf_extended(in, leaf, out);
	else if (leaf >= HV_BASE && leaf <= HV_BASE + 1)
		leaf_hypervisor(leaf, out);
}
