/* Text output of the monitor. */
#include "mon/mon.h"

#include <stdarg.h>

#include "lib/fmt.h"

void mon_write(const struct mon_sink *s, const char *text, size_t len)
{
	s->write(s->ctx, text, len);
}

void mon_print(const struct mon_sink *s, const char *fmt, ...)
{
	char line[MON_PRINT_MAX];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	len = fmt_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->write(s->ctx, line, MIN(len, sizeof(line) - 1));
}
