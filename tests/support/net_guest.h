/* Guests with a virtio-net device each on one switch, driven as a guest's driver would. */
#ifndef SLUICE_TESTS_NET_GUEST_H
#define SLUICE_TESTS_NET_GUEST_H

#include "net/switch.h"
#include "net/virtio_net.h"
#include "virtio_driver.h"

#define NET_GUESTS_MAX 4
#define NET_CORES      2
#define NET_RX	       0
#define NET_TX	       1
#define NET_CTRL       2
#define NET_TX_SLOTS   64
#define NET_FRAME_MAX  66000

struct net_guest {
	struct net_world *world;
	struct test_memory mem;
	struct bus memory, io;
	struct pci_bus pci;
	struct virtio_pci vp;
	struct virtio_net *net;
	struct sched_hint hint;
	struct virtio_driver drv;
	uint8_t mac[6];
	unsigned interrupts[3];
	bool repost; /* a received frame's buffers go back to the ring */
	uint64_t rx_gpa[VRING_SIZE_MAX], tx_gpa, rx_pool_gpa, indirect_gpa;
	uint32_t rx_len[VRING_SIZE_MAX];
	uint64_t rx_next; /* in the pool */
	unsigned next_tx;
	void *memory_block;
};

struct net_guest_conf {
	struct port_policy policy; /* mac is filled in */
	uint64_t features_off;
	uint16_t mtu; /* 0: 1500 */
};

struct net_world {
	struct net_switch *sw;
	struct worker worker[NET_CORES]; /* guest i's hint says core 0 at first */
	struct copy_ctx
		copy[NET_CORES]; /* the workers'; without channels, unless the test has some */
	uint64_t now_us;
	unsigned nr_guests;
	/* For guests' memory, where it is not just anywhere: zeroed, never freed; NULL: none. */
	uint8_t *(*memory)(uint64_t len_bytes);
	/* The devices' steering, from `steer` to the end of the struct; NULL: none. */
	const struct virtio_net_setup *steering;
	struct net_guest guest[NET_GUESTS_MAX];
};

extern struct net_world world;

/* conf: one per guest, or NULL for defaults. */
void net_world_init(unsigned nr_guests, const struct net_guest_conf *conf);
void net_world_free(void);
/* Runs packet work until there is none; false if that takes suspiciously long. */
bool net_world_run(void);
/* Frames in = frames out + drops; all copies are counted, by engine. */
bool net_world_balanced(void);
uint64_t net_world_drops(enum drop_reason why);

int net_guest_start(struct net_guest *g, uint64_t features, uint16_t ring_size);
void net_guest_post_rx(struct net_guest *g, unsigned nr, uint32_t len_bytes);

/* How a frame is laid out in descriptors: the bytes of each but the last, header included. */
struct net_layout {
	unsigned nr;
	uint32_t len_bytes[18];
	bool indirect;
};

/* The chain's head, or -1: ring full. Does not kick. */
int net_guest_send(struct net_guest *g, const struct virtio_net_hdr *h, const uint8_t *frame,
	uint32_t len_bytes, const struct net_layout *layout);
void net_guest_kick(struct net_guest *g, unsigned q);
/* The next frame's length, or -1. */
int net_guest_receive(struct net_guest *g, struct virtio_net_hdr *h, uint8_t *frame);
/* Takes back what was sent; how many chains. */
unsigned net_guest_reap(struct net_guest *g);

/* An Ethernet frame of that length from one guest to another, with a body that depends on seed. */
void net_make_frame(
	uint8_t *frame, const uint8_t *to, const uint8_t *from, uint32_t len_bytes, unsigned seed);

#endif
