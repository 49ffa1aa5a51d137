/* What a run has found, summed up over its parts. */
#include <stddef.h>
#include <string.h>

#include "model.h"

static void sum_cores(struct sim_result *r)
{
	for (unsigned i = 0; i < sim->c->nr_cores; i++) {
		struct sched_core_stats s;

		sched_stats(i, &s);
		r->worker_ticks += s.worker_ticks;
		r->entity_ticks += s.entity_ticks;
		r->idle_ticks += s.idle_ticks;
		r->switches += s.nr_switches;
		r->stolen += s.nr_stolen;
	}
	r->ticks = sim->c->nr_cores * engine_now();
}

static void sum_entity(struct sim_result *r, const struct sched_entity *e)
{
	r->migrations += e->stats.nr_migrations;
	r->wait_error_ticks += e->stats.wait_error_ticks;
	r->nr_waits += e->stats.nr_waits;
	r->boosts += e->stats.nr_boosts;
	r->charged_ticks += e->stats.charged_ticks;
	r->borrowed_ticks += e->stats.borrowed_ticks;
}

/* Frames on their way to the guest, from the NIC's memory on. */
static uint64_t frames_in(const struct guest *g)
{
	uint64_t n = 0;

	for (unsigned q = 0; q < g->nr_queues; q++)
		n += g->queue[q].nr_arrived + g->queue[q].nr_in_flight;
	for (uint32_t i = g->consumed; i != g->taken; i++)
		n += g->slot[i % RX_BUFFERS].filled;
	return n;
}

static void sum_guests(struct sim_result *r)
{
	for (unsigned i = 0; i < sim->c->nr_io; i++) {
		const struct guest *g = &sim->guest[i];

		sum_entity(r, &g->entity);
		r->io_consumed[i] = g->nr_consumed;
		for (unsigned q = 0; q < g->nr_queues; q++)
			r->retagged += g->queue[q].steer.retagged;
		r->in_flight += frames_in(g);
	}
	for (unsigned i = 0; i < sim->c->nr_hogs; i++) {
		sum_entity(r, &sim->hog[i].entity);
		r->hog_done[i] = sim->hog[i].lines;
		r->hog_lines += sim->hog[i].lines;
	}
}

/* Frames that the switch has taken are delivered, dropped, or still in queues behind it. */
static bool books_balance(const struct nic *nic)
{
	struct port_counters c;
	uint64_t in, out, queued = 0;

	switch_sum(nic->sw, &c);
	in = c.rx_frames + c.extra_copies;
	out = c.tx_frames;
	for (unsigned i = 0; i < DROP_REASONS; i++)
		out += c.drops[i];
	for (unsigned i = 0; i < sim->c->nr_io; i++) {
		const struct guest *g = &sim->guest[i];

		for (unsigned q = 0; q < g->nr_queues && g->nic == nic; q++)
			queued += g->queue[q].nr_in_switch;
	}
	return in == out + queued;
}

void result_sum(struct sim_result *r)
{
	r->f = sim->f;
	r->packet_work = sim->packet_work;
	r->guests = sim->guests;
	r->hogs = sim->hogs;
	r->packets = sim->packets;
	r->dma = *memory_dma_counts(sim->mem);
	sum_cores(r);
	sum_guests(r);
	r->in_flight += sim->on_wire;
	r->books_balance = true;
	for (unsigned i = 0; i < sim->c->nr_ports; i++)
		r->books_balance &= books_balance(&sim->nic[i]);
}

_Static_assert(offsetof(struct sim_result, in_flight) % sizeof(uint64_t) == 0, "counters only");

void result_subtract(struct sim_result *r, const struct sim_result *start)
{
	uint64_t *n = (uint64_t *)r;
	const uint64_t *before = (const uint64_t *)start;

	for (size_t i = 0; i < offsetof(struct sim_result, in_flight) / sizeof(*n); i++)
		n[i] -= before[i];
	r->in_flight_at_start = start->in_flight;
}
