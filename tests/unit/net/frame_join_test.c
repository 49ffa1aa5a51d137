// sources: @offload hv/net/frame_join.c hv/net/frame.c hv/net/port.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_port.h"
#include "net/frame_join.h"
#include "net/frame_ring.h"
#include "net/segment.h"
#include "packets.h"

#define FLAG_PSH 0x08
#define FLAG_ACK 0x10
#define MSS	 1448
#define FRAMES	 20

static unsigned seed = 11, nr_released;

static unsigned rnd(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 10) % below;
}

static void count_release(struct frame *f)
{
	nr_released++;
	fake_release(f);
}

static void set_ip_checksum(uint8_t *ip)
{
	set16(ip + 10, 0);
	set16(ip + 10, ~ref_sum(0, ip, 20) & 0xffff);
}

/* A segment as a NIC delivers it or a guest sends it, at position `seq` of the stream. */
static struct frame *segment_at(const struct tcp_packet *model, uint32_t seq, unsigned payload)
{
	struct tcp_packet t = *model;
	uint8_t bytes[FRAME_BYTES_MAX];
	struct frame *f;
	unsigned len;

	t.seq = seq;
	t.payload = payload;
	len = packet_build(&t, bytes, 0);
	for (unsigned i = 0; i < payload; i++)
		bytes[t.headers + i] = (uint8_t)((seq + i) * 13 + (seq + i) / 255);
	bytes[t.l3 + 1] = 0;
	bytes[t.l3 + 8] = 64;
	set_ip_checksum(bytes + t.l3);
	set16(bytes + t.l4 + 18, 0);
	for (unsigned i = 0; i < t.tcp_options; i++)
		bytes[t.l4 + 20 + i] = (uint8_t)(i + 1);
	f = fake_frame(bytes, len, 1 + rnd(2));
	f->release = count_release;
	f->tagged = t.vlan >= 0;
	f->vlan = 1;
	f->offload = (struct frame_offload){
		.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)t.l4, .csum_offset = 16
	};
	return f;
}

static void make_gso(struct frame *f, uint16_t mss)
{
	f->offload.gso_type = VNET_HDR_GSO_TCPV4;
	f->offload.gso_size = mss;
}

static uint32_t gather(const struct frame *f, uint8_t *bytes)
{
	uint32_t at = f->head_len;

	memcpy(bytes, f->head, at);
	for (unsigned i = 0; i < f->nr_segments; i++) {
		memcpy(bytes + at, f->segment[i].hva, f->segment[i].len_bytes);
		at += f->segment[i].len_bytes;
	}
	assert_int_equal(at, f->len_bytes);
	return at;
}

static const struct tcp_packet plain = { .vlan = -1, .flags = FLAG_ACK, .tcp_options = 12 };

/* Segments joined are the segment that they were cut from. */
static void join_all(const struct tcp_packet *model, unsigned nr, unsigned last, bool in_gso)
{
	static uint8_t joined[FRAME_BYTES_MAX], whole[FRAME_BYTES_MAX];
	struct tcp_packet end = *model;
	uint32_t seq = 0xfffff000, len = 0; /* wraps */
	struct frame *f = NULL, *want;
	unsigned step = in_gso ? 4 * MSS : MSS;

	nr_released = 0;
	end.flags |= FLAG_PSH;
	for (unsigned i = 0; i < nr; i++) {
		bool is_last = i + 1 == nr;
		uint32_t payload = is_last ? last : step;
		struct frame *g = segment_at(is_last ? &end : model, seq + len, payload);

		if (in_gso && payload > MSS)
			make_gso(g, MSS);
		len += payload;
		if (!f)
			f = g;
		else
			assert_true(frame_join(f, g));
	}
	assert_int_equal(f->nr_joined, nr - 1);
	want = segment_at(&end, seq, len);
	assert_int_equal(gather(f, joined), gather(want, whole));
	assert_memory_equal(joined, whole, want->len_bytes);
	assert_int_equal(f->offload.gso_type, VNET_HDR_GSO_TCPV4);
	assert_int_equal(f->offload.gso_size, MSS);
	assert_int_equal(f->offload.flags, VNET_HDR_F_NEEDS_CSUM);
	assert_int_equal(f->offload.csum_start, want->offload.csum_start);
	assert_int_equal(f->offload.csum_offset, 16);
	assert_int_equal(frame_check_offload(f), 0);
	assert_int_equal(f->len_bytes + f->joined_header_bytes,
		want->len_bytes + (nr - 1) * (want->len_bytes - len));
	frame_put(f);
	assert_int_equal(nr_released, nr);
	frame_put(want);
}

static void test_join(void **state)
{
	(void)state;
	for (unsigned options = 0; options <= 40; options += 4)
		for (int vlan = -1; vlan <= 5; vlan += 6) {
			struct tcp_packet t = plain;

			t.vlan = vlan;
			t.tcp_options = options;
			join_all(&t, 2, MSS, false);
			join_all(&t, 6, 600, false);
			join_all(&t, 5, 700, true);
			join_all(&t, 5, 4 * MSS, true);
		}
}

/* One field is different: what must not be joined. */
static void refused(void (*change)(struct frame *f, struct frame *g))
{
	struct frame *f = segment_at(&plain, 1000, MSS), *g = segment_at(&plain, 1000 + MSS, MSS);
	static uint8_t before[FRAME_BYTES_MAX], after[FRAME_BYTES_MAX];
	uint32_t len;

	change(f, g);
	len = gather(f, before);
	assert_false(frame_join(f, g));
	assert_int_equal(gather(f, after), len);
	assert_memory_equal(before, after, len);
	assert_null(f->joined);
	f->refs = 1;
	frame_put(f);
	frame_put(g);
}

