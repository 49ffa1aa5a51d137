// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* Pools, RSS, filters, interrupts with hybrid polling, DCA tags, statistics, flow control. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include "drivers/ixgbe/ixgbe.h"
#include "drivers/ixgbe/ixgbe_hw.h"
#include "lib/errno.h"
#include "tests/models/record.h"

static const uint8_t guest[3][6] = { { 2, 0, 0, 0, 1, 1 }, { 2, 0, 0, 0, 1, 2 },
	{ 2, 0, 0, 0, 1, 3 } };
static const uint8_t stranger[6] = { 2, 9, 9, 9, 9, 9 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
static const uint8_t group[6] = { 0x01, 0x00, 0x5e, 0x12, 0x34, 0x56 };
static uint8_t frame[2000];

static struct nic *nic(unsigned port)
{
	return rig.port[port].nic;
}

/* The queue of port 1 where a frame to this address arrives, or -1. */
static int queue_of(const uint8_t *to)
{
	int found = -1;

	rig_frame(frame, 100, to, nic(0)->mac, 1);
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	rig_us(100);
	for (unsigned q = 0; q < nic(1)->nr_queues; q++) {
		if (!nic_rx_pending(nic(1)->rxq[q]))
			continue;
		assert_int_equal(found, -1);
		found = (int)q;
	}
	rig_drain(0);
	rig_drain(1);
	return found;
}

static void start_pools(unsigned pools, unsigned per_pool)
{
	struct nic_setup s = rig_setup();

	s.nr_pools = pools;
	s.queues_per_pool = per_pool;
	s.rx_entries = s.tx_entries = 128;
	s.nr_vectors = pools * per_pool < 8 ? pools * per_pool : 8;
	rig_start(&s);
}

static void check_pools(unsigned pools, unsigned per_pool)
{
	start_pools(pools, per_pool);
	for (unsigned p = 1; p < 4 && p < pools; p++)
		assert_int_equal(nic(1)->ops->add_mac(nic(1), guest[p - 1], p), 0);
	for (unsigned p = 1; p < 4 && p < pools; p++)
		assert_int_equal(queue_of(guest[p - 1]), p * per_pool);
	assert_int_equal(queue_of(nic(1)->mac), 0);
	assert_int_equal(queue_of(broadcast), 0);
	assert_int_equal(queue_of(stranger), -1);
	assert_int_equal(queue_of(group), -1);
	nic(1)->ops->set_promiscuous(nic(1), true, true);
	assert_int_equal(queue_of(stranger), 0);
	assert_int_equal(queue_of(group), 0);
	assert_int_equal(nic(1)->ops->reset(nic(1)), 0);
	for (unsigned i = 0; i < 50; i++)
		rig_ms(10);
	assert_int_equal(queue_of(stranger), 0); /* written again */
	if (pools > 1)
		assert_int_equal(queue_of(guest[0]), per_pool);
	nic(1)->ops->set_promiscuous(nic(1), false, false);
	assert_int_equal(queue_of(stranger), -1);
	/* every pool's last queue sends */
	rig_frame(frame, 100, nic(0)->mac, nic(1)->mac, 1);
	for (unsigned q = 0; q < nic(1)->nr_queues; q++)
		assert_int_equal(rig_send(1, q, frame, 100), 1);
	rig_us(200);
	rig_drain(1);
	assert_int_equal(rig_drain(0), nic(1)->nr_queues);
	rig_destroy();
}

static void test_pools(void **state)
{
	(void)state;
	check_pools(1, 1);
	check_pools(4, 1);
	check_pools(4, 2);
	check_pools(4, 4);
	check_pools(32, 2);
	check_pools(40, 2);
}

static void test_mac_list(void **state)
{
	uint8_t mac[6] = { 2, 1, 0, 0, 0, 0 };
	const struct nic_ops *ops;

	(void)state;
	start_pools(4, 1);
	ops = nic(1)->ops;
	assert_int_equal(ops->add_mac(nic(1), guest[0], 4), -EINVAL);
	assert_int_equal(ops->add_mac(nic(1), group, 1), -EINVAL);
	assert_int_equal(ops->add_mac(nic(1), guest[0], 1), 0);
	assert_int_equal(ops->add_mac(nic(1), guest[0], 1), 0);
	assert_int_equal(ops->add_mac(nic(1), guest[0], 2), -EEXIST);
	assert_int_equal(ops->remove_mac(nic(1), guest[0], 2), -ENOENT);
	assert_int_equal(ops->remove_mac(nic(1), guest[0], 1), 0);
	assert_int_equal(queue_of(guest[0]), -1);
	for (unsigned i = 1; i < 128; i++) { /* one is the port's own */
		mac[5] = (uint8_t)i;
		assert_int_equal(ops->add_mac(nic(1), mac, i % 4), 0);
	}
	mac[5] = 200;
	assert_int_equal(ops->add_mac(nic(1), mac, 0), -ENOSPC);
	mac[5] = 127;
	assert_int_equal(queue_of(mac), 3);
}

static void test_multicast(void **state)
{
	static const uint8_t list[2][6] = { { 0x33, 0x33, 0, 0, 0, 1 },
		{ 0x01, 0x00, 0x5e, 0x12, 0x34, 0x56 } };

	(void)state;
	start_pools(4, 1);
	nic(1)->ops->set_multicast(nic(1), list, 2);
	assert_int_equal(queue_of(list[0]), 0);
	assert_int_equal(queue_of(group), 0);
	nic(1)->ops->set_multicast(nic(1), list, 1);
	assert_int_equal(queue_of(group), -1);
}

static int tagged_queue(const uint8_t *to, uint16_t vlan)
{
	int found = -1;

	rig_frame(frame, 100, to, nic(0)->mac, 1);
	assert_int_equal(
		rig_send_offload(0, 0, frame,
			(struct nic_tx_packet){
				.len_bytes = 100, .flags = NIC_TX_VLAN, .vlan_tci = vlan }),
		1);
	rig_us(100);
	for (unsigned q = 0; q < nic(1)->nr_queues; q++) {
		if (nic_rx_pending(nic(1)->rxq[q]))
			found = (int)q;
	}
	rig_drain(0);
	rig_drain(1);
	return found;
}

static void test_vlan_filter(void **state)
{
	const struct nic_ops *ops;

	(void)state;
	start_pools(4, 1);
	ops = nic(1)->ops;
	assert_int_equal(ops->add_mac(nic(1), guest[0], 1), 0);
	assert_int_equal(tagged_queue(guest[0], 7), 1);
	ops->set_vlan_filter(nic(1), true);
	assert_int_equal(tagged_queue(guest[0], 7), -1);
	assert_int_equal(tagged_queue(guest[0], 0), 0); /* priority-tagged */
	assert_int_equal(ops->set_vlan(nic(1), 0, 1, true), -EINVAL);
	assert_int_equal(ops->set_vlan(nic(1), 4095, 1, true), -EINVAL);
	assert_int_equal(ops->set_vlan(nic(1), 7, 1, true), 0);
	assert_int_equal(ops->set_vlan(nic(1), 8, 0, true), 0);
	assert_int_equal(tagged_queue(guest[0], 7), 1);
	assert_int_not_equal(tagged_queue(guest[0], 8), 1);
	assert_int_equal(ops->set_vlan(nic(1), 7, 1, false), 0);
	assert_int_equal(tagged_queue(guest[0], 7), -1);
	assert_int_equal(queue_of(guest[0]), 1); /* untagged ones pass */
	for (uint16_t v = 100; v < 163; v++)
		assert_int_equal(ops->set_vlan(nic(1), v, 1, true), 0);
	assert_int_equal(ops->set_vlan(nic(1), 200, 1, true), -ENOSPC);
}

/* Many connections: all queues of the pool get some, one connection always the same. */
static void spread(unsigned pools, unsigned per_pool)
{
	const uint8_t *to = pools > 1 ? guest[0] : NULL;
	unsigned first = pools > 1 ? per_pool : 0, seen = 0;

	start_pools(pools, per_pool);
	if (to)
		assert_int_equal(nic(1)->ops->add_mac(nic(1), to, 1), 0);
	else
		to = nic(1)->mac;
	for (unsigned c = 0; c < 200; c++) {
		int where = -1;

		for (unsigned i = 0; i < 2; i++) {
			uint32_t len =
				rig_tcp(frame, to, nic(0)->mac, (uint16_t)(1000 + c), 1 + i, 64);

			assert_int_equal(rig_send(0, 0, frame, len), 1);
		}
		rig_us(50);
		for (unsigned q = 0; q < nic(1)->nr_queues; q++) {
			unsigned n = nic_rx_poll(nic(1)->rxq[q], &rig.port[1].batch);

			if (!n)
				continue;
			assert_int_equal(n, 2);
			assert_int_equal(where, -1);
			assert_true(rig.port[1].batch.packet[0].flags & NIC_RX_HASH);
			where = (int)q;
			assert_int_equal(rig_post(1, q, 2), 2);
		}
		assert_in_range(where, first, first + per_pool - 1);
		seen |= 1u << (where - (int)first);
		rig_drain(0);
	}
	assert_int_equal(seen, (1u << per_pool) - 1);
	rig_destroy();
}

static void test_rss(void **state)
{
	(void)state;
	spread(1, 4);
	spread(1, 16);
	spread(4, 2);
	spread(4, 4);
}

/* ---- Interrupts ---- */

static uint64_t messages(unsigned port, unsigned vector)
{
	return bench_messages(rig.port[port].slot, RIG_VECTOR_BASE + vector, 0);
}

/* As a work item does it: an interrupt schedules polling; polling ends with arming and a look. */
static void test_hybrid_polling(void **state)
{
	struct nic_setup s = rig_setup();
	struct nic_rxq *q;
	uint64_t before, got = 0;

	(void)state;
	rig_start(&s);
	q = nic(1)->rxq[0];
	rig_frame(frame, 100, nic(1)->mac, nic(0)->mac, 1);
	before = messages(1, 0);
	rig_send(0, 0, frame, 100);
	rig_us(500);
	assert_int_equal(messages(1, 0), before); /* never armed */
	nic_vector_arm(nic(1), 0);
	assert_true(nic_rx_pending(q)); /* the look finds what came before */
	rig_us(100);
	assert_int_equal(messages(1, 0), before + 1);
	got += rig_drain(1);
	/* masked by itself: a burst while polling sends nothing */
	for (unsigned i = 0; i < 50; i++) {
		rig_send(0, 0, frame, 100);
		rig_us(10);
		got += rig_drain(1);
	}
	assert_int_equal(messages(1, 0), before + 1);
	/* at any moment around arming: either the look finds it or an interrupt comes */
	for (unsigned i = 0; i < 200; i++) {
		uint64_t now = messages(1, 0);

		rig_send(0, 0, frame, 100);
		bench_advance(&rig.bench, i * 10 * CLOCK_PS_PER_NS);
		got += rig_drain(1);
		nic_vector_arm(nic(1), 0);
		if (nic_rx_pending(q)) {
			got += rig_drain(1);
			rig_us(100);
		} else {
			rig_us(100);
			if (got < 52 + i)
				assert_true(messages(1, 0) > now);
		}
		got += rig_drain(1);
	}
	assert_int_equal(got, 251);
	nic(1)->ops->mask(nic(1), 0);
}

static void test_moderation(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t before[2], nr[2];

	(void)state;
	rig_start(&s);
	rig_frame(frame, 100, nic(1)->mac, nic(0)->mac, 1);
	for (unsigned k = 0; k < 2; k++) {
		nic(1)->ops->moderate(nic(1), 0, k ? 200 : 20);
		rig_us(1000);
		before[k] = rig.port[1].slot->nr_messages;
		for (unsigned i = 0; i < 200; i++) {
			nic_vector_arm(nic(1), 0);
			rig_send(0, 0, frame, 100);
			rig_us(10);
			rig_drain(1);
			rig_drain(0);
		}
		nr[k] = rig.port[1].slot->nr_messages - before[k];
	}
	assert_in_range(nr[0], 50, 110); /* 2 ms of frames every 10 us */
	assert_in_range(nr[1], 5, 15);
}

static void test_transmit_interrupt(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t before;

	(void)state;
	rig_start(&s);
	rig_frame(frame, 100, nic(1)->mac, nic(0)->mac, 1);
	nic_vector_arm(nic(0), 0);
	before = messages(0, 0);
	rig_send(0, 0, frame, 100);
	rig_us(100);
	assert_int_equal(messages(0, 0), before + 1);
	assert_true(nic_tx_pending(nic(0)->txq[0]));
	rig_drain(0);
	assert_false(nic_tx_pending(nic(0)->txq[0]));
	assert_int_equal(rig.port[0].nr_sent, 1);
}

static void test_queues_have_their_vectors(void **state)
{
	(void)state;
	start_pools(4, 2);
	assert_int_equal(nic(1)->nr_vectors, 8);
	for (unsigned p = 1; p < 4; p++) {
		uint64_t before[8];

		assert_int_equal(nic(1)->ops->add_mac(nic(1), guest[p - 1], p), 0);
		for (unsigned v = 0; v < 8; v++) {
			nic_vector_arm(nic(1), v);
			before[v] = messages(1, v);
		}
		assert_int_equal(queue_of(guest[p - 1]), 2 * p);
		for (unsigned v = 0; v < 8; v++)
			assert_int_equal(messages(1, v) - before[v], v == 2 * p);
	}
}

/* The control vector tells of the link at once, again and again. */
static void test_link_interrupt(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = messages(1, 1);

		rig_fault(1, "link-down");
		rig_us(1000);
		assert_true(messages(1, 1) > before);
		nic(1)->ops->control_interrupt(nic(1));
		rig_ms(10);
		assert_false(nic(1)->link.up);
		rig_fault(1, "link-up");
		for (unsigned k = 0; k < 100; k++)
			rig_ms(10);
		nic(1)->ops->control_interrupt(nic(1));
		rig_ms(10);
		assert_true(nic(1)->link.up);
	}
}

