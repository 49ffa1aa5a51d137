/* The commands of the prompt: see command.h. */
#include "mon/command.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mon/steer_view.h"

#define WORDS_MAX 2 /* a command and its argument */

struct run {
	struct command_context *c;
	const struct mon_sink *out;
	struct mon_system sys;
	const char *arg; /* NULL: none */
};

struct command {
	const char *name, *args, *help;
	void (*fn)(struct run *r);
	bool needs_arg, takes_arg;
};

static void get_guest(const struct run *r, unsigned i, struct mon_guest *g)
{
	r->c->ops->guest(r->c->ctx, i, g);
}

/* Index, or COMMAND_NO_GUEST after having said so. */
static int find_guest(const struct run *r, const char *name)
{
	for (unsigned i = 0; i < r->sys.nr_guests; i++) {
		struct mon_guest g;

		get_guest(r, i, &g);
		if (strcmp(g.name, name) == 0)
			return (int)i;
	}
	mon_print(r->out, "no guest named %.32s\n", name);
	return COMMAND_NO_GUEST;
}

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void cmd_guests(struct run *r)
{
	mon_print(r->out, "%-16s%-10s%6s%8s%14s%16s%8s\n", "guest", "state", "vcpus", "MiB",
		"exits", "ticks", "resets");
	for (unsigned i = 0; i < r->sys.nr_guests; i++) {
		struct mon_guest g;

		get_guest(r, i, &g);
		mon_print(r->out, "%-16s%-10s%6u%8llu%14llu%16llu%8llu\n", g.name,
			stats_state_name(g.state), g.vcpus, ull(g.memory_bytes >> 20),
			ull(stats_sum_exits(&g)), ull(g.run_ticks), ull(g.resets));
		if (g.why)
			mon_print(r->out, "  crashed: %s\n", g.why);
	}
}

/* How well the scheduler foretells when a vCPU will run, and what it did for I/O. */
static void print_waits(struct run *r)
{
	mon_print(r->out, "%-16s%11s%10s%11s%11s%11s%17s%17s\n", "guest", "waits", "error us",
		"boosts", "moves", "at cap", "charged ticks", "borrowed ticks");
	for (unsigned i = 0; i < r->sys.nr_guests; i++) {
		struct mon_guest g;

		get_guest(r, i, &g);
		mon_print(r->out, "%-16s%11llu%10llu%11llu%11llu%11llu%17llu%17llu\n", g.name,
			ull(g.sched.waits), ull(g.sched.wait_error_us), ull(g.sched.boosts),
			ull(g.sched.migrations), ull(g.sched.throttled), ull(g.sched.charged_ticks),
			ull(g.sched.borrowed_ticks));
	}
}

static void cmd_cores(struct run *r)
{
	mon_print(r->out, "%-6s%-8s%-6s%7s%17s%17s%17s%11s%9s\n", "core", "apic", "state", "queued",
		"vcpu ticks", "worker ticks", "idle ticks", "switches", "stolen");
	for (unsigned i = 0; i < r->sys.nr_cores; i++) {
		struct mon_core c;

		r->c->ops->core(r->c->ctx, i, &c);
		mon_print(r->out, "%-6u%-8u%-6s%7u%17llu%17llu%17llu%11llu%9llu\n", i, c.apic_id,
			c.idle ? "idle" : "busy", c.queued, ull(c.vcpu_ticks), ull(c.worker_ticks),
			ull(c.idle_ticks), ull(c.switches), ull(c.stolen));
	}
	print_waits(r);
}

static void print_exits(struct run *r, unsigned i)
{
	struct mon_guest g;
	char buf[16];

	get_guest(r, i, &g);
	mon_print(r->out, "%s: %llu exits\n", g.name, ull(stats_sum_exits(&g)));
	for (unsigned reason = 0; reason < MON_EXIT_REASONS; reason++)
		if (g.exits[reason])
			mon_print(r->out, "  %-24s%14llu\n",
				stats_exit_name(r->c->ops, reason, buf), ull(g.exits[reason]));
}

static void cmd_exits(struct run *r)
{
	int only = r->arg ? find_guest(r, r->arg) : COMMAND_NO_GUEST;

	for (unsigned i = 0; i < r->sys.nr_guests; i++)
		if (r->arg ? (int)i == only : true)
			print_exits(r, i);
}

