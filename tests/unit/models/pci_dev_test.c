// sources: @model tests/support/model_bench.c
/* A PCI Express function's configuration space, BARs, resets and DMA against PCI Local Bus 3.0
 * ("PCI"), PCI Express Base 2.1 ("PCIe") and PCI Power Management 1.2. */
#include "pci_fixture.h"

/* ---- Configuration space ---- */

static void test_header(void **state)
{
	(void)state;
	assert_int_equal(model.nr_resets, 1);
	assert_int_equal(get(0x00, 4), 0x10fb8086);
	assert_int_equal(get(0x08, 4), 0x02000001);
	assert_int_equal(get(0x0e, 1), 0x80);
	assert_int_equal(get(0x2c, 4), 0x00038086);
	assert_int_equal(get(0x3d, 1), 2);
	/* PCI 6.2.2: with every bit written, only the implemented ones are there */
	set(COMMAND, 0xffff, 2);
	assert_int_equal(get(COMMAND, 2), 0x0547);
	set(0x00, 0, 4);
	set(0x3c, 0x1234, 2);
	assert_int_equal(get(0x00, 4), 0x10fb8086);
	assert_int_equal(get(0x3c, 2), 0x0234);
	assert_int_equal(get(STATUS, 2), 0x0010);
}

static void test_malformed_accesses(void **state)
{
	(void)state;
	assert_int_equal(get(0x01, 2), 0xffff);
	assert_int_equal(get(0x02, 4), 0xffffffff);
	assert_int_equal(get(0, 3), 0xffffff);
	assert_int_equal(get(PCI_DEV_CFG_SIZE, 1), 0xff);
	assert_int_equal(get(UINT32_MAX - 3, 4), 0xffffffff);
	set(0x05, 0xffff, 2);
	set(UINT32_MAX - 3, 0xffff, 4);
	set(COMMAND, 7, 8);
	assert_int_equal(get(COMMAND, 2), 0);
}

static unsigned find_capability(unsigned id)
{
	for (unsigned off = get(0x34, 1), i = 0; off && i < 48; i++, off = get(off + 1, 1)) {
		if (get(off, 1) == id)
			return off;
	}
	return 0;
}

/* PCI 6.7; PCIe 7.9: chains and where they lead. */
static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(find_capability(0x01), 0x40);
	assert_int_equal(find_capability(0x05), 0x50);
	assert_int_equal(find_capability(0x11), 0x70);
	assert_int_equal(find_capability(0x10), 0xa0);
	assert_int_equal(get(EXP + 2, 2), 0x0002); /* version 2, endpoint */
	assert_int_equal(get(EXP + 4, 4) >> 28 & 1, 1);
	assert_int_equal(get(EXP + 0x0c, 4) & 0x3ff, 0x082); /* x8, 5 GT/s */
	assert_int_equal(get(EXP + 0x12, 2) & 0x3ff, 0x082);
	assert_int_equal(get(MSIX + 2, 2), NR_VECTORS - 1);
	assert_int_equal(get(MSIX + 4, 4), 4);
	assert_int_equal(get(MSIX + 8, 4), PBA | 4);
	assert_int_equal(get(0x100, 4), 0x14010001); /* AER, then 0x140 */
	assert_int_equal(get(0x140, 4), 0x00010003); /* serial number, the last */
}

static void test_without_messages(void **state)
{
	static struct pci_model plain;

	(void)state;
	plain = description;
	plain.has_msi = false;
	plain.nr_msix = 0;
	pci_dev_init(&dev, &plain, &model, &bench_host, slot, &bench.clock, false);
	bench_enable(&dev);
	assert_int_equal(find_capability(0x10), 0xa0);
	assert_int_equal(find_capability(0x05) + find_capability(0x11), 0);
	assert_int_equal(get(0x0e, 1), 0);
	set(MSI + 2, 1, 2);
	set(MSIX + 2, 0x8000, 2);
	assert_int_equal(pci_dev_irq_mode(&dev), PCI_IRQ_INTX);
	pci_dev_msix(&dev, 0);
	pci_dev_msi(&dev);
	bench_read32(&dev, 4, 0); /* no table: the model's */
	assert_int_equal(model.bar, 4);
	pci_dev_intx(&dev, true);
	assert_true(slot->intx);
}

