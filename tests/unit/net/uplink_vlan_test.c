// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: VLAN tags, both ways: access ports and trunks, put in and taken out by us or by the NIC;
 * and a guest that hides one. */
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

/* a in VLAN 1, which is the trunk's native one, b in 5, c a trunk itself. */
static void init_vlans(void)
{
	static const struct net_guest_conf guest[3] = { { .policy.spoof_check = true },
		{ .policy = { .spoof_check = true, .vlan = 5 } },
		{ .policy = { .spoof_check = true, .trunk = true } } };
	struct bench_conf c = { .guest = guest,
		.nr_guests = 3,
		.uplink = { { .trunk = true } },
		.capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL } };

	bench_free();
	bench_init(&c);
	bench_start_guests(BASE | MERGE | TSO, 100, 1600);
}

static uint32_t tagged(const uint8_t *frame, uint32_t len, unsigned tci, uint8_t *out)
{
	memcpy(out, frame, 12);
	set16(out + 12, 0x8100);
	set16(out + 14, tci);
	memcpy(out + 16, frame + 12, len - 12);
	return len + 4;
}

static uint32_t send_from(struct net_guest *g, const struct virtio_net_hdr *h, uint32_t len)
{
	assert_true(net_guest_send(g, h, sent, len, NULL) >= 0);
	net_guest_kick(g, NET_TX);
	bench_run();
	fake_nic_forget(&side[0].nic);
	fake_nic_transmit(&side[0].nic, 0, 99);
	bench_run();
	net_guest_reap(g);
	return side[0].nic.nr_sent ? side[0].nic.sent[0].len_bytes : 0;
}

static void test_vlan_to_wire(void **state)
{
	uint8_t plain[1514], want[1518];

	(void)state;
	init_vlans();
	for (uint32_t len = 14; len <= 1514; len += 100) {
		uint8_t *wire;

		memset(sent, 0, sizeof(sent));
		net_make_frame(sent, stranger, A->mac, len, 1);
		assert_int_equal(send_from(A, NULL, len), MAX(len, 17));
		assert_memory_equal(side[0].nic.sent[0].bytes, sent, len);
		net_make_frame(sent, stranger, B->mac, len, 2);
		assert_int_equal(send_from(B, NULL, len), len + 4);
		tagged(sent, len, 5, want);
		assert_memory_equal(side[0].nic.sent[0].bytes, want, len + 4);
		net_make_frame(plain, stranger, world.guest[2].mac, len, 3);
		tagged(plain, len, 0x6007, sent); /* its own tag, with a priority */
		assert_int_equal(send_from(&world.guest[2], NULL, len + 4), len + 4);
		wire = side[0].nic.sent[0].bytes;
		assert_memory_equal(wire, sent, len + 4);
		tagged(plain, len, 0x6001, sent); /* native: goes without */
		assert_int_equal(send_from(&world.guest[2], NULL, len + 4), MAX(len, 17));
		assert_memory_equal(side[0].nic.sent[0].bytes, plain, len);
	}
	assert_int_equal(bench_drops(0, DROP_OVERSIZE), 0);
}

/* Tag VLAN 0, and behind it one of a VLAN that is not the sender's. */
static void test_hidden_tag(void **state)
{
	struct virtio_net_hdr h = {
		.flags = 1, .gso_type = 1, .gso_size = 1000, .csum_start = 42, .csum_offset = 16
	};
	struct tcp_packet t = { .vlan = 5, .payload = 3000, .flags = 0x18 };
	uint8_t plain[4000];
	uint32_t len;

	(void)state;
	init_vlans();
	net_make_frame(plain, stranger, A->mac, 100, 1);
	tagged(plain, 100, 5, got);
	tagged(got, 104, 0, sent);
	assert_int_equal(send_from(A, NULL, 108), 0);
	len = packet_build(&t, plain, 1);
	memcpy(plain, stranger, 6);
	memcpy(plain + 6, A->mac, 6);
	tagged(plain, len, 0, sent);
	assert_int_equal(send_from(A, &h, len + 4), 0);
	assert_int_equal(bench_drops(0, DROP_VLAN), 2);
	tagged(plain, 100, 0, sent); /* but not: a priority alone */
	set16(sent + 16, 0x88b5);
	assert_int_equal(send_from(A, NULL, 104), 100);
}

