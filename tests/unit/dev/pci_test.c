// sources: hv/dev/pci.c hv/dev/bus.c hv/dev/msix.c hv/dev/virtio_pci.c tests/support/virtio_driver.c tests/support/vring.c hv/mem/guest_mem.c
/* PCI configuration space and MSI-X: sizing, moving and disabling BARs, every width and offset,
 * masks and pending bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "virtio_driver.h"

struct machine {
	struct bus memory, io;
	struct pci_bus pci;
	struct pci_function f;
	struct msix msix;
	unsigned nr_sent;
	uint64_t address;
	uint32_t data;
};

static struct machine m;

static void handle(void *arg, struct bus_access *a)
{
	(void)arg;
	if (!a->write)
		a->value = 0x1122334455667788;
}

static void send(void *ctx, uint64_t address, uint32_t data)
{
	assert_ptr_equal(ctx, &m);
	m.nr_sent++;
	m.address = address;
	m.data = data;
}

static void written(struct pci_function *f, unsigned off, unsigned size_bytes)
{
	(void)off;
	(void)size_bytes;
	msix_config_written(&m.msix, f);
}

static int setup(void **state)
{
	static const struct pci_ids ids = { 0x1234, 0x5678, 0x9abc, 0xdef0, 0x0200, 7 };
	static const struct pci_ops ops = { .config_written = written };

	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(pci_bus_init(&m.pci, &m.memory, &m.io), 0);
	assert_non_null(
		bus_add(&m.memory, 0xb0000000, PCI_ECAM_LEN_BYTES, pci_ecam_access, &m.pci));
	pci_function_init(&m.f, &ids, &ops);
	assert_int_equal(pci_add_bar(&m.pci, &m.f, 0, PCI_BAR_IO, 32, handle, NULL), 0);
	assert_int_equal(msix_init(&m.msix, &m.pci, &m.f, 1, 3, send, &m), 0);
	assert_int_equal(pci_add_bar(&m.pci, &m.f, 2, PCI_BAR_MEM64, 0x4000, handle, NULL), 0);
	assert_int_equal(pci_add_function(&m.pci, &m.f), 0);
	return 0;
}

static void test_headers(void **state)
{
	(void)state;
	assert_int_equal(config_read(&m.io, 0, 0, 4), 0x00081b36);
	assert_int_equal(config_read(&m.io, 0, 0x0a, 2), 0x0600);
	assert_int_equal(config_read(&m.io, 1, 0, 4), 0x56781234);
	assert_int_equal(config_read(&m.io, 1, 3, 1), 0x56);
	assert_int_equal(config_read(&m.io, 1, 0x2c, 4), 0xdef09abc);
	assert_int_equal(config_read(&m.io, 1, 8, 4), 0x02000007);
	assert_int_equal(config_read(&m.io, 1, 4, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	assert_int_equal(config_read(&m.io, 1, 0x3d, 1), 0); /* no interrupt pin */
	assert_int_equal(config_read(&m.io, 2, 0, 4), 0xffffffff);
	machine_write(&m.io, 0xcf8, 4, 0x80000000 | 1 << 16 | 1 << 11); /* another bus */
	assert_int_equal(machine_read(&m.io, 0xcfc, 4), 0xffffffff);
	machine_write(&m.io, 0xcf8, 4, 0x80000000 | 1 << 11 | 1 << 8); /* another function */
	assert_int_equal(machine_read(&m.io, 0xcfc, 4), 0xffffffff);
	machine_write(&m.io, 0xcf8, 4, 1 << 11); /* not enabled */
	assert_int_equal(machine_read(&m.io, 0xcfc, 4), 0xffffffff);
	/* How Linux looks for mechanism #1. */
	machine_write(&m.io, 0xcfb, 1, 1);
	machine_write(&m.io, 0xcf8, 4, 0x80000000);
	assert_int_equal(machine_read(&m.io, 0xcf8, 4), 0x80000000);
	assert_int_equal(machine_read(&m.io, 0xcf8, 2), 0xffff);
}

