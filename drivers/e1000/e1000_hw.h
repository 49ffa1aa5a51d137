/* What the driver's files share. */
#ifndef SLUICE_DRIVERS_E1000_HW_H
#define SLUICE_DRIVERS_E1000_HW_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/e1000_regs.h"
#include "drivers/nic.h"
#include "drivers/pci/pci.h"
#include "lib/bits.h"

#define E1000_FRAME_OVERHEAD (14u + 4u + 4u) /* Ethernet header, one tag, FCS */

struct e1000_rx_slot {
	uint64_t cookie, hpa;
};

/* Positions count up and never wrap back; masked, they are slots. clean <= flushed <= filled. The
 * device owns clean to flushed (RDH to RDT), at most ring_entries - 1 descriptors. A packet leaves
 * the ring when it is whole, so that between two calls no buffer is anywhere else. */
struct e1000_rx {
	struct nic_rxq q;
	uint64_t regs;
	uint32_t mask;
	uint32_t clean;	  /* next to look at; others may read it */
	uint32_t filled;  /* next to post to */
	uint32_t flushed; /* the device knows */
	bool skipping;	  /* a packet without end was given up: what follows belongs to it */
	struct e1000_rx_desc *ring;
	struct e1000_rx_slot *slot;
	uint64_t polled, polled_bytes, bad_frames, bad_descriptors; /* the queue's core's */
	uint64_t lost_in_reset;					    /* the core's that resets */
} __cacheline_aligned;

struct e1000_tx_packet {
	uint64_t cookie;
	uint32_t end; /* position behind its last descriptor, which reports (RS) */
	bool lost;    /* the port was reset before the device had reported it */
};

/* Positions as in struct e1000_rx: done <= flushed <= filled. The device owns done to flushed. */
struct e1000_tx {
	struct nic_txq q;
	uint64_t regs;
	uint32_t mask;
	uint32_t filled, flushed, done;
	uint32_t packet_first, packet_seen, packet_end; /* of packet[]: to reap, to await */
	uint32_t max_bytes;
	struct e1000_tx_desc *ring;
	struct e1000_tx_packet *packet;
	uint64_t prepared, sent, full, lost_in_reset;
} __cacheline_aligned;

struct e1000_mac_entry {
	uint8_t mac[NIC_MAC_BYTES];
	bool used;
};

/* What the registers hold, to be written again after a reset. */
struct e1000_filters {
	struct e1000_mac_entry mac[E1000_RARS];
	uint32_t mta[E1000_MTA_WORDS];
	uint32_t vfta[E1000_VFTA_WORDS];
	bool vlan_on, unicast_promiscuous, multicast_promiscuous;
};

/* Times: since when, 0: it is not so. */
struct e1000_health {
	uint64_t now_us, checked_us;
	uint64_t retry_us; /* RECOVERING: when to try again */
	unsigned failures; /* in a row */
	uint64_t link_down_since_us;
	uint32_t tdh, tx_done, rdh, rx_clean; /* at the last check */
	/* Likewise: statistics move between checks too, by collect(). */
	uint64_t seen_bad_descriptors, seen_missed;
	uint64_t tx_still_since_us; /* TDH stands before TDT */
	uint64_t tx_late_since_us;  /* all is sent and not reported */
	uint64_t rx_still_since_us; /* RDH stands although frames arrive */
	bool late_counted;
};

struct e1000 {
	struct nic nic;
	struct nic_setup setup;
	uint64_t regs;
	pci_bdf bdf;
	struct nic_rxq *rxq;
	struct nic_txq *txq;
	struct e1000_rx rx;
	struct e1000_tx tx;
	struct e1000_filters filters;
	struct e1000_health health;
};

#define E1000_OF(n) CONTAINER_OF(n, struct e1000, nic)

static inline uint32_t e1000_read(const struct e1000 *e, uint32_t reg)
{
	return mmio_read32(e->regs, reg);
}

static inline void e1000_write(const struct e1000 *e, uint32_t reg, uint32_t v)
{
	mmio_write32(e->regs, reg, v);
}

static inline void e1000_change(const struct e1000 *e, uint32_t reg, uint32_t clear, uint32_t set)
{
	e1000_write(e, reg, (e1000_read(e, reg) & ~clear) | set);
}

/* A device that is gone reads all ones. */
static inline bool e1000_is_gone(const struct e1000 *e)
{
	return e1000_read(e, E1000_STATUS) == UINT32_MAX;
}

/* e1000_reset.c */
/* Until (reg & mask) == want: 0, or -ETIMEDOUT, as for a device that is gone. */
int e1000_wait(const struct e1000 *e, uint32_t reg, uint32_t mask, uint32_t want,
	uint32_t timeout_us) __must_check;
int e1000_hardware_reset(const struct e1000 *e) __must_check;
void e1000_off_the_bus(const struct e1000 *e); /* no DMA from now on, whatever the device does */

/* e1000_eeprom.c */
int e1000_eeprom_read_mac(const struct e1000 *e, uint8_t *mac) __must_check;

/* e1000_init.c */
int e1000_queues_alloc(struct e1000 *e) __must_check;
int e1000_bring_up(struct e1000 *e) __must_check; /* after a reset, up to running queues */

/* e1000_filter.c */
uint32_t e1000_filter_modes(const struct e1000 *e); /* bits of RCTL */
void e1000_filters_write(const struct e1000 *e);
int e1000_add_mac(struct nic *nic, const uint8_t *mac, unsigned pool);
int e1000_remove_mac(struct nic *nic, const uint8_t *mac, unsigned pool);
void e1000_set_multicast(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr);
void e1000_set_promiscuous(struct nic *nic, bool unicast, bool multicast);
void e1000_set_vlan_filter(struct nic *nic, bool on);
int e1000_set_vlan(struct nic *nic, uint16_t vlan, unsigned pool, bool member);

/* e1000_rx.c, e1000_tx.c */
extern const struct nic_rxq e1000_rxq_functions;
extern const struct nic_txq e1000_txq_functions;
bool e1000_rx_pending(const struct nic_rxq *q);
bool e1000_tx_pending(const struct nic_txq *q);
/* The device is quiet: everything that it had is the driver's again. Receive buffers are in the
 * ring, to be flushed; packets count as sent or lost, as their write-backs say. */
void e1000_rx_rewind(struct e1000_rx *rx);
void e1000_tx_rewind(struct e1000_tx *tx);
unsigned e1000_rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max);

/* e1000_stats.c */
void e1000_stats_clear(const struct e1000 *e); /* after a reset: what is in them counts nothing */
void e1000_stats_collect(struct e1000 *e);
void e1000_collect(struct nic *nic);

/* e1000_health.c */
void e1000_housekeeping(struct nic *nic, uint64_t now_us);

/* e1000_recover.c */
int e1000_start(struct nic *nic);
void e1000_stop(struct nic *nic);
int e1000_reset(struct nic *nic);
void e1000_retry(struct e1000 *e);

#endif
