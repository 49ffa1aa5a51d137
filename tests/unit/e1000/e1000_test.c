// sources: tests/unit/e1000/e1000_rig.c tests/models/e1000/m82540.c drivers/e1000/*.c
/* The 82540EM's driver against its model: attaching, traffic, filters, faults, hostile write-backs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/e1000/e1000.h"
#include "drivers/e1000/e1000_hw.h"
#include "lib/errno.h"
#include "tests/unit/e1000/e1000_rig.h"

#define BDF HOST_PCI_BDF(0, 3, 0)
#define NIC rig.nic
#define RXQ rig.nic->rxq[0]
#define TXQ rig.nic->txq[0]

static uint8_t frame[16384];

static int setup(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_destroy();
	return 0;
}

static uint8_t *fill(const uint8_t *to, uint32_t len_bytes, unsigned seed)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x01\x88\xb5", 8);
	for (uint32_t i = 14; i < len_bytes; i++)
		frame[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
	return frame;
}

/* The batch's packet is the frame that was filled last; its buffers go back. */
static void expect_frame(unsigned packet, uint32_t len_bytes)
{
	const struct nic_rx_packet *p = &rig.batch.packet[packet];
	uint32_t at = 0;

	assert_int_equal(p->error, NIC_RX_OK);
	assert_int_equal(p->len_bytes, len_bytes);
	for (unsigned i = 0; i < p->nr_buffers; i++) {
		const struct nic_rx_buffer *b = &rig.batch.buffer[p->first_buffer + i];
		struct nic_buffer again = { b->cookie, b->cookie, RXQ->buffer_bytes, 0 };

		assert_memory_equal((void *)b->cookie, frame + at, b->len_bytes);
		at += b->len_bytes;
		assert_int_equal(nic_rx_post(RXQ, &again, 1), 1);
	}
	assert_int_equal(at, len_bytes);
	nic_rx_flush(RXQ);
}

static unsigned reap(unsigned *lost)
{
	struct nic_tx_done done[NIC_BATCH];
	unsigned n, nr = 0;

	while ((n = nic_tx_reap(TXQ, done, NIC_BATCH)))
		for (unsigned i = 0; i < n; i++) {
			nr += done[i].sent;
			*lost += !done[i].sent;
		}
	return nr;
}

/* ---- Attaching ---- */

static void test_matches(void **state)
{
	(void)state;
	assert_true(e1000_matches(0x8086, 0x100e));
	assert_true(e1000_matches(0x8086, 0x100f));
	assert_false(e1000_matches(0x8086, 0x10fb));
	assert_false(e1000_matches(0x8086, 0x10d3));
	assert_false(e1000_matches(0x1af4, 0x100e));
}

static void test_setup_refused(void **state)
{
	const struct nic_setup good = rig_setup();
	struct nic_setup s[10];
	struct nic *nic;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = good;
	s[0].nr_pools = 2;
	s[1].queues_per_pool = 2;
	s[2].rx_entries = 63;
	s[3].tx_entries = 8192;
	s[4].rx_buffer_bytes = 3072;
	s[5].rx_buffer_bytes = 16384;
	s[6].mtu = 9001;
	s[7].mtu = 67;
	s[8].vlan_strip = true;
	s[9].rx_entries = 32;
	rig_create();
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		assert_int_equal(e1000_attach(BDF, &s[i], &nic), -EINVAL);
	rig_destroy();
}

static void test_attach(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_create();
	assert_int_equal(e1000_attach(BDF, &s, &NIC), 0);
	assert_memory_equal(NIC->mac, rig_mac, 6);
	assert_int_equal(NIC->nr_vectors, 0);
	assert_int_equal(NIC->nr_queues, 1);
	assert_int_equal(NIC->capabilities, 0);
	assert_int_equal(RXQ->vector, NIC_NO_VECTOR);
	assert_int_equal(TXQ->vector, NIC_NO_VECTOR);
	assert_false(rig.chip.bus_master);
	assert_int_equal(rig_post(1), 0);
	assert_int_equal(rig_send(fill(rig_mac, 60, 0), 60, 60, 0), -ENODEV);
	assert_int_equal(NIC->ops->route_vector(NIC, 0, 0, 0x40), -ENOTSUP);
	assert_int_equal(NIC->ops->reset(NIC), -ENODEV);
	assert_int_equal(NIC->ops->start(NIC), 0);
	assert_int_equal(NIC->ops->start(NIC), -EBUSY);
	assert_int_equal(NIC->ops->set_mtu(NIC, 1400), -EBUSY);
	rig_destroy();
}

