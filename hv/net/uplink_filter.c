/* What an uplink's NIC lets in; see uplink_filter.h. */
#include "net/uplink_filter.h"

#include "lib/atomic.h"
#include "lib/string.h"

void uplink_filter_init(struct uplink_filter *f, struct uplink *up)
{
	f->up = up;
}

void uplink_filter_add(struct uplink_filter *f, const struct virtio_net *net, unsigned pool)
{
	if (f->nr_guests == UPLINK_FILTER_GUESTS)
		return; /* a switch has no more ports */
	f->guest[f->nr_guests++] = (struct uplink_filter_guest){ .net = net, .pool = pool };
}

/* ---- VLANs ---- */

static void set_vlan_pools(struct uplink_filter *f, uint16_t vlan, uint32_t others, int *err)
{
	struct nic *nic = f->up->nic;

	*err = nic->ops->set_vlan(nic, vlan, 0, true);
	for (; others && !*err; others &= others - 1)
		*err = nic->ops->set_vlan(
			nic, vlan, f->up->pool_of_port[__builtin_ctz(others)], true);
}

void uplink_filter_set_vlans(struct uplink_filter *f)
{
	const struct port *p = &f->up->port;
	const struct net_switch *sw = p->sw;
	struct nic *nic = f->up->nic;
	uint32_t bit = BIT32(p->index);
	int err = 0;

	/* An access port takes no frame with a VLAN's tag at all. */
	for (unsigned v = 1; p->policy.trunk && v <= VLAN_MAX && !err; v++) {
		uint32_t members = load_relaxed(&sw->vlan_ports[v]);

		if ((members & bit) && (members & ~bit))
			set_vlan_pools(f, (uint16_t)v, members & ~bit, &err);
	}
	/* More VLANs than the NIC knows: the switch alone looks at them. */
	nic->ops->set_vlan_filter(nic, err == 0);
}

/* ---- Addresses ---- */

static bool needs_all(const struct uplink_filter *f, uint32_t on)
{
	if (f->up->port.policy.mirror & MIRROR_RX)
		return true;
	for (; on; on &= on - 1) {
		const struct port_policy *p = &f->guest[__builtin_ctz(on)].net->port.policy;

		if (!p->spoof_check || p->promiscuous)
			return true;
	}
	return false;
}

/* What is not wanted any more leaves before anything comes: one address may go from guest to guest.
 */
static void remove_old(struct uplink_filter *f, unsigned i, const struct virtio_net_wanted *w)
{
	struct uplink_filter_guest *g = &f->guest[i];

	if (!g->known || (g->on && !memcmp(g->mac, w->mac, ETH_ALEN)))
		return;
	/* -ENOENT where it was refused */
	(void)f->up->nic->ops->remove_mac(f->up->nic, g->mac, g->pool);
	g->known = false;
}

/* An address that sluice.conf gives to another guest: the switch delivers to that one, and the NIC
 * must not give it into somebody else's pool, whose buffers may be the guest's own. */
static bool is_others(const struct uplink_filter *f, unsigned i)
{
	for (unsigned k = 0; k < f->nr_guests; k++)
		if (k != i && !memcmp(f->guest[k].net->port.policy.mac, f->guest[i].mac, ETH_ALEN))
			return true;
	return false;
}

/* False: the NIC cannot. Of two guests in one pool that have the same address, one may have taken
 * it away with its own: so it is said again. */
static bool add_all(struct uplink_filter *f)
{
	struct nic *nic = f->up->nic;
	bool all = true;

	for (unsigned i = 0; i < f->nr_guests; i++) {
		struct uplink_filter_guest *g = &f->guest[i];

		if (!g->on || !g->known)
			continue;
		if (is_others(f, i) || nic->ops->add_mac(nic, g->mac, g->pool))
			all = false;
	}
	return all;
}

/* ---- Multicast ---- */

/* The union of all lists. False: more than there is room for. */
static bool collect(uint8_t (*list)[ETH_ALEN], unsigned *nr, const struct virtio_net_wanted *w)
{
	for (unsigned i = 0; i < w->nr_multicast; i++) {
		unsigned k = 0;

		while (k < *nr && memcmp(list[k], w->multicast[i], ETH_ALEN))
			k++;
		if (k < *nr)
			continue;
		if (*nr == UPLINK_FILTER_MULTICAST)
			return false;
		memcpy(list[(*nr)++], w->multicast[i], ETH_ALEN);
	}
	return true;
}

static void tell(struct uplink_filter *f, bool promiscuous, bool all_multicast)
{
	struct nic *nic = f->up->nic;

	nic->ops->set_multicast(nic, f->multicast, all_multicast ? 0 : f->nr_multicast);
	if (!f->told || promiscuous != f->promiscuous || all_multicast != f->all_multicast)
		nic->ops->set_promiscuous(nic, promiscuous, all_multicast);
	f->told = true;
	f->promiscuous = promiscuous;
	f->all_multicast = all_multicast;
	f->updates++;
}

/* ---- All together ---- */

static bool has_changed(const struct uplink_filter *f, uint32_t on)
{
	for (unsigned i = 0; i < f->nr_guests; i++) {
		const struct uplink_filter_guest *g = &f->guest[i];
		bool is_on = on >> i & 1;

		if (is_on != g->on || (is_on && load_relaxed(&g->net->filter.seq) != g->seq))
			return true;
	}
	return !f->told;
}

void uplink_filter_update(struct uplink_filter *f, uint32_t on)
{
	bool all_multicast = f->up->port.policy.mirror & MIRROR_RX;

	if (!has_changed(f, on))
		return;
	f->nr_multicast = 0;
	for (unsigned i = 0; i < f->nr_guests; i++) {
		struct uplink_filter_guest *g = &f->guest[i];
		struct virtio_net_wanted w;

		g->on = on >> i & 1;
		/* While the guest is changing it: nothing of it counts, and seq brings us back. */
		if (!virtio_net_wants(g->net, &w, &g->seq)) {
			g->seq--;
			all_multicast = true;
			continue;
		}
		remove_old(f, i, &w);
		memcpy(g->mac, w.mac, ETH_ALEN);
		g->known = g->on;
		if (g->on)
			all_multicast |=
				w.all_multicast || !collect(f->multicast, &f->nr_multicast, &w);
	}
	tell(f, !add_all(f) || needs_all(f, on), all_multicast);
}
