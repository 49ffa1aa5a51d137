/* Log lines on COM1. panic() is in cpu/crash.c. */
#include "mon/log.h"

#include <stdbool.h>

#include "cpu/tsc.h"
#include "drivers/uart/uart.h"
#include "lib/fmt.h"
#include "lib/spinlock.h"

#define LINE_BYTES 512

/* An NMI or machine check can interrupt the holder on its own core: after this long the line goes
 * out anyway. */
#define LOCK_TIMEOUT_US 1000000

static struct spinlock lock;
static enum log_level level_max = LOG_INFO;
static bool synchronous;
static uint64_t start_tsc;
static void (*line_writer)(const char *line, size_t len);

static bool lock_bounded(void)
{
	uint64_t start = rdtsc(), timeout = us_to_tsc(LOCK_TIMEOUT_US);

	while (!spin_trylock(&lock)) {
		if (load_relaxed(&synchronous) || rdtsc() - start > timeout)
			return false;
		cpu_relax();
	}
	return true;
}

void log_write(const char *text, size_t len)
{
	bool locked = lock_bounded();

	uart_write(text, len);
	if (locked)
		spin_unlock(&lock);
}

static void write_line(char line[LINE_BYTES], size_t len)
{
	len = MIN(len, LINE_BYTES - 2);
	line[len++] = '\n';
	if (line_writer && !load_relaxed(&synchronous))
		line_writer(line, len);
	else
		log_write(line, len);
}

void log_print(enum log_level level, const char *fmt, ...)
{
	uint64_t us = tsc_to_us(rdtsc() - start_tsc);
	char line[LINE_BYTES];
	size_t len;
	va_list ap;

	if (level > level_max && !synchronous)
		return;
	len = fmt_print(line, sizeof(line), "sluice: [%lu.%06lu] ", us / 1000000, us % 1000000);
	va_start(ap, fmt);
	len += fmt_vprint(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	write_line(line, len);
}

void log_init(void)
{
	start_tsc = rdtsc();
}

void log_set_level(enum log_level level)
{
	level_max = level;
}

void log_set_line_writer(void (*write)(const char *line, size_t len))
{
	line_writer = write;
}

void log_set_buffered(void)
{
	uart_set_buffered(true);
}

bool log_drain(void)
{
	bool more;

	if (!spin_trylock(&lock))
		return true;
	more = uart_drain();
	spin_unlock(&lock);
	return more;
}

void log_go_synchronous(void)
{
	uart_set_buffered(false);
	store_relaxed(&synchronous, true);
}
