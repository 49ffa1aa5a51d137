/* Descriptors and rings that no driver would write. Virtio 1.2, 2.7. */
#include "hostile.h"

#include "cpu.h"
#include "cpu/hw.h"
#include "frame.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "machine.h"
#include "net/virtio.h"

#define F_CSUM	    BIT64(0)
#define F_HOST_TSO4 BIT64(11)
#define F_HOST_TSO6 BIT64(12)
#define F_HOST_ECN  BIT64(13)
#define F_CTRL_VQ   BIT64(17)

#define SETTLE_ROUNDS 20
#define SETTLE_TICKS  50000
#define FLIPS	      500

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static bool needs_reset(void)
{
	return vnet_status(&nic) & VIRTIO_STATUS_DEVICE_NEEDS_RESET;
}

/* Gives the device time to react: until it returned a buffer or gave up. */
static void settle(struct vqueue *q)
{
	for (unsigned i = 0; i < SETTLE_ROUNDS; i++) {
		if (load_acquire(&q->used->idx) != q->used_idx || needs_reset())
			return;
		cpu_idle(SETTLE_TICKS);
	}
}

static void note_queue(struct vqueue *q)
{
	note("used", (uint16_t)(load_acquire(&q->used->idx) - q->used_idx));
	if (needs_reset())
		note_hex("needs-reset", vnet_status(&nic));
}

static void submit(struct vqueue *q, unsigned index, uint16_t head)
{
	q->avail->ring[q->avail_idx++ % q->size] = head;
	store_release(&q->avail->idx, q->avail_idx);
	smp_mb(); /* the index before the notification */
	vnet_kick(&nic, index);
}

/* Makes others send us something: echo guests answer probes, anybody arp= is answers ARP. */
static void provoke_frames(void)
{
	uint8_t *f = vnet_tx_buffer(&nic);

	if (!f)
		return;
	probe_make(f, broadcast, nic.mac, PROBE_NOISE, 0, ETHERNET_MIN_BYTES);
	vnet_tx(&nic, ETHERNET_MIN_BYTES);
	f = vnet_tx_buffer(&nic);
	if (f && option_ip("arp", f + 38)) {
		frame_header(f, broadcast, nic.mac, ETHERTYPE_ARP);
		memcpy(f + 14, "\0\1\10\0\6\4\0\1", 8);
		memcpy(f + 22, nic.mac, 6);
		memset(f + 28, 0, 10);
		vnet_tx(&nic, ETHERNET_MIN_BYTES);
	}
	vnet_publish(&nic, VNET_TX);
}

static void run_fill(const struct hostile_case *c)
{
	struct vqueue *q = &nic.q[c->queue];

	if ((vnet_offered(&nic) & c->features) != c->features) {
		skip_case("feature not offered");
		return;
	}
	if (!vnet_begin(&nic, c->features, false)) {
		flaw("no start");
		return;
	}
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].flags = c->queue == VNET_RX ? DESC_WRITE : 0;
	c->fill(q);
	submit(q, c->queue, 0);
	if (c->queue == VNET_RX)
		provoke_frames();
	settle(q);
	note_queue(q);
}

static void set(struct vqueue *q, unsigned i, uint64_t addr, uint32_t len)
{
	q->desc[i].addr = addr;
	q->desc[i].len = len;
}

static void chain(struct vqueue *q, unsigned i, uint16_t next)
{
	q->desc[i].flags |= DESC_NEXT;
	q->desc[i].next = next;
}

static void fill_loop_self(struct vqueue *q)
{
	chain(q, 0, 0);
}

static void fill_loop_pair(struct vqueue *q)
{
	chain(q, 0, 1);
	chain(q, 1, 0);
}

static void fill_next_size(struct vqueue *q)
{
	chain(q, 0, q->size);
}

static void fill_next_max(struct vqueue *q)
{
	chain(q, 0, 0xffff);
}

static void fill_beyond_ram(struct vqueue *q)
{
	set(q, 0, memory_end_low(), VNET_BUFFER_BYTES);
}

static void fill_across_end(struct vqueue *q)
{
	set(q, 0, memory_end_low() - 64, VNET_BUFFER_BYTES);
}

static void fill_device(struct vqueue *q)
{
	set(q, 0, UINT64_C(0xfec00000), 64);
	chain(q, 0, 1);
	set(q, 1, UINT64_C(0xfee00000), 64);
}

