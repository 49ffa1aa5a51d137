// sources: @model tests/support/model_bench.c
/* A PCI function's interrupts against PCI Local Bus 3.0 ("PCI"). */
#include "pci_fixture.h"

/* PCI 6.8.2.9 and 6.8.3.5: masked in the table, by the function mask; pending bits. */
static void test_msix(void **state)
{
	(void)state;
	bench_enable(&dev);
	pci_dev_msix(&dev, 2); /* MSI-X is off: nothing is kept either */
	bench_enable_msix(&dev);
	assert_int_equal(pci_dev_irq_mode(&dev), PCI_IRQ_MSIX);
	assert_int_equal(slot->nr_messages, 0);
	bench_write32(&dev, 4, TABLE(2), 0xfee01003); /* bits 1:0 are 0 */
	bench_write32(&dev, 4, TABLE(2) + 4, 1);
	bench_write32(&dev, 4, TABLE(2) + 8, 0x4042);
	assert_true(bench_read64(&dev, 4, TABLE(2)) == UINT64_C(0x1fee01000));
	pci_dev_msix(&dev, 2);
	assert_int_equal(slot->nr_messages, 1);
	assert_true(slot->message[0].addr == UINT64_C(0x1fee01000));
	assert_int_equal(slot->message[0].data, 0x4042);

	bench_write32(&dev, 4, TABLE(2) + 12, 1);
	pci_dev_msix(&dev, 2);
	pci_dev_msix(&dev, 2); /* one pending bit, one message */
	assert_int_equal(bench_read32(&dev, 4, PBA), 4);
	assert_int_equal(pci_dev_bar_read(&dev, 4, PBA, 1), 4);
	bench_write32(&dev, 4, PBA, 0xff); /* read-only */
	set(MSIX + 2, 0xc000, 2);
	bench_write64(&dev, 4, TABLE(2) + 8, 0x4042); /* unmasks; the function is masked */
	pci_dev_msix(&dev, 0);
	assert_int_equal(bench_read64(&dev, 4, PBA), 5);
	assert_int_equal(slot->nr_messages, 1);
	set(MSIX + 2, 0x8000, 2);
	assert_int_equal(slot->nr_messages, 3);
	assert_int_equal(bench_messages(slot, 0x4042, 1), 1);
	assert_int_equal(bench_messages(slot, 0, 1), 1);
	assert_int_equal(bench_read32(&dev, 4, PBA), 0);
	pci_dev_msix(&dev, NR_VECTORS);
	pci_dev_msix(&dev, 100);
	assert_int_equal(slot->nr_messages, 3);
	bench_read32(&dev, 4, TABLE(NR_VECTORS)); /* behind the table: the model's */
	assert_int_equal(model.off, TABLE(NR_VECTORS));
}

static void test_bus_mastering_holds_messages(void **state)
{
	(void)state;
	bench_enable(&dev);
	bench_enable_msix(&dev);
	set(COMMAND, 2, 2);
	pci_dev_msix(&dev, 3);
	assert_int_equal(slot->nr_messages, 0);
	assert_int_equal(bench_read32(&dev, 4, PBA), 8);
	set(COMMAND, 2 | MASTER, 2);
	assert_int_equal(bench_messages(slot, 3, 0), 1);
	set(MSIX + 2, 0, 2);
	set(MSI + 2, 1, 2);
	set(COMMAND, 2, 2);
	pci_dev_msi(&dev);
	set(COMMAND, 2 | MASTER, 2);
	assert_int_equal(slot->nr_messages, 2);
}

