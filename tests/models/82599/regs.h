/* Registers of the 82599's control plane: offsets in BAR 0 with their bits. DS 8.2.3; the order is
 * that of their addresses' groups. The data plane's (queues, DMA, RSS, queue selection, flow
 * director, RSC, DCA, DCB, packet buffers) are in data.h. */
#ifndef SLUICE_MODELS_M82599_REGS_H
#define SLUICE_MODELS_M82599_REGS_H

/* ---- General: DS 8.2.3.1 ---- */
#define REG_CTRL	       0x00000
#define CTRL_GIO_DIS	       (1u << 2)  /* PCIe master disable */
#define CTRL_LRST	       (1u << 3)  /* link reset, self-clearing */
#define CTRL_RST	       (1u << 26) /* device reset, self-clearing */
#define REG_STATUS	       0x00008
#define STATUS_LAN_ID_SHIFT    2
#define STATUS_LINK_UP	       (1u << 7)
#define STATUS_GIO	       (1u << 19) /* PCIe master enabled */
#define REG_CTRL_EXT	       0x00018
#define CTRL_EXT_PFRSTD	       (1u << 14)
#define CTRL_EXT_NS_DIS	       (1u << 16)
#define CTRL_EXT_RO_DIS	       (1u << 17)
#define CTRL_EXT_EXTENDED_VLAN (1u << 26)
#define CTRL_EXT_DRV_LOAD      (1u << 28)
#define REG_ESDP	       0x00020
#define ESDP_DATA(n)	       (1u << (n))
#define ESDP_OUT(n)	       (1u << (8 + (n))) /* direction */
#define REG_I2CCTL	       0x00028
#define I2CCTL_CLK_IN	       (1u << 0)
#define I2CCTL_CLK_OUT	       (1u << 1)
#define I2CCTL_DATA_IN	       (1u << 2)
#define I2CCTL_DATA_OUT	       (1u << 3)
#define REG_FRTIMER	       0x00048
#define REG_TCPTIMER	       0x0004c
#define TCPTIMER_DURATION      0xffu /* ms */
#define TCPTIMER_KICK_START    (1u << 8)
#define TCPTIMER_COUNT_ENABLE  (1u << 9)
#define TCPTIMER_COUNT_FINISH  (1u << 10)
#define TCPTIMER_LOOP	       (1u << 11)
#define REG_LEDCTL	       0x00200
#define REG_CORESPARE	       0x00600

