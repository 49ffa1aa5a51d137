/* Registers of the 82599's data plane: offsets in BAR 0 with their bits. DS 8.2.3.8 to 8.2.3.12 and
 * 8.2.3.27; the rest is in regs.h. */
#ifndef SLUICE_MODELS_M82599_DATA_REGS_H
#define SLUICE_MODELS_M82599_DATA_REGS_H

/* ---- Receive queues: 64 at 0x1000, 64 more at 0xd000. DS 8.2.3.8 ---- */
#define REG_RX_QUEUE(n) ((n) < 64 ? 0x01000 + 0x40 * (n) : 0x0d000 + 0x40 * ((n)-64))
#define RX_QUEUES_LOW	0x01000
#define RX_QUEUES_HIGH	0x0d000
#define QUEUE_STRIDE	0x40
/* within a queue's block */
#define RDBAL		      0x00
#define RDBAH		      0x04
#define RDLEN		      0x08
#define DCA_RXCTRL	      0x0c
#define DCA_RXCTRL_DESC	      (1u << 5)
#define DCA_RXCTRL_HEADER     (1u << 6)
#define DCA_RXCTRL_PAYLOAD    (1u << 7)
#define DCA_RXCTRL_DATA_NS    (1u << 12) /* no snoop */
#define DCA_RXCTRL_DATA_RO    (1u << 13) /* relaxed ordering */
#define DCA_RXCTRL_HEADER_RO  (1u << 15)
#define DCA_CPU_SHIFT	      24
#define RDH		      0x10
#define SRRCTL		      0x14
#define SRRCTL_BSIZEPACKET    0x1fu /* KiB */
#define SRRCTL_BSIZEHEADER    (0x3fu << 8)
#define SRRCTL_HEADER_SHIFT   8 /* in 64 bytes */
#define SRRCTL_DESCTYPE_SHIFT 25
#define SRRCTL_DESCTYPE	      7u
#define SRRCTL_DROP_EN	      (1u << 28)
#define RDT		      0x18
#define RXDCTL		      0x28
#define RXDCTL_ENABLE	      (1u << 25)
#define RXDCTL_SWFLSH	      (1u << 26)
#define RXDCTL_VME	      (1u << 30)
#define RXDCTL_WRITABLE	      0x427f7f7fu
#define RSCCTL		      0x2c
#define RSCCTL_RSCEN	      (1u << 0)
#define RSCCTL_MAXDESC_SHIFT  2
#define REG_SRRCTL_LOW(n)     (0x02100 + 4 * (n)) /* aliases of the first 16 */
#define REG_DCA_RXCTRL_LOW(n) (0x02200 + 4 * (n))

/* ---- Receive DMA ---- */
#define REG_RXCTRL	      0x03000
#define RXCTRL_RXEN	      (1u << 0)
#define REG_RDRXCTL	      0x02f00
#define RDRXCTL_CRCSTRIP      (1u << 1)
#define RDRXCTL_DMAIDONE      (1u << 3)
#define REG_PFQDE	      0x02f04
#define PFQDE_ENABLE	      (1u << 0)
#define PFQDE_QUEUE_SHIFT     8
#define PFQDE_WE	      (1u << 16)
#define PFQDE_RE	      (1u << 17)
#define REG_RSCDBU	      0x03028
#define RSCDBU_RSCSMALDIS     0x7fu
#define RSCDBU_RSCACKDIS      (1u << 7)
#define REG_RTRUP2TC	      0x03020
#define REG_RXPBSIZE(n)	      (0x03c00 + 4 * (n)) /* 8 */
#define RXPBSIZE_BYTES	      0x000ffc00u
#define RX_PACKET_BUFFERS     8
#define RX_PACKET_BUFFER_SIZE (512 * 1024)

