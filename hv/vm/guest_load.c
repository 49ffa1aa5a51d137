/* Kernel type detection and what both formats share: see guest_load.h. */
#include "vm/guest_load.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/bzimage.h"
#include "vm/guest_layout.h"
#include "vm/pvh.h"

/* Descriptors: SDM vol. 3A, 3.4.5. All flat, accessed, DPL 0. */
static const uint64_t boot_gdt[] = {
	0, UINT64_C(0x00cf9b000000ffff), /* 0x08: 32-bit code */
	UINT64_C(0x00af9b000000ffff),	 /* 0x10: 64-bit code, where Linux's __BOOT_CS is */
	UINT64_C(0x00cf93000000ffff),	 /* 0x18: data */
};

int guest_load_fail(struct guest_loader *l, int err, const char *why)
{
	l->why = why;
	return err;
}

int guest_load_cmdline(struct guest_loader *l, uint64_t len_max)
{
	const char *s = l->files->cmdline;
	size_t len = strlen(s);

	if (len > len_max || len >= GUEST_CMDLINE_LEN)
		return guest_load_fail(l, -EINVAL, "command line longer than the kernel takes");
	if (guest_mem_write(l->gm, GUEST_CMDLINE_GPA, s, len + 1))
		return guest_load_fail(l, -ENOSPC, "no memory for the command line");
	return 0;
}

int guest_load_initrd(struct guest_loader *l, uint64_t floor, uint64_t ceiling, uint64_t *gpa)
{
	uint64_t len = l->files->initrd_len_bytes, top = MIN(ceiling, l->low_ram_end);

	*gpa = 0;
	if (len == 0)
		return 0;
	if (len > top || ALIGN_DOWN(top - len, (uint64_t)PAGE_SIZE) < floor)
		return guest_load_fail(l, -ENOSPC, "memory too small for kernel and initrd");
	*gpa = ALIGN_DOWN(top - len, (uint64_t)PAGE_SIZE);
	if (guest_mem_write(l->gm, *gpa, l->files->initrd, len))
		return guest_load_fail(l, -ENOSPC, "memory too small for kernel and initrd");
	return 0;
}

static uint64_t low_ram_end(const struct guest_mem *gm)
{
	for (unsigned i = 0; i < gm->nr_regions; i++)
		if (gm->region[i].gpa == 0)
			return gm->region[i].len_bytes;
	return 0;
}

static int load_gdt_and_kernel(struct guest_loader *l, struct guest_entry *out)
{
	if (l->low_ram_end < GUEST_MEMORY_MIN)
		return guest_load_fail(l, -ENOSPC, "less than 2 MiB of memory");
	if (guest_mem_write(l->gm, GUEST_BOOT_GDT_GPA, boot_gdt, sizeof(boot_gdt)))
		return guest_load_fail(l, -ENOSPC, "no memory for the boot GDT");
	memset(out, 0, sizeof(*out));
	out->gdt_gpa = GUEST_BOOT_GDT_GPA;
	out->gdt_limit = sizeof(boot_gdt) - 1;
	out->ds = 0x18;
	if (pvh_is_elf(l->files)) {
		out->cs = 0x08;
		return pvh_load(l, out);
	}
	out->cs = 0x10;
	return bzimage_load(l, out);
}

int guest_load(const struct guest_mem *gm, const struct guest_files *files, uint64_t rsdp_gpa,
	struct guest_entry *out, char *why, size_t why_cap)
{
	struct guest_loader l = {
		.gm = gm,
		.files = files,
		.rsdp_gpa = rsdp_gpa,
		.low_ram_end = low_ram_end(gm),
		.why = "",
	};
	int err = load_gdt_and_kernel(&l, out);

	if (why_cap > 0) {
		size_t len = MIN(strlen(l.why), why_cap - 1);

		memcpy(why, l.why, len);
		why[len] = '\0';
	}
	return err;
}
