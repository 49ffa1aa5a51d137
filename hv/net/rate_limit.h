/* Token bucket, as the generic cell rate algorithm (ITU-T I.371, annex A): one word says when the
 * bucket will be full again, so that many cores share a bucket with one compare-and-swap. */
#ifndef SLUICE_NET_RATE_LIMIT_H
#define SLUICE_NET_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint64_t cost_q24;    /* time a unit takes, in 2^-24 ticks; 0: no limit */
	uint64_t burst_ticks; /* how far ahead of its rate a sender may be; a tick is 2^-10 us */
	uint64_t full_ticks;  /* atomic: when all tokens are back */
};

/* Units (bits, frames) per second, 0 = no limit; the burst as the time it would take at that rate.
 */
void rate_limit_init(struct rate_limit *r, uint64_t units_per_s, uint64_t burst_us);

/* Whether a frame may pass now. Takes nothing: a frame that passes and is then not consumed costs
 * nothing. One frame larger than the burst passes, and the next ones wait for it. */
bool rate_limit_ok(const struct rate_limit *r, uint64_t now_us);
void rate_limit_charge(struct rate_limit *r, uint64_t units, uint64_t now_us);

#endif