/* ---- Checksums, RSS, queue selection: DS 8.2.3.7 ---- */
#define REG_RXCSUM	   0x05000
#define RXCSUM_IPPCSE	   (1u << 12)
#define RXCSUM_PCSD	   (1u << 13)
#define REG_RFCTL	   0x05008
#define RFCTL_RSC_DIS	   (1u << 5)
#define RFCTL_IPV6_DIS	   (1u << 10)
#define RFCTL_IPV6_XSUM	   (1u << 11)
#define REG_PSRTYPE(n)	   (0x0ea00 + 4 * (n)) /* 64 */
#define REG_PSRTYPE_LOW(n) (0x05480 + 4 * (n)) /* aliases of the first 16 */
#define PSRTYPE_TCP	   (1u << 4)
#define PSRTYPE_UDP	   (1u << 5)
#define PSRTYPE_IPV4	   (1u << 8)
#define PSRTYPE_IPV6	   (1u << 9)
#define PSRTYPE_L2	   (1u << 12)
#define PSRTYPE_RQPL_SHIFT 29
#define REG_MRQC	   0x05818
#define MRQC_MODE	   0xfu
#define MRQC_RSS	   1u
#define MRQC_8TC	   2u
#define MRQC_4TC	   3u
#define MRQC_8TC_RSS	   4u
#define MRQC_4TC_RSS	   5u
#define MRQC_64VT	   8u
#define MRQC_32VT_RSS	   10u
#define MRQC_64VT_RSS	   11u
#define MRQC_16VT_8TC	   12u
#define MRQC_32VT_4TC	   13u
#define MRQC_TCP_IPV4	   (1u << 16)
#define MRQC_IPV4	   (1u << 17)
#define MRQC_TCP_IPV6_EX   (1u << 18)
#define MRQC_IPV6_EX	   (1u << 19)
#define MRQC_IPV6	   (1u << 20)
#define MRQC_TCP_IPV6	   (1u << 21)
#define MRQC_UDP_IPV4	   (1u << 22)
#define MRQC_UDP_IPV6	   (1u << 23)
#define MRQC_UDP_IPV6_EX   (1u << 24)
#define REG_RETA(n)	   (0x05c00 + 4 * (n)) /* 32 */
#define REG_RSSRK(n)	   (0x05c80 + 4 * (n)) /* 10 */
/* the same three, at the addresses that the datasheet gives first */
#define REG_RETA_ALIAS(n)    (0x0eb00 + 4 * (n))
#define REG_RSSRK_ALIAS(n)   (0x0eb80 + 4 * (n))
#define REG_MRQC_ALIAS	     0x0ec80
#define REG_ETQF(n)	     (0x05128 + 4 * (n)) /* 8 */
#define ETQF_UP_SHIFT	     16
#define ETQF_UP_EN	     (1u << 19)
#define ETQF_POOL_SHIFT	     20
#define ETQF_POOL_EN	     (1u << 26)
#define ETQF_FCOE	     (1u << 27)
#define ETQF_1588	     (1u << 30)
#define ETQF_ENABLE	     (1u << 31)
#define REG_ETQS(n)	     (0x0ec00 + 4 * (n)) /* 8 */
#define ETQS_QUEUE_SHIFT     16
#define ETQS_LLI	     (1u << 29)
#define ETQS_ENABLE	     (1u << 31)
#define REG_SYNQF	     0x0ec30
#define SYNQF_ENABLE	     (1u << 0)
#define SYNQF_PRIORITY	     (1u << 31)
#define REG_SAQF(n)	     (0x0e000 + 4 * (n)) /* 128 */
#define REG_DAQF(n)	     (0x0e200 + 4 * (n))
#define REG_SDPQF(n)	     (0x0e400 + 4 * (n))
#define REG_FTQF(n)	     (0x0e600 + 4 * (n))
#define FTQF_PRIORITY_SHIFT  2
#define FTQF_POOL_SHIFT	     8
#define FTQF_SAQF_MASKED     (1u << 25)
#define FTQF_DAQF_MASKED     (1u << 26)
#define FTQF_SPORT_MASKED    (1u << 27)
#define FTQF_DPORT_MASKED    (1u << 28)
#define FTQF_PROTO_MASKED    (1u << 29)
#define FTQF_POOL_MASKED     (1u << 30)
#define FTQF_ENABLE	     (1u << 31)
#define REG_L34TIMIR(n)	     (0x0e800 + 4 * (n))
#define L34TIMIR_SIZE	     0xfffu
#define L34TIMIR_SIZE_BP     (1u << 12)
#define L34TIMIR_LLI	     (1u << 20)
#define L34TIMIR_QUEUE_SHIFT 21
#define REG_LLITHRESH	     0x0ec90
#define REG_RQTC	     0x0ec70
#define REG_FCRECTL	     0x0ed00
#define FCRECTL_ENA	     (1u << 0)
#define REG_FCRETA(n)	     (0x0ed10 + 4 * (n)) /* 8 */
#define NR_FILTERS	     128
#define NR_ETQF		     8

