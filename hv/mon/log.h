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

/* Raw text, uninterrupted by other cores' lines: the console's output. */
void log_write(const char *text, size_t len);

/* Where whole lines go, each with its newline, instead of log_write(): to the console, which knows
 * what else is on the line. Not any more once the log is synchronous. */
void log_set_line_writer(void (*write)(const char *line, size_t len));

/* From now on text waits in a ring that log_drain() empties. */
void log_set_buffered(void);
/* Sends what the UART takes at once; true if more is pending. */
bool log_drain(void);

#endif
