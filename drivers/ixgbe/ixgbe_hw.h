/* What the driver's files share. */
#ifndef SLUICE_DRIVERS_IXGBE_HW_H
#define SLUICE_DRIVERS_IXGBE_HW_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"
#include "drivers/ixgbe/ixgbe.h"
#include "drivers/ixgbe/ixgbe_regs.h"
#include "drivers/nic.h"
#include "drivers/pci/pci.h"
#include "lib/bits.h"
#include "lib/string.h"

#define IXGBE_FRAME_OVERHEAD (14 + 4 + 4) /* Ethernet header, one tag, FCS */
#define IXGBE_NO_SLOT	     UINT32_MAX
#define IXGBE_NO_ADDRESS     UINT64_MAX /* of a receive buffer */

/* ---- Receive ---- */

struct ixgbe_rx_slot {
	uint64_t cookie, hpa;
};

/* A buffer with part of a packet whose end has not come yet. */
struct ixgbe_rx_node {
	uint64_t cookie, hpa, header_hpa;
	uint32_t len_bytes;
	uint32_t next;
};

/* At a slot: the packet that will go on there. */
struct ixgbe_rx_chain {
	uint16_t state;	      /* CHAIN_; 0: a packet begins there */
	uint16_t nr;	      /* buffers */
	uint16_t rsc;	      /* segments that RSC added */
	uint16_t first, last; /* nodes */
	uint16_t header_bytes;
	uint32_t len_bytes; /* with them */
};
#define IXGBE_CHAIN_OPEN 1 /* the slot continues a packet */
#define IXGBE_CHAIN_BAD	 2 /* of which nothing can be used */

/* Positions count up and never wrap back; masked, they are slots. clean <= flushed <= filled. The
 * device owns clean to flushed (RDH to RDT). Buffers in the ring and in chains together are at most
 * ring_entries - 1, so that after a reset all of them fit into the ring. */
struct ixgbe_rx {
	struct nic_rxq q;
	uint64_t regs;
	uint32_t rdt; /* register */
	uint32_t hw;  /* queue number in the hardware */
	uint32_t mask;
	uint32_t clean;	     /* next to look at; others may read it */
	uint32_t filled;     /* next to post to */
	uint32_t flushed;    /* the device knows */
	uint32_t parked;     /* buffers in chains */
	uint32_t nr_chains;  /* slots whose chain[] says something */
	uint32_t free_nodes; /* list */
	struct ixgbe_rx_desc *ring;
	struct ixgbe_rx_slot *slot;
	uint64_t *header_hpa; /* by slot */
	struct ixgbe_rx_chain *chain;
	struct ixgbe_rx_node *node;
	/* one writer, the queue's core */
	uint64_t polled, polled_bytes, bad_frames, bad_descriptors, coalesced, coalesced_frames;
	/* the core's that resets */
	uint64_t lost_in_reset;
	uint32_t rdh; /* RDH before the reset */
	bool stopped; /* by rx_queue_stop() */
} __cacheline_aligned;

/* ---- Transmit ---- */

/* The device reports up to a descriptor, always a packet's last one. Both as positions. */
struct ixgbe_tx_mark {
	uint32_t end, packet_end; /* behind it, in ring[] and in packet[] */
};

/* What a packet's offloads, or none, mean to the device, whatever its length. */
struct ixgbe_tx_offload {
	uint64_t key; /* the request: ixgbe_tx_key(); 0: none */
	uint16_t l2_l4_len;
	uint64_t context_lo, context_hi;
	uint64_t bits;		       /* of data descriptors */
	uint32_t min_bytes, max_bytes; /* of a packet */
	uint32_t headers;	       /* not counted in PAYLEN */
};

/* Positions as in struct ixgbe_rx: done <= flushed <= filled. The device owns done to flushed. One
 * descriptor per mark asks for a write-back (RS), so that a batch costs one, and what it reports is
 * known without a look at the packets. */
