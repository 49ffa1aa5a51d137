/* MSI-X to this CPU, to all of them, and INTx. */
#include "probe.h"

#define ENTRY_CONTROL(n)  (SELFTEST_MSIX_TABLE + 16 * (n) + 12)
#define LAPIC_IRR(vector) (0x200u + 0x10 * ((vector) / 32))
#define PIC1		  0x20
#define PIC2		  0xa0
#define PIC_READ_IRR	  0x0a
#define IOAPIC		  UINT64_C(0xfec00000)
#define IOAPIC_DATA	  0x10
#define IOAPIC_PIN(n)	  (0x10 + 2 * (n))
#define REDIRECT_MASKED	  (1u << 16)
#define REDIRECT_LEVEL	  (1u << 15)
#define BRIDGE_SLOT	  1 /* PIIX: routes INTA to INTD */
#define BRIDGE_ROUTE	  0x60
#define DELAY_US	  2000
#define HALTS_MAX	  1000

static void test_masking(struct device *d, uint32_t me)
{
	uint32_t before = hits[0][me];

	mmio_write32(d->bar4, ENTRY_CONTROL(0), 1);
	mmio_write32(d->bar0, SELFTEST_GO, 0);
	check((mmio_read32(d->bar4, SELFTEST_MSIX_PBA) & 1) && hits[0][me] == before,
		"a masked vector is pending");
	mmio_write32(d->bar4, ENTRY_CONTROL(0), 0);
	check(hits_reach(0, me, before + 1) && !(mmio_read32(d->bar4, SELFTEST_MSIX_PBA) & 1),
		"unmasking sends it");
}

/* An event of the clock: the CPU sleeps meanwhile. */
static void test_later(struct device *d, uint32_t me)
{
	uint32_t before = hits[1][me];
	uint64_t t0, us;

	mmio_write32(d->bar0, SELFTEST_DELAY_US, DELAY_US);
	t0 = mmio_read64(d->bar0, SELFTEST_TIME_NS);
	mmio_write32(d->bar0, SELFTEST_GO_LATER, SELFTEST_VECTORS - 1);
	for (unsigned i = 0; i < HALTS_MAX && hits[1][me] == before; i++)
		cpu_halt();
	us = (mmio_read64(d->bar0, SELFTEST_TIME_NS) - t0) / 1000;
	check(hits[1][me] == before + 1 && us >= DELAY_US && us < DELAY_US + 100,
		"an event after %u us wakes a halted CPU: %llu", DELAY_US, (unsigned long long)us);
}

void test_msix(struct device *d)
{
	uint32_t me = apic_id(), irr;

	mmio_write32(d->bar0, SELFTEST_LENGTH, 0);
	device_set_vector(d, 0, VECTOR_FIRST, me);
	device_set_vector(d, SELFTEST_VECTORS - 1, VECTOR_FIRST + 1, me);
	device_set_msix(d, true);
	mmio_write32(d->bar0, SELFTEST_GO, 0);
	check(hits_reach(0, me, 1), "MSI-X, first vector");
	interrupts_disable();
	mmio_write32(d->bar0, SELFTEST_GO, SELFTEST_VECTORS - 1);
	irr = mmio_read32(LAPIC, LAPIC_IRR(VECTOR_FIRST + 1));
	check((irr >> (VECTOR_FIRST + 1) % 32 & 1) && hits[1][me] == 0, "it waits while IF is 0");
	interrupts_enable();
	check(hits_reach(1, me, 1), "MSI-X, last vector");
	test_masking(d, me);
	test_later(d, me);
}

/* By PIIX and 8259. */
static void test_pic(struct device *d, unsigned pirq)
{
	unsigned irq = pci_read(BRIDGE_SLOT, BRIDGE_ROUTE) >> 8 * pirq & 0xff;
	uint8_t mask1 = inb(PIC1 + 1), mask2 = inb(PIC2 + 1);
	uint16_t pic = irq < 8 ? PIC1 : PIC2;
	bool high, low;

	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
	outb(pic, PIC_READ_IRR);
	mmio_write32(d->bar0, SELFTEST_INTX, 1);
	high = inb(pic) >> irq % 8 & 1;
	check(pci_read(d->slot, 4) >> 16 & 8, "interrupt status");
	mmio_write32(d->bar0, SELFTEST_INTX, 0);
	low = inb(pic) >> irq % 8 & 1;
	check(irq < 16 && high && !low, "INTA by the 8259: IRQ %u", irq);
	outb(PIC1 + 1, mask1);
	outb(PIC2 + 1, mask2);
}

static void redirect(unsigned pin, uint32_t low, uint32_t high)
{
	mmio_write32(IOAPIC, 0, IOAPIC_PIN(pin) + 1);
	mmio_write32(IOAPIC, IOAPIC_DATA, high);
	mmio_write32(IOAPIC, 0, IOAPIC_PIN(pin));
	mmio_write32(IOAPIC, IOAPIC_DATA, low);
}

void test_intx(struct device *d)
{
	uint32_t me = apic_id(), before = hits[3][me];
	unsigned pirq = (d->slot + 1 - 2) % 4, pin = 16 + pirq;

	device_set_msix(d, false);
	test_pic(d, pirq);
	redirect(pin, (VECTOR_FIRST + 3) | REDIRECT_LEVEL, me << 24);
	interrupts_disable();
	mmio_write32(d->bar0, SELFTEST_INTX, 1);
	mmio_write32(d->bar0, SELFTEST_INTX, 0);
	interrupts_enable();
	check(hits_reach(3, me, before + 1), "INTA by the I/O APIC: pin %u", pin);
	redirect(pin, REDIRECT_MASKED, 0);
}
