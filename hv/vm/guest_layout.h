/* The guest's physical address space and its I/O ports: who is where.
 *
 * Every part that builds or emulates the guest's machine takes addresses from here; hv/vm/dsdt.asl
 * repeats those that the guest learns from ACPI, and tests/unit/vm/guest_acpi_test.c compares. */
#ifndef SLUICE_VM_GUEST_LAYOUT_H
#define SLUICE_VM_GUEST_LAYOUT_H

#include "lib/bits.h"

/* RAM: [0, 3 GiB) and, what does not fit, from 4 GiB up. 640 KiB - 1 MiB is RAM behind EPT too,
 * but the memory map hides it from the guest's allocator (ACPI tables lie there). */
#define GUEST_LOW_RAM_MAX  UINT64_C(0xc0000000)
#define GUEST_HIGH_RAM_GPA UINT64_C(0x100000000)
#define GUEST_LOW_HOLE_GPA UINT64_C(0xa0000)
#define GUEST_LOW_HOLE_END UINT64_C(0x100000)
#define GUEST_MEMORY_MIN   MIB(2)

/* Written by the loaders below 640 KiB; the guest may reuse all of it. */
#define GUEST_BOOT_GDT_GPA     UINT64_C(0x1000)
#define GUEST_ZERO_PAGE_GPA    UINT64_C(0x2000)
#define GUEST_BOOT_PML4_GPA    UINT64_C(0x3000) /* then the PDPT and four page directories */
#define GUEST_PVH_START_GPA    UINT64_C(0x9000)
#define GUEST_CMDLINE_GPA      UINT64_C(0x20000)
#define GUEST_CMDLINE_LEN      0x10000u
#define GUEST_RESET_VECTOR_GPA UINT64_C(0xffff0)
#define GUEST_ACPI_GPA	       UINT64_C(0xe0000) /* the RSDP first */
#define GUEST_ACPI_LEN	       0x10000u

/* Memory-mapped devices */
#define GUEST_PCI_MMIO_GPA UINT64_C(0xe0000000) /* BARs */
#define GUEST_PCI_MMIO_LEN UINT64_C(0x10000000)
#define GUEST_ECAM_GPA	   UINT64_C(0xf0000000) /* bus 0 only */
#define GUEST_ECAM_LEN	   MIB(1)
#define GUEST_IOAPIC_GPA   UINT64_C(0xfec00000)
#define GUEST_IOAPIC_LEN   UINT64_C(0x1000)
#define GUEST_IOAPIC_ID	   0
#define GUEST_IOAPIC_PINS  24
#define GUEST_LAPIC_GPA	   UINT64_C(0xfee00000)
#define GUEST_LAPIC_LEN	   UINT64_C(0x1000)

/* I/O ports. The reset register lies inside the CONFIG_ADDRESS dword: it answers byte accesses,
 * CONFIG_ADDRESS answers dword accesses. */
#define GUEST_PORT_UART		 0x3f8
#define GUEST_PORT_UART_LEN	 8
#define GUEST_UART_IRQ		 4 /* I/O APIC pin, edge, active high */
#define GUEST_PORT_SLEEP_CONTROL 0x600
#define GUEST_PORT_SLEEP_STATUS	 0x601
#define GUEST_SLEEP_POWEROFF	 0x34 /* what S5 writes: SLP_TYP 5 at bit 2, SLP_EN bit 5 */
#define GUEST_PORT_PCI_ADDRESS	 0xcf8
#define GUEST_PORT_RESET	 0xcf9
#define GUEST_RESET_VALUE	 0x06
#define GUEST_PORT_PCI_DATA	 0xcfc
#define GUEST_PORT_PCI_IO	 0xc000 /* I/O BARs */
#define GUEST_PORT_PCI_IO_LEN	 0x1000

#endif
