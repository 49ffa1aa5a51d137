/* The CPU's part in steering; see steer_probe.h. */
#include "vm/steer_probe.h"

#include "lib/bits.h"
#include "lib/string.h"

#define NO_CACHE 32 /* as in struct topology */

/* Model numbers of family 6; others of these numbers are no Xeons. */
static const uint8_t ddio_model[] = {
	0x2d, /* Sandy Bridge-EP: E5 */
	0x3e, /* Ivy Bridge-EP, -EX: E5 v2, E7 v2 */
	0x3f, /* Haswell-EP, -EX: E5 v3, E7 v3 */
	0x4f, /* Broadwell-EP, -EX: E5 v4, E7 v4 */
	0x56, /* Broadwell-DE: Xeon D */
	0x55, /* Skylake-SP, Cascade Lake, Cooper Lake: Scalable */
	0x6a, /* Ice Lake-SP */
	0x6c, /* Ice Lake-D */
	0x8f, /* Sapphire Rapids */
	0xcf, /* Emerald Rapids */
};

static bool contains(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; *text; text++)
		if (strncmp(text, word, len) == 0)
			return true;
	return false;
}

bool steer_cpu_has_ddio(const struct cpu_features *f)
{
	if (strcmp(f->vendor, "GenuineIntel") || f->family != 6 || !contains(f->brand, "Xeon"))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(ddio_model); i++) {
		if (f->model == ddio_model[i])
			return true;
	}
	return false;
}

uint64_t steer_cache_share(const struct topology *t)
{
	return t->cache_bytes[1] / 2 >> t->core_shift;
}

uint32_t steer_llc_id(const struct topology *t, uint32_t apic_id)
{
	for (unsigned i = TOPOLOGY_CACHE_LEVELS; i-- > 0;) {
		if (t->cache_shift[i] != NO_CACHE)
			return apic_id >> t->cache_shift[i];
	}
	return apic_id;
}
