// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* A device that writes anything into descriptors: every buffer comes back exactly once, with a
 * length that it has, and every packet's cookie once. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include <stdlib.h>

#include "drivers/ixgbe/ixgbe_hw.h"

#define COOKIES 200000u

static uint8_t owner[COOKIES]; /* 0: the test's, 1: the driver's */
static unsigned nr_owned;

static uint64_t random64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static void give(struct nic_rxq *q, uint64_t hpa, unsigned nr)
{
	for (uint64_t c = 0; c < COOKIES && nr; c++) {
		struct nic_buffer b = { .hpa = hpa,
			.cookie = c,
			.len_bytes = q->buffer_bytes,
			.header_hpa = q->header_bytes ? hpa : 0 };

		if (owner[c])
			continue;
		if (!nic_rx_post(q, &b, 1))
			break;
		owner[c] = 1;
		nr_owned++;
		nr--;
	}
	nic_rx_flush(q);
}

static void take(uint64_t cookie)
{
	assert_in_range(cookie, 0, COOKIES - 1);
	assert_int_equal(owner[cookie], 1);
	owner[cookie] = 0;
	nr_owned--;
}

static void check_batch(const struct nic_rxq *q, const struct nic_rx_batch *b)
{
	unsigned at = 0;

	assert_in_range(b->nr_packets, 0, NIC_BATCH);
	assert_in_range(b->nr_buffers, 0, NIC_RX_BATCH_BUFFERS);
	for (unsigned i = 0; i < b->nr_packets; i++) {
		const struct nic_rx_packet *p = &b->packet[i];
		uint32_t sum = p->header_bytes;

		assert_in_range(sum, 0, q->header_bytes);
		assert_int_equal(p->first_buffer, at);
		assert_in_range(p->nr_buffers, 1, NIC_RX_CHAIN_MAX);
		for (unsigned k = 0; k < p->nr_buffers; k++, at++) {
			assert_in_range(b->buffer[at].len_bytes, 0, q->buffer_bytes);
			sum += b->buffer[at].len_bytes;
			take(b->buffer[at].cookie);
		}
		assert_int_equal(sum, p->len_bytes);
	}
	assert_int_equal(at, b->nr_buffers);
}

/* Plausible garbage more often than noise, or no chain ever grows. */
static void scribble(struct ixgbe_rx *rx)
{
	uint32_t nr = (uint32_t)random() % 8;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t at = random() % 4 ? rx->clean + i : (uint32_t)random();
		struct ixgbe_rx_desc *d = &rx->ring[at & rx->mask];
		uint64_t len = random64() % (random() % 8 ? 2049 : 65536);

		d->hi = random64();
		d->lo = random64();
		if (random() % 8)
			d->hi = BIT64(0) | (random() % 3 ? 0 : BIT64(1)) | len << 32 |
				(uint64_t)(random() % 300) << 4;
		if (random() % 8)
			d->lo = (uint64_t)(random() % 2 ? 0 : random() % 16) << 17 |
				(uint64_t)(random() % 1024) << 21;
	}
}

/* The queue alone, or the whole port. */
static void reset_some(struct nic *nic, bool split)
{
	uint64_t cookie[64];
	unsigned n;

	assert_int_equal(nic->ops->reset(nic), 0);
	if (!split)
		return;
	assert_int_equal(nic->ops->rx_queue_stop(nic, 0), 0);
	while ((n = nic_rx_take_back(nic->rxq[0], cookie, 64))) {
		for (unsigned i = 0; i < n; i++)
			take(cookie[i]);
	}
	assert_int_equal(nr_owned, 0);
	assert_int_equal(nic->ops->rx_queue_start(nic, 0), 0);
}

static void receive_descriptors(bool split)
{
	struct nic_setup s = rig_setup();
	struct nic_rxq *q;
	uint64_t cookie[64], hpa;
	unsigned n, taken = 0;

	s.rx_entries = 128;
	rig_create(NULL);
	assert_int_equal(rig_attach(0, &s), 0);
	rig.port[0].nic->rxq[0]->header_bytes = split ? NIC_HEADER_BYTES : 0;
	assert_int_equal(rig.port[0].nic->ops->start(rig.port[0].nic), 0);
	wire_set_plugged(&rig.wire, false);
	q = rig.port[0].nic->rxq[0];
	hpa = rig_alloc(2048, 64);
	srandom(3);
	for (unsigned round = 0; round < 300000; round++) {
		give(q, hpa, (unsigned)random() % 9);
		assert_in_range(nr_owned, 0, 127);
		scribble(CONTAINER_OF(q, struct ixgbe_rx, q));
		nic_rx_poll(q, &rig.port[0].batch);
		check_batch(q, &rig.port[0].batch);
		if (round % 5000 == 4999)
			reset_some(rig.port[0].nic, split);
	}
	/* it still takes as much as ever */
	assert_int_equal(rig.port[0].nic->ops->reset(rig.port[0].nic), 0);
	give(q, hpa, 200);
	assert_int_equal(nr_owned, 127);
	rig.port[0].nic->ops->stop(rig.port[0].nic);
	while ((n = nic_rx_take_back(q, cookie, 64))) {
		for (unsigned i = 0; i < n; i++)
			take(cookie[i]);
		taken += n;
	}
	assert_int_equal(taken, 127);
	assert_int_equal(nr_owned, 0);
}