static void attach_fails(int err)
{
	struct nic_setup s = rig_setup();

	assert_int_equal(e1000_attach(BDF, &s, &NIC), err);
	assert_false(rig.chip.bus_master);
	rig_destroy();
}

static void test_attach_fails(void **state)
{
	(void)state;
	rig_create();
	rig.no_bar = true;
	attach_fails(-EIO);
	rig_create();
	rig.chip.gone = true;
	attach_fails(-EIO);
	rig_create();
	rig.chip.stuck_reset = true;
	attach_fails(-EIO);
	rig_create();
	rig.chip.eeprom[17]++; /* the checksum is wrong */
	attach_fails(-EIO);
	rig_create();
	rig.chip.eeprom[0] ^= 1; /* a group address */
	rig.chip.eeprom[63]--;
	attach_fails(-EIO);
}

/* ---- Traffic ---- */

static void test_receive_sizes(void **state)
{
	(void)state;
	for (uint32_t len = 14; len <= 1518; len += len < 70 || len > 1500 ? 1 : 97) {
		assert_true(m82540_receive(&rig.chip, fill(rig_mac, len, len), len));
		assert_true(nic_rx_pending(RXQ));
		assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
		expect_frame(0, len);
		assert_false(nic_rx_pending(RXQ));
	}
	assert_false(m82540_receive(&rig.chip, fill(rig_mac, 1519, 0), 1519));
	rig_ms(100);
	assert_int_equal(NIC->stats.rx_frames, NIC->stats.rx_polled);
	assert_int_equal(
		NIC->stats.rx_bytes, NIC->stats.rx_polled_bytes + 4 * NIC->stats.rx_polled);
	assert_int_equal(rig.chip.nr_out_of_range, 0);
}

/* More than a batch, the ring until it is full, around its end. */
static void test_receive_batches(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		unsigned nr = 0, n;

		fill(rig_mac, 100 + round, round);
		while (m82540_receive(&rig.chip, frame, 100 + round))
			nr++;
		assert_int_equal(nr, 63);
		while ((n = nic_rx_poll(RXQ, &rig.batch))) {
			for (unsigned i = 0; i < n; i++)
				expect_frame(i, 100 + round);
			nr -= n;
		}
		assert_int_equal(nr, 0);
	}
	rig_ms(100);
	assert_int_equal(NIC->stats.rx_no_buffer, 10);
	assert_int_equal(rig.chip.nr_out_of_range, 0);
}

static void test_jumbo(void **state)
{
	static const uint32_t sizes[] = { 1024, 2048, 4096, 8192 };
	static const uint32_t lens[] = { 60, 1023, 1024, 1025, 2048, 4097, 8192, 9014 };
	struct nic_setup s = rig_setup();

	(void)state;
	s.mtu = 9000;
	for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
		rig_destroy();
		s.rx_buffer_bytes = sizes[k];
		rig_start(&s);
		for (unsigned i = 0; i < 4 * ARRAY_SIZE(lens); i++) {
			uint32_t len = lens[i % ARRAY_SIZE(lens)], unit = MAX(len / 20, 1u);
			unsigned lost = 0;

			fill(rig_mac, len, i);
			assert_true(m82540_receive(&rig.chip, frame, len));
			assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
			expect_frame(0, len);
			rig.nr_sent = 0;
			assert_int_equal(rig_send(frame, len, unit, i), 1);
			assert_int_equal(rig.nr_sent, 1);
			assert_int_equal(rig.sent[0].len_bytes, len);
			assert_memory_equal(rig.sent[0].data, frame, len);
			assert_int_equal(reap(&lost), 1);
		}
		assert_int_equal(rig.chip.nr_out_of_range, 0);
	}
}

/* Half of a packet is there: nothing comes, until the rest does. */
static void test_partial_packet(void **state)
{
	struct e1000_rx *rx = CONTAINER_OF(RXQ, struct e1000_rx, q);

	(void)state;
	rx->ring[0].hi = E1000_RXD_DD | 2048;
	assert_false(nic_rx_pending(RXQ));
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 0);
	rx->ring[1].hi = E1000_RXD_DD | E1000_RXD_EOP | 10;
	assert_true(nic_rx_pending(RXQ));
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
	assert_int_equal(rig.batch.packet[0].nr_buffers, 2);
	assert_int_equal(rig.batch.packet[0].len_bytes, 2058);
	assert_int_equal(rig.batch.packet[0].error, NIC_RX_OK);
}

