// sources: hv/vm/conf.c hv/vm/conf_sluice.c hv/vm/conf_value.c hv/vm/conf_nic.c hv/vm/conf_port.c hv/vm/conf_uplink.c hv/vm/conf_mirror.c hv/lib/fmt.c
/* sluice.conf: every option, every error with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/errno.h"
#include "lib/log.h"
#include "net/steer.h"
#include "vm/conf.h"

static struct conf conf;
static struct conf_error error;

/* Parses an exact copy, so that the sanitizer sees a read beyond its end. */
static int parse_bytes(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, text, len);
	r = conf_parse(copy, len, &conf, &error);
	free(copy);
	return r;
}

static void parse_ok(const char *text)
{
	int r = parse_bytes(text, strlen(text));

	if (r)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
}

static void parse_fails(const char *text, unsigned line, unsigned column, const char *message)
{
	int r = parse_bytes(text, strlen(text));

	if (r != -EINVAL || error.line != line || error.column != column ||
		strcmp(error.text, message) != 0)
		fail_msg("%d at %u:%u: '%s'\nexpected %u:%u: '%s'", r, error.line, error.column,
			error.text, line, column, message);
}

#define SWITCH "[switch lan]\n"
#define GUEST  "[guest a]\nkernel = k\n"

static void empty_file_gives_defaults(void **state)
{
	(void)state;
	assert_int_equal(conf_parse(NULL, 0, &conf, &error), 0);
	parse_ok("");
	parse_ok("\n\n# nothing\n");
	assert_int_equal(conf.log_level, LOG_INFO);
	assert_false(conf.poweroff_when_idle);
	assert_int_equal(conf.slice_us, 5000);
	assert_int_equal(conf.steer_policy, STEER_FULL);
	assert_int_equal(conf.steer_backend, CONF_STEER_AUTO);
	assert_false(conf.round_robin);
	assert_true(conf.cache_aware);
	assert_true(conf.credit_stealing);
	assert_false(conf.smt_isolated);
	assert_true(conf.apicv);
	assert_true(conf.posted_interrupts);
	assert_int_equal(conf.nr_switches, 0);
	assert_int_equal(conf.nr_guests, 0);
}

static void sluice_options(void **state)
{
	(void)state;
	parse_ok("[sluice]\nlog=debug\nidle = poweroff\nslice_us\t=\t100\napicv=off\n"
		 "posted_interrupts = off # not yet");
	assert_int_equal(conf.log_level, LOG_DEBUG);
	assert_true(conf.poweroff_when_idle);
	assert_int_equal(conf.slice_us, 100);
	assert_false(conf.apicv);
	assert_false(conf.posted_interrupts);
	parse_ok("[sluice]\nlog=error\nidle=halt\napicv=on\n");
	assert_int_equal(conf.log_level, LOG_ERROR);
	assert_false(conf.poweroff_when_idle);
	assert_true(conf.apicv);
}

static void scheduler_options(void **state)
{
	(void)state;
	parse_ok("[sluice]\npolicy = static\nsteer = dca\n");
	assert_int_equal(conf.steer_policy, STEER_STATIC);
	assert_int_equal(conf.steer_backend, CONF_STEER_DCA);
	parse_ok("[sluice]\npolicy = follow\nsteer = none\n");
	assert_int_equal(conf.steer_policy, STEER_FOLLOW);
	assert_int_equal(conf.steer_backend, CONF_STEER_NONE);
	parse_ok("[sluice]\nsched = rr\ncache_aware = off\ncredit_stealing = off\n"
		 "smt = isolated\n");
	assert_true(conf.round_robin);
	assert_false(conf.cache_aware);
	assert_false(conf.credit_stealing);
	assert_true(conf.smt_isolated);
	parse_ok("[sluice]\nsched = full\nsmt = shared\n" GUEST "cap = 100\n");
	assert_false(conf.round_robin);
	assert_false(conf.smt_isolated);
	assert_int_equal(conf.guest[0].cap_percent, 100);
	parse_fails("[sluice]\nsched = fair", 2, 9, "sched: expected full|rr, not 'fair'");
	parse_fails("[sluice]\nsmt = on", 2, 7, "smt: expected shared|isolated, not 'on'");
	parse_fails(GUEST "cap = 0", 3, 7, "cap: expected a number from 1 to 100, not '0'");
	parse_fails(GUEST "cap = 101", 3, 7, "cap: expected a number from 1 to 100, not '101'");
}

