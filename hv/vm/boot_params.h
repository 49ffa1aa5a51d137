/* Linux's boot interface: the setup header in a bzImage and the zero page.
 * Linux Documentation/x86/boot.rst (boot protocol 2.15) and zero-page.rst. */
#ifndef SLUICE_VM_BOOT_PARAMS_H
#define SLUICE_VM_BOOT_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "mem/guest_mem.h"

#define SETUP_HEADER_OFFSET  0x1f1
#define SETUP_BOOT_FLAG	     0xaa55
#define SETUP_HEADER_MAGIC   0x53726448 /* "HdrS" */
#define SETUP_VERSION_MIN    0x020c	/* the first with xloadflags */
#define SETUP_LOADED_HIGH    0x01	/* loadflags */
#define SETUP_XLF_KERNEL_64  0x01	/* xloadflags: 64-bit entry at 0x200 */
#define SETUP_LOADER_UNKNOWN 0xff
#define SETUP_ENTRY64_OFFSET 0x200
#define SETUP_SECTOR_BYTES   512

struct setup_header {
	uint8_t setup_sects;
	uint16_t root_flags;
	uint32_t syssize; /* of the protected-mode code, in 16-byte paragraphs */
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint16_t jump;
	uint32_t header;
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;
	uint32_t initrd_addr_max; /* the last byte an initrd may occupy */
	uint32_t kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	uint16_t xloadflags;
	uint32_t cmdline_size; /* without NUL */
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;
	uint64_t pref_address;
	uint32_t init_size; /* memory the kernel needs from its load address until it has a map */
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
} __attribute__((packed));

_Static_assert(offsetof(struct setup_header, header) == 0x202 - 0x1f1, "boot.rst");
_Static_assert(offsetof(struct setup_header, xloadflags) == 0x236 - 0x1f1, "boot.rst");
_Static_assert(sizeof(struct setup_header) == 0x26c - 0x1f1, "boot.rst");

/* Memory map entries, as E820 and PVH number them. */
enum memory_map_type { MEMORY_MAP_RAM = 1, MEMORY_MAP_RESERVED = 2, MEMORY_MAP_ACPI = 3 };

struct e820_entry {
	uint64_t gpa;
	uint64_t len_bytes;
	uint32_t type;
} __attribute__((packed));

#define E820_MAX 128

struct boot_params {
	uint8_t screen_info[0x40];
	uint8_t unused_040[0x30];
	uint64_t acpi_rsdp_addr;
	uint8_t unused_078[0x1e8 - 0x78];
	uint8_t e820_entries;
	uint8_t unused_1e9[0x1f1 - 0x1e9];
	struct setup_header hdr;
	uint8_t unused_26c[0x2d0 - 0x26c];
	struct e820_entry e820_table[E820_MAX];
	uint8_t unused_cd0[0x1000 - 0xcd0];
} __attribute__((packed));

_Static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x70, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, hdr) == SETUP_HEADER_OFFSET, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "zero-page.rst");
_Static_assert(sizeof(struct boot_params) == PAGE_SIZE, "zero-page.rst");

#define MEMORY_MAP_MAX (GUEST_MEM_REGIONS + 5)

/* The guest's memory map, sorted by address; returns the number of entries. */
unsigned memory_map_build(const struct guest_mem *gm, struct e820_entry map[MEMORY_MAP_MAX]);

#endif