/* ---- DCA ---- */

static void check_target(uint64_t buffer, uint32_t target)
{
	const struct record_entry *e = record_find(&rig.bench.record, buffer, 0);

	assert_non_null(e);
	assert_int_equal(e->hint.target, target);
}

static void test_dca_tag(void **state)
{
	struct nic_setup s = rig_setup();
	struct rig_port *p;
	static const uint8_t tags[] = { 5, 17, 0, 3 };

	(void)state;
	rig_start(&s);
	p = &rig.port[1];
	assert_int_equal(nic(1)->ops->set_dca(nic(1), 1, 4), -EINVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(tags); i++) {
		uint32_t target = tags[i] ? tags[i] : DMA_NO_TARGET;
		struct ixgbe_rx *rx = CONTAINER_OF(nic(1)->rxq[0], struct ixgbe_rx, q);
		uint64_t descriptor = (uint64_t)&rx->ring[rx->clean & rx->mask];

		assert_int_equal(nic(1)->ops->set_dca(nic(1), 0, tags[i]), 0);
		rig_frame(frame, 600, nic(1)->mac, nic(0)->mac, i);
		rig_send(0, 0, frame, 600);
		rig_us(50);
		assert_int_equal(nic_rx_poll(nic(1)->rxq[0], &p->batch), 1);
		check_target(p->batch.buffer[0].cookie, target);
		check_target(descriptor, target);
	}
	/* a reset keeps it */
	assert_int_equal(nic(1)->ops->reset(nic(1)), 0);
	for (unsigned k = 0; k < 50; k++)
		rig_ms(10);
	rig_send(0, 0, frame, 600);
	rig_us(50);
	assert_int_equal(nic_rx_poll(nic(1)->rxq[0], &p->batch), 1);
	check_target(p->batch.buffer[0].cookie, 3);
}

