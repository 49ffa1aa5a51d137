/* Turns the firmware's memory map into boot_info's: sorted, merged, without overlap.
 *
 * UEFI 2.10, section 7.2 (GetMemoryMap). Pure code. Where descriptors overlap, which some firmware
 * produces, the more restrictive type wins. */
#ifndef SLUICE_BOOT_MEMORY_MAP_H
#define SLUICE_BOOT_MEMORY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "boot_info.h"
#include "lib/bits.h"

/* EFI_MEMORY_DESCRIPTOR; the firmware's own may be longer. */
struct efi_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t hpa;
	uint64_t virt;
	uint64_t nr_pages; /* of 4096 bytes */
	uint64_t attributes;
};
_Static_assert(sizeof(struct efi_descriptor) == 40, "EFI_MEMORY_DESCRIPTOR");

enum efi_type {
	EFI_TYPE_RESERVED,
	EFI_TYPE_LOADER_CODE,
	EFI_TYPE_LOADER_DATA,
	EFI_TYPE_BOOT_CODE,
	EFI_TYPE_BOOT_DATA,
	EFI_TYPE_RUNTIME_CODE,
	EFI_TYPE_RUNTIME_DATA,
	EFI_TYPE_CONVENTIONAL,
	EFI_TYPE_UNUSABLE,
	EFI_TYPE_ACPI_RECLAIM,
	EFI_TYPE_ACPI_NVS,
	EFI_TYPE_MMIO,
	EFI_TYPE_MMIO_PORT,
};

/* Fills bi->mem and bi->nr_mem from a firmware map of map_bytes bytes with descriptors of
 * descriptor_bytes each. Page 0 is always reserved, so that address 0 never means memory. -EINVAL
 * if the map makes no sense, -ENOSPC if it has more ranges than boot_info holds. */
int memory_map_convert(struct boot_info *bi, const void *map, size_t map_bytes,
	size_t descriptor_bytes) __must_check;

/* Gives [hpa, hpa + len_bytes) the type, whatever it had. Page-aligned. -ENOSPC as above. */
int memory_map_set(struct boot_info *bi, uint64_t hpa, uint64_t len_bytes,
	enum boot_mem_type type) __must_check;

uint64_t memory_map_usable_bytes(const struct boot_info *bi);

/* The end of the highest range that is RAM (neither reserved nor MMIO). */
uint64_t memory_map_ram_end(const struct boot_info *bi);

#endif
