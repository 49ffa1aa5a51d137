/* PCI configuration space and BARs, at every width and offset; MSI-X entries that no driver writes.
 */
#include "hostile.h"

#include "apic.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "machine.h"
#include "net/virtio.h"
#include "pci.h"
#include "try.h"

#define PCI_NONE    0xffffffffu
#define SWEEP_DENSE 320 /* every offset up to here, then in steps */
#define SWEEP_STEP  61
#define ECAM_GPA    UINT64_C(0xf0000000)
#define IOAPIC_GPA  UINT64_C(0xfec00000)

static const uint64_t patterns[] = { UINT64_MAX, 0, UINT64_C(0xa5a5a5a5a5a5a5a5) };

static void attack_function(uint8_t dev)
{
	for (unsigned off = 0; off < 256; off++) {
		uint32_t before = pci_read(dev, (uint8_t)off, 4);

		for (unsigned i = 0; i < 3 * ARRAY_SIZE(patterns); i++) {
			unsigned size = 1u << (i % 3);

			/* unaligned ones reach past CFF */
			pci_write(dev, (uint8_t)off, size, (uint32_t)patterns[i / 3]);
			(void)pci_read(dev, (uint8_t)off, size);
		}
		if (off % 4 == 3)
			continue;
		pci_write(
			dev, (uint8_t)(off & ~3u), 4, off % 4 ? before >> (8 * (off % 4)) : before);
	}
}

static void restore_function(uint8_t dev, const uint32_t saved[64])
{
	for (unsigned i = 0; i < 64; i++)
		pci_write(dev, (uint8_t)(i * 4), 4, saved[i]);
}

static void with_each_function(void (*attack)(uint8_t))
{
	uint32_t saved[64];
	unsigned n = 0;

	for (unsigned slot = 0; slot < 32; slot++) {
		uint8_t dev = (uint8_t)(slot << 3);

		if (pci_read(dev, PCI_ID, 4) == PCI_NONE)
			continue;
		if (machine_is_qemu() && dev != nic.dev) /* its chipset moves RAM and resets */
			continue;
		for (unsigned i = 0; i < 64; i++)
			saved[i] = pci_read(dev, (uint8_t)(i * 4), 4);
		attack(dev);
		restore_function(dev, saved);
		n++;
	}
	note("functions", n);
	if (nic.common.len_bytes && !vnet_find(&nic))
		flaw("NIC not found again");
}

static void run_config(const struct hostile_case *c)
{
	(void)c;
	with_each_function(attack_function);
	attack_function(0xff); /* slot 31, function 7: nobody */
}

/* Base addresses on RAM, on other devices, at the top, wrapping. */
static void attack_bars(uint8_t dev)
{
	static const uint32_t bases[] = { 0, 0x1000, 0x200000, 0xfec00000, 0xfee00000, 0xfffff000,
		0xf0000000, 0x3f8, 0x600, 0xcf8, 0xfffffff0 };

	for (unsigned i = 0; i < ARRAY_SIZE(bases) * PCI_BARS; i++) {
		uint32_t high = i & 1 ? UINT32_MAX : 0;

		pci_write(dev, (uint8_t)PCI_BAR(i % PCI_BARS), 4, bases[i / PCI_BARS]);
		if (i % PCI_BARS + 1 < PCI_BARS)
			pci_write(dev, (uint8_t)PCI_BAR(i % PCI_BARS + 1), 4, high);
		pci_enable(dev);
		(void)inb(0x600);
		(void)*(volatile uint32_t *)IOAPIC_GPA;
		(void)*(volatile uint32_t *)UINT64_C(0x1000);
		pci_write(dev, PCI_COMMAND, 2, 0);
	}
}

static void run_bars(const struct hostile_case *c)
{
	(void)c;
	with_each_function(attack_bars);
}

static void run_config_port(const struct hostile_case *c)
{
	uint32_t v;

	(void)c;
	for (unsigned i = 0; i < 64; i++) {
		outl(PCI_ADDRESS_PORT, (uint32_t)junk() | (i & 1 ? BIT32(31) : 0));
		tally(try_in((uint16_t)(PCI_DATA_PORT + i % 4), 1u << (i / 4 % 3), &v));
		tally(try_in((uint16_t)(PCI_ADDRESS_PORT + i % 4), 1u << (i / 4 % 3), &v));
		if (i % 4 != 1) /* CF9 resets */
			outb((uint16_t)(PCI_ADDRESS_PORT + i % 4), 0x5a);
	}
	outl(PCI_ADDRESS_PORT, 0);
	tally_note();
}

