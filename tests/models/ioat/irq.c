/* Interrupts of the I/OAT model. DS 8.5.4, 8.5.5, 8.5.7, 8.5.12, 8.5.34 to 8.5.38.
 *
 * A channel that generates an interrupt sets its INT_DISABLE bit; until software clears that, by
 * writing a one, further causes are remembered. INTRDELAY is the least time from there to the next
 * interrupt. With MSI-X each channel has its vector, or all have the first one if INTRCTRL does not
 * enable them. Otherwise the channel's bit in ATTNSTATUS raises INTRCTRL.INT, which is INTx, or
 * whose edge is the MSI. */
#include "engine.h"

void irq_update_line(struct ioat_model *m)
{
	bool line = m->attnstatus && (m->intrctrl & IOAT_INTRCTRL_MASTER);
	enum pci_irq_mode mode = pci_dev_irq_mode(&m->dev);

	if (line && !m->line && mode == PCI_IRQ_MSI)
		pci_dev_msi(&m->dev);
	m->line = line;
	pci_dev_intx(&m->dev, line && mode == PCI_IRQ_INTX);
}

/* DS 8.5.22, bit 13: the message would go nowhere. A masked vector may still be without address. */
static bool vector_is_bad(const struct ioat_model *m, unsigned vector)
{
	return !(m->dev.msix[vector].control & 1) && m->dev.msix[vector].address >> 20 != 0xfee;
}

static void send(struct chan *ch)
{
	struct ioat_model *m = ch->m;
	unsigned vector = m->intrctrl & IOAT_INTRCTRL_MSIX_VEC ? ch->index : 0;

	ch->irq_wanted = false;
	ch->chanctrl |= IOAT_CHANCTRL_INT_DISABLE;
	if (pci_dev_irq_mode(&m->dev) != PCI_IRQ_MSIX) {
		m->attnstatus |= 1u << ch->index;
		m->counts.interrupts++;
		irq_update_line(m);
	} else if (vector_is_bad(m, vector)) {
		(void)chan_error(ch, IOAT_CHANERR_INTERRUPT, true);
	} else {
		m->counts.interrupts++;
		pci_dev_msix(&m->dev, vector);
	}
}

static void try(struct chan *ch)
{
	uint64_t at = ch->irq_enabled_ps + ch->m->intrdelay * CLOCK_PS_PER_US;

	clock_cancel(ch->m->clock, &ch->irq_event);
	if (!ch->irq_wanted || (ch->chanctrl & IOAT_CHANCTRL_INT_DISABLE))
		return;
	if (at > clock_now(ch->m->clock))
		clock_schedule(ch->m->clock, &ch->irq_event, at);
	else
		send(ch);
}

void irq_request(struct chan *ch)
{
	ch->irq_wanted = true;
	try(ch);
}

/* DS 8.5.38: a message that a mask held back is no longer due. */
static void drop_pending(struct chan *ch)
{
	if (ch->m->intrctrl & IOAT_INTRCTRL_MSIX_VEC)
		ch->m->dev.msix_pending &= ~(UINT64_C(1) << ch->index);
}

void irq_enabled(struct chan *ch)
{
	drop_pending(ch);
	ch->irq_enabled_ps = clock_now(ch->m->clock);
	try(ch);
}

void irq_event(void *chan)
{
	try(chan);
}

void irq_delay_changed(struct ioat_model *m)
{
	for (unsigned i = 0; i < m->chancnt; i++)
		try(&m->chan[i]);
}

void irq_reset(struct chan *ch)
{
	clock_cancel(ch->m->clock, &ch->irq_event);
	ch->irq_wanted = false;
	ch->irq_enabled_ps = clock_now(ch->m->clock);
	ch->m->attnstatus &= ~(1u << ch->index);
	irq_update_line(ch->m);
}
