/* Bounded text formatting: the subset of printf that the hypervisor needs.
 * Conversions: d i u x X c s p %, with flags 0 and -, width, precision for s, and
 * length modifiers hh h l ll z. Anything else is printed literally. */
#ifndef SLUICE_LIB_FMT_H
#define SLUICE_LIB_FMT_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/bits.h"

/* Both return the length the whole text needs without its NUL, as snprintf does; at most
 * cap - 1 bytes and a NUL are written (nothing if cap is 0). */
size_t fmt_vprint(char *buf, size_t cap, const char *fmt, va_list ap) __printf_like(3, 0);
size_t fmt_print(char *buf, size_t cap, const char *fmt, ...) __printf_like(3, 4);

#endif