static void test_defined_registers(void **state)
{
	(void)state;
	pci_dev_cfg_define(&dev, 0x144, 0x11223344, 0);
	pci_dev_cfg_define(&dev, 0x184, 0x80, 0xff);
	pci_dev_cfg_define_w1c(&dev, 0x180, 0, 0, 0x3ffff);
	pci_dev_cfg_define(&dev, 0x182, 1, 1);	/* not aligned */
	pci_dev_cfg_define(&dev, 0x1000, 1, 1); /* not there */
	set(0x144, 0, 4);
	set(0x184, 0xffffffff, 4);
	pci_dev_cfg_set(&dev, 0x180, 0x35);
	assert_int_equal(get(0x144, 4), 0x11223344);
	assert_int_equal(get(0x184, 4), 0xff);
	set(0x180, 0x15, 4);
	assert_int_equal(get(0x180, 4), 0x20);
	pci_dev_reset(&dev);
	assert_int_equal(get(0x180, 4), 0);
	assert_int_equal(get(0x184, 4), 0x80);
	assert_int_equal(get(0x144, 4), 0x11223344);
}

/* ---- BARs ---- */

/* PCI 6.2.5.1: write ones, read back, clear the encoding, invert, add one. */
static void test_bar_sizing(void **state)
{
	(void)state;
	for (unsigned off = 0x10; off <= 0x24; off += 4)
		set(off, 0xffffffff, 4);
	assert_int_equal(get(0x10, 4), 0xfffe000c); /* 64 bits, prefetchable */
	assert_int_equal(get(0x14, 4), 0xffffffff);
	assert_int_equal(get(0x18, 4), 0xffffffe1); /* I/O */
	assert_int_equal(get(0x1c, 4), 0xfffff000);
	assert_int_equal(get(0x20, 4), 0xffffc004);
	set(0x30, 0xffffffff, 4); /* no expansion ROM */
	assert_int_equal(get(0x30, 4), 0);
	set(COMMAND, 7, 2); /* nothing may answer at all ones */
	for (unsigned i = 0; i < PCI_DEV_BARS; i++)
		assert_int_equal(slot->base[i], 0);
}

static void test_decoding(void **state)
{
	(void)state;
	set(0x10, 0x80020000, 4);
	set(0x14, 0x00000012, 4);
	set(0x18, 0xc020, 4);
	assert_int_equal(slot->base[0], 0);
	set(COMMAND, 2, 2);
	assert_int_equal(slot->base[0], UINT64_C(0x1280020000));
	assert_int_equal(slot->base[2], 0);
	set(COMMAND, 3, 2);
	assert_int_equal(slot->base[2], 0xc020);
	/* the upper half moves it; all ones in either half take it away */
	set(0x14, 0, 4);
	assert_int_equal(slot->base[0], 0x80020000);
	set(0x14, 0xffffffff, 4);
	assert_int_equal(slot->base[0], 0);
	set(0x14, 1, 4);
	set(0x10, 0xffffffff, 4);
	assert_int_equal(slot->base[0], 0);
	set(0x10, 0x40000000, 4);
	assert_int_equal(slot->base[0], UINT64_C(0x140000000));
	set(COMMAND, 0, 2);
	assert_int_equal(slot->base[0], 0);
	assert_int_equal(slot->base[2], 0);
}

