// sources: @switch
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_port.h"

#define PORTS  6
#define SECOND UINT64_C(1000000)

static struct net_switch sw;
static struct fake_port port[SWITCH_PORTS_MAX + 1];
static struct port_policy policy[PORTS];
static struct port *blocked;
static uint64_t now_us;

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t multicast[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t stranger[6] = { 0x02, 9, 9, 9, 9, 9 };

static void init(unsigned ageing_s, uint64_t storm)
{
	memset(&sw, 0, sizeof(sw));
	switch_init(&sw, "lan", ageing_s, storm);
	memset(policy, 0, sizeof(policy));
	now_us = SECOND;
	for (unsigned i = 0; i < ARRAY_SIZE(port); i++)
		fake_port_init(&port[i], FAKE_QUEUE);
	for (unsigned i = 0; i < PORTS; i++) {
		policy[i] = (struct port_policy){ .mac = { 0x52, 0x54, 0, 0, 0, (uint8_t)(i + 1) },
			.spoof_check = true };
	}
}

static void add(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(switch_add_port(&sw, &port[i].p, &policy[i]), 0);
}

static int setup(void **state)
{
	(void)state;
	init(300, 0);
	return 0;
}

/* An Ethernet header; tci 0x10000 = no tag. Returns its length. */
static uint32_t put_header(uint8_t *b, const uint8_t *dst, const uint8_t *src, uint32_t tci)
{
	uint32_t n = 12;

	memcpy(b, dst, 6);
	memcpy(b + 6, src, 6);
	if (tci <= 0xffff) {
		b[n++] = 0x81;
		b[n++] = 0x00;
		b[n++] = (uint8_t)(tci >> 8);
		b[n++] = (uint8_t)tci;
	}
	b[n++] = 0x88;
	b[n++] = 0xb5;
	return n;
}

#define UNTAGGED 0x10000u

static int send_tagged(
	unsigned from, const uint8_t *dst, const uint8_t *src, uint32_t tci, uint32_t len)
{
	uint8_t bytes[2048];
	struct port *full;
	struct frame *f;
	uint32_t n = put_header(bytes, dst, src, tci);
	int r;

	for (; n < sizeof(bytes); n++)
		bytes[n] = (uint8_t)n;
	f = fake_frame(bytes, len, 3);
	r = switch_forward(&port[from].p, f, now_us, &full);
	if (r) {
		store_relaxed(&blocked, full);
		frame_put(f);
	}
	return r;
}

static int send(unsigned from, const uint8_t *dst, const uint8_t *src)
{
	return send_tagged(from, dst, src, UNTAGGED, 100);
}

static const uint8_t *mac(unsigned i)
{
	return policy[i].mac;
}

/* Frames that each of the first ports got since the last call, as decimal digits. */
static unsigned got(unsigned nr)
{
	unsigned digits = 0;

	for (unsigned i = 0; i < nr; i++)
		digits = digits * 10 + fake_drain(&port[i]);
	return digits;
}

static uint64_t drops(unsigned i, enum drop_reason why)
{
	return port[i].p.counters.drops[why];
}

static void check_books(void)
{
	struct port_counters c;
	uint64_t dropped = 0, queued = 0;

	switch_sum(&sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		dropped += c.drops[i];
	for (unsigned i = 0; i < ARRAY_SIZE(port); i++)
		queued += port[i].nr;
	assert_true(c.rx_frames + c.extra_copies == c.tx_frames + dropped + queued);
}

static void test_unicast_between_guests(void **state)
{
	(void)state;
	add(3);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(send(1, mac(0), mac(1)), 0);
	assert_int_equal(send(2, mac(0), mac(2)), 0);
	assert_int_equal(got(3), 210);
	assert_int_equal(port[0].p.counters.rx_bytes, 100);
	assert_int_equal(port[0].p.counters.tx_frames, 2);
	assert_int_equal(port[0].p.counters.tx_bytes, 200);
	assert_int_equal(port[0].p.counters.tx_flooded, 0);
	assert_int_equal(send(0, mac(0), mac(0)), 0); /* to itself */
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	check_books();
}

static void test_broadcast_and_multicast(void **state)
{
	static const uint8_t lacp[6] = { 0x01, 0x80, 0xc2, 0, 0, 2 };

	(void)state;
	add(4);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(send(1, multicast, mac(1)), 0);
	assert_int_equal(got(4), 1122);
	assert_int_equal(port[3].p.counters.tx_flooded, 2);
	assert_int_equal(port[0].p.counters.extra_copies, 2);
	assert_int_equal(send(0, lacp, mac(0)), 0);
	assert_int_equal(got(4), 0);
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	check_books();
}

static void test_unknown_unicast_and_learning(void **state)
{
	(void)state;
	policy[2].promiscuous = true;
	policy[2].spoof_check = false;
	add(3);
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(got(3), 1); /* the promiscuous one only */
	assert_int_equal(port[2].p.counters.tx_flooded, 1);
	assert_int_equal(send(2, mac(0), stranger), 0);
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(got(3), 101);
	assert_int_equal(port[2].p.counters.tx_flooded, 1);
	switch_remove_port(&port[2].p);
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	check_books();
}

static unsigned nr_macs;

static void count_mac(void *arg, const struct mac_entry *e)
{
	(void)arg;
	nr_macs += !e->fixed;
}

static void test_ageing(void **state)
{
	(void)state;
	policy[1].spoof_check = false;
	add(2);
	switch_age(&sw, now_us);
	assert_int_equal(send(1, mac(0), stranger), 0);
	switch_age(&sw, now_us += 299 * SECOND);
	switch_for_each_mac(&sw, count_mac, NULL);
	assert_int_equal(nr_macs, 1);
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(got(2), 11);
	switch_age(&sw, now_us += 20 * SECOND);
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	check_books();
}

static void test_bad_sources(void **state)
{
	static const uint8_t zero[6];

	(void)state;
	policy[1].spoof_check = false;
	add(3);
	assert_int_equal(send(0, mac(2), mac(1)), 0);
	assert_int_equal(drops(0, DROP_SPOOFED), 1);
	assert_int_equal(send(1, mac(2), multicast), 0);
	assert_int_equal(send(1, mac(2), zero), 0);
	assert_int_equal(drops(1, DROP_BAD_SOURCE), 2);
	assert_int_equal(send_tagged(0, mac(2), mac(0), UNTAGGED, 13), 0);
	assert_int_equal(send_tagged(0, mac(2), mac(0), UNTAGGED, 1), 0);
	assert_int_equal(send_tagged(0, mac(2), mac(0), 1, 17), 0);
	assert_int_equal(drops(0, DROP_RUNT), 3);
	assert_int_equal(got(3), 0);
	/* A neighbour's address, where it may be used, does not steal what is for the neighbour. */
	assert_int_equal(send(1, mac(2), mac(0)), 0);
	assert_int_equal(send(2, mac(0), mac(2)), 0);
	assert_int_equal(got(3), 101);
	check_books();
}

/* 0 access 1, 1 access 10, 2 trunk native 1 with 10, 3 trunk all native 10, 4 access 20 */
static void add_vlan_ports(void)
{
	policy[1].vlan = 10;
	policy[2].trunk = true;
	policy[2].trunk_vlan[0] = 10;
	policy[2].nr_trunk_vlans = 1;
	policy[3].trunk = true;
	policy[3].vlan = 10;
	policy[4].vlan = 20;
	add(5);
}

static bool last_is(unsigned i, uint32_t tci, uint32_t len)
{
	const uint8_t *b = port[i].last;
	uint32_t n = tci <= 0xffff ? 4 : 0;

	if (n && (b[12] != 0x81 || b[13] != 0 || b[14] != tci >> 8 || b[15] != (tci & 0xff)))
		return false;
	if (b[12 + n] != 0x88 || b[13 + n] != 0xb5 || port[i].last_len != len + n)
		return false;
	return memcmp(b + 6, mac(0), 5) == 0;
}

static void test_vlans_keep_apart(void **state)
{
	(void)state;
	add_vlan_ports();
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(got(5), 110);
	assert_true(last_is(2, UNTAGGED, 100));
	assert_true(last_is(3, 1, 100));
	assert_int_equal(send(1, broadcast, mac(1)), 0);
	assert_int_equal(got(5), 110);
	assert_true(last_is(2, 10, 100));
	assert_true(last_is(3, UNTAGGED, 100));
	assert_int_equal(send(4, broadcast, mac(4)), 0);
	assert_int_equal(got(5), 10);
	assert_true(last_is(3, 20, 100));
	assert_int_equal(send(0, mac(1), mac(0)), 0); /* other VLAN: unknown there */
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	check_books();
}

static void test_vlan_tags_in(void **state)
{
	(void)state;
	add_vlan_ports();
	assert_int_equal(send_tagged(2, broadcast, mac(2), 0x600a, 104), 0);
	assert_int_equal(got(5), 1010);
	assert_true(last_is(1, UNTAGGED, 100));
	assert_true(last_is(3, UNTAGGED, 100));
	assert_int_equal(send_tagged(3, mac(2), mac(3), 0xe001, 104), 0); /* VLAN 1, priority 7 */
	assert_int_equal(got(5), 100);
	assert_true(last_is(2, UNTAGGED, 100));
	assert_int_equal(send_tagged(3, broadcast, mac(3), 0x8000, 104), 0); /* priority tag */
	assert_int_equal(got(5), 1100);
	assert_true(last_is(1, UNTAGGED, 100));
	assert_true(last_is(2, 0x800a, 100));
	assert_int_equal(send_tagged(2, broadcast, mac(2), 20, 104), 0); /* not its VLAN */
	assert_int_equal(send_tagged(2, broadcast, mac(2), 0xfff, 104), 0);
	assert_int_equal(drops(2, DROP_VLAN), 2);
	assert_int_equal(send_tagged(1, broadcast, mac(1), 10, 104), 0); /* access port */
	assert_int_equal(drops(1, DROP_VLAN), 1);
	assert_int_equal(send_tagged(3, mac(2), mac(3), 2, 104), 0);
	assert_int_equal(got(5), 0);
	check_books();
}

/* Behind a priority tag, which is taken off, lies a tag of another VLAN. */
static void test_vlan_hidden_tag(void **state)
{
	uint8_t bytes[104] = { 0 };
	struct port *full;

	(void)state;
	add_vlan_ports();
	(void)put_header(bytes, broadcast, mac(1), 0);
	bytes[16] = 0x81;
	bytes[17] = 0;
	bytes[19] = 20;
	assert_int_equal(switch_forward(&port[1].p, fake_frame(bytes, 104, 3), now_us, &full), 0);
	assert_int_equal(drops(1, DROP_VLAN), 1);
	assert_int_equal(got(5), 0);
	check_books();
}

static void test_isolation(void **state)
{
	(void)state;
	policy[0].isolated = policy[1].isolated = true;
	add(3);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(drops(0, DROP_ISOLATED), 1);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(send(0, mac(2), mac(0)), 0);
	assert_int_equal(send(2, mac(1), mac(2)), 0);
	assert_int_equal(got(3), 12);
	switch_remove_port(&port[2].p);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(drops(0, DROP_ISOLATED), 2);
	check_books();
}

static void test_rate_limit(void **state)
{
	(void)state;
	policy[0].rate_limit_bps = 8000000; /* a byte a microsecond */
	add(2);
	for (unsigned i = 0; i < 1000; i++, now_us += 50) {
		assert_int_equal(send(0, mac(1), mac(0)), 0);
		fake_drain(&port[1]);
	}
	/* 50 ms and 20 ms of burst make 700 frames */
	assert_in_range(port[1].p.counters.tx_frames, 698, 702);
	assert_int_equal(port[1].p.counters.tx_frames + drops(0, DROP_RATE), 1000);
	now_us += SECOND;
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(2), 1);
	check_books();
}

static void test_storm_control(void **state)
{
	(void)state;
	init(300, 100);
	add(2);
	for (unsigned i = 0; i < 1000; i++, now_us += 1000) {
		assert_int_equal(send(0, broadcast, mac(0)), 0);
		assert_int_equal(send(0, mac(1), mac(0)), 0); /* not limited */
		fake_drain(&port[1]);
	}
	assert_in_range(port[1].p.counters.tx_flooded, 108, 112);
	assert_int_equal(port[1].p.counters.tx_flooded + drops(0, DROP_STORM), 1000);
	check_books();
}

static void test_full_and_down(void **state)
{
	(void)state;
	add(3);
	port[1].capacity = 1;
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	blocked = NULL;
	assert_int_equal(send(0, mac(1), mac(0)), -EAGAIN);
	assert_ptr_equal(blocked, &port[1].p);
	assert_int_equal(port[0].p.counters.rx_frames, 1);
	assert_int_equal(port[1].p.counters.pushed_back, 1);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(drops(1, DROP_QUEUE_FULL), 1);
	check_books();
	assert_int_equal(got(3), 11);
	port[1].down = true;
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(drops(1, DROP_LINK_DOWN), 2);
	assert_int_equal(got(3), 1);
	check_books();
}

static int send_offload(struct frame_offload o, uint32_t tci)
{
	uint8_t bytes[1000] = { 0 };
	struct frame *f;

	put_header(bytes, mac(1), mac(0), tci);
	f = fake_frame(bytes, sizeof(bytes), 2);
	f->offload = o;
	return switch_forward(&port[0].p, f, now_us, &blocked);
}

static void test_offload_fields(void **state)
{
	static const struct frame_offload bad[] = {
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 13, .csum_offset = 16 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 965 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .gso_type = 1 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .gso_type = 3, .gso_size = 9 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .gso_type = 0x80 },
		{ .flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .gso_type = 5, .gso_size = 9 },
		{ .flags = 0, .csum_start = 34, .gso_type = 4, .gso_size = 1000 },
	};
	struct frame_offload good = { .flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = VNET_HDR_GSO_TCPV4 | VNET_HDR_GSO_ECN,
		.gso_size = 500,
		.header_len = 54,
		.csum_start = 34,
		.csum_offset = 16 };

	(void)state;
	policy[1].trunk = true;
	policy[1].vlan = 5;
	add(2);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(send_offload(bad[i], UNTAGGED), 0);
	assert_int_equal(drops(0, DROP_MALFORMED), ARRAY_SIZE(bad));
	assert_int_equal(send_offload(good, UNTAGGED), 0);
	assert_int_equal(got(2), 1); /* not in the table, as a trunk for all, but its own address */
	assert_int_equal(port[1].last_len, 1004);
	assert_int_equal(port[1].last_offload.csum_start, 38);
	check_books();
}

