/* Interrupts: MSI-X, one vector for queue pairs each, one for everything else. DS 7.3, 4.6.6.
 *
 * A queue vector clears its cause and masks itself when its message is sent (EIAC, EIAM); arming is
 * one write of its mask bit. What arrived meanwhile is in EICR, so that arming sends it at once. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"
#include "lib/log.h"

#define ALL_CAUSES   0x7fffffffu
#define QUEUE_CAUSES 0xffffu
#define OTHER_CAUSES (IXGBE_EI_PCI | IXGBE_EI_LSC | IXGBE_EI_SDP1 | IXGBE_EI_SDP2 | IXGBE_EI_ECC)
#define RSC_DELAY    7u /* GPIE: (7 + 1) * 4 us; ends what a poller would leave open: DS 7.11.5.2 */
#define RSC_ITR_US   40u /* longer than the RSC delay, or nothing is coalesced */

int ixgbe_irq_attach(struct ixgbe *ix)
{
	unsigned wanted = ix->nic.nr_vectors;

	if (!wanted)
		return 0;
	if (wanted + 1 > IXGBE_VECTORS)
		return -EINVAL;
	if (host_pci_msix_enable(ix->bdf, &ix->msix) || ix->msix.nr_entries < wanted + 1) {
		log_warn("%s: no MSI-X with %u vectors: polled only", ix->nic.name, wanted + 1);
		ix->nic.nr_vectors = 0;
		return 0;
	}
	ix->has_msix = true;
	for (unsigned v = 0; v < wanted; v++)
		ix->itr_us[v] = ix->setup.moderation_us;
	return 0;
}

static void write_itr(const struct ixgbe *ix, unsigned v)
{
	uint32_t us = ix->itr_us[v], interval;

	if (ix->setup.rsc)
		us = MAX(us, RSC_ITR_US);
	interval = MIN((us + IXGBE_EITR_US - 1) / IXGBE_EITR_US, IXGBE_EITR_MAX);
	ixgbe_write(ix, IXGBE_EITR(v), interval << IXGBE_EITR_SHIFT | IXGBE_EITR_CNT_WDIS);
}

static void write_ivar(const struct ixgbe *ix, unsigned queue)
{
	uint32_t hw = ix->rx[queue].hw, shift = hw % 2 * 16;
	uint32_t entry = IXGBE_IVAR_VALID | ix->rx[queue].q.vector;

	ixgbe_change(ix, IXGBE_IVAR(hw / 2), 0xffffu << shift, (entry | entry << 8) << shift);
}

/* DS 4.6.6: modes, routes, moderation; then the masks as they were wanted. */
void ixgbe_irq_write(struct ixgbe *ix)
{
	ixgbe_write(ix, IXGBE_EIMC, ALL_CAUSES);
	if (!ix->has_msix)
		return;
	ixgbe_write(ix, IXGBE_GPIE,
		IXGBE_GPIE_MSIX | IXGBE_GPIE_OCD | IXGBE_GPIE_EIAME | IXGBE_GPIE_PBA |
			IXGBE_GPIE_SDP1 | IXGBE_GPIE_SDP2 | RSC_DELAY * IXGBE_GPIE_RSC_DELAY);
	ixgbe_write(ix, IXGBE_EIAC, QUEUE_CAUSES);
	ixgbe_write(ix, IXGBE_EIAM, 0);
	ixgbe_write(ix, IXGBE_EIAM_EX(0), UINT32_MAX);
	ixgbe_write(ix, IXGBE_EIAM_EX(1), UINT32_MAX);
	for (unsigned v = 0; v < ix->nic.nr_vectors; v++)
		write_itr(ix, v);
	for (unsigned q = 0; q < ix->nic.nr_queues; q++)
		write_ivar(ix, q);
	ixgbe_write(ix, IXGBE_IVAR_MISC, (IXGBE_IVAR_VALID | ix->nic.nr_vectors) << 8);
	ixgbe_write(ix, IXGBE_EICR, ALL_CAUSES); /* what came before counts nothing */
	ixgbe_write(ix, IXGBE_EIMS, OTHER_CAUSES);
	for (unsigned i = 0; i < ARRAY_SIZE(ix->armed); i++)
		ixgbe_write(ix, IXGBE_EIMS_EX(i), load_acquire(&ix->armed[i]));
}

int ixgbe_route_vector(struct nic *nic, unsigned v, uint32_t apic_id, uint8_t idt_vector)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (!ix->has_msix)
		return -ENOTSUP;
	if (v > nic->nr_vectors)
		return -EINVAL;
	return host_pci_msix_route(&ix->msix, v, apic_id, idt_vector);
}

void ixgbe_arm(struct nic *nic, unsigned v)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (v >= nic->nr_vectors)
		return;
	(void)atomic_fetch_or(&ix->armed[v / 32], BIT32(v % 32));
	if (nic->state == NIC_RUNNING)
		ixgbe_write(ix, IXGBE_EIMS_EX(v / 32), BIT32(v % 32));
}

void ixgbe_mask(struct nic *nic, unsigned v)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (v >= nic->nr_vectors)
		return;
	(void)atomic_fetch_and(&ix->armed[v / 32], ~BIT32(v % 32));
	if (nic->state == NIC_RUNNING)
		ixgbe_write(ix, IXGBE_EIMC_EX(v / 32), BIT32(v % 32));
}

void ixgbe_moderate(struct nic *nic, unsigned v, uint16_t interval_us)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (v >= nic->nr_vectors)
		return;
	ix->itr_us[v] = interval_us;
	if (nic->state == NIC_RUNNING)
		write_itr(ix, v);
}

void ixgbe_control_interrupt(struct nic *nic)
{
	store_release(&IXGBE_OF(nic)->control_pending, 1);
}
