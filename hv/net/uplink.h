/* A physical network port as a port of the switch: between drivers/nic.h and net/port.h.
 *
 * Each queue pair of the NIC has a receive and a transmit work item, which run where the hint of
 * the vCPU says that the pair is for; pair 0, for everything else, runs on core `home`.
 *
 *   receive (uplink_rx.c): the NIC fills buffers of ours; each packet becomes a frame that refers
 *     to them, and goes to switch_forward(). When the last destination has copied, the buffers come
 *     back by a lock-free list and are posted again. A destination that is full drops: a wire does
 *     not wait.
 *   transmit (uplink_tx.c): deliver() queues the reference in a bounded lock-free ring; the work
 *     gives the NIC the memory where the bytes are, which is not copied. When the NIC has read it,
 *     the reference goes back. What the NIC cannot do (checksums, segmentation) is done in
 *     software, into bounce buffers.
 *
 * While packets come, the work polls; when a look finds nothing, it arms the interrupt. */
#ifndef SLUICE_NET_UPLINK_H
#define SLUICE_NET_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "lib/atomic.h"
#include "lib/bits.h"
#include "net/frame.h"
#include "net/frame_ring.h"
#include "net/port.h"
#include "net/segment.h"
#include "net/switch.h"
#include "net/waiters.h"
#include "net/work.h"
#include "sched/hint.h"

#define UPLINK_PAIRS_MAX     16
#define UPLINK_RX_ENTRIES    512 /* of a NIC's ring; one less are posted */
#define UPLINK_TX_ENTRIES    1024
#define UPLINK_BUFFER_BYTES  2048
#define UPLINK_BOUNCE_FRAMES 128
#define UPLINK_DRY_POLLS     2 /* looks in vain before the interrupt is armed */

struct uplink;
struct uplink_pair;

/* A receive buffer. The first one of a packet has its frame, the others hang on it. */
struct uplink_buffer {
	struct frame frame;
	struct uplink_buffer *next; /* of the same packet */
	struct uplink_buffer *list; /* of those that came back */
	uint8_t *hva;
};

struct uplink_rx_stats {
	uint64_t packets, polls, dry_polls;
	uint64_t bad_frames, bad_descriptors; /* dropped here: what the NIC said of them */
};

struct uplink_rx {
	struct work work;
	struct nic_rxq *queue;
	struct uplink_buffer *free; /* to be posted; the work's */
	unsigned dry_polls;
	struct uplink_rx_stats stats;
	struct nic_rx_batch batch;
	struct uplink_buffer *done __cacheline_aligned; /* came back, lock-free LIFO, atomic */
	struct uplink_buffer *buffer;			/* UPLINK_RX_ENTRIES */
};

/* What must lie still from prepare to reap, beside the frame itself. Cookies come back in order, so
 * that the slots are a ring. */
struct uplink_slot {
	struct frame
		*frame; /* goes back with this packet; NULL: it went already, or with another */
	bool bounced;	/* it has a bounce buffer, the oldest one */
	struct frame_plan plan;
	uint8_t headers[SEGMENT_HEADERS_MAX]; /* of a segment that the NIC cuts */
};

struct uplink_tx_stats {
	uint64_t packets, zero_copy, bounced, lost_in_reset;
};

struct uplink_tx {
	struct work work;
	struct nic_txq *queue;
	struct uplink_slot *slot; /* UPLINK_TX_ENTRIES */
	unsigned head, tail;	  /* next to fill, next to come back; free running */
	struct segmenter cutter;  /* of the ring's first frame, if cutting */
	bool cutting;
	unsigned dry_polls;
	uint8_t *bounce; /* UPLINK_BOUNCE_FRAMES times bounce_bytes; a ring like the slots */
	unsigned bounce_head, bounce_tail;
	struct uplink_tx_stats stats;
	struct waiters waiters;
	struct frame_ring ring;
};

struct uplink_pair {
	struct uplink *up;
	unsigned index;
	const struct sched_hint *hint; /* of the vCPU that it is for; NULL: core `home` */
	struct uplink_rx rx;
	struct uplink_tx tx;
};

struct uplink_setup {
	const char *name;
	unsigned nr_pairs;
	unsigned home;
	uint32_t bounce_bytes; /* the largest frame, tag included */
	struct worker *(*worker_of)(unsigned core);
	uint64_t (*now_us)(void);
	void *(*pages)(uint64_t len_bytes); /* zeroed, contiguous, in the direct map; NULL: none */
};

struct uplink {
	struct port port;
	struct nic *nic;
	struct uplink_setup setup;
	bool link_up; /* atomic */
	uint8_t pair_of_port[SWITCH_PORTS_MAX];
	struct uplink_pair *pair[UPLINK_PAIRS_MAX];
};

/* Takes memory for up, which is zeroed. The caller fills in up->nic (attached, with nr_pairs queue
 * pairs, not started), then adds up->port to a switch. -ENOMEM, -EINVAL. */
int uplink_init(struct uplink *up, struct nic *nic, const struct uplink_setup *setup) __must_check;

/* Pair 1.. is for the frames of, and to, the guest behind this port of the switch. */
void uplink_assign_pair(
	struct uplink *up, unsigned pair, const struct port *guest, const struct sched_hint *hint);

/* Posts receive buffers; after nic->ops->start(). */
void uplink_start(struct uplink *up);

/* For struct nic_client. */
void uplink_link_changed(void *up, struct nic *nic, struct nic_link link);
void uplink_state_changed(void *up, struct nic *nic, enum nic_state state);
void uplink_wake(void *up, struct nic *nic, unsigned vector);

/* For the uplink's own files. */
int uplink_rx_init(struct uplink_pair *pair) __must_check;
int uplink_tx_init(struct uplink_pair *pair) __must_check;
void uplink_schedule(struct uplink_pair *pair, struct work *w);
extern const struct port_ops uplink_port_ops;

/* One writer, read by anyone. */
static inline void uplink_count(uint64_t *counter)
{
	store_relaxed(counter, *counter + 1);
}

#endif
