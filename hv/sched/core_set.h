/* Sets of cores, by index. Plain functions for a set that one owner has; those named _atomic_ for
 * one that many cores change. */
#ifndef SLUICE_SCHED_CORE_SET_H
#define SLUICE_SCHED_CORE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"

#define CORE_SET_MAX   256u /* cores; no more than CPU_MAX are ever there */
#define CORE_SET_WORDS (CORE_SET_MAX / 64)

struct core_set {
	uint64_t word[CORE_SET_WORDS];
};

#define CORE_SET_ALL ((struct core_set){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } })

/* The cores below nr. */
static inline struct core_set core_set_below(unsigned nr)
{
	struct core_set s;

	for (unsigned i = 0; i < CORE_SET_WORDS; i++) {
		unsigned n = nr > 64 * i ? nr - 64 * i : 0;

		s.word[i] = n >= 64 ? UINT64_MAX : BIT64(n) - 1;
	}
	return s;
}

static inline struct core_set core_set_of(unsigned core)
{
	struct core_set s = { { 0 } };

	if (core < CORE_SET_MAX)
		s.word[core / 64] = BIT64(core % 64);
	return s;
}

/* core may be any number. */
static inline bool core_set_has(const struct core_set *s, unsigned core)
{
	return core < CORE_SET_MAX && (load_relaxed(&s->word[core / 64]) >> core % 64 & 1);
}

static inline void core_set_add(struct core_set *s, unsigned core)
{
	if (core < CORE_SET_MAX)
		s->word[core / 64] |= BIT64(core % 64);
}

static inline void core_set_remove(struct core_set *s, unsigned core)
{
	if (core < CORE_SET_MAX)
		s->word[core / 64] &= ~BIT64(core % 64);
}

static inline void core_set_atomic_add(struct core_set *s, unsigned core)
{
	(void)atomic_fetch_or(&s->word[core / 64], BIT64(core % 64));
}

static inline void core_set_atomic_remove(struct core_set *s, unsigned core)
{
	(void)atomic_fetch_and(&s->word[core / 64], ~BIT64(core % 64));
}

/* Either may be one that others change. */
static inline struct core_set core_set_and(const struct core_set *a, const struct core_set *b)
{
	struct core_set s;

	for (unsigned i = 0; i < CORE_SET_WORDS; i++)
		s.word[i] = load_relaxed(&a->word[i]) & load_relaxed(&b->word[i]);
	return s;
}

static inline struct core_set core_set_without(const struct core_set *a, const struct core_set *b)
{
	struct core_set s;

	for (unsigned i = 0; i < CORE_SET_WORDS; i++)
		s.word[i] = load_relaxed(&a->word[i]) & ~load_relaxed(&b->word[i]);
	return s;
}

/* May be one that others change. */
static inline bool core_set_is_empty(const struct core_set *s)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < CORE_SET_WORDS; i++)
		any |= load_relaxed(&s->word[i]);
	return !any;
}

static inline bool core_set_equal(const struct core_set *a, const struct core_set *b)
{
	uint64_t differ = 0;

	for (unsigned i = 0; i < CORE_SET_WORDS; i++)
		differ |= a->word[i] ^ b->word[i];
	return !differ;
}

/* The lowest member that is not below `core`; CORE_SET_MAX if there is none. */
static inline unsigned core_set_next(const struct core_set *s, unsigned core)
{
	for (; core < CORE_SET_MAX; core = (core | 63) + 1) {
		uint64_t w = s->word[core / 64] >> core % 64;

		if (w)
			return core + (unsigned)__builtin_ctzll(w);
	}
	return CORE_SET_MAX;
}

#endif
