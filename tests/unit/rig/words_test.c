// sources: tests/rig/words.c
/* Lines of the rig's configuration: words, numbers, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/rig/words.h"

static void test_split(void **state)
{
	struct words w;
	char text[32];

	(void)state;
	assert_int_equal(words_split(&w, "  one\ttwo three # four"), 0);
	assert_int_equal(w.nr, 3);
	assert_string_equal(w.word[1], "two");
	words_join(&w, 1, text, sizeof(text));
	assert_string_equal(text, "two three");
	words_join(&w, 0, text, 6);
	assert_string_equal(text, "one t");
	assert_int_equal(words_split(&w, "# all"), 0);
	assert_int_equal(w.nr, 0);
	assert_int_equal(words_split(&w, "a#b"), 0);
	assert_string_equal(w.word[0], "a#b");
}

static void test_too_much(void **state)
{
	char line[WORDS_LINE_MAX + 1];
	struct words w;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	assert_true(words_split(&w, line) < 0);
	for (unsigned i = 0; i < 2 * (WORDS_MAX + 1); i++)
		line[i] = i % 2 ? ' ' : 'a';
	line[2 * (WORDS_MAX + 1)] = 0;
	assert_true(words_split(&w, line) < 0);
	line[2 * WORDS_MAX] = 0;
	assert_int_equal(words_split(&w, line), 0);
	assert_int_equal(w.nr, WORDS_MAX);
}

static void test_numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(words_number("18446744073709551615", &v) && v == UINT64_MAX);
	assert_true(words_number("0xfF", &v) && v == 255);
	assert_true(words_number("010", &v) && v == 10);
	assert_false(words_number("18446744073709551616", &v));
	assert_false(words_number("", &v));
	assert_false(words_number("-1", &v));
	assert_false(words_number("1x", &v));
	assert_false(words_number("0x", &v));
	assert_false(words_number("ff", &v));
}

struct settings {
	uint64_t number, hex;
	uint8_t mac[6];
	bool flag;
	const char *text;
};

static int parse(struct settings *s, struct words *w, const char *line, char *reason)
{
	const struct option options[] = {
		{ "n", OPTION_NUMBER, &s->number, 1, 10 },
		{ "hex", OPTION_HEX, &s->hex, 0, 0xffff },
		{ "mac", OPTION_MAC, s->mac, 0, 0 },
		{ "flag", OPTION_FLAG, &s->flag, 0, 0 },
		{ "text", OPTION_TEXT, &s->text, 0, 0 },
	};

	memset(s, 0, sizeof(*s));
	assert_int_equal(words_split(w, line), 0);
	return words_options(w, 1, options, 5, reason);
}

static void test_options(void **state)
{
	const uint8_t mac[6] = { 2, 0, 0xab, 0, 0, 1 };
	char reason[WORDS_REASON_MAX];
	struct settings s;
	struct words w;

	(void)state;
	assert_int_equal(
		parse(&s, &w, "x n=0x0a hex=10fb mac=02:00:ab:0:0:1 flag text=a=b", reason), 0);
	assert_int_equal(s.number, 10);
	assert_int_equal(s.hex, 0x10fb);
	assert_memory_equal(s.mac, mac, 6);
	assert_true(s.flag);
	assert_string_equal(s.text, "a=b");
}

static void test_wrong_options(void **state)
{
	static const char *const lines[] = { "x n=0", "x n=11", "x n=", "x n", "x nn=1",
		"x hex=10000", "x hex=g", "x mac=1:2:3:4:5", "x mac=1:2:3:4:5:6:7",
		"x mac=1:2:3:4:5:-6", "x flag=1", "x flags", "x text=", "x =", "x y" };
	char reason[WORDS_REASON_MAX];
	struct settings s;
	struct words w;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		reason[0] = 0;
		assert_true(parse(&s, &w, lines[i], reason) < 0);
		assert_true(reason[0] != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_wrong_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
