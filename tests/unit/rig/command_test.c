// sources: tests/rig/command.c tests/rig/console.c tests/rig/conf.c tests/rig/lines.c tests/rig/rig.c tests/rig/words.c tests/rig/pacer.c tests/rig/profile.c tests/models/clock.c tests/models/record.c tests/models/wire.c tests/models/pcap.c
/* The rig's commands and its configuration, with a machine, devices and wires that are fakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/rig/console.h"
#include "tests/rig/control.h"
#include "tests/rig/rig.h"
#include "tests/rig/wires.h"

static struct rig rig;
static struct rig_console console;
static char last_fault[64];
static unsigned nr_destroyed, nr_controls;

/* ---- The machine ---- */

struct bus_function {
	int nothing;
};

struct bus_function *bus_create(const char *name)
{
	(void)name;
	return calloc(1, sizeof(struct bus_function));
}

void bus_destroy(struct bus_function *f)
{
	free(f);
}

enum pci_irq_mode pci_dev_irq_mode(const struct pci_dev *d)
{
	(void)d;
	return PCI_IRQ_MSIX;
}

/* ---- The device ---- */

static struct pci_dev dev;
static const struct pci_model model = { .vendor = 0x8086, .device = 0x10fb };

static int fault(void *ctx, unsigned index, const char *command, const char **why)
{
	assert_ptr_equal(ctx, &dev);
	assert_int_equal(index, 1);
	snprintf(last_fault, sizeof(last_fault), "%s", command);
	*why = "there is no such fault";
	return strcmp(command, "link-down") == 0 ? 0 : -EINVAL;
}

static void print_counts(void *ctx, unsigned index, FILE *out)
{
	(void)ctx;
	fprintf(out, "index %u\n", index);
}

static void destroy(void *ctx)
{
	assert_ptr_equal(ctx, &dev);
	nr_destroyed++;
}

int nic_line(struct rig *r, const struct words *w)
{
	struct rig_function *f = rig_add_function(r, "nic0.1");

	(void)w;
	assert_non_null(f);
	dev.model = &model;
	dev.bdf = 0x29;
	dev.nr_messages = 7;
	f->pci = &dev;
	f->model = &dev;
	f->index = 1;
	f->fault = fault;
	f->print_counts = print_counts;
	return rig_add_model(r, &dev, destroy);
}

int ioat_line(struct rig *r, const struct words *w)
{
	return rig_fail(r, "no %s here", w->word[0]);
}

int selftest_line(struct rig *r, const struct words *w)
{
	return ioat_line(r, w);
}

int wire_line(struct rig *r, const struct words *w)
{
	(void)w;
	wire_init(&r->wire[r->nr_wires++].wire, &r->clock);
	return 0;
}

int pcap_line(struct rig *r, const struct words *w)
{
	return ioat_line(r, w);
}

void wire_print(struct rig_wire *w, FILE *out)
{
	fprintf(out, "plugged %d\n", w->wire.plugged);
}

void wires_destroy(struct rig *r)
{
	while (r->nr_wires)
		wire_destroy(&r->wire[--r->nr_wires].wire);
}

int control_create(struct control **c, struct rig *r, const char *path)
{
	(void)c;
	(void)r;
	nr_controls++;
	return strcmp(path, "good") == 0 ? 0 : -ENOENT;
}

void control_destroy(struct control *c)
{
	(void)c;
}

/* ---- Tests ---- */

static int read_text(const char *text)
{
	char path[] = "/tmp/rig-conf-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = conf_read(&rig, path, rig_conf_lines);
	unlink(path);
	return err;
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(rig_init(&rig), 0);
	console_init(&console, &rig);
	nr_destroyed = 0;
	return read_text("82599 slot=3 # a comment\n\nwire cable\n");
}

static int tear_down(void **state)
{
	(void)state;
	console_destroy(&console);
	rig_destroy(&rig);
	return nr_destroyed == 1 ? 0 : -1;
}

static void assert_answer(const char *command, const char *answer)
{
	char got[256];
	size_t len = 0;

	for (; *command; command++)
		assert_false(console_put(&console, *command));
	assert_true(console_put(&console, '\n'));
	do {
		got[len] = console_get(&console);
	} while (got[len] && ++len < sizeof(got) - 1);
	got[len] = 0;
	assert_memory_equal(got, answer, strlen(answer));
	if (answer[0] && answer[strlen(answer) - 1] == '\n')
		assert_string_equal(got, answer);
}

