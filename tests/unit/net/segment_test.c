// sources: @offload hv/net/frame.c hv/net/port.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_port.h"
#include "net/segment.h"
#include "packets.h"

static unsigned seed = 7;

static unsigned rnd(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 10) % below;
}

static void test_checksum_examples(void **state)
{
	/* RFC 1071, section 3; and an IPv4 header as captured */
	static const uint8_t rfc[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	static const uint8_t ip[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
		0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };
	struct checksum c = { 0 };
	uint16_t v;

	(void)state;
	checksum_add(&c, rfc, sizeof(rfc));
	v = checksum_fold(&c);
	assert_int_equal(be16((uint8_t *)&v), 0x220d);
	c = (struct checksum){ 0 };
	checksum_add(&c, ip, sizeof(ip));
	assert_int_equal(checksum_fold(&c), 0);
}

static void test_checksum_in_pieces(void **state)
{
	uint8_t b[3000];

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		unsigned len = rnd(sizeof(b)), at = 0;
		struct checksum c = { 0 };
		uint16_t v;

		for (unsigned i = 0; i < len; i++)
			b[i] = round % 5 ? (uint8_t)rnd(256) : 0xff;
		while (at < len) {
			unsigned part = rnd(40);

			part = MIN(part, len - at);
			checksum_add(&c, b + at, part);
			at += part;
		}
		v = checksum_fold(&c);
		assert_int_equal(be16((uint8_t *)&v), 0xffff - ref_sum(0, b, len));
	}
}

/* A destination of random buffers, filled with a pattern, with bytes after each to be left alone.
 */
struct target {
	uint8_t bytes[70000];
	struct sink_buffer buffer[64];
	unsigned nr;
};

static void target_init(struct target *t, uint32_t len)
{
	uint8_t *at = t->bytes;

	memset(t->bytes, 0xee, sizeof(t->bytes));
	for (t->nr = 0; len; t->nr++) {
		uint32_t part = t->nr == 40 ? len : rnd(rnd(2) ? 40 : len + 1);

		part = MIN(part, len);
		t->buffer[t->nr] = (struct sink_buffer){ at, part };
		at += part + 8;
		len -= part;
	}
}

static void target_gather(const struct target *t, uint8_t *out)
{
	for (unsigned i = 0; i < t->nr; i++) {
		static const uint8_t untouched[8] = { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
			0xee };

		memcpy(out, t->buffer[i].hva, t->buffer[i].len_bytes);
		out += t->buffer[i].len_bytes;
		assert_memory_equal(t->buffer[i].hva + t->buffer[i].len_bytes, untouched, 8);
	}
}

static uint8_t source[70000], result[70000];
static struct target target;

static struct frame *frame_of(const struct tcp_packet *t, unsigned len, unsigned mss)
{
	struct frame *f = fake_frame(source, len, 1 + rnd(8));

	f->tagged = t->vlan >= 0;
	f->vlan = t->vlan >= 0 ? (uint16_t)(t->vlan & 0xfff) : 5;
	f->offload = (struct frame_offload){ .flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = t->ipv6 ? VNET_HDR_GSO_TCPV6 : VNET_HDR_GSO_TCPV4,
		.gso_size = (uint16_t)mss,
		.csum_start = (uint16_t)t->l4,
		.csum_offset = 16 };
	assert_int_equal(frame_check_offload(f), 0);
	return f;
}