static void test_bar_accesses(void **state)
{
	(void)state;
	model.reg = UINT64_C(0x1122334455667788);
	assert_int_equal(bench_read32(&dev, 0, 0), UINT32_MAX); /* not decoded */
	bench_write32(&dev, 0, 0, 5);
	assert_int_equal(model.width_bytes, 0);
	bench_enable(&dev);
	assert_int_equal(bench_read32(&dev, 0, 0x1fffc), 0x55667788);
	assert_int_equal(model.off, 0x1fffc);
	assert_true(bench_read64(&dev, 0, 8) == UINT64_C(0x1122334455667788));
	assert_int_equal(pci_dev_bar_read(&dev, 2, 31, 1), 0x88);
	pci_dev_bar_write(&dev, 3, 2, 0xaabbccdd, 2);
	assert_int_equal(model.reg, 0xccdd);
	/* outside, not aligned, another width, no such BAR */
	model.width_bytes = 0;
	assert_int_equal(bench_read32(&dev, 0, 0x20000), UINT32_MAX);
	assert_int_equal(bench_read32(&dev, 0, 2), UINT32_MAX);
	assert_int_equal(pci_dev_bar_read(&dev, 0, 0, 3), 0xffffff);
	assert_int_equal(pci_dev_bar_read(&dev, 1, 0, 4), UINT32_MAX);
	assert_int_equal(pci_dev_bar_read(&dev, 6, 0, 4), UINT32_MAX);
	assert_int_equal(bench_read32(&dev, 0, UINT64_MAX - 3), UINT32_MAX);
	assert_int_equal(model.width_bytes, 0);
}

/* ---- Power states and resets ---- */

/* PCI PM 1.2, 3.2.4 and 5.4.1: in D3hot only configuration space answers, and without No_Soft_Reset
 * the way back to D0 resets. */
static void test_d3hot(void **state)
{
	uint32_t v = 0;

	(void)state;
	bench_enable(&dev);
	pci_dev_intx(&dev, true);
	assert_true(slot->intx);
	set(PMCSR, 1, 2); /* D1: not offered */
	assert_int_equal(get(PMCSR, 2), 0);
	set(PMCSR, 3, 2);
	assert_int_equal(get(PMCSR, 2), 3);
	assert_false(slot->intx);
	assert_int_equal(slot->base[0], 0);
	assert_false(pci_dev_dma_read(&dev, MEMORY, &v, 4));
	assert_int_equal(model.nr_resets, 1);
	set(PMCSR, 2, 2);
	assert_int_equal(get(PMCSR, 2), 3);
	set(PMCSR, 0x100, 2); /* D0, and PME_En is kept */
	assert_int_equal(model.nr_resets, 2);
	assert_int_equal(get(PMCSR, 2), 0x100);
	assert_int_equal(get(COMMAND, 2), 0);
	assert_int_equal(get(0x10, 4), 0xc);
	assert_false(slot->intx);
}

/* PCIe 6.6.2 */
static void test_function_level_reset(void **state)
{
	(void)state;
	bench_enable(&dev);
	bench_enable_msix(&dev);
	set(EXP + 8, 0x2830, 2);   /* 256-byte payloads: belongs to the link, stays */
	set(0x108, 0x00100000, 4); /* AER mask: sticky */
	set(0x3c, 11, 1);
	pci_dev_cfg_set(&dev, 0x104, 0x00100000);
	set(MSIX + 2, 0xc000, 2);
	pci_dev_msix(&dev, 1);
	set(EXP + 8, 0x2830 | FLR, 2);
	assert_int_equal(model.nr_resets, 2);
	assert_int_equal(get(EXP + 8, 2), 0x2830); /* reads as 0 */
	assert_int_equal(get(0x108, 4), 0x00100000);
	assert_int_equal(get(0x104, 4), 0x00100000);
	assert_int_equal(get(COMMAND, 2), 0);
	assert_int_equal(get(0x3c, 1), 0);
	assert_int_equal(slot->base[0], 0);
	assert_int_equal(get(MSIX + 2, 2), NR_VECTORS - 1);
	bench_enable(&dev);
	assert_int_equal(bench_read32(&dev, 4, TABLE(1) + 12), 1); /* masked again */
	assert_int_equal(bench_read32(&dev, 4, PBA), 0);
	/* a byte write reaches it too; other bytes do not */
	set(EXP + 9, 0x80, 1);
	set(EXP + 8, 0x80, 1);
	set(EXP + 10, 0x8000, 2);
	assert_int_equal(model.nr_resets, 3);
	pci_dev_reset(&dev); /* RST#: nothing stays */
	assert_int_equal(model.nr_resets, 4);
	assert_int_equal(get(EXP + 8, 2), 0x2810);
	assert_int_equal(get(0x108, 4), 0);
}

