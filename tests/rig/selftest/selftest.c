/* selftest [slot=N] */
#include "selftest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"

#define SLOT_MAX 31
#define REGS	 16

struct selftest {
	struct pci_dev dev;
	struct clock_event later;
	uint32_t reg[REGS];
	uint32_t later_vector;
	uint64_t nr_copies;
	uint8_t buf[SELFTEST_COPY_MAX];
};

static uint64_t reg64(const struct selftest *t, unsigned off)
{
	return t->reg[off / 4] | (uint64_t)t->reg[off / 4 + 1] << 32;
}

static bool copy(struct selftest *t)
{
	const struct dma_hint hint = { .kind = DMA_PAYLOAD, .target = DMA_NO_TARGET };
	uint32_t len = t->reg[SELFTEST_LENGTH / 4];

	if (len > sizeof(t->buf) ||
		!pci_dev_dma_read(&t->dev, reg64(t, SELFTEST_SOURCE), t->buf, len))
		return false;
	for (uint32_t i = 0; i < len; i++)
		t->buf[i] = (uint8_t)~t->buf[i];
	return pci_dev_dma_write(&t->dev, reg64(t, SELFTEST_DESTINATION), t->buf, len, &hint);
}

static void go(struct selftest *t, uint32_t vector)
{
	t->nr_copies++;
	t->reg[SELFTEST_STATUS / 4] = copy(t) ? 1 : 2;
	pci_dev_msix(&t->dev, vector);
}

static void go_later(void *ctx)
{
	struct selftest *t = ctx;

	go(t, t->later_vector);
}

static uint32_t read32(struct selftest *t, uint64_t off)
{
	uint64_t ns = clock_now(t->dev.clock) / CLOCK_PS_PER_NS;

	switch (off) {
	case SELFTEST_ID:
		return SELFTEST_ID_VALUE;
	case SELFTEST_TIME_NS:
		return (uint32_t)ns;
	case SELFTEST_TIME_NS + 4:
		return (uint32_t)(ns >> 32);
	case SELFTEST_LAST:
		return SELFTEST_LAST_VALUE;
	default:
		return off / 4 < REGS ? t->reg[off / 4] : 0;
	}
}

static void write32(struct selftest *t, uint64_t off, uint32_t v)
{
	if (off / 4 < REGS && off != SELFTEST_STATUS)
		t->reg[off / 4] = v;
	if (off == SELFTEST_GO)
		go(t, v);
	if (off == SELFTEST_INTX)
		pci_dev_intx(&t->dev, v != 0);
	if (off == SELFTEST_GO_LATER) {
		t->later_vector = v;
		clock_schedule(t->dev.clock, &t->later,
			clock_now(t->dev.clock) + t->reg[SELFTEST_DELAY_US / 4] * CLOCK_PS_PER_US);
	}
}

static uint64_t bar_read(void *model, unsigned bar, uint64_t off, unsigned width_bytes)
{
	uint64_t v = read32(model, off & ~UINT64_C(3));

	(void)bar;
	if (width_bytes == 8)
		return v | (uint64_t)read32(model, off + 4) << 32;
	return v >> off % 4 * 8;
}

static void bar_write(void *model, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes)
{
	(void)bar;
	if (width_bytes < 4)
		return;
	write32(model, off, (uint32_t)v);
	if (width_bytes == 8)
		write32(model, off + 4, (uint32_t)(v >> 32));
}

static void reset(void *model)
{
	struct selftest *t = model;

	memset(t->reg, 0, sizeof(t->reg));
	clock_cancel(t->dev.clock, &t->later);
}

static const struct pci_model model = {
	.name = "selftest",
	.vendor = SELFTEST_VENDOR,
	.device = SELFTEST_DEVICE,
	.class_code = 0xff0000,
	.interrupt_pin = 1,
	.bar = { [0] = { PCI_BAR_MEM64, SELFTEST_BAR0_BYTES, true },
		[2] = { PCI_BAR_IO, SELFTEST_BAR2_BYTES, false },
		[4] = { PCI_BAR_MEM64, SELFTEST_BAR4_BYTES, true } },
	.nr_msix = SELFTEST_VECTORS,
	.msix_bar = 4,
	.msix_table = SELFTEST_MSIX_TABLE,
	.msix_pba = SELFTEST_MSIX_PBA,
	.read = bar_read,
	.write = bar_write,
	.reset = reset,
};

static int fault(void *ctx, unsigned index, const char *command, const char **why)
{
	(void)ctx;
	(void)index;
	(void)command;
	*why = "this device has no faults";
	return -EINVAL;
}

static void print_counts(void *ctx, unsigned index, FILE *out)
{
	const struct selftest *t = ctx;

	(void)index;
	fprintf(out, "copies %llu\n", (unsigned long long)t->nr_copies);
}

static void destroy(void *ctx)
{
	struct selftest *t = ctx;

	clock_cancel(t->dev.clock, &t->later);
	free(t);
}

int selftest_line(struct rig *r, const struct words *w)
{
	uint64_t slot = 0;
	const struct option options[] = { { "slot", OPTION_NUMBER, &slot, 1, SLOT_MAX } };
	struct rig_function *f;
	struct selftest *t;

	if (words_options(w, 1, options, 1, r->reason))
		return -EINVAL;
	f = rig_add_function(r, "selftest");
	t = calloc(1, sizeof(*t));
	if (!f || !t) {
		free(t);
		return rig_fail(r, "no memory");
	}
	t->later.fn = go_later;
	t->later.ctx = t;
	pci_dev_init(&t->dev, &model, t, &bus_host, f->bus, &r->clock, false);
	t->dev.record = &r->record;
	t->dev.id = (uint16_t)(f - r->function);
	if (rig_add_model(r, t, destroy))
		return -EINVAL;
	f->pci = &t->dev;
	f->model = t;
	f->fault = fault;
	f->print_counts = print_counts;
	if (bus_attach(f->bus, f->pci, (unsigned)slot, 0) < 0)
		return rig_fail(r, "slot %u is not free", (unsigned)slot);
	return 0;
}