static void switch_options(void **state)
{
	(void)state;
	parse_ok("[switch lan]\n[ switch  dmz-1 ] # second\nageing = 10\nstorm_limit = 5000\n");
	assert_int_equal(conf.nr_switches, 2);
	assert_string_equal(conf.sw[0].name, "lan");
	assert_int_equal(conf.sw[0].ageing_s, 300);
	assert_int_equal(conf.sw[0].storm_limit_pps, 0);
	assert_string_equal(conf.sw[1].name, "dmz-1");
	assert_int_equal(conf.sw[1].ageing_s, 10);
	assert_int_equal(conf.sw[1].storm_limit_pps, 5000);
}

static void guest_defaults(void **state)
{
	const struct conf_guest *g = &conf.guest[0];

	(void)state;
	parse_ok(GUEST);
	assert_int_equal(conf.nr_guests, 1);
	assert_string_equal(g->name, "a");
	assert_string_equal(g->kernel, "k");
	assert_string_equal(g->initrd, "");
	assert_string_equal(g->cmdline, "");
	assert_int_equal(g->vcpus, 1);
	assert_int_equal(g->memory_bytes, MIB(256));
	assert_int_equal(g->weight, 256);
	assert_int_equal(g->cap_percent, 0);
	assert_true(core_set_equal(&g->cores, &CORE_SET_ALL));
	assert_true(g->autostart);
	assert_false(g->poweroff_on_exit);
	assert_int_equal(g->nr_nics, 0);
}

static void guest_options(void **state)
{
	const struct conf_guest *g = &conf.guest[0];

	(void)state;
	parse_ok("[guest web]\r\nvcpus = 8\r\nmemory = 3G\r\nkernel = \\guests\\my kernel\r\n"
		 "initrd = rootfs.cpio   # small\r\n"
		 "cmdline =  console=ttyS0 a=b # \"kept\" [x]  \r\n"
		 "weight = 65535\r\ntsc_khz = 2000000\r\ncores = 0-1,3,63,255\r\nautostart = "
		 "off\r\nexit = poweroff\r\n");
	assert_int_equal(g->vcpus, 8);
	assert_true(g->memory_bytes == GIB(3));
	assert_string_equal(g->kernel, "\\guests\\my kernel");
	assert_string_equal(g->initrd, "rootfs.cpio");
	assert_string_equal(g->cmdline, "console=ttyS0 a=b # \"kept\" [x]");
	assert_int_equal(g->weight, 65535);
	assert_int_equal(g->tsc_khz, 2000000);
	assert_true(core_set_equal(
		&g->cores, &(struct core_set){ { 0xb | BIT64(63), 0, 0, BIT64(63) } }));
	assert_false(g->autostart);
	assert_true(g->poweroff_on_exit);
	parse_ok(GUEST "memory = 2097152\ncores = all\nexit = stop\ncmdline =\n");
	assert_int_equal(g->memory_bytes, MIB(2));
	assert_true(core_set_equal(&g->cores, &CORE_SET_ALL));
	assert_false(g->poweroff_on_exit);
	parse_ok(GUEST "memory = 4096k\ncores = 0-255\n");
	assert_int_equal(g->memory_bytes, MIB(4));
	assert_true(core_set_equal(&g->cores, &CORE_SET_ALL));
}

static void nic_defaults(void **state)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 1, 0 };
	const struct conf_nic *n = &conf.guest[0].nic[0];

	(void)state;
	parse_ok(SWITCH GUEST "nic = switch=lan");
	assert_int_equal(conf.guest[0].nr_nics, 1);
	assert_string_equal(n->switch_name, "lan");
	assert_int_equal(n->switch_index, 0);
	assert_memory_equal(n->mac, mac, 6);
	assert_int_equal(n->port.vlan_mode, CONF_VLAN_ACCESS);
	assert_int_equal(n->port.vlan, 1);
	assert_int_equal(n->port.mtu, 1500);
	assert_false(n->port.isolated);
	assert_true(n->spoof_check);
	assert_false(n->port.promiscuous);
	assert_int_equal(n->port.rate_limit_bps, 0);
	assert_int_equal(n->features_off, 0);
	assert_int_equal(n->queue_pairs, 1);
}

