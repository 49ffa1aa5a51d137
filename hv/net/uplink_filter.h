/* The filters of an uplink's NIC, in step with its switch: they let in what somebody there may
 * want.
 *
 *   addresses   those of the guests that are on, each into its guest's pool: as sluice.conf says,
 *               or as the guest has changed it
 *   multicast   what the guests' drivers have asked for; all of it if one of them wants, or cannot
 *               say
 *   promiscuous only while a port needs it: one whose addresses are not known (without spoof
 *               check), one that gets what is unknown, a mirror of what comes in, or more addresses
 *               than the NIC knows
 *   VLANs       those that the uplink carries and another port is in, with the pools of those ports
 *
 * Core 0: at set-up, then every 10 ms. So a NIC follows a guest within 10 ms. */
#ifndef SLUICE_NET_UPLINK_FILTER_H
#define SLUICE_NET_UPLINK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/uplink.h"
#include "net/virtio_net.h"

#define UPLINK_FILTER_GUESTS	(SWITCH_PORTS_MAX - 1)
#define UPLINK_FILTER_MULTICAST 256u /* more, and it takes all */

struct uplink_filter_guest {
	const struct virtio_net *net;
	unsigned pool;
	bool on, known; /* known: mac is in the NIC's filter, or was refused */
	uint32_t seq;	/* of what it wanted when last looked at */
	uint8_t mac[ETH_ALEN];
};

struct uplink_filter {
	struct uplink *up;
	unsigned nr_guests;
	struct uplink_filter_guest guest[UPLINK_FILTER_GUESTS];
	bool promiscuous, all_multicast; /* as the NIC was told; */
	bool told;			 /* if it was */
	unsigned nr_multicast;
	uint8_t multicast[UPLINK_FILTER_MULTICAST][ETH_ALEN];
	uint64_t updates; /* times that something changed */
};

/* For a zeroed f. up is in its switch. */
void uplink_filter_init(struct uplink_filter *f, struct uplink *up);

/* A guest's device on the same switch, whose frames belong to this pool. At set-up, before the
 * first update. */
void uplink_filter_add(struct uplink_filter *f, const struct virtio_net *net, unsigned pool);

/* Once all ports are in the switch: VLANs do not change later. */
void uplink_filter_set_vlans(struct uplink_filter *f);

/* on: the guests, as bits in the order of uplink_filter_add(), that run. */
void uplink_filter_update(struct uplink_filter *f, uint32_t on);

#endif
