/* Direct cache access: which cache a queue's DMA writes go to. DS 7.5, 8.2.3.11.
 *
 * Writes must not be relaxed together with DCA: some chipsets then drop the tag. Receive data never
 * goes without snooping (DCA_RXCTRL bit 12 off), which corrupted payloads on some servers. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"

void ixgbe_dca_write(const struct ixgbe *ix, unsigned queue)
{
	uint8_t tag = ix->dca_tag[queue];
	uint32_t rx = IXGBE_DCA_RDRO, tx = IXGBE_DCA_RDRO | IXGBE_DCA_TXCTRL_DATARO;

	if (tag) {
		rx |= IXGBE_DCA_TAG(tag) | IXGBE_DCA_RXCTRL_DESC | IXGBE_DCA_RXCTRL_HEAD |
		      IXGBE_DCA_RXCTRL_DATA;
		tx |= IXGBE_DCA_TAG(tag) | IXGBE_DCA_TXCTRL_DESC;
	}
	ixgbe_write(ix, IXGBE_DCA_RXCTRL(ix->rx[queue].hw), rx);
	ixgbe_write(ix, IXGBE_DCA_TXCTRL(ix->tx[queue].hw), tx);
}

int ixgbe_set_dca(struct nic *nic, unsigned queue, uint8_t tag)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	if (queue >= nic->nr_queues)
		return -EINVAL;
	ix->dca_tag[queue] = tag;
	if (nic->state == NIC_RUNNING)
		ixgbe_dca_write(ix, queue);
	return 0;
}
