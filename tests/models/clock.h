/* Emulated time for device models: one clock for all models of one machine.
 *
 * Whoever mounts the models (a unit test, the rig, a fuzzer) says what time it is and is told when
 * it must come back; models schedule events. Events run in the order of their time, those of one
 * time in the order in which they were scheduled, and see their own time as the present: a host
 * that comes late changes nothing of what happens, only when the guest notices. Not thread-safe.
 * All times are picoseconds since power-on: a byte takes 800 at 10 Gbit/s, and 64 bits last for
 * 213 days. */
#ifndef SLUICE_MODELS_CLOCK_H
#define SLUICE_MODELS_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_PS_PER_NS UINT64_C(1000)
#define CLOCK_PS_PER_US UINT64_C(1000000)
#define CLOCK_PS_PER_MS UINT64_C(1000000000)
#define CLOCK_PS_PER_S	UINT64_C(1000000000000)
#define CLOCK_NEVER	UINT64_MAX

/* A model's own, zeroed before its first use; not to be moved while it is scheduled. */
struct clock_event {
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t at_ps;
	uint64_t order; /* the clock's */
	size_t slot;	/* the clock's: index in its heap + 1, 0 if not scheduled */
};

struct clock {
	uint64_t now_ps;
	uint64_t order;
	struct clock_event **heap;
	size_t nr, capacity;
	bool advancing;
	/* Called whenever the time of the next event changes; CLOCK_NEVER: there is none. May be
	 * NULL. */
	void (*wake_at)(void *ctx, uint64_t at_ps);
	void *ctx;
};

void clock_init(struct clock *c, void (*wake_at)(void *ctx, uint64_t at_ps), void *ctx);
void clock_destroy(struct clock *c);

static inline uint64_t clock_now(const struct clock *c)
{
	return c->now_ps;
}

/* (Re)schedules e; a time that has passed means as soon as possible, CLOCK_NEVER cancels it. */
void clock_schedule(struct clock *c, struct clock_event *e, uint64_t at_ps);
/* Harmless if e is not scheduled. */
void clock_cancel(struct clock *c, struct clock_event *e);

static inline bool clock_is_scheduled(const struct clock_event *e)
{
	return e->slot != 0;
}

/* CLOCK_NEVER if nothing is scheduled. */
uint64_t clock_next(const struct clock *c);

/* Host side: runs all events up to `to_ps`, then sets the present to it. Time never goes back: an
 * earlier to_ps runs nothing. Not to be called from an event. */
void clock_advance(struct clock *c, uint64_t to_ps);

#endif