static void print_drops(struct run *r, const struct port_counters *c)
{
	for (unsigned i = 0; i < DROP_REASONS; i++)
		if (c->drops[i])
			mon_print(r->out, "  dropped, %-14s%14llu\n", drop_reason_name[i],
				ull(c->drops[i]));
}

static void print_uplink(struct run *r, unsigned i)
{
	struct mon_uplink u;

	r->c->ops->uplink(r->c->ctx, i, &u);
	mon_print(r->out, "%-12s%-16s%14llu%16llu%14llu%16llu%12llu\n", u.switch_name, u.name,
		ull(u.counters.rx_frames), ull(u.counters.rx_bytes), ull(u.counters.tx_frames),
		ull(u.counters.tx_bytes), ull(u.counters.pushed_back));
	if (u.link.up)
		mon_print(r->out, "  %s, link up, %u Mbit/s, %llu resets\n", u.driver, u.link.mbps,
			ull(u.nic.resets));
	else
		mon_print(r->out, "  %s, link down, %llu resets\n", u.driver, ull(u.nic.resets));
	mon_print(r->out, "  on the wire: %llu in, %llu out, %llu missed, %llu CRC errors\n",
		ull(u.nic.rx_frames), ull(u.nic.tx_frames),
		ull(u.nic.rx_missed + u.nic.rx_no_buffer), ull(u.nic.rx_crc_errors));
	print_drops(r, &u.counters);
}

static void cmd_net(struct run *r)
{
	mon_print(r->out, "%-12s%-16s%14s%16s%14s%16s%12s\n", "switch", "port", "in frames",
		"in bytes", "out frames", "out bytes", "pushed back");
	for (unsigned i = 0; i < r->sys.nr_ports; i++) {
		struct mon_port p;

		r->c->ops->port(r->c->ctx, i, &p);
		mon_print(r->out, "%-12s%-16s%14llu%16llu%14llu%16llu%12llu\n", p.switch_name,
			p.name, ull(p.counters.rx_frames), ull(p.counters.rx_bytes),
			ull(p.counters.tx_frames), ull(p.counters.tx_bytes),
			ull(p.counters.pushed_back));
		mon_print(r->out, "  kicks %llu, interrupts %llu, runs %llu, with work %llu\n",
			ull(p.device.kicks), ull(p.device.interrupts), ull(p.device.runs),
			ull(p.device.batches));
		print_drops(r, &p.counters);
	}
	for (unsigned i = 0; i < r->sys.nr_uplinks; i++)
		print_uplink(r, i);
}

static void cmd_steer(struct run *r)
{
	const struct steer_view v = { r->c->ops, r->c->ctx, &r->sys };

	if (!r->arg)
		steer_view_print(&v, r->out);
	else if (strcmp(r->arg, "trace") == 0)
		steer_view_trace(&v, r->out);
	else
		mon_print(r->out, "steer, or steer trace\n");
}

static void print_mac(void *arg, const struct mon_mac *m)
{
	struct run *r = arg;

	mon_print(r->out, "%-12s%02x:%02x:%02x:%02x:%02x:%02x%6u  %-16s", m->switch_name, m->mac[0],
		m->mac[1], m->mac[2], m->mac[3], m->mac[4], m->mac[5], m->vlan, m->port);
	if (m->fixed)
		mon_print(r->out, "fixed\n");
	else
		mon_print(r->out, "%u s\n", m->age_s);
}

static void cmd_macs(struct run *r)
{
	mon_print(r->out, "%-12s%-17s%6s  %-16s%s\n", "switch", "address", "vlan", "port", "age");
	r->c->ops->for_each_mac(r->c->ctx, print_mac, r);
}

static void cmd_log(struct run *r)
{
	static const char *const level[] = { "error", "warn", "info", "debug" };

	for (unsigned i = 0; i < ARRAY_SIZE(level); i++) {
		if (strcmp(level[i], r->arg) == 0) {
			r->c->ops->set_log_level((enum log_level)i);
			return;
		}
	}
	mon_print(r->out, "log level is one of error, warn, info, debug\n");
}

static void cmd_stats(struct run *r)
{
	stats_write(r->out, r->c->ops, r->c->ctx, r->c->marks);
}

static void cmd_attach(struct run *r)
{
	r->c->attach = find_guest(r, r->arg);
}