/* ---- Interrupts: DS 8.2.3.5 ---- */
#define REG_EICR	       0x00800
#define REG_EICS	       0x00808
#define REG_EIAC	       0x00810
#define REG_EITR(n)	       ((n) < 24 ? 0x00820 + 4 * (n) : 0x12300 + 4 * ((n)-24))
#define EITR_INTERVAL	       0x00000ff8u /* in units of 2 us (at 10 Gbit/s), bits 11:3 */
#define EITR_LLI_EN	       (1u << 15)
#define EITR_LLI_CREDIT_SHIFT  16
#define EITR_LLI_CREDIT	       (0x1fu << 16)
#define EITR_COUNTER_SHIFT     21
#define EITR_COUNTER	       (0x7fu << 21)
#define EITR_CNT_WDIS	       (1u << 31)
#define REG_EIMS	       0x00880
#define REG_EIMC	       0x00888
#define REG_EIAM	       0x00890
#define REG_EITRSEL	       0x00894
#define REG_GPIE	       0x00898
#define GPIE_SDP_GPIEN(n)      (1u << (n)) /* SDP 0 to 3 */
#define GPIE_MULTIPLE_MSIX     (1u << 4)
#define GPIE_OCD	       (1u << 5) /* other clear disable */
#define GPIE_EIMEN	       (1u << 6) /* EICS interrupts immediately */
#define GPIE_LL_INTERVAL_SHIFT 7
#define GPIE_LL_INTERVAL       (0xfu << 7)
#define GPIE_RSC_DELAY	       (7u << 11)
#define GPIE_VT_MODE	       (3u << 14)
#define GPIE_EIAME	       (1u << 30)
#define GPIE_PBA_SUPPORT       (1u << 31)
#define REG_IVAR(n)	       (0x00900 + 4 * (n)) /* 64 */
#define REG_IVAR_MISC	       0x00a00
#define IVAR_VECTOR	       0x3fu
#define IVAR_VALID	       0x80u
#define REG_EICR_EX(n)	       (0x00a80 + 4 * ((n)-1)) /* (1) and (2) */
#define REG_EICS_EX(n)	       (0x00a90 + 4 * ((n)-1))
#define REG_EIMS_EX(n)	       (0x00aa0 + 4 * ((n)-1))
#define REG_EIMC_EX(n)	       (0x00ab0 + 4 * ((n)-1))
#define REG_EIAM_EX(n)	       (0x00ad0 + 4 * ((n)-1))
#define REG_RSCINT(n)	       (0x12000 + 4 * (n)) /* 128 */
#define EICR_RTX_QUEUE	       0x0000ffffu
#define EICR_FLOW_DIR	       (1u << 16)
#define EICR_RX_MISS	       (1u << 17)
#define EICR_PCI	       (1u << 18)
#define EICR_MAILBOX	       (1u << 19)
#define EICR_LSC	       (1u << 20)
#define EICR_LINKSEC	       (1u << 21)
#define EICR_MNG	       (1u << 22)
#define EICR_GPI_SDP(n)	       (1u << (24 + (n))) /* SDP 0 to 3 */
#define EICR_ECC	       (1u << 28)
#define EICR_TCP_TIMER	       (1u << 30)
#define EICR_OTHER	       (1u << 31)

/* ---- Flow control: DS 8.2.3.3 ---- */
#define REG_PFCTOP	       0x03008
#define REG_FCTTV(n)	       (0x03200 + 4 * (n)) /* 4; two priorities each */
#define REG_FCRTL(n)	       (0x03220 + 4 * (n)) /* 8 */
#define FCRTL_XONE	       (1u << 31)
#define REG_FCRTH(n)	       (0x03260 + 4 * (n)) /* 8 */
#define FCRTH_FCEN	       (1u << 31)
#define FC_THRESHOLD	       0x0007ffe0u /* bytes, FCRTL and FCRTH */
#define REG_FCRTV	       0x032a0
#define REG_FCCFG	       0x03d00
#define FCCFG_TFCE_LINK	       (1u << 3)
#define FCCFG_TFCE_PRIORITY    (1u << 4)
#define REG_TFCS	       0x0ce00
#define TFCS_TXOFF	       (1u << 0)
#define TFCS_TXOFF_PRIORITY(n) (1u << (8 + (n)))

