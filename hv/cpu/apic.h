/* The local APIC, in x2APIC mode where the CPU has it, by MMIO otherwise. SDM vol. 3A, chapter 11.
 * Everything acts on the calling core's APIC unless an APIC id is given. */
#ifndef SLUICE_CPU_APIC_H
#define SLUICE_CPU_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* On the boot CPU once, after host_paging_init(): chooses the mode, maps the registers. */
void apic_init(void);

/* On each core: enables the APIC with VECTOR_SPURIOUS, LVTs masked, TPR 0. */
void apic_enable(void);

bool apic_is_x2apic(void);
uint32_t apic_id(void);
void apic_eoi(void);

/* Fixed delivery, physical destination, edge. In xAPIC mode waits (bounded) for the previous IPI.
 */
void apic_send_ipi(uint32_t apic_id, uint8_t vector);
void apic_send_nmi(uint32_t apic_id);
void apic_send_nmi_all_but_self(void);
void apic_send_init_all_but_self(void);
void apic_send_sipi_all_but_self(uint8_t page);
void apic_send_init(uint32_t apic_id);
void apic_send_sipi(uint32_t apic_id, uint8_t page); /* starts at page << 12 */

/* Measures the APIC timer against the TSC where there is no TSC-deadline mode. After tsc_init(). */
void apic_timer_init(void);

/* One shot of VECTOR_TIMER when the TSC reaches deadline_tsc (at once if it has); replaces an
 * earlier one. Without TSC-deadline mode it may come late by the count's rounding, and early after
 * a deadline farther than the counter reaches: compare the TSC, arm again. */
void apic_timer_arm_tsc(uint64_t deadline_tsc);
void apic_timer_disarm(void);

#endif