static void nic_options(void **state)
{
	static const uint8_t mac[6] = { 0x02, 0xab, 0xcd, 0xef, 0x01, 0x23 };
	const struct conf_nic *n = conf.guest[0].nic;

	(void)state;
	parse_ok(GUEST "nic = mac=02:aB:cd:EF:01:23  switch=two\tvlan=4094 mtu=9000 isolated "
		       "spoof_check=off promiscuous=on rate=2500M queues=8 rx=zero_copy # all\n"
		       "nic = switch=one isolated=off trunk=all rx=copy\n"
		       "nic = switch=one trunk=10,20-22,21 native=4\n"
		       "[switch one]\n[switch two]");
	assert_int_equal(conf.guest[0].nr_nics, 3);
	assert_int_equal(n[0].switch_index, 1);
	assert_memory_equal(n[0].mac, mac, 6);
	assert_int_equal(n[0].port.vlan, 4094);
	assert_int_equal(n[0].port.mtu, 9000);
	assert_true(n[0].port.isolated);
	assert_false(n[0].spoof_check);
	assert_true(n[0].port.promiscuous);
	assert_true(n[0].port.rate_limit_bps == UINT64_C(2500000000));
	assert_int_equal(n[0].queue_pairs, 8);
	assert_true(n[0].rx_zero_copy);
	assert_false(n[1].rx_zero_copy);
	assert_false(n[2].rx_zero_copy);
	assert_false(n[0].link_follow);
	assert_int_equal(n[1].switch_index, 0);
	assert_int_equal(n[1].port.vlan_mode, CONF_VLAN_TRUNK);
	assert_int_equal(n[1].port.nr_trunk_vlans, 0);
	assert_int_equal(n[1].port.vlan, 1);
	assert_false(n[1].port.isolated);
	assert_int_equal(n[2].port.nr_trunk_vlans, 4);
	assert_int_equal(n[2].port.trunk_vlan[0], 10);
	assert_int_equal(n[2].port.trunk_vlan[3], 22);
	assert_int_equal(n[2].port.vlan, 4);
	parse_ok(SWITCH GUEST "nic = switch=lan link=follow\nnic = switch=lan link=up\n");
	assert_true(conf.guest[0].nic[0].link_follow);
	assert_false(conf.guest[0].nic[1].link_follow);
	parse_fails(SWITCH GUEST "nic = switch=lan link=down\n", 4, 23,
		"link: expected up|follow, not 'down'");
}

static void uplink_options(void **state)
{
	const struct conf_uplink *u = &conf.sw[0].uplink, *v = &conf.sw[1].uplink;

	(void)state;
	parse_ok("[switch one]\nuplink = nic=3\n[switch two]\nageing = 20\n"
		 "uplink = pci=0000:a3:1f.7 trunk=10,20 native=5 mtu=9000 rsc=off "
		 "tso=off "
		 "isolated rate=1G # second\n[switch three]\n");
	assert_true(conf.sw[0].has_uplink);
	assert_false(u->by_pci);
	assert_int_equal(u->nic_index, 3);
	assert_int_equal(u->port.vlan, 1);
	assert_int_equal(u->port.mtu, 1500);
	assert_true(u->rsc && u->tso);
	assert_true(v->by_pci);
	assert_int_equal(v->pci_bdf, 0xa3ff);
	assert_int_equal(v->port.nr_trunk_vlans, 2);
	assert_int_equal(v->port.vlan, 5);
	assert_int_equal(v->port.mtu, 9000);
	assert_true(v->port.isolated);
	assert_false(v->rsc || v->tso);
	assert_false(conf.sw[2].has_uplink);
	assert_int_equal(v->rx_buffers, 512);
	parse_ok("[switch one]\nuplink = nic=0 rx_buffers=64\n[switch two]\n"
		 "uplink = nic=1 rx_buffers=4096");
	assert_int_equal(u->rx_buffers, 64);
	assert_int_equal(v->rx_buffers, 4096);
	parse_fails("[switch a]\nuplink = nic=0 rx_buffers=63", 2, 27,
		"rx_buffers: expected a number from 64 to 4096, not '63'");
	parse_ok("[switch one]\nuplink = pci=02:00.1 rsc");
	assert_int_equal(u->pci_bdf, 0x0201);
}

