/* A port of the switch: where frames come from and go to.
 *
 * Below a port is a guest's virtio-net device or, later, a physical NIC. The switch calls
 * deliver() and nothing else of it; the device below calls switch_forward(). */
#ifndef SLUICE_NET_PORT_H
#define SLUICE_NET_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "net/frame.h"
#include "net/rate_limit.h"
#include "net/work.h"

struct net_switch;
struct port;

/* Why a frame was dropped; the counters' index and, lower-cased, their names in `stats`. */
enum drop_reason {
	DROP_RUNT,	  /* shorter than an Ethernet header */
	DROP_OVERSIZE,	  /* longer than the destination takes and not segmentable */
	DROP_MALFORMED,	  /* descriptors or offload fields that make no sense */
	DROP_SPOOFED,	  /* source MAC is not the port's */
	DROP_BAD_SOURCE,  /* source MAC is a group address or zero */
	DROP_VLAN,	  /* VLAN not allowed on the source port */
	DROP_NO_PORT,	  /* no port to go to, or only back where it came from */
	DROP_ISOLATED,	  /* both ports are isolated */
	DROP_RATE,	  /* over the port's rate limit */
	DROP_STORM,	  /* over the flooding limit */
	DROP_QUEUE_FULL,  /* destination's queue full and the frame could not wait */
	DROP_NO_BUFFER,	  /* destination had no receive buffer for too long */
	DROP_BUFFER_SIZE, /* destination's receive buffers cannot hold the frame */
	DROP_LINK_DOWN,	  /* destination not ready: no driver, or being reset */
	DROP_MIRROR_PORT, /* from the mirror port, which only listens */
	DROP_REASONS
};

extern const char *const drop_reason_name[DROP_REASONS];

/* Each group has one writer at a time (the core that runs the port's work), unless the port says
 * many_writers; read by anyone. Drops are added to atomically: many cores drop towards one port. */
struct port_counters {
	/* From this port into the switch; the switch counts. */
	uint64_t rx_frames, rx_bytes;
	uint64_t
		extra_copies; /* references handed out beyond the first, by flooding or mirroring */
	/* From the switch to this port; the device counts, with port_count_tx(), when the frame is
	 * in the guest's ring (or on the wire). A frame counts once, cut into segments or not. */
	uint64_t tx_frames __cacheline_aligned, tx_bytes;
	uint64_t tx_flooded; /* of tx_frames: unknown unicast, broadcast, multicast */
	/* Of tx_frames and tx_bytes: frames that the guest got as a part of another (frame_join()),
	 * and their headers, which it did not get. */
	uint64_t tx_joined, tx_joined_bytes;
	uint64_t drops[DROP_REASONS] __cacheline_aligned;
	uint64_t pushed_back; /* times a sender had to wait for this port */
};

#define PORT_COUNTER_WORDS (sizeof(struct port_counters) / sizeof(uint64_t))

/* Other cores may go on counting in *c. */
void port_counters_add(struct port_counters *sum, const struct port_counters *c);

/* Which of a port's frames the mirror port gets copies of; directions as in the counters. */
enum port_mirror {
	MIRROR_NONE,
	MIRROR_RX = 1,
	MIRROR_TX = 2,
	MIRROR_BOTH = 3,
	MIRROR_PORT = 4, /* it is the mirror port */
};

/* What a port may do; from sluice.conf. */
struct port_policy {
	uint8_t mac[ETH_ALEN]; /* its only source address if spoof_check; zero: none of its own */
	bool trunk;
	uint16_t vlan; /* access: its VLAN; trunk: the native one; 0 = 1 */
	uint16_t trunk_vlan[16];
	unsigned nr_trunk_vlans; /* 0 = all */
	bool isolated;		 /* talks to non-isolated ports only */
	bool spoof_check;
	bool promiscuous; /* gets unknown unicast */
	enum port_mirror mirror;
	uint64_t rate_limit_bps; /* 0 = none */
};

struct port_ops {
	/* Takes one reference over and returns 0, or -EAGAIN (queue full) or -ENODEV (not ready)
	 * and leaves the reference with the caller. Any core, several at once; may be called
	 * for a short while after switch_remove_port(). After -EAGAIN the sender retries in the
	 * same order, so frames of one sender stay in order. */
	int (*deliver)(struct port *p, struct frame *f);
	/* After -EAGAIN: schedule w once there is room (at once if there is room by now). */
	void (*wait_room)(struct port *p, struct work *w);
};

struct port {
	/* Set by the device before switch_add_port(). */
	const struct port_ops *ops;
	bool many_writers; /* several cores forward or deliver for this port at once (multiqueue) */
	char name[24];	   /* guest.nic, as in "a.0" */
	/* The switch's, constant while the port is in it. */
	struct net_switch *sw; /* NULL: in none */
	unsigned index;	       /* in its switch */
	uint16_t native_vlan;  /* what untagged frames belong to */
	bool fixed_mac;	       /* its address is in the table: nothing to learn */
	uint64_t own_mac;      /* policy.mac as a number, to compare with */
	struct port_policy policy;
	struct rate_limit rate, storm;
	struct port_counters counters __cacheline_aligned;
};

static inline void port_count(const struct port *p, uint64_t *counter, uint64_t n)
{
	if (p->many_writers)
		(void)__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
	else
		store_relaxed(counter, *counter + n);
}

/* For the device: f has been delivered, with those that were joined to it. */
static inline void port_count_tx(struct port *p, const struct frame *f)
{
	port_count(p, &p->counters.tx_frames, 1u + f->nr_joined);
	port_count(p, &p->counters.tx_bytes, f->len_bytes + f->joined_header_bytes);
	if (f->nr_joined) {
		port_count(p, &p->counters.tx_joined, f->nr_joined);
		port_count(p, &p->counters.tx_joined_bytes, f->joined_header_bytes);
	}
	if (f->flooded)
		port_count(p, &p->counters.tx_flooded, 1);
}

/* For the device: a frame it took by deliver() will not be delivered. Any core. Also for what never
 * became a frame on the source's side (a broken descriptor): see port_count_bad(). */
static inline void port_count_drop(struct port *p, enum drop_reason why)
{
	(void)__atomic_fetch_add(&p->counters.drops[why], 1, __ATOMIC_RELAXED);
}

/* The same for f and those that were joined to it. */
static inline void port_count_dropped(struct port *p, const struct frame *f, enum drop_reason why)
{
	(void)__atomic_fetch_add(&p->counters.drops[why], 1u + f->nr_joined, __ATOMIC_RELAXED);
}

/* For the device: the guest sent something that never reached switch_forward(). It counts as a
 * frame in and a drop, so that the books balance. */
static inline void port_count_bad(struct port *p, enum drop_reason why)
{
	port_count(p, &p->counters.rx_frames, 1);
	port_count_drop(p, why);
}

/* Whether this port gets f with an 802.1Q tag. */
static inline bool port_wants_tag(const struct port *p, const struct frame *f)
{
	return f->vlan != p->native_vlan;
}

#endif
