/* The parts of a run and how they know each other; for the simulation's own files. */
#ifndef SLUICE_SIM_MODEL_H
#define SLUICE_SIM_MODEL_H

#include "engine.h"
#include "net/copy.h"
#include "net/copy_estimate.h"
#include "net/frame_ring.h"
#include "net/switch.h"
#include "rng.h"
#include "sim.h"

#define NIC_ENTRIES	  512u /* as hv/net/uplink.h has it */
#define NIC_BUFFERS	  (NIC_ENTRIES + FRAME_RING_ENTRIES)
#define NIC_MODERATION_US 40 /* as hv/vm/uplink.c has it */
#define NIC_DRY_POLLS	  2
#define BUFFER_BYTES	  2048u
#define RX_BUFFERS	  256u /* a virtqueue's */
#define RSS_QUEUES	  4u   /* of a guest, with STEER_RSS */
#define ACK_BYTES	  66u
#define SWITCH_GUESTS_MAX 31u
#define ENGINE_CHANNELS	  8u /* of a socket: the first so many cores have one */

struct guest;
struct nic_queue;

/* ---- wire.c: the peers and the cables ---- */

struct flow {
	struct guest *guest;
	unsigned number; /* of its guest */
	unsigned in_flight;
	unsigned owed; /* frames that the guest has not acknowledged yet */
};

struct packet {
	struct packet *next, *all;
	struct flow *flow;
	uint32_t len_bytes;
	uint64_t arrival; /* of its last bit */
};

/* ---- nic.c: a NIC's queues, and the work that takes frames into the switch ---- */

struct nic_frame {
	struct frame frame;
	struct nic_frame *next; /* free, posted, or arrived */
	struct nic_queue *queue;
	struct packet packet;
	uint64_t data, meta; /* simulated addresses: the buffer; this structure in the hypervisor */
};

struct nic_queue {
	struct engine_irq irq;
	struct work work;
	struct steer_queue steer;
	struct guest *guest;
	struct nic_frame *frame, *free; /* all; those that are nowhere */
	struct nic_frame *posted, **posted_tail, *arrived, **arrived_tail;
	unsigned nr_posted, nr_arrived, nr_taken, descriptor;
	unsigned nr_in_flight; /* taken by the work, and not given back yet */
	unsigned nr_in_switch; /* of those, known to the switch */
	unsigned dry_polls;
	uint64_t moved_us;
	uint64_t descriptors; /* simulated address */
	bool armed, irq_coming;
	uint64_t last_irq;
};

/* A port of a NIC with its cable, and the switch that it is the uplink of. */
struct nic {
	struct port port;
	struct net_switch *sw;
	unsigned socket;
	uint64_t wire_free; /* when the line is free again */
};

/* ---- channel.c: a core's I/OAT channel ---- */

struct channel_op {
	uint64_t src, dst;
	uint32_t len_bytes;
	unsigned core; /* whose cache, MEMORY_NO_CORE: none */
	uint64_t done_at, submitted;
	struct guest *guest;
	unsigned slot; /* of the guest's receive queue */
};

#define CHANNEL_OPS 256u

struct channel {
	bool there;
	unsigned core;
	struct engine_irq irq;
	struct work work; /* takes what is done */
	struct copy_estimate estimate;
	uint64_t busy_until, backlog_bytes;
	struct channel_op op[CHANNEL_OPS];
	uint32_t tail, done, issued, head; /* taken, moved, with a doorbell, prepared */
	bool scheduled, irq_wanted;
	uint32_t last_tail;
};

/* ---- guest.c: a guest's NIC and its vCPU ---- */

/* A buffer of the receive virtqueue. */
struct rx_slot {
	struct nic_frame *frame; /* being copied */
	struct packet packet;
	unsigned target; /* the core whose cache it was meant for */
	bool filled;
};