static void test_ecam(void **state)
{
	uint64_t f = 0xb0000000 + (1 << 15);

	(void)state;
	assert_int_equal(machine_read(&m.memory, f, 4), 0x56781234);
	assert_int_equal(machine_read(&m.memory, f + 1, 2), 0x7812);
	assert_true(machine_read(&m.memory, f, 8) == (0x56781234 | UINT64_C(0x100003) << 32));
	assert_int_equal(machine_read(&m.memory, f + 0x100, 4), 0xffffffff);
	assert_int_equal(machine_read(&m.memory, f + 0x1000, 4), 0xffffffff);
	machine_write(&m.memory, f + 0x3c, 1, 0x42);
	assert_int_equal(config_read(&m.io, 1, 0x3c, 4), 0x42);
}

static void test_bars(void **state)
{
	(void)state;
	assert_int_equal(config_bar(&m.io, 1, 0), PCI_IO_BASE);
	assert_int_equal(config_bar(&m.io, 1, 1), PCI_MMIO_BASE);
	assert_int_equal(config_bar(&m.io, 1, 2), PCI_MMIO_BASE + 0x4000);
	assert_int_equal(machine_read(&m.io, PCI_IO_BASE + 31, 1), 0x88);
	config_write(&m.io, 1, 0x10, 4, 0xffffffff);
	assert_int_equal(config_read(&m.io, 1, 0x10, 4), 0xffe1);
	config_write(&m.io, 1, 0x14, 4, 0xffffffff);
	assert_int_equal(config_read(&m.io, 1, 0x14, 4), 0xfffff000);
	config_write(&m.io, 1, 0x18, 4, 0xffffffff);
	config_write(&m.io, 1, 0x1c, 4, 0xffffffff);
	assert_int_equal(config_read(&m.io, 1, 0x18, 4), 0xffffc004);
	assert_int_equal(config_read(&m.io, 1, 0x1c, 4), 0xffffffff);
	assert_int_equal(machine_read(&m.memory, 0xffffffffffffc000, 1), 0x88);
	assert_int_equal(config_read(&m.io, 1, 0x20, 4), 0);
	config_write(&m.io, 1, 0x20, 4, 0xffffffff);
	assert_int_equal(config_read(&m.io, 1, 0x20, 4), 0);
	/* moved, byte by byte, above 4 GiB */
	for (unsigned i = 0; i < 8; i++)
		config_write(&m.io, 1, 0x18 + i, 1, i == 4 ? 5 : 0);
	assert_int_equal(machine_read(&m.memory, 0x500003fff, 1), 0x88);
	assert_int_equal(machine_read(&m.memory, 0x500004000, 1), 0xff);
	assert_int_equal(machine_read(&m.memory, PCI_MMIO_BASE + 0x4000, 1), 0xff);
	config_write(&m.io, 1, 4, 1, PCI_COMMAND_IO);
	assert_int_equal(machine_read(&m.memory, 0x500000000, 1), 0xff);
	config_write(&m.io, 1, 4, 2, 0xffff);
	assert_int_equal(config_read(&m.io, 1, 4, 2), 0x0407);
	assert_int_equal(machine_read(&m.memory, 0x500000000, 1), 0x88);
	pci_bus_reset(&m.pci);
	assert_int_equal(machine_read(&m.memory, PCI_MMIO_BASE + 0x4000, 1), 0x88);
	assert_int_equal(config_read(&m.io, 1, 0x18, 4), PCI_MMIO_BASE + 0x4004);
}

/* Whatever is written wherever: what is read-only stays. */
static void test_every_offset(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 8 };

	(void)state;
	for (unsigned slot = 0; slot < 3; slot++) {
		for (unsigned off = 0; off < 4096; off++) {
			uint64_t at = 0xb0000000 + (slot << 15) + off;

			for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
				machine_read(&m.memory, at, sizes[s]);
				machine_write(&m.memory, at, sizes[s], off * 0x9e3779b97f4a7c15u);
				machine_write(&m.memory, at, sizes[s], UINT64_MAX);
			}
		}
	}
	assert_int_equal(config_read(&m.io, 1, 0, 4), 0x56781234);
	assert_int_equal(config_read(&m.io, 1, 6, 2), PCI_STATUS_CAP_LIST);
	assert_int_equal(config_read(&m.io, 1, 0x34, 4), 0x40);
	assert_int_equal(config_read(&m.io, 1, 0x40, 4), 0xc0020011);
}

