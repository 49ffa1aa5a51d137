#include "options.h"

#include <stddef.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "machine.h"

#define CMDLINE_MAX 1024

static char words[CMDLINE_MAX + 1]; /* NUL between words, an empty one ends it */

void options_take(const char *cmdline)
{
	size_t n = 0;

	while (*cmdline && n < CMDLINE_MAX - 1) {
		if (*cmdline != ' ')
			words[n++] = *cmdline;
		else if (n && words[n - 1])
			words[n++] = '\0';
		cmdline++;
	}
}

const char *option(const char *name)
{
	size_t len = strlen(name);

	for (const char *w = words; *w; w += strlen(w) + 1)
		if (!strncmp(w, name, len) && (w[len] == '=' || !w[len]))
			return w[len] ? w + len + 1 : w + len;
	return NULL;
}

bool option_is(const char *name, const char *value)
{
	const char *o = option(name);

	return o && !strcmp(o, value);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return 99;
}

/* Advances *p over the digits. */
static uint64_t number(const char **p, int base)
{
	uint64_t v = 0;

	for (; digit(**p) < base; (*p)++)
		v = v * (unsigned)base + (unsigned)digit(**p);
	return v;
}

uint64_t option_u64(const char *name, uint64_t fallback)
{
	const char *o = option(name);

	if (!o || !*o)
		return fallback;
	if (o[0] == '0' && o[1] == 'x') {
		o += 2;
		return number(&o, 16);
	}
	return number(&o, 10);
}

static bool option_bytes(const char *name, uint8_t *out, unsigned n, int base, char separator)
{
	const char *o = option(name);

	if (!o)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (digit(*o) >= base)
			return false;
		out[i] = (uint8_t)number(&o, base);
		if (i + 1 < n && *o++ != separator)
			return false;
	}
	return !*o;
}

bool option_mac(const char *name, uint8_t mac[6])
{
	return option_bytes(name, mac, 6, 16, ':');
}

bool option_ip(const char *name, uint8_t ip[4])
{
	return option_bytes(name, ip, 4, 10, '.');
}
