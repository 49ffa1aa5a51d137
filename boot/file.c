/* Files by EFI_SIMPLE_FILE_SYSTEM_PROTOCOL. UEFI 2.10, sections 13.4 and 13.5. */
#include "boot/file.h"

#include "boot/efi.h"
#include "boot/print.h"
#include "lib/errno.h"
#include "lib/string.h"

#define FILE_PATH_MAX	160
#define FILE_CHUNK	MIB(4) /* some firmware fails on larger reads */
#define FILE_INFO_BYTES 1024   /* with a file name of 256 characters */

static EFI_FILE_HANDLE volume;

int file_init(void)
{
	static EFI_GUID image_guid = LOADED_IMAGE_PROTOCOL;
	static EFI_GUID volume_guid = SIMPLE_FILE_SYSTEM_PROTOCOL;
	EFI_LOADED_IMAGE *image;
	EFI_FILE_IO_INTERFACE *io;

	if (EFI_ERROR(efi_boot->HandleProtocol(efi_image, &image_guid, (void **)&image)) ||
		EFI_ERROR(efi_boot->HandleProtocol(
			image->DeviceHandle, &volume_guid, (void **)&io)) ||
		EFI_ERROR(io->OpenVolume(io, &volume))) {
		print("cannot open the volume this was started from: start it from a FAT "
		      "file system");
		return -ENODEV;
	}
	return 0;
}

/* The path in the firmware's form: UTF-16, from the root, with backslashes. */
static int firmware_path(const char *path, CHAR16 out[FILE_PATH_MAX])
{
	const char *prefix = path[0] == '/' || path[0] == '\\' ? "" : "\\sluice\\";
	size_t n = 0;

	if (strlen(prefix) + strlen(path) >= FILE_PATH_MAX)
		return -EINVAL;
	while (*prefix)
		out[n++] = (CHAR16)*prefix++;
	for (; *path; path++)
		out[n++] = *path == '/' ? '\\' : (CHAR16)*path;
	out[n] = 0;
	return 0;
}

static int file_open(const char *path, EFI_FILE_HANDLE *f)
{
	static CHAR16 name[FILE_PATH_MAX];
	EFI_STATUS status;

	if (firmware_path(path, name)) {
		print("%s: path too long", path);
		return -EINVAL;
	}
	status = volume->Open(volume, f, name, EFI_FILE_MODE_READ, 0);
	if (status == EFI_NOT_FOUND) {
		print("%s: no such file: put it on the boot volume%s", path,
			path[0] == '/' || path[0] == '\\' ? "" : " below \\sluice");
		return -ENOENT;
	}
	if (EFI_ERROR(status)) {
		print("%s: cannot be opened (EFI status 0x%lx)", path, status & 0xff);
		return -EIO;
	}
	return 0;
}

static int file_size(const char *path, EFI_FILE_HANDLE f, uint64_t *len_bytes)
{
	static EFI_GUID info_guid = EFI_FILE_INFO_ID;
	static uint64_t buf[FILE_INFO_BYTES / 8];
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)(void *)buf;
	UINTN buf_bytes = sizeof(buf);

	if (EFI_ERROR(f->GetInfo(f, &info_guid, &buf_bytes, info))) {
		print("%s: its size cannot be read", path);
		return -EIO;
	}
	if (info->Attribute & EFI_FILE_DIRECTORY) {
		print("%s: is a directory", path);
		return -ENOENT;
	}
	*len_bytes = info->FileSize;
	return 0;
}

static int read_into(const char *path, EFI_FILE_HANDLE f, uint8_t *data, uint64_t len_bytes)
{
	uint64_t done = 0;

	while (done < len_bytes) {
		UINTN chunk = MIN(len_bytes - done, FILE_CHUNK);

		if (EFI_ERROR(f->Read(f, &chunk, data + done)) || chunk == 0) {
			print("%s: read error at byte %lu of %lu: check the medium", path, done,
				len_bytes);
			return -EIO;
		}
		done += chunk;
	}
	return 0;
}

static int read_open(
	const char *path, EFI_FILE_HANDLE f, uint64_t max_bytes, void **data, uint64_t *len_bytes)
{
	int r = file_size(path, f, len_bytes);

	if (r)
		return r;
	if (*len_bytes > max_bytes) {
		print("%s: %lu bytes, at most %lu are allowed", path, *len_bytes, max_bytes);
		return -E2BIG;
	}
	print("%s: %lu bytes", path, *len_bytes);
	*data = NULL;
	if (*len_bytes == 0)
		return 0;
	*data = efi_alloc(*len_bytes, PAGE_SIZE, UINT64_MAX);
	if (!*data) {
		print("%s: too little memory for its %lu KiB: add memory or use a smaller file",
			path, (*len_bytes / 1024));
		return -ENOMEM;
	}
	return read_into(path, f, *data, *len_bytes);
}

int file_read(const char *path, uint64_t max_bytes, void **data, uint64_t *len_bytes)
{
	EFI_FILE_HANDLE f;
	int r = file_open(path, &f);

	if (r)
		return r;
	r = read_open(path, f, max_bytes, data, len_bytes);
	f->Close(f);
	return r;
}
