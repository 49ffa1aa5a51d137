/* COM1, a 16550 at port 0x3f8, polled. Absent hardware is noticed and then ignored. */
#ifndef SLUICE_DRIVERS_UART_H
#define SLUICE_DRIVERS_UART_H

#include <stddef.h>

/* 115200 8N1, FIFO on, interrupts off. */
void uart_init(void);

/* Newlines become CR LF. Bounded wait per byte: a stuck line loses text, it does not hang. */
void uart_write(const char *text, size_t len);

/* Without waiting: takes what the transmitter has room for and returns how much that was; no
 * translation of newlines. For a console that keeps its own buffer. */
size_t uart_try_write(const char *text, size_t len);

/* Until all is on the line, bounded. */
void uart_flush(void);

/* The next received byte, or -1. */
int uart_getc(void);

#endif
