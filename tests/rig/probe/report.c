#include "probe.h"

#include <stdarg.h>

#include "lib/fmt.h"

#define COM1	      0x3f8
#define UART_LSR      5
#define UART_LSR_THRE 0x20
#define UART_LSR_TEMT 0x40
#define POLLS_MAX     100000
#define LINE_BYTES    200

unsigned nr_passed, nr_failed;

static void wait_for(uint8_t lsr_bit)
{
	for (unsigned i = 0; i < POLLS_MAX && !(inb(COM1 + UART_LSR) & lsr_bit); i++)
		cpu_pause();
}

static void put(char c)
{
	wait_for(UART_LSR_THRE);
	outb(COM1, (uint8_t)c);
}

static void put_text(const char *s)
{
	for (; *s; s++)
		put(*s);
}

void say(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	fmt_vprint(line, sizeof(line), format, ap);
	va_end(ap);
	put_text(line);
	put_text("\r\n");
}

void say_all(void)
{
	wait_for(UART_LSR_TEMT);
}

void check(bool ok, const char *format, ...)
{
	char name[LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	fmt_vprint(name, sizeof(name), format, ap);
	va_end(ap);
	*(ok ? &nr_passed : &nr_failed) += 1;
	say("%s %s", ok ? "PASS" : "FAIL", name);
}
