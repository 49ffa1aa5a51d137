/* Steering's counters and trace; see steer_view.h. */
#include "mon/steer_view.h"

#include "mem/direct_map.h"

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void add(struct mon_steer *sum, const struct mon_steer *s)
{
	steer_stats_add(&sum->stats, &s->stats);
	sum->retagged += s->retagged;
	sum->helped += s->helped;
	sum->wait_error_us += s->wait_error_us;
	sum->nr_waits += s->nr_waits;
}

static uint64_t mean_error_us(const struct mon_steer *s)
{
	return s->nr_waits ? s->wait_error_us / s->nr_waits : 0;
}

static void write_counters(struct json *j, const struct mon_steer *s)
{
	json_u64(j, "placed", s->stats.placed);
	json_u64(j, "on_target", s->stats.on_target);
	json_begin_object(j, "missed");
	for (unsigned i = 0; i < STEER_MISSED_REASONS; i++)
		json_u64(j, steer_missed_name[i], s->stats.missed[i]);
	json_end_object(j);
	json_u64(j, "held", s->stats.held);
	json_u64(j, "holds", s->stats.holds);
	json_u64(j, "holds_ended", s->stats.holds_ended);
	json_u64(j, "moved", s->stats.moved);
	json_u64(j, "retagged", s->retagged);
	json_u64(j, "helped", s->helped);
	json_u64(j, "wait_error_us", mean_error_us(s));
	json_u64(j, "waits", s->nr_waits);
}

static const char *guest_name(const struct steer_view *v, unsigned i)
{
	struct mon_guest g;

	v->ops->guest(v->ctx, i, &g);
	return g.name;
}

static void write_guest(const struct steer_view *v, struct json *j, unsigned i)
{
	struct mon_steer s = { 0 };

	v->ops->steer(v->ctx, i, &s);
	json_begin_object(j, NULL);
	json_string(j, "name", guest_name(v, i));
	write_counters(j, &s);
	json_end_object(j);
}

void steer_view_json(const struct steer_view *v, struct json *j)
{
	struct mon_steer sum = { 0 };

	for (unsigned i = 0; i < v->sys->nr_guests; i++) {
		struct mon_steer s = { 0 };

		v->ops->steer(v->ctx, i, &s);
		add(&sum, &s);
	}
	json_begin_object(j, "steer");
	json_string(j, "policy", v->sys->steer_policy);
	json_string(j, "backend", v->sys->steer_backend);
	write_counters(j, &sum);
	json_begin_array(j, "guests");
	for (unsigned i = 0; i < v->sys->nr_guests; i++)
		write_guest(v, j, i);
	json_end_array(j);
	json_end_object(j);
}

void steer_view_print(const struct steer_view *v, const struct mon_sink *out)
{
	mon_print(out, "policy %s, backend %s\n", v->sys->steer_policy, v->sys->steer_backend);
	mon_print(out, "%-16s%10s%10s%9s%9s%9s%9s%9s%10s%8s%9s\n", "guest", "placed", "on target",
		"moved", "old", "astray", "unseen", "held", "retagged", "helped", "wait err");
	for (unsigned i = 0; i < v->sys->nr_guests; i++) {
		struct mon_steer s = { 0 };

		v->ops->steer(v->ctx, i, &s);
		mon_print(out, "%-16s%10llu%10llu%9llu%9llu%9llu%9llu%9llu%10llu%8llu%6llu us\n",
			guest_name(v, i), ull(s.stats.placed), ull(s.stats.on_target),
			ull(s.stats.missed[STEER_MISSED_MOVED]),
			ull(s.stats.missed[STEER_MISSED_OLD]),
			ull(s.stats.missed[STEER_MISSED_ASTRAY]),
			ull(s.stats.missed[STEER_MISSED_UNSEEN]), ull(s.stats.held),
			ull(s.retagged), ull(s.helped), ull(mean_error_us(&s)));
	}
}

/* ---- The trace ---- */

struct trace_line {
	const struct mon_sink *out;
	const char *guest;
	unsigned nr;
};

static void print_placement(void *arg, const struct steer_trace *t)
{
	static const char *const writer[STEER_WRITERS] = {
		[STEER_BY_CPU] = "cpu",
		[STEER_BY_ENGINE] = "engine",
		[STEER_BY_NIC] = "nic",
	};
	struct trace_line *l = arg;
	const struct steer_placement *p = &t->placement;

	mon_print(l->out, "placed %s 0x%llx %u %u %s %u %u %llu %llu %s\n", l->guest,
		ull(HPA(p->hva)), p->contiguous_bytes, p->len_bytes,
		p->writer < STEER_WRITERS ? writer[p->writer] : "?", p->core, t->consumed_core,
		ull(t->published_us), ull(t->consumed_us),
		t->missed < STEER_MISSED_REASONS ? steer_missed_name[t->missed] : "on_target");
	l->nr++;
}

void steer_view_trace(const struct steer_view *v, const struct mon_sink *out)
{
	struct trace_line l = { .out = out };

	for (unsigned i = 0; i < v->sys->nr_guests; i++) {
		l.guest = guest_name(v, i);
		v->ops->for_each_placement(v->ctx, i, print_placement, &l);
	}
	mon_print(out, "%u placements\n", l.nr);
}
