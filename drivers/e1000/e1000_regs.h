/* Registers and descriptors of the 82540EM. PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual (317453), "SDM": registers in the order of chapter 13, descriptors of
 * 3.2.3 and 3.3.3. Only what the driver uses. */
#ifndef SLUICE_DRIVERS_E1000_REGS_H
#define SLUICE_DRIVERS_E1000_REGS_H

#include <stdint.h>

#include "lib/bits.h"

/* ---- SDM 13.4.1 to 13.4.12: general ---- */
#define E1000_CTRL	      0x0000
#define E1000_CTRL_LRST	      BIT32(3) /* link reset: fibre only */
#define E1000_CTRL_ASDE	      BIT32(5) /* the PHY's speed is the MAC's */
#define E1000_CTRL_SLU	      BIT32(6) /* set link up */
#define E1000_CTRL_ILOS	      BIT32(7)
#define E1000_CTRL_FRCSPD     BIT32(11)
#define E1000_CTRL_FRCDPLX    BIT32(12)
#define E1000_CTRL_RST	      BIT32(26)
#define E1000_CTRL_RFCE	      BIT32(27)
#define E1000_CTRL_TFCE	      BIT32(28)
#define E1000_CTRL_VME	      BIT32(30)
#define E1000_CTRL_PHY_RST    BIT32(31)
#define E1000_STATUS	      0x0008
#define E1000_STATUS_LU	      BIT32(1)
#define E1000_STATUS_TXOFF    BIT32(4) /* paused */
#define E1000_STATUS_SPEED(v) ((v) >> 6 & 3)
#define E1000_EERD	      0x0014
#define E1000_EERD_START      BIT32(0)
#define E1000_EERD_DONE	      BIT32(4)
#define E1000_EERD_ADDR(word) ((uint32_t)(word) << 8)
#define E1000_EERD_DATA(v)    ((uint16_t)((v) >> 16))
#define E1000_EERD_WORDS      0x100u
#define E1000_FCAL	      0x0028
#define E1000_FCAH	      0x002c
#define E1000_FCT	      0x0030
#define E1000_FCTTV	      0x0170

/* ---- SDM 13.4.17 to 13.4.21: interrupts ---- */
#define E1000_ICR 0x00c0
#define E1000_IMC 0x00d8

/* ---- SDM 13.4.22 to 13.4.31: receive ---- */
#define E1000_RCTL	 0x0100
#define E1000_RCTL_EN	 BIT32(1)
#define E1000_RCTL_UPE	 BIT32(3)
#define E1000_RCTL_MPE	 BIT32(4)
#define E1000_RCTL_LPE	 BIT32(5) /* longer than 1522 bytes */
#define E1000_RCTL_BAM	 BIT32(15)
#define E1000_RCTL_BSIZE BIT32(16) /* times 0..3 */
#define E1000_RCTL_VFE	 BIT32(18)
#define E1000_RCTL_BSEX	 BIT32(25)
#define E1000_RCTL_SECRC BIT32(26) /* the FCS does not come to memory */
#define E1000_RDBAL	 0x2800
#define E1000_RDBAH	 0x2804
#define E1000_RDLEN	 0x2808
#define E1000_RDH	 0x2810
#define E1000_RDT	 0x2818
#define E1000_RDTR	 0x2820

/* ---- SDM 13.4.33 to 13.4.44: transmit ---- */
#define E1000_TCTL	   0x0400
#define E1000_TCTL_EN	   BIT32(1)
#define E1000_TCTL_PSP	   BIT32(3) /* pad short packets */
#define E1000_TCTL_CT(v)   ((uint32_t)(v) << 4)
#define E1000_TCTL_COLD(v) ((uint32_t)(v) << 12)
#define E1000_TIPG	   0x0410
#define E1000_TIPG_IPGT(v) ((uint32_t)(v))
#define E1000_TIPG_R1(v)   ((uint32_t)(v) << 10)
#define E1000_TIPG_R2(v)   ((uint32_t)(v) << 20)
#define E1000_TDBAL	   0x3800
#define E1000_TDBAH	   0x3804
#define E1000_TDLEN	   0x3808
#define E1000_TDH	   0x3810
#define E1000_TDT	   0x3818
#define E1000_TIDV	   0x3820

/* ---- SDM 13.5: filters ---- */
#define E1000_RXCSUM	 0x5000
#define E1000_MTA(n)	 (0x5200u + 4 * (n))
#define E1000_MTA_WORDS	 128u
#define E1000_RAL(n)	 (0x5400u + 8 * (n))
#define E1000_RAH(n)	 (0x5404u + 8 * (n))
#define E1000_RAH_AV	 BIT32(31)
#define E1000_RARS	 16u
#define E1000_VFTA(n)	 (0x5600u + 4 * (n))
#define E1000_VFTA_WORDS 128u
#define E1000_WUC	 0x5800

/* ---- SDM 13.7: statistics, cleared by reading ---- */
#define E1000_CRCERRS  0x4000
#define E1000_ALGNERRC 0x4004
#define E1000_SYMERRS  0x4008
#define E1000_RXERRC   0x400c
#define E1000_MPC      0x4010
#define E1000_RLEC     0x4040
#define E1000_XOFFRXC  0x4050
#define E1000_XOFFTXC  0x4054
#define E1000_GPRC     0x4074
#define E1000_BPRC     0x4078
#define E1000_MPRC     0x407c
#define E1000_GPTC     0x4080
#define E1000_GORCL    0x4088
#define E1000_GORCH    0x408c
#define E1000_GOTCL    0x4090
#define E1000_GOTCH    0x4094
#define E1000_RNBC     0x40a0 /* counts a frame that waits for a descriptor: it may still come */
#define E1000_RUC      0x40a4
#define E1000_RFC      0x40a8
#define E1000_ROC      0x40ac
#define E1000_RJC      0x40b0

/* ---- SDM 3.2.3: receive descriptors: the buffer's address, then what the device writes ---- */
struct e1000_rx_desc {
	uint64_t lo, hi;
};
#define E1000_RXD_LEN(hi) ((uint32_t)(hi)&0xffff)
#define E1000_RXD_DD	  BIT64(32)
#define E1000_RXD_EOP	  BIT64(33)
/* CE, SE, SEQ, CXE, RXE; the two others are about checksums, which are not asked for */
#define E1000_RXD_ERRORS (UINT64_C(0x97) << 40)

/* ---- SDM 3.3.3: legacy transmit descriptors ---- */
struct e1000_tx_desc {
	uint64_t lo, hi;
};
#define E1000_TXD_LEN_MAX 16288u
#define E1000_TXD_EOP	  BIT64(24)
#define E1000_TXD_IFCS	  BIT64(25)
#define E1000_TXD_RS	  BIT64(27)
#define E1000_TXD_DD	  BIT64(32)

_Static_assert(sizeof(struct e1000_rx_desc) == 16, "SDM 3.2.3");
_Static_assert(sizeof(struct e1000_tx_desc) == 16, "SDM 3.3.3");

#endif
