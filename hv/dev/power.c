/* Power, reset, keyboard controller and CMOS clock; see power.h. */
#include "dev/power.h"

#include "lib/errno.h"

#define SLP_TYP(v) (((v) >> 2) & 7)
#define SLP_EN	   0x20

#define RESET_CPU 0x04 /* 0xCF9: a reset is whatever write sets this bit */

#define KEYBOARD_PORT	     0x60
#define KEYBOARD_DATA	     0
#define KEYBOARD_COMMAND     4
#define KEYBOARD_PULSE_RESET 0xfe
/* "Output full" for ever says at once that there is no controller; "input full" stays clear, so
 * that nobody waits before the reset pulse. */
#define KEYBOARD_STATUS 0xfd

#define CMOS_PORT 0x70

/* Motorola MC146818A */
enum {
	CMOS_SECONDS = 0x00,
	CMOS_MINUTES = 0x02,
	CMOS_HOURS = 0x04,
	CMOS_WEEKDAY = 0x06,
	CMOS_DAY = 0x07,
	CMOS_MONTH = 0x08,
	CMOS_YEAR = 0x09,
	CMOS_A = 0x0a,
	CMOS_B = 0x0b,
	CMOS_D = 0x0d,
};

#define CMOS_A_VALUE 0x26 /* 32.768 kHz, 1024 Hz, no update in progress, ever */
#define CMOS_B_VALUE 0x02 /* 24 hours, BCD */
#define CMOS_D_VALUE 0x80 /* battery is good */

struct date {
	unsigned year, month, day; /* month and day from 1 */
};

void power_init(struct power *p, const struct power_ops *ops, void *ctx)
{
	*p = (struct power){ .ops = ops, .ctx = ctx };
}

void power_sleep_port(void *arg, struct bus_access *a)
{
	struct power *p = arg;
	uint8_t v = (uint8_t)a->value;

	if (!a->write) {
		/* The status register reads 0: no guest wakes up here. */
		a->value = a->offset == 0 ? p->sleep_control : 0;
		return;
	}
	if (a->offset != 0)
		return;
	p->sleep_control = v & (uint8_t)~SLP_EN;
	if ((v & SLP_EN) && SLP_TYP(v) == POWER_SLP_TYP_S5)
		p->ops->poweroff(p->ctx);
}

void power_reset_port(void *arg, struct bus_access *a)
{
	struct power *p = arg;

	if (!a->write) {
		a->value = p->reset_control;
		return;
	}
	p->reset_control = (uint8_t)a->value & (uint8_t)~RESET_CPU;
	if (a->value & RESET_CPU)
		p->ops->reset(p->ctx);
}

void power_keyboard_port(void *arg, struct bus_access *a)
{
	struct power *p = arg;

	if (!a->write)
		a->value = a->offset == KEYBOARD_COMMAND ? KEYBOARD_STATUS
			   : a->offset == KEYBOARD_DATA	 ? 0xff
							 : 0;
	else if (a->offset == KEYBOARD_COMMAND && (uint8_t)a->value == KEYBOARD_PULSE_RESET)
		p->ops->reset(p->ctx);
}

/* Gregorian calendar by its 400-year cycle; years are counted from March, so that the leap day is
 * a year's last. */
static struct date date_of(uint64_t days)
{
	uint64_t z = days + 719468; /* since 0000-03-01 */
	unsigned cycle_day = (unsigned)(z % 146097);
	unsigned year =
		(cycle_day - cycle_day / 1460 + cycle_day / 36524 - cycle_day / 146096) / 365;
	unsigned year_day = cycle_day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * year_day + 2) / 153; /* from March */
	struct date d;

	d.day = year_day - (153 * month + 2) / 5 + 1;
	d.month = month < 10 ? month + 3 : month - 9;
	d.year = (unsigned)(z / 146097) * 400 + year + (d.month <= 2);
	return d;
}

static uint8_t bcd(uint64_t v)
{
	return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

static uint8_t cmos_read(uint8_t index, uint64_t wall_clock_s)
{
	uint64_t days = wall_clock_s / 86400;

	switch (index) {
	case CMOS_SECONDS:
		return bcd(wall_clock_s % 60);
	case CMOS_MINUTES:
		return bcd(wall_clock_s / 60 % 60);
	case CMOS_HOURS:
		return bcd(wall_clock_s / 3600 % 24);
	case CMOS_WEEKDAY:
		return (uint8_t)((days + 4) % 7 + 1); /* Sunday is 1; 1970 began on a Thursday */
	case CMOS_DAY:
		return bcd(date_of(days).day);
	case CMOS_MONTH:
		return bcd(date_of(days).month);
	case CMOS_YEAR:
		return bcd(date_of(days).year);
	case POWER_CMOS_CENTURY:
		return bcd(date_of(days).year / 100);
	case CMOS_A:
		return CMOS_A_VALUE;
	case CMOS_B:
		return CMOS_B_VALUE;
	case CMOS_D:
		return CMOS_D_VALUE;
	default:
		return 0;
	}
}

/* The index is one byte: vCPUs that race over it hurt only each other. The clock cannot be set. */
void power_cmos_port(void *arg, struct bus_access *a)
{
	struct power *p = arg;

	if (a->offset == 0 && a->write)
		p->cmos_index = (uint8_t)a->value & 0x7f; /* bit 7 masks NMIs */
	else if (a->offset == 0)
		a->value = 0xff; /* write-only */
	else if (!a->write)
		a->value = cmos_read(p->cmos_index, p->ops->wall_clock_s(p->ctx));
}

int power_attach(struct power *p, struct bus *ports)
{
	static const struct {
		uint64_t base, size_bytes;
		bus_handler handler;
	} regions[] = {
		{ POWER_SLEEP_CONTROL_PORT, 2, power_sleep_port },
		{ POWER_RESET_PORT, 1, power_reset_port },
		{ KEYBOARD_PORT, 5, power_keyboard_port },
		{ CMOS_PORT, 2, power_cmos_port },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(regions); i++)
		if (!bus_add(ports, regions[i].base, regions[i].size_bytes, regions[i].handler, p))
			return -ENOSPC;
	return 0;
}
