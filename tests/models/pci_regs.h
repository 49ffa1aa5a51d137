/* Registers of a PCI Express function's configuration space as pci_dev.c lays it out, and what the
 * files of pci_dev call of each other. Type 0 header: PCI Local Bus 3.0, 6.1. The capabilities have
 * the places that they have on the 82599 (DS 9.3). */
#ifndef SLUICE_MODELS_PCI_REGS_H
#define SLUICE_MODELS_PCI_REGS_H

#include "pci_dev.h"

#define CFG_VENDOR_ID	     0x00
#define CFG_DEVICE_ID	     0x02
#define CFG_COMMAND	     0x04
#define COMMAND_IO	     (1u << 0)
#define COMMAND_MEMORY	     (1u << 1)
#define COMMAND_MASTER	     (1u << 2)
#define COMMAND_PARITY	     (1u << 6)
#define COMMAND_SERR	     (1u << 8)
#define COMMAND_INTX_DISABLE (1u << 10)
#define CFG_STATUS	     0x06
#define STATUS_INTERRUPT     (1u << 3)
#define STATUS_CAPABILITIES  (1u << 4)
#define STATUS_MASTER_ABORT  (1u << 13) /* received */
#define STATUS_RW1C	     0xf900u
#define CFG_REVISION	     0x08
#define CFG_CACHE_LINE	     0x0c
#define CFG_HEADER_TYPE	     0x0e
#define HEADER_MULTIFUNCTION 0x80u
#define CFG_BAR(n)	     (0x10 + 4 * (n))
#define BAR_IO		     (1u << 0)
#define BAR_MEM64	     (1u << 2)
#define BAR_PREFETCHABLE     (1u << 3)
#define CFG_SUBSYSTEM	     0x2c
#define CFG_CAPABILITIES     0x34
#define CFG_INTERRUPT_LINE   0x3c
#define CFG_INTERRUPT_PIN    0x3d

/* PCI Power Management 1.2, 3.2 */
#define CAP_PM		  0x40
#define CAP_ID_PM	  0x01
#define PM_PMC		  (CAP_PM + 2)
#define PM_PMCSR	  (CAP_PM + 4)
#define PMCSR_STATE	  0x0003u
#define PMCSR_STATE_D0	  0u
#define PMCSR_STATE_D3HOT 3u
#define PMCSR_PME_ENABLE  (1u << 8)
#define PMCSR_PME_STATUS  (1u << 15)

/* PCI Local Bus 3.0, 6.8.1 */
#define CAP_MSI		    0x50
#define CAP_ID_MSI	    0x05
#define MSI_CONTROL	    (CAP_MSI + 2)
#define MSI_ENABLE	    (1u << 0)
#define MSI_64BIT	    (1u << 7)
#define MSI_PER_VECTOR_MASK (1u << 8)
#define MSI_ADDRESS	    (CAP_MSI + 4)
#define MSI_DATA	    (CAP_MSI + 0x0c)
#define MSI_MASK	    (CAP_MSI + 0x10)
#define MSI_PENDING	    (CAP_MSI + 0x14)

/* PCI Local Bus 3.0, 6.8.2 */
#define CAP_MSIX	   0x70
#define CAP_ID_MSIX	   0x11
#define MSIX_CONTROL	   (CAP_MSIX + 2)
#define MSIX_FUNCTION_MASK (1u << 14)
#define MSIX_ENABLE	   (1u << 15)
#define MSIX_TABLE	   (CAP_MSIX + 4)
#define MSIX_PBA	   (CAP_MSIX + 8)
#define MSIX_ENTRY_BYTES   16
#define MSIX_VECTOR_MASKED (1u << 0)

