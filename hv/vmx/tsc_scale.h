/* TSC scaling: a guest's TSC of another frequency than the host's. SDM vol. 3C, 25.6.5 and 26.3.
 *
 *     guest TSC = (host TSC * ratio >> 48) + offset
 *
 * A ratio of 0 stands for 1: the control is off. */
#ifndef SLUICE_VMX_TSC_SCALE_H
#define SLUICE_VMX_TSC_SCALE_H

#include <stdint.h>

#define TSC_RATIO_FRACTION_BITS 48

/* 0 if they are equal. host_khz is not 0. */
static inline uint64_t tsc_ratio_of(uint64_t guest_khz, uint64_t host_khz)
{
	if (guest_khz == host_khz)
		return 0;
	return (uint64_t)(((unsigned __int128)guest_khz << TSC_RATIO_FRACTION_BITS) / host_khz);
}

static inline uint64_t tsc_scale(uint64_t host_ticks, uint64_t ratio)
{
	if (!ratio)
		return host_ticks;
	return (uint64_t)(((unsigned __int128)host_ticks * ratio) >> TSC_RATIO_FRACTION_BITS);
}

/* The first host tick at which tsc_scale() gives at least guest_ticks; saturates. */
static inline uint64_t tsc_unscale(uint64_t guest_ticks, uint64_t ratio)
{
	unsigned __int128 host;

	if (!ratio)
		return guest_ticks;
	host = (((unsigned __int128)guest_ticks << TSC_RATIO_FRACTION_BITS) + ratio - 1) / ratio;
	return host > UINT64_MAX ? UINT64_MAX : (uint64_t)host;
}

#endif