/* PCI 6.8.1: 64-bit address, per-vector mask and pending bit. */
static void test_msi(void **state)
{
	(void)state;
	bench_enable(&dev);
	pci_dev_msi(&dev);
	assert_int_equal(get(MSI + 2, 2), 0x0180);
	set(MSI + 4, 0xfee02007, 4);
	set(MSI + 8, 0x2, 4);
	set(MSI + 12, 0x4051, 2);
	set(MSI + 2, 0x0071, 2); /* more messages than were asked for: not writable */
	assert_int_equal(get(MSI + 2, 2), 0x0181);
	assert_int_equal(pci_dev_irq_mode(&dev), PCI_IRQ_MSI);
	pci_dev_msi(&dev);
	assert_int_equal(slot->nr_messages, 1);
	assert_true(slot->message[0].addr == UINT64_C(0x2fee02004));
	assert_int_equal(slot->message[0].data, 0x4051);
	set(MSI + 0x10, 1, 4);
	pci_dev_msi(&dev);
	assert_int_equal(get(MSI + 0x14, 4), 1);
	set(MSI + 0x14, 0, 4);
	assert_int_equal(get(MSI + 0x14, 4), 1);
	set(MSI + 0x10, 0, 4);
	assert_int_equal(slot->nr_messages, 2);
	assert_int_equal(get(MSI + 0x14, 4), 0);
}

/* PCI 6.2.2, 6.2.3: Interrupt Disable acts on the line, not on the status bit. */
static void test_intx(void **state)
{
	(void)state;
	bench_enable(&dev);
	pci_dev_intx(&dev, true);
	pci_dev_intx(&dev, true);
	assert_int_equal(slot->nr_intx_edges, 1);
	assert_int_equal(get(STATUS, 2) & 8, 8);
	set(COMMAND, 0x407, 2);
	assert_false(slot->intx);
	assert_int_equal(get(STATUS, 2) & 8, 8);
	set(COMMAND, 0x007, 2);
	assert_true(slot->intx);
	bench_enable_msi(&dev); /* a function that uses MSI does not use its line */
	assert_false(slot->intx);
	set(MSI + 2, 0, 2);
	assert_true(slot->intx);
	pci_dev_intx(&dev, false);
	assert_false(slot->intx);
	assert_int_equal(get(STATUS, 2) & 8, 0);
}

static void test_lost_interrupts(void **state)
{
	(void)state;
	bench_enable(&dev);
	dev.lose_interrupts = 1;
	pci_dev_intx(&dev, true);
	pci_dev_intx(&dev, true); /* still the same assertion */
	set(COMMAND, 0x107, 2);
	assert_false(slot->intx);
	pci_dev_intx(&dev, false);
	pci_dev_intx(&dev, true);
	assert_true(slot->intx);
	pci_dev_intx(&dev, false);
	bench_enable_msix(&dev);
	dev.lose_interrupts = 2;
	for (unsigned i = 0; i < 3; i++)
		pci_dev_msix(&dev, i);
	assert_int_equal(slot->nr_messages, 1);
	assert_int_equal(slot->message[0].data, 2);
	assert_int_equal(dev.nr_lost_interrupts, 3);
	assert_int_equal(dev.nr_messages, 1);
}

static void test_model_is_told_of_changes(void **state)
{
	unsigned n;

	(void)state;
	bench_enable(&dev);
	n = model.nr_changes;
	set(COMMAND, 3, 2);
	assert_int_equal(model.nr_changes, n + 1);
	set(COMMAND, 3, 2); /* no change */
	set(0x3c, 5, 1);
	assert_int_equal(model.nr_changes, n + 1);
	bench_write32(&dev, 4, TABLE(0) + 12, 0);
	bench_write32(&dev, 4, TABLE(0) + 12, 0);
	assert_int_equal(model.nr_changes, n + 2);
	set(PMCSR, 3, 2);
	assert_int_equal(model.nr_changes, n + 3);
	set(MSI + 0x10, 1, 4);
	assert_int_equal(model.nr_changes, n + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_msix),
		T(test_bus_mastering_holds_messages),
		T(test_msi),
		T(test_intx),
		T(test_lost_interrupts),
		T(test_model_is_told_of_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
