/* Registers of receive queues and receive DMA. DS 8.2.3.8. */
#include "data.h"

#define DCA_RXCTRL_RESET 0xb200u /* relaxed ordering and no snoop as they are after reset */
#define SRRCTL_RESET	 0x00000402u
#define SRRCTL_WRITABLE	 0x1fc03f1fu
#define RDRXCTL_RESET	 0x00108800u
#define RDRXCTL_WRITABLE 0x06fffff2u
#define QUEUES_LOW	 64 /* in the lower window */
#define ALIASES		 16

static struct ring *ring_of(struct port *p, unsigned q)
{
	return &p->data->rx[q].ring;
}

static uint32_t rdh_read(struct port *p, unsigned q)
{
	return ring_of(p, q)->head;
}

static void rdh_write(struct port *p, unsigned q, uint32_t v)
{
	struct ring *r = ring_of(p, q);

	if (!r->enabled)
		r->head = v & 0xffff;
}

static uint32_t rdt_read(struct port *p, unsigned q)
{
	return ring_of(p, q)->tail;
}

static void rdt_write(struct port *p, unsigned q, uint32_t v)
{
	ring_of(p, q)->tail = v & 0xffff;
	rx_kick(p);
}

static uint32_t rxdctl_read(struct port *p, unsigned q)
{
	uint32_t v = rx_reg(p, q, RXDCTL) & ~RXDCTL_ENABLE;

	return ring_enable_bit(ring_of(p, q), clock_now(p->clock)) ? v | RXDCTL_ENABLE : v;
}

static void rxdctl_write(struct port *p, unsigned q, uint32_t v)
{
	reg_set(p, REG_RX_QUEUE(q) + RXDCTL, v & RXDCTL_WRITABLE);
	ring_set_enable(p, ring_of(p, q), v & RXDCTL_ENABLE);
}

/* DROP_EN may be what frames that wait have waited for. */
static void srrctl_write(struct port *p, unsigned q, uint32_t v)
{
	reg_set(p, REG_RX_QUEUE(q) + SRRCTL, v & SRRCTL_WRITABLE);
	rx_kick(p);
}

static uint32_t srrctl_read(struct port *p, unsigned q)
{
	return rx_reg(p, q, SRRCTL);
}

static uint32_t dca_read(struct port *p, unsigned q)
{
	return rx_reg(p, q, DCA_RXCTRL);
}

static void dca_write(struct port *p, unsigned q, uint32_t v)
{
	reg_set(p, REG_RX_QUEUE(q) + DCA_RXCTRL, v);
}

static void rscctl_write(struct port *p, unsigned q, uint32_t v)
{
	reg_set(p, REG_RX_QUEUE(q) + RSCCTL, v & 0xd);
	if (!data_is_busy(p))
		rsc_close_disabled(p);
}

/* The upper window's queues. */
#define HIGH_READ(name)                                                                            \
	static uint32_t name##_read_high(struct port *p, unsigned i)                               \
	{                                                                                          \
		return name##_read(p, i + QUEUES_LOW);                                             \
	}
#define HIGH_WRITE(name)                                                                           \
	static void name##_write_high(struct port *p, unsigned i, uint32_t v)                      \
	{                                                                                          \
		name##_write(p, i + QUEUES_LOW, v);                                                \
	}
HIGH_READ(rdh)
HIGH_READ(rdt)
HIGH_READ(rxdctl)
HIGH_WRITE(rdh)
HIGH_WRITE(rdt)
HIGH_WRITE(rxdctl)
HIGH_WRITE(srrctl)
HIGH_WRITE(rscctl)

static uint32_t rdrxctl_read(struct port *p, unsigned i)
{
	uint32_t v = reg_get(p, REG_RDRXCTL) & ~RDRXCTL_DMAIDONE;

	(void)i;
	return clock_now(p->clock) >= p->data->dma_ready_at ? v | RDRXCTL_DMAIDONE : v;
}

static void rdrxctl_write(struct port *p, unsigned i, uint32_t v)
{
	(void)i;
	reg_set(p, REG_RDRXCTL, (v & RDRXCTL_WRITABLE) | (RDRXCTL_RESET & ~RDRXCTL_WRITABLE));
}

