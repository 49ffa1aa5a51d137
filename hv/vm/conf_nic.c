/* sluice.conf: nic = switch=NAME [mac=..] [vlan=N | trunk=all|N,N-M [native=N]] ...
 *
 * Feature bits: virtio 1.2, 5.1.3 and 6. See docs/sluice-conf.md. */
#include "vm/conf_value.h"

#include "lib/errno.h"
#include "lib/string.h"

static const struct conf_range vlan_ids = { 1, 4094 };

/* What features=-NAME masks. A feature takes those along that are not allowed without it
 * (5.1.3.1). */
#define F_CSUM	    (BIT64(0) | BIT64(1))			   /* CSUM, GUEST_CSUM */
#define F_TSO	    (BIT64(7) | BIT64(8) | BIT64(11) | BIT64(12))  /* GUEST_TSO4/6, HOST_TSO4/6 */
#define F_TSO_KIN   (BIT64(9) | BIT64(10) | BIT64(13) | BIT64(14)) /* ECN, UFO */
#define F_MTU	    BIT64(3)
#define F_MRG_RXBUF BIT64(15)
#define F_STATUS    BIT64(16)
#define F_CTRL_VQ   BIT64(17)
#define F_CTRL_KIN  (BIT64(18) | BIT64(19) | BIT64(21) | BIT64(23)) /* RX, VLAN, ANNOUNCE, MAC */
#define F_MQ	    BIT64(22)
#define F_INDIRECT  BIT64(28)
#define F_EVENT_IDX BIT64(29)
#define F_PACKED    BIT64(34)

static const struct {
	const char *name;
	uint64_t bits;
} features[] = {
	{ "csum", F_CSUM | F_TSO | F_TSO_KIN },
	{ "tso", F_TSO | F_TSO_KIN },
	{ "mtu", F_MTU },
	{ "mrg_rxbuf", F_MRG_RXBUF },
	{ "status", F_STATUS },
	{ "ctrl_vq", F_CTRL_VQ | F_CTRL_KIN | F_MQ },
	{ "mq", F_MQ },
	{ "indirect", F_INDIRECT },
	{ "event_idx", F_EVENT_IDX },
	{ "packed", F_PACKED },
};

static int set_switch(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_name(r, s, "switch", nic->switch_name);
}

static int set_mac(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_mac(r, s, nic->mac);
}

static int set_vlan(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	uint64_t v;
	int ret = conf_number(r, s, "vlan", vlan_ids, &v);

	nic->vlan = (uint16_t)v;
	return ret;
}

static int set_native(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	uint64_t v;
	int ret = conf_number(r, s, "native", vlan_ids, &v);

	nic->vlan = (uint16_t)v;
	return ret;
}

static int add_trunk_vlan(
	struct conf_reader *r, const char *at, struct conf_nic *nic, uint16_t vlan)
{
	for (unsigned i = 0; i < nic->nr_trunk_vlans; i++)
		if (nic->trunk_vlan[i] == vlan)
			return 0;
	if (nic->nr_trunk_vlans == CONF_TRUNK_VLANS)
		return conf_fail(r, at, "trunk: more than %u VLANs (trunk=all allows every one)",
			CONF_TRUNK_VLANS);
	nic->trunk_vlan[nic->nr_trunk_vlans++] = vlan;
	return 0;
}

static int set_trunk(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	struct conf_span item;

	nic->vlan_mode = CONF_VLAN_TRUNK;
	if (conf_equals(s, "all"))
		return 0;
	if (s.len == 0)
		return conf_fail(r, s.at, "trunk: expected all, or VLANs such as 10,20-29");
	while (conf_next(&s, ',', &item)) {
		struct conf_range range;
		int ret = conf_number_range(r, item, "trunk", vlan_ids, &range);

		for (uint64_t v = range.first; !ret && v <= range.last; v++)
			ret = add_trunk_vlan(r, item.at, nic, (uint16_t)v);
		if (ret)
			return ret;
	}
	return 0;
}

static int set_mtu(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	uint64_t v;
	int ret = conf_number(r, s, "mtu", (struct conf_range){ 68, 65535 }, &v);

	nic->mtu = (uint16_t)v;
	return ret;
}

static int set_isolated(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_on_off(r, s, "isolated", &nic->isolated);
}

