// sources: @uplink
/* Two uplinks with two pairs each and two test ports on one switch: packets as a broken NIC could
 * hand them over, frames with arbitrary offload fields in memory that changes meanwhile, full
 * rings, link and resets at any time. The second test port lends buffers to the second uplink, uses
 * them or not, and wants them back at any time.
 *
 * Input: 3 bytes for each uplink (capabilities and policy), then records: an action, and what it
 * needs.
 *
 * Checked besides memory, and what the fake NIC wants of packets: the books; that each buffer comes
 * back; that what is sent has its sender's address and its switch's VLAN. */
#include <stddef.h>
#include <stdint.h>

#include "fake_nic.h"
#include "fake_port.h"
#include "net/uplink.h"

#define PAIRS	      2
#define FRAMES	      400 /* more than a queue and a ring hold */
#define FRAME_MAX     9000
#define MEMORY_BYTES  (FRAME_MAX + 64)
#define ROUNDS_MAX    100000
#define MAC_OUTSIDE   0x06 /* first bytes of addresses */
#define MAC_UNCHECKED 0x0a

struct input {
	const uint8_t *data;
	size_t left;
};

/* What a guest has: frames, and the memory they refer to. */
struct guest_frame {
	struct frame frame;
	uint8_t *memory; /* each its own, so that who reads beyond is caught */
	bool in_use;
};

static struct net_switch sw;
static struct worker worker;
static struct fake_nic nic[2];
static struct uplink up[2];
static struct fake_port port[2];
static struct guest_frame pool[FRAMES];
static struct lend lend;
static uint8_t lend_memory[LEND_BUFFERS][LEND_BUFFER_BYTES];
static const uint8_t checked_mac[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };
static struct sched_hint hint;
static const struct sched_hint *const follows = &hint;
static uint64_t now;

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

static struct worker *worker_of(unsigned core)
{
	(void)core;
	return &worker;
}

static uint64_t now_us(void)
{
	return now;
}

static void *pages(uint64_t len_bytes)
{
	void *p = aligned_alloc(64, ALIGN_UP(len_bytes, 64));

	memset(p, 0, len_bytes);
	return p;
}

/* ---- Once ---- */

static void make_uplink(unsigned i)
{
	struct fake_nic_conf c = { .name = "nic",
		.client = { &up[i], uplink_link_changed, uplink_state_changed, uplink_wake },
		.nr_queues = PAIRS,
		.rx_entries = 64 };
	struct uplink_setup setup = { .name = "nic",
		.nr_pools = PAIRS,
		.bounce_bytes = 1536,
		.worker_of = worker_of,
		.now_us = now_us,
		.rx_buffers = UPLINK_RX_BUFFERS,
		.pages = pages,
		.buffers = pages };

	fake_nic_init(&nic[i], &c);
	require(!uplink_init(&up[i], &nic[i].nic, &setup));
}

static void wake_lender(struct lend *l)
{
	require(load_acquire(&l->state) == LEND_OFF && l->head == l->tail);
	l->out = 0;
}

static void make_all(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	for (unsigned i = 0; i < 2; i++) {
		make_uplink(i);
		fake_port_init(&port[i], FAKE_QUEUE);
	}
	for (unsigned i = 0; i < FRAMES; i++)
		pool[i].memory = malloc(MEMORY_BYTES);
	nic[1].nic.capabilities = NIC_CAP_RX_SPLIT;
	lend.wake_lender = wake_lender;
	require(!uplink_borrow(&up[1], 1, &lend));
}

/* ---- Each time ---- */

static void join(struct port *p, const struct port_policy *policy)
{
	memset(&p->counters, 0, sizeof(p->counters));
	require(!switch_add_port(&sw, p, policy));
}

static void begin_uplink(unsigned i, struct input *in)
{
	unsigned capabilities = next_byte(in), flags = next_byte(in);
	struct port_policy policy = { .trunk = flags & 1,
		.promiscuous = !(flags & 2),
		.isolated = flags & 4,
		.nr_trunk_vlans = flags >> 4 & 3,
		.vlan = (uint16_t)(flags >> 6),
		.trunk_vlan = { 1, 2, (uint16_t)(next_byte(in) + 1) } };

	nic[i].nic.capabilities = capabilities & FAKE_NIC_ALL;
	for (unsigned q = 0; q < PAIRS; q++)
		nic[i].tx[q].q.ring_entries = flags & 8 ? 32 : 1024;
	nic[i].reset_fails = false;
	join(&up[i].port, &policy);
	require(!nic[i].nic.ops->start(&nic[i].nic));
	uplink_start(&up[i]);
	fake_nic_link(&nic[i], true);
	uplink_assign_pool(&up[i], 1, &port[1].p, &follows, 1);
}

