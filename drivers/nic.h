/* A physical network port as the packet path sees it. Behind it: drivers/ixgbe, drivers/e1000.
 *
 * Control goes through struct nic_ops: one core at a time (core 0's housekeeping, or set-up before
 * the other cores run). Packets go through the queues' own functions, in batches: prepare and flush
 * apart, so that one doorbell covers a batch. A queue belongs to one core at a time; receive and
 * transmit queues are independent. Addresses are hpa; the caller's memory must stay where it is
 * from the moment it is given away until its cookie comes back.
 *
 * Pools: a pool is a receive context with its own MAC addresses and queues (VMDq), one per guest
 * port; pool 0 also gets what matches nobody else's filter. In a pool, RSS spreads flows.
 * Queue q of pool p is nic->rxq[p * queues_per_pool + q].
 *
 * Header split: a queue with header_bytes puts a packet's headers, as far as it knows them, or else
 * its first header_bytes, into memory apart, which each posted buffer brings with it; the first
 * buffer's is used. Buffers then begin with payload; one may have none at all.
 *
 * Interrupts: a vector serves the queues that the set-up gave it. It masks itself when it fires, so
 * its handler only schedules the queues' work, which polls until there is nothing left and then:
 *
 *     nic_vector_arm(nic, v);
 *     if (nic_rx_pending(rx) || nic_tx_pending(tx))
 *             poll again; an interrupt that comes nevertheless does no harm
 *
 * Recovery: housekeeping() finds a port that does not work and resets it. The queues are closed
 * meanwhile (posting, polling and sending do nothing, prepare answers -ENODEV). What was in flight
 * to the wire comes back from nic_tx_reap() as not sent; packets that nobody had polled are lost,
 * and counted. A port that cannot be reset is taken off the bus and FAILED.
 *
 * Receive buffers stay posted across a reset, a stop, and in a port that has FAILED, where nothing
 * reaches them: with the next start() the port uses them again. Only nic_rx_take_back(), of a port
 * that is STOPPED or FAILED, gives them back.
 *
 * Nothing a device does is trusted: a buffer comes back once, with at most the length it has. */
#ifndef SLUICE_DRIVERS_NIC_H
#define SLUICE_DRIVERS_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define NIC_BATCH	     32 /* packets in one call */
#define NIC_RX_CHAIN_MAX     24 /* buffers of one received packet: jumbo in 1 KiB ones, RSC */
#define NIC_RX_BATCH_BUFFERS (NIC_BATCH + NIC_RX_CHAIN_MAX)
#define NIC_TX_SEGMENTS_MAX  23	 /* FRAME_SEGMENTS_MAX and the pieces in front of them */
#define NIC_TX_BYTES_MIN     17u /* shorter ones the caller pads with zeros */
#define NIC_TX_BYTES_MAX     65562u
#define NIC_TX_MSS_MIN	     64u
#define NIC_POOLS_MAX	     64
#define NIC_NO_VECTOR	     UINT16_MAX
#define NIC_MAC_BYTES	     6
#define NIC_HEADER_BYTES     256u /* of header memory, where a queue splits */

struct nic;

/* ---- Packets ---- */

/* A receive buffer to post. len_bytes >= the queue's buffer_bytes. header_hpa: even; of a queue's
 * header_bytes, if it has any, else 0. */
struct nic_buffer {
	uint64_t hpa;
	uint64_t cookie;
	uint32_t len_bytes;
	uint64_t header_hpa;
};

/* A buffer with part of a packet in it. */
struct nic_rx_buffer {
	uint64_t cookie;
	uint32_t len_bytes;
};

/* struct nic_rx_packet.flags; neither GOOD nor BAD: the hardware did not check. */
#define NIC_RX_VLAN	  0x0001 /* a tag was taken out: vlan_tci */
#define NIC_RX_HASH	  0x0002 /* hash is valid */
#define NIC_RX_IPV4	  0x0004
#define NIC_RX_IPV6	  0x0008
#define NIC_RX_TCP	  0x0010
#define NIC_RX_UDP	  0x0020
#define NIC_RX_L3_GOOD	  0x0040 /* IPv4 header checksum */
#define NIC_RX_L3_BAD	  0x0080
#define NIC_RX_L4_GOOD	  0x0100 /* TCP or UDP checksum */
#define NIC_RX_L4_BAD	  0x0200
#define NIC_RX_IP_OPTIONS 0x0400 /* IPv4 options or IPv6 extension headers */

