/* TCP segments of one connection that follow each other become one frame (generic receive offload),
 * for a destination that takes segments whole: its stack then works once where it would for each.
 * What was joined can be cut again into the same segments, apart from the IPv4 identification.
 * RFC 791, 3.1; RFC 9293, 3.1. */
#ifndef SLUICE_NET_FRAME_JOIN_H
#define SLUICE_NET_FRAME_JOIN_H

#include <stdbool.h>

#include "net/frame.h"

#define FRAME_JOIN_BYTES_MIN 512u /* of payload: what comes in smaller pieces is no bulk */

/* Whether a frame may be joined with others at all: a cheap look. What is lent has its place. */
static inline bool frame_may_join(const struct frame *f)
{
	return f->len_bytes >= FRAME_JOIN_BYTES_MIN && f->offload.flags &&
	       f->offload.gso_type <= VNET_HDR_GSO_TCPV4 && !f->lent &&
	       f->nr_segments < FRAME_SEGMENTS_MAX - 1 && load_acquire(&f->refs) == 1;
}

/* Appends g's payload to f, by reference; both have been through the switch, for the same
 * destination. True: f has taken g over, whose reference goes back with f's last one. False: they
 * do not belong together, or one of them has other destinations, and nothing has changed. */
bool frame_join(struct frame *f, struct frame *g);

#endif
