// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* Packets between two ports: sizes, chains, rings that wrap and fill, pages' ends. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include "lib/errno.h"

static uint8_t frame[70000], seen[70000];

static const uint8_t *mac(unsigned port)
{
	return rig.port[port].nic->mac;
}

/* One frame from port 0 to port 1, compared byte for byte. */
static void exchange(uint32_t len)
{
	struct rig_port *p = &rig.port[1];
	uint32_t expected = len < 60 ? 60 : len;

	memset(frame, 0, 60);
	rig_frame(frame, len, mac(1), mac(0), len);
	assert_int_equal(rig_send(0, 0, frame, len), 1);
	rig_us(50);
	assert_int_equal(nic_rx_poll(p->nic->rxq[0], &p->batch), 1);
	assert_int_equal(p->batch.packet[0].error, NIC_RX_OK);
	assert_int_equal(rig_gather(p, 0, seen, sizeof(seen)), expected);
	assert_memory_equal(seen, frame, len < 60 ? len : expected);
	for (unsigned i = 0; i < p->batch.nr_buffers; i++) {
		struct nic_buffer b = rig_buffer(p->nic->rxq[0], p->batch.buffer[i].cookie);

		assert_int_equal(nic_rx_post(p->nic->rxq[0], &b, 1), 1);
	}
	nic_rx_flush(p->nic->rxq[0]);
	rig_drain(0);
}

static void test_every_size(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	for (uint32_t len = NIC_TX_BYTES_MIN; len <= 1514; len++)
		exchange(len);
	assert_int_equal(rig.port[0].nr_sent, 1514 - NIC_TX_BYTES_MIN + 1);
	rig_frame(frame, 1519, mac(1), mac(0), 1);
	assert_int_equal(rig_send(0, 0, frame, 1519), -EINVAL);
	assert_int_equal(rig_send(0, 0, frame, NIC_TX_BYTES_MIN - 1), -EINVAL);
}

static void test_jumbo_in_small_buffers(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	s.mtu = 9000;
	s.rx_buffer_bytes = 1024;
	rig_start(&s);
	for (uint32_t len = 1000; len <= 9018; len += 67)
		exchange(len);
	exchange(9018);
	exchange(1024); /* exactly one buffer */
	exchange(2048);
}

/* A packet in segments of these lengths, at addresses that end pages in the middle. */
static int send_segments(const uint32_t *len, unsigned nr, struct nic_tx_packet packet)
{
	static struct nic_segment segment[NIC_TX_SEGMENTS_MAX + 1];
	struct nic_txq *q = rig.port[0].nic->txq[0];
	uint32_t at = 0;
	int ret;

	for (unsigned i = 0; i < nr; i++) {
		uint64_t page = rig_alloc(len[i] + 2 * PAGE_SIZE, PAGE_SIZE);
		uint64_t hpa = page + PAGE_SIZE - len[i] % PAGE_SIZE / 2 - 1;

		memcpy((void *)hpa, frame + at, len[i]);
		segment[i] = (struct nic_segment){ hpa, len[i] };
		at += len[i];
	}
	packet.segment = segment;
	packet.nr_segments = (uint16_t)nr;
	packet.len_bytes = at;
	ret = nic_tx_prepare(q, &packet, 1);
	nic_tx_flush(q);
	return ret;
}

static void test_segments(void **state)
{
	static const uint32_t many[NIC_TX_SEGMENTS_MAX + 1] = { 1, 13, 1, 2, 3, 1, 1, 63, 64, 65, 1,
		7, 100, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct rig_port *p = &rig.port[1];
	struct nic_setup s = rig_setup();
	uint32_t len = 0;

	(void)state;
	rig_start(&s);
	for (unsigned nr = 1; nr <= NIC_TX_SEGMENTS_MAX; nr++) {
		len += many[nr - 1];
		if (len < NIC_TX_BYTES_MIN)
			continue;
		rig_frame(frame, len, mac(1), mac(0), nr);
		assert_int_equal(send_segments(many, nr, (struct nic_tx_packet){ 0 }), 1);
		rig_us(50);
		assert_int_equal(nic_rx_poll(p->nic->rxq[0], &p->batch), 1);
		rig_gather(p, 0, seen, sizeof(seen));
		assert_memory_equal(seen, frame, len);
	}
	assert_int_equal(
		send_segments(many, NIC_TX_SEGMENTS_MAX + 1, (struct nic_tx_packet){ 0 }), -EINVAL);
	assert_int_equal(send_segments(many, 0, (struct nic_tx_packet){ 0 }), -EINVAL);
}

/* Rings of 64 go round many times, in batches of all sizes. */
static void test_rings_wrap(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t sent = 0;

	(void)state;
	s.rx_entries = s.tx_entries = 64;
	rig_start(&s);
	rig_frame(frame, 200, mac(1), mac(0), 5);
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 1 + round % 40; i++, sent++)
			assert_int_equal(rig_send(0, 0, frame, 200), 1);
		rig_us(200);
		rig_drain(1);
		rig_drain(0);
	}
	assert_int_equal(rig.port[1].nr_packets, sent);
	assert_int_equal(rig.port[0].nr_sent, sent);
	rig_ms(100);
	assert_int_equal(rig.port[0].nic->stats.tx_frames, sent);
	assert_int_equal(rig.port[1].nic->stats.rx_frames, sent);
	assert_int_equal(rig.port[1].nic->stats.rx_polled, sent);
	assert_int_equal(rig.port[0].nic->stats.tx_sent, sent);
}

