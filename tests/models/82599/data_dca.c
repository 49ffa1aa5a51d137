/* Direct cache access: which cache a write is aimed at. DS 8.2.3.11, 3.1.3.1.2. */
#include "data.h"

static struct dma_hint hint(unsigned queue, enum dma_kind kind, uint32_t target)
{
	return (struct dma_hint){ .kind = kind, .queue = (uint16_t)queue, .target = target };
}

/* A write without snooping does not go through a cache at all. One with relaxed ordering loses its
 * tag in some chipsets: a driver must not count on it, so here it does always. */
struct dma_hint dca_rx(const struct port *p, unsigned queue, enum dma_kind kind)
{
	uint32_t v = rx_reg(p, queue, DCA_RXCTRL), ext = reg_get(p, REG_CTRL_EXT), lost = 0;
	bool on = false;

	if (reg_get(p, REG_DCA_CTRL) & DCA_CTRL_DIS)
		return hint(queue, kind, DMA_NO_TARGET);
	if (kind == DMA_DESCRIPTOR) {
		on = v & DCA_RXCTRL_DESC;
	} else if (kind == DMA_HEADER) {
		on = v & DCA_RXCTRL_HEADER;
		lost = ext & CTRL_EXT_RO_DIS ? 0 : v & DCA_RXCTRL_HEADER_RO;
	} else if (kind == DMA_PAYLOAD) {
		on = v & DCA_RXCTRL_PAYLOAD;
		lost = (ext & CTRL_EXT_RO_DIS ? 0 : v & DCA_RXCTRL_DATA_RO) |
		       (ext & CTRL_EXT_NS_DIS ? 0 : v & DCA_RXCTRL_DATA_NS);
	}
	return hint(queue, kind, on && !lost ? v >> DCA_CPU_SHIFT : DMA_NO_TARGET);
}

struct dma_hint dca_tx(const struct port *p, unsigned queue, enum dma_kind kind)
{
	uint32_t v = tx_reg(p, queue, DCA_TXCTRL);
	bool lost = (v & DCA_TXCTRL_DESC_RO) && !(reg_get(p, REG_CTRL_EXT) & CTRL_EXT_RO_DIS);

	if (reg_get(p, REG_DCA_CTRL) & DCA_CTRL_DIS || !(v & DCA_TXCTRL_DESC) || lost)
		return hint(queue, kind, DMA_NO_TARGET);
	return hint(queue, kind, v >> DCA_CPU_SHIFT);
}