static void begin(struct input *in)
{
	static const struct port_policy policy[2] = {
		{ .mac = { 2, 0, 0, 0, 0, 1 }, .spoof_check = true, .trunk = true },
		{ .promiscuous = true }
	};

	now = 1;
	memset(&sw, 0, sizeof(sw));
	switch_init(&sw, "fuzz", 10, 0);
	for (unsigned i = 0; i < 2; i++)
		join(&port[i].p, &policy[i]);
	for (unsigned i = 0; i < 2; i++)
		begin_uplink(i, in);
}

/* ---- Actions ---- */

static void give_bytes(struct input *in, uint8_t *bytes, unsigned len)
{
	unsigned given = next_byte(in);

	for (unsigned i = 0; i < given && i < len; i++)
		bytes[i] = (uint8_t)next_byte(in);
}

static void receive(struct input *in, unsigned i)
{
	static uint8_t bytes[FRAME_MAX];
	unsigned len = next_word(in) % FRAME_MAX, piece = 1 + next_word(in) % 2048;
	struct fake_arrival how = { .flags = (uint16_t)next_word(in),
		.vlan_tci = (uint16_t)next_word(in),
		.rsc_segments = (uint16_t)next_byte(in),
		.error = (uint8_t)(next_byte(in) % 16 ? NIC_RX_OK : NIC_RX_BAD_FRAME) };

	memset(bytes, 0x55, 128);
	give_bytes(in, bytes, sizeof(bytes));
	bytes[ETH_ALEN] = MAC_OUTSIDE;
	if (i) { /* where headers are split */
		how.header_bytes = next_byte(in);
		how.header_bytes = MIN(how.header_bytes, len);
	}
	how.piece_bytes = MAX(piece, (len + NIC_RX_CHAIN_MAX - 1) / NIC_RX_CHAIN_MAX);
	fake_nic_receive(&nic[i], how.flags >> 15, bytes, len, &how);
}

static void release(struct frame *f)
{
	CONTAINER_OF(f, struct guest_frame, frame)->in_use = false;
}

/* The memory's end is the last segment's end. */
static void lay_out(struct guest_frame *g, const uint8_t *bytes, unsigned len, unsigned pieces)
{
	struct frame *f = &g->frame;
	uint8_t *at = g->memory + MEMORY_BYTES;

	f->len_bytes = len;
	f->head_len = (uint16_t)MIN(len, FRAME_HEAD_BYTES);
	memcpy(f->head, bytes, f->head_len);
	f->nr_segments = 0;
	len -= f->head_len;
	at -= len;
	memcpy(at, bytes + f->head_len, len);
	for (unsigned i = 0; i < pieces && len; i++) {
		unsigned part = i + 1 < pieces ? MIN(len, 1 + len / 3) : len;

		f->segment[f->nr_segments++] = (struct frame_segment){ at, part };
		at += part;
		len -= part;
	}
}

static void forward(struct input *in, unsigned i)
{
	static uint8_t bytes[FRAME_MAX];
	unsigned len = next_word(in) % FRAME_MAX + 1, n = 0, pieces;
	struct port *blocked;
	struct frame *f;

	while (n < FRAMES && pool[n].in_use)
		n++;
	if (n == FRAMES)
		return;
	f = &pool[n].frame;
	f->refs = 1;
	f->release = release;
	f->offload = (struct frame_offload){ .flags = (uint8_t)(next_byte(in) & 3),
		.gso_type = (uint8_t)next_byte(in),
		.header_len = (uint16_t)next_word(in),
		.gso_size = (uint16_t)next_word(in),
		.csum_start = (uint16_t)next_word(in),
		.csum_offset = (uint16_t)next_word(in) };
	pieces = 1 + next_byte(in) % FRAME_SEGMENTS_MAX;
	memset(bytes, 0x33, 256);
	give_bytes(in, bytes, len);
	if (i)
		bytes[ETH_ALEN] = MAC_UNCHECKED;
	lay_out(&pool[n], bytes, len, pieces);
	pool[n].in_use = true;
	if (switch_forward(&port[i].p, f, now, &blocked))
		frame_put(f);
}

/* Whatever is under way, its guest writes over it. */
static void spoil(unsigned byte)
{
	for (unsigned i = 0; i < FRAMES; i++)
		if (pool[i].in_use)
			memset(pool[i].memory, (int)byte, MEMORY_BYTES);
	memset(lend_memory, (int)byte, sizeof(lend_memory));
}

/* The lender's work: offers, or wants all back. */
static void lend_some(unsigned nr)
{
	uint32_t state = load_acquire(&lend.state);

	if (state == LEND_RECALL)
		return;
	if (nr & 128) {
		if (state == LEND_ON)
			store_release(&lend.state, (uint32_t)LEND_RECALL);
	} else {
		store_release(&lend.state, (uint32_t)LEND_ON);
		for (nr &= 63; nr && lend.out < LEND_BUFFERS; nr--, lend.out++, lend.head++)
			lend.ring[lend.head % LEND_BUFFERS] =
				(struct lend_buffer){ lend_memory[lend.head % LEND_BUFFERS],
					(uint16_t)lend.head };
	}
	lend.wake_borrower(lend.borrower);
}