/* ---- Flow director: DS 8.2.3.21 ---- */
#define REG_FDIRCTRL		  0x0ee00
#define FDIRCTRL_PBALLOC	  3u
#define FDIRCTRL_INIT_DONE	  (1u << 3)
#define FDIRCTRL_PERFECT	  (1u << 4)
#define FDIRCTRL_REPORT		  (1u << 5)
#define FDIRCTRL_REPORT_ALL	  (1u << 7)
#define FDIRCTRL_DROP_Q_SHIFT	  8
#define FDIRCTRL_FLEX_SHIFT	  16
#define FDIRCTRL_MAX_LENGTH_SHIFT 24
#define FDIRCTRL_FULL_SHIFT	  28
#define REG_FDIRSIPV6(n)	  (0x0ee0c + 4 * (n)) /* 3 */
#define REG_FDIRIPSA		  0x0ee18
#define REG_FDIRIPDA		  0x0ee1c
#define REG_FDIRPORT		  0x0ee20
#define REG_FDIRVLAN		  0x0ee24
#define REG_FDIRHASH		  0x0ee28
#define FDIRHASH_VALID		  (1u << 15)
#define REG_FDIRCMD		  0x0ee2c
#define FDIRCMD_CMD		  3u
#define FDIRCMD_ADD		  1u
#define FDIRCMD_REMOVE		  2u
#define FDIRCMD_QUERY		  3u
#define FDIRCMD_FILTER_VALID	  (1u << 2)
#define FDIRCMD_UPDATE		  (1u << 3)
#define FDIRCMD_IPV6_DMATCH	  (1u << 4)
#define FDIRCMD_L4TYPE_SHIFT	  5
#define FDIRCMD_IPV6		  (1u << 7)
#define FDIRCMD_CLEARHT		  (1u << 8)
#define FDIRCMD_DROP		  (1u << 9)
#define FDIRCMD_INT		  (1u << 10)
#define FDIRCMD_LAST		  (1u << 11)
#define FDIRCMD_COLLISION	  (1u << 12)
#define FDIRCMD_QUEUE_EN	  (1u << 15)
#define FDIRCMD_QUEUE_SHIFT	  16
#define FDIRCMD_POOL_SHIFT	  24
#define REG_FDIRFREE		  0x0ee38
#define REG_FDIRDIP4M		  0x0ee3c
#define REG_FDIRSIP4M		  0x0ee40
#define REG_FDIRTCPM		  0x0ee44
#define REG_FDIRUDPM		  0x0ee48
#define REG_FDIRLEN		  0x0ee4c
#define REG_FDIRHKEY		  0x0ee68
#define REG_FDIRSKEY		  0x0ee6c
#define REG_FDIRM		  0x0ee70
#define FDIRM_VLANID		  (1u << 0)
#define FDIRM_VLANP		  (1u << 1)
#define FDIRM_POOL		  (1u << 2)
#define FDIRM_L4P		  (1u << 3)
#define FDIRM_FLEX		  (1u << 4)
#define FDIRM_DIPV6		  (1u << 5)
#define REG_FDIRIP6M		  0x0ee74

