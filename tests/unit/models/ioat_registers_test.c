// sources: @ioat_model tests/support/model_bench.c
/* The I/OAT model's registers against the Xeon E5 v2 datasheet, volume 2, 8.4 and 8.5 ("DS"), and
 * the version 3 register file as Linux's ioatdma uses it. */
#include "ioat_fixture.h"

/* DS 8.4.1 to 8.4.14, and what makes Linux's driver keep to 256 bytes of configuration space. */
static void identification(void **s)
{
	(void)s;
	assert_int_equal(pci_dev_cfg_read(dev, 0, 4), 0x6f508086);
	assert_int_equal(pci_dev_cfg_read(dev, 8, 4) >> 8, 0x088000);
	assert_int_equal(pci_dev_cfg_read(dev, 0x3d, 1), 1);
	assert_int_equal(pci_dev_cfg_read(dev, 0x10, 4) & 0xf, 4); /* 64 bits, not prefetchable */
	pci_dev_cfg_write(dev, 0x10, UINT32_MAX, 4);
	assert_int_equal(pci_dev_cfg_read(dev, 0x10, 4) & ~0xfu, ~0x3fffu);
}

/* DS 8.5.1 to 8.5.10; Linux reads the first ones by byte. */
static void general(void **s)
{
	(void)s;
	assert_int_equal(rd(0x00, 1), 4);    /* CHANCNT */
	assert_int_equal(rd(0x01, 1), 20);   /* XFERCAP: 1 MiB */
	assert_int_equal(rd(0x08, 1), 0x33); /* CBVER */
	assert_int_equal(rd(0x0a, 2), 0);
	assert_int_equal(rd(0x0c, 2), 0x8000); /* INTRDELAY: coalescing supported */
	assert_int_equal(rd(0x0e, 2), 0);
	/* page break, DCA, fill, 32-bit APIC IDs; no CRC, XOR, PQ */
	assert_int_equal(rd(0x10, 4), 0x000000d1);
	assert_int_equal(rd(0x14, 2), 0xc00);
	wr(0x00, 0xffff, 2);
	wr(0x10, 0, 4);
	assert_int_equal(rd(0x00, 2), 0x1404);
	assert_int_equal(rd(0x10, 4), 0x000000d1);
	wr(0x0c, 0xffff, 2);
	assert_int_equal(rd(0x0c, 2), 0xbfff); /* 14 bits of delay */
	wr(0x02, 0xff, 1);
	assert_int_equal(rd(0x02, 1), 1); /* GENCTRL */
}

static void access_widths(void **s)
{
	(void)s;
	wr(CHAN(1) + CHANCMP, UINT64_C(0x1122334455667788), 8);
	assert_int_equal(rd(CHAN(1) + CHANCMP, 8), UINT64_C(0x1122334455667788));
	assert_int_equal(rd(CHAN(1) + CHANCMP + 4, 4), 0x11223344);
	assert_int_equal(rd(CHAN(1) + CHANCMP + 6, 1), 0x22);
	wr(CHAN(1) + CHANCMP + 2, 0xabcd, 2);
	assert_int_equal(rd(CHAN(1) + CHANCMP, 8), UINT64_C(0x11223344abcd7788));
	wr(CHAN(1) + CHANCMP + 5, 0xee, 1);
	assert_int_equal(rd(CHAN(1) + CHANCMP + 4, 4), 0x1122ee44);
	assert_int_equal(rd(CHAN(2) + CHANCMP, 4), (uint32_t)channel[2].completion);
	assert_int_equal(rd(0, 8) & 0x00ffffff, 0x1404);
	/* DMA_COMP: versions 2 and 3 */
	assert_int_equal(rd(CHAN(0) + 2, 2), 6);
}

static void unknown_registers(void **s)
{
	(void)s;
	assert_int_equal(rd(0x20, 4), 0);
	wr(0x3ff0, 1, 8);
	assert_int_equal(rd(CHAN(4), 4), 0); /* there is no fifth channel */
	assert_int_equal(counts().unknown_reads, 2);
	assert_int_equal(counts().unknown_writes, 1);
	/* of version 3.4 only */
	wr(CHAN(0) + 0xb6, 0x109, 2);
	assert_int_equal(rd(CHAN(0) + 0xb6, 2), 0);
}

