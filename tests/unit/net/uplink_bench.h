/* Two switches, each with an uplink whose NIC is a fake one, for tests. Side 0 has the guests of
 * net_guest.h, side 1 has test ports. A cable between the NICs carries what the test lets through.
 */
#ifndef SLUICE_TESTS_UPLINK_BENCH_H
#define SLUICE_TESTS_UPLINK_BENCH_H

#include "fake_nic.h"
#include "fake_port.h"
#include "net/uplink.h"
#include "net_guest.h"

#define BENCH_PORTS 3
/* More than the NIC's ring takes: it stays full while a guest's queue of frames is full too. */
#define BENCH_RX_BUFFERS (512 + FRAME_RING_ENTRIES)
#define A		 (&world.guest[0])
#define B		 (&world.guest[1])

#define BASE  (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define MERGE VIRTIO_NET_F_MRG_RXBUF
#define SUMS  (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define TSO                                                                                        \
	(SUMS | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 |        \
		VIRTIO_NET_F_GUEST_TSO6)

struct bench_side {
	struct fake_nic nic;
	struct uplink up;
	struct net_switch *sw;
};

struct bench_conf {
	uint32_t capabilities[2];
	unsigned nr_guests;		    /* 0: 2 */
	const struct net_guest_conf *guest; /* NULL: spoof check, VLAN 1 */
	struct port_policy uplink[2];	    /* promiscuous is set */
	struct port_policy port[BENCH_PORTS];
	unsigned nr_pools;	  /* 0: 1 */
	unsigned queues_per_pool; /* all used, but for pool 0's; 0: 1 */
	unsigned rx_entries, tx_entries;
	uint16_t mtu;		   /* of the NICs, 0: 1500 */
	const struct steer *steer; /* with aim: as in struct uplink_setup */
	void (*aim)(struct uplink *up, unsigned pair, unsigned core);
	bool polled;
	bool no_link;
	bool lend;	 /* guest i's buffers to pair i + 1 of side 0, which is for it */
	bool one_switch; /* uplink 1 is on the guests' switch, and the test ports are too */
};

extern struct bench_side side[2];
extern struct fake_port test_port[BENCH_PORTS];
extern const uint8_t peer_mac[BENCH_PORTS][6]; /* beyond the uplink: the test ports' */

/* conf NULL: all capabilities, nothing special. */
void bench_init(const struct bench_conf *conf);
/* The guest's pool, whose pairs all follow its vCPU. */
void bench_assign(unsigned pool, const struct net_guest *g, unsigned number);
/* Brings back what is under way; aborts if anything is missing, or the books do not balance. */
void bench_free(void);
/* The same for cmocka: with nothing special. */
int bench_setup(void **state);
int bench_teardown(void **state);

void bench_start_guests(uint64_t features, unsigned nr_buffers, uint32_t buffer_bytes);
void bench_run(void);
/* With housekeeping in between, until nothing changes by it. */
void bench_housekeep(void);
/* The guests' switch learns that this peer is beyond the uplink, by a frame that nobody wants. */
void bench_learn(unsigned port, unsigned queue);
/* Frames of that length: from a guest to the first peer, from there to a guest, by side 0's NIC and
 * queue; and it has come to that guest as it was made. */
void bench_send_frames(struct net_guest *g, unsigned nr, uint32_t len_bytes);
void bench_from_wire(const uint8_t *to, unsigned queue, uint32_t len_bytes);
void bench_expect_frame(struct net_guest *g, uint32_t len_bytes);
/* What the first two have made last, and what a guest has got. */
extern uint8_t bench_frame[NET_FRAME_MAX], bench_got[NET_FRAME_MAX];

/* Sends what NIC `from` has, and lets the other one receive it on that queue; how many frames. */
unsigned bench_cable(unsigned from, unsigned queue);
/* Until nothing moves any more. What was sent stays in the NICs' lists. */
void bench_settle(void);
bool bench_balanced(unsigned s);
uint64_t bench_drops(unsigned s, enum drop_reason why);

/* From a test port. False: a full destination pushed it back, and it is gone. */
bool bench_forward(unsigned port, struct frame *f);
/* The next frame for a test port, into *frame, with how it is to be taken: its length, or -1. */
int bench_take(unsigned port, uint8_t *frame, struct frame_offload *o);

#endif
