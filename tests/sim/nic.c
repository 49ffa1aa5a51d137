/* A port of a 10GbE NIC: a queue for each guest, as VMDq has it, whose DMA is aimed at a core; and
 * the uplink's work, which takes frames into the switch. The work is shaped like
 * hv/net/uplink_rx.c. */
#include <stdlib.h>

#include "cpu/tsc.h"
#include "lib/log.h"
#include "lib/string.h"
#include "model.h"

#define IP_BYTES	20
#define ACK_SEND_CYCLES 100  /* the driver's, `make bench-host` */
#define RETAG_CYCLES	600  /* two register writes, uncached */
#define META_BYTES	192u /* of a struct frame, what a forwarded frame touches */

static void interrupt(struct engine_irq *irq)
{
	struct nic_queue *q = CONTAINER_OF(irq, struct nic_queue, irq);

	work_schedule(sched_worker(engine_core()), &q->work);
}

static void fire(void *arg)
{
	struct nic_queue *q = arg;

	q->irq_coming = false;
	if (!q->armed)
		return;
	q->armed = false;
	q->last_irq = engine_now();
	sim->f.interrupts++;
	engine_interrupt(q->steer.core, &q->irq);
}

static void want_interrupt(struct nic_queue *q)
{
	if (!q->armed || q->irq_coming || !q->arrived)
		return;
	q->irq_coming = true;
	engine_at(q->last_irq + us_to_tsc(NIC_MODERATION_US), fire, q);
}

static struct nic_queue *queue_of(struct guest *g, const struct packet *p)
{
	return &g->queue[g->nr_queues > 1 ? p->flow->number % g->nr_queues : 0];
}

void nic_arrive(struct nic *nic, const struct packet *p)
{
	struct nic_queue *q = queue_of(p->flow->guest, p);
	struct nic_frame *f = q->posted;

	if (!f) {
		sim->f.missed++;
		wire_lost(p->flow);
		return;
	}
	q->posted = f->next;
	if (!f->next)
		q->posted_tail = &q->posted;
	q->nr_posted--;
	f->packet = *p;
	memory_dma_write(sim->mem, nic->socket, f->data, p->len_bytes, q->steer.core, true);
	memory_dma_write(sim->mem, nic->socket, q->descriptors + q->descriptor * 16, 16,
		q->steer.core, true);
	q->descriptor = (q->descriptor + 1) % NIC_ENTRIES;
	f->next = NULL;
	*q->arrived_tail = f;
	q->arrived_tail = &f->next;
	q->nr_arrived++;
	want_interrupt(q);
}

static void release(struct frame *frame)
{
	struct nic_frame *f = CONTAINER_OF(frame, struct nic_frame, frame);

	f->next = f->queue->free;
	f->queue->free = f;
	f->queue->nr_in_flight--;
	f->queue->nr_in_switch--;
}

static void put_be16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Ethernet, IPv4 and the ports: what the switch and the flow's hash look at. */
static void write_head(uint8_t *head, const uint8_t *to, const uint8_t *from, unsigned flow)
{
	memset(head, 0, FRAME_HEAD_BYTES);
	memcpy(head, to, ETH_ALEN);
	memcpy(head + ETH_ALEN, from, ETH_ALEN);
	put_be16(head + 12, 0x0800);
	head[14] = 0x45;
	head[14 + 9] = 6; /* TCP */
	put_be16(head + 14 + 14, to[5]);
	put_be16(head + 14 + 18, from[5]);
	put_be16(head + 14 + IP_BYTES, 40000 + flow);
	put_be16(head + 14 + IP_BYTES + 2, 5201);
}

static void make_frame(struct nic_frame *f)
{
	struct guest *g = f->packet.flow->guest;

	f->frame.refs = 1;
	f->frame.len_bytes = f->packet.len_bytes;
	f->frame.head_len = (uint16_t)MIN(f->packet.len_bytes, (uint32_t)FRAME_HEAD_BYTES);
	f->frame.nr_segments = f->packet.len_bytes > FRAME_HEAD_BYTES;
	f->frame.release = release;
	f->frame.owner = f->queue;
	f->frame.offload = (struct frame_offload){ .flags = VNET_HDR_F_DATA_VALID };
	write_head(
		f->frame.head, g->port.policy.mac, g->nic->port.policy.mac, f->packet.flow->number);
}

static void forward_cost(void)
{
	const struct sim_config *c = sim->c;

	if (!c->linux_bridge) {
		spend(costs.switch_frame);
		return;
	}
	spend(costs.linux_bridge);
	touch(sim->bridge_lines + engine_core() * 4096, costs.bridge_lines * LINE_BYTES, true);
}

static void forward(struct nic_queue *q, struct nic_frame *f)
{
	struct port *uplink = &q->guest->nic->port, *blocked;
	struct packet p = f->packet;

	spend(costs.nic_receive);
	touch_packet(f->data, FRAME_HEAD_BYTES, false);
	touch(f->meta, META_BYTES, true);
	make_frame(f);
	forward_cost();
	q->nr_in_switch++;
	if (switch_forward(uplink, &f->frame, now_us(), &blocked) == 0)
		return;
	port_count(uplink, &uplink->counters.rx_frames, 1);
	port_count(uplink, &uplink->counters.rx_bytes, p.len_bytes);
	port_count_drop(blocked, DROP_QUEUE_FULL);
	frame_put(&f->frame);
	sim->f.dropped++;
	wire_lost(p.flow);
}

