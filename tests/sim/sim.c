/* Puts a machine together, lets it run, and sums up; see sim.h. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/log.h"
#include "model.h"

#define HOUSEKEEPING_US 10000

struct sim *sim;

void sim_defaults(struct sim_config *c)
{
	*c = (struct sim_config){
		.nr_ports = 1,
		.traffic = TRAFFIC_WINDOW,
		.frames = FRAMES_FULL,
		.flows = 1,
		.window = 64,
		.burst = 32,
		.hog_kib = 2048,
		.policy = STEER_FULL,
		.sched = SCHED_FULL,
		.cache_aware = true,
		.credit_stealing = true,
		.engine = true,
		.aim = true,
		.slice_us = 5000,
		.warm_us = 50000,
		.run_us = 200000,
		.sample = 8,
		.seed = 1,
	};
}

/* ---- For all parts ---- */

void spend(uint64_t cycles)
{
	engine_spend(cycles);
}

void touch(uint64_t addr, uint32_t len_bytes, bool write)
{
	engine_spend(
		memory_access(sim->mem, engine_core(), addr, len_bytes, write, &sim->packet_work));
}

static void count_add(struct memory_count *sum, const struct memory_count *c)
{
	sum->lines += c->lines;
	sum->l2_misses += c->l2_misses;
	sum->llc_misses += c->llc_misses;
	sum->stall_cycles += c->stall_cycles;
}

uint64_t access_packet(uint64_t addr, uint32_t len_bytes, bool write, struct memory_count *who)
{
	struct memory_count c = { 0 };
	uint64_t stall = memory_access(sim->mem, engine_core(), addr, len_bytes, write, &c);

	count_add(who, &c);
	count_add(&sim->packets, &c);
	return stall;
}

void touch_packet(uint64_t addr, uint32_t len_bytes, bool write)
{
	engine_spend(access_packet(addr, len_bytes, write, &sim->packet_work));
}

void entity_begin(struct sched_entity *e)
{
	struct sched_entity **last = &sim->last[engine_core()];

	if (*last != e)
		engine_spend(costs.vcpu_switch);
	*last = e;
	engine_spend(costs.vm_exit);
	sim->f.vm_exits++;
}

bool entity_must_yield(void)
{
	if (engine_is_interrupted()) {
		sim->f.vm_exits++;
		engine_spend(costs.vm_exit);
		engine_take_interrupts();
		sched_poll();
	}
	return engine_now() >= sched_yield_tsc();
}

bool entity_resident(const struct sched_entity *e)
{
	return sim->last[e->core] == e;
}

/* ---- The machine ---- */

static uint64_t housekeeping(void)
{
	steer_housekeeping(&sim->steer, now_us());
	for (unsigned i = 0; i < sim->c->nr_io; i++)
		guest_rx_housekeeping(&sim->guest[i]);
	return HOUSEKEEPING_US;
}

static void core_loop(void)
{
	sched_run_once();
	engine_spend(costs.round);
}

static void start_scheduler(const struct sim_config *c)
{
	static struct sched_topology t;
	struct sched_setup s = { .nr_cores = c->nr_cores,
		.slice_us = c->slice_us,
		.housekeeping = housekeeping,
		.topology = &t,
		.policy = c->sched,
		.cache_aware = c->cache_aware,
		.credit_stealing = c->credit_stealing };

	t.nr_cores = c->nr_cores;
	for (unsigned i = 0; i < c->nr_cores; i++) {
		uint16_t socket = (uint16_t)(i / c->machine->cores_per_socket);

		t.core[i] = (struct sched_place_ids){ (uint16_t)i, (uint16_t)i, socket, socket,
			socket };
	}
	if (sched_init(&s))
		panic("sched_init");
}

static void start_steering(const struct sim_config *c)
{
	struct steer_core *cores = aligned_alloc(64, c->nr_cores * sizeof(*cores));
	enum steer_backend backend = !c->aim				 ? STEER_BACKEND_NONE
				     : c->machine->inject == INJECT_DDIO ? STEER_BACKEND_DDIO
									 : STEER_BACKEND_DCA;

	ASSERT(cores);
	steer_init(&sim->steer, c->policy, backend, cores, c->nr_cores);
	for (unsigned i = 0; i < c->nr_cores; i++)
		steer_set_cache(&sim->steer, i, c->machine->l2.kib * UINT64_C(1024) / 2,
			i / c->machine->cores_per_socket);
}

