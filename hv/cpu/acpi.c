/* ACPI tables; see acpi.h. Offsets are those of ACPI 6.5, tables 5.3 (RSDP), 5.4 (header), 5.9
 * (FADT), 5.19 and following (MADT), section 5.2.16 (SRAT), and of the PCI firmware
 * specification 3.3, table 4-2 (MCFG).
 */
#include "cpu/acpi.h"

#include "lib/string.h"
#include "mem/host_paging.h"

#define HEADER_BYTES	36u
#define TABLE_BYTES_MAX MIB(1)
#define TABLES_MAX	128u

#define FADT_DSDT	    40
#define FADT_SMI_CMD	    48
#define FADT_ACPI_ENABLE    52
#define FADT_PM1A_CNT	    64
#define FADT_PM1B_CNT	    68
#define FADT_PM_TMR	    76
#define FADT_PM_TMR_LEN	    91
#define FADT_FLAGS	    112
#define FADT_RESET_REG	    116
#define FADT_RESET_VALUE    128
#define FADT_X_DSDT	    140
#define FADT_X_PM1A_CNT	    172
#define FADT_X_PM1B_CNT	    184
#define FADT_X_PM_TMR	    208
#define FADT_FLAG_TMR_32BIT BIT32(8)
#define FADT_FLAG_RESET_REG BIT32(10)

#define MADT_FIRST	 44
#define MADT_LAPIC	 0
#define MADT_X2APIC	 9
#define MADT_CPU_ENABLED BIT32(0)

#define SRAT_FIRST	 48
#define SRAT_LAPIC	 0
#define SRAT_X2APIC	 2
#define SRAT_CPU_ENABLED BIT32(0)

#define MCFG_FIRST	 44
#define MCFG_ENTRY_BYTES 16

#define AML_NAME	0x08
#define AML_PACKAGE	0x12
#define AML_ONE		0x01
#define AML_BYTE_PREFIX 0x0a

/* A table of which `len` bytes are readable; reading beyond them gives 0. */
struct table {
	const uint8_t *data;
	uint32_t len;
};

static uint64_t read(const struct table *t, uint32_t off, unsigned bytes)
{
	uint64_t v = 0;

	if (off <= t->len && t->len - off >= bytes)
		memcpy(&v, t->data + off, bytes);
	return v;
}

static uint32_t read32(const struct table *t, uint32_t off)
{
	return (uint32_t)read(t, off, 4);
}

static uint8_t read8(const struct table *t, uint32_t off)
{
	return (uint8_t)read(t, off, 1);
}

static bool checksum_ok(const uint8_t *data, uint32_t len)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + data[i]);
	return sum == 0;
}

/* A whole table with a good checksum. */
static bool table_open(struct table *t, uint64_t hpa, acpi_map_fn map)
{
	t->data = hpa ? map(hpa, HEADER_BYTES) : NULL;
	if (!t->data)
		return false;
	t->len = HEADER_BYTES;
	t->len = read32(t, 4);
	if (t->len < HEADER_BYTES || t->len > TABLE_BYTES_MAX)
		return false;
	t->data = map(hpa, t->len);
	return t->data && checksum_ok(t->data, t->len);
}

static bool has_signature(const struct table *t, const char *signature)
{
	return memcmp(t->data, signature, 4) == 0;
}

static void add_cpu(struct acpi_info *info, uint32_t apic_id, uint32_t flags)
{
	if (!(flags & MADT_CPU_ENABLED) || info->nr_cpus == ACPI_CPU_MAX)
		return;
	for (unsigned i = 0; i < info->nr_cpus; i++) {
		if (info->cpu_apic_id[i] == apic_id)
			return;
	}
	info->cpu_apic_id[info->nr_cpus++] = apic_id;
}

