/* sluice.conf: lines, sections and options. See docs/sluice-conf.md.
 *
 * One pass over the text, line by line; what refers to other sections (a NIC's switch, addresses
 * that must differ) is checked when all of it was read. The text is hostile: every byte of a line
 * is checked before the line is looked at. */
#include "vm/conf.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/conf_parser.h"

int conf_unsigned(struct conf_parser *p, struct conf_span s, const char *what,
	struct conf_range allowed, unsigned *out)
{
	uint64_t v;
	int ret = conf_number(&p->r, s, what, allowed, &v);

	*out = (unsigned)v;
	return ret;
}

/* [switch NAME] */

static int set_ageing(struct conf_parser *p, struct conf_span s)
{
	/* IEEE 802.1D-2004, table 7-5 */
	return conf_unsigned(p, s, "ageing", (struct conf_range){ 10, 1000000 }, &p->sw->ageing_s);
}

static int set_storm_limit(struct conf_parser *p, struct conf_span s)
{
	return conf_number(&p->r, s, "storm_limit", (struct conf_range){ 0, 1000000000 },
		&p->sw->storm_limit_pps);
}

static int set_uplink(struct conf_parser *p, struct conf_span s)
{
	p->sw->has_uplink = true;
	p->uplink_at[p->sw - p->c->sw] = conf_where(&p->r, s.at);
	return conf_uplink_parse(&p->r, s, &p->sw->uplink);
}

static const struct conf_option switch_options[] = {
	{ .name = "ageing", .set = set_ageing },
	{ .name = "storm_limit", .set = set_storm_limit },
	{ .name = "uplink", .set = set_uplink },
};

/* [guest NAME] */

static int set_vcpus(struct conf_parser *p, struct conf_span s)
{
	return conf_unsigned(
		p, s, "vcpus", (struct conf_range){ 1, CONF_VCPUS_MAX }, &p->guest->vcpus);
}

static int set_memory(struct conf_parser *p, struct conf_span s)
{
	uint64_t bytes;
	int ret = conf_scaled(&p->r, s, "memory", 1024, &bytes);

	if (ret)
		return ret;
	if (bytes == 0 || !IS_ALIGNED(bytes, MIB(2)))
		return conf_fail(
			&p->r, s.at, "memory: '%s' is not a multiple of 2M", conf_quote(&p->r, s));
	if (bytes > CONF_MEMORY_MAX)
		return conf_fail(&p->r, s.at, "memory: '%s' is more than %luG",
			conf_quote(&p->r, s), CONF_MEMORY_MAX / GIB(1));
	p->guest->memory_bytes = bytes;
	return 0;
}

static int set_kernel(struct conf_parser *p, struct conf_span s)
{
	return conf_text(&p->r, s, "kernel", p->guest->kernel, sizeof(p->guest->kernel));
}

static int set_initrd(struct conf_parser *p, struct conf_span s)
{
	return conf_text(&p->r, s, "initrd", p->guest->initrd, sizeof(p->guest->initrd));
}

static int set_cmdline(struct conf_parser *p, struct conf_span s)
{
	if (s.len == 0)
		return 0;
	return conf_text(&p->r, s, "cmdline", p->guest->cmdline, sizeof(p->guest->cmdline));
}

static int set_weight(struct conf_parser *p, struct conf_span s)
{
	return conf_unsigned(p, s, "weight", (struct conf_range){ 1, 65535 }, &p->guest->weight);
}

static int set_cap(struct conf_parser *p, struct conf_span s)
{
	return conf_unsigned(p, s, "cap", (struct conf_range){ 1, 100 }, &p->guest->cap_percent);
}

static int set_tsc_khz(struct conf_parser *p, struct conf_span s)
{
	return conf_unsigned(
		p, s, "tsc_khz", (struct conf_range){ 10000, 10000000 }, &p->guest->tsc_khz);
}

static int set_cores(struct conf_parser *p, struct conf_span s)
{
	struct conf_span item = s;

	if (conf_equals(s, "all"))
		return 0;
	p->guest->cores = (struct core_set){ { 0 } };
	do {
		struct conf_range range;
		int ret;

		if (!conf_next(&s, ',', &item))
			item = s; /* empty, which is no number */
		ret = conf_number_range(
			&p->r, item, "cores", (struct conf_range){ 0, CORE_SET_MAX - 1 }, &range);
		if (ret)
			return ret;
		for (uint64_t core = range.first; core <= range.last; core++)
			core_set_add(&p->guest->cores, (unsigned)core);
	} while (s.len > 0);
	return 0;
}

