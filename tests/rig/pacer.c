#define _GNU_SOURCE
#include "pacer.h"

#include <string.h>
#include <time.h>

#include "profile.h"

#define NS_PER_S     UINT64_C(1000000000)
#define PS_PER_NS    1000
#define AHEAD_MAX_NS UINT64_C(1000000)
/* so that the emulator still sees signals and its other timers in time */
#define SLEEP_MAX_NS UINT64_C(100000000)

static uint64_t real_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void pacer_init(struct pacer *p)
{
	memset(p, 0, sizeof(*p));
}

void pacer_add(struct pacer *p, int fd)
{
	if (p->nr_fds < PACER_FDS_MAX)
		p->fd[p->nr_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

void pacer_remove(struct pacer *p, int fd)
{
	for (unsigned i = 0; i < p->nr_fds; i++)
		if (p->fd[i].fd == fd) {
			p->fd[i] = p->fd[--p->nr_fds];
			return;
		}
}

void pacer_wait(struct pacer *p, uint64_t now_ps)
{
	uint64_t now_ns = now_ps / PS_PER_NS, real_ns = real_now_ns();
	uint64_t emulated = now_ns - p->emulated_ns, real = real_ns - p->real_ns, ahead;
	struct timespec t;

	if (!p->started || emulated <= real) {
		p->started = true;
		p->emulated_ns = now_ns;
		p->real_ns = real_ns;
		return;
	}
	ahead = emulated - real;
	if (ahead < AHEAD_MAX_NS)
		return;
	ahead = ahead < SLEEP_MAX_NS ? ahead : SLEEP_MAX_NS;
	t.tv_sec = 0;
	t.tv_nsec = (long)ahead;
	ppoll(p->fd, p->nr_fds, &t, NULL);
	profile.asleep_ns += real_now_ns() - real_ns;
}
