/* sluice.conf: nic = switch=NAME [mac=..] [vlan=N | trunk=all|N,N-M [native=N]] [rx=..] ...: a
 * guest's NIC.
 *
 * Feature bits: virtio 1.2, 5.1.3 and 6. See docs/sluice-conf.md. */
#include "vm/conf_value.h"

#include "lib/errno.h"
#include "lib/string.h"

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

static int set_switch(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	return conf_name(r, s, "switch", nic->switch_name);
}

static int set_mac(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	return conf_mac(r, s, nic->mac);
}

static int set_spoof_check(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	return conf_on_off(r, s, "spoof_check", &nic->spoof_check);
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

static int set_features(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	struct conf_span item;
	int ret = 0;

	if (s.len == 0)
		return mask_feature(r, s, nic);
	while (!ret && conf_next(&s, ',', &item))
		ret = mask_feature(r, item, nic);
	return ret;
}

static int set_queues(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	uint64_t v;
	int ret = conf_number(r, s, "queues", (struct conf_range){ 1, CONF_VCPUS_MAX }, &v);

	nic->queue_pairs = (unsigned)v;
	return ret;
}

static int set_rx(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;

	nic->rx_zero_copy = conf_equals(s, "zero_copy");
	if (!nic->rx_zero_copy && !conf_equals(s, "copy"))
		return conf_fail(
			r, s.at, "rx: expected copy or zero_copy, not '%s'", conf_quote(r, s));
	return 0;
}

static int set_link(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_nic *nic = target;
	unsigned place = 0;
	int ret = conf_choice(r, s, "link", "up|follow", &place);

	nic->link_follow = place == 1;
	return ret;
}

enum { NIC_SWITCH };

static const struct conf_port_option options[] = {
	[NIC_SWITCH] = { "switch", set_switch, false },
	{ "mac", set_mac, false },
	{ "spoof_check", set_spoof_check, true },
	{ "features", set_features, false },
	{ "queues", set_queues, false },
	{ "rx", set_rx, false },
	{ "link", set_link, false },
};

int conf_nic_parse(struct conf_reader *r, struct conf_span s, struct conf_nic *nic)
{
	struct conf_port_line l = { .what = "nic",
		.options = options,
		.nr_options = ARRAY_SIZE(options),
		.target = nic,
		.port = &nic->port };
	int ret;

	*nic = (struct conf_nic){ .spoof_check = true, .queue_pairs = 1 };
	ret = conf_port_parse(r, s, &l);
	if (!ret && !(l.seen & BIT32(NIC_SWITCH)))
		return conf_fail(r, s.at, "nic: expected switch=NAME in it");
	return ret;
}
