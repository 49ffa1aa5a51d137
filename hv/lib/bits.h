/* Bit, alignment and size arithmetic that every module shares. */
#ifndef SLUICE_LIB_BITS_H
#define SLUICE_LIB_BITS_H

#include <stddef.h>
#include <stdint.h>

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define PAGE_SIZE  4096u
#define PAGE_SHIFT 12
#define PAGE_MASK  (~(uint64_t)(PAGE_SIZE - 1))

/* a must be a power of two; it takes x's type, so that no 32-bit mask cuts a 64-bit x */
#define ALIGN_UP(x, a)	 (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((a)-1)) == 0)

#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	       ((a) < (b) ? (a) : (b))
#define MAX(a, b)	       ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(p, t, m)  ((t *)(void *)((char *)(p)-offsetof(t, m)))
#define CACHE_LINE_BYTES       64
#define __cacheline_aligned    __attribute__((aligned(CACHE_LINE_BYTES)))
#define __must_check	       __attribute__((warn_unused_result))
#define __printf_like(fmt, va) __attribute__((format(printf, fmt, va)))

#endif
