/* The machine's ACPI tables, read only, trusted as little as anything from outside: lengths and
 * checksums are checked before use. ACPI specification 6.5, 5.2; PCI firmware specification (MCFG).
 */
#ifndef SLUICE_CPU_ACPI_H
#define SLUICE_CPU_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define ACPI_CPU_MAX  256
#define ACPI_ECAM_MAX 4

/* A CPU and the memory it is near to. */
struct acpi_affinity {
	uint32_t apic_id;
	uint32_t domain; /* proximity domain */
};

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO	  1

struct acpi_gas { /* generic address structure */
	uint8_t space;
	uint8_t width_bits;
	uint64_t address; /* 0: not there */
};

struct acpi_ecam {
	uint64_t hpa; /* of bus 0 of the segment */
	uint16_t segment;
	uint8_t first_bus, last_bus;
};

struct acpi_info {
	bool present; /* a valid RSDP and root table were found */

	unsigned nr_cpus; /* enabled ones of the MADT */
	uint32_t cpu_apic_id[ACPI_CPU_MAX];

	unsigned nr_affinities; /* of the SRAT; 0: all memory is equally near */
	struct acpi_affinity affinity[ACPI_CPU_MAX];

	uint16_t pm_timer_port; /* 0: none */
	bool pm_timer_32bit;
	uint16_t pm1a_control_port; /* 0: none */
	uint16_t pm1b_control_port;
	uint16_t smi_command_port; /* 0: always in ACPI mode */
	uint8_t acpi_enable;	   /* what to write there */
	bool s5_valid;
	uint8_t s5_typ_a, s5_typ_b;
	struct acpi_gas reset;
	uint8_t reset_value;

	unsigned nr_ecam;
	struct acpi_ecam ecam[ACPI_ECAM_MAX];
};

/* Gives `len` readable bytes at hpa, or NULL: the host test's and the hypervisor's differ. */
typedef const void *(*acpi_map_fn)(uint64_t hpa, uint64_t len_bytes);

/* Pure. Broken tables are skipped, what could be read stays. rsdp_hpa 0: nothing present. */
void acpi_parse(struct acpi_info *info, uint64_t rsdp_hpa, acpi_map_fn map);

/* The proximity domain of a CPU, false if none is known. */
bool acpi_domain_of(const struct acpi_info *info, uint32_t apic_id, uint32_t *domain) __must_check;

/* The machine's. */
void acpi_init(uint64_t rsdp_hpa);
const struct acpi_info *acpi_get(void);

#endif
