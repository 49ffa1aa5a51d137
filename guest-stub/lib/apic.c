/* Local APIC access. SDM vol. 3A, chapter 10. */
#include "apic.h"

#include "cpu.h"
#include "cpu/hw.h"
#include "cpu/msr.h"

#define XAPIC_GPA	 UINT64_C(0xfee00000)
#define SVR_ENABLE	 0x1ffu /* spurious vector 255 */
#define LVT_TSC_DEADLINE 0x40000u
#define DIVIDE_BY_1	 0xbu

static bool x2, deadline;

bool apic_is_x2(void)
{
	return x2;
}

bool apic_has_deadline(void)
{
	return deadline;
}

uint32_t apic_read(unsigned reg)
{
	if (x2)
		return (uint32_t)rdmsr(IA32_X2APIC_FIRST + reg);
	return mmio_read32(XAPIC_GPA, reg * 16);
}

void apic_write(unsigned reg, uint32_t value)
{
	if (x2)
		wrmsr(IA32_X2APIC_FIRST + reg, value);
	else
		mmio_write32(XAPIC_GPA, reg * 16, value);
}

void apic_init(void)
{
	uint32_t features = cpuid(1, 0).ecx;
	uint64_t base = rdmsr(IA32_APIC_BASE);

	deadline = features & BIT32(24);
	if (!(base & APIC_BASE_EXTD) && (features & BIT32(21)))
		wrmsr(IA32_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_EXTD);
	x2 = rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD;
	apic_write(APIC_REG_SVR, SVR_ENABLE);
	apic_write(APIC_REG_TPR, 0);
	if (deadline) {
		apic_write(APIC_REG_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
		return;
	}
	apic_write(APIC_REG_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_REG_LVT_TIMER, VECTOR_TIMER);
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_REG_ID);

	return x2 ? id : id >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_REG_EOI, 0);
}

void apic_send(uint32_t dest, uint32_t icr_low)
{
	if (x2) {
		wrmsr(IA32_X2APIC_FIRST + APIC_REG_ICR, (uint64_t)dest << 32 | icr_low);
		return;
	}
	apic_write(APIC_REG_ICR_HIGH, dest << 24);
	apic_write(APIC_REG_ICR, icr_low);
}

void apic_self_ipi(uint8_t vector)
{
	if (x2)
		apic_write(APIC_REG_SELF_IPI, vector);
	else
		apic_send(0, APIC_SELF | APIC_ASSERT | vector);
}

void apic_timer_arm(uint64_t ticks)
{
	if (deadline)
		wrmsr(IA32_TSC_DEADLINE, rdtsc() + ticks);
	else
		apic_write(APIC_REG_COUNT, (uint32_t)MIN(ticks, UINT32_MAX));
}