static void test_transmit(void **state)
{
	struct nic_tx_done done[3];

	(void)state;
	for (uint32_t len = 17; len <= 1518; len += len < 70 || len > 1500 ? 1 : 97) {
		rig.nr_sent = 0;
		assert_int_equal(rig_send(fill(rig_mac, len, len), len, len / 3 + 1, len), 1);
		assert_int_equal(rig.nr_sent, 1);
		assert_int_equal(rig.sent[0].len_bytes, MAX(len, 60u));
		assert_memory_equal(rig.sent[0].data, frame, len);
		assert_true(nic_tx_pending(TXQ));
		assert_int_equal(nic_tx_reap(TXQ, done, 3), 1);
		assert_int_equal(done[0].cookie, len);
		assert_true(done[0].sent);
		assert_false(nic_tx_pending(TXQ));
	}
	rig_ms(100);
	assert_int_equal(NIC->stats.tx_frames, NIC->stats.tx_sent);
	assert_int_equal(NIC->stats.tx_sent, NIC->stats.tx_prepared);
	assert_int_equal(rig.chip.nr_out_of_range, 0);
}

static void test_transmit_refused(void **state)
{
	struct nic_segment segment[2] = { { (uint64_t)rig_alloc(100), 40 }, { 0, 0 } };
	struct nic_tx_packet p = { .segment = segment, .len_bytes = 60, .nr_segments = 1 };

	(void)state;
	fill(rig_mac, 1519, 0);
	assert_int_equal(rig_send(frame, 16, 16, 0), -EINVAL);
	assert_int_equal(rig_send(frame, 1519, 1519, 0), -EINVAL);
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL); /* segments too short */
	segment[0].len_bytes = 61;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL);
	segment[0].len_bytes = 60;
	p.nr_segments = 2; /* one of them empty */
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL);
	p.nr_segments = 0;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL);
	p.nr_segments = NIC_TX_SEGMENTS_MAX + 1;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL);
	p.nr_segments = 1;
	p.flags = NIC_TX_L4_CSUM;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), -EINVAL);
	nic_tx_flush(TXQ);
	assert_int_equal(rig.nr_sent, 0);
	p.flags = 0;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), 1);
	nic_tx_flush(TXQ);
	assert_int_equal(rig.nr_sent, 1);
}

/* Full by descriptors, and full by cookies that nobody reaps; order is kept. */
static void test_transmit_full(void **state)
{
	struct nic_tx_done done[NIC_BATCH];
	uint64_t next = 0, given = 0;

	(void)state;
	fill(rig_mac, 300, 0);
	rig.chip.stall_tx = true;
	while (rig_send(frame, 300, 100, given) == 1)
		given++;
	assert_int_equal(given, 21); /* 63 descriptors */
	assert_int_equal(rig_send(frame, 300, 100, given), -EAGAIN);
	rig.chip.stall_tx = false;
	m82540_resume(&rig.chip);
	while (rig_send(frame, 300, 300, given) == 1)
		given++;
	assert_int_equal(given, 64);
	for (unsigned n; (n = nic_tx_reap(TXQ, done, NIC_BATCH));)
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i].cookie, next++);
	assert_int_equal(next, given);
	assert_int_equal(rig.nr_sent, 64);
	assert_true(CONTAINER_OF(TXQ, struct e1000_tx, q)->full >= 3);
}

/* ---- Filters ---- */

static bool comes(const char *to)
{
	bool taken = m82540_receive(&rig.chip, fill((const uint8_t *)to, 60, 0), 60);

	if (taken) {
		assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
		expect_frame(0, 60);
	}
	return taken;
}

