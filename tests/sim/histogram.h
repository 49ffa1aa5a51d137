/* A histogram with 32 steps in each octave: values to 3%, any range. */
#ifndef SLUICE_SIM_HISTOGRAM_H
#define SLUICE_SIM_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 32u
#define HISTOGRAM_SIZE	(60u * HISTOGRAM_STEPS)

struct histogram {
	uint64_t nr, sum;
	uint64_t count[HISTOGRAM_SIZE];
};

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned octave = 0, step;

	if (value >= 2 * HISTOGRAM_STEPS)
		octave = 63 - (unsigned)__builtin_clzll(value) - 5;
	step = (unsigned)(value >> octave); /* 32..63, or all below 64 */
	h->count[octave * HISTOGRAM_STEPS + step]++;
	h->nr++;
	h->sum += value;
}

/* The value below which so many millionths lie; 0 if there is none at all. */
static inline uint64_t histogram_quantile(const struct histogram *h, uint64_t millionths)
{
	uint64_t left = h->nr * millionths / 1000000;

	for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
		unsigned octave = i < 2 * HISTOGRAM_STEPS ? 0 : i / HISTOGRAM_STEPS - 1;

		if (h->count[i] > left)
			return (uint64_t)(i - octave * HISTOGRAM_STEPS) << octave;
		left -= h->count[i];
	}
	return 0;
}

#endif
