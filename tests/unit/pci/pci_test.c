/* Configuration access by CF8/CFC against a few functions made of 256 bytes and write masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/hw.h"

static uint32_t fake_inl(uint16_t port);
static void fake_outl(uint16_t port, uint32_t v);
#define inl  fake_inl
#define outl fake_outl
#include "drivers/pci/pci.c"
#undef inl
#undef outl

struct function {
	pci_bdf bdf;
	uint8_t data[256];
	uint8_t writable[256]; /* bits that keep what is written */
	uint8_t clears[256];   /* bits that a 1 clears */
};

static struct function functions[4];
static unsigned nr_functions;
static uint32_t selected;

static struct function *find(void)
{
	for (unsigned i = 0; i < nr_functions; i++) {
		if (selected >> 31 && (selected >> 8 & 0xffff) == functions[i].bdf)
			return &functions[i];
	}
	return NULL;
}

static uint32_t fake_inl(uint16_t port)
{
	struct function *f = find();
	uint32_t v = UINT32_MAX;

	assert_int_equal(port, 0xcfc);
	if (f)
		memcpy(&v, f->data + (selected & 0xfc), 4);
	return v;
}

static void fake_outl(uint16_t port, uint32_t v)
{
	struct function *f;

	if (port == 0xcf8) {
		selected = v;
		return;
	}
	f = find();
	for (unsigned i = 0; f && i < 4; i++) {
		unsigned at = (selected & 0xfc) + i;
		uint8_t byte = (uint8_t)(v >> 8 * i);

		f->data[at] =
			(uint8_t)((f->data[at] & ~f->writable[at]) | (byte & f->writable[at]));
		f->data[at] &= (uint8_t) ~(byte & f->clears[at]);
	}
}

const struct acpi_info *acpi_get(void)
{
	static struct acpi_info none;

	return &none;
}

void *mmio_map(uint64_t hpa, uint64_t len_bytes)
{
	(void)len_bytes;
	return (void *)hpa;
}

static struct function *add(pci_bdf bdf, uint16_t vendor, uint16_t device)
{
	struct function *f = &functions[nr_functions++];

	memset(f, 0, sizeof(*f));
	f->bdf = bdf;
	memcpy(f->data, &vendor, 2);
	memcpy(f->data + 2, &device, 2);
	memset(f->writable + HOST_PCI_COMMAND, 0xff, 2);
	memset(f->clears + HOST_PCI_STATUS, 0xf9, 2);
	f->data[HOST_PCI_STATUS + 1] = 0x20; /* master abort seen: a write of 1 would clear it */
	return f;
}

static void set_bar(struct function *f, unsigned index, uint32_t value, uint32_t mask)
{
	memcpy(f->data + HOST_PCI_BAR(index), &value, 4);
	memcpy(f->writable + HOST_PCI_BAR(index), &mask, 4);
}

static int setup(void **state)
{
	(void)state;
	nr_functions = 0;
	return 0;
}

static void test_widths(void **state)
{
	struct function *f = add(HOST_PCI_BDF(0, 3, 0), 0x8086, 0x100e);

	(void)state;
	memset(f->writable + 0x40, 0xff, 4);
	host_pci_write32(f->bdf, 0x40, 0x44332211);
	assert_int_equal(host_pci_read8(f->bdf, 0x42), 0x33);
	assert_int_equal(host_pci_read16(f->bdf, 0x42), 0x4433);
	host_pci_write8(f->bdf, 0x41, 0xaa);
	host_pci_write16(f->bdf, 0x42, 0xccdd);
	assert_int_equal(host_pci_read32(f->bdf, 0x40), 0xccddaa11);
	assert_int_equal(host_pci_read32(f->bdf, 0x100), UINT32_MAX);
	assert_int_equal(host_pci_read32(HOST_PCI_BDF(0, 4, 0), 0), UINT32_MAX);
}

static void test_command_leaves_status(void **state)
{
	struct function *f = add(HOST_PCI_BDF(0, 3, 0), 0x8086, 0x100e);

	(void)state;
	host_pci_set_command(f->bdf, HOST_PCI_COMMAND_MASTER | HOST_PCI_COMMAND_MEMORY, 0);
	host_pci_set_command(f->bdf, 0, HOST_PCI_COMMAND_MEMORY);
	assert_int_equal(host_pci_read16(f->bdf, HOST_PCI_COMMAND), HOST_PCI_COMMAND_MASTER);
	assert_int_equal(host_pci_read16(f->bdf, HOST_PCI_STATUS), 0x2000);
}

