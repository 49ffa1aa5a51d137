/* Per-core data: the boot CPU's is part of the image, the others' is allocated. */
#include "cpu/percpu.h"

#include "cpu/cpu.h"
#include "cpu/msr.h"
#include "lib/log.h"
#include "mem/host_paging.h"
#include "mem/page_alloc.h"

#define PAT_RESET UINT64_C(0x0007040600070406) /* WB, WT, UC-, UC, twice */

struct percpu *cpus[CPU_MAX];
unsigned nr_cpus;

static struct percpu boot_percpu;
extern uint8_t boot_stack_top[];

static void load_control_registers(void)
{
	const struct cpu_features *f = cpu_features_get();
	uint64_t cr4 = (read_cr4() & ~(uint64_t)CR4_PGE) | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	write_cr0((read_cr0() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP);
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	if (f->smep)
		cr4 |= CR4_SMEP;
	write_cr4(cr4);
	if (f->xsave)
		xsetbv(0, 1); /* x87 only, on every core alike; VMX raises it */
	wrmsr(IA32_PAT, PAT_RESET);
}

void percpu_load(struct percpu *pc)
{
	descriptors_load(&pc->tables);
	wrmsr(IA32_GS_BASE, (uint64_t)pc);
	load_control_registers();
}

void percpu_init_boot(void)
{
	boot_percpu.self = &boot_percpu;
	boot_percpu.stack_top = boot_stack_top;
	boot_percpu.online = 1;
	cpu_features_init();
	cpus[0] = &boot_percpu;
	nr_cpus = 1;
	percpu_load(&boot_percpu);
}

/* With an unmapped page below it. */
static uint8_t *stack_alloc(void)
{
	uint8_t *guard = page_alloc(1 + CPU_STACK_BYTES / PAGE_SIZE);

	if (!guard || host_unmap(guard, PAGE_SIZE))
		return NULL;
	return guard + PAGE_SIZE + CPU_STACK_BYTES;
}

struct percpu *percpu_alloc(unsigned index, uint32_t apic_id)
{
	struct percpu *pc = page_alloc((sizeof(*pc) + PAGE_SIZE - 1) / PAGE_SIZE);

	if (!pc)
		return NULL;
	pc->self = pc;
	pc->index = index;
	pc->apic_id = apic_id;
	pc->stack_top = stack_alloc();
	return pc->stack_top ? pc : NULL;
}
