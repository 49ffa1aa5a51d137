/* The monitor's side of the hypervisor: console, counters, marks. Core 0 unless noted. */
#ifndef SLUICE_MON_MONITOR_H
#define SLUICE_MON_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "boot_info.h"

struct vm;

void monitor_init(const struct boot_info *bi);
/* Housekeeping: console input and output; true if output waits for the UART, which has room for 16
 * bytes each 1.4 ms. */
bool monitor_poll(void);
/* Any core: a byte on a guest's console, a mark at its measurement port. */
void monitor_guest_putc(struct vm *vm, uint8_t c);
void monitor_mark(struct vm *vm, uint8_t n);
/* Before power off: prints the statistics. */
void monitor_end(void);

#endif
