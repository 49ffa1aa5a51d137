/* A physical network port as a port of the switch: between drivers/nic.h and net/port.h.
 *
 * Each queue pair of the NIC that is used has a receive and a transmit work item, which run where
 * steering says (steer.h), or else the hint of the vCPU that the pair is for; pair 0, for
 * everything else, runs on core `home`. When the core changes, the pair's DMA and interrupt are
 * aimed there too.
 *
 *   receive (uplink_rx.c): the NIC fills buffers of ours; each packet becomes a frame that refers
 *     to them, and goes to switch_forward(). When the last destination has copied, the buffers come
 *     back by a lock-free list and are posted again. A destination that is full drops: a wire does
 *     not wait.
 *   transmit (uplink_tx.c): deliver() queues the reference in a bounded lock-free ring; the work
 *     gives the NIC the memory where the bytes are, which is not copied. When the NIC has read it,
 *     the reference goes back. What the NIC cannot do (checksums, segmentation) is done in
 *     software, into bounce buffers (uplink_packet.c).
 *
 * While packets come, the work polls; when a look finds nothing, it arms the interrupt. Both works
 * of a pair do so for themselves with one vector: whoever arms looks after that for what it waits
 * for, and the vector wakes both. Where there is no vector, the uplink's owner calls uplink_wake()
 * every now and then.
 *
 * Zero-copy reception: a guest may lend its buffers to its pair; see lend.h.
 *
 * Link and recovery: without link nothing is taken, and what waits is dropped; what the NIC has
 * comes back from it, sent or not. Receive buffers stay posted across a reset, a stop, and in a
 * port that has FAILED, whose bus mastering is off: they are the uplink's own, and are not taken
 * back; those that a guest has lent are when it wants them. */
#ifndef SLUICE_NET_UPLINK_H
#define SLUICE_NET_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "lib/atomic.h"
#include "lib/bits.h"
#include "net/frame.h"
#include "net/frame_ring.h"
#include "net/lend.h"
#include "net/port.h"
#include "net/segment.h"
#include "net/steer.h"
#include "net/switch.h"
#include "net/waiters.h"
#include "net/work.h"
#include "sched/hint.h"

#define UPLINK_PAIRS_MAX      16 /* queue pairs of the NIC, used or not */
#define UPLINK_POOLS_MAX      UPLINK_PAIRS_MAX
#define UPLINK_RX_BUFFERS     512 /* of a pair, where nobody says another number */
#define UPLINK_RX_BUFFERS_MIN 64
#define UPLINK_RX_BUFFERS_MAX 4096
#define UPLINK_TX_ENTRIES     1024
#define UPLINK_BUFFER_BYTES   8192 /* four are what RSC merges at most: 32 KiB */
#define UPLINK_BOUNCE_FRAMES  128
#define UPLINK_DRY_POLLS      2 /* looks in vain before the interrupt is armed */
#define UPLINK_BATCH_SEGMENTS (NIC_BATCH * NIC_TX_SEGMENTS_MAX)

struct uplink;
struct uplink_pair;

/* A receive buffer; its cookie is its number. The first one of a packet has its frame, the others
 * hang on it. */
struct uplink_buffer {
	struct frame frame;
	struct uplink_buffer *next; /* of the same packet */
	struct uplink_buffer *list; /* of those that are free, or came back */
	uint8_t *data;
	uint16_t head;	     /* lent: the lender's name for it */
	bool lent, in_frame; /* in_frame: lent, and a segment of the packet's frame */
} __cacheline_aligned;

/* What a guest lends to this pair: lend.h, uplink_lent.c. Then the pair's NIC queue splits headers,
 * and both kinds of buffers have LEND_BUFFER_BYTES. The phase is the NIC queue's: core 0's
 * housekeeping stops it when the guest wants its buffers back, the work empties it. */
enum uplink_lent_phase {
	UPLINK_LENT_RUNNING,
	UPLINK_LENT_STOPPED, /* buffers are to be taken back */
	UPLINK_LENT_EMPTIED, /* may start again */
	UPLINK_LENT_CLEAN,   /* runs, and none of the guest's buffers is posted */
};

