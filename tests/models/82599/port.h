/* Inside the model of the 82599: a port's state, the register table, and what its files call of
 * each other. Control plane: registers, reset, EEPROM, I2C, link, filters, interrupts, statistics.
 * Data plane: receive and transmit queues with their offloads. */
#ifndef SLUICE_MODELS_M82599_PORT_H
#define SLUICE_MODELS_M82599_PORT_H

#include "m82599.h"
#include "regs.h"

struct port;

/* A register, or an array of count registers at off + stride * i. The table of the file that owns
 * it; no two ranges overlap. */
struct reg_range {
	uint32_t off;
	uint16_t count, stride; /* 0: 1, 4 */
	uint32_t writable;	/* bits that keep what is written, where there is no write() */
	uint32_t reset;		/* value after a reset of the port */
	uint32_t (*read)(struct port *p, unsigned index);
	void (*write)(struct port *p, unsigned index, uint32_t v);
};

/* What a data-plane queue needs is in its own file's header. */
struct control; /* control.h */
struct data;	/* data.h */

struct port {
	struct m82599 *chip;
	unsigned index; /* 0 or 1: LAN ID */
	struct pci_dev dev;
	struct clock *clock;
	struct wire *wire;
	unsigned wire_end;
	uint32_t reg[M82599_BAR_SIZE / 4]; /* what registers without functions of their own hold */
	struct control *control;
	struct data *data;
	struct m82599_counts counts;
};

struct m82599 {
	struct port port[M82599_PORTS];
	struct shared *shared; /* EEPROM image, semaphores: control plane */
};

static inline uint32_t reg_get(const struct port *p, uint32_t off)
{
	return p->reg[off / 4];
}

static inline void reg_set(struct port *p, uint32_t off, uint32_t v)
{
	p->reg[off / 4] = v;
}

/* ---- Control plane, called by the data plane ---- */

/* A queue has an event: through IVAR into EICR, moderated by EITR. DS 7.3 */
void irq_rx(struct port *p, unsigned queue);
void irq_tx(struct port *p, unsigned queue);
/* The same without moderation: low-latency interrupts. DS 7.3.2.1.1 */
void irq_rx_low_latency(struct port *p, unsigned queue);
void irq_other(struct port *p, uint32_t eicr_bits);

bool link_is_up(const struct port *p);

/* Layer 2 filters: DS 7.1.1. Which pools (in VMDq and SR-IOV modes) want it; bit 0 otherwise. */
struct filter_result {
	bool accepted;
	bool exact, multicast, broadcast, vlan; /* why */
	int uta_or_mta;				/* for the write-back: PIF */
	uint64_t pools;
};
/* data: a frame from its destination address on, VLAN tag not stripped. */
void filter_frame(struct port *p, const uint8_t *data, uint32_t len_bytes, struct filter_result *r);

/* Statistics: DS 8.2.3.23. Frames are counted at the MAC; len_bytes without FCS. */
void stats_rx_frame(struct port *p, const uint8_t *data, uint32_t len_bytes); /* good, at the MAC */
void stats_rx_fcs_error(struct port *p, uint32_t len_bytes);
void stats_rx_length_error(struct port *p, uint32_t len_bytes);
void stats_rx_delivered(struct port *p, unsigned queue, uint32_t len_bytes);  /* to the host */
void stats_rx_missed(struct port *p, unsigned queue, unsigned packet_buffer); /* RXMPC, QPRDC */
void stats_tx_frame(struct port *p, unsigned queue, const uint8_t *data, uint32_t len_bytes);
void stats_pause(struct port *p, bool transmitted, bool xon);
/* others: adds n to the 32-bit counter at this offset (clear on read) */
void stats_add(struct port *p, uint32_t off, uint32_t n);

/* ---- Data plane, called by the control plane ---- */

extern const struct reg_range
	*const data_ranges[]; /* lists ended by off 0, count 0; the list by NULL */
int data_create(struct port *p);
void data_destroy(struct port *p);
/* Software or hardware reset of the port: all queues off and empty, registers as data_ranges say.
 */
void data_reset(struct port *p);
/* The link came or went. */
void data_link_changed(struct port *p);
void data_receive(struct port *p, const uint8_t *data, uint32_t len_bytes, bool fcs_ok);
/* stall-tx, stall-rx, run-*, delay-write-back. until_ps: CLOCK_NEVER for ever. */
void data_stall(struct port *p, bool tx, unsigned queue, uint64_t until_ps);
void data_run(struct port *p, bool tx, unsigned queue);
void data_delay_write_back(struct port *p, uint64_t delay_ps);

#endif
