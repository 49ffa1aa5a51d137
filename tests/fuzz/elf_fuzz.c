// sources: hv/vm/bzimage.c hv/vm/pvh.c hv/vm/guest_load.c hv/vm/boot_params.c hv/mem/guest_mem.c
/* Files that begin as ELF (the corpus does): nothing but guest memory is written, and the entry
 * lies in it. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/log.h"
#include "vm/guest_layout.h"
#include "vm/guest_load.h"

#define RAM_LEN MIB(4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t *ram; /* on the heap: ASan sees its ends */
	struct guest_files files = { data, len, data, len / 2, "console=ttyS0" };
	struct guest_entry entry;
	struct guest_mem gm;
	char why[64];

	if (!ram)
		ram = malloc(RAM_LEN);
	gm = (struct guest_mem){ 1, { { 0, RAM_LEN, ram } } };
	if (guest_load(&gm, &files, GUEST_ACPI_GPA, &entry, why, sizeof(why)) == 0)
		ASSERT(guest_mem_map(&gm, entry.rip, 1));
	return 0;
}
