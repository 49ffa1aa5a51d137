/* Page tables beyond start.S's identity map. SDM vol. 3A, 4.5. The CPUs share one map. */
#include "cpu/hw.h"
#include "lib/bits.h"
#include "machine.h"

#define PTE_PRESENT  BIT64(0)
#define PTE_WRITABLE BIT64(1)
#define PTE_LARGE    BIT64(7)
#define PTE_ADDRESS  UINT64_C(0x000ffffffffff000)
#define TABLES_MAX   24
#define LARGE_BYTES  MIB(2)

extern uint64_t page_pml4[512];

static uint64_t tables[TABLES_MAX][512] __attribute__((aligned(4096)));
static unsigned nr_tables;

/* The table that entry refers to, made if there is none. Tables are identity-mapped. */
static uint64_t *table_below(uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT)) {
		if (nr_tables == TABLES_MAX)
			return NULL;
		*entry = (uint64_t)tables[nr_tables++] | PTE_PRESENT | PTE_WRITABLE;
	}
	return (uint64_t *)(*entry & PTE_ADDRESS);
}

static uint64_t *directory_entry(uint64_t va)
{
	uint64_t *t = table_below(&page_pml4[(va >> 39) & 511]);

	if (t)
		t = table_below(&t[(va >> 30) & 511]);
	return t ? &t[(va >> 21) & 511] : NULL;
}

bool map_identity(uint64_t gpa, uint64_t len_bytes)
{
	uint64_t end = ALIGN_UP(gpa + len_bytes, LARGE_BYTES);

	for (gpa = ALIGN_DOWN(gpa, LARGE_BYTES); gpa != end; gpa += LARGE_BYTES) {
		uint64_t *e = directory_entry(gpa);

		if (!e)
			return false;
		if (!(*e & PTE_PRESENT))
			*e = gpa | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE;
	}
	return true;
}

static uint64_t *split(uint64_t *e)
{
	uint64_t old = *e, *t;

	if (!(old & PTE_LARGE))
		return table_below(e);
	*e = 0;
	t = table_below(e);
	if (!t) {
		*e = old;
		return NULL;
	}
	for (unsigned i = 0; i < 512; i++)
		t[i] = (old & ~PTE_LARGE) + i * PAGE_SIZE;
	return t;
}

bool map_page(uint64_t va, uint64_t gpa, uint64_t flags)
{
	uint64_t *e = directory_entry(va), *t = e ? split(e) : NULL;

	if (!t)
		return false;
	t[(va >> 12) & 511] = gpa | flags;
	write_cr3(read_cr3());
	return true;
}