/* One register area, at each width. */
static void attack_area(uint64_t base, bool io, uint64_t len_bytes)
{
	uint64_t v;
	uint32_t v32;

	for (uint64_t off = 0; off < len_bytes; off += off < SWEEP_DENSE ? 1 : SWEEP_STEP) {
		for (unsigned i = 0; i < 4 * ARRAY_SIZE(patterns); i++) {
			unsigned size = 1u << (i % 4);

			if (io && size == 8)
				continue;
			if (io) {
				tally(try_out(
					(uint16_t)(base + off), size, (uint32_t)patterns[i / 4]));
				tally(try_in((uint16_t)(base + off), size, &v32));
			} else {
				tally(try_write(base + off, size, patterns[i / 4]));
				tally(try_read(base + off, size, &v));
			}
		}
	}
	if (!io) { /* across the end */
		tally(try_write(base + len_bytes - 3, 8, UINT64_MAX));
		tally(try_read(base + len_bytes - 3, 8, &v));
	}
}

static void run_areas(const struct hostile_case *c)
{
	const struct vregion *areas[] = { &nic.common, &nic.notify[0], &nic.notify[1], &nic.isr,
		&nic.device, &nic.msix_table };

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++)
		if (areas[i]->len_bytes)
			attack_area(areas[i]->base, areas[i]->io, areas[i]->len_bytes);
	tally_note();
	vnet_find(&nic);
}

static void run_whole_bars(const struct hostile_case *c)
{
	(void)c;
	for (unsigned n = 0; n < PCI_BARS; n++) {
		bool is_64 = (pci_read(nic.dev, (uint8_t)PCI_BAR(n), 1) & 7) == 4;
		struct pci_bar b = pci_bar(nic.dev, n);

		pci_enable(nic.dev);
		if (b.len_bytes)
			attack_area(b.base, b.io, MIN(b.len_bytes, UINT64_C(16384)));
		n += is_64;
	}
	tally_note();
	vnet_find(&nic);
}

static void run_ecam(const struct hostile_case *c)
{
	uint32_t saved[64];

	(void)c;
	if (*(volatile uint32_t *)ECAM_GPA != pci_read(0, PCI_ID, 4)) {
		skip_case("no ECAM");
		return;
	}
	for (unsigned i = 0; i < 64; i++)
		saved[i] = pci_read(nic.dev, (uint8_t)(i * 4), 4);
	attack_area(ECAM_GPA + ((uint64_t)nic.dev << 12), false, PAGE_SIZE);
	attack_area(ECAM_GPA + MIB(1) - 64, false, 64);
	restore_function(nic.dev, saved);
	tally_note();
	if (!vnet_find(&nic))
		flaw("NIC not found again");
}

/* 4.1.4.9: a window to BARs inside configuration space. */
static void run_window(const struct hostile_case *c)
{
	static const uint32_t offsets[] = { 0, 1, 0x14, 0x1000, 0xfffffffc, 0x80000000, 0x3fff };
	static const uint32_t lengths[] = { 1, 2, 4, 0, 3, 8, 0xffff, UINT32_MAX };
	uint8_t cap = nic.pci_cfg_cap;

	(void)c;
	if (!cap) {
		skip_case("no PCI configuration access capability");
		return;
	}
	for (unsigned i = 0; i < 8 * ARRAY_SIZE(offsets) * ARRAY_SIZE(lengths); i++) {
		pci_write(nic.dev, cap + 4, 1, i % 8 + (i % 11 ? 0 : 200));
		pci_write(nic.dev, cap + 8, 4, offsets[i / 8 % ARRAY_SIZE(offsets)]);
		pci_write(nic.dev, cap + 12, 4, lengths[i / 8 / ARRAY_SIZE(offsets)]);
		(void)pci_read(nic.dev, cap + 16, 4);
		pci_write(nic.dev, cap + 16, 4, UINT32_MAX);
		(void)pci_read(nic.dev, cap + 17, 1);
	}
	note("tried", 8 * ARRAY_SIZE(offsets) * ARRAY_SIZE(lengths));
}

