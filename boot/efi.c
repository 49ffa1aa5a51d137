/* Memory and tables from the firmware. UEFI 2.10, sections 4.6 and 7.2. */
#include "boot/efi.h"

#include "lib/string.h"

#define ALLOCATIONS_MAX 160

EFI_HANDLE efi_image;
EFI_SYSTEM_TABLE *efi_system;
EFI_BOOT_SERVICES *efi_boot;

static struct allocation {
	EFI_PHYSICAL_ADDRESS hpa;
	UINTN nr_pages;
} allocations[ALLOCATIONS_MAX];
static unsigned nr_allocations;

void *efi_alloc(uint64_t nr_bytes, uint64_t align_bytes, uint64_t below)
{
	UINTN nr_pages = (nr_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	UINTN nr_extra = align_bytes / PAGE_SIZE - 1; /* the firmware aligns to pages only */
	EFI_PHYSICAL_ADDRESS start = below - 1, hpa;
	UINTN nr_before;

	if (nr_pages == 0 || nr_allocations == ALLOCATIONS_MAX)
		return NULL;
	if (EFI_ERROR(efi_boot->AllocatePages(
		    AllocateMaxAddress, EfiLoaderData, nr_pages + nr_extra, &start)))
		return NULL;
	hpa = ALIGN_UP(start, align_bytes);
	nr_before = (hpa - start) / PAGE_SIZE;
	if (nr_before > 0)
		efi_boot->FreePages(start, nr_before);
	if (nr_extra > nr_before)
		efi_boot->FreePages(hpa + nr_pages * PAGE_SIZE, nr_extra - nr_before);
	allocations[nr_allocations++] = (struct allocation){ hpa, nr_pages };
	return (void *)hpa; /* boot services run identity-mapped (2.3.4) */
}

void efi_free_all(void)
{
	while (nr_allocations > 0) {
		const struct allocation *a = &allocations[--nr_allocations];

		efi_boot->FreePages(a->hpa, a->nr_pages);
	}
}

bool efi_guid_equal(const EFI_GUID *a, const EFI_GUID *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void *efi_config_table(const EFI_GUID *guid)
{
	for (UINTN i = 0; i < efi_system->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *t = &efi_system->ConfigurationTable[i];

		if (efi_guid_equal(&t->VendorGuid, guid))
			return t->VendorTable;
	}
	return NULL;
}
