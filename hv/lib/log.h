/* Log lines and the panic exit. Implemented by hv/mon/log.c in the hypervisor and by
 * tests/support/fake_log.c on the host, where a panic is a test failure. */
#ifndef SLUICE_LIB_LOG_H
#define SLUICE_LIB_LOG_H

#include "lib/bits.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One line, without a trailing newline; prefixed "sluice: " and timestamped by the log. */
void log_print(enum log_level level, const char *fmt, ...) __printf_like(2, 3);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

/* For a machine that is going down: from now on every level is printed, and no lock is waited for.
 */
void log_go_synchronous(void);

/* A broken invariant of our own: never reachable from guest, packet or device state. */
_Noreturn void panic(const char *fmt, ...) __printf_like(1, 2);

#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);           \
	} while (0)

#endif
