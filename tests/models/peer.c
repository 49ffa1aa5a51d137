/* Peers: their place on the wire, pacing and PAUSE; counts. */
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "peer_impl.h"

#define CONTROL_PAUSE	 0x0001
#define PAUSE_QUANTUM_PS UINT64_C(51200) /* 512 bits: 802.3 31B.2 */

void peer_kick(struct peer *p)
{
	uint64_t not_before_ps = 0;
	uint32_t len_bytes;

	if (!p->signal || clock_is_scheduled(&p->departure) || !p->kind->next ||
		!p->kind->next(p, &len_bytes, &not_before_ps))
		return;
	p->start_ps = clock_now(p->clock);
	if (p->start_ps < not_before_ps)
		p->start_ps = not_before_ps;
	if (p->start_ps < p->free_ps)
		p->start_ps = p->free_ps;
	if (p->start_ps < p->paused_until_ps)
		p->start_ps = p->paused_until_ps;
	clock_schedule(p->clock, &p->departure, p->start_ps + wire_time_ps(len_bytes));
}

static void depart(void *ctx)
{
	struct peer *p = ctx;
	uint32_t len_bytes = p->kind->build(p, p->frame);

	p->free_ps = clock_now(p->clock);
	p->counts.tx_frames++;
	p->counts.tx_bytes += len_bytes + WIRE_FCS_BYTES;
	wire_send(p->wire, p->end, p->frame, len_bytes, true);
	peer_kick(p);
}

/* 802.3 31B.3: a frame in transmission is finished; 0 quanta end a pause. */
static void pause(struct peer *p, uint32_t quanta)
{
	p->counts.rx_pause++;
	p->paused_until_ps = clock_now(p->clock) + quanta * PAUSE_QUANTUM_PS;
	if (!clock_is_scheduled(&p->departure) || p->start_ps <= clock_now(p->clock))
		return;
	clock_cancel(p->clock, &p->departure);
	peer_kick(p);
}

static bool is_pause(const uint8_t *data)
{
	static const uint8_t address[MAC_BYTES] = { 0x01, 0x80, 0xc2, 0, 0, 0x01 };

	return !memcmp(data, address, MAC_BYTES) && load_be16(data + 12) == ETH_TYPE_CONTROL &&
	       load_be16(data + 14) == CONTROL_PAUSE;
}

static void receive(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	struct peer *p = ctx;

	if (!fcs_ok || len_bytes < ETH_MIN) {
		p->counts.rx_errors++;
		return;
	}
	p->counts.rx_frames++;
	p->counts.rx_bytes += len_bytes + WIRE_FCS_BYTES;
	if (is_pause(data))
		pause(p, load_be16(data + 16));
	else
		p->kind->receive(p, data, len_bytes);
}

static void signal(void *ctx, bool present)
{
	struct peer *p = ctx;

	p->signal = present;
	if (present) {
		peer_kick(p);
		return;
	}
	clock_cancel(p->clock, &p->departure);
	p->paused_until_ps = 0;
	if (p->kind->link_lost)
		p->kind->link_lost(p);
}

static const struct wire_end_ops wire_ops = { receive, signal };

int peer_create(struct peer **out, const char *spec, struct clock *clock, struct wire *wire,
	unsigned end, const char **why)
{
	struct peer *p = calloc(1, sizeof(*p));
	int r;

	*out = NULL;
	*why = "no memory";
	if (!p)
		return -ENOMEM;
	r = peer_config_parse(&p->config, &p->kind, spec, why);
	if (r)
		goto fail;
	p->own = calloc(1, p->kind->own_bytes);
	if (!p->own) {
		*why = "no memory";
		r = -ENOMEM;
		goto fail;
	}
	p->clock = clock;
	p->wire = wire;
	p->end = end;
	p->departure.fn = depart;
	p->departure.ctx = p;
	p->counts.latency_min_ps = UINT64_MAX;
	if (p->kind->init)
		p->kind->init(p);
	wire_attach(wire, end, &wire_ops, p);
	wire_set_transmitter(wire, end, true);
	*out = p;
	return 0;
fail:
	free(p);
	return r;
}

void peer_destroy(struct peer *p)
{
	if (!p)
		return;
	clock_cancel(p->clock, &p->departure);
	wire_attach(p->wire, p->end, NULL, NULL);
	wire_set_transmitter(p->wire, p->end, false);
	free(p->own);
	free(p);
}

void peer_counts(const struct peer *p, struct peer_counts *counts)
{
	*counts = p->counts;
	if (!counts->rx_checked)
		counts->latency_min_ps = 0;
}

void peer_print_counts(const struct peer *p, FILE *out)
{
	struct peer_counts c;

	peer_counts(p, &c);
	const struct {
		const char *name;
		uint64_t value;
	} line[] = {
		{ "tx_frames", c.tx_frames },
		{ "tx_bytes", c.tx_bytes },
		{ "rx_frames", c.rx_frames },
		{ "rx_bytes", c.rx_bytes },
		{ "rx_errors", c.rx_errors },
		{ "rx_pause", c.rx_pause },
		{ "ignored", c.ignored },
		{ "dropped", c.dropped },
		{ "rx_foreign", c.rx_foreign },
		{ "rx_checked", c.rx_checked },
		{ "rx_corrupted", c.rx_corrupted },
		{ "rx_lost", c.rx_lost },
		{ "rx_reordered", c.rx_reordered },
		{ "rx_duplicated", c.rx_duplicated },
		{ "rx_too_late", c.rx_too_late },
		{ "latency_min_ps", c.latency_min_ps },
		{ "latency_avg_ps", c.rx_checked ? c.latency_sum_ps / c.rx_checked : 0 },
		{ "latency_max_ps", c.latency_max_ps },
	};

	for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		fprintf(out, "%s %" PRIu64 "\n", line[i].name, line[i].value);
}