static void fill_top(struct vqueue *q)
{
	set(q, 0, UINT64_C(0xfffffffffffff000), 4096);
}

static void fill_wrap(struct vqueue *q)
{
	set(q, 0, UINT64_C(0xffffffffffffff00), 0x100000);
}

static void fill_kernel_half(struct vqueue *q)
{
	set(q, 0, UINT64_C(0xffffffff80000000), 4096);
}

static void fill_length_0(struct vqueue *q)
{
	set(q, 0, q->desc[0].addr, 0);
}

static void fill_length_max(struct vqueue *q)
{
	set(q, 0, q->desc[0].addr, UINT32_MAX);
}

/* RAM that nobody uses: the device may well write there. */
static uint64_t spare_gpa(void)
{
	return ALIGN_UP((uint64_t)image_end, MIB(1));
}

static void fill_length_wraps(struct vqueue *q)
{
	set(q, 0, spare_gpa(), (uint32_t)(GIB(4) - spare_gpa()));
	chain(q, 0, 1);
	set(q, 1, spare_gpa(), (uint32_t)spare_gpa() + PAGE_SIZE);
}

/* Every descriptor, each all spare RAM: together more than 2^31 bytes from 16 MB of memory on. */
static void fill_sum_overflow(struct vqueue *q)
{
	for (unsigned i = 0; i < q->size; i++) {
		set(q, i, spare_gpa(), (uint32_t)(memory_end_low() - spare_gpa()));
		if (i + 1u < q->size)
			chain(q, i, (uint16_t)(i + 1));
	}
}

static void fill_wrong_direction(struct vqueue *q)
{
	q->desc[0].flags ^= DESC_WRITE;
}

static void fill_mixed_direction(struct vqueue *q)
{
	q->desc[0].flags = DESC_WRITE;
	chain(q, 0, 1);
	q->desc[1].flags = 0;
	chain(q, 1, 2);
	q->desc[2].flags = DESC_WRITE;
}

static void fill_tiny(struct vqueue *q)
{
	set(q, 0, q->desc[0].addr, 5);
}

static void fill_header_only(struct vqueue *q)
{
	set(q, 0, q->desc[0].addr, VNET_HEADER_BYTES);
}

static void fill_runt(struct vqueue *q)
{
	set(q, 0, q->desc[0].addr, VNET_HEADER_BYTES + 13);
}

static void fill_single_bytes(struct vqueue *q)
{
	for (unsigned i = 0; i < q->size; i++) {
		set(q, i, q->desc[i].addr, i & 1); /* every other one empty */
		if (i + 1u < q->size)
			chain(q, i, (uint16_t)(i + 1));
	}
}

static void fill_oversize(struct vqueue *q)
{
	set(q, 0, spare_gpa(), 70000);
}

static void fill_flags(struct vqueue *q)
{
	q->desc[0].flags = 0xfff8;
}

/* The buffer is the rings themselves: what the device writes changes what it reads next. */
static void fill_own_rings(struct vqueue *q)
{
	set(q, 0, (uint64_t)q->desc, PAGE_SIZE);
	chain(q, 0, 1);
	set(q, 1, (uint64_t)q->avail, 1024);
	chain(q, 1, 2);
	set(q, 2, (uint64_t)q->used, 2048);
}

static void indirect(struct vqueue *q, uint64_t addr, uint32_t len)
{
	set(q, 0, addr, len);
	q->desc[0].flags = DESC_INDIRECT;
}

static struct vdesc *inner_table(struct vqueue *q)
{
	struct vdesc *t = (struct vdesc *)q->buffer[1];

	for (unsigned i = 0; i < 4; i++)
		t[i] = (struct vdesc){ (uint64_t)q->buffer[2 + i], 64, q->desc[1].flags, 0 };
	indirect(q, (uint64_t)t, 4 * sizeof(*t));
	return t;
}

static void fill_indirect_good(struct vqueue *q)
{
	inner_table(q);
}

static void fill_indirect_empty(struct vqueue *q)
{
	inner_table(q);
	q->desc[0].len = 0;
}

static void fill_indirect_odd(struct vqueue *q)
{
	inner_table(q);
	q->desc[0].len = 17;
}

static void fill_indirect_huge(struct vqueue *q)
{
	inner_table(q);
	q->desc[0].len = 0xfffffff0;
}

static void fill_indirect_outside(struct vqueue *q)
{
	indirect(q, memory_end_low() - 16, 32);
}

