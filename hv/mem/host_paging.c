/* The hypervisor's address space; see host_paging.h. SDM vol. 3A, 4.5. */
#include "mem/host_paging.h"

#include "cpu/cpu.h"
#include "cpu/hw.h"
#include "cpu/image.h"
#include "cpu/msr.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"
#include "mem/pagetable.h"

#define PTE_P	BIT64(0)
#define PTE_W	BIT64(1)
#define PTE_PWT BIT64(3)
#define PTE_PCD BIT64(4)
#define PTE_A	BIT64(5)
#define PTE_D	BIT64(6)
#define PTE_NX	BIT64(63)

/* Accessed and dirty are set from the start: nobody reads them, so the CPU need not write them. */
#define FLAGS_RX       (PTE_P | PTE_A | PTE_D)
#define FLAGS_R	       (FLAGS_RX | PTE_NX)
#define FLAGS_RW       (FLAGS_R | PTE_W)
#define FLAGS_UNCACHED (FLAGS_RW | PTE_PCD | PTE_PWT) /* entry 3 of the PAT */

#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

extern uint8_t boot_stack_guard[];

static uint64_t image_hpa;
static struct pagetable tables;
static struct spinlock mmio_lock;
static uint64_t mmio_next = MMIO_BASE;

uint64_t HPA(const void *hva)
{
	uint64_t a = (uint64_t)hva;

	if (a >= DIRECT_MAP_BASE && a < DIRECT_MAP_BASE + DIRECT_MAP_BYTES)
		return a - DIRECT_MAP_BASE;
	if (a >= (uint64_t)image_start && a < (uint64_t)image_end)
		return a - (uint64_t)image_start + image_hpa;
	panic("no physical address for %p", hva);
}

static void *alloc_table(void)
{
	return page_alloc(1);
}

static void *table_hva(uint64_t hpa)
{
	return HVA(hpa);
}

static struct pagetable_config config = {
	.present_mask = PTE_P,
	.table_flags = PTE_P | PTE_W | PTE_A,
	.max_leaf_level = 2,
	.alloc_table = alloc_table,
	.table_hpa = HPA,
	.table_hva = table_hva,
};

/* The loader maps all memory at its own address: the same tables, seen through the upper half too.
 * The last slot holds the image. */
void host_paging_early(uint64_t image)
{
	uint64_t *root =
		(uint64_t *)(read_cr3() & ENTRY_ADDRESS); /* identity-mapped by the loader */
	uint64_t cr0 = read_cr0();

	image_hpa = image;
	write_cr0(cr0 & ~(uint64_t)CR0_WP); /* the loader's tables may be read-only */
	for (unsigned i = 0; i < 255; i++)
		root[256 + i] = root[i];
	write_cr0(cr0);
	write_cr3(read_cr3());
}

static void map_or_panic(uint64_t hva, uint64_t hpa, uint64_t len, uint64_t flags)
{
	if (pagetable_map(&tables, hva, hpa, len, flags))
		panic("cannot map %lx bytes at %lx", len, hva);
}

static bool is_ram(uint32_t type)
{
	return type == BOOT_MEM_USABLE || type == BOOT_MEM_LOADER || type == BOOT_MEM_HYPERVISOR ||
	       type == BOOT_MEM_ACPI;
}

/* Neighbours are mapped together, so that large pages fit. */
static void map_ram(const struct boot_info *bi)
{
	unsigned i = 0;

	while (i < bi->nr_mem) {
		uint64_t start = bi->mem[i].hpa, end = start;

		while (i < bi->nr_mem && is_ram(bi->mem[i].type) && bi->mem[i].hpa == end)
			end += bi->mem[i++].len_bytes;
		if (start == end)
			i++;
		else
			map_or_panic((uint64_t)HVA(start), start, end - start, FLAGS_RW);
	}
}

