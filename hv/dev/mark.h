/* The measurement port: how software in a guest marks a moment.
 *
 * Writing byte n to I/O port 0x5E0 makes the monitor take a snapshot of all counters under the
 * label n, so that a figure can begin and end exactly where the guest's program says. Reading it
 * gives 'S' (0x53), which tells a program that it runs on Sluice. Other widths do nothing.
 *
 *     outb(1, 0x5e0); work(); outb(2, 0x5e0); */
#ifndef SLUICE_DEV_MARK_H
#define SLUICE_DEV_MARK_H

#include <stdint.h>

#include "dev/bus.h"

#define MARK_PORT	0x5e0
#define MARK_SIZE_BYTES 1
#define MARK_SIGNATURE	0x53

struct mark {
	void (*mark)(void *ctx, uint8_t n); /* on the vCPU's core */
	void *ctx;
};

/* bus_handler for MARK_SIZE_BYTES ports; arg is the struct mark. */
void mark_port(void *arg, struct bus_access *a);

#endif
