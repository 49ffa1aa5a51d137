/* Interrupts: causes, masks, and when which message or line follows from them. DS 7.3.
 *
 * A cause that is set, or becomes unmasked while it is set, requests its vector. A request is
 * granted when the vector's EITR counter has run down, and then only if its cause is still set and
 * unmasked: what is masked by then stays in EICR and requests again when it is unmasked. So nothing
 * is lost, whatever the order. GPIE.PBA_support is stored only: pending bits are cleared by sending
 * their message and in no other way. */
#include "control.h"

#define EITR_UNIT_PS	   (2 * CLOCK_PS_PER_US)
#define LLI_CREDIT_UNIT_PS (4 * CLOCK_PS_PER_US)
#define LLI_CREDIT_MAX	   31u

static struct irq *state(const struct port *p)
{
	return &p->control->irq;
}

/* DS 8.2.3.5.18: several vectors need both the PCI capability and GPIE. */
bool irq_is_multiple(const struct port *p)
{
	return pci_dev_irq_mode(&p->dev) == PCI_IRQ_MSIX &&
	       (reg_get(p, REG_GPIE) & GPIE_MULTIPLE_MSIX);
}

static bool auto_masks(const struct port *p)
{
	return reg_get(p, REG_GPIE) & GPIE_EIAME;
}

static uint64_t eitr_interval_ps(const struct port *p, unsigned vector)
{
	return ((reg_get(p, REG_EITR(vector)) & EITR_INTERVAL) >> 3) * EITR_UNIT_PS;
}

static bool entry_is(uint32_t ivar, unsigned shift, unsigned vector)
{
	return (ivar >> shift & IVAR_VALID) && (ivar >> shift & IVAR_VECTOR) == vector;
}

/* Which of the causes above the queues' belong to this vector. */
static uint32_t other_of_vector(const struct port *p, unsigned vector)
{
	uint32_t misc = reg_get(p, REG_IVAR_MISC);

	return (entry_is(misc, 0, vector) ? EICR_TCP_TIMER : 0) |
	       (entry_is(misc, 8, vector) ? CAUSES_OF_OTHER : 0);
}

static void count_message(struct port *p)
{
	p->counts.interrupts++;
}

static void auto_clear_and_mask(struct port *p, unsigned vector, uint32_t other)
{
	struct irq *irq = state(p);
	uint32_t eiac = reg_get(p, REG_EIAC);

	/* vectors beyond EIAC's 16 always clear themselves: nothing else could */
	if (vector >= 16 || (eiac >> vector & 1))
		irq->causes &= ~(UINT64_C(1) << vector);
	irq->other &= ~(other & eiac);
	if (auto_masks(p)) {
		irq->mask &= ~(irq->auto_mask & UINT64_C(1) << vector);
		irq->other_mask &= ~(irq->other_auto_mask & other);
	}
}

static void fire_vector(struct port *p, unsigned vector)
{
	struct irq *irq = state(p);
	uint32_t other = irq->other & irq->other_mask & other_of_vector(p, vector);

	if (!(irq->causes & irq->mask & UINT64_C(1) << vector) && !other)
		return;
	irq->vector[vector].ready_ps = clock_now(p->clock) + eitr_interval_ps(p, vector);
	count_message(p);
	auto_clear_and_mask(p, vector, other);
	pci_dev_msix(&p->dev, vector);
}

static bool any_cause(const struct port *p)
{
	const struct irq *irq = state(p);

	return (irq->causes & irq->mask) || (irq->other & irq->other_mask);
}

static void set_line(struct port *p, bool asserted)
{
	if (state(p)->line == asserted)
		return;
	state(p)->line = asserted;
	pci_dev_intx(&p->dev, asserted);
}

static void fire_msix_single(struct port *p)
{
	struct irq *irq = state(p);

	if (auto_masks(p)) {
		irq->mask &= ~(irq->auto_mask & irq->causes);
		irq->other_mask &= ~(irq->other_auto_mask & irq->other);
	}
	pci_dev_msix(&p->dev, 0);
}

/* MSI, INTx, and MSI-X with one vector for everything. */
static void fire_single(struct port *p)
{
	enum pci_irq_mode mode = pci_dev_irq_mode(&p->dev);

	if (!any_cause(p))
		return;
	if (mode == PCI_IRQ_INTX && state(p)->line)
		return; /* asserted already: not another interrupt */
	state(p)->vector[0].ready_ps = clock_now(p->clock) + eitr_interval_ps(p, 0);
	count_message(p);
	if (mode == PCI_IRQ_MSIX)
		fire_msix_single(p);
	else if (mode == PCI_IRQ_MSI)
		pci_dev_msi(&p->dev);
	else
		set_line(p, true);
}

