/* The monitor's side of the hypervisor: console, counters, marks. Core 0 unless noted. */
#ifndef SLUICE_MON_MONITOR_H
#define SLUICE_MON_MONITOR_H

#include <stdint.h>

struct vm;

/* After the guests were made, before other cores run them. */
void monitor_init(void);
/* Housekeeping: console input and output. In how many microseconds it wants to be called again:
 * soon while somebody types or output waits for the UART. */
uint64_t monitor_poll(void);
/* Any core: a byte on a guest's console, a mark at its measurement port. */
void monitor_guest_putc(struct vm *vm, uint8_t c);
void monitor_mark(struct vm *vm, uint8_t n);
/* Before power off: prints the statistics on a line "sluice: stats {...}". Nothing is printed
 * after it but what goes to the UART directly. */
void monitor_end(void);

#endif
