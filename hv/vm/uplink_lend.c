/* Who lends; see uplink_lend.h. */
#include "vm/uplink_lend.h"

#include "lib/errno.h"
#include "lib/log.h"

/* The NIC writes before the switch has decided. So whatever it gives to the guest's queue, by the
 * guest's address alone, must be in a VLAN of the guest's. */
static bool same_vlan(const struct conf_port *a, const struct conf_port *b)
{
	return a->vlan_mode == CONF_VLAN_ACCESS && b->vlan_mode == CONF_VLAN_ACCESS &&
	       a->vlan == b->vlan;
}

/* NULL: nothing is against it. */
static const char *why_not(const struct vm_uplink *u, unsigned pool, const struct conf_nic *c,
	const struct virtio_net *net)
{
	const struct conf_port *up = &u->conf->uplink.port;

	if (!pool)
		return "it has no queue of the physical NIC for itself";
	if (!(u->up.nic->capabilities & NIC_CAP_RX_SPLIT))
		return "the physical NIC cannot do it";
	if (net->setup.nr_pairs > 1)
		return "it has more than one pair of queues";
	if (!(net->virtio.features_offered & VIRTIO_NET_F_MRG_RXBUF))
		return "its buffers are not mergeable";
	if (!same_vlan(up, &c->port) || (up->isolated && c->port.isolated))
		return "the uplink carries other VLANs than the guest's, or must not reach it";
	return NULL;
}

void vm_uplink_lend(
	struct vm_uplink *u, unsigned pool, const struct conf_nic *c, struct virtio_net *net)
{
	const char *why = why_not(u, pool, c, net);

	if (!why && uplink_borrow(&u->up, pool, virtio_net_lend(net)))
		why = "too little memory";
	if (why)
		log_warn("%s: rx=zero_copy: %s: received frames are copied", net->port.name, why);
	else
		log_info("%s: receives from %s without a copy", net->port.name, u->name);
}