static void test_filters(void **state)
{
	static const uint8_t guest[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t group[1][6] = { { 1, 0, 0x5e, 0, 0, 0xfb } };
	uint8_t mac[6] = { 2, 1, 1, 1, 1, 0 };

	(void)state;
	assert_true(comes((const char *)rig_mac));
	assert_true(comes("\xff\xff\xff\xff\xff\xff"));
	assert_false(comes("\x02\0\0\0\0\x09"));
	assert_false(comes("\x01\0\x5e\0\0\xfb"));
	assert_int_equal(NIC->ops->add_mac(NIC, guest, 0), 0);
	assert_int_equal(NIC->ops->add_mac(NIC, guest, 0), 0);
	assert_int_equal(NIC->ops->add_mac(NIC, guest, 1), -EINVAL);
	assert_int_equal(NIC->ops->add_mac(NIC, group[0], 0), -EINVAL);
	NIC->ops->set_multicast(NIC, group, 1);
	for (unsigned i = 0; i < 2; i++) { /* also after a reset */
		assert_true(comes("\x02\0\0\0\0\x09"));
		assert_true(comes("\x01\0\x5e\0\0\xfb"));
		assert_false(comes("\x01\0\x5e\0\0\xfc"));
		assert_int_equal(NIC->ops->reset(NIC), 0);
	}
	assert_int_equal(NIC->ops->remove_mac(NIC, guest, 0), 0);
	assert_int_equal(NIC->ops->remove_mac(NIC, guest, 0), -ENOENT);
	assert_false(comes("\x02\0\0\0\0\x09"));
	NIC->ops->set_promiscuous(NIC, true, true);
	assert_true(comes("\x02\0\0\0\0\x09"));
	assert_true(comes("\x01\0\x5e\0\0\xfc"));
	NIC->ops->set_promiscuous(NIC, false, false);
	assert_false(comes("\x02\0\0\0\0\x09"));
	for (unsigned i = 0; i < 15; i++, mac[5]++)
		assert_int_equal(NIC->ops->add_mac(NIC, mac, 0), 0);
	assert_int_equal(NIC->ops->add_mac(NIC, mac, 0), -ENOSPC);
}

/* Bochs has four of them. */
static void test_few_addresses(void **state)
{
	uint8_t mac[6] = { 2, 1, 1, 1, 1, 0 };

	(void)state;
	rig.chip.nr_addresses = 4;
	for (unsigned i = 0; i < 3; i++, mac[5]++)
		assert_int_equal(NIC->ops->add_mac(NIC, mac, 0), 0);
	assert_int_equal(NIC->ops->add_mac(NIC, mac, 0), -ENOSPC);
	assert_int_equal(NIC->ops->add_mac(NIC, mac, 0), -ENOSPC);
}

static void test_vlan_filter(void **state)
{
	(void)state;
	fill(rig_mac, 60, 0);
	memcpy(frame + 12, "\x81\x00\x00\x64", 4);
	NIC->ops->set_vlan_filter(NIC, true);
	assert_false(m82540_receive(&rig.chip, frame, 60));
	frame[15] = 0; /* priority-tagged */
	assert_true(m82540_receive(&rig.chip, frame, 60));
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
	rig_post(1);
	frame[15] = 0x64;
	assert_int_equal(NIC->ops->set_vlan(NIC, 0, 0, true), -EINVAL);
	assert_int_equal(NIC->ops->set_vlan(NIC, 4095, 0, true), -EINVAL);
	assert_int_equal(NIC->ops->set_vlan(NIC, 100, 0, true), 0);
	assert_int_equal(NIC->ops->reset(NIC), 0);
	assert_true(m82540_receive(&rig.chip, frame, 60));
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
	expect_frame(0, 60); /* with its tag */
	assert_int_equal(NIC->ops->set_vlan(NIC, 100, 0, false), 0);
	assert_false(m82540_receive(&rig.chip, frame, 60));
}

/* ---- Link, faults ---- */

static void test_link(void **state)
{
	unsigned lost = 0;

	(void)state;
	assert_int_equal(NIC->link.mbps, 1000);
	rig.chip.link = false;
	assert_int_equal(rig_send(fill(rig_mac, 60, 0), 60, 60, 0), 1);
	rig_ms(10);
	assert_false(NIC->link.up);
	assert_int_equal(reap(&lost), 0);
	rig_ms(400); /* the packet comes back */
	assert_int_equal(NIC->stats.resets, 1);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 1);
	rig.chip.link = true;
	rig_ms(10);
	assert_true(NIC->link.up);
	assert_int_equal(rig.nr_links, 3);
	assert_true(comes((const char *)rig_mac));
}

static void test_stalled_transmit(void **state)
{
	unsigned lost = 0;

	(void)state;
	rig.chip.stall_tx = true;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(rig_send(fill(rig_mac, 60, i), 60, 60, i), 1);
	rig_ms(400);
	assert_int_equal(NIC->stats.tx_stalls, 1);
	assert_int_equal(NIC->stats.resets, 1);
	assert_int_equal(rig.nr_wakes, 1);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 5);
	rig.chip.stall_tx = false;
	rig_ms(100);
	assert_int_equal(rig_send(frame, 60, 60, 0), 1);
	assert_int_equal(reap(&lost), 1);
	rig_ms(1000);
	assert_int_equal(NIC->stats.resets, 1);
	assert_int_equal(NIC->stats.tx_lost_in_reset, 5);
}

