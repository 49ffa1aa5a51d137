/* GDT, TSS and IDT. SDM vol. 3A, 3.4.5 (segment descriptors), 6.14 (IDT and IST), 7.7 (64-bit TSS).
 * Each core has its own GDT and TSS, all share one IDT. */
#ifndef SLUICE_CPU_DESCRIPTORS_H
#define SLUICE_CPU_DESCRIPTORS_H

#include <stdint.h>

/* What a VMCS's host-state area wants too. Data segments are 0 in 64-bit mode, apart from SS at
 * VM exit, for which 0 is allowed as well. */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

struct tss {
	uint32_t reserved0;
	uint32_t rsp[6]; /* RSP0-2; unused, there is no user mode */
	uint32_t reserved1[2];
	uint32_t ist[14]; /* IST1-7, low and high half; IST1 is index 0 */
	uint32_t reserved2[2];
	uint16_t reserved3;
	uint16_t iopb_offset;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "64-bit TSS");

#define IST_NMI		  1
#define IST_DOUBLE_FAULT  2
#define IST_MACHINE_CHECK 3
#define NR_IST		  3
#define IST_STACK_BYTES	  4096u

struct core_tables {
	uint64_t gdt[5]; /* null, code, data, TSS (two slots) */
	struct tss tss;
	uint8_t ist_stack[NR_IST][IST_STACK_BYTES] __attribute__((aligned(16)));
};

/* Fills in and loads them on the current core. Segment registers are reloaded. */
void descriptors_load(struct core_tables *t);

/* For HOST_IDTR_BASE. */
uint64_t idt_base(void);

#endif
