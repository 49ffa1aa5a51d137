/* The uplink's side of lend.h: what a guest lends to the NIC queue of a pair. For the uplink's own
 * files. */
#ifndef SLUICE_NET_UPLINK_LENT_H
#define SLUICE_NET_UPLINK_LENT_H

#include "net/uplink.h"

/* Once a run of the pair's work, after what came back is free: takes offers, or gives all back. */
void uplink_lent_work(struct uplink_pair *pair);

/* What may be posted now: lent buffers, and beside them buffers of our own. */
unsigned uplink_lent_postable(const struct uplink_rx *rx);
unsigned uplink_own_postable(const struct uplink_rx *rx, unsigned lent);

/* Says of a frame, made of the buffers at b, that its payload is in lent ones, if so. first: its
 * first segment that is payload. */
void uplink_lent_describe(
	struct uplink_rx *rx, struct frame *f, unsigned first, struct uplink_buffer *b);

/* The frame of b is back: if its lent buffers were used, they are no longer ours. */
void uplink_lent_used(struct uplink_rx *rx, struct uplink_buffer *b);
/* A lent buffer is free. */
void uplink_lent_free(struct uplink_rx *rx, struct uplink_buffer *b);

#endif