/* ---- Receive filters: DS 8.2.3.7 ---- */
#define REG_FCTRL	     0x05080
#define FCTRL_SBP	     (1u << 1) /* store bad packets */
#define FCTRL_MPE	     (1u << 8)
#define FCTRL_UPE	     (1u << 9)
#define FCTRL_BAM	     (1u << 10)
#define REG_VLNCTRL	     0x05088
#define VLNCTRL_VET	     0x0000ffffu
#define VLNCTRL_CFI	     (1u << 28)
#define VLNCTRL_CFIEN	     (1u << 29)
#define VLNCTRL_VFE	     (1u << 30)
#define REG_MCSTCTRL	     0x05090
#define MCSTCTRL_MO	     3u
#define MCSTCTRL_MFE	     (1u << 2)
#define REG_EXVET	     0x05078
#define REG_MTA(n)	     (0x05200 + 4 * (n)) /* 128 */
#define REG_RAL_LOW(n)	     (0x05400 + 8 * (n)) /* alias of the first 16 */
#define REG_RAH_LOW(n)	     (0x05404 + 8 * (n))
#define REG_VFTA(n)	     (0x0a000 + 4 * (n)) /* 128 */
#define REG_RAL(n)	     (0x0a200 + 8 * (n)) /* 128 */
#define REG_RAH(n)	     (0x0a204 + 8 * (n))
#define RAH_AV		     (1u << 31)
#define REG_MPSAR(n)	     (0x0a600 + 4 * (n)) /* 256: low, high of each address */
#define REG_PFVTCTL	     0x051b0
#define PFVTCTL_VT_ENA	     (1u << 0)
#define PFVTCTL_DEF_PL_SHIFT 7
#define PFVTCTL_DEF_PL	     (0x3fu << 7)
#define PFVTCTL_DIS_DEF_POOL (1u << 29)
#define PFVTCTL_RPL_EN	     (1u << 30)
#define REG_PFVFRE(n)	     (0x051e0 + 4 * (n)) /* 2 */
#define REG_PFVML2FLT(n)     (0x0f000 + 4 * (n)) /* 64 */
#define PFVML2FLT_AUPE	     (1u << 24)
#define PFVML2FLT_ROMPE	     (1u << 25)
#define PFVML2FLT_ROPE	     (1u << 26)
#define PFVML2FLT_BAM	     (1u << 27)
#define PFVML2FLT_MPE	     (1u << 28)
#define REG_PFVLVF(n)	     (0x0f100 + 4 * (n)) /* 64 */
#define PFVLVF_VI_EN	     (1u << 31)
#define REG_PFVLVFB(n)	     (0x0f200 + 4 * (n)) /* 128: low, high of each VLAN */
#define REG_PFUTA(n)	     (0x0f400 + 4 * (n)) /* 128 */

