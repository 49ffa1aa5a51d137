/* Local APIC; see apic.h. */
#include "cpu/apic.h"

#include "cpu/cpu.h"
#include "cpu/hw.h"
#include "cpu/msr.h"
#include "cpu/tsc.h"
#include "cpu/vectors.h"
#include "lib/log.h"
#include "mem/host_paging.h"

#define APIC_BASE_ADDRESS UINT64_C(0x000ffffffffff000)
#define MSR_X2APIC(reg)	  (IA32_X2APIC_FIRST + ((reg) >> 4))

/* Register offsets as in table 11-1. */
#define APIC_ID		   0x020
#define APIC_TPR	   0x080
#define APIC_EOI	   0x0b0
#define APIC_SVR	   0x0f0
#define APIC_SVR_ENABLE	   BIT32(8)
#define APIC_ICR	   0x300
#define APIC_ICR_HIGH	   0x310
#define APIC_ICR_PENDING   BIT32(12)
#define APIC_LVT_TIMER	   0x320
#define APIC_LVT_THERMAL   0x330
#define APIC_LVT_PMC	   0x340
#define APIC_LVT_LINT0	   0x350
#define APIC_LVT_LINT1	   0x360
#define APIC_LVT_ERROR	   0x370
#define APIC_LVT_MASKED	   BIT32(16)
#define APIC_LVT_DEADLINE  BIT32(18)
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0
#define APIC_DIVIDE_BY_16  0x3u

#define ICR_NMI		 (4u << 8)
#define ICR_INIT	 (5u << 8)
#define ICR_STARTUP	 (6u << 8)
#define ICR_ASSERT	 BIT32(14)
#define ICR_ALL_BUT_SELF (3u << 18)

#define ICR_WAIT_US  1000
#define CALIBRATE_US 10000
#define RATE_SHIFT   32

static bool x2apic;
static bool deadline_mode;
static uint64_t registers;  /* xAPIC mode: mapped */
static uint64_t timer_rate; /* timer counts per TSC tick, in units of 2^-32 */

static uint32_t reg_read(uint32_t reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC(reg)) : mmio_read32(registers, reg);
}

static void reg_write(uint32_t reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC(reg), v);
	else
		mmio_write32(registers, reg, v);
}

void apic_init(void)
{
	const struct cpu_features *f = cpu_features_get();
	void *window;

	x2apic = f->x2apic;
	deadline_mode = f->tsc_deadline;
	if (x2apic)
		return;
	window = mmio_map(rdmsr(IA32_APIC_BASE) & APIC_BASE_ADDRESS, PAGE_SIZE);
	if (!window)
		panic("no memory to map the local APIC");
	registers = (uint64_t)window;
}

void apic_enable(void)
{
	static const uint16_t lvts[] = { APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PMC,
		APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR };
	uint64_t base = rdmsr(IA32_APIC_BASE);

	/* Straight from disabled to x2APIC mode is not allowed: SDM vol. 3A, figure 11-27. */
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_ENABLE);
	if (x2apic)
		wrmsr(IA32_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_EXTD);
	reg_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	for (unsigned i = 0; i < ARRAY_SIZE(lvts); i++)
		reg_write(lvts[i], APIC_LVT_MASKED | VECTOR_SPURIOUS);
	reg_write(APIC_TPR, 0);
	reg_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_16);
	apic_timer_disarm();
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

uint32_t apic_id(void)
{
	uint32_t id = reg_read(APIC_ID);

	return x2apic ? id : id >> 24;
}

void apic_eoi(void)
{
	reg_write(APIC_EOI, 0);
}

static void icr_wait(void)
{
	uint64_t start = rdtsc(), timeout = us_to_tsc(ICR_WAIT_US);

	while ((reg_read(APIC_ICR) & APIC_ICR_PENDING) && rdtsc() - start < timeout)
		cpu_pause();
}

static void icr_write(uint32_t dest, uint32_t command)
{
	if (x2apic) {
		fence_before_wrmsr();
		wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)dest << 32 | command | ICR_ASSERT);
		return;
	}
	icr_wait();
	reg_write(APIC_ICR_HIGH, dest << 24);
	reg_write(APIC_ICR, command | ICR_ASSERT);
}

void apic_send_ipi(uint32_t dest, uint8_t vector)
{
	icr_write(dest, vector);
}

void apic_send_nmi(uint32_t dest)
{
	icr_write(dest, ICR_NMI);
}

void apic_send_nmi_all_but_self(void)
{
	icr_write(0, ICR_NMI | ICR_ALL_BUT_SELF);
}

void apic_send_init_all_but_self(void)
{
	icr_write(0, ICR_INIT | ICR_ALL_BUT_SELF);
}

void apic_send_sipi_all_but_self(uint8_t page)
{
	icr_write(0, ICR_STARTUP | ICR_ALL_BUT_SELF | page);
}

void apic_send_init(uint32_t dest)
{
	icr_write(dest, ICR_INIT);
}

void apic_send_sipi(uint32_t dest, uint8_t page)
{
	icr_write(dest, ICR_STARTUP | page);
}

void apic_timer_init(void)
{
	uint64_t start, ticks, counted;

	if (deadline_mode)
		return;
	reg_write(APIC_TIMER_INITIAL, UINT32_MAX);
	start = rdtsc();
	udelay(CALIBRATE_US);
	counted = UINT32_MAX - reg_read(APIC_TIMER_CURRENT);
	ticks = rdtsc() - start;
	apic_timer_disarm();
	timer_rate = (counted << RATE_SHIFT) / ticks;
	if (!timer_rate)
		panic("the local APIC's timer does not count");
	log_info("APIC timer %lu kHz", tsc_khz * counted / ticks);
}

static uint32_t timer_count(uint64_t deadline_tsc)
{
	uint64_t now = rdtsc(), count;

	if (deadline_tsc <= now)
		return 1;
	/* Split so that the product fits: rates are below 2^32, as the timer is the slower one. */
	count = deadline_tsc - now;
	if (count >> 32)
		return UINT32_MAX;
	count = (count * timer_rate) >> RATE_SHIFT;
	return (uint32_t)MAX(MIN(count, UINT32_MAX), 1u);
}

void apic_timer_arm_tsc(uint64_t deadline_tsc)
{
	if (!deadline_mode) {
		reg_write(APIC_LVT_TIMER, VECTOR_TIMER);
		reg_write(APIC_TIMER_INITIAL, timer_count(deadline_tsc));
		return;
	}
	reg_write(APIC_LVT_TIMER, APIC_LVT_DEADLINE | VECTOR_TIMER);
	fence_before_wrmsr();
	wrmsr(IA32_TSC_DEADLINE, MAX(deadline_tsc, 1u)); /* 0 would disarm */
}

void apic_timer_disarm(void)
{
	reg_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
	if (deadline_mode)
		wrmsr(IA32_TSC_DEADLINE, 0);
	else
		reg_write(APIC_TIMER_INITIAL, 0);
}
