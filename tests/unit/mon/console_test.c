// sources: hv/mon/console.c hv/mon/command.c hv/mon/stats.c hv/mon/steer_view.c hv/net/steer_track.c hv/net/steer.c hv/mon/json.c hv/mon/mon.c hv/lib/fmt.c hv/net/port.c
/* Lines of guests, the log and the prompt on one serial line. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_mon.h"
#include "mon/console.h"

static int setup(void **state)
{
	struct console *c = malloc(sizeof(*c));

	fake_reset();
	console_init(c, &fake_ops, NULL, NULL, fake_write);
	console_add_guest(c, "a");
	console_add_guest(c, "b");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void say(struct console *c, unsigned guest, const char *text)
{
	while (*text)
		console_guest_putc(c, guest, (uint8_t)*text++, 0);
}

static void type(struct console *c, const char *text)
{
	while (*text)
		console_input(c, (uint8_t)*text++);
}

static void test_lines_stay_whole(void **state)
{
	struct console *c = *state;

	say(c, 0, "hel");
	say(c, 1, "one\r\ntw");
	say(c, 0, "lo\n\n");
	say(c, 1, "o\n");
	say(c, 2, "nobody\n");
	assert_string_equal(fake_text, "[b] one\n[a] hello\n[a] \n[b] two\n");
}

static void test_control_characters_are_removed(void **state)
{
	struct console *c = *state;

	say(c, 0, "x\033[2;1H\033c\rsluice: y\a\tz\177\xc3\xa9\n");
	say(c, 0, "\033[12\n1\033\n2\033\033[m3\n");
	assert_string_equal(fake_text, "[a] xsluice: y\tz\xc3\xa9\n[a] \n[a] 1\n[a] 23\n");
}

static void test_long_lines_are_cut(void **state)
{
	struct console *c = *state;

	for (unsigned i = 0; i < CONSOLE_LINE_BYTES; i++)
		say(c, 0, "x");
	say(c, 0, "\ny\n");
	assert_int_equal(fake_text_len, 4 + CONSOLE_LINE_BYTES + 1 + strlen("[a] y\n"));
}

static void test_partial_lines_appear(void **state)
{
	struct console *c = *state;

	say(c, 0, "login: ");
	console_tick(c, CONSOLE_PARTIAL_US - 1);
	assert_string_equal(fake_text, "");
	console_tick(c, CONSOLE_PARTIAL_US);
	assert_string_equal(fake_text, "[a] login: \n");
	say(c, 0, "\nok\n");
	assert_string_equal(fake_text, "[a] login: \n[a] ok\n");
}

static void test_no_prompt_before_a_key(void **state)
{
	struct console *c = *state;

	say(c, 0, "x\n");
	console_tick(c, 0);
	console_log_line(c, "sluice: y\n", 10);
	assert_string_equal(fake_text, "[a] x\nsluice: y\n");
}

static void test_typing_survives_output(void **state)
{
	struct console *c = *state;

	type(c, "pa");
	say(c, 0, "x\n");
	console_log_line(c, "sluice: y\n", 10);
	console_tick(c, 0);
	type(c, "use a\r");
	assert_string_equal(
		fake_text, "sluice> pa\r\033[K[a] x\nsluice: y\nsluice> pause a\nsluice> ");
	assert_string_equal(fake_events, "pause 0;");
}

static void test_editing(void **state)
{
	struct console *c = *state;

	type(c, "\b\177zz\b\bstop bb\b\r");
	assert_string_equal(fake_events, "stop 1;");
	fake_reset();
	type(c, "stop a\x15\r");
	assert_string_equal(fake_events, "");
	for (unsigned i = 0; i < 1000; i++)
		type(c, "q");
	fake_reset();
	type(c, "\r");
	assert_non_null(strstr(fake_text, "unknown command qqq"));
}

static void test_attach_and_detach(void **state)
{
	struct console *c = *state;

	say(c, 1, "# ");
	type(c, "attach b\r");
	assert_non_null(strstr(fake_text, "attached to b; Ctrl-] returns\n# "));
	fake_reset();
	say(c, 1, "\033[1mraw\r\n");
	say(c, 0, "hidden\nhid");
	console_tick(c, CONSOLE_PARTIAL_US);
	assert_string_equal(fake_text, "\033[1mraw\r\n");
	type(c, "a\x03");
	assert_string_equal(fake_events, "a>1;\x03>1;");
	fake_reset();
	type(c, "\x1d");
	assert_string_equal(fake_text, "\n[a] 1 lines not shown\nsluice> ");
	say(c, 0, "den\n");
	assert_non_null(strstr(fake_text, "[a] hidden\n"));
}

static void test_log_line_without_lock(void **state)
{
	struct console *c = *state;

	spin_lock(&c->lock);
	console_log_line(c, "x\n", 2);
	spin_unlock(&c->lock);
	assert_string_equal(fake_text, "x\n");
}

static void test_seize(void **state)
{
	struct console *c = *state;

	type(c, "pau");
	fake_reset();
	console_seize(c);
	assert_string_equal(fake_text, "\r\033[K");
	assert_false(spin_trylock(&c->lock));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_stay_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_control_characters_are_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_lines_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partial_lines_appear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_prompt_before_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_typing_survives_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_editing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attach_and_detach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_line_without_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seize, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
