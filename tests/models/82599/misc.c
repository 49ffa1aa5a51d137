/* The rest: PCIe registers, wake-up, the mailboxes of virtual functions, and what drivers' dumps
 * read although the 82599 has nothing there. Storage, if not said otherwise. DS 8.2.3.4, 8.2.3.24
 * (wake-up), 8.2.3.27 (virtualisation). */
#include "control.h"

static uint32_t read_frtimer(struct port *p, unsigned index)
{
	(void)index;
	return (uint32_t)(clock_now(p->clock) / CLOCK_PS_PER_US);
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
	{ .off = 0x03d04 },
	{ .off = 0x04264 },
	{ .off = 0x042b8, .count = 6 },
	{ .off = 0x04800 },
	{ .off = 0x04a90, .writable = ALL }, /* RTTQCNTG */
	{ .off = 0x04ad0, .count = 4 },
	{ .off = 0x050a0, .count = 2 },
	{ .off = 0x0581c },
	{ .off = 0x05a80, .count = 17 },
	{ .off = 0x0602c, .count = 16, .stride = 0x40 },
	{ .off = 0x07200, .count = 16 },
	{ .off = 0x07c00, .count = 9 },
	{ .off = 0x07e00 },
	{ .off = 0x07f08, .count = 15 },
	{ .off = 0x082b0, .count = 16 },
	{ .off = 0x08b00, .writable = ALL }, /* RTTQCNCR */
	{ .off = 0x0c300 },
	{ .off = 0x0c600, .count = 8 },
	{ .off = 0x0cb00 },
	{ .off = 0x0cd10, .writable = ALL },
	{ 0 },
};
