/* Split virtqueues, the device's side; see virtqueue.h. Virtio 1.2, section 2.7. */
#include "net/virtqueue.h"

#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/errno.h"

static uint16_t *used_event(const struct virtqueue *vq)
{
	return &vq->avail->ring[vq->size];
}

static uint16_t *avail_event(const struct virtqueue *vq)
{
	/* The used ring's last element is followed by one half-word. */
	return (uint16_t *)(void *)&vq->used->ring[vq->size];
}

int virtqueue_init(struct virtqueue *vq, const struct guest_mem *gm,
	const struct virtio_queue_conf *conf, uint64_t features)
{
	uint64_t size = conf->size;

	*vq = (struct virtqueue){ .gm = gm, .broken = true };
	if (size == 0 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)) != 0)
		return -EINVAL;
	if (!IS_ALIGNED(conf->desc_gpa, 16) || !IS_ALIGNED(conf->driver_gpa, 2) ||
		!IS_ALIGNED(conf->device_gpa, 4))
		return -EINVAL;
	vq->desc = guest_mem_map(gm, conf->desc_gpa, size * sizeof(struct vring_desc));
	/* Flags, index and event index are a half-word each. */
	vq->avail = guest_mem_map(gm, conf->driver_gpa, 6 + size * sizeof(uint16_t));
	vq->used = guest_mem_map(gm, conf->device_gpa, 6 + size * sizeof(struct vring_used_elem));
	if (!vq->desc || !vq->avail || !vq->used)
		return -EINVAL;
	vq->size = conf->size;
	vq->event_idx = (features & VIRTIO_F_EVENT_IDX) != 0;
	vq->indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
	vq->kicks_enabled = true; /* as the driver's zeroed ring says */
	vq->broken = false;
	return 0;
}

/* Reads the driver's index if all that was seen is taken; it may jump to anything. */
static bool look_for_avail(struct virtqueue *vq)
{
	if (vq->avail_seen != vq->avail_next)
		return true;
	/* Acquire: ring entries and descriptors are read after the index that covers them. */
	vq->avail_seen = load_acquire(&vq->avail->idx);
	if ((uint16_t)(vq->avail_seen - vq->avail_next) > vq->size)
		vq->broken = true;
	return vq->avail_seen != vq->avail_next;
}

bool virtqueue_has_avail(struct virtqueue *vq)
{
	return vq->broken || look_for_avail(vq);
}

