/* See copy_machine.h. */
#include "tests/unit/net/copy_machine.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/percpu.h"
#include "drivers/ioat/ioat.h"
#include "tests/unit/ioat/ioat_bench.h"

#define CPU_PS 1000 /* for a byte that the CPU copies */

struct percpu *cpus[CPU_MAX];
unsigned nr_cpus;

static struct percpu core[COPY_MACHINE_CORES];
static struct ioat_device device[1];

void copy_machine_start(bool dca)
{
	machine.cpu_has_dca = dca;
	machine_start(&(struct ioat_model_config){ .device_id = 0x0e20,
			      .has_dca = dca,
			      .apicid_tag_map = dca ? 0x4041424344 : 0 },
		1);
	for (unsigned i = 0; i < COPY_MACHINE_CORES; i++) {
		core[i].apic_id = 2 * i;
		cpus[i] = &core[i];
	}
	nr_cpus = COPY_MACHINE_CORES;
}

static void open_channel(struct copy_ctx *ctx, unsigned i, uint32_t apic_id, bool interrupts)
{
	struct ioat_chan *c = &device[0].chan[i];

	if (ioat_open(c) || copy_ctx_add_channel(ctx, c))
		abort();
	if (interrupts && ioat_interrupt_enable(c, apic_id, copy_interrupt, ctx))
		abort();
}

void copy_machine_open(struct copy_ctx *ctx, struct worker *worker,
	const unsigned channels[COPY_MACHINE_CORES], bool interrupts)
{
	unsigned n = 0;

	memset(device, 0, sizeof(device));
	if (ioat_probe(device, 1, IOAT_DCA_PROBE) != 1)
		abort();
	for (unsigned i = 0; i < COPY_MACHINE_CORES; i++) {
		copy_ctx_init(&ctx[i], &worker[i]);
		for (unsigned k = 0; k < channels[i]; k++)
			open_channel(&ctx[i], n++, core[i].apic_id, interrupts);
	}
	machine.cpu_bytes = &ctx[0].stats.cpu_bytes;
	machine.cpu_ps_per_byte = CPU_PS;
}

uint64_t copy_machine_bytes(void)
{
	return machine_counts(0).bytes;
}

uint64_t copy_machine_interrupts(void)
{
	return machine_counts(0).interrupts;
}

uint32_t copy_machine_target(const void *dst)
{
	const struct record_entry *e = record_find(&machine.bench.record, (uint64_t)dst, 0);

	if (!e || e->hint.target == DMA_NO_TARGET)
		return UINT32_MAX;
	return e->hint.target & ~IOAT_MODEL_TARGET_HINT;
}
