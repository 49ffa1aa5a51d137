/* The rest: PCIe configuration registers, time stamping's clock, wake-up, the mailboxes of virtual
 * functions, and what drivers' dumps read although the 82599 has nothing there. Storage, if not
 * said otherwise. DS 8.2.3.4, 8.2.3.14 (wake-up), 8.2.3.26 (time sync), 8.2.3.27 (virtualisation).
 */
#include "control.h"

#define SYSTIM_TICK_PS UINT64_C(6400) /* 156.25 MHz at 10 Gbit/s */

static uint32_t read_frtimer(struct port *p, unsigned index)
{
	(void)index;
	return (uint32_t)(clock_now(p->clock) / CLOCK_PS_PER_US);
}

/* TIMINCA: the value in 23:0 is added each 31:24 ticks. Wraps around at 64 bits. */
static uint64_t systime_now(struct port *p)
{
	const struct systime *t = &p->control->systime;
	uint32_t increment = reg_get(p, REG_TIMINCA);
	uint64_t period_ps = (increment >> 24) * SYSTIM_TICK_PS;

	if (!period_ps)
		return t->base;
	return t->base + (clock_now(p->clock) - t->since_ps) / period_ps * (increment & 0x00ffffff);
}

static void set_systime(struct port *p, uint64_t v)
{
	p->control->systime.base = v;
	p->control->systime.since_ps = clock_now(p->clock);
}

static uint32_t read_systiml(struct port *p, unsigned index)
{
	uint64_t now = systime_now(p);

	(void)index;
	p->control->systime.upper = (uint32_t)(now >> 32);
	return (uint32_t)now;
}

static void write_systiml(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	set_systime(p, (systime_now(p) & ~UINT64_C(0xffffffff)) | v);
}

/* Latched by the read of SYSTIML. */
static uint32_t read_systimh(struct port *p, unsigned index)
{
	(void)index;
	return p->control->systime.upper;
}

static void write_systimh(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	set_systime(p, (systime_now(p) & 0xffffffff) | (uint64_t)v << 32);
}

static void write_timinca(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	set_systime(p, systime_now(p));
	reg_set(p, REG_TIMINCA, v);
}

#define ALL UINT32_MAX

const struct reg_range misc_ranges[] = {
	{ .off = REG_FRTIMER, .read = read_frtimer },
	{ .off = REG_CORESPARE, .writable = ALL },
	/* PCIe */
	{ .off = REG_GCR, .writable = ALL, .reset = 0x00070000 },
	{ .off = REG_GTV, .writable = ALL },
	{ .off = REG_FUNCTAG, .writable = ALL },
	{ .off = REG_GLT, .writable = ALL },
	{ .off = REG_GSCL(1), .count = 4, .writable = ALL },
	{ .off = REG_GSCN(0), .count = 4, .writable = ALL },
	{ .off = REG_GSCL_HIGH(5), .count = 4, .writable = ALL },
	{ .off = REG_PHYADR, .count = 3, .writable = ALL },
	{ .off = REG_GCR_EXT, .writable = ALL },
	{ .off = REG_MREVID },
	{ .off = REG_PBACL(0), .writable = ALL },
	{ .off = REG_PBACL(1), .count = 5, .writable = ALL },
	{ .off = 0x1106c, .writable = ALL },		  /* PCIEECCCTL */
	{ .off = REG_CIAA, .count = 2, .writable = ALL }, /* CIAD: no virtual functions */
	{ .off = 0x11090, .count = 8 },			  /* PCIE_DIAG */
	{ .off = REG_PICAUSE, .count = 3, .writable = ALL },
	{ .off = 0x110bc, .writable = ALL },
	{ .off = 0x110e0 },
	{ .off = 0x110f0, .writable = ALL },
	{ .off = REG_BAR_CTRL },
	{ .off = 0x11100, .count = 2, .writable = ALL },
	/* time sync */
	{ .off = REG_TIMINCA, .write = write_timinca },
	{ .off = REG_SYSTIML, .read = read_systiml, .write = write_systiml },
	{ .off = REG_SYSTIMH, .read = read_systimh, .write = write_systimh },
	{ .off = REG_TSYNCTXCTL, .writable = 1u << 4 },
	{ .off = REG_TXSTMPL, .count = 2 },
	{ .off = 0x08c18, .count = 12, .writable = ALL }, /* TIMADJL to AUXSTMPH1 */
	{ .off = 0x08c48, .writable = ALL },
	{ .off = REG_TSYNCRXCTL, .writable = 0x1e },
	{ .off = 0x051a0, .count = 3 }, /* RXSATRL, RXSTMPH, RXSATRH */
	{ .off = 0x051e8 },		/* RXSTMPL */
	{ .off = 0x05120, .writable = ALL },
	/* management: there is none */
	{ .off = 0x05820, .count = 2 }, /* MANC, MFVAL */
	{ .off = 0x05860 },
	{ .off = 0x15f00, .count = 5 }, /* HICR to SWSR */
	/* wake-up: settings only, nobody sleeps */
	{ .off = 0x05800, .writable = 0x1f },	    /* WUC */
	{ .off = 0x05808, .writable = 0x003f81ff }, /* WUFC */
	{ .off = 0x05810 },			    /* WUS */
	{ .off = 0x05838, .writable = 0x0001000e }, /* IPAV */
	{ .off = 0x05840, .count = 8, .writable = ALL },
	{ .off = 0x05880, .count = 4, .writable = ALL },
	{ .off = 0x05900 }, /* WUPL */
	{ .off = 0x05a00, .count = 32 },
	{ .off = 0x09000, .count = 256, .writable = ALL }, /* FHFT */
	{ .off = 0x09800, .count = 128, .writable = ALL }, /* FHFT_EXT */
	/* virtual functions: their tables, without them */
	{ .off = 0x00700, .count = 12 },		    /* PFVFLRE, PFMBICR, PFMBIMR */
	{ .off = 0x04b00, .count = 64 },		    /* PFMAILBOX */
	{ .off = 0x13000, .count = 1024, .writable = ALL }, /* PFMBMEM */
	/* diagnostics, and what only the 82598 has, as dumps read them */
	{ .off = 0x02000 },
	{ .off = 0x02140, .count = 16, .writable = ALL }, /* RTRPT4C, RTRPT4S */
	{ .off = 0x02430, .writable = ALL },
	{ .off = 0x02c00, .count = 9 },
	{ .off = 0x02f08, .count = 15 },
	{ .off = 0x03240, .count = 8 },
	{ .off = 0x03280, .count = 8 },
	{ .off = 0x03300, .count = 1 },
	{ .off = 0x03600, .count = 8 },
	{ .off = 0x03c20, .count = 16 },
	{ .off = 0x04264 },
	{ .off = 0x042b8, .count = 6 },
	{ .off = 0x04800 },
	{ .off = 0x04ad0, .count = 4 },
	{ .off = 0x050a0, .count = 2 },
	{ .off = 0x0581c },
	{ .off = 0x05a80, .count = 17 },
	{ .off = 0x07200, .count = 16 },
	{ .off = 0x07c00, .count = 9 },
	{ .off = 0x07e00 },
	{ .off = 0x07f08, .count = 15 },
	{ .off = 0x082b0, .count = 16 },
	{ .off = 0x0c300 },
	{ .off = 0x0c600, .count = 8 },
	{ .off = 0x0cb00 },
	{ .off = 0x0cd10, .writable = ALL },
	{ 0 },
};
