/* Statistics: see stats.h. */
#include "mon/stats.h"

#include "lib/atomic.h"
#include "lib/fmt.h"
#include "mon/json.h"
#include "mon/steer_view.h"

struct source {
	const struct mon_ops *ops;
	void *ctx;
	struct mon_system sys;
};

const char *stats_state_name(enum mon_guest_state s)
{
	static const char *const name[] = {
		[MON_STOPPED] = "stopped",
		[MON_RUNNING] = "running",
		[MON_PAUSED] = "paused",
		[MON_STOPPING] = "stopping",
		[MON_CRASHED] = "crashed",
	};

	return (unsigned)s < ARRAY_SIZE(name) ? name[s] : "unknown";
}

const char *stats_exit_name(const struct mon_ops *ops, unsigned reason, char buf[16])
{
	const char *name = ops->exit_reason_name(reason);

	if (name)
		return name;
	fmt_print(buf, 16, "reason_%u", reason);
	return buf;
}

uint64_t stats_sum_exits(const struct mon_guest *g)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < MON_EXIT_REASONS; i++)
		sum += g->exits[i];
	return sum;
}

static struct source open_source(const struct mon_ops *ops, void *ctx)
{
	struct source s = { .ops = ops, .ctx = ctx };

	ops->system(ctx, &s.sys);
	s.sys.nr_guests = MIN(s.sys.nr_guests, (unsigned)CONF_GUESTS_MAX);
	return s;
}

static void fill_mark(struct stats_mark *k, const struct source *s)
{
	k->tsc = s->sys.tsc;
	k->frames_in = s->sys.net.rx_frames;
	k->frames_out = s->sys.net.tx_frames;
	for (unsigned i = 0; i < s->sys.nr_guests; i++) {
		struct mon_guest g;

		s->ops->guest(s->ctx, i, &g);
		k->exits[i] = stats_sum_exits(&g);
	}
}

void stats_take_mark(
	struct stats_marks *m, const struct mon_ops *ops, void *ctx, unsigned guest, uint8_t label)
{
	struct source s = open_source(ops, ctx);

	spin_lock(&m->lock);
	if (m->nr < STATS_MARKS_MAX) {
		struct stats_mark *k = &m->mark[m->nr];

		k->guest = (uint16_t)guest;
		k->label = label;
		fill_mark(k, &s);
		store_release(&m->nr, m->nr + 1); /* readers take no lock */
	} else {
		m->missed++;
	}
	spin_unlock(&m->lock);
}

static void write_exits(struct json *j, const struct source *s, const struct mon_guest *g)
{
	char buf[16];

	json_begin_object(j, "exits_by_reason");
	for (unsigned i = 0; i < MON_EXIT_REASONS; i++)
		if (g->exits[i])
			json_u64(j, stats_exit_name(s->ops, i, buf), g->exits[i]);
	json_end_object(j);
}

static void write_sched(struct json *j, const struct mon_sched *s)
{
	json_begin_object(j, "sched");
	json_u64(j, "waits", s->waits);
	json_u64(j, "wait_error_us", s->wait_error_us);
	json_u64(j, "boosts", s->boosts);
	json_u64(j, "migrations", s->migrations);
	json_u64(j, "throttled", s->throttled);
	json_u64(j, "charged", s->charged_ticks);
	json_u64(j, "borrowed", s->borrowed_ticks);
	json_u64(j, "lent", s->lent_ticks);
	json_end_object(j);
}

static void write_guest(struct json *j, const struct source *s, unsigned i)
{
	struct mon_guest g;

	s->ops->guest(s->ctx, i, &g);
	json_begin_object(j, NULL);
	json_string(j, "name", g.name);
	json_string(j, "state", stats_state_name(g.state));
	if (g.why)
		json_string(j, "why", g.why);
	json_u64(j, "vcpus", g.vcpus);
	json_u64(j, "memory_bytes", g.memory_bytes);
	json_string(j, "kernel", g.kernel);
	json_u64(j, "boot_ticks", g.boot_ticks);
	json_u64(j, "boot_exits", g.boot_exits);
	json_u64(j, "run_ticks", g.run_ticks);
	json_u64(j, "resets", g.resets);
	json_u64(j, "exits", stats_sum_exits(&g));
	write_exits(j, s, &g);
	write_sched(j, &g.sched);
	json_end_object(j);
}

static void write_steals(struct json *j, const struct mon_core *c)
{
	static const char *const name[SCHED_DISTANCES] = { "self", "smt", "l2", "llc", "node",
		"far" };

	json_begin_object(j, "stolen_by_distance");
	for (unsigned d = 0; d < SCHED_DISTANCES; d++)
		if (c->stolen_by_distance[d])
			json_u64(j, name[d], c->stolen_by_distance[d]);
	json_end_object(j);
}

