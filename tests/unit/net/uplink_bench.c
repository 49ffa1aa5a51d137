/* See uplink_bench.h. */
#include "uplink_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PAGES_MAX 128

struct bench_side side[2];
struct fake_port test_port[BENCH_PORTS];
const uint8_t peer_mac[BENCH_PORTS][6] = { { 2, 0, 0, 0, 1, 0 }, { 2, 0, 0, 0, 1, 1 },
	{ 2, 0, 0, 0, 1, 2 } };

uint8_t bench_frame[NET_FRAME_MAX], bench_got[NET_FRAME_MAX];

static void *page[PAGES_MAX];
static unsigned nr_pages;
static bool one_switch;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void *pages(uint64_t len_bytes)
{
	void *p = aligned_alloc(64, ALIGN_UP(len_bytes, 64));

	require(nr_pages < PAGES_MAX);
	memset(p, 0, len_bytes);
	page[nr_pages++] = p;
	return p;
}

static void idle(void *arg)
{
	(void)arg;
	bench_housekeep();
}

static struct worker *worker_of(unsigned core)
{
	return &world.worker[core % NET_CORES];
}

static uint64_t now_us(void)
{
	return world.now_us;
}

void bench_assign(unsigned pool, const struct net_guest *g, unsigned number)
{
	const struct sched_hint *hint[UPLINK_PAIRS_MAX];

	for (unsigned i = 0; i < UPLINK_PAIRS_MAX; i++)
		hint[i] = &g->hint;
	uplink_assign_pool(&side[0].up, pool, &g->net->port, hint, number);
}

static void lend(struct bench_side *s)
{
	for (unsigned i = 0; i < world.nr_guests && i + 1 < s->up.setup.nr_pools; i++) {
		struct net_guest *g = &world.guest[i];

		bench_assign(i + 1, g, g->net->setup.number);
		require(!uplink_borrow(&s->up, i + 1, virtio_net_lend(g->net)));
		g->drv.idle = idle;
	}
}

static void make_uplink(struct bench_side *s, const struct bench_conf *c, uint32_t capabilities,
	const struct port_policy *policy)
{
	struct port_policy promiscuous = *policy;
	unsigned nr_pools = MAX(c->nr_pools, 1u), per_pool = MAX(c->queues_per_pool, 1u);
	struct fake_nic_conf nic = { .name = "nic",
		.client = { &s->up, uplink_link_changed, uplink_state_changed, uplink_wake },
		.nr_queues = nr_pools * per_pool,
		.queues_per_pool = per_pool,
		.rx_entries = c->rx_entries,
		.tx_entries = c->tx_entries,
		.polled = c->polled,
		.capabilities = capabilities,
		.mtu = c->mtu };
	struct uplink_setup setup = { .name = "nic",
		.nr_pools = nr_pools,
		.home = 1,
		.bounce_bytes = (uint32_t)ALIGN_UP((c->mtu ? c->mtu : 1500) + 18, 64),
		.worker_of = worker_of,
		.now_us = now_us,
		.rx_buffers = BENCH_RX_BUFFERS,
		.pages = pages,
		.buffers = pages,
		.steer = c->steer,
		.aim = c->aim };

	for (unsigned i = 1; i < nr_pools; i++)
		setup.pool_pairs[i] = (uint8_t)per_pool;
	memset(&s->up, 0, sizeof(s->up));
	fake_nic_init(&s->nic, &nic);
	require(!uplink_init(&s->up, &s->nic.nic, &setup));
	promiscuous.promiscuous = true;
	require(!switch_add_port(s->sw, &s->up.port, &promiscuous));
	if (c->lend && s == &side[0])
		lend(s);
	require(!s->nic.nic.ops->start(&s->nic.nic));
	uplink_start(&s->up);
	if (!c->no_link)
		fake_nic_link(&s->nic, true);
}

static void make_ports(const struct bench_conf *c)
{
	for (unsigned i = 0; i < BENCH_PORTS; i++) {
		struct port_policy policy = c->port[i];

		memcpy(policy.mac, peer_mac[i], sizeof(policy.mac));
		fake_port_init(&test_port[i], FAKE_QUEUE);
		require(!switch_add_port(side[1].sw, &test_port[i].p, &policy));
	}
}

void bench_init(const struct bench_conf *conf)
{
	static const struct bench_conf standard = { .capabilities = {
							    FAKE_NIC_ALL, FAKE_NIC_ALL } };
	const struct bench_conf *c = conf ? conf : &standard;

	net_world_init(c->nr_guests ? c->nr_guests : 2, c->guest);
	one_switch = c->one_switch;
	side[0].sw = side[1].sw = world.sw;
	if (!one_switch) {
		side[1].sw = aligned_alloc(64, ALIGN_UP(sizeof(*world.sw), (size_t)64));
		memset(side[1].sw, 0, sizeof(*world.sw));
		switch_init(side[1].sw, "out", 300, 0);
	}
	for (unsigned i = 0; i < 2; i++)
		make_uplink(&side[i], c, c->capabilities[i], &c->uplink[i]);
	make_ports(c);
	if (!c->polled)
		bench_run();
}