/* Before they are taken: the lender keeps what lies in its own buffers. */
static void use_lent(struct fake_port *fp)
{
	for (unsigned n = 0; n < fp->nr; n++) {
		struct frame *f = fp->queue[n];

		if (!f->lent || f->refs != 1)
			continue;
		require(f->lent->from == &lend && !f->lent->used);
		require(f->lent->first < f->nr_segments);
		for (unsigned k = f->lent->first; k < f->nr_segments; k++)
			require(f->segment[k].hva == lend_memory[f->lent->head[k] % LEND_BUFFERS]);
		f->lent->used = true;
		lend.out -= f->nr_segments - f->lent->first;
	}
}

/* What went out: nobody but the unchecked port sends with another's address, and the VLAN is one
 * that the uplink is in. */
static void check_sent(unsigned i)
{
	const struct port *p = &up[i].port;

	for (unsigned n = 0; n < nic[i].nr_sent; n++) {
		const struct fake_sent *s = &nic[i].sent[n];
		const uint8_t *b = s->bytes;
		unsigned vlan = (unsigned)(b[14] & 15) << 8 | b[15];

		require(s->len_bytes >= NIC_TX_BYTES_MIN);
		require(b[6] == MAC_OUTSIDE || b[6] == MAC_UNCHECKED ||
			!memcmp(b + 6, checked_mac, ETH_ALEN));
		if (b[12] != 0x81 || b[13] != 0)
			continue;
		require(p->policy.trunk && vlan && vlan <= VLAN_MAX && vlan != p->native_vlan);
		require(sw.vlan_ports[vlan] & BIT32(p->index));
	}
	fake_nic_forget(&nic[i]);
}

static void transmit(unsigned i, unsigned queue, unsigned max)
{
	fake_nic_transmit(&nic[i], queue, max);
	check_sent(i);
}

static void act(struct input *in)
{
	unsigned action = next_byte(in), i = action >> 7;

	switch (action & 15) {
	case 0:
	case 1:
	case 2:
		receive(in, i);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		forward(in, i);
		break;
	case 7:
		transmit(i, action >> 6 & 1, next_byte(in));
		break;
	case 8:
		if (action & 64 && i && load_acquire(&lend.state) == LEND_ON)
			use_lent(&port[i]);
		fake_drain(&port[i]);
		break;
	case 9:
		fake_nic_link(&nic[i], nic[i].nic.state == NIC_RUNNING && next_byte(in) & 1);
		break;
	case 10:
		nic[i].reset_fails = next_byte(in) == 7;
		(void)nic[i].nic.ops->reset(&nic[i].nic);
		break;
	case 11:
		spoil(next_byte(in));
		break;
	case 12:
		nic[i].refused_bytes = next_word(in);
		break;
	case 13:
		lend_some(next_byte(in));
		break;
	case 14:
		nic[i].stays_busy = action >> 6 & 1;
		uplink_housekeeping(&up[i]);
		break;
	default:
		worker_run(&worker);
	}
}

/* ---- The end ---- */

static void run(void)
{
	unsigned n = 0;

	while (worker_pending(&worker)) {
		worker_run(&worker);
		require(n++ < ROUNDS_MAX);
	}
}

static void check_pair(const struct uplink_pair *pair)
{
	require(pair->rx.nr_free + pair->rx.nr_posted == pair->rx.nr_buffers && !pair->rx.done);
	require(pair->tx.head == pair->tx.tail && !pair->tx.cutting);
	require(pair->tx.bounce_head == pair->tx.bounce_tail);
	require(!pair->rx.lent.nr_lent && !pair->rx.lent.nr_free);
}

static void end_lending(void)
{
	nic[1].stays_busy = false;
	lend_some(128);
	for (unsigned n = 0; n < 4; n++) {
		run();
		uplink_housekeeping(&up[1]);
	}
	run();
	require(load_acquire(&lend.state) == LEND_OFF);
}

static void check_books(void)
{
	struct port_counters c;
	uint64_t out = 0;

	switch_sum(&sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		out += c.drops[i];
	require(c.rx_frames + c.extra_copies == c.tx_frames + out);
}

static void end(void)
{
	run();
	for (unsigned i = 0; i < 2; i++) {
		nic[i].refused_bytes = 0;
		nic[i].nic.ops->stop(&nic[i].nic);
	}
	run();
	for (unsigned i = 0; i < 2; i++)
		fake_drain(&port[i]);
	run();
	end_lending();
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < PAIRS; k++)
			check_pair(up[i].pair[k]);
	for (unsigned i = 0; i < FRAMES; i++)
		require(!pool[i].in_use);
	check_books();
	for (unsigned i = 0; i < 2; i++) {
		switch_remove_port(&up[i].port);
		switch_remove_port(&port[i].p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	make_all();
	begin(&in);
	while (in.left) {
		now += 10;
		act(&in);
	}
	end();
	return 0;
}
