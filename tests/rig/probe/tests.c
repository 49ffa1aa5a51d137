/* Configuration space, BARs, DMA, and the rig's port. */
#include "probe.h"

#include "lib/string.h"

#define CFG_BAR0      0x10
#define CFG_INTERRUPT 0x3c
#define RIG_PORT      0x5f0
#define DMA_BYTES     9001
#define AREA_BYTES    (3 * PAGE_SIZE)
#define NOWHERE	      UINT64_C(0xfd0000000) /* neither RAM nor a device */

static uint8_t source[AREA_BYTES] __attribute__((aligned(PAGE_SIZE)));
static uint8_t destination[AREA_BYTES] __attribute__((aligned(PAGE_SIZE)));

void test_config(struct device *d)
{
	uint32_t bar = pci_read(d->slot, CFG_BAR0);

	check(d->bar0 && d->bar4 && d->ports, "the firmware gave BARs: 0x%llx 0x%llx 0x%x",
		(unsigned long long)d->bar0, (unsigned long long)d->bar4, d->ports);
	check(d->msix_cap != 0, "MSI-X capability");
	pci_write(d->slot, CFG_BAR0, UINT32_MAX);
	check((pci_read(d->slot, CFG_BAR0) & ~0xfu) == (uint32_t)-SELFTEST_BAR0_BYTES,
		"size of BAR 0");
	pci_write(d->slot, CFG_BAR0, bar);
	check(pci_read(d->slot, CFG_BAR0) == bar, "BAR 0 written back");
	bar = pci_read(d->slot, CFG_INTERRUPT);
	pci_write(d->slot, CFG_INTERRUPT, 0x5a);
	check((pci_read(d->slot, CFG_INTERRUPT) & 0xffff) == 0x15a, "interrupt line and pin");
	pci_write(d->slot, CFG_INTERRUPT, bar);
}

void test_bars(struct device *d)
{
	uint64_t t0, t1;

	check(mmio_read32(d->bar0, SELFTEST_ID) == SELFTEST_ID_VALUE, "first register of BAR 0");
	check(mmio_read32(d->bar0, SELFTEST_LAST) == SELFTEST_LAST_VALUE, "last register of BAR 0");
	mmio_write32(d->bar0, SELFTEST_SCRATCH, 0x12345678);
	check(mmio_read32(d->bar0, SELFTEST_SCRATCH) == 0x12345678, "a register keeps its value");
	outl(d->ports + SELFTEST_SCRATCH, 0x9abcdef0);
	check(inl(d->ports + SELFTEST_SCRATCH) == 0x9abcdef0 &&
			mmio_read32(d->bar0, SELFTEST_SCRATCH) == 0x9abcdef0,
		"ports and memory are the same registers");
	mmio_write64(d->bar0, SELFTEST_SOURCE, 0x1122334455667788);
	check(mmio_read64(d->bar0, SELFTEST_SOURCE) == 0x1122334455667788, "64-bit access");
	t0 = mmio_read64(d->bar0, SELFTEST_TIME_NS);
	efi_boot->Stall(1000);
	t1 = mmio_read64(d->bar0, SELFTEST_TIME_NS);
	check(t1 - t0 >= 1000000 && t1 - t0 < 1200000, "1 ms of the firmware is %llu us here",
		(unsigned long long)((t1 - t0) / 1000));
}

static uint32_t copy(struct device *d, uint64_t from, uint64_t to, uint32_t len)
{
	mmio_write64(d->bar0, SELFTEST_SOURCE, from);
	mmio_write64(d->bar0, SELFTEST_DESTINATION, to);
	mmio_write32(d->bar0, SELFTEST_LENGTH, len);
	mmio_write32(d->bar0, SELFTEST_GO, 0);
	return mmio_read32(d->bar0, SELFTEST_STATUS);
}

static bool copied(unsigned from, unsigned to, unsigned len)
{
	for (unsigned i = 0; i < AREA_BYTES; i++) {
		uint8_t want = i >= to && i < to + len ? (uint8_t)~source[i - to + from] : 0;

		if (destination[i] != want)
			return false;
	}
	return true;
}

void test_dma(struct device *d)
{
	uint64_t from = (uintptr_t)source, to = (uintptr_t)destination;

	for (unsigned i = 0; i < AREA_BYTES; i++)
		source[i] = (uint8_t)(i * 7 + 3);
	check(copy(d, from + 1, to + 5, DMA_BYTES) == 1 && copied(1, 5, DMA_BYTES),
		"DMA of %u bytes, unaligned", DMA_BYTES);
	check(copy(d, from, NOWHERE, 64) == 2, "DMA write to nowhere: master abort");
	check(copy(d, NOWHERE, to, 64) == 2, "DMA read from nowhere: master abort");
	check(copy(d, from, d->bar0 + SELFTEST_GO, 4) == 2, "DMA to the device itself: abort");
	pci_write(d->slot, 4, 3);
	check(copy(d, from, to, 64) == 2, "no DMA without bus mastering");
	pci_write(d->slot, 4, 7);
}

/* At most size - 1 characters; the whole answer is read. */
static void ask(const char *command, char *answer, size_t size)
{
	size_t len = 0;
	uint8_t c;

	for (; *command; command++)
		outb(RIG_PORT, (uint8_t)*command);
	outb(RIG_PORT, '\n');
	for (unsigned i = 0; i < 65536 && (c = inb(RIG_PORT)) != 0; i++)
		if (len + 1 < size)
			answer[len++] = (char)c;
	answer[len] = 0;
}

void test_port(struct device *d)
{
	char answer[80], again[80];

	(void)d;
	ask("selftest counts", answer, sizeof(answer));
	check(memcmp(answer, "copies ", 7) == 0, "the rig's port: counts");
	ask("no such command", answer, sizeof(answer));
	check(memcmp(answer, "error", 5) == 0, "the rig's port: an error");
	ask("time", answer, sizeof(answer));
	ask("time", again, sizeof(again));
	check(memcmp(answer, "ps ", 3) == 0 && memcmp(answer, again, sizeof(again)) != 0,
		"the rig's port: time goes on");
}
