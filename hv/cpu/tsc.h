/* The time-stamp counter as the clock of everything. Its frequency is measured against a timer that
 * can be trusted; what CPUID says is logged and used only if nothing could be measured. */
#ifndef SLUICE_CPU_TSC_H
#define SLUICE_CPU_TSC_H

#include <stdint.h>

#include "cpu/hw.h"

extern uint64_t tsc_khz; /* never 0, a guess of 1 GHz before tsc_init() */

/* After acpi_init(). Takes about 20 ms. */
void tsc_init(void);

/* Both saturate instead of wrapping. */
uint64_t tsc_to_us(uint64_t ticks);
uint64_t us_to_tsc(uint64_t us);
uint64_t tsc_to_ns(uint64_t ticks);

void udelay(uint64_t us);

#endif