static void test_receive_descriptors(void **state)
{
	(void)state;
	receive_descriptors(false);
}

static void test_split_descriptors(void **state)
{
	(void)state;
	receive_descriptors(true);
}

static void test_transmit_descriptors(void **state)
{
	static uint8_t frame[100];
	struct nic_setup s = rig_setup();
	struct nic_tx_done done[NIC_BATCH];
	struct nic_segment segment = { 0, 100 };
	uint64_t sent = 0, back = 0;
	struct nic_txq *q;

	(void)state;
	s.tx_entries = 64;
	rig_create(NULL);
	assert_int_equal(rig_attach(0, &s), 0);
	assert_int_equal(rig.port[0].nic->ops->start(rig.port[0].nic), 0);
	rig_fault(0, "stall-tx 0");
	q = rig.port[0].nic->txq[0];
	segment.hpa = rig_alloc(sizeof(frame), 2);
	srandom(4);
	for (unsigned round = 0; round < 100000; round++) {
		struct ixgbe_tx *tx = CONTAINER_OF(q, struct ixgbe_tx, q);
		struct nic_tx_packet p = { .cookie = sent,
			.segment = &segment,
			.nr_segments = 1,
			.len_bytes = 100,
			.flags = random() % 2 ? NIC_TX_VLAN : 0,
			.vlan_tci = (uint16_t)(random() % 2) };
		unsigned n;

		if (nic_tx_prepare(q, &p, 1) == 1)
			sent++;
		if (random() % 4 == 0)
			nic_tx_flush(q);
		for (unsigned k = 0; k < 8; k++)
			tx->ring[random() & tx->mask].hi = random64();
		n = nic_tx_reap(q, done, (unsigned)random() % NIC_BATCH);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i].cookie, back++);
		if (round % 5000 == 4999) {
			assert_int_equal(rig.port[0].nic->ops->reset(rig.port[0].nic), 0);
			rig_fault(0, "stall-tx 0");
		}
	}
	rig.port[0].nic->ops->stop(rig.port[0].nic);
	for (unsigned n; (n = nic_tx_reap(q, done, NIC_BATCH));) {
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i].cookie, back++);
	}
	assert_int_equal(back, sent);
	assert_true(sent > 10000);
}

/* Registers of a device that has gone read all ones. */
static void test_device_is_gone(void **state)
{
	struct nic_setup s = rig_setup();
	struct nic *nic;

	(void)state;
	rig_start(&s);
	nic = rig.port[0].nic;
	rig.gone = true;
	rig_ms(5000);
	assert_int_equal(nic->state, NIC_FAILED);
	assert_false(nic->link.up);
	assert_true(nic->stats.rx_frames < 1000);
	nic->ops->stop(nic);
	assert_int_equal(nic->state, NIC_STOPPED);
}

/* A broken descriptor is a reason for a reset, also if somebody reads the statistics first. */
static void test_collected_meanwhile(void **state)
{
	struct nic_setup s = rig_setup();
	struct ixgbe_rx *rx;
	struct nic *nic;

	(void)state;
	rig_start(&s);
	nic = rig.port[0].nic;
	rx = CONTAINER_OF(nic->rxq[0], struct ixgbe_rx, q);
	rig_ms(200);
	rx->ring[rx->clean & rx->mask].hi = BIT64(0) | BIT64(1) | UINT64_C(60000) << 32;
	rig_drain(0);
	nic->ops->collect(nic);
	assert_int_equal(nic->stats.rx_bad_descriptors, 1);
	assert_int_equal(nic->stats.resets, 0);
	rig_ms(200);
	assert_int_equal(nic->stats.resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, rig_teardown)
		T(test_receive_descriptors),
		T(test_split_descriptors),
		T(test_transmit_descriptors),
		T(test_device_is_gone),
		T(test_collected_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
