/* ACPI tables of a guest: hardware-reduced, no SCI, no PM timer, no GPE.
 * ACPI 6.4, chapter 5. The DSDT is compiled from hv/vm/dsdt.asl. */
#ifndef SLUICE_VM_GUEST_ACPI_H
#define SLUICE_VM_GUEST_ACPI_H

#include <stdint.h>

#include "mem/guest_mem.h"

#define GUEST_ACPI_VCPUS_MAX 64

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.4, table 5.4");

/* Writes the tables at GUEST_ACPI_GPA for vCPUs whose APIC IDs are 0 .. nr_vcpus - 1, and gives
 * the RSDP's address. -EINVAL: more than GUEST_ACPI_VCPUS_MAX vCPUs; -EFAULT: no RAM there. */
int guest_acpi_build(
	const struct guest_mem *gm, unsigned nr_vcpus, uint64_t *rsdp_gpa) __must_check;

#endif
