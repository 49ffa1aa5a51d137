/* Symbol table and backtrace. The table is a sequence of entries in ascending order: the low
 * 32 bits of the function's address, then its name with a NUL; unaligned. */
#include "cpu/symbols.h"

#include "cpu/image.h"
#include "cpu/percpu.h"
#include "lib/log.h"
#include "lib/string.h"

#define FRAMES_MAX 24

extern const uint8_t symbols_start[], symbols_end[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	uint32_t wanted = (uint32_t)address; /* the image lies within one 4 GiB */
	const uint8_t *p = symbols_start;
	const char *name = NULL;

	if (address < (uint64_t)image_start || address >= (uint64_t)text_end)
		return NULL;
	while (p + sizeof(uint32_t) < symbols_end) {
		uint32_t start;

		memcpy(&start, p, sizeof(start));
		if (start > wanted)
			break;
		name = (const char *)p + sizeof(start);
		*offset = wanted - start;
		p += sizeof(start) + strlen(name) + 1;
	}
	return name;
}

static void print_address(uint64_t address)
{
	uint64_t offset;
	const char *name = symbol_find(address, &offset);

	if (name)
		log_error("  %016lx %s+0x%lx", address, name, offset);
	else
		log_error("  %016lx", address);
}

/* The stack of this core that contains rbp: [*low, *high). */
static bool find_stack(uint64_t rbp, uint64_t *high)
{
	const struct percpu *pc = this_cpu();
	uint64_t top = (uint64_t)pc->stack_top;

	if (rbp >= top - CPU_STACK_BYTES && rbp < top) {
		*high = top;
		return true;
	}
	for (unsigned i = 0; i < NR_IST; i++) {
		uint64_t bottom = (uint64_t)pc->tables.ist_stack[i];

		if (rbp >= bottom && rbp < bottom + IST_STACK_BYTES) {
			*high = bottom + IST_STACK_BYTES;
			return true;
		}
	}
	return false;
}

void backtrace_print(uint64_t rip, uint64_t rbp)
{
	uint64_t high;

	log_error("backtrace:");
	print_address(rip);
	if (!IS_ALIGNED(rbp, 8) || !find_stack(rbp, &high))
		return;
	for (unsigned n = 0; n < FRAMES_MAX && rbp + 16 <= high; n++) {
		const uint64_t *frame = (const uint64_t *)rbp; /* checked: on this core's stack */

		if (!frame[1])
			break;
		print_address(frame[1]);
		if (frame[0] <= rbp || !IS_ALIGNED(frame[0], 8))
			break;
		rbp = frame[0];
	}
}
