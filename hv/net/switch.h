/* The L2 switch. IEEE 802.1Q-2018: relay (8.6), filtering database (8.7, 8.8), VLAN tags (9).
 *
 * Many cores forward at once and take no lock. A frame is decided on from its head (see frame.h),
 * and goes by reference to its destinations' deliver(). Nothing here copies payload.
 *
 * Books, per switch, exact once nothing is in flight, over switch_sum():
 *
 *     rx_frames + extra_copies = tx_frames + sum of drops      (+ frames queued in devices)
 *
 * Each frame that switch_forward() consumed counts in rx_frames of its source. If it has no
 * destination, that is one drop, on its source. With n destinations it adds n - 1 extra copies, and
 * each destination later counts it once, as tx_frames or as a drop: the switch counts what the
 * device refused, the device what it took (port_count_tx(), port_count_drop()).
 *
 * Mirror: one port may get a copy, by reference, of what other ports send (rx) or are sent (tx):
 * one of each frame, however many of them mirror it. It gets nothing else, and nothing is taken
 * from it. Its copy is one extra copy; if it is full the copy alone is dropped, and counted there.
 */
#ifndef SLUICE_NET_SWITCH_H
#define SLUICE_NET_SWITCH_H

#include <stdint.h>

#include "lib/bits.h"
#include "lib/spinlock.h"
#include "net/frame.h"
#include "net/mac_table.h"
#include "net/port.h"

#define SWITCH_PORTS_MAX 32 /* ports are bits of a word, and 5 bits of a table entry */
#define SWITCH_NAME_MAX	 16
#define VLAN_NONE	 0
#define VLAN_DEFAULT	 1
#define VLAN_MAX	 4094

/* Caller-allocated, zeroed: 80 KiB and a little. */
struct net_switch {
	struct port *port[SWITCH_PORTS_MAX]; /* atomic pointers */
	uint32_t isolated;		     /* ports, as bits; atomic */
	uint32_t promiscuous;
	struct port *mirror;	       /* NULL: none; atomic */
	uint32_t mirror_rx, mirror_tx; /* whose frames it gets, as bits; atomic */
	uint64_t storm_limit_pps;
	char name[SWITCH_NAME_MAX];
	struct spinlock lock;	       /* adding and removing ports, ageing */
	struct port_counters departed; /* sums of ports that were removed */
	uint32_t vlan_ports[VLAN_MAX + 2] __cacheline_aligned; /* members by VLAN; atomic words */
	struct mac_table macs;
};

/* ageing_s 0: learnt addresses stay. storm_limit_pps: flooded frames per second and source port,
 * 0 = no limit. */
void switch_init(
	struct net_switch *sw, const char *name, unsigned ageing_s, uint64_t storm_limit_pps);

/* Takes the port in; p->ops and p->name are set. p must stay valid as long as the switch forwards,
 * also after it was removed. 0, -EINVAL (policy makes no sense), -EBUSY (already in a switch),
 * -EEXIST (its MAC is another port's in that VLAN, or there is a mirror port), -ENOSPC. */
int switch_add_port(
	struct net_switch *sw, struct port *p, const struct port_policy *policy) __must_check;

/* Its device has drained and answers -ENODEV from now on. Counters move to sw->departed. */
void switch_remove_port(struct port *p);

/* Forwards f, which has its head (all headers up to TCP's or UDP's, or FRAME_HEAD_BYTES, or all of
 * it), segments and offload filled in and refs == 1. Any core; for one source port one core at a
 * time unless it says many_writers.
 *
 * 0: consumed, the caller's reference too: delivered, or dropped and counted.
 * -EAGAIN: its only destination, *blocked, is full and wants the sender to wait: the caller still
 *   has the frame, calls (*blocked)->ops->wait_room() and later forwards the same frame again.
 *   Nothing was counted. Flooded frames never wait: a full destination drops its copy.
 *
 * MTU is the destination device's business (DROP_OVERSIZE); offload fields are checked here. */
int switch_forward(
	struct port *source, struct frame *f, uint64_t now_us, struct port **blocked) __must_check;

/* Housekeeping, about once a second, any core: ages learnt addresses. */
void switch_age(struct net_switch *sw, uint64_t now_us);

/* The whole switch's counters, departed ports included. */
void switch_sum(struct net_switch *sw, struct port_counters *sum);

void switch_for_each_mac(
	struct net_switch *sw, void (*fn)(void *arg, const struct mac_entry *e), void *arg);

#endif
