/* Registers and descriptors of the I/OAT DMA engine, version 3.x. "DS n" is a section of the Intel
 * Xeon Processor E5 v2 Product Families Datasheet, volume 2: Registers (329188). Offsets in BAR 0.
 * What the datasheet leaves out (the descriptor, several channels in one function) is as public
 * drivers rely on it. */
#ifndef SLUICE_DRIVERS_IOAT_REGS_H
#define SLUICE_DRIVERS_IOAT_REGS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

/* General registers */
#define IOAT_CHANCNT		    0x00 /* DS 8.5.1, 8 bits */
#define IOAT_CHANCNT_MASK	    0x1fu
#define IOAT_XFERCAP		    0x01 /* DS 8.5.2, 8 bits: log2 of the largest transfer */
#define IOAT_XFERCAP_MASK	    0x1fu
#define IOAT_INTRCTRL		    0x03 /* DS 8.5.4, 8 bits */
#define IOAT_INTRCTRL_MASTER_INT_EN BIT32(0)
#define IOAT_INTRCTRL_MSIX_VEC_CTRL BIT32(3) /* each channel has its vector */
#define IOAT_CBVER		    0x08     /* DS 8.5.6, 8 bits: major and minor */
#define IOAT_CBVER_3_0		    0x30
#define IOAT_CBVER_3_3		    0x33
#define IOAT_CBVER_3_4		    0x34
#define IOAT_CBVER_4_0		    0x40
#define IOAT_DMACAP		    0x10 /* DS 8.5.9 */
#define IOAT_DMACAP_DCA		    BIT32(4)
#define IOAT_DCAOFFSET		    0x14 /* DS 8.5.10, 16 bits: of the DCA registers; 0: none */

/* Registers of channel n: from IOAT_CHANNEL(n) on */
#define IOAT_CHANNEL(n)		    (0x80u + 0x80u * (n))
#define IOAT_CHANCTRL		    0x00     /* DS 8.5.12, 16 bits */
#define IOAT_CHANCTRL_INT_DISABLE   BIT32(0) /* set by an interrupt; a 1 clears it */
#define IOAT_CHANCTRL_ERR_COMPL_EN  BIT32(2) /* an error writes the completion word */
#define IOAT_CHANCTRL_ANY_ERR_ABORT BIT32(3) /* errors of nobody's descriptor halt too */
#define IOAT_CHANCTRL_ERR_INT_EN    BIT32(4)
#define IOAT_CHANCMD		    0x04 /* DS 8.5.14, 8 bits */
#define IOAT_CHANCMD_SUSPEND	    BIT32(2)
#define IOAT_CHANCMD_RESET	    BIT32(5) /* reads as 1 until it is done */
#define IOAT_DMACOUNT		    0x06     /* DS 8.5.15, 16 bits: descriptors since CHAINADDR */
#define IOAT_CHANSTS_LO		    0x08 /* DS 8.5.16; reading it holds CHANSTS_HI (DS 8.5.17) */
#define IOAT_CHANSTS_HI		    0x0c
#define IOAT_CHANSTS_STATE	    UINT64_C(0x7)
#define IOAT_STATE_ACTIVE	    0
#define IOAT_STATE_IDLE		    1
#define IOAT_STATE_SUSPENDED	    2
#define IOAT_STATE_HALTED	    3
#define IOAT_STATE_ARMED	    4
#define IOAT_CHANSTS_COMPLETED	    (~UINT64_C(0x3f)) /* address of the last one that is done */
#define IOAT_CHAINADDR_LO	    0x10	      /* DS 8.5.18 */
#define IOAT_CHAINADDR_HI	    0x14
#define IOAT_CHANCMP_LO		    0x18 /* DS 8.5.20: where CHANSTS is written to */
#define IOAT_CHANCMP_HI		    0x1c
#define IOAT_CHANERR		    0x28    /* DS 8.5.22; a 1 clears */
#define IOAT_CHANERRMSK		    0x2c    /* DS 8.5.23 */
#define IOAT_DCACTRL		    0x30    /* DS 8.5.24 */
#define IOAT_DCACTRL_TARGET_CPU	    0xffffu /* an APIC ID; all ones: none */
#define IOAT_DCACTRL_COMPL_WRITE_EN BIT32(16)

/* DCA registers, from DCAOFFSET on: DS 8.5.25 to 8.5.33 */
#define IOAT_DCA_REQID_OFFSET	      0x02 /* 16 bits: GREQID table, in the BAR */
#define IOAT_DCA_CSI_CONTROL	      0x0c /* 16 bits */
#define IOAT_DCA_CSI_CONTROL_PREFETCH BIT32(0)
#define IOAT_DCA_PCIE_CONTROL	      0x0e /* 16 bits */
#define IOAT_DCA_PCIE_CONTROL_MEMWR   BIT32(0)
#define IOAT_DCA_APICID_TAG_MAP_LO    0x10
#define IOAT_DCA_APICID_TAG_MAP_HI    0x14
#define IOAT_TAG_MAP_BYTES	      8
#define IOAT_TAG_MAP_BIT_INVERTED     BIT32(7)
#define IOAT_TAG_MAP_BIT	      BIT32(6)
#define IOAT_TAG_MAP_INDEX	      0x1fu
#define IOAT_TAG_MAP_LITERAL	      BIT32(0)
#define IOAT_GREQID(n)		      (4u * (n)) /* from the table's start */
#define IOAT_GREQID_VALID	      BIT32(29)
#define IOAT_GREQID_LAST	      BIT32(31)

/* Configuration space: DS 8.4.36 */
#define IOAT_CFG_CHANERR_INT 0x180

/* A descriptor; on a 64-byte boundary. */
struct ioat_desc {
	uint32_t size; /* bytes; not 0, not even of a null descriptor */
	uint32_t ctl;
	uint64_t src_hpa;
	uint64_t dst_hpa;
	uint64_t next_hpa;
	uint64_t reserved[4];
};

#define IOAT_CTL_INT_EN	     BIT32(0)
#define IOAT_CTL_COMPL_WRITE BIT32(3)
#define IOAT_CTL_NULL	     BIT32(5)
#define IOAT_CTL_DEST_DCA    BIT32(9)
#define IOAT_CTL_HINT	     BIT32(10)
#define IOAT_CTL_OP_COPY     (UINT32_C(0x00) << 24)

_Static_assert(sizeof(struct ioat_desc) == 64, "a descriptor is 64 bytes");
_Static_assert(offsetof(struct ioat_desc, ctl) == 4 && offsetof(struct ioat_desc, src_hpa) == 8 &&
		       offsetof(struct ioat_desc, dst_hpa) == 16 &&
		       offsetof(struct ioat_desc, next_hpa) == 24,
	"the layout that the engine reads");

#endif
