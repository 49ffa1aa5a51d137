/* Intrusive doubly linked lists of entities: run queues, sleepers, those that reached their cap. */
#ifndef SLUICE_SCHED_QUEUE_H
#define SLUICE_SCHED_QUEUE_H

#include <stddef.h>

#include "lib/atomic.h"
#include "sched/sched.h"

struct sched_queue {
	struct sched_entity *head;
	unsigned nr; /* read without the lock too */
};

/* Behind `before`; NULL: at the head. */
static inline void queue_insert_after(
	struct sched_queue *q, struct sched_entity *before, struct sched_entity *e)
{
	e->prev = before;
	e->next = before ? before->next : q->head;
	if (e->next)
		e->next->prev = e;
	if (before)
		before->next = e;
	else
		q->head = e;
	store_relaxed(&q->nr, q->nr + 1);
}

static inline void queue_insert(struct sched_queue *q, struct sched_entity *e)
{
	queue_insert_after(q, NULL, e);
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

#endif
