/* CPUID: what this machine is. SDM vol. 2A, CPUID. */
#include "cpu/cpu.h"

#include "cpu/hw.h"
#include "lib/bits.h"
#include "lib/string.h"

static struct cpu_features features;

static void read_names(struct cpu_features *f, uint32_t max_extended)
{
	struct cpuid_regs r = cpuid(0, 0);

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
	for (uint32_t i = 0; max_extended >= 0x80000004 && i < 3; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + 16 * i, &r, 16);
	}
	/* Some CPUs pad it on the left. */
	while (f->brand[0] == ' ')
		memmove(f->brand, f->brand + 1, sizeof(f->brand) - 1);
}

static void read_version(struct cpu_features *f, uint32_t eax)
{
	f->stepping = eax & 15;
	f->model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
	f->family = (eax >> 8 & 15);
	if (f->family == 15)
		f->family += eax >> 20 & 255;
}

void cpu_features_init(void)
{
	struct cpu_features *f = &features;
	uint32_t max_extended = cpuid(0x80000000, 0).eax;
	struct cpuid_regs r = cpuid(1, 0);

	read_names(f, max_extended);
	read_version(f, r.eax);
	f->mwait = r.ecx & BIT32(3);
	f->vmx = r.ecx & BIT32(5);
	f->x2apic = r.ecx & BIT32(21);
	f->tsc_deadline = r.ecx & BIT32(24);
	f->xsave = r.ecx & BIT32(26);
	if (cpuid(0, 0).eax >= 7)
		f->smep = cpuid(7, 0).ebx & BIT32(7);
	r = cpuid(0x80000001, 0);
	f->nx = r.edx & BIT32(20);
	f->pages_1g = r.edx & BIT32(26);
	if (max_extended >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).edx & BIT32(8);
	f->physical_address_bits =
		max_extended >= 0x80000008 ? (uint8_t)cpuid(0x80000008, 0).eax : 36;
}

const struct cpu_features *cpu_features_get(void)
{
	return &features;
}
