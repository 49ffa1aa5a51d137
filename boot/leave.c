/* ExitBootServices and the hand-over. UEFI 2.10, section 7.4.6; SDM vol. 2A, CPUID. */
#include "boot/leave.h"

#include "boot/efi.h"
#include "boot/handover.h"
#include "boot/memory_map.h"
#include "boot/page_tables.h"
#include "boot/print.h"
#include "lib/errno.h"
#include "lib/string.h"

_Static_assert(sizeof(struct efi_descriptor) == sizeof(EFI_MEMORY_DESCRIPTOR), "memory map");

#define CR4_LA57 BIT64(12)

#define CPUID_EXT_FEATURES	   0x80000001
#define CPUID_EXT_FEATURES_EDX_NX  BIT32(20)
#define CPUID_EXT_FEATURES_EDX_1GB BIT32(26)

/* The firmware may split ranges between asking for the map's size and leaving. */
#define SPARE_DESCRIPTORS 64
#define LEAVE_TRIES	  8

/* The firmware's map, in a buffer that is allocated once: allocating changes the map. */
static struct {
	void *buf;
	UINTN capacity_bytes, len_bytes, key, descriptor_bytes;
} map;

static uint32_t ext_features_edx(void)
{
	uint32_t eax = CPUID_EXT_FEATURES, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return edx;
}

static uint64_t read_cr4(void)
{
	uint64_t cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

static int alloc_map(void)
{
	UINT32 version;
	UINTN len_bytes = 0;

	if (map.buf)
		return 0;
	efi_boot->GetMemoryMap(&len_bytes, NULL, &map.key, &map.descriptor_bytes, &version);
	map.capacity_bytes = len_bytes + SPARE_DESCRIPTORS * map.descriptor_bytes;
	map.buf = efi_alloc(map.capacity_bytes, PAGE_SIZE, UINT64_MAX);
	if (!map.buf)
		print("too little memory for the memory map");
	return map.buf ? 0 : -ENOMEM;
}

static int fetch_map(void)
{
	UINT32 version;

	map.len_bytes = map.capacity_bytes;
	return EFI_ERROR(efi_boot->GetMemoryMap(
		       &map.len_bytes, map.buf, &map.key, &map.descriptor_bytes, &version))
		       ? -EIO
		       : 0;
}

int leave_take_memory_map(struct boot_info *bi)
{
	int r = alloc_map();

	if (r)
		return r;
	r = fetch_map();
	if (!r)
		r = memory_map_convert(bi, map.buf, map.len_bytes, map.descriptor_bytes);
	if (r)
		print("the firmware's memory map cannot be used (error %d)", r);
	return r;
}

static int map_image(struct page_tables *t, const struct boot_info *bi, const struct elf_image *img)
{
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct elf_segment *s = &img->segment[i];
		uint64_t virt = ALIGN_DOWN(s->virt, (uint64_t)PAGE_SIZE);
		uint64_t end = ALIGN_UP(s->virt + s->mem_bytes, (uint64_t)PAGE_SIZE);
		int r = page_tables_map(
			t, virt, bi->image_hpa + (virt - img->virt), end - virt, s->write, s->exec);

		if (r)
			return r;
	}
	return 0;
}

/* All memory at its own address, writable and not executable, save the page that handover() runs
 * on, which is the other way round. */
static int map_identity(struct page_tables *t, uint64_t end)
{
	uint64_t code = ALIGN_DOWN((uint64_t)handover, (uint64_t)PAGE_SIZE);
	int r = page_tables_map(t, 0, 0, code, true, false);

	if (!r)
		r = page_tables_map(t, code, code, PAGE_SIZE, false, true);
	if (!r)
		r = page_tables_map(
			t, code + PAGE_SIZE, code + PAGE_SIZE, end - code - PAGE_SIZE, true, false);
	return r;
}

static int build_page_tables(
	struct page_tables *t, struct boot_info *bi, const struct elf_image *img)
{
	uint64_t end = ALIGN_UP(MAX(memory_map_ram_end(bi), GIB(4)), GIB(1));
	uint32_t features = ext_features_edx();
	int r;

	t->has_1g_pages = features & CPUID_EXT_FEATURES_EDX_1GB;
	t->has_no_exec = features & CPUID_EXT_FEATURES_EDX_NX;
	t->nr_pages = page_tables_estimate(end, img->len_bytes, t->has_1g_pages);
	/* below 4 GiB: another CPU can take them over from 32-bit mode */
	t->base = efi_alloc((uint64_t)t->nr_pages * PAGE_SIZE, PAGE_SIZE, GIB(4));
	if (!t->base) {
		print("too little memory for page tables: add memory");
		return -ENOMEM;
	}
	t->base_hpa = (uint64_t)t->base;
	page_tables_init(t);
	r = map_identity(t, end);
	if (!r)
		r = map_image(t, bi, img);
	if (r)
		print("page tables: error %d", r);
	return r;
}

/* From the first call of ExitBootServices on, only memory services may be used (7.4.6): no
 * messages. Converting the map between fetching it and leaving does not change it. */
static int exit_boot_services(struct boot_info *bi)
{
	for (unsigned i = 0; i < LEAVE_TRIES; i++) {
		int r = fetch_map();

		if (!r)
			r = memory_map_convert(bi, map.buf, map.len_bytes, map.descriptor_bytes);
		if (!r)
			r = memory_map_set(bi, bi->image_hpa,
				ALIGN_UP(bi->image_len_bytes, (uint64_t)PAGE_SIZE),
				BOOT_MEM_HYPERVISOR);
		if (r)
			return r;
		if (!EFI_ERROR(efi_boot->ExitBootServices(efi_image, map.key)))
			return 0;
	}
	return -EBUSY;
}

int leave_for_hypervisor(struct boot_info *bi, const struct elf_image *img)
{
	struct page_tables t;
	int r;

	if (read_cr4() & CR4_LA57) {
		print("the firmware uses 5-level paging: turn it off in its set-up");
		return -ENOTSUP;
	}
	r = leave_take_memory_map(bi); /* to know where memory ends */
	if (!r)
		r = build_page_tables(&t, bi, img);
	if (r)
		return r;
	print("starting the hypervisor");
	r = exit_boot_services(bi);
	if (r)
		return r;
	handover((uint64_t)bi, t.base_hpa, img->entry, t.has_no_exec);
}
