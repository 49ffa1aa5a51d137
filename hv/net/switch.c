/* The L2 switch's forwarding path; see switch.h. Ports come and go in switch_ports.c. */
#include "net/switch.h"

#include "lib/errno.h"
#include "lib/string.h"

#define VLAN_ID_MASK 0x0fff

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

/* The mirror port's copy of a frame that has gone to the ports in `sent`. A frame that is pushed
 * back comes again, and is copied then. */
static void copy_to_mirror(
	struct net_switch *sw, struct port *source, struct frame *f, uint32_t sent)
{
	struct port *mirror = load_acquire(&sw->mirror);

	if (mirror && ((load_relaxed(&sw->mirror_rx) & BIT32(source->index)) ||
			      (load_relaxed(&sw->mirror_tx) & sent))) {
		port_count(source, &source->counters.extra_copies, 1);
		(void)copy_to(mirror, f);
	}
}

/* To where it belongs. Where there is a mirror port an extra reference keeps the frame until that
 * has its copy. */
static int send(struct net_switch *sw, struct port *source, struct frame *f, uint64_t now_us,
	struct port **blocked)
{
	bool mirrored = load_relaxed(&sw->mirror);
	struct port *dst = find_destination(sw, f);
	uint32_t sent = 0;
	int r;

	if (mirrored)
		frame_get(f);
	r = dst ? forward_to(source, dst, f, blocked, &sent) : flood(sw, source, f, now_us, &sent);
	if (mirrored) {
		if (r == 0)
			copy_to_mirror(sw, source, f, sent);
		frame_put(f);
	}
	return r;
}

static int relay(struct net_switch *sw, struct port *source, struct frame *f, uint64_t now_us,
	struct port **blocked)
{
	uint32_t len_bytes = f->len_bytes; /* f is gone once it is delivered */
	int why = check_ingress(sw, source, f, now_us), r;

	if (why != FORWARD)
		return drop(source, f, (enum drop_reason)why);
	f->source_port = (uint16_t)source->index;
	if (!source->fixed_mac)
		mac_table_learn(
			&sw->macs, mac_table_key(f->vlan, f->head + ETH_ALEN), source->index);
	r = send(sw, source, f, now_us, blocked);
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
