/* A NIC in host memory, behind drivers/nic.h: rings, posted buffers, and nothing that happens by
 * itself. The test says what the wire brings and how much of the transmit ring is sent; memory is
 * read only then, as by DMA, and the fake aborts if the packet path breaks nic.h's contract.
 *
 * What the NIC has is filled with garbage: who still reads a buffer that was given away notices. An
 * interrupt comes only while its vector is armed; what happens before is not remembered. */
#ifndef SLUICE_TESTS_FAKE_NIC_H
#define SLUICE_TESTS_FAKE_NIC_H

#include "drivers/nic.h"

#define FAKE_NIC_QUEUES	   4
#define FAKE_NIC_ENTRIES   1024
#define FAKE_NIC_MACS	   4
#define FAKE_NIC_MULTICAST 256
#define FAKE_NIC_ALL                                                                               \
	(NIC_CAP_TX_CSUM | NIC_CAP_TSO | NIC_CAP_RX_CSUM | NIC_CAP_RSC | NIC_CAP_VLAN |            \
		NIC_CAP_RX_SPLIT)

struct fake_nic_conf {
	const char *name;
	struct nic_client client;
	unsigned nr_queues, queues_per_pool; /* 0: 1 */
	unsigned rx_entries, tx_entries;     /* 0: 512, 1024 */
	bool polled;			     /* no vectors */
	uint32_t capabilities;
	uint16_t mtu; /* 0: 1500 */
};

/* Counters run free; a ring's slot is counter % entries. first: not handed back yet. */
struct fake_rxq {
	struct nic_rxq q;
	struct nic_buffer buffer[FAKE_NIC_ENTRIES];
	uint32_t len_bytes[FAKE_NIC_ENTRIES]; /* what a buffer has got */
	bool stopped;
	uint32_t first, used, flushed, filled;
	struct nic_rx_packet packet[FAKE_NIC_ENTRIES]; /* complete ones */
	uint32_t packet_first, packet_end;
	unsigned doorbells;
};

struct fake_tx_packet {
	struct nic_tx_packet p;
	struct nic_segment segment[NIC_TX_SEGMENTS_MAX];
	bool lost;
};

struct fake_txq {
	struct nic_txq q;
	struct fake_tx_packet *packet; /* FAKE_NIC_ENTRIES */
	uint32_t first, done, flushed, end;
	unsigned descriptors, doorbells, prepares;
};

struct fake_sent {
	uint8_t *bytes;
	uint32_t len_bytes;
	unsigned queue;
};

struct fake_nic {
	struct nic nic;
	struct nic_client client;
	struct nic_rxq *rxq[FAKE_NIC_QUEUES];
	struct nic_txq *txq[FAKE_NIC_QUEUES];
	struct fake_rxq rx[FAKE_NIC_QUEUES];
	struct fake_txq tx[FAKE_NIC_QUEUES];
	bool armed[FAKE_NIC_QUEUES];
	unsigned interrupts[FAKE_NIC_QUEUES];
	bool reset_fails;
	bool stays_busy;	/* receive queues do not stop */
	uint32_t refused_bytes; /* packets of that length it refuses, as malformed */
	/* Called once, just before a vector is armed: what happens there raises no interrupt. */
	void (*before_arm)(struct fake_nic *n, unsigned vector);
	/* Filters: what it was told, and how often. */
	struct {
		uint8_t mac[NIC_MAC_BYTES];
		unsigned pool;
		bool used;
	} mac[FAKE_NIC_MACS];
	uint8_t multicast[FAKE_NIC_MULTICAST][NIC_MAC_BYTES];
	unsigned nr_multicast, nr_filter_changes;
	bool promiscuous, all_multicast, vlan_filter;
	uint64_t vlan_pools[4096];
	unsigned nr_vlans, vlans_max; /* 0: any number */
	unsigned missed;	      /* packets for which there was no buffer */
	/* What went out, since fake_nic_forget(). */
	struct fake_sent *sent;
	unsigned nr_sent, sent_max;
	uint64_t nr_tso;
};

void fake_nic_init(struct fake_nic *n, const struct fake_nic_conf *conf);
void fake_nic_free(struct fake_nic *n);

/* How a packet arrives. */
struct fake_arrival {
	uint32_t piece_bytes; /* in a buffer, but the last one; 0: as much as it takes */
	uint16_t flags, vlan_tci, rsc_segments;
	uint8_t error;
	/* Where the queue splits: 0: as much as goes into header memory. */
	uint32_t header_bytes;
};

/* False: no buffers, it is lost. how NULL: nothing special. */
bool fake_nic_receive(struct fake_nic *n, unsigned queue, const uint8_t *bytes, uint32_t len_bytes,
	const struct fake_arrival *how);

/* Sends what was flushed, at most that many packets, and reports it; how many. */
unsigned fake_nic_transmit(struct fake_nic *n, unsigned queue, unsigned max);
void fake_nic_forget(struct fake_nic *n);
unsigned fake_nic_in_ring(const struct fake_nic *n, unsigned queue);

void fake_nic_link(struct fake_nic *n, bool up);

/* The pool of an address, -1: none. */
int fake_nic_pool_of(const struct fake_nic *n, const uint8_t *mac);
bool fake_nic_passes_multicast(const struct fake_nic *n, const uint8_t *mac);

/* What a packet becomes on the wire; for each, fake_nic_keep(). */
void fake_nic_send(struct fake_nic *n, unsigned queue, const struct nic_tx_packet *p);
void fake_nic_keep(struct fake_nic *n, unsigned queue, const uint8_t *bytes, uint32_t len_bytes);

#endif
