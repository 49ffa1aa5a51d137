/* The machine's wall clock: MC146818 CMOS, read once at boot. */
#ifndef SLUICE_CPU_RTC_H
#define SLUICE_CPU_RTC_H

#include <stdint.h>

/* Reads the clock. On the boot CPU, after tsc_init(). */
void rtc_init(void);

/* Seconds since 1970-01-01 UTC at TSC 0; 0 if the clock made no sense. */
uint64_t rtc_boot_time_s(void);

/* Pure: fields as the CMOS holds them to seconds since 1970, 0 if out of range. */
struct rtc_fields {
	uint8_t second, minute, hour, day, month, year, century, status_b;
};
uint64_t rtc_to_seconds(const struct rtc_fields *f);

#endif
