/* The memory map that a guest is told, for the zero page and for PVH alike. */
#include "vm/boot_params.h"

#include "vm/guest_layout.h"

static unsigned add(struct e820_entry *map, unsigned n, struct e820_entry e)
{
	unsigned i = n;

	if (e.len_bytes == 0)
		return n;
	for (; i > 0 && map[i - 1].gpa > e.gpa; i--)
		map[i] = map[i - 1];
	map[i] = e;
	return n + 1;
}

static unsigned add_ram(struct e820_entry *map, unsigned n, uint64_t gpa, uint64_t end)
{
	if (end <= gpa)
		return n;
	return add(map, n, (struct e820_entry){ gpa, end - gpa, MEMORY_MAP_RAM });
}

unsigned memory_map_build(const struct guest_mem *gm, struct e820_entry map[MEMORY_MAP_MAX])
{
	const uint64_t acpi_end = GUEST_ACPI_GPA + GUEST_ACPI_LEN;
	unsigned n = 0;

	for (unsigned i = 0; i < gm->nr_regions; i++) {
		uint64_t gpa = gm->region[i].gpa, end = gpa + gm->region[i].len_bytes;

		if (gpa == 0) {
			n = add_ram(map, n, 0, MIN(end, GUEST_LOW_HOLE_GPA));
			n = add_ram(map, n, GUEST_LOW_HOLE_END, end);
		} else {
			n = add_ram(map, n, gpa, end);
		}
	}
	n = add(map, n,
		(struct e820_entry){ GUEST_LOW_HOLE_GPA, GUEST_ACPI_GPA - GUEST_LOW_HOLE_GPA,
			MEMORY_MAP_RESERVED });
	n = add(map, n, (struct e820_entry){ GUEST_ACPI_GPA, GUEST_ACPI_LEN, MEMORY_MAP_ACPI });
	n = add(map, n,
		(struct e820_entry){
			acpi_end, GUEST_LOW_HOLE_END - acpi_end, MEMORY_MAP_RESERVED });
	/* Linux believes MCFG early only if the map reserves the window. */
	return add(
		map, n, (struct e820_entry){ GUEST_ECAM_GPA, GUEST_ECAM_LEN, MEMORY_MAP_RESERVED });
}
