/* Memory of BARs, and DMA.
 *
 * The emulator takes one handler for each 64 KiB of addresses (1 MiB from 4 GiB on), and firmware
 * packs several BARs into one such granule. So each granule with a BAR in it gets one handler, and
 * the BARs are told apart here. */
#include "bx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define PAGE_BYTES   4096
#define REGIONS_MAX  64
#define GRANULE_LOW  UINT64_C(0x10000)
#define GRANULE_HIGH UINT64_C(0x100000)
#define FOUR_GIB     (UINT64_C(1) << 32)
/* I/O APIC, local APICs and the firmware's ROM */
#define RAM_LOW_END UINT64_C(0xfec00000)

struct region {
	uint64_t base, size_bytes;
	struct bus_function *f;
	unsigned bar;
};

/* Its address is the handler's parameter: the emulator removes the first handler of which the
 * parameter, the begin or the end matches. */
struct granule {
	uint64_t base;
	unsigned nr_regions;
	struct granule *next;
};

static struct region regions[REGIONS_MAX];
static unsigned nr_regions;
static struct granule *granules;
static bool in_dma;

static struct region *find_region(uint64_t addr)
{
	for (unsigned i = 0; i < nr_regions; i++)
		if (addr - regions[i].base < regions[i].size_bytes)
			return &regions[i];
	return NULL;
}

/* What fits naturally aligned, and into 8 bytes: a CPU's vector store is as many accesses. */
static unsigned piece(uint64_t off, unsigned len_bytes)
{
	unsigned n = 8;

	while (n > len_bytes || off % n)
		n /= 2;
	return n;
}

static bool memory_read(uint64_t addr, unsigned len_bytes, void *data, void *param)
{
	struct region *r = find_region(addr);
	uint64_t started, v;

	(void)param;
	if (!r)
		return false;
	if (in_dma) {
		memset(data, 0xff, len_bytes);
		return true;
	}
	started = profile_enter();
	bx_advance_clock();
	for (unsigned done = 0, n; done < len_bytes; done += n) {
		n = piece(addr + done, len_bytes - done);
		v = pci_dev_bar_read(r->f->dev, r->bar, addr - r->base + done, n);
		memcpy((uint8_t *)data + done, &v, n);
	}
	profile_leave(PROFILE_ACCESS, started);
	return true;
}

static bool memory_write(uint64_t addr, unsigned len_bytes, void *data, void *param)
{
	struct region *r = find_region(addr);
	uint64_t started;

	(void)param;
	if (!r)
		return false;
	if (in_dma)
		return true;
	started = profile_enter();
	bx_advance_clock();
	for (unsigned done = 0, n; done < len_bytes; done += n) {
		uint64_t v = 0;

		n = piece(addr + done, len_bytes - done);
		memcpy(&v, (uint8_t *)data + done, n);
		pci_dev_bar_write(r->f->dev, r->bar, addr - r->base + done, v, n);
	}
	profile_leave(PROFILE_ACCESS, started);
	return true;
}

static uint64_t granule_bytes(uint64_t addr)
{
	return addr < FOUR_GIB ? GRANULE_LOW : GRANULE_HIGH;
}

static struct granule **find_granule(uint64_t base)
{
	struct granule **p = &granules;

	while (*p && (*p)->base != base)
		p = &(*p)->next;
	return p;
}

static void take_granule(uint64_t base, uint64_t size_bytes)
{
	struct granule **p = find_granule(base);

	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (!*p)
			return;
		(*p)->base = base;
		if (!bx_memory_map(
			    *p, memory_read, memory_write, NULL, base, base + size_bytes - 1))
			fprintf(stderr, "rig: something else is at %#llx: a BAR there is hidden\n",
				(unsigned long long)base);
	}
	(*p)->nr_regions++;
}

static void drop_granule(uint64_t base, uint64_t size_bytes)
{
	struct granule **p = find_granule(base), *g = *p;

	if (!g || --g->nr_regions > 0)
		return;
	bx_memory_unmap(g, base, base + size_bytes - 1);
	*p = g->next;
	free(g);
}

static void each_granule(const struct region *r, void (*fn)(uint64_t base, uint64_t size_bytes))
{
	uint64_t size = granule_bytes(r->base);

	for (uint64_t base = r->base & ~(size - 1); base < r->base + r->size_bytes; base += size)
		fn(base, size);
}

void bx_map(struct bus_function *f, unsigned bar, uint64_t base, uint64_t size_bytes)
{
	struct region *r = &regions[nr_regions];

	if (nr_regions == REGIONS_MAX)
		return;
	*r = (struct region){ base, size_bytes, f, bar };
	nr_regions++;
	each_granule(r, take_granule);
}

void bx_unmap(struct bus_function *f, unsigned bar)
{
	for (unsigned i = 0; i < nr_regions; i++)
		if (regions[i].f == f && regions[i].bar == bar) {
			each_granule(&regions[i], drop_granule);
			regions[i] = regions[--nr_regions];
			return;
		}
}

/* A device reaches RAM and nothing else; the rest is a master abort. */
static bool is_ram(uint64_t addr, uint32_t len_bytes)
{
	uint64_t ram_bytes, end = addr + len_bytes;

	memcpy(&ram_bytes, bx_mem + BX_MEM_BYTES, sizeof(ram_bytes));
	if (end < addr || end > ram_bytes)
		return false;
	return end <= RAM_LOW_END || addr >= FOUR_GIB;
}

bool bx_host_dma_read(void *ctx, uint64_t addr, void *buf, uint32_t len_bytes)
{
	uint8_t *p = buf;

	(void)ctx;
	if (!is_ram(addr, len_bytes))
		return false;
	in_dma = true;
	while (len_bytes) {
		uint32_t n = PAGE_BYTES - (uint32_t)(addr % PAGE_BYTES);

		n = n < len_bytes ? n : len_bytes;
		bx_dma_read(addr, n, p);
		p += n;
		addr += n;
		len_bytes -= n;
	}
	in_dma = false;
	return true;
}

bool bx_host_dma_write(void *ctx, uint64_t addr, const void *buf, uint32_t len_bytes)
{
	const uint8_t *p = buf;

	(void)ctx;
	if (BX_IS_MESSAGE(addr) && len_bytes == sizeof(uint32_t)) {
		uint32_t data;

		memcpy(&data, buf, sizeof(data));
		bx_message(addr, data);
		return true;
	}
	if (!is_ram(addr, len_bytes))
		return false;
	in_dma = true;
	while (len_bytes) {
		uint32_t n = PAGE_BYTES - (uint32_t)(addr % PAGE_BYTES);

		n = n < len_bytes ? n : len_bytes;
		bx_dma_write(addr, n, p);
		p += n;
		addr += n;
		len_bytes -= n;
	}
	in_dma = false;
	return true;
}
