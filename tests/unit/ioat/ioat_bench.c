/* A machine with I/OAT functions; see ioat_bench.h. */
#include "tests/unit/ioat/ioat_bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/hw.h"
#include "cpu/interrupt.h"
#include "cpu/tsc.h"
#include "drivers/ioat/ioat_mmio.h"
#include "mem/page_alloc.h"
#include "tests/models/pci_regs.h"

#define MEMORY_MIB   64
#define REGS_BASE    UINT64_C(0x10000000) /* of device 0; the others' follow */
#define FIRST_VECTOR 0x40
#define BDF(device)  HOST_PCI_BDF(2, 4, device)

struct machine machine;

/* ---- Time ---- */

uint64_t tsc_khz = 1000000;

uint64_t fake_rdtsc(void)
{
	uint64_t ps = MACHINE_TSC_PS;

	if (machine.cpu_bytes) {
		ps += (*machine.cpu_bytes - machine.cpu_bytes_seen) * machine.cpu_ps_per_byte;
		machine.cpu_bytes_seen = *machine.cpu_bytes;
	}
	bench_advance(&machine.bench, ps);
	return clock_now(&machine.bench.clock) / CLOCK_PS_PER_NS;
}

uint64_t us_to_tsc(uint64_t us)
{
	return us * 1000;
}

struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	(void)subleaf;
	if (leaf == 0)
		return (struct cpuid_regs){ .eax = 0x16 };
	if (leaf == 1)
		return (struct cpuid_regs){ .ecx = machine.cpu_has_dca ? 1u << 18 : 0 };
	return (struct cpuid_regs){ .eax = leaf == 9 && machine.cpu_has_dca };
}

/* ---- Registers: numbers of our own, so that a real access would be a fault ---- */

static struct pci_dev *at(uint64_t base, uint32_t off, uint64_t *in_bar)
{
	uint64_t address = base + off - REGS_BASE;
	unsigned device = (unsigned)(address / IOAT_MODEL_BAR_SIZE);

	if (device >= machine.nr_devices)
		abort();
	bench_advance(&machine.bench, MACHINE_MMIO_PS);
	*in_bar = address % IOAT_MODEL_BAR_SIZE;
	return machine_function(device);
}

static uint32_t read_reg(uint64_t base, uint32_t off, unsigned width)
{
	uint64_t in_bar;
	struct pci_dev *d = at(base, off, &in_bar);

	return machine.gone ? UINT32_MAX : (uint32_t)pci_dev_bar_read(d, 0, in_bar, width);
}

static void write_reg(uint64_t base, uint32_t off, uint32_t v, unsigned width)
{
	uint64_t in_bar;
	struct pci_dev *d = at(base, off, &in_bar);

	if (!machine.gone)
		pci_dev_bar_write(d, 0, in_bar, v, width);
}

uint8_t ioat_read8(uint64_t base, uint32_t off)
{
	return (uint8_t)read_reg(base, off, 1);
}

uint16_t ioat_read16(uint64_t base, uint32_t off)
{
	return (uint16_t)read_reg(base, off, 2);
}

uint32_t ioat_read32(uint64_t base, uint32_t off)
{
	return read_reg(base, off, 4);
}

void ioat_write8(uint64_t base, uint32_t off, uint8_t v)
{
	write_reg(base, off, v, 1);
}

void ioat_write16(uint64_t base, uint32_t off, uint16_t v)
{
	write_reg(base, off, v, 2);
}

void ioat_write32(uint64_t base, uint32_t off, uint32_t v)
{
	write_reg(base, off, v, 4);
}

/* ---- Configuration space ---- */

static struct pci_dev *function(pci_bdf bdf)
{
	return machine_function(bdf & 7u);
}

bool host_pci_enumerate(host_pci_visit_fn fn, void *arg)
{
	/* something else comes first */
	if (fn(HOST_PCI_BDF(0, 0, 0), 0x8086, 0x10fb, arg))
		return true;
	for (unsigned i = 0; i < machine.nr_devices; i++) {
		uint32_t id = pci_dev_cfg_read(function(BDF(i)), 0, 4);

		if (fn(BDF(i), (uint16_t)id, (uint16_t)(id >> 16), arg))
			return true;
	}
	return false;
}

uint32_t host_pci_read32(pci_bdf bdf, uint16_t off)
{
	return pci_dev_cfg_read(function(bdf), off, 4);
}

uint16_t host_pci_read16(pci_bdf bdf, uint16_t off)
{
	return (uint16_t)pci_dev_cfg_read(function(bdf), off, 2);
}

void host_pci_write32(pci_bdf bdf, uint16_t off, uint32_t v)
{
	pci_dev_cfg_write(function(bdf), off, v, 4);
}

void host_pci_write16(pci_bdf bdf, uint16_t off, uint16_t v)
{
	pci_dev_cfg_write(function(bdf), off, v, 2);
}

void host_pci_set_command(pci_bdf bdf, uint16_t set, uint16_t clear)
{
	uint16_t v = host_pci_read16(bdf, HOST_PCI_COMMAND);

	host_pci_write16(bdf, HOST_PCI_COMMAND, (uint16_t)((v & ~clear) | set));
}

uint8_t host_pci_find_capability(pci_bdf bdf, uint8_t id)
{
	struct pci_dev *d = function(bdf);
	uint32_t at_off = pci_dev_cfg_read(d, HOST_PCI_CAPABILITIES, 1);

	for (unsigned i = 0; at_off && i < 48; i++) {
		if (pci_dev_cfg_read(d, at_off, 1) == id)
			return (uint8_t)at_off;
		at_off = pci_dev_cfg_read(d, at_off + 1, 1);
	}
	return 0;
}

