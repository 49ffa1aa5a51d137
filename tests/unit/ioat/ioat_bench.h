/* The I/OAT driver on the model of its device: registers, configuration space, interrupts, memory
 * and time of a machine with a few functions. Link with ioat_bench.c and IOAT_MODEL of
 * ioat_test.c's first line.
 *
 * A tick of the TSC is a nanosecond. Time passes by what the driver does: an access of a register
 * and a look at the TSC. */
#ifndef TESTS_UNIT_IOAT_BENCH_H
#define TESTS_UNIT_IOAT_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/ioat/ioat.h"
#include "tests/models/ioat/ioat_model.h"
#include "tests/support/model_bench.h"

#define MACHINE_DEVICES_MAX 2
#define MACHINE_TSC_PS	    UINT64_C(20000) /* what a look at the TSC takes */
#define MACHINE_MMIO_PS	    UINT64_C(100000)

struct machine {
	struct bench bench;
	struct ioat_model *model[MACHINE_DEVICES_MAX];
	unsigned nr_devices;
	bool cpu_has_dca;
	bool no_memory; /* page_alloc() fails */
	bool gone;	/* registers read as ones, writes are lost */
	/* A CPU that counts what it copies takes so long for it. */
	const uint64_t *cpu_bytes;
	uint64_t cpu_bytes_seen, cpu_ps_per_byte;
	struct machine_vector {
		void (*fn)(uint8_t vector, void *arg);
		void *arg;
	} vector[256];
	uint64_t dispatched[MACHINE_DEVICES_MAX]; /* messages that became interrupts */
};

extern struct machine machine;

/* nr functions as config says. */
void machine_start(const struct ioat_model_config *config, unsigned nr);
void machine_stop(void);

/* Memory that devices can reach, never freed; filled with a pattern of its own by machine_fill().
 */
void *machine_alloc(uint64_t len_bytes, uint64_t align);
void machine_fill(void *p, uint64_t len_bytes, uint32_t seed);

void machine_fault(unsigned device, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct ioat_model_counts machine_counts(unsigned device);
struct pci_dev *machine_function(unsigned device);
void machine_advance_us(uint64_t us);
uint64_t machine_now_us(void);
/* Calls the handlers of messages that have come. */
void machine_interrupts(void);

#endif
