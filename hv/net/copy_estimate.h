/* What copying costs, as measured: which engine should do the next copy.
 *
 * The CPU's cost is the ticks of the copy itself, by size class (powers of two). The channel's cost
 * to the CPU is that of preparing, of its part of the doorbell and of fetching the completion: the
 * same for every size. Where the first exceeds the second lies the break-even size. Beyond it a
 * copy still goes to the CPU if the channel has so much to do already that the wait would be out of
 * proportion to what is saved (COPY_PATIENCE).
 *
 * Only arithmetic; all times are in ticks of any clock. */
#ifndef SLUICE_NET_COPY_ESTIMATE_H
#define SLUICE_NET_COPY_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define COPY_CLASS_MIN	  6 /* up to 127 bytes */
#define COPY_CLASS_MAX	  16
#define COPY_CLASSES	  (COPY_CLASS_MAX - COPY_CLASS_MIN + 1)
#define COPY_PATIENCE	  64  /* times what the CPU would take */
#define COPY_PROBE_PERIOD 32  /* every so many copies one goes to the engine not chosen */
#define COPY_PROBE_BYTES  512 /* smaller ones are not given to a channel for that */
#define COPY_TRIAL_PERIOD 32  /* every so many batches that a channel is not worth are a trial */
#define COPY_TRIAL_COPIES 64  /* of a trial, at most */
#define COPY_NEVER_BYTES  UINT32_MAX

/* A running mean; of the newest 8 samples or so. */
struct copy_mean {
	uint32_t value_x16;
};

struct copy_estimate {
	struct copy_mean cpu_ticks[COPY_CLASSES], cpu_bytes[COPY_CLASSES];
	struct copy_mean prepare_ticks, doorbell_ticks, poll_ticks; /* each for one copy */
	struct copy_mean channel_ticks_per_kib;
	struct copy_mean latency_ticks[COPY_CLASSES]; /* of the channel, for its users */
	uint32_t break_even_bytes;
	uint32_t backlog_max_bytes[COPY_CLASSES]; /* what may be before a copy of this class */
	unsigned samples;			  /* since these were computed */
	unsigned until_probe, until_trial;
	unsigned trial; /* so many copies more go to the channel, cheaper or not */
	bool cpu_probe; /* time what the CPU copies now */
};

void copy_estimate_init(struct copy_estimate *e);

static inline unsigned copy_class(uint32_t len_bytes)
{
	unsigned log2 = 31u - (unsigned)__builtin_clz(len_bytes | BIT32(COPY_CLASS_MIN));

	return MIN(log2, (unsigned)COPY_CLASS_MAX) - COPY_CLASS_MIN;
}

void copy_estimate_cpu(struct copy_estimate *e, uint32_t len_bytes, uint64_t ticks);
void copy_estimate_prepare(struct copy_estimate *e, uint64_t ticks);
void copy_estimate_doorbell(struct copy_estimate *e, uint64_t ticks, unsigned copies);
void copy_estimate_poll(struct copy_estimate *e, uint64_t ticks, unsigned copies);
/* The channel did so much in that time. */
void copy_estimate_rate(struct copy_estimate *e, uint64_t len_bytes, uint64_t ticks);
void copy_estimate_latency(struct copy_estimate *e, uint32_t len_bytes, uint64_t ticks);

/* Whether a channel is worth a batch of copies of about that size, which otherwise another core
 * does. Else nothing would be copied here, nor measured: so now and then the answer is yes all the
 * same, and the batch goes to the channel. So does each if this core helps another one: it has the
 * time, whatever a channel costs. */
bool copy_estimate_takes(struct copy_estimate *e, uint32_t len_bytes, bool helps);
/* Whether a channel with that backlog should do this one. */
bool copy_estimate_prefers_channel(
	struct copy_estimate *e, uint32_t len_bytes, uint64_t backlog_bytes);

#endif
