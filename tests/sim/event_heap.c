/* A binary heap of events; see event_heap.h. */
#include "event_heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->when != b->when ? a->when < b->when : a->serial < b->serial;
}

void event_heap_push(struct event_heap *h, uint64_t when, void (*fn)(void *arg), void *arg)
{
	struct event e = { when, h->serial++, fn, arg };
	unsigned i = h->nr++;

	if (h->nr > h->room) {
		h->room = h->room ? 2 * h->room : 256;
		h->event = realloc(h->event, h->room * sizeof(e));
		ASSERT(h->event);
	}
	for (; i && before(&e, &h->event[(i - 1) / 2]); i = (i - 1) / 2)
		h->event[i] = h->event[(i - 1) / 2];
	h->event[i] = e;
}

/* Puts the last one in the place of the first. */
static void sift(struct event_heap *h)
{
	struct event e = h->event[--h->nr];
	unsigned i = 0;

	for (;;) {
		unsigned child = 2 * i + 1;

		if (child + 1 < h->nr && before(&h->event[child + 1], &h->event[child]))
			child++;
		if (child >= h->nr || !before(&h->event[child], &e))
			break;
		h->event[i] = h->event[child];
		i = child;
	}
	h->event[i] = e;
}

void event_heap_run(struct event_heap *h)
{
	struct event e = h->event[0];

	sift(h);
	e.fn(e.arg);
}

void event_heap_free(struct event_heap *h)
{
	free(h->event);
	memset(h, 0, sizeof(*h));
}