/* Offsets move with the tag. */
static void test_plan_shifts_offsets(void **state)
{
	uint8_t bytes[200] = { 0 };
	struct frame *f;
	struct frame_plan plan;

	(void)state;
	put_header(bytes, mac(1), mac(0), UNTAGGED);
	f = fake_frame(bytes, sizeof(bytes), 2);
	f->vlan = 7;
	f->offload =
		(struct frame_offload){ .header_len = 54, .csum_start = 34, .csum_offset = 16 };
	frame_plan(f, true, &plan);
	assert_int_equal(plan.nr_pieces, 3);
	assert_int_equal(plan.len_bytes, 204);
	assert_int_equal(plan.offload.csum_start, 38);
	assert_int_equal(plan.offload.header_len, 58);
	frame_plan(f, false, &plan);
	assert_int_equal(plan.nr_pieces, 1);
	assert_int_equal(plan.len_bytes, 200);
	assert_int_equal(plan.offload.csum_start, 34);
	put_header(f->head, mac(1), mac(0), 7);
	f->tagged = true;
	f->offload.header_len = 3; /* a hint, and nonsense */
	frame_plan(f, false, &plan);
	assert_int_equal(plan.nr_pieces, 2);
	assert_int_equal(plan.len_bytes, 196);
	assert_int_equal(plan.offload.csum_start, 30);
	assert_int_equal(plan.offload.header_len, 0);
	frame_put(f);
}

