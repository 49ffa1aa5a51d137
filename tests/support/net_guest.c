/* Guests with virtio-net devices; see net_guest.h. */
#include "net_guest.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES  MIB(28)
#define RX_POOL_BYTES MIB(20)

struct net_world world;

static struct worker *worker_of(unsigned core)
{
	return &world.worker[core % NET_CORES];
}

static uint64_t now_us(void)
{
	return world.now_us;
}

static void send_msi(void *ctx, uint64_t address, uint32_t data)
{
	struct net_guest *g = ctx;

	(void)address;
	if (data >= 0x40 && data < 0x43)
		g->interrupts[data - 0x40]++;
}

static void idle(void *arg)
{
	(void)arg;
	net_world_run();
}

static void must(int r)
{
	if (r)
		abort();
}

static void make_memory(struct test_memory *m, uint64_t gpa)
{
	if (!world.memory) {
		test_memory_init(m, gpa, MEMORY_BYTES);
		return;
	}
	*m = (struct test_memory){ .gpa = gpa, .len_bytes = MEMORY_BYTES };
	m->bytes = world.memory(MEMORY_BYTES);
	m->gm.nr_regions = 1;
	m->gm.region[0] = (struct guest_mem_region){ gpa, MEMORY_BYTES, m->bytes };
}

static void add_steering(struct virtio_net_setup *setup, unsigned number)
{
	const struct virtio_net_setup *from = world.steering;

	if (!from)
		return;
	setup->steer = from->steer;
	setup->number = number;
	setup->pending = from->pending;
	setup->this_core = from->this_core;
	setup->place = from->place;
	setup->wake = from->wake;
	setup->release = from->release;
}

