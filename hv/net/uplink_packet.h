/* A frame of the switch as packets for the NIC. For the uplink's own files. */
#ifndef SLUICE_NET_UPLINK_PACKET_H
#define SLUICE_NET_UPLINK_PACKET_H

#include "net/uplink.h"

/* Makes the packets of f, the ring's first frame, at the end of tx's batch, each with a slot; the
 * last one takes the frame over. tagged: port_wants_tag(). Each packet takes one of *budget, which
 * is not 0 at first.
 *
 * 0: all of them are made. -EAGAIN: there is no batch, slot, bounce buffer or budget left for the
 * next one, and a later call with the same frame goes on. Else f is not sent, though packets cut
 * from it may be: -E2BIG (too long for the wire), -EINVAL (offload fields against headers), -EPROTO
 * (untagged, it would be in another VLAN). */
int uplink_make_packets(
	struct uplink_tx *tx, struct frame *f, bool tagged, unsigned *budget) __must_check;

static inline struct uplink_slot *uplink_slot_at(const struct uplink_tx *tx, uint32_t number)
{
	return &tx->slot[number % UPLINK_TX_ENTRIES];
}

#endif
