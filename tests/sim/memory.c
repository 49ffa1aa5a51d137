/* Cache hierarchy and coherence; see memory.h. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/log.h"
#include "cache.h"
#include "rng.h"

#define SOCKETS_MAX 32
#define NOBODY	    UINT16_MAX

struct line {
	uint32_t llcs;	    /* sockets whose LLC has it, as bits */
	uint16_t holder[2]; /* cores whose L2 has it; the older first */
};

struct memory {
	const struct machine *m;
	unsigned nr_cores, nr_sockets, sample, sample_log2;
	struct cache *l2, *llc;
	struct line *line;
	uint64_t nr_lines; /* simulated ones */
	uint64_t top;	   /* bytes given out */
	uint8_t *home;	   /* socket of each megabyte */
	uint64_t memory_cycles, remote_cache_cycles, remote_memory_cycles;
	struct memory_dma_count dma;
};

static unsigned socket_of(const struct memory *mem, unsigned core)
{
	return core / mem->m->cores_per_socket;
}

struct memory *memory_new(const struct machine *m, unsigned nr_cores, unsigned sample)
{
	struct memory *mem = calloc(1, sizeof(*mem));

	ASSERT(mem && sample && !(sample & (sample - 1)));
	mem->m = m;
	mem->nr_cores = nr_cores;
	mem->nr_sockets = (nr_cores + m->cores_per_socket - 1) / m->cores_per_socket;
	ASSERT(mem->nr_sockets <= SOCKETS_MAX);
	mem->sample = sample;
	mem->sample_log2 = (unsigned)__builtin_ctz(sample);
	mem->l2 = calloc(nr_cores, sizeof(*mem->l2));
	mem->llc = calloc(mem->nr_sockets, sizeof(*mem->llc));
	ASSERT(mem->l2 && mem->llc);
	for (unsigned i = 0; i < nr_cores; i++)
		cache_init(&mem->l2[i], m->l2.kib * 1024 / LINE_BYTES / sample, m->l2.ways);
	for (unsigned i = 0; i < mem->nr_sockets; i++)
		cache_init(&mem->llc[i], m->llc.kib * 1024 / LINE_BYTES / sample, m->llc.ways);
	mem->memory_cycles = m->memory_ns * m->khz / 1000000;
	mem->remote_cache_cycles = m->remote_cache_ns * m->khz / 1000000;
	mem->remote_memory_cycles = m->remote_memory_ns * m->khz / 1000000;
	return mem;
}

void memory_free(struct memory *mem)
{
	for (unsigned i = 0; i < mem->nr_cores; i++)
		cache_free(&mem->l2[i]);
	for (unsigned i = 0; i < mem->nr_sockets; i++)
		cache_free(&mem->llc[i]);
	free(mem->l2);
	free(mem->llc);
	free(mem->line);
	free(mem->home);
	free(mem);
}

uint64_t memory_alloc(struct memory *mem, uint64_t bytes, unsigned socket)
{
	uint64_t at = ALIGN_UP(mem->top, UINT64_C(1) << 20), old = mem->nr_lines;
	uint64_t mib = at >> 20;

	mem->top = at + bytes;
	mem->nr_lines = (ALIGN_UP(mem->top, UINT64_C(1) << 20) / LINE_BYTES) >> mem->sample_log2;
	mem->line = realloc(mem->line, mem->nr_lines * sizeof(*mem->line));
	mem->home = realloc(mem->home, (mem->top >> 20) + 1);
	ASSERT(mem->line && mem->home);
	for (uint64_t i = old; i < mem->nr_lines; i++)
		mem->line[i] = (struct line){ .holder = { NOBODY, NOBODY } };
	for (; mib <= mem->top >> 20; mib++)
		mem->home[mib] = (uint8_t)(socket < mem->nr_sockets ? socket : 0);
	/* The start of each range within its megabyte differs, as that of real ones does. */
	return at + (rng_mix(at) % 64 * 4096) % (ALIGN_UP(bytes, UINT64_C(1) << 20) - bytes + 1);
}

/* ---- One line ---- */

static void drop_holder(struct line *l, unsigned core)
{
	if (l->holder[0] == core)
		l->holder[0] = l->holder[1];
	else if (l->holder[1] != core)
		return;
	l->holder[1] = NOBODY;
}

