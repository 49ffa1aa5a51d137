// sources: tests/rig/control.c tests/rig/console.c tests/rig/words.c tests/rig/pacer.c tests/rig/profile.c tests/models/clock.c
/* The rig's control socket; commands are fakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/rig/control.h"
#include "tests/rig/rig.h"

static struct rig rig;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char dir[32];

void command_run(struct rig *r, const char *line, FILE *out)
{
	assert_ptr_equal(r, &rig);
	fprintf(out, "<%s>\n", line);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/rig-control-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	clock_init(&rig.clock, NULL, NULL);
	pacer_init(&rig.pacer);
	return control_create(&rig.control, &rig, address.sun_path);
}

static int tear_down(void **state)
{
	(void)state;
	control_destroy(rig.control);
	assert_int_equal(clock_next(&rig.clock), CLOCK_NEVER);
	clock_destroy(&rig.clock);
	assert_int_equal(rig.pacer.nr_fds, 0);
	return rmdir(dir);
}

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void run(void)
{
	clock_advance(&rig.clock, clock_now(&rig.clock) + 5 * CLOCK_PS_PER_MS);
}

static void assert_answer(int fd, const char *answer)
{
	char got[64] = "";

	assert_int_equal(recv(fd, got, strlen(answer) + 1, MSG_DONTWAIT), strlen(answer) + 1);
	assert_string_equal(got, answer);
}

static void test_commands(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "one");
	run();
	say(fd, " two\nthree\n");
	run();
	assert_answer(fd, "<one two>\n");
	assert_answer(fd, "<three>\n");
	close(fd);
	run();
}

static void test_one_after_the_other(void **state)
{
	int first = connect_client(), second = connect_client();
	char c;

	(void)state;
	say(second, "b\n");
	say(first, "half a line");
	run();
	assert_true(recv(second, &c, 1, MSG_DONTWAIT) < 0);
	close(first);
	run();
	assert_answer(second, "<b>\n");
	close(second);
}

/* It does not stop the machine. */
static void test_client_that_does_not_read(void **state)
{
	int fd = connect_client();
	char lines[512];

	(void)state;
	memset(lines, '\n', sizeof(lines));
	for (unsigned i = 0; i < 200; i++) {
		if (send(fd, lines, sizeof(lines), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		run();
	}
	close(fd);
	run();
	fd = connect_client();
	say(fd, "x\n");
	run();
	assert_answer(fd, "<x>\n");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_commands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_after_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_that_does_not_read, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