static void test_ports_come_and_go(void **state)
{
	struct port_policy p = { .vlan = 4095 };
	struct port_counters c;

	(void)state;
	assert_int_equal(switch_add_port(&sw, &port[9].p, &p), -EINVAL);
	p = (struct port_policy){ .spoof_check = true };
	assert_int_equal(switch_add_port(&sw, &port[9].p, &p), -EINVAL);
	p = (struct port_policy){ .mac = { 1 } };
	assert_int_equal(switch_add_port(&sw, &port[9].p, &p), -EINVAL);
	p = (struct port_policy){ .trunk = true, .nr_trunk_vlans = 1 };
	assert_int_equal(switch_add_port(&sw, &port[9].p, &p), -EINVAL);
	add(2);
	assert_int_equal(switch_add_port(&sw, &port[0].p, &policy[0]), -EBUSY);
	assert_int_equal(switch_add_port(&sw, &port[9].p, &policy[1]), -EEXIST);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(2), 1);
	switch_remove_port(&port[1].p);
	switch_remove_port(&port[1].p);
	check_books();
	assert_int_equal(send(1, mac(0), mac(1)), 0); /* in no switch */
	assert_int_equal(drops(1, DROP_LINK_DOWN), 1);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	assert_int_equal(switch_add_port(&sw, &port[1].p, &policy[1]), 0);
	check_books();
	switch_sum(&sw, &c);
	assert_int_equal(c.tx_frames, 1);
	memset(&p, 0, sizeof(p));
	for (unsigned i = 2; i < SWITCH_PORTS_MAX; i++)
		assert_int_equal(switch_add_port(&sw, &port[i].p, &p), 0);
	assert_int_equal(switch_add_port(&sw, &port[SWITCH_PORTS_MAX].p, &p), -ENOSPC);
	assert_int_equal(send(0, broadcast, mac(0)), 0);
	assert_int_equal(port[0].p.counters.extra_copies, SWITCH_PORTS_MAX - 2);
	assert_int_equal(port[31].nr, 1);
	for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++)
		fake_drain(&port[i]);
	check_books();
}

