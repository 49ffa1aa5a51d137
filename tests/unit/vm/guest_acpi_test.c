// sources: hv/vm/guest_acpi.c hv/mem/guest_mem.c
/* Table links, checksums, and that ASL and C agree on addresses.
 * With SLUICE_ACPI_DUMP=DIR the tables are written there, for `iasl -d DIR/X.dat`. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dev/ioapic.h"
#include "dev/pci.h"
#include "dev/power.h"
#include "dev/uart16550.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/guest_acpi.h"
#include "vm/guest_layout.h"

/* The devices name their own addresses. */
_Static_assert(GUEST_IOAPIC_GPA == IOAPIC_GPA && GUEST_IOAPIC_LEN == IOAPIC_SIZE_BYTES, "");
_Static_assert(GUEST_PCI_MMIO_GPA == PCI_MMIO_BASE && GUEST_PCI_MMIO_LEN == PCI_MMIO_LEN_BYTES, "");
_Static_assert(GUEST_PORT_PCI_IO == PCI_IO_BASE && GUEST_PORT_PCI_IO_LEN == PCI_IO_LEN_BYTES, "");
_Static_assert(GUEST_PORT_PCI_ADDRESS == PCI_CONFIG_PORT, "");
_Static_assert(GUEST_PORT_SLEEP_CONTROL == POWER_SLEEP_CONTROL_PORT, "");
_Static_assert(GUEST_PORT_SLEEP_STATUS == POWER_SLEEP_STATUS_PORT, "");
_Static_assert(GUEST_PORT_RESET == POWER_RESET_PORT && GUEST_RESET_VALUE == POWER_RESET_VALUE, "");
_Static_assert(GUEST_PORT_UART == UART_COM1_PORT && GUEST_UART_IRQ == UART_COM1_IRQ, "");

static uint8_t ram[MIB(1)];
static const struct guest_mem memory = { 1, { { 0, sizeof(ram), ram } } };

static uint64_t get64(uint64_t gpa)
{
	uint64_t v;

	memcpy(&v, ram + gpa, sizeof(v));
	return v;
}

static uint32_t get32(uint64_t gpa)
{
	return (uint32_t)get64(gpa);
}

static uint8_t sum(uint64_t gpa, uint64_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + ram[gpa++]);
	return s;
}

static void dump(const struct acpi_header *h)
{
	const char *dir = getenv("SLUICE_ACPI_DUMP");
	char path[256];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%.4s.dat", dir, h->signature);
	f = fopen(path, "wb");
	assert_non_null(f);
	fwrite(h, 1, h->length, f);
	fclose(f);
}

/* GPA of the table with that signature, checksum verified. */
static uint64_t find(const char *signature)
{
	uint64_t xsdt = get64(GUEST_ACPI_GPA + 24);
	uint64_t end = xsdt + get32(xsdt + 4);

	for (uint64_t p = xsdt + 36; p < end; p += 8) {
		uint64_t gpa = get64(p);

		if (memcmp(ram + gpa, signature, 4) == 0) {
			assert_int_equal(sum(gpa, get32(gpa + 4)), 0);
			dump((const void *)(ram + gpa));
			return gpa;
		}
	}
	return 0;
}

static int setup(void **state)
{
	uint64_t rsdp = 0;

	(void)state;
	assert_int_equal(guest_acpi_build(&memory, 3, &rsdp), 0);
	assert_int_equal(rsdp, GUEST_ACPI_GPA);
	return 0;
}

static void test_rsdp_and_xsdt(void **state)
{
	uint64_t xsdt = get64(GUEST_ACPI_GPA + 24);

	(void)state;
	assert_memory_equal(ram + GUEST_ACPI_GPA, "RSD PTR ", 8);
	assert_int_equal(sum(GUEST_ACPI_GPA, 20), 0);
	assert_int_equal(sum(GUEST_ACPI_GPA, 36), 0);
	assert_memory_equal(ram + xsdt, "XSDT", 4);
	assert_int_equal(sum(xsdt, get32(xsdt + 4)), 0);
}

static void test_fadt(void **state)
{
	uint64_t fadt = find("FACP");

	(void)state;
	assert_int_not_equal(fadt, 0);
	assert_int_equal(get32(fadt + 112), 1u << 20 | 1u << 10 | 1u);
	assert_int_equal(get64(fadt + 120), GUEST_PORT_RESET);
	assert_int_equal(ram[fadt + 128], GUEST_RESET_VALUE);
	assert_int_equal(get64(fadt + 248), GUEST_PORT_SLEEP_CONTROL);
	assert_int_equal(get64(fadt + 260), GUEST_PORT_SLEEP_STATUS);
}