static void fill_indirect_wrap(struct vqueue *q)
{
	indirect(q, UINT64_C(0xfffffffffffffff0), 64);
}

static void fill_indirect_nested(struct vqueue *q)
{
	struct vdesc *t = inner_table(q);

	t[0].flags = DESC_INDIRECT;
	t[0].addr = (uint64_t)t;
}

static void fill_indirect_next(struct vqueue *q)
{
	inner_table(q);
	chain(q, 0, 6);
}

static void fill_indirect_loop(struct vqueue *q)
{
	struct vdesc *t = inner_table(q);

	t[0].flags |= DESC_NEXT;
	t[0].next = 1;
	t[1].flags |= DESC_NEXT;
	t[1].next = 0;
}

static void fill_indirect_next_out(struct vqueue *q)
{
	struct vdesc *t = inner_table(q);

	t[0].flags |= DESC_NEXT;
	t[0].next = 4;
}

static void fill_indirect_self(struct vqueue *q)
{
	indirect(q, (uint64_t)q->desc, 16u * q->size);
}

static void fill_head_size(struct vqueue *q)
{
	submit(q, q == &nic.q[VNET_TX], q->size);
}

static void fill_head_max(struct vqueue *q)
{
	submit(q, q == &nic.q[VNET_TX], 0xffff);
}

static void fill_jump(struct vqueue *q)
{
	q->avail_idx += 1000;
}

static void fill_backwards(struct vqueue *q)
{
	q->avail_idx -= 2;
}

static void fill_same_head(struct vqueue *q)
{
	for (unsigned i = 0; i < 300; i++)
		q->avail->ring[q->avail_idx++ % q->size] = 0;
	q->desc[0].len = 64;
}

static void fill_used_scribble(struct vqueue *q)
{
	q->used->idx = 0x8000;
	q->used->flags = 0xffff;
	q->used->avail_event = 0x7fff;
}

static void fill_events(struct vqueue *q)
{
	q->avail->ring[q->size] = 0x8000; /* used_event */
	q->desc[0].len = 64;
}

/* Transmit headers: flags, type, header length, segment size, checksum start and offset. */
static const struct {
	uint8_t flags, type;
	uint16_t header, segment, start, offset, buffers;
} headers[] = {
	{ 1, 0, 0, 0, 0xffff, 0xffff, 0 },
	{ 1, 0, 0, 0, 63, 0, 0 },
	{ 1, 0, 0, 0, 14, 0xfff0, 0 },
	{ 1, 1, 0, 0, 34, 16, 0 },
	{ 1, 1, 0xffff, 1, 34, 16, 0 },
	{ 1, 1, 54, 0xffff, 34, 16, 0 },
	{ 0, 1, 54, 1448, 0, 0, 0 },
	{ 1, 4, 74, 1, 54, 16, 0 },
	{ 1, 3, 42, 1, 34, 6, 0 },
	{ 1, 5, 42, 0, 34, 6, 0 },
	{ 0xff, 0xff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff },
	{ 1, 0x81, 10, 1, 0, 0, 1 },
	{ 2, 0, 0, 0, 0, 0, 0 },
	{ 4, 0, 0, 0, 0, 0, 9 },
};

static void run_headers(const struct hostile_case *c)
{
	struct vqueue *q = &nic.q[VNET_TX];

	if (!vnet_begin(&nic, c->features & vnet_offered(&nic), false)) {
		flaw("no start");
		return;
	}
	for (unsigned i = 0; i < 4 * ARRAY_SIZE(headers); i++) {
		uint8_t *b = q->buffer[i % q->size];

		probe_make(b + VNET_HEADER_BYTES, broadcast, nic.mac, PROBE_NOISE, i, 1514);
		if (i & 1) /* claims to be IPv4 TCP */
			memcpy(b + VNET_HEADER_BYTES + 12, "\10\0\105\0\0\50\0\0\0\0\100\6", 12);
		memcpy(b, &headers[i % ARRAY_SIZE(headers)], VNET_HEADER_BYTES);
		q->desc[i % q->size].len = i & 2 ? VNET_HEADER_BYTES + 1514 : 64;
		submit(q, VNET_TX, (uint16_t)(i % q->size));
	}
	cpu_idle(SETTLE_TICKS);
	settle(q);
	note_queue(q);
}

