// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* What the hardware does for a guest: checksums, TSO, VLAN tags, RSC, verdicts on what arrives. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include "lib/errno.h"

#define HEADERS (14 + 20 + 20)

static uint8_t frame[70000], seen[70000];

static const uint8_t *mac(unsigned port)
{
	return rig.port[port].nic->mac;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static const struct nic_rx_packet *receive(unsigned wanted)
{
	struct rig_port *p = &rig.port[1];

	rig_us(100);
	assert_int_equal(nic_rx_poll(p->nic->rxq[0], &p->batch), wanted);
	return p->batch.packet;
}

/* The sum over an IPv4 packet's header and over its TCP part: 0xffff if right. */
static void check_sums(const uint8_t *f)
{
	const uint8_t *ip = f + 14;
	uint32_t l4 = get16(ip + 2) - 20;

	assert_int_equal(rig_sum(ip, 20, 0), 0xffff);
	assert_int_equal(rig_sum(ip + 20, l4, rig_sum(ip + 12, 8, ip[9] + l4)), 0xffff);
}

/* As a guest sends it: the pseudo header's sum in the field. */
static void make_partial(uint8_t *f, uint32_t l4_len)
{
	uint8_t *ip = f + 14;

	put16(ip + 10, 0);
	put16(ip + 36, rig_sum(ip + 12, 8, 6 + l4_len));
}

static void test_transmit_checksums(void **state)
{
	struct nic_setup s = rig_setup();
	const struct nic_rx_packet *k;

	(void)state;
	rig_start(&s);
	for (uint32_t payload = 0; payload < 1400; payload += 97) {
		uint32_t len = rig_tcp(frame, mac(1), mac(0), 7, 1000, payload);

		make_partial(frame, 20 + payload);
		assert_int_equal(rig_send_offload(0, 0, frame,
					 (struct nic_tx_packet){ .len_bytes = len,
						 .flags = NIC_TX_IPV4 | NIC_TX_TCP |
							  NIC_TX_L4_CSUM | NIC_TX_L3_CSUM,
						 .l2_len = 14,
						 .l3_len = 20 }),
			1);
		k = receive(1);
		rig_gather(&rig.port[1], 0, seen, sizeof(seen));
		check_sums(seen);
		assert_int_equal(
			k->flags, NIC_RX_IPV4 | NIC_RX_TCP | NIC_RX_L3_GOOD | NIC_RX_L4_GOOD);
	}
}

static void test_receive_verdicts(void **state)
{
	struct nic_setup s = rig_setup();
	uint32_t len;

	(void)state;
	rig_start(&s);
	len = rig_tcp(frame, mac(1), mac(0), 7, 1000, 100);
	frame[70] ^= 1;
	assert_int_equal(rig_send(0, 0, frame, len), 1);
	assert_int_equal(
		receive(1)->flags, NIC_RX_IPV4 | NIC_RX_TCP | NIC_RX_L3_GOOD | NIC_RX_L4_BAD);
	len = rig_tcp(frame, mac(1), mac(0), 7, 1000, 100);
	frame[14 + 8]--; /* TTL */
	assert_int_equal(rig_send(0, 0, frame, len), 1);
	assert_true(receive(1)->flags & NIC_RX_L3_BAD);
	rig_frame(frame, 100, mac(1), mac(0), 3);
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	assert_int_equal(receive(1)->flags, 0);
}

static struct nic_tx_packet tso(uint32_t len, uint16_t mss)
{
	return (struct nic_tx_packet){ .len_bytes = len,
		.flags = NIC_TX_IPV4 | NIC_TX_TCP | NIC_TX_TSO,
		.l2_len = 14,
		.l3_len = 20,
		.l4_len = 20,
		.mss = mss };
}

/* 64 KiB by one descriptor chain: what arrives is the same stream in right segments. */
static void send_and_check(uint32_t payload, uint16_t mss)
{
	struct rig_port *p = &rig.port[1];
	uint32_t len = rig_tcp(frame, mac(1), mac(0), 7, 1000, payload), at = 0;
	struct nic_tx_packet packet = tso(len, mss);

	put16(frame + 16, 0);
	make_partial(frame, 0);
	assert_int_equal(rig_send_offload(0, 0, frame, packet), 1);
	rig_us(200);
	while (nic_rx_poll(p->nic->rxq[0], &p->batch)) {
		for (unsigned i = 0; i < p->batch.nr_packets; i++) {
			uint32_t n;

			rig_gather(p, i, seen, sizeof(seen));
			check_sums(seen);
			n = get16(seen + 16) - 40;
			assert_int_equal(n, payload - at < mss ? payload - at : mss);
			assert_int_equal(get32(seen + 38), 1000 + at);
			assert_memory_equal(seen + HEADERS, frame + HEADERS + at, n);
			at += n;
		}
		for (unsigned i = 0; i < p->batch.nr_buffers; i++) {
			struct nic_buffer b = rig_buffer(p->nic->rxq[0], p->batch.buffer[i].cookie);

			assert_int_equal(nic_rx_post(p->nic->rxq[0], &b, 1), 1);
		}
		nic_rx_flush(p->nic->rxq[0]);
	}
	assert_int_equal(at, payload);
	rig_drain(0);
}

static void test_segmentation(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	send_and_check(1461, 1460);
	send_and_check(65000, 1460);
	send_and_check(65482, 1448);
	send_and_check(1, 1460);
	send_and_check(10000, 536);
	send_and_check(30000, 1460);
	assert_int_equal(rig.port[0].nr_sent, 6);
	for (uint32_t payload = 2900; payload < 2940; payload++)
		send_and_check(payload, 1460);
}

static void test_senseless_offloads(void **state)
{
	struct nic_setup s = rig_setup();
	struct nic_tx_packet packet;

	(void)state;
	rig_start(&s);
	rig_tcp(frame, mac(1), mac(0), 7, 1000, 4000);
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		packet = tso(4054, 1460);                                                          \
		change;                                                                            \
		assert_int_equal(rig_send_offload(0, 0, frame, packet), -EINVAL);                  \
	} while (0)
	REFUSED(packet.mss = 0);
	REFUSED(packet.mss = 63);
	REFUSED(packet.mss = 16000);
	REFUSED(packet.l2_len = 13);
	REFUSED(packet.l2_len = 200);
	REFUSED(packet.l3_len = 19);
	REFUSED(packet.l3_len = 512);
	REFUSED(packet.l4_len = 16);
	REFUSED(packet.l4_len = 22);
	REFUSED(packet.flags = NIC_TX_IPV4 | NIC_TX_TSO);
	REFUSED(packet.flags = NIC_TX_TCP | NIC_TX_TSO); /* IPv6's header is longer */
	REFUSED(packet.flags = NIC_TX_IPV4 | NIC_TX_TCP | NIC_TX_L4_CSUM; packet.len_bytes = 40);
	rig_us(100);
	assert_int_equal(rig_drain(1), 0);
}

