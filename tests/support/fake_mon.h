/* A machine of two guests, two cores and two ports for the monitor's tests, and a sink that keeps
 * text. Expects fmt.c, mon.c and port.c to be linked. */
#ifndef TESTS_FAKE_MON_H
#define TESTS_FAKE_MON_H

#include <stdio.h>
#include <string.h>

#include "lib/errno.h"
#include "mon/mon.h"

static char fake_text[200000];
static size_t fake_text_len;
static char fake_events[1000]; /* what was asked of the machine, in order */
static const char *fake_why;   /* b crashed */

static inline void fake_event(const char *fmt, const char *name, int n)
{
	size_t len = strlen(fake_events);

	snprintf(fake_events + len, sizeof(fake_events) - len, fmt, name, n);
}

static inline void fake_reset(void)
{
	fake_text_len = 0;
	fake_text[0] = '\0';
	fake_events[0] = '\0';
}

static inline void fake_write(const char *text, size_t len)
{
	if (len > sizeof(fake_text) - 1 - fake_text_len)
		len = sizeof(fake_text) - 1 - fake_text_len;
	memcpy(fake_text + fake_text_len, text, len);
	fake_text_len += len;
	fake_text[fake_text_len] = '\0';
}

static inline void fake_sink_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	fake_write(text, len);
}

static const struct mon_sink fake_sink = { fake_sink_write, NULL };

static inline void fake_system(void *ctx, struct mon_system *s)
{
	(void)ctx;
	memset(s, 0, sizeof(*s));
	s->tsc = 1000;
	s->tsc_khz = 2400000;
	s->image_bytes = 300000;
	s->memory_bytes = 4000000;
	s->buffer_bytes = 2000000;
	s->nr_guests = s->nr_cores = s->nr_ports = 2;
	s->nr_uplinks = 1;
	s->net.rx_frames = 10;
	s->net.tx_frames = 8;
	s->net.drops[DROP_RUNT] = 2;
	s->copies_cpu = 8;
	s->steer_policy = "full";
	s->steer_backend = "dca";
}

static inline void fake_guest(void *ctx, unsigned i, struct mon_guest *g)
{
	(void)ctx;
	memset(g, 0, sizeof(*g));
	g->name = i ? "b" : "a";
	g->state = fake_why && i ? MON_CRASHED : i ? MON_PAUSED : MON_RUNNING;
	g->why = i ? fake_why : NULL;
	g->vcpus = i + 1;
	g->memory_bytes = MIB(64);
	g->kernel = "vm\\linux";
	g->boot_ticks = 77;
	g->exits[10] = 5;
	g->exits[71] = i;
	g->sched = (struct mon_sched){ 900, 12, 5, 4, 3, 2, 1, i };
}

static inline void fake_core(void *ctx, unsigned i, struct mon_core *c)
{
	(void)ctx;
	memset(c, 0, sizeof(*c));
	c->apic_id = i * 2;
	c->idle = i == 1;
	c->vcpu_ticks = UINT64_MAX;
	c->smt_blocked_ticks = 6ull * i;
	c->stolen = c->stolen_by_distance[DIST_LLC] = i;
}

static inline void fake_port(void *ctx, unsigned i, struct mon_port *p)
{
	(void)ctx;
	memset(p, 0, sizeof(*p));
	p->switch_name = "lan";
	p->name = i ? "b.0" : "a.0";
	p->counters.rx_frames = 100 + i;
	p->counters.drops[DROP_NO_PORT] = i;
}

static inline void fake_uplink(void *ctx, unsigned i, struct mon_uplink *u)
{
	(void)ctx;
	(void)i;
	*u = (struct mon_uplink){
		.switch_name = "lan",
		.name = "nic0",
		.driver = "ixgbe",
		.state = NIC_RUNNING,
		.link = { .up = true, .mbps = 10000 },
		.nic = { .rx_frames = 21, .tx_frames = 22, .rx_crc_errors = 3, .rx_missed = 4 },
		.rx_bad_frames = 3,
		.tx_zero_copy = 20,
		.rx_zero_copy = 7,
		.tx_bounced = 2,
		.tx_wire_frames = 22,
		.nr_pairs = 1,
		.pair = { { 1, 17, 20 } },
	};
	u->counters.rx_frames = 200;
}

static inline void fake_steer(void *ctx, unsigned guest, struct mon_steer *s)
{
	(void)ctx;
	s->stats.placed = 10;
	s->stats.on_target = 7;
	s->stats.missed[STEER_MISSED_OLD] = 2;
	s->stats.missed[STEER_MISSED_ASTRAY] = 1;
	s->stats.held = guest;
	s->retagged = 5;
	s->helped = 2;
	s->wait_error_us = 90;
	s->nr_waits = 10 * guest;
}

static inline void fake_for_each_placement(
	void *ctx, unsigned guest, void (*fn)(void *arg, const struct steer_trace *t), void *arg)
{
	struct steer_trace t = { .placement = { (const void *)0x123400c, 1000, 1514, 1,
					 STEER_BY_ENGINE, false },
		.published_us = 77,
		.consumed_us = 80,
		.consumed_core = guest,
		.missed = guest ? STEER_MISSED_REASONS : STEER_MISSED_MOVED };

	(void)ctx;
	fn(arg, &t);
}

static inline void fake_for_each_mac(
	void *ctx, void (*fn)(void *arg, const struct mon_mac *m), void *arg)
{
	struct mon_mac m = { "lan", "a.0", { 2, 0, 0, 0, 0, 0xab }, 7, true, 0 };

	(void)ctx;
	fn(arg, &m);
	m.fixed = false;
	m.age_s = 12;
	fn(arg, &m);
}

static inline int fake_control(void *ctx, unsigned guest, enum mon_control what)
{
	static const char *const name[] = { "start", "pause", "resume", "reset", "stop",
		"poweroff" };

	(void)ctx;
	fake_event("%s %d;", name[what], (int)guest);
	return what == MON_START ? -EINVAL : what == MON_RESET ? -ENOMEM : 0;
}

static inline bool fake_guest_input(void *ctx, unsigned guest, uint8_t c)
{
	char byte[2] = { (char)c, '\0' };

	(void)ctx;
	fake_event("%s>%d;", byte, (int)guest);
	return true;
}

static inline void fake_set_log_level(enum log_level level)
{
	fake_event("%s %d;", "log", (int)level);
}

static inline const char *fake_exit_name(unsigned reason)
{
	return reason == 10 ? "cpuid" : NULL;
}

static inline void fake_poweroff(void *ctx)
{
	(void)ctx;
	fake_event("%s %d;", "machine", 0);
}

static const struct mon_ops fake_ops = {
	.system = fake_system,
	.guest = fake_guest,
	.core = fake_core,
	.port = fake_port,
	.uplink = fake_uplink,
	.steer = fake_steer,
	.for_each_placement = fake_for_each_placement,
	.for_each_mac = fake_for_each_mac,
	.control = fake_control,
	.guest_input = fake_guest_input,
	.set_log_level = fake_set_log_level,
	.exit_reason_name = fake_exit_name,
	.poweroff = fake_poweroff,
};

#endif
