/* The link: SFI at 10 Gbit/s to an SFP+ module, its state machine, AUTOC, LINKS, the module's pins.
 * DS 3.7.4 (link), 8.2.3.22.19 to 8.2.3.22.23.
 *
 * The link comes up when there is light from the other side, the own laser is on and the MAC is set
 * to 10 Gbit/s (serial or parallel), and has been so for as long as alignment takes. Other speeds
 * exist as register settings only: they never find a partner. */
#include "control.h"

#define TRAINING_PS    (5 * CLOCK_PS_PER_MS)
#define SDP_LOS	       1 /* input: RX_LOS, no light */
#define SDP_MODULE     2 /* input: a module is in the cage */
#define SDP_TX_DISABLE 3
#define ESDP_WRITABLE  0x00ffffffu
#define AN_STATE_BUSY  2u
#define LINK_DOWN_BIT  (1u << 7) /* LINKS: what is so now, not latched */

static struct link *state(const struct port *p)
{
	return &p->control->link;
}

static unsigned link_mode(const struct port *p)
{
	return (reg_get(p, REG_AUTOC) & AUTOC_LMS) >> AUTOC_LMS_SHIFT;
}

static bool is_10g(const struct port *p)
{
	return link_mode(p) == LMS_10G_SERIAL || link_mode(p) == LMS_10G_PARALLEL_NO_AN;
}

static bool is_forced(const struct port *p)
{
	return (reg_get(p, REG_AUTOC) & AUTOC_FLU) || (reg_get(p, REG_MACC) & MACC_FLU);
}

static bool laser_is_on(const struct port *p)
{
	uint32_t esdp = reg_get(p, REG_ESDP);

	return !((esdp & ESDP_OUT(SDP_TX_DISABLE)) && (esdp & ESDP_DATA(SDP_TX_DISABLE))) &&
	       !(reg_get(p, REG_AUTOC2) & AUTOC2_LINK_DISABLE) && !state(p)->in_reset &&
	       !state(p)->dark;
}

bool link_is_up(const struct port *p)
{
	return state(p)->up;
}

static void set_up(struct port *p, bool up)
{
	struct link *l = state(p);

	if (up == l->up)
		return;
	l->up = up;
	if (!up) {
		l->latched = false;
		stats_add(p, REG_MLFC, 1);
	}
	data_link_changed(p);
	irq_other(p, EICR_LSC);
}

static bool may_be_up(const struct port *p)
{
	return state(p)->signal && laser_is_on(p) && is_10g(p);
}

static void trained(void *ctx)
{
	struct port *p = ctx;

	set_up(p, is_forced(p) || may_be_up(p));
}

static void drive_laser(struct port *p)
{
	if (p->wire)
		wire_set_transmitter(p->wire, p->wire_end, laser_is_on(p));
}

void link_update(struct port *p)
{
	struct link *l = state(p);

	drive_laser(p);
	if (is_forced(p)) {
		clock_cancel(p->clock, &l->training);
		set_up(p, true);
	} else if (!may_be_up(p)) {
		clock_cancel(p->clock, &l->training);
		set_up(p, false);
	} else if (!l->up && !clock_is_scheduled(&l->training)) {
		clock_schedule(p->clock, &l->training, clock_now(p->clock) + TRAINING_PS);
	}
}

static void restart(struct port *p)
{
	clock_cancel(p->clock, &state(p)->training);
	if (!is_forced(p))
		set_up(p, false);
	link_update(p);
}

/* ---- Wire ---- */

/* A pin that is an input interrupts by its rising edge, if GPIE says so. DS 8.2.3.1.4 */
static void set_signal(struct port *p, bool present)
{
	bool lost = state(p)->signal && !present;

	state(p)->signal = present;
	if (lost && !(reg_get(p, REG_ESDP) & ESDP_OUT(SDP_LOS)) &&
		(reg_get(p, REG_GPIE) & GPIE_SDP_GPIEN(SDP_LOS)))
		irq_other(p, EICR_GPI_SDP(SDP_LOS));
	link_update(p);
}

static void wire_signal(void *ctx, bool present)
{
	struct port *p = ctx;

	state(p)->wire_signal = present;
	set_signal(p, present && !state(p)->dark);
}

/* In loopback the receiver listens to the own transmitter. DS 3.7.6.2.1 */
static void wire_receive(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	struct port *p = ctx;

	if (state(p)->up && !(reg_get(p, REG_HLREG0) & HLREG0_LPBK))
		data_receive(p, data, len_bytes, fcs_ok);
}

static const struct wire_end_ops wire_ops = { .receive = wire_receive, .signal = wire_signal };

void link_connect(struct port *p, struct wire *wire, unsigned end)
{
	p->wire = wire;
	p->wire_end = end;
	wire_attach(wire, end, &wire_ops, p);
	link_update(p);
}

/* Fault injection: the light of the other side does not arrive here. The remote fault that this
 * side then sends takes the other side's link away too, which is modelled as darkness there. */
void link_fault(struct port *p, bool dark, uint64_t until_ps)
{
	struct link *l = state(p);

	l->dark = dark;
	clock_cancel(p->clock, &l->flap);
	if (dark && until_ps != CLOCK_NEVER)
		clock_schedule(p->clock, &l->flap, until_ps);
	set_signal(p, l->wire_signal && !dark);
}

