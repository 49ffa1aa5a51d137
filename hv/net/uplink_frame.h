/* A packet as the NIC has received it, as a frame for the switch. For the uplink's own files. */
#ifndef SLUICE_NET_UPLINK_FRAME_H
#define SLUICE_NET_UPLINK_FRAME_H

#include "net/uplink.h"

#define UPLINK_FRAME_GOOD DROP_REASONS

/* Where the NIC puts the headers of a packet that begins in b, if the pair's queue splits. */
static inline uint8_t *uplink_buffer_headers(
	const struct uplink_rx *rx, const struct uplink_buffer *b)
{
	return rx->lent.headers ? rx->lent.headers[b - rx->buffer] : NULL;
}

/* p: of rx->batch, without error; b: its first buffer, on which the others hang. The head is
 * copied (where the NIC splits headers off, only of them), the rest referred to, what RSC merged
 * becomes a TCP segment to be cut, and a tag that the NIC has taken out comes back.
 * UPLINK_FRAME_GOOD, or why it is no frame. */
enum drop_reason uplink_make_frame(
	struct uplink_rx *rx, const struct nic_rx_packet *p, struct uplink_buffer *b);

#endif
