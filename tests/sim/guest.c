/* An I/O guest: one vCPU that takes frames from its receive queue as a kernel with NAPI does, gives
 * them to an application, and acknowledges what came in windows. */
#include <stdlib.h>

#include "lib/log.h"
#include "lib/string.h"
#include "model.h"

#define SOCKBUF_BYTES	  16384u /* what the application reads at once */
#define SKB_BYTES	  256u	 /* of a packet's structure in the kernel */
#define SKBS		  32u	 /* of them, used again and again */
#define FRAMES_FOR_AN_ACK 2u	 /* RFC 1122, 4.2.3.2 */
#define ACKS_MAX	  RX_BUFFERS

static void spend_guest(uint64_t cycles)
{
	engine_spend(cycles);
}

static void touch_guest(uint64_t addr, uint32_t len_bytes, bool write)
{
	engine_spend(memory_access(sim->mem, engine_core(), addr, len_bytes, write, &sim->guests));
}

static void kick(struct guest *g)
{
	unsigned fixed = steer_fixed_core(&sim->steer, g->number, 0);
	unsigned core = steer_core_of(&sim->steer, hint_read(&g->entity.hint), fixed);

	if (load_relaxed(&g->tx_work.state) == WORK_IDLE) {
		sim->f.vm_exits++;
		spend_guest(costs.vm_exit);
	}
	work_schedule(sched_worker(core), &g->tx_work);
}

static void acknowledge(struct guest *g, struct flow *flow)
{
	unsigned at = g->acks_queued % ACKS_MAX;

	if (g->acks_queued - g->acks_sent == ACKS_MAX)
		return; /* no room: with the next one */
	spend_guest(costs.guest_ack);
	touch_guest(g->vring + 8192 + at * 16, 16, true);
	g->ack[at].flow = flow;
	g->ack[at].nr = flow->owed;
	flow->owed = 0;
	g->acks_queued++;
	sim->f.acks++;
}

/* The ring is empty: what is owed goes now. */
static bool acknowledge_all(struct guest *g)
{
	bool any = g->acks_queued != g->acks_sent && load_relaxed(&g->tx_work.state) == WORK_IDLE;

	for (unsigned i = 0; sim->c->traffic == TRAFFIC_WINDOW && i < sim->c->flows; i++) {
		if (!g->flow[i].owed)
			continue;
		acknowledge(g, &g->flow[i]);
		any = true;
	}
	return any;
}

static void account(struct guest *g, const struct rx_slot *s, uint64_t arrival)
{
	sim->f.consumed++;
	sim->f.bytes += s->packet.len_bytes;
	sim->f.on_target += s->target == engine_core();
	g->nr_consumed++;
	if (sim->latency_ns)
		histogram_add(sim->latency_ns, (engine_now() - arrival) * 1000000 / sim->m->khz);
}

static void consume(struct guest *g)
{
	unsigned slot = g->consumed % RX_BUFFERS;
	const struct rx_slot *s = &g->slot[slot];
	uint64_t at = g->buffers + slot * BUFFER_BYTES;
	uint32_t len_bytes = s->packet.len_bytes;
	struct flow *flow = s->packet.flow;

	sim->f.resident_permille +=
		memory_resident_permille(sim->mem, engine_core(), at, len_bytes);
	touch_guest(g->vring + 4096 + slot * 8, 8, false);
	touch_guest(g->skbs + slot % SKBS * SKB_BYTES, SKB_BYTES, true);
	engine_spend(access_packet(at, 12 + len_bytes, false, &sim->guests));
	touch_guest(g->sockbuf + g->sock_at, len_bytes, true);
	g->sock_at = (g->sock_at + 2048) % SOCKBUF_BYTES;
	spend_guest(
		costs.guest_frame + (len_bytes + LINE_BYTES - 1) / LINE_BYTES * costs.guest_line);
	touch_guest(g->vring + slot * 16, 16, true); /* the buffer, posted again */
	account(g, s, s->packet.arrival);
	g->consumed++;
	if (sim->c->traffic == TRAFFIC_WINDOW) {
		if (++flow->owed >= FRAMES_FOR_AN_ACK)
			acknowledge(g, flow);
	} else {
		flow->in_flight--;
	}
}