static void mirror_options(void **state)
{
	(void)state;
	parse_ok("[switch a]\nuplink = nic=0 mirror=both\n[switch b]\n[guest g]\nkernel = k\n"
		 "nic = switch=a mirror=rx\nnic = switch=a mirror=to\nnic = switch=b mirror=none\n"
		 "nic = switch=a mirror=tx");
	assert_int_equal(conf.sw[0].uplink.port.mirror, CONF_MIRROR_BOTH);
	assert_int_equal(conf.guest[0].nic[0].port.mirror, CONF_MIRROR_RX);
	assert_int_equal(conf.guest[0].nic[1].port.mirror, CONF_MIRROR_PORT);
	assert_int_equal(conf.guest[0].nic[2].port.mirror, CONF_MIRROR_NONE);
	assert_int_equal(conf.guest[0].nic[3].port.mirror, CONF_MIRROR_TX);
	parse_ok("[switch a]\nuplink = nic=0 mirror=to\n[guest g]\nkernel = k\n"
		 "nic = switch=a mirror=rx");
	parse_fails("[switch a]\nuplink = nic=0 mirror=tx\n", 2, 10,
		"mirror: switch 'a' has no port with mirror=to");
	parse_fails("[switch a]\nuplink = nic=0 mirror=to\n[guest g]\nkernel = k\n"
		    "nic = switch=a\nnic = switch=a mirror=to",
		6, 7, "mirror: switch 'a' has two ports with mirror=to");
	parse_fails("[switch a]\n[switch b]\nuplink = nic=0 mirror=to\n[guest g]\nkernel = k\n"
		    "nic = switch=a mirror=rx",
		6, 7, "mirror: switch 'a' has no port with mirror=to");
}

static void uplink_errors(void **state)
{
	(void)state;
	parse_fails("[switch a]\nuplink = mtu=1500", 2, 10,
		"uplink: expected either nic=N or pci=BB:DD.F in it");
	parse_fails("[switch a]\nuplink = nic=0 pci=00:02.0", 2, 10,
		"uplink: expected either nic=N or pci=BB:DD.F in it");
	parse_fails("[switch a]\nuplink = pci=00:20.0", 2, 14,
		"pci: expected bus:device.function such as 03:00.1, not '00:20.0'");
	parse_fails("[switch a]\nuplink = pci=00:02.8", 2, 14,
		"pci: expected bus:device.function such as 03:00.1, not '00:02.8'");
	parse_fails("[switch a]\nuplink = nic=0 nic=1", 2, 16, "uplink: nic is given twice");
	parse_fails("[switch a]\nuplink = nic=0 vlan=2 trunk=all", 2, 10,
		"uplink: vlan= and trunk= exclude each other");
	parse_fails("[switch a]\nuplink = nic=0 mac=02:00:00:00:00:01", 2, 16,
		"uplink: unknown option 'mac'");
	parse_fails("[switch a]\nuplink = nic=1\n[switch b]\nuplink = nic=1", 4, 10,
		"uplink: its NIC is that of switch 'a'");
}

static uint64_t masked_by(const char *features)
{
	char text[200];

	snprintf(text, sizeof(text), SWITCH GUEST "nic = switch=lan features=%s", features);
	parse_ok(text);
	return conf.guest[0].nic[0].features_off;
}

static void feature_masks(void **state)
{
	const uint64_t tso = BIT64(7) | BIT64(8) | BIT64(11) | BIT64(12);

	(void)state;
	assert_true((masked_by("-tso") & tso) == tso);
	assert_false(masked_by("-tso") & 3);
	assert_true((masked_by("-csum") & (tso | 3)) == (tso | 3)); /* no TSO without CSUM */
	assert_true(masked_by("-mrg_rxbuf") == BIT64(15));
	assert_true(masked_by("-event_idx,-indirect") == (BIT64(28) | BIT64(29)));
	assert_true(masked_by("-ctrl_vq") & BIT64(17));
	assert_true(masked_by("-ctrl_vq") & BIT64(22)); /* MQ needs it */
	assert_true(masked_by("-packed") == BIT64(34));
	assert_true(masked_by("-mq,-status,-mtu") == (BIT64(22) | BIT64(16) | BIT64(3)));
}

