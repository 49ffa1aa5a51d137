/* What the UEFI loader hands to the hypervisor: one structure, by physical address in RDI.
 *
 * State at entry (hv/cpu/entry.S): long mode, interrupts off, the boot CPU only. CR3 holds the
 * loader's temporary tables: all memory below max(4 GiB, end of RAM) identity-mapped, and the
 * hypervisor's ELF segments mapped at their linked addresses, each W or X but not both. RSP is
 * undefined. Boot services are over; the firmware's runtime services stay where they are.
 *
 * All addresses are physical. Strings are NUL-terminated. Everything the structure points to lies
 * in memory of type BOOT_MEM_LOADER, which the hypervisor keeps until it has consumed it. */
#ifndef SLUICE_BOOT_INFO_H
#define SLUICE_BOOT_INFO_H

#include <stdint.h>

#define BOOT_INFO_MAGIC	  UINT64_C(0x30656369756c7353) /* "Sluice0" */
#define BOOT_INFO_VERSION 1

#define BOOT_MEM_MAX   512
#define BOOT_FILES_MAX 64

enum boot_mem_type {
	BOOT_MEM_USABLE,     /* free RAM (UEFI conventional and boot-services memory) */
	BOOT_MEM_LOADER,     /* boot_info, page tables, files: free once consumed */
	BOOT_MEM_HYPERVISOR, /* the hypervisor's image, page-aligned, contiguous */
	BOOT_MEM_RESERVED,   /* firmware, ACPI NVS, runtime services, unusable */
	BOOT_MEM_ACPI,	     /* ACPI tables: reclaimable once read */
	BOOT_MEM_MMIO,
};

struct boot_mem {
	uint64_t hpa;
	uint64_t len_bytes; /* a multiple of 4096 */
	uint32_t type;	    /* enum boot_mem_type */
	uint32_t reserved;
};

struct boot_file {
	uint64_t path_hpa; /* as written in sluice.conf */
	uint64_t hpa;	   /* page-aligned */
	uint64_t len_bytes;
};

struct boot_framebuffer {
	uint64_t hpa; /* 0: none */
	uint32_t width_px, height_px, stride_px, format;
};

struct boot_info {
	uint64_t magic;
	uint32_t version;
	uint32_t size_bytes; /* of this structure */
	uint64_t image_hpa;  /* its first segment; 2 MiB-aligned, below 4 GiB */
	uint64_t image_len_bytes;
	uint64_t rsdp_hpa;	 /* ACPI RSDP, 0: none */
	uint64_t trampoline_hpa; /* one page below 1 MiB for starting the other CPUs, 0: none */
	uint64_t conf_hpa;	 /* text of sluice.conf, already parsed once without error */
	uint64_t conf_len_bytes;
	uint64_t cmdline_hpa; /* EFI LoadOptions, as ASCII, "" if none */
	struct boot_framebuffer framebuffer;
	uint32_t nr_mem;
	uint32_t nr_files;
	struct boot_mem mem[BOOT_MEM_MAX]; /* sorted by hpa, without overlap */
	struct boot_file file[BOOT_FILES_MAX];
};

#endif
