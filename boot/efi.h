/* The firmware's services, as the loader's other files use them. UEFI 2.10.
 *
 * There is one loader and one thread in it, so what the firmware passed to it is global here. */
#ifndef SLUICE_BOOT_EFI_H
#define SLUICE_BOOT_EFI_H

#define GNU_EFI_USE_MS_ABI
#include <efi.h>

#include <stdbool.h>

#include "lib/bits.h"

extern EFI_HANDLE efi_image;
extern EFI_SYSTEM_TABLE *efi_system;
extern EFI_BOOT_SERVICES *efi_boot;

/* nr_bytes rounded up to pages, of type EfiLoaderData, at a multiple of align_bytes (a power of
 * two, at least 4096) and wholly below `below`. NULL if there is no such memory. Freed by
 * efi_free_all, never singly. */
void *efi_alloc(uint64_t nr_bytes, uint64_t align_bytes, uint64_t below) __must_check;

/* Returns everything to the firmware: the loader gives up. */
void efi_free_all(void);

/* The configuration table (4.6) with this GUID, or NULL. */
void *efi_config_table(const EFI_GUID *guid);

bool efi_guid_equal(const EFI_GUID *a, const EFI_GUID *b);

#endif
