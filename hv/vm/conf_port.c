/* sluice.conf: what all ports of a switch may be given, and lines made of such options. See
 * docs/sluice-conf.md. */
#include "vm/conf_value.h"

#include "lib/errno.h"
#include "lib/string.h"

static const struct conf_range vlan_ids = { 1, 4094 };

static int set_vlan(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	uint64_t v;
	int ret = conf_number(r, s, "vlan", vlan_ids, &v);

	port->vlan = (uint16_t)v;
	return ret;
}

static int set_native(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	uint64_t v;
	int ret = conf_number(r, s, "native", vlan_ids, &v);

	port->vlan = (uint16_t)v;
	return ret;
}

static int add_trunk_vlan(
	struct conf_reader *r, const char *at, struct conf_port *port, uint16_t vlan)
{
	for (unsigned i = 0; i < port->nr_trunk_vlans; i++)
		if (port->trunk_vlan[i] == vlan)
			return 0;
	if (port->nr_trunk_vlans == CONF_TRUNK_VLANS)
		return conf_fail(r, at, "trunk: more than %u VLANs (trunk=all allows every one)",
			CONF_TRUNK_VLANS);
	port->trunk_vlan[port->nr_trunk_vlans++] = vlan;
	return 0;
}

static int set_trunk(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	struct conf_span item;

	port->vlan_mode = CONF_VLAN_TRUNK;
	if (conf_equals(s, "all"))
		return 0;
	if (s.len == 0)
		return conf_fail(r, s.at, "trunk: expected all, or VLANs such as 10,20-29");
	while (conf_next(&s, ',', &item)) {
		struct conf_range range;
		int ret = conf_number_range(r, item, "trunk", vlan_ids, &range);

		for (uint64_t v = range.first; !ret && v <= range.last; v++)
			ret = add_trunk_vlan(r, item.at, port, (uint16_t)v);
		if (ret)
			return ret;
	}
	return 0;
}

static int set_mtu(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	uint64_t v;
	int ret = conf_number(r, s, "mtu", (struct conf_range){ 68, 65535 }, &v);

	port->mtu = (uint16_t)v;
	return ret;
}

static int set_isolated(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	return conf_on_off(r, s, "isolated", &port->isolated);
}

static int set_promiscuous(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	return conf_on_off(r, s, "promiscuous", &port->promiscuous);
}

static int set_rate(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	return conf_scaled(r, s, "rate", 1000, &port->rate_limit_bps);
}

static int set_mirror(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_port *port = target;
	unsigned place = 0;
	int ret = conf_choice(r, s, "mirror", "none|rx|tx|both|to", &place);

	port->mirror = (enum conf_mirror)place;
	return ret;
}

enum { PORT_VLAN, PORT_TRUNK, PORT_NATIVE };

static const struct conf_port_option port_options[] = {
	[PORT_VLAN] = { "vlan", set_vlan, false },
	[PORT_TRUNK] = { "trunk", set_trunk, false },
	[PORT_NATIVE] = { "native", set_native, false },
	{ "mtu", set_mtu, false },
	{ "isolated", set_isolated, true },
	{ "promiscuous", set_promiscuous, true },
	{ "rate", set_rate, false },
	{ "mirror", set_mirror, false },
};

/* An option by its name, in one table; -1: not in it. */
static int find(const struct conf_port_option *o, unsigned nr, struct conf_span name)
{
	for (unsigned i = 0; i < nr; i++)
		if (conf_equals(name, o[i].name))
			return (int)i;
	return -1;
}

struct word {
	struct conf_span all, name, value;
	bool bare; /* no = in it */
};

static struct word split(struct conf_span all)
{
	struct word w = { .all = all, .name = { all.at, 0 }, .value = all };

	w.bare = !conf_next(&w.value, '=', &w.name) || w.name.len == all.len;
	return w;
}

static int set(struct conf_reader *r, const struct word *w, const char *what,
	const struct conf_port_option *o, void *target)
{
	static const char on[] = "on";

	if (!w->bare)
		return o->set(r, w->value, target);
	if (!o->is_flag)
		return conf_fail(r, w->all.at, "%s: expected %s=VALUE", what, o->name);
	return o->set(r, (struct conf_span){ on, sizeof(on) - 1 }, target);
}

static int parse_word(
	struct conf_reader *r, struct conf_span s, struct conf_port_line *l, uint32_t *seen)
{
	struct word w = split(s);
	const struct conf_port_option *table = l->options;
	int i = find(table, l->nr_options, w.name);
	void *target = l->target;
	uint32_t *given = &l->seen;

	if (i < 0) {
		table = port_options;
		i = find(table, ARRAY_SIZE(port_options), w.name);
		target = l->port;
		given = seen;
	}
	if (i < 0)
		return conf_fail(
			r, w.name.at, "%s: unknown option '%s'", l->what, conf_quote(r, w.name));
	if (*given & BIT32(i))
		return conf_fail(r, s.at, "%s: %s is given twice", l->what, table[i].name);
	*given |= BIT32(i);
	return set(r, &w, l->what, &table[i], target);
}

int conf_port_parse(struct conf_reader *r, struct conf_span s, struct conf_port_line *l)
{
	const char *start = s.at;
	struct conf_span word;
	uint32_t seen = 0;

	*l->port = (struct conf_port){ .vlan = 1, .mtu = 1500 };
	l->seen = 0;
	while (conf_next(&s, ' ', &word)) {
		int ret = parse_word(r, word, l, &seen);

		if (ret)
			return ret;
	}
	if ((seen & BIT32(PORT_TRUNK)) && (seen & BIT32(PORT_VLAN)))
		return conf_fail(r, start, "%s: vlan= and trunk= exclude each other", l->what);
	if ((seen & BIT32(PORT_NATIVE)) && !(seen & BIT32(PORT_TRUNK)))
		return conf_fail(
			r, start, "%s: native= goes with trunk= only (vlan= without)", l->what);
	return 0;
}
