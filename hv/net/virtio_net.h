/* A guest's virtio-net device: a port of the switch. Virtio 1.2, section 5.1.
 *
 * Each queue has a work item, which runs on the core where the scheduler's hint says the guest's
 * vCPU is. A kick only schedules; nothing is processed in the guest's exit.
 *
 *   transmit (virtio_net_tx.c): chains are popped, headers copied once, and frames that refer to
 * the guest's buffers go to switch_forward(). When the last destination has copied, the frame comes
 *     back by a lock-free list, and the transmit work publishes the buffer as used.
 *   receive (virtio_net_rx.c): deliver() queues the reference in a bounded lock-free ring; the
 *     receive work copies into the guest's buffers, or has the core's I/OAT channels do it
 *     (virtio_net_rx_copy.c). No buffers: frames wait, then the ring is full and senders wait
 *     (-EAGAIN, wait_room()); a guest that gives no buffer for VIRTIO_NET_PATIENCE_US has its
 *     frames dropped until it does. From the wire, payload may be in the guest's buffers already
 *     (lend.h, virtio_net_rx_lend.c).
 *
 * Reset: each queue that was running goes to STOPPING and its work, on whichever core, takes it to
 * OFF: a transmit queue when its last frame is back, a receive queue when no copy into the guest's
 * memory is under way and no buffer is lent any more. Only the queue's work touches ring memory. */
#ifndef SLUICE_NET_VIRTIO_NET_H
#define SLUICE_NET_VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "net/copy.h"
#include "net/flow.h"
#include "net/frame.h"
#include "net/frame_ring.h"
#include "net/lend.h"
#include "net/port.h"
#include "net/segment.h"
#include "net/steer.h"
#include "net/steer_track.h"
#include "net/virtio.h"
#include "net/virtqueue.h"
#include "net/waiters.h"
#include "net/work.h"
#include "sched/hint.h"

#define VIRTIO_NET_QUEUE_SIZE  256
#define VIRTIO_NET_PAIRS_MAX   8
#define VIRTIO_NET_PATIENCE_US 200000

/* 5.1.3 Feature bits */
#define VIRTIO_NET_F_CSUM	   BIT64(0)
#define VIRTIO_NET_F_GUEST_CSUM	   BIT64(1)
#define VIRTIO_NET_F_MTU	   BIT64(3)
#define VIRTIO_NET_F_MAC	   BIT64(5)
#define VIRTIO_NET_F_GUEST_TSO4	   BIT64(7)
#define VIRTIO_NET_F_GUEST_TSO6	   BIT64(8)
#define VIRTIO_NET_F_GUEST_ECN	   BIT64(9)
#define VIRTIO_NET_F_HOST_TSO4	   BIT64(11)
#define VIRTIO_NET_F_HOST_TSO6	   BIT64(12)
#define VIRTIO_NET_F_HOST_ECN	   BIT64(13)
#define VIRTIO_NET_F_MRG_RXBUF	   BIT64(15)
#define VIRTIO_NET_F_STATUS	   BIT64(16)
#define VIRTIO_NET_F_CTRL_VQ	   BIT64(17)
#define VIRTIO_NET_F_CTRL_RX	   BIT64(18)
#define VIRTIO_NET_F_CTRL_VLAN	   BIT64(19)
#define VIRTIO_NET_F_MQ		   BIT64(22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR BIT64(23)

/* 5.1.6 Device operation: in front of every frame, in both directions */
struct virtio_net_hdr {
	uint8_t flags;	  /* VNET_HDR_F_ */
	uint8_t gso_type; /* VNET_HDR_GSO_ */
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};

/* 5.1.4 Device configuration layout */
struct virtio_net_config {
	uint8_t mac[ETH_ALEN];
	uint16_t status;
	uint16_t max_virtqueue_pairs;
	uint16_t mtu;
};

_Static_assert(sizeof(struct virtio_net_hdr) == 12, "virtio 1.2, 5.1.6");
_Static_assert(sizeof(struct virtio_net_config) == 12, "virtio 1.2, 5.1.4");

