/* Registers and descriptors of the 82599. Intel 82599 10 GbE Controller Datasheet (331520), "DS":
 * registers in the order of chapter 8, descriptors of 7.1.6 and 7.2.3. Only what the driver uses.
 */
#ifndef SLUICE_DRIVERS_IXGBE_REGS_H
#define SLUICE_DRIVERS_IXGBE_REGS_H

#include <stdint.h>

#include "lib/bits.h"

/* ---- DS 8.2.3.1: general control ---- */
#define IXGBE_CTRL		  0x00000
#define IXGBE_CTRL_MASTER_DISABLE BIT32(2)
#define IXGBE_CTRL_LRST		  BIT32(3)
#define IXGBE_CTRL_RST		  BIT32(26)
#define IXGBE_STATUS		  0x00008
#define IXGBE_STATUS_LAN_ID(v)	  ((v) >> 2 & 3)
#define IXGBE_STATUS_MASTER	  BIT32(19) /* master requests may be outstanding */
#define IXGBE_CTRL_EXT		  0x00018
#define IXGBE_CTRL_EXT_PFRSTD	  BIT32(14)
#define IXGBE_CTRL_EXT_NS_DIS	  BIT32(16)
#define IXGBE_CTRL_EXT_DRV_LOAD	  BIT32(28)
#define IXGBE_ESDP		  0x00020
#define IXGBE_ESDP_TX_DISABLE	  BIT32(3) /* SDP3: the module's laser off */
#define IXGBE_ESDP_RATE_10G	  BIT32(5) /* SDP5: the module's rate select */
#define IXGBE_ESDP_SDP3_OUT	  BIT32(11)
#define IXGBE_ESDP_SDP5_OUT	  BIT32(13)
#define IXGBE_I2CCTL		  0x00028
#define IXGBE_I2CCTL_CLK_IN	  BIT32(0)
#define IXGBE_I2CCTL_CLK_OUT	  BIT32(1)
#define IXGBE_I2CCTL_DATA_IN	  BIT32(2)
#define IXGBE_I2CCTL_DATA_OUT	  BIT32(3)
#define IXGBE_CORECTL		  0x14f00
#define IXGBE_CORECTL_WRITE	  BIT32(16)

/* ---- DS 8.2.3.2: EEPROM and semaphores ---- */
#define IXGBE_EEC	      0x10010
#define IXGBE_EEC_PRES	      BIT32(8)
#define IXGBE_EEC_ARD	      BIT32(9) /* auto read done */
#define IXGBE_EERD	      0x10014
#define IXGBE_EERD_START      BIT32(0)
#define IXGBE_EERD_DONE	      BIT32(1)
#define IXGBE_EERD_ADDR(word) ((uint32_t)(word) << 2)
#define IXGBE_EERD_DATA(v)    ((uint16_t)((v) >> 16))
#define IXGBE_EERD_WORDS      0x4000u
#define IXGBE_SWSM	      0x10140
#define IXGBE_SWSM_SMBI	      BIT32(0)
#define IXGBE_SWSM_SWESMBI    BIT32(1)
#define IXGBE_SW_FW_SYNC      0x10160
#define IXGBE_SYNC_EEPROM     BIT32(0)
#define IXGBE_SYNC_PHY(port)  BIT32(1 + (port))
#define IXGBE_SYNC_MAC	      BIT32(3)
#define IXGBE_SYNC_FIRMWARE   5 /* the firmware's bit for the same resource is so much higher */

/* ---- DS 8.2.3.3: flow control ---- */
#define IXGBE_FCTTV(n)	   (0x03200 + 4 * (n))
#define IXGBE_FCRTL(n)	   (0x03220 + 4 * (n))
#define IXGBE_FCRTL_XONE   BIT32(31)
#define IXGBE_FCRTH(n)	   (0x03260 + 4 * (n))
#define IXGBE_FCRTH_FCEN   BIT32(31)
#define IXGBE_FCRTV	   0x032a0
#define IXGBE_FCCFG	   0x03d00
#define IXGBE_FCCFG_TFCE_X BIT32(3) /* link flow control */

