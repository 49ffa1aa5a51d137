/* Events by time, and by their order of arrival where the time is the same: a binary heap. */
#ifndef SLUICE_SIM_EVENT_HEAP_H
#define SLUICE_SIM_EVENT_HEAP_H

#include <stdint.h>

struct event {
	uint64_t when, serial;
	void (*fn)(void *arg);
	void *arg;
};

struct event_heap {
	struct event *event;
	unsigned nr, room;
	uint64_t serial;
};

void event_heap_push(struct event_heap *h, uint64_t when, void (*fn)(void *arg), void *arg);
/* Takes the first one out, and calls it. */
void event_heap_run(struct event_heap *h);
void event_heap_free(struct event_heap *h);

static inline uint64_t event_heap_next(const struct event_heap *h)
{
	return h->nr ? h->event[0].when : UINT64_MAX;
}

#endif