static void test_late_write_back(void **state)
{
	unsigned lost = 0;

	(void)state;
	rig.chip.late_write_back = true;
	assert_int_equal(rig_send(fill(rig_mac, 60, 0), 60, 60, 0), 1);
	rig_ms(350);
	assert_int_equal(NIC->stats.late_write_backs, 1);
	assert_int_equal(NIC->stats.resets, 0);
	rig_ms(500);
	assert_int_equal(NIC->stats.resets, 1);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 1);
}

static void test_stalled_receive(void **state)
{
	(void)state;
	rig.chip.stall_rx = true;
	rig_ms(1000); /* nothing arrives: that is no fault */
	assert_int_equal(NIC->stats.resets, 0);
	for (unsigned i = 0; i < 50 && !NIC->stats.resets; i++) {
		m82540_receive(&rig.chip, fill(rig_mac, 60, 0), 60);
		rig_ms(10);
	}
	assert_int_equal(NIC->stats.rx_stalls, 1);
	assert_int_equal(NIC->stats.resets, 1);
	rig.chip.stall_rx = false;
	assert_true(comes((const char *)rig_mac));
}

static void test_dma_abort(void **state)
{
	struct nic_segment segment = { UINT64_C(0x123000), 60 };
	struct nic_tx_packet p = { .segment = &segment, .len_bytes = 60, .nr_segments = 1 };
	unsigned lost = 0;

	(void)state;
	assert_int_equal(nic_tx_prepare(TXQ, &p, 1), 1);
	nic_tx_flush(TXQ);
	rig_ms(100);
	assert_int_equal(NIC->stats.dma_aborts, 1);
	assert_int_equal(NIC->stats.resets, 1);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 1);
	rig_ms(1000);
	assert_int_equal(NIC->stats.resets, 1);
}

static void test_bad_frames(void **state)
{
	struct e1000_rx *rx = CONTAINER_OF(RXQ, struct e1000_rx, q);

	(void)state;
	rig.chip.receive_error = true;
	assert_true(m82540_receive(&rig.chip, fill(rig_mac, 60, 0), 60));
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
	assert_int_equal(rig.batch.packet[0].error, NIC_RX_BAD_FRAME);
	rx->ring[1].hi = E1000_RXD_DD | E1000_RXD_EOP | 2049;
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 1);
	assert_int_equal(rig.batch.packet[0].error, NIC_RX_BAD_DESCRIPTOR);
	assert_int_equal(rig.batch.packet[0].len_bytes, 2048);
	NIC->ops->collect(NIC); /* what it takes from the check is not lost to it */
	rig_ms(100);
	assert_int_equal(NIC->stats.rx_bad_frames, 1);
	assert_int_equal(NIC->stats.rx_bad_descriptors, 1);
	assert_int_equal(NIC->stats.resets, 1);
}

/* 24 buffers without an end, then the end: both are no packets, what follows is one. */
static void test_endless_packet(void **state)
{
	struct e1000_rx *rx = CONTAINER_OF(RXQ, struct e1000_rx, q);

	(void)state;
	for (unsigned i = 0; i < 27; i++)
		rx->ring[i].hi = E1000_RXD_DD | (i >= 25 ? E1000_RXD_EOP : 0) | 100;
	assert_int_equal(nic_rx_poll(RXQ, &rig.batch), 3);
	assert_int_equal(rig.batch.packet[0].error, NIC_RX_BAD_DESCRIPTOR);
	assert_int_equal(rig.batch.packet[0].nr_buffers, NIC_RX_CHAIN_MAX);
	assert_int_equal(rig.batch.packet[1].error, NIC_RX_BAD_DESCRIPTOR);
	assert_int_equal(rig.batch.packet[1].nr_buffers, 2);
	assert_int_equal(rig.batch.packet[2].error, NIC_RX_OK);
}

static void test_gone(void **state)
{
	uint64_t cookie[64];
	unsigned lost = 0;

	(void)state;
	rig.chip.stall_tx = true;
	assert_int_equal(rig_send(fill(rig_mac, 60, 0), 60, 60, 0), 1);
	rig.chip.gone = true;
	rig_ms(110);
	assert_int_equal(NIC->state, NIC_RECOVERING);
	assert_false(NIC->link.up);
	assert_false(rig.chip.bus_master);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 1);
	assert_int_equal(nic_rx_take_back(RXQ, cookie, 64), 0);
	rig_ms(3000);
	assert_int_equal(NIC->state, NIC_FAILED);
	assert_int_equal(NIC->stats.failed_resets, 3);
	assert_int_equal(nic_rx_take_back(RXQ, cookie, 64), 63);
	assert_int_equal(nic_rx_take_back(RXQ, cookie, 64), 0);
	assert_true(NIC->stats.rx_frames < 100); /* no all-ones was added */
}