static void check_returned(const struct bench_side *s)
{
	for (unsigned i = 0; i < s->up.nr_pairs; i++) {
		const struct uplink_pair *pair = s->up.pair[i];

		require(pair->rx.nr_free + pair->rx.nr_posted == pair->rx.nr_buffers);
		require(!pair->rx.lent.nr_lent);
		require(pair->tx.head == pair->tx.tail);
		require(pair->tx.bounce_head == pair->tx.bounce_tail);
		require(frame_ring_has_room(&pair->tx.ring) && !pair->rx.done);
	}
}

void bench_free(void)
{
	for (unsigned i = 0; i < 2; i++)
		side[i].nic.nic.ops->stop(&side[i].nic.nic);
	for (unsigned i = 0; i < world.nr_guests; i++)
		virtio_driver_reset(&world.guest[i].drv);
	bench_run();
	for (unsigned i = 0; i < BENCH_PORTS; i++)
		fake_drain(&test_port[i]);
	bench_housekeep();
	for (unsigned i = 0; i < 2; i++) {
		check_returned(&side[i]);
		require(bench_balanced(i));
		fake_nic_free(&side[i].nic);
	}
	for (; nr_pages; nr_pages--)
		free(page[nr_pages - 1]);
	if (!one_switch)
		free(side[1].sw);
	net_world_free();
}

int bench_setup(void **state)
{
	(void)state;
	bench_init(NULL);
	return 0;
}

int bench_teardown(void **state)
{
	(void)state;
	bench_free();
	return 0;
}

void bench_send_frames(struct net_guest *g, unsigned nr, uint32_t len_bytes)
{
	net_make_frame(bench_frame, peer_mac[0], g->mac, len_bytes, 1);
	for (unsigned i = 0; i < nr; i++)
		assert_true(net_guest_send(g, NULL, bench_frame, len_bytes, NULL) >= 0);
	net_guest_kick(g, NET_TX);
}

void bench_from_wire(const uint8_t *to, unsigned queue, uint32_t len_bytes)
{
	net_make_frame(bench_frame, to, peer_mac[0], len_bytes, len_bytes);
	assert_true(fake_nic_receive(&side[0].nic, queue, bench_frame, len_bytes, NULL));
}

void bench_expect_frame(struct net_guest *g, uint32_t len_bytes)
{
	struct virtio_net_hdr h;

	net_make_frame(bench_frame, g->mac, peer_mac[0], len_bytes, len_bytes);
	assert_int_equal(net_guest_receive(g, &h, bench_got), len_bytes);
	assert_memory_equal(bench_got, bench_frame, len_bytes);
}

void bench_start_guests(uint64_t features, unsigned nr_buffers, uint32_t buffer_bytes)
{
	for (unsigned i = 0; i < world.nr_guests; i++) {
		require(!net_guest_start(&world.guest[i], features, 256));
		net_guest_post_rx(&world.guest[i], nr_buffers, buffer_bytes);
	}
	bench_run();
}

void bench_run(void)
{
	require(net_world_run());
}

void bench_housekeep(void)
{
	for (unsigned i = 0; i < 4; i++) {
		uplink_housekeeping(&side[0].up);
		uplink_housekeeping(&side[1].up);
		bench_run();
	}
}

void bench_learn(unsigned port, unsigned queue)
{
	uint8_t frame[60];

	net_make_frame(frame, peer_mac[port], peer_mac[port], sizeof(frame), 0);
	require(fake_nic_receive(&side[0].nic, queue, frame, sizeof(frame), NULL));
	bench_run();
}

unsigned bench_cable(unsigned from, unsigned queue)
{
	struct fake_nic *n = &side[from].nic;
	unsigned first = n->nr_sent;

	for (unsigned q = 0; q < n->nic.nr_queues; q++)
		fake_nic_transmit(n, q, UINT32_MAX);
	for (unsigned i = first; i < n->nr_sent; i++)
		fake_nic_receive(
			&side[!from].nic, queue, n->sent[i].bytes, n->sent[i].len_bytes, NULL);
	return n->nr_sent - first;
}

void bench_settle(void)
{
	do
		bench_run();
	while (bench_cable(0, 0) + bench_cable(1, 0));
}

bool bench_balanced(unsigned s)
{
	struct port_counters c;
	uint64_t drops = 0;

	switch_sum(side[s].sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		drops += c.drops[i];
	return c.rx_frames + c.extra_copies == c.tx_frames + drops;
}

uint64_t bench_drops(unsigned s, enum drop_reason why)
{
	struct port_counters c;

	switch_sum(side[s].sw, &c);
	return c.drops[why];
}

bool bench_forward(unsigned port, struct frame *f)
{
	struct port *blocked;

	if (switch_forward(&test_port[port].p, f, world.now_us, &blocked) == 0)
		return true;
	frame_put(f);
	return false;
}

int bench_take(unsigned port, uint8_t *frame, struct frame_offload *o)
{
	struct fake_port *fp = &test_port[port];

	if (!fp->nr)
		return -1;
	fake_take(fp, fp->queue[0]);
	memmove(&fp->queue[0], &fp->queue[1], --fp->nr * sizeof(fp->queue[0]));
	memcpy(frame, fp->last, fp->last_len);
	if (o)
		*o = fp->last_offload;
	return (int)fp->last_len;
}