static void default_macs_differ(void **state)
{
	static const uint8_t last[6] = { 0x52, 0x54, 0, 0, 2, 1 };

	(void)state;
	parse_ok(SWITCH GUEST "nic = switch=lan\nnic = switch=lan\n"
			      "[guest b]\nkernel=k\nnic = switch=lan\nnic = switch=lan\n");
	assert_memory_equal(conf.guest[1].nic[1].mac, last, 6);
}

static void byte_order_mark_and_comments(void **state)
{
	(void)state;
	parse_ok("\xef\xbb\xbf# K\xc3\xb6nig\n[sluice]\nlog = warn");
	assert_int_equal(conf.log_level, LOG_WARN);
}

static void section_errors(void **state)
{
	(void)state;
	parse_fails("log = info\n", 1, 1, "'log' stands before the first [section]");
	parse_fails("\n  [vm a]", 2, 4,
		"unknown section 'vm': expected sluice, switch NAME or guest NAME");
	parse_fails("[]", 1, 2, "unknown section '': expected sluice, switch NAME or guest NAME");
	parse_fails("[", 1, 2, "expected ']' at the end of the section's name");
	parse_fails("[sluice", 1, 8, "expected ']' at the end of the section's name");
	parse_fails("[sluice x]", 1, 9, "[sluice] has no name");
	parse_fails("[sluice]\n[sluice]", 2, 1, "[sluice] is given twice");
	parse_fails("[guest]", 1, 7, "guest: expected a name");
	parse_fails(
		"[guest a b]", 1, 9, "guest: a name has letters, digits, - _ and . only, not ' '");
	parse_fails(
		"[switch 0123456789abcdef]", 1, 9, "switch: 16 characters, at most 15 are allowed");
	parse_fails(SWITCH SWITCH, 2, 9, "there are two switches 'lan'");
	parse_fails(GUEST "[guest a]", 3, 8, "there are two guests 'a'");
}

static void line_errors(void **state)
{
	(void)state;
	parse_fails("[sluice]\nlog", 2, 1, "expected [section] or option = value, not 'log'");
	parse_fails("[sluice]\n = 3", 2, 2, "expected an option's name before '='");
	parse_fails("[sluice]\n\tageing = 3", 2, 2, "unknown option 'ageing' in [sluice]");
	parse_fails(SWITCH "kernel=3", 2, 1, "unknown option 'kernel' in [switch]");
	parse_fails(GUEST "Memory = 2M", 3, 1, "unknown option 'Memory' in [guest]");
	parse_fails(GUEST "kernel = z", 3, 1, "kernel is given twice");
	parse_fails("[sluice]\nlog=info\nlog=info", 3, 1, "log is given twice");
	parse_fails("[sluice]\nabcdefghijklmnopqrstuvwxyzabcdefghijklmn = 3", 2, 1,
		"unknown option 'abcdefghijklmnopqrstuvwxyzabc..' in [sluice]");
}

static void byte_errors(void **state)
{
	static const char nul[] = "[sluice]\nlog\0 = info";

	(void)state;
	assert_int_equal(parse_bytes(nul, sizeof(nul) - 1), -EINVAL);
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 4);
	assert_string_equal(error.text, "byte 0x00: expected ASCII text");
	assert_int_equal(parse_bytes("# \0", 3), -EINVAL);
	parse_fails("[guest k\xc3\xb6nig]", 1, 9, "byte 0xc3: expected ASCII text");
	parse_fails("[sluice]\rlog=info", 1, 9, "byte 0x0d: expected ASCII text");
	parse_fails("\x7f", 1, 1, "byte 0x7f: expected ASCII text");
}

