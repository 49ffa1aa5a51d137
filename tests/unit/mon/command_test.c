// sources: hv/mon/command.c hv/mon/stats.c hv/mon/steer_view.c hv/net/steer_track.c hv/net/steer.c hv/mon/json.c hv/mon/mon.c hv/lib/fmt.c hv/net/port.c
/* Every command against the fake machine; wrong words. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_mon.h"
#include "mon/command.h"

static struct command_context context = { .ops = &fake_ops };

static const char *run(const char *line)
{
	fake_reset();
	command_run(&context, line, &fake_sink);
	return fake_text;
}

static void test_lists(void **state)
{
	(void)state;
	assert_non_null(strstr(run("guests"), "\na               running        1      64 "));
	assert_non_null(strstr(fake_text, "\nb               paused "));
	assert_non_null(strstr(run("cores"), "\n1     2       idle "));
	assert_non_null(strstr(fake_text, "\nb                       900        12          5"));
	assert_non_null(strstr(run("net"), "\nlan         b.0                        101 "));
	assert_non_null(strstr(run("net"), "\nlan         nic0                       200 "));
	assert_non_null(strstr(run("net"), "\n  ixgbe, link up, 10000 Mbit/s, 0 resets\n"));
	assert_non_null(strstr(run("net"), "in, 22 out, 4 missed, 3 CRC errors\n"));
	assert_non_null(strstr(fake_text, "  dropped, no_port"));
	assert_non_null(strstr(run("macs"), "02:00:00:00:00:ab     7  a.0             fixed\n"));
	assert_non_null(strstr(fake_text, "a.0             12 s\n"));
	assert_non_null(strstr(run("steer"), "policy full, backend dca\n"));
	assert_non_null(strstr(fake_text,
		"\na                       10         7        0        2        1"
		"        0        0         5       2     0 us\n"));
	assert_non_null(strstr(fake_text, "        1         5       2     9 us\n"));
	assert_string_equal(run("steer trace"),
		"placed a 0x123400c 1000 1514 engine 1 0 77 80 moved\n"
		"placed b 0x123400c 1000 1514 engine 1 1 77 80 on_target\n2 placements\n");
	assert_string_equal(run("steer wheel"), "steer, or steer trace\n");
	assert_non_null(strstr(run("help"), "  attach   GUEST    its console"));
	assert_int_equal(run("stats")[0], '{');
}

static void test_crash(void **state)
{
	(void)state;
	fake_why = "triple fault";
	assert_non_null(strstr(run("guests"), "\nb               crashed "));
	assert_non_null(strstr(fake_text, "\n  crashed: triple fault\n"));
	assert_non_null(strstr(run("stats"), "\"state\":\"crashed\",\"why\":\"triple fault\""));
	fake_why = NULL;
	assert_null(strstr(run("guests"), "crashed"));
}

static void test_exits(void **state)
{
	(void)state;
	assert_non_null(
		strstr(run("exits"), "a: 5 exits\n  cpuid                                5\n"));
	assert_non_null(strstr(fake_text, "b: 6 exits\n"));
	assert_null(strstr(run("exits b"), "a: 5"));
	assert_non_null(strstr(fake_text, "  reason_71                            1\n"));
	assert_string_equal(run("exits nobody"), "no guest named nobody\n");
}

static void test_control(void **state)
{
	(void)state;
	assert_string_equal(run("  pause \t b  "), "");
	assert_string_equal(fake_events, "pause 1;");
	run("resume a");
	assert_string_equal(fake_events, "resume 0;");
	run("stop a");
	assert_string_equal(fake_events, "stop 0;");
	run("poweroff a");
	assert_string_equal(fake_events, "poweroff 0;");
	assert_string_equal(run("start a"), "a: not possible in its state\n");
	assert_string_equal(run("reset a"), "a: failed, error -12\n");
	assert_string_equal(run("pause c"), "no guest named c\n");
	assert_string_equal(fake_events, "");
	run("poweroff");
	assert_string_equal(fake_events, "machine 0;");
}

static void test_log(void **state)
{
	(void)state;
	run("log debug");
	assert_string_equal(fake_events, "log 3;");
	assert_non_null(strstr(run("log loud"), "one of"));
	assert_string_equal(fake_events, "");
}

static void test_attach(void **state)
{
	(void)state;
	run("attach b");
	assert_int_equal(context.attach, 1);
	run("guests");
	assert_int_equal(context.attach, COMMAND_NO_GUEST);
	run("attach c");
	assert_int_equal(context.attach, COMMAND_NO_GUEST);
}

static void test_wrong_words(void **state)
{
	char line[1000];

	(void)state;
	assert_string_equal(run(""), "");
	assert_string_equal(run(" \t "), "");
	assert_string_equal(run("gues"), "unknown command gues; try help\n");
	assert_string_equal(run("guests a"), "usage: guests \n");
	assert_string_equal(run("pause"), "usage: pause GUEST\n");
	assert_string_equal(run("pause a b"), "usage: pause GUEST\n");
	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(strlen(run(line)), strlen("unknown command ; try help\n") + 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_wrong_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