static void change_head(struct frame *g, unsigned at, bool ip)
{
	g->head[at] ^= 0x02;
	if (ip)
		set_ip_checksum(g->head + 14);
}

static void vlans(struct frame *f, struct frame *g)
{
	(void)f;
	g->vlan = 2;
}

static void shared_first(struct frame *f, struct frame *g)
{
	(void)g;
	f->refs = 2;
}

static void no_checksum(struct frame *f, struct frame *g)
{
	(void)f;
	g->offload.flags = 0;
}

static void other_checksum(struct frame *f, struct frame *g)
{
	(void)g;
	f->offload.csum_start = 14;
}

static void bad_ip_checksum(struct frame *f, struct frame *g)
{
	(void)g;
	f->head[14 + 10] ^= 1;
}

static void ecn_type(struct frame *f, struct frame *g)
{
	(void)f;
	make_gso(g, MSS);
	g->offload.gso_type |= VNET_HDR_GSO_ECN;
}

static void other_mss(struct frame *f, struct frame *g)
{
	(void)f;
	make_gso(g, MSS - 4);
}

static void long_options(struct frame *f, struct frame *g)
{
	(void)f;
	((uint8_t *)(uintptr_t)g->segment[0].hva)[1] ^= 1; /* byte 65, the last of the timestamp */
}

static void segments_full(struct frame *f, struct frame *g)
{
	(void)g;
	while (f->nr_segments < FRAME_SEGMENTS_MAX - 1)
		f->segment[f->nr_segments++] = (struct frame_segment){ f->head, 0 };
}

static void test_refused(void **state)
{
	static const struct {
		uint8_t at;
		bool ip; /* its checksum is put right again */
	} byte[] = { { 0, 0 }, { 11, 0 }, { 12, 0 }, { 15, 1 }, { 17, 1 }, { 20, 1 }, { 21, 1 },
		{ 22, 1 }, { 23, 1 }, { 26, 1 }, { 33, 1 }, { 34, 0 }, { 37, 0 }, { 38, 0 },
		{ 41, 0 }, { 42, 0 }, { 45, 0 }, { 46, 0 }, { 47, 0 }, { 48, 0 }, { 49, 0 },
		{ 52, 0 }, { 53, 0 }, { 54, 0 }, { 63, 0 } };
	static void (*const change[])(struct frame *, struct frame *) = { vlans, shared_first,
		no_checksum, other_checksum, bad_ip_checksum, ecn_type, other_mss, long_options,
		segments_full };
	struct frame *f, *g;

	(void)state;
	for (unsigned i = 0; i < sizeof(byte) / sizeof(byte[0]); i++) {
		f = segment_at(&plain, 1000, MSS);
		g = segment_at(&plain, 1000 + MSS, MSS);
		change_head(g, byte[i].at, byte[i].ip);
		if (frame_join(f, g))
			fail_msg("byte %u does not matter", byte[i].at);
		frame_put(f);
		frame_put(g);
	}
	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++)
		refused(change[i]);
	/* what these tests change is really what decides */
	f = segment_at(&plain, 1000, MSS);
	g = segment_at(&plain, 1000 + MSS, MSS);
	assert_true(frame_join(f, g));
	frame_put(f);
}

/* Joined once more: only at a segment's end, not behind a push, not beyond 64 KiB. */
static void test_ends(void **state)
{
	struct frame *f = segment_at(&plain, 0, MSS), *g = segment_at(&plain, MSS, MSS - 1), *h;
	struct tcp_packet push = plain;

	(void)state;
	assert_true(frame_join(f, g));
	h = segment_at(&plain, 2 * MSS - 1, MSS);
	assert_false(frame_join(f, h)); /* a short one was the last */
	frame_put(f);
	push.flags |= FLAG_PSH;
	f = segment_at(&push, MSS - 1, MSS);
	assert_false(frame_join(f, h));
	frame_put(f);
	frame_put(h);
	f = segment_at(&plain, 0, 40 * MSS);
	make_gso(f, MSS);
	h = segment_at(&plain, 40 * MSS, 6 * MSS);
	make_gso(h, MSS);
	assert_false(frame_join(f, h)); /* 46 * 1448 + 52 */
	frame_put(h);
	h = segment_at(&plain, 40 * MSS, 5 * MSS);
	make_gso(h, MSS);
	assert_true(frame_join(f, h));
	frame_put(f);
	f = segment_at(&plain, 0, 300); /* interactive */
	h = segment_at(&plain, 300, 300);
	assert_false(frame_join(f, h));
	frame_put(f);
	frame_put(h);
}

/* The ring keeps its order, and counts each frame once. */
static void test_ring(void **state)
{
	static struct frame_ring ring;
	struct frame f[4] = { 0 };

	(void)state;
	frame_ring_init(&ring);
	for (unsigned round = 0; round < 3 * FRAME_RING_ENTRIES; round++) {
		assert_null(frame_ring_peek_second(&ring));
		assert_true(frame_ring_push(&ring, &f[0]));
		assert_null(frame_ring_peek_second(&ring));
		for (unsigned i = 1; i < 4; i++)
			assert_true(frame_ring_push(&ring, &f[i]));
		assert_ptr_equal(frame_ring_peek_second(&ring), &f[1]);
		frame_ring_pop_second(&ring);
		assert_int_equal(frame_ring_used(&ring), 3);
		assert_ptr_equal(frame_ring_peek(&ring), &f[0]);
		assert_ptr_equal(frame_ring_peek_second(&ring), &f[2]);
		frame_ring_pop(&ring);
		assert_ptr_equal(frame_ring_peek(&ring), &f[2]);
		frame_ring_pop_second(&ring);
		assert_ptr_equal(frame_ring_peek(&ring), &f[2]);
		frame_ring_pop(&ring);
		assert_null(frame_ring_peek(&ring));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
