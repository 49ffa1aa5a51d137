/* Puts a kernel into guest memory and says how the first vCPU enters it.
 *
 * The kernel file's type is detected: Linux bzImage (vm/bzimage.h) or PVH ELF (vm/pvh.h). Files are
 * untrusted: nothing outside guest RAM is written, whatever they contain. The guest must not run.
 */
#ifndef SLUICE_VM_GUEST_LOAD_H
#define SLUICE_VM_GUEST_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "mem/guest_mem.h"

struct guest_files {
	const uint8_t *kernel;
	uint64_t kernel_len_bytes;
	const uint8_t *initrd; /* len 0: none */
	uint64_t initrd_len_bytes;
	const char *cmdline;
};

enum guest_entry_mode {
	ENTRY_LONG64,	   /* CR0.PE+PG, cr3, CR4.PAE, EFER.LME+LMA */
	ENTRY_PROTECTED32, /* CR0.PE without paging, CR4 0 */
};

/* First vCPU: flat segments, IF = 0, registers not named here are 0. */
struct guest_entry {
	enum guest_entry_mode mode;
	uint64_t rip;
	uint64_t rsi; /* ENTRY_LONG64: the zero page */
	uint64_t rbx; /* ENTRY_PROTECTED32: hvm_start_info */
	uint64_t cr3; /* ENTRY_LONG64: identity map of the first 4 GiB */
	uint64_t gdt_gpa;
	uint16_t gdt_limit;
	uint16_t cs, ds; /* selectors in that GDT; ds for ES, SS (and FS, GS) as well */
};

/* 0; or -EINVAL (bad file), -ENOSPC (memory too small) with the reason as text in why. */
int guest_load(const struct guest_mem *gm, const struct guest_files *files, uint64_t rsdp_gpa,
	struct guest_entry *out, char *why, size_t why_cap) __must_check;

/* For the loaders of each format. */
struct guest_loader {
	const struct guest_mem *gm;
	const struct guest_files *files;
	uint64_t rsdp_gpa;
	uint64_t low_ram_end; /* end of the RAM that begins at 0 */
	const char *why;
};

/* Sets the reason and returns err. */
int guest_load_fail(struct guest_loader *l, int err, const char *why);
/* Command line to GUEST_CMDLINE_GPA; at most len_max bytes without its NUL. */
int guest_load_cmdline(struct guest_loader *l, uint64_t len_max) __must_check;
/* Initrd as high as possible inside [floor, ceiling) and low RAM; *gpa is 0 if there is none. */
int guest_load_initrd(
	struct guest_loader *l, uint64_t floor, uint64_t ceiling, uint64_t *gpa) __must_check;

#endif