struct guest {
	struct sched_entity entity;
	struct port port;
	unsigned index, number; /* of all guests; of its queue */
	struct nic *nic;
	struct flow *flow;
	struct nic_queue *queue; /* nr_queues of them */
	unsigned nr_queues;
	/* Receive. slot[n % RX_BUFFERS]: consumed <= used <= taken, taken - consumed <= RX_BUFFERS
	 */
	struct frame_ring ring;
	struct work rx_work;
	uint32_t consumed, used, taken;
	struct rx_slot slot[RX_BUFFERS];
	uint64_t buffers, vring, sockbuf, skbs; /* simulated addresses */
	uint64_t sock_at;
	/* Transmit: acknowledgements. */
	struct work tx_work;
	uint32_t acks_queued, acks_sent;
	struct {
		struct flow *flow;
		unsigned nr;
	} ack[RX_BUFFERS];
	struct frame ack_frame;
	bool held; /* frames wait for the vCPU */
	uint64_t held_since_us;
	bool polling;	  /* its driver looks by itself: no interrupt */
	bool interrupted; /* the guest's handler has yet to run */
	bool starved;	  /* frames wait for buffers */
	uint64_t nr_consumed;
};

/* ---- hog.c: a vCPU that computes ---- */

struct hog {
	struct sched_entity entity;
	unsigned index;
	uint64_t memory, at;
	uint64_t lines;
};

/* ---- The run ---- */

struct sim {
	const struct sim_config *c;
	const struct machine *m;
	struct memory *mem;
	struct steer steer;
	struct rng rng;
	struct nic *nic;
	struct guest *guest;
	struct hog *hog;
	struct channel *channel;    /* of each core */
	struct sched_entity **last; /* what each core ran last: its registers are still there */
	uint64_t bridge_lines;	    /* simulated address, a page for each core */
	struct sim_frames f;
	struct memory_count packet_work, guests, hogs, packets;
	uint64_t on_wire;
	struct histogram *latency_ns; /* NULL: not yet */
};

extern struct sim *sim;

static inline uint64_t now_us(void)
{
	return engine_now() * 1000 / sim->m->khz;
}

static inline unsigned socket_of(unsigned core)
{
	return core / sim->m->cores_per_socket;
}

/* Packet work on the calling core computes and touches memory. */
void spend(uint64_t cycles);
void touch(uint64_t addr, uint32_t len_bytes, bool write);
/* The same, of bytes of a packet. */
void touch_packet(uint64_t addr, uint32_t len_bytes, bool write);
/* Adds what was counted of a packet's bytes to both. */
uint64_t access_packet(uint64_t addr, uint32_t len_bytes, bool write, struct memory_count *who);

void wire_start(void);
void wire_end(void);
/* The guest's acknowledgement of nr frames is on its way. */
void wire_acknowledge(struct flow *flow, unsigned nr);
/* A frame was lost: the sender will notice. */
void wire_lost(struct flow *flow);

int nic_init(struct nic *nic, unsigned index);
void nic_add_queues(struct guest *g);
void nic_arrive(struct nic *nic, const struct packet *p);

void channel_init(struct channel *ch, unsigned core);
/* Whether it should do a copy of so many bytes. */
bool channel_wants(struct channel *ch, uint32_t len_bytes);
/* False: its ring is full. */
bool channel_submit(struct channel *ch, const struct channel_op *op);
void channel_flush(struct channel *ch);

int guest_init(struct guest *g, unsigned index);
/* A copy into that slot has ended. */
void guest_filled(struct guest *g, unsigned slot);
extern const struct port_ops guest_port_ops; /* guest_rx.c */
void guest_rx_init(struct guest *g);
void guest_rx_housekeeping(struct guest *g);
/* The guest has posted buffers again. */
void guest_rx_refill(struct guest *g);

/* Adds all up; r is zeroed. */
void result_sum(struct sim_result *r);
void result_subtract(struct sim_result *r, const struct sim_result *start);

void hog_init(struct hog *h, unsigned index);

/* For entities: begins to run on the calling core; takes interrupts; whether to give it back. */
void entity_begin(struct sched_entity *e);
bool entity_must_yield(void);
bool entity_resident(const struct sched_entity *e);

#endif
