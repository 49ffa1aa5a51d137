/* The copy engine of a machine without I/OAT channels, for host tests of what links
 * hv/net/virtio_net_rx.c and not the driver of the channels. */
#include <stdlib.h>

#include "net/copy.h"

void copy_queue_init(struct copy_queue *q, void (*wake)(struct copy_queue *q))
{
	*q = (struct copy_queue){ .wake = wake };
}

void copy_queue_housekeeping(struct copy_queue *q)
{
	if (q->submitted)
		abort();
}

/* Only for contexts with channels, or queues that had some. */
bool copy_can_aim(const struct copy_ctx *ctx)
{
	(void)ctx;
	abort();
}

bool copy_takes(struct copy_ctx *ctx, uint32_t len_bytes, bool helps)
{
	(void)ctx;
	(void)len_bytes;
	(void)helps;
	abort();
}

bool copy_accepts(struct copy_ctx *ctx, const struct copy_queue *q)
{
	(void)ctx;
	(void)q;
	abort();
}

int copy_submit_channels(struct copy_ctx *ctx, struct copy_queue *q, const struct copy_piece *piece,
	unsigned nr, uint32_t dest_core)
{
	(void)ctx;
	(void)q;
	(void)piece;
	(void)nr;
	(void)dest_core;
	abort();
}

void copy_flush(struct copy_ctx *ctx)
{
	(void)ctx;
	abort();
}
