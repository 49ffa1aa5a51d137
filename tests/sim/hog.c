/* A vCPU that computes: sweeps its working set, line by line, again and again. */
#include "lib/bits.h"
#include "model.h"

#define CHUNK_LINES 128u

static enum sched_result run(struct sched_entity *e)
{
	struct hog *h = CONTAINER_OF(e, struct hog, entity);
	uint64_t bytes = (uint64_t)sim->c->hog_kib * 1024;
	uint32_t chunk_bytes = CHUNK_LINES * LINE_BYTES;

	entity_begin(e);
	do {
		uint64_t stall = memory_access(sim->mem, engine_core(), h->memory + h->at,
			chunk_bytes, h->at & chunk_bytes, &sim->hogs);

		engine_spend(CHUNK_LINES * costs.hog_line + stall);
		h->lines += CHUNK_LINES;
		h->at = h->at + chunk_bytes >= bytes ? 0 : h->at + chunk_bytes;
	} while (!entity_must_yield());
	return SCHED_YIELD;
}

void hog_init(struct hog *h, unsigned index)
{
	h->index = index;
	h->memory = memory_alloc(sim->mem, (uint64_t)sim->c->hog_kib * 1024,
		index % MAX(1u, (sim->c->nr_cores + sim->m->cores_per_socket - 1) /
					sim->m->cores_per_socket));
	h->entity.run = run;
	h->entity.resident = entity_resident;
	h->entity.weight = 256;
	h->entity.group = SIM_GUESTS_MAX + index;
	h->entity.cores = CORE_SET_ALL;
	sched_add(&h->entity);
}
