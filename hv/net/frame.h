/* A frame on its way through the switch.
 *
 * A frame is a reference to bytes that stay where their source has them (a guest's transmit
 * buffers, a NIC's receive buffer) until every destination has copied them. Its first bytes are
 * copied out once, because a guest may change its buffers after the switch has looked: whatever is
 * decided on (addresses, VLAN tag) and whatever is delivered come from the same copy.
 *
 * Ownership: the source owns the frame's memory and hands out one reference per destination.
 * frame_put() of the last one calls release(), on whichever core that happens. Nothing allocates:
 * a transmit queue has as many frames as ring entries. */
#ifndef SLUICE_NET_FRAME_H
#define SLUICE_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"

#define ETH_ALEN	 6
#define ETH_HEADER_BYTES 14
#define ETH_VLAN_BYTES	 4
#define ETH_MIN_BYTES	 14
#define ETH_TYPE_VLAN	 0x8100

#define FRAME_HEAD_BYTES   64
#define FRAME_SEGMENTS_MAX 20	 /* 64 KiB of pages, the header, and what is unaligned */
#define FRAME_BYTES_MAX	   65562 /* 64 KiB segment + Ethernet + VLAN (virtio 1.2, 5.1.6.3.1) */

/* struct virtio_net_hdr without its ring-specific part: virtio 1.2, 5.1.6 */
#define VNET_HDR_F_NEEDS_CSUM 1
#define VNET_HDR_F_DATA_VALID 2
#define VNET_HDR_GSO_NONE     0
#define VNET_HDR_GSO_TCPV4    1
#define VNET_HDR_GSO_UDP      3
#define VNET_HDR_GSO_TCPV6    4
#define VNET_HDR_GSO_ECN      0x80

struct frame_offload {
	uint8_t flags;	  /* VNET_HDR_F_ */
	uint8_t gso_type; /* VNET_HDR_GSO_ */
	uint16_t header_len;
	uint16_t gso_size;
	uint16_t csum_start; /* offsets from the frame's first byte, untagged or not as it came */
	uint16_t csum_offset;
};

struct frame_segment {
	const uint8_t *hva;
	uint32_t len_bytes;
};

struct frame_lent;

struct frame {
	uint32_t refs;	    /* atomic */
	uint32_t len_bytes; /* whole frame: head and segments, without FCS */
	uint16_t head_len;
	uint16_t nr_segments;
	uint16_t source_port; /* index in its switch */
	uint16_t vlan;	      /* the VLAN the switch put it in, 1..4094 */
	bool tagged;	      /* head carries an 802.1Q tag; set by the switch */
	bool flooded;	      /* broadcast, multicast or unknown unicast; set by the switch */
	uint16_t nr_joined, joined_header_bytes; /* frame_join(); 0 at first */
	struct frame_offload offload;
	/* A destination whose queue has so many frames is full for this one; 0: no limit. */
	uint16_t queue_max;
	uint16_t
		source_queue; /* of the source port, by which a guest sent it; 0 where it has one */
	void (*release)(struct frame *f);
	void *owner;
	struct frame_lent *lent; /* NULL: none of its segments is lent; lend.h */
	struct frame *joined;	 /* those whose bytes have become this one's */
	/* Before the segments: all that forwarding looks at lies in two cache lines. */
	uint8_t head[FRAME_HEAD_BYTES] __attribute__((aligned(8)));
	struct frame_segment segment[FRAME_SEGMENTS_MAX];
};

/* How one destination gets the frame: it may want the 802.1Q tag that the head has not, or the
 * other way round, and several destinations share the frame. Copy piece[0..nr_pieces), then the
 * frame's segments. piece[] may point into the plan itself: do not copy a plan. */
struct frame_plan {
	unsigned nr_pieces; /* 1..3 */
	struct frame_segment piece[3];
	uint32_t len_bytes; /* whole frame, as the destination gets it */
	struct frame_offload offload;
	uint8_t tag[ETH_VLAN_BYTES];
};

/* f has been through switch_forward(), which validated it. want_tag: port_wants_tag(). */
void frame_plan(const struct frame *f, bool want_tag, struct frame_plan *plan);

/* 0, or -EINVAL if the offload fields make no sense for this frame. f->tagged must be right. */
int frame_check_offload(const struct frame *f) __must_check;

static inline void frame_get(struct frame *f)
{
	(void)atomic_fetch_add(&f->refs, 1);
}

/* Back to their sources, which own them from then on. */
static inline void frame_release(struct frame *f)
{
	struct frame *g = f->joined;

	f->nr_joined = f->joined_header_bytes = 0;
	f->joined = NULL;
	f->release(f);
	while (g) {
		struct frame *next = g->joined;

		g->joined = NULL;
		store_relaxed(&g->refs, 0); /* the only reference was f's */
		g->release(g);
		g = next;
	}
}

static inline void frame_put(struct frame *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	if (__builtin_expect(f->joined != NULL, 0))
		frame_release(f);
	else
		f->release(f);
}

#endif
