/* The interrupt registers, and the TCP timer. DS 8.2.3.5, 8.2.3.15.
 * EICR to EIAM hold the first 16 vectors and the other causes; their extended ones, EICS(1) and
 * so on, all 64 vectors. */
#include "control.h"

#define EITR_UNIT_PS	 (2 * CLOCK_PS_PER_US)
#define EITR_WRITABLE	 (EITR_INTERVAL | EITR_LLI_EN)
#define EITR_COUNTER_LSB 2 /* the register shows the upper 7 of 9 bits */

static struct irq *state(const struct port *p)
{
	return &p->control->irq;
}

static uint64_t low(uint32_t v)
{
	return v & EICR_RTX_QUEUE;
}

static uint32_t high(uint32_t v)
{
	return v & ~EICR_RTX_QUEUE;
}

/* Half n of the 64 vectors. */
static uint64_t half(unsigned n, uint32_t v)
{
	return (uint64_t)v << 32 * n;
}

static uint32_t eicr(const struct port *p)
{
	return (uint32_t)low((uint32_t)state(p)->causes) | state(p)->other;
}

/* DS 8.2.3.5.6: without EIAME, software's own accesses mask and unmask. */
static void access_masks(struct port *p, uint64_t causes, uint32_t other)
{
	struct irq *irq = state(p);

	if (reg_get(p, REG_GPIE) & GPIE_EIAME)
		return;
	irq->mask &= ~(irq->auto_mask & causes);
	irq->other_mask &= ~(irq->other_auto_mask & other);
}

static uint32_t read_eicr(struct port *p, unsigned index)
{
	uint32_t v = eicr(p);

	(void)index;
	access_masks(p, EICR_RTX_QUEUE, high(UINT32_MAX));
	if (reg_get(p, REG_GPIE) & GPIE_OCD)
		irq_clear(p, 0, v & 0x3fff0000);
	else
		irq_clear(p, low(v), high(v));
	return v;
}

static void write_eicr(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	access_masks(p, low(v), high(v));
	irq_clear(p, low(v), high(v));
}

/* DS 8.2.3.5.6: EIAM's bits unmask what EICS sets, with EIAME too: drivers find by that what they
 * missed when a message got lost, after which the vector is masked. */
static void set_causes(struct port *p, uint64_t causes, uint32_t other)
{
	struct irq *irq = state(p);

	irq->mask |= irq->auto_mask & causes;
	irq->other_mask |= irq->other_auto_mask & other;
	irq_set(p, causes, other, reg_get(p, REG_GPIE) & GPIE_EIMEN);
}

/* Reads as EICR, without side effects. */
static uint32_t read_eics(struct port *p, unsigned index)
{
	(void)index;
	return eicr(p);
}

static void write_eics(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	set_causes(p, low(v), high(v));
}

static uint32_t read_eims(struct port *p, unsigned index)
{
	(void)index;
	return (uint32_t)low((uint32_t)state(p)->mask) | state(p)->other_mask;
}

static void write_eims(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	irq_unmask(p, low(v), high(v));
}

static void mask(struct port *p, uint64_t causes, uint32_t other)
{
	state(p)->mask &= ~causes;
	state(p)->other_mask &= ~other;
	irq_update_level(p);
}

static void write_eimc(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	mask(p, low(v), high(v));
}

static uint32_t read_eiam(struct port *p, unsigned index)
{
	(void)index;
	return (uint32_t)low((uint32_t)state(p)->auto_mask) | state(p)->other_auto_mask;
}

static void write_eiam(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	state(p)->auto_mask = (state(p)->auto_mask & ~UINT64_C(0xffff)) | low(v);
	state(p)->other_auto_mask = high(v);
}

/* ---- The extended ones: index 0 is (1) ---- */

static uint32_t read_eicr_ex(struct port *p, unsigned index)
{
	return (uint32_t)(state(p)->causes >> 32 * index);
}

static void write_eicr_ex(struct port *p, unsigned index, uint32_t v)
{
	access_masks(p, half(index, v), 0);
	irq_clear(p, half(index, v), 0);
}

static void write_eics_ex(struct port *p, unsigned index, uint32_t v)
{
	set_causes(p, half(index, v), 0);
}

static uint32_t read_eims_ex(struct port *p, unsigned index)
{
	return (uint32_t)(state(p)->mask >> 32 * index);
}

static void write_eims_ex(struct port *p, unsigned index, uint32_t v)
{
	irq_unmask(p, half(index, v), 0);
}

static void write_eimc_ex(struct port *p, unsigned index, uint32_t v)
{
	mask(p, half(index, v), 0);
}

static uint32_t read_eiam_ex(struct port *p, unsigned index)
{
	return (uint32_t)(state(p)->auto_mask >> 32 * index);
}

static void write_eiam_ex(struct port *p, unsigned index, uint32_t v)
{
	uint64_t mask_of_half = half(index, UINT32_MAX);

	state(p)->auto_mask = (state(p)->auto_mask & ~mask_of_half) | half(index, v);
}

static void write_gpie(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	reg_set(p, REG_GPIE, v & 0xc000ffff);
	irq_mode_changed(p);
}

/* ---- EITR: DS 8.2.3.5.12 ---- */