/* Everything is done; true if the vCPU halts. */
static bool may_sleep(struct guest *g)
{
	if (acknowledge_all(g)) {
		kick(g);
		return false;
	}
	g->polling = false;
	sched_forget_wake(&g->entity);
	if (g->used == g->consumed)
		return true;
	g->polling = true;
	return false;
}

static enum sched_result run(struct sched_entity *e)
{
	struct guest *g = CONTAINER_OF(e, struct guest, entity);

	entity_begin(e);
	if (g->interrupted)
		spend_guest(costs.guest_interrupt);
	g->interrupted = false;
	g->polling = true;
	do {
		if (g->used != g->consumed)
			consume(g);
		else if (may_sleep(g))
			return SCHED_SLEEP;
		if (g->starved && g->taken - g->consumed <= RX_BUFFERS / 2)
			guest_rx_refill(g);
		if (g->acks_queued - g->acks_sent >= 16)
			kick(g);
	} while (!entity_must_yield());
	return SCHED_YIELD;
}

static void nothing(struct frame *f)
{
	(void)f;
}

static void send_ack(struct guest *g, struct flow *flow, unsigned nr)
{
	struct frame *f = &g->ack_frame;
	struct port *blocked;

	spend(costs.ring_frame + costs.switch_frame);
	if (sim->c->linux_bridge)
		spend(costs.linux_bridge);
	touch(g->vring + 8192, 16, false);
	f->refs = 1;
	f->len_bytes = ACK_BYTES;
	f->head_len = FRAME_HEAD_BYTES;
	f->release = nothing;
	memset(f->head, 0, FRAME_HEAD_BYTES);
	memcpy(f->head, g->nic->port.policy.mac, ETH_ALEN);
	memcpy(f->head + ETH_ALEN, g->port.policy.mac, ETH_ALEN);
	f->head[12] = 8;
	if (switch_forward(&g->port, f, now_us(), &blocked))
		panic("the uplink takes every frame");
	wire_acknowledge(flow, nr);
}

static enum work_result tx_run(struct work *w, unsigned budget)
{
	struct guest *g = CONTAINER_OF(w, struct guest, tx_work);
	unsigned n = 0;

	spend(costs.work_item);
	for (; n < budget && g->acks_sent != g->acks_queued; n++) {
		unsigned at = g->acks_sent++ % ACKS_MAX;

		send_ack(g, g->ack[at].flow, g->ack[at].nr);
	}
	w->worker->frames += n;
	return n == budget ? WORK_MORE : n > 1 ? WORK_POLL : WORK_DONE;
}

static int add_port(struct guest *g)
{
	struct port_policy policy = { .mac = { 0x52, 0x54, 0, 0, (uint8_t)(g->index >> 8),
					      (uint8_t)g->index },
		.spoof_check = true };

	g->port.ops = &guest_port_ops;
	return switch_add_port(g->nic->sw, &g->port, &policy);
}

static void place_memory(struct guest *g)
{
	unsigned socket = g->nic->socket;

	g->buffers = memory_alloc(sim->mem, RX_BUFFERS * BUFFER_BYTES, socket);
	g->vring = memory_alloc(sim->mem, 16384, socket);
	g->sockbuf = memory_alloc(sim->mem, SOCKBUF_BYTES, socket);
	g->skbs = memory_alloc(sim->mem, SKBS * SKB_BYTES, socket);
}

int guest_init(struct guest *g, unsigned index)
{
	g->index = index;
	g->number = (unsigned)rng_below(&sim->rng, sim->c->nr_cores); /* put where chance has it */
	g->nic = &sim->nic[index % sim->c->nr_ports];
	g->flow = calloc(sim->c->flows, sizeof(*g->flow));
	ASSERT(g->flow);
	for (unsigned i = 0; i < sim->c->flows; i++)
		g->flow[i] = (struct flow){ .guest = g, .number = i };
	place_memory(g);
	g->entity.run = run;
	g->entity.resident = entity_resident;
	g->entity.weight = 256;
	g->entity.group = index;
	g->entity.cores = CORE_SET_ALL;
	guest_rx_init(g);
	work_init(&g->tx_work, tx_run);
	g->tx_work.who = &g->entity.hint;
	sched_add(&g->entity);
	nic_add_queues(g);
	return add_port(g);
}