static int set_spoof_check(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_on_off(r, s, "spoof_check", &nic->spoof_check);
}

static int set_promiscuous(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_on_off(r, s, "promiscuous", &nic->promiscuous);
}

static int set_rate(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	return conf_scaled(r, s, "rate", 1000, &nic->rate_limit_bps);
}

static int mask_feature(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	struct conf_span name = { s.at + 1, s.len - 1 };

	if (s.len < 2 || s.at[0] != '-')
		return conf_fail(r, s.at, "features: expected names with - before them, not '%s'",
			conf_quote(r, s));
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		if (conf_equals(name, features[i].name)) {
			nic->features_off |= features[i].bits;
			return 0;
		}
	}
	return conf_fail(r, name.at, "features: there is no feature '%s'", conf_quote(r, name));
}

static int set_features(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	struct conf_span item;
	int ret = 0;

	if (s.len == 0)
		return mask_feature(r, s, nic);
	while (!ret && conf_next(&s, ',', &item))
		ret = mask_feature(r, item, nic);
	return ret;
}

static int set_queues(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	uint64_t v;
	int ret = conf_number(r, s, "queues", (struct conf_range){ 1, CONF_VCPUS_MAX }, &v);

	nic->queue_pairs = (unsigned)v;
	return ret;
}

enum { NIC_SWITCH, NIC_VLAN, NIC_TRUNK, NIC_NATIVE };

static const struct {
	const char *name;
	int (*set)(struct conf_reader *r, struct conf_span s, struct conf_nic *nic);
	bool is_flag; /* the name alone means on */
} options[] = {
	[NIC_SWITCH] = { "switch", set_switch, false },
	[NIC_VLAN] = { "vlan", set_vlan, false },
	[NIC_TRUNK] = { "trunk", set_trunk, false },
	[NIC_NATIVE] = { "native", set_native, false },
	{ "mac", set_mac, false },
	{ "mtu", set_mtu, false },
	{ "isolated", set_isolated, true },
	{ "spoof_check", set_spoof_check, true },
	{ "promiscuous", set_promiscuous, true },
	{ "rate", set_rate, false },
	{ "features", set_features, false },
	{ "queues", set_queues, false },
};

static int find_option(struct conf_reader *r, struct conf_span name, unsigned *index)
{
	for (*index = 0; *index < ARRAY_SIZE(options); (*index)++)
		if (conf_equals(name, options[*index].name))
			return 0;
	return conf_fail(r, name.at, "nic: unknown option '%s'", conf_quote(r, name));
}

static int parse_option(
	struct conf_reader *r, struct conf_span word, struct conf_nic *nic, uint32_t *seen)
{
	static const char on[] = "on";
	struct conf_span value = word, name = { word.at, 0 };
	unsigned i;
	bool bare = !conf_next(&value, '=', &name) || name.len == word.len;
	int ret = find_option(r, name, &i);

	if (ret)
		return ret;
	if (bare && !options[i].is_flag)
		return conf_fail(r, word.at, "nic: expected %s=VALUE", options[i].name);
	if (*seen & BIT32(i))
		return conf_fail(r, word.at, "nic: %s is given twice", options[i].name);
	*seen |= BIT32(i);
	if (bare)
		value = (struct conf_span){ on, sizeof(on) - 1 };
	return options[i].set(r, value, nic);
}

int conf_nic_parse(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	const char *start = s.at;
	struct conf_span word;
	uint32_t seen = 0;

	*nic = (struct conf_nic){ .vlan = 1, .mtu = 1500, .spoof_check = true, .queue_pairs = 1 };
	while (conf_next(&s, ' ', &word)) {
		int ret = parse_option(r, word, nic, &seen);

		if (ret)
			return ret;
	}
	if (!(seen & BIT32(NIC_SWITCH)))
		return conf_fail(r, start, "nic: expected switch=NAME in it");
	if ((seen & BIT32(NIC_TRUNK)) && (seen & BIT32(NIC_VLAN)))
		return conf_fail(r, start, "nic: vlan= and trunk= exclude each other");
	if ((seen & BIT32(NIC_NATIVE)) && !(seen & BIT32(NIC_TRUNK)))
		return conf_fail(r, start, "nic: native= goes with trunk= only (vlan= without)");
	return 0;
}
