// sources: hv/cpu/acpi.c
/* ACPI tables in an arena whose offsets are the physical addresses: good ones, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/acpi.h"
#include "mem/host_paging.h"

#define ARENA_BYTES 0x10000u
#define RSDP	    0x100u
#define RSDT	    0x200u
#define XSDT	    0x300u
#define MADT	    0x400u
#define FADT	    0x600u
#define MCFG	    0x800u
#define SRAT	    0x900u
#define DSDT	    0x1000u

static uint8_t arena[ARENA_BYTES];
static struct acpi_info info;

/* A copy of exactly this length, so that ASan sees every byte too many. */
static void *copies[64];
static unsigned nr_copies;

static const void *map(uint64_t hpa, uint64_t len)
{
	if (hpa >= ARENA_BYTES || len > ARENA_BYTES - hpa || nr_copies == 64)
		return NULL;
	copies[nr_copies] = malloc(len ? len : 1);
	return memcpy(copies[nr_copies++], arena + hpa, len);
}

const void *host_map_firmware(uint64_t hpa, uint64_t len)
{
	return map(hpa, len);
}

static void put(uint32_t at, uint64_t v, unsigned bytes)
{
	memcpy(arena + at, &v, bytes);
}

static void seal(uint32_t at, uint32_t len, uint32_t sum_at)
{
	uint8_t sum = 0;

	arena[at + sum_at] = 0;
	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + arena[at + i]);
	arena[at + sum_at] = (uint8_t)-sum;
}

static void table(uint32_t at, const char *signature, uint32_t len)
{
	memcpy(arena + at, signature, 4);
	put(at + 4, len, 4);
	seal(at, len, 9);
}

static void make_madt(void)
{
	static const uint8_t entries[] = {
		0, 8, 0, 0, 1, 0, 0, 0,				       /* APIC id 0, enabled */
		0, 8, 1, 2, 1, 0, 0, 0,				       /* APIC id 2, enabled */
		0, 8, 2, 4, 0, 0, 0, 0,				       /* APIC id 4, disabled */
		1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,		       /* an I/O APIC */
		9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* x2APIC id 0x1234 */
		9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,       /* id 2 a second time */
	};

	memcpy(arena + MADT + 44, entries, sizeof(entries));
	table(MADT, "APIC", 44 + sizeof(entries));
}

static void make_fadt(void)
{
	put(FADT + 40, DSDT, 4);
	put(FADT + 48, 0xb2, 4);
	put(FADT + 52, 0x02, 1);
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	put(FADT + 112, BIT32(8) | BIT32(10), 4);
	put(FADT + 116, 1 | 8 << 8, 4);
	put(FADT + 120, 0xcf9, 8);
	put(FADT + 128, 0x0f, 1);
	table(FADT, "FACP", 276);
}

static void make_dsdt(void)
{
	/* a stray mention first, then Name (_S5_, Package (4) {5, One, ...}) */
	static const uint8_t aml[] = { 'x', '_', 'S', '5', '_', 0x12, 0x08, '_', 'S', '5', '_',
		0x12, 0x08, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00 };

	memcpy(arena + DSDT + 36, aml, sizeof(aml));
	table(DSDT, "DSDT", 36 + sizeof(aml));
}

static void make_mcfg(void)
{
	put(MCFG + 44, 0xb0000000, 8);
	put(MCFG + 54, 0, 1);
	put(MCFG + 55, 255, 1);
	put(MCFG + 60, 0xc0000001, 8); /* not aligned: skipped */
	table(MCFG, "MCFG", 76);
}

/* ACPI 6.5, 5.2.16. Each returns where the next entry begins. */
static uint32_t srat_local_apic(uint32_t at, uint8_t id, uint32_t domain, bool enabled)
{
	put(at + 1, 16, 1);
	put(at + 2, domain & 0xff, 1);
	put(at + 3, id, 1);
	put(at + 4, enabled, 4);
	put(at + 9, domain >> 8, 3);
	return at + 16;
}

static uint32_t srat_memory(uint32_t at)
{
	put(at, 1, 1);
	put(at + 1, 40, 1);
	return at + 40;
}

static uint32_t srat_x2apic(uint32_t at, uint32_t id, uint32_t domain)
{
	put(at, 2, 1);
	put(at + 1, 24, 1);
	put(at + 4, domain, 4);
	put(at + 8, id, 4);
	put(at + 12, 1, 4);
	return at + 24;
}

static void make_srat(void)
{
	uint32_t at = SRAT + 48;

	at = srat_local_apic(at, 0, 0, true);
	at = srat_local_apic(at, 2, 0x105, true);
	at = srat_local_apic(at, 4, 7, false);
	at = srat_memory(at);
	at = srat_x2apic(at, 0x1234, 9);
	table(SRAT, "SRAT", at - SRAT);
}

static void make_roots(void)
{
	static const uint32_t tables[] = { MADT, FADT, MCFG, SRAT };

	for (unsigned i = 0; i < 4; i++) {
		put(XSDT + 36 + 8 * i, tables[i], 8);
		put(RSDT + 36 + 4 * i, tables[i], 4);
	}
	table(XSDT, "XSDT", 36 + 32);
	table(RSDT, "RSDT", 36 + 16);
	memcpy(arena + RSDP, "RSD PTR ", 8);
	put(RSDP + 15, 2, 1);
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
}