static void test_vlan_tags(void **state)
{
	struct nic_setup s = rig_setup();
	const struct nic_rx_packet *k;

	(void)state;
	rig_start(&s);
	rig_frame(frame, 100, mac(1), mac(0), 3);
	for (unsigned i = 0; i < 3; i++) {
		uint16_t tci = (uint16_t)(0x6001 + i);

		assert_int_equal(
			rig_send_offload(0, 0, frame,
				(struct nic_tx_packet){
					.len_bytes = 100, .flags = NIC_TX_VLAN, .vlan_tci = tci }),
			1);
		k = receive(1);
		assert_int_equal(k->flags, NIC_RX_VLAN);
		assert_int_equal(k->vlan_tci, tci);
		rig_gather(&rig.port[1], 0, seen, sizeof(seen));
		assert_memory_equal(seen, frame, 100);
	}
	/* untagged ones in between: the context is not used */
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	assert_int_equal(receive(1)->flags, 0);
	/* a tag in the data, and the longest such frame */
	rig_frame(frame, 1518, mac(1), mac(0), 3);
	memcpy(frame + 12, "\x81\x00\x00\x05\x88\xb5", 6);
	assert_int_equal(rig_send(0, 0, frame, 1518), 1);
	k = receive(1);
	assert_int_equal(k->flags, NIC_RX_VLAN);
	assert_int_equal(k->vlan_tci, 5);
	assert_int_equal(k->len_bytes, 1514);
}

