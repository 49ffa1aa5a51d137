/* Options and results as text; see options.h. */
#include "options.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"

static const char *const policy_name[] = { "static", "rss", "follow", "full", NULL };
static const char *const sched_name[] = { "full", "rr", NULL };
static const char *const traffic_name[] = { "window", "poisson", "bursts", NULL };
static const char *const frames_name[] = { "full", "mix", "small", NULL };
static const char *const switch_name[] = { "off", "on", NULL };

enum kind { NUMBER, NUMBER64, CHOICE, SWITCH };

static const struct {
	const char *key;
	enum kind kind;
	size_t at;
	const char *const *names;
} options[] = {
#define FIELD(f) offsetof(struct sim_config, f)
	{ "cores", NUMBER, FIELD(nr_cores), NULL },
	{ "io", NUMBER, FIELD(nr_io), NULL },
	{ "hogs", NUMBER, FIELD(nr_hogs), NULL },
	{ "ports", NUMBER, FIELD(nr_ports), NULL },
	{ "traffic", CHOICE, FIELD(traffic), traffic_name },
	{ "frames", CHOICE, FIELD(frames), frames_name },
	{ "flows", NUMBER, FIELD(flows), NULL },
	{ "window", NUMBER, FIELD(window), NULL },
	{ "pps", NUMBER64, FIELD(guest_pps), NULL },
	{ "burst", NUMBER, FIELD(burst), NULL },
	{ "hog_kib", NUMBER, FIELD(hog_kib), NULL },
	{ "policy", CHOICE, FIELD(policy), policy_name },
	{ "sched", CHOICE, FIELD(sched), sched_name },
	{ "cache_aware", SWITCH, FIELD(cache_aware), switch_name },
	{ "credit_stealing", SWITCH, FIELD(credit_stealing), switch_name },
	{ "engine", SWITCH, FIELD(engine), switch_name },
	{ "aim", SWITCH, FIELD(aim), switch_name },
	{ "linux_bridge", SWITCH, FIELD(linux_bridge), switch_name },
	{ "slice_us", NUMBER64, FIELD(slice_us), NULL },
	{ "warm_us", NUMBER64, FIELD(warm_us), NULL },
	{ "run_us", NUMBER64, FIELD(run_us), NULL },
	{ "sample", NUMBER, FIELD(sample), NULL },
	{ "seed", NUMBER64, FIELD(seed), NULL },
#undef FIELD
};

static int find(const char *const *names, const char *value)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], value))
			return i;
	return -1;
}

static int set_field(struct sim_config *c, unsigned index, const char *value)
{
	char *field = (char *)c + options[index].at, *end;
	bool named = options[index].names != NULL;
	long long n = named ? find(options[index].names, value) : strtoll(value, &end, 0);

	if (n < 0 || (!named && (*end || end == value)))
		return -1;
	switch (options[index].kind) {
	case NUMBER64:
		*(uint64_t *)field = (uint64_t)n;
		break;
	case SWITCH:
		*(bool *)field = n != 0;
		break;
	case NUMBER:
	case CHOICE:
	default:
		*(unsigned *)field = (unsigned)n;
		break;
	}
	return 0;
}

int option_set(struct sim_config *c, const char *text)
{
	const char *value = strchr(text, '=');
	size_t len = value ? (size_t)(value - text) : 0;

	if (!value)
		return -1;
	if (len == 7 && !memcmp(text, "machine", 7)) {
		c->machine = machine_find(value + 1);
		return c->machine ? 0 : -1;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].key) == len && !memcmp(options[i].key, text, len))
			return set_field(c, i, value + 1);
	return -1;
}

/* Jain's index, 1: all the same (Jain, Chiu and Hawe, 1984). */
static double jain(const uint64_t *x, unsigned nr)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < nr; i++) {
		sum += (double)x[i];
		squares += (double)x[i] * (double)x[i];
	}
	return squares > 0 ? sum * sum / (squares * nr) : 1;
}

static void count(const char *name, uint64_t n)
{
	printf(",\"%s\":%" PRIu64, name, n);
}

static void per_frame(const char *name, uint64_t n, uint64_t frames)
{
	printf(",\"%s\":%.3f", name, frames ? (double)n / (double)frames : 0.0);
}

static void print_memory(const char *who, const struct memory_count *m, uint64_t frames)
{
	char name[40];

	snprintf(name, sizeof(name), "%s_l2_misses", who);
	per_frame(name, m->l2_misses, frames);
	snprintf(name, sizeof(name), "%s_llc_misses", who);
	per_frame(name, m->llc_misses, frames);
	snprintf(name, sizeof(name), "%s_stall_cycles", who);
	per_frame(name, m->stall_cycles, frames);
}

static void print_frames(const struct sim_frames *f)
{
	count("sent", f->sent);
	count("missed", f->missed);
	count("dropped", f->dropped);
	count("consumed", f->consumed);
	count("placed", f->placed);
	count("held", f->held);
	count("moved", f->moved);
	count("cpu_copies", f->cpu_copies);
	count("engine_copies", f->engine_copies);
	per_frame("on_target", f->on_target, f->consumed);
	per_frame("resident", f->resident_permille, f->consumed * 1000);
	per_frame("vm_exits", f->vm_exits, f->consumed);
	per_frame("interrupts", f->interrupts, f->consumed);
}

static void print_scheduler(const struct sim_config *c, const struct sim_result *r)
{
	count("switches", r->switches);
	count("stolen", r->stolen);
	count("migrations", r->migrations);
	count("boosts", r->boosts);
	count("retagged", r->retagged);
	per_frame("wait_error_us", r->wait_error_ticks * 1000 / c->machine->khz, r->nr_waits);
	per_frame("worker_share", r->worker_ticks, r->ticks);
	per_frame("idle_share", r->idle_ticks, r->ticks);
	per_frame("borrowed", r->borrowed_ticks, r->charged_ticks);
	printf(",\"jain_io\":%.4f,\"jain_hogs\":%.4f", jain(r->io_consumed, c->nr_io),
		jain(r->hog_done, c->nr_hogs));
	count("hog_lines", r->hog_lines);
}

void result_print(const struct sim_config *c, const struct sim_result *r)
{
	uint64_t n = r->f.consumed;

	printf("{\"policy\":\"%s\"", policy_name[c->policy]);
	print_frames(&r->f);
	print_memory("work", &r->packet_work, n);
	print_memory("guest", &r->guests, n);
	print_memory("packet", &r->packets, n);
	per_frame("injected_lines", r->dma.injected_lines, n);
	per_frame("dma_memory_reads", r->dma.memory_reads, n);
	per_frame("dma_memory_writes", r->dma.memory_writes, n);
	printf(",\"mbit_per_s\":%.1f", (double)r->f.bytes * 8 / (double)c->run_us);
	count("p50_ns", histogram_quantile(&r->latency_ns, 500000));
	count("p99_ns", histogram_quantile(&r->latency_ns, 990000));
	count("p999_ns", histogram_quantile(&r->latency_ns, 999000));
	print_scheduler(c, r);
	count("in_flight", r->in_flight);
	printf(",\"books_balance\":%s}\n", r->books_balance ? "true" : "false");
}