static void value_errors(void **state)
{
	(void)state;
	parse_fails(
		"[sluice]\nlog = loud", 2, 7, "log: expected error|warn|info|debug, not 'loud'");
	parse_fails("[sluice]\nlog =", 2, 6, "log: expected error|warn|info|debug, not ''");
	parse_fails("[sluice]\nidle = war", 2, 8, "idle: expected halt|poweroff, not 'war'");
	parse_fails("[sluice]\napicv = yes", 2, 9, "apicv: expected off|on, not 'yes'");
	parse_fails("[sluice]\nslice_us = 99", 2, 12,
		"slice_us: expected a number from 100 to 1000000, not '99'");
	parse_fails(
		SWITCH "ageing=5", 2, 8, "ageing: expected a number from 10 to 1000000, not '5'");
	parse_fails(SWITCH "storm_limit=-1", 2, 13,
		"storm_limit: expected a number from 0 to 1000000000, not '-1'");
	parse_fails(GUEST "vcpus = 0", 3, 9, "vcpus: expected a number from 1 to 8, not '0'");
	parse_fails(GUEST "vcpus = 9", 3, 9, "vcpus: expected a number from 1 to 8, not '9'");
	parse_fails(GUEST "vcpus = 2 2", 3, 9, "vcpus: expected a number from 1 to 8, not '2 2'");
	parse_fails(GUEST "vcpus = 18446744073709551617", 3, 9,
		"vcpus: expected a number from 1 to 8, not '18446744073709551617'");
	parse_fails(
		GUEST "weight = x", 3, 10, "weight: expected a number from 1 to 65535, not 'x'");
	parse_fails(GUEST "kernel =", 3, 1, "kernel is given twice");
	parse_fails("[guest a]\nkernel = # none", 2, 10, "kernel: expected a text after '='");
}

static void memory_errors(void **state)
{
	(void)state;
	parse_fails(GUEST "memory = 0", 3, 10, "memory: '0' is not a multiple of 2M");
	parse_fails(GUEST "memory = 3M", 3, 10, "memory: '3M' is not a multiple of 2M");
	parse_fails(GUEST "memory = 1025G", 3, 10, "memory: '1025G' is more than 1024G");
	parse_fails(GUEST "memory = G", 3, 10,
		"memory: expected a number, with K, M or G after it or not, not 'G'");
	parse_fails(GUEST "memory = 18014398509481985G", 3, 10,
		"memory: expected a number, with K, M or G after it or not, "
		"not '18014398509481985G'");
	parse_fails(GUEST "memory = 2 M", 3, 10,
		"memory: expected a number, with K, M or G after it or not, not '2 M'");
}

static void core_errors(void **state)
{
	(void)state;
	parse_fails(GUEST "cores =", 3, 8, "cores: expected a number from 0 to 255, not ''");
	parse_fails(GUEST "cores = 256", 3, 9, "cores: expected a number from 0 to 255, not '256'");
	parse_fails(GUEST "cores = 0,,1", 3, 11, "cores: expected a number from 0 to 255, not ''");
	parse_fails(GUEST "cores = 1-", 3, 11, "cores: expected a number from 0 to 255, not ''");
	parse_fails(GUEST "cores = 0,3-2", 3, 11, "cores: the range '3-2' runs backwards");
}

static void nic_errors(void **state)
{
	(void)state;
	parse_fails(SWITCH GUEST "nic =", 4, 6, "nic: expected switch=NAME in it");
	parse_fails(SWITCH GUEST "nic = vlan=3", 4, 7, "nic: expected switch=NAME in it");
	parse_fails(SWITCH GUEST "nic = switch=wan", 4, 7, "nic: there is no [switch wan]");
	parse_fails(SWITCH GUEST "nic = switch", 4, 7, "nic: expected switch=VALUE");
	parse_fails(SWITCH GUEST "nic = switch=", 4, 14, "switch: expected a name");
	parse_fails(SWITCH GUEST "nic = switch=lan speed=3", 4, 18, "nic: unknown option 'speed'");
	parse_fails(SWITCH GUEST "nic = switch=lan =3", 4, 18, "nic: unknown option ''");
	parse_fails(SWITCH GUEST "nic = switch=lan mtu=9 mtu=8", 4, 22,
		"mtu: expected a number from 68 to 65535, not '9'");
	parse_fails(
		SWITCH GUEST "nic = switch=lan mtu=99 mtu=98", 4, 25, "nic: mtu is given twice");
	parse_fails(SWITCH GUEST "nic = switch=lan isolated=", 4, 27,
		"isolated: expected off|on, not ''");
	parse_fails(SWITCH GUEST "nic = switch=lan vlan=4095", 4, 23,
		"vlan: expected a number from 1 to 4094, not '4095'");
	parse_fails(SWITCH GUEST "nic = switch=lan vlan=3 trunk=all", 4, 7,
		"nic: vlan= and trunk= exclude each other");
	parse_fails(SWITCH GUEST "nic = switch=lan native=3", 4, 7,
		"nic: native= goes with trunk= only (vlan= without)");
	parse_fails(SWITCH GUEST "nic = switch=lan trunk=", 4, 24,
		"trunk: expected all, or VLANs such as 10,20-29");
	parse_fails(SWITCH GUEST "nic = switch=lan trunk=1,0", 4, 26,
		"trunk: expected a number from 1 to 4094, not '0'");
	parse_fails(SWITCH GUEST "nic = switch=lan trunk=1-17", 4, 24,
		"trunk: more than 16 VLANs (trunk=all allows every one)");
	parse_fails(SWITCH GUEST "nic = switch=lan queues=9", 4, 25,
		"queues: expected a number from 1 to 8, not '9'");
	parse_fails(SWITCH GUEST "nic = switch=lan rx=fast", 4, 21,
		"rx: expected copy or zero_copy, not 'fast'");
	parse_fails(SWITCH GUEST "nic = switch=lan rate=1T", 4, 23,
		"rate: expected a number, with K, M or G after it or not, not '1T'");
}

