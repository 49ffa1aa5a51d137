/* Text on COM1. One VM exit per byte: keep it short. */
#ifndef STUB_CONSOLE_H
#define STUB_CONSOLE_H

#include <stdarg.h>

#include "lib/bits.h"

void console_init(void);
void print(const char *fmt, ...) __printf_like(1, 2); /* d u x s c %, l, zero flag, width */
void vprint(const char *fmt, va_list ap) __printf_like(1, 0);

#endif
