/* Registers and descriptors of the I/OAT engine. DS 8.5; offsets in BAR 0. */
#ifndef SLUICE_MODELS_IOAT_REGS_H
#define SLUICE_MODELS_IOAT_REGS_H

#define IOAT_CHANCNT		0x00 /* 8 bits; DS 8.5.1 */
#define IOAT_XFERCAP		0x01 /* 8 bits, log2; DS 8.5.2 */
#define IOAT_XFERCAP_1MB	20
#define IOAT_GENCTRL		0x02 /* 8 bits; DS 8.5.3 */
#define IOAT_INTRCTRL		0x03 /* 8 bits; DS 8.5.4 */
#define IOAT_INTRCTRL_MASTER	(1u << 0)
#define IOAT_INTRCTRL_STATUS	(1u << 1)
#define IOAT_INTRCTRL_INT	(1u << 2)
#define IOAT_INTRCTRL_MSIX_VEC	(1u << 3)
#define IOAT_ATTNSTATUS		0x04 /* DS 8.5.5 */
#define IOAT_CBVER		0x08 /* 8 bits; DS 8.5.6 */
#define IOAT_PERPORTOFFSET	0x0a /* 16 bits */
#define IOAT_INTRDELAY		0x0c /* 16 bits; DS 8.5.7 */
#define IOAT_INTRDELAY_US	0x3fffu
#define IOAT_INTRDELAY_COALESCE 0x8000u
#define IOAT_CS_STATUS		0x0e /* 16 bits; DS 8.5.8 */
#define IOAT_DMACAP		0x10 /* DMACAPABILITY, DS 8.5.9 */
#define IOAT_DMACAP_PAGE_BREAK	(1u << 0)
#define IOAT_DMACAP_DCA		(1u << 4)
#define IOAT_DMACAP_FILL	(1u << 6)
#define IOAT_DMACAP_APIC32	(1u << 7)
#define IOAT_DMACAP_DPS		(1u << 23) /* 3.4: descriptor prefetch */
#define IOAT_DCAOFFSET		0x14	   /* 16 bits; DS 8.5.10 */
#define IOAT_CBPRIO		0x40	   /* 8 bits; DS 8.5.11 */
#define IOAT_CHWPREFLMT		0x4c	   /* 8 bits; 3.4 */

/* A channel's, from 0x80 + 0x80 * n on */
#define IOAT_CHANNEL_STRIDE	    0x80
#define IOAT_CHANCTRL		    0x00      /* 16 bits; DS 8.5.12 */
#define IOAT_CHANCTRL_INT_DISABLE   (1u << 0) /* write 1 to clear */
#define IOAT_CHANCTRL_ERR_COMPL_EN  (1u << 2)
#define IOAT_CHANCTRL_ANY_ERR_ABORT (1u << 3)
#define IOAT_CHANCTRL_ERR_INT_EN    (1u << 4)
#define IOAT_CHANCTRL_NO_SNOOP	    (1u << 5)
#define IOAT_CHANCTRL_IN_USE	    (1u << 8)
#define IOAT_CHANCTRL_COMPL_DCA_EN  (1u << 9)
#define IOAT_DMA_COMP		    0x02 /* 16 bits; DS 8.5.13 */
#define IOAT_DMA_COMP_V2	    (1u << 1)
#define IOAT_DMA_COMP_V3	    (1u << 2)
#define IOAT_CHANCMD		    0x04 /* 8 bits; DS 8.5.14 */
#define IOAT_CHANCMD_START	    (1u << 0)
#define IOAT_CHANCMD_APPEND	    (1u << 1)
#define IOAT_CHANCMD_SUSPEND	    (1u << 2)
#define IOAT_CHANCMD_ABORT	    (1u << 3)
#define IOAT_CHANCMD_RESUME	    (1u << 4)
#define IOAT_CHANCMD_RESET	    (1u << 5)
#define IOAT_DMACOUNT		    0x06 /* 16 bits; DS 8.5.15 */
#define IOAT_CHANSTS_LO		    0x08 /* DS 8.5.16 */
#define IOAT_CHANSTS_STATE	    0x7u
#define IOAT_CHANSTS_UNAFFILIATED   (1u << 3)
#define IOAT_CHANSTS_SOFT	    (1u << 4)
#define IOAT_CHANSTS_HI		    0x0c
#define IOAT_CHAINADDR_LO	    0x10 /* DS 8.5.18 */
#define IOAT_CHAINADDR_HI	    0x14
#define IOAT_CHANCMP_LO		    0x18 /* DS 8.5.20 */
#define IOAT_CHANCMP_HI		    0x1c
#define IOAT_CDAR_LO		    0x20 /* the descriptor under way; as Linux names it */
#define IOAT_CDAR_HI		    0x24
#define IOAT_CHANERR		    0x28 /* DS 8.5.22; write 1 to clear */
#define IOAT_CHANERRMSK		    0x2c /* DS 8.5.23 */
#define IOAT_CHANERR_BITS	    0x7ffffu
#define IOAT_DCACTRL		    0x30    /* DS 8.5.24 */
#define IOAT_DCACTRL_TARGET	    0xffffu /* all ones: no CPU in particular */
#define IOAT_DCACTRL_COMPL_EN	    (1u << 16)