static void test_comes_back(void **state)
{
	(void)state;
	rig.chip.stuck_reset = true;
	assert_int_equal(NIC->ops->reset(NIC), -ETIMEDOUT);
	assert_int_equal(NIC->state, NIC_RECOVERING);
	rig_ms(500);
	rig.chip.stuck_reset = false;
	rig_ms(1000);
	assert_int_equal(NIC->state, NIC_RUNNING);
	assert_true(comes((const char *)rig_mac));
}

/* On demand, with frames arrived, in the ring, and half way around it; with registers that a reset
 * changes and with such that it does not. */
static void test_reset(void **state)
{
	unsigned lost = 0, sent = 0, given = 0;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		rig.chip.lazy_reset = round & 1;
		rig.chip.stall_tx = round & 2;
		for (unsigned i = 0; i < round % 9; i++) {
			given += rig_send(fill(rig_mac, 60, i), 60, 30, i) == 1;
			assert_true(m82540_receive(&rig.chip, frame, 60));
		}
		if (round % 4 == 3) {
			nic_rx_poll(RXQ, &rig.batch);
			for (unsigned i = 0; i < rig.batch.nr_packets; i++)
				rig_post(1);
		}
		assert_int_equal(NIC->ops->reset(NIC), 0);
		sent += reap(&lost);
		rig.chip.stall_tx = false;
		rig_ms(10);
		assert_true(comes((const char *)rig_mac));
	}
	assert_int_equal(sent + lost, given);
	assert_int_equal(rig_post(64), 0); /* none of the 63 got lost */
	rig_ms(100);
	assert_int_equal(NIC->stats.rx_frames, NIC->stats.rx_polled + NIC->stats.rx_lost_in_reset);
	assert_int_equal(NIC->stats.tx_prepared, NIC->stats.tx_sent + NIC->stats.tx_lost_in_reset);
	assert_int_equal(rig.chip.nr_out_of_range, 0);
}

static void test_stop(void **state)
{
	uint64_t cookie[64];
	unsigned lost = 0;

	(void)state;
	rig.chip.stall_tx = true;
	assert_int_equal(rig_send(fill(rig_mac, 60, 0), 60, 60, 0), 1);
	NIC->ops->stop(NIC);
	assert_int_equal(NIC->state, NIC_STOPPED);
	assert_false(rig.chip.bus_master);
	assert_int_equal(reap(&lost), 0);
	assert_int_equal(lost, 1);
	assert_int_equal(nic_rx_take_back(RXQ, cookie, 10), 10);
	assert_int_equal(nic_rx_take_back(RXQ, cookie, 64), 53);
	assert_int_equal(NIC->ops->set_mtu(NIC, 9000), 0);
	rig.chip.stall_tx = false;
	assert_int_equal(NIC->ops->start(NIC), 0);
	assert_int_equal(rig_post(64), 63);
	rig_ms(10);
	assert_true(comes((const char *)rig_mac));
}

/* A core that stays in a queue's function: the port goes on as it was. */
static void test_busy_queue(void **state)
{
	(void)state;
	RXQ->gate.busy = 1;
	assert_int_equal(NIC->ops->reset(NIC), -EBUSY);
	RXQ->gate.busy = 0;
	assert_int_equal(NIC->state, NIC_RUNNING);
	assert_true(comes((const char *)rig_mac));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_setup_refused),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_attach_fails),
		TEST(test_receive_sizes),
		TEST(test_receive_batches),
		TEST(test_jumbo),
		TEST(test_partial_packet),
		TEST(test_transmit),
		TEST(test_transmit_refused),
		TEST(test_transmit_full),
		TEST(test_filters),
		TEST(test_few_addresses),
		TEST(test_vlan_filter),
		TEST(test_link),
		TEST(test_stalled_transmit),
		TEST(test_late_write_back),
		TEST(test_stalled_receive),
		TEST(test_dma_abort),
		TEST(test_bad_frames),
		TEST(test_endless_packet),
		TEST(test_gone),
		TEST(test_comes_back),
		TEST(test_reset),
		TEST(test_stop),
		TEST(test_busy_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
