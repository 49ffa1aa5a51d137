/* A bench for device models in unit tests and fuzzers: memory behind a bus address range, the
 * host's side of several PCI functions, a log of their interrupts, and a clock that stands still
 * unless a test moves it.
 *
 * Link with tests/support/model_bench.c and
 * tests/models/{clock,record,pci_dev,pci_config,pci_irq}.c (wires: wire.c and pcap.c too). Misuse
 * by the test itself (no memory, an address outside of the bench's memory) ends in abort(). */
#ifndef TESTS_SUPPORT_MODEL_BENCH_H
#define TESTS_SUPPORT_MODEL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/models/clock.h"
#include "tests/models/pci_dev.h"
#include "tests/models/record.h"

#define BENCH_SLOTS	  4
#define BENCH_MESSAGES	  256 /* the newest ones are kept */
#define BENCH_MSI_ADDRESS UINT64_C(0xfee00000)

struct bench;

/* What one function did; the host_ctx of its struct pci_dev. */
struct bench_slot {
	struct bench *bench;
	struct bench_message {
		uint64_t at_ps, addr;
		uint32_t data;
	} message[BENCH_MESSAGES];   /* message n is at n % BENCH_MESSAGES */
	uint64_t nr_messages;	     /* in all */
	bool intx;		     /* the line now */
	uint64_t nr_intx_edges;	     /* times it was asserted */
	uint64_t base[PCI_DEV_BARS]; /* as decode() said */
};

struct bench {
	struct clock clock;
	struct record record; /* 65536 entries */
	uint8_t *memory;
	uint64_t memory_base, memory_bytes;
	uint64_t allocated_bytes;
	uint64_t access_ps; /* what a register access takes; 0 from bench_init() */
	bool verbose;	    /* print what the models log */
	struct bench_slot slot[BENCH_SLOTS];
};

extern const struct pci_host bench_host;

/* Memory of so many MiB, filled with 0xa5, answers from bus address `base`; nothing else does. */
void bench_init(struct bench *b, uint32_t memory_mib, uint64_t base);
void bench_destroy(struct bench *b);

/* The part of memory at a bus address. */
void *bench_mem(struct bench *b, uint64_t addr, uint64_t len_bytes);
/* A zeroed piece of memory: its bus address. align: a power of two. Never freed. */
uint64_t bench_alloc(struct bench *b, uint64_t len_bytes, uint64_t align);

/* Gives a function (whose host_ctx is a slot) bus addresses for its BARs, and turns on decoding and
 * bus mastering. To be called again after each reset of the function. */
void bench_enable(struct pci_dev *d);
/* Programs the MSI-X table, unmasked, and enables MSI-X: vector n sends n to BENCH_MSI_ADDRESS.
 * bench_enable_msi(): sends 0. */
void bench_enable_msix(struct pci_dev *d);
void bench_enable_msi(struct pci_dev *d);
/* How many messages with this data came since message number `since`, as far as they are kept. */
unsigned bench_messages(const struct bench_slot *s, uint32_t data, uint64_t since);

/* Runs everything that happens in the next so many picoseconds. */
void bench_advance(struct bench *b, uint64_t ps);
/* Advances from event to event until done() says so, at most timeout_ps. What done() said last. */
bool bench_wait(struct bench *b, bool (*done)(void *ctx), void *ctx, uint64_t timeout_ps);

/* Register accesses; each first advances by access_ps. */
uint32_t bench_read32(struct pci_dev *d, unsigned bar, uint64_t off);
void bench_write32(struct pci_dev *d, unsigned bar, uint64_t off, uint32_t v);
uint64_t bench_read64(struct pci_dev *d, unsigned bar, uint64_t off);
void bench_write64(struct pci_dev *d, unsigned bar, uint64_t off, uint64_t v);

#endif