/* ---- Statistics ---- */

/* The device's registers are set near their ends through the model's own counting: more bytes than
 * one register holds, read in between, add up. */
static void test_statistics(void **state)
{
	struct nic_setup s = rig_setup();
	struct m82599_counts first[2], now[2];
	const struct nic_stats *a, *b;

	(void)state;
	s.mtu = 9000;
	rig_start(&s);
	a = &nic(0)->stats;
	b = &nic(1)->stats;
	for (unsigned i = 0; i < 2; i++)
		m82599_counts(rig.chip, i, &first[i]);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t len = 60 + i % 1400;

		rig_frame(frame, len, i % 3 ? nic(1)->mac : broadcast, nic(0)->mac, i);
		assert_int_equal(rig_send(0, 0, frame, len), 1);
		rig_us(20);
		rig_drain(0);
		rig_drain(1);
		if (i % 100 == 0)
			rig_ms(110);
	}
	rig_ms(110);
	for (unsigned i = 0; i < 2; i++)
		m82599_counts(rig.chip, i, &now[i]);
	assert_int_equal(a->tx_frames, 1000);
	assert_int_equal(a->tx_bytes, now[0].tx_bytes - first[0].tx_bytes);
	assert_int_equal(b->rx_frames, 1000);
	assert_int_equal(b->rx_bytes, now[1].rx_bytes - first[1].rx_bytes);
	assert_int_equal(b->rx_broadcast, 334);
	assert_int_equal(b->rx_polled, 1000);
	assert_int_equal(b->rx_polled_bytes + 4 * 1000, b->rx_bytes);
	assert_int_equal(now[0].unknown_reads + now[0].unknown_writes, 0);
	assert_int_equal(now[1].unknown_reads + now[1].unknown_writes, 0);
}

