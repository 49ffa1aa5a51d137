/* Random numbers of the simulation: the same seed gives the same run. splitmix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
#ifndef SLUICE_SIM_RNG_H
#define SLUICE_SIM_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t rng_next(struct rng *r)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return rng_mix(r->state);
}

/* 0..n-1 */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* Exponentially distributed, at least 1. */
static inline uint64_t rng_exponential(struct rng *r, double mean)
{
	double u = (double)((rng_next(r) >> 11) + 1) / 9007199254740992.0; /* (0, 1] */

	return (uint64_t)(-log(u) * mean) + 1;
}

#endif
