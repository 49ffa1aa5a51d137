/* Guest page-table walk; see guest_walk.h. */
#include "dev/guest_walk.h"

#include "lib/errno.h"

#define CR0_PG	 BIT64(31)
#define CR4_PSE	 BIT64(4)
#define CR4_PAE	 BIT64(5)
#define CR4_LA57 BIT64(12)
#define EFER_LMA BIT64(10)

#define PTE_PRESENT BIT64(0)
#define PTE_LARGE   BIT64(7)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define CR3_PAE_ADDRESS UINT64_C(0xffffffe0)

/* Tables of 8-byte entries, from the level that table belongs to down to 1. */
static int walk_64(
	const struct guest_mem *gm, uint64_t table, unsigned level, uint64_t linear, uint64_t *gpa)
{
	for (;; level--) {
		unsigned shift = PAGE_SHIFT + 9 * (level - 1);
		uint64_t pte, offset_mask = BIT64(shift) - 1;

		if (guest_mem_read(gm, table + (linear >> shift & 511) * 8, &pte, sizeof(pte)))
			return -EFAULT;
		if (!(pte & PTE_PRESENT))
			return -EFAULT;
		if (level == 1 || ((pte & PTE_LARGE) && level <= 3)) {
			*gpa = (pte & PTE_ADDRESS & ~offset_mask) | (linear & offset_mask);
			return 0;
		}
		table = pte & PTE_ADDRESS;
	}
}

/* The top level has four entries, which neither map pages nor need a page of their own. */
static int walk_pae(const struct guest_mem *gm, uint64_t cr3, uint64_t linear, uint64_t *gpa)
{
	uint64_t pdpte, pdpt = cr3 & CR3_PAE_ADDRESS;

	if (guest_mem_read(gm, pdpt + (linear >> 30 & 3) * 8, &pdpte, sizeof(pdpte)))
		return -EFAULT;
	if (!(pdpte & PTE_PRESENT))
		return -EFAULT;
	return walk_64(gm, pdpte & PTE_ADDRESS, 2, linear, gpa);
}

static int walk_32(
	const struct guest_mem *gm, const struct guest_cpu *cpu, uint64_t linear, uint64_t *gpa)
{
	uint64_t table = cpu->cr3 & 0xfffff000;
	uint32_t pde, pte;

	if (guest_mem_read(gm, table + (linear >> 22 & 1023) * 4, &pde, sizeof(pde)))
		return -EFAULT;
	if (!(pde & PTE_PRESENT))
		return -EFAULT;
	if ((pde & PTE_LARGE) && (cpu->cr4 & CR4_PSE)) {
		/* PSE-36: bits 20:13 are address bits 39:32 */
		*gpa = (pde & 0xffc00000) | (uint64_t)(pde >> 13 & 0xff) << 32 |
		       (linear & 0x3fffff);
		return 0;
	}
	table = pde & 0xfffff000;
	if (guest_mem_read(gm, table + (linear >> 12 & 1023) * 4, &pte, sizeof(pte)))
		return -EFAULT;
	if (!(pte & PTE_PRESENT))
		return -EFAULT;
	*gpa = (pte & 0xfffff000) | (linear & 0xfff);
	return 0;
}

static bool canonical(uint64_t linear, unsigned levels)
{
	unsigned unused = 64 - (PAGE_SHIFT + 9 * levels);

	return (uint64_t)((int64_t)(linear << unused) >> unused) == linear;
}

int guest_walk(
	const struct guest_mem *gm, const struct guest_cpu *cpu, uint64_t linear, uint64_t *gpa)
{
	unsigned levels = cpu->cr4 & CR4_LA57 ? 5 : 4;

	if ((cpu->efer & EFER_LMA) && (cpu->cr0 & CR0_PG)) {
		if (!canonical(linear, levels))
			return -EFAULT;
		return walk_64(gm, cpu->cr3 & PTE_ADDRESS, levels, linear, gpa);
	}
	linear &= 0xffffffff;
	if (!(cpu->cr0 & CR0_PG)) {
		*gpa = linear;
		return 0;
	}
	if (cpu->cr4 & CR4_PAE)
		return walk_pae(gm, cpu->cr3, linear, gpa);
	return walk_32(gm, cpu, linear, gpa);
}

enum decode_mode guest_cpu_mode(const struct guest_cpu *cpu)
{
	if ((cpu->efer & EFER_LMA) && cpu->cs_l)
		return DECODE_64;
	return cpu->cs_d ? DECODE_32 : DECODE_16;
}

unsigned guest_fetch(const struct guest_mem *gm, const struct guest_cpu *cpu, uint64_t rip,
	uint8_t bytes[DECODE_BYTES_MAX])
{
	bool is_64 = guest_cpu_mode(cpu) == DECODE_64;
	uint64_t linear = is_64 ? rip : (cpu->cs_base + rip) & 0xffffffff, gpa;
	unsigned done = 0;

	/* Twice at most: fifteen bytes touch no third page. */
	while (done < DECODE_BYTES_MAX) {
		unsigned chunk = (unsigned)MIN(
			PAGE_SIZE - ((linear + done) & (PAGE_SIZE - 1)), DECODE_BYTES_MAX - done);

		if (guest_walk(gm, cpu, linear + done, &gpa) ||
			guest_mem_read(gm, gpa, bytes + done, chunk))
			break;
		done += chunk;
	}
	return done;
}
