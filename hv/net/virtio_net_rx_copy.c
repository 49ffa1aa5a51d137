/* Received frames whose bytes are on their way; see virtio_net_rx_copy.h. */
#include "net/virtio_net_rx_copy.h"

#include "lib/errno.h"
#include "net/virtio_net_rx_steer.h"

#define PENDING_MASK (RX_PENDING_MAX - 1)

_Static_assert((RX_PENDING_MAX & PENDING_MASK) == 0, "a power of two");
_Static_assert(
	RX_PENDING_MAX >= 2 * RX_FRAME_BUFFERS_MAX, "one frame's buffers, and others beside them");

/* A copy has ended; on the core that copied. */
static void wake(struct copy_queue *q)
{
	struct rx_queue *rx = CONTAINER_OF(q, struct rx_queue, copies);

	if (rx->q.dev->setup.steer) /* where it copied: the guest's core is not needed for it */
		work_schedule(load_relaxed(&rx->q.work.worker), &rx->q.work);
	else
		queue_schedule(&rx->q);
}

void rx_copy_init(struct rx_queue *rx)
{
	copy_queue_init(&rx->copies, wake);
}

/* ---- Waiting and ending ---- */

void rx_copy_wait(struct rx_queue *rx, struct frame *f, uint32_t len_bytes)
{
	struct steer_placement placement = { 0 };

	if (rx->track.steer)
		placement = rx_steer_placement(rx, len_bytes - RX_HDR_BYTES,
			rx->ctx->offloaded.len_bytes ? &rx->ctx->offloaded : NULL);
	for (unsigned i = 0; i < rx->nr_buffers; i++) {
		bool last = i + 1 == rx->nr_buffers;
		uint32_t n = MIN(len_bytes, rx->buffer[i].room_bytes);

		rx->pending[rx->pending_head++ & PENDING_MASK] = (struct rx_pending){
			.frame = last ? f : NULL,
			.used_bytes = n,
			.head = rx->buffer[i].head,
			.last = last,
			.placement = placement,
		};
		len_bytes -= n;
	}
}

static void end_frame(struct rx_queue *rx, struct frame *f, bool stopping)
{
	struct port *port = &rx->q.dev->port;

	if (stopping)
		port_count_dropped(port, f, DROP_LINK_DOWN);
	else
		port_count_tx(port, f);
	frame_put(f);
}

/* The oldest job's buffers. */
static void end_oldest(struct rx_queue *rx, bool stopping)
{
	struct rx_pending *p;

	do {
		p = &rx->pending[rx->pending_tail++ & PENDING_MASK];
		if (!stopping)
			virtqueue_push_used(&rx->q.vq, p->head, p->used_bytes);
	} while (!p->last);
	if (rx->track.steer && !stopping)
		steer_track_note(&rx->track, &p->placement);
	stat_add(&rx->progress, 1);
	if (p->frame)
		end_frame(rx, p->frame, stopping);
}

void rx_copy_begin(struct rx_queue *rx, bool stopping)
{
	struct copy_ctx *ctx = rx->q.work.worker->copy;

	for (unsigned n = copy_take(&rx->copies); n; n--)
		end_oldest(rx, stopping);
	rx->ctx = ctx;
	rx->async = rx_copy_is_pending(rx) || (ctx && !copy_is_immediate(ctx, &rx->copies));
	rx->counted_copies = rx->q.stats.copies;
	rx->counted_bytes = rx->q.stats.copy_bytes;
}

void rx_copy_end(struct rx_queue *rx)
{
	const struct virtio_net_stats *s = &rx->q.stats;

	if (!rx->ctx)
		return;
	if (rx->async)
		copy_flush(rx->ctx);
	else if (s->copies != rx->counted_copies)
		copy_count_cpu(
			rx->ctx, s->copies - rx->counted_copies, s->copy_bytes - rx->counted_bytes);
}

