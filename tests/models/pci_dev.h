/* A PCI Express function around a device model: configuration space, BARs, power management, MSI,
 * MSI-X with pending bits, INTx, function-level reset, bus mastering, and the record of what it
 * writes by DMA. PCI Local Bus 3.0, 6; PCI Express Base 2.1, 7.
 *
 * One interface, three hosts: unit tests link it, the rig mounts it in an emulator, a fuzzer drives
 * it. The host calls pci_dev_cfg_*(), pci_dev_bar_*() after it has advanced the clock; the device
 * calls the host by struct pci_host. Configuration space has 4096 bytes here; a host that has only
 * 256 (CF8/CFC) just never asks for the rest. */
#ifndef SLUICE_MODELS_PCI_DEV_H
#define SLUICE_MODELS_PCI_DEV_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct record;

#define PCI_DEV_BARS	 6
#define PCI_DEV_CFG_SIZE 4096
#define PCI_DEV_MSIX_MAX 64

/* What the machine gives to a device. Addresses are bus addresses. */
struct pci_host {
	/* false: nobody answered (master abort). Any length, any alignment. */
	bool (*dma_read)(void *ctx, uint64_t addr, void *buf, uint32_t len_bytes);
	bool (*dma_write)(void *ctx, uint64_t addr, const void *buf, uint32_t len_bytes);
	/* A message-signalled interrupt: a 4-byte write. */
	void (*message)(void *ctx, uint64_t addr, uint32_t data);
	void (*intx)(void *ctx, bool asserted);
	/* BAR n now answers at base (bus address or port), or nowhere: 0. May be NULL. */
	void (*decode)(void *ctx, unsigned bar, uint64_t base);
	/* One line without its end; may be NULL. */
	void (*log)(void *ctx, const char *text);
};

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_MEM32, PCI_BAR_MEM64, PCI_BAR_IO };

struct pci_bar_desc {
	enum pci_bar_kind kind; /* a MEM64 takes two entries: the next one is NONE */
	uint32_t size_bytes;	/* a power of two */
	bool prefetchable;
};

/* What a model is. */
struct pci_model {
	const char *name;
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code; /* 24 bits */
	uint8_t revision;
	uint8_t interrupt_pin; /* 1: INTA .. 4: INTD, 0: none */
	struct pci_bar_desc bar[PCI_DEV_BARS];
	unsigned nr_msix; /* 0: no MSI-X capability */
	unsigned msix_bar;
	uint32_t msix_table,
		msix_pba; /* offsets in that BAR; accesses there do not reach the model */
	bool has_msi;	  /* one message, 64-bit address, per-vector masking */
	/* width_bytes is 1, 2, 4 or 8; off + width_bytes lies inside the BAR. */
	uint64_t (*read)(void *model, unsigned bar, uint64_t off, unsigned width_bytes);
	void (*write)(void *model, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes);
	/* Power-on, bus reset or function-level reset; configuration space is as new already. */
	void (*reset)(void *model);
	/* The interrupt mode, a mask, bus mastering or the power state changed. May be NULL. */
	void (*config_changed)(void *model);
};

enum pci_irq_mode { PCI_IRQ_INTX, PCI_IRQ_MSI, PCI_IRQ_MSIX };

struct pci_dev {
	const struct pci_model *model;
	void *ctx; /* the model's */
	const struct pci_host *host;
	void *host_ctx;
	struct clock *clock;
	struct record *record; /* may be NULL */
	uint16_t id;	       /* for the record: which device, as its owner counts */
	uint16_t bdf; /* requester id: bus << 8 | device << 3 | function; the host's to set */
	/* now; after a reset; bits that keep what is written; bits that a 1 clears */
	uint8_t cfg[PCI_DEV_CFG_SIZE], cfg_reset[PCI_DEV_CFG_SIZE];
	uint8_t cfg_writable[PCI_DEV_CFG_SIZE], cfg_w1c[PCI_DEV_CFG_SIZE];
	uint64_t decoded[PCI_DEV_BARS];
	struct {
		uint64_t address;
		uint32_t data, control;
	} msix[PCI_DEV_MSIX_MAX];
	uint64_t msix_pending;
	bool msi_pending;
	bool intx_level; /* what the line shows; what the model wants is in the Status register */
	bool intx_lost;	 /* this assertion was lost */
	/* fault injection */
	bool abort_reads, abort_writes; /* every DMA access from now on is a master abort */
	uint64_t lose_interrupts;	/* so many of the next messages or assertions are lost */
	/* what it did, for tests */
	uint64_t nr_messages, nr_lost_interrupts, nr_dma_reads, nr_dma_writes, nr_aborts;
};

/* `multifunction` sets that bit of the header type. Ends in a power-on reset of the model. Clears
 * *d: record, id and bdf are to be set afterwards. */
void pci_dev_init(struct pci_dev *d, const struct pci_model *model, void *ctx,
	const struct pci_host *host, void *host_ctx, struct clock *clock, bool multifunction);

/* The dword at off, a multiple of 4, is from now on and after each reset this value with these bits
 * writable and these cleared by writing a 1 (RW1C). For registers of a device's own, capabilities
 * (which the model chains itself) and the serial number at 0x144. */
void pci_dev_cfg_define(struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable);
void pci_dev_cfg_define_w1c(
	struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable, uint32_t w1c);

/* ---- Host side. Offsets and widths of 1, 2 and 4 (BARs: 8 too), naturally aligned; anything else
 * reads ones and writes nothing, and so does a BAR that is not decoded. ---- */
uint32_t pci_dev_cfg_read(struct pci_dev *d, unsigned off, unsigned width_bytes);
void pci_dev_cfg_write(struct pci_dev *d, unsigned off, uint32_t v, unsigned width_bytes);
uint64_t pci_dev_bar_read(struct pci_dev *d, unsigned bar, uint64_t off, unsigned width_bytes);
void pci_dev_bar_write(
	struct pci_dev *d, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes);
void pci_dev_reset(struct pci_dev *d); /* as RST# */

/* ---- Model side ---- */

/* A dword of configuration space as the device sees it: no masks, no side effects. */
uint32_t pci_dev_cfg_get(const struct pci_dev *d, unsigned off);
void pci_dev_cfg_set(struct pci_dev *d, unsigned off, uint32_t v);

/* What a DMA write was for, and which cache it was aimed at. */
enum dma_kind { DMA_DESCRIPTOR, DMA_HEADER, DMA_PAYLOAD, DMA_HEAD_WRITE_BACK, DMA_COMPLETION };
#define DMA_NO_TARGET UINT32_MAX
struct dma_hint {
	enum dma_kind kind;
	uint16_t queue;	 /* queue or channel */
	uint32_t target; /* the DCA tag, or the CPU that dest_dca names; DMA_NO_TARGET: none */
};

/* false: bus mastering is off, or a master abort; nothing was transferred, and the Received Master
 * Abort status bit is set in the latter case. */
bool pci_dev_dma_read(struct pci_dev *d, uint64_t addr, void *buf, uint32_t len_bytes);
bool pci_dev_dma_write(struct pci_dev *d, uint64_t addr, const void *buf, uint32_t len_bytes,
	const struct dma_hint *hint);

enum pci_irq_mode pci_dev_irq_mode(const struct pci_dev *d);
/* Sends the message of a vector, or sets its pending bit if it is masked. Vectors that the table
 * does not have are ignored. */
void pci_dev_msix(struct pci_dev *d, unsigned vector);
void pci_dev_msi(struct pci_dev *d);
void pci_dev_intx(struct pci_dev *d, bool asserted);

void pci_dev_log(struct pci_dev *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
