/* The console, the log and the marks as one; see monitor.h. */
#include "mon/monitor.h"

#include <stdbool.h>

#include "cpu/tsc.h"
#include "drivers/uart/uart.h"
#include "lib/atomic.h"
#include "mon/console.h"
#include "mon/log.h"
#include "mon/monitor_ops.h"
#include "vm/vm.h"

/* The UART's FIFO has 16 bytes, which is 1.4 ms at 115200 baud. It may run empty between two polls,
 * but it must not overflow with what is typed or pasted. */
#define OUTPUT_US 1400
#define INPUT_US  700
#define IDLE_US	  10000
/* That long after a key the next is expected soon. */
#define TYPING_US      10000000
#define INPUT_PER_POLL 256 /* whatever the device says */

static struct console console;
static struct stats_marks marks;
static bool ended; /* atomic */
static uint64_t last_input_us;
static bool had_input;

static uint64_t now_us(void)
{
	return tsc_to_us(rdtsc());
}

static void log_line(const char *line, size_t len)
{
	if (!load_acquire(&ended))
		console_log_line(&console, line, len);
}

void monitor_init(void)
{
	console_init(&console, &monitor_ops, NULL, &marks, log_write);
	for (unsigned i = 0; i < nr_vms; i++)
		console_add_guest(&console, vms[i]->conf->name);
	log_set_buffered();
	log_set_line_writer(log_line);
	log_info("console: `help` lists the commands");
}

static void read_input(void)
{
	int c;

	for (unsigned i = 0; i < INPUT_PER_POLL && (c = uart_getc()) >= 0; i++) {
		had_input = true;
		last_input_us = now_us();
		console_input(&console, (uint8_t)c);
	}
}

uint64_t monitor_poll(void)
{
	read_input();
	console_tick(&console, now_us());
	if (had_input && now_us() - last_input_us < TYPING_US) {
		(void)log_drain();
		return INPUT_US;
	}
	return log_drain() ? OUTPUT_US : IDLE_US;
}

void monitor_guest_putc(struct vm *vm, uint8_t c)
{
	console_guest_putc(&console, vm->index, c, now_us());
}

void monitor_mark(struct vm *vm, uint8_t n)
{
	stats_take_mark(&marks, &monitor_ops, NULL, vm->index, n);
}

static void write_out(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	log_write(text, len);
}

void monitor_end(void)
{
	const struct mon_sink out = { write_out, NULL };

	store_release(&ended, true);
	console_seize(&console);
	mon_print(&out, "sluice: stats ");
	stats_write(&out, &monitor_ops, NULL, &marks);
}
