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

	*vq = (struct virtqueue){ .gm = gm, .recent = &gm->region[0], .broken = true };
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

unsigned virtqueue_nr_avail(struct virtqueue *vq)
{
	unsigned nr;

	vq->avail_seen = load_acquire(&vq->avail->idx); /* as above */
	nr = (uint16_t)(vq->avail_seen - vq->avail_next);
	if (nr > vq->size)
		vq->broken = true;
	return vq->broken ? 0 : nr;
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

__attribute__((noinline)) static void *map_anywhere(
	struct virtqueue *vq, uint64_t gpa, uint32_t len_bytes)
{
	for (unsigned i = 0; i < vq->gm->nr_regions; i++) {
		void *hva = guest_mem_map_in(&vq->gm->region[i], gpa, len_bytes);

		if (hva) {
			vq->recent = &vq->gm->region[i];
			return hva;
		}
	}
	return NULL;
}

/* Buffers tend to lie where the last one was. */
static inline void *map_buffer(struct virtqueue *vq, uint64_t gpa, uint32_t len_bytes)
{
	void *hva = guest_mem_map_in(vq->recent, gpa, len_bytes);

	return hva ? hva : map_anywhere(vq, gpa, len_bytes);
}

/* Adds one buffer. A length of 0 adds nothing. */
static inline int chain_add(
	struct virtqueue *vq, struct virtqueue_chain *c, const struct vring_desc *d)
{
	unsigned n = c->nr_read + c->nr_write;
	void *hva;

	if (d->len_bytes == 0)
		return 0;
	if (!(d->flags & VRING_DESC_F_WRITE) && c->nr_write != 0)
		return -EINVAL;
	if (n == c->segments_max)
		return -E2BIG;
	hva = map_buffer(vq, d->gpa, d->len_bytes);
	if (!hva)
		return -EINVAL;
	c->segment[n] = (struct virtqueue_segment){ hva, d->len_bytes };
	if (d->flags & VRING_DESC_F_WRITE) {
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
__attribute__((noinline)) static int walk_all(struct virtqueue *vq, struct virtqueue_chain *c)
{
	struct table t = { .desc = (const uint8_t *)vq->desc, .nr = vq->size };
	uint32_t i = c->head, budget = vq->size;
	int r = 0;

	c->nr_read = 0;
	c->nr_write = 0;
	c->read_bytes = 0;
	c->write_bytes = 0;
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

/* Most chains are one buffer, which lies where the last one was. */
static int walk(struct virtqueue *vq, struct virtqueue_chain *c)
{
	struct vring_desc d;
	unsigned write;
	uint8_t *hva;

	if (c->head >= vq->size)
		return -EPROTO;
	d = desc_read((const uint8_t *)&vq->desc[c->head]);
	hva = guest_mem_map_in(vq->recent, d.gpa, d.len_bytes);
	if (d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT) || !hva || !c->segments_max)
		return walk_all(vq, c);
	write = (d.flags & VRING_DESC_F_WRITE) != 0;
	c->segment[0] = (struct virtqueue_segment){ hva, d.len_bytes };
	c->nr_write = write;
	c->nr_read = 1 - write;
	c->write_bytes = write ? d.len_bytes : 0;
	c->read_bytes = write ? 0 : d.len_bytes;
	return 0;
}

int virtqueue_pop_chain(struct virtqueue *vq, struct virtqueue_chain *c)
{
	int r;

	if (!look_for_avail(vq) && !vq->broken)
		return -EAGAIN;
	if (vq->broken)
		return -EPROTO;
	c->head = load_relaxed(&vq->avail->ring[vq->avail_next & (vq->size - 1)]);
	r = walk(vq, c);
	if (r == -EPROTO)
		vq->broken = true;
	else
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
		virtqueue_skip(r, n);
	}
	return done;
}

void virtqueue_unpop(struct virtqueue *vq, unsigned nr)
{
	vq->avail_next = (uint16_t)(vq->avail_next - nr);
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