enum nic_rx_error {
	NIC_RX_OK,
	NIC_RX_BAD_FRAME,      /* CRC, length, symbol: what the MAC found */
	NIC_RX_BAD_DESCRIPTOR, /* the device wrote what cannot be: too long, a chain without end */
};

/* Its bytes: header_bytes in the first buffer's header memory, then those in nr_buffers entries of
 * the batch's buffer[], from first_buffer on, in order. */
struct nic_rx_packet {
	uint32_t len_bytes; /* without FCS, without a tag that was taken out */
	uint32_t hash;
	uint16_t flags; /* NIC_RX_ */
	uint16_t vlan_tci;
	uint16_t first_buffer, nr_buffers;
	/* RSC: so many TCP segments were merged into one packet with the first one's headers, IPv4
	 * length and header checksum updated, the TCP checksum not. A guest gets it as a GSO frame
	 * with gso_size = (len_bytes - headers) / rsc_segments, rounded up. 0 or 1: nothing was
	 * merged. */
	uint16_t rsc_segments;
	uint16_t error; /* enum nic_rx_error: the buffers are to be used again, not the bytes */
	uint16_t header_bytes;
};

struct nic_rx_batch {
	unsigned nr_packets, nr_buffers;
	struct nic_rx_packet packet[NIC_BATCH];
	struct nic_rx_buffer buffer[NIC_RX_BATCH_BUFFERS];
};

struct nic_segment {
	uint64_t hpa;
	uint32_t len_bytes; /* not 0 */
};

/* struct nic_tx_packet.flags */
#define NIC_TX_IPV4    0x01 /* else IPv6, if any of CSUM and TSO */
#define NIC_TX_TCP     0x02 /* else UDP */
#define NIC_TX_L4_CSUM 0x04 /* complete the checksum; the field holds the pseudo header's sum */
#define NIC_TX_L3_CSUM 0x08 /* fill in the IPv4 header checksum */
#define NIC_TX_TSO     0x10 /* cut into segments of mss; implies TCP, L4_CSUM and, IPv4, L3_CSUM */
#define NIC_TX_VLAN    0x20 /* insert vlan_tci */

/* Packet memory is not written. So, with TSO, the caller's headers hold: IP length 0, IPv4 header
 * checksum 0, and in the TCP checksum the sum of a pseudo header whose length is 0. */
struct nic_tx_packet {
	uint64_t cookie;
	const struct nic_segment *segment;
	uint32_t len_bytes; /* the sum of the segments */
	uint16_t nr_segments;
	uint8_t l2_len; /* Ethernet header, with a tag that is in the segments */
	uint8_t l4_len; /* TSO: TCP header with options */
	uint16_t flags; /* NIC_TX_ */
	uint16_t vlan_tci;
	uint16_t mss;	 /* TSO: TCP payload bytes of a segment */
	uint16_t l3_len; /* IP header with options or extension headers */
};

struct nic_tx_done {
	uint64_t cookie;
	bool sent; /* false: the port was reset meanwhile; whether it reached the wire is unknown */
};

/* ---- Queues ---- */

/* Closes a queue against its core while the port is being reset: the core says that it is busy,
 * then looks how far the queue is open; who closes it writes and looks the other way round. */
enum nic_gate_state {
	NIC_GATE_CLOSED,
	NIC_GATE_RETURN, /* cookies come back */
	NIC_GATE_OPEN,
};

struct nic_gate {
	uint32_t state; /* enum nic_gate_state; atomic */
	uint32_t busy;	/* atomic; the queue's core is in one of its functions */
};

