/* The part of the 82540EM that a driver with legacy descriptors needs: reset, EERD, link, filters,
 * one ring each way, statistics. PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual (317453). No interrupts, no time: what a register write starts has ended when
 * it returns. */
#ifndef SLUICE_MODELS_M82540_H
#define SLUICE_MODELS_M82540_H

#include <stdbool.h>
#include <stdint.h>

#define M82540_BAR_BYTES 0x20000u
#define M82540_FRAME_MAX 16384u

struct m82540_host {
	void *ctx;
	/* The memory at a bus address; NULL: nothing answers. */
	void *(*memory)(void *ctx, uint64_t addr, uint32_t len_bytes);
	/* A frame leaves, without FCS, padded if TCTL says so. */
	void (*send)(void *ctx, const uint8_t *data, uint32_t len_bytes);
};

struct m82540 {
	struct m82540_host host;
	uint32_t reg[M82540_BAR_BYTES / 4];
	uint16_t eeprom[64];
	bool bus_master;
	bool aborted; /* a DMA access hit nothing */
	bool link;
	uint8_t tx_data[M82540_FRAME_MAX];
	uint32_t tx_len;
	/* faults */
	bool gone;		  /* registers read all ones, writes do nothing */
	bool stuck_reset;	  /* CTRL.RST stays set */
	bool lazy_reset;	  /* as emulators do it: a reset changes nothing */
	bool stall_tx, stall_rx;  /* the rings stand still; frames are missed */
	bool late_write_back;	  /* sent, but not reported */
	bool receive_error;	  /* the next frames have descriptors with RXE */
	unsigned nr_addresses;	  /* that keep what is written */
	uint64_t nr_out_of_range; /* heads or tails beyond the ring were written */
};

void m82540_init(struct m82540 *m, const struct m82540_host *host, const uint8_t *mac);
uint32_t m82540_read(struct m82540 *m, uint32_t off);
void m82540_write(struct m82540 *m, uint32_t off, uint32_t v);
/* A frame arrives, without FCS. Whether it went to memory. */
bool m82540_receive(struct m82540 *m, const uint8_t *data, uint32_t len_bytes);
/* Goes on with what a fault has held up. */
void m82540_resume(struct m82540 *m);

#endif