/* ---- DS 8.2.3.4: PCIe ---- */
#define IXGBE_GCR_EXT		    0x11050
#define IXGBE_GCR_EXT_BUFFERS_CLEAR BIT32(30)
#define IXGBE_PBACL(n)		    (0x110c0 + 4 * (n))

/* ---- DS 8.2.3.5: interrupts ---- */
#define IXGBE_EICR	     0x00800
#define IXGBE_EICS	     0x00808
#define IXGBE_EIMS	     0x00880
#define IXGBE_EIMC	     0x00888
#define IXGBE_EIAC	     0x00810
#define IXGBE_EIAM	     0x00890
#define IXGBE_EI_PCI	     BIT32(18) /* PCI exception */
#define IXGBE_EI_LSC	     BIT32(20)
#define IXGBE_EI_SDP1	     BIT32(25)
#define IXGBE_EI_SDP2	     BIT32(26)
#define IXGBE_EI_ECC	     BIT32(28)
#define IXGBE_EIMS_EX(n)     (0x00aa0 + 4 * (n)) /* vectors 32 n to 32 n + 31 */
#define IXGBE_EIMC_EX(n)     (0x00ab0 + 4 * (n))
#define IXGBE_EIAM_EX(n)     (0x00ad0 + 4 * (n))
#define IXGBE_EITR(n)	     ((n) < 24 ? 0x00820 + 4 * (n) : 0x12300 + 4 * ((n)-24))
#define IXGBE_EITR_US	     2u /* unit of the interval at 10 Gbit/s, a little more in truth */
#define IXGBE_EITR_SHIFT     3
#define IXGBE_EITR_MAX	     0x1ffu
#define IXGBE_EITR_CNT_WDIS  BIT32(31)
#define IXGBE_IVAR(n)	     (0x00900 + 4 * (n)) /* queues 2 n, 2 n + 1: rx, tx, rx, tx */
#define IXGBE_IVAR_MISC	     0x00a00		 /* byte 1: other causes */
#define IXGBE_IVAR_VALID     0x80u
#define IXGBE_GPIE	     0x00898
#define IXGBE_GPIE_SDP1	     BIT32(1)
#define IXGBE_GPIE_SDP2	     BIT32(2)
#define IXGBE_GPIE_MSIX	     BIT32(4)
#define IXGBE_GPIE_OCD	     BIT32(5)
#define IXGBE_GPIE_EIMEN     BIT32(6)
#define IXGBE_GPIE_RSC_DELAY (1u << 11)
#define IXGBE_GPIE_EIAME     BIT32(30)
#define IXGBE_GPIE_PBA	     BIT32(31)
#define IXGBE_VECTORS	     64u

/* ---- DS 8.2.3.7: receive ---- */
#define IXGBE_FCTRL	    0x05080
#define IXGBE_FCTRL_MPE	    BIT32(8)
#define IXGBE_FCTRL_UPE	    BIT32(9)
#define IXGBE_FCTRL_BAM	    BIT32(10)
#define IXGBE_VLNCTRL	    0x05088
#define IXGBE_VLNCTRL_VET   0x8100u
#define IXGBE_VLNCTRL_VFE   BIT32(30)
#define IXGBE_MCSTCTRL	    0x05090
#define IXGBE_MCSTCTRL_MFE  BIT32(2)
#define IXGBE_PSRTYPE(pool) (0x0ea00 + 4 * (pool))
/* so that RSC knows headers: TCP, UDP, IPv4, IPv6, L2 */
#define IXGBE_PSRTYPE_HEADERS (BIT32(4) | BIT32(5) | BIT32(8) | BIT32(9) | BIT32(12))
#define IXGBE_PSRTYPE_RQPL(n) ((uint32_t)(n) << 29)
#define IXGBE_RXCSUM	      0x05000
#define IXGBE_RXCSUM_IPPCSE   BIT32(12)
#define IXGBE_RXCSUM_PCSD     BIT32(13)
#define IXGBE_RFCTL	      0x05008
#define IXGBE_RFCTL_RSC_DIS   BIT32(5)
#define IXGBE_RFCTL_NFSW_DIS  BIT32(6)
#define IXGBE_RFCTL_NFSR_DIS  BIT32(7)
#define IXGBE_MTA(n)	      (0x05200 + 4 * (n))
#define IXGBE_MTA_WORDS	      128u
#define IXGBE_RAL(n)	      (0x0a200 + 8 * (n))
#define IXGBE_RAH(n)	      (0x0a204 + 8 * (n))
#define IXGBE_RAH_AV	      BIT32(31)
#define IXGBE_RARS	      128u
#define IXGBE_MPSAR(n)	      (0x0a600 + 4 * (n)) /* words 2 i and 2 i + 1: pools of address i */
#define IXGBE_VFTA(n)	      (0x0a000 + 4 * (n))
#define IXGBE_VFTA_WORDS      128u
#define IXGBE_MRQC	      0x05818
#define IXGBE_MRQC_RSS	      1u
#define IXGBE_MRQC_VMDQ_RSS32 10u
#define IXGBE_MRQC_VMDQ_RSS64 11u
#define IXGBE_MRQC_HASH_TCPV4 BIT32(16)
#define IXGBE_MRQC_HASH_IPV4  BIT32(17)
#define IXGBE_MRQC_HASH_IPV6  BIT32(20)
#define IXGBE_MRQC_HASH_TCPV6 BIT32(21)
#define IXGBE_RETA(n)	      (0x05c00 + 4 * (n))
#define IXGBE_RETA_WORDS      32u
#define IXGBE_RSSRK(n)	      (0x05c80 + 4 * (n))
#define IXGBE_RSSRK_WORDS     10u

