/* The end of a wire that leads out of the machine: a TAP device, or a UNIX datagram socket with one
 * frame in a datagram, without FCS. It is looked at every so often in emulated time, while the
 * other end's transmitter is on, and what comes from it leaves at 10 Gbit/s. */
#ifndef SLUICE_RIG_HOST_WIRE_H
#define SLUICE_RIG_HOST_WIRE_H

#include <stdbool.h>
#include <stdio.h>

#include "../models/wire.h"
#include "pacer.h"
#include "words.h"

struct host_wire;

/*   tap=NAME          a TAP device, which may exist already
 *   tap=fd:N          an open descriptor of one
 *   unix=PATH[,PEER]  a socket at PATH, sending to PEER; without it, to who sent last */
bool host_wire_is(const char *spec);
/* A negative errno with the reason. */
int host_wire_create(struct host_wire **h, const char *spec, struct wire *wire, unsigned end,
	struct pacer *pacer, char reason[WORDS_REASON_MAX]);
/* Leaves the wire. h may be NULL. */
void host_wire_destroy(struct host_wire *h);
void host_wire_print_counts(const struct host_wire *h, FILE *out);

#endif