/* Copies a descriptor once. An indirect table may lie at any address. */
static inline struct vring_desc desc_read(const uint8_t *d)
{
	struct vring_desc copy;

	__builtin_memcpy(&copy, d, sizeof(copy));
	/* The compiler may not go back to the driver's memory for a field. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return copy;
}

/* Adds one buffer. A length of 0 adds nothing. */
static int chain_add(
	const struct virtqueue *vq, struct virtqueue_chain *c, const struct vring_desc *d)
{
	struct virtqueue_segment *s;
	bool write = (d->flags & VRING_DESC_F_WRITE) != 0;

	if (d->len_bytes == 0)
		return 0;
	if (!write && c->nr_write != 0)
		return -EINVAL;
	if (c->nr_read + c->nr_write == c->segments_max)
		return -E2BIG;
	s = &c->segment[c->nr_read + c->nr_write];
	s->hva = guest_mem_map(vq->gm, d->gpa, d->len_bytes);
	if (!s->hva)
		return -EINVAL;
	s->len_bytes = d->len_bytes;
	if (write) {
		c->nr_write++;
		c->write_bytes += d->len_bytes;
	} else {
		c->nr_read++;
		c->read_bytes += d->len_bytes;
	}
	return 0;
}

/* What a walk goes through: the ring's descriptor table, then at most one indirect one. */
struct table {
	const uint8_t *desc; /* bytes: not necessarily aligned */
	uint32_t nr;
	bool indirect;
};

/* 2.7.5.3: an indirect descriptor ends the chain it is in and leads to a table of its own. */
static int enter_indirect(struct virtqueue *vq, struct table *t, const struct vring_desc *d)
{
	uint32_t nr = d->len_bytes / (uint32_t)sizeof(struct vring_desc);

	if (!vq->indirect || t->indirect || (d->flags & VRING_DESC_F_NEXT) ||
		d->len_bytes % sizeof(struct vring_desc) != 0 || nr == 0 || nr > vq->size)
		return -EPROTO;
	t->desc = guest_mem_map(vq->gm, d->gpa, d->len_bytes);
	t->nr = nr;
	t->indirect = true;
	return t->desc ? 0 : -EPROTO;
}

/* The first bad buffer decides, but the walk goes on: a loop is worse than a bad buffer. */
static int walk(struct virtqueue *vq, struct virtqueue_chain *c)
{
	struct table t = { .desc = (const uint8_t *)vq->desc, .nr = vq->size };
	uint32_t i = c->head, budget = vq->size;
	int r = 0;

	for (;;) {
		struct vring_desc d;

		if (i >= t.nr || budget-- == 0)
			return -EPROTO;
		d = desc_read(t.desc + i * sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (enter_indirect(vq, &t, &d))
				return -EPROTO;
			i = 0;
			budget = t.nr;
			continue;
		}
		if (r == 0)
			r = chain_add(vq, c, &d);
		if (!(d.flags & VRING_DESC_F_NEXT))
			return r;
		i = d.next;
	}
}

int virtqueue_pop_chain(struct virtqueue *vq, struct virtqueue_chain *c)
{
	int r;

	if (vq->broken)
		return -EPROTO;
	if (!look_for_avail(vq))
		return -EAGAIN;
	if (vq->broken)
		return -EPROTO;
	c->nr_read = 0;
	c->nr_write = 0;
	c->read_bytes = 0;
	c->write_bytes = 0;
	c->head = load_relaxed(&vq->avail->ring[vq->avail_next & (vq->size - 1)]);
	r = walk(vq, c);
	if (r == -EPROTO) {
		vq->broken = true;
		return r;
	}
	vq->avail_next++;
	return r;
}

uint32_t virtqueue_read(struct virtqueue_reader *r, void *dst, uint32_t len_bytes)
{
	uint32_t done = 0;

	while (done < len_bytes && r->nr_segments) {
		uint32_t n = MIN(len_bytes - done, r->segment->len_bytes - r->offset);

		if (dst)
			copy_bytes((uint8_t *)dst + done, r->segment->hva + r->offset, n);
		done += n;
		r->offset += n;
		if (r->offset == r->segment->len_bytes) {
			r->segment++;
			r->nr_segments--;
			r->offset = 0;
		}
	}
	return done;
}

void virtqueue_unpop(struct virtqueue *vq, unsigned nr)
{
	vq->avail_next = (uint16_t)(vq->avail_next - nr);
}

void virtqueue_push_used(struct virtqueue *vq, uint16_t head, uint32_t len_bytes)
{
	struct vring_used_elem *e = &vq->used->ring[vq->used_next++ & (vq->size - 1)];

	store_relaxed(&e->id, (uint32_t)head);
	store_relaxed(&e->len_bytes, len_bytes);
}

bool virtqueue_publish(struct virtqueue *vq)
{
	uint16_t old = vq->used_published, now = vq->used_next;

	if (old == now)
		return false;
	/* Release: the driver sees buffers and entries before the index that covers them. */
	store_release(&vq->used->idx, now);
	vq->used_published = now;
	/* The index must be out before the driver's wish is read, or it could arm its event and
	 * find no new entry just as we find no event armed. */
	smp_mb();
	if (!vq->event_idx)
		return !(load_relaxed(&vq->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	/* 2.7.10: was the entry that it waits for among those just shown? */
	return (uint16_t)(now - load_relaxed(used_event(vq)) - 1) < (uint16_t)(now - old);
}

bool virtqueue_enable_kick(struct virtqueue *vq)
{
	vq->kicks_enabled = true;
	if (vq->event_idx)
		store_relaxed(avail_event(vq), vq->avail_seen);
	else
		store_relaxed(&vq->used->flags, (uint16_t)0);
	/* As in publish: armed before looked at. */
	smp_mb();
	return vq->broken || load_acquire(&vq->avail->idx) != vq->avail_seen;
}

void virtqueue_disable_kick(struct virtqueue *vq)
{
	if (!vq->kicks_enabled)
		return;
	vq->kicks_enabled = false;
	if (vq->event_idx) /* an entry that is already behind: reached again after 65535 others */
		store_relaxed(avail_event(vq), (uint16_t)(vq->avail_seen - 1));
	else
		store_relaxed(&vq->used->flags, (uint16_t)VRING_USED_F_NO_NOTIFY);
}
