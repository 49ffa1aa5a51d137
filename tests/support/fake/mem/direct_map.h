/* The direct map of host tests: a host pointer is its own physical address. */
#ifndef SLUICE_MEM_DIRECT_MAP_H
#define SLUICE_MEM_DIRECT_MAP_H

#include <stdint.h>

#define HVA(hpa) ((void *)(uintptr_t)(hpa))

static inline uint64_t HPA(const void *hva)
{
	return (uint64_t)(uintptr_t)hva;
}

#endif