/* Version 3.4, as Linux has them. They lie beyond the channel's own 0x80 bytes: in a function with
 * several channels in the unused part of the next one's. */
#define IOAT_DRSCTL	0xb6 /* 16 bits */
#define IOAT_LTR_SWSEL	0xbc /* 8 bits */
#define IOAT_LTR_ACTIVE 0xc0
#define IOAT_LTR_IDLE	0xc4

#define IOAT_CHANERR_SOURCE	  (1u << 0)
#define IOAT_CHANERR_DESTINATION  (1u << 1)
#define IOAT_CHANERR_NEXT	  (1u << 2)
#define IOAT_CHANERR_DESCRIPTOR	  (1u << 3)
#define IOAT_CHANERR_CHAIN	  (1u << 4)
#define IOAT_CHANERR_COMMAND	  (1u << 5)
#define IOAT_CHANERR_CHIPSET_DATA (1u << 6)
#define IOAT_CHANERR_DMA_DATA	  (1u << 7)
#define IOAT_CHANERR_READ	  (1u << 8)
#define IOAT_CHANERR_WRITE	  (1u << 9)
#define IOAT_CHANERR_CONTROL	  (1u << 10)
#define IOAT_CHANERR_LENGTH	  (1u << 11)
#define IOAT_CHANERR_COMPLETION	  (1u << 12)
#define IOAT_CHANERR_INTERRUPT	  (1u << 13)
#define IOAT_CHANERR_SOFT	  (1u << 14)
#define IOAT_CHANERR_UNAFFILIATED (1u << 15)

/* DCA registers, from DCAOFFSET on (DS 8.5.25 to 8.5.33). On parts with one channel that is 0x100;
 * here the channels come first. */
#define IOAT_DCA_BASE	       0xc00
#define IOAT_DCA_VER	       0x00 /* 8 bits */
#define IOAT_DCA_REQID_OFFSET  0x02 /* 16 bits */
#define IOAT_CSI_CAPABILITY    0x08 /* 16 bits */
#define IOAT_PCIE_CAPABILITY   0x0a
#define IOAT_CSI_CAP_ENABLE    0x0c
#define IOAT_PCIE_CAP_ENABLE   0x0e
#define IOAT_APICID_TAG_MAP_LO 0x10
#define IOAT_APICID_TAG_MAP_HI 0x14
#define IOAT_GREQID_BASE       0xc80 /* from the start of the BAR */
#define IOAT_GREQID_COUNT      2
#define IOAT_GREQID_WRITABLE   0x3000ffffu
#define IOAT_GREQID_LAST       (1u << 31)

/* Configuration space; DS 8.4.36, 8.4.37 */
#define IOAT_CFG_CHANERR_INT	0x180
#define IOAT_CFG_CHANERRMSK_INT 0x184

/* Descriptors: 64 bytes on a 64-byte boundary, linked by `next`. */
#define IOAT_DESC_BYTES	       64
#define IOAT_DESC_SIZE	       0x00 /* 32 bits */
#define IOAT_DESC_CTL	       0x04 /* 32 bits */
#define IOAT_DESC_SRC	       0x08 /* fill: the 8 bytes of the pattern */
#define IOAT_DESC_DST	       0x10
#define IOAT_DESC_NEXT	       0x18
#define IOAT_DESC_NEXT_SRC     0x20 /* where the source goes on after a page break */
#define IOAT_DESC_NEXT_DST     0x28
#define IOAT_CTL_INT	       (1u << 0)
#define IOAT_CTL_SRC_NO_SNOOP  (1u << 1)
#define IOAT_CTL_DST_NO_SNOOP  (1u << 2)
#define IOAT_CTL_COMPL	       (1u << 3)
#define IOAT_CTL_FENCE	       (1u << 4)
#define IOAT_CTL_NULL	       (1u << 5)
#define IOAT_CTL_SRC_BREAK     (1u << 6)
#define IOAT_CTL_DST_BREAK     (1u << 7)
#define IOAT_CTL_BUNDLE	       (1u << 8)
#define IOAT_CTL_DEST_DCA      (1u << 9)
#define IOAT_CTL_HINT	       (1u << 10)
#define IOAT_CTL_OP_SHIFT      24
#define IOAT_OP_COPY	       0x00
#define IOAT_OP_FILL	       0x01
#define IOAT_CTL_COPY_RESERVED 0x00fff800u
#define IOAT_CTL_FILL_RESERVED 0x00fffe62u /* no source, so no DCA bits either */

#define IOAT_PAGE_BYTES	   4096u
#define IOAT_ADDRESS_LIMIT (UINT64_C(1) << 48) /* higher ones are illegal */

#endif
