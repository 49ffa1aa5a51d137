/* Local APIC timer: one-shot, periodic, TSC deadline. SDM vol. 3A, 11.5.4.
 *
 * Nothing counts: an armed timer is the guest TSC at which it expires. It is settled against the
 * current TSC whenever the guest could see a difference. */
#include "dev/lapic.h"

#define MODE_SHIFT    17
#define MODE_ONE_SHOT 0u
#define MODE_PERIODIC 1u
#define MODE_DEADLINE 2u

static unsigned mode_of(uint32_t lvt)
{
	return (lvt >> MODE_SHIFT) & 3;
}

static uint32_t lvt(const struct lapic *l)
{
	return l->regs[LAPIC_LVT_TIMER / 4];
}

static uint64_t now(const struct lapic *l)
{
	return l->ops->guest_tsc(l->ctx);
}

/* log2 of the divide value: bits 3, 1, 0 are 000 for 2 up to 110 for 128, and 111 for 1. */
static unsigned divide_shift(const struct lapic *l)
{
	uint32_t dcr = l->regs[LAPIC_TIMER_DIVIDE / 4];

	return (((dcr >> 1 & 4) | (dcr & 3)) + 1) & 7;
}

static uint64_t period(const struct lapic *l)
{
	return (uint64_t)l->regs[LAPIC_TIMER_INITIAL / 4] << divide_shift(l);
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* From the old deadline, not from now, so that lateness does not accumulate. */
static void rearm(struct lapic *l, uint64_t now_tsc)
{
	uint64_t step = MAX(period(l), LAPIC_TIMER_PERIOD_MIN_TICKS);
	uint64_t late = now_tsc - l->timer_deadline;

	l->timer_deadline = add_saturating(l->timer_deadline, late - late % step);
	l->timer_deadline = add_saturating(l->timer_deadline, step);
}

uint64_t lapic_timer_deadline(const struct lapic *l)
{
	if (!l->timer_armed || (lvt(l) & LAPIC_LVT_MASKED))
		return LAPIC_NO_DEADLINE;
	return l->timer_deadline;
}

bool lapic_timer_check(struct lapic *l, uint64_t now_guest_tsc)
{
	if (!l->timer_armed || now_guest_tsc < l->timer_deadline)
		return false;
	if (mode_of(lvt(l)) == MODE_PERIODIC)
		rearm(l, now_guest_tsc);
	else
		l->timer_armed = false;
	if (lvt(l) & LAPIC_LVT_MASKED)
		return false;
	lapic_raise(l, (uint8_t)lvt(l));
	return true;
}

uint64_t lapic_tsc_deadline_read(struct lapic *l)
{
	lapic_timer_check(l, now(l));
	return l->timer_armed && mode_of(lvt(l)) == MODE_DEADLINE ? l->timer_deadline : 0;
}

/* Ignored in the other modes. */
void lapic_tsc_deadline_write(struct lapic *l, uint64_t v)
{
	if (mode_of(lvt(l)) != MODE_DEADLINE)
		return;
	l->timer_deadline = v;
	l->timer_armed = v != 0;
}

void lapic_timer_tsc_moved(struct lapic *l, int64_t delta)
{
	if (l->timer_armed && mode_of(lvt(l)) != MODE_DEADLINE)
		l->timer_deadline += (uint64_t)delta;
}

uint32_t lapic_timer_current(struct lapic *l)
{
	uint64_t tsc = now(l), ticks, counts;
	unsigned shift = divide_shift(l);

	lapic_timer_check(l, tsc);
	if (!l->timer_armed || mode_of(lvt(l)) == MODE_DEADLINE)
		return 0;
	/* A count that has begun still shows; a deadline that has just passed shows 0. */
	ticks = l->timer_deadline > tsc ? l->timer_deadline - tsc : 0;
	counts = (ticks >> shift) + ((ticks & (BIT64(shift) - 1)) != 0);
	return (uint32_t)MIN(counts, l->regs[LAPIC_TIMER_INITIAL / 4]);
}

/* Ignored in TSC-deadline mode. */
void lapic_timer_write_initial(struct lapic *l, uint32_t count)
{
	if (mode_of(lvt(l)) == MODE_DEADLINE)
		return;
	lapic_timer_check(l, now(l));
	l->regs[LAPIC_TIMER_INITIAL / 4] = count;
	l->timer_armed = count != 0;
	l->timer_deadline = add_saturating(now(l), period(l));
}

/* The counts that remain are kept, from here on at the new rate. */
void lapic_timer_write_divide(struct lapic *l, uint32_t divide)
{
	uint32_t counts = lapic_timer_current(l);

	l->regs[LAPIC_TIMER_DIVIDE / 4] = divide;
	if (l->timer_armed && mode_of(lvt(l)) != MODE_DEADLINE)
		l->timer_deadline = add_saturating(now(l), (uint64_t)counts << divide_shift(l));
}

/* Going to or from TSC-deadline mode disarms. */
void lapic_timer_write_lvt(struct lapic *l, uint32_t v)
{
	bool was_deadline = mode_of(lvt(l)) == MODE_DEADLINE;

	lapic_timer_check(l, now(l));
	if (was_deadline != (mode_of(v) == MODE_DEADLINE)) {
		l->timer_armed = false;
		l->regs[LAPIC_TIMER_INITIAL / 4] = 0;
	}
	l->regs[LAPIC_LVT_TIMER / 4] = v;
}
