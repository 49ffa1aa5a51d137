/* Our string functions under other names, against libc's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define memcpy	our_memcpy
#define memmove our_memmove
#define memset	our_memset
#define memcmp	our_memcmp
#define strlen	our_strlen
#define strcmp	our_strcmp
#define strncmp our_strncmp
#include "lib/string.c"
#include "lib/div128.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

static void test_moves(void **state)
{
	uint8_t ours[128], libc[128];

	(void)state;
	srand(3);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % 48, from = (size_t)rand() % 80;
		size_t to = (size_t)rand() % 80;

		for (unsigned i = 0; i < sizeof(ours); i++)
			ours[i] = libc[i] = (uint8_t)rand();
		our_memmove(ours + to, ours + from, len);
		memmove(libc + to, libc + from, len);
		assert_memory_equal(ours, libc, sizeof(ours));
		our_memset(ours + to, (int)round, len);
		memset(libc + to, (int)round, len);
		assert_memory_equal(ours, libc, sizeof(ours));
	}
	our_memcpy(ours, "0123456789a", 12);
	assert_string_equal((char *)ours, "0123456789a");
}

static void test_comparisons(void **state)
{
	(void)state;
	assert_int_equal(our_memcmp("ab", "ab", 2), 0);
	assert_true(our_memcmp("\x7f", "\x80", 1) < 0);
	assert_int_equal(our_strlen("abc"), 3);
	assert_true(our_strcmp("ab", "abc") < 0);
	assert_true(our_strcmp("\xff", "a") > 0);
	assert_int_equal(our_strncmp("abX", "abY", 2), 0);
	assert_int_equal(our_strncmp("a", "a", 9), 0);
}

static void test_division(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint64_t quotient = (uint64_t)rand() * (uint64_t)rand() + 1;
		uint64_t divisor = (uint64_t)rand() + 1, rest = (uint64_t)rand() % divisor;

		assert_true(__udivti3((uint128)quotient * divisor + rest, divisor) == quotient);
	}
	assert_true(__udivti3(~(uint128)0, 1) == ~(uint128)0);
	assert_true(__udivti3(~(uint128)0, ~(uint128)0) == 1);
	assert_true(__udivti3(5, ~(uint128)0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_division),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