static int setup(void **state)
{
	(void)state;
	memset(arena, 0, sizeof(arena));
	make_madt();
	make_fadt();
	make_dsdt();
	make_mcfg();
	make_srat();
	make_roots();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (nr_copies)
		free(copies[--nr_copies]);
	return 0;
}

static void test_everything(void **state)
{
	(void)state;
	acpi_parse(&info, RSDP, map);
	assert_true(info.present);
	assert_int_equal(info.nr_cpus, 3);
	assert_int_equal(info.cpu_apic_id[1], 2);
	assert_int_equal(info.cpu_apic_id[2], 0x1234);
	assert_int_equal(info.pm_timer_port, 0x608);
	assert_true(info.pm_timer_32bit);
	assert_int_equal(info.pm1a_control_port, 0x604);
	assert_int_equal(info.pm1b_control_port, 0);
	assert_int_equal(info.smi_command_port, 0xb2);
	assert_true(info.s5_valid);
	assert_int_equal(info.s5_typ_a, 5);
	assert_int_equal(info.s5_typ_b, 1);
	assert_int_equal(info.reset.space, ACPI_SPACE_IO);
	assert_int_equal(info.reset.address, 0xcf9);
	assert_int_equal(info.reset_value, 0x0f);
	assert_int_equal(info.nr_ecam, 1);
	assert_int_equal(info.ecam[0].hpa, 0xb0000000);
	assert_int_equal(info.ecam[0].last_bus, 255);
}

static void test_affinities(void **state)
{
	uint32_t domain;

	(void)state;
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.nr_affinities, 3);
	assert_true(acpi_domain_of(&info, 0, &domain));
	assert_int_equal(domain, 0);
	assert_true(acpi_domain_of(&info, 2, &domain));
	assert_int_equal(domain, 0x105);
	assert_true(acpi_domain_of(&info, 0x1234, &domain));
	assert_int_equal(domain, 9);
	assert_false(acpi_domain_of(&info, 4, &domain));
	arena[SRAT + 48 + 17] = 0; /* an entry of length 0: the rest is not read */
	table(SRAT, "SRAT", 48 + 112);
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.nr_affinities, 1);
}

static void test_no_rsdp(void **state)
{
	(void)state;
	acpi_parse(&info, 0, map);
	assert_false(info.present);
	acpi_parse(&info, ARENA_BYTES, map);
	assert_false(info.present);
	arena[RSDP]++;
	acpi_parse(&info, RSDP, map);
	assert_false(info.present);
}

static void test_falls_back_to_rsdt(void **state)
{
	(void)state;
	arena[XSDT + 40]++; /* checksum */
	acpi_parse(&info, RSDP, map);
	assert_true(info.present);
	assert_int_equal(info.nr_cpus, 3);
	memset(arena + RSDP + 24, 0xff, 8);
	seal(RSDP, 36, 32);
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.nr_cpus, 3);
}

static void test_bad_table_is_skipped(void **state)
{
	(void)state;
	arena[MADT + 50]++;
	put(MCFG + 4, 0xffffffff, 4);
	acpi_parse(&info, RSDP, map);
	assert_true(info.present);
	assert_int_equal(info.nr_cpus, 0);
	assert_int_equal(info.nr_ecam, 0);
	assert_int_equal(info.pm_timer_port, 0x608);
}

static void test_short_fadt(void **state)
{
	(void)state;
	table(FADT, "FACP", 78);
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.pm1a_control_port, 0x604);
	assert_int_equal(info.pm_timer_port, 0);
	assert_int_equal(info.reset.address, 0);
}

static void test_madt_entry_of_length_0(void **state)
{
	(void)state;
	arena[MADT + 44 + 9] = 0;
	table(MADT, "APIC", 44 + 68);
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.nr_cpus, 1);
}

/* Any byte of any table changed, with checksums made good again: nothing may break. */
static void test_mutations(void **state)
{
	static const uint32_t at[] = { RSDT, XSDT, MADT, FADT, MCFG, SRAT, DSDT };

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t t = at[(unsigned)rand() % 7], len;

		setup(NULL);
		memcpy(&len, arena + t + 4, 4);
		arena[t + 4 + (unsigned)rand() % (len - 4)] = (uint8_t)rand();
		arena[t + 36 + (unsigned)rand() % (len - 36)] = (uint8_t)rand();
		memcpy(&len, arena + t + 4, 4);
		if (len >= 36 && len <= ARENA_BYTES - t)
			seal(t, len, 9);
		acpi_parse(&info, RSDP, map);
		assert_true(info.nr_cpus <= ACPI_CPU_MAX && info.nr_ecam <= ACPI_ECAM_MAX &&
			    info.nr_affinities <= ACPI_CPU_MAX);
		teardown(NULL);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_everything),
		T(test_affinities),
		T(test_no_rsdp),
		T(test_falls_back_to_rsdt),
		T(test_bad_table_is_skipped),
		T(test_short_fadt),
		T(test_madt_entry_of_length_0),
		T(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
