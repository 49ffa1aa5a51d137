/* A guest's COM1: National Semiconductor PC16550D.
 *
 * The line has no speed: a byte written is out at once, so that the transmitter is always empty,
 * and input waits in a ring larger than the chip's until the guest reads it. Modem lines are
 * connected, parity and framing errors do not exist. */
#ifndef SLUICE_DEV_UART16550_H
#define SLUICE_DEV_UART16550_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"
#include "lib/spinlock.h"

#define UART_COM1_PORT	0x3f8
#define UART_COM1_IRQ	4
#define UART_SIZE_BYTES 8

#define UART_INPUT_BYTES 256 /* a power of two */

struct uart16550_ops {
	/* A byte for the console. Called without a lock of the UART's. */
	void (*putc)(void *ctx, uint8_t c);
	/* The interrupt line changed. Called with the UART's lock held: it must not call back. */
	void (*irq)(void *ctx, bool asserted);
};

struct uart16550 {
	struct spinlock lock;
	const struct uart16550_ops *ops;
	void *ctx;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thre_pending; /* the transmitter became empty and IIR has not told so yet */
	bool line;
	uint8_t input[UART_INPUT_BYTES];
	uint32_t head, tail; /* free-running; head is read next */
};

void uart16550_init(struct uart16550 *u, const struct uart16550_ops *ops, void *ctx);
/* The guest was reset. Input that waits is dropped. */
void uart16550_reset(struct uart16550 *u);
/* bus_handler for UART_SIZE_BYTES ports; arg is the struct uart16550. */
void uart16550_port(void *arg, struct bus_access *a);
/* Any core: a byte typed at the console. False if the ring is full and the byte dropped. */
bool uart16550_input(struct uart16550 *u, uint8_t c);

#endif