static int set_autostart(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "autostart", &p->guest->autostart);
}

static int set_exit(struct conf_parser *p, struct conf_span s)
{
	unsigned place = 0;
	int ret = conf_choice(&p->r, s, "exit", "stop|poweroff", &place);

	p->guest->poweroff_on_exit = place == 1;
	return ret;
}

static int add_nic(struct conf_parser *p, struct conf_span s)
{
	struct conf_guest *g = p->guest;
	int ret;

	if (g->nr_nics == CONF_NICS_MAX)
		return conf_fail(
			&p->r, s.at, "guest '%s': more than %u NICs", g->name, CONF_NICS_MAX);
	ret = conf_nic_parse(&p->r, s, &g->nic[g->nr_nics]);
	p->nic_at[g - p->c->guest][g->nr_nics++] = conf_where(&p->r, s.at);
	return ret;
}

static const struct conf_option guest_options[] = {
	{ .name = "vcpus", .set = set_vcpus },
	{ .name = "memory", .set = set_memory },
	{ .name = "kernel", .set = set_kernel },
	{ .name = "initrd", .set = set_initrd },
	{ .name = "cmdline", .set = set_cmdline, .whole_line = true },
	{ .name = "weight", .set = set_weight },
	{ .name = "cap", .set = set_cap },
	{ .name = "cores", .set = set_cores },
	{ .name = "tsc_khz", .set = set_tsc_khz },
	{ .name = "autostart", .set = set_autostart },
	{ .name = "exit", .set = set_exit },
	{ .name = "nic", .set = add_nic, .repeats = true },
};

static const struct section_kind {
	const char *title;
	const struct conf_option *options;
	unsigned nr_options;
} sections[] = {
	[CONF_SECTION_NONE] = { "", NULL, 0 },
	[CONF_SECTION_SLUICE] = { "[sluice]", conf_sluice_options, CONF_SLUICE_OPTIONS },
	[CONF_SECTION_SWITCH] = { "[switch]", switch_options, ARRAY_SIZE(switch_options) },
	[CONF_SECTION_GUEST] = { "[guest]", guest_options, ARRAY_SIZE(guest_options) },
};

static int begin_sluice(struct conf_parser *p, struct conf_span name)
{
	if (name.len > 0)
		return conf_fail(&p->r, name.at, "[sluice] has no name");
	if (p->had_sluice)
		return conf_fail(&p->r, p->r.line_start, "[sluice] is given twice");
	p->had_sluice = true;
	p->section = CONF_SECTION_SLUICE;
	return 0;
}

static int begin_switch(struct conf_parser *p, struct conf_span name)
{
	struct conf *c = p->c;
	struct conf_switch *sw = &c->sw[c->nr_switches];
	int ret;

	if (c->nr_switches == CONF_SWITCHES_MAX)
		return conf_fail(&p->r, name.at, "more than %u switches", CONF_SWITCHES_MAX);
	*sw = (struct conf_switch){ .ageing_s = 300 };
	ret = conf_name(&p->r, name, "switch", sw->name);
	for (unsigned i = 0; !ret && i < c->nr_switches; i++)
		if (strcmp(c->sw[i].name, sw->name) == 0)
			ret = conf_fail(&p->r, name.at, "there are two switches '%s'", sw->name);
	c->nr_switches++;
	p->sw = sw;
	p->section = CONF_SECTION_SWITCH;
	return ret;
}

static int begin_guest(struct conf_parser *p, struct conf_span name)
{
	struct conf *c = p->c;
	struct conf_guest *g = &c->guest[c->nr_guests];
	int ret;

	if (c->nr_guests == CONF_GUESTS_MAX)
		return conf_fail(&p->r, name.at, "more than %u guests", CONF_GUESTS_MAX);
	memset(g, 0, sizeof(*g));
	g->vcpus = 1;
	g->memory_bytes = MIB(256);
	g->weight = 256;
	g->cores = CORE_SET_ALL;
	g->autostart = true;
	ret = conf_name(&p->r, name, "guest", g->name);
	for (unsigned i = 0; !ret && i < c->nr_guests; i++)
		if (strcmp(c->guest[i].name, g->name) == 0)
			ret = conf_fail(&p->r, name.at, "there are two guests '%s'", g->name);
	p->guest_at[c->nr_guests++] = conf_where(&p->r, name.at);
	p->guest = g;
	p->section = CONF_SECTION_GUEST;
	return ret;
}