/* ---- MAC and PCS: DS 8.2.3.22 ---- */
#define REG_PCS1GCFIG	       0x04200
#define REG_PCS1GLCTL	       0x04208
#define REG_PCS1GLSTA	       0x0420c
#define REG_PCS1GDBG0	       0x04210
#define REG_PCS1GDBG1	       0x04214
#define REG_PCS1GANA	       0x04218
#define REG_PCS1GANLP	       0x0421c
#define REG_PCS1GANNP	       0x04220
#define REG_PCS1GANLPNP	       0x04224
#define REG_HLREG0	       0x04240
#define HLREG0_TXCRCEN	       (1u << 0)
#define HLREG0_RXCRCSTRP       (1u << 1)
#define HLREG0_JUMBOEN	       (1u << 2)
#define HLREG0_TXPADEN	       (1u << 10)
#define HLREG0_LPBK	       (1u << 15)
#define HLREG0_MDCSPD	       (1u << 16)
#define HLREG0_CONTMDC	       (1u << 17)
#define HLREG0_PREPEND	       (0xfu << 20)
#define HLREG0_RXLNGTHERREN    (1u << 27)
#define HLREG0_RXPADSTRIPEN    (1u << 28)
#define REG_HLREG1	       0x04244
#define REG_PAP		       0x04248
#define REG_MACA	       0x0424c
#define REG_APAE	       0x04250
#define REG_ARD		       0x04254
#define REG_AIS		       0x04258
#define REG_MSCA	       0x0425c
#define MSCA_DEVICE_SHIFT      16
#define MSCA_OPCODE_SHIFT      26
#define MSCA_MDI_COMMAND       (1u << 30)
#define REG_MSRWD	       0x04260
#define REG_MAXFRS	       0x04268
#define MAXFRS_MFS_SHIFT       16 /* bytes with FCS, without VLAN tag */
#define REG_TREG	       0x0426c
#define REG_PCSS1	       0x04288
#define REG_PCSS2	       0x0428c
#define REG_XPCSS	       0x04290
#define REG_MFLCN	       0x04294
#define MFLCN_PMCF	       (1u << 0) /* pass MAC control frames */
#define MFLCN_DPF	       (1u << 1) /* discard pause frames */
#define MFLCN_RPFCM	       (1u << 2)
#define MFLCN_RFCE	       (1u << 3)
#define MFLCN_RPFCE(n)	       (1u << (4 + (n)))
#define REG_SERDESC	       0x04298
#define REG_MACS	       0x0429c
#define REG_AUTOC	       0x042a0
#define AUTOC_FLU	       (1u << 0)
#define AUTOC_RESTART_AN       (1u << 12)
#define AUTOC_LMS_SHIFT	       13
#define AUTOC_LMS	       (7u << 13)
#define LMS_1G_NO_AN	       0u
#define LMS_10G_PARALLEL_NO_AN 1u
#define LMS_1G_AN	       2u
#define LMS_10G_SERIAL	       3u
#define LMS_KX4_KX_KR	       4u
#define LMS_SGMII	       5u
#define LMS_KX4_KX_KR_1G_AN    6u
#define LMS_KX4_KX_KR_SGMII    7u
#define REG_LINKS	       0x042a4
#define LINKS_SIGNAL	       0x00000f00u
#define LINKS_10G_SERIAL_LOCK  0x00017000u
#define LINKS_10G_ALIGN	       (1u << 17)
#define LINKS_PCS_1G_EN	       (1u << 21)
#define LINKS_PCS_10G_EN       (1u << 22)
#define LINKS_SPEED_SHIFT      28
#define LINKS_SPEED	       (3u << 28)
#define LINKS_SPEED_10G	       3u
#define LINKS_SPEED_1G	       2u
#define LINKS_UP	       (1u << 30)
#define LINKS_AN_COMPLETE      (1u << 31)
#define REG_AUTOC2	       0x042a8
#define AUTOC2_10G_SERIAL_PMD  (3u << 16)
#define AUTOC2_10G_SERIAL_SFI  (2u << 16)
#define AUTOC2_LINK_DISABLE    (7u << 28)
#define REG_AUTOC3	       0x042ac
#define REG_ANLP1	       0x042b0
#define ANLP1_AN_STATE_SHIFT   16
#define REG_ANLP2	       0x042b4
#define REG_MMNGC	       0x042d0
#define REG_ANLPNP1	       0x042d4
#define REG_ANLPNP2	       0x042d8
#define REG_KRPCSFC	       0x042e0
#define REG_KRPCSS	       0x042e4
#define REG_FECS1	       0x042e8
#define REG_FECS2	       0x042ec
#define REG_LINKS2	       0x04324
#define REG_MACC	       0x04330
#define MACC_FLU	       (1u << 0)
#define REG_CORECTL	       0x14f00
#define CORECTL_READ	       (1u << 16)
#define REG_SMADARCTL	       0x14f10

/* ---- Security engine, only as far as it can be off: DS 8.2.3.12 ---- */
#define REG_SECTXCTRL	 0x08800
#define REG_SECTXSTAT	 0x08804
#define REG_SECTXBUFFAF	 0x08808
#define REG_SECTXMINIFG	 0x08810
#define REG_SECRXCTRL	 0x08d00
#define SECCTRL_DIS	 (1u << 0) /* no security offload */
#define SECCTRL_PATH_DIS (1u << 1) /* TX_DIS, RX_DIS: the path drains and stops */
#define REG_SECRXSTAT	 0x08d04
#define SECSTAT_RDY	 (1u << 0)
#define SECSTAT_OFF_DIS	 (1u << 1)