/* DS 8.5.12: IN_USE claims the channel. */
static void in_use(void **s)
{
	(void)s;
	assert_int_equal(rd(CHAN(3) + CHANCTRL, 2), 0x1c);
	assert_int_equal(rd(CHAN(3) + CHANCTRL, 2), 0x11c);
	assert_int_equal(rd(CHAN(2) + CHANCTRL, 2), 0x1c);
	wr(CHAN(3) + CHANCTRL, 0x1c, 2);
	assert_int_equal(rd(CHAN(3) + CHANCTRL, 2), 0x1c);
	wr(CHAN(3) + CHANCTRL, 0xffff, 2);
	assert_int_equal(rd(CHAN(3) + CHANCTRL, 2), 0x33c);
}

/* DS 8.5.16, 8.5.17: reading the low half holds the high one. */
static void status_latch(void **s)
{
	uint64_t hi = MEMORY >> 32;

	(void)s;
	add(0, 1, NUL, 0, 0);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 4), ARMED);
	ring_doorbell(0);
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(0) + CHANSTS + 4, 4), 0);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 4), (uint32_t)desc(0, 0) | IDLE);
	assert_int_equal(rd(CHAN(0) + CHANSTS + 4, 4), hi);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 0) | IDLE);
	wr(CHAN(0) + CHANSTS, 0, 8); /* read-only */
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 0) | IDLE);
}

/* DS 8.5.25 to 8.5.33, at the offsets of Linux's drivers/dma/ioat/dca.c. */
static void dca_registers(void **s)
{
	uint64_t base = rd(0x14, 2), table;

	(void)s;
	assert_int_equal(rd(base, 1), 0x10);
	table = rd(base + 0x02, 2);
	assert_int_equal(rd(base + 0x08, 2), 1);
	assert_int_equal(rd(base + 0x0a, 2), 1);
	assert_int_equal(rd(base + 0x0c, 2), 0);
	wr(base + 0x0c, 0xffff, 2);
	wr(base + 0x0e, 1, 2);
	assert_int_equal(rd(base + 0x0c, 4), 0x10001);
	/* five bytes of 80: no BIOS has programmed it */
	assert_int_equal(rd(base + 0x10, 4), 0x80808080);
	assert_int_equal(rd(base + 0x14, 4), 0x80);
	/* two requesters, the last one marked */
	assert_int_equal(rd(table, 4), 0);
	assert_int_equal(rd(table + 4, 4), 0x80000000);
	wr(table, 0x20000000 | 0x0300, 4);
	wr(table + 4, UINT32_MAX, 4);
	assert_int_equal(rd(table, 4), 0x20000300);
	assert_int_equal(rd(table + 4, 4), 0xb000ffff);
}

static void without_dca(void **s)
{
	static const struct ioat_model_config config = { .channels = 16 };

	(void)s;
	set_up_engine(&config);
	assert_int_equal(rd(0x00, 1), 16);
	assert_int_equal(rd(0x10, 4) & 0x10, 0);
	assert_int_equal(rd(0x14, 2), 0);
	assert_int_equal(rd(0xc00, 4), 0);
	assert_int_equal(rd(CHAN(15) + CHANSTS, 8), HALTED);
}

static void version_3_4(void **s)
{
	static const struct ioat_model_config config = {
		.device_id = 0x0b00, .apicid_tag_map = UINT64_C(0x4241403130), .has_dca = true
	};

	(void)s;
	set_up_engine(&config);
	assert_int_equal(rd(0x08, 1), 0x34);
	assert_int_equal(rd(0x10, 4), 0x008000d1); /* with descriptor prefetch */
	assert_int_equal(rd(0xc10, 8), UINT64_C(0x4241403130));
	wr(0x4c, 8, 1);
	assert_int_equal(rd(0x4c, 1), 8);
	/* as Linux programs them, on each of four channels */
	for (unsigned ch = 0; ch < 4; ch++) {
		wr(CHAN(ch) + 0xb6, 0x309, 2);
		wr(CHAN(ch) + 0xc0, 0x8800, 4);
		wr(CHAN(ch) + 0xc4, 0x8a58, 4);
		wr(CHAN(ch) + 0xbc, ch & 1, 1);
	}
	for (unsigned ch = 0; ch < 4; ch++) {
		assert_int_equal(rd(CHAN(ch) + 0xb6, 2), 0x309);
		assert_int_equal(rd(CHAN(ch) + 0xc0, 8), UINT64_C(0x8a5800008800));
		assert_int_equal(rd(CHAN(ch) + 0xbc, 1), ch & 1);
	}
	assert_int_equal(counts().unknown_writes, 0);
}