#define VIRTIO_NET_S_LINK_UP 1

enum virtio_net_queue_state {
	QUEUE_OFF,
	QUEUE_READY, /* enabled, waits for DRIVER_OK */
	QUEUE_ON,
	QUEUE_STOPPING,
};

/* One writer each: the queue's work; kicks: any core. */
struct virtio_net_stats {
	uint64_t kicks;	     /* notifications from the driver */
	uint64_t interrupts; /* notifications to it */
	uint64_t runs;	     /* of the work item */
	uint64_t batches;    /* runs that moved something */
	uint64_t frames;
	/* Of payload, by whichever engine; copy.h counts those apart. */
	uint64_t copies, copy_bytes;
};

struct virtio_net;

/* What every queue has. */
struct virtio_net_queue {
	struct work work;
	struct virtio_net *dev;
	unsigned index;	     /* the driver's number for it */
	unsigned fixed_core; /* where its work belongs, if it does not follow the vCPU; atomic */
	uint32_t state;	     /* enum virtio_net_queue_state, atomic */
	struct virtqueue vq;
	struct virtio_net_stats stats;
};

struct tx_frame {
	struct frame frame;
	struct tx_frame *next; /* in the free list or the list of those that came back */
	uint16_t head;	       /* its chain */
};

#define TX_POLL_FRAMES 2 /* in one run: the guest sends by batches */
/* Looks in vain before the driver is asked for a notification again: the queue is looked at while
 * other guests have the core, too. */
#define TX_DRY_POLLS 3
#define TX_CHAIN_SEGMENTS                                                                          \
	(FRAME_SEGMENTS_MAX + 2) /* the header may have one of its own, or two                     \
				  */

struct tx_queue {
	struct virtio_net_queue q;
	struct tx_frame *free;
	struct tx_frame *stalled; /* its destination was full: goes first next time */
	unsigned dry_polls;	  /* looks at an empty ring in a row */
	unsigned in_flight;	  /* popped and not yet back, stalled included */
	struct virtqueue_segment segment[TX_CHAIN_SEGMENTS];
	struct tx_frame *done __cacheline_aligned; /* came back, lock-free LIFO, atomic */
	struct tx_frame frame[VIRTIO_NET_QUEUE_SIZE];
};

#define RX_SEGMENTS_MAX VIRTIO_NET_QUEUE_SIZE
#define RX_MERGE_MAX	64 /* buffers for one frame: 65574 bytes in 1025-byte ones */
/* Of a frame in lent buffers: those for its headers, as many as the driver cuts them into, too. */
#define RX_FRAME_BUFFERS_MAX (RX_MERGE_MAX + FRAME_SEGMENTS_MAX)

struct rx_buffer {
	uint32_t room_bytes;
	uint16_t head;
};

/* A buffer that is being filled by a copy. */
#define RX_PENDING_MAX ((uint32_t)VIRTIO_NET_QUEUE_SIZE)

struct rx_pending {
	struct frame *frame; /* goes back with this buffer, NULL: none */
	uint32_t used_bytes;
	uint16_t head;
	bool last;			  /* of its copy */
	struct steer_placement placement; /* of the frame */
};