/* ---- EEPROM, flash, semaphores: DS 8.2.3.2, 8.2.3.4 ---- */
#define REG_EEC			0x10010
#define EEC_SK			(1u << 0)
#define EEC_CS			(1u << 1)
#define EEC_DI			(1u << 2)
#define EEC_DO			(1u << 3)
#define EEC_FWE			(3u << 4)
#define EEC_REQ			(1u << 6)
#define EEC_GNT			(1u << 7)
#define EEC_PRES		(1u << 8)
#define EEC_AUTO_RD		(1u << 9)
#define EEC_ADDR_SIZE		(1u << 10)
#define EEC_SIZE_SHIFT		11
#define EEC_PCI_ANA_DONE	(1u << 15)
#define EEC_PCI_CORE_DONE	(1u << 16)
#define EEC_PCI_GENERAL_DONE	(1u << 17)
#define EEC_PCI_FUNC_DONE	(1u << 18)
#define EEC_CORE_DONE		(1u << 19)
#define EEC_CORE_CSR_DONE	(1u << 20)
#define EEC_MAC_DONE		(1u << 21)
#define REG_EERD		0x10014
#define REG_EEWR		0x10018
#define EERW_START		(1u << 0)
#define EERW_DONE		(1u << 1)
#define EERW_ADDRESS_SHIFT	2
#define EERW_DATA_SHIFT		16
#define REG_FLA			0x1001c
#define REG_EEMNGCTL		0x10110
#define EEMNGCTL_CFG_DONE(port) (1u << (18 + (port)))
#define REG_EEMNGDATA		0x10114
#define REG_FLMNGCTL		0x10118
#define REG_FLMNGDATA		0x1011c
#define REG_FLMNGCNT		0x10120
#define REG_FLOP		0x1013c
#define REG_SWSM		0x10140
#define SWSM_SMBI		(1u << 0)
#define SWSM_SWESMBI		(1u << 1)
#define REG_FWSM		0x10148
#define FWSM_FW_VALID		(1u << 15)
#define REG_FACTPS		0x10150
#define REG_SW_FW_SYNC		0x10160
#define REG_GRC			0x10200

/* ---- PCIe: DS 8.2.3.4 (DCA_ID and DCA_CTRL are the data plane's) ---- */
#define REG_GCR		      0x11000
#define REG_GTV		      0x11004
#define REG_FUNCTAG	      0x11008
#define REG_GLT		      0x1100c
#define REG_GSCL(n)	      (0x11010 + 4 * ((n)-1)) /* 1 to 4 */
#define REG_GSCN(n)	      (0x11020 + 4 * (n))     /* 0 to 3 */
#define REG_GSCL_HIGH(n)      (0x11030 + 4 * ((n)-5)) /* 5 to 8 */
#define REG_PHYADR	      0x11040
#define REG_PHYDAT	      0x11044
#define REG_PHYCTL	      0x11048
#define REG_GCR_EXT	      0x11050
#define GCR_EXT_BUFFERS_CLEAR (1u << 30)
#define REG_MREVID	      0x11064
#define REG_PBACL(n)	      ((n) == 0 ? 0x11068 : 0x110c0 + 4 * (n))
#define REG_CIAA	      0x11088
#define REG_CIAD	      0x1108c
#define REG_PICAUSE	      0x110b0
#define REG_PIENA	      0x110b8
#define REG_BAR_CTRL	      0x110f4

