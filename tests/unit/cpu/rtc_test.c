// sources: hv/cpu/rtc.c
/* CMOS fields to seconds, against the C library's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/rtc.h"
#include "cpu/tsc.h"

#define BINARY 0x04
#define H24    0x02
#define PM     0x80

/* hv/cpu/tsc.c */
uint64_t tsc_to_us(uint64_t ticks)
{
	return ticks;
}

static uint8_t encode(int v, uint8_t status_b)
{
	return (uint8_t)(status_b & BINARY ? v : v / 10 * 16 + v % 10);
}

static struct rtc_fields fields_of(const struct tm *t, uint8_t status_b)
{
	struct rtc_fields f = {
		.second = encode(t->tm_sec, status_b),
		.minute = encode(t->tm_min, status_b),
		.hour = encode(t->tm_hour, status_b),
		.day = encode(t->tm_mday, status_b),
		.month = encode(t->tm_mon + 1, status_b),
		.year = encode(t->tm_year % 100, status_b),
		.century = encode(19 + t->tm_year / 100, status_b),
		.status_b = status_b,
	};

	if (!(status_b & H24)) {
		f.hour = encode(t->tm_hour % 12 ? t->tm_hour % 12 : 12, status_b);
		f.hour |= t->tm_hour >= 12 ? PM : 0;
	}
	return f;
}

static void check(time_t when, uint8_t status_b)
{
	struct tm t;
	struct rtc_fields f;

	assert_non_null(gmtime_r(&when, &t));
	f = fields_of(&t, status_b);
	assert_int_equal(rtc_to_seconds(&f), when);
}

/* A step that drifts through hours, days and months; all four encodings. */
static void agrees_with_libc(void **state)
{
	const time_t end = 4102444800 + (time_t)86400 * 365 * 50; /* into 2149 */

	(void)state;
	for (time_t when = 86399; when < end; when += 86400 * 3 + 3607)
		for (uint8_t b = 0; b <= (BINARY | H24); b += H24)
			check(when, b);
}

/* Days around every leap day and turn of the year. */
static void leap_years(void **state)
{
	(void)state;
	for (int year = 70; year < 250; year++) {
		for (int day = 1; day <= 61; day++) {
			struct tm t = { .tm_year = year, .tm_mday = day, .tm_hour = 12 };

			check(timegm(&t), H24);
		}
		for (int day = 1; day <= 31; day++) {
			struct tm t = { .tm_year = year, .tm_mon = 11, .tm_mday = day };

			check(timegm(&t), 0);
		}
	}
}

/* No century register: it reads as anything. */
static void odd_century_is_the_20th(void **state)
{
	struct tm t = { .tm_year = 126, .tm_mon = 5, .tm_mday = 7 };
	struct rtc_fields f = fields_of(&t, H24);

	(void)state;
	f.century = 0;
	assert_int_equal(rtc_to_seconds(&f), timegm(&t));
	f.century = 0xff;
	assert_int_equal(rtc_to_seconds(&f), timegm(&t));
}

/* Whatever the CMOS holds: an answer, and nothing out of bounds (this runs under ASan). */
static void nonsense_is_refused(void **state)
{
	const struct rtc_fields good = { 59, 59, 23, 31, 12, 26, 20, BINARY | H24 };
	uint8_t bytes[sizeof(good)];
	struct rtc_fields f = good;

	(void)state;
	assert_true(rtc_to_seconds(&f) != 0);
	for (unsigned field = 0; field < sizeof(good); field++) {
		for (unsigned v = 0; v < 256; v++) {
			__builtin_memcpy(bytes, &good, sizeof(good));
			bytes[field] = (uint8_t)v;
			__builtin_memcpy(&f, bytes, sizeof(f));
			(void)rtc_to_seconds(&f);
		}
	}
	f = good, f.month = 0;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.month = 13;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.day = 0;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.day = 32;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.hour = 24;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.minute = 60;
	assert_int_equal(rtc_to_seconds(&f), 0);
	f = good, f.second = 61;
	assert_int_equal(rtc_to_seconds(&f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_libc),
		cmocka_unit_test(leap_years),
		cmocka_unit_test(odd_century_is_the_20th),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
