/* printf's useful subset, without locale, floating point or allocation. */
#include "lib/fmt.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *buf;
	size_t cap;
	size_t len; /* wanted so far, may exceed cap */
};

struct spec {
	bool left, zero;
	size_t width;
	size_t precision; /* SIZE_MAX: none */
	int size;	  /* -2 hh, -1 h, 0 int, 1 l, ll or z */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->cap)
		o->buf[o->len] = c;
	o->len++;
}

static void put_repeated(struct out *o, char c, size_t n)
{
	while (n--)
		put(o, c);
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len)
{
	size_t pad = s->width > len ? s->width - len : 0;

	if (!s->left)
		put_repeated(o, ' ', pad);
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		put_repeated(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
	const char *digits, const char *prefix)
{
	char text[24];
	size_t at = sizeof(text), prefix_len = 0;
	struct spec plain = *s;

	do {
		text[--at] = digits[v % base];
		v /= base;
	} while (v);
	while (prefix[prefix_len])
		prefix_len++;
	if (s->zero && !s->left) {
		for (size_t i = 0; i < prefix_len; i++)
			put(o, prefix[i]);
		for (size_t n = sizeof(text) - at + prefix_len; n < s->width; n++)
			put(o, '0');
		plain.width = 0;
	} else {
		for (size_t i = prefix_len; i--;)
			text[--at] = prefix[i];
	}
	put_padded(o, &plain, text + at, sizeof(text) - at);
}

static size_t parse_number(const char **fmt)
{
	size_t n = 0;

	while (**fmt >= '0' && **fmt <= '9' && n < 1000)
		n = n * 10 + (size_t)(*(*fmt)++ - '0');
	return n;
}

static struct spec parse_spec(const char **fmt)
{
	struct spec s = { .precision = SIZE_MAX };

	for (;; (*fmt)++) {
		if (**fmt == '-')
			s.left = true;
		else if (**fmt == '0')
			s.zero = true;
		else
			break;
	}
	s.width = parse_number(fmt);
	return s;
}

static void parse_size(const char **fmt, struct spec *s)
{
	for (;; (*fmt)++) {
		if (**fmt == 'l' || **fmt == 'z')
			s->size = 1;
		else if (**fmt == 'h')
			s->size--;
		else
			break;
	}
}

/* va_list is an array type on this ABI: by reference it goes inside a structure. */
struct args {
	va_list ap;
};

static int64_t next_signed(struct args *a, int size)
{
	int v;

	if (size > 0)
		return va_arg(a->ap, int64_t);
	v = va_arg(a->ap, int);
	return size == 0 ? v : size == -1 ? (int16_t)v : (int8_t)v;
}

static uint64_t next_unsigned(struct args *a, int size)
{
	unsigned v;

	if (size > 0)
		return va_arg(a->ap, uint64_t);
	v = va_arg(a->ap, unsigned);
	return size == 0 ? v : size == -1 ? (uint16_t)v : (uint8_t)v;
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while (len < s->precision && text[len])
		len++;
	put_padded(o, s, text, len);
}

/* false: not a conversion that is known here. */
static bool convert(struct out *o, const struct spec *s, char c, struct args *a)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	int64_t v;
	char ch;

	switch (c) {
	case 'd':
	case 'i':
		v = next_signed(a, s->size);
		put_number(o, s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, lower, v < 0 ? "-" : "");
		return true;
	case 'u':
		put_number(o, s, next_unsigned(a, s->size), 10, lower, "");
		return true;
	case 'x':
	case 'X':
		put_number(o, s, next_unsigned(a, s->size), 16, c == 'x' ? lower : upper, "");
		return true;
	case 'p':
		put_number(o, s, (uintptr_t)va_arg(a->ap, void *), 16, lower, "0x");
		return true;
	case 'c':
		ch = (char)va_arg(a->ap, int);
		put_padded(o, s, &ch, 1);
		return true;
	case 's':
		put_string(o, s, va_arg(a->ap, const char *));
		return true;
	case '%':
		put(o, '%');
		return true;
	default:
		return false;
	}
}

size_t fmt_vprint(char *buf, size_t cap, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .cap = cap };
	struct args a;

	va_copy(a.ap, ap);
	while (*fmt) {
		const char *start = fmt;
		struct spec s;

		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		s = parse_spec(&fmt);
		if (*fmt == '.') {
			fmt++;
			s.precision = parse_number(&fmt);
		}
		parse_size(&fmt, &s);
		if (*fmt && convert(&o, &s, *fmt, &a)) {
			fmt++;
			continue;
		}
		while (start < fmt)
			put(&o, *start++);
	}
	va_end(a.ap);
	if (cap)
		buf[MIN(o.len, cap - 1)] = 0;
	return o.len;
}

size_t fmt_print(char *buf, size_t cap, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = fmt_vprint(buf, cap, fmt, ap);
	va_end(ap);
	return len;
}
