/* ACPI tables of a guest: see guest_acpi.h. */
#include "vm/guest_acpi.h"

#include "dsdt_aml.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/guest_layout.h"

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt_gpa;
	uint32_t length;
	uint64_t xsdt_gpa;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.4, table 5.3");

#define ACPI_SPACE_IO	 1
#define ACPI_ACCESS_BYTE 1

struct acpi_address {
	uint8_t space_id, bit_width, bit_offset, access_size;
	uint64_t address;
} __attribute__((packed));

#define FADT_BOOT_NO_VGA     BIT32(2)
#define FADT_BOOT_NO_RTC     BIT32(5)
#define FADT_WBINVD	     BIT32(0)
#define FADT_RESET_REG_SUP   BIT32(10)
#define FADT_HW_REDUCED_ACPI BIT32(20)

struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl, dsdt;
	uint8_t unused_44[109 - 44];
	uint16_t iapc_boot_arch;
	uint8_t unused_111;
	uint32_t flags;
	struct acpi_address reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct acpi_address event_blocks[8];
	struct acpi_address sleep_control, sleep_status;
	char hypervisor_id[8];
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_fadt, reset_reg) == 116, "ACPI 6.4, table 5.9");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "ACPI 6.4, table 5.9");
_Static_assert(sizeof(struct acpi_fadt) == 276, "ACPI 6.4, table 5.9");

#define MADT_LAPIC   0
#define MADT_IOAPIC  1
#define MADT_ENABLED BIT32(0)

struct madt_lapic {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t gpa, gsi_base;
} __attribute__((packed));

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_gpa, flags;
	struct madt_ioapic ioapic;
	struct madt_lapic lapic[GUEST_ACPI_VCPUS_MAX];
} __attribute__((packed));

struct acpi_mcfg {
	struct acpi_header header;
	uint64_t reserved;
	uint64_t base_gpa;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t table_gpa[3];
} __attribute__((packed));

/* Where each table goes in the area; all fit their slots, so nothing is computed. */
struct acpi_area {
	struct acpi_rsdp rsdp;
	struct acpi_xsdt xsdt __attribute__((aligned(64)));
	struct acpi_fadt fadt __attribute__((aligned(64)));
	struct acpi_madt madt __attribute__((aligned(64)));
	struct acpi_mcfg mcfg __attribute__((aligned(64)));
	uint8_t dsdt[sizeof(dsdt_aml)] __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct acpi_area) <= GUEST_ACPI_LEN, "the area holds all tables");

#define TABLE_GPA(table) (GUEST_ACPI_GPA + offsetof(struct acpi_area, table))

static uint8_t checksum(const void *p, uint32_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + b[i]);
	return (uint8_t)-sum;
}

/* Last step of each table: its header, then the checksum over it all. */
static void seal(struct acpi_header *h, const char *signature, uint8_t revision, size_t len)
{
	memcpy(h->signature, signature, sizeof(h->signature));
	h->length = (uint32_t)len;
	h->revision = revision;
	memcpy(h->oem_id, "SLUICE", sizeof(h->oem_id));
	memcpy(h->oem_table_id, "GUEST   ", sizeof(h->oem_table_id));
	h->oem_revision = 1;
	memcpy(h->creator_id, "SLCE", sizeof(h->creator_id));
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = checksum(h, h->length);
}

static struct acpi_address byte_port(uint64_t port)
{
	return (struct acpi_address){ ACPI_SPACE_IO, 8, 0, ACPI_ACCESS_BYTE, port };
}

static void write_fadt(struct acpi_fadt *f)
{
	f->dsdt = (uint32_t)TABLE_GPA(dsdt);
	f->x_dsdt = TABLE_GPA(dsdt);
	f->iapc_boot_arch = FADT_BOOT_NO_VGA | FADT_BOOT_NO_RTC;
	f->flags = FADT_WBINVD | FADT_HW_REDUCED_ACPI | FADT_RESET_REG_SUP;
	f->reset_reg = byte_port(GUEST_PORT_RESET);
	f->reset_value = GUEST_RESET_VALUE;
	f->sleep_control = byte_port(GUEST_PORT_SLEEP_CONTROL);
	f->sleep_status = byte_port(GUEST_PORT_SLEEP_STATUS);
	memcpy(f->hypervisor_id, "Sluice\0", sizeof(f->hypervisor_id));
	f->minor_version = 4;
	seal(&f->header, "FACP", 6, sizeof(*f));
}

static void write_madt(struct acpi_madt *m, unsigned nr_vcpus)
{
	m->lapic_gpa = (uint32_t)GUEST_LAPIC_GPA;
	m->ioapic = (struct madt_ioapic){
		.type = MADT_IOAPIC,
		.length = sizeof(m->ioapic),
		.id = GUEST_IOAPIC_ID,
		.gpa = (uint32_t)GUEST_IOAPIC_GPA,
	};
	for (unsigned i = 0; i < nr_vcpus; i++)
		m->lapic[i] = (struct madt_lapic){
			.type = MADT_LAPIC,
			.length = sizeof(m->lapic[i]),
			.uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = MADT_ENABLED,
		};
	seal(&m->header, "APIC", 5,
		offsetof(struct acpi_madt, lapic) + nr_vcpus * sizeof(m->lapic[0]));
}

static void write_mcfg(struct acpi_mcfg *m)
{
	m->base_gpa = GUEST_ECAM_GPA;
	m->last_bus = (uint8_t)(GUEST_ECAM_LEN / MIB(1) - 1);
	seal(&m->header, "MCFG", 1, sizeof(*m));
}

static void write_xsdt(struct acpi_xsdt *x)
{
	x->table_gpa[0] = TABLE_GPA(fadt);
	x->table_gpa[1] = TABLE_GPA(madt);
	x->table_gpa[2] = TABLE_GPA(mcfg);
	seal(&x->header, "XSDT", 1, sizeof(*x));
}

static void write_rsdp(struct acpi_rsdp *r)
{
	memcpy(r->signature, "RSD PTR ", sizeof(r->signature));
	memcpy(r->oem_id, "SLUICE", sizeof(r->oem_id));
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt_gpa = TABLE_GPA(xsdt);
	r->checksum = checksum(r, 20);
	r->extended_checksum = checksum(r, sizeof(*r));
}

int guest_acpi_build(const struct guest_mem *gm, unsigned nr_vcpus, uint64_t *rsdp_gpa)
{
	struct acpi_area *a = guest_mem_map(gm, GUEST_ACPI_GPA, GUEST_ACPI_LEN);

	if (nr_vcpus > GUEST_ACPI_VCPUS_MAX)
		return -EINVAL;
	if (!a)
		return -EFAULT;
	memset(a, 0, GUEST_ACPI_LEN);
	memcpy(a->dsdt, dsdt_aml, sizeof(dsdt_aml));
	write_fadt(&a->fadt);
	write_madt(&a->madt, nr_vcpus);
	write_mcfg(&a->mcfg);
	write_xsdt(&a->xsdt);
	write_rsdp(&a->rsdp);
	*rsdp_gpa = GUEST_ACPI_GPA;
	return 0;
}