/* One segment that should carry payload bytes [off, off + n) of the packet. */
static void check_segment(const struct tcp_packet *t, const uint8_t *b, bool tag, bool complete,
	unsigned off, unsigned n, unsigned index)
{
	int by = tag ? (t->vlan < 0 ? 4 : 0) : (t->vlan < 0 ? 0 : -4);
	const uint8_t *ip = b + (int)t->l3 + by, *tcp = b + (int)t->l4 + by;
	unsigned l4_len = t->headers - t->l4 + n, flags = t->flags;

	assert_memory_equal(b, source, 12);
	if (tag) {
		assert_int_equal(be16(b + 12), 0x8100);
		assert_int_equal(be16(b + 14), t->vlan >= 0 ? t->vlan : 5);
	}
	assert_int_equal(be16(ip - 2), t->ipv6 ? 0x86dd : 0x0800);
	if (t->ipv6) {
		assert_int_equal(be16(ip + 4), l4_len);
	} else {
		assert_int_equal(be16(ip + 2), t->l4 - t->l3 + l4_len);
		assert_int_equal(be16(ip + 4), (t->ip_id + index) & 0xffff);
		assert_int_equal(ref_sum(0, ip, t->l4 - t->l3), 0xffff);
	}
	assert_int_equal(be32(tcp + 4), (uint32_t)(t->seq + off));
	if (off + n != t->payload)
		flags &= ~0x09u;
	if (index)
		flags &= ~0x80u;
	assert_int_equal(tcp[13], flags);
	assert_memory_equal(tcp + 20, source + t->l4 + 20, t->headers - t->l4 - 20);
	assert_memory_equal(tcp + (t->headers - t->l4), source + t->headers + off, n);
	if (complete)
		assert_int_equal(ref_sum(ref_pseudo(ip, 6, l4_len), tcp, l4_len), 0xffff);
	else
		assert_int_equal(be16(tcp + 16), ref_pseudo(ip, 6, l4_len));
}

static void cut_and_check(struct tcp_packet *t, unsigned mss, bool tag, bool complete)
{
	unsigned len = packet_build(t, source, rnd(256)), off = 0, index = 0;
	int by = tag ? (t->vlan < 0 ? 4 : 0) : (t->vlan < 0 ? 0 : -4);
	struct frame *f = frame_of(t, len, mss);
	struct segmenter s;
	uint32_t n;

	assert_int_equal(segment_begin(&s, f, tag, complete), 0);
	while ((n = segment_next_len(&s)) != 0) {
		unsigned payload = MIN(mss, t->payload - off);
		struct frame_offload o;
		struct sink sink;

		assert_int_equal((int)n, (int)(t->headers + payload) + by);
		target_init(&target, n - 1);
		sink_init(&sink, target.buffer, target.nr);
		assert_int_equal(segment_write(&s, &sink, &o), -ENOSPC);
		target_init(&target, n);
		sink_init(&sink, target.buffer, target.nr);
		assert_int_equal(segment_write(&s, &sink, &o), 0);
		target_gather(&target, result);
		check_segment(t, result, tag, complete, off, payload, index++);
		assert_int_equal(o.gso_type, 0);
		assert_int_equal(o.flags, complete ? 0 : VNET_HDR_F_NEEDS_CSUM);
		assert_int_equal((int)o.csum_start, complete ? 0 : (int)t->l4 + by);
		off += payload;
	}
	assert_int_equal(off, t->payload);
	frame_put(f);
}

static void test_cuts_tcp(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct tcp_packet t = { .ipv6 = rnd(2),
			.vlan = rnd(2) ? -1 : (int)(0x6000 + rnd(4000) + 1),
			.ip_options = rnd(3) ? 0 : rnd(11) * 4,
			.tcp_options = rnd(3) ? 12 : rnd(11) * 4,
			.payload = 1 + rnd(rnd(8) ? 5000 : 65000),
			.flags = rnd(256),
			.ip_id = (uint16_t)(0xfff0 + rnd(16)),
			.seq = 0xffffff00 + rnd(256) };

		cut_and_check(&t, rnd(5) ? 500 + rnd(1000) : 8 + t.payload / 40, rnd(2), rnd(2));
	}
}