/* ---- DS 8.2.3.8: receive DMA; queues 64 to 127 lie elsewhere ---- */
#define IXGBE_RXQ(n)	       ((n) < 64 ? 0x01000 + 0x40 * (n) : 0x0d000 + 0x40 * ((n)-64))
#define IXGBE_RDBAL(n)	       (IXGBE_RXQ(n) + 0x00)
#define IXGBE_RDBAH(n)	       (IXGBE_RXQ(n) + 0x04)
#define IXGBE_RDLEN(n)	       (IXGBE_RXQ(n) + 0x08)
#define IXGBE_DCA_RXCTRL(n)    (IXGBE_RXQ(n) + 0x0c)
#define IXGBE_DCA_RXCTRL_DESC  BIT32(5)
#define IXGBE_DCA_RXCTRL_HEAD  BIT32(6)
#define IXGBE_DCA_RXCTRL_DATA  BIT32(7)
#define IXGBE_DCA_RDRO	       BIT32(9) /* descriptor reads may be relaxed */
#define IXGBE_DCA_TAG(tag)     ((uint32_t)(tag) << 24)
#define IXGBE_RDH(n)	       (IXGBE_RXQ(n) + 0x10)
#define IXGBE_SRRCTL(n)	       (IXGBE_RXQ(n) + 0x14)
#define IXGBE_SRRCTL_BSIZE(kb) (kb)
#define IXGBE_SRRCTL_HEADER256 (4u << 8) /* RSC wants at least 128 */
#define IXGBE_SRRCTL_ADVANCED  (1u << 25)
#define IXGBE_SRRCTL_SPLIT     (5u << 25) /* always into the header buffer */
#define IXGBE_SRRCTL_DROP_EN   BIT32(28)
#define IXGBE_RDT(n)	       (IXGBE_RXQ(n) + 0x18)
#define IXGBE_RXDCTL(n)	       (IXGBE_RXQ(n) + 0x28)
#define IXGBE_RXDCTL_ENABLE    BIT32(25)
#define IXGBE_RXDCTL_VME       BIT32(30)
#define IXGBE_RSCCTL(n)	       (IXGBE_RXQ(n) + 0x2c)
#define IXGBE_RSCCTL_EN	       BIT32(0)
#define IXGBE_RSCCTL_MAX(log4) ((uint32_t)(log4) << 2) /* 0: 1 descriptor, 1: 4, 2: 8, 3: 16 */
#define IXGBE_RDRXCTL	       0x02f00
#define IXGBE_RDRXCTL_CRCSTRIP BIT32(1)
#define IXGBE_RDRXCTL_DMAIDONE BIT32(3)
#define IXGBE_RDRXCTL_RSCFRST  (0x1fu << 17)
#define IXGBE_RDRXCTL_RSCACKC  BIT32(25)
#define IXGBE_RDRXCTL_FCOE_FIX BIT32(26)
#define IXGBE_RXCTRL	       0x03000
#define IXGBE_RXCTRL_RXEN      BIT32(0)
#define IXGBE_RXPBSIZE(n)      (0x03c00 + 4 * (n))
#define IXGBE_RXPB_KB	       512u
#define IXGBE_PB_KB(kb)	       ((uint32_t)(kb) << 10)
#define IXGBE_PACKET_BUFFERS   8u
#define IXGBE_RSCDBU	       0x03028
#define IXGBE_RSCDBU_ACKDIS    BIT32(7)

