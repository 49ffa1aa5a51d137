// sources: @switch @offload
/* Arbitrary frames with arbitrary offload fields through a switch with arbitrary policies, and from
 * there through every way of writing a frame.
 *
 * Input: a flag, 4 bytes of policy per port, then records of: port, length (2 bytes), offload
 * fields (10 bytes), how many bytes of the frame follow, these, milliseconds to the next frame.
 *
 * Checked besides memory: the books, VLANs, isolation, lengths. */
#include <stddef.h>
#include <stdint.h>

#include "fake_port.h"
#include "net/segment.h"

#define PORTS	     5
#define HEAD_RECORD  14
#define FRAME_MAX    3000
#define SEGMENTS_MAX 200 /* cut no further: it would only repeat */

static struct net_switch sw;
static struct fake_port port[PORTS];

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned next_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static unsigned next_word(struct input *in)
{
	unsigned low = next_byte(in);

	return low | next_byte(in) << 8;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void add_port(struct input *in, unsigned i)
{
	unsigned flags = next_byte(in), vlan = next_byte(in), mirror = vlan >> 2 & 7;
	struct port_policy p = { .mac = { 2, 0, 0, 0, 0, (uint8_t)i },
		.trunk = flags & 1,
		.isolated = flags & 2,
		.spoof_check = flags & 4,
		.promiscuous = flags & 8,
		.nr_trunk_vlans = flags >> 4 & 3,
		.rate_limit_bps = flags & 64 ? 1000000 : 0,
		.vlan = (uint16_t)(vlan & 3),
		.mirror = mirror <= MIRROR_BOTH ? (enum port_mirror)mirror : MIRROR_NONE,
		.trunk_vlan = { 1, 2, (uint16_t)(next_byte(in) + 1) } };

	if (mirror == MIRROR_PORT && !sw.mirror)
		p.mirror = MIRROR_PORT;
	fake_port_init(&port[i], 1 + next_byte(in) % FAKE_QUEUE);
	port[i].p.many_writers = flags & 128;
	if (switch_add_port(&sw, &port[i].p, &p))
		abort();
}

static struct frame *next_frame(struct input *in)
{
	uint8_t bytes[FRAME_MAX];
	unsigned len = next_word(in) % FRAME_MAX + 1, given;
	struct frame_offload o = { .flags = (uint8_t)next_byte(in),
		.gso_type = (uint8_t)next_byte(in),
		.header_len = (uint16_t)next_word(in),
		.gso_size = (uint16_t)next_word(in),
		.csum_start = (uint16_t)next_word(in),
		.csum_offset = (uint16_t)next_word(in) };
	struct frame *f;

	given = next_byte(in);
	memset(bytes, 0x55, sizeof(bytes));
	for (unsigned i = 0; i < given && i < len; i++)
		bytes[i] = (uint8_t)next_byte(in);
	f = fake_frame(bytes, len, 1 + given % 5);
	f->offload = o;
	return f;
}

static void write_whole(const struct frame *f, bool tag, uint32_t room)
{
	uint8_t *out = malloc(room + 1);
	struct sink_buffer b[2] = { { out, room / 3 }, { out + room / 3, room - room / 3 } };
	struct frame_plan plan;
	struct sink sink;
	int r;

	frame_plan(f, tag, &plan);
	sink_init(&sink, b, 2);
	r = frame_write(f, &plan, true, &sink);
	require((r == 0) == (plan.len_bytes <= room));
	free(out);
}

static void write_cut(const struct frame *f, bool tag, bool complete)
{
	struct segmenter s;
	uint32_t len;

	if (segment_begin(&s, f, tag, complete))
		return;
	for (unsigned i = 0; i < SEGMENTS_MAX && (len = segment_next_len(&s)) != 0; i++) {
		uint8_t *out = malloc(len);
		struct sink_buffer b = { out, len };
		struct frame_offload o;
		struct sink sink;

		sink_init(&sink, &b, 1);
		require(segment_write(&s, &sink, &o) == 0);
		require(s.complete || o.csum_start + o.csum_offset + 2u <= len);
		free(out);
	}
}

/* What may be where it is. */
static void check_place(const struct port *p, const struct frame *f)
{
	const struct port *from = sw.port[f->source_port];
	bool tag = port_wants_tag(p, f);

	require(from != p && from->policy.mirror != MIRROR_PORT);
	if (p->policy.mirror == MIRROR_PORT)
		return;
	require(!(from->policy.isolated && p->policy.isolated));
	require(sw.vlan_ports[f->vlan] & BIT32(p->index));
	require(!tag || p->policy.trunk);
}

static void drain(struct fake_port *fp)
{
	for (unsigned i = 0; i < fp->nr; i++) {
		const struct frame *f = fp->queue[i];
		bool tag = port_wants_tag(&fp->p, f);

		check_place(&fp->p, f);
		write_whole(f, tag, f->len_bytes + 4);
		write_whole(f, tag, f->len_bytes / 2);
		write_cut(f, tag, true);
		write_cut(f, tag, false);
	}
	fake_drain(fp);
}

static void check_books(void)
{
	struct port_counters c;
	uint64_t out = 0;

	switch_sum(&sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		out += c.drops[i];
	for (unsigned i = 0; i < PORTS; i++)
		out += port[i].nr;
	require(c.rx_frames + c.extra_copies == c.tx_frames + out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t now_us = 1;

	memset(&sw, 0, sizeof(sw));
	switch_init(&sw, "fuzz", 10, next_byte(&in) & 1 ? 100 : 0);
	for (unsigned i = 0; i < PORTS; i++)
		add_port(&in, i);
	while (in.left > HEAD_RECORD) {
		struct fake_port *from = &port[next_byte(&in) % PORTS];
		struct frame *f = next_frame(&in);
		struct port *blocked = NULL;

		now_us += next_byte(&in) * UINT64_C(1000);
		if (switch_forward(&from->p, f, now_us, &blocked)) {
			require(blocked && blocked != &from->p);
			frame_put(f);
			drain(CONTAINER_OF(blocked, struct fake_port, p));
		}
		check_books();
		switch_age(&sw, now_us);
	}
	for (unsigned i = 0; i < PORTS; i++)
		drain(&port[i]);
	check_books();
	return 0;
}