static void flap_over(void *ctx)
{
	link_fault(ctx, false, CLOCK_NEVER);
}

/* ---- Life ---- */

void link_init(struct port *p)
{
	struct link *l = state(p);

	l->training.fn = trained;
	l->training.ctx = p;
	l->flap.fn = flap_over;
	l->flap.ctx = p;
}

/* The wire must still be there. */
void link_destroy(struct port *p)
{
	struct wire *wire = p->wire;

	p->wire = NULL;
	if (wire) {
		wire_attach(wire, p->wire_end, NULL, NULL);
		wire_set_transmitter(wire, p->wire_end, false);
	}
	clock_cancel(p->clock, &state(p)->training);
	clock_cancel(p->clock, &state(p)->flap);
}

/* A device reset leaves the light on and the link as it is; a link reset takes both away until the
 * auto-read is done. The registers are those of power-on until then. */
void link_reset(struct port *p, bool whole)
{
	struct link *l = state(p);

	l->an_restarted = false;
	if (!whole)
		return;
	l->in_reset = true;
	link_update(p);
}

void link_loaded(struct port *p)
{
	state(p)->in_reset = false;
	link_update(p);
}

/* ---- Registers ---- */

static uint32_t speed_bits(const struct port *p)
{
	return (is_10g(p) ? LINKS_SPEED_10G : LINKS_SPEED_1G) << LINKS_SPEED_SHIFT;
}

/* The link bit is latched low: it tells of a loss since the last read. DS 8.2.3.22.20 */
static uint32_t read_links(struct port *p, unsigned index)
{
	struct link *l = state(p);
	uint32_t v = 0;

	(void)index;
	if (l->latched)
		v |= LINKS_UP;
	if (l->up)
		v |= speed_bits(p) | LINK_DOWN_BIT;
	if (l->signal)
		v |= LINKS_SIGNAL;
	if (l->up && is_10g(p))
		v |= LINKS_10G_ALIGN | LINKS_10G_SERIAL_LOCK;
	if (is_10g(p))
		v |= LINKS_PCS_10G_EN;
	else if (link_mode(p) <= LMS_1G_AN)
		v |= LINKS_PCS_1G_EN;
	l->latched = l->up;
	return v;
}

static void write_autoc(struct port *p, unsigned index, uint32_t v)
{
	uint32_t old = reg_get(p, REG_AUTOC);

	(void)index;
	reg_set(p, REG_AUTOC, v & ~AUTOC_RESTART_AN);
	if (v & AUTOC_RESTART_AN)
		state(p)->an_restarted = true;
	/* the mode only takes effect with a restart on silicon; drivers always ask for one */
	if ((v & AUTOC_RESTART_AN) || ((old ^ v) & AUTOC_LMS))
		restart(p);
	else
		link_update(p);
}

static void write_autoc2(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	reg_set(p, REG_AUTOC2, v);
	link_update(p);
}

static void write_macc(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	reg_set(p, REG_MACC, v);
	link_update(p);
}

/* The arbitration state machine of a backplane link: it leaves state 0 when it is restarted in a
 * mode that negotiates, and never gets an answer here. */
static uint32_t read_anlp1(struct port *p, unsigned index)
{
	unsigned mode = link_mode(p);
	bool negotiates =
		mode == LMS_KX4_KX_KR || mode == LMS_KX4_KX_KR_1G_AN || mode == LMS_KX4_KX_KR_SGMII;

	(void)index;
	return negotiates && state(p)->an_restarted ? AN_STATE_BUSY << ANLP1_AN_STATE_SHIFT : 0;
}

/* Pins that software has not made outputs read what the module drives: SDP1 loss of signal, SDP2
 * that the cage is full; the others are low. */
static uint32_t read_esdp(struct port *p, unsigned index)
{
	uint32_t v = reg_get(p, REG_ESDP);

	(void)index;
	for (unsigned n = 0; n < 8; n++) {
		if (v & ESDP_OUT(n))
			continue;
		v &= ~ESDP_DATA(n);
		if (n == SDP_MODULE || (n == SDP_LOS && !state(p)->signal))
			v |= ESDP_DATA(n);
	}
	return v;
}

static void write_esdp(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	reg_set(p, REG_ESDP, v & ESDP_WRITABLE);
	link_update(p);
}

const struct reg_range link_ranges[] = {
	{ .off = REG_ESDP, .read = read_esdp, .write = write_esdp },
	{ .off = REG_LEDCTL, .writable = 0xcfcfcfefu },
	{ .off = REG_AUTOC, .write = write_autoc },
	{ .off = REG_AUTOC2, .write = write_autoc2 },
	{ .off = REG_AUTOC3, .writable = UINT32_MAX },
	{ .off = REG_LINKS, .read = read_links },
	{ .off = REG_LINKS2 },
	{ .off = REG_ANLP1, .read = read_anlp1 },
	{ .off = REG_ANLP2 },
	{ .off = REG_ANLPNP1, .writable = UINT32_MAX },
	{ .off = REG_ANLPNP2 },
	{ .off = REG_MACC, .write = write_macc },
	{ 0 },
};