struct nic_rxq {
	unsigned (*post)(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr);
	void (*flush)(struct nic_rxq *q);
	void (*poll)(struct nic_rxq *q, struct nic_rx_batch *b);
	bool (*pending)(const struct nic_rxq *q);
	struct nic *nic;
	uint16_t index; /* in nic->rxq[] */
	uint16_t pool;
	uint16_t vector; /* NIC_NO_VECTOR: polled only */
	/* What the hardware uses of a buffer, and of its header memory (0, or with
	 * NIC_CAP_RX_SPLIT NIC_HEADER_BYTES). The user may change both while port or queue are
	 * stopped and have no buffers. */
	uint32_t buffer_bytes, header_bytes;
	uint32_t ring_entries; /* at most one less is posted */
	struct nic_gate gate;
};

struct nic_txq {
	int (*prepare)(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr);
	void (*flush)(struct nic_txq *q);
	unsigned (*reap)(struct nic_txq *q, struct nic_tx_done *done, unsigned max);
	bool (*pending)(const struct nic_txq *q);
	struct nic *nic;
	uint16_t index, pool, vector;
	uint32_t ring_entries;
	struct nic_gate gate;
};

static inline bool nic_gate_enter(struct nic_gate *g, enum nic_gate_state needed)
{
	store_relaxed(&g->busy, 1);
	smp_mb(); /* busy is visible before the state is read */
	if (load_acquire(&g->state) >= needed)
		return true;
	store_release(&g->busy, 0);
	return false;
}

static inline void nic_gate_leave(struct nic_gate *g)
{
	store_release(&g->busy, 0);
}

/* Gives buffers to the hardware with the next flush: how many of them; the ring takes no more. A
 * buffer that is too short is refused with all that follow. */
static inline unsigned nic_rx_post(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr)
{
	if (!nic_gate_enter(&q->gate, NIC_GATE_OPEN))
		return 0;
	nr = q->post(q, b, nr);
	nic_gate_leave(&q->gate);
	return nr;
}

static inline void nic_rx_flush(struct nic_rxq *q)
{
	if (!nic_gate_enter(&q->gate, NIC_GATE_OPEN))
		return;
	q->flush(q);
	nic_gate_leave(&q->gate);
}

/* Fills *b with what has arrived: at most NIC_BATCH packets. */
static inline unsigned nic_rx_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	b->nr_packets = b->nr_buffers = 0;
	if (!nic_gate_enter(&q->gate, NIC_GATE_OPEN))
		return 0;
	q->poll(q, b);
	nic_gate_leave(&q->gate);
	return b->nr_packets;
}

/* Whether a poll would find something. */
static inline bool nic_rx_pending(struct nic_rxq *q)
{
	bool pending = false;

	if (nic_gate_enter(&q->gate, NIC_GATE_OPEN)) {
		pending = q->pending(q);
		nic_gate_leave(&q->gate);
	}
	return pending;
}

/* Puts packets into the ring, for the next flush. How many of them were taken, in order: the next
 * one did not fit, or is malformed. If not even the first was taken: -EAGAIN (full: reap, then try
 * again), -EINVAL (it makes no sense, is shorter than NIC_TX_BYTES_MIN, or longer than the MTU
 * allows), -ENODEV (the port is not running). A packet that is not taken leaves nothing behind. */
static inline int nic_tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	int ret;

	if (!nic_gate_enter(&q->gate, NIC_GATE_OPEN))
		return -ENODEV;
	ret = q->prepare(q, p, nr);
	nic_gate_leave(&q->gate);
	return ret;
}

static inline void nic_tx_flush(struct nic_txq *q)
{
	if (!nic_gate_enter(&q->gate, NIC_GATE_OPEN))
		return;
	q->flush(q);
	nic_gate_leave(&q->gate);
}

/* Cookies of packets whose memory the hardware has done with, in the order of prepare. */
static inline unsigned nic_tx_reap(struct nic_txq *q, struct nic_tx_done *done, unsigned max)
{
	unsigned nr;

	if (!nic_gate_enter(&q->gate, NIC_GATE_RETURN))
		return 0;
	nr = q->reap(q, done, max);
	nic_gate_leave(&q->gate);
	return nr;
}

/* Whether a reap would find something. */
static inline bool nic_tx_pending(struct nic_txq *q)
{
	bool pending = false;

	if (nic_gate_enter(&q->gate, NIC_GATE_RETURN)) {
		pending = q->pending(q);
		nic_gate_leave(&q->gate);
	}
	return pending;
}