/* Frames of every length, from spoofed senders, with VLAN tags and cut-off headers. */
static void run_frames(const struct hostile_case *c)
{
	static const uint8_t tag[] = { 0x81, 0, 0xff, 0xff, 0x81, 0, 0, 5, 0x88, 0xa8, 0, 0 };
	unsigned sent = 0;

	(void)c;
	if (!vnet_start(&nic, 0, false)) {
		flaw("no start");
		return;
	}
	for (unsigned len = 1; len <= VNET_FRAME_MAX; len += len < 80 ? 1 : 97) {
		uint8_t *f = vnet_tx_buffer(&nic);

		if (!f && vnet_drain(&nic))
			f = vnet_tx_buffer(&nic);
		if (!f)
			break;
		frame_header(f, len & 1 ? nic.mac : broadcast, len & 2 ? broadcast : nic.mac, 0);
		memcpy(f + 12, tag + (len & 4), sizeof(tag) - 4);
		vnet_tx(&nic, (uint16_t)len);
		vnet_publish(&nic, VNET_TX);
		sent++;
	}
	note("sent", sent);
	if (!vnet_drain(&nic))
		flaw("frames stuck");
}

/* One command on the control queue: header and data readable, status writable. False: no answer. */
static bool command(uint8_t class, uint8_t code, uint32_t data_bytes, unsigned shape)
{
	struct vqueue *q = &nic.q[VNET_CTRL];
	uint16_t before = load_acquire(&q->used->idx);

	q->used_idx = before;
	q->buffer[0][0] = class;
	q->buffer[0][1] = code;
	for (unsigned i = 0; i < VNET_BUFFER_BYTES; i++)
		q->buffer[1][i] = (uint8_t)junk();
	q->desc[0].flags = q->desc[1].flags = 0;
	q->desc[2].flags = shape == 1 ? 0 : DESC_WRITE;
	set(q, 0, (uint64_t)q->buffer[0], shape == 2 ? 1 : 2);
	set(q, 1, (uint64_t)q->buffer[1], data_bytes);
	set(q, 2, shape == 3 ? memory_end_low() : (uint64_t)q->buffer[2], shape == 4 ? 0 : 1);
	chain(q, 0, shape == 5 ? 2 : 1);
	if (shape != 6)
		chain(q, 1, 2);
	submit(q, VNET_CTRL, 0);
	settle(q);
	return load_acquire(&q->used->idx) != before;
}

