/* The host's side of device models, for tests. */
#include "tests/support/model_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/pci_regs.h"

#define RECORD_ENTRIES 65536
#define FILLER	       0xa5
/* where BARs go: one address for each BAR of each slot, the slots 256 MiB apart */
#define MEMORY_WINDOW UINT64_C(0xc0000000)
#define SLOT_WINDOW   UINT64_C(0x10000000)
#define BAR_WINDOW    UINT64_C(0x02000000)
#define IO_WINDOW     0xc000
#define IO_BAR_WINDOW 0x100

static void give_up(const char *why)
{
	fprintf(stderr, "model_bench: %s\n", why);
	abort();
}

static bool is_in_memory(const struct bench *b, uint64_t addr, uint64_t len_bytes)
{
	return addr >= b->memory_base && addr - b->memory_base <= b->memory_bytes &&
	       len_bytes <= b->memory_bytes - (addr - b->memory_base);
}

static bool host_dma_read(void *ctx, uint64_t addr, void *buf, uint32_t len_bytes)
{
	const struct bench *b = ((struct bench_slot *)ctx)->bench;

	if (!is_in_memory(b, addr, len_bytes))
		return false;
	memcpy(buf, b->memory + (addr - b->memory_base), len_bytes);
	return true;
}

static bool host_dma_write(void *ctx, uint64_t addr, const void *buf, uint32_t len_bytes)
{
	struct bench *b = ((struct bench_slot *)ctx)->bench;

	if (!is_in_memory(b, addr, len_bytes))
		return false;
	memcpy(b->memory + (addr - b->memory_base), buf, len_bytes);
	return true;
}

static void host_message(void *ctx, uint64_t addr, uint32_t data)
{
	struct bench_slot *s = ctx;

	s->message[s->nr_messages++ % BENCH_MESSAGES] = (struct bench_message){
		.at_ps = clock_now(&s->bench->clock), .addr = addr, .data = data
	};
}

static void host_intx(void *ctx, bool asserted)
{
	struct bench_slot *s = ctx;

	s->intx = asserted;
	s->nr_intx_edges += asserted;
}

static void host_decode(void *ctx, unsigned bar, uint64_t base)
{
	((struct bench_slot *)ctx)->base[bar] = base;
}

static void host_log(void *ctx, const char *text)
{
	const struct bench_slot *s = ctx;

	if (s->bench->verbose)
		printf("%s\n", text);
}

const struct pci_host bench_host = {
	.dma_read = host_dma_read,
	.dma_write = host_dma_write,
	.message = host_message,
	.intx = host_intx,
	.decode = host_decode,
	.log = host_log,
};

void bench_init(struct bench *b, uint32_t memory_mib, uint64_t base)
{
	memset(b, 0, sizeof(*b));
	clock_init(&b->clock, NULL, NULL);
	b->memory_base = base;
	b->memory_bytes = (uint64_t)memory_mib << 20;
	b->memory = malloc(b->memory_bytes);
	if (!b->memory || record_init(&b->record, RECORD_ENTRIES))
		give_up("no memory");
	memset(b->memory, FILLER, b->memory_bytes);
	for (unsigned i = 0; i < BENCH_SLOTS; i++)
		b->slot[i].bench = b;
}

void bench_destroy(struct bench *b)
{
	free(b->memory);
	record_destroy(&b->record);
	clock_destroy(&b->clock);
}

void *bench_mem(struct bench *b, uint64_t addr, uint64_t len_bytes)
{
	if (!is_in_memory(b, addr, len_bytes))
		give_up("an address outside of its memory");
	return b->memory + (addr - b->memory_base);
}

uint64_t bench_alloc(struct bench *b, uint64_t len_bytes, uint64_t align)
{
	uint64_t addr = (b->memory_base + b->allocated_bytes + align - 1) & ~(align - 1);

	memset(bench_mem(b, addr, len_bytes), 0, len_bytes);
	b->allocated_bytes = addr + len_bytes - b->memory_base;
	return addr;
}

