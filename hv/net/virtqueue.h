/* The device's side of a virtqueue: split rings of virtio 1.2, section 2.7.
 *
 * The driver's three areas are mapped and checked once, when the queue is enabled; from then on
 * ring memory is read by host pointers whose bounds follow from the queue's size. Descriptors are
 * copied once, the copy is validated, and every walk is bounded by the queue's size.
 *
 * Two kinds of error: a chain whose buffers make no sense can be returned to the driver unused
 * (-EINVAL); a ring that makes no sense breaks the queue (-EPROTO, for good) and its device asks
 * for a reset. Callers see no ring layout, only chains and heads.
 *
 * One core at a time uses a queue; its device sees to that. */
#ifndef SLUICE_NET_VIRTQUEUE_H
#define SLUICE_NET_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "mem/guest_mem.h"
#include "net/virtio.h"

#define VIRTQUEUE_SIZE_MAX 1024

/* 2.7.5 The virtqueue descriptor table */
#define VRING_DESC_F_NEXT     1
#define VRING_DESC_F_WRITE    2
#define VRING_DESC_F_INDIRECT 4

struct vring_desc {
	uint64_t gpa;
	uint32_t len_bytes;
	uint16_t flags;
	uint16_t next;
};

/* 2.7.6, 2.7.8: each is followed by the other side's event index */
#define VRING_AVAIL_F_NO_INTERRUPT 1
#define VRING_USED_F_NO_NOTIFY	   1

struct vring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

struct vring_used_elem {
	uint32_t id;
	uint32_t len_bytes;
};

struct vring_used {
	uint16_t flags;
	uint16_t idx;
	struct vring_used_elem ring[];
};

_Static_assert(sizeof(struct vring_desc) == 16, "virtio 1.2, 2.7.5");
_Static_assert(sizeof(struct vring_used_elem) == 8, "virtio 1.2, 2.7.8");

struct virtqueue {
	const struct guest_mem *gm;
	const struct guest_mem_region *recent; /* where the last buffer was */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	uint16_t avail_next; /* the next avail entry to take */
	uint16_t avail_seen; /* the driver's avail index as last read: entries below are ready */
	uint16_t used_next;  /* the next used entry to fill */
	uint16_t used_published; /* the used index the driver was shown */
	bool event_idx;
	bool indirect;
	bool kicks_enabled;
	bool broken;
};

struct virtqueue_segment {
	uint8_t *hva;
	uint32_t len_bytes;
};

/* A chain of buffers: first those the device reads, then those it writes. The caller gives the
 * memory for the segments. */
struct virtqueue_chain {
	struct virtqueue_segment *segment;
	unsigned segments_max;
	unsigned nr_read, nr_write; /* segments */
	uint64_t read_bytes, write_bytes;
	uint16_t head;
};

_Static_assert(VIRTQUEUE_SIZE_MAX <= UINT16_MAX / 2, "indices are 16 bits and wrap");

/* Maps the areas. 0, or -EINVAL: size, alignment or an area outside guest memory. features: as
 * negotiated. */
int virtqueue_init(struct virtqueue *vq, const struct guest_mem *gm,
	const struct virtio_queue_conf *conf, uint64_t features) __must_check;

/* Copies from a chain's readable buffers, front to back. */
struct virtqueue_reader {
	const struct virtqueue_segment *segment;
	unsigned nr_segments; /* left, the current one included */
	uint32_t offset;      /* in the current one */
};

static inline void virtqueue_reader_init(
	struct virtqueue_reader *r, const struct virtqueue_chain *c)
{
	*r = (struct virtqueue_reader){ c->segment, c->nr_read, 0 };
}

/* Goes on by len_bytes, which lie in the current buffer. */
static inline void virtqueue_skip(struct virtqueue_reader *r, uint32_t len_bytes)
{
	r->offset += len_bytes;
	if (r->offset == r->segment->len_bytes) {
		r->segment++;
		r->nr_segments--;
		r->offset = 0;
	}
}

/* Copies up to len_bytes and returns how many; dst NULL skips them. */
uint32_t virtqueue_read(struct virtqueue_reader *r, void *dst, uint32_t len_bytes);

/* The next available chain.
 * 0, or -EAGAIN: none; -EINVAL: its buffers cannot be used (outside memory, out of order); -E2BIG:
 * they are more than segments_max; -EPROTO: the queue is broken. With -EINVAL and -E2BIG the chain
 * is popped and c->head set: push it as used with length 0, or unpop it. */
int virtqueue_pop_chain(struct virtqueue *vq, struct virtqueue_chain *c) __must_check;

/* Gives the last nr popped chains back, as if not yet popped. Heads of them that were pushed as
 * used in between must not be among them. */
void virtqueue_unpop(struct virtqueue *vq, unsigned nr);

/* Adds to the used entries that the next publish shows; len_bytes: written to the buffers. */
static inline void virtqueue_push_used(struct virtqueue *vq, uint16_t head, uint32_t len_bytes)
{
	struct vring_used_elem *e = &vq->used->ring[vq->used_next++ & (vq->size - 1)];

	store_relaxed(&e->id, (uint32_t)head);
	store_relaxed(&e->len_bytes, len_bytes);
}

/* Shows the driver what was pushed; true if it wants an interrupt for it. */
bool virtqueue_publish(struct virtqueue *vq);

/* Available-buffer notifications, for what comes behind the chains seen so far (popped or given
 * back). enable returns true if something came without one: the caller must look again. */
bool virtqueue_enable_kick(struct virtqueue *vq);
void virtqueue_disable_kick(struct virtqueue *vq);

/* How many chains can be popped now. 0 if the ring makes no sense: the next pop says so. */
unsigned virtqueue_nr_avail(struct virtqueue *vq);

/* True too if the ring makes no sense any more: the next pop says so. */
bool virtqueue_has_avail(struct virtqueue *vq);

#endif
