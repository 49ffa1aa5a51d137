/* Resets and their handshakes: CTRL.RST and CTRL.LRST, the EEPROM auto-read that follows, master
 * disable, STATUS. DS 4.2 (reset), 5.2.5.3.2 (master disable), 8.2.3.1. */
#include "control.h"

/* A device reset takes less than the millisecond that software waits before it polls, the
 * auto-read less than the 10 ms that DS 4.6.3.2 asks it to wait. */
#define RESET_PS     (100 * CLOCK_PS_PER_US)
#define AUTO_READ_PS (2 * CLOCK_PS_PER_MS)

static void start_auto_read(struct port *p, uint64_t delay_ps)
{
	p->control->auto_read = false;
	clock_schedule(p->clock, &p->control->auto_read_done,
		clock_now(p->clock) + delay_ps + AUTO_READ_PS);
}

static void auto_read_done(void *ctx)
{
	struct port *p = ctx;

	p->control->auto_read = true;
	eeprom_load(p);
	filter_changed(p);
	link_loaded(p);
}

static void reset_done(void *ctx)
{
	struct port *p = ctx;

	p->control->reset_bits = 0;
}

/* Everything but PCI configuration space; `whole` includes the link. */
static void reset_port(struct port *p, bool whole)
{
	registers_reset(p);
	irq_reset(p);
	stats_reset(p);
	eeprom_reset(p);
	filter_changed(p);
	p->control->io_address = 0;
	data_reset(p);
	link_reset(p, whole);
}

void reset_power_on(struct port *p)
{
	p->control->reset_bits = 0;
	clock_cancel(p->clock, &p->control->reset_done);
	reset_port(p, true);
	/* a machine's firmware takes longer than this before any driver runs */
	start_auto_read(p, 0);
}

static void reset_by_software(struct port *p, uint32_t bits)
{
	uint64_t now = clock_now(p->clock);

	reset_port(p, bits & CTRL_LRST);
	p->control->reset_bits = bits;
	if (!p->control->reset_hangs)
		clock_schedule(p->clock, &p->control->reset_done, now + RESET_PS);
	start_auto_read(p, RESET_PS);
}

void reset_set_hanging(struct port *p, bool hangs)
{
	p->control->reset_hangs = hangs;
	if (!hangs)
		p->control->reset_bits = 0;
}

void reset_init(struct port *p)
{
	p->control->reset_done.fn = reset_done;
	p->control->reset_done.ctx = p;
	p->control->auto_read_done.fn = auto_read_done;
	p->control->auto_read_done.ctx = p;
}

void reset_destroy(struct port *p)
{
	clock_cancel(p->clock, &p->control->reset_done);
	clock_cancel(p->clock, &p->control->auto_read_done);
}

static uint32_t read_ctrl(struct port *p, unsigned index)
{
	(void)index;
	return reg_get(p, REG_CTRL) | p->control->reset_bits;
}

static void write_ctrl(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	if (v & (CTRL_RST | CTRL_LRST))
		reset_by_software(p, v & (CTRL_RST | CTRL_LRST));
	else
		reg_set(p, REG_CTRL, v & CTRL_GIO_DIS);
}

static uint32_t read_status(struct port *p, unsigned index)
{
	uint32_t v = p->index << STATUS_LAN_ID_SHIFT;

	(void)index;
	if (p->control->link.up)
		v |= STATUS_LINK_UP;
	/* DMA is synchronous here: nothing is ever outstanding */
	if (!(reg_get(p, REG_CTRL) & CTRL_GIO_DIS))
		v |= STATUS_GIO;
	return v;
}

const struct reg_range reset_ranges[] = {
	{ .off = REG_CTRL, .count = 1, .read = read_ctrl, .write = write_ctrl },
	{ .off = REG_STATUS, .read = read_status },
	{ .off = REG_CTRL_EXT,
		.writable = CTRL_EXT_PFRSTD | CTRL_EXT_NS_DIS | CTRL_EXT_RO_DIS |
			    CTRL_EXT_EXTENDED_VLAN | CTRL_EXT_DRV_LOAD },
	{ 0 },
};
