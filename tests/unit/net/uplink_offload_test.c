// sources: @virtio_net @uplink @net_guest tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* Uplinks: TSO and checksums by the NIC and in software, and senders whose offload fields or memory
 * are not what they seem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packets.h"
#include "uplink_bench.h"

#define OUT (&side[1]) /* where the test ports send to */

static const uint8_t stranger[6] = { 2, 0, 0, 0, 9, 9 };
static uint8_t sent[NET_FRAME_MAX], whole[NET_FRAME_MAX];

static void restart(uint32_t capabilities)
{
	struct bench_conf c = { .capabilities = { capabilities, capabilities }, .mtu = 1500 };

	bench_free();
	bench_init(&c);
}

/* ---- Packets ---- */

/* Into *b, with addresses and a right IPv4 header checksum; its length. */
static uint32_t make_packet(struct tcp_packet *t, uint8_t *b, const uint8_t *to, unsigned salt)
{
	uint32_t len = packet_build(t, b, salt);

	memcpy(b, to, 6);
	memcpy(b + 6, peer_mac[0], 6);
	if (!t->ipv6) {
		set16(b + t->l3 + 10, 0);
		set16(b + t->l3 + 10, 0xffff & ~ref_sum(0, b + t->l3, t->l4 - t->l3));
	}
	return len;
}

static struct frame_offload gso(const struct tcp_packet *t, unsigned mss)
{
	return (struct frame_offload){ .flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = t->ipv6 ? VNET_HDR_GSO_TCPV6 : VNET_HDR_GSO_TCPV4,
		.header_len = (uint16_t)t->headers,
		.gso_size = (uint16_t)mss,
		.csum_start = (uint16_t)t->l4,
		.csum_offset = 16 };
}

static void check_checksums(const struct tcp_packet *t, const uint8_t *b, uint32_t len)
{
	uint32_t l4_len = len - t->l4;

	if (!t->ipv6)
		assert_int_equal(ref_sum(0, b + t->l3, t->l4 - t->l3), 0xffff);
	assert_int_equal(ref_sum(ref_pseudo(b + t->l3, 6, l4_len), b + t->l4, l4_len), 0xffff);
}

/* One frame cut from *t, which begins at that byte of payload, as TCP wants it. */
static void check_piece(const struct tcp_packet *t, const uint8_t *all, const uint8_t *b,
	uint32_t len, uint32_t at, unsigned mss)
{
	uint32_t n = len - t->headers;
	unsigned flags = t->flags & (at ? 0x7f : 0xff);

	if (at + n < t->payload)
		flags &= ~0x09u;
	assert_int_equal(n, MIN(mss, t->payload - at));
	assert_memory_equal(b, all, t->l3);
	if (t->ipv6) {
		assert_int_equal(be16(b + t->l3 + 4), len - t->l3 - 40);
		assert_memory_equal(b + t->l3 + 6, all + t->l3 + 6, 34);
	} else {
		assert_int_equal(be16(b + t->l3 + 2), len - t->l3);
		assert_int_equal(be16(b + t->l3 + 4), (t->ip_id + at / mss) & 0xffff);
		assert_memory_equal(b + t->l3 + 12, all + t->l3 + 12, t->l4 - t->l3 - 12);
	}
	assert_int_equal(be32(b + t->l4 + 4), (uint32_t)(t->seq + at));
	assert_int_equal(b[t->l4 + 13], flags);
	assert_memory_equal(b + t->l4 + 20, all + t->l4 + 20, t->tcp_options);
	assert_memory_equal(b + t->headers, all + t->headers + at, n);
	check_checksums(t, b, len);
}

/* What the NIC has sent is *t, cut. */
static void check_cut(const struct tcp_packet *t, const uint8_t *all, unsigned mss)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < OUT->nic.nr_sent; i++) {
		const struct fake_sent *s = &OUT->nic.sent[i];

		check_piece(t, all, s->bytes, s->len_bytes, at, mss);
		at += s->len_bytes - t->headers;
	}
	assert_int_equal(at, t->payload);
	fake_nic_forget(&OUT->nic);
}

static void send_offloaded(
	const uint8_t *b, uint32_t len, unsigned nr_segments, struct frame_offload o)
{
	struct frame *f = fake_frame(b, len, nr_segments);

	f->offload = o;
	assert_true(bench_forward(0, f));
	bench_run();
}

static void transmit(void)
{
	while (fake_nic_transmit(&OUT->nic, 0, 7))
		bench_run();
}

/* ---- Segments ---- */