struct ixgbe_tx {
	struct nic_txq q;
	uint64_t regs;
	uint32_t tdt, hw, mask;
	uint32_t filled, flushed, done;
	uint32_t marked; /* position up to which a mark covers */
	/* of packet[], as positions: to be reaped are first to done, with the device done to end */
	uint32_t packet_first, packet_done, packet_end;
	uint32_t mark_first, mark_end;	 /* of mark[], as positions */
	struct ixgbe_tx_offload plain;	 /* of packets without offloads */
	struct ixgbe_tx_offload offload; /* of others: whose context the device has */
	struct ixgbe_tx_desc *ring;
	uint64_t *packet; /* cookies */
	bool *lost;	  /* by packet: the port was reset before the device had reported it */
	uint32_t nr_lost; /* of those to be reaped */
	struct ixgbe_tx_mark *mark;
	uint64_t prepared, sent, full;
	uint64_t lost_in_reset;
} __cacheline_aligned;

/* ---- Port ---- */

#define IXGBE_MACS_MAX	    IXGBE_RARS
#define IXGBE_MULTICAST_MAX 128u

struct ixgbe_mac_entry {
	uint8_t mac[NIC_MAC_BYTES];
	uint8_t pool;
	bool used;
};

struct ixgbe_vlan_entry {
	uint16_t vlan; /* 0: free */
	uint64_t pools;
};

/* What the registers hold, to be written again after a reset. */
struct ixgbe_filters {
	struct ixgbe_mac_entry mac[IXGBE_MACS_MAX];
	struct ixgbe_vlan_entry vlan[IXGBE_VLVFS];
	uint32_t mta[IXGBE_MTA_WORDS];
	uint32_t vfta[IXGBE_VFTA_WORDS];
	bool vlan_on, unicast_promiscuous, multicast_promiscuous;
};

/* What health saw of a queue pair last time. Times: since when, 0: it is not so. */
struct ixgbe_watch {
	uint32_t rx_clean, tx_reaped;		/* every 10 ms */
	uint64_t rx_waiting_since_us;		/* packets arrived that nobody polls */
	uint64_t tx_waiting_since_us;		/* completions that nobody reaps */
	uint32_t rx_checked, tx_done, tdh, rdh; /* every 100 ms */
	uint64_t drops;
	uint64_t tx_still_since_us; /* TDH stands before TDT */
	uint64_t tx_late_since_us;  /* all is sent and not reported */
	uint64_t rx_still_since_us; /* RDH stands although frames arrive */
	bool late_counted;
};

struct ixgbe_health {
	uint64_t now_us, checked_us;
	uint64_t retry_us; /* RECOVERING: when to try again */
	unsigned failures; /* in a row */
	uint64_t link_down_since_us;
	uint64_t dma_frames;   /* the hardware's count of frames written to memory */
	uint64_t lost_in_fifo; /* accepted, and still in the device when it was reset */
	/* As of the last check: statistics move between checks too, by collect(). */
	uint64_t seen_in, seen_out; /* frames into and out of the packet buffer */
	uint64_t seen_pause, seen_bad_descriptors;
	uint64_t queue_drops[IXGBE_QCOUNTERS];
};

enum ixgbe_sfp {
	IXGBE_SFP_UNKNOWN, /* not looked yet */
	IXGBE_SFP_ABSENT,
	IXGBE_SFP_DA,	   /* direct attach, passive or limiting active */
	IXGBE_SFP_SR_LR,   /* 10GBASE-SR, -LR, 1000BASE-SX, -LX: one set-up */
	IXGBE_SFP_REFUSED, /* nothing that this port can use */
};

struct ixgbe {
	struct nic nic;
	struct nic_setup setup;
	uint64_t regs;
	pci_bdf bdf;
	unsigned port; /* DS 4.5: LAN function number */
	struct host_pci_msix msix;
	bool has_msix;
	unsigned pool_stride; /* hardware queues of a pool; 0: no pools (VMDq off) */
	bool rsc_on;
	struct ixgbe_rx *rx; /* nic.nr_queues */
	struct ixgbe_tx *tx;
	uint8_t *dca_tag; /* by queue */
	enum ixgbe_sfp sfp;
	uint64_t sfp_next_us;
	uint32_t control_pending; /* atomic: the control vector's interrupt came */
	uint32_t armed[2];	  /* atomic: vectors as they are wanted */
	struct ixgbe_filters filters;
	struct ixgbe_health health;
	struct ixgbe_watch *watch; /* by queue */
	uint16_t itr_us[IXGBE_VECTORS];
};