struct rx_queue {
	struct virtio_net_queue q;
	struct segmenter cutter; /* of the ring's first frame, if cutting */
	bool cutting;
	bool async; /* this run's copies end later, or may */
	/* The core's copy context, NULL: none; what this run has to tell it. */
	struct copy_ctx *ctx;
	uint64_t counted_copies, counted_bytes;
	/* Steering: virtio_net_rx_steer.c. This run's decision; whether frames wait for the vCPU to
	 * be scheduled in (atomic), and since when. */
	unsigned this_core, dest_core;
	bool held;
	uint64_t held_since_us;
	const struct frame *lent_frame; /* the one at hand, if the NIC has written it; else NULL */
	uint32_t owed_until;		/* frames of the ring up to here have waited long enough */
	struct steer_track track;
	/* The buffers for the frame at hand. */
	unsigned nr_buffers, nr_segments;
	struct rx_buffer buffer[RX_FRAME_BUFFERS_MAX];
	struct virtqueue_segment segment[RX_SEGMENTS_MAX];
	/* No buffers for the ring's first frame; housekeeping sets drop_waiting. Atomic. */
	bool starved, drop_waiting;
	uint64_t progress; /* counts deliveries, so that housekeeping sees any */
	/* Housekeeping's. */
	uint64_t starved_since_us, starved_progress;
	struct lend lend; /* to the uplink's queue pair that is for this guest */
	struct copy_queue copies;
	uint32_t pending_head, pending_tail; /* free running */
	struct rx_pending pending[RX_PENDING_MAX];
	struct waiters waiters; /* senders that wait for room */
	struct frame_ring ring;
};

struct virtio_net_pair {
	struct rx_queue rx;
	struct tx_queue tx;
};

#define CTRL_SEGMENTS_MAX 64

struct ctrl_queue {
	struct virtio_net_queue q;
	struct virtqueue_segment segment[CTRL_SEGMENTS_MAX];
};

#define VIRTIO_NET_MULTICAST_MAX 64

/* What the driver wants to receive, for a NIC's filters; what the switch delivers does not depend
 * on it. One writer at a time, the vCPU's exit or the control queue's work. */
struct virtio_net_filter {
	uint32_t seq; /* atomic; odd: being written */
	/* addresses as numbers, in memory order; atomic */
	uint64_t mac;
	uint64_t multicast[VIRTIO_NET_MULTICAST_MAX];
	uint32_t nr_multicast;
	uint32_t all_multicast; /* it wants all, or more than the list holds, or cannot say */
};

/* The same, for whoever reads. */
struct virtio_net_wanted {
	uint8_t mac[ETH_ALEN];
	bool all_multicast;
	unsigned nr_multicast;
	uint8_t multicast[VIRTIO_NET_MULTICAST_MAX][ETH_ALEN];
};

struct virtio_net_setup {
	const char *name; /* guest.nic */
	const struct guest_mem *gm;
	uint8_t mac[ETH_ALEN];
	bool mac_fixed; /* spoof check is on: the driver may not choose another address */
	uint16_t mtu;
	uint64_t features_off;
	unsigned nr_pairs;
	struct sched_hint *hint; /* of the vCPU that the device's work follows */
	struct worker *(*worker_of)(unsigned core);
	uint64_t (*now_us)(void);
	/* Steering. NULL: the work follows the hint, and nothing is counted; the rest is not used.
	 */
	struct steer *steer;
	unsigned number;   /* of the device, counted over all of the machine */
	uint32_t *pending; /* packets were published for the vCPU: steer_track.h */
	unsigned (*this_core)(void);
	uint64_t (*place)(struct sched_hint *h, unsigned near_core); /* sched_place() */
	void (*wake)(struct sched_hint *h);			     /* sched_wake_io() */
	/* Has virtio_net_release() called for all devices that follow this vCPU. */
	void (*release)(struct sched_hint *h);
};

struct virtio_net {
	struct port port;
	struct virtio_device virtio;
	struct virtio_net_config config;
	struct virtio_net_setup setup;
	uint64_t features; /* negotiated */
	uint32_t broken;   /* needs_reset was called; atomic */
	unsigned active_pairs;
	struct flow_table flows; /* of use with several of them */
	/* As the driver wishes; the switch decides. The multicast list may be cut: then overflow.
	 */
	bool promiscuous, all_multicast, multicast_overflow;
	unsigned nr_multicast;
	uint8_t multicast[VIRTIO_NET_MULTICAST_MAX][ETH_ALEN];
	struct virtio_net_filter filter;
	struct ctrl_queue ctrl;
	struct virtio_net_pair pair[];
};

