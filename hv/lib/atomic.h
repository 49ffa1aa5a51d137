/* Names for the compiler's atomics, so that the ordering is visible at every use. */
#ifndef SLUICE_LIB_ATOMIC_H
#define SLUICE_LIB_ATOMIC_H

#define load_relaxed(p)	       __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p)	       __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_xchg(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_sub(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_or(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
/* Full barrier: orders a store before a later load (virtio's event-index handshake). */
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* On failure *expected is updated, as in C11. */
#define atomic_cas(p, expected, desired)                                                           \
	__atomic_compare_exchange_n(                                                               \
		(p), (expected), (desired), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

#endif
