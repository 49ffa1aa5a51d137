/* The driver's side of a split virtqueue; see vring.h. */
#include "vring.h"

#include <stdlib.h>
#include <string.h>

#include "lib/atomic.h"

void test_memory_init(struct test_memory *m, uint64_t gpa, uint64_t len_bytes)
{
	memset(m, 0, sizeof(*m));
	m->bytes = aligned_alloc(4096, len_bytes);
	memset(m->bytes, 0, len_bytes);
	m->gpa = gpa;
	m->len_bytes = len_bytes;
	m->gm.nr_regions = 1;
	m->gm.region[0] = (struct guest_mem_region){ gpa, len_bytes, m->bytes };
}

void test_memory_free(struct test_memory *m)
{
	free(m->bytes);
}

uint64_t test_memory_alloc(struct test_memory *m, uint64_t len_bytes, uint64_t align)
{
	uint64_t off = ALIGN_UP(m->next, align);

	if (off + len_bytes > m->len_bytes)
		abort();
	m->next = off + len_bytes;
	return m->gpa + off;
}

void *test_memory_at(const struct test_memory *m, uint64_t gpa)
{
	return m->bytes + (gpa - m->gpa);
}

void vring_init(struct vring *r, struct test_memory *m, uint16_t size, bool event_idx)
{
	memset(r, 0, sizeof(*r));
	r->mem = m;
	r->size = size;
	r->nr_free = size;
	r->event_idx = event_idx;
	r->conf.size = size;
	r->conf.desc_gpa = test_memory_alloc(m, size * 16u, 16);
	r->conf.driver_gpa = test_memory_alloc(m, 6u + size * 2u, 2);
	r->conf.device_gpa = test_memory_alloc(m, 6u + size * 8u, 4);
	r->desc = test_memory_at(m, r->conf.desc_gpa);
	r->avail = test_memory_at(m, r->conf.driver_gpa);
	r->used = test_memory_at(m, r->conf.device_gpa);
	memset(r->desc, 0, size * 16u);
	memset(r->avail, 0, 6u + size * 2u);
	memset(r->used, 0, 6u + size * 8u);
}

static uint16_t take_free(struct vring *r)
{
	for (uint16_t i = 0; i < r->size; i++) {
		if (!r->in_use[i]) {
			r->in_use[i] = true;
			r->nr_free--;
			return i;
		}
	}
	abort();
}

static struct vring_desc desc_of(const struct vring_buffer *b)
{
	return (struct vring_desc){ b->gpa, b->len_bytes, b->write ? VRING_DESC_F_WRITE : 0, 0 };
}

static void fill_indirect(
	struct vring *r, const struct vring_buffer *b, unsigned nr, uint64_t gpa, uint16_t head)
{
	struct vring_desc *t = test_memory_at(r->mem, gpa);

	for (unsigned i = 0; i < nr; i++) {
		t[i] = desc_of(&b[i]);
		if (i + 1 < nr) {
			t[i].flags |= VRING_DESC_F_NEXT;
			t[i].next = (uint16_t)(i + 1);
		}
	}
	r->desc[head] = (struct vring_desc){ gpa, nr * 16, VRING_DESC_F_INDIRECT, 0 };
	r->chain_len[head] = 1;
}

static void fill_direct(struct vring *r, const struct vring_buffer *b, unsigned nr, uint16_t head)
{
	uint16_t at = head;

	for (unsigned i = 0; i < nr; i++) {
		r->desc[at] = desc_of(&b[i]);
		if (i + 1 < nr) {
			uint16_t next = take_free(r);

			r->desc[at].flags |= VRING_DESC_F_NEXT;
			r->desc[at].next = next;
			at = next;
		}
	}
	r->chain_len[head] = (uint16_t)nr;
}

int vring_add(struct vring *r, const struct vring_buffer *b, unsigned nr, uint64_t indirect_gpa)
{
	uint16_t head;

	if (r->nr_free < (indirect_gpa ? 1 : nr))
		return -1;
	head = take_free(r);
	if (indirect_gpa)
		fill_indirect(r, b, nr, indirect_gpa, head);
	else
		fill_direct(r, b, nr, head);
	r->avail->ring[r->avail->idx & (r->size - 1)] = head;
	store_release(&r->avail->idx, (uint16_t)(r->avail->idx + 1));
	return head;
}

bool vring_publish(struct vring *r)
{
	uint16_t old = r->avail_kicked, now = r->avail->idx;
	uint16_t event;

	r->avail_kicked = now;
	smp_mb();
	if (!r->event_idx)
		return old != now && !(load_relaxed(&r->used->flags) & VRING_USED_F_NO_NOTIFY);
	event = load_relaxed((uint16_t *)(void *)&r->used->ring[r->size]);
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

int vring_take_used(struct vring *r, uint32_t *len_bytes)
{
	struct vring_used_elem *e;
	uint16_t at;

	if (load_acquire(&r->used->idx) == r->used_seen)
		return -1;
	e = &r->used->ring[r->used_seen++ & (r->size - 1)];
	if (len_bytes)
		*len_bytes = e->len_bytes;
	at = (uint16_t)e->id;
	for (uint16_t n = r->chain_len[e->id]; n > 0; n--) {
		r->in_use[at] = false;
		r->nr_free++;
		at = r->desc[at].next;
	}
	r->chain_len[e->id] = 0;
	return (int)e->id;
}

void vring_arm(struct vring *r)
{
	store_relaxed(&r->avail->ring[r->size], r->used_seen);
	store_relaxed(&r->avail->flags, (uint16_t)0);
}
