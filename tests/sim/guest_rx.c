/* The receive side of a guest's NIC: from the switch into the guest's buffers. Shaped like
 * hv/net/virtio_net_rx.c; where, when and by whom is copied is decided by hv/net/steer. */
#include "lib/errno.h"
#include "model.h"

#define HDR_BYTES   12u /* struct virtio_net_hdr */
#define META_BYTES  128u
#define HOLD_FRAMES (FRAME_RING_ENTRIES * 3 / 4)

static unsigned fixed_core(const struct guest *g, const struct frame *f)
{
	return steer_fixed_core(&sim->steer, g->number,
		sim->c->policy == STEER_RSS ? steer_flow_hash(f->head, f->head_len) : 0);
}

/* ---- Where the work runs: as hv/net/virtio_net_rx_steer.c has it ---- */

static bool engine_reaches(const struct channel *ch)
{
	return ch->there && sim->steer.backend != STEER_BACKEND_NONE;
}

static bool engine_takes(const struct guest *g, uint32_t len_bytes)
{
	struct channel *ch = &sim->channel[engine_core()];

	return engine_reaches(ch) && len_bytes >= COPY_SMALL_BYTES &&
	       copy_estimate_takes(
		       &ch->estimate, len_bytes, hint_helper(&g->entity.hint) == engine_core());
}

static bool decides_here(unsigned core, uint64_t word)
{
	if (sim->c->policy == STEER_FULL && hint_state(word) != HINT_RUNNING)
		return true;
	return engine_reaches(&sim->channel[core]);
}

static void schedule(struct guest *g, const struct frame *f)
{
	uint64_t word = hint_read(&g->entity.hint);
	unsigned core = engine_core();

	if (g->held && frame_ring_used(&g->ring) < HOLD_FRAMES)
		return;
	if (!decides_here(core, word))
		core = steer_core_of(&sim->steer, word, fixed_core(g, f));
	work_schedule(sched_worker(core), &g->rx_work);
}

static int deliver(struct port *p, struct frame *f)
{
	struct guest *g = CONTAINER_OF(p, struct guest, port);

	if (!frame_ring_push(&g->ring, f))
		return -EAGAIN;
	schedule(g, f);
	return 0;
}

static void wait_room(struct port *p, struct work *w)
{
	(void)p;
	(void)w; /* a wire does not wait */
}

const struct port_ops guest_port_ops = { deliver, wait_room };

/* Whatever is filled, in order, is shown to the driver. */
static void publish(struct guest *g)
{
	uint32_t before = g->used;

	while (g->used != g->taken && g->slot[g->used % RX_BUFFERS].filled)
		g->used++;
	if (g->used == before || g->polling)
		return;
	g->interrupted = true;
	sim->f.interrupts++;
	sched_wake_io(&g->entity);
}

static void filled(struct guest *g, unsigned slot)
{
	struct rx_slot *s = &g->slot[slot];

	touch(g->vring + 4096 + slot * 8, 8, true);
	s->filled = true;
	s->packet = s->frame->packet;
	port_count_tx(&g->port, &s->frame->frame);
	frame_put(&s->frame->frame);
	s->frame = NULL;
}

void guest_filled(struct guest *g, unsigned slot)
{
	filled(g, slot);
	publish(g);
}

static void copy_by_cpu(uint64_t dst, uint64_t src, uint32_t len_bytes)
{
	uint64_t lines = (len_bytes + LINE_BYTES - 1) / LINE_BYTES;
	struct channel *ch = &sim->channel[engine_core()];
	uint64_t start = engine_now();

	touch_packet(src, len_bytes, false);
	touch_packet(dst, len_bytes, true);
	spend(lines * costs.copy_line);
	if (ch->there)
		copy_estimate_cpu(&ch->estimate, len_bytes, engine_now() - start);
}

/* The head by the CPU, since it lies in the frame; the rest by whoever shall. */
static void copy_frame(struct guest *g, struct nic_frame *f, const struct steer_verdict *v)
{
	unsigned slot = g->taken++ % RX_BUFFERS, core = engine_core();
	uint32_t len_bytes = f->packet.len_bytes,
		 head_bytes = MIN(len_bytes, (uint32_t)FRAME_HEAD_BYTES),
		 rest_bytes = len_bytes - head_bytes;
	uint64_t dst = g->buffers + slot * BUFFER_BYTES;
	struct channel *ch = &sim->channel[core];

	g->slot[slot] = (struct rx_slot){ .frame = f, .target = v->core };
	spend(costs.ring_frame);
	touch(f->meta, META_BYTES, false);
	touch(g->vring + slot * 16, 16, false);
	touch_packet(dst, HDR_BYTES + head_bytes, true);
	sim->f.placed++;
	steer_placed(&sim->steer, v->core, len_bytes, now_us());
	if (channel_wants(ch, rest_bytes)) {
		struct channel_op op = { f->data + head_bytes, dst + HDR_BYTES + head_bytes,
			rest_bytes,
			sim->steer.backend == STEER_BACKEND_DCA ? v->core : MEMORY_NO_CORE, 0, 0, g,
			slot };

		if (channel_submit(ch, &op)) {
			sim->f.engine_copies++;
			return;
		}
	}
	g->slot[slot].target = core; /* into our own cache */
	sim->f.cpu_copies++;
	if (rest_bytes)
		copy_by_cpu(dst + HDR_BYTES + head_bytes, f->data + head_bytes, rest_bytes);
	filled(g, slot);
}