int rx_copy_room(struct rx_queue *rx)
{
	/* A driver cannot have more buffers in its ring than that, but may pretend to. */
	if (RX_PENDING_MAX - (rx->pending_head - rx->pending_tail) < RX_FRAME_BUFFERS_MAX)
		return -EBUSY;
	return rx->ctx && copy_accepts(rx->ctx, &rx->copies) ? 0 : -EBUSY;
}

/* ---- Copying ---- */

/* How a frame's payload lies in the buffers, as pieces that are contiguous on both sides. */
struct pieces {
	struct copy_piece piece[COPY_JOB_PIECES];
	unsigned nr;
};

/* -ENOSPC: the sink is full. -E2BIG: more pieces than a job may have. */
static int add_segment(struct pieces *p, const struct frame_segment *from, struct sink *s)
{
	uint32_t at = 0;

	while (at < from->len_bytes) {
		const struct sink_buffer *b = &s->buffer[s->current];
		uint32_t n;

		if (s->current == s->nr_buffers)
			return -ENOSPC;
		n = MIN(from->len_bytes - at, b->len_bytes - s->offset);
		if (n == 0) {
			s->current++;
			s->offset = 0;
			continue;
		}
		if (p->nr == COPY_JOB_PIECES)
			return -E2BIG;
		p->piece[p->nr++] = (struct copy_piece){ b->hva + s->offset, from->hva + at, n };
		s->offset += n;
		at += n;
	}
	return 0;
}

static int add_segments(struct pieces *p, const struct frame *f, struct sink *s)
{
	int r = 0;

	for (unsigned i = 0; i < f->nr_segments && !r; i++)
		r = add_segment(p, &f->segment[i], s);
	return r;
}

/* Header and the frame's head, which is the hypervisor's and small. Its bytes, or -ENOSPC. */
static int write_head(const struct frame_plan *plan, const struct virtio_net_hdr *h, struct sink *s)
{
	int r = sink_write(s, h, RX_HDR_BYTES), bytes = 0;

	for (unsigned i = 0; i < plan->nr_pieces && !r; i++) {
		r = sink_write(s, plan->piece[i].hva, plan->piece[i].len_bytes);
		bytes += (int)plan->piece[i].len_bytes;
	}
	return r ? r : bytes;
}

/* Cut up so much that the CPU copies it. */
static int copy_by_cpu(struct rx_queue *rx, const struct frame *f, struct sink *s)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < f->nr_segments; i++) {
		if (sink_write(s, f->segment[i].hva, f->segment[i].len_bytes))
			return -ENOSPC;
		bytes += f->segment[i].len_bytes;
	}
	return rx_copy_written(rx, bytes);
}

static int submitted(int r)
{
	return r == -EAGAIN ? -EBUSY : r;
}

int rx_copy_written(struct rx_queue *rx, uint32_t len_bytes)
{
	int r = copy_submit(rx->ctx, &rx->copies, NULL, 0, COPY_ANY_CORE);

	if (r >= 0)
		copy_count_cpu(rx->ctx, 0, len_bytes);
	return submitted(r);
}

int rx_copy_frame(struct rx_queue *rx, const struct frame *f, const struct frame_plan *plan,
	const struct virtio_net_hdr *h)
{
	struct pieces p;
	struct sink body, rest;
	int head_bytes, r;

	p.nr = 0;
	rx_sink_init(rx, &body);
	head_bytes = write_head(plan, h, &body);
	if (head_bytes < 0)
		return head_bytes;
	rest = body;
	r = add_segments(&p, f, &rest);
	if (r == -E2BIG)
		r = copy_by_cpu(rx, f, &body);
	else if (r == 0)
		r = submitted(copy_submit(rx->ctx, &rx->copies, p.piece, p.nr, rx->dest_core));
	if (r >= 0)
		copy_count_cpu(rx->ctx, 0, (uint64_t)head_bytes);
	return r;
}
