/* The verdict: one line per check, and a last line `DONE pass N fail N`. */
#ifndef STUB_REPORT_H
#define STUB_REPORT_H

#include <stdbool.h>

#include "lib/bits.h"

void report_pass(const char *name, const char *fmt, ...) __printf_like(2, 3);
void report_pass_begin(const char *name); /* the caller prints the rest of the line */
void report_fail(const char *name, const char *fmt, ...) __printf_like(2, 3);
void report_skip(const char *name, const char *why);
/* PASS name, or FAIL name: why. Returns ok. */
bool report(const char *name, bool ok, const char *why);
/* Prints the closing line; true if nothing failed. */
bool report_done(void);

#endif
