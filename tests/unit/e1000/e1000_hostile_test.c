// sources: tests/unit/e1000/e1000_rig.c tests/models/e1000/m82540.c drivers/e1000/*.c
/* A device that writes anything into descriptors, at any time: every buffer comes back exactly
 * once, with a length that it has, and every packet's cookie once and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/e1000/e1000_hw.h"
#include "tests/unit/e1000/e1000_rig.h"

#define COOKIES 64u

static bool owned[COOKIES]; /* by the driver */
static unsigned nr_owned;

static uint64_t random64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static void give(struct nic_rxq *q, uint64_t hpa, unsigned nr)
{
	for (uint64_t c = 0; c < COOKIES && nr; c++) {
		struct nic_buffer b = { hpa, c, q->buffer_bytes, 0 };

		if (owned[c])
			continue;
		if (!nic_rx_post(q, &b, 1))
			break;
		owned[c] = true;
		nr_owned++;
		nr--;
	}
	if (random() % 4)
		nic_rx_flush(q);
}

static void take(uint64_t cookie)
{
	assert_in_range(cookie, 0, COOKIES - 1);
	assert_true(owned[cookie]);
	owned[cookie] = false;
	nr_owned--;
}

static void check_batch(const struct nic_rxq *q, const struct nic_rx_batch *b)
{
	unsigned at = 0;

	assert_in_range(b->nr_packets, 0, NIC_BATCH);
	assert_in_range(b->nr_buffers, 0, NIC_RX_BATCH_BUFFERS);
	for (unsigned i = 0; i < b->nr_packets; i++) {
		const struct nic_rx_packet *p = &b->packet[i];
		uint32_t sum = 0;

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
static void scribble(struct e1000_rx *rx)
{
	uint32_t nr = (uint32_t)random() % 30;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t at = random() % 8 ? rx->clean + i : (uint32_t)random();
		struct e1000_rx_desc *d = &rx->ring[at & rx->mask];

		d->lo = random64();
		d->hi = random64();
		if (random() % 8)
			d->hi = E1000_RXD_DD | (random() % 6 ? 0 : E1000_RXD_EOP) |
				(uint64_t)(random() % (random() % 8 ? 2049 : 65536));
	}
}

static void test_receive_descriptors(void **state)
{
	struct nic_setup s = rig_setup();
	uint64_t cookie[COOKIES], hpa;
	struct nic_rxq *q;
	unsigned taken;

	(void)state;
	rig_start(&s);
	rig.nic->ops->stop(rig.nic);
	assert_int_equal(nic_rx_take_back(rig.nic->rxq[0], cookie, COOKIES), 63);
	assert_int_equal(rig.nic->ops->start(rig.nic), 0);
	q = rig.nic->rxq[0];
	hpa = (uint64_t)rig_alloc(2048);
	srandom(5);
	for (unsigned round = 0; round < 300000; round++) {
		give(q, hpa, (unsigned)random() % 9);
		assert_in_range(nr_owned, 0, 63);
		scribble(CONTAINER_OF(q, struct e1000_rx, q));
		nic_rx_poll(q, &rig.batch);
		check_batch(q, &rig.batch);
		if (round % 5000 == 4999)
			assert_int_equal(rig.nic->ops->reset(rig.nic), 0);
	}
	/* it still takes as much as ever */
	give(q, hpa, COOKIES);
	assert_int_equal(nr_owned, 63);
	rig.nic->ops->stop(rig.nic);
	taken = nic_rx_take_back(q, cookie, COOKIES);
	assert_int_equal(taken, 63);
	for (unsigned i = 0; i < taken; i++)
		take(cookie[i]);
	assert_int_equal(nr_owned, 0);
	rig_destroy();
}

static void test_transmit_descriptors(void **state)
{
	static uint8_t frame[100];
	struct nic_setup s = rig_setup();
	struct nic_segment segment[2] = { { 0, 50 }, { 0, 50 } };
	struct nic_tx_done done[NIC_BATCH];
	uint64_t given = 0, back = 0;
	struct e1000_tx *tx;

	(void)state;
	rig_start(&s);
	rig.chip.stall_tx = true;
	segment[0].hpa = segment[1].hpa = (uint64_t)frame;
	tx = CONTAINER_OF(rig.nic->txq[0], struct e1000_tx, q);
	srandom(6);
	for (unsigned round = 0; round < 300000; round++) {
		struct nic_tx_packet p = { .cookie = given, .segment = segment };

		p.nr_segments = (uint16_t)(1 + random() % 2);
		p.len_bytes = p.nr_segments * 50u;
		if (nic_tx_prepare(&tx->q, &p, 1) == 1)
			given++;
		if (random() % 2)
			nic_tx_flush(&tx->q);
		if (random() % 2) {
			struct e1000_tx_desc *d = &tx->ring[random() & tx->mask];

			*d = (struct e1000_tx_desc){ random64(), random64() };
		}
		if (random() % 4 == 0) {
			unsigned n = nic_tx_reap(&tx->q, done, 1 + (unsigned)random() % NIC_BATCH);

			for (unsigned i = 0; i < n; i++)
				assert_int_equal(done[i].cookie, back++);
		}
		assert_in_range(given - back, 0, 64);
		if (round % 5000 == 4999)
			assert_int_equal(rig.nic->ops->reset(rig.nic), 0);
	}
	rig.nic->ops->stop(rig.nic);
	for (unsigned n; (n = nic_tx_reap(&tx->q, done, NIC_BATCH));)
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i].cookie, back++);
	assert_int_equal(back, given);
	assert_int_equal(tx->sent + tx->lost_in_reset, given);
	rig_destroy();
}

/* Registers that say anything: nothing depends on them but resets, which are bounded. */
static void test_registers(void **state)
{
	static const uint32_t regs[] = { E1000_TDH, E1000_RDH, E1000_RCTL, E1000_GPRC, E1000_RNBC,
		E1000_MPC, E1000_CTRL, E1000_TDT, E1000_RDT };
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	srandom(7);
	for (unsigned round = 0; round < 20000; round++) {
		rig.chip.reg[regs[random() % ARRAY_SIZE(regs)] / 4] = (uint32_t)random64();
		rig.chip.link = random() % 8;
		rig_ms(10);
		if (rig.nic->state == NIC_FAILED)
			assert_int_equal(rig.nic->ops->start(rig.nic), 0);
	}
	assert_int_equal(rig.nic->state, NIC_RUNNING);
	rig_destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_descriptors),
		cmocka_unit_test(test_transmit_descriptors),
		cmocka_unit_test(test_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