static void *some(size_t nr, size_t bytes)
{
	size_t all = ALIGN_UP(nr * bytes, (size_t)64);
	void *p = aligned_alloc(64, all ? all : 64);

	ASSERT(p);
	return memset(p, 0, all);
}

static void start_engine(const struct sim_config *c, unsigned core)
{
	channel_init(&sim->channel[core], core);
	if (sim->channel[core].there && c->policy == STEER_FULL)
		sched_may_help(core);
}

static void build(const struct sim_config *c)
{
	const struct engine_setup e = { c->nr_cores, c->machine->khz,
		costs.halt_exit_ns * c->machine->khz / 1000000, costs.interrupt, core_loop };

	ASSERT(c->nr_io <= SIM_GUESTS_MAX && c->nr_hogs <= SIM_GUESTS_MAX);
	ASSERT(c->nr_io <= c->nr_ports * SWITCH_GUESTS_MAX);
	engine_init(&e);
	sim = some(1, sizeof(*sim));
	sim->c = c;
	sim->m = c->machine;
	sim->rng.state = c->seed;
	sim->mem = memory_new(c->machine, c->nr_cores, c->sample);
	sim->bridge_lines = memory_alloc(sim->mem, c->nr_cores * 4096, 0);
	sim->last = some(c->nr_cores, sizeof(*sim->last));
	sim->channel = some(c->nr_cores, sizeof(*sim->channel));
	sim->nic = some(c->nr_ports, sizeof(*sim->nic));
	sim->guest = some(c->nr_io, sizeof(*sim->guest));
	sim->hog = some(c->nr_hogs, sizeof(*sim->hog));
	start_scheduler(c);
	start_steering(c);
	for (unsigned i = 0; i < c->nr_cores; i++)
		start_engine(c, i);
	for (unsigned i = 0; i < c->nr_ports; i++)
		ASSERT(nic_init(&sim->nic[i], i) == 0);
}

/* I/O guests and hogs by turns, so that neither has the first cores to itself. */
static void populate(const struct sim_config *c)
{
	unsigned io = 0, hogs = 0;

	while (io < c->nr_io || hogs < c->nr_hogs) {
		if (hogs * c->nr_io > io * c->nr_hogs || hogs == c->nr_hogs) {
			ASSERT(guest_init(&sim->guest[io], io) == 0);
			io++;
		} else {
			hog_init(&sim->hog[hogs], hogs);
			hogs++;
		}
	}
}

static void start_hogs(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < sim->c->nr_hogs; i++)
		sched_wake(&sim->hog[i].entity);
}

static void tear_down(void)
{
	for (unsigned i = 0; i < sim->c->nr_io; i++) {
		struct guest *g = &sim->guest[i];

		for (unsigned q = 0; q < g->nr_queues; q++)
			free(g->queue[q].frame);
		free(g->queue);
		free(g->flow);
	}
	for (unsigned i = 0; i < sim->c->nr_ports; i++)
		free(sim->nic[i].sw);
	free(sim->steer.core);
	free(sim->last);
	free(sim->channel);
	free(sim->nic);
	free(sim->guest);
	free(sim->hog);
	memory_free(sim->mem);
	wire_end();
	engine_end();
	free(sim);
	sim = NULL;
}

void sim_run(const struct sim_config *c, struct sim_result *r)
{
	struct sim_result *start = some(1, sizeof(*start));

	build(c);
	populate(c);
	wire_start();
	engine_at(1000, start_hogs, NULL);
	engine_run_until(c->warm_us * c->machine->khz / 1000);
	result_sum(start);
	memset(r, 0, sizeof(*r));
	sim->latency_ns = &r->latency_ns;
	engine_run_until((c->warm_us + c->run_us) * c->machine->khz / 1000);
	result_sum(r);
	result_subtract(r, start);
	tear_down();
	free(start);
}