/* Frame `nr` in 1 to 4 pieces, some with a tag to be inserted, so that the ring begins again in the
 * middle of packets and behind a context too. */
static struct nic_tx_packet mixed_packet(uint32_t nr, struct nic_segment *segment)
{
	uint32_t pieces = 1 + nr % 4, len = 100 + nr % 50, part = len / pieces;
	uint64_t hpa = rig_alloc(len, 64);

	rig_frame(frame, len, mac(1), mac(0), nr);
	memcpy((void *)hpa, frame, len);
	for (uint32_t i = 0; i < pieces; i++)
		segment[i] = (struct nic_segment){ hpa + i * part,
			i + 1 < pieces ? part : len - i * part };
	return (struct nic_tx_packet){ .cookie = nr,
		.segment = segment,
		.nr_segments = (uint16_t)pieces,
		.len_bytes = len,
		.flags = nr / 3 % 2 ? NIC_TX_VLAN : 0,
		.vlan_tci = (uint16_t)(1 + nr / 6 % 5) };
}

static void test_mixed_batches_wrap(void **state)
{
	struct nic_segment segment[NIC_BATCH][4];
	struct nic_tx_packet packet[NIC_BATCH];
	struct rig_port *p = &rig.port[1];
	struct nic_setup s = rig_setup();
	uint32_t sent = 0, seen_nr = 0;
	int n;

	(void)state;
	s.tx_entries = 64;
	s.vlan_strip = true;
	rig_start(&s);
	while (sent < 5000) {
		unsigned nr = 1 + sent % NIC_BATCH;

		for (unsigned i = 0; i < nr; i++)
			packet[i] = mixed_packet(sent + i, segment[i]);
		n = nic_tx_prepare(rig.port[0].nic->txq[0], packet, nr);
		assert_in_range(n, 1, nr);
		nic_tx_flush(rig.port[0].nic->txq[0]);
		sent += (uint32_t)n;
		rig_us(100);
		n -= (int)nic_rx_poll(p->nic->rxq[0], &p->batch);
		assert_int_equal(n, 0);
		for (unsigned i = 0; i < p->batch.nr_packets; i++, seen_nr++) {
			struct nic_tx_packet want = mixed_packet(seen_nr, segment[0]);

			assert_int_equal(rig_gather(p, i, seen, sizeof(seen)), want.len_bytes);
			assert_memory_equal(seen, frame, want.len_bytes);
			assert_int_equal(!!(p->batch.packet[i].flags & NIC_RX_VLAN),
				want.flags == NIC_TX_VLAN);
			if (want.flags)
				assert_int_equal(p->batch.packet[i].vlan_tci, want.vlan_tci);
		}
		rig_post(1, 0, NIC_BATCH);
		rig_drain(0);
	}
	assert_int_equal(seen_nr, sent);
	assert_int_equal(rig.port[0].nr_sent, sent);
}

/* A full ring takes nothing of a packet; what was taken goes out whole. */
static void test_full_ring(void **state)
{
	struct nic_tx_packet packet[NIC_BATCH];
	struct nic_segment segment[3];
	struct nic_setup s = rig_setup();
	struct nic_txq *q;
	unsigned taken = 0;
	int ret;

	(void)state;
	s.tx_entries = 64;
	rig_start(&s);
	q = rig.port[0].nic->txq[0];
	rig_frame(frame, 90, mac(1), mac(0), 5);
	for (unsigned i = 0; i < 3; i++) {
		segment[i] = (struct nic_segment){ rig_alloc(30, 2), 30 };
		memcpy((void *)segment[i].hpa, frame + 30 * i, 30);
	}
	for (unsigned i = 0; i < NIC_BATCH; i++)
		packet[i] = (struct nic_tx_packet){
			.cookie = i, .segment = segment, .nr_segments = 3, .len_bytes = 90
		};
	ret = nic_tx_prepare(q, packet, NIC_BATCH); /* 63 descriptors */
	assert_int_equal(ret, 21);
	assert_int_equal(nic_tx_prepare(q, packet, 1), -EAGAIN);
	taken += 21;
	nic_tx_flush(q);
	rig_us(100);
	/* sent, not reaped: there is room again */
	ret = nic_tx_prepare(q, packet, NIC_BATCH);
	assert_int_equal(ret, 21);
	taken += 21;
	nic_tx_flush(q);
	rig_us(100);
	rig_drain(0);
	rig_drain(1);
	assert_int_equal(rig.port[0].nr_sent, taken);
	assert_int_equal(rig.port[1].nr_packets, taken);
	rig_ms(10);
	rig_ms(100);
	assert_int_equal(rig.port[0].nic->stats.tx_full, 3);
}