/* ---- Control ---- */

enum nic_state {
	NIC_STOPPED,
	NIC_RUNNING,
	NIC_RECOVERING, /* a reset did not work yet; housekeeping tries again */
	NIC_FAILED,	/* out of service; bus mastering is off */
};

/* All since attach, in 64 bits. The first group is the hardware's, accumulated by housekeeping and
 * collect(). */
struct nic_stats {
	uint64_t rx_frames, rx_bytes; /* without error, for one of our filters; with FCS */
	uint64_t rx_broadcast, rx_multicast;
	uint64_t tx_frames, tx_bytes;
	uint64_t rx_crc_errors, rx_length_errors, rx_other_errors;
	uint64_t rx_missed;    /* the packet buffer was full */
	uint64_t rx_no_buffer; /* the queue had no descriptor */
	uint64_t rx_l3_l4_errors;
	uint64_t rx_pause, tx_pause; /* XOFF */
	/* The driver's. */
	uint64_t rx_polled, rx_polled_bytes; /* handed to the caller without error */
	uint64_t rx_bad_frames;		     /* handed to the caller as NIC_RX_BAD_FRAME */
	uint64_t rx_bad_descriptors;
	uint64_t rx_coalesced; /* packets that RSC made, of rx_coalesced_frames */
	uint64_t rx_coalesced_frames;
	uint64_t rx_lost_in_reset; /* arrived, not yet polled, and gone with a reset */
	uint64_t tx_prepared, tx_sent, tx_lost_in_reset;
	uint64_t tx_full; /* times a packet did not fit */
	/* Health. */
	uint64_t resets, failed_resets;
	uint64_t tx_stalls, rx_stalls, late_write_backs, lost_interrupts, dma_aborts;
	uint64_t link_changes; /* but for those of start and stop */
};

struct nic_link {
	bool up;
	uint32_t mbps;
};

/* What the port tells its user. Called from control functions and housekeeping. */
struct nic_client {
	void *ctx;
	void (*link_changed)(void *ctx, struct nic *nic, struct nic_link link);
	void (*state_changed)(void *ctx, struct nic *nic, enum nic_state state);
	/* Work waits at this vector, and no interrupt will tell: schedule its queues. */
	void (*wake)(void *ctx, struct nic *nic, unsigned vector);
};

#define NIC_CAP_TX_CSUM BIT32(0)
#define NIC_CAP_TSO	BIT32(1)
#define NIC_CAP_RX_CSUM BIT32(2)
#define NIC_CAP_RSC	BIT32(3)
#define NIC_CAP_VLAN	BIT32(4)
#define NIC_CAP_RSS	BIT32(5)
#define NIC_CAP_DCA	BIT32(6) /* set_dca() does something */
/* header split; a receive queue can be stopped alone */
#define NIC_CAP_RX_SPLIT BIT32(7)

/* How a port is used; constant from attach on. */
struct nic_setup {
	const char *name; /* for messages; stays valid */
	struct nic_client client;
	unsigned nr_pools;		 /* 1..NIC_POOLS_MAX */
	unsigned queues_per_pool;	 /* as the driver offers: -EINVAL */
	uint64_t single_queue_pools;	 /* by bit: RSS does not spread them, their first queue gets
					    all of it */
	unsigned rx_entries, tx_entries; /* ring sizes, powers of two, 64..4096 */
	uint32_t rx_buffer_bytes; /* 1024..15360, a multiple of 1024; of every queue at first */
	uint16_t mtu;		  /* up to 9000 */
	unsigned nr_vectors;	  /* for queues: queue i (rx and tx) uses vector i % nr_vectors; 0:
				     polled */
	uint16_t moderation_us;	  /* smallest time between two interrupts of a vector */
	bool vlan_strip;
	bool rsc;
	bool tso;
	bool flow_control; /* send and obey PAUSE */
};

