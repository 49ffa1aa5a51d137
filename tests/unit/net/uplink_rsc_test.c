// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: what the NIC has merged (RSC) or checked, on its way to guests and to another wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packets.h"
#include "uplink_bench.h"

static const uint8_t stranger[6] = { 2, 0, 0, 0, 9, 9 };
static uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX];

/* As the NIC merges it: headers of the first one, the IP length of all. */
static uint32_t make_merged(struct tcp_packet *t, uint8_t *b, const uint8_t *to)
{
	uint32_t len = packet_build(t, b, 1);

	memcpy(b, to, 6);
	memcpy(b + 6, peer_mac[0], 6);
	set16(b + t->l3 + 10, 0);
	set16(b + t->l3 + 10, 0xffff & ~ref_sum(0, b + t->l3, 20));
	set16(b + t->l4 + 16, 0x1234); /* the first one's, of no use */
	return len;
}

static void arrive(uint32_t len, uint16_t segments, uint16_t flags)
{
	struct fake_arrival how = { .rsc_segments = segments,
		.flags = (uint16_t)(flags | NIC_RX_IPV4 | NIC_RX_TCP),
		.piece_bytes = 2048 };

	assert_true(fake_nic_receive(&side[0].nic, 0, sent, len, &how));
	bench_run();
}

static void check_cut_one(const struct tcp_packet *t, uint32_t at, uint32_t n, bool complete)
{
	uint32_t l4_len = 20 + t->tcp_options + n, sum;

	assert_memory_equal(got, sent, t->l3);
	assert_memory_equal(got + t->headers, sent + t->headers + at, n);
	assert_int_equal(be16(got + t->l3 + 2), 20 + l4_len);
	assert_int_equal(be32(got + t->l4 + 4), t->seq + at);
	assert_int_equal(ref_sum(0, got + t->l3, 20), 0xffff);
	sum = ref_pseudo(got + t->l3, 6, l4_len);
	if (complete)
		assert_int_equal(ref_sum(sum, got + t->l4, l4_len), 0xffff);
	else
		assert_int_equal(be16(got + t->l4 + 16), sum);
}

/* features: the guest's; mss and n segments arrive. */
static void merged_to_guest(uint64_t features, struct tcp_packet *t, unsigned mss)
{
	unsigned n = (t->payload + mss - 1) / mss;
	uint32_t len = make_merged(t, sent, A->mac), at = 0;
	bool whole = features & VIRTIO_NET_F_GUEST_TSO4, sums = features & VIRTIO_NET_F_GUEST_CSUM;
	struct virtio_net_hdr h;
	int r;

	if (n < 2)
		return;
	arrive(len, (uint16_t)n, NIC_RX_L3_GOOD | NIC_RX_L4_GOOD);
	while ((r = net_guest_receive(A, &h, got)) > 0) {
		uint32_t part = (uint32_t)r - t->headers;

		check_cut_one(t, at, part, !sums);
		assert_int_equal(h.flags, sums ? VNET_HDR_F_NEEDS_CSUM : 0);
		assert_int_equal(h.gso_type, whole ? VNET_HDR_GSO_TCPV4 : 0);
		assert_true(whole || part <= MAX(mss, 64));
		if (whole) {
			assert_int_equal(h.hdr_len, t->headers);
			assert_int_equal(h.gso_size, MAX((t->payload + n - 1) / n, 64));
		}
		if (sums) {
			assert_int_equal(h.csum_start, t->l4);
			assert_int_equal(h.csum_offset, 16);
		}
		at += part;
		net_guest_kick(A, NET_RX);
		bench_run();
	}
	assert_int_equal(at, t->payload);
}

static void test_merged(void **state)
{
	static const uint64_t features[] = { BASE | MERGE | TSO, BASE | MERGE | SUMS,
		BASE | MERGE };
	static const unsigned payload[] = { 2, 100, 2896, 2897, 14480, 30000, 40000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		bench_start_guests(features[i], 200, 1600);
		for (unsigned k = 0; k < ARRAY_SIZE(payload) * 3; k++) {
			struct tcp_packet t = { .vlan = -1,
				.tcp_options = k / ARRAY_SIZE(payload) * 12,
				.payload = payload[k % ARRAY_SIZE(payload)],
				.flags = 0x18,
				.seq = 77 };

			merged_to_guest(features[i], &t, 1400);
			merged_to_guest(features[i], &t, MIN(t.payload / 2, 700));
		}
	}
	assert_int_equal(bench_drops(0, DROP_MALFORMED), 0);
}

/* One byte in a segment, sixteen of them: no reason to lose them. */
static void test_merged_bytes(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 16, .flags = 0x18 };

	(void)state;
	bench_start_guests(BASE | MERGE | TSO, 200, 1600);
	merged_to_guest(BASE | MERGE | TSO, &t, 1);
	bench_start_guests(BASE | MERGE, 200, 1600);
	merged_to_guest(BASE | MERGE, &t, 1);
}