/* No buffers: frames are dropped and counted, and nothing else is wrong. */
static void test_no_buffers(void **state)
{
	struct nic_setup s = rig_setup();
	const struct nic_stats *stats;

	(void)state;
	s.rx_entries = 64;
	rig_start(&s);
	rig_frame(frame, 100, mac(1), mac(0), 5);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(rig_send(0, 0, frame, 100), 1);
	rig_us(1000);
	assert_int_equal(rig_drain(1), 63);
	rig_ms(500);
	stats = &rig.port[1].nic->stats;
	assert_int_equal(stats->rx_no_buffer, 37);
	assert_int_equal(stats->rx_frames, 100);
	assert_int_equal(stats->rx_polled, 63);
	assert_int_equal(stats->resets, 0);
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	rig_us(100);
	assert_int_equal(rig_drain(1), 1);
}

static void test_buffers_that_do_not_fit(void **state)
{
	struct nic_setup s = rig_setup();
	struct nic_buffer b[2] = { { 0x1000, 1, 2048, 0 }, { 0x2000, 2, 2047, 0 } };
	struct nic *nic;

	(void)state;
	rig_create(NULL);
	s.rx_buffer_bytes = 1500;
	assert_int_equal(rig_attach(0, &s), -EINVAL);
	s = rig_setup();
	s.rx_entries = 100;
	assert_int_equal(rig_attach(0, &s), -EINVAL);
	s = rig_setup();
	s.nr_pools = 33;
	s.queues_per_pool = 3;
	assert_int_equal(rig_attach(0, &s), -EINVAL);
	s = rig_setup();
	assert_int_equal(rig_attach(0, &s), 0);
	nic = rig.port[0].nic;
	assert_int_equal(nic_rx_post(nic->rxq[0], b, 2), 0); /* stopped */
	assert_int_equal(nic->ops->start(nic), 0);
	assert_int_equal(nic->ops->start(nic), -EBUSY);
	assert_int_equal(nic->ops->set_mtu(nic, 1400), -EBUSY);
	assert_int_equal(nic_rx_post(nic->rxq[0], b, 2), 1); /* the second is too short */
}

/* Stop gives every cookie back, and a start goes on with nothing. */
static void test_stop_and_start(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t cookie[300];
	struct nic *nic;
	unsigned nr = 0, n;

	(void)state;
	rig_start(&s);
	nic = rig.port[1].nic;
	rig_frame(frame, 100, mac(0), mac(1), 5);
	wire_set_plugged(&rig.wire, false);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rig_send(1, 0, frame, 100), 1);
	rig.port[1].stop_drains = true;
	nic->ops->stop(nic);
	assert_int_equal(nic->state, NIC_STOPPED);
	assert_int_equal(rig_send(1, 0, frame, 100), -ENODEV);
	assert_int_equal(rig.port[1].nr_sent + rig.port[1].nr_lost, 10);
	while ((n = nic->ops->rx_take_back(nic->rxq[0], cookie + nr, 100)))
		nr += n;
	assert_int_equal(nr, 255);
	for (unsigned i = 0; i < nr; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(cookie[i], cookie[k]);
	}
	wire_set_plugged(&rig.wire, true);
	assert_int_equal(nic->ops->start(nic), 0);
	assert_int_equal(rig_post(1, 0, 300), 255);
	rig_ms(500);
	assert_true(nic->link.up);
	exchange(500);
}

/* The last frames are counted when somebody asks, and when the port stops. */
static void test_last_frames(void **state)
{
	struct nic_setup s = rig_setup();
	struct nic *nic;

	(void)state;
	rig_start(&s);
	nic = rig.port[1].nic;
	rig_drain(1);
	nic->ops->collect(nic);
	assert_int_equal(nic->stats.rx_frames, 0);
	for (unsigned i = 0; i < 7; i++)
		exchange(500);
	assert_int_equal(nic->stats.rx_frames, 0); /* as of the last housekeeping */
	nic->ops->collect(nic);
	assert_int_equal(nic->stats.rx_frames, 7);
	assert_int_equal(nic->stats.rx_bytes, 7 * 504);
	assert_int_equal(nic->stats.rx_polled, 7);
	for (unsigned i = 0; i < 5; i++)
		exchange(500);
	rig_frame(frame, 100, mac(1), mac(0), 1);
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	rig_us(50);
	nic->ops->stop(nic);
	assert_int_equal(nic->stats.rx_frames, 13);
	assert_int_equal(nic->stats.rx_polled, 12);
	nic->ops->collect(nic);
	assert_int_equal(nic->stats.rx_frames, 13);
	assert_int_equal(nic->stats.rx_lost_in_reset, 1); /* nobody polled it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, rig_teardown)
		T(test_every_size),
		T(test_jumbo_in_small_buffers),
		T(test_segments),
		T(test_rings_wrap),
		T(test_mixed_batches_wrap),
		T(test_full_ring),
		T(test_no_buffers),
		T(test_buffers_that_do_not_fit),
		T(test_stop_and_start),
		T(test_last_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
