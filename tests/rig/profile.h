/* What the models cost: host time spent in them, by what called them. Off: one branch a call. */
#ifndef SLUICE_RIG_PROFILE_H
#define SLUICE_RIG_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum profile_kind {
	PROFILE_ACCESS, /* of a CPU to a register or to configuration space */
	PROFILE_EVENT,	/* of the clock */
	PROFILE_KINDS
};

struct profile {
	bool on;
	struct timespec started, started_cpu;
	uint64_t nr[PROFILE_KINDS], ns[PROFILE_KINDS];
	uint64_t asleep_ns; /* on purpose (pacer.h): no cost of a model */
};

extern struct profile profile;

/* Time awake. */
static inline uint64_t profile_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec - profile.asleep_ns;
}

static inline uint64_t profile_enter(void)
{
	return profile.on ? profile_now_ns() : 0;
}

static inline void profile_leave(enum profile_kind kind, uint64_t started)
{
	if (profile.on) {
		profile.nr[kind]++;
		profile.ns[kind] += profile_now_ns() - started;
	}
}

void profile_start(void);
/* "name value" lines; times in nanoseconds since profile_start(). */
void profile_print(FILE *out);

#endif
