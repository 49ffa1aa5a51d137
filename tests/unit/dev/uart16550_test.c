// sources: hv/dev/uart16550.c
/* The UART against the PC16550D datasheet and against what Linux's 8250 driver probes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/uart16550.h"

static struct uart16550 u;
static char out[64];
static unsigned nr_out, nr_edges;
static bool line;

static void fake_putc(void *ctx, uint8_t c)
{
	(void)ctx;
	assert_int_equal(u.lock.next, u.lock.owner); /* not under the lock */
	out[nr_out++ % sizeof(out)] = (char)c;
}

static void fake_irq(void *ctx, bool asserted)
{
	(void)ctx;
	assert_int_not_equal(asserted, line);
	line = asserted;
	nr_edges += asserted;
}

static const struct uart16550_ops ops = { fake_putc, fake_irq };

static int setup(void **state)
{
	(void)state;
	memset(out, 0, sizeof(out));
	nr_out = nr_edges = 0;
	line = false;
	uart16550_init(&u, &ops, NULL);
	return 0;
}

static void wr(unsigned reg, uint8_t v)
{
	struct bus_access a = { .offset = reg, .value = v, .size_bytes = 1, .write = true };

	uart16550_port(&u, &a);
}

static uint8_t rd(unsigned reg)
{
	struct bus_access a = { .offset = reg, .size_bytes = 1 };

	uart16550_port(&u, &a);
	assert_in_range(a.value, 0, 255);
	return (uint8_t)a.value;
}

static void linux_autoconfig(void **state)
{
	(void)state;
	wr(1, 0);
	assert_int_equal(rd(1), 0);
	wr(1, 0xff);
	assert_int_equal(rd(1), 0x0f);
	wr(1, 0);
	wr(4, 0x1a); /* loop, OUT2, RTS */
	assert_int_equal(rd(6) & 0xf0, 0x90);
	wr(4, 0x15);
	assert_int_equal(rd(6) & 0xf0, 0x60);
	wr(4, 0);
	wr(2, 1);
	assert_int_equal(rd(2) >> 6, 3);
	wr(2, 0x21); /* no 64-byte FIFO, so no 16750 */
	assert_int_equal(rd(2) & 0xe0, 0xc0);
	wr(3, 0xbf); /* EFR of a 16650: reads as IIR, not 0 */
	assert_int_not_equal(rd(2), 0);
	wr(3, 0);
	wr(7, 0x5a);
	assert_int_equal(rd(7), 0x5a);
	assert_int_equal(line, false);
}

static void divisor_latch(void **state)
{
	(void)state;
	wr(3, 0x83);
	assert_int_equal(rd(0), 1);
	wr(0, 0x0c);
	wr(1, 0x34);
	assert_int_equal(rd(0), 0x0c);
	assert_int_equal(rd(1), 0x34);
	wr(3, 0x03);
	assert_int_equal(rd(1), 0);
	assert_int_equal(nr_out, 0);
	wr(0, 'x');
	assert_string_equal(out, "x");
}

/* The driver's start-up test: each enabling of THRI interrupts, reading IIR acknowledges. */
static void thre_interrupt(void **state)
{
	(void)state;
	wr(4, 0x08);
	assert_int_equal(rd(5), 0x60);
	assert_int_equal(rd(2), 1);
	for (unsigned i = 1; i < 4; i++) {
		wr(1, 2);
		assert_true(line);
		assert_int_equal(nr_edges, i);
		assert_int_equal(rd(2), 2);
		assert_false(line);
		assert_int_equal(rd(2), 1);
		wr(1, 0);
	}
	wr(1, 2);
	rd(2);
	wr(0, 'a');
	assert_true(line);
	assert_int_equal(rd(2), 2);
	assert_false(line);
	wr(1, 0);
	wr(0, 'b');
	assert_false(line);
	assert_string_equal(out, "ab");
}

static void receive(void **state)
{
	(void)state;
	wr(4, 0x08);
	wr(2, 1);
	wr(1, 3);
	rd(2);
	assert_true(uart16550_input(&u, 'h'));
	assert_true(line);
	assert_true(uart16550_input(&u, 'i'));
	wr(0, 'x'); /* THRE pending too: receive has priority */
	assert_int_equal(rd(2), 0xc4);
	assert_int_equal(rd(5), 0x61);
	assert_int_equal(rd(0), 'h');
	assert_int_equal(rd(0), 'i');
	assert_int_equal(rd(5), 0x60);
	assert_true(line);
	assert_int_equal(rd(2), 0xc2);
	assert_false(line);
	assert_int_equal(rd(0), 0);
}

static void input_is_bounded(void **state)
{
	(void)state;
	u.head = u.tail = UINT32_MAX - 7; /* counters wrap in the middle */
	for (unsigned i = 0; i < UART_INPUT_BYTES; i++)
		assert_true(uart16550_input(&u, (uint8_t)i));
	assert_false(uart16550_input(&u, 'x'));
	for (unsigned i = 0; i < UART_INPUT_BYTES; i++)
		assert_int_equal(rd(0), (uint8_t)i);
	assert_int_equal(rd(5), 0x60);
	assert_true(uart16550_input(&u, 'x'));
	wr(2, 2);
	assert_int_equal(rd(5), 0x60);
}

static void loopback(void **state)
{
	(void)state;
	wr(1, 1);
	wr(4, 0x18);
	wr(0, 'L');
	assert_int_equal(nr_out, 0);
	assert_false(line); /* OUT2 is disconnected */
	assert_int_equal(rd(0), 'L');
}

static void out2_gates_interrupts(void **state)
{
	(void)state;
	wr(1, 1);
	uart16550_input(&u, 'x');
	assert_false(line);
	wr(4, 0x08);
	assert_true(line);
	uart16550_reset(&u);
	assert_false(line);
	assert_int_equal(rd(5), 0x60);
}

static void wide_access_is_bytes(void **state)
{
	struct bus_access a = { .offset = 0, .value = 0x0341, .size_bytes = 2, .write = true };

	(void)state;
	uart16550_port(&u, &a);
	assert_string_equal(out, "A");
	assert_int_equal(rd(1), 3);
	a = (struct bus_access){ .offset = 4, .size_bytes = 4 };
	uart16550_port(&u, &a);
	assert_true(a.value == 0x00b06000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(linux_autoconfig, setup),
		cmocka_unit_test_setup(divisor_latch, setup),
		cmocka_unit_test_setup(thre_interrupt, setup),
		cmocka_unit_test_setup(receive, setup),
		cmocka_unit_test_setup(input_is_bounded, setup),
		cmocka_unit_test_setup(loopback, setup),
		cmocka_unit_test_setup(out2_gates_interrupts, setup),
		cmocka_unit_test_setup(wide_access_is_bytes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