static unsigned seed = 1;

static unsigned rnd(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 12) % below;
}

static void send_random(void)
{
	unsigned to = rnd(10), from = rnd(PORTS);
	const uint8_t *dst = to < PORTS ? mac(to) : to == 6 ? stranger : broadcast;
	const uint8_t *src = rnd(10) ? mac(from) : stranger;
	uint32_t tci = rnd(3) ? UNTAGGED : rnd(4) * 10;

	(void)send_tagged(from, dst, src, tci, rnd(20) ? 60 + rnd(1500) : rnd(20));
}

static void test_books_balance_on_random_traffic(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		init(1 + rnd(100), rnd(2) ? 1000 : 0);
		for (unsigned i = 0; i < PORTS; i++) {
			policy[i].vlan = (uint16_t)(rnd(3) * 10);
			policy[i].trunk = rnd(2);
			policy[i].nr_trunk_vlans = rnd(3);
			policy[i].trunk_vlan[0] = 10;
			policy[i].trunk_vlan[1] = 20;
			policy[i].isolated = rnd(3) == 0;
			policy[i].spoof_check = rnd(2);
			policy[i].promiscuous = rnd(3) == 0;
			policy[i].rate_limit_bps = rnd(3) ? 0 : 50000000;
			port[i].capacity = 1 + rnd(FAKE_QUEUE);
		}
		add(PORTS);
		for (unsigned i = 0; i < 2000; i++, now_us += rnd(200)) {
			send_random();
			if (rnd(20) == 0)
				fake_drain(&port[rnd(PORTS)]);
			if (rnd(100) == 0)
				port[rnd(PORTS)].down ^= true;
			if (rnd(100) == 0)
				switch_age(&sw, now_us += rnd(3) * SECOND);
			check_books();
		}
		got(PORTS);
		check_books();
	}
}