struct nic_ops {
	int (*start)(struct nic *nic); /* queues open; link comes later, as an event */
	/* No DMA from then on, bus mastering is off. What was in flight is given back by
	 * nic_tx_reap(); statistics are final. */
	void (*stop)(struct nic *nic);
	int (*reset)(struct nic *nic); /* as recovery does it, on demand */
	/* Every 10 ms or so: statistics, link, health, recovery. now_us is monotonic. */
	void (*housekeeping)(struct nic *nic, uint64_t now_us);
	/* Brings nic->stats up to date, for who reads them now. */
	void (*collect)(struct nic *nic);
	/* From the handler of the control vector, any core: housekeeping shall look soon. */
	void (*control_interrupt)(struct nic *nic);
	/* The queues' vectors, 0..nr_vectors-1, and nr_vectors: the control vector. */
	int (*route_vector)(struct nic *nic, unsigned v, uint32_t apic_id, uint8_t idt_vector);
	/* Any core: the vector's interrupt on (once) or off. */
	void (*arm)(struct nic *nic, unsigned v);
	void (*mask)(struct nic *nic, unsigned v);
	void (*moderate)(struct nic *nic, unsigned v, uint16_t interval_us);
	/* A unicast address of a pool. -ENOSPC, -EEXIST (another pool's), -ENOENT. */
	int (*add_mac)(struct nic *nic, const uint8_t *mac, unsigned pool);
	int (*remove_mac)(struct nic *nic, const uint8_t *mac, unsigned pool);
	/* Replaces the list of multicast addresses (filtering is by hash: more may pass). They go
	 * to pool 0, as broadcast does. */
	void (*set_multicast)(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr);
	void (*set_promiscuous)(struct nic *nic, bool unicast, bool multicast);
	/* With the filter on, tagged frames of other VLANs are dropped, but for priority-tagged
	 * ones (VLAN 0). -ENOSPC: a VLAN more than it knows. */
	void (*set_vlan_filter)(struct nic *nic, bool on);
	int (*set_vlan)(struct nic *nic, uint16_t vlan, unsigned pool, bool member);
	int (*set_mtu)(struct nic *nic, uint16_t mtu); /* stopped only: -EBUSY */
	void (*set_rsc)(struct nic *nic, bool on);     /* any time; only if the set-up had it */
	int (*set_flow_control)(struct nic *nic, bool on);
	/* Where a queue pair's DMA goes; any time. tag 0: nowhere in particular. -ENOTSUP. */
	int (*set_dca)(struct nic *nic, unsigned queue, uint8_t tag);
	/* Buffers of a queue that is stopped, or of a port that is STOPPED or FAILED: how many
	 * cookies; 0 also while the port is being reset, after which wake() comes. */
	unsigned (*rx_take_back)(struct nic_rxq *q, uint64_t *cookie, unsigned max);
	/* With NIC_CAP_RX_SPLIT. Stops one receive queue, whatever the port's state: when it
	 * returns 0, the device does not write to its buffers any more, and rx_take_back() gives
	 * them. Packets that nobody had polled are lost and counted. -EBUSY: a core stays in one of
	 * the queue's functions, nothing is changed. Takes up to 200 us, or a reset of the port if
	 * the device does not obey. The queue stays stopped when the port is reset or started. */
	int (*rx_queue_stop)(struct nic *nic, unsigned queue);
	/* Opens it again, after all buffers were taken back; with the port, if that does not run.
	 * -ETIMEDOUT: the device does not obey; it is still stopped. */
	int (*rx_queue_start)(struct nic *nic, unsigned queue);
};

struct nic {
	const struct nic_ops *ops;
	const char *name;
	uint32_t capabilities; /* NIC_CAP_ */
	uint8_t mac[NIC_MAC_BYTES];
	uint16_t mtu;
	unsigned nr_pools, queues_per_pool, nr_queues, nr_vectors;
	struct nic_rxq **rxq;
	struct nic_txq **txq;
	struct nic_link link; /* as of the last event */
	enum nic_state state;
	struct nic_stats stats; /* as of the last housekeeping, which lags 100 ms, or collect() */
};

static inline void nic_vector_arm(struct nic *nic, unsigned v)
{
	nic->ops->arm(nic, v);
}

static inline unsigned nic_rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max)
{
	return q->nic->ops->rx_take_back(q, cookie, max);
}

#endif