int host_pci_bar_read(pci_bdf bdf, unsigned index, struct host_pci_bar *bar)
{
	(void)bdf;
	*bar = (struct host_pci_bar){ .address = REGS_BASE, .len_bytes = IOAT_MODEL_BAR_SIZE };
	return index ? -ENOENT : 0;
}

void *host_pci_bar_map(pci_bdf bdf, unsigned index)
{
	(void)index;
	return (void *)(REGS_BASE + (bdf & 7u) * (uint64_t)IOAT_MODEL_BAR_SIZE);
}

/* ---- Interrupts ---- */

int host_pci_msix_enable(pci_bdf bdf, struct host_pci_msix *msix)
{
	struct pci_dev *d = function(bdf);

	*msix = (struct host_pci_msix){ .bdf = bdf, .nr_entries = (uint16_t)d->model->nr_msix };
	pci_dev_cfg_write(d, MSIX_CONTROL, MSIX_ENABLE, 2);
	return 0;
}

int host_pci_msix_route(
	struct host_pci_msix *msix, unsigned entry, uint32_t apic_id, uint8_t vector)
{
	struct pci_dev *d = function(msix->bdf);
	uint64_t table = d->model->msix_table + MSIX_ENTRY_BYTES * entry;

	if (entry >= msix->nr_entries || apic_id > 0xfe)
		return -EINVAL;
	pci_dev_bar_write(d, d->model->msix_bar, table, BENCH_MSI_ADDRESS | apic_id << 12, 4);
	pci_dev_bar_write(d, d->model->msix_bar, table + 4, 0, 4);
	pci_dev_bar_write(d, d->model->msix_bar, table + 8, vector, 4);
	pci_dev_bar_write(d, d->model->msix_bar, table + 12, 0, 4);
	return 0;
}

int interrupt_alloc(interrupt_fn fn, void *arg)
{
	for (int v = FIRST_VECTOR; v < 256; v++) {
		if (machine.vector[v].fn)
			continue;
		machine.vector[v] = (struct machine_vector){ fn, arg };
		return v;
	}
	return -ENOSPC;
}

void interrupt_free(uint8_t vector)
{
	machine.vector[vector].fn = NULL;
}

void machine_interrupts(void)
{
	for (unsigned i = 0; i < machine.nr_devices; i++) {
		struct bench_slot *s = &machine.bench.slot[i];

		while (machine.dispatched[i] < s->nr_messages) {
			uint32_t v = s->message[machine.dispatched[i]++ % BENCH_MESSAGES].data;

			if (v > 255 || !machine.vector[v].fn)
				abort();
			machine.vector[v].fn((uint8_t)v, machine.vector[v].arg);
		}
	}
}

/* ---- Memory ---- */

void *page_alloc(unsigned nr_pages)
{
	return machine.no_memory ? NULL : machine_alloc(nr_pages * 4096ul, 4096);
}

void *machine_alloc(uint64_t len_bytes, uint64_t align)
{
	return (void *)bench_alloc(&machine.bench, len_bytes, align);
}

void machine_fill(void *p, uint64_t len_bytes, uint32_t seed)
{
	uint8_t *byte = p;

	for (uint64_t i = 0; i < len_bytes; i++) {
		seed = seed * 1664525 + 1013904223;
		byte[i] = (uint8_t)(seed >> 24);
	}
}

/* ---- The machine ---- */

void machine_start(const struct ioat_model_config *config, unsigned nr)
{
	bool cpu_has_dca = machine.cpu_has_dca;

	memset(&machine, 0, sizeof(machine));
	machine.cpu_has_dca = cpu_has_dca;
	bench_init(&machine.bench, MEMORY_MIB, 0);
	/* A pointer is its own physical address, as tests/support/fake/mem/direct_map.h has it. */
	machine.bench.memory_base = (uint64_t)machine.bench.memory;
	machine.bench.verbose = getenv("SLUICE_TEST_LOG") != NULL;
	for (unsigned i = 0; i < nr; i++) {
		machine.model[i] = ioat_model_create(config, &machine.bench.clock, &bench_host,
			&machine.bench.slot[i], &machine.bench.record, (uint16_t)i);
		if (!machine.model[i])
			abort();
		machine.nr_devices++;
		bench_enable(machine_function(i));
	}
}

void machine_stop(void)
{
	for (unsigned i = 0; i < machine.nr_devices; i++)
		ioat_model_destroy(machine.model[i]);
	bench_destroy(&machine.bench);
	machine.cpu_has_dca = false;
}

void machine_fault(unsigned device, const char *format, ...)
{
	char command[64];
	const char *why;
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (ioat_model_fault(machine.model[device], command, &why)) {
		fprintf(stderr, "%s: %s\n", command, why);
		abort();
	}
}

struct ioat_model_counts machine_counts(unsigned device)
{
	struct ioat_model_counts c;

	ioat_model_counts(machine.model[device], &c);
	return c;
}

struct pci_dev *machine_function(unsigned device)
{
	return ioat_model_function(machine.model[device]);
}

void machine_advance_us(uint64_t us)
{
	bench_advance(&machine.bench, us * CLOCK_PS_PER_US);
}

uint64_t machine_now_us(void)
{
	return clock_now(&machine.bench.clock) / CLOCK_PS_PER_US;
}