static void mac_errors(void **state)
{
	(void)state;
	parse_fails(SWITCH GUEST "nic = switch=lan mac=52:54:00:12:34", 4, 22,
		"mac: expected six bytes such as 52:54:00:12:34:56, not '52:54:00:12:34'");
	parse_fails(SWITCH GUEST "nic = switch=lan mac=52:54:00:12:34:5g", 4, 22,
		"mac: expected six bytes such as 52:54:00:12:34:56, not '52:54:00:12:34:5g'");
	parse_fails(SWITCH GUEST "nic = switch=lan mac=52-54-00-12-34-56", 4, 22,
		"mac: expected six bytes such as 52:54:00:12:34:56, not '52-54-00-12-34-56'");
	parse_fails(SWITCH GUEST "nic = switch=lan mac=01:00:5e:00:00:01", 4, 22,
		"mac: '01:00:5e:00:00:01' is not the address of one station");
	parse_fails(SWITCH GUEST "nic = switch=lan mac=00:00:00:00:00:00", 4, 22,
		"mac: '00:00:00:00:00:00' is not the address of one station");
	parse_fails(SWITCH GUEST "nic = switch=lan\nnic = switch=lan mac=52:54:00:00:01:00", 5, 7,
		"nic: its mac is that of a NIC of guest 'a'");
	parse_fails(SWITCH GUEST "nic = switch=lan mac=52:54:00:00:02:00\n"
				 "[guest b]\nkernel=k\nnic = switch=lan",
		7, 7, "nic: its mac is that of a NIC of guest 'a'");
}

static void feature_errors(void **state)
{
	(void)state;
	parse_fails(SWITCH GUEST "nic = switch=lan features=tso", 4, 27,
		"features: expected names with - before them, not 'tso'");
	parse_fails(SWITCH GUEST "nic = switch=lan features=", 4, 27,
		"features: expected names with - before them, not ''");
	parse_fails(SWITCH GUEST "nic = switch=lan features=-tso,-lro", 4, 33,
		"features: there is no feature 'lro'");
}

static void missing_kernel(void **state)
{
	(void)state;
	parse_fails(
		"[guest a]\nkernel=k\n[guest b]\nvcpus = 2\n", 3, 8, "guest 'b' has no kernel=");
}

/* Appends count copies of a line with a number in it. */
static void append(char *text, size_t cap, const char *format, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		snprintf(text + strlen(text), cap - strlen(text), format, i);
}

static void too_many(void **state)
{
	static char text[8192];

	(void)state;
	text[0] = '\0';
	append(text, sizeof(text), "[switch s%u]\n", CONF_SWITCHES_MAX);
	parse_ok(text);
	append(text, sizeof(text), "[switch t%u]\n", 1);
	parse_fails(text, 9, 9, "more than 8 switches");

	text[0] = '\0';
	append(text, sizeof(text), "[guest g%u]\nkernel=k\n", CONF_GUESTS_MAX);
	parse_ok(text);
	append(text, sizeof(text), "[guest h%u]\n", 1);
	parse_fails(text, 33, 8, "more than 16 guests");

	strcpy(text, SWITCH GUEST);
	append(text, sizeof(text), "nic = switch=lan queues=1\n", CONF_NICS_MAX);
	parse_ok(text);
	append(text, sizeof(text), "nic = switch=lan queues=1\n", 1);
	parse_fails(text, 8, 7, "guest 'a': more than 4 NICs");
}