/* A broken NIC: what it calls merged is not, or was not checked. */
static void test_merged_wrongly(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 4000, .flags = 0x18 };
	uint32_t len = make_merged(&t, sent, A->mac);

	(void)state;
	bench_start_guests(BASE | MERGE | TSO, 200, 1600);
	arrive(len, 3, NIC_RX_L4_BAD);
	arrive(len, 3, NIC_RX_L3_BAD);
	arrive(len - 1, 3, 0); /* not what its IP header says */
	arrive(54, 3, 0);
	arrive(40, 3, 0);
	sent[12] = 0x86;
	arrive(len, 3, 0);
	len = make_merged(&t, sent, A->mac);
	sent[14] = 0x46;
	arrive(len, 3, 0);
	len = make_merged(&t, sent, A->mac);
	sent[23] = 17;
	arrive(len, 3, 0);
	len = make_merged(&t, sent, A->mac);
	sent[46] = 0x40;
	arrive(len, 3, 0);
	assert_int_equal(bench_drops(0, DROP_MALFORMED), 9);
	assert_int_equal(net_guest_receive(A, &(struct virtio_net_hdr){ 0 }, got), -1);
}

/* From one wire to another: cut again, as it came. */
static void merged_to_wire(uint32_t capabilities)
{
	struct bench_conf c = { .one_switch = true, .capabilities[1] = capabilities };
	struct tcp_packet t = {
		.vlan = -1, .payload = 10 * 1448, .flags = 0x10, .tcp_options = 12
	};
	uint32_t len;

	bench_free();
	bench_init(&c);
	len = make_merged(&t, sent, stranger);
	arrive(len, 10, NIC_RX_L4_GOOD);
	fake_nic_transmit(&side[1].nic, 0, 99);
	assert_int_equal(side[1].nic.nr_sent, 10);
	for (unsigned i = 0; i < 10; i++) {
		memcpy(got, side[1].nic.sent[i].bytes, t.headers + 1448);
		check_cut_one(&t, i * 1448, 1448, true);
	}
	assert_int_equal(side[1].nic.nr_tso, capabilities ? 1 : 0);
}

static void test_merged_to_wire(void **state)
{
	(void)state;
	merged_to_wire(FAKE_NIC_ALL);
	merged_to_wire(0);
}

static void test_checked(void **state)
{
	struct fake_arrival how = { .flags = NIC_RX_L3_GOOD | NIC_RX_L4_GOOD };
	struct virtio_net_hdr h;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bench_start_guests(BASE | MERGE | (i ? SUMS : 0), 10, 1600);
		for (unsigned k = 0; k < 3; k++) {
			how.flags = (const uint16_t[]){ NIC_RX_L4_GOOD, NIC_RX_L4_BAD, 0 }[k];
			net_make_frame(sent, A->mac, peer_mac[0], 500, k);
			assert_true(fake_nic_receive(&side[0].nic, 0, sent, 500, &how));
			bench_run();
			assert_int_equal(net_guest_receive(A, &h, got), 500);
			assert_memory_equal(got, sent, 500);
			assert_int_equal(h.flags, i && k == 0 ? VNET_HDR_F_DATA_VALID : 0);
		}
	}
}

/* Merged, and the tag taken out. */
static void test_merged_and_stripped(void **state)
{
	static const struct net_guest_conf guest[2] = { { .policy.vlan = 5 },
		{ .policy.vlan = 5 } };
	struct bench_conf c = { .guest = guest, .uplink = { { .trunk = true } } };
	struct tcp_packet t = { .vlan = -1, .payload = 4000, .flags = 0x18 };
	struct fake_arrival how = { .rsc_segments = 4, .flags = NIC_RX_VLAN, .vlan_tci = 5 };
	struct virtio_net_hdr h;
	uint32_t len;

	(void)state;
	bench_free();
	bench_init(&c);
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
	len = make_merged(&t, sent, B->mac);
	assert_true(fake_nic_receive(&side[0].nic, 0, sent, len, &how));
	bench_run();
	assert_int_equal(net_guest_receive(B, &h, got), len);
	check_cut_one(&t, 0, 4000, false);
	assert_int_equal(h.gso_size, 1000);
	assert_int_equal(h.csum_start, 34);
	how.piece_bytes = 11; /* addresses in two buffers: no NIC does that */
	assert_true(fake_nic_receive(&side[0].nic, 0, sent, 60, &how));
	bench_run();
	assert_int_equal(bench_drops(0, DROP_MALFORMED), 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_merged),
		TEST(test_merged_bytes),
		TEST(test_merged_wrongly),
		TEST(test_merged_to_wire),
		TEST(test_checked),
		TEST(test_merged_and_stripped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