static void parse_madt(struct acpi_info *info, const struct table *t)
{
	uint32_t off = MADT_FIRST;

	while (off + 2 <= t->len) {
		uint8_t type = read8(t, off), len = read8(t, off + 1);

		if (len < 2 || len > t->len - off)
			return;
		if (type == MADT_LAPIC && len >= 8)
			add_cpu(info, read8(t, off + 3), read32(t, off + 4));
		else if (type == MADT_X2APIC && len >= 16)
			add_cpu(info, read32(t, off + 4), read32(t, off + 8));
		off += len;
	}
}

static void add_affinity(struct acpi_info *info, uint32_t apic_id, uint32_t domain, uint32_t flags)
{
	if ((flags & SRAT_CPU_ENABLED) && info->nr_affinities < ACPI_CPU_MAX)
		info->affinity[info->nr_affinities++] = (struct acpi_affinity){ apic_id, domain };
}

/* The older form keeps the domain in two pieces. */
static void parse_srat(struct acpi_info *info, const struct table *t)
{
	uint32_t off = SRAT_FIRST;

	while (off + 2 <= t->len) {
		uint8_t type = read8(t, off), len = read8(t, off + 1);

		if (len < 2 || len > t->len - off)
			return;
		if (type == SRAT_LAPIC && len >= 16)
			add_affinity(info, read8(t, off + 3),
				(uint32_t)read(t, off + 9, 3) << 8 | read8(t, off + 2),
				read32(t, off + 4));
		else if (type == SRAT_X2APIC && len >= 24)
			add_affinity(
				info, read32(t, off + 8), read32(t, off + 4), read32(t, off + 12));
		off += len;
	}
}

bool acpi_domain_of(const struct acpi_info *info, uint32_t apic_id, uint32_t *domain)
{
	for (unsigned i = 0; i < info->nr_affinities; i++) {
		if (info->affinity[i].apic_id == apic_id) {
			*domain = info->affinity[i].domain;
			return true;
		}
	}
	return false;
}

static void parse_mcfg(struct acpi_info *info, const struct table *t)
{
	for (uint32_t off = MCFG_FIRST; off + MCFG_ENTRY_BYTES <= t->len; off += MCFG_ENTRY_BYTES) {
		struct acpi_ecam e = { .hpa = read(t, off, 8),
			.segment = (uint16_t)read(t, off + 8, 2),
			.first_bus = read8(t, off + 10),
			.last_bus = read8(t, off + 11) };

		if (info->nr_ecam == ACPI_ECAM_MAX)
			return;
		if (e.hpa && IS_ALIGNED(e.hpa, MIB(1)) && e.first_bus <= e.last_bus)
			info->ecam[info->nr_ecam++] = e;
	}
}

static struct acpi_gas read_gas(const struct table *t, uint32_t off)
{
	return (struct acpi_gas){ .space = read8(t, off),
		.width_bits = read8(t, off + 1),
		.address = read(t, off + 4, 8) };
}