/* Drop enable of a queue, read and written by command. DS 8.2.3.27.11 */
static void pfqde_write(struct port *p, unsigned i, uint32_t v)
{
	struct rx_queue *q = &p->data->rx[v >> PFQDE_QUEUE_SHIFT & 0x7f];

	(void)i;
	if (v & PFQDE_WE)
		q->drop_enable = v & PFQDE_ENABLE;
	if (v & PFQDE_RE)
		v = (v & ~PFQDE_ENABLE) | (q->drop_enable ? PFQDE_ENABLE : 0);
	reg_set(p, REG_PFQDE, v & ~(PFQDE_WE | PFQDE_RE));
	rx_kick(p);
}

/* DS 8.2.3.11.3: the requester id, for the chipset's table of those that may send tags */
static uint32_t dca_id_read(struct port *p, unsigned i)
{
	(void)i;
	return p->dev.bdf;
}

#define QUEUE(reg) .off = RX_QUEUES_LOW + (reg), .count = QUEUES_LOW, .stride = QUEUE_STRIDE
#define HIGH(reg)  .off = RX_QUEUES_HIGH + (reg), .count = QUEUES_LOW, .stride = QUEUE_STRIDE

const struct reg_range rx_ranges[] = {
	{ QUEUE(RDBAL), .writable = 0xffffff80 },
	{ HIGH(RDBAL), .writable = 0xffffff80 },
	{ QUEUE(RDBAH), .writable = ~0u },
	{ HIGH(RDBAH), .writable = ~0u },
	{ QUEUE(RDLEN), .writable = 0x000fff80 },
	{ HIGH(RDLEN), .writable = 0x000fff80 },
	{ QUEUE(DCA_RXCTRL), .writable = ~0u, .reset = DCA_RXCTRL_RESET },
	{ HIGH(DCA_RXCTRL), .writable = ~0u, .reset = DCA_RXCTRL_RESET },
	{ QUEUE(RDH), .read = rdh_read, .write = rdh_write },
	{ HIGH(RDH), .read = rdh_read_high, .write = rdh_write_high },
	{ QUEUE(SRRCTL), .write = srrctl_write, .reset = SRRCTL_RESET },
	{ HIGH(SRRCTL), .write = srrctl_write_high, .reset = SRRCTL_RESET },
	{ QUEUE(RDT), .read = rdt_read, .write = rdt_write },
	{ HIGH(RDT), .read = rdt_read_high, .write = rdt_write_high },
	{ QUEUE(RXDCTL), .read = rxdctl_read, .write = rxdctl_write },
	{ HIGH(RXDCTL), .read = rxdctl_read_high, .write = rxdctl_write_high },
	{ QUEUE(RSCCTL), .write = rscctl_write },
	{ HIGH(RSCCTL), .write = rscctl_write_high },
	{ .off = REG_SRRCTL_LOW(0), .count = ALIASES, .read = srrctl_read, .write = srrctl_write },
	{ .off = REG_DCA_RXCTRL_LOW(0), .count = ALIASES, .read = dca_read, .write = dca_write },
	{ .off = REG_RXCTRL, .writable = 0x00000003 },
	{ .off = REG_RDRXCTL,
		.read = rdrxctl_read,
		.write = rdrxctl_write,
		.reset = RDRXCTL_RESET },
	{ .off = REG_PFQDE, .write = pfqde_write },
	{ .off = REG_RSCDBU, .writable = 0x000000ff, .reset = 0 },
	{ .off = REG_RTRUP2TC, .writable = 0x00ffffff },
	{ .off = REG_RXPBSIZE(0), .writable = RXPBSIZE_BYTES, .reset = RX_PACKET_BUFFER_SIZE },
	{ .off = REG_RXPBSIZE(1), .count = RX_PACKET_BUFFERS - 1, .writable = RXPBSIZE_BYTES },
	{ .off = REG_DCA_ID, .read = dca_id_read },
	{ .off = REG_DCA_CTRL, .writable = 0x0000001f, .reset = DCA_CTRL_DIS },
	{ 0 },
};
