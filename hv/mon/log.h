/* The log: lib/log.h over COM1, one lock for whole lines. */
#ifndef SLUICE_MON_LOG_H
#define SLUICE_MON_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/log.h"

/* Timestamps count from here. */
void log_init(void);

/* Lines above this level are dropped; LOG_INFO at start. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Raw text, uninterrupted by other cores' lines: the console's output. */
void log_write(const char *text, size_t len);
void log_printf_raw(const char *fmt, ...) __printf_like(1, 2);

/* From now on text waits in a ring that log_drain() empties. */
void log_set_buffered(void);
/* Sends what the UART takes at once; true if more is pending. */
bool log_drain(void);

#endif