/* ---- DS 8.2.3.9: transmit ---- */
#define IXGBE_DMATXCTL		0x04a80
#define IXGBE_DMATXCTL_TE	BIT32(0)
#define IXGBE_DMATXCTL_VT	(0x8100u << 16)
#define IXGBE_DTXTCPFLGL	0x04a88
#define IXGBE_DTXTCPFLGH	0x04a8c
#define IXGBE_DTXMXSZRQ		0x08100
#define IXGBE_DTXMXSZRQ_MAX	0xfffu
#define IXGBE_TXPBTHRESH(n)	(0x04950 + 4 * (n))
#define IXGBE_MTQC		0x08120
#define IXGBE_MTQC_VT64		(BIT32(1) | 1u << 2)
#define IXGBE_MTQC_VT32		(BIT32(1) | 2u << 2)
#define IXGBE_RTTDCS		0x04900
#define IXGBE_RTTDCS_ARBDIS	BIT32(6)
#define IXGBE_PFDTXGSWC		0x08220
#define IXGBE_TXQ(n)		(0x06000 + 0x40 * (n))
#define IXGBE_TDBAL(n)		(IXGBE_TXQ(n) + 0x00)
#define IXGBE_TDBAH(n)		(IXGBE_TXQ(n) + 0x04)
#define IXGBE_TDLEN(n)		(IXGBE_TXQ(n) + 0x08)
#define IXGBE_DCA_TXCTRL(n)	(IXGBE_TXQ(n) + 0x0c)
#define IXGBE_DCA_TXCTRL_DESC	BIT32(5)
#define IXGBE_DCA_TXCTRL_DATARO BIT32(13)
#define IXGBE_TDH(n)		(IXGBE_TXQ(n) + 0x10)
#define IXGBE_TDT(n)		(IXGBE_TXQ(n) + 0x18)
#define IXGBE_TXDCTL(n)		(IXGBE_TXQ(n) + 0x28)
#define IXGBE_TXDCTL_THRESH	(36u | 8u << 8) /* PTHRESH, HTHRESH; WTHRESH 0 */
#define IXGBE_TXDCTL_ENABLE	BIT32(25)
#define IXGBE_TDWBAL(n)		(IXGBE_TXQ(n) + 0x38)
#define IXGBE_TXPBSIZE(n)	(0x0cc00 + 4 * (n))
#define IXGBE_TXPB_KB		160u
#define IXGBE_TXPB_THRESH_KB	150u /* less the largest frame */
#define IXGBE_SECRXCTRL		0x08d00
#define IXGBE_SECRXCTRL_RX_DIS	BIT32(1)
#define IXGBE_SECRXSTAT		0x08d04
#define IXGBE_SECRXSTAT_RDY	BIT32(0)
#define IXGBE_QUEUES		128u

/* ---- DS 8.2.3.11: DCA ---- */
#define IXGBE_DCA_CTRL	   0x11074
#define IXGBE_DCA_CTRL_OFF BIT32(0)
#define IXGBE_DCA_CTRL_CB2 (2u << 1)

