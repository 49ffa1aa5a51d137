/* A device below a switch port, for tests: a bounded queue of frames, and the last frame as its
 * guest would see it. */
#ifndef TESTS_SUPPORT_FAKE_PORT_H
#define TESTS_SUPPORT_FAKE_PORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/errno.h"
#include "net/switch.h"

#define FAKE_QUEUE 64

struct fake_port {
	struct port p;
	pthread_mutex_t lock;
	struct frame *queue[FAKE_QUEUE];
	unsigned capacity, nr;
	bool down;
	uint8_t last[FRAME_BYTES_MAX + ETH_VLAN_BYTES];
	uint32_t last_len;
	struct frame_offload last_offload;
};

static int fake_deliver(struct port *p, struct frame *f)
{
	struct fake_port *fp = CONTAINER_OF(p, struct fake_port, p);
	int r = 0;

	pthread_mutex_lock(&fp->lock);
	if (fp->down)
		r = -ENODEV;
	else if (fp->nr == fp->capacity)
		r = -EAGAIN;
	else
		fp->queue[fp->nr++] = f;
	pthread_mutex_unlock(&fp->lock);
	return r;
}

static void fake_wait_room(struct port *p, struct work *w)
{
	(void)p;
	(void)w;
}

static const struct port_ops fake_ops = { fake_deliver, fake_wait_room };

static inline void fake_port_init(struct fake_port *fp, unsigned capacity)
{
	memset(fp, 0, sizeof(*fp));
	pthread_mutex_init(&fp->lock, NULL);
	fp->p.ops = &fake_ops;
	fp->capacity = capacity;
}

static void fake_take(struct fake_port *fp, struct frame *f)
{
	struct frame_plan plan;

	frame_plan(f, port_wants_tag(&fp->p, f), &plan);
	fp->last_len = 0;
	for (unsigned i = 0; i < plan.nr_pieces + f->nr_segments; i++) {
		const struct frame_segment *s =
			i < plan.nr_pieces ? &plan.piece[i] : &f->segment[i - plan.nr_pieces];

		if (s->len_bytes > sizeof(fp->last) - fp->last_len)
			abort();
		memcpy(fp->last + fp->last_len, s->hva, s->len_bytes);
		fp->last_len += s->len_bytes;
	}
	if (fp->last_len != plan.len_bytes)
		abort();
	fp->last_offload = plan.offload;
	port_count_tx(&fp->p, f);
	frame_put(f);
}

/* Empties the queue; how many frames there were. */
static inline unsigned fake_drain(struct fake_port *fp)
{
	unsigned nr;

	pthread_mutex_lock(&fp->lock);
	nr = fp->nr;
	for (unsigned i = 0; i < nr; i++)
		fake_take(fp, fp->queue[i]);
	fp->nr = 0;
	pthread_mutex_unlock(&fp->lock);
	return nr;
}

static void fake_release(struct frame *f)
{
	free(f->owner);
	free(f);
}

/* A frame with a copy of the bytes; what does not fit the head is split over nr_segments. */
static inline struct frame *fake_frame(
	const uint8_t *bytes, uint32_t len_bytes, unsigned nr_segments)
{
	struct frame *f = aligned_alloc(8, ALIGN_UP(sizeof(*f), 8));
	uint32_t off;

	memset(f, 0, sizeof(*f));
	f->refs = 1;
	f->release = fake_release;
	f->len_bytes = len_bytes;
	f->head_len = (uint16_t)MIN(len_bytes, FRAME_HEAD_BYTES);
	memcpy(f->head, bytes, f->head_len);
	off = f->head_len;
	if (off == len_bytes)
		return f;
	f->owner = malloc(len_bytes - off);
	memcpy(f->owner, bytes + off, len_bytes - off);
	for (unsigned i = 0; off < len_bytes; i++) {
		uint32_t rest = len_bytes - off;
		uint32_t part = i + 1 < nr_segments ? MIN(rest, rest / 3 + 1) : rest;

		f->segment[i].hva = (const uint8_t *)f->owner + (len_bytes - f->head_len - rest);
		f->segment[i].len_bytes = part;
		f->nr_segments++;
		off += part;
	}
	return f;
}

#endif
