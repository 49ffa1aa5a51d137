#include "probe.h"

#define LAPIC_ID       0x20
#define LAPIC_TPR      0x80
#define LAPIC_SVR      0xf0
#define SVR_ENABLED    0x1ff
#define GATE_INTERRUPT 0x8e
#define POLLS_MAX      200000

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, zero;
};

volatile uint32_t hits[NR_VECTORS][NR_APIC_IDS];
static struct descriptor_table idt;

void isr0(void), isr1(void), isr2(void), isr3(void);

static void set_gate(unsigned vector, void (*fn)(void))
{
	struct gate *g = (struct gate *)(uintptr_t)idt.base + vector;
	uintptr_t a = (uintptr_t)fn;
	uint16_t cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	*g = (struct gate){ (uint16_t)a, cs, 0, GATE_INTERRUPT, (uint16_t)(a >> 16),
		(uint32_t)(a >> 32), 0 };
}

/* Into the firmware's table: its own interrupts go on. */
void interrupts_init(void)
{
	void (*const fn[NR_VECTORS])(void) = { isr0, isr1, isr2, isr3 };

	__asm__ volatile("sidt %0" : "=m"(idt));
	for (unsigned i = 0; i < NR_VECTORS; i++)
		set_gate(VECTOR_FIRST + i, fn[i]);
}

void interrupts_use_here(void)
{
	load_idt(&idt);
	mmio_write32(LAPIC, LAPIC_SVR, SVR_ENABLED);
	mmio_write32(LAPIC, LAPIC_TPR, 0);
}

uint32_t apic_id(void)
{
	return mmio_read32(LAPIC, LAPIC_ID) >> 24;
}

bool hits_reach(unsigned n, uint32_t id, uint32_t want)
{
	for (unsigned i = 0; i < POLLS_MAX && hits[n][id] < want; i++)
		cpu_pause();
	return hits[n][id] == want;
}
