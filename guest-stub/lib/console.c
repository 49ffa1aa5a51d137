/* 16550 output. PC16550D datasheet; the transmitter of an emulated UART is always ready. */
#include "console.h"

#include <stdbool.h>

#include "cpu/hw.h"

#define COM1	 0x3f8
#define UART_IER (COM1 + 1)
#define UART_FCR (COM1 + 2)
#define UART_LCR (COM1 + 3)
#define UART_MCR (COM1 + 4)

void console_init(void)
{
	outb(UART_LCR, 0x83); /* divisor 1: 115200 baud; then 8N1 */
	outb(COM1, 1);
	outb(UART_IER, 0);
	outb(UART_LCR, 0x03);
	outb(UART_FCR, 0x07);
	outb(UART_MCR, 0x03);
}

static void put(char c)
{
	outb(COM1, (uint8_t)c);
}

static void put_number(uint64_t v, unsigned base, unsigned width, char pad)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (unsigned i = n; i < width; i++)
		put(pad);
	while (n)
		put(digits[--n]);
}

struct spec {
	unsigned width;
	char pad;
	bool is_long;
};

static const char *parse_spec(const char *p, struct spec *s)
{
	*s = (struct spec){ .pad = *p == '0' ? '0' : ' ' };
	for (; *p >= '0' && *p <= '9'; p++)
		s->width = s->width * 10 + (unsigned)(*p - '0');
	for (; *p == 'l'; p++)
		s->is_long = true;
	return p;
}

static void put_signed(int64_t v, const struct spec *s)
{
	if (v < 0)
		put('-');
	put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, s->width, s->pad);
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

void vprint(const char *fmt, va_list ap)
{
	struct spec s;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s);
		switch (*fmt) {
		case 'd':
			put_signed(s.is_long ? va_arg(ap, long) : va_arg(ap, int), &s);
			break;
		case 'u':
		case 'x':
			put_number(s.is_long ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
				*fmt == 'u' ? 10 : 16, s.width, s.pad);
			break;
		case 's':
			put_string(va_arg(ap, const char *));
			break;
		case 'c':
			put((char)va_arg(ap, int));
			break;
		default:
			put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}