/* ---- DS 8.2.3.22: MAC ---- */
#define IXGBE_HLREG0		0x04240
#define IXGBE_HLREG0_TXCRCEN	BIT32(0)
#define IXGBE_HLREG0_RXCRCSTRP	BIT32(1)
#define IXGBE_HLREG0_JUMBOEN	BIT32(2)
#define IXGBE_HLREG0_TXPADEN	BIT32(10)
#define IXGBE_HLREG0_LPBK	BIT32(15)
#define IXGBE_MAXFRS		0x04268
#define IXGBE_MAXFRS_MFS(bytes) ((uint32_t)(bytes) << 16)
#define IXGBE_AUTOC		0x042a0
#define IXGBE_AUTOC_AN_RESTART	BIT32(12)
#define IXGBE_AUTOC_LMS		(7u << 13)
#define IXGBE_AUTOC_LMS_SERIAL	(3u << 13) /* 10 Gbit/s serial */
#define IXGBE_AUTOC2		0x042a8
#define IXGBE_AUTOC2_PMA	(3u << 16)
#define IXGBE_AUTOC2_PMA_SFI	(2u << 16)
#define IXGBE_LINKS		0x042a4
#define IXGBE_LINKS_UP		BIT32(30)
#define IXGBE_LINKS_SPEED(v)	((v) >> 28 & 3) /* 1: 100 Mbit/s, 2: 1 Gbit/s, 3: 10 Gbit/s */
#define IXGBE_MFLCN		0x04294
#define IXGBE_MFLCN_DPF		BIT32(1)
#define IXGBE_MFLCN_RFCE	BIT32(3)

/* ---- DS 8.2.3.23: statistics, all cleared by reading (XON and XOFF too) ---- */
#define IXGBE_CRCERRS	0x04000
#define IXGBE_ILLERRC	0x04004
#define IXGBE_ERRBC	0x04008
#define IXGBE_RXMPC(n)	(0x03fa0 + 4 * (n))
#define IXGBE_MLFC	0x04034
#define IXGBE_MRFC	0x04038
#define IXGBE_RLEC	0x04040
#define IXGBE_LXOFFTXC	0x03f68
#define IXGBE_LXOFFRXC	0x041a8
#define IXGBE_GPRC	0x04074
#define IXGBE_BPRC	0x04078
#define IXGBE_MPRC	0x0407c
#define IXGBE_GPTC	0x04080
#define IXGBE_GORCL	0x04088
#define IXGBE_GORCH	0x0408c /* 4 bits */
#define IXGBE_GOTCL	0x04090
#define IXGBE_GOTCH	0x04094
#define IXGBE_RUC	0x040a4
#define IXGBE_RFC	0x040a8
#define IXGBE_ROC	0x040ac
#define IXGBE_RJC	0x040b0
#define IXGBE_XEC	0x04120
#define IXGBE_RXDGPC	0x02f50
#define IXGBE_RQSMR(n)	(0x02300 + 4 * (n)) /* receive queues 4 n to 4 n + 3: their counter */
#define IXGBE_RQSMRS	32u
#define IXGBE_QPRDC(n)	(0x01430 + 0x40 * (n))
#define IXGBE_QCOUNTERS 16u

/* ---- DS 8.2.3.27: virtualisation ---- */
#define IXGBE_VT_CTL	    0x051b0
#define IXGBE_VT_CTL_ENA    BIT32(0)
#define IXGBE_VT_CTL_REPLEN BIT32(30)
#define IXGBE_VFRE(n)	    (0x051e0 + 4 * (n))
#define IXGBE_VFTE(n)	    (0x08110 + 4 * (n))
#define IXGBE_VMOLR(pool)   (0x0f000 + 4 * (pool))
#define IXGBE_VMOLR_AUPE    BIT32(24) /* untagged frames */
#define IXGBE_VMOLR_ROMPE   BIT32(25) /* by the multicast table */
#define IXGBE_VMOLR_ROPE    BIT32(26) /* by the unicast table */
#define IXGBE_VMOLR_BAM	    BIT32(27)
#define IXGBE_VMOLR_MPE	    BIT32(28)
#define IXGBE_VLVF(n)	    (0x0f100 + 4 * (n))
#define IXGBE_VLVF_VI_EN    BIT32(31)
#define IXGBE_VLVFS	    64u
#define IXGBE_VLVFB(n)	    (0x0f200 + 4 * (n)) /* words 2 i and 2 i + 1: pools of VLAN filter i */