static void fire(struct port *p, unsigned vector)
{
	struct irq_vector *v = &state(p)->vector[vector];

	v->requested = false;
	clock_cancel(p->clock, &v->timer);
	if (irq_is_multiple(p))
		fire_vector(p, vector);
	else if (vector == 0)
		fire_single(p);
}

static void timer_expired(void *ctx)
{
	struct irq_vector *v = ctx;

	fire(v->port, (unsigned)(v - state(v->port)->vector));
}

static void request(struct port *p, unsigned vector, bool immediately)
{
	struct irq_vector *v = &state(p)->vector[vector];

	if (immediately || clock_now(p->clock) >= v->ready_ps) {
		fire(p, vector);
	} else if (!v->requested) {
		v->requested = true;
		clock_schedule(p->clock, &v->timer, v->ready_ps);
	}
}

/* EITR was written: its counter may run down earlier or later. */
void irq_reschedule(struct port *p, unsigned vector)
{
	struct irq_vector *v = &state(p)->vector[vector];

	if (v->requested) {
		v->requested = false;
		request(p, vector, false);
	}
}

static void request_other(struct port *p, uint32_t other, bool immediately)
{
	uint32_t misc = reg_get(p, REG_IVAR_MISC);

	if ((other & EICR_TCP_TIMER) && (misc & IVAR_VALID))
		request(p, misc & IVAR_VECTOR, immediately);
	if ((other & CAUSES_OF_OTHER) && (misc >> 8 & IVAR_VALID))
		request(p, misc >> 8 & IVAR_VECTOR, immediately);
}

/* These causes are set and unmasked. */
static void request_all(struct port *p, uint64_t causes, uint32_t other, bool immediately)
{
	if (!causes && !other)
		return;
	if (!irq_is_multiple(p)) {
		request(p, 0, immediately);
		return;
	}
	while (causes) {
		unsigned vector = (unsigned)__builtin_ctzll(causes);

		causes &= causes - 1;
		request(p, vector, immediately);
	}
	request_other(p, other, immediately);
}

void irq_set(struct port *p, uint64_t causes, uint32_t other, bool immediately)
{
	struct irq *irq = state(p);

	irq->causes |= causes;
	irq->other |= other;
	request_all(p, causes & irq->mask, other & irq->other_mask, immediately);
}

void irq_unmask(struct port *p, uint64_t causes, uint32_t other)
{
	struct irq *irq = state(p);
	uint64_t fresh = causes & ~irq->mask;
	uint32_t fresh_other = other & ~irq->other_mask;

	irq->mask |= causes;
	irq->other_mask |= other;
	request_all(p, fresh & irq->causes, fresh_other & irq->other, false);
}

void irq_clear(struct port *p, uint64_t causes, uint32_t other)
{
	struct irq *irq = state(p);

	irq->causes &= ~causes;
	irq->other &= ~other;
	irq->spurious = false;
	irq_update_level(p);
}

/* INTx follows its causes down at once, and up no sooner than EITR allows. */
void irq_update_level(struct port *p)
{
	bool intx = pci_dev_irq_mode(&p->dev) == PCI_IRQ_INTX;

	if (!intx || (!any_cause(p) && !state(p)->spurious))
		set_line(p, false);
	else if (!state(p)->line)
		request(p, 0, false);
}

/* The way in which interrupts are signalled may be another one now: what is pending goes that way.
 */
void irq_mode_changed(struct port *p)
{
	struct irq *irq = state(p);
	unsigned mode = (unsigned)pci_dev_irq_mode(&p->dev) << 1 | irq_is_multiple(p);

	if (mode != irq->mode) {
		irq->mode = mode;
		request_all(p, irq->causes & irq->mask, irq->other & irq->other_mask, false);
	}
	irq_update_level(p);
}

/* ---- Events ---- */

/* IVAR: two queues a register; receive in the even bytes, transmit in the odd ones. DS 8.2.3.5.16
 */
