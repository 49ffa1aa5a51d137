/* Intrusive doubly linked lists of entities, in the scheduler's run queues and sleepers. */
#ifndef SLUICE_SCHED_QUEUE_H
#define SLUICE_SCHED_QUEUE_H

#include <stddef.h>

#include "lib/atomic.h"
#include "sched/sched.h"

struct sched_queue {
	struct sched_entity *head;
	unsigned nr; /* read without the lock too */
};

static inline void queue_insert(struct sched_queue *q, struct sched_entity *e)
{
	e->prev = NULL;
	e->next = q->head;
	if (q->head)
		q->head->prev = e;
	q->head = e;
	store_relaxed(&q->nr, q->nr + 1);
}

static inline void queue_remove(struct sched_queue *q, struct sched_entity *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		q->head = e->next;
	if (e->next)
		e->next->prev = e->prev;
	e->next = e->prev = NULL;
	store_relaxed(&q->nr, q->nr - 1);
}

/* The entity that has had least for its weight, NULL if there is none. */
static inline struct sched_entity *queue_least(const struct sched_queue *q)
{
	struct sched_entity *best = q->head;

	for (struct sched_entity *e = q->head; e; e = e->next)
		if ((int64_t)(e->vruntime - best->vruntime) < 0)
			best = e;
	return best;
}

#endif