#define IXGBE_OF(n) CONTAINER_OF(n, struct ixgbe, nic)

static inline uint32_t ixgbe_read(const struct ixgbe *ix, uint32_t reg)
{
	return mmio_read32(ix->regs, reg);
}

static inline void ixgbe_write(const struct ixgbe *ix, uint32_t reg, uint32_t v)
{
	mmio_write32(ix->regs, reg, v);
}

static inline void ixgbe_change(const struct ixgbe *ix, uint32_t reg, uint32_t clear, uint32_t set)
{
	ixgbe_write(ix, reg, (ixgbe_read(ix, reg) & ~clear) | set);
}

/* Posted writes have reached the device when this returns. */
static inline void ixgbe_write_flush(const struct ixgbe *ix)
{
	(void)ixgbe_read(ix, IXGBE_STATUS);
}

/* Until (reg & mask) == want: 0, or -ETIMEDOUT. A device that is gone reads all ones. */
int ixgbe_wait(const struct ixgbe *ix, uint32_t reg, uint32_t mask, uint32_t want,
	uint32_t timeout_us) __must_check;

/* ixgbe_init.c */
int ixgbe_bring_up(struct ixgbe *ix) __must_check; /* after a reset, up to running queues */

/* ixgbe_eeprom.c */
int ixgbe_eeprom_read(const struct ixgbe *ix, uint32_t word, uint16_t *value) __must_check;
int ixgbe_eeprom_check(const struct ixgbe *ix) __must_check;

/* ixgbe_sync.c: resources: IXGBE_SYNC_ */
int ixgbe_sync_get(const struct ixgbe *ix, uint32_t resources) __must_check;
void ixgbe_sync_put(const struct ixgbe *ix, uint32_t resources);

/* ixgbe_i2c.c: bytes of the module's EEPROM at address 0xa0 */
int ixgbe_i2c_read(const struct ixgbe *ix, uint8_t off, uint8_t *byte) __must_check;

/* ixgbe_sfp.c, ixgbe_link.c */
void ixgbe_sfp_identify(struct ixgbe *ix);
void ixgbe_link_start(struct ixgbe *ix);
void ixgbe_link_stop(struct ixgbe *ix);
/* Looks at the link and says what has changed. */
void ixgbe_link_check(struct ixgbe *ix);
void ixgbe_flow_control_write(const struct ixgbe *ix);
int ixgbe_set_flow_control(struct nic *nic, bool on);

/* ixgbe_queue.c */
int ixgbe_queues_alloc(struct ixgbe *ix) __must_check;
void ixgbe_rx_configure(const struct ixgbe *ix, const struct ixgbe_rx *rx);
void ixgbe_tx_configure(const struct ixgbe *ix, const struct ixgbe_tx *tx);
int ixgbe_rx_enable(const struct ixgbe *ix, struct ixgbe_rx *rx) __must_check;
int ixgbe_tx_enable(const struct ixgbe *ix, struct ixgbe_tx *tx) __must_check;

/* ixgbe_rx.c, ixgbe_tx.c */
extern const struct nic_rxq ixgbe_rxq_functions;
extern const struct nic_txq ixgbe_txq_functions;
bool ixgbe_rx_pending(const struct nic_rxq *q);
void ixgbe_rx_poll_split(struct nic_rxq *q, struct nic_rx_batch *b);
bool ixgbe_tx_pending(const struct nic_txq *q);
/* The device is quiet: everything that it had is the driver's again. Receive buffers are in the
 * ring from slot 0 on; packets count as sent or lost, as their write-backs say. */
void ixgbe_rx_rewind(struct ixgbe_rx *rx);
void ixgbe_tx_rewind(struct ixgbe_tx *tx);
unsigned ixgbe_rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max);

/* ixgbe_rx_chain.c: a descriptor that is not a whole packet, or does not begin one. The batch has
 * room for NIC_RX_CHAIN_MAX buffers. */