static void test_vlan_tags_stay(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	s.vlan_strip = false;
	rig_start(&s);
	rig_frame(frame, 100, mac(1), mac(0), 3);
	memcpy(frame + 12, "\x81\x00\x00\x05\x88\xb5", 6);
	assert_int_equal(rig_send(0, 0, frame, 100), 1);
	assert_int_equal(receive(1)->flags, 0);
	rig_gather(&rig.port[1], 0, seen, sizeof(seen));
	assert_memory_equal(seen, frame, 100);
}

/* A coalesced packet's headers, count and bytes; its payload's length. */
static uint32_t check_coalesced(const struct rig_port *p, unsigned i, uint32_t mss)
{
	const struct nic_rx_packet *k = &p->batch.packet[i];
	uint32_t n = rig_gather(p, i, seen, sizeof(seen)) - HEADERS, seq = get32(seen + 38);

	assert_int_equal(k->error, NIC_RX_OK);
	assert_int_equal(get16(seen + 16), n + 40);
	assert_int_equal(rig_sum(seen + 14, 20, 0), 0xffff);
	assert_int_equal(n % mss, 0);
	if (n > mss)
		assert_int_equal(k->rsc_segments, n / mss);
	else
		assert_true(k->rsc_segments <= 1);
	for (uint32_t b = 0; b < n; b++)
		assert_int_equal(seen[HEADERS + b], (uint8_t)((seq + b) * 13 + ((seq + b) >> 8)));
	return n;
}

/* Segments of several connections, alternating: each connection's are merged. */
static void coalesce(uint32_t buffer_bytes, unsigned segments, unsigned connections, bool split)
{
	struct rig_port *p = &rig.port[1];
	struct nic_setup s = rig_setup();
	uint32_t mss = 1000, total = 0;
	unsigned nr = 0;

	s.rsc = true;
	s.rx_buffer_bytes = buffer_bytes;
	if (split)
		rig_start_split(&s);
	else
		rig_start(&s);
	for (unsigned i = 0; i < segments; i++) {
		for (unsigned c = 0; c < connections; c++)
			rig_send(0, 0, frame,
				rig_tcp(frame, mac(1), mac(0), (uint16_t)(100 + c), 1000 + i * mss,
					mss));
	}
	rig_us(300);
	while (nic_rx_poll(p->nic->rxq[0], &p->batch)) {
		for (unsigned i = 0; i < p->batch.nr_packets; i++, nr++) {
			total += check_coalesced(p, i, mss);
			assert_int_equal(p->batch.packet[i].header_bytes, split ? HEADERS : 0);
		}
	}
	assert_int_equal(total, segments * connections * mss);
	assert_true(nr < segments * connections);
	rig_ms(100);
	assert_true(p->nic->stats.rx_coalesced > 0);
	/* each segment is a packet of its own or in one of those */
	assert_int_equal(nr - p->nic->stats.rx_coalesced + p->nic->stats.rx_coalesced_frames,
		segments * connections);
	rig_destroy();
}

static void test_coalescing(void **state)
{
	(void)state;
	for (unsigned split = 0; split < 2; split++) {
		coalesce(2048, 5, 1, split);
		coalesce(2048, 12, 2, split);
		coalesce(16384 - 1024, 10, 3, split);
		coalesce(1024, 6, 4, split);
		coalesce(4096, 20, 2, split);
	}
}

static void test_coalescing_off(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	s.rsc = true;
	rig_start(&s);
	rig.port[1].nic->ops->set_rsc(rig.port[1].nic, false);
	for (unsigned i = 0; i < 5; i++)
		rig_send(0, 0, frame, rig_tcp(frame, mac(1), mac(0), 9, 1 + i * 1000, 1000));
	receive(5);
	rig_drain(1);
	rig.port[1].nic->ops->set_rsc(rig.port[1].nic, true);
	for (unsigned i = 5; i < 10; i++)
		rig_send(0, 0, frame, rig_tcp(frame, mac(1), mac(0), 9, 1 + i * 1000, 1000));
	rig_us(200);
	assert_int_equal(rig_drain(1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, rig_teardown)
		T(test_transmit_checksums),
		T(test_receive_verdicts),
		T(test_segmentation),
		T(test_senseless_offloads),
		T(test_vlan_tags),
		T(test_vlan_tags_stay),
		cmocka_unit_test(test_coalescing),
		T(test_coalescing_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