static void test_vlan_segments(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 3000, .flags = 0x18 };
	struct virtio_net_hdr h = {
		.flags = 1, .gso_type = 1, .gso_size = 1000, .csum_start = 34, .csum_offset = 16
	};
	uint32_t len = packet_build(&t, sent, 1);

	(void)state;
	init_vlans();
	memcpy(sent, stranger, 6);
	memcpy(sent + 6, B->mac, 6);
	for (unsigned i = 0; i < 2; i++) {
		side[0].nic.nic.capabilities = i ? 0 : FAKE_NIC_ALL;
		assert_int_equal(send_from(B, &h, len), 1058);
		assert_int_equal(side[0].nic.nr_sent, 3);
		for (unsigned k = 0; k < 3; k++) {
			const uint8_t *b = side[0].nic.sent[k].bytes;

			assert_memory_equal(b, sent, 12);
			assert_int_equal(be32(b + 12), 0x81000005);
			assert_memory_equal(b + 58, sent + 54 + k * 1000, 1000);
			assert_int_equal(
				ref_sum(ref_pseudo(b + 18, 6, 1020), b + 38, 1020), 0xffff);
			assert_int_equal(ref_sum(0, b + 18, 20), 0xffff);
		}
		h.gso_type = 0; /* and one that is only summed */
		set16(sent + 34 + 16, ref_pseudo(sent + 14, 6, 520));
		assert_int_equal(send_from(B, &h, 554), 558);
		assert_int_equal(
			ref_sum(ref_pseudo(sent + 14, 6, 520), side[0].nic.sent[0].bytes + 38, 520),
			0xffff);
		h.gso_type = 1;
		len = packet_build(&t, sent, 1);
		memcpy(sent, stranger, 6);
		memcpy(sent + 6, B->mac, 6);
	}
}

static void expect_only(struct net_guest *to, const uint8_t *frame, uint32_t len)
{
	struct virtio_net_hdr h;

	for (unsigned i = 0; i < world.nr_guests; i++) {
		struct net_guest *g = &world.guest[i];
		int r = net_guest_receive(g, &h, got);

		net_guest_kick(g, NET_RX);
		assert_int_equal(r, g == to ? (int)len : -1);
		if (g == to)
			assert_memory_equal(got, frame, len);
	}
	bench_run();
}

/* strip: the NIC takes tags out. */
static void from_wire(const uint8_t *frame, uint32_t len, int tci, bool strip)
{
	struct fake_arrival how = { 0 };
	uint8_t b[2000];

	if (tci < 0 || strip)
		memcpy(b, frame, len);
	else
		len = tagged(frame, len, (unsigned)tci, b);
	if (tci >= 0 && strip) {
		how.flags = NIC_RX_VLAN;
		how.vlan_tci = (uint16_t)tci;
	}
	assert_true(fake_nic_receive(&side[0].nic, 0, b, len, &how));
	bench_run();
}

static void test_vlan_from_wire(void **state)
{
	(void)state;
	init_vlans();
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t len = i < 10 ? 46 + i : 46 + (i - 10) * 29;
		bool strip = i & 1;

		net_make_frame(sent, A->mac, peer_mac[0], len, i);
		from_wire(sent, len, -1, strip);
		expect_only(A, sent, len);
		from_wire(sent, len, 0, strip); /* priority-tagged */
		expect_only(A, sent, len);
		from_wire(sent, len, 5, strip); /* not its VLAN */
		expect_only(NULL, sent, len);
		net_make_frame(sent, B->mac, peer_mac[0], len, i);
		from_wire(sent, len, 5, strip);
		expect_only(B, sent, len);
		from_wire(sent, len, -1, strip);
		expect_only(NULL, sent, len);
		net_make_frame(sent, world.guest[2].mac, peer_mac[0], len, i);
		from_wire(sent, len, 0x2009, strip);
		tagged(sent, len, 0x2009, got + 2000);
		memcpy(sent, got + 2000, len + 4);
		expect_only(&world.guest[2], sent, len + 4);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vlan_to_wire),
		TEST(test_hidden_tag),
		TEST(test_vlan_segments),
		TEST(test_vlan_from_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