static void map_image(void)
{
	uint64_t start = (uint64_t)image_start, text = (uint64_t)text_end,
		 rodata = (uint64_t)rodata_end, end = (uint64_t)image_end;

	map_or_panic(start, image_hpa, text - start, FLAGS_RX);
	map_or_panic(text, image_hpa + text - start, rodata - text, FLAGS_R);
	map_or_panic(rodata, image_hpa + rodata - start, end - rodata, FLAGS_RW);
	/* Through the direct map, too, code is not writable. */
	map_or_panic((uint64_t)HVA(image_hpa), image_hpa, rodata - start, FLAGS_R);
	if (pagetable_unmap(&tables, (uint64_t)boot_stack_guard, PAGE_SIZE))
		panic("cannot unmap the guard page");
}

void host_paging_init(const struct boot_info *bi)
{
	if (cpu_features_get()->pages_1g)
		config.max_leaf_level = 3;
	tables.config = &config;
	tables.root = page_alloc_below(1, GIB(4)); /* CR3 is loaded in 32-bit mode by new cores */
	if (!tables.root)
		panic("no memory for page tables");
	map_ram(bi);
	map_image();
	host_paging_load();
}

uint64_t host_cr3(void)
{
	return HPA(tables.root);
}

void host_paging_load(void)
{
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_NXE);
	write_cr3(host_cr3());
}

static void *mmio_reserve(uint64_t hpa, uint64_t len)
{
	/* The same place within 2 MiB as the device's, so that large pages fit. */
	uint64_t place =
		len >= MIB(2) ? ALIGN_UP(mmio_next, MIB(2)) + (hpa & (MIB(2) - 1)) : mmio_next;

	if (len > MMIO_BYTES || place + len > MMIO_BASE + MMIO_BYTES)
		return NULL;
	if (pagetable_map(&tables, place, hpa, len, FLAGS_UNCACHED))
		return NULL;
	mmio_next = place + len;
	return (void *)place;
}

void *mmio_map(uint64_t hpa, uint64_t len_bytes)
{
	uint64_t offset = hpa & (PAGE_SIZE - 1);
	uint8_t *page;

	if (!len_bytes || len_bytes > MMIO_BYTES)
		return NULL;
	spin_lock(&mmio_lock);
	page = mmio_reserve(hpa - offset, ALIGN_UP(offset + len_bytes, PAGE_SIZE));
	spin_unlock(&mmio_lock);
	return page ? page + offset : NULL;
}

int host_unmap(void *hva, uint64_t len_bytes)
{
	int err = pagetable_unmap(&tables, (uint64_t)hva, len_bytes);

	for (uint64_t i = 0; i < len_bytes; i += PAGE_SIZE)
		invlpg((uint64_t)hva + i);
	return err;
}

/* Maps a page of the direct map that map_ram() left out. */
static int map_missing_page(uint64_t hpa, uint64_t flags)
{
	struct pagetable_leaf leaf;

	if (pagetable_lookup(&tables, (uint64_t)HVA(hpa), &leaf))
		return 0;
	return pagetable_map(&tables, (uint64_t)HVA(hpa), hpa, PAGE_SIZE, flags);
}

const void *host_map_firmware(uint64_t hpa, uint64_t len_bytes)
{
	uint64_t limit = MIN(BIT64(cpu_features_get()->physical_address_bits), DIRECT_MAP_BYTES);

	if (hpa >= limit || len_bytes > limit - hpa)
		return NULL;
	for (uint64_t page = hpa & PAGE_MASK; page < hpa + len_bytes; page += PAGE_SIZE) {
		if (map_missing_page(page, FLAGS_R))
			return NULL;
	}
	return HVA(hpa);
}

int host_map_trampoline(uint64_t hpa)
{
	if (!hpa || !IS_ALIGNED(hpa, PAGE_SIZE) || hpa >= MIB(1))
		return -EINVAL;
	if (map_missing_page(hpa, FLAGS_RW))
		return -ENOMEM;
	return pagetable_map(&tables, hpa, hpa, PAGE_SIZE, FLAGS_RX);
}

void host_unmap_trampoline(uint64_t hpa)
{
	if (host_unmap((void *)hpa, PAGE_SIZE))
		panic("cannot unmap the trampoline");
}
