/* The UEFI loader, EFI/BOOT/BOOTX64.EFI.
 *
 * It runs as a UEFI application, before the hypervisor and never beside it:
 *
 *   1. conf_files.c   reads \sluice\sluice.conf, parses it, reads the files it names   (file.c)
 *   2. main.c         reads \sluice\sluice.elf; elf_load.c checks it and places its segments
 *   3. machine.c      asks the firmware for what only it knows: ACPI, framebuffer, options
 *   4. leave.c        builds the page tables that the hypervisor starts with  (page_tables.c),
 *                     takes the memory map (memory_map.c) and ends boot services
 *   5. handover.S     switches to those tables and jumps to the ELF's entry
 *
 * All that the hypervisor gets is struct boot_info (hv/boot_info.h). The files with logic in them,
 * elf_load.c, memory_map.c and page_tables.c, know nothing of the firmware and are unit-tested.
 *
 * Anything that is wrong is said in one line that names the file and what to do about it; then all
 * memory goes back and the firmware's boot manager goes on. */
#include "boot/conf_files.h"
#include "boot/efi.h"
#include "boot/elf_load.h"
#include "boot/file.h"
#include "boot/leave.h"
#include "boot/machine.h"
#include "boot/print.h"
#include "boot_info.h"
#include "lib/errno.h"
#include "lib/string.h"

#define HYPERVISOR_PATH "sluice.elf"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static struct boot_info *alloc_boot_info(void)
{
	struct boot_info *bi = efi_alloc(sizeof(*bi), PAGE_SIZE, GIB(4));

	if (!bi) {
		print("too little memory below 4 GiB");
		return NULL;
	}
	memset(bi, 0, sizeof(*bi));
	bi->magic = BOOT_INFO_MAGIC;
	bi->version = BOOT_INFO_VERSION;
	bi->size_bytes = sizeof(*bi);
	return bi;
}

static int load_hypervisor(struct boot_info *bi, struct elf_image *img)
{
	const char *why;
	uint64_t len_bytes;
	void *file, *image;
	int r = file_read(HYPERVISOR_PATH, ELF_IMAGE_MAX, &file, &len_bytes);

	if (r)
		return r;
	r = elf_parse(file, len_bytes, img, &why);
	if (r) {
		print("%s: %s: copy it to the boot volume again", HYPERVISOR_PATH, why);
		return r;
	}
	image = efi_alloc(img->len_bytes, MIB(2), GIB(4));
	if (!image) {
		print("%s: too little memory for its %lu KiB: add memory", HYPERVISOR_PATH,
			(img->len_bytes / 1024));
		return -ENOMEM;
	}
	elf_place(file, img, image);
	bi->image_hpa = (uint64_t)image;
	bi->image_len_bytes = img->len_bytes;
	return 0;
}

/* Returns only if something is wrong. */
static int boot(void)
{
	struct boot_info *bi = alloc_boot_info();
	struct elf_image img;
	int r;

	if (!bi)
		return -ENOMEM;
	r = file_init();
	if (!r)
		r = conf_files_read(bi);
	if (!r)
		r = load_hypervisor(bi, &img);
	if (!r)
		r = conf_files_check_memory(bi);
	if (!r)
		r = machine_describe(bi);
	if (!r)
		r = leave_for_hypervisor(bi, &img);
	return r;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	efi_image = image;
	efi_system = system;
	efi_boot = system->BootServices;
	efi_boot->SetWatchdogTimer(0, 0, 0, NULL); /* reading large files may take minutes */
	print_init();
	print("Sluice");
	boot();
	efi_free_all();
	print("error, returning to firmware");
	return EFI_LOAD_ERROR;
}