/* s is the line from its [ on. */
static int begin_section(struct conf_parser *p, struct conf_span s)
{
	struct conf_span inner = { s.at + 1, s.len - 2 }, kind;

	if (s.len < 2 || s.at[s.len - 1] != ']')
		return conf_fail(
			&p->r, s.at + s.len, "expected ']' at the end of the section's name");
	p->seen = 0;
	if (!conf_next(&inner, ' ', &kind))
		kind = (struct conf_span){ s.at + 1, 0 };
	inner = conf_trim(inner);
	if (conf_equals(kind, "sluice"))
		return begin_sluice(p, inner);
	if (conf_equals(kind, "switch"))
		return begin_switch(p, inner);
	if (conf_equals(kind, "guest"))
		return begin_guest(p, inner);
	return conf_fail(&p->r, kind.at,
		"unknown section '%s': expected sluice, switch NAME or guest NAME",
		conf_quote(&p->r, kind));
}

/* Cuts a comment off: # after a blank. */
static struct conf_span without_comment(struct conf_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '#' && (i == 0 || s.at[i - 1] == ' ' || s.at[i - 1] == '\t'))
			s.len = i;
	return conf_trim(s);
}

static int set_option(struct conf_parser *p, struct conf_span key, struct conf_span value)
{
	const struct section_kind *k = &sections[p->section];
	const struct conf_option *o = NULL;
	uint32_t bit;

	if (p->section == CONF_SECTION_NONE)
		return conf_fail(&p->r, key.at, "'%s' stands before the first [section]",
			conf_quote(&p->r, key));
	for (unsigned i = 0; i < k->nr_options && !o; i++)
		if (conf_equals(key, k->options[i].name))
			o = &k->options[i];
	if (!o)
		return conf_fail(&p->r, key.at, "unknown option '%s' in %s", conf_quote(&p->r, key),
			k->title);
	bit = BIT32(o - k->options);
	if ((p->seen & bit) && !o->repeats)
		return conf_fail(&p->r, key.at, "%s is given twice", o->name);
	p->seen |= bit;
	return o->set(p, o->whole_line ? value : without_comment(value));
}

/* s has no blanks at its ends and is not empty. */
static int parse_line(struct conf_parser *p, struct conf_span s)
{
	struct conf_span key, value = s;

	if (s.at[0] == '[')
		return begin_section(p, without_comment(s));
	if (!conf_next(&value, '=', &key) || key.len == s.len)
		return conf_fail(&p->r, s.at, "expected [section] or option = value, not '%s'",
			conf_quote(&p->r, s));
	key = conf_trim(key);
	if (key.len == 0)
		return conf_fail(&p->r, s.at, "expected an option's name before '='");
	return set_option(p, key, conf_trim(value));
}

/* Comments may hold any text, the rest printable ASCII. */
static int check_bytes(struct conf_parser *p, struct conf_span s, bool comment)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t byte = (uint8_t)s.at[i];

		if (byte == '\t' || (byte >= ' ' && byte <= '~') || (comment && byte > '~'))
			continue;
		return conf_fail(&p->r, s.at + i, "byte 0x%02x: expected ASCII text", byte);
	}
	return 0;
}

static int next_line(struct conf_parser *p, struct conf_span line)
{
	struct conf_span s;
	int ret;

	p->r.line_start = line.at;
	p->r.line++;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	s = conf_trim(line);
	ret = check_bytes(p, s, s.len > 0 && s.at[0] == '#');
	if (ret || s.len == 0 || s.at[0] == '#')
		return ret;
	return parse_line(p, s);
}

static int find_switch(struct conf_parser *p, struct conf_nic *nic, struct conf_where at)
{
	for (unsigned i = 0; i < p->c->nr_switches; i++) {
		if (strcmp(p->c->sw[i].name, nic->switch_name) == 0) {
			nic->switch_index = i;
			return 0;
		}
	}
	return conf_fail_at(&p->r, at, "nic: there is no [switch %s]", nic->switch_name);
}

