/* Where a vCPU is, as the scheduler publishes it: one 64-bit word, read in one load.
 *
 * Packet code picks the core that shall do a vCPU's packet work from it, and nothing else of the
 * scheduler is visible to packet code. */
#ifndef SLUICE_SCHED_HINT_H
#define SLUICE_SCHED_HINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"

enum hint_state { HINT_ASLEEP, HINT_QUEUED, HINT_RUNNING };

/* [63:32] expected wait in microseconds (QUEUED only), [31:16] core, [7:0] enum hint_state. */
struct sched_hint {
	uint64_t word;
	uint32_t held; /* atomic; packet code left something to do until the vCPU is scheduled in */
	uint32_t helper; /* atomic; hint_helper() + 1 */
};

#define HINT_NO_HELPER UINT32_MAX

static inline uint64_t hint_pack(enum hint_state state, unsigned core, uint32_t wait_us)
{
	return ((uint64_t)wait_us << 32) | ((uint64_t)(core & 0xffff) << 16) | (uint64_t)state;
}

static inline void hint_publish(
	struct sched_hint *h, enum hint_state s, unsigned core, uint32_t wait_us)
{
	store_release(&h->word, hint_pack(s, core, wait_us));
}

static inline uint64_t hint_read(const struct sched_hint *h)
{
	return load_acquire(&h->word);
}

static inline enum hint_state hint_state(uint64_t word)
{
	return (enum hint_state)(word & 0xff);
}

static inline unsigned hint_core(uint64_t word)
{
	return (unsigned)(word >> 16) & 0xffff;
}

static inline uint32_t hint_wait_us(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* A core near the vCPU's that has nothing else to do than the vCPU's packet work: sched/help.c. Or
 * HINT_NO_HELPER. */
static inline unsigned hint_helper(const struct sched_hint *h)
{
	return load_relaxed(&h->helper) - 1;
}

static inline void hint_set_helper(struct sched_hint *h, unsigned core)
{
	store_relaxed(&h->helper, core + 1);
}

/* The one who gets true does what was held: packet code or the scheduler, never both. */
static inline bool hint_take_held(struct sched_hint *h)
{
	return load_relaxed(&h->held) && atomic_xchg(&h->held, 0u);
}

/* Packet code, after it has written what it wants to be found then: work is left for the moment at
 * which the vCPU is scheduled in. True if the scheduler will see to it (sched_entity.held_work);
 * false if the vCPU runs meanwhile and the caller has to do the work itself, now. A vCPU that is
 * asleep by then is scheduled in only if somebody wakes it: after true the caller reads the word
 * again and does that; what it has read before may be old.
 *
 * The scheduler publishes RUNNING, then looks at `held`, with a barrier between, as here between
 * the flag and the word: one of the two sees the other. */
static inline bool hint_hold(struct sched_hint *h)
{
	store_release(&h->held, 1u);
	smp_mb();
	return hint_state(hint_read(h)) != HINT_RUNNING || !hint_take_held(h);
}

#endif
