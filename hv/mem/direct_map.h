/* Where host memory is seen.
 *
 *   DIRECT_MAP_BASE  all RAM, RW and NX, at a fixed offset, from the first line of C on
 *   MMIO_BASE        mmio_map()'s windows, uncached, NX
 *   IMAGE_BASE       the hypervisor's image as linked: text RX, rodata R, data and bss RW */
#ifndef SLUICE_MEM_DIRECT_MAP_H
#define SLUICE_MEM_DIRECT_MAP_H

#include <stdint.h>

#define DIRECT_MAP_BASE	 UINT64_C(0xffff800000000000)
#define DIRECT_MAP_BYTES UINT64_C(0x0000400000000000)
#define MMIO_BASE	 UINT64_C(0xffffc00000000000)
#define MMIO_BYTES	 UINT64_C(0x0000008000000000)
#define IMAGE_BASE	 UINT64_C(0xffffffff80000000)

/* RAM only; devices are reached by mmio_map(). */
#define HVA(hpa) ((void *)((uint64_t)(hpa) + DIRECT_MAP_BASE))

/* Of anything in the direct map or in the image (statics, functions): stacks and pages of the
 * allocator are in the direct map. Any other address is a panic. */
uint64_t HPA(const void *hva);

#endif
