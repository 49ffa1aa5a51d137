/* Peers beyond the cables: they send frames to the guests, by windows or at given rates. */
#include <stdlib.h>

#include "cpu/tsc.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "model.h"

#define LINE_BITS_PER_US 10000u
#define GAP_BYTES	 24u /* preamble, FCS and gap: what a frame takes on the line beside itself */
#define CABLE_NS	 5000 /* one way, with the peer's own time */
#define LOSS_US		 2000 /* until a peer sends again */

static struct packet *pool, *all; /* free ones; all there are */

static uint32_t pick_len(void)
{
	unsigned i;

	switch (sim->c->frames) {
	case FRAMES_FULL:
		return 1514;
	case FRAMES_SMALL:
		return 60;
	case FRAMES_MIX:
	default:
		i = (unsigned)rng_below(&sim->rng, 12);
		return i < 7 ? 60 : i < 11 ? 594 : 1514;
	}
}

static void arrive(void *arg)
{
	struct packet *p = arg;

	sim->on_wire--;
	p->arrival = engine_now();
	nic_arrive(p->flow->guest->nic, p);
	p->next = pool;
	pool = p;
}

static void send(struct flow *flow)
{
	struct nic *nic = flow->guest->nic;
	struct packet *p = pool;
	uint64_t bits;

	if (p) {
		pool = p->next;
	} else {
		p = malloc(sizeof(*p));
		ASSERT(p);
		p->all = all;
		all = p;
	}
	p->flow = flow;
	p->len_bytes = pick_len();
	bits = (p->len_bytes + GAP_BYTES) * UINT64_C(8);
	nic->wire_free = MAX(nic->wire_free, engine_now()) +
			 bits * sim->m->khz / (LINE_BITS_PER_US * UINT64_C(1000));
	flow->in_flight++;
	sim->f.sent++;
	sim->on_wire++;
	engine_at(nic->wire_free + engine_ns(CABLE_NS), arrive, p);
}

static void fill_window(void *arg)
{
	struct flow *flow = arg;

	while (flow->in_flight < sim->c->window)
		send(flow);
}

void wire_acknowledge(struct flow *flow, unsigned nr)
{
	flow->in_flight -= nr;
	if (sim->c->traffic == TRAFFIC_WINDOW)
		engine_at(engine_now() + engine_ns(CABLE_NS), fill_window, flow);
}

static void send_again(void *arg)
{
	struct flow *flow = arg;

	flow->in_flight--;
	fill_window(flow);
}

void wire_lost(struct flow *flow)
{
	if (sim->c->traffic == TRAFFIC_WINDOW)
		engine_at(engine_now() + us_to_tsc(LOSS_US), send_again, flow);
	else
		flow->in_flight--;
}

static struct flow *pick_flow(struct guest *g)
{
	return &g->flow[rng_below(&sim->rng, sim->c->flows)];
}

static void next_burst(void *arg)
{
	struct guest *g = arg;
	struct flow *flow = pick_flow(g);
	double mean = (double)sim->m->khz * 1000 / (double)sim->c->guest_pps;
	uint64_t nr = 1;

	if (sim->c->traffic == TRAFFIC_BURSTS) {
		nr = rng_exponential(&sim->rng, sim->c->burst);
		mean *= sim->c->burst;
	}
	while (nr--)
		send(flow);
	engine_at(engine_now() + rng_exponential(&sim->rng, mean), next_burst, g);
}

void wire_start(void)
{
	for (unsigned i = 0; i < sim->c->nr_io; i++) {
		struct guest *g = &sim->guest[i];
		uint64_t start = rng_below(&sim->rng, us_to_tsc(1000));

		if (sim->c->traffic != TRAFFIC_WINDOW)
			engine_at(start, next_burst, g);
		for (unsigned f = 0; sim->c->traffic == TRAFFIC_WINDOW && f < sim->c->flows; f++)
			engine_at(start + f * engine_ns(20000), fill_window, &g->flow[f]);
	}
}

void wire_end(void)
{
	while (all) {
		struct packet *p = all;

		all = p->all;
		free(p);
	}
	pool = NULL;
}