static void cut_all(uint32_t capabilities)
{
	static const unsigned payload[] = { 1, 63, 64, 65, 1000, 1448, 1449, 2896, 30000, 65000 };
	static const unsigned options[] = { 0, 12, 40 };
	unsigned nr = 0, frames = 0;

	restart(capabilities);
	for (unsigned i = 0; i < ARRAY_SIZE(payload) * ARRAY_SIZE(options) * 4; i++) {
		struct tcp_packet t = { .ipv6 = i & 1,
			.vlan = -1,
			.ip_options = i & 2 ? 0 : 40,
			.tcp_options = options[i / 4 % ARRAY_SIZE(options)],
			.payload = payload[i / 4 / ARRAY_SIZE(options)],
			.flags = 0x99,
			.ip_id = 0xfff0,
			.seq = 0xffff0000 };
		unsigned mss = i & 2 ? 1400 : 536;
		uint32_t len = make_packet(&t, sent, stranger, i);

		if (len > FRAME_BYTES_MAX)
			continue;
		send_offloaded(sent, len, 1 + i % 19, gso(&t, mss));
		transmit();
		frames += OUT->nic.nr_sent;
		check_cut(&t, sent, mss);
		nr++;
	}
	assert_int_equal(OUT->up.port.counters.tx_frames, nr);
	assert_int_equal(OUT->up.pair[0]->tx.stats.wire_frames, frames);
	assert_int_equal(
		OUT->up.pair[0]->tx.stats.zero_copy != 0, capabilities & NIC_CAP_TSO ? 1 : 0);
}

static void test_segments(void **state)
{
	(void)state;
	cut_all(FAKE_NIC_ALL);
	cut_all(FAKE_NIC_ALL & ~NIC_CAP_TSO);
	cut_all(0);
}

/* NICs cut into 64 bytes at least; guests may ask for less. */
static void test_small_segments(void **state)
{
	(void)state;
	for (unsigned mss = 8; mss < 70; mss++) {
		struct tcp_packet t = { .vlan = -1, .payload = 3000, .flags = 0x18 };
		uint32_t len = make_packet(&t, sent, stranger, mss);

		send_offloaded(sent, len, 3, gso(&t, mss));
		transmit();
		check_cut(&t, sent, mss);
	}
	assert_int_equal(OUT->nic.nr_tso, 6);
}

/* Too long for the wire; it is what goes out that counts. */
static void test_oversize_segments(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 30000, .flags = 0x18 };
	uint32_t len = make_packet(&t, sent, stranger, 1);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		restart(i ? FAKE_NIC_ALL : 0);
		t.payload = 30000;
		len = make_packet(&t, sent, stranger, 1);
		send_offloaded(sent, len, 1, gso(&t, 1518 - 54));
		transmit();
		check_cut(&t, sent, 1518 - 54);
		send_offloaded(sent, len, 1, gso(&t, 1518 - 53));
		assert_int_equal(bench_drops(1, DROP_OVERSIZE), 1);
		t.payload = 1400;
		len = make_packet(&t, sent, stranger, 1);
		send_offloaded(sent, len, 1, gso(&t, 65535));
		transmit();
		check_cut(&t, sent, 65535);
		assert_int_equal(bench_drops(1, DROP_OVERSIZE), 1);
	}
}

/* More pieces than bounce buffers, a slow NIC, and frames behind it that keep their place. */
static void test_slow_cut(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 60000, .flags = 0x18, .seq = 5 };
	uint32_t len = make_packet(&t, whole, stranger, 1), at = 0;
	unsigned nr = 0;

	(void)state;
	restart(NIC_CAP_TX_CSUM);
	send_offloaded(whole, len, 4, gso(&t, 200));
	for (unsigned i = 0; i < 10; i++) {
		net_make_frame(sent, stranger, peer_mac[0], 100, i);
		send_offloaded(sent, 100, 1, (struct frame_offload){ 0 });
	}
	assert_int_equal(fake_nic_in_ring(&OUT->nic, 0), UPLINK_BOUNCE_FRAMES);
	while (nr < 310) {
		assert_int_equal(fake_nic_transmit(&OUT->nic, 0, 1), 1);
		bench_run();
		for (unsigned i = 0; i < OUT->nic.nr_sent; i++, nr++) {
			const struct fake_sent *s = &OUT->nic.sent[i];

			if (nr < 300) {
				check_piece(&t, whole, s->bytes, s->len_bytes, at, 200);
				at += 200;
				continue;
			}
			net_make_frame(sent, stranger, peer_mac[0], 100, nr - 300);
			assert_memory_equal(s->bytes, sent, 100);
		}
		fake_nic_forget(&OUT->nic);
	}
	assert_int_equal(OUT->up.pair[0]->tx.stats.bounced, 300);
	assert_int_equal(OUT->up.port.counters.tx_frames, 11);
}

