/* COM1, a 16550 at port 0x3f8, polled. Absent hardware is noticed and then ignored. */
#ifndef SLUICE_DRIVERS_UART_H
#define SLUICE_DRIVERS_UART_H

#include <stdbool.h>
#include <stddef.h>

/* 115200 8N1, FIFO on, interrupts off. */
void uart_init(void);

/* Newlines become CR LF. Unbuffered, waits until all is sent, bounded: a stuck line loses text, it
 * does not hang. Buffered, waits only when 64 KiB are pending. One caller at a time. */
void uart_write(const char *text, size_t len);

/* Buffered: somebody calls uart_drain() regularly. */
void uart_set_buffered(bool on);

/* Fills the transmitter's FIFO without waiting; true if more is pending. */
bool uart_drain(void);

/* Until all is on the line, bounded. */
void uart_flush(void);

/* The next received byte, or -1. */
int uart_getc(void);

#endif
