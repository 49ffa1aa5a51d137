/* Time synchronisation: SYSTIM and the time stamps of IEEE 1588 messages. DS 7.9, 8.2.3.27. */
#include "data.h"

#define TICK_PS	     UINT64_C(6400) /* DMA clock at 10 Gbit/s */
#define PTP_UDP_PORT 319
#define PTP_HEADER   34
#define PTP_V1_BYTES 36
#define V1_CONTROL   32 /* offsets in the messages */
#define V2_SOURCE    22
#define V2_SEQUENCE  30

enum { TYPE_L2_V2, TYPE_L4_V1, TYPE_L2_L4_V2, TYPE_EVENT_V2 = 5 };

uint64_t tsync_now(const struct port *p)
{
	const struct data *d = p->data;
	uint32_t inc = reg_get(p, REG_TIMINCA), period = inc >> TIMINCA_PERIOD_SHIFT;

	if (!period)
		return d->systime;
	return d->systime +
	       (clock_now(p->clock) - d->systime_at) / (period * TICK_PS) * (inc & TIMINCA_VALUE);
}

static void set_time(struct port *p, uint64_t v)
{
	p->data->systime = v;
	p->data->systime_at = clock_now(p->clock);
}

static void stamp(struct port *p, uint32_t low, uint32_t high, uint32_t control)
{
	uint64_t now = tsync_now(p);

	reg_set(p, low, (uint32_t)now);
	reg_set(p, high, (uint32_t)(now >> 32));
	reg_set(p, control, reg_get(p, control) | TSYNCCTL_VALID);
}

/* Where the message begins; 0: this is none of the kind that is looked for. */
static uint32_t find_message(const struct port *p, const uint8_t *data, uint32_t len,
	const struct parse *r, unsigned type)
{
	uint32_t port = reg_get(p, REG_RXMTRL) >> 16;

	if (r->ethertype == ETHERTYPE_1588 && type != TYPE_L4_V1)
		return r->l3 + (uint32_t)PTP_HEADER <= len ? r->l3 : 0;
	if (type == TYPE_L2_V2 || r->l4_type != L4_UDP ||
		load_be16(data + r->l4 + 2) != (port ? port : PTP_UDP_PORT))
		return 0;
	return r->payload + PTP_V1_BYTES <= r->end ? r->payload : 0;
}

static bool type_matches(const struct port *p, const uint8_t *message, unsigned type)
{
	uint32_t mtrl = reg_get(p, REG_RXMTRL);

	if (type == TYPE_L4_V1)
		return message[V1_CONTROL] == (mtrl & 0xff);
	if (type == TYPE_EVENT_V2)
		return (message[0] & 0xf) < 4;
	return (message[0] & 0xf) == (mtrl >> 8 & 0xf);
}

/* The first message is kept until software has read its time. */
bool tsync_receive(struct port *p, const uint8_t *data, uint32_t len_bytes, const struct parse *r)
{
	uint32_t ctl = reg_get(p, REG_TSYNCRXCTL), at;
	unsigned type = ctl >> TSYNCRXCTL_TYPE_SHIFT & 7;

	if (!(ctl & TSYNCCTL_EN))
		return false;
	at = find_message(p, data, len_bytes, r, type);
	if (!at || !type_matches(p, data + at, type))
		return false;
	if (ctl & TSYNCCTL_VALID)
		return true;
	stamp(p, REG_RXSTMPL, REG_RXSTMPH, REG_TSYNCRXCTL);
	reg_set(p, REG_RXSATRL, load_le32(data + at + V2_SOURCE));
	reg_set(p, REG_RXSATRH,
		load_be16(data + at + V2_SOURCE + 4) | (uint32_t)load_be16(data + at + V2_SEQUENCE)
							       << 16);
	return true;
}

void tsync_transmit(struct port *p)
{
	if (reg_get(p, REG_TSYNCTXCTL) & TSYNCCTL_EN)
		stamp(p, REG_TXSTMPL, REG_TXSTMPH, REG_TSYNCTXCTL);
}

/* ---- Registers ---- */

static void unlock(struct port *p, uint32_t control)
{
	reg_set(p, control, reg_get(p, control) & ~TSYNCCTL_VALID);
}

static uint32_t rxstmph_read(struct port *p, unsigned i)
{
	(void)i;
	unlock(p, REG_TSYNCRXCTL);
	return reg_get(p, REG_RXSTMPH);
}

static uint32_t txstmph_read(struct port *p, unsigned i)
{
	(void)i;
	unlock(p, REG_TSYNCTXCTL);
	return reg_get(p, REG_TXSTMPH);
}

static uint32_t systiml_read(struct port *p, unsigned i)
{
	uint64_t now = tsync_now(p);

	(void)i;
	reg_set(p, REG_SYSTIMH, (uint32_t)(now >> 32)); /* kept for the read that follows */
	return (uint32_t)now;
}

static void systiml_write(struct port *p, unsigned i, uint32_t v)
{
	(void)i;
	set_time(p, (tsync_now(p) & ~UINT64_C(0xffffffff)) | v);
}

static void systimh_write(struct port *p, unsigned i, uint32_t v)
{
	(void)i;
	set_time(p, (uint64_t)v << 32 | (uint32_t)tsync_now(p));
}

static void timinca_write(struct port *p, unsigned i, uint32_t v)
{
	(void)i;
	set_time(p, tsync_now(p));
	reg_set(p, REG_TIMINCA, v);
}

const struct reg_range tsync_ranges[] = {
	{ .off = REG_RXMTRL, .writable = ~0u, .reset = 0x013f0000 },
	{ .off = REG_TSYNCRXCTL, .writable = 0x1e },
	{ .off = REG_RXSATRL },
	{ .off = REG_RXSTMPH, .read = rxstmph_read },
	{ .off = REG_RXSATRH },
	{ .off = REG_RXSTMPL },
	{ .off = REG_TSYNCTXCTL, .writable = 0x10 },
	{ .off = REG_TXSTMPL },
	{ .off = REG_TXSTMPH, .read = txstmph_read },
	{ .off = REG_SYSTIML, .read = systiml_read, .write = systiml_write },
	{ .off = REG_SYSTIMH, .write = systimh_write },
	{ .off = REG_TIMINCA, .write = timinca_write },
	/* adjustment, target times, auxiliary stamps: settings only */
	{ .off = REG_TIMADJL, .count = 12, .writable = ~0u },
	{ 0 },
};