static bool ctrl_begin(void)
{
	nic.irq = false;
	if (!vnet_reset(&nic))
		return false;
	vnet_set_status(&nic, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	if (!vnet_negotiate(&nic, vnet_offered(&nic) & ~VIRTIO_F_RING_PACKED))
		return false;
	for (unsigned q = 0; q < VNET_QUEUES; q++) {
		if (!vnet_queue_setup(&nic, q, 0))
			return false;
		vnet_queue_enable(&nic, q);
	}
	vnet_set_status(&nic, VIRTIO_STATUS_DRIVER_OK);
	return true;
}

static void run_ctrl(const struct hostile_case *c)
{
	static const uint32_t lengths[] = { 0, 1, 2, 6, 8, 64, 2000, UINT32_MAX };
	unsigned answered = 0, resets = 0;

	(void)c;
	if (!(vnet_offered(&nic) & F_CTRL_VQ) || nic.nr_queues != VNET_QUEUES) {
		skip_case("no control queue of one pair");
		return;
	}
	if (!ctrl_begin()) {
		flaw("no start");
		return;
	}
	for (unsigned i = 0; i < 7 * 5 * ARRAY_SIZE(lengths); i++) {
		answered += command((uint8_t)(i % 7), (uint8_t)(i / 7 % 5), lengths[i / 35],
			i % 3 ? 0 : i / 3 % 7);
		if (!needs_reset())
			continue;
		resets++;
		if (!ctrl_begin()) {
			flaw("no restart");
			return;
		}
	}
	note("answered", answered);
	note("resets", resets);
}

static bool flip_stop;

/* On another vCPU: the descriptor is never the same twice. */
static void flipper(void *arg)
{
	volatile struct vdesc *d = arg;
	uint64_t good = d->addr;

	while (!load_relaxed(&flip_stop)) {
		d->addr = UINT64_C(0xfffffffffffff000);
		d->len = UINT32_MAX;
		d->flags ^= DESC_NEXT;
		d->next = (uint16_t)~d->next;
		d->addr = good;
		d->len = 64;
		d->next = 0;
	}
}

static void run_flip(const struct hostile_case *c)
{
	struct vqueue *q = &nic.q[c->queue];
	struct cpu *other = cpu_other();
	unsigned resets = 0;

	if (!vnet_begin(&nic, 0, false)) {
		flaw("no start");
		return;
	}
	store_relaxed(&flip_stop, false);
	if (other)
		cpu_run(other, flipper, (void *)&q->desc[0]);
	for (unsigned i = 0; i < FLIPS; i++) {
		q->desc[0].len = 64;
		submit(q, c->queue, 0);
		q->desc[0].len = i & 1 ? UINT32_MAX : 0; /* between notification and completion */
		q->desc[0].addr += i & 2 ? UINT64_C(0x8000000000000000) : 0;
		if (i % 16 == 0 && needs_reset()) {
			resets++;
			if (!vnet_begin(&nic, 0, false))
				break;
		}
	}
	store_relaxed(&flip_stop, true);
	while (other && cpu_busy(other))
		cpu_relax();
	settle(q);
	note("resets", resets);
	note_queue(q);
}

#define BOTH(n, f, feature)                                                                        \
	{ "tx-" n, run_fill, NEEDS_NIC, VNET_TX, f, feature },                                     \
	{                                                                                          \
		"rx-" n, run_fill, NEEDS_NIC, VNET_RX, f, feature                                  \
	}

const struct hostile_case ring_cases[] = {
	BOTH("loop-self", fill_loop_self, 0),
	BOTH("loop-pair", fill_loop_pair, 0),
	BOTH("next-size", fill_next_size, 0),
	BOTH("next-max", fill_next_max, 0),
	BOTH("beyond-ram", fill_beyond_ram, 0),
	BOTH("across-end", fill_across_end, 0),
	BOTH("device", fill_device, 0),
	BOTH("top", fill_top, 0),
	BOTH("wrap", fill_wrap, 0),
	BOTH("kernel-half", fill_kernel_half, 0),
	BOTH("length-0", fill_length_0, 0),
	BOTH("length-max", fill_length_max, 0),
	BOTH("length-wraps", fill_length_wraps, 0),
	BOTH("sum-overflow", fill_sum_overflow, 0),
	BOTH("wrong-direction", fill_wrong_direction, 0),
	BOTH("mixed-direction", fill_mixed_direction, 0),
	BOTH("tiny", fill_tiny, 0),
	BOTH("header-only", fill_header_only, 0),
	BOTH("runt", fill_runt, 0),
	BOTH("single-bytes", fill_single_bytes, 0),
	BOTH("oversize", fill_oversize, 0),
	BOTH("flags", fill_flags, 0),
	BOTH("own-rings", fill_own_rings, 0),
	BOTH("indirect-off", fill_indirect_good, 0),
	BOTH("indirect-good", fill_indirect_good, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-empty", fill_indirect_empty, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-odd", fill_indirect_odd, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-huge", fill_indirect_huge, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-outside", fill_indirect_outside, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-wrap", fill_indirect_wrap, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-nested", fill_indirect_nested, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-next", fill_indirect_next, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-loop", fill_indirect_loop, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-next-out", fill_indirect_next_out, VIRTIO_F_INDIRECT_DESC),
	BOTH("indirect-self", fill_indirect_self, VIRTIO_F_INDIRECT_DESC),
	BOTH("head-size", fill_head_size, 0),
	BOTH("head-max", fill_head_max, 0),
	BOTH("index-jump", fill_jump, 0),
	BOTH("index-back", fill_backwards, 0),
	BOTH("same-head", fill_same_head, 0),
	BOTH("used-scribble", fill_used_scribble, 0),
	BOTH("events", fill_events, VIRTIO_F_EVENT_IDX),
	{ "tx-flip", run_flip, NEEDS_NIC, VNET_TX, NULL, 0 },
	{ "rx-flip", run_flip, NEEDS_NIC, VNET_RX, NULL, 0 },
	{ "tx-headers", run_headers, NEEDS_NIC, 0, NULL, 0 },
	{ "tx-headers-tso", run_headers, NEEDS_NIC, 0, NULL,
		F_CSUM | F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_ECN },
	{ "tx-frames", run_frames, NEEDS_NIC, 0, NULL, 0 },
	{ "ctrl", run_ctrl, NEEDS_NIC, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, NULL, 0 },
};