/* Where no mac= is given: 52:54:00 (locally administered), guest, NIC. Every start gives the same.
 */
static void default_mac(struct conf_nic *nic, unsigned guest, unsigned index)
{
	static const uint8_t zero[6];

	if (memcmp(nic->mac, zero, sizeof(zero)) == 0)
		memcpy(nic->mac,
			(uint8_t[]){ 0x52, 0x54, 0, 0, (uint8_t)(guest + 1), (uint8_t)index }, 6);
}

/* The k-th NIC of all, in the file's order; NULL beyond the last. */
static struct conf_nic *nth_nic(struct conf *c, unsigned k, unsigned *guest, unsigned *index)
{
	for (*guest = 0; *guest < c->nr_guests; (*guest)++) {
		*index = k;
		if (k < c->guest[*guest].nr_nics)
			return &c->guest[*guest].nic[k];
		k -= c->guest[*guest].nr_nics;
	}
	return NULL;
}

/* Against all NICs before it: k is its number. */
static int check_nic(struct conf_parser *p, unsigned k, struct conf_nic *nic, struct conf_where at)
{
	unsigned nr_ports = 1, guest, index;

	for (unsigned other = 0; other < k; other++) {
		const struct conf_nic *o = nth_nic(p->c, other, &guest, &index);

		if (memcmp(o->mac, nic->mac, sizeof(o->mac)) == 0)
			return conf_fail_at(&p->r, at,
				"nic: its mac is that of a NIC of guest '%s'",
				p->c->guest[guest].name);
		nr_ports += o->switch_index == nic->switch_index;
	}
	if (nr_ports > CONF_PORTS_MAX)
		return conf_fail_at(&p->r, at, "switch '%s' has more than %u ports",
			nic->switch_name, CONF_PORTS_MAX);
	return 0;
}

static bool is_same_nic(const struct conf_uplink *a, const struct conf_uplink *b)
{
	if (a->by_pci != b->by_pci)
		return false; /* whether they are shows when the NICs are there */
	return a->by_pci ? a->pci_bdf == b->pci_bdf : a->nic_index == b->nic_index;
}

static int check_uplinks(struct conf_parser *p)
{
	const struct conf_switch *sw = p->c->sw;

	for (unsigned i = 0; i < p->c->nr_switches; i++)
		for (unsigned other = 0; sw[i].has_uplink && other < i; other++)
			if (sw[other].has_uplink && is_same_nic(&sw[i].uplink, &sw[other].uplink))
				return conf_fail_at(&p->r, p->uplink_at[i],
					"uplink: its NIC is that of switch '%s'", sw[other].name);
	return 0;
}

static int check_references(struct conf_parser *p)
{
	unsigned guest, index;
	struct conf_nic *nic;
	int ret = check_uplinks(p);

	for (unsigned i = 0; !ret && i < p->c->nr_guests; i++)
		if (!p->c->guest[i].kernel[0])
			return conf_fail_at(&p->r, p->guest_at[i],
				"guest '%s' has no kernel=", p->c->guest[i].name);
	for (unsigned k = 0; !ret && (nic = nth_nic(p->c, k, &guest, &index)); k++) {
		default_mac(nic, guest, index);
		ret = find_switch(p, nic, p->nic_at[guest][index]);
		if (!ret)
			ret = check_nic(p, k, nic, p->nic_at[guest][index]);
	}
	return ret ? ret : conf_mirrors_check(p);
}

int conf_parse(const char *text, size_t len_bytes, struct conf *c, struct conf_error *err)
{
	static const char bom[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
	struct conf_parser p = { .c = c, .r = { .err = err, .line_start = text } };
	struct conf_span rest = { text, len_bytes }, line;

	memset(c, 0, sizeof(*c));
	memset(err, 0, sizeof(*err));
	conf_sluice_defaults(c);
	if (len_bytes > CONF_SIZE_MAX)
		return conf_fail_at(&p.r, (struct conf_where){ 1, 1 },
			"%lu bytes, at most %u are allowed", len_bytes, CONF_SIZE_MAX);
	if (len_bytes >= 3 && memcmp(text, bom, 3) == 0)
		rest = (struct conf_span){ text + 3, len_bytes - 3 };
	while (conf_next(&rest, '\n', &line)) {
		int ret = next_line(&p, line);

		if (ret)
			return ret;
	}
	return check_references(&p);
}