struct uplink_lent {
	struct lend *lend; /* NULL: nobody lends */
	uint32_t phase;	   /* enum uplink_lent_phase, atomic */
	uint32_t nr_lent;  /* atomic, the work's: buffers that we have, wherever they are */
	unsigned nr_free;
	struct uplink_buffer *free; /* to be posted */
	struct uplink_buffer *slot; /* that hold none */
	uint8_t (*headers)[NIC_HEADER_BYTES];
	struct frame_lent *frame_lent; /* by buffer, as the headers */
};

/* What was bad never became the port's; all else is in its rx_frames too. */
struct uplink_rx_stats {
	uint64_t packets, polls, posts;
	uint64_t bad_frames, bad_descriptors; /* what the NIC said of them */
	uint64_t zero_copy;		      /* whose payload no one has copied */
};

struct uplink_rx {
	struct work work;
	struct nic_rxq *queue;
	struct uplink_buffer *buffer; /* nr_slots */
	uint8_t *data;		      /* data_bytes: buffer_bytes for each that is our own */
	struct uplink_buffer *free;   /* to be posted; the work's */
	uint64_t data_bytes;
	uint32_t buffer_bytes;
	unsigned nr_slots;
	unsigned nr_buffers; /* of our own; behind them, slots for lent ones */
	unsigned nr_free, nr_posted, dry_polls;
	uint64_t last_us; /* when packets came last */
	struct uplink_lent lent;
	struct uplink_rx_stats stats;
	struct uplink_buffer *done __cacheline_aligned; /* came back, lock-free LIFO, atomic */
	struct nic_rx_batch batch __cacheline_aligned;
};

/* A packet from the moment it is made until its memory is ours again. Its number, the slot's in a
 * ring, is the cookie. */
struct uplink_slot {
	struct frame *frame; /* goes back with this packet; NULL: with another one */
	uint8_t tag[ETH_VLAN_BYTES];
	uint16_t frames; /* that the NIC makes of it */
	bool bounced; /* it has a bounce buffer; the oldest slot that has one has the oldest one */
	bool done;
};

struct uplink_tx_stats {
	uint64_t zero_copy, bounced; /* packets that came back from the NIC, sent or not */
	uint64_t lost_in_reset;	     /* of those: not sent */
	uint64_t wire_frames;	     /* of the others, as the NIC counts them */
	uint64_t refused; /* packets that were made and the NIC did not take: no link, or never */
};

/* Slots: made [tail, head), given to the NIC [tail, head - packets in the batch). */
struct uplink_tx {
	struct work work;
	struct nic_txq *queue;
	struct uplink_slot *slot;		 /* UPLINK_TX_ENTRIES */
	uint8_t (*headers)[SEGMENT_HEADERS_MAX]; /* a slot's, of what the NIC cuts */
	uint32_t head, tail; /* next to make, oldest one that is not back; free running */
	uint8_t *bounce;     /* UPLINK_BOUNCE_FRAMES times bounce_bytes; a ring like the slots */
	uint32_t bounce_head, bounce_tail;
	unsigned dry_polls;
	bool cutting;		 /* the ring's first frame, in the middle of it */
	struct segmenter cutter; /* of that */
	struct uplink_tx_stats stats;
	struct waiters waiters;
	/* Packets made and not yet given to the NIC: [first_packet, nr_packets). A batch is filled
	 * only when the last one is gone. */
	unsigned first_packet, nr_packets, nr_segments;
	struct nic_tx_packet packet[NIC_BATCH];
	struct nic_segment segment[UPLINK_BATCH_SEGMENTS];
	struct frame_ring ring;
};

struct uplink_pair {
	struct uplink *up;
	unsigned index;		       /* in up->pair[] */
	const struct sched_hint *hint; /* of the vCPU that it is for; NULL: core `home` */
	struct steer_queue steer;
	struct uplink_rx rx;
	struct uplink_tx tx;
};

