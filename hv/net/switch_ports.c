/* The L2 switch's ports and tables, as they come and go; see switch.h. Forwarding goes on
 * meanwhile, without the lock: what it reads is published by release or is one atomic word. */
#include "net/switch.h"

#include "lib/errno.h"

#define RATE_BURST_US  20000
#define STORM_BURST_US 100000

_Static_assert(SWITCH_PORTS_MAX == MAC_TABLE_PORTS_MAX, "port numbers fit table entries");

void switch_init(
	struct net_switch *sw, const char *name, unsigned ageing_s, uint64_t storm_limit_pps)
{
	for (unsigned i = 0; i + 1 < SWITCH_NAME_MAX && name[i]; i++)
		sw->name[i] = name[i];
	sw->storm_limit_pps = storm_limit_pps;
	mac_table_init(&sw->macs, ageing_s);
}

static bool vlan_valid(uint16_t vlan)
{
	return vlan >= 1 && vlan <= VLAN_MAX;
}

static int check_policy(const struct port_policy *p)
{
	if (p->vlan > VLAN_MAX || p->nr_trunk_vlans > ARRAY_SIZE(p->trunk_vlan))
		return -EINVAL;
	if ((p->mac[0] & 1) || (p->spoof_check && mac_table_key(0, p->mac) == 0))
		return -EINVAL;
	if ((unsigned)p->mirror > MIRROR_PORT)
		return -EINVAL;
	for (unsigned i = 0; p->trunk && i < p->nr_trunk_vlans; i++)
		if (!vlan_valid(p->trunk_vlan[i]))
			return -EINVAL;
	return 0;
}

/* The VLANs that are listed: all but those of a trunk that carries any. 0 when i is past the end.
 */
static uint16_t listed_vlan(const struct port *p, unsigned i)
{
	if (i == 0)
		return p->native_vlan;
	return p->policy.trunk && i <= p->policy.nr_trunk_vlans ? p->policy.trunk_vlan[i - 1]
								: VLAN_NONE;
}

static bool carries_all(const struct port *p)
{
	return p->policy.trunk && p->policy.nr_trunk_vlans == 0;
}

static int add_own_mac(struct net_switch *sw, struct port *p)
{
	uint16_t vlan;

	if (p->own_mac == 0)
		return 0;
	for (unsigned i = 0; (vlan = listed_vlan(p, i)) != VLAN_NONE; i++) {
		int r = mac_table_add_fixed(
			&sw->macs, mac_table_key(vlan, p->policy.mac), p->index);

		if (r)
			return r;
	}
	/* With its only address in every VLAN it can use, there is nothing to learn from it. */
	p->fixed_mac = p->policy.spoof_check && !carries_all(p);
	return 0;
}

static void join_vlans(struct net_switch *sw, struct port *p)
{
	uint32_t bit = BIT32(p->index);
	uint16_t vlan;

	for (unsigned i = 0; (vlan = listed_vlan(p, i)) != VLAN_NONE; i++)
		(void)atomic_fetch_or(&sw->vlan_ports[vlan], bit);
	for (unsigned i = 1; carries_all(p) && i <= VLAN_MAX; i++)
		(void)atomic_fetch_or(&sw->vlan_ports[i], bit);
}

static void leave_vlans(struct net_switch *sw, uint32_t bit)
{
	for (unsigned i = 1; i <= VLAN_MAX; i++)
		if (load_relaxed(&sw->vlan_ports[i]) & bit)
			(void)atomic_fetch_and(&sw->vlan_ports[i], ~bit);
}

static void setup_port(
	struct net_switch *sw, struct port *p, const struct port_policy *policy, unsigned index)
{
	p->policy = *policy;
	p->index = index;
	p->native_vlan = policy->vlan ? policy->vlan : VLAN_DEFAULT;
	p->own_mac = mac_table_key(0, policy->mac);
	p->fixed_mac = false;
	rate_limit_init(&p->rate, policy->rate_limit_bps, RATE_BURST_US);
	rate_limit_init(&p->storm, sw->storm_limit_pps, STORM_BURST_US);
}