static void add_holder(struct memory *mem, uint32_t at, unsigned core)
{
	struct line *l = &mem->line[at];

	if (l->holder[0] == NOBODY) {
		l->holder[0] = (uint16_t)core;
		return;
	}
	if (l->holder[1] != NOBODY) {
		(void)cache_remove(&mem->l2[l->holder[0]], at);
		l->holder[0] = l->holder[1];
	}
	l->holder[1] = (uint16_t)core;
}

/* The line leaves a socket's LLC; if that is inclusive, its L2s too. */
static void left_llc(struct memory *mem, uint32_t at, unsigned socket)
{
	struct line *l = &mem->line[at];

	l->llcs &= ~BIT32(socket);
	if (!mem->m->inclusive)
		return;
	for (unsigned i = 2; i-- > 0;) {
		unsigned core = l->holder[i];

		if (core != NOBODY && socket_of(mem, core) == socket) {
			(void)cache_remove(&mem->l2[core], at);
			drop_holder(l, core);
		}
	}
}

static void fill_llc(struct memory *mem, uint32_t at, unsigned socket, unsigned ways)
{
	uint32_t victim = cache_fill(&mem->llc[socket], at, ways);

	mem->line[at].llcs |= BIT32(socket);
	if (victim != CACHE_NONE)
		left_llc(mem, victim, socket);
}

static void fill_l2(struct memory *mem, uint32_t at, unsigned core)
{
	unsigned socket = socket_of(mem, core);
	uint32_t victim;

	if (mem->m->inclusive && !(mem->line[at].llcs & BIT32(socket)))
		fill_llc(mem, at, socket, 0);
	victim = cache_fill(&mem->l2[core], at, 0);
	add_holder(mem, at, core);
	if (victim == CACHE_NONE)
		return;
	drop_holder(&mem->line[victim], core);
	if (!mem->m->inclusive && !(mem->line[victim].llcs & BIT32(socket)))
		fill_llc(mem, victim, socket, 0);
}

static void remove_from_llc(struct memory *mem, uint32_t at, unsigned socket)
{
	(void)cache_remove(&mem->llc[socket], at);
	mem->line[at].llcs &= ~BIT32(socket);
}

/* All copies go but those of `core` and its socket's LLC. */
static void invalidate_others(struct memory *mem, uint32_t at, unsigned core)
{
	struct line *l = &mem->line[at];
	uint32_t keep = core == NOBODY ? 0 : BIT32(socket_of(mem, core));

	for (unsigned i = 2; i-- > 0;) {
		unsigned holder = l->holder[i];

		if (holder != NOBODY && holder != core) {
			(void)cache_remove(&mem->l2[holder], at);
			drop_holder(l, holder);
		}
	}
	for (uint32_t left = l->llcs & ~keep; left; left &= left - 1)
		remove_from_llc(mem, at, (unsigned)__builtin_ctz(left));
}

static bool held_in_socket(const struct memory *mem, const struct line *l, unsigned socket)
{
	return (l->holder[0] != NOBODY && socket_of(mem, l->holder[0]) == socket) ||
	       (l->holder[1] != NOBODY && socket_of(mem, l->holder[1]) == socket);
}

static unsigned home_of(const struct memory *mem, uint32_t at)
{
	return mem->home[((uint64_t)at << mem->sample_log2) * LINE_BYTES >> 20];
}

/* Cycles from the request to the data. */
static uint64_t miss(struct memory *mem, unsigned core, uint32_t at, struct memory_count *count)
{
	struct line *l = &mem->line[at];
	unsigned socket = socket_of(mem, core);

	count->l2_misses += mem->sample;
	if (l->llcs & BIT32(socket)) {
		/* The LLC of victims gives the line away. */
		if (mem->m->inclusive)
			(void)cache_touch(&mem->llc[socket], at);
		else
			remove_from_llc(mem, at, socket);
		return mem->m->llc_cycles;
	}
	if (held_in_socket(mem, l, socket))
		return mem->m->llc_cycles; /* a neighbour's L2, by the LLC's snoop filter */
	count->llc_misses += mem->sample;
	if (l->llcs || l->holder[0] != NOBODY)
		return mem->remote_cache_cycles;
	return home_of(mem, at) == socket ? mem->memory_cycles : mem->remote_memory_cycles;
}

