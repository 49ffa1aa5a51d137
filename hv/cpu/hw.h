/* Every instruction that C cannot say: the only header with inline assembly.
 *
 * Host tests that need another implementation shadow this header by include path
 * (tests/support/fake/cpu/hw.h). MMIO accessors order themselves against all other memory
 * accesses of this CPU: x86 does not reorder uncached accesses, so a compiler barrier suffices. */
#ifndef SLUICE_CPU_HW_H
#define SLUICE_CPU_HW_H

#include <stdbool.h>
#include <stdint.h>

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return ((uint64_t)hi << 32) | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

/* Not serialising; good enough for accounting. */
static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return ((uint64_t)hi << 32) | lo;
}

#define DEFINE_CONTROL_REGISTER(cr)                                                                \
	static inline uint64_t read_##cr(void)                                                     \
	{                                                                                          \
		uint64_t v;                                                                        \
		__asm__ volatile("mov %%" #cr ", %0" : "=r"(v));                                   \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_##cr(uint64_t v)                                                  \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" #cr : : "r"(v) : "memory");                          \
	}

DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)
DEFINE_CONTROL_REGISTER(dr0)
DEFINE_CONTROL_REGISTER(dr1)
DEFINE_CONTROL_REGISTER(dr2)
DEFINE_CONTROL_REGISTER(dr3)
DEFINE_CONTROL_REGISTER(dr6)
DEFINE_CONTROL_REGISTER(dr7)

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return ((uint64_t)hi << 32) | lo;
}

static inline void xsetbv(uint32_t index, uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(index), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

/* area: 64-byte aligned, as large as CPUID leaf 0xD says; mask: state components. */
static inline void xsave64(void *area, uint64_t mask)
{
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
			 : "memory");
}

static inline void xrstor64(const void *area, uint64_t mask)
{
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
			 : "memory");
}

static inline void fxsave64(void *area)
{
	__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static inline void fxrstor64(const void *area)
{
	__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static inline void invlpg(uint64_t hva)
{
	__asm__ volatile("invlpg (%0)" : : "r"(hva) : "memory");
}

static inline void interrupts_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void interrupts_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* Enables interrupts for exactly the halt: STI's shadow covers HLT, so that an interrupt that
 * is pending at the call ends the halt at once and no wake-up is lost. Returns with IF=0. */
static inline void cpu_halt_until_interrupt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Takes what is pending: the NOP is in STI's shadow, interrupts come after it. Returns with IF=0.
 */
static inline void cpu_take_interrupts(void)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

static inline void cpu_halt(void)
{
	__asm__ volatile("hlt" : : : "memory");
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* For ever; an NMI may run its handler, then the halt goes on. */
_Noreturn static inline void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

/* Orders earlier stores before a WRMSR that does not serialise: the x2APIC's and the TSC
 * deadline's. */
static inline void fence_before_wrmsr(void)
{
	__asm__ volatile("mfence; lfence" : : : "memory");
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t mmio_read32(uint64_t base, uint64_t off)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(base + off) : "memory");
	return v;
}

static inline void mmio_write32(uint64_t base, uint64_t off, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(v), "r"(base + off) : "memory");
}

static inline uint64_t mmio_read64(uint64_t base, uint64_t off)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(base + off) : "memory");
	return v;
}

static inline void mmio_write64(uint64_t base, uint64_t off, uint64_t v)
{
	__asm__ volatile("movq %0, (%1)" : : "r"(v), "r"(base + off) : "memory");
}

/* VMX instructions: SDM vol. 3C, chapter 31. VMfail is CF=1 or ZF=1, "a" is below-or-equal's
 * inverse. Each returns true on success. */
static inline bool vmx_on(uint64_t hpa)
{
	bool ok;

	__asm__ volatile("vmxon %1" : "=@cca"(ok) : "m"(hpa) : "memory");
	return ok;
}

static inline void vmx_off(void)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
}

static inline bool vmx_clear(uint64_t hpa)
{
	bool ok;

	__asm__ volatile("vmclear %1" : "=@cca"(ok) : "m"(hpa) : "memory");
	return ok;
}

static inline bool vmx_load(uint64_t hpa)
{
	bool ok;

	__asm__ volatile("vmptrld %1" : "=@cca"(ok) : "m"(hpa) : "memory");
	return ok;
}

static inline bool vmx_read(uint64_t field, uint64_t *value)
{
	bool ok;

	__asm__ volatile("vmread %2, %1" : "=@cca"(ok), "=r"(*value) : "r"(field));
	return ok;
}

static inline bool vmx_write(uint64_t field, uint64_t value)
{
	bool ok;

	__asm__ volatile("vmwrite %1, %2" : "=@cca"(ok) : "r"(value), "r"(field) : "memory");
	return ok;
}

struct invalidate_desc {
	uint64_t tag; /* EPTP, or VPID in the low 16 bits */
	uint64_t linear_address;
};

static inline bool vmx_invept(uint64_t type, const struct invalidate_desc *d)
{
	bool ok;

	__asm__ volatile("invept %1, %2" : "=@cca"(ok) : "m"(*d), "r"(type) : "memory");
	return ok;
}

static inline bool vmx_invvpid(uint64_t type, const struct invalidate_desc *d)
{
	bool ok;

	__asm__ volatile("invvpid %1, %2" : "=@cca"(ok) : "m"(*d), "r"(type) : "memory");
	return ok;
}

struct descriptor_table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static inline void load_gdt(const struct descriptor_table *d)
{
	__asm__ volatile("lgdt %0" : : "m"(*d));
}

static inline void load_idt(const struct descriptor_table *d)
{
	__asm__ volatile("lidt %0" : : "m"(*d));
}

static inline void load_tr(uint16_t selector)
{
	__asm__ volatile("ltr %0" : : "r"(selector));
}

/* CS by a far return, SS, DS and ES by a move; FS and GS are emptied, which clears their bases. */
static inline void load_segments(uint16_t code, uint16_t data)
{
	uint64_t rip;

	__asm__ volatile("leaq 1f(%%rip), %0; pushq %1; pushq %0; lretq; 1:"
			 : "=&r"(rip)
			 : "r"((uint64_t)code)
			 : "memory");
	__asm__ volatile("movl %0, %%ss; movl %0, %%ds; movl %0, %%es; movl %1, %%fs; movl %1, %%gs"
			 :
			 : "r"((uint32_t)data), "r"(0)
			 : "memory");
}

/* The pointer at GS:0. It never changes while code runs on a core, so the compiler may reuse it. */
static inline void *read_gs_self(void)
{
	void *p;

	__asm__("movq %%gs:0, %0" : "=r"(p));
	return p;
}

static inline uint64_t read_frame_pointer(void)
{
	uint64_t v;

	__asm__ volatile("movq %%rbp, %0" : "=r"(v));
	return v;
}

/* Fills with the string unit. */
static inline void fill_bytes(void *dst, uint8_t byte, uint64_t len_bytes)
{
	uint64_t words = len_bytes >> 3, tail = len_bytes & 7;
	uint64_t pattern = byte * UINT64_C(0x0101010101010101);

	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(dst), "+c"(tail) : "a"(pattern) : "memory");
}

/* Copies with the string unit where it is fast; the packet path's copy. */
static inline void copy_bytes(void *dst, const void *src, uint64_t len_bytes)
{
	uint64_t words = len_bytes >> 3, tail = len_bytes & 7;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(tail) : : "memory");
}

#endif
