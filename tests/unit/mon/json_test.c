// sources: hv/mon/json.c hv/mon/mon.c hv/lib/fmt.c hv/net/port.c
/* Commas, nesting, escapes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_mon.h"
#include "mon/json.h"

static void test_nesting_and_commas(void **state)
{
	struct json j = { .sink = &fake_sink };

	(void)state;
	fake_reset();
	json_begin_object(&j, NULL);
	json_u64(&j, "a", UINT64_MAX);
	json_begin_array(&j, "b");
	json_begin_object(&j, NULL);
	json_end_object(&j);
	json_u64(&j, NULL, 0);
	json_begin_array(&j, NULL);
	json_end_array(&j);
	json_end_array(&j);
	json_bool(&j, "c", true);
	json_bool(&j, "d", false);
	json_null(&j, "e");
	json_string(&j, "f", NULL);
	json_end_object(&j);
	assert_string_equal(fake_text, "{\"a\":18446744073709551615,\"b\":[{},0,[]],\"c\":true,"
				       "\"d\":false,\"e\":null,\"f\":null}");
}

static void test_escapes(void **state)
{
	struct json j = { .sink = &fake_sink };
	char long_text[1001];

	(void)state;
	fake_reset();
	json_string(&j, NULL, "a\"b\\c\nd\x01\xc3\xa9");
	assert_string_equal(fake_text, "\"a\\\"b\\\\c\\u000ad\\u0001\xc3\xa9\"");
	fake_reset();
	memset(long_text, 'x', 1000);
	long_text[1000] = '\0';
	j.comma = false;
	json_string(&j, NULL, long_text);
	assert_int_equal(fake_text_len, 1002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting_and_commas),
		cmocka_unit_test(test_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