/* ---- DMA ---- */

static void test_dma(void **state)
{
	const struct dma_hint hint = { DMA_PAYLOAD, 9, 0x21 };
	uint64_t addr = bench_alloc(&bench, 64, 64);
	const struct record_entry *e;
	uint8_t buf[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_false(pci_dev_dma_write(&dev, addr, buf, 4, &hint)); /* no bus mastering */
	assert_int_equal(get(STATUS, 2) & 0x2000, 0);
	bench_enable(&dev);
	bench_advance(&bench, 1000);
	assert_true(pci_dev_dma_write(&dev, addr + 1, buf, 4, &hint));
	assert_memory_equal((uint8_t *)bench_mem(&bench, addr, 5) + 1, buf, 4);
	e = record_find(&bench.record, addr + 4, 0);
	assert_non_null(e);
	assert_int_equal(e->at_ps, 1000);
	assert_int_equal(e->device, 7);
	assert_int_equal(e->hint.target, 0x21);
	assert_int_equal(e->hint.queue, 9);
	memset(buf, 0, 4);
	assert_true(pci_dev_dma_read(&dev, addr + 1, buf, 4));
	assert_int_equal(buf[3], 4);
	assert_true(pci_dev_dma_read(&dev, 0, buf, 0));
	assert_int_equal(dev.nr_dma_reads, 1);
	assert_int_equal(dev.nr_dma_writes, 1);
	assert_int_equal(dev.nr_aborts, 0);
}

/* PCI 6.2.3: Received Master Abort, cleared by writing a 1. */
static void test_master_abort(void **state)
{
	const struct dma_hint hint = { DMA_PAYLOAD, 0, DMA_NO_TARGET };
	uint8_t buf[16] = { 0 };

	(void)state;
	bench_enable(&dev);
	assert_false(pci_dev_dma_read(&dev, MEMORY + (1 << 20) - 8, buf, 16)); /* half outside */
	assert_int_equal(get(STATUS, 2) & 0x2000, 0x2000);
	set(STATUS, 0x2000, 2);
	assert_int_equal(get(STATUS, 2) & 0x2000, 0);
	assert_false(pci_dev_dma_write(&dev, UINT64_MAX - 7, buf, 16, &hint)); /* wraps */
	assert_false(pci_dev_dma_write(&dev, 0x1000, buf, 16, &hint));
	dev.abort_writes = true;
	assert_false(pci_dev_dma_write(&dev, MEMORY, buf, 16, &hint));
	assert_true(pci_dev_dma_read(&dev, MEMORY, buf, 16));
	dev.abort_reads = true;
	assert_false(pci_dev_dma_read(&dev, MEMORY, buf, 16));
	assert_int_equal(dev.nr_aborts, 5);
	assert_int_equal(bench.record.nr_written, 0);
	set(STATUS + 1, 0x20, 1);
	assert_int_equal(get(STATUS, 2) & 0x2000, 0);
}

static void test_any_access_is_survived(void **state)
{
	(void)state;
	srandom(2);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned width_bytes = 1u << random() % 4;
		uint32_t v = (uint32_t)random() << (random() % 2);

		if (random() % 2)
			set((unsigned)random() % 0x200, v, width_bytes);
		else
			pci_dev_bar_write(
				&dev, random() % 7, (uint64_t)random() % 0x2100, v, width_bytes);
		pci_dev_msix(&dev, v % 8);
		pci_dev_msi(&dev);
		pci_dev_intx(&dev, v & 1);
		if (i % 64 == 0)
			bench_enable(&dev);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_header),
		T(test_malformed_accesses),
		T(test_capabilities),
		T(test_without_messages),
		T(test_defined_registers),
		T(test_bar_sizing),
		T(test_decoding),
		T(test_bar_accesses),
		T(test_d3hot),
		T(test_function_level_reset),
		T(test_dma),
		T(test_master_abort),
		T(test_any_access_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
