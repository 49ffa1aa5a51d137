/* The firmware's memory map, converted. UEFI 2.10, section 7.2 and table 7.10. */
#include "boot/memory_map.h"

#include "lib/errno.h"
#include "lib/string.h"

/* The highest physical address that x86-64 can have, SDM vol. 3A, 4.1.4. */
#define HPA_END BIT64(52)

/* From the least to the most restrictive: later ones win where ranges overlap. */
static const enum boot_mem_type order[] = {
	BOOT_MEM_USABLE,
	BOOT_MEM_LOADER,
	BOOT_MEM_HYPERVISOR,
	BOOT_MEM_ACPI,
	BOOT_MEM_RESERVED,
	BOOT_MEM_MMIO,
};

static enum boot_mem_type type_of(uint32_t efi_type)
{
	switch (efi_type) {
	case EFI_TYPE_CONVENTIONAL:
	case EFI_TYPE_BOOT_CODE:
	case EFI_TYPE_BOOT_DATA:
		return BOOT_MEM_USABLE;
	case EFI_TYPE_LOADER_CODE:
	case EFI_TYPE_LOADER_DATA:
		return BOOT_MEM_LOADER;
	case EFI_TYPE_ACPI_RECLAIM:
		return BOOT_MEM_ACPI;
	case EFI_TYPE_MMIO:
	case EFI_TYPE_MMIO_PORT:
		return BOOT_MEM_MMIO;
	default: /* runtime services, ACPI NVS, and all that we do not know */
		return BOOT_MEM_RESERVED;
	}
}

static uint64_t end_of(const struct boot_mem *m)
{
	return m->hpa + m->len_bytes;
}

static int insert(struct boot_info *bi, unsigned at, struct boot_mem m)
{
	if (m.len_bytes == 0)
		return 0;
	if (bi->nr_mem == BOOT_MEM_MAX)
		return -ENOSPC;
	memmove(&bi->mem[at + 1], &bi->mem[at], (bi->nr_mem - at) * sizeof(m));
	bi->mem[at] = m;
	bi->nr_mem++;
	return 0;
}

static void remove_at(struct boot_info *bi, unsigned at)
{
	bi->nr_mem--;
	memmove(&bi->mem[at], &bi->mem[at + 1], (bi->nr_mem - at) * sizeof(bi->mem[0]));
}

/* Cuts [hpa, end) out of the map and returns where a range at hpa belongs, or -ENOSPC. */
static int cut(struct boot_info *bi, uint64_t hpa, uint64_t end)
{
	unsigned i = 0;

	while (i < bi->nr_mem && end_of(&bi->mem[i]) <= hpa)
		i++;
	if (i < bi->nr_mem && bi->mem[i].hpa < hpa) {
		struct boot_mem tail = bi->mem[i];

		bi->mem[i].len_bytes = hpa - tail.hpa;
		i++;
		if (end_of(&tail) > end) {
			tail.len_bytes = end_of(&tail) - end;
			tail.hpa = end;
			return insert(bi, i, tail) ? -ENOSPC : (int)i;
		}
	}
	while (i < bi->nr_mem && end_of(&bi->mem[i]) <= end)
		remove_at(bi, i);
	if (i < bi->nr_mem && bi->mem[i].hpa < end) {
		bi->mem[i].len_bytes = end_of(&bi->mem[i]) - end;
		bi->mem[i].hpa = end;
	}
	return (int)i;
}

/* Joins entry `at` with the one before it where they touch and have one type. */
static void join(struct boot_info *bi, unsigned at)
{
	struct boot_mem *m = &bi->mem[at];

	if (at == 0 || at >= bi->nr_mem || end_of(m - 1) != m->hpa || m[-1].type != m->type)
		return;
	m[-1].len_bytes += m->len_bytes;
	remove_at(bi, at);
}

int memory_map_set(struct boot_info *bi, uint64_t hpa, uint64_t len_bytes, enum boot_mem_type type)
{
	int at;

	if (len_bytes == 0)
		return 0;
	at = cut(bi, hpa, hpa + len_bytes);
	if (at < 0)
		return at;
	if (insert(bi, (unsigned)at, (struct boot_mem){ hpa, len_bytes, type, 0 }))
		return -ENOSPC;
	join(bi, (unsigned)at + 1);
	join(bi, (unsigned)at);
	return 0;
}

static int set_all_of_type(struct boot_info *bi, enum boot_mem_type type, const uint8_t *map,
	size_t map_bytes, size_t descriptor_bytes)
{
	for (size_t off = 0; map_bytes - off >= descriptor_bytes; off += descriptor_bytes) {
		struct efi_descriptor d;
		int r;

		memcpy(&d, map + off, sizeof(d));
		if (type_of(d.type) != type)
			continue;
		if (!IS_ALIGNED(d.hpa, (uint64_t)PAGE_SIZE) || d.hpa > HPA_END ||
			d.nr_pages > (HPA_END - d.hpa) / PAGE_SIZE)
			return -EINVAL;
		r = memory_map_set(bi, d.hpa, d.nr_pages * PAGE_SIZE, type);
		if (r)
			return r;
	}
	return 0;
}

int memory_map_convert(
	struct boot_info *bi, const void *map, size_t map_bytes, size_t descriptor_bytes)
{
	bi->nr_mem = 0;
	if (descriptor_bytes < sizeof(struct efi_descriptor))
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		int r = set_all_of_type(bi, order[i], map, map_bytes, descriptor_bytes);

		if (r)
			return r;
	}
	return memory_map_set(bi, 0, PAGE_SIZE, BOOT_MEM_RESERVED);
}

uint64_t memory_map_usable_bytes(const struct boot_info *bi)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < bi->nr_mem; i++)
		if (bi->mem[i].type == BOOT_MEM_USABLE)
			sum += bi->mem[i].len_bytes;
	return sum;
}

uint64_t memory_map_ram_end(const struct boot_info *bi)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < bi->nr_mem; i++)
		if (bi->mem[i].type != BOOT_MEM_RESERVED && bi->mem[i].type != BOOT_MEM_MMIO)
			end = end_of(&bi->mem[i]);
	return end;
}
