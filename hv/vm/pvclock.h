/* kvmclock: system time, wall clock and steal time in guest memory.
 * Linux Documentation/virt/kvm/x86/msr.rst.
 *
 * The guest's TSC is stable and the same on all its vCPUs, so system time is written when a vCPU
 * registers and again only when the clock itself changes (a reset, a pause that stopped the TSC).
 */
#ifndef SLUICE_VM_PVCLOCK_H
#define SLUICE_VM_PVCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/guest_mem.h"

#define MSR_KVM_WALL_CLOCK	0x11u
#define MSR_KVM_SYSTEM_TIME	0x12u
#define MSR_KVM_WALL_CLOCK_NEW	0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define MSR_KVM_STEAL_TIME	0x4b564d03u

/* nanoseconds = ((ticks << shift) * mul) >> 32, a negative shift going right. */
struct pvclock_scale {
	uint32_t mul;
	int8_t shift;
};

/* Per guest */
struct pvclock {
	struct pvclock_scale scale;
	uint64_t tsc_base;     /* guest TSC at system time 0 */
	uint64_t wall_base_ns; /* since 1970 at system time 0; 0 if nobody knows */
};

/* Per vCPU; zeroed by reset. */
struct pvclock_vcpu {
	uint64_t system_time_msr, steal_time_msr;
	uint32_t system_version, steal_version;
};

/* tsc_khz must not be 0. */
struct pvclock_scale pvclock_scale_of(uint32_t tsc_khz);
uint64_t pvclock_ns(struct pvclock_scale s, uint64_t ticks);

/* 0; -ENOENT: not one of these MSRs; -EINVAL: inject #GP. */
int pvclock_write_msr(struct pvclock_vcpu *v, const struct pvclock *c, const struct guest_mem *gm,
	uint32_t msr, uint64_t value) __must_check;
int pvclock_read_msr(const struct pvclock_vcpu *v, uint32_t msr, uint64_t *value) __must_check;

/* Publishes the clock again, from the vCPU's own core or while it does not run. */
void pvclock_update(struct pvclock_vcpu *v, const struct pvclock *c, const struct guest_mem *gm);

/* steal_ns: in total, since the vCPU's start, how long it was runnable and did not run.
 * preempted: it is being switched out while runnable. At schedule-in and schedule-out. */
void pvclock_update_steal(
	struct pvclock_vcpu *v, const struct guest_mem *gm, uint64_t steal_ns, bool preempted);

#endif
