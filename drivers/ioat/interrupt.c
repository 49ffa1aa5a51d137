/* Interrupts of the I/OAT engine: MSI-X, a vector for each channel. DS 8.5.4, 8.5.12.
 *
 * They are for a core that goes to do something else while copies are under way; completion itself
 * is read from memory. So a lost one costs time and nothing else. */
#include "drivers/ioat/internal.h"

#include "cpu/interrupt.h"
#include "drivers/ioat/ioat_mmio.h"
#include "lib/errno.h"

/* A message disables the channel's interrupt until a 1 is written. That is done first: what ends
 * from here on gives another one, what ended before is seen by whoever is notified. */
static void handle(uint8_t vector, void *arg)
{
	struct ioat_chan *c = arg;

	(void)vector;
	c->stats.interrupts++;
	ioat_write_control(c);
	c->notify(c->notify_arg);
}

static int enable_function(struct ioat_device *dev)
{
	int r;

	if (dev->has_msix)
		return 0;
	r = host_pci_msix_enable(dev->bdf, &dev->msix);
	if (r)
		return -ENOTSUP;
	dev->has_msix = true;
	ioat_write8(dev->regs, IOAT_INTRCTRL,
		IOAT_INTRCTRL_MASTER_INT_EN | IOAT_INTRCTRL_MSIX_VEC_CTRL);
	return 0;
}

int ioat_interrupt_enable(
	struct ioat_chan *c, uint32_t apic_id, void (*notify)(void *arg), void *arg)
{
	int r = enable_function(c->dev), vector;

	if (r)
		return r;
	vector = interrupt_alloc(handle, c);
	if (vector < 0)
		return vector;
	c->notify = notify;
	c->notify_arg = arg;
	c->vector_apic_id = apic_id;
	r = host_pci_msix_route(&c->dev->msix, c->index, apic_id, (uint8_t)vector);
	if (r) {
		interrupt_free((uint8_t)vector);
		return r;
	}
	c->vector = (uint8_t)vector;
	if (c->state == IOAT_RUNNING)
		ioat_write_control(c);
	return 0;
}

/* In version 3.3 the reset of any channel clears the function's first entry (public drivers know of
 * it). Other cores may do the same at the same time: they write the same. */
void ioat_interrupt_restore(struct ioat_device *dev)
{
	const struct ioat_chan *first = &dev->chan[0];

	if (dev->version != IOAT_CBVER_3_3 || !first->vector)
		return;
	if (host_pci_msix_route(&dev->msix, 0, first->vector_apic_id, first->vector))
		dev->chan[0].vector = 0; /* cannot be: it worked before */
}
