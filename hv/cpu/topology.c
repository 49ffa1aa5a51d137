/* Topology from CPUID; see topology.h. */
#include "cpu/topology.h"

#include "lib/bits.h"

#define NO_CACHE 32

/* Bits needed to number n things. */
static uint8_t bits_for(uint32_t n)
{
	uint8_t bits = 0;

	while (bits < 31 && BIT32(bits) < n)
		bits++;
	return bits;
}

static void read_caches(struct topology *t, cpuid_fn query)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct cpuid_regs r = query(4, i);
		uint32_t type = r.eax & 31, level = r.eax >> 5 & 7;
		uint64_t bytes = (uint64_t)((r.ebx >> 22) + 1) * ((r.ebx >> 12 & 0x3ff) + 1) *
				 ((r.ebx & 0xfff) + 1) * ((uint64_t)r.ecx + 1);

		if (type == 0)
			return;
		if (type == 2 || level == 0 || level > TOPOLOGY_CACHE_LEVELS) /* 2: instructions */
			continue;
		t->cache_shift[level - 1] = bits_for((r.eax >> 14 & 0xfff) + 1);
		t->cache_bytes[level - 1] = (uint32_t)MIN(bytes, UINT32_MAX);
	}
}

/* Leaf 0x1F, which knows dies too, or 0xB; false if the CPU has none. */
static bool read_levels(struct topology *t, cpuid_fn query, uint32_t leaf)
{
	for (uint32_t i = 0; i < 8; i++) {
		struct cpuid_regs r = query(leaf, i);
		uint32_t type = r.ecx >> 8 & 0xff;

		if (type == 0 || !(r.ebx & 0xffff))
			return i > 0;
		if (type == 1)
			t->core_shift = r.eax & 31;
		t->package_shift = r.eax & 31;
	}
	return true;
}

void topology_read(struct topology *t, cpuid_fn query)
{
	uint32_t max = query(0, 0).eax;

	*t = (struct topology){ 0 };
	for (unsigned i = 0; i < TOPOLOGY_CACHE_LEVELS; i++)
		t->cache_shift[i] = NO_CACHE;
	if (max >= 4)
		read_caches(t, query);
	if (max >= 0x1f && read_levels(t, query, 0x1f))
		return;
	if (max >= 0xb && read_levels(t, query, 0xb))
		return;
	/* Older: logical CPUs of a package from leaf 1, cores from leaf 4. */
	t->package_shift = query(1, 0).edx & BIT32(28) ? bits_for(query(1, 0).ebx >> 16 & 0xff) : 0;
	t->core_shift = 0;
	if (max >= 4) {
		uint8_t core_bits = bits_for((query(4, 0).eax >> 26) + 1);

		t->core_shift = t->package_shift > core_bits ? t->package_shift - core_bits : 0;
	}
}

unsigned topology_shared_cache(const struct topology *t, uint32_t apic_a, uint32_t apic_b)
{
	for (unsigned i = 0; i < TOPOLOGY_CACHE_LEVELS; i++) {
		uint8_t shift = t->cache_shift[i];

		if (shift != NO_CACHE && apic_a >> shift == apic_b >> shift)
			return i + 1;
	}
	return apic_a == apic_b ? 1 : 0;
}

static struct topology machine;

void topology_init(void)
{
	topology_read(&machine, cpuid);
}

const struct topology *topology_get(void)
{
	return &machine;
}
