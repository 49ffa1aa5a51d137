// sources: hv/lib/fmt.c
/* fmt against libc's snprintf, which is the reference for everything both know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fmt.h"

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char got[128], want[128];                                                          \
		int len = snprintf(want, sizeof(want), __VA_ARGS__);                               \
		assert_int_equal(fmt_print(got, sizeof(got), __VA_ARGS__), len);                   \
		assert_string_equal(got, want);                                                    \
	} while (0)

static void test_numbers(void **state)
{
	(void)state;
	SAME("%d %i %u", -1, 42, 4000000000u);
	SAME("%d %ld %lld", INT32_MIN, INT64_MIN, (long long)INT64_MAX);
	SAME("%x %X %lx %llx", 0xbeefu, 0xBEEFu, 0x123456789abcdefUL, 0ull);
	SAME("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
	SAME("[%016lx] [%2u]", 0xffff800000000000UL, 123u);
	SAME("%hhu %hhd %hu %hd", 511u, 255, 65537u, 65535);
	SAME("%zu %p", (size_t)7, (void *)0x1234);
}

static void test_text(void **state)
{
	(void)state;
	SAME("%s|%10s|%-10s|%.2s|%c%%", "a", "b", "c", "def", 'x');
}

static void test_precision_does_not_read_past(void **state)
{
	char unterminated[3] = { 'a', 'b', 'c' }, got[8];

	(void)state;
	assert_int_equal(fmt_print(got, sizeof(got), "%.3s", unterminated), 3);
	assert_string_equal(got, "abc");
}

static void test_truncation(void **state)
{
	char buf[8];

	(void)state;
	memset(buf, 'z', sizeof(buf));
	assert_int_equal(fmt_print(buf, 4, "%s", "abcdef"), 6);
	assert_memory_equal(buf, "abc\0zzzz", 8);
	assert_int_equal(fmt_print(NULL, 0, "%d", 12345), 5);
	assert_int_equal(fmt_print(buf, 1, "x"), 1);
	assert_int_equal(buf[0], 0);
}

static void test_unknown_is_literal(void **state)
{
	char buf[32];
	const char *unknown = "100%q %";
	const char *volatile null = NULL;

	(void)state;
	fmt_print(buf, sizeof(buf), "%s", null);
	assert_string_equal(buf, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	fmt_print(buf, sizeof(buf), unknown);
#pragma GCC diagnostic pop
	assert_string_equal(buf, "100%q %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_precision_does_not_read_past),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_unknown_is_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