/* ---- Statistics: DS 8.2.3.23. Clear on read. ---- */
#define REG_RXDSTATCTRL	   0x02f40
#define REG_RXDGPC	   0x02f50
#define REG_RXDGBCL	   0x02f54
#define REG_RXDGBCH	   0x02f58
#define REG_RXDDPC	   0x02f5c
#define REG_RXDDBCL	   0x02f60
#define REG_RXDDBCH	   0x02f64
#define REG_RXLPBKPC	   0x02f68
#define REG_RXLPBKBCL	   0x02f6c
#define REG_RXLPBKBCH	   0x02f70
#define REG_RXDLPBKPC	   0x02f74
#define REG_RXDLPBKBCL	   0x02f78
#define REG_RXDLPBKBCH	   0x02f7c
#define REG_TXDGPC	   0x087a0
#define REG_TXDGBCL	   0x087a4
#define REG_TXDGBCH	   0x087a8
#define REG_PXON2OFFCNT(n) (0x03240 + 4 * (n)) /* 8 */
#define REG_PXONTXC(n)	   (0x03f00 + 4 * (n)) /* 8 */
#define REG_PXOFFTXC(n)	   (0x03f20 + 4 * (n)) /* 8 */
#define REG_LXONTXC	   0x03f60
#define REG_LXOFFTXC	   0x03f68
#define REG_RXMPC(n)	   (0x03fa0 + 4 * (n)) /* 8 */
#define REG_RNBC(n)	   (0x03fc0 + 4 * (n)) /* 8 */
#define REG_CRCERRS	   0x04000
#define REG_ILLERRC	   0x04004
#define REG_ERRBC	   0x04008
#define REG_MSPDC	   0x04010
#define REG_MBSDC	   0x04018
#define REG_MLFC	   0x04034
#define REG_MRFC	   0x04038
#define REG_RLEC	   0x04040
#define REG_PRC64	   0x0405c /* and 5 more: 127, 255, 511, 1023, 1522 */
#define REG_GPRC	   0x04074
#define REG_BPRC	   0x04078
#define REG_MPRC	   0x0407c
#define REG_GPTC	   0x04080
#define REG_GORCL	   0x04088
#define REG_GORCH	   0x0408c
#define REG_GOTCL	   0x04090
#define REG_GOTCH	   0x04094
#define REG_RUC		   0x040a4
#define REG_RFC		   0x040a8
#define REG_ROC		   0x040ac
#define REG_RJC		   0x040b0
#define REG_MNGPRC	   0x040b4
#define REG_MNGPDC	   0x040b8
#define REG_TORL	   0x040c0
#define REG_TORH	   0x040c4
#define REG_TPR		   0x040d0
#define REG_TPT		   0x040d4
#define REG_PTC64	   0x040d8 /* and 5 more */
#define REG_MPTC	   0x040f0
#define REG_BPTC	   0x040f4
#define REG_XEC		   0x04120
#define REG_PXONRXCNT(n)   (0x04140 + 4 * (n)) /* 8 */
#define REG_PXOFFRXCNT(n)  (0x04160 + 4 * (n)) /* 8 */
#define REG_LXONRXCNT	   0x041a4
#define REG_LXOFFRXCNT	   0x041a8
#define REG_RXNFGPC	   0x041b0
#define REG_RXNFGBCL	   0x041b4
#define REG_RXNFGBCH	   0x041b8
#define REG_MNGPTC	   0x0cf90
#define REG_RQSMR(n)	   (0x02300 + 4 * (n))	  /* 32; four queues each */
#define REG_TQSM(n)	   (0x08600 + 4 * (n))	  /* 32 */
#define REG_QPRC(n)	   (0x01030 + 0x40 * (n)) /* 16 */
#define REG_QBRC_L(n)	   (0x01034 + 0x40 * (n))
#define REG_QBRC_H(n)	   (0x01038 + 0x40 * (n))
#define REG_QPRDC(n)	   (0x01430 + 0x40 * (n)) /* 16 */
#define REG_QPTC(n)	   (0x08680 + 4 * (n))	  /* 16 */
#define REG_QPTC_ALIAS(n)  (0x06030 + 0x40 * (n)) /* the same, where Linux reads it */
#define REG_QBTC_L(n)	   (0x08700 + 8 * (n))	  /* 16 */
#define REG_QBTC_H(n)	   (0x08704 + 8 * (n))
#define REG_SSVPC	   0x08780
#define REG_FCCRC	   0x05118
#define REG_FCOERPDC	   0x0241c
#define REG_FCLAST	   0x02424
#define REG_FCOEPRC	   0x02428
#define REG_FCOEDWRC	   0x0242c
#define REG_FCOEPTC	   0x08784
#define REG_FCOEDWTC	   0x08788
#define REG_FDIRUSTAT	   0x0ee50
#define REG_FDIRFSTAT	   0x0ee54
#define REG_FDIRMATCH	   0x0ee58
#define REG_FDIRMISS	   0x0ee5c

#endif
