/* From APIC ids to who shares what; see topology_host.h. */
#include "sched/topology_host.h"

#include "cpu/percpu.h"

#define L2 1 /* indices of topology.cache_shift */
#define L3 2

#define NO_CACHE 32

static uint32_t shifted(uint32_t id, uint8_t shift)
{
	return shift < 32 ? id >> shift : 0;
}

static uint8_t l2_shift(const struct topology *cpu)
{
	uint8_t shift = cpu->cache_shift[L2];

	return shift == NO_CACHE ? cpu->core_shift : shift;
}

static uint8_t llc_shift(const struct topology *cpu)
{
	uint8_t shift = cpu->cache_shift[L3];

	return shift == NO_CACHE ? l2_shift(cpu) : shift;
}

struct big_ids {
	uint32_t smt, l2, llc, package, node;
};

static struct big_ids ids_of(
	uint32_t apic_id, const struct topology *cpu, const struct acpi_info *acpi)
{
	struct big_ids b = {
		.smt = shifted(apic_id, cpu->core_shift),
		.l2 = shifted(apic_id, l2_shift(cpu)),
		.llc = shifted(apic_id, llc_shift(cpu)),
		.package = shifted(apic_id, cpu->package_shift),
	};

	if (!acpi_domain_of(acpi, apic_id, &b.node))
		b.node = b.package;
	return b;
}

/* Small numbers: that of the first core which shares the thing. */
void topology_from_ids(struct sched_topology *t, unsigned nr_cores, const uint32_t *apic_id,
	const struct topology *cpu, const struct acpi_info *acpi)
{
	t->nr_cores = nr_cores;
	for (unsigned i = 0; i < nr_cores; i++) {
		struct big_ids mine = ids_of(apic_id[i], cpu, acpi);
		uint16_t self = (uint16_t)i;
		struct sched_place_ids p = { self, self, self, self, self };

		for (unsigned k = i; k-- > 0;) {
			struct big_ids other = ids_of(apic_id[k], cpu, acpi);

			p.smt = other.smt == mine.smt ? t->core[k].smt : p.smt;
			p.l2 = other.l2 == mine.l2 ? t->core[k].l2 : p.l2;
			p.llc = other.llc == mine.llc ? t->core[k].llc : p.llc;
			p.package = other.package == mine.package ? t->core[k].package : p.package;
			p.node = other.node == mine.node ? t->core[k].node : p.node;
		}
		t->core[i] = p;
	}
}

void topology_of_machine(struct sched_topology *t)
{
	static uint32_t apic_id[CORE_SET_MAX];

	for (unsigned i = 0; i < nr_cpus; i++)
		apic_id[i] = cpus[i]->apic_id;
	topology_from_ids(t, nr_cpus, apic_id, topology_get(), acpi_get());
}
