/* sluice.conf: mirror= of a switch's ports: one of them gets the copies, if any port is mirrored.
 * See docs/sluice-conf.md. */
#include "vm/conf_parser.h"

#include "lib/errno.h"

/* Of one switch. */
struct mirrors {
	unsigned nr_to;
	bool mirrored;
	struct conf_where mirrored_at; /* one of those that are mirrored */
};

static int add(struct conf_parser *p, struct mirrors *m, const struct conf_port *port,
	struct conf_where at, const struct conf_switch *sw)
{
	if (port->mirror == CONF_MIRROR_PORT && m->nr_to++)
		return conf_fail_at(
			&p->r, at, "mirror: switch '%s' has two ports with mirror=to", sw->name);
	if (port->mirror == CONF_MIRROR_NONE || port->mirror == CONF_MIRROR_PORT)
		return 0;
	m->mirrored = true;
	m->mirrored_at = at;
	return 0;
}

static int check_switch(struct conf_parser *p, unsigned sw_index)
{
	const struct conf_switch *sw = &p->c->sw[sw_index];
	struct mirrors m = { 0 };
	int ret = 0;

	if (sw->has_uplink)
		ret = add(p, &m, &sw->uplink.port, p->uplink_at[sw_index], sw);
	for (unsigned g = 0; g < p->c->nr_guests; g++) {
		const struct conf_guest *guest = &p->c->guest[g];

		for (unsigned n = 0; !ret && n < guest->nr_nics; n++)
			if (guest->nic[n].switch_index == sw_index)
				ret = add(p, &m, &guest->nic[n].port, p->nic_at[g][n], sw);
	}
	if (!ret && m.mirrored && !m.nr_to)
		ret = conf_fail_at(&p->r, m.mirrored_at,
			"mirror: switch '%s' has no port with mirror=to", sw->name);
	return ret;
}

int conf_mirrors_check(struct conf_parser *p)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < p->c->nr_switches; i++)
		ret = check_switch(p, i);
	return ret;
}