/* PCI Express Base 2.1, 7.8 */
#define CAP_EXP			 0xa0
#define CAP_ID_EXP		 0x10
#define EXP_CAPABILITIES	 (CAP_EXP + 0x02)
#define EXP_DEVCAP		 (CAP_EXP + 0x04)
#define DEVCAP_MPS_512		 (2u << 0)
#define DEVCAP_L0S_512NS	 (3u << 6)
#define DEVCAP_L1_64US		 (6u << 9)
#define DEVCAP_ROLE_BASED_ERRORS (1u << 15)
#define DEVCAP_FLR		 (1u << 28)
#define EXP_DEVCTL		 (CAP_EXP + 0x08)
#define DEVCTL_MPS		 0x00e0u
#define DEVCTL_RESET		 0x2810u /* 512-byte reads, no-snoop and relaxed ordering enabled */
#define DEVCTL_WRITABLE		 0x78ffu
#define DEVCTL_INITIATE_FLR	 (1u << 15)
#define EXP_DEVSTA		 (CAP_EXP + 0x0a)
#define DEVSTA_RW1C		 0x000fu
#define EXP_LNKCAP		 (CAP_EXP + 0x0c)
#define LNK_5GT			 (2u << 0)
#define LNK_X8			 (8u << 4)
#define LNKCAP_ASPM_L0S		 (1u << 10)
#define LNKCAP_L0S_1US		 (4u << 12)
#define LNKCAP_L1_8US		 (3u << 15)
#define EXP_LNKCTL		 (CAP_EXP + 0x10)
#define LNKCTL_WRITABLE		 0x00cbu
#define EXP_LNKSTA		 (CAP_EXP + 0x12)
#define LNKSTA_SLOT_CLOCK	 (1u << 12)
#define EXP_DEVCAP2		 (CAP_EXP + 0x24)
#define DEVCAP2_TIMEOUT_ABCD	 (0xfu << 0)
#define DEVCAP2_TIMEOUT_DISABLE	 (1u << 4)
#define EXP_DEVCTL2		 (CAP_EXP + 0x28)
#define DEVCTL2_WRITABLE	 0x001fu
#define EXP_LNKCTL2		 (CAP_EXP + 0x30)
#define LNKCTL2_WRITABLE	 0x1fbfu

/* PCI Express Base 2.1, 7.10 and 7.12 */
#define EXT_CAP(id, version, next) ((uint32_t)(id) | (version) << 16 | (uint32_t)(next) << 20)
#define CAP_AER			   0x100
#define CAP_ID_AER		   0x0001
#define AER_UNCORRECTABLE	   (CAP_AER + 0x04)
#define AER_UNCORRECTABLE_MASK	   (CAP_AER + 0x08)
#define AER_UNCORRECTABLE_SEVERITY (CAP_AER + 0x0c)
#define AER_SEVERITY_RESET	   0x00062030u
#define AER_UNCORRECTABLE_BITS	   0x001ff030u
#define AER_CORRECTABLE		   (CAP_AER + 0x10)
#define AER_CORRECTABLE_MASK	   (CAP_AER + 0x14)
#define AER_CORRECTABLE_BITS	   0x000031c1u
#define AER_ADVISORY_NON_FATAL	   (1u << 13)
#define AER_CONTROL		   (CAP_AER + 0x18)
#define AER_ECRC_CAPABLE	   ((1u << 5) | (1u << 7))
#define AER_ECRC_ENABLE		   ((1u << 6) | (1u << 8))
#define AER_HEADER_LOG		   (CAP_AER + 0x1c)
#define CAP_SERIAL		   0x140
#define CAP_ID_SERIAL		   0x0003

uint32_t pci_dev_cfg_get16(const struct pci_dev *d, unsigned off);
void pci_dev_cfg_set16(struct pci_dev *d, unsigned off, uint32_t v);

/* pci_config.c: fills cfg_reset and the masks from the model's description. */
void pci_dev_cfg_build(struct pci_dev *d, bool multifunction);

/* pci_irq.c */
void pci_dev_irq_reset(struct pci_dev *d);
/* Configuration changed: what is pending may go now, the line may change. */
void pci_dev_irq_update(struct pci_dev *d);
/* Whether [off, off + width_bytes) of this BAR is the MSI-X table or the PBA. */
bool pci_dev_msix_owns(const struct pci_dev *d, unsigned bar, uint64_t off);
uint64_t pci_dev_msix_read(const struct pci_dev *d, uint64_t off, unsigned width_bytes);
void pci_dev_msix_write(struct pci_dev *d, uint64_t off, uint64_t v, unsigned width_bytes);

/* D0 and bus mastering: the function may send requests. */
bool pci_dev_may_send(const struct pci_dev *d);

#endif