static bool queue_vector(const struct port *p, unsigned queue, bool tx, unsigned *vector)
{
	uint32_t entry =
		reg_get(p, REG_IVAR(queue / 2 % 64)) >> (16 * (queue & 1) + (tx ? 8 : 0)) & 0xff;

	*vector = entry & IVAR_VECTOR;
	/* only 16 bits of EICR are there for queues without MSI-X */
	if (!irq_is_multiple(p))
		*vector &= 0xf;
	return entry & IVAR_VALID;
}

static void queue_event(struct port *p, unsigned queue, bool tx, bool immediately)
{
	unsigned vector;

	if (queue_vector(p, queue, tx, &vector))
		irq_set(p, UINT64_C(1) << vector, 0, immediately);
}

void irq_rx(struct port *p, unsigned queue)
{
	queue_event(p, queue, false, false);
}

void irq_tx(struct port *p, unsigned queue)
{
	queue_event(p, queue, true, false);
}

void irq_other(struct port *p, uint32_t eicr_bits)
{
	irq_set(p, 0, eicr_bits & ~EICR_RTX_QUEUE, false);
}

/* What is in EITR plus what has accrued since. DS 7.3.2.1.1 */
unsigned irq_credits(const struct port *p, unsigned vector)
{
	unsigned credits =
		(reg_get(p, REG_EITR(vector)) & EITR_LLI_CREDIT) >> EITR_LLI_CREDIT_SHIFT;
	uint64_t period_ps = ((reg_get(p, REG_GPIE) & GPIE_LL_INTERVAL) >> GPIE_LL_INTERVAL_SHIFT) *
				     LLI_CREDIT_UNIT_PS +
			     LLI_CREDIT_UNIT_PS;
	uint64_t accrued = (clock_now(p->clock) - state(p)->vector[vector].credit_ps) / period_ps;

	return accrued >= LLI_CREDIT_MAX - credits ? LLI_CREDIT_MAX : credits + (unsigned)accrued;
}

static bool take_credit(struct port *p, unsigned vector)
{
	uint32_t eitr = reg_get(p, REG_EITR(vector));
	unsigned credits;

	if (!(eitr & EITR_LLI_EN))
		return true;
	credits = irq_credits(p, vector);
	if (credits == 0)
		return false;
	reg_set(p, REG_EITR(vector),
		(eitr & ~EITR_LLI_CREDIT) | (credits - 1) << EITR_LLI_CREDIT_SHIFT);
	state(p)->vector[vector].credit_ps = clock_now(p->clock);
	return true;
}

void irq_rx_low_latency(struct port *p, unsigned queue)
{
	unsigned vector;

	if (!queue_vector(p, queue, false, &vector))
		return;
	if (!irq_is_multiple(p))
		queue_event(p, queue, false, take_credit(p, 0));
	else
		queue_event(p, queue, false, take_credit(p, vector));
}

/* Fault injection. */
void irq_spurious(struct port *p, unsigned vector)
{
	count_message(p);
	switch (pci_dev_irq_mode(&p->dev)) {
	case PCI_IRQ_MSIX:
		pci_dev_msix(&p->dev, vector);
		break;
	case PCI_IRQ_MSI:
		pci_dev_msi(&p->dev);
		break;
	case PCI_IRQ_INTX:
		state(p)->spurious = true; /* until software looks at EICR */
		set_line(p, true);
		break;
	}
}

/* ---- Life ---- */

void irq_init(struct port *p)
{
	for (unsigned i = 0; i < MSIX_VECTORS; i++) {
		state(p)->vector[i].port = p;
		state(p)->vector[i].timer.fn = timer_expired;
		state(p)->vector[i].timer.ctx = &state(p)->vector[i];
	}
	irq_timer_init(p);
}

void irq_destroy(struct port *p)
{
	for (unsigned i = 0; i < MSIX_VECTORS; i++)
		clock_cancel(p->clock, &state(p)->vector[i].timer);
	clock_cancel(p->clock, &state(p)->tcp_timer);
}

void irq_reset(struct port *p)
{
	struct irq *irq = state(p);

	irq_destroy(p);
	irq->causes = irq->mask = irq->auto_mask = 0;
	irq->other = irq->other_mask = irq->other_auto_mask = 0;
	irq->spurious = false;
	for (unsigned i = 0; i < MSIX_VECTORS; i++) {
		irq->vector[i].ready_ps = 0;
		irq->vector[i].credit_ps = clock_now(p->clock);
		irq->vector[i].requested = false;
	}
	irq_update_level(p);
}
