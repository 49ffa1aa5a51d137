/* The loader's messages: lines prefixed "sluice-boot: " on the firmware's console, and on COM1
 * where that console does not include a serial port already. */
#ifndef SLUICE_BOOT_PRINT_H
#define SLUICE_BOOT_PRINT_H

#include "lib/bits.h"

void print_init(void);

/* One line; the newline is added. Only while boot services last. */
void print(const char *fmt, ...) __printf_like(1, 2);

#endif
