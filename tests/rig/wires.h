#ifndef SLUICE_RIG_WIRES_H
#define SLUICE_RIG_WIRES_H

#include "rig.h"

int wire_line(struct rig *r, const struct words *w);
int pcap_line(struct rig *r, const struct words *w);
/* "name value" lines: the wire's own counts, then those of what is at its far end. */
void wire_print(struct rig_wire *w, FILE *out);
/* The NICs have left them. */
void wires_destroy(struct rig *r);

#endif
