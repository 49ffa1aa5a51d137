/* Ticket spinlock. The hypervisor runs with interrupts off, so there is no irq variant. */
#ifndef SLUICE_LIB_SPINLOCK_H
#define SLUICE_LIB_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"

struct spinlock {
	uint32_t next;
	uint32_t owner;
};

static inline void spin_lock(struct spinlock *l)
{
	uint32_t ticket = atomic_fetch_add(&l->next, 1);

	while (load_acquire(&l->owner) != ticket)
		cpu_relax();
}

static inline bool spin_trylock(struct spinlock *l)
{
	uint32_t owner = load_relaxed(&l->owner);

	return atomic_cas(&l->next, &owner, owner + 1);
}

static inline void spin_unlock(struct spinlock *l)
{
	store_release(&l->owner, l->owner + 1);
}

#endif
