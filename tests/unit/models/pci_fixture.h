/* A PCI function on the bench, around a model that notes what reaches it, for the tests of pci_dev.
 * Offsets are written out as the 82599's datasheet (9.3) and stock drivers have them. */
#ifndef TESTS_UNIT_MODELS_PCI_FIXTURE_H
#define TESTS_UNIT_MODELS_PCI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/model_bench.h"

#define MEMORY	   UINT64_C(0x100000000)
#define COMMAND	   0x04
#define STATUS	   0x06
#define PMCSR	   0x44
#define MSI	   0x50
#define MSIX	   0x70
#define EXP	   0xa0
#define TABLE(n)   (16 * (n))
#define PBA	   0x2000
#define MASTER	   4
#define FLR	   0x8000
#define NR_VECTORS 5

static struct bench bench;
static struct pci_dev dev;
static struct bench_slot *slot;
static struct {
	unsigned nr_resets, nr_changes;
	uint64_t reg;
	unsigned bar, width_bytes;
	uint64_t off;
} model;

static uint64_t model_read(void *ctx, unsigned bar, uint64_t off, unsigned width_bytes)
{
	assert_ptr_equal(ctx, &model);
	model.bar = bar;
	model.off = off;
	model.width_bytes = width_bytes;
	return model.reg;
}

static void model_write(void *ctx, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes)
{
	model_read(ctx, bar, off, width_bytes);
	model.reg = v;
}

static void model_reset(void *ctx)
{
	assert_ptr_equal(ctx, &model);
	model.nr_resets++;
}

static void model_changed(void *ctx)
{
	assert_ptr_equal(ctx, &model);
	model.nr_changes++;
}

static const struct pci_model description = {
	.name = "test",
	.vendor = 0x8086,
	.device = 0x10fb,
	.subvendor = 0x8086,
	.subdevice = 0x0003,
	.class_code = 0x020000,
	.revision = 1,
	.interrupt_pin = 2,
	.bar = {
		[0] = { PCI_BAR_MEM64, 0x20000, true },
		[2] = { PCI_BAR_IO, 32, false },
		[3] = { PCI_BAR_MEM32, 0x1000, false },
		[4] = { PCI_BAR_MEM64, 0x4000, false },
	},
	.nr_msix = NR_VECTORS,
	.msix_bar = 4,
	.msix_table = 0,
	.msix_pba = PBA,
	.has_msi = true,
	.read = model_read,
	.write = model_write,
	.reset = model_reset,
	.config_changed = model_changed,
};

static uint32_t get(unsigned off, unsigned width_bytes)
{
	return pci_dev_cfg_read(&dev, off, width_bytes);
}

static void set(unsigned off, uint32_t v, unsigned width_bytes)
{
	pci_dev_cfg_write(&dev, off, v, width_bytes);
}

static int setup(void **state)
{
	(void)state;
	bench_init(&bench, 1, MEMORY);
	memset(&model, 0, sizeof(model));
	slot = &bench.slot[1];
	pci_dev_init(&dev, &description, &model, &bench_host, slot, &bench.clock, true);
	dev.record = &bench.record;
	dev.id = 7;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_destroy(&bench);
	return 0;
}

#endif
