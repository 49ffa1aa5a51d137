/* Senders that wait for room in a queue: work items, woken all at once. No locks.
 *
 * The one that waits adds itself, then looks for room again; the one that makes room does so, then
 * looks for who waits. Whichever comes second sees the other. */
#ifndef SLUICE_NET_WAITERS_H
#define SLUICE_NET_WAITERS_H

#include <stdint.h>

#include "lib/bits.h"
#include "net/work.h"

#define WAITERS_MAX 64

struct waiters {
	uint32_t any __cacheline_aligned; /* atomic */
	struct work *work[WAITERS_MAX];	  /* atomic */
};

/* Schedules w where it ran last. Any core. */
void waiters_wake_one(struct work *w);

/* w is scheduled by the next waiters_wake(), or at once if there is no place left. Any core. The
 * caller looks for room afterwards. */
void waiters_add(struct waiters *l, struct work *w);

/* After room was made. Any core. */
void waiters_wake(struct waiters *l);

#endif