/* Bytes of memory (page_alloc) for a device. */
uint64_t virtio_net_len_bytes(unsigned nr_pairs);

/* Makes a device in zeroed memory of that length, 64-byte aligned. The caller adds &d->port to a
 * switch and gives &d->virtio to a transport. */
struct virtio_net *virtio_net_init(void *memory, const struct virtio_net_setup *setup);

/* What its receive queue lends, if it has one pair of queues; for uplink_borrow(). */
static inline struct lend *virtio_net_lend(struct virtio_net *d)
{
	return &d->pair[0].rx.lend;
}

/* What the driver wants now. Any core. False: it is changing it, ask again later. *seq: a number
 * that differs after each change. */
bool virtio_net_wants(const struct virtio_net *d, struct virtio_net_wanted *w, uint32_t *seq);

/* The link as the driver sees it (VIRTIO_NET_S_LINK_UP); a change interrupts it. One core at a
 * time. What is sent or received does not depend on it. */
void virtio_net_set_link(struct virtio_net *d, bool up);

/* Every 10 ms or so, on one core at a time, also for guests that are paused or off. */
void virtio_net_housekeeping(struct virtio_net *d, uint64_t now_us);

/* What was held until the vCPU is scheduled in goes on, at this worker. Any core. */
void virtio_net_release(struct virtio_net *d, struct worker *worker);
/* The vCPU takes what was published for it; as steer_track_consume(). */
void virtio_net_consume(struct virtio_net *d, unsigned core, uint64_t now_us, bool at_once);
/* Adds to *sum. */
void virtio_net_steer_sum(const struct virtio_net *d, struct steer_stats *sum);

/* The newest placements that were taken, oldest first. Any core. */
void virtio_net_for_each_placement(
	const struct virtio_net *d, void (*fn)(void *arg, const struct steer_trace *t), void *arg);

/* Sums over the device's queues. */
void virtio_net_sum(const struct virtio_net *d, struct virtio_net_stats *sum);

/* For the device's own files. */
void virtio_net_filter_publish(struct virtio_net *d); /* its wishes have changed */
void virtio_net_tx_init(struct tx_queue *tx, struct virtio_net *d, unsigned index);
void virtio_net_rx_init(struct rx_queue *rx, struct virtio_net *d, unsigned index);
void virtio_net_rx_housekeeping(struct rx_queue *rx, uint64_t now_us);
extern const struct port_ops virtio_net_port_ops;

static inline enum virtio_net_queue_state queue_state(const struct virtio_net_queue *q)
{
	return (enum virtio_net_queue_state)load_acquire(&q->state);
}

/* Where the queue's work belongs. */
static inline unsigned queue_core(const struct virtio_net_queue *q)
{
	const struct virtio_net_setup *s = &q->dev->setup;
	uint64_t word = hint_read(s->hint);

	return s->steer ? steer_core_of(s->steer, word, load_relaxed(&q->fixed_core))
			: hint_core(word);
}

static inline void queue_schedule(struct virtio_net_queue *q)
{
	if (!work_again(&q->work))
		work_schedule(q->dev->setup.worker_of(queue_core(q)), &q->work);
}

static inline void queue_init(struct virtio_net_queue *q, struct virtio_net *d, unsigned index,
	enum work_result (*run)(struct work *w, unsigned budget))
{
	const struct virtio_net_setup *s = &d->setup;

	q->dev = d;
	q->index = index;
	work_init(&q->work, run);
	q->work.who = s->hint;
	if (s->steer)
		q->fixed_core = steer_fixed_core(s->steer, s->number, s->number);
}

static inline void stat_add(uint64_t *counter, uint64_t n)
{
	store_relaxed(counter, *counter + n);
}

/* Shows the driver what the work has done, and interrupts it if it wants that. */
void queue_publish(struct virtio_net_queue *q);

/* The ring makes no sense: asks for a reset, once. */
void queue_broken(struct virtio_net_queue *q);

#endif
