/* MAC and PCS registers without behaviour in the control plane, MDIO, and the security engine's
 * handshake for stopping the data paths. DS 8.2.3.22, 8.2.3.12, 3.7.5 (MDIO), 4.6.7 (SECRXCTRL). */
#include "control.h"

/* 64 bit times with preamble at 2.4 MHz. */
#define MDIO_PS		(27 * CLOCK_PS_PER_US)
#define MSCA_OPCODE	3u
#define MSCA_OP_WRITE	1u
#define MSCA_OP_ADDRESS 0u
#define MDIO_NOBODY	0xffffu /* the data line's pull-up */

static uint32_t read_msca(struct port *p, unsigned index)
{
	uint32_t v = reg_get(p, REG_MSCA);

	(void)index;
	if (clock_now(p->clock) >= p->control->link.mdio_done_ps)
		v &= ~MSCA_MDI_COMMAND;
	return v;
}

/* No PHY is on the MDIO bus: reads return ones. */
static void write_msca(struct port *p, unsigned index, uint32_t v)
{
	uint32_t op = v >> MSCA_OPCODE_SHIFT & MSCA_OPCODE;

	(void)index;
	if (clock_now(p->clock) < p->control->link.mdio_done_ps)
		return;
	reg_set(p, REG_MSCA, v);
	if (!(v & MSCA_MDI_COMMAND))
		return;
	p->control->link.mdio_done_ps = clock_now(p->clock) + MDIO_PS;
	if (op != MSCA_OP_WRITE && op != MSCA_OP_ADDRESS)
		reg_set(p, REG_MSRWD, (reg_get(p, REG_MSRWD) & 0xffff) | MDIO_NOBODY << 16);
}

/* The path is empty as soon as it is told to stop. "Off" is fused: there is no IPsec or MACsec. */
static uint32_t security_status(struct port *p, uint32_t control)
{
	return SECSTAT_OFF_DIS | (reg_get(p, control) & SECCTRL_PATH_DIS ? SECSTAT_RDY : 0);
}

static uint32_t read_secrxstat(struct port *p, unsigned index)
{
	(void)index;
	return security_status(p, REG_SECRXCTRL);
}

static uint32_t read_sectxstat(struct port *p, unsigned index)
{
	(void)index;
	return security_status(p, REG_SECTXCTRL);
}

/* An analog register: 16 selects a read, whose result replaces bits 7:0. */
static void write_corectl(struct port *p, unsigned index, uint32_t v)
{
	uint8_t *analog = &p->control->analog[v >> 8 & 0xff];

	(void)index;
	if (v & CORECTL_READ)
		v = (v & ~0xffu) | *analog;
	else
		*analog = (uint8_t)v;
	reg_set(p, REG_CORECTL, v);
}

#define FC_LEVEL (FC_THRESHOLD | 0x10 | FCRTL_XONE)

const struct reg_range mac_ranges[] = {
	/* flow control: DS 8.2.3.3 */
	{ .off = REG_PFCTOP, .writable = UINT32_MAX, .reset = 0x01018808 },
	{ .off = REG_FCTTV(0), .count = 4, .writable = UINT32_MAX },
	{ .off = REG_FCRTL(0), .count = 8, .writable = FC_LEVEL },
	{ .off = REG_FCRTH(0), .count = 8, .writable = FC_LEVEL },
	{ .off = REG_FCRTV, .writable = 0xffff },
	{ .off = REG_FCCFG, .writable = FCCFG_TFCE_LINK | FCCFG_TFCE_PRIORITY },
	{ .off = REG_MFLCN, .writable = 0xfff },
	{ .off = REG_TFCS, .reset = 0 },
	/* MAC */
	{ .off = REG_HLREG0,
		.writable = UINT32_MAX,
		.reset = HLREG0_TXCRCEN | HLREG0_RXCRCSTRP | HLREG0_TXPADEN | HLREG0_MDCSPD |
			 HLREG0_RXLNGTHERREN },
	{ .off = REG_HLREG1 },
	{ .off = REG_PAP, .writable = 0xffff, .reset = 0xffff },
	{ .off = REG_MACA, .writable = UINT32_MAX },
	{ .off = REG_APAE, .writable = UINT32_MAX },
	{ .off = REG_ARD, .writable = UINT32_MAX },
	{ .off = REG_AIS, .writable = UINT32_MAX },
	{ .off = REG_MSCA, .read = read_msca, .write = write_msca },
	{ .off = REG_MSRWD, .writable = 0xffff },
	{ .off = REG_MAXFRS, .writable = 0xffff0000, .reset = 1518u << MAXFRS_MFS_SHIFT },
	{ .off = REG_TREG, .writable = UINT32_MAX },
	{ .off = REG_PCSS1 },
	{ .off = REG_PCSS2 },
	{ .off = REG_XPCSS },
	{ .off = REG_SERDESC, .writable = UINT32_MAX },
	{ .off = REG_MACS, .writable = UINT32_MAX },
	{ .off = REG_MMNGC },
	{ .off = REG_KRPCSFC, .writable = UINT32_MAX },
	{ .off = REG_KRPCSS },
	{ .off = REG_FECS1 },
	{ .off = REG_FECS2 },
	{ .off = REG_CORECTL, .write = write_corectl },
	{ .off = REG_SMADARCTL, .writable = UINT32_MAX },
	/* PCS for 1 Gbit/s */
	{ .off = REG_PCS1GCFIG, .writable = UINT32_MAX, .reset = 0x8 },
	{ .off = REG_PCS1GLCTL, .writable = UINT32_MAX, .reset = 0x00050008 },
	{ .off = REG_PCS1GLSTA },
	{ .off = REG_PCS1GDBG0 },
	{ .off = REG_PCS1GDBG1 },
	{ .off = REG_PCS1GANA, .writable = 0xffff, .reset = 0x01a0 },
	{ .off = REG_PCS1GANLP },
	{ .off = REG_PCS1GANNP, .writable = UINT32_MAX },
	{ .off = REG_PCS1GANLPNP },
	/* security */
	{ .off = REG_SECTXCTRL, .writable = 0x7, .reset = SECCTRL_DIS },
	{ .off = REG_SECTXSTAT, .read = read_sectxstat },
	{ .off = REG_SECTXBUFFAF, .writable = 0x3ff, .reset = 0x250 },
	{ .off = REG_SECTXMINIFG, .writable = 0x000fff0f, .reset = 0x00001001 },
	{ .off = REG_SECRXCTRL, .writable = 0x3, .reset = SECCTRL_DIS },
	{ .off = REG_SECRXSTAT, .read = read_secrxstat },
	{ 0 },
};