static void too_many_ports(void **state)
{
	static char text[8192];

	(void)state;
	strcpy(text, SWITCH);
	append(text, sizeof(text),
		"[guest g%u]\nkernel=k\nnic=switch=lan\nnic=switch=lan\nnic=switch=lan\n", 10);
	append(text, sizeof(text), "[guest h%u]\nkernel=k\nnic=switch=lan\n", 1);
	parse_ok(text);
	append(text, sizeof(text), "nic=switch=lan\n", 1);
	parse_fails(text, 55, 5, "switch 'lan' has more than 31 ports");
}

static void text_limits(void **state)
{
	static char text[2048];

	(void)state;
	strcpy(text, "[guest a]\nkernel=");
	append(text, sizeof(text), "k", CONF_PATH_MAX - 1);
	parse_ok(text);
	assert_int_equal(strlen(conf.guest[0].kernel), CONF_PATH_MAX - 1);
	append(text, sizeof(text), "k", 1);
	parse_fails(text, 2, 8, "kernel: 128 characters, at most 127 are allowed");
	strcpy(text, GUEST "cmdline = ");
	append(text, sizeof(text), "c", CONF_CMDLINE_MAX - 1);
	parse_ok(text);
	append(text, sizeof(text), "c", 1);
	parse_fails(text, 3, 11, "cmdline: 1024 characters, at most 1023 are allowed");
}

static void size_limit(void **state)
{
	char *text = malloc(CONF_SIZE_MAX + 1);

	(void)state;
	memset(text, '\n', CONF_SIZE_MAX + 1);
	assert_int_equal(conf_parse(text, CONF_SIZE_MAX, &conf, &error), 0);
	assert_int_equal(conf_parse(text, CONF_SIZE_MAX + 1, &conf, &error), -EINVAL);
	assert_int_equal(error.line, 1);
	assert_string_equal(error.text, "65537 bytes, at most 65536 are allowed");
	free(text);
}

/* Every prefix of a rich file either parses or says where it fails. */
static void truncated_anywhere(void **state)
{
	static const char text[] = SWITCH GUEST
		"memory = 512M\ncores = 0-3,5\ncmdline = quiet\n"
		"nic = switch=lan mac=52:54:00:12:34:56 trunk=10,20-22 native=7 features=-tso\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		int r = parse_bytes(text, len);

		assert_true(r == 0 || (r == -EINVAL && error.line > 0 && error.column > 0 &&
					      error.text[0] != '\0'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_gives_defaults),
		cmocka_unit_test(sluice_options),
		cmocka_unit_test(scheduler_options),
		cmocka_unit_test(switch_options),
		cmocka_unit_test(guest_defaults),
		cmocka_unit_test(guest_options),
		cmocka_unit_test(nic_defaults),
		cmocka_unit_test(nic_options),
		cmocka_unit_test(uplink_options),
		cmocka_unit_test(uplink_errors),
		cmocka_unit_test(mirror_options),
		cmocka_unit_test(feature_masks),
		cmocka_unit_test(default_macs_differ),
		cmocka_unit_test(byte_order_mark_and_comments),
		cmocka_unit_test(section_errors),
		cmocka_unit_test(line_errors),
		cmocka_unit_test(byte_errors),
		cmocka_unit_test(value_errors),
		cmocka_unit_test(memory_errors),
		cmocka_unit_test(core_errors),
		cmocka_unit_test(nic_errors),
		cmocka_unit_test(mac_errors),
		cmocka_unit_test(feature_errors),
		cmocka_unit_test(missing_kernel),
		cmocka_unit_test(too_many),
		cmocka_unit_test(too_many_ports),
		cmocka_unit_test(text_limits),
		cmocka_unit_test(size_limit),
		cmocka_unit_test(truncated_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