struct uplink_setup {
	const char *name;
	unsigned nr_pools; /* of the NIC that are used */
	/* Queue pairs of each pool that are used, up to the NIC's queues_per_pool; 0: one. Pool 0
	 * has one. Others have no buffers, so nothing may come by them. */
	uint8_t pool_pairs[UPLINK_POOLS_MAX];
	unsigned home;
	uint32_t bounce_bytes; /* at least the NIC's MTU, Ethernet header and tag */
	struct worker *(*worker_of)(unsigned core);
	uint64_t (*now_us)(void);
	unsigned rx_buffers;		    /* of a pair; the NIC's ring may take fewer */
	void *(*pages)(uint64_t len_bytes); /* zeroed, contiguous, in the direct map; NULL: none */
	void *(*buffers)(uint64_t len_bytes); /* likewise, for packets' bytes and their frames */
	const struct steer *steer;	      /* NULL: none, pairs follow the hint */
	/* With steer: the pair's DMA and interrupt go to this core from now on. Any core. */
	void (*aim)(struct uplink *up, unsigned pair, unsigned core);
};

/* pair[first] to pair[first + nr - 1]. */
struct uplink_pool {
	uint8_t first, nr;
};

struct uplink {
	struct port port;
	struct nic *nic;
	struct uplink_setup setup;
	bool link_up; /* atomic */
	uint8_t pool_of_port[SWITCH_PORTS_MAX];
	struct uplink_pool pool[UPLINK_POOLS_MAX];
	unsigned nr_pairs;
	struct uplink_pair *pair[UPLINK_PAIRS_MAX];
	struct uplink_pair *pair_of_queue[UPLINK_PAIRS_MAX]; /* NULL: it is not used */
};

/* Takes memory for up, which is zeroed. nic: attached with at least these pools and queues, not
 * started. The caller then adds up->port to a switch. -ENOMEM, -EINVAL. */
int uplink_init(struct uplink *up, struct nic *nic, const struct uplink_setup *setup) __must_check;

/* Pool 1.. is for the frames of, and to, the guest behind this port of the switch; its pair n
 * follows hint[n], and sends what the guest sends by its own pair n. Before frames come; a pool
 * that is not there is pool 0. number: of the guest's device (virtio_net_setup). */
void uplink_assign_pool(struct uplink *up, unsigned pool, const struct port *guest,
	const struct sched_hint *const hint[], unsigned number);

/* What comes for the guest of that pool is to be received into buffers that its receive queue
 * lends: lend.h. Before the NIC is started. -ENOTSUP: the NIC cannot, it is pool 0, or one with
 * several pairs; -ENOMEM. */
int uplink_borrow(struct uplink *up, unsigned pool, struct lend *l) __must_check;

/* Core 0, every 10 ms or so: takes lent buffers away from the NIC for guests that want them back.
 */
void uplink_housekeeping(struct uplink *up);

/* Posts receive buffers; after nic->ops->start(). */
void uplink_start(struct uplink *up);

/* For struct nic_client. */
void uplink_link_changed(void *up, struct nic *nic, struct nic_link link);
void uplink_state_changed(void *up, struct nic *nic, enum nic_state state);
void uplink_wake(void *up, struct nic *nic, unsigned vector);

/* For the uplink's own files. */
int uplink_rx_init(struct uplink_pair *pair) __must_check;
int uplink_tx_init(struct uplink_pair *pair) __must_check;
/* The memory for the pair's buffers, as free ones of that size. */
void uplink_rx_cut(struct uplink_rx *rx, uint32_t buffer_bytes);
/* b and what hangs on it. */
void uplink_rx_free(struct uplink_rx *rx, struct uplink_buffer *b);
void uplink_schedule(struct uplink_pair *pair, struct work *w);
/* At the start of a run of one of the pair's works. False: it belongs to another core, which is in
 * w->move_to. */
bool uplink_is_home(struct uplink_pair *pair, struct work *w);
extern const struct port_ops uplink_port_ops;

/* One writer, read by anyone. */
static inline void uplink_count(uint64_t *counter, uint64_t n)
{
	store_relaxed(counter, *counter + n);
}

#endif