/* ---- Transmit queues: DS 8.2.3.9 ---- */
#define TX_QUEUES	      0x06000
#define REG_TX_QUEUE(n)	      (TX_QUEUES + 0x40 * (n))
#define TDBAL		      0x00
#define TDBAH		      0x04
#define TDLEN		      0x08
#define DCA_TXCTRL	      0x0c
#define DCA_TXCTRL_DESC	      (1u << 5)
#define DCA_TXCTRL_DESC_RO    (1u << 11)
#define TDH		      0x10
#define TDT		      0x18
#define TXDCTL		      0x28
#define TXDCTL_WTHRESH_SHIFT  16
#define TXDCTL_WTHRESH	      0x7fu
#define TXDCTL_ENABLE	      (1u << 25)
#define TXDCTL_SWFLSH	      (1u << 26)
#define TXDCTL_WRITABLE	      0x027f7f7fu
#define TDWBAL		      0x38
#define TDWBAL_HEAD_WB	      (1u << 0)
#define TDWBAH		      0x3c
#define REG_DMATXCTL	      0x04a80
#define DMATXCTL_TE	      (1u << 0)
#define DMATXCTL_GDV	      (1u << 3)
#define DMATXCTL_VT_SHIFT     16
#define REG_DTXTCPFLGL	      0x04a88
#define REG_DTXTCPFLGH	      0x04a8c
#define REG_DTXMXSZRQ	      0x08100
#define REG_MTQC	      0x08120
#define MTQC_RT_ENA	      (1u << 0)
#define MTQC_VT_ENA	      (1u << 1)
#define MTQC_NUM_SHIFT	      2
#define REG_TXPBSIZE(n)	      (0x0cc00 + 4 * (n)) /* 8 */
#define TXPBSIZE_BYTES	      0x000ffc00u
#define TX_PACKET_BUFFER_SIZE (160 * 1024)
#define REG_TXPBTHRESH(n)     (0x04950 + 4 * (n)) /* 8 */
#define REG_PFVFTE(n)	      (0x08110 + 4 * (n)) /* 2 */
#define REG_PFVMTXSW(n)	      (0x05180 + 4 * (n)) /* 2 */
#define REG_PFVFSPOOF(n)      (0x08200 + 4 * (n)) /* 8 */
#define REG_PFDTXGSWC	      0x08220
#define PFDTXGSWC_LBEN	      (1u << 0)
#define REG_PFVMVIR(n)	      (0x08000 + 4 * (n)) /* 64 */
#define PFVMVIR_ACTION_SHIFT  30
#define PFVMVIR_ALWAYS	      1u
#define PFVMVIR_NEVER	      2u

/* ---- DCB: DS 8.2.3.10 ---- */
#define REG_RTTDCS     0x04900
#define RTTDCS_ARBDIS  (1u << 6)
#define REG_RTTDQSEL   0x04904
#define REG_RTTDT1C    0x04908
#define REG_RTTDT1S    0x0490c
#define REG_RTTDT2C(n) (0x04910 + 4 * (n)) /* 8 */
#define REG_RTTDT2S(n) (0x04930 + 4 * (n)) /* 8 */
#define REG_RTTBCNRM   0x04980
#define REG_RTTBCNRC   0x04984
#define REG_RTTBCNRS   0x04988
#define REG_RTTBCNRD   0x0498c
#define REG_RTTUP2TC   0x0c800
#define REG_RTTPCS     0x0cd00
#define REG_RTTPT2C(n) (0x0cd20 + 4 * (n)) /* 8 */
#define REG_RTTPT2S(n) (0x0cd40 + 4 * (n)) /* 8 */

/* ---- DCA: DS 8.2.3.11 ---- */
#define REG_DCA_ID   0x11070
#define REG_DCA_CTRL 0x11074
#define DCA_CTRL_DIS (1u << 0)

/* ---- Time synchronisation: DS 8.2.3.27 ---- */
#define REG_RXMTRL	      0x05120
#define REG_TSYNCRXCTL	      0x05188
#define TSYNCCTL_VALID	      (1u << 0)
#define TSYNCRXCTL_TYPE_SHIFT 1
#define TSYNCCTL_EN	      (1u << 4)
#define REG_RXSATRL	      0x051a0
#define REG_RXSTMPH	      0x051a4
#define REG_RXSATRH	      0x051a8
#define REG_RXSTMPL	      0x051e8
#define REG_TSYNCTXCTL	      0x08c00
#define REG_TXSTMPL	      0x08c04
#define REG_TXSTMPH	      0x08c08
#define REG_SYSTIML	      0x08c0c
#define REG_SYSTIMH	      0x08c10
#define REG_TIMINCA	      0x08c14
#define TIMINCA_PERIOD_SHIFT  24
#define REG_TIMADJL	      0x08c18
#define TIMINCA_VALUE	      0x00ffffffu

#endif
