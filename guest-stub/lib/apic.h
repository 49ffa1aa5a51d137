/* The local APIC: x2APIC, or the memory-mapped xAPIC where the CPU has no x2APIC. */
#ifndef STUB_APIC_H
#define STUB_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Register numbers are x2APIC's: MSR 0x800 + n; xAPIC's are at 16 n. */
#define APIC_REG_ID	   0x02
#define APIC_REG_TPR	   0x08
#define APIC_REG_EOI	   0x0b
#define APIC_REG_SVR	   0x0f
#define APIC_REG_ESR	   0x28
#define APIC_REG_ICR	   0x30
#define APIC_REG_ICR_HIGH  0x31 /* xAPIC only */
#define APIC_REG_LVT_TIMER 0x32
#define APIC_REG_COUNT	   0x38
#define APIC_REG_DIVIDE	   0x3e
#define APIC_REG_SELF_IPI  0x3f /* x2APIC only */

/* ICR: SDM vol. 3A, 10.6.1 */
#define APIC_FIXED	0x000u
#define APIC_NMI	0x400u
#define APIC_INIT	0x500u
#define APIC_SIPI	0x600u
#define APIC_LOGICAL	0x800u
#define APIC_ASSERT	0x4000u
#define APIC_LEVEL	0x8000u
#define APIC_SELF	0x40000u
#define APIC_ALL	0x80000u
#define APIC_ALL_OTHERS 0xc0000u

void apic_init(void);
bool apic_is_x2(void);
uint32_t apic_read(unsigned reg);
void apic_write(unsigned reg, uint32_t value);
uint32_t apic_id(void);
void apic_eoi(void);
void apic_send(uint32_t dest, uint32_t icr_low);
void apic_self_ipi(uint8_t vector);
bool apic_has_deadline(void);
/* One VECTOR_TIMER interrupt after ticks of the TSC (of the APIC's clock without TSC deadline). */
void apic_timer_arm(uint64_t ticks);

#endif
