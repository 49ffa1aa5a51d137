/* The memory and string functions that the compiler may call. */
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

	if (d <= s)
		for (size_t i = 0; i < len; i++)
			d[i] = s[i];
	else
		while (len--)
			d[len] = s[len];
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	for (uint8_t *d = dst; len; len--)
		*d++ = (uint8_t)byte;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (; len && *a && *a == *b; len--) {
		a++;
		b++;
	}
	return len ? (uint8_t)*a - (uint8_t)*b : 0;
}