static void write_core(struct json *j, const struct source *s, unsigned i)
{
	struct mon_core c;

	s->ops->core(s->ctx, i, &c);
	json_begin_object(j, NULL);
	json_u64(j, "apic_id", c.apic_id);
	json_u64(j, "vcpu", c.vcpu_ticks);
	json_u64(j, "worker", c.worker_ticks);
	json_u64(j, "idle", c.idle_ticks);
	json_u64(j, "smt_blocked", c.smt_blocked_ticks);
	json_u64(j, "switches", c.switches);
	json_u64(j, "stolen", c.stolen);
	write_steals(j, &c);
	json_end_object(j);
}

static void write_drops(struct json *j, const struct port_counters *c)
{
	json_begin_object(j, "drops_by_reason");
	for (unsigned i = 0; i < DROP_REASONS; i++)
		if (c->drops[i])
			json_u64(j, drop_reason_name[i], c->drops[i]);
	json_end_object(j);
}

static void write_net(struct json *j, const struct source *s)
{
	json_begin_object(j, "net");
	json_u64(j, "frames_in", s->sys.net.rx_frames);
	json_u64(j, "frames_out", s->sys.net.tx_frames);
	json_u64(j, "bytes_in", s->sys.net.rx_bytes);
	json_u64(j, "bytes_out", s->sys.net.tx_bytes);
	json_u64(j, "extra_copies", s->sys.net.extra_copies);
	write_drops(j, &s->sys.net);
	json_begin_object(j, "copies");
	json_u64(j, "cpu", s->sys.copies_cpu);
	json_u64(j, "ioat", s->sys.copies_ioat);
	json_end_object(j);
	json_end_object(j);
}

static void write_port(struct json *j, const struct source *s, unsigned i)
{
	struct mon_port p;

	s->ops->port(s->ctx, i, &p);
	json_begin_object(j, NULL);
	json_string(j, "switch", p.switch_name);
	json_string(j, "name", p.name);
	json_u64(j, "rx_frames", p.counters.rx_frames);
	json_u64(j, "rx_bytes", p.counters.rx_bytes);
	json_u64(j, "tx_frames", p.counters.tx_frames);
	json_u64(j, "tx_bytes", p.counters.tx_bytes);
	json_u64(j, "tx_flooded", p.counters.tx_flooded);
	json_u64(j, "tx_joined", p.counters.tx_joined);
	json_u64(j, "tx_joined_bytes", p.counters.tx_joined_bytes);
	json_u64(j, "pushed_back", p.counters.pushed_back);
	json_u64(j, "kicks", p.device.kicks);
	json_u64(j, "interrupts", p.device.interrupts);
	json_u64(j, "runs", p.device.runs);
	json_u64(j, "batches", p.device.batches);
	json_u64(j, "copies", p.device.copies);
	write_drops(j, &p.counters);
	json_end_object(j);
}

/* What went wrong on the wire or in the NIC. */
static void write_errors(struct json *j, const struct nic_stats *n)
{
	json_begin_object(j, "errors");
	json_u64(j, "crc", n->rx_crc_errors);
	json_u64(j, "length", n->rx_length_errors);
	json_u64(j, "other", n->rx_other_errors);
	json_u64(j, "bad_descriptors", n->rx_bad_descriptors);
	json_u64(j, "dma_aborts", n->dma_aborts);
	json_u64(j, "tx_stalls", n->tx_stalls);
	json_u64(j, "rx_stalls", n->rx_stalls);
	json_u64(j, "late_write_backs", n->late_write_backs);
	json_u64(j, "lost_interrupts", n->lost_interrupts);
	json_u64(j, "resets", n->resets);
	json_u64(j, "failed_resets", n->failed_resets);
	json_u64(j, "link_changes", n->link_changes);
	json_end_object(j);
}

/* Between the wire and the switch; what the switch drops is in "net". */
static void write_rx_drops(struct json *j, const struct mon_uplink *u)
{
	json_begin_object(j, "rx_drops_by_reason");
	json_u64(j, "missed", u->nic.rx_missed);
	json_u64(j, "no_buffer", u->nic.rx_no_buffer);
	json_u64(j, "bad_frame", u->rx_bad_frames);
	json_u64(j, "bad_descriptor", u->rx_bad_descriptors);
	json_u64(j, "lost_in_reset", u->nic.rx_lost_in_reset);
	json_end_object(j);
}

static void write_pairs(struct json *j, const struct mon_uplink *u)
{
	json_begin_array(j, "pairs");
	for (unsigned i = 0; i < u->nr_pairs; i++) {
		json_begin_object(j, NULL);
		json_u64(j, "pool", u->pair[i].pool);
		json_u64(j, "rx_packets", u->pair[i].rx_packets);
		json_u64(j, "tx_packets", u->pair[i].tx_packets);
		json_end_object(j);
	}
	json_end_array(j);
}

