/* GDT, TSS and IDT; see descriptors.h. */
#include "cpu/descriptors.h"

#include "cpu/hw.h"
#include "cpu/vectors.h"

/* SDM vol. 3A, figure 5-1 and 7.2.2: present, DPL 0, accessed. */
#define GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define GDT_DATA   UINT64_C(0x00cf93000000ffff)
#define TSS_ACCESS UINT64_C(0x89) /* present, available 64-bit TSS */

#define GATE_INTERRUPT 0x8eu /* present, DPL 0, interrupt gate */
#define STUB_BYTES     16u

struct idt_gate {
	uint16_t offset_0;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_16;
	uint32_t offset_32;
	uint32_t reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "64-bit gate");

static struct idt_gate idt[NR_VECTORS] __attribute__((aligned(16)));
extern const uint8_t interrupt_stubs[];

uint64_t idt_base(void)
{
	return (uint64_t)idt;
}

static uint8_t ist_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case VECTOR_MACHINE_CHECK:
		return IST_MACHINE_CHECK;
	default:
		return 0;
	}
}

/* Every core writes the same bytes again, which does no harm. */
static void fill_idt(void)
{
	for (unsigned i = 0; i < NR_VECTORS; i++) {
		uint64_t stub = (uint64_t)interrupt_stubs + i * STUB_BYTES;

		idt[i] = (struct idt_gate){
			.offset_0 = (uint16_t)stub,
			.selector = SELECTOR_CODE,
			.ist = ist_of(i),
			.type = GATE_INTERRUPT,
			.offset_16 = (uint16_t)(stub >> 16),
			.offset_32 = (uint32_t)(stub >> 32),
		};
	}
}

static void fill_tss(struct core_tables *t)
{
	for (unsigned i = 0; i < NR_IST; i++) {
		uint64_t top = (uint64_t)t->ist_stack[i] + IST_STACK_BYTES;

		t->tss.ist[2 * i] = (uint32_t)top;
		t->tss.ist[2 * i + 1] = (uint32_t)(top >> 32);
	}
	t->tss.iopb_offset = sizeof(t->tss);
}

static void fill_gdt(struct core_tables *t)
{
	uint64_t base = (uint64_t)&t->tss, limit = sizeof(t->tss) - 1;

	t->gdt[SELECTOR_CODE / 8] = GDT_CODE64;
	t->gdt[SELECTOR_DATA / 8] = GDT_DATA;
	t->gdt[SELECTOR_TSS / 8] =
		limit | (base & 0xffffff) << 16 | TSS_ACCESS << 40 | (base >> 24 & 0xff) << 56;
	t->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

void descriptors_load(struct core_tables *t)
{
	struct descriptor_table gdt = { sizeof(t->gdt) - 1, (uint64_t)t->gdt };
	struct descriptor_table table = { sizeof(idt) - 1, (uint64_t)idt };

	fill_tss(t);
	fill_gdt(t);
	fill_idt();
	load_gdt(&gdt);
	load_segments(SELECTOR_CODE, SELECTOR_DATA);
	load_idt(&table);
	load_tr(SELECTOR_TSS);
}
