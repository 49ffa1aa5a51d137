/* MC146818 real-time clock; see rtc.h. */
#include "cpu/rtc.h"

#include <stdbool.h>

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "lib/bits.h"

#define CMOS_INDEX	     0x70
#define CMOS_DATA	     0x71
#define RTC_STATUS_A	     0x0a
#define STATUS_A_UPDATING    BIT32(7)
#define RTC_STATUS_B	     0x0b
#define STATUS_B_24H	     BIT32(1)
#define STATUS_B_BINARY	     BIT32(2)
#define HOUR_PM		     0x80
#define UPDATE_TIMEOUT_TICKS 100000 /* an update takes 2 ms; each look costs an I/O access */

static uint64_t boot_time_s;

static uint8_t cmos_read(uint8_t index)
{
	outb(CMOS_INDEX, index);
	return inb(CMOS_DATA);
}

static uint32_t from_bcd(uint32_t v, uint8_t status_b)
{
	return status_b & STATUS_B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01, by counting leap years (Gregorian, after 1970). */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
	static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304,
		334 };
	uint32_t y = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	uint64_t leap_days = (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);

	return (uint64_t)(year - 1970) * 365 + leap_days + before[month - 1] + day - 1 +
	       (leap && month > 2);
}

uint64_t rtc_to_seconds(const struct rtc_fields *f)
{
	uint32_t hour = from_bcd(f->hour & ~HOUR_PM, f->status_b);
	uint32_t month = from_bcd(f->month, f->status_b), day = from_bcd(f->day, f->status_b);
	uint32_t century = from_bcd(f->century, f->status_b);
	uint32_t year = (century >= 19 && century <= 21 ? century : 20) * 100 +
			from_bcd(f->year, f->status_b);
	uint32_t minute = from_bcd(f->minute, f->status_b);
	uint32_t second = from_bcd(f->second, f->status_b);

	if (!(f->status_b & STATUS_B_24H))
		hour = hour % 12 + (f->hour & HOUR_PM ? 12 : 0);
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
		second > 60 || year < 1970)
		return 0;
	return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

void rtc_init(void)
{
	struct rtc_fields f;
	uint64_t now;

	for (unsigned i = 0; i < UPDATE_TIMEOUT_TICKS; i++)
		if (!(cmos_read(RTC_STATUS_A) & STATUS_A_UPDATING))
			break;
	f = (struct rtc_fields){ .second = cmos_read(0),
		.minute = cmos_read(2),
		.hour = cmos_read(4),
		.day = cmos_read(7),
		.month = cmos_read(8),
		.year = cmos_read(9),
		.century = cmos_read(0x32),
		.status_b = cmos_read(RTC_STATUS_B) };
	now = rtc_to_seconds(&f);
	boot_time_s = now ? now - tsc_to_us(rdtsc()) / 1000000 : 0;
}

uint64_t rtc_boot_time_s(void)
{
	return boot_time_s;
}
