/* Devices for fuzzers; see tiny_net.h. */
#include "tiny_net.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

/* The peer's memory: a receive ring of 16 buffers, all posted. */
#define PEER_RING    16
#define PEER_BUFFER  2048
#define PEER_AVAIL   0x200
#define PEER_USED    0x300
#define PEER_BUFFERS 0x1000

struct tiny_net tiny;
static uint64_t time_us;
static uint8_t peer_memory[PEER_BUFFERS + PEER_RING * PEER_BUFFER] __attribute__((aligned(4096)));
static struct guest_mem peer_gm = { 1, { { 0, sizeof(peer_memory), peer_memory } } };

static struct worker *worker_of(unsigned core)
{
	(void)core;
	return &tiny.worker;
}

static uint64_t now_us(void)
{
	return time_us;
}

static void send_msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
}

static void ignore_queue(void *transport, unsigned q)
{
	(void)transport;
	(void)q;
}

static void ignore(void *transport)
{
	(void)transport;
}

static struct virtio_net *make(const char *name, const struct guest_mem *gm, uint8_t last)
{
	uint64_t len = ALIGN_UP(virtio_net_len_bytes(1), (uint64_t)64);
	struct virtio_net_setup s = { .name = name,
		.gm = gm,
		.mac = { 2, 0, 0, 0, 0, last },
		.mtu = 1500,
		.nr_pairs = 1,
		.hint = &tiny.hint,
		.worker_of = worker_of,
		.now_us = now_us };
	struct port_policy policy = { .mac = { 2, 0, 0, 0, 0, last }, .promiscuous = true };
	void *memory = aligned_alloc(64, len);
	struct virtio_net *d;

	memset(memory, 0, len);
	d = virtio_net_init(memory, &s);
	ASSERT(switch_add_port(tiny.sw, &d->port, &policy) == 0);
	return d;
}

static void start_peer(void)
{
	struct virtio_device *v = &tiny.peer->virtio;
	struct virtio_queue_conf conf = { 0, PEER_AVAIL, PEER_USED, PEER_RING };
	struct vring_desc *desc = (struct vring_desc *)(void *)peer_memory;
	struct vring_avail *avail = (struct vring_avail *)(void *)(peer_memory + PEER_AVAIL);

	memset(peer_memory, 0, sizeof(peer_memory));
	for (unsigned i = 0; i < PEER_RING; i++) {
		desc[i] = (struct vring_desc){ PEER_BUFFERS + i * PEER_BUFFER, PEER_BUFFER,
			VRING_DESC_F_WRITE, 0 };
		avail->ring[i] = (uint16_t)i;
	}
	avail->idx = PEER_RING;
	v->notify_queue = ignore_queue;
	v->notify_config = ignore;
	v->needs_reset = ignore;
	ASSERT(v->ops->set_features(v, VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF) == 0);
	ASSERT(v->ops->queue_enable(v, 0, &conf) == 0);
	v->ops->set_status(v, VIRTIO_STATUS_DRIVER_OK);
}

void tiny_net_init(void)
{
	memset(&tiny, 0, sizeof(tiny));
	tiny.sw = aligned_alloc(64, ALIGN_UP(sizeof(*tiny.sw), (size_t)64));
	memset(tiny.sw, 0, sizeof(*tiny.sw));
	switch_init(tiny.sw, "sw", 300, 0);
	tiny.memory = aligned_alloc(4096, TINY_BYTES);
	memset(tiny.memory, 0, TINY_BYTES);
	tiny.gm = (struct guest_mem){ 1, { { TINY_GPA, TINY_BYTES, tiny.memory } } };
	tiny.net = make("a.0", &tiny.gm, 1);
	tiny.peer = make("b.0", &peer_gm, 2);
	start_peer();
	ASSERT(pci_bus_init(&tiny.pci, &tiny.mmio, &tiny.io) == 0);
	ASSERT(bus_add(&tiny.mmio, 0xb0000000, PCI_ECAM_LEN_BYTES, pci_ecam_access, &tiny.pci));
	ASSERT(virtio_pci_init(&tiny.vp, &tiny.pci, &tiny.net->virtio, send_msi, NULL) == 0);
}

/* Gives the peer's buffers back. */
static void refill_peer(void)
{
	struct vring_avail *avail = (struct vring_avail *)(void *)(peer_memory + PEER_AVAIL);
	struct vring_used *used = (struct vring_used *)(void *)(peer_memory + PEER_USED);

	for (; (uint16_t)(used->idx + PEER_RING) != avail->idx; avail->idx++) {
		uint16_t next = (uint16_t)(avail->idx - PEER_RING);

		avail->ring[avail->idx % PEER_RING] = (uint16_t)used->ring[next % PEER_RING].id;
	}
	tiny.peer->virtio.ops->kick(&tiny.peer->virtio, 0);
}

void tiny_net_run(void)
{
	for (unsigned i = 0; i < 200 && worker_run(&tiny.worker); i++)
		refill_peer();
	refill_peer();
	time_us += 10000;
	virtio_net_housekeeping(tiny.net, time_us);
	virtio_net_housekeeping(tiny.peer, time_us);
}

void tiny_net_free(void)
{
	struct port_counters c;
	uint64_t drops = 0;

	virtio_pci_reset(&tiny.vp);
	for (unsigned i = 0; i < 100; i++)
		tiny_net_run();
	for (unsigned i = 0; i < 10; i++) /* the last refill's kick */
		(void)worker_run(&tiny.worker);
	ASSERT(!virtio_pci_reset_pending(&tiny.vp));
	ASSERT(!worker_pending(&tiny.worker));
	switch_sum(tiny.sw, &c);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		drops += c.drops[i];
	ASSERT(c.rx_frames + c.extra_copies == c.tx_frames + drops);
	free(tiny.net);
	free(tiny.peer);
	free(tiny.memory);
	free(tiny.sw);
}
