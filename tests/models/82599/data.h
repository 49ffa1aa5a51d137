/* State of a port's data plane, and what its files call of each other.
 *
 * Receive: rx.c (MAC, filters, checksums) -> rx_select.c (queue) -> rx_fifo.c (packet buffer) ->
 * rx_ring.c (descriptors, or rsc.c). Transmit: tx.c (arbitration, MAC) -> tx_packet.c (descriptors
 * to frames, tx_offload.c) -> tx_switch.c (between pools) -> wire. DS 7.1, 7.2. */
#ifndef SLUICE_MODELS_M82599_DATA_H
#define SLUICE_MODELS_M82599_DATA_H

#include "data_regs.h"
#include "parse.h"
#include "port.h"

#define DESCRIPTOR_BYTES   16
#define RX_CACHE	   32  /* descriptors on the chip, fetched together: a power of two */
#define TX_CACHE	   64  /* also a power of two */
#define TX_DESCRIPTORS_MAX 40  /* of one packet, contexts apart: what the chip can hold */
#define TX_HEADER_MAX	   512 /* DS 7.2.3.2.3: header lengths of TSO together */
#define RSC_CONTEXTS	   32  /* DS 7.11 */
#define RSC_HEADER_MAX	   (18 + 20 + 32)
#define QUEUE_ENABLE_PS	   (10 * CLOCK_PS_PER_US)
#define FDIR_INIT_PS	   (60 * CLOCK_PS_PER_US)
#define DMA_INIT_PS	   (10 * CLOCK_PS_PER_US)
#define PAUSE_QUANTUM_PS   UINT64_C(51200) /* 512 bit times at 10 Gbit/s */

/* A queue's ring as far as receive and transmit have it in common. */
struct ring {
	uint64_t base;
	uint32_t entries;
	uint32_t head, tail; /* tail as written: may be beyond the ring */
	bool enabled;	     /* works */
	bool wanted;	     /* what xXDCTL.ENABLE was set to */
	uint64_t change_at;  /* when it takes effect, if they differ */
	uint64_t stalled_until;
	uint32_t cache_at, cache_nr; /* the head's slot in the cache; descriptors from there on */
};

/* ---- Receive ---- */

/* Everything about a frame that its descriptors say, and where it has got to. */
struct rx_packet {
	uint32_t len_bytes;    /* as stored: with the FCS if it is not stripped */
	uint32_t wire_bytes;   /* without FCS, for statistics */
	uint32_t done;	       /* bytes written to the queue that is first in `queues` */
	uint32_t descriptors;  /* written for it so far */
	uint32_t split_errors; /* header buffer overflow there */
	uint32_t hash;	       /* RSS hash, or checksum and IP identification, or filter */
	uint32_t status;       /* extended status and errors of the last descriptor, DD apart */
	uint16_t type;	       /* RSS type 3:0, packet type 15:4 */
	uint16_t fragment_sum; /* legacy descriptors */
	uint16_t vlan_tci, vlan_at;
	bool vlan;	    /* has a tag, which may be stripped */
	bool low_latency;   /* interrupt at once */
	bool rsc_candidate; /* as far as its own headers say */
	uint8_t tc;
	struct parse parse;
	uint64_t queues[2]; /* still to be written to: a bit per queue */
};

struct rx_queue {
	struct ring ring;
	bool drop_enable; /* PFQDE */
	uint8_t cache[RX_CACHE * DESCRIPTOR_BYTES];
};

/* Frames that wait for descriptors: a ring of bytes, entries contiguous. */
struct rx_fifo {
	uint8_t *bytes;
	uint32_t capacity, head, tail; /* tail: where the next one goes */
	uint32_t frames;
	uint32_t used; /* of the packet buffer, as the chip counts */
	bool xoff_sent;
};

struct rsc_flow {
	bool used;
	uint8_t queue;
	uint16_t segments;	       /* coalesced in all */
	uint16_t in_descriptor;	       /* of them with data in the current descriptor */
	uint16_t descriptors;	       /* that it has taken */
	uint32_t index;		       /* the current one */
	uint64_t first_buffer, buffer; /* first: where the header is to be rewritten */
	uint32_t buffer_bytes, offset; /* in the current buffer */
	uint32_t next_seq;
	uint64_t close_at;
	struct rx_packet packet;	/* the first one; its status is that of all */
	bool strip, split;		/* split: the header is in the header buffer */
	uint8_t header[RSC_HEADER_MAX]; /* of the first one, as it will be rewritten */
	uint16_t l3, header_bytes;	/* in `header`: where IP begins; its length */
};

