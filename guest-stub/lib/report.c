#include "report.h"

#include "console.h"

static unsigned passed, failed;

static void line(const char *verdict, const char *name, const char *fmt, va_list ap)
{
	print("%s %s: ", verdict, name);
	vprint(fmt, ap);
	print("\n");
}

void report_pass(const char *name, const char *fmt, ...)
{
	va_list ap;

	passed++;
	va_start(ap, fmt);
	line("PASS", name, fmt, ap);
	va_end(ap);
}

void report_pass_begin(const char *name)
{
	passed++;
	print("PASS %s:", name);
}

void report_fail(const char *name, const char *fmt, ...)
{
	va_list ap;

	failed++;
	va_start(ap, fmt);
	line("FAIL", name, fmt, ap);
	va_end(ap);
}

void report_skip(const char *name, const char *why)
{
	print("SKIP %s: %s\n", name, why);
}

bool report(const char *name, bool ok, const char *why)
{
	print("%s %s%s%s\n", ok ? "PASS" : "FAIL", name, ok ? "" : ": ", ok ? "" : why);
	if (ok)
		passed++;
	else
		failed++;
	return ok;
}

bool report_done(void)
{
	print("DONE pass %u fail %u\n", passed, failed);
	return failed == 0;
}
