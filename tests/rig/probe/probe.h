/* The parts of the rig's own test program: a UEFI application that asks of the self-test device
 * (tests/rig/selftest) whatever a device can ask of the machine. */
#ifndef SLUICE_RIG_PROBE_H
#define SLUICE_RIG_PROBE_H

#define GNU_EFI_USE_MS_ABI
#include <efi.h>

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "cpu/hw.h"
#include "tests/rig/selftest/selftest.h"

#define LAPIC 0xfee00000u

extern EFI_BOOT_SERVICES *efi_boot;

/* ---- report.c: lines on COM1 ---- */
void say(const char *format, ...) __printf_like(1, 2);
void say_all(void); /* waits until the last character has left */
/* "PASS name" or "FAIL name". */
void check(bool ok, const char *format, ...) __printf_like(2, 3);
extern unsigned nr_passed, nr_failed;

/* ---- pci.c ---- */
uint32_t pci_read(unsigned slot, unsigned off);
void pci_write(unsigned slot, unsigned off, uint32_t v);
uint64_t pci_bar(unsigned slot, unsigned bar); /* base of a memory BAR */
/* 0: there is none */
unsigned pci_capability(unsigned slot, uint8_t id);

/* ---- interrupts.c: vectors counted by CPU ---- */
#define VECTOR_FIRST 0xe1
#define NR_VECTORS   4
#define NR_APIC_IDS  16
extern volatile uint32_t hits[NR_VECTORS][NR_APIC_IDS];
void interrupts_init(void);
void interrupts_use_here(void); /* the same IDT on another CPU */
uint32_t apic_id(void);
/* Waits for hits[n][id] to reach `want`: 0, or a little while later what it is. */
bool hits_reach(unsigned n, uint32_t id, uint32_t want);

/* ---- device.c ---- */
struct device {
	unsigned slot, msix_cap;
	uint64_t bar0, bar4;
	uint16_t ports;
};
bool device_find(struct device *d);
void device_set_vector(const struct device *d, unsigned n, uint8_t vector, uint32_t id);
void device_set_msix(const struct device *d, bool on);

/* ---- the tests ---- */
void test_config(struct device *d);
void test_bars(struct device *d);
void test_dma(struct device *d);
void test_msix(struct device *d);
void test_cpus(struct device *d);
void test_intx(struct device *d);
void test_port(struct device *d);

#endif
