/* Measuring the TSC. ACPI 6.5, 4.8.3.3 (PM timer: 3.579545 MHz); Intel 8254 data sheet. */
#include "cpu/tsc.h"

#include "cpu/acpi.h"
#include "cpu/piix4.h"
#include "lib/log.h"

#define PM_TIMER_HZ 3579545u
#define PIT_HZ	    1193182u

#define MEASURE_MS 20u
/* An upper bound on port reads: each takes 100 ns at the very least, mostly about 1 us. */
#define READS_MAX 2000000u

/* What a plausible TSC runs at: an emulator's few MHz up to 10 GHz. */
#define KHZ_MIN 1000u
#define KHZ_MAX 10000000u

#define PIT_CONTROL    0x43
#define PIT_CHANNEL2   0x42
#define PIT_GATE       0x61
#define PIT_GATE_ON    0x01
#define PIT_GATE_SPEAK 0x02
#define PIT_GATE_OUT   0x20
#define PIT_MODE0_CH2  0xb0 /* channel 2, both bytes, mode 0: OUT rises at the terminal count */

uint64_t tsc_khz = 1000000;

static uint64_t khz_of(uint64_t ticks, uint64_t timer_ticks, uint64_t timer_hz)
{
	uint64_t khz = ticks * timer_hz / timer_ticks / 1000;

	return khz >= KHZ_MIN && khz <= KHZ_MAX ? khz : 0;
}

/* Waits for a change of the counter, so that a measurement starts and ends on an edge. */
static bool pm_timer_edge(uint16_t port, uint32_t *count)
{
	uint32_t first = inl(port) & 0xffffff;

	for (unsigned i = 0; i < 1000; i++) {
		*count = inl(port) & 0xffffff;
		if (*count != first)
			return true;
	}
	return false;
}

/* 0 if the timer does not count. */
static uint64_t measure_pm_timer(uint16_t port)
{
	const uint32_t wanted = PM_TIMER_HZ / 1000 * MEASURE_MS;
	uint32_t start, elapsed = 0;
	uint64_t begin;

	if (!port || !pm_timer_edge(port, &start))
		return 0;
	begin = rdtsc();
	for (unsigned i = 0; i < READS_MAX; i++) {
		elapsed = (inl(port) - start) & 0xffffff;
		if (elapsed >= wanted)
			return khz_of(rdtsc() - begin, elapsed, PM_TIMER_HZ);
	}
	return 0;
}

static uint64_t measure_pit(void)
{
	const uint16_t count = PIT_HZ / 1000 * MEASURE_MS;
	uint8_t gate = inb(PIT_GATE) & (uint8_t)~PIT_GATE_SPEAK;
	uint64_t begin, khz = 0;

	outb(PIT_GATE, gate | PIT_GATE_ON);
	outb(PIT_CONTROL, PIT_MODE0_CH2);
	outb(PIT_CHANNEL2, count & 0xff);
	outb(PIT_CHANNEL2, count >> 8);
	begin = rdtsc();
	for (unsigned i = 0; i < READS_MAX; i++) {
		if (!(inb(PIT_GATE) & PIT_GATE_OUT))
			continue;
		/* Already up at the first look: there is no PIT, the port just reads as ones. */
		khz = i ? khz_of(rdtsc() - begin, count, PIT_HZ) : 0;
		break;
	}
	outb(PIT_GATE, gate & (uint8_t)~PIT_GATE_ON);
	return khz;
}

static uint64_t claimed_by_cpuid(void)
{
	uint32_t max = cpuid(0, 0).eax;
	struct cpuid_regs r;

	if (max >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (uint64_t)r.ecx * r.ebx / r.eax / 1000;
	}
	return max >= 0x16 ? (cpuid(0x16, 0).eax & 0xffff) * UINT64_C(1000) : 0;
}

void tsc_init(void)
{
	const struct acpi_info *acpi = acpi_get();
	uint16_t piix4 = piix4_pm_base();
	uint64_t claimed = claimed_by_cpuid(), khz;
	const char *source = "ACPI PM timer";

	khz = measure_pm_timer(acpi->pm_timer_port);
	if (!khz && piix4) {
		source = "PIIX4 PM timer";
		khz = measure_pm_timer(piix4 + PIIX4_PM_TIMER);
	}
	if (!khz) {
		source = "PIT";
		khz = measure_pit();
	}
	if (!khz) {
		source = "CPUID, nothing could be measured";
		khz = claimed;
	}
	if (!khz)
		source = "none, assumed";
	else
		tsc_khz = khz;
	log_info("TSC %lu kHz (%s), CPUID says %lu kHz", tsc_khz, source, claimed);
}

/* a * b / c without overflow in between, saturating. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t whole = a / c, rest = a % c, high, low;

	/* rest < c and both factors are below 2^33 here, so that product fits. */
	low = rest * b / c;
	if (__builtin_mul_overflow(whole, b, &high) || __builtin_add_overflow(high, low, &high))
		return UINT64_MAX;
	return high;
}

uint64_t tsc_to_us(uint64_t ticks)
{
	return mul_div(ticks, 1000, tsc_khz);
}

uint64_t tsc_to_ns(uint64_t ticks)
{
	return mul_div(ticks, 1000000, tsc_khz);
}

uint64_t us_to_tsc(uint64_t us)
{
	return mul_div(us, tsc_khz, 1000);
}

void udelay(uint64_t us)
{
	uint64_t start = rdtsc(), ticks = us_to_tsc(us);

	while (rdtsc() - start < ticks)
		cpu_pause();
}
