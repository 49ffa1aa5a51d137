/* See waiters.h. */
#include "net/waiters.h"

#include "cpu/hw.h"
#include "lib/atomic.h"

void waiters_wake_one(struct work *w)
{
	work_schedule(load_relaxed(&w->worker), w);
}

static bool put(struct waiters *l, struct work *w)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		struct work *other = NULL;

		if (atomic_cas(&l->work[i], &other, w) || other == w)
			return true;
	}
	return false;
}

void waiters_add(struct waiters *l, struct work *w)
{
	if (!put(l, w))
		waiters_wake_one(w);	/* it polls */
	(void)atomic_xchg(&l->any, 1u); /* full barrier: before the caller's second look */
}

void waiters_wake(struct waiters *l)
{
	smp_mb(); /* the room is there before this looks who waits */
	if (!load_relaxed(&l->any) || !atomic_xchg(&l->any, 0u))
		return;
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		struct work *w = load_relaxed(&l->work[i]);

		if (w && (w = atomic_xchg(&l->work[i], NULL)))
			waiters_wake_one(w);
	}
}
