// sources: @virtio_net @net_guest tests/support/cpu_copy.c
/* Instructions per frame, guest to guest: transmit, switch, receive and completion.
 *
 *     valgrind --tool=callgrind --toggle-collect=worker_run virtio_net_bench FRAMES LEN
 *
 * counts what worker_run() does and nothing of the driver's side; divide by FRAMES. */
#include <stdio.h>
#include <stdlib.h>

#include "net_guest.h"

#define BATCH 32

static uint8_t frame[NET_FRAME_MAX];
static struct steer steer;
static struct steer_core cores[NET_CORES];
static uint32_t published;

static unsigned this_core(void)
{
	return 0;
}

static uint64_t place(struct sched_hint *h, unsigned core)
{
	(void)core;
	return hint_read(h);
}

static void unused(struct sched_hint *h)
{
	(void)h;
	abort();
}

static const struct virtio_net_setup steering = {
	.steer = &steer,
	.pending = &published,
	.this_core = this_core,
	.place = place,
	.wake = unused,
	.release = unused,
};

static void batch(struct net_guest *from, struct net_guest *to, uint32_t len_bytes)
{
	struct virtio_net_hdr h;

	for (unsigned i = 0; i < BATCH; i++) {
		if (net_guest_send(from, NULL, frame, len_bytes, NULL) < 0)
			abort();
	}
	net_guest_kick(from, NET_TX);
	net_world_run();
	while (net_guest_receive(to, &h, frame) >= 0)
		;
	net_guest_kick(to, NET_RX);
	virtio_net_consume(to->net, 0, world.now_us, false);
	if (net_guest_reap(from) != BATCH)
		abort();
}

int main(int argc, char **argv)
{
	unsigned frames = argc > 1 ? (unsigned)atoi(argv[1]) : 3200;
	uint32_t len_bytes = argc > 2 ? (uint32_t)atoi(argv[2]) : 64;
	uint64_t features = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC |
			    VIRTIO_NET_F_MRG_RXBUF;
	struct net_guest *a = &world.guest[0], *b = &world.guest[1];
	struct virtio_net_stats s;

	steer_init(&steer, STEER_FULL, STEER_BACKEND_NONE, cores, NET_CORES);
	world.steering = &steering;
	net_world_init(2, NULL);
	hint_publish(
		&b->hint, HINT_QUEUED, 0, 0); /* it runs next, as on a core that it shares with a */
	if (net_guest_start(a, features, 256) || net_guest_start(b, features, 256))
		return 1;
	net_guest_post_rx(b, 256, 1536);
	net_make_frame(frame, b->mac, a->mac, len_bytes, 0);
	for (unsigned n = 0; n < frames; n += BATCH)
		batch(a, b, len_bytes);
	virtio_net_sum(b->net, &s);
	printf("%llu frames, %llu interrupts, %u kicks\n", (unsigned long long)s.frames,
		(unsigned long long)s.interrupts, a->drv.kicks + b->drv.kicks);
	return s.frames == frames ? 0 : 1;
}
