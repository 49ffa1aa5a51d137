/* Where, when and by whom received frames are copied; see virtio_net_rx_steer.h. */
#include "net/virtio_net_rx_steer.h"

#include "lib/atomic.h"
#include "net/lend.h"
#include "net/virtio_net_rx_copy.h"

static const struct virtio_net_setup *setup_of(const struct rx_queue *rx)
{
	return &rx->q.dev->setup;
}

/* ---- Engines ---- */

/* The core's channels, if they get bytes into the cache of another core. */
static struct copy_ctx *engine_of(const struct steer *s, const struct worker *wk)
{
	struct copy_ctx *ctx = wk->copy;

	if (!ctx || !ctx->nr_channels || s->backend == STEER_BACKEND_NONE)
		return NULL;
	return s->backend == STEER_BACKEND_DDIO || copy_can_aim(ctx) ? ctx : NULL;
}

/* Whether a channel would copy a frame like this one. */
static bool engine_takes(const struct rx_queue *rx, const struct frame *f)
{
	const struct virtio_net_setup *s = setup_of(rx);
	struct copy_ctx *ctx = engine_of(s->steer, s->worker_of(rx->this_core));

	return ctx && copy_takes(ctx, f->len_bytes, hint_helper(s->hint) == rx->this_core);
}

/* ---- Scheduling ---- */

/* True: the frame that was just pushed will be seen by whoever ends the wait, and need not do so.
 * The barrier: `held` is looked at after the push, and cleared before the work looks at the ring.
 */
static bool waits_with_the_others(const struct rx_queue *rx)
{
	if (!load_relaxed(&rx->held))
		return false;
	smp_mb();
	return load_relaxed(&rx->held) && frame_ring_used(&rx->ring) < RX_HOLD_FRAMES;
}

/* A vCPU that runs elsewhere is best served there, unless an engine here reaches it. For any other
 * state the decision needs no other core yet. */
static bool decides_here(const struct steer *s, const struct worker *here, uint64_t word)
{
	if (s->policy == STEER_FULL && hint_state(word) != HINT_RUNNING)
		return true;
	return engine_of(s, here);
}

void rx_steer_schedule_idle(struct rx_queue *rx, const struct frame *f)
{
	const struct virtio_net_setup *s = setup_of(rx);
	struct worker *here;
	unsigned core;

	if (waits_with_the_others(rx))
		return;
	if (s->steer->policy == STEER_RSS) {
		core = steer_fixed_core(s->steer, s->number, steer_flow_hash(f->head, f->head_len));
		store_relaxed(&rx->q.fixed_core, core);
	}
	here = s->worker_of(s->this_core());
	if (decides_here(s->steer, here, hint_read(s->hint)))
		work_schedule(here, &rx->q.work);
	else
		queue_schedule(&rx->q);
}

/* ---- Holding ---- */

/* For too long, or too many; or the rest of those of which that was said. */
static bool is_overdue(const struct rx_queue *rx)
{
	if ((int32_t)(rx->owed_until - rx->ring.head) > 0 ||
		frame_ring_used(&rx->ring) >= RX_HOLD_FRAMES)
		return true;
	return rx->held_since_us && setup_of(rx)->now_us() - rx->held_since_us >= STEER_HOLD_MAX_US;
}

/* From here on pushing a frame schedules nothing; the scheduler, when it has the vCPU, does. If the
 * vCPU runs meanwhile, we do what the scheduler would have done, for all queues that it follows. */
static void hold(struct rx_queue *rx)
{
	const struct virtio_net_setup *s = setup_of(rx);

	if (!rx->held_since_us) {
		store_relaxed(&rx->held_since_us, MAX(s->now_us(), UINT64_C(1)));
		stat_add(&rx->track.stats.holds, 1);
	}
	store_release(&rx->held, true);
	if (!hint_hold(s->hint))
		s->release(s->hint);
	else if (hint_state(hint_read(s->hint)) == HINT_ASLEEP) /* by now, whatever it was */
		s->wake(s->hint);
}

static void end_hold(struct rx_queue *rx)
{
	if (!rx->held_since_us)
		return;
	store_relaxed(&rx->held, false);
	smp_mb(); /* then the look at the ring: see waits_with_the_others() */
	store_relaxed(&rx->held_since_us, UINT64_C(0));
	stat_add(&rx->track.stats.held, frame_ring_used(&rx->ring));
}

void virtio_net_release(struct virtio_net *d, struct worker *worker)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		struct rx_queue *rx = &d->pair[i].rx;

		if (load_relaxed(&rx->held) && atomic_xchg(&rx->held, false))
			work_schedule(worker, &rx->q.work);
	}
}

void rx_steer_stop(struct rx_queue *rx)
{
	store_relaxed(&rx->held, false);
	store_relaxed(&rx->held_since_us, UINT64_C(0));
}

void rx_steer_housekeeping(struct rx_queue *rx, uint64_t now_us)
{
	uint64_t since_us = load_relaxed(&rx->held_since_us);

	/* Cores read the time a little apart. */
	if (since_us && (int64_t)(now_us - since_us) >= STEER_HOLD_MAX_US)
		queue_schedule(&rx->q);
}

/* ---- The decision ---- */

static struct steer_verdict decide(struct rx_queue *rx, const struct frame *f, uint64_t word)
{
	const struct virtio_net_setup *s = setup_of(rx);
	unsigned fixed = load_relaxed(&rx->q.fixed_core);
	struct steer_verdict v;
	bool engine;