static void control(struct run *r, enum mon_control what)
{
	int guest = find_guest(r, r->arg), err;

	if (guest == COMMAND_NO_GUEST)
		return;
	err = r->c->ops->control(r->c->ctx, (unsigned)guest, what);
	if (err == -EINVAL)
		mon_print(r->out, "%s: not possible in its state\n", r->arg);
	else if (err)
		mon_print(r->out, "%s: failed, error %d\n", r->arg, err);
}

static void cmd_start(struct run *r)
{
	control(r, MON_START);
}

static void cmd_pause(struct run *r)
{
	control(r, MON_PAUSE);
}

static void cmd_resume(struct run *r)
{
	control(r, MON_RESUME);
}

static void cmd_reset(struct run *r)
{
	control(r, MON_RESET);
}

static void cmd_stop(struct run *r)
{
	control(r, MON_STOP);
}

static void cmd_poweroff(struct run *r)
{
	if (r->arg) {
		control(r, MON_POWEROFF);
		return;
	}
	mon_print(r->out, "powering off\n");
	r->c->ops->poweroff(r->c->ctx);
}

static void cmd_help(struct run *r);

static const struct command commands[] = {
	{ "help", "", "this list", cmd_help, false, false },
	{ "guests", "", "guests and their states", cmd_guests, false, false },
	{ "start", "GUEST", "boot a stopped guest", cmd_start, true, true },
	{ "pause", "GUEST", "stop its vCPUs until resume", cmd_pause, true, true },
	{ "resume", "GUEST", "let a paused guest go on", cmd_resume, true, true },
	{ "reset", "GUEST", "boot it again", cmd_reset, true, true },
	{ "stop", "GUEST", "end it at once", cmd_stop, true, true },
	{ "poweroff", "[GUEST]", "power a guest, or the machine, off", cmd_poweroff, false, true },
	{ "attach", "GUEST", "its console; Ctrl-] returns", cmd_attach, true, true },
	{ "cores", "", "what each core spent its time on", cmd_cores, false, false },
	{ "exits", "[GUEST]", "VM exits by reason", cmd_exits, false, true },
	{ "net", "", "ports with their counters and drops", cmd_net, false, false },
	{ "macs", "", "addresses that the switches know", cmd_macs, false, false },
	{ "steer", "[trace]", "where packets were put, and taken", cmd_steer, false, true },
	{ "log", "LEVEL", "error, warn, info or debug", cmd_log, true, true },
	{ "stats", "", "all counters as one line of JSON", cmd_stats, false, false },
};

static void cmd_help(struct run *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		mon_print(r->out, "  %-9s%-9s%s\n", commands[i].name, commands[i].args,
			commands[i].help);
}

/* Splits in place at blanks; the number of words, WORDS_MAX + 1 if there are more. */
static unsigned split(char *line, char *word[WORDS_MAX])
{
	unsigned nr = 0;

	while (*line) {
		for (; *line == ' ' || *line == '\t'; line++)
			*line = '\0';
		if (!*line)
			break;
		if (nr == WORDS_MAX)
			return WORDS_MAX + 1;
		word[nr++] = line;
		while (*line && *line != ' ' && *line != '\t')
			line++;
	}
	return nr;
}

static void run_command(struct run *r, const struct command *cmd, unsigned nr_words)
{
	bool has_arg = nr_words > 1;

	if (nr_words > WORDS_MAX || (has_arg && !cmd->takes_arg) || (!has_arg && cmd->needs_arg)) {
		mon_print(r->out, "usage: %s %s\n", cmd->name, cmd->args);
		return;
	}
	r->c->ops->system(r->c->ctx, &r->sys);
	cmd->fn(r);
}

void command_run(struct command_context *c, const char *line, const struct mon_sink *out)
{
	struct run r = { .c = c, .out = out };
	char copy[COMMAND_LINE_MAX], *word[WORDS_MAX] = { NULL };
	size_t len = MIN(strlen(line), sizeof(copy) - 1);
	unsigned nr;

	c->attach = COMMAND_NO_GUEST;
	memcpy(copy, line, len);
	copy[len] = '\0';
	nr = split(copy, word);
	if (nr == 0)
		return;
	r.arg = word[1];
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, word[0]) == 0) {
			run_command(&r, &commands[i], nr);
			return;
		}
	}
	mon_print(out, "unknown command %.32s; try help\n", word[0]);
}