/* Each thread forwards for its own port, all drain, one takes a port out and in. */
static uint32_t senders;

static void *send_many(void *arg)
{
	unsigned from = (unsigned)(uintptr_t)arg, s = from + 1;

	for (unsigned i = 0; i < 20000; i++) {
		s = s * 1103515245 + 12345;
		unsigned to = (s >> 16) % (PORTS + 1);

		(void)send(from, to < PORTS ? mac(to) : broadcast, mac(from));
		if (i % 8 == 0)
			fake_drain(&port[from]);
	}
	(void)atomic_fetch_sub(&senders, 1);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t th[3];
	unsigned s = 0;

	(void)state;
	for (unsigned i = 0; i < PORTS; i++)
		policy[i].spoof_check = i & 1;
	add(PORTS);
	senders = ARRAY_SIZE(th);
	for (uintptr_t i = 0; i < ARRAY_SIZE(th); i++)
		assert_int_equal(pthread_create(&th[i], NULL, send_many, (void *)i), 0);
	while (load_acquire(&senders)) {
		switch_age(&sw, s++ * SECOND);
		switch_remove_port(&port[5].p);
		assert_int_equal(switch_add_port(&sw, &port[5].p, &policy[5]), 0);
		fake_drain(&port[4]);
		fake_drain(&port[5]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(th); i++)
		pthread_join(th[i], NULL);
	got(PORTS);
	check_books();
}

/* Port 2 mirrors what port 0 sends and what port 1 is sent. */
static void add_mirrored(void)
{
	policy[0].mirror = MIRROR_RX;
	policy[1].mirror = MIRROR_TX;
	policy[2].mirror = MIRROR_PORT;
	add(4);
}

static void test_mirror(void **state)
{
	(void)state;
	add_mirrored();
	assert_int_equal(send(0, mac(1), mac(0)), 0); /* both reasons, one copy */
	assert_int_equal(got(4), 110);
	assert_int_equal(send(0, mac(3), mac(0)), 0);
	assert_int_equal(got(4), 11);
	assert_int_equal(send(3, mac(1), mac(3)), 0);
	assert_int_equal(got(4), 110);
	assert_int_equal(send(1, mac(0), mac(1)), 0);
	assert_int_equal(got(4), 1000);
	assert_int_equal(send(3, mac(0), mac(3)), 0);
	assert_int_equal(got(4), 1000);
	/* flooded: one copy; from port 1 to the others: none */
	assert_int_equal(send(3, broadcast, mac(3)), 0);
	assert_int_equal(got(4), 1110);
	assert_int_equal(send(1, broadcast, mac(1)), 0);
	assert_int_equal(got(4), 1001);
	/* nobody wants it, and it was sent; not so what the switch does not take */
	assert_int_equal(send(0, stranger, mac(0)), 0);
	assert_int_equal(got(4), 10);
	assert_int_equal(drops(0, DROP_NO_PORT), 1);
	assert_int_equal(send(0, mac(1), stranger), 0);
	assert_int_equal(got(4), 0);
	assert_int_equal(port[2].p.counters.tx_frames, 5);
	assert_int_equal(port[0].p.counters.extra_copies, 3);
	check_books();
}

/* It is no port for anything else. */
static void test_mirror_port_is_apart(void **state)
{
	(void)state;
	policy[2].promiscuous = true;
	add_mirrored();
	assert_int_equal(send(3, stranger, mac(3)), 0);
	assert_int_equal(send(3, mac(2), mac(3)), 0);
	assert_int_equal(got(4), 0);
	assert_int_equal(send(2, mac(1), mac(2)), 0);
	assert_int_equal(send(2, broadcast, mac(2)), 0);
	assert_int_equal(got(4), 0);
	assert_int_equal(drops(2, DROP_MIRROR_PORT), 2);
	policy[4].mirror = MIRROR_PORT;
	assert_int_equal(switch_add_port(&sw, &port[4].p, &policy[4]), -EEXIST);
	/* it goes, and the next one gets the copies */
	switch_remove_port(&port[2].p);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(4), 100);
	assert_int_equal(switch_add_port(&sw, &port[4].p, &policy[4]), 0);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(5), 1001);
	switch_remove_port(&port[0].p); /* and what it mirrored is forgotten */
	policy[0].mirror = MIRROR_NONE;
	assert_int_equal(switch_add_port(&sw, &port[0].p, &policy[0]), 0);
	assert_int_equal(send(0, mac(3), mac(0)), 0);
	assert_int_equal(got(5), 10);
	check_books();
}

