/* ACPI, framebuffer, options and the start-up page.
 *
 * UEFI 2.10: 4.6.1 (configuration tables), 9.1 (loaded image), 12.9 (graphics output). */
#include "boot/machine.h"

#include "boot/efi.h"
#include "boot/print.h"
#include "lib/errno.h"
#include "lib/string.h"

#define CMDLINE_MAX 1024

/* Page 0x9f is where an extended BIOS data area may begin. */
#define TRAMPOLINE_BELOW 0x9f000

static void find_rsdp(struct boot_info *bi)
{
	static const EFI_GUID acpi_2 = ACPI_20_TABLE_GUID;
	static const EFI_GUID acpi_1 = ACPI_TABLE_GUID;
	void *rsdp = efi_config_table(&acpi_2);

	if (!rsdp)
		rsdp = efi_config_table(&acpi_1);
	bi->rsdp_hpa = (uint64_t)rsdp; /* identity-mapped (2.3.4) */
	if (!rsdp)
		print("no ACPI tables");
}

static void find_framebuffer(struct boot_info *bi)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
	EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;

	if (EFI_ERROR(efi_boot->LocateProtocol(&guid, NULL, (void **)&gop)) || !gop->Mode)
		return;
	mode = gop->Mode->Info;
	if (!mode || mode->PixelFormat >= PixelBltOnly)
		return;
	bi->framebuffer = (struct boot_framebuffer){
		.hpa = gop->Mode->FrameBufferBase,
		.width_px = mode->HorizontalResolution,
		.height_px = mode->VerticalResolution,
		.stride_px = mode->PixelsPerScanLine,
		.format = mode->PixelFormat,
	};
}

/* LoadOptions is text only if whoever started us made it so: a boot manager's own option may hold
 * binary data there, which is ignored. */
static int copy_options(struct boot_info *bi)
{
	static EFI_GUID guid = LOADED_IMAGE_PROTOCOL;
	char *cmdline = efi_alloc(PAGE_SIZE, PAGE_SIZE, GIB(4));
	EFI_LOADED_IMAGE *image;
	const CHAR16 *options;

	if (!cmdline) {
		print("too little memory below 4 GiB");
		return -ENOMEM;
	}
	memset(cmdline, 0, PAGE_SIZE);
	bi->cmdline_hpa = (uint64_t)cmdline;
	if (EFI_ERROR(efi_boot->HandleProtocol(efi_image, &guid, (void **)&image)))
		return 0;
	options = image->LoadOptions;
	for (unsigned i = 0; options && i < image->LoadOptionsSize / sizeof(CHAR16); i++) {
		if (options[i] == 0 || i == CMDLINE_MAX)
			break;
		if (options[i] < ' ' || options[i] > '~') {
			memset(cmdline, 0, PAGE_SIZE);
			break;
		}
		cmdline[i] = (char)options[i];
	}
	return 0;
}

static void find_trampoline(struct boot_info *bi)
{
	void *page = efi_alloc(PAGE_SIZE, PAGE_SIZE, TRAMPOLINE_BELOW);

	if (!page) /* none, or page 0, which is now taken and must not be used */
		page = efi_alloc(PAGE_SIZE, PAGE_SIZE, TRAMPOLINE_BELOW);
	bi->trampoline_hpa = (uint64_t)page;
	if (!page)
		print("no free page below 1 MiB: only one CPU will be used");
}

int machine_describe(struct boot_info *bi)
{
	find_rsdp(bi);
	find_framebuffer(bi);
	find_trampoline(bi);
	return copy_options(bi);
}
