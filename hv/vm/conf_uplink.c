/* sluice.conf: uplink = nic=N | pci=BB:DD.F [rsc=..] [tso=..] [vlan=N | ...]: a
 * physical NIC's port on a switch. See docs/sluice-conf.md. */
#include "vm/conf_value.h"

#include "lib/errno.h"

#define NICS_MAX 63

static int set_nic(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_uplink *u = target;
	uint64_t v;
	int ret = conf_number(r, s, "nic", (struct conf_range){ 0, NICS_MAX }, &v);

	u->nic_index = (unsigned)v;
	return ret;
}

static int set_pci(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_uplink *u = target;

	u->by_pci = true;
	return conf_pci(r, s, "pci", &u->pci_bdf);
}

static int set_rsc(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_uplink *u = target;

	return conf_on_off(r, s, "rsc", &u->rsc);
}

static int set_tso(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_uplink *u = target;

	return conf_on_off(r, s, "tso", &u->tso);
}

static int set_rx_buffers(struct conf_reader *r, struct conf_span s, void *target)
{
	struct conf_uplink *u = target;
	uint64_t v;
	int ret = conf_number(r, s, "rx_buffers", (struct conf_range){ 64, 4096 }, &v);

	u->rx_buffers = (unsigned)v;
	return ret;
}

enum { UPLINK_NIC, UPLINK_PCI };

static const struct conf_port_option options[] = {
	[UPLINK_NIC] = { "nic", set_nic, false },
	[UPLINK_PCI] = { "pci", set_pci, false },
	{ "rsc", set_rsc, true },
	{ "tso", set_tso, true },
	{ "rx_buffers", set_rx_buffers, false },
};

int conf_uplink_parse(struct conf_reader *r, struct conf_span s, struct conf_uplink *uplink)
{
	struct conf_port_line l = { .what = "uplink",
		.options = options,
		.nr_options = ARRAY_SIZE(options),
		.target = uplink,
		.port = &uplink->port };
	uint32_t which;
	int ret;

	*uplink = (struct conf_uplink){ .rsc = true, .tso = true, .rx_buffers = 512 };
	ret = conf_port_parse(r, s, &l);
	if (ret)
		return ret;
	which = l.seen & (BIT32(UPLINK_NIC) | BIT32(UPLINK_PCI));
	if (!which || (which & (which - 1)))
		return conf_fail(r, s.at, "uplink: expected either nic=N or pci=BB:DD.F in it");
	return 0;
}