/* As many frames as the verdict is good for. */
static unsigned copy_batch(
	struct guest *g, const struct steer_verdict *v, unsigned fixed, unsigned budget)
{
	struct frame *f;
	unsigned n = 0;

	while (n < budget && (f = frame_ring_peek(&g->ring)) && fixed_core(g, f) == fixed) {
		if (g->taken - g->consumed == RX_BUFFERS) {
			g->starved = true;
			break;
		}
		frame_ring_pop(&g->ring);
		copy_frame(g, CONTAINER_OF(f, struct nic_frame, frame), v);
		n++;
	}
	channel_flush(&sim->channel[engine_core()]);
	publish(g);
	return n;
}

static bool is_overdue(const struct guest *g)
{
	if (frame_ring_used(&g->ring) >= HOLD_FRAMES)
		return true;
	return g->held_since_us && now_us() - g->held_since_us >= STEER_HOLD_MAX_US;
}

static void release_held(struct guest *g)
{
	if (!g->held)
		return;
	g->held = false;
	work_schedule(sched_worker(engine_core()), &g->rx_work);
}

/* The vCPU is not near: its packets stay in their frames until it is. */
static void hold(struct guest *g)
{
	if (!g->held_since_us) {
		g->held_since_us = MAX(now_us(), UINT64_C(1));
		sim->f.held++;
	}
	g->held = true;
	if (!hint_hold(&g->entity.hint))
		release_held(g);
	else if (hint_state(hint_read(&g->entity.hint)) ==
		 HINT_ASLEEP) /* by now, whatever it was */
		sched_wake_io(&g->entity);
}

static struct steer_verdict decide(struct guest *g, const struct frame *f)
{
	uint64_t word = hint_read(&g->entity.hint);
	unsigned core = engine_core(), fixed = fixed_core(g, f);
	struct steer_verdict v;
	bool engine;

	if (sim->c->policy == STEER_FULL && hint_state(word) == HINT_ASLEEP)
		word = sched_place(&g->entity.hint, core);
	engine = steer_core_of(&sim->steer, word, fixed) != core && engine_takes(g, f->len_bytes);
	v = steer_decide(&sim->steer, word, fixed, core, engine);
	if (v.action != STEER_HOLD || !is_overdue(g))
		return v;
	return steer_decide(&sim->steer, hint_pack(HINT_RUNNING, v.core, 0), fixed, core, engine);
}

static enum work_result run(struct work *w, unsigned budget)
{
	struct guest *g = CONTAINER_OF(w, struct guest, rx_work);
	struct frame *f = frame_ring_peek(&g->ring);
	struct steer_verdict v;
	unsigned n;

	spend(costs.work_item);
	if (!f || g->starved)
		return WORK_DONE;
	v = decide(g, f);
	if (v.action == STEER_HOLD) {
		hold(g);
		return WORK_DONE;
	}
	if (v.action == STEER_MOVE) {
		sim->f.moved++;
		w->move_to = sched_worker(v.core);
		return WORK_MOVE;
	}
	g->held = false;
	g->held_since_us = 0;
	n = copy_batch(g, &v, fixed_core(g, f), budget);
	w->worker->frames += n;
	/* With STEER_RSS the next frame may be another core's. */
	return n == budget || (!g->starved && frame_ring_peek(&g->ring)) ? WORK_MORE : WORK_DONE;
}

static void held_work(struct sched_entity *e)
{
	struct guest *g = CONTAINER_OF(e, struct guest, entity);

	release_held(g);
}

void guest_rx_init(struct guest *g)
{
	work_init(&g->rx_work, run);
	g->rx_work.who = &g->entity.hint;
	g->entity.held_work = held_work;
	frame_ring_init(&g->ring);
}

void guest_rx_housekeeping(struct guest *g)
{
	struct frame *f = frame_ring_peek(&g->ring);

	if (!f || !g->held_since_us || now_us() - g->held_since_us < STEER_HOLD_MAX_US)
		return;
	work_schedule(sched_worker(steer_core_of(
			      &sim->steer, hint_read(&g->entity.hint), fixed_core(g, f))),
		&g->rx_work);
}

void guest_rx_refill(struct guest *g)
{
	struct frame *f = frame_ring_peek(&g->ring);

	g->starved = false;
	if (f)
		schedule(g, f);
}