static uint64_t access_line(
	struct memory *mem, unsigned core, uint32_t at, bool write, struct memory_count *count)
{
	uint64_t cycles = 0;

	if (!cache_touch(&mem->l2[core], at)) {
		cycles = miss(mem, core, at, count);
		fill_l2(mem, at, core);
	}
	if (write)
		invalidate_others(mem, at, core);
	return cycles;
}

/* ---- Ranges ---- */

struct walk {
	uint64_t line, end;
};

static struct walk walk_of(uint64_t addr, uint32_t len_bytes)
{
	return (struct walk){ addr / LINE_BYTES, (addr + len_bytes + LINE_BYTES - 1) / LINE_BYTES };
}

/* The next line of the range that is simulated, by its number among those. */
static bool walk_next(const struct memory *mem, struct walk *w, uint32_t *at)
{
	while (w->line < w->end) {
		uint64_t group = w->line >> mem->sample_log2, rest = w->line & (mem->sample - 1);
		uint64_t chosen = rng_mix(group) & (mem->sample - 1);

		if (rest < chosen) {
			w->line += chosen - rest;
			continue;
		}
		w->line = (group + 1) << mem->sample_log2;
		if (rest > chosen)
			continue;
		*at = (uint32_t)group;
		return true;
	}
	return false;
}

uint64_t memory_access(struct memory *mem, unsigned core, uint64_t addr, uint32_t len_bytes,
	bool write, struct memory_count *count)
{
	struct walk w = walk_of(addr, len_bytes);
	unsigned overlap = MIN(mem->m->overlap, (unsigned)(w.end - w.line));
	uint64_t cycles = 0;
	uint32_t at;

	while (walk_next(mem, &w, &at)) {
		cycles += access_line(mem, core, at, write, count);
		count->lines += mem->sample;
	}
	cycles = cycles * mem->sample / overlap;
	count->stall_cycles += cycles;
	return cycles;
}

static void dma_write_line(
	struct memory *mem, unsigned socket, uint32_t at, unsigned dca_core, bool inject)
{
	bool ddio = mem->m->inject == INJECT_DDIO;
	bool update = ddio && (mem->line[at].llcs & BIT32(socket));

	invalidate_others(mem, at, NOBODY);
	if (ddio && (inject || update)) {
		fill_llc(mem, at, socket, update ? 0 : mem->m->io_ways);
		mem->dma.injected_lines += mem->sample;
		return;
	}
	mem->dma.memory_writes += mem->sample;
	if (ddio || !inject || dca_core == MEMORY_NO_CORE)
		return;
	mem->dma.memory_reads += mem->sample; /* the hinted core fetches it */
	mem->dma.injected_lines += mem->sample;
	fill_l2(mem, at, dca_core);
}

void memory_dma_write(struct memory *mem, unsigned socket, uint64_t addr, uint32_t len_bytes,
	unsigned dca_core, bool inject)
{
	struct walk w = walk_of(addr, len_bytes);
	uint32_t at;

	while (walk_next(mem, &w, &at))
		dma_write_line(mem, socket, at, dca_core, inject);
}

void memory_dma_read(struct memory *mem, uint64_t addr, uint32_t len_bytes)
{
	struct walk w = walk_of(addr, len_bytes);
	uint32_t at;

	while (walk_next(mem, &w, &at))
		if (!mem->line[at].llcs && mem->line[at].holder[0] == NOBODY)
			mem->dma.memory_reads += mem->sample;
}

const struct memory_dma_count *memory_dma_counts(const struct memory *mem)
{
	return &mem->dma;
}

unsigned memory_resident_permille(
	const struct memory *mem, unsigned core, uint64_t addr, uint32_t len_bytes)
{
	struct walk w = walk_of(addr, len_bytes);
	unsigned seen = 0, there = 0;
	uint32_t at;

	while (walk_next(mem, &w, &at)) {
		const struct line *l = &mem->line[at];

		seen++;
		there += l->holder[0] == core || l->holder[1] == core;
	}
	return seen ? 1000 * there / seen : 1000;
}