static uint32_t read_eitr_vector(struct port *p, unsigned vector)
{
	const struct irq_vector *v = &state(p)->vector[vector];
	uint64_t now = clock_now(p->clock);
	uint64_t left =
		v->ready_ps > now ? (v->ready_ps - now + EITR_UNIT_PS - 1) / EITR_UNIT_PS : 0;

	return (reg_get(p, REG_EITR(vector)) & EITR_WRITABLE) |
	       irq_credits(p, vector) << EITR_LLI_CREDIT_SHIFT |
	       ((uint32_t)(left >> EITR_COUNTER_LSB) << EITR_COUNTER_SHIFT & EITR_COUNTER);
}

static void write_eitr_vector(struct port *p, unsigned vector, uint32_t v)
{
	struct irq_vector *state_of = &state(p)->vector[vector];
	uint32_t credits = irq_credits(p, vector) << EITR_LLI_CREDIT_SHIFT;

	if (!(v & EITR_CNT_WDIS)) {
		uint64_t units = (uint64_t)((v & EITR_COUNTER) >> EITR_COUNTER_SHIFT)
				 << EITR_COUNTER_LSB;

		credits = v & EITR_LLI_CREDIT;
		state_of->ready_ps = clock_now(p->clock) + units * EITR_UNIT_PS;
	}
	state_of->credit_ps = clock_now(p->clock);
	reg_set(p, REG_EITR(vector), (v & EITR_WRITABLE) | credits);
	irq_reschedule(p, vector);
}

/* Those beyond the 64 vectors are for virtual functions, which do not exist here. */
static uint32_t read_eitr(struct port *p, unsigned n)
{
	return n < MSIX_VECTORS ? read_eitr_vector(p, n) : reg_get(p, REG_EITR(n));
}

static void write_eitr(struct port *p, unsigned n, uint32_t v)
{
	if (n < MSIX_VECTORS)
		write_eitr_vector(p, n, v);
	else
		reg_set(p, REG_EITR(n), v & EITR_WRITABLE);
}

static uint32_t read_eitr_high(struct port *p, unsigned index)
{
	return read_eitr(p, 24 + index);
}

static void write_eitr_high(struct port *p, unsigned index, uint32_t v)
{
	write_eitr(p, 24 + index, v);
}

/* ---- TCP timer ---- */

static void start_tcp_timer(struct port *p)
{
	uint32_t duration_ms = reg_get(p, REG_TCPTIMER) & TCPTIMER_DURATION;

	if (duration_ms)
		clock_schedule(p->clock, &state(p)->tcp_timer,
			clock_now(p->clock) + duration_ms * CLOCK_PS_PER_MS);
}

static void tcp_timer_expired(void *ctx)
{
	struct port *p = ctx;
	uint32_t v = reg_get(p, REG_TCPTIMER);

	if (!(v & (TCPTIMER_COUNT_ENABLE | TCPTIMER_COUNT_FINISH)))
		return;
	irq_other(p, EICR_TCP_TIMER);
	if ((v & TCPTIMER_LOOP) && (v & TCPTIMER_COUNT_ENABLE))
		start_tcp_timer(p);
}

static void write_tcptimer(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	reg_set(p, REG_TCPTIMER,
		v & (TCPTIMER_DURATION | TCPTIMER_COUNT_ENABLE | TCPTIMER_COUNT_FINISH |
			    TCPTIMER_LOOP));
	if (v & TCPTIMER_KICK_START)
		start_tcp_timer(p);
}

void irq_timer_init(struct port *p)
{
	state(p)->tcp_timer.fn = tcp_timer_expired;
	state(p)->tcp_timer.ctx = p;
}

#define IVAR_ALL 0xbfbfbfbfu

const struct reg_range irq_ranges[] = {
	{ .off = REG_TCPTIMER, .write = write_tcptimer },
	{ .off = REG_EICR, .read = read_eicr, .write = write_eicr },
	{ .off = REG_EICS, .read = read_eics, .write = write_eics },
	{ .off = REG_EIAC, .writable = EICR_RTX_QUEUE | EICR_TCP_TIMER },
	{ .off = REG_EITR(0), .count = 24, .read = read_eitr, .write = write_eitr },
	{ .off = REG_EITR(24),
		.count = EITR_REGISTERS - 24,
		.read = read_eitr_high,
		.write = write_eitr_high },
	{ .off = REG_EIMS, .read = read_eims, .write = write_eims },
	{ .off = REG_EIMC, .read = read_eims, .write = write_eimc },
	{ .off = REG_EIAM, .read = read_eiam, .write = write_eiam },
	{ .off = REG_EITRSEL, .writable = UINT32_MAX },
	{ .off = REG_GPIE, .write = write_gpie },
	{ .off = REG_IVAR(0), .count = 64, .writable = IVAR_ALL },
	{ .off = REG_IVAR_MISC, .writable = IVAR_ALL & 0xffff },
	{ .off = REG_EICR_EX(1), .count = 2, .read = read_eicr_ex, .write = write_eicr_ex },
	{ .off = REG_EICS_EX(1), .count = 2, .read = read_eicr_ex, .write = write_eics_ex },
	{ .off = REG_EIMS_EX(1), .count = 2, .read = read_eims_ex, .write = write_eims_ex },
	{ .off = REG_EIMC_EX(1), .count = 2, .read = read_eims_ex, .write = write_eimc_ex },
	{ .off = REG_EIAM_EX(1), .count = 2, .read = read_eiam_ex, .write = write_eiam_ex },
	{ .off = REG_RSCINT(0), .count = 128, .writable = 0x3ff },
	{ 0 },
};