static void test_full(void **state)
{
	static struct pci_function f[PCI_SLOTS];
	static const struct pci_ids ids = { 1, 1, 1, 1, 1, 1 };
	struct pci_function g;

	(void)state;
	for (unsigned i = 2; i < PCI_SLOTS; i++) {
		pci_function_init(&f[i], &ids, NULL);
		assert_int_equal(pci_add_function(&m.pci, &f[i]), 0);
	}
	pci_function_init(&g, &ids, NULL);
	assert_true(pci_add_function(&m.pci, &g) < 0);
	assert_true(pci_add_bar(&m.pci, &g, 0, PCI_BAR_MEM32, GIB(1), handle, NULL) < 0);
	assert_true(pci_add_bar(&m.pci, &g, 0, PCI_BAR_IO, 4096, handle, NULL) < 0);
	while (pci_add_capability(&g, PCI_CAP_ID_VENDOR, 16) >= 0)
		;
	assert_int_equal(g.cap_end, 256);
}

#define TABLE (PCI_MMIO_BASE)
#define PBA   (PCI_MMIO_BASE + MSIX_PBA_OFFSET)

static void test_msix(void **state)
{
	(void)state;
	assert_int_equal(machine_read(&m.memory, TABLE + 12, 4), 1); /* masked after reset */
	msix_notify(&m.msix, 0);
	assert_int_equal(machine_read(&m.memory, PBA, 8), 0); /* disabled: nothing happens */
	config_write(&m.io, 1, 0x42, 2, 0x8000);
	machine_write(&m.memory, TABLE + 16, 8, 0x12345678fee01003);
	machine_write(&m.memory, TABLE + 24, 4, 0x4041);
	msix_notify(&m.msix, 1);
	msix_notify(&m.msix, 1);
	msix_notify(&m.msix, 3); /* not there */
	assert_int_equal(m.nr_sent, 0);
	assert_int_equal(machine_read(&m.memory, PBA, 4), 2);
	machine_write(&m.memory, PBA, 8, UINT64_MAX);
	assert_int_equal(machine_read(&m.memory, PBA, 8), 2);
	machine_write(&m.memory, TABLE + 28, 4, 0xfffffffe);
	assert_int_equal(m.nr_sent, 1); /* pending ones coalesce */
	assert_true(m.address == 0x12345678fee01000);
	assert_int_equal(m.data, 0x4041);
	assert_int_equal(machine_read(&m.memory, PBA, 8), 0);
	assert_int_equal(machine_read(&m.memory, TABLE + 28, 4), 0);
	msix_notify(&m.msix, 1);
	assert_int_equal(m.nr_sent, 2);
	config_write(&m.io, 1, 0x43, 1, 0xc0); /* function mask */
	msix_notify(&m.msix, 1);
	assert_int_equal(m.nr_sent, 2);
	config_write(&m.io, 1, 0x40, 4, 0x80000000);
	assert_int_equal(m.nr_sent, 3);
	msix_notify(&m.msix, 0);
	msix_reset(&m.msix);
	assert_int_equal(machine_read(&m.memory, PBA, 8), 0);
	/* Entries behind the last vector do not exist, at any offset and width. */
	for (unsigned off = 0; off < MSIX_BAR_LEN_BYTES; off++) {
		machine_write(&m.memory, TABLE + off, 8, 0xa5a5a5a5a5a5a5a5);
		machine_read(&m.memory, TABLE + off, 4);
	}
	assert_int_equal(machine_read(&m.memory, TABLE + 48, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_headers, setup),
		cmocka_unit_test_setup(test_ecam, setup),
		cmocka_unit_test_setup(test_bars, setup),
		cmocka_unit_test_setup(test_every_offset, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_msix, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
