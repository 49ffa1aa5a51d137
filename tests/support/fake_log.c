/* Host implementation of lib/log.h: log lines are dropped unless SLUICE_TEST_LOG is set, and a
 * panic aborts, which a test runner and a fuzzer both report as a failure. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print(const char *fmt, va_list ap)
{
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	if (!getenv("SLUICE_TEST_LOG"))
		return;
	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fputs("panic: ", stderr);
	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
	abort();
}