/* ---- Transmit ---- */

struct tx_context {
	uint32_t vlan_macip, type, mss_l4;
};

/* A descriptor with RS that is not written back yet. */
struct tx_done {
	uint32_t index;
	bool legacy;
	uint32_t dw2, dw3; /* of a legacy one */
};

struct tx_queue {
	struct ring ring;
	bool stopped; /* a malformed packet, or one that could not be read: until it is disabled */
	struct tx_context context[2];
	uint8_t cache[TX_CACHE * DESCRIPTOR_BYTES];
	struct tx_done done[TX_CACHE];
	unsigned nr_done;
};

/* The packet that the DMA engine works on. Its buffers are copies of its descriptors. */
struct tx_packet {
	bool active;
	uint8_t queue;
	struct {
		uint64_t addr;
		uint32_t len_bytes;
	} buffer[TX_DESCRIPTORS_MAX];
	unsigned nr_buffers, buffer_at;
	uint32_t offset;      /* in that buffer */
	uint32_t total_bytes; /* of all buffers */
	uint32_t descriptors; /* with its contexts */
	uint64_t report;      /* bit per descriptor: RS */
	bool legacy, ifcs, tso, ixsm, txsm, insert_checksum, vlan, timestamp;
	uint8_t cso, css; /* legacy checksum */
	uint16_t vlan_tci;
	struct tx_context context;
	/* segmentation */
	uint8_t header[TX_HEADER_MAX];
	uint32_t header_bytes, payload_bytes, payload_done, segment;
};

struct tx_frame {
	uint32_t len_bytes; /* without FCS */
	uint16_t queue;
	bool fcs_ok, timestamp;
};

struct tx_fifo {
	uint8_t *bytes;
	uint32_t head, tail;
	uint32_t frames, used;
};

/* A descriptor write-back that comes late: fault injection. */
struct late_write {
	uint64_t at_ps, addr;
	uint8_t data[DESCRIPTOR_BYTES];
	uint8_t len_bytes, queue;
	bool tx, interrupt, low_latency;
	struct dma_hint hint;
};

struct fdir;

struct data {
	struct rx_queue rx[M82599_QUEUES];
	struct rx_fifo fifo[RX_PACKET_BUFFERS];
	uint64_t dma_ready_at; /* RDRXCTL.DMAIDONE */
	struct rsc_flow rsc[RSC_CONTEXTS];
	unsigned nr_rsc; /* in use */
	struct clock_event rsc_timer;
	uint32_t toeplitz[36][256];
	bool toeplitz_ready;
	uint64_t tuple_filters[2]; /* bit per FTQF that is enabled */
	uint8_t ethertype_filters; /* bit per ETQF */
	struct fdir *fdir;

	struct tx_queue tx[M82599_QUEUES];
	uint64_t tx_active[2]; /* queues that may have work */
	unsigned tx_last;      /* the one that was served last: round robin */
	struct tx_packet packet;
	struct tx_fifo tx_fifo;
	struct clock_event mac;	  /* the last bit of the frame that is being sent */
	bool mac_busy, mac_pause; /* pause: what is sent is a pause frame */
	bool in_tx, in_rx;	  /* guards against recursion */
	unsigned in_dma;
	bool reset_wanted;
	uint64_t mac_free_at, paused_until;
	struct clock_event pause_end;
	/* pause frames to send: -1 none, else the time in quanta */
	int32_t pause_wanted;
	struct clock_event pause_refresh;

	struct clock_event settle; /* queues that change state, stalls that end */
	uint64_t write_back_delay;
	struct late_write *late;
	uint32_t late_head, late_nr, late_capacity;
	struct clock_event late_timer;

	uint64_t systime, systime_at; /* SYSTIM at that time */
	uint64_t nr_malformed;	      /* transmit packets that stopped a queue */
};

/* ---- data.c ---- */
/* All DMA goes through these. What a host does to registers meanwhile (a bus address may be one of
 * the port's own registers) must not lead back into a queue that is being worked on: whoever would
 * run queues asks data_is_busy(), which has it done by an event instead. */