static const char *uplink_state_name(enum nic_state s)
{
	static const char *const name[] = {
		[NIC_STOPPED] = "stopped",
		[NIC_RUNNING] = "running",
		[NIC_RECOVERING] = "recovering",
		[NIC_FAILED] = "failed",
	};

	return (unsigned)s < ARRAY_SIZE(name) ? name[s] : "unknown";
}

static void write_uplink(struct json *j, const struct source *s, unsigned i)
{
	struct mon_uplink u;

	s->ops->uplink(s->ctx, i, &u);
	json_begin_object(j, NULL);
	json_string(j, "switch", u.switch_name);
	json_string(j, "name", u.name);
	json_string(j, "driver", u.driver);
	json_string(j, "state", uplink_state_name(u.state));
	json_u64(j, "link_mbps", u.link.up ? u.link.mbps : 0);
	json_u64(j, "rx_frames", u.nic.rx_frames);
	json_u64(j, "tx_frames", u.nic.tx_frames);
	json_u64(j, "rx_bytes", u.nic.rx_bytes);
	json_u64(j, "tx_bytes", u.nic.tx_bytes);
	json_u64(j, "rx_coalesced", u.nic.rx_coalesced);
	json_u64(j, "rx_coalesced_frames", u.nic.rx_coalesced_frames);
	json_u64(j, "tx_wire_frames", u.tx_wire_frames);
	json_u64(j, "switch_rx_frames", u.counters.rx_frames);
	json_u64(j, "switch_tx_frames", u.counters.tx_frames);
	write_rx_drops(j, &u);
	write_errors(j, &u.nic);
	json_begin_object(j, "copies");
	json_u64(j, "zero_copy", u.tx_zero_copy);
	json_u64(j, "rx_zero_copy", u.rx_zero_copy);
	json_u64(j, "bounced", u.tx_bounced);
	json_end_object(j);
	write_pairs(j, &u);
	write_drops(j, &u.counters);
	json_end_object(j);
}

static const char *guest_name(const struct source *s, unsigned i)
{
	struct mon_guest g;

	if (i >= s->sys.nr_guests)
		return NULL;
	s->ops->guest(s->ctx, i, &g);
	return g.name;
}

static void write_mark(struct json *j, const struct source *s, const struct stats_mark *k)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < s->sys.nr_guests; i++)
		total += k->exits[i];
	json_begin_object(j, NULL);
	json_string(j, "guest", guest_name(s, k->guest));
	json_u64(j, "label", k->label);
	json_u64(j, "tsc", k->tsc);
	json_u64(j, "exits_total", total);
	json_begin_object(j, "exits");
	for (unsigned i = 0; i < s->sys.nr_guests; i++)
		json_u64(j, guest_name(s, i), k->exits[i]);
	json_end_object(j);
	json_u64(j, "frames_in", k->frames_in);
	json_u64(j, "frames_out", k->frames_out);
	json_end_object(j);
}

static void write_marks(struct json *j, const struct source *s, const struct stats_marks *marks)
{
	uint32_t nr = marks ? load_acquire(&marks->nr) : 0;

	json_begin_array(j, "marks");
	for (uint32_t i = 0; i < nr; i++)
		write_mark(j, s, &marks->mark[i]);
	json_end_array(j);
	json_u64(j, "marks_missed", marks ? load_relaxed(&marks->missed) : 0);
}

typedef void (*write_item)(struct json *j, const struct source *s, unsigned i);

static void write_list(
	struct json *j, const struct source *s, const char *key, unsigned nr, write_item item)
{
	json_begin_array(j, key);
	for (unsigned i = 0; i < nr; i++)
		item(j, s, i);
	json_end_array(j);
}

void stats_write(const struct mon_sink *sink, const struct mon_ops *ops, void *ctx,
	const struct stats_marks *marks)
{
	struct source s = open_source(ops, ctx);
	struct json j = { .sink = sink };

	json_begin_object(&j, NULL);
	json_u64(&j, "tsc", s.sys.tsc);
	json_u64(&j, "tsc_khz", s.sys.tsc_khz);
	json_u64(&j, "cores", s.sys.nr_cores);
	json_begin_object(&j, "hypervisor");
	json_u64(&j, "image_bytes", s.sys.image_bytes);
	json_u64(&j, "memory_bytes", s.sys.memory_bytes);
	json_u64(&j, "buffer_bytes", s.sys.buffer_bytes);
	json_end_object(&j);
	write_list(&j, &s, "guests", s.sys.nr_guests, write_guest);
	write_list(&j, &s, "core_ticks", s.sys.nr_cores, write_core);
	write_net(&j, &s);
	write_list(&j, &s, "ports", s.sys.nr_ports, write_port);
	steer_view_json(&(struct steer_view){ ops, ctx, &s.sys }, &j);
	write_marks(&j, &s, marks);
	write_list(&j, &s, "uplinks", s.sys.nr_uplinks, write_uplink);
	json_end_object(&j);
	mon_write(sink, "\n", 1);
}