void ixgbe_rx_chain(
	struct ixgbe_rx *rx, struct nic_rx_batch *b, uint32_t at, uint64_t lo, uint64_t hi);
void ixgbe_rx_describe(struct nic_rx_packet *p, uint64_t lo, uint64_t hi);

/* Flags, tag, mss and length of the IP header as one word. */
static inline uint64_t ixgbe_tx_key(const struct nic_tx_packet *p)
{
	uint64_t key;

	_Static_assert(
		offsetof(struct nic_tx_packet, l3_len) == offsetof(struct nic_tx_packet, flags) + 6,
		"neighbours");
	memcpy(&key, (const char *)p + offsetof(struct nic_tx_packet, flags), sizeof(key));
	return key;
}

static inline uint16_t ixgbe_tx_l2_l4_len(const struct nic_tx_packet *p)
{
	uint16_t len;

	_Static_assert(offsetof(struct nic_tx_packet, l4_len) ==
			       offsetof(struct nic_tx_packet, l2_len) + 1,
		"neighbours");
	memcpy(&len, (const char *)p + offsetof(struct nic_tx_packet, l2_len), sizeof(len));
	return len;
}

/* ixgbe_tx_offload.c: fills in *o; max_bytes: of a frame. 0, or -EINVAL with no key in it. */
int ixgbe_tx_offload(
	const struct nic_tx_packet *p, uint32_t max_bytes, struct ixgbe_tx_offload *o) __must_check;

/* ixgbe_filter.c, ixgbe_vlan.c */
void ixgbe_filters_write(const struct ixgbe *ix);
int ixgbe_add_mac(struct nic *nic, const uint8_t *mac, unsigned pool);
int ixgbe_remove_mac(struct nic *nic, const uint8_t *mac, unsigned pool);
void ixgbe_set_multicast(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr);
void ixgbe_set_promiscuous(struct nic *nic, bool unicast, bool multicast);
void ixgbe_vlans_write(const struct ixgbe *ix);
void ixgbe_set_vlan_filter(struct nic *nic, bool on);
int ixgbe_set_vlan(struct nic *nic, uint16_t vlan, unsigned pool, bool member);

/* ixgbe_irq.c */
int ixgbe_irq_attach(struct ixgbe *ix) __must_check;
void ixgbe_irq_write(struct ixgbe *ix); /* all registers, after a reset */
int ixgbe_route_vector(struct nic *nic, unsigned v, uint32_t apic_id, uint8_t idt_vector);
void ixgbe_arm(struct nic *nic, unsigned v);
void ixgbe_mask(struct nic *nic, unsigned v);
void ixgbe_moderate(struct nic *nic, unsigned v, uint16_t interval_us);
void ixgbe_control_interrupt(struct nic *nic);

/* ixgbe_dca.c */
void ixgbe_dca_write(const struct ixgbe *ix, unsigned queue);
int ixgbe_set_dca(struct nic *nic, unsigned queue, uint8_t tag);

/* ixgbe_stats.c */
void ixgbe_stats_clear(const struct ixgbe *ix); /* after a reset: what is in them counts nothing */
void ixgbe_stats_collect(struct ixgbe *ix);
void ixgbe_collect(struct nic *nic);

/* ixgbe_reset.c */
int ixgbe_hardware_reset(struct ixgbe *ix) __must_check;
void ixgbe_off_the_bus(struct ixgbe *ix); /* no DMA from now on, whatever the device does */

/* ixgbe_recover.c */
int ixgbe_start(struct nic *nic);
void ixgbe_stop(struct nic *nic);
int ixgbe_reset(struct nic *nic);
void ixgbe_retry(struct ixgbe *ix);
void ixgbe_set_state(struct ixgbe *ix, enum nic_state state);
bool ixgbe_gate_wait_idle(const struct nic_gate *g);

/* ixgbe_queue_stop.c */
int ixgbe_rx_queue_stop(struct nic *nic, unsigned queue);
int ixgbe_rx_queue_start(struct nic *nic, unsigned queue);

/* ixgbe_health.c */
void ixgbe_housekeeping(struct nic *nic, uint64_t now_us);

#endif
