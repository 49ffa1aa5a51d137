/* Caches and memory: private L2s, an LLC for each socket, coherence between them, DMA.
 *
 * Set-associative, least recently used. L1 is not modelled: what it saves is the same for all
 * policies. A line is in at most two L2s (a directory of two pointers; a third reader takes the
 * place of the first), and in any number of LLCs. A write makes the other copies go.
 *
 * Sampling: of each `sample` lines that follow each other one is simulated, chosen by a hash of
 * where they lie, and counts for all; the caches have as many sets less. So every buffer is seen,
 * and hit rates are those of the full size, with more noise. */
#ifndef SLUICE_SIM_MEMORY_H
#define SLUICE_SIM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

#define MEMORY_NO_CORE UINT32_MAX

/* Demand accesses of cores, in lines, scaled to all of them. */
struct memory_count {
	uint64_t lines, l2_misses, llc_misses; /* llc_misses: also what another socket had */
	uint64_t stall_cycles;
};

struct memory_dma_count {
	uint64_t injected_lines; /* into a cache: by DCA a core's, by DDIO the LLC */
	uint64_t memory_reads, memory_writes;
};

struct memory;

/* sample: 1, 2, 4... */
struct memory *memory_new(const struct machine *m, unsigned nr_cores, unsigned sample);
void memory_free(struct memory *mem);

/* Simulated addresses of so many bytes, page-aligned, in the memory of that socket. Before the
 * first access. */
uint64_t memory_alloc(struct memory *mem, uint64_t bytes, unsigned socket);

/* A core reads or writes the range. Returns the cycles that it stalls. */
uint64_t memory_access(struct memory *mem, unsigned core, uint64_t addr, uint32_t len_bytes,
	bool write, struct memory_count *count);

/* A device at that socket. dca_core: who is hinted, MEMORY_NO_CORE: nobody; without meaning with
 * DDIO. inject false: past the caches (DDIO machines too: a write that may not allocate). */
void memory_dma_write(struct memory *mem, unsigned socket, uint64_t addr, uint32_t len_bytes,
	unsigned dca_core, bool inject);
void memory_dma_read(struct memory *mem, uint64_t addr, uint32_t len_bytes);

const struct memory_dma_count *memory_dma_counts(const struct memory *mem);

/* How many lines of the range that core's L2 holds now, in thousandths of those simulated; 1000 if
 * none is. Touches nothing. */
unsigned memory_resident_permille(
	const struct memory *mem, unsigned core, uint64_t addr, uint32_t len_bytes);

#endif