/* A full mirror port costs the copy alone; a full destination means one copy, when it has room. */
static void test_mirror_full(void **state)
{
	(void)state;
	port[2].capacity = 1;
	port[3].capacity = 1;
	add_mirrored();
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(4), 210);
	assert_int_equal(drops(2, DROP_QUEUE_FULL), 1);
	assert_int_equal(drops(1, DROP_QUEUE_FULL), 0);
	assert_int_equal(send(0, mac(3), mac(0)), 0);
	assert_int_equal(got(3), 1);
	assert_int_equal(send(0, mac(3), mac(0)), -EAGAIN);
	assert_int_equal(got(3), 0);
	assert_int_equal(fake_drain(&port[3]), 1);
	assert_int_equal(send(0, mac(3), mac(0)), 0);
	assert_int_equal(got(4), 11);
	port[2].down = true;
	assert_int_equal(send(0, mac(3), mac(0)), 0);
	assert_int_equal(got(4), 1);
	assert_int_equal(drops(2, DROP_LINK_DOWN), 1);
	check_books();
}

/* VLANs do not keep anything from it: what is not of its own comes tagged. */
static void test_mirror_vlan(void **state)
{
	(void)state;
	policy[0].vlan = policy[1].vlan = 7;
	add_mirrored();
	assert_int_equal(send(0, mac(1), mac(0)), 0);
	assert_int_equal(got(4), 110);
	assert_int_equal(port[1].last_len, 100);
	assert_int_equal(port[2].last_len, 104);
	assert_int_equal(port[2].last[12], 0x81);
	assert_int_equal(port[2].last[15], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_unicast_between_guests, setup),
		cmocka_unit_test_setup(test_broadcast_and_multicast, setup),
		cmocka_unit_test_setup(test_unknown_unicast_and_learning, setup),
		cmocka_unit_test_setup(test_ageing, setup),
		cmocka_unit_test_setup(test_bad_sources, setup),
		cmocka_unit_test_setup(test_vlans_keep_apart, setup),
		cmocka_unit_test_setup(test_vlan_tags_in, setup),
		cmocka_unit_test_setup(test_vlan_hidden_tag, setup),
		cmocka_unit_test_setup(test_isolation, setup),
		cmocka_unit_test_setup(test_rate_limit, setup),
		cmocka_unit_test_setup(test_storm_control, setup),
		cmocka_unit_test_setup(test_full_and_down, setup),
		cmocka_unit_test_setup(test_offload_fields, setup),
		cmocka_unit_test_setup(test_plan_shifts_offsets, setup),
		cmocka_unit_test_setup(test_ports_come_and_go, setup),
		cmocka_unit_test_setup(test_books_balance_on_random_traffic, setup),
		cmocka_unit_test_setup(test_threads, setup),
		cmocka_unit_test_setup(test_mirror, setup),
		cmocka_unit_test_setup(test_mirror_port_is_apart, setup),
		cmocka_unit_test_setup(test_mirror_full, setup),
		cmocka_unit_test_setup(test_mirror_vlan, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
