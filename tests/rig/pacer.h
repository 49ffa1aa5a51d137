/* Keeps emulated time from running ahead of real time while a wire leads to the host: an idle
 * emulator skips to its next timer, so that every timeout against the world outside would be early.
 * Instead the emulator sleeps until the time is due or something comes. Where it is slower than
 * real time, nothing is caught up. */
#ifndef SLUICE_RIG_PACER_H
#define SLUICE_RIG_PACER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define PACER_FDS_MAX 16

struct pacer {
	struct pollfd fd[PACER_FDS_MAX]; /* what ends a sleep */
	unsigned nr_fds;
	bool started;
	uint64_t emulated_ns, real_ns; /* moments that are the same */
};

void pacer_init(struct pacer *p);
/* More than PACER_FDS_MAX are not waited for. */
void pacer_add(struct pacer *p, int fd);
void pacer_remove(struct pacer *p, int fd);
/* Sleeps if emulated time is ahead. */
void pacer_wait(struct pacer *p, uint64_t now_ps);

#endif