static void test_bars(void **state)
{
	struct function *f = add(HOST_PCI_BDF(0, 3, 0), 0x8086, 0x10fb);
	struct host_pci_bar bar;

	(void)state;
	set_bar(f, 0, 0xfeb8000c, 0xfff80000); /* 64-bit, prefetchable, 512 KiB */
	set_bar(f, 1, 0x00000001, 0xffffffff);
	set_bar(f, 2, 0x0000c001, 0x0000ffe0); /* 32 ports, upper half not implemented */
	set_bar(f, 3, 0xfebf0000, 0xffffc000); /* 16 KiB */
	assert_int_equal(host_pci_bar_read(f->bdf, 0, &bar), 0);
	assert_true(bar.is_64bit && bar.is_prefetchable && !bar.is_io);
	assert_int_equal(bar.address, 0x1feb80000);
	assert_int_equal(bar.len_bytes, 0x80000);
	assert_int_equal(host_pci_bar_read(f->bdf, 1, &bar), -ENOENT);
	assert_int_equal(host_pci_bar_read(f->bdf, 2, &bar), 0);
	assert_true(bar.is_io);
	assert_int_equal(bar.address, 0xc000);
	assert_int_equal(bar.len_bytes, 32);
	assert_int_equal(host_pci_bar_read(f->bdf, 3, &bar), 0);
	assert_int_equal(bar.len_bytes, 0x4000);
	assert_int_equal(host_pci_bar_read(f->bdf, 4, &bar), -ENOENT);
	assert_int_equal(host_pci_bar_read(f->bdf, 6, &bar), -ENOENT);
	assert_ptr_equal(host_pci_bar_map(f->bdf, 3), (void *)0xfebf0000);
	assert_null(host_pci_bar_map(f->bdf, 2));
	assert_int_equal(host_pci_read32(f->bdf, HOST_PCI_BAR(0)), 0xfeb8000c);
}

static void test_enumeration(void **state)
{
	struct function *bridge = add(HOST_PCI_BDF(0, 1, 0), 0x8086, 1);
	pci_bdf bdf;

	(void)state;
	bridge->data[HOST_PCI_HEADER_TYPE] = 0x81; /* a bridge, several functions */
	bridge->data[HOST_PCI_SECONDARY_BUS] = 5;
	add(HOST_PCI_BDF(0, 1, 3), 0x8086, 0x7113);
	add(HOST_PCI_BDF(5, 0, 0), 0x8086, 0x10fb);
	add(HOST_PCI_BDF(6, 0, 0), 0x8086, 0x10fb); /* behind no bridge */
	assert_int_equal(host_pci_find(0x8086, 0x7113, 0, &bdf), 0);
	assert_int_equal(bdf, HOST_PCI_BDF(0, 1, 3));
	assert_int_equal(host_pci_find(0x8086, 0x10fb, 0, &bdf), 0);
	assert_int_equal(bdf, HOST_PCI_BDF(5, 0, 0));
	assert_int_equal(host_pci_find(0x8086, 0x10fb, 1, &bdf), -ENODEV);
}

static void test_capabilities(void **state)
{
	struct function *f = add(HOST_PCI_BDF(0, 3, 0), 0x8086, 0x10fb);

	(void)state;
	f->data[HOST_PCI_CAPABILITIES] = 0x40;
	assert_int_equal(
		host_pci_find_capability(f->bdf, HOST_PCI_CAP_MSIX), 0); /* STATUS has no list */
	f->data[HOST_PCI_STATUS] = 0x10;
	f->data[0x40] = 1;
	f->data[0x41] = 0x53; /* the low bits are reserved */
	f->data[0x50] = HOST_PCI_CAP_MSIX;
	assert_int_equal(host_pci_find_capability(f->bdf, HOST_PCI_CAP_MSIX), 0x50);
	f->data[0x51] = 0x40; /* a circle */
	assert_int_equal(host_pci_find_capability(f->bdf, 0x10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_widths, setup),
		cmocka_unit_test_setup(test_command_leaves_status, setup),
		cmocka_unit_test_setup(test_bars, setup),
		cmocka_unit_test_setup(test_enumeration, setup),
		cmocka_unit_test_setup(test_capabilities, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