/* In the middle of it the link goes: one frame, one drop. */
static void test_link_lost_while_cutting(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 60000, .flags = 0x18 };
	uint32_t len = make_packet(&t, whole, stranger, 1);

	(void)state;
	restart(NIC_CAP_TX_CSUM);
	send_offloaded(whole, len, 4, gso(&t, 200));
	fake_nic_link(&OUT->nic, false);
	bench_run();
	assert_int_equal(bench_drops(1, DROP_LINK_DOWN), 1);
	fake_nic_link(&OUT->nic, true);
	transmit();
	assert_int_equal(OUT->nic.nr_sent, UPLINK_BOUNCE_FRAMES);
	fake_nic_forget(&OUT->nic);
	send_offloaded(whole, len, 4, gso(&t, 200));
	transmit();
	check_cut(&t, whole, 200);
	assert_int_equal(OUT->up.port.counters.tx_frames, 1);
}

/* ---- Checksums ---- */

static void check_partial(uint8_t *b, uint32_t len, unsigned start, unsigned offset, bool by_nic)
{
	const struct uplink_tx_stats *s = &OUT->up.pair[0]->tx.stats;
	struct frame_offload o = { .flags = VNET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)start,
		.csum_offset = (uint16_t)offset };
	uint64_t zero_copy = s->zero_copy, bounced = s->bounced;
	const struct fake_sent *f;

	send_offloaded(b, len, 3, o);
	transmit();
	assert_int_equal(OUT->nic.nr_sent, 1);
	f = &OUT->nic.sent[0];
	set16(b + start + offset, 0xffff & ~ref_sum(0, b + start, len - start));
	if (be16(b + start + offset) == 0)
		set16(b + start + offset, 0xffff);
	assert_int_equal(f->len_bytes, MAX(len, NIC_TX_BYTES_MIN));
	assert_memory_equal(f->bytes, b, len);
	for (uint32_t i = len; i < f->len_bytes; i++)
		assert_int_equal(f->bytes[i], 0);
	assert_int_equal(s->zero_copy - zero_copy, by_nic);
	assert_int_equal(s->bounced - bounced, !by_nic);
	fake_nic_forget(&OUT->nic);
}

static void test_checksums(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct tcp_packet t = { .ipv6 = i & 1,
			.vlan = -1,
			.ip_options = i & 2 ? 0 : 24,
			.payload = 1 + i * 80,
			.flags = 0x18 };
		uint32_t len;

		if (i == 8)
			restart(NIC_CAP_TSO);
		len = make_packet(&t, sent, stranger, i);
		if (i & 4) { /* UDP's place */
			sent[t.l3 + (t.ipv6 ? 6 : 9)] = 17;
			set16(sent + t.l4 + 6, ref_pseudo(sent + t.l3, 17, len - t.l4));
		}
		check_partial(sent, len, t.l4, i & 4 ? 6 : 16, i < 8);
	}
}

/* UDP: a sum of zero goes out as ffff, whoever makes it. */
static void test_zero_checksum(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_packet t = { .vlan = -1, .payload = 100 };
		uint32_t len = make_packet(&t, sent, stranger, 1);

		restart(i ? NIC_CAP_TX_CSUM : 0);
		set16(sent + t.l4 + 6, 0);
		set16(sent + t.l4 + 6, 0xffff & ~ref_sum(0, sent + t.l4, len - t.l4));
		check_partial(sent, len, t.l4, 6, i);
		assert_int_equal(be16(sent + t.l4 + 6), 0xffff);
	}
}

/* Valid for the switch, strange to a NIC. */
static void test_strange_checksums(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 100 };
	uint32_t len = make_packet(&t, sent, stranger, 1);

	(void)state;
	check_partial(sent, len, 14, 0, false); /* no IP header */
	check_partial(sent, len, 33, 16, false);
	check_partial(sent, len, 34, 15, false);
	check_partial(sent, len, 60, 10, false);
	check_partial(sent, len, len - 18, 16, false); /* no room for all of TCP */
	check_partial(sent, len, len - 20, 16, true);
	check_partial(sent, len, len - 8, 6, true);
	check_partial(sent, 16, 14, 0, false);
}