/* ---- DS 7.1.6: advanced receive descriptor, as two words ----
 * Read by the device: packet buffer address, header buffer address (bit 0 is DD: 0).
 * Written by it: */
struct ixgbe_rx_desc {
	uint64_t lo, hi;
};
_Static_assert(sizeof(struct ixgbe_rx_desc) == 16, "DS 7.1.6.1");

#define IXGBE_RXD_RSS_TYPE(lo) ((lo)&0xf)
#define IXGBE_RXD_TYPE(lo)     ((lo) >> 4 & 0x3f) /* IPv4, options, IPv6, extensions, TCP, UDP */
#define IXGBE_RXD_TYPES	       (UINT64_C(0x3f) << 4)
#define IXGBE_RXD_ETQF	       BIT64(15)	     /* the type is an EtherType filter's number */
#define IXGBE_RXD_RSCCNT_MANY  (UINT64_C(0xe) << 17) /* two segments or more */
#define IXGBE_RXD_RSCCNT(lo)   ((uint32_t)(lo) >> 17 & 0xf)
#define IXGBE_RXD_HEADER(lo)   ((uint32_t)(lo) >> 21 & 0x3ff) /* bytes; of the first descriptor */
#define IXGBE_RXD_HASH(lo)     ((uint32_t)((lo) >> 32))
#define IXGBE_RXD_DD	       BIT64(0)
#define IXGBE_RXD_EOP	       BIT64(1)
#define IXGBE_RXD_VP_SHIFT     3
#define IXGBE_RXD_NEXTP(hi)    ((uint32_t)(hi) >> 4 & 0xffff) /* if not EOP, and RSCCNT */
/* L4 checked, IPv4 header checked, L4 wrong, IPv4 header wrong: as 4 bits */
#define IXGBE_RXD_CHECKSUMS(hi) (((hi) >> 5 & 3) | ((hi) >> 28 & 0xc))
#define IXGBE_RXD_ERRORS	(BIT64(27) | BIT64(28) | BIT64(29)) /* SECERR, RXE */
#define IXGBE_RXD_LEN(hi)	((uint32_t)((hi) >> 32 & 0xffff))
#define IXGBE_RXD_VLAN(hi)	((uint16_t)((hi) >> 48))

/* ---- DS 7.2.3: advanced transmit descriptors, as two words ---- */
struct ixgbe_tx_desc {
	uint64_t lo, hi;
};
_Static_assert(sizeof(struct ixgbe_tx_desc) == 16, "DS 7.2.3.2.4");

/* data: lo is the address */
#define IXGBE_TXD_LEN_MAX      0x3e00u			       /* 15.5 KiB */
#define IXGBE_TXD_DATA	       (BIT64(29) | UINT64_C(3) << 20) /* DEXT, DTYP */
#define IXGBE_TXD_EOP	       BIT64(24)
#define IXGBE_TXD_IFCS	       BIT64(25)
#define IXGBE_TXD_RS	       BIT64(27)
#define IXGBE_TXD_VLE	       BIT64(30)
#define IXGBE_TXD_TSE	       BIT64(31)
#define IXGBE_TXD_DD	       BIT64(32)
#define IXGBE_TXD_CC	       BIT64(32 + 7)
#define IXGBE_TXD_IXSM	       BIT64(32 + 8)
#define IXGBE_TXD_TXSM	       BIT64(32 + 9)
#define IXGBE_TXD_PAYLEN_SHIFT (32 + 14)
#define IXGBE_TXD_PAYLEN_MAX   0x3ffffu
/* context */
#define IXGBE_TXC_IPLEN_MAX    0x1ffu
#define IXGBE_TXC_MACLEN_MAX   0x7fu
#define IXGBE_TXC_MACLEN_SHIFT 9
#define IXGBE_TXC_VLAN_SHIFT   16
#define IXGBE_TXC_TYPE	       (BIT64(29) | UINT64_C(2) << 20) /* DEXT, DTYP */
#define IXGBE_TXC_IPV4	       BIT64(10)
#define IXGBE_TXC_TCP	       BIT64(11)
#define IXGBE_TXC_L4LEN_SHIFT  (32 + 8)
#define IXGBE_TXC_MSS_SHIFT    (32 + 16)

#endif
