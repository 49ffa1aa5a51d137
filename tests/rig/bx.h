/* What the emulator's side of the rig (bx*.c) shares. */
#ifndef SLUICE_RIG_BX_H
#define SLUICE_RIG_BX_H

#include "bus.h"
#include "bxabi.h"

#define RIG_NAME "sluice" /* as in libbx_sluice.so */

struct bus_function {
	struct bx_object object; /* first: the emulator knows the function by its address */
	struct pci_dev *dev;	 /* NULL until it is attached */
	char name[16];
	uint8_t devfn;
	bool intx;
	uint64_t mapped[PCI_DEV_BARS]; /* 0: nowhere */
	struct bus_function *next;
};

/* bxbus.c. All of them: as RST#. */
void bus_reset(void);

/* bxmem.c. Memory that a BAR decodes. The range lies wholly below 2^40. */
void bx_map(struct bus_function *f, unsigned bar, uint64_t base, uint64_t size_bytes);
void bx_unmap(struct bus_function *f, unsigned bar);
/* Accesses of the CPU to memory that belongs to devices are answered with ones while a device does
 * DMA: a device that reaches another device, or itself, ends there. */
bool bx_host_dma_read(void *ctx, uint64_t addr, void *buf, uint32_t len_bytes);
bool bx_host_dma_write(void *ctx, uint64_t addr, const void *buf, uint32_t len_bytes);

/* bxirq.c. */
#define BX_MESSAGES	    UINT64_C(0xfee00000)
#define BX_MESSAGES_END	    UINT64_C(0xfef00000)
#define BX_IS_MESSAGE(addr) ((addr) >= BX_MESSAGES && (addr) < BX_MESSAGES_END)
void bx_message(uint64_t addr, uint32_t data);

/* bxtime.c. Before any access to a device. */
void bx_advance_clock(void);

#endif
