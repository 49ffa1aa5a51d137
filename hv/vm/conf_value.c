/* Values of sluice.conf: numbers, sizes, words, names. See docs/sluice-conf.md. */
#include "vm/conf_value.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"

struct conf_where conf_where(const struct conf_reader *r, const char *at)
{
	return (struct conf_where){ r->line, (unsigned)(at - r->line_start) + 1 };
}

static int fail(struct conf_reader *r, struct conf_where w, const char *fmt, va_list ap)
{
	r->err->line = w.line;
	r->err->column = w.column;
	fmt_vprint(r->err->text, sizeof(r->err->text), fmt, ap);
	return -EINVAL;
}

int conf_fail(struct conf_reader *r, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(r, conf_where(r, at), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int conf_fail_at(struct conf_reader *r, struct conf_where w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(r, w, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const char *conf_quote(struct conf_reader *r, struct conf_span s)
{
	static const char more[] = "..";
	size_t room = sizeof(r->quoted) - sizeof(more);
	size_t len = MIN(s.len, room);

	memcpy(r->quoted, s.at, len);
	memcpy(r->quoted + len, s.len > room ? more : "", s.len > room ? sizeof(more) : 1);
	return r->quoted;
}

bool conf_equals(struct conf_span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct conf_span conf_trim(struct conf_span s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool conf_next(struct conf_span *rest, char separator, struct conf_span *item)
{
	size_t n = 0;

	if (separator == ' ')
		*rest = conf_trim(*rest);
	if (rest->len == 0)
		return false;
	while (n < rest->len && rest->at[n] != separator &&
		!(separator == ' ' && is_blank(rest->at[n])))
		n++;
	*item = (struct conf_span){ rest->at, n };
	n += n < rest->len;
	rest->at += n;
	rest->len -= n;
	return true;
}

/* Decimal digits only, at most what 64 bits hold. */
static bool to_number(struct conf_span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.at[i]) || v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(s.at[i] - '0');
	}
	*out = v;
	return true;
}

int conf_number(struct conf_reader *r, struct conf_span s, const char *what,
	struct conf_range allowed, uint64_t *out)
{
	*out = 0;
	if (!to_number(s, out) || *out < allowed.first || *out > allowed.last)
		return conf_fail(r, s.at, "%s: expected a number from %lu to %lu, not '%s'", what,
			allowed.first, allowed.last, conf_quote(r, s));
	return 0;
}

int conf_number_range(struct conf_reader *r, struct conf_span s, const char *what,
	struct conf_range allowed, struct conf_range *out)
{
	struct conf_span first, last = s;
	bool any = conf_next(&last, '-', &first);
	int ret = conf_number(r, any ? first : s, what, allowed, &out->first);

	if (ret || first.len == s.len) {
		out->last = out->first;
		return ret;
	}
	ret = conf_number(r, last, what, allowed, &out->last);
	if (!ret && out->last < out->first)
		return conf_fail(
			r, s.at, "%s: the range '%s' runs backwards", what, conf_quote(r, s));
	return ret;
}

/* What a suffix multiplies by; 1 where there is none. */
static uint64_t suffix_factor(char c, unsigned unit)
{
	uint64_t u = unit;

	switch (c) {
	case 'K':
	case 'k':
		return u;
	case 'M':
	case 'm':
		return u * u;
	case 'G':
	case 'g':
		return u * u * u;
	default:
		return 1;
	}
}

int conf_scaled(
	struct conf_reader *r, struct conf_span s, const char *what, unsigned unit, uint64_t *out)
{
	uint64_t factor = s.len > 0 ? suffix_factor(s.at[s.len - 1], unit) : 1;
	struct conf_span digits = { s.at, s.len - (factor > 1) };

	*out = 0;
	if (!to_number(digits, out) || *out > UINT64_MAX / factor)
		return conf_fail(r, s.at,
			"%s: expected a number, with K, M or G after it or not, not '%s'", what,
			conf_quote(r, s));
	*out *= factor;
	return 0;
}

int conf_on_off(struct conf_reader *r, struct conf_span s, const char *what, bool *out)
{
	unsigned place = 0;
	int ret = conf_choice(r, s, what, "off|on", &place);

	*out = place == 1;
	return ret;
}

int conf_choice(struct conf_reader *r, struct conf_span s, const char *what, const char *names,
	unsigned *out)
{
	struct conf_span rest = { names, strlen(names) }, name;

	for (*out = 0; conf_next(&rest, '|', &name); (*out)++)
		if (name.len == s.len && memcmp(name.at, s.at, s.len) == 0)
			return 0;
	return conf_fail(r, s.at, "%s: expected %s, not '%s'", what, names, conf_quote(r, s));
}

int conf_text(struct conf_reader *r, struct conf_span s, const char *what, char *out, size_t cap)
{
	if (s.len == 0)
		return conf_fail(r, s.at, "%s: expected a text after '='", what);
	if (s.len >= cap)
		return conf_fail(r, s.at, "%s: %lu characters, at most %lu are allowed", what,
			s.len, cap - 1);
	memcpy(out, s.at, s.len);
	out[s.len] = '\0';
	return 0;
}

static bool is_name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_' || c == '.';
}

int conf_name(struct conf_reader *r, struct conf_span s, const char *what, char out[CONF_NAME_MAX])
{
	if (s.len == 0)
		return conf_fail(r, s.at, "%s: expected a name", what);
	for (size_t i = 0; i < s.len; i++)
		if (!is_name_char(s.at[i]))
			return conf_fail(r, s.at + i,
				"%s: a name has letters, digits, - _ and . only, not '%c'", what,
				s.at[i]);
	return conf_text(r, s, what, out, CONF_NAME_MAX);
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Six pairs of hexadecimal digits with colons between. */
static bool to_mac(struct conf_span s, uint8_t mac[6])
{
	if (s.len != 17)
		return false;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex_digit(s.at[3 * i]), low = hex_digit(s.at[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && s.at[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int conf_mac(struct conf_reader *r, struct conf_span s, uint8_t mac[6])
{
	static const uint8_t zero[6];

	if (!to_mac(s, mac))
		return conf_fail(r, s.at,
			"mac: expected six bytes such as 52:54:00:12:34:56, not '%s'",
			conf_quote(r, s));
	if ((mac[0] & 1) || memcmp(mac, zero, sizeof(zero)) == 0)
		return conf_fail(
			r, s.at, "mac: '%s' is not the address of one station", conf_quote(r, s));
	return 0;
}

/* BB:DD.F; false if it is something else. */
static bool to_bdf(struct conf_span s, uint16_t *bdf)
{
	int high, low, dev_high, dev_low, function;

	if (s.len != 7 || s.at[2] != ':' || s.at[5] != '.')
		return false;
	high = hex_digit(s.at[0]);
	low = hex_digit(s.at[1]);
	dev_high = hex_digit(s.at[3]);
	dev_low = hex_digit(s.at[4]);
	function = hex_digit(s.at[6]);
	if (high < 0 || low < 0 || dev_high < 0 || dev_high > 1 || dev_low < 0 || function < 0 ||
		function > 7)
		return false;
	*bdf = (uint16_t)(high << 12 | low << 8 | dev_high << 7 | dev_low << 3 | function);
	return true;
}

int conf_pci(struct conf_reader *r, struct conf_span s, const char *what, uint16_t *bdf)
{
	static const char domain[] = "0000:";
	struct conf_span rest = s;

	if (s.len > sizeof(domain) - 1 && memcmp(s.at, domain, sizeof(domain) - 1) == 0)
		rest = (struct conf_span){ s.at + sizeof(domain) - 1, s.len - sizeof(domain) + 1 };
	if (!to_bdf(rest, bdf))
		return conf_fail(r, s.at,
			"%s: expected bus:device.function such as 03:00.1, not '%s'", what,
			conf_quote(r, s));
	return 0;
}
