/* Loader for Linux x86-64 bzImages: see bzimage.h. */
#include "vm/bzimage.h"

#include <stdbool.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/boot_params.h"
#include "vm/guest_layout.h"

#define PTE_PRESENT  BIT64(0)
#define PTE_WRITABLE BIT64(1)
#define PDE_LARGE    BIT64(7)

/* A validated image: where its parts are in the file. */
struct image {
	struct setup_header hdr;
	const uint8_t *code; /* protected-mode part */
	uint64_t code_len;
	uint64_t span; /* bytes of memory from the load address on */
};

static int check_header(struct guest_loader *l, const struct setup_header *h)
{
	if (h->boot_flag != SETUP_BOOT_FLAG || h->header != SETUP_HEADER_MAGIC)
		return guest_load_fail(l, -EINVAL, "kernel is neither a bzImage nor an ELF file");
	if (h->version < SETUP_VERSION_MIN)
		return guest_load_fail(l, -EINVAL, "bzImage: boot protocol older than 2.12");
	if (!(h->loadflags & SETUP_LOADED_HIGH) || !(h->xloadflags & SETUP_XLF_KERNEL_64))
		return guest_load_fail(l, -EINVAL, "bzImage: no 64-bit entry point");
	if (h->kernel_alignment < PAGE_SIZE || (h->kernel_alignment & (h->kernel_alignment - 1)))
		return guest_load_fail(l, -EINVAL, "bzImage: bad kernel_alignment");
	return 0;
}

static int parse(struct guest_loader *l, struct image *img)
{
	const struct guest_files *f = l->files;
	uint64_t header_len, setup_len;

	memset(img, 0, sizeof(*img));
	if (f->kernel_len_bytes < SETUP_HEADER_OFFSET + sizeof(img->hdr))
		return guest_load_fail(l, -EINVAL, "kernel is neither a bzImage nor an ELF file");
	/* The header ends where the jump at its start leads to; later fields do not exist. */
	header_len = 0x202u + f->kernel[0x201] - SETUP_HEADER_OFFSET;
	memcpy(&img->hdr, f->kernel + SETUP_HEADER_OFFSET, MIN(header_len, sizeof(img->hdr)));
	if (check_header(l, &img->hdr))
		return -EINVAL;
	setup_len = (img->hdr.setup_sects ? img->hdr.setup_sects : 4u) + 1u;
	setup_len *= SETUP_SECTOR_BYTES;
	img->code_len = (uint64_t)img->hdr.syssize * 16;
	if (setup_len > f->kernel_len_bytes || img->code_len > f->kernel_len_bytes - setup_len)
		return guest_load_fail(l, -EINVAL, "bzImage: file is truncated");
	if (img->code_len <= SETUP_ENTRY64_OFFSET)
		return guest_load_fail(l, -EINVAL, "bzImage: no code");
	img->code = f->kernel + setup_len;
	img->span = MAX(img->code_len, (uint64_t)img->hdr.init_size);
	return 0;
}

static bool fits(const struct guest_loader *l, uint64_t gpa, uint64_t len)
{
	return gpa >= GUEST_LOW_HOLE_END && gpa <= l->low_ram_end && len <= l->low_ram_end - gpa;
}

static int place(struct guest_loader *l, const struct image *img, uint64_t *gpa)
{
	*gpa = img->hdr.pref_address;
	if (IS_ALIGNED(*gpa, (uint64_t)PAGE_SIZE) && fits(l, *gpa, img->span))
		return 0;
	*gpa = ALIGN_UP(GUEST_LOW_HOLE_END, (uint64_t)img->hdr.kernel_alignment);
	if (img->hdr.relocatable_kernel && fits(l, *gpa, img->span))
		return 0;
	return guest_load_fail(l, -ENOSPC, "memory too small for the kernel");
}

/* 4 GiB, so that kernel, zero page, command line and ACPI tables are mapped wherever they are. */
static int write_identity_map(struct guest_loader *l, struct guest_entry *out)
{
	uint64_t *table = guest_mem_map(l->gm, GUEST_BOOT_PML4_GPA, 6 * PAGE_SIZE);
	const uint64_t pdpt_gpa = GUEST_BOOT_PML4_GPA + PAGE_SIZE,
		       flags = PTE_PRESENT | PTE_WRITABLE;

	if (!table)
		return guest_load_fail(l, -ENOSPC, "no memory for page tables");
	memset(table, 0, 2 * PAGE_SIZE);
	table[0] = pdpt_gpa | flags;
	for (uint64_t i = 0; i < 4; i++)
		table[512 + i] = (pdpt_gpa + (i + 1) * PAGE_SIZE) | flags;
	for (uint64_t i = 0; i < 4 * 512; i++)
		table[1024 + i] = (i * MIB(2)) | flags | PDE_LARGE;
	out->cr3 = GUEST_BOOT_PML4_GPA;
	return 0;
}

static int write_zero_page(struct guest_loader *l, const struct image *img, uint64_t initrd_gpa)
{
	struct boot_params *bp = guest_mem_map(l->gm, GUEST_ZERO_PAGE_GPA, sizeof(*bp));

	if (!bp)
		return guest_load_fail(l, -ENOSPC, "no memory for the zero page");
	memset(bp, 0, sizeof(*bp));
	bp->hdr = img->hdr;
	bp->hdr.type_of_loader = SETUP_LOADER_UNKNOWN;
	bp->hdr.vid_mode = 0xffff; /* "normal" */
	bp->hdr.cmd_line_ptr = (uint32_t)GUEST_CMDLINE_GPA;
	bp->hdr.ramdisk_image = (uint32_t)initrd_gpa;
	bp->hdr.ramdisk_size = (uint32_t)l->files->initrd_len_bytes;
	bp->hdr.setup_data = 0;
	bp->acpi_rsdp_addr = l->rsdp_gpa;
	_Static_assert(MEMORY_MAP_MAX <= E820_MAX, "the map fits");
	bp->e820_entries = (uint8_t)memory_map_build(l->gm, bp->e820_table);
	return 0;
}

int bzimage_load(struct guest_loader *l, struct guest_entry *out)
{
	struct image img;
	uint64_t load_gpa, initrd_gpa;
	int err = parse(l, &img);

	if (!err)
		err = place(l, &img, &load_gpa);
	if (err)
		return err;
	err = guest_load_initrd(
		l, load_gpa + img.span, (uint64_t)img.hdr.initrd_addr_max + 1, &initrd_gpa);
	if (!err)
		err = guest_load_cmdline(l, img.hdr.cmdline_size);
	if (!err)
		err = write_zero_page(l, &img, initrd_gpa);
	if (!err)
		err = write_identity_map(l, out);
	if (err)
		return err;
	if (guest_mem_write(l->gm, load_gpa, img.code, img.code_len))
		return guest_load_fail(l, -ENOSPC, "memory too small for the kernel");
	out->mode = ENTRY_LONG64;
	out->rip = load_gpa + SETUP_ENTRY64_OFFSET;
	out->rsi = GUEST_ZERO_PAGE_GPA;
	return 0;
}