static void make_guest(struct net_guest *g, unsigned i, const struct net_guest_conf *conf)
{
	static const char *const name[NET_GUESTS_MAX] = { "a.0", "b.0", "c.0", "d.0" };
	struct port_policy policy = conf->policy;
	struct virtio_net_setup setup = { .name = name[i],
		.gm = &g->mem.gm,
		.mtu = conf->mtu ? conf->mtu : 1500,
		.features_off = conf->features_off,
		.mac_fixed = policy.spoof_check,
		.nr_pairs = 1,
		.hint = &g->hint,
		.worker_of = worker_of,
		.now_us = now_us };
	uint64_t len = ALIGN_UP(virtio_net_len_bytes(1), 64);

	add_steering(&setup, i);
	memset(g, 0, sizeof(*g));
	g->world = &world;
	memcpy(g->mac, (uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, 6);
	memcpy(setup.mac, g->mac, 6);
	memcpy(policy.mac, g->mac, 6);
	make_memory(&g->mem, 0x100000 * (i + 1));
	g->tx_gpa = test_memory_alloc(&g->mem, NET_TX_SLOTS * (NET_FRAME_MAX + 64), 64);
	g->indirect_gpa = test_memory_alloc(&g->mem, NET_TX_SLOTS * 512, 64);
	g->rx_pool_gpa = test_memory_alloc(&g->mem, RX_POOL_BYTES, 64);
	g->memory_block = aligned_alloc(64, len);
	memset(g->memory_block, 0, len);
	g->net = virtio_net_init(g->memory_block, &setup);
	must(switch_add_port(world.sw, &g->net->port, &policy));
	must(pci_bus_init(&g->pci, &g->memory, &g->io));
	must(virtio_pci_init(&g->vp, &g->pci, &g->net->virtio, send_msi, g));
	must(virtio_driver_probe(&g->drv, &g->memory, &g->io, 1, &g->mem));
	g->drv.idle = idle;
	g->repost = true;
}

void net_world_init(unsigned nr_guests, const struct net_guest_conf *conf)
{
	static const struct net_guest_conf standard = { .policy.spoof_check = true };

	memset(world.worker, 0, sizeof(world.worker));
	memset(world.copy, 0, sizeof(world.copy));
	for (unsigned i = 0; i < NET_CORES; i++)
		world.worker[i].copy = &world.copy[i];
	world.now_us = 1000;
	world.nr_guests = nr_guests;
	world.sw = aligned_alloc(64, ALIGN_UP(sizeof(*world.sw), (size_t)64));
	memset(world.sw, 0, sizeof(*world.sw));
	switch_init(world.sw, "sw", 300, 0);
	for (unsigned i = 0; i < nr_guests; i++)
		make_guest(&world.guest[i], i, conf ? &conf[i] : &standard);
}

void net_world_free(void)
{
	for (unsigned i = 0; i < world.nr_guests; i++) {
		if (!world.memory)
			test_memory_free(&world.guest[i].mem);
		free(world.guest[i].memory_block);
	}
	free(world.sw);
}

bool net_world_run(void)
{
	for (unsigned n = 0; n < 20000; n++) {
		bool more = worker_run(&world.worker[0]) | worker_run(&world.worker[1]);

		if (!more && !worker_pending(&world.worker[0]))
			return true;
	}
	return false;
}

uint64_t net_world_drops(enum drop_reason why)
{
	struct port_counters c;

	switch_sum(world.sw, &c);
	return c.drops[why];
}

static bool copies_balanced(void)
{
	uint64_t copies = 0, bytes = 0;

	for (unsigned i = 0; i < world.nr_guests; i++) {
		struct virtio_net_stats s;

		virtio_net_sum(world.guest[i].net, &s);
		copies += s.copies;
		bytes += s.copy_bytes;
	}
	for (unsigned i = 0; i < NET_CORES; i++) {
		const struct copy_stats *s = &world.copy[i].stats;

		copies -= s->cpu_copies + s->ioat_copies;
		bytes -= s->cpu_bytes + s->ioat_bytes;
	}
	return !copies && !bytes;
}

bool net_world_balanced(void)
{
	struct port_counters c;
	uint64_t drops = 0;

	switch_sum(world.sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		drops += c.drops[i];
	return c.rx_frames + c.extra_copies == c.tx_frames + drops && copies_balanced();
}

int net_guest_start(struct net_guest *g, uint64_t features, uint16_t ring_size)
{
	return virtio_driver_start(&g->drv, features, ring_size, 0x40);
}

static void post_one(struct net_guest *g, uint64_t gpa, uint32_t len_bytes)
{
	struct vring_buffer b = { gpa, len_bytes, true };
	int head = vring_add(&g->drv.ring[NET_RX], &b, 1, 0);

	if (head < 0)
		return;
	g->rx_gpa[head] = gpa;
	g->rx_len[head] = len_bytes;
}

void net_guest_post_rx(struct net_guest *g, unsigned nr, uint32_t len_bytes)
{
	for (unsigned i = 0; i < nr; i++) {
		if (g->rx_next + len_bytes + 4 > RX_POOL_BYTES)
			g->rx_next = 0;
		post_one(g, g->rx_pool_gpa + g->rx_next, len_bytes);
		g->rx_next += len_bytes + 3; /* any alignment */
	}
	net_guest_kick(g, NET_RX);
}

void net_guest_kick(struct net_guest *g, unsigned q)
{
	virtio_driver_kick(&g->drv, q);
}

int net_guest_send(struct net_guest *g, const struct virtio_net_hdr *h, const uint8_t *frame,
	uint32_t len_bytes, const struct net_layout *layout)
{
	static const struct virtio_net_hdr zero;
	static const struct net_layout one;
	unsigned slot = g->next_tx++ % NET_TX_SLOTS;
	uint64_t gpa = g->tx_gpa + slot * (NET_FRAME_MAX + 64u);
	uint8_t *at = test_memory_at(&g->mem, gpa);
	struct vring_buffer b[20];
	uint32_t left = len_bytes + 12;
	unsigned nr = 0;

	layout = layout ? layout : &one;
	memcpy(at, h ? h : &zero, 12);
	memcpy(at + 12, frame, len_bytes);
	for (; nr < layout->nr && layout->len_bytes[nr] < left; nr++) {
		b[nr] = (struct vring_buffer){ gpa, layout->len_bytes[nr], false };
		gpa += layout->len_bytes[nr];
		left -= layout->len_bytes[nr];
	}
	b[nr++] = (struct vring_buffer){ gpa, left, false };
	return vring_add(
		&g->drv.ring[NET_TX], b, nr, layout->indirect ? g->indirect_gpa + slot * 512 : 0);
}

/* Copies one used buffer out; its length. */
static uint32_t take_buffer(struct net_guest *g, int head, uint32_t used_len, uint8_t *dst)
{
	memcpy(dst, test_memory_at(&g->mem, g->rx_gpa[head]), used_len);
	if (g->repost)
		post_one(g, g->rx_gpa[head], g->rx_len[head]);
	return used_len;
}

int net_guest_receive(struct net_guest *g, struct virtio_net_hdr *h, uint8_t *frame)
{
	static __thread uint8_t all[NET_FRAME_MAX + 64];
	struct vring *r = &g->drv.ring[NET_RX];
	uint32_t used_len, len;
	int head = vring_take_used(r, &used_len);

	if (head < 0)
		return -1;
	len = take_buffer(g, head, used_len, all);
	memcpy(h, all, 12);
	for (unsigned i = 1; i < h->num_buffers; i++) {
		head = vring_take_used(r, &used_len);
		if (head < 0 || len + used_len > sizeof(all))
			abort();
		len += take_buffer(g, head, used_len, all + len);
	}
	vring_arm(r);
	memcpy(frame, all + 12, len - 12);
	return (int)len - 12;
}

unsigned net_guest_reap(struct net_guest *g)
{
	unsigned n = 0;

	while (vring_take_used(&g->drv.ring[NET_TX], NULL) >= 0)
		n++;
	vring_arm(&g->drv.ring[NET_TX]);
	return n;
}

void net_make_frame(
	uint8_t *frame, const uint8_t *to, const uint8_t *from, uint32_t len_bytes, unsigned seed)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* local experimental */
	for (uint32_t i = 14; i < len_bytes; i++)
		frame[i] = (uint8_t)(i * 7 + seed);
}
