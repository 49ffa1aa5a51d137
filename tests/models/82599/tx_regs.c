/* Registers of transmit queues, transmit DMA and DCB. DS 8.2.3.9, 8.2.3.10. */
#include "data.h"

#define DCA_TXCTRL_RESET 0x2a00u /* relaxed ordering as it is after reset */
#define DCB_CLASSES	 8

static uint32_t tdh_read(struct port *p, unsigned q)
{
	return p->data->tx[q].ring.head;
}

static void tdh_write(struct port *p, unsigned q, uint32_t v)
{
	struct ring *r = &p->data->tx[q].ring;

	if (!r->enabled)
		r->head = v & 0xffff;
}

static uint32_t tdt_read(struct port *p, unsigned q)
{
	return p->data->tx[q].ring.tail;
}

static void tdt_write(struct port *p, unsigned q, uint32_t v)
{
	p->data->tx[q].ring.tail = v & 0xffff;
	tx_kick(p, q);
	tx_run(p);
}

static uint32_t txdctl_read(struct port *p, unsigned q)
{
	uint32_t v = tx_reg(p, q, TXDCTL) & ~TXDCTL_ENABLE;

	return ring_enable_bit(&p->data->tx[q].ring, clock_now(p->clock)) ? v | TXDCTL_ENABLE : v;
}

static void txdctl_write(struct port *p, unsigned q, uint32_t v)
{
	if (v & TXDCTL_SWFLSH && p->data->tx[q].ring.enabled && !data_is_busy(p))
		tx_write_back(p, q);
	reg_set(p, REG_TX_QUEUE(q) + TXDCTL, v & TXDCTL_WRITABLE);
	ring_set_enable(p, &p->data->tx[q].ring, v & TXDCTL_ENABLE);
}

static void run_all(struct port *p)
{
	for (unsigned q = 0; q < M82599_QUEUES; q++)
		if (ring_available(&p->data->tx[q].ring))
			tx_kick(p, q);
	tx_run(p);
}

/* Registers that let queues go on. */
#define RUNNING_WRITE(name, off, mask)                                                             \
	static void name(struct port *p, unsigned i, uint32_t v)                                   \
	{                                                                                          \
		reg_set(p, (off) + 4 * i, v & (mask));                                             \
		run_all(p);                                                                        \
	}
RUNNING_WRITE(dmatxctl_write, REG_DMATXCTL, 0xffff000bu)
RUNNING_WRITE(rttdcs_write, REG_RTTDCS, 0x00c00073u)
RUNNING_WRITE(pfvfte_write, REG_PFVFTE(0), ~0u)
RUNNING_WRITE(txpbsize_write, REG_TXPBSIZE(0), TXPBSIZE_BYTES)

#define QUEUE(reg) .off = TX_QUEUES + (reg), .count = M82599_QUEUES, .stride = QUEUE_STRIDE

const struct reg_range tx_ranges[] = {
	{ QUEUE(TDBAL), .writable = 0xffffff80 },
	{ QUEUE(TDBAH), .writable = ~0u },
	{ QUEUE(TDLEN), .writable = 0x000fff80 },
	{ QUEUE(DCA_TXCTRL), .writable = ~0u, .reset = DCA_TXCTRL_RESET },
	{ QUEUE(TDH), .read = tdh_read, .write = tdh_write },
	{ QUEUE(TDT), .read = tdt_read, .write = tdt_write },
	{ QUEUE(TXDCTL), .read = txdctl_read, .write = txdctl_write },
	{ QUEUE(TDWBAL), .writable = 0xfffffffd },
	{ QUEUE(TDWBAH), .writable = ~0u },
	{ .off = REG_DMATXCTL,
		.write = dmatxctl_write,
		.reset = (uint32_t)ETHERTYPE_VLAN << DMATXCTL_VT_SHIFT },
	{ .off = REG_DTXTCPFLGL, .writable = 0x0fff0fff, .reset = 0x0f760ff6 },
	{ .off = REG_DTXTCPFLGH, .writable = 0x00000fff, .reset = 0x00000f7f },
	{ .off = REG_DTXMXSZRQ, .writable = 0x00000fff, .reset = 0x10 },
	{ .off = 0x04a94, .count = 2, .writable = ~0u }, /* TEOFF, TSOFF: FCoE, settings only */
	{ .off = REG_MTQC, .writable = 0x0000000f },
	{ .off = REG_TXPBSIZE(0), .write = txpbsize_write, .reset = TX_PACKET_BUFFER_SIZE },
	{ .off = REG_TXPBSIZE(1), .count = DCB_CLASSES - 1, .writable = TXPBSIZE_BYTES },
	{ .off = REG_TXPBTHRESH(0), .count = DCB_CLASSES, .writable = 0x3ff, .reset = 0x96 },
	{ .off = REG_PFVFTE(0), .count = 2, .write = pfvfte_write },
	{ .off = REG_PFVMTXSW(0), .count = 2, .writable = ~0u },
	{ .off = REG_PFVFSPOOF(0), .count = 8, .writable = 0x0000ffff },
	{ .off = REG_PFDTXGSWC, .writable = PFDTXGSWC_LBEN },
	{ .off = REG_PFVMVIR(0), .count = 64, .writable = 0xc000ffff },
	/* DCB: settings only; queues are served round robin */
	{ .off = REG_RTTDCS, .write = rttdcs_write },
	{ .off = REG_RTTDQSEL, .writable = 0x7f },
	{ .off = REG_RTTDT1C, .writable = ~0u },
	{ .off = REG_RTTDT1S },
	{ .off = REG_RTTDT2C(0), .count = DCB_CLASSES, .writable = ~0u },
	{ .off = REG_RTTDT2S(0), .count = DCB_CLASSES },
	{ .off = REG_RTTPCS, .writable = ~0u },
	{ .off = REG_RTTPT2C(0), .count = DCB_CLASSES, .writable = ~0u },
	{ .off = REG_RTTPT2S(0), .count = DCB_CLASSES },
	{ .off = REG_RTTUP2TC, .writable = 0x00ffffff },
	{ .off = REG_RTTBCNRM, .writable = ~0u },
	{ .off = REG_RTTBCNRC, .writable = ~0u },
	{ .off = REG_RTTBCNRS, .writable = ~0u },
	{ .off = REG_RTTBCNRD, .writable = ~0u },
	{ 0 },
};