static void test_madt(void **state)
{
	uint64_t madt = find("APIC"), p = madt + 44, end = madt + get32(madt + 4);
	unsigned lapics = 0, ioapics = 0;

	(void)state;
	assert_int_not_equal(madt, 0);
	assert_int_equal(get32(madt + 36), GUEST_LAPIC_GPA);
	for (; p < end; p += ram[p + 1]) {
		if (ram[p] == 0) {
			assert_int_equal(ram[p + 3], lapics++);
			assert_int_equal(get32(p + 4), 1);
		} else {
			assert_int_equal(ram[p], 1);
			assert_int_equal(get32(p + 4), GUEST_IOAPIC_GPA);
			ioapics++;
		}
	}
	assert_int_equal(p, end);
	assert_int_equal(lapics, 3);
	assert_int_equal(ioapics, 1);
}

static void test_mcfg(void **state)
{
	uint64_t mcfg = find("MCFG");

	(void)state;
	assert_int_not_equal(mcfg, 0);
	assert_int_equal(get64(mcfg + 44), GUEST_ECAM_GPA);
	assert_int_equal(ram[mcfg + 54], 0);
	assert_int_equal(ram[mcfg + 55], 0);
}

static uint64_t dsdt_gpa(void)
{
	return get64(find("FACP") + 140);
}

static int dsdt_has(const void *bytes, size_t len)
{
	uint64_t dsdt = dsdt_gpa();

	for (uint64_t p = dsdt; p + len <= dsdt + get32(dsdt + 4); p++)
		if (memcmp(ram + p, bytes, len) == 0)
			return 1;
	return 0;
}

static void test_dsdt_agrees_with_layout(void **state)
{
	const uint32_t bar[] = { GUEST_PCI_MMIO_GPA, GUEST_PCI_MMIO_GPA + GUEST_PCI_MMIO_LEN - 1, 0,
		GUEST_PCI_MMIO_LEN };
	const uint16_t io[] = { GUEST_PORT_PCI_IO, GUEST_PORT_PCI_IO + GUEST_PORT_PCI_IO_LEN - 1, 0,
		GUEST_PORT_PCI_IO_LEN };
	const uint32_t ecam[] = { GUEST_ECAM_GPA, GUEST_ECAM_LEN };
	const uint8_t uart[] = { 0x47, 1, 0xf8, 0x03, 0xf8, 0x03, 1, GUEST_PORT_UART_LEN };
	const uint8_t sleep[] = { 0x47, 1, 0x00, 0x06, 0x00, 0x06, 1, 2 };

	(void)state;
	assert_memory_equal(ram + dsdt_gpa(), "DSDT", 4);
	assert_int_equal(sum(dsdt_gpa(), get32(dsdt_gpa() + 4)), 0);
	dump((const void *)(ram + dsdt_gpa()));
	assert_int_equal(get32(find("FACP") + 40), dsdt_gpa());
	assert_true(dsdt_has(bar, sizeof(bar)));
	assert_true(dsdt_has(io, sizeof(io)));
	assert_true(dsdt_has(ecam, sizeof(ecam)));
	assert_true(dsdt_has(uart, sizeof(uart)));
	assert_true(dsdt_has(sleep, sizeof(sleep)));
}

static void test_limits(void **state)
{
	const struct guest_mem small = { 1, { { 0, GUEST_ACPI_GPA, ram } } };
	uint64_t rsdp;

	(void)state;
	assert_int_equal(guest_acpi_build(&memory, GUEST_ACPI_VCPUS_MAX, &rsdp), 0);
	assert_int_equal(get32(find("APIC") + 4), 44 + 12 + 8 * GUEST_ACPI_VCPUS_MAX);
	assert_int_equal(guest_acpi_build(&memory, GUEST_ACPI_VCPUS_MAX + 1, &rsdp), -EINVAL);
	assert_int_equal(guest_acpi_build(&small, 1, &rsdp), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rsdp_and_xsdt, setup),
		cmocka_unit_test_setup(test_fadt, setup),
		cmocka_unit_test_setup(test_madt, setup),
		cmocka_unit_test_setup(test_mcfg, setup),
		cmocka_unit_test_setup(test_dsdt_agrees_with_layout, setup),
		cmocka_unit_test_setup(test_limits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
