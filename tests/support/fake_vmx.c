/* See fake_vmx.h. What a real processor would refuse ends the test. */
#include "fake_vmx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/msr.h"

struct fake_core fake_core[FAKE_CORES];
unsigned fake_core_index;
uint64_t fake_tsc;

static struct fake_vmcs vmcss[FAKE_VMCSS];

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "fake processor: %s\n", #cond);                            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

void fake_vmx_reset(void)
{
	memset(vmcss, 0, sizeof(vmcss));
	memset(fake_core, 0, sizeof(fake_core));
	fake_core_index = 0;
	fake_tsc = 1000000;
	for (unsigned i = 0; i < FAKE_CORES; i++) {
		fake_core[i].cpu.index = i;
		fake_core[i].xcr0 = 1;
	}
	for (unsigned i = 0; i < FAKE_VMCSS; i++)
		vmcss[i].core = -1;
	vmcss[0].hpa = 0x1000;
	vmcss[0].cleared = true;
	vmcss[0].core = 0;
	fake_core[0].current = &vmcss[0];
}

static struct fake_vmcs *find(uint64_t hpa)
{
	struct fake_vmcs *unused = NULL;

	REQUIRE(hpa && hpa % 4096 == 0);
	for (unsigned i = 0; i < FAKE_VMCSS; i++) {
		if (vmcss[i].hpa == hpa)
			return &vmcss[i];
		if (!vmcss[i].hpa && !unused)
			unused = &vmcss[i];
	}
	REQUIRE(unused);
	unused->hpa = hpa;
	return unused;
}

bool fake_vmx_clear(uint64_t hpa)
{
	struct fake_vmcs *v = find(hpa);

	REQUIRE(v->core < 0 || v->core == (int)fake_core_index); /* by the core that has it */
	if (v->core >= 0)
		fake_this()->current = NULL;
	v->core = -1;
	v->cleared = true;
	return true;
}

bool fake_vmx_load(uint64_t hpa)
{
	struct fake_vmcs *v = find(hpa);

	REQUIRE(v->cleared);					 /* 25.11.3 */
	REQUIRE(v->core < 0 || v->core == (int)fake_core_index); /* on one core only */
	if (fake_this()->current)
		fake_this()->current->core = -1;
	fake_this()->current = v;
	v->core = (int)fake_core_index;
	return true;
}

static uint64_t *field(uint64_t f)
{
	if (!fake_this()->current || f >= FAKE_FIELDS || f & 1)
		return NULL;
	return &fake_this()->current->field[f];
}

bool fake_vmx_read(uint64_t f, uint64_t *value)
{
	const uint64_t *p = field(f);

	if (p)
		*value = *p;
	return p;
}

bool fake_vmx_write(uint64_t f, uint64_t value)
{
	uint64_t *p = field(f);

	if (!p || (f >> 10 & 3) == 1) /* read-only data */
		return false;
	REQUIRE((f >> 13 & 3) != 0 || value <= UINT16_MAX);
	REQUIRE((f >> 13 & 3) != 2 || value <= UINT32_MAX);
	*p = value;
	return true;
}

uint64_t fake_get(uint64_t f)
{
	REQUIRE(field(f));
	return *field(f);
}

void fake_set(uint64_t f, uint64_t value)
{
	REQUIRE(field(f));
	*field(f) = value;
}

bool fake_vmx_invept(uint64_t type, const struct invalidate_desc *d)
{
	struct fake_core *c = fake_this();

	c->nr_invept++;
	c->last_invept_type = type;
	c->last_invept_tag = d->tag;
	return (type == 1 || type == 2) && d->linear_address == 0;
}

bool fake_vmx_invvpid(uint64_t type, const struct invalidate_desc *d)
{
	struct fake_core *c = fake_this();

	c->nr_invvpid++;
	c->last_invvpid_type = type;
	c->last_invvpid_tag = d->tag;
	return type == 1 && d->tag && d->tag <= 0xffff;
}

void *fake_read_gs_self(void)
{
	return &fake_this()->cpu;
}

uint64_t fake_rdtsc(void)
{
	return fake_tsc++;
}

static uint64_t *msr_slot(uint32_t msr)
{
	struct fake_core *c = fake_this();

	switch (msr) {
	case IA32_STAR:
		return &c->star;
	case IA32_LSTAR:
		return &c->lstar;
	case IA32_CSTAR:
		return &c->cstar;
	case IA32_FMASK:
		return &c->fmask;
	case IA32_KERNEL_GS_BASE:
		return &c->kernel_gs_base;
	case IA32_TSC_AUX:
		return &c->tsc_aux;
	case IA32_SPEC_CTRL:
		return &c->spec_ctrl;
	default:
		return NULL;
	}
}

uint64_t fake_rdmsr(uint32_t msr)
{
	return msr_slot(msr) ? *msr_slot(msr) : 0;
}

void fake_wrmsr(uint32_t msr, uint64_t v)
{
	REQUIRE(msr_slot(msr));
	fake_this()->nr_wrmsr++;
	*msr_slot(msr) = v;
}

void fake_xsetbv(uint32_t index, uint64_t v)
{
	REQUIRE(index == 0 && v & 1);
	fake_this()->xcr0 = v;
}

/* The registers live in components that XCR0 enables at the time. */
void fake_xsave64(void *area, uint64_t mask)
{
	REQUIRE((mask & fake_this()->xcr0) == mask);
	memcpy((uint8_t *)area + 512, &fake_this()->fpu, sizeof(fake_this()->fpu));
}

void fake_xrstor64(const void *area, uint64_t mask)
{
	REQUIRE((mask & fake_this()->xcr0) == mask);
	memcpy(&fake_this()->fpu, (const uint8_t *)area + 512, sizeof(fake_this()->fpu));
}

void fake_fxsave64(void *area)
{
	memcpy((uint8_t *)area + 160, &fake_this()->fpu, sizeof(fake_this()->fpu));
}

void fake_fxrstor64(const void *area)
{
	memcpy(&fake_this()->fpu, (const uint8_t *)area + 160, sizeof(fake_this()->fpu));
}

uint64_t fake_read_cr0(void)
{
	return CR0_PE | CR0_PG | CR0_NE | CR0_WP;
}

uint64_t fake_read_cr2(void)
{
	return fake_this()->cr2;
}

void fake_write_cr2(uint64_t v)
{
	fake_this()->cr2 = v;
}

uint64_t fake_read_cr3(void)
{
	return 0x100000;
}

uint64_t fake_read_cr4(void)
{
	return CR4_PAE | CR4_VMXE;
}

#define DEBUG_REGISTER(n)                                                                          \
	uint64_t fake_read_dr##n(void)                                                             \
	{                                                                                          \
		return fake_this()->dr[n];                                                         \
	}                                                                                          \
	void fake_write_dr##n(uint64_t v)                                                          \
	{                                                                                          \
		fake_this()->dr[n] = v;                                                            \
	}
DEBUG_REGISTER(0)
DEBUG_REGISTER(1)
DEBUG_REGISTER(2)
DEBUG_REGISTER(3)
DEBUG_REGISTER(6)