	if (f->lent && f->lent->from == &rx->lend) /* it is where it belongs; only headers follow */
		return (struct steer_verdict){ STEER_COPY, f->lent->core };
	if (s->steer->policy == STEER_FULL && hint_state(word) == HINT_ASLEEP)
		word = s->place(s->hint, rx->this_core);
	engine = steer_core_of(s->steer, word, fixed) != rx->this_core && engine_takes(rx, f);
	v = steer_decide(s->steer, word, fixed, rx->this_core, engine);
	if (v.action != STEER_HOLD || !is_overdue(rx))
		return v;
	if (rx->held_since_us) {
		stat_add(&rx->track.stats.holds_ended, 1);
		rx->owed_until = rx->ring.head + frame_ring_used(&rx->ring);
	}
	word = hint_pack(HINT_RUNNING, v.core, 0); /* as if */
	return steer_decide(s->steer, word, fixed, rx->this_core, engine);
}

enum steer_action rx_steer(struct rx_queue *rx)
{
	const struct virtio_net_setup *s = setup_of(rx);
	const struct frame *f = frame_ring_peek(&rx->ring);
	uint64_t word = hint_read(s->hint);
	struct steer_verdict v = { STEER_COPY, hint_core(word) };

	if (s->steer) {
		if (!f)
			return STEER_HOLD; /* one that comes now has us look again */
		rx->this_core = s->this_core();
		v = decide(rx, f, word);
	}
	rx->dest_core = v.core;
	if (v.action == STEER_HOLD) {
		hold(rx);
		return v.action;
	}
	if (v.action == STEER_MOVE) {
		rx->q.work.move_to = s->worker_of(v.core);
		stat_add(&rx->track.stats.moved, 1);
		return v.action;
	}
	end_hold(rx);
	return v.action;
}

/* What the CPU writes lands in its own core's cache, what an engine writes where it aims. */
static bool is_astray(const struct rx_queue *rx, bool by_engine)
{
	const struct steer *s = setup_of(rx)->steer;

	if (!by_engine)
		return rx->dest_core != rx->this_core;
	return s->backend == STEER_BACKEND_DCA ? !rx->ctx->aimed : s->backend == STEER_BACKEND_NONE;
}

/* Its payload, which the NIC has written. */
static struct steer_placement place_lent(const struct rx_queue *rx, uint32_t len_bytes)
{
	const struct frame *f = rx->lent_frame;
	const struct frame_segment *first = &f->segment[f->lent->first];

	return (struct steer_placement){ .hva = first->hva,
		.contiguous_bytes = first->len_bytes,
		.len_bytes = len_bytes,
		.core = f->lent->core,
		.writer = STEER_BY_NIC,
		.astray = setup_of(rx)->steer->backend == STEER_BACKEND_NONE };
}

/* A driver may give the header a buffer of its own. */
static inline struct steer_placement place_written(const struct rx_queue *rx, uint32_t len_bytes)
{
	const struct virtqueue_segment *first = &rx->segment[0];
	uint32_t header_bytes = MIN(RX_HDR_BYTES, first->len_bytes);

	return (struct steer_placement){ .hva = first->hva + header_bytes,
		.contiguous_bytes = MIN(len_bytes, first->len_bytes - header_bytes),
		.len_bytes = len_bytes,
		.core = (uint16_t)rx->dest_core,
		.writer = STEER_BY_CPU,
		.astray = is_astray(rx, false) };
}

struct steer_placement rx_steer_placement(
	const struct rx_queue *rx, uint32_t len_bytes, const struct copy_piece *engine)
{
	if (rx->lent_frame)
		return place_lent(rx, len_bytes);
	if (!engine)
		return place_written(rx, len_bytes);
	return (struct steer_placement){ .hva = engine->dst,
		.contiguous_bytes = engine->len_bytes,
		.len_bytes = len_bytes,
		.core = (uint16_t)rx->dest_core,
		.writer = STEER_BY_ENGINE,
		.astray = is_astray(rx, true) };
}

__attribute__((noinline)) static void note_any(struct rx_queue *rx, uint32_t len_bytes)
{
	const struct steer_placement p = rx_steer_placement(rx, len_bytes, NULL);

	steer_track_note(&rx->track, &p);
}

/* Once for each packet. */
void rx_steer_note(struct rx_queue *rx, uint32_t len_bytes)
{
	struct steer_batch *b = steer_track_batch(&rx->track, rx->dest_core);

	if (rx->lent_frame || !b) {
		note_any(rx, len_bytes);
	} else {
		const struct steer_placement p = place_written(rx, len_bytes);

		steer_track_add(&rx->track, b, &p);
	}
}

/* ---- The books ---- */

void virtio_net_consume(struct virtio_net *d, unsigned core, uint64_t now_us, bool at_once)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++)
		steer_track_consume(&d->pair[i].rx.track, core, now_us, at_once);
}

void virtio_net_steer_sum(const struct virtio_net *d, struct steer_stats *sum)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++)
		steer_stats_add(sum, &d->pair[i].rx.track.stats);
}

void virtio_net_for_each_placement(
	const struct virtio_net *d, void (*fn)(void *arg, const struct steer_trace *t), void *arg)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		const struct steer_track *track = &d->pair[i].rx.track;
		uint32_t first, end;

		steer_track_range(track, &first, &end);
		for (uint32_t n = first; n != end; n++) {
			struct steer_trace t;

			if (steer_track_read(track, n, &t))
				fn(arg, &t);
		}
	}
}