static void post(struct nic_queue *q)
{
	struct nic_frame *f;

	while (q->nr_posted < NIC_ENTRIES - 1 && (f = q->free)) {
		q->free = f->next;
		f->next = NULL;
		*q->posted_tail = f;
		q->posted_tail = &f->next;
		q->nr_posted++;
	}
}

static void follow(struct nic_queue *q)
{
	const struct sched_hint *h = &q->guest->entity.hint;

	if (steer_queue_follow(&sim->steer, &q->steer, hint_read(h), hint_helper(h), now_us()))
		spend(RETAG_CYCLES);
}

static bool poll_on(struct nic_queue *q, unsigned moved)
{
	if (moved || q->arrived) {
		q->dry_polls = 0;
		q->moved_us = now_us();
		return true;
	}
	if (hint_helper(&q->guest->entity.hint) == q->steer.core &&
		now_us() - q->moved_us < STEER_HELPER_POLL_US)
		return true;
	if (q->dry_polls++ < NIC_DRY_POLLS)
		return true;
	q->dry_polls = 0;
	q->armed = true;
	return false;
}

static enum work_result run(struct work *w, unsigned budget)
{
	struct nic_queue *q = CONTAINER_OF(w, struct nic_queue, work);
	unsigned n = 0;

	spend(costs.work_item);
	follow(q);
	w->move_to = sched_worker(q->steer.core);
	if (w->move_to != w->worker)
		return WORK_MOVE;
	for (; n < budget && q->arrived; n++) {
		struct nic_frame *f = q->arrived;

		q->arrived = f->next;
		if (!q->arrived)
			q->arrived_tail = &q->arrived;
		q->nr_arrived--;
		q->nr_in_flight++;
		q->nr_taken++;
		if (n % 4 == 0)
			touch(q->descriptors + q->nr_taken % NIC_ENTRIES * 16, LINE_BYTES, true);
		forward(q, f);
	}
	post(q);
	w->worker->frames += n;
	if (q->arrived)
		return WORK_MORE;
	return poll_on(q, n) ? WORK_POLL : WORK_DONE;
}

static void init_queue(struct guest *g, struct nic_queue *q, unsigned number)
{
	unsigned socket = g->nic->socket;
	uint64_t data = memory_alloc(sim->mem, NIC_BUFFERS * BUFFER_BYTES, socket);
	uint64_t meta = memory_alloc(sim->mem, NIC_BUFFERS * 256, socket);

	q->guest = g;
	q->descriptors = memory_alloc(sim->mem, NIC_ENTRIES * 16, socket);
	q->irq.handler = interrupt;
	q->arrived_tail = &q->arrived;
	q->posted_tail = &q->posted;
	q->armed = true;
	work_init(&q->work, run);
	q->work.who = &g->entity.hint;
	q->work.eager = true;
	steer_queue_init(&sim->steer, &q->steer, number, hint_read(&g->entity.hint));
	q->frame = calloc(NIC_BUFFERS, sizeof(*q->frame));
	ASSERT(q->frame);
	for (unsigned i = NIC_BUFFERS; i-- > 0;) {
		struct nic_frame *f = &q->frame[i];

		f->queue = q;
		f->data = data + i * BUFFER_BYTES;
		f->meta = meta + i * 256;
		f->next = q->free;
		q->free = f;
	}
	post(q);
}

void nic_add_queues(struct guest *g)
{
	g->nr_queues = sim->c->policy == STEER_RSS ? RSS_QUEUES : 1;
	g->queue = calloc(g->nr_queues, sizeof(*g->queue));
	ASSERT(g->queue);
	for (unsigned i = 0; i < g->nr_queues; i++)
		init_queue(g, &g->queue[i], g->number + i);
}

/* To the wire: acknowledgements. */
static int deliver(struct port *p, struct frame *f)
{
	spend(ACK_SEND_CYCLES);
	port_count_tx(p, f);
	frame_put(f);
	return 0;
}

static void wait_room(struct port *p, struct work *w)
{
	(void)p;
	(void)w;
}

static const struct port_ops uplink_ops = { deliver, wait_room };

int nic_init(struct nic *nic, unsigned index)
{
	struct port_policy policy = { .mac = { 2, 0, 0, 0, 1, (uint8_t)index } };

	nic->sw = calloc(1, sizeof(*nic->sw));
	ASSERT(nic->sw);
	nic->socket = index % ((sim->c->nr_cores + sim->m->cores_per_socket - 1) /
				      sim->m->cores_per_socket);
	nic->port.ops = &uplink_ops;
	nic->port.many_writers = true;
	switch_init(nic->sw, "lan", 300, 0);
	return switch_add_port(nic->sw, &nic->port, &policy);
}