static void join_mirror(struct net_switch *sw, const struct port *p)
{
	if (p->policy.mirror & MIRROR_RX)
		(void)atomic_fetch_or(&sw->mirror_rx, BIT32(p->index));
	if (p->policy.mirror & MIRROR_TX)
		(void)atomic_fetch_or(&sw->mirror_tx, BIT32(p->index));
}

/* What a port gets and may send, once its number is known. */
static int take_places(struct net_switch *sw, struct port *p)
{
	uint32_t bit = BIT32(p->index);
	int r = add_own_mac(sw, p);

	if (r)
		return r;
	if (p->policy.isolated)
		(void)atomic_fetch_or(&sw->isolated, bit);
	if (p->policy.promiscuous)
		(void)atomic_fetch_or(&sw->promiscuous, bit);
	join_mirror(sw, p);
	return 0;
}

static int add_locked(struct net_switch *sw, struct port *p, const struct port_policy *policy)
{
	bool is_mirror = policy->mirror == MIRROR_PORT;
	unsigned i = 0;
	int r;

	while (i < SWITCH_PORTS_MAX && sw->port[i])
		i++;
	if (i == SWITCH_PORTS_MAX)
		return -ENOSPC;
	if (is_mirror && sw->mirror)
		return -EEXIST;
	mac_table_forget_port(&sw->macs, i); /* what was learnt while the last one left */
	setup_port(sw, p, policy, i);
	r = is_mirror ? 0 : take_places(sw, p);
	if (r) {
		mac_table_forget_port(&sw->macs, i);
		return r;
	}
	/* Release: whoever finds the port finds it set up. */
	store_release(&sw->port[i], p);
	store_release(&p->sw, sw);
	if (is_mirror)
		store_release(&sw->mirror, p);
	else
		join_vlans(sw, p);
	return 0;
}

int switch_add_port(struct net_switch *sw, struct port *p, const struct port_policy *policy)
{
	int r = check_policy(policy);

	if (r)
		return r;
	if (p->sw)
		return -EBUSY;
	spin_lock(&sw->lock);
	r = add_locked(sw, p, policy);
	spin_unlock(&sw->lock);
	return r;
}

/* Exact also if another core adds at the same time: what comes later stays with the port. */
static void move_counters(struct port_counters *to, struct port_counters *from)
{
	uint64_t *dst = (uint64_t *)to, *src = (uint64_t *)from;

	for (unsigned i = 0; i < PORT_COUNTER_WORDS; i++)
		dst[i] += atomic_xchg(&src[i], 0);
}

void switch_remove_port(struct port *p)
{
	struct net_switch *sw = p->sw;
	uint32_t bit = BIT32(p->index);

	if (!sw)
		return;
	spin_lock(&sw->lock);
	leave_vlans(sw, bit);
	store_release(&sw->port[p->index], NULL);
	(void)atomic_fetch_and(&sw->isolated, ~bit);
	(void)atomic_fetch_and(&sw->promiscuous, ~bit);
	(void)atomic_fetch_and(&sw->mirror_rx, ~bit);
	(void)atomic_fetch_and(&sw->mirror_tx, ~bit);
	if (sw->mirror == p)
		store_release(&sw->mirror, NULL);
	mac_table_forget_port(&sw->macs, p->index);
	store_release(&p->sw, NULL);
	move_counters(&sw->departed, &p->counters);
	spin_unlock(&sw->lock);
}

void switch_age(struct net_switch *sw, uint64_t now_us)
{
	if (!spin_trylock(&sw->lock))
		return; /* the next second will do */
	mac_table_age(&sw->macs, now_us);
	spin_unlock(&sw->lock);
}

void switch_sum(struct net_switch *sw, struct port_counters *sum)
{
	spin_lock(&sw->lock);
	*sum = sw->departed;
	for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++)
		if (sw->port[i])
			port_counters_add(sum, &sw->port[i]->counters);
	spin_unlock(&sw->lock);
}

void switch_for_each_mac(
	struct net_switch *sw, void (*fn)(void *arg, const struct mac_entry *e), void *arg)
{
	mac_table_for_each(&sw->macs, fn, arg);
}