/* A port given both in the old 32-bit field and, where that is 0, as a generic address. */
static uint16_t read_port(const struct table *t, uint32_t off, uint32_t gas_off)
{
	uint64_t port = read32(t, off);
	struct acpi_gas gas = read_gas(t, gas_off);

	if (!port && gas.space == ACPI_SPACE_IO)
		port = gas.address;
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* One small integer of a package; moves *off behind it. */
static bool read_aml_byte(const struct table *t, uint32_t *off, uint8_t *v)
{
	uint8_t op = read8(t, (*off)++);

	*v = op;
	if (op == AML_BYTE_PREFIX)
		*v = read8(t, (*off)++);
	else if (op > AML_ONE)
		return false;
	return *v < 8 && *off <= t->len;
}

/* Name(_S5_, Package(n){a, b, ...}) at off, where the name stands. */
static bool parse_s5(struct acpi_info *info, const struct table *t, uint32_t off)
{
	uint8_t a, b;

	if (read8(t, off - 1) != AML_NAME && read8(t, off - 2) != AML_NAME)
		return false;
	off += 4;
	if (read8(t, off++) != AML_PACKAGE)
		return false;
	off += 1 + (read8(t, off) >> 6); /* the package's length, in 1 to 4 bytes */
	if (read8(t, off++) < 2)
		return false;
	if (!read_aml_byte(t, &off, &a) || !read_aml_byte(t, &off, &b))
		return false;
	info->s5_typ_a = a;
	info->s5_typ_b = b;
	return true;
}

static void parse_dsdt(struct acpi_info *info, const struct table *t)
{
	for (uint32_t off = HEADER_BYTES; off + 8 <= t->len && !info->s5_valid; off++) {
		if (memcmp(t->data + off, "_S5_", 4) == 0)
			info->s5_valid = parse_s5(info, t, off);
	}
}

static void parse_fadt(struct acpi_info *info, const struct table *t, acpi_map_fn map)
{
	uint32_t flags = read32(t, FADT_FLAGS);
	struct table dsdt;

	info->pm_timer_port = read_port(t, FADT_PM_TMR, FADT_X_PM_TMR);
	info->pm_timer_32bit = flags & FADT_FLAG_TMR_32BIT;
	info->pm1a_control_port = read_port(t, FADT_PM1A_CNT, FADT_X_PM1A_CNT);
	info->pm1b_control_port = read_port(t, FADT_PM1B_CNT, FADT_X_PM1B_CNT);
	info->smi_command_port = (uint16_t)read(t, FADT_SMI_CMD, 2);
	info->acpi_enable = read8(t, FADT_ACPI_ENABLE);
	if (flags & FADT_FLAG_RESET_REG) {
		info->reset = read_gas(t, FADT_RESET_REG);
		info->reset_value = read8(t, FADT_RESET_VALUE);
	}
	if (table_open(&dsdt, read(t, FADT_X_DSDT, 8), map) ||
		table_open(&dsdt, read32(t, FADT_DSDT), map))
		parse_dsdt(info, &dsdt);
}

static void parse_table(struct acpi_info *info, uint64_t hpa, acpi_map_fn map)
{
	struct table t;

	if (!table_open(&t, hpa, map))
		return;
	if (has_signature(&t, "APIC"))
		parse_madt(info, &t);
	else if (has_signature(&t, "FACP"))
		parse_fadt(info, &t, map);
	else if (has_signature(&t, "SRAT"))
		parse_srat(info, &t);
	else if (has_signature(&t, "MCFG"))
		parse_mcfg(info, &t);
}

static bool parse_root(struct acpi_info *info, uint64_t hpa, unsigned entry_bytes, acpi_map_fn map)
{
	struct table root;
	unsigned n = 0;

	if (!table_open(&root, hpa, map) ||
		!has_signature(&root, entry_bytes == 8 ? "XSDT" : "RSDT"))
		return false;
	for (uint32_t off = HEADER_BYTES; off + entry_bytes <= root.len && n < TABLES_MAX; n++) {
		parse_table(info, read(&root, off, entry_bytes), map);
		off += entry_bytes;
	}
	return true;
}

void acpi_parse(struct acpi_info *info, uint64_t rsdp_hpa, acpi_map_fn map)
{
	struct table rsdp = { .len = 20 };

	memset(info, 0, sizeof(*info));
	rsdp.data = rsdp_hpa ? map(rsdp_hpa, 20) : NULL;
	if (!rsdp.data || memcmp(rsdp.data, "RSD PTR ", 8) || !checksum_ok(rsdp.data, 20))
		return;
	if (read8(&rsdp, 15) >= 2) {
		const uint8_t *longer = map(rsdp_hpa, 36);

		if (longer && checksum_ok(longer, 36)) {
			rsdp.data = longer;
			rsdp.len = 36;
		}
	}
	info->present = parse_root(info, read(&rsdp, 24, 8), 8, map) ||
			parse_root(info, read32(&rsdp, 16), 4, map);
}

static struct acpi_info machine;

void acpi_init(uint64_t rsdp_hpa)
{
	acpi_parse(&machine, rsdp_hpa, host_map_firmware);
}

const struct acpi_info *acpi_get(void)
{
	return &machine;
}