/* IPv6 with a header that is too short, and one that is no IP at all. */
static void test_strange_protocols(void **state)
{
	struct tcp_packet t = { .ipv6 = true, .vlan = -1, .payload = 100 };
	uint32_t len = make_packet(&t, sent, stranger, 1);

	(void)state;
	check_partial(sent, len, 34, 16, false);
	check_partial(sent, len, 54, 16, true);
	set16(sent + 12, 0x88b5);
	check_partial(sent, len, 54, 16, false);
	t.ipv6 = false;
	len = make_packet(&t, sent, stranger, 1);
	for (unsigned l3 = 500; l3 < 520;
		l3++) { /* as much IP header as a descriptor has room for */
		t.payload = 700;
		len = make_packet(&t, sent, stranger, 1);
		check_partial(sent, len, 14 + l3, 16, l3 <= 511);
	}
}

/* ---- A sender that changes its memory after it was looked at ---- */

static void spoil_guest(unsigned slot)
{
	uint8_t *at = test_memory_at(&A->mem, A->tx_gpa + slot * (NET_FRAME_MAX + 64u));

	memset(at, 0xff, 12 + 150);
}

static void test_headers_are_read_once(void **state)
{
	struct tcp_packet t = { .vlan = -1, .tcp_options = 40, .payload = 5000, .flags = 0x18 };
	struct virtio_net_hdr h = {
		.flags = 1, .gso_type = 1, .gso_size = 1000, .csum_start = 34, .csum_offset = 16
	};
	uint32_t len = make_packet(&t, sent, peer_mac[0], 1);

	(void)state;
	bench_start_guests(BASE | MERGE | TSO, 10, 1600);
	memcpy(sent + 6, A->mac, 6);
	assert_true(net_guest_send(A, &h, sent, len, NULL) >= 0);
	net_guest_kick(A, NET_TX);
	bench_run();
	spoil_guest(0);
	fake_nic_transmit(&side[0].nic, 0, 99);
	assert_int_equal(side[0].nic.nr_sent, 5);
	for (unsigned i = 1; i < 5; i++) /* its payload is its own affair */
		check_piece(&t, sent, side[0].nic.sent[i].bytes, 1094, i * 1000, 1000);
	assert_memory_equal(side[0].nic.sent[0].bytes, sent, 16);
	fake_nic_forget(&side[0].nic);
	bench_run();
	net_guest_reap(A);

	net_make_frame(sent, peer_mac[0], A->mac, 1000, 1);
	assert_true(net_guest_send(A, NULL, sent, 1000, NULL) >= 0);
	net_guest_kick(A, NET_TX);
	bench_run();
	spoil_guest(1);
	fake_nic_transmit(&side[0].nic, 0, 99);
	assert_memory_equal(side[0].nic.sent[0].bytes, sent, FRAME_HEAD_BYTES);
	assert_memory_not_equal(side[0].nic.sent[0].bytes, sent, 80);
}

/* Offload fields that the headers do not bear out: nothing goes out. */
static void test_false_offloads(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 3000, .flags = 0x18 };
	uint32_t len = make_packet(&t, sent, stranger, 1);
	struct frame_offload o = gso(&t, 1000);

	(void)state;
	o.csum_start = 38;
	send_offloaded(sent, len, 3, o);
	o = gso(&t, 1000);
	o.gso_type = VNET_HDR_GSO_TCPV6;
	send_offloaded(sent, len, 3, o);
	o = gso(&t, 1000);
	o.csum_offset = 6;
	send_offloaded(sent, len, 3, o);
	sent[23] = 17;
	send_offloaded(sent, len, 3, gso(&t, 1000));
	len = make_packet(&t, sent, stranger, 1);
	set16(sent + 20, 0x2000); /* a fragment */
	send_offloaded(sent, len, 3, gso(&t, 1000));
	len = make_packet(&t, sent, stranger, 1);
	send_offloaded(sent, t.headers, 3, gso(&t, 1000)); /* no payload */
	assert_int_equal(bench_drops(1, DROP_MALFORMED), 6);
	assert_int_equal(OUT->nic.tx[0].end, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_segments),
		TEST(test_small_segments),
		TEST(test_oversize_segments),
		TEST(test_slow_cut),
		TEST(test_link_lost_while_cutting),
		TEST(test_checksums),
		TEST(test_zero_checksum),
		TEST(test_strange_checksums),
		TEST(test_strange_protocols),
		TEST(test_headers_are_read_once),
		TEST(test_false_offloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