static void test_device(void **state)
{
	(void)state;
	assert_answer("nic0.1 counts", "index 1\n");
	assert_answer("list", "nic0.1 00:05.1 8086:10fb\n");
	assert_answer("nic0.1 pci", "interrupts_by msix\nmessages 7");
	assert_answer("  nic0.1  fault link-down", "ok\n");
	assert_answer(
		"nic0.1 fault stall-rx  3 100", "error: stall-rx 3 100: there is no such fault\n");
	assert_string_equal(last_fault, "stall-rx 3 100");
	assert_answer("nic0.1", "error: nic0.1 counts|pci|fault COMMAND...\n");
	assert_answer("nic0.1 fault", "error");
	assert_answer("nic0.1 counts now", "error");
	assert_answer("nic0.0 counts", "error: no command nic0.0; help lists them\n");
}

static void test_others(void **state)
{
	(void)state;
	clock_advance(&rig.clock, 12345);
	assert_answer("time", "ps 12345\n");
	assert_answer("time now", "error");
	assert_answer("help", "help\ntime ");
	assert_answer("", "error: no command; help lists them\n");
	assert_answer("profile", "error");
	assert_answer("wire 0 counts", "plugged 1\n");
	assert_answer("wire 0 unplug", "ok\n");
	assert_false(rig.wire[0].wire.plugged);
	assert_answer("wire 0 plug", "ok\n");
	assert_true(rig.wire[0].wire.plugged);
	assert_answer("wire 1 plug", "error: no wire 1\n");
	assert_answer("wire x plug", "error: no wire x\n");
	assert_answer("wire 0 cut", "error");
	assert_answer("wire 0", "error");
}

static void test_record(void **state)
{
	const struct record_entry e = { .at_ps = 10,
		.addr = 0x1000,
		.len_bytes = 64,
		.device = 1,
		.hint = { DMA_PAYLOAD, 5, 0x42 } };

	(void)state;
	assert_answer("record find 0x1000", "none\n");
	record_add(&rig.record, &e);
	assert_answer("record count", "entries 1\n");
	assert_answer("record find 0x103f", "10 1 5 payload 0x1000 64 ");
	assert_answer("record find 0x1040", "none\n");
	assert_answer("record find there", "error: there: not an address\n");
	assert_answer("record export ../x", "error: ../x: a plain file name is wanted\n");
	assert_answer("record export .x", "error");
	assert_answer("record", "error");
}

static void test_long_line(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * WORDS_LINE_MAX; i++)
		assert_false(console_put(&console, 'x'));
	assert_answer("", "error: the line is too long\n");
	/* and the next one is as always; an answer that nobody read is forgotten */
	assert_answer("list", "nic0.1 00:05.1 8086:10fb\n");
	assert_int_equal(console_get(&console), 0);
}

static void test_configuration(void **state)
{
	(void)state;
	assert_int_equal(read_text("profile\niffix 10\nfault nic0.1 link-down\ncontrol good"), 0);
	assert_true(rig.profile);
	assert_int_equal(rig.repair_us, 10);
	assert_int_equal(nr_controls, 1);
	rig.profile = false;
	assert_int_equal(read_text("record /tmp/rig-record 100"), 0);
	assert_int_equal(rig.record.capacity, 128);
	rig.record_path[0] = 0;
}

static void test_wrong_lines(void **state)
{
	static const char *const lines[][2] = {
		{ "nonsense 1", "no such line: nonsense" },
		{ "ioat", "no ioat here" },
		{ "fault nic0.1 stall", "error: stall: there is no such fault" },
		{ "fault nic0.2 stall", "error: no command nic0.2; help lists them" },
		{ "fault nic0.1", "fault DEVICE COMMAND..." },
		{ "control bad", "bad: No such file or directory" },
		{ "record", "record FILE [ENTRIES]" },
		{ "record x 0", "0: not a number of entries" },
		{ "iffix", "iffix MICROSECONDS" },
		{ "profile on", "profile" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(read_text(lines[i][0]), -EINVAL);
		assert_string_equal(rig.reason, lines[i][1]);
	}
	assert_int_equal(conf_read(&rig, "/nonexistent", rig_conf_lines), -EINVAL);
}

static void test_long_configuration_line(void **state)
{
	char text[2 * WORDS_LINE_MAX];

	(void)state;
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(read_text(text), -EINVAL);
	assert_string_equal(rig.reason, "the line is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_configuration, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_configuration_line, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
