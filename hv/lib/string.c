/* memcpy and friends: GCC emits calls to them even in freestanding code. */
#include "lib/string.h"

#include <stdint.h>

#include "cpu/hw.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	copy_bytes(dst, src, len);
	return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + len) {
		copy_bytes(dst, src, len);
		return dst;
	}
	while (len >= 8) {
		uint64_t word;

		len -= 8;
		__builtin_memcpy(&word, s + len, 8);
		__builtin_memcpy(d + len, &word, 8);
	}
	while (len--)
		((volatile uint8_t *)d)[len] = s[len]; /* volatile: not turned back into memmove */
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	fill_bytes(dst, (uint8_t)byte, len);
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	size_t i = 0;

	for (uint64_t p, q; i + sizeof(p) <= len; i += sizeof(p)) {
		__builtin_memcpy(&p, x + i, sizeof(p));
		__builtin_memcpy(&q, y + i, sizeof(q));
		if (p != q)
			break; /* in which byte is said below */
	}
	for (; i < len; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

size_t strlen(const char *s)
{
	const volatile char *p = s; /* volatile: not turned back into strlen */
	size_t n = 0;

	while (p[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (a[i] != b[i])
			return (uint8_t)a[i] - (uint8_t)b[i];
		if (!a[i])
			break;
	}
	return 0;
}