/* ---- Flow control ---- */

static void test_pause(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t taken;

	(void)state;
	s.flow_control = true;
	s.rx_entries = 64;
	rig_start(&s);
	/* port 1 is not polled: its packet buffer fills, it sends XOFF, and port 0 waits */
	rig_frame(frame, 1514, nic(1)->mac, nic(0)->mac, 1);
	for (unsigned i = 0; i < 800; i++) {
		for (unsigned k = 0; rig_send(0, 0, frame, 1514) == -EAGAIN; k++) {
			rig_us(100);
			rig_drain(0);
			if (k > 10)
				rig_drain(1);
			assert_true(k < 100);
		}
	}
	for (unsigned i = 0; i < 200; i++) {
		rig_us(500);
		rig_drain(1);
		rig_drain(0);
	}
	rig_ms(110);
	taken = rig.port[1].nr_packets;
	assert_int_equal(taken, 800);
	assert_int_equal(nic(1)->stats.rx_missed + nic(1)->stats.rx_no_buffer, 0);
	assert_true(nic(1)->stats.tx_pause > 0);
	assert_true(nic(0)->stats.rx_pause > 0);
	assert_int_equal(nic(0)->stats.resets, 0);
}

static void test_other_devices(void **state)
{
	(void)state;
	assert_true(ixgbe_matches(0x8086, 0x10fb));
	assert_true(ixgbe_matches(0x8086, 0x1557));
	assert_false(ixgbe_matches(0x8086, 0x1528));
	assert_false(ixgbe_matches(0x8087, 0x10fb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, rig_teardown)
		cmocka_unit_test(test_pools),
		T(test_mac_list),
		T(test_multicast),
		T(test_vlan_filter),
		cmocka_unit_test(test_rss),
		T(test_hybrid_polling),
		T(test_moderation),
		T(test_transmit_interrupt),
		T(test_queues_have_their_vectors),
		T(test_link_interrupt),
		T(test_dca_tag),
		T(test_statistics),
		T(test_pause),
		cmocka_unit_test(test_other_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