static struct bench *bench_of(const struct pci_dev *d)
{
	return ((struct bench_slot *)d->host_ctx)->bench;
}

void bench_enable(struct pci_dev *d)
{
	uint64_t slot = (uint64_t)((struct bench_slot *)d->host_ctx - bench_of(d)->slot);

	for (unsigned n = 0; n < PCI_DEV_BARS; n++) {
		uint64_t base = MEMORY_WINDOW + slot * SLOT_WINDOW + n * BAR_WINDOW;

		if (d->model->bar[n].kind == PCI_BAR_NONE)
			continue;
		if (d->model->bar[n].kind == PCI_BAR_IO)
			base = IO_WINDOW + (slot * PCI_DEV_BARS + n) * IO_BAR_WINDOW;
		pci_dev_cfg_write(d, CFG_BAR(n), (uint32_t)base, 4);
		if (d->model->bar[n].kind == PCI_BAR_MEM64)
			pci_dev_cfg_write(d, CFG_BAR(n + 1), 0, 4);
	}
	pci_dev_cfg_write(d, CFG_COMMAND, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER, 2);
}

void bench_enable_msix(struct pci_dev *d)
{
	const struct pci_model *m = d->model;

	for (unsigned v = 0; v < m->nr_msix; v++) {
		uint64_t entry = m->msix_table + MSIX_ENTRY_BYTES * v;

		bench_write64(d, m->msix_bar, entry, BENCH_MSI_ADDRESS);
		bench_write32(d, m->msix_bar, entry + 8, v);
		bench_write32(d, m->msix_bar, entry + 12, 0);
	}
	pci_dev_cfg_write(d, MSIX_CONTROL, MSIX_ENABLE, 2);
}

void bench_enable_msi(struct pci_dev *d)
{
	pci_dev_cfg_write(d, MSI_ADDRESS, (uint32_t)BENCH_MSI_ADDRESS, 4);
	pci_dev_cfg_write(d, MSI_CONTROL, MSI_ENABLE, 2);
}

unsigned bench_messages(const struct bench_slot *s, uint32_t data, uint64_t since)
{
	unsigned nr = 0;

	if (s->nr_messages > since + BENCH_MESSAGES)
		since = s->nr_messages - BENCH_MESSAGES;
	for (uint64_t n = since; n < s->nr_messages; n++)
		nr += s->message[n % BENCH_MESSAGES].data == data;
	return nr;
}

void bench_advance(struct bench *b, uint64_t ps)
{
	clock_advance(&b->clock, clock_now(&b->clock) + ps);
}

bool bench_wait(struct bench *b, bool (*done)(void *ctx), void *ctx, uint64_t timeout_ps)
{
	uint64_t end_ps = clock_now(&b->clock) + timeout_ps;

	while (!done(ctx)) {
		if (clock_next(&b->clock) > end_ps) {
			clock_advance(&b->clock, end_ps);
			return done(ctx);
		}
		clock_advance(&b->clock, clock_next(&b->clock));
	}
	return true;
}

static void sync(const struct pci_dev *d)
{
	bench_advance(bench_of(d), bench_of(d)->access_ps);
}

uint32_t bench_read32(struct pci_dev *d, unsigned bar, uint64_t off)
{
	sync(d);
	return (uint32_t)pci_dev_bar_read(d, bar, off, 4);
}

void bench_write32(struct pci_dev *d, unsigned bar, uint64_t off, uint32_t v)
{
	sync(d);
	pci_dev_bar_write(d, bar, off, v, 4);
}

uint64_t bench_read64(struct pci_dev *d, unsigned bar, uint64_t off)
{
	sync(d);
	return pci_dev_bar_read(d, bar, off, 8);
}

void bench_write64(struct pci_dev *d, unsigned bar, uint64_t off, uint64_t v)
{
	sync(d);
	pci_dev_bar_write(d, bar, off, v, 8);
}
