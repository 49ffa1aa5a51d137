/* hv/cpu/hw.h for host tests: every instruction that a process may not execute, or whose result a
 * test wants to choose, calls fake_NAME() where the test defines it (tests/support/fake_vmx.c has
 * most of them) and is the real one elsewhere. */
#ifndef SLUICE_FAKE_CPU_HW_H
#define SLUICE_FAKE_CPU_HW_H

/* The real ones, under another name. */
#define cpuid			 real_cpuid
#define rdmsr			 real_rdmsr
#define wrmsr			 real_wrmsr
#define rdtsc			 real_rdtsc
#define xsetbv			 real_xsetbv
#define xsave64			 real_xsave64
#define xrstor64		 real_xrstor64
#define fxsave64		 real_fxsave64
#define fxrstor64		 real_fxrstor64
#define read_cr0		 real_read_cr0
#define read_cr2		 real_read_cr2
#define read_cr3		 real_read_cr3
#define read_cr4		 real_read_cr4
#define write_cr2		 real_write_cr2
#define read_dr0		 real_read_dr0
#define read_dr1		 real_read_dr1
#define read_dr2		 real_read_dr2
#define read_dr3		 real_read_dr3
#define read_dr6		 real_read_dr6
#define write_dr0		 real_write_dr0
#define write_dr1		 real_write_dr1
#define write_dr2		 real_write_dr2
#define write_dr3		 real_write_dr3
#define write_dr6		 real_write_dr6
#define interrupts_enable	 real_interrupts_enable
#define interrupts_disable	 real_interrupts_disable
#define cpu_halt_until_interrupt real_cpu_halt_until_interrupt
#define cpu_take_interrupts	 real_cpu_take_interrupts
#define vmx_clear		 real_vmx_clear
#define vmx_load		 real_vmx_load
#define vmx_read		 real_vmx_read
#define vmx_write		 real_vmx_write
#define vmx_invept		 real_vmx_invept
#define vmx_invvpid		 real_vmx_invvpid
#define read_gs_self		 real_read_gs_self
#define mmio_read32		 real_mmio_read32
#define mmio_write32		 real_mmio_write32
#define mmio_read64		 real_mmio_read64
#define mmio_write64		 real_mmio_write64
#include "../../../../hv/cpu/hw.h"
#undef cpuid
#undef rdmsr
#undef wrmsr
#undef rdtsc
#undef xsetbv
#undef xsave64
#undef xrstor64
#undef fxsave64
#undef fxrstor64
#undef read_cr0
#undef read_cr2
#undef read_cr3
#undef read_cr4
#undef write_cr2
#undef read_dr0
#undef read_dr1
#undef read_dr2
#undef read_dr3
#undef read_dr6
#undef write_dr0
#undef write_dr1
#undef write_dr2
#undef write_dr3
#undef write_dr6
#undef interrupts_enable
#undef interrupts_disable
#undef cpu_halt_until_interrupt
#undef cpu_take_interrupts
#undef vmx_clear
#undef vmx_load
#undef vmx_read
#undef vmx_write
#undef vmx_invept
#undef vmx_invvpid
#undef read_gs_self
#undef mmio_read32
#undef mmio_write32
#undef mmio_read64
#undef mmio_write64

#define FAKE(type, name, params, args)                                                             \
	__attribute__((weak)) type fake_##name params;                                             \
	static inline type name params                                                             \
	{                                                                                          \
		return fake_##name ? fake_##name args : real_##name args;                          \
	}

FAKE(struct cpuid_regs, cpuid, (uint32_t leaf, uint32_t subleaf), (leaf, subleaf))
FAKE(uint64_t, rdmsr, (uint32_t msr), (msr))
FAKE(void, wrmsr, (uint32_t msr, uint64_t v), (msr, v))
FAKE(uint64_t, rdtsc, (void), ())
FAKE(void, xsetbv, (uint32_t index, uint64_t v), (index, v))
FAKE(void, xsave64, (void *area, uint64_t mask), (area, mask))
FAKE(void, xrstor64, (const void *area, uint64_t mask), (area, mask))
FAKE(void, fxsave64, (void *area), (area))
FAKE(void, fxrstor64, (const void *area), (area))
FAKE(uint64_t, read_cr0, (void), ())
FAKE(uint64_t, read_cr2, (void), ())
FAKE(uint64_t, read_cr3, (void), ())
FAKE(uint64_t, read_cr4, (void), ())
FAKE(void, write_cr2, (uint64_t v), (v))
FAKE(uint64_t, read_dr0, (void), ())
FAKE(uint64_t, read_dr1, (void), ())
FAKE(uint64_t, read_dr2, (void), ())
FAKE(uint64_t, read_dr3, (void), ())
FAKE(uint64_t, read_dr6, (void), ())
FAKE(void, write_dr0, (uint64_t v), (v))
FAKE(void, write_dr1, (uint64_t v), (v))
FAKE(void, write_dr2, (uint64_t v), (v))
FAKE(void, write_dr3, (uint64_t v), (v))
FAKE(void, write_dr6, (uint64_t v), (v))
FAKE(void, interrupts_enable, (void), ())
FAKE(void, interrupts_disable, (void), ())
FAKE(void, cpu_halt_until_interrupt, (void), ())
FAKE(void, cpu_take_interrupts, (void), ())
FAKE(bool, vmx_clear, (uint64_t hpa), (hpa))
FAKE(bool, vmx_load, (uint64_t hpa), (hpa))
FAKE(bool, vmx_read, (uint64_t field, uint64_t *value), (field, value))
FAKE(bool, vmx_write, (uint64_t field, uint64_t value), (field, value))
FAKE(bool, vmx_invept, (uint64_t type, const struct invalidate_desc *d), (type, d))
FAKE(bool, vmx_invvpid, (uint64_t type, const struct invalidate_desc *d), (type, d))
FAKE(uint32_t, mmio_read32, (uint64_t base, uint64_t off), (base, off))
FAKE(void, mmio_write32, (uint64_t base, uint64_t off, uint32_t v), (base, off, v))
FAKE(uint64_t, mmio_read64, (uint64_t base, uint64_t off), (base, off))
FAKE(void, mmio_write64, (uint64_t base, uint64_t off, uint64_t v), (base, off, v))
#undef FAKE

/* The real one is not volatile: it must not stand here, or the compiler moves it before the test.
 */
__attribute__((weak)) void *fake_read_gs_self(void);
static inline void *read_gs_self(void)
{
	return fake_read_gs_self ? fake_read_gs_self() : (void *)0;
}

#endif
