/* The L2 switch's forwarding path and its ports; see switch.h. */
#include "net/switch.h"

#include "lib/errno.h"
#include "lib/string.h"

#define VLAN_ID_MASK   0x0fff
#define RATE_BURST_US  20000
#define STORM_BURST_US 100000

_Static_assert(SWITCH_PORTS_MAX == MAC_TABLE_PORTS_MAX, "port numbers fit table entries");

/* Verdicts of the checks below: a drop_reason, or this. */
#define FORWARD (-1)

/* A MAC as a number: memory order, so the group bit is the lowest. */
#define GROUP_BIT 1

static inline uint64_t mac_bits(const uint8_t *mac)
{
	return mac_table_key(0, mac);
}

static inline bool is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

/* 802.1Q-2018, table 8-1: link-local protocols (STP, LACP, pause) end at the first bridge. */
static bool is_reserved(const uint8_t *mac)
{
	static const uint8_t prefix[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return memcmp(mac, prefix, sizeof(prefix)) == 0 && mac[5] < 0x10;
}

static inline uint16_t head_be16(const struct frame *f, unsigned off)
{
	return (uint16_t)(f->head[off] << 8 | f->head[off + 1]);
}

/* Puts the frame into its VLAN (802.1Q-2018, 6.9). An access port may priority-tag, no more. */
static int check_vlan(const struct net_switch *sw, const struct port *p, struct frame *f)
{
	unsigned id = 0;

	f->vlan = p->native_vlan;
	f->tagged = head_be16(f, 12) == ETH_TYPE_VLAN;
	if (f->tagged) {
		if (f->head_len < ETH_HEADER_BYTES + ETH_VLAN_BYTES)
			return DROP_RUNT;
		id = head_be16(f, 14) & VLAN_ID_MASK;
		/* a tag behind a priority tag would show where that one is taken off */
		if (!id && head_be16(f, 16) == ETH_TYPE_VLAN)
			return DROP_VLAN;
	}
	if (id) {
		if (!p->policy.trunk || !(load_relaxed(&sw->vlan_ports[id]) & BIT32(p->index)))
			return DROP_VLAN;
		f->vlan = (uint16_t)id;
	}
	return FORWARD;
}

static int check_ingress(
	const struct net_switch *sw, const struct port *p, struct frame *f, uint64_t now_us)
{
	uint64_t mac = mac_bits(f->head + ETH_ALEN);
	int why;

	if (f->head_len < ETH_HEADER_BYTES)
		return DROP_RUNT;
	if (f->len_bytes > FRAME_BYTES_MAX)
		return DROP_OVERSIZE;
	if (p->policy.mirror == MIRROR_PORT)
		return DROP_MIRROR_PORT;
	if (mac == 0 || mac & GROUP_BIT)
		return DROP_BAD_SOURCE;
	if (p->policy.spoof_check && mac != p->own_mac)
		return DROP_SPOOFED;
	why = check_vlan(sw, p, f);
	if (why != FORWARD)
		return why;
	if ((f->offload.flags | f->offload.gso_type) && frame_check_offload(f))
		return DROP_MALFORMED;
	if (p->rate.cost_q24 && !rate_limit_ok(&p->rate, now_us))
		return DROP_RATE;
	return FORWARD;
}

static int drop(struct port *p, struct frame *f, enum drop_reason why)
{
	port_count_drop(p, why);
	frame_put(f);
	return 0;
}

/* *sent: the ports that have taken the frame, as bits. */
static int forward_to(struct port *source, struct port *dst, struct frame *f, struct port **blocked,
	uint32_t *sent)
{
	int r;

	if (dst == source)
		return drop(source, f, DROP_NO_PORT);
	if (source->policy.isolated && dst->policy.isolated)
		return drop(source, f, DROP_ISOLATED);
	f->flooded = false;
	r = dst->ops->deliver(dst, f);
	*sent = BIT32(dst->index);
	if (r == 0)
		return 0;
	*sent = 0;
	if (r != -EAGAIN)
		return drop(dst, f, DROP_LINK_DOWN);
	(void)atomic_fetch_add(&dst->counters.pushed_back, 1);
	*blocked = dst;
	return -EAGAIN;
}

/* Unknown unicast is for promiscuous ports, and for one whose own address it is (which is not in
 * the table where a trunk carries all VLANs). */
static uint32_t ports_for_unknown(struct net_switch *sw, const struct frame *f, uint32_t members)
{
	uint32_t wanted = members & load_relaxed(&sw->promiscuous);

	for (uint32_t left = members & ~wanted; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		const struct port *p = load_acquire(&sw->port[i]);

		if (p && p->own_mac == mac_bits(f->head))
			wanted |= BIT32(i);
	}
	return wanted;
}

/* Which ports a flooded frame goes to; if none, *why says the reason. */
static uint32_t flood_ports(struct net_switch *sw, const struct port *source, const struct frame *f,
	enum drop_reason *why)
{
	uint32_t members = load_relaxed(&sw->vlan_ports[f->vlan]) & ~BIT32(source->index);

	*why = DROP_NO_PORT;
	if (is_group(f->head)) {
		if (is_reserved(f->head))
			return 0;
	} else {
		members = ports_for_unknown(sw, f, members);
	}
	if (members && source->policy.isolated) {
		*why = DROP_ISOLATED;
		members &= ~load_relaxed(&sw->isolated);
	}
	return members;
}

/* One copy; the destination's refusal is its own drop. */
static bool copy_to(struct port *dst, struct frame *f)
{
	int r;

	frame_get(f);
	r = dst->ops->deliver(dst, f);
	if (r)
		drop(dst, f, r == -EAGAIN ? DROP_QUEUE_FULL : DROP_LINK_DOWN);
	return r == 0;
}

static int flood(struct net_switch *sw, struct port *source, struct frame *f, uint64_t now_us,
	uint32_t *sent)
{
	enum drop_reason why;
	uint32_t to = flood_ports(sw, source, f, &why);
	unsigned copies = 0;

	if (to && source->storm.cost_q24) {
		if (!rate_limit_ok(&source->storm, now_us))
			return drop(source, f, DROP_STORM);
		rate_limit_charge(&source->storm, 1, now_us);
	}
	f->flooded = true;
	for (; to; to &= to - 1) {
		struct port *dst = load_acquire(&sw->port[__builtin_ctz(to)]);

		if (!dst)
			continue; /* removed just now */
		if (copy_to(dst, f))
			*sent |= to & -to;
		copies++;
	}
	if (!copies)
		return drop(source, f, why);
	if (copies > 1)
		port_count(source, &source->counters.extra_copies, copies - 1);
	frame_put(f);
	return 0;
}

/* The port that the table names, if it is there and in the frame's VLAN. The second may differ only
 * while ports come and go, but a frame must not leave its VLAN even then. */
static struct port *find_destination(struct net_switch *sw, const struct frame *f)
{
	int i;

	if (is_group(f->head))
		return NULL;
	i = mac_table_lookup(&sw->macs, mac_table_key(f->vlan, f->head));
	if (i < 0 || !(load_relaxed(&sw->vlan_ports[f->vlan]) & BIT32(i)))
		return NULL;
	return load_acquire(&sw->port[i]);
}

/* To where it belongs. */
static int send(struct net_switch *sw, struct port *source, struct frame *f, uint64_t now_us,
	struct port **blocked, uint32_t *sent)
{
	struct port *dst = find_destination(sw, f);

	*sent = 0;
	return dst ? forward_to(source, dst, f, blocked, sent) : flood(sw, source, f, now_us, sent);
}

/* The same where there is a mirror port. A frame that is pushed back comes again, and is copied
 * then: so the copy is made when the frame is gone, which an extra reference keeps until then. */
static int send_mirrored(struct net_switch *sw, struct port *source, struct frame *f,
	uint64_t now_us, struct port **blocked)
{
	struct port *mirror = load_acquire(&sw->mirror);
	uint32_t sent;
	int r;

	frame_get(f);
	r = send(sw, source, f, now_us, blocked, &sent);
	if (r == 0 && mirror &&
		((load_relaxed(&sw->mirror_rx) & BIT32(source->index)) ||
			(load_relaxed(&sw->mirror_tx) & sent))) {
		port_count(source, &source->counters.extra_copies, 1);
		(void)copy_to(mirror, f);
	}
	frame_put(f);
	return r;
}

static int relay(struct net_switch *sw, struct port *source, struct frame *f, uint64_t now_us,
	struct port **blocked)
{
	uint32_t len_bytes = f->len_bytes; /* f is gone once it is delivered */
	uint32_t sent;
	int why = check_ingress(sw, source, f, now_us), r;

	if (why != FORWARD)
		return drop(source, f, (enum drop_reason)why);
	f->source_port = (uint16_t)source->index;
	if (!source->fixed_mac)
		mac_table_learn(
			&sw->macs, mac_table_key(f->vlan, f->head + ETH_ALEN), source->index);
	r = load_relaxed(&sw->mirror) ? send_mirrored(sw, source, f, now_us, blocked)
				      : send(sw, source, f, now_us, blocked, &sent);
	if (source->rate.cost_q24 && r == 0)
		rate_limit_charge(&source->rate, (uint64_t)len_bytes * 8, now_us);
	return r;
}

int switch_forward(struct port *source, struct frame *f, uint64_t now_us, struct port **blocked)
{
	struct net_switch *sw = load_acquire(&source->sw);
	uint32_t len_bytes = f->len_bytes;
	int r = sw ? relay(sw, source, f, now_us, blocked) : drop(source, f, DROP_LINK_DOWN);

	if (r)
		return r;
	port_count(source, &source->counters.rx_frames, 1);
	port_count(source, &source->counters.rx_bytes, len_bytes);
	return 0;
}

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
	if (is_group(p->mac) || (p->spoof_check && mac_bits(p->mac) == 0))
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
	p->own_mac = mac_bits(policy->mac);
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