static void test_refuses_what_is_no_tcp(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 3000 };
	static const struct {
		unsigned off;
		uint8_t value;
	} spoil[] = { { 12, 0x86 }, { 13, 0x06 }, { 14, 0x65 }, { 14, 0x44 }, { 14, 0x46 },
		{ 14, 0x4f }, { 20, 0x20 }, { 20, 0x01 }, { 21, 0x01 }, { 23, 17 }, { 46, 0x40 } };
	struct segmenter s;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(spoil); i++) {
		unsigned len = packet_build(&t, source, 0);
		struct frame *f;

		source[spoil[i].off] = spoil[i].value;
		f = frame_of(&t, len, 1000);
		assert_int_equal(segment_begin(&s, f, false, true), -EINVAL);
		frame_put(f);
	}
	t.payload = 0; /* no payload, and headers that end behind the frame */
	for (unsigned cut = 0; cut < 3; cut++) {
		struct frame *f = frame_of(&t, packet_build(&t, source, 0) - cut, 1000);

		assert_int_equal(segment_begin(&s, f, false, true), -EINVAL);
		frame_put(f);
	}
}

static void test_offsets_that_lie(void **state)
{
	struct tcp_packet t = { .vlan = -1, .payload = 300 };
	unsigned len = packet_build(&t, source, 0);
	struct segmenter s;

	(void)state;
	for (unsigned start = 0; start < 400; start++) {
		struct frame *f = frame_of(&t, len, 100);

		f->offload.csum_start = (uint16_t)start;
		if (start != t.l4 && frame_check_offload(f) == 0)
			assert_int_equal(segment_begin(&s, f, rnd(2), true), -EINVAL);
		f->offload.csum_start = (uint16_t)t.l4;
		f->offload.csum_offset = (uint16_t)start;
		if (start != 16 && frame_check_offload(f) == 0)
			assert_int_equal(segment_begin(&s, f, rnd(2), true), -EINVAL);
		frame_put(f);
	}
}

/* A frame whose partial checksum is completed, tag in and out; odd lengths and borders. */
static void test_completes_checksum(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		struct tcp_packet t = { .ipv6 = rnd(2),
			.vlan = rnd(2) ? -1 : (int)rnd(4000) + 1,
			.payload = rnd(3000) };
		unsigned len = packet_build(&t, source, rnd(256)), l4_len = 20 + t.payload;
		bool tag = rnd(2), complete = rnd(4);
		int by = tag ? (t.vlan < 0 ? 4 : 0) : (t.vlan < 0 ? 0 : -4);
		struct frame *f = frame_of(&t, len, 100);
		struct frame_plan plan;
		struct sink sink;
		uint8_t *tcp = result + (int)t.l4 + by;

		frame_plan(f, tag, &plan);
		target_init(&target, plan.len_bytes);
		sink_init(&sink, target.buffer, target.nr);
		assert_int_equal(frame_write(f, &plan, complete, &sink), 0);
		assert_int_equal(sink_write(&sink, "x", 1), -ENOSPC);
		target_gather(&target, result);
		if (complete) {
			uint32_t pseudo = ref_pseudo(result + (int)t.l3 + by, 6, l4_len);

			assert_int_equal(ref_sum(pseudo, tcp, l4_len), 0xffff);
			set16(tcp + 16, be16(source + t.l4 + 16));
		}
		assert_int_equal(plan.offload.flags, complete ? 0 : VNET_HDR_F_NEEDS_CSUM);
		assert_memory_equal(tcp, source + t.l4, l4_len);
		frame_put(f);
	}
}

static void test_zero_checksum_is_ffff(void **state)
{
	struct frame_plan plan;
	struct sink sink;
	struct frame *f;

	(void)state;
	memset(source, 0, 60);
	set16(source + 40, 0xffff);
	f = fake_frame(source, 60, 1);
	f->offload = (struct frame_offload){
		.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 8
	};
	frame_plan(f, false, &plan);
	target_init(&target, 60);
	sink_init(&sink, target.buffer, target.nr);
	assert_int_equal(frame_write(f, &plan, true, &sink), 0);
	target_gather(&target, result);
	assert_int_equal(be16(result + 42), 0xffff);
	frame_put(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_examples),
		cmocka_unit_test(test_checksum_in_pieces),
		cmocka_unit_test(test_cuts_tcp),
		cmocka_unit_test(test_refuses_what_is_no_tcp),
		cmocka_unit_test(test_offsets_that_lie),
		cmocka_unit_test(test_completes_checksum),
		cmocka_unit_test(test_zero_checksum_is_ffff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