bool data_dma_read(struct port *p, uint64_t addr, void *buf, uint32_t len_bytes);
bool data_dma_write(struct port *p, uint64_t addr, const void *buf, uint32_t len_bytes,
	const struct dma_hint *hint);
bool data_is_busy(struct port *p);
/* To be called for every descriptor write-back; `interrupt`: it raises its queue's cause. */
void data_write_back(struct port *p, bool tx, unsigned queue, uint64_t addr, const uint8_t *bytes,
	uint32_t len_bytes, bool interrupt, bool low_latency);
void data_settle(struct port *p);
/* The event for queue state comes no later than at_ps. */
void data_settle_at(struct port *p, uint64_t at_ps);

/* ---- data_ring.c ---- */
void ring_reset(struct ring *r);
void ring_set_enable(struct port *p, struct ring *r, bool on);
bool ring_enable_bit(struct ring *r, uint64_t now);
/* Descriptors that the host has made available. */
uint32_t ring_available(const struct ring *r);
static inline bool ring_runs(const struct ring *r, uint64_t now)
{
	return r->enabled && now >= r->stalled_until;
}
/* The head moves over descriptors that are done with. */
void ring_advance(struct ring *r, uint32_t n);
/* The descriptor `ahead` behind the head, from the cache, which is filled by one read of as many as
 * there are; NULL: the read failed, or it has no room for so many. cache: of `slots` descriptors.
 * ahead: less than ring_available(), and asked for one after the other. */
const uint8_t *ring_descriptor(
	struct port *p, struct ring *r, uint8_t *cache, uint32_t slots, uint32_t ahead);

/* ---- data_dca.c ---- */
struct dma_hint dca_rx(const struct port *p, unsigned queue, enum dma_kind kind);
struct dma_hint dca_tx(const struct port *p, unsigned queue, enum dma_kind kind);

/* ---- receive ---- */
extern const struct reg_range rx_ranges[], select_ranges[], fdir_ranges[], tx_ranges[],
	tsync_ranges[];
/* From the MAC, or (local) from a pool of this port: pools says which ones it goes to. */
void rx_frame(struct port *p, const uint8_t *data, uint32_t len_bytes, bool fcs_ok);
void rx_local(struct port *p, const uint8_t *data, uint32_t len_bytes, uint64_t pools);
/* Writes what waits, as far as there are descriptors now. */
void rx_kick(struct port *p);
/* Fills in k->queues, type, hash, status. false: to be dropped. */
bool rx_select(struct port *p, const uint8_t *data, uint64_t pools, struct rx_packet *k);
/* A frame that is to be written. */
void rx_fifo_put(struct port *p, const uint8_t *data, struct rx_packet *k);
void rx_fifo_reset(struct port *p);
void rx_fifo_run(struct port *p, unsigned tc);
/* One advanced descriptor. dw0: the bits of the header; errors, nextp: as status bits. */
struct rx_write_back {
	uint32_t index, len_bytes, dw0, errors, nextp;
	bool last, strip;
};
void rx_write_advanced(
	struct port *p, unsigned queue, const struct rx_packet *k, const struct rx_write_back *w);
/* Writes as much as there are descriptors for; true: all of it is done, or dropped. */
bool rx_deliver(struct port *p, const uint8_t *data, struct rx_packet *k);
/* Takes the next receive descriptor; false: there is none. */
bool rx_take_descriptor(
	struct port *p, unsigned queue, uint64_t *buffer, uint64_t *header, uint32_t *index);
uint32_t rx_buffer_bytes(const struct port *p, unsigned queue);
/* Header split: the descriptor's bits that say so many bytes are in the header buffer. */
#define RX_SPLIT_DW0(len) (1u << 31 | (uint32_t)(len) << 21)
/* Where PSRTYPE splits a frame, counted as the host sees it; 0: nowhere. DS 7.1.10 */
uint32_t rx_split_at(const struct port *p, unsigned queue, const struct rx_packet *k, bool strip);
/* Whether the queue's descriptors split headers of that length off. */
bool rx_splits(const struct port *p, unsigned queue, uint32_t header_bytes);
uint64_t rx_descriptor_address(const struct port *p, unsigned queue, uint32_t index);
void rx_payload(struct port *p, unsigned queue, enum dma_kind kind, uint64_t addr,
	const uint8_t *data, uint32_t len_bytes);