/* A frame goes out whose completion raises this message. */
static void run_message(uint64_t address, uint32_t data)
{
	if (!vnet_start(&nic, 0, false) || !vnet_tx_buffer(&nic)) {
		flaw("no start");
		return;
	}
	vnet_msix_set(&nic, 1, address, data, false);
	vregion_write(&nic.common, COMMON_QUEUE_SELECT, 2, VNET_TX);
	vregion_write(&nic.common, COMMON_QUEUE_MSIX_VECTOR, 2, 1);
	nic.q[VNET_TX].avail->flags = 0;
	vnet_tx(&nic, 60);
	vnet_drain(&nic);
}

static void run_msix(const struct hostile_case *c)
{
	/* INIT would end us and is left out */
	static const struct {
		uint64_t address;
		uint32_t data;
	} messages[] = { { 0, VECTOR_TEST }, { UINT64_C(0xfee00000), 0 },
		{ UINT64_C(0xfee00000), 15 }, { UINT64_C(0xfee00000), 0x100 | VECTOR_TEST },
		{ UINT64_C(0xfee00000), 0x200 }, { UINT64_C(0xfee00000), 0x300 | VECTOR_TEST },
		{ UINT64_C(0xfee00000), 0x400 }, { UINT64_C(0xfee00000), 0x700 | VECTOR_TEST },
		{ UINT64_C(0xfee00000), 0xffff8000u | VECTOR_TEST },
		{ UINT64_C(0xfeeff000), VECTOR_TEST }, { UINT64_C(0xfee7f00c), VECTOR_TEST },
		{ UINT64_C(0xfeefffff), VECTOR_TEST }, { UINT64_C(0xfee00ff0), VECTOR_TEST },
		{ UINT64_C(0xfffffffffee00000), VECTOR_TEST }, { UINT64_MAX, UINT32_MAX },
		{ UINT64_C(0x200000), 0xdead } };
	uint32_t before = this_cpu()->interrupts[VECTOR_TEST];
	uint32_t nmi = this_cpu()->interrupts[2];

	(void)c;
	if (!nic.msix_table.len_bytes) {
		skip_case("no MSI-X");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++)
		run_message(messages[i].address, messages[i].data);
	note("messages", ARRAY_SIZE(messages));
	note("arrived", this_cpu()->interrupts[VECTOR_TEST] - before);
	note("NMI", this_cpu()->interrupts[2] - nmi);
	vnet_msix_set(&nic, 1, 0, 0, true);
	vregion_write(&nic.common, COMMON_MSIX_CONFIG, 2, 0x1234);
	note_hex("vector", vregion_read(&nic.common, COMMON_MSIX_CONFIG, 2));
}

static void run_ioapic(const struct hostile_case *c)
{
	/* masked; vector 0; level active-low; NMI level active-low; reserved bits. Never INIT. */
	static const uint32_t values[] = { 0xffffffff, 0, 0xa000 | VECTOR_TEST, 0xa400, 0x10000 };
	uint64_t v;

	(void)c;
	for (unsigned index = 0; index < 256; index++) {
		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			*(volatile uint32_t *)IOAPIC_GPA = index;
			tally(try_read(IOAPIC_GPA + 0x10, 4, &v));
			tally(try_write(IOAPIC_GPA + 0x10, 4, values[i]));
		}
	}
	for (uint32_t off = 0; off < 0x1000; off += off < 0x60 ? 1 : 0x101)
		for (unsigned size = 1; size <= 8; size *= 2) {
			tally(try_read(IOAPIC_GPA + off, size, &v));
			tally(try_write(IOAPIC_GPA + off, size, off < 0x10 ? 0 : 0x10000));
		}
	tally_note();
}

#define CASE(n, f, needs)                                                                          \
	{                                                                                          \
		n, f, needs, 0, NULL, 0                                                            \
	}

const struct hostile_case register_cases[] = {
	CASE("config", run_config, 0),
	CASE("config-port", run_config_port, 0),
	CASE("bars", run_bars, 0),
	CASE("ecam", run_ecam, NEEDS_NIC),
	CASE("areas", run_areas, NEEDS_NIC),
	CASE("whole-bars", run_whole_bars, NEEDS_NIC),
	CASE("window", run_window, NEEDS_NIC),
	CASE("msix", run_msix, NEEDS_NIC),
	CASE("ioapic", run_ioapic, 0),
	{ NULL, NULL, 0, 0, NULL, 0 },
};