static void other_parts(void **s)
{
	static const struct {
		uint16_t id;
		uint8_t version;
		uint32_t msix_table;
	} parts[] = { { 0x0e20, 0x32, 0x2000 }, { 0x2021, 0x32, 0x2000 }, { 0x3430, 0x30, 0x2000 },
		{ 0x0c53, 0x33, 0x1000 }, { 0x6f53, 0x33, 0x1000 } };

	(void)s;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct ioat_model_config config = { .device_id = parts[i].id };

		set_up_engine(&config);
		assert_int_equal(pci_dev_cfg_read(dev, 2, 2), parts[i].id);
		assert_int_equal(rd(0x08, 1), parts[i].version);
		wr(parts[i].msix_table, 0xfee00000, 4);
		assert_int_equal(rd(parts[i].msix_table, 4), 0xfee00000);
		assert_int_equal(counts().unknown_writes, 0);
		if (i < sizeof(parts) / sizeof(parts[0]) - 1)
			teardown(NULL);
	}
}

static void limits(void **s)
{
	struct ioat_model_config config = { .channels = 3 };

	(void)s;
	assert_null(ioat_model_create(&config, &bench.clock, &bench_host, slot, NULL, 0));
	config.channels = 17;
	assert_null(ioat_model_create(&config, &bench.clock, &bench_host, slot, NULL, 0));
	ioat_model_destroy(NULL);
}

/* What Linux 6.1 does at probe before its first descriptor (ioat_enumerate_channels,
 * ioat_reset_hw): nothing beyond 256 bytes of configuration space, and the MSI-X entry saved and
 * restored. */
static void linux_probe(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	for (unsigned ch = 0; ch < rd(0, 1); ch++) {
		uint64_t address, data;

		wr(CHAN(ch) + CHANCMD, RESET, 1);
		bench_advance(&bench, 2 * US);
		assert_int_equal(state(ch), HALTED);
		address = rd(0x1000, 8);
		data = rd(0x1008, 8);
		if (ch == 0) { /* lost by the reset, as on this part; written again by the driver */
			assert_int_equal(address, 0);
			assert_int_equal(data, UINT64_C(1) << 32);
			wr(0x1000, BENCH_MSI_ADDRESS, 8);
			wr(0x1008, 0, 8);
		}
		assert_int_equal(rd(CHAN(ch) + CHANCMD, 1), 0);
	}
	assert_int_equal(rd(0x1010, 8), BENCH_MSI_ADDRESS);
}

static void print_counts(void **s)
{
	char text[2048] = { 0 };
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");

	(void)s;
	add(2, 100, 0, MEMORY, MEMORY + 4096 * 100);
	ring_doorbell(2);
	bench_advance(&bench, US);
	add(2, 0, 0, MEMORY, MEMORY + 4096 * 100);
	ring_doorbell(2);
	bench_advance(&bench, US);
	ioat_model_print_counts(engine, f);
	fclose(f);
	assert_non_null(strstr(text, "copies 1\n"));
	assert_non_null(strstr(text, "bytes 100\n"));
	assert_non_null(strstr(text, "channel_2_descriptors 1\n"));
	assert_non_null(strstr(text, "channel_2_halts 1\n"));
	assert_non_null(strstr(text, "error_11 1\n"));
	assert_null(strstr(text, "error_10 "));
	assert_null(strstr(text, "channel_1_"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
/* sets up an engine of its own */
#define TEST_OWN(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identification),
		TEST(general),
		TEST(access_widths),
		TEST(unknown_registers),
		TEST(in_use),
		TEST(status_latch),
		TEST(dca_registers),
		TEST_OWN(without_dca),
		TEST_OWN(version_3_4),
		TEST_OWN(other_parts),
		TEST(limits),
		TEST(linux_probe),
		TEST(print_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