void rx_count_delivered(struct port *p, unsigned queue, const struct rx_packet *k);
static inline uint32_t rx_reg(const struct port *p, unsigned queue, uint32_t off)
{
	return reg_get(p, REG_RX_QUEUE(queue) + off);
}

/* ---- rss.c ---- */
/* Hash and RSS type; 0: no function applies. */
unsigned rss_hash(struct port *p, const uint8_t *data, const struct parse *r, uint32_t *hash);

/* ---- fdir.c ---- */
struct fdir_match {
	bool drop, queue_valid, interrupt;
	uint8_t queue;
	uint16_t hash, id;
	bool too_long; /* the chain is longer than FDIRCTRL.Max-Length says */
};
bool fdir_match(struct port *p, const uint8_t *data, uint32_t len_bytes, const struct parse *r,
	unsigned pool, struct fdir_match *m);
void fdir_reset(struct port *p);
/* DS 7.1.2.7: the hash over a masked tuple; fixed: pool, flow type, VLAN; rest: the exclusive or
 * of the other words, in network order; both in fdir_hash.c. */
uint32_t fdir_hash(uint32_t fixed, uint32_t rest, uint32_t key);

/* ---- rsc.c ---- */
/* true: taken. Otherwise the flow that it belongs to has been closed, if there was one. strip: its
 * tag is. */
bool rsc_receive(
	struct port *p, unsigned queue, const uint8_t *data, struct rx_packet *k, bool strip);
void rsc_close_queue(struct port *p, unsigned queue);
/* Flows of queues that do not coalesce any more. */
void rsc_close_disabled(struct port *p);
void rsc_reset(struct port *p);
void rsc_timer(void *ctx);

/* ---- transmit ---- */
/* The queue may have work; tx_run() does it. */
void tx_kick(struct port *p, unsigned queue);
void tx_run(struct port *p);
void tx_reset(struct port *p);
void tx_mac_event(void *ctx);
bool tx_pool_may_send(const struct port *p, unsigned queue);
unsigned tx_pool(const struct port *p, unsigned queue);
/* Writes back what is done, whatever WTHRESH says. */
void tx_write_back(struct port *p, unsigned queue);
/* Takes a whole packet from a queue into p->data->packet; 0: taken; -EAGAIN: nothing complete is
 * there; -EINVAL: malformed, the queue is stopped. */
int tx_packet_take(struct port *p, unsigned queue);
/* Cuts the next frame from it into the FIFO, and finishes it after the last one. false: there is
 * no room now. */
bool tx_packet_frame(struct port *p);
/* Room for a frame of len bytes, contiguous; NULL: not now. */
uint8_t *tx_fifo_reserve(struct port *p, uint32_t len_bytes);
/* The frame that was written there; at most as long. */
void tx_fifo_commit(struct port *p, const struct tx_frame *f);
/* Headers and checksums of a frame cut from k, before its tag is inserted. tx_offload.c */
void tx_offload(
	const struct port *p, const struct tx_packet *k, uint8_t *frame, uint32_t len_bytes);
/* Anti-spoofing and switching between pools: false: nothing goes to the wire. */
bool tx_switch(struct port *p, unsigned queue, const uint8_t *frame, uint32_t len_bytes);
static inline uint32_t tx_reg(const struct port *p, unsigned queue, uint32_t off)
{
	return reg_get(p, REG_TX_QUEUE(queue) + off);
}

/* ---- flow control: data_pause.c ---- */
/* true: it was a MAC control frame that goes no further. */
bool pause_receive(struct port *p, const uint8_t *data, uint32_t len_bytes);
/* The fill level of a packet buffer changed. */
void pause_check(struct port *p, unsigned tc);
void pause_refresh(void *ctx);
uint32_t pause_frame(const struct port *p, uint8_t frame[60], uint16_t quanta);

/* ---- data_tsync.c ---- */
uint64_t tsync_now(const struct port *p);
bool tsync_receive(struct port *p, const uint8_t *data, uint32_t len_bytes, const struct parse *r);
void tsync_transmit(struct port *p);

#endif
