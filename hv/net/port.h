/* A port of the switch: where frames come from and go to.
 *
 * Below a port is a guest's virtio-net device or, later, a physical NIC. The switch calls
 * deliver() and nothing else of it; the device below calls switch_forward(). */
#ifndef SLUICE_NET_PORT_H
#define SLUICE_NET_PORT_H

#include <stdint.h>

#include "lib/bits.h"
#include "net/frame.h"
#include "net/work.h"

struct net_switch;
struct port;

/* Why a frame was dropped; the counters' index and, lower-cased, their names in `stats`. */
enum drop_reason {
	DROP_RUNT,	   /* shorter than an Ethernet header */
	DROP_OVERSIZE,	   /* longer than the destination takes and not segmentable */
	DROP_MALFORMED,	   /* descriptors or offload fields that make no sense */
	DROP_SPOOFED,	   /* source MAC is not the port's */
	DROP_BAD_SOURCE,   /* source MAC is a group address or zero */
	DROP_VLAN,	   /* VLAN not allowed on the source port */
	DROP_NO_PORT,	   /* no port to go to, or only back where it came from */
	DROP_ISOLATED,	   /* both ports are isolated */
	DROP_RATE,	   /* over the port's rate limit */
	DROP_STORM,	   /* over the flooding limit */
	DROP_QUEUE_FULL,   /* destination's queue full and the frame could not wait */
	DROP_NO_BUFFER,	   /* destination had no receive buffer for too long */
	DROP_BUFFER_SIZE,  /* destination's receive buffers cannot hold the frame */
	DROP_LINK_DOWN,	   /* destination not ready: no driver, or being reset */
	DROP_REASONS
};

extern const char *const drop_reason_name[DROP_REASONS];

/* One writer each (the core that runs the port's work), except where noted; read by anyone. */
struct port_counters {
	uint64_t rx_frames, rx_bytes; /* into the switch from this port, as seen by the switch */
	uint64_t tx_frames, tx_bytes; /* out of the switch, delivered to this port */
	uint64_t tx_flooded;	      /* of tx_frames: unknown unicast, broadcast, multicast */
	uint64_t drops[DROP_REASONS]; /* atomic adds: many cores drop towards one port */
	uint64_t pushed_back;	      /* times a sender had to wait for this port */
};

struct port_ops {
	/* Takes one reference over and returns 0, or -EAGAIN (queue full) or -ENODEV (not ready)
	 * and leaves the reference with the caller. Any core. */
	int (*deliver)(struct port *p, struct frame *f);
	/* After -EAGAIN: schedule w once there is room (at once if there is room by now). */
	void (*wait_room)(struct port *p, struct work *w);
};

struct port {
	const struct port_ops *ops;
	struct net_switch *sw;
	unsigned index; /* in its switch */
	char name[24];	/* guest.nic, as in "a.0" */
	struct port_counters counters;
};

#endif
