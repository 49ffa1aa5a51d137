/* kvmclock: see pvclock.h. */
#include "vm/pvclock.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MSR_ENABLE	   BIT64(0)
#define SYSTEM_TIME_ALIGN  4u
#define STEAL_TIME_ALIGN   64u
#define PVCLOCK_TSC_STABLE 0x01
#define NS_PER_S	   UINT64_C(1000000000)

struct pvclock_system_time {
	uint32_t version; /* odd while being written */
	uint32_t pad;
	uint64_t tsc_timestamp;
	uint64_t system_time_ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags;
	uint8_t pad2[2];
};
_Static_assert(sizeof(struct pvclock_system_time) == 32, "msr.rst");

struct pvclock_wall_clock {
	uint32_t version, sec, nsec;
};

struct pvclock_steal_time {
	uint64_t steal_ns;
	uint32_t version;
	uint32_t flags;
	uint8_t preempted;
	uint8_t pad[47];
};
_Static_assert(sizeof(struct pvclock_steal_time) == 64, "msr.rst");

/* Normalised so that mul has its top bit set: full precision, and no overflow in 96 bits. */
struct pvclock_scale pvclock_scale_of(uint32_t tsc_khz)
{
	struct pvclock_scale s = { 0 };
	uint64_t hz = (uint64_t)tsc_khz * 1000, ns = NS_PER_S;

	for (; hz > 2 * ns; hz >>= 1)
		s.shift--;
	for (; hz <= ns; hz <<= 1)
		s.shift++;
	/* Ratio of the exact frequency, not of the halved one. */
	hz = (uint64_t)tsc_khz * 1000;
	if (s.shift < 0)
		ns <<= -s.shift;
	else
		hz <<= s.shift;
	s.mul = (uint32_t)((unsigned __int128)ns * BIT64(32) / hz);
	return s;
}

uint64_t pvclock_ns(struct pvclock_scale s, uint64_t ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (uint64_t)(((unsigned __int128)ticks * s.mul) >> 32);
}

static bool valid(const struct guest_mem *gm, uint64_t gpa, uint64_t len, uint64_t align)
{
	return IS_ALIGNED(gpa, align) && guest_mem_map(gm, gpa, len);
}

/* Readers retry while the version is odd or has changed: payload between the two stores. x86
 * keeps stores in order, release keeps the compiler from moving them. */
static void version_begin(uint32_t *guest_version, uint32_t *version)
{
	*version |= 1;
	store_release(guest_version, *version);
	smp_mb();
}

static void version_end(uint32_t *guest_version, uint32_t *version)
{
	store_release(guest_version, ++*version);
}

void pvclock_update(struct pvclock_vcpu *v, const struct pvclock *c, const struct guest_mem *gm)
{
	struct pvclock_system_time *t;

	if (!(v->system_time_msr & MSR_ENABLE))
		return;
	t = guest_mem_map(gm, v->system_time_msr & ~MSR_ENABLE, sizeof(*t));
	if (!t)
		return;
	version_begin(&t->version, &v->system_version);
	t->pad = 0;
	t->tsc_timestamp = c->tsc_base;
	t->system_time_ns = 0;
	t->mul = c->scale.mul;
	t->shift = c->scale.shift;
	t->flags = PVCLOCK_TSC_STABLE;
	version_end(&t->version, &v->system_version);
}

void pvclock_update_steal(
	struct pvclock_vcpu *v, const struct guest_mem *gm, uint64_t steal_ns, bool preempted)
{
	struct pvclock_steal_time *t;

	if (!(v->steal_time_msr & MSR_ENABLE))
		return;
	t = guest_mem_map(gm, v->steal_time_msr & ~MSR_ENABLE, sizeof(*t));
	if (!t)
		return;
	version_begin(&t->version, &v->steal_version);
	t->steal_ns = steal_ns;
	t->flags = 0;
	t->preempted = preempted;
	version_end(&t->version, &v->steal_version);
}

static int write_wall_clock(const struct pvclock *c, const struct guest_mem *gm, uint64_t gpa)
{
	struct pvclock_wall_clock w = { .version = 2 };

	if (!valid(gm, gpa, sizeof(w), SYSTEM_TIME_ALIGN))
		return -EINVAL;
	w.sec = (uint32_t)(c->wall_base_ns / NS_PER_S);
	w.nsec = (uint32_t)(c->wall_base_ns % NS_PER_S);
	return guest_mem_write(gm, gpa, &w, sizeof(w));
}

static int write_system_time(
	struct pvclock_vcpu *v, const struct pvclock *c, const struct guest_mem *gm, uint64_t value)
{
	uint64_t gpa = value & ~MSR_ENABLE;

	if ((value & MSR_ENABLE) &&
		!valid(gm, gpa, sizeof(struct pvclock_system_time), SYSTEM_TIME_ALIGN))
		return -EINVAL;
	v->system_time_msr = value;
	pvclock_update(v, c, gm);
	return 0;
}

static int write_steal_time(struct pvclock_vcpu *v, const struct guest_mem *gm, uint64_t value)
{
	uint64_t gpa = value & ~MSR_ENABLE;

	if ((value & MSR_ENABLE) &&
		!valid(gm, gpa, sizeof(struct pvclock_steal_time), STEAL_TIME_ALIGN))
		return -EINVAL;
	v->steal_time_msr = value;
	return 0;
}

int pvclock_write_msr(struct pvclock_vcpu *v, const struct pvclock *c, const struct guest_mem *gm,
	uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		return write_wall_clock(c, gm, value);
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return write_system_time(v, c, gm, value);
	case MSR_KVM_STEAL_TIME:
		return write_steal_time(v, gm, value);
	default:
		return -ENOENT;
	}
}

int pvclock_read_msr(const struct pvclock_vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = 0;
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = v->system_time_msr;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*value = v->steal_time_msr;
		return 0;
	default:
		return -ENOENT;
	}
}
