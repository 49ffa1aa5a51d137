/* Local APIC: the x2APIC MSRs. SDM vol. 3A, 11.12.1.2 and table 11-6: a reserved register, a write
 * to a read-only one, a read of a write-only one, and a reserved bit all raise #GP. */
#include "dev/lapic.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

#define SVR_WRITABLE	0x3ffu /* vector, enable, focus checking */
#define DIVIDE_WRITABLE 0xbu
#define ICR_RESERVED	UINT64_C(0xfff32000)
#define ICR_PENDING	BIT64(12) /* no longer there in x2APIC mode; ignored */

/* Vector, delivery status and mask, which every LVT entry has. */
#define LVT_COMMON     0x110ffu
#define LVT_MODE       0x700u
#define LVT_TIMER_MODE 0x60000u
#define LVT_PIN	       0xe000u /* polarity, remote IRR, trigger mode */
#define LVT_READ_ONLY  0x5000u /* delivery status, remote IRR: ignored on write */

static uint32_t *reg(struct lapic *l, unsigned off)
{
	return &l->regs[off / 4];
}

static uint32_t lvt_bits(unsigned off)
{
	switch (off) {
	case LAPIC_LVT_TIMER:
		return LVT_COMMON | LVT_TIMER_MODE;
	case LAPIC_LVT_ERROR:
		return LVT_COMMON;
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
		return LVT_COMMON | LVT_MODE | LVT_PIN;
	default:
		return LVT_COMMON | LVT_MODE;
	}
}

static int write_lvt(struct lapic *l, unsigned off, uint32_t v)
{
	if ((v & ~lvt_bits(off)) || (off == LAPIC_LVT_TIMER && (v >> 17 & 3) == 3))
		return -EINVAL;
	v &= ~LVT_READ_ONLY;
	if (!(*reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE))
		v |= LAPIC_LVT_MASKED;
	if (off == LAPIC_LVT_TIMER)
		lapic_timer_write_lvt(l, v);
	else
		store_relaxed(reg(l, off), v); /* the error entry is read by other cores */
	return 0;
}

/* Software-disabling masks every LVT entry (11.4.7.2). */
static int write_svr(struct lapic *l, uint32_t v)
{
	if (v & ~SVR_WRITABLE)
		return -EINVAL;
	store_relaxed(reg(l, LAPIC_SVR), v);
	if (v & LAPIC_SVR_ENABLE)
		return 0;
	for (unsigned off = LAPIC_LVT_THERMAL; off <= LAPIC_LVT_ERROR; off += 16)
		store_relaxed(reg(l, off), *reg(l, off) | LAPIC_LVT_MASKED);
	lapic_timer_write_lvt(l, *reg(l, LAPIC_LVT_TIMER) | LAPIC_LVT_MASKED);
	return 0;
}

/* A message with an illegal vector is not sent, but recorded (11.5.3). */
static bool send_illegal(struct lapic *l, const struct lapic_ipi *ipi)
{
	if (ipi->vector >= 16 || (ipi->mode != LAPIC_FIXED && ipi->mode != LAPIC_LOWEST))
		return false;
	lapic_raise_error(l, LAPIC_ESR_SEND_ILLEGAL_VECTOR);
	return true;
}

static int write_icr(struct lapic *l, uint64_t v)
{
	struct lapic_ipi ipi = lapic_ipi_decode(v);

	if (v & ICR_RESERVED)
		return -EINVAL;
	v &= ~ICR_PENDING;
	memcpy(reg(l, LAPIC_ICR), &v, sizeof(v));
	if (!send_illegal(l, &ipi))
		l->ops->send_ipi(l->ctx, v);
	return 0;
}

static int write_self_ipi(struct lapic *l, uint32_t v)
{
	struct lapic_ipi ipi = { .vector = (uint8_t)v, .mode = LAPIC_FIXED };

	if (v > 0xff)
		return -EINVAL;
	if (!send_illegal(l, &ipi) && (*reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE))
		lapic_raise(l, ipi.vector);
	return 0;
}

static int write_tpr(struct lapic *l, uint32_t v)
{
	if (v > 0xff)
		return -EINVAL;
	lapic_set_tpr(l, (uint8_t)v);
	return 0;
}

static int write_eoi(struct lapic *l, uint32_t v)
{
	if (v)
		return -EINVAL;
	lapic_eoi(l);
	return 0;
}

/* A write of 0 shows what was recorded since the last one. */
static int write_esr(struct lapic *l, uint32_t v)
{
	if (v)
		return -EINVAL;
	*reg(l, LAPIC_ESR) = atomic_xchg(&l->errors, 0);
	return 0;
}

static int write_timer(struct lapic *l, unsigned off, uint32_t v)
{
	if (off == LAPIC_TIMER_INITIAL) {
		lapic_timer_write_initial(l, v);
		return 0;
	}
	if (v & ~DIVIDE_WRITABLE)
		return -EINVAL;
	lapic_timer_write_divide(l, v);
	return 0;
}

int lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t v)
{
	unsigned off = (msr - MSR_X2APIC_FIRST) * 16;
	uint32_t low = (uint32_t)v;

	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST)
		return -EINVAL;
	if (off == LAPIC_ICR)
		return write_icr(l, v);
	if (v >> 32)
		return -EINVAL;
	switch (off) {
	case LAPIC_TPR:
		return write_tpr(l, low);
	case LAPIC_EOI:
		return write_eoi(l, low);
	case LAPIC_SVR:
		return write_svr(l, low);
	case LAPIC_ESR:
		return write_esr(l, low);
	case LAPIC_LVT_TIMER ... LAPIC_LVT_ERROR:
		return write_lvt(l, off, low);
	case LAPIC_TIMER_INITIAL:
	case LAPIC_TIMER_DIVIDE:
		return write_timer(l, off, low);
	case LAPIC_SELF_IPI:
		return write_self_ipi(l, low);
	default:
		return -EINVAL;
	}
}

int lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *v)
{
	unsigned off = (msr - MSR_X2APIC_FIRST) * 16;

	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST)
		return -EINVAL;
	switch (off) {
	case LAPIC_PPR:
		*v = lapic_ppr(l);
		return 0;
	case LAPIC_TIMER_CURRENT:
		*v = lapic_timer_current(l);
		return 0;
	case LAPIC_IRR:
		*v = *reg(l, LAPIC_IRR) & ~LAPIC_IRR_ANCHOR;
		return 0;
	case LAPIC_ICR:
		memcpy(v, reg(l, LAPIC_ICR), sizeof(*v));
		return 0;
	case LAPIC_ID:
	case LAPIC_VERSION:
	case LAPIC_TPR:
	case LAPIC_LDR:
	case LAPIC_SVR ... LAPIC_IRR - 16:
	case LAPIC_IRR + 16 ... LAPIC_ESR:
	case LAPIC_LVT_TIMER ... LAPIC_TIMER_INITIAL:
	case LAPIC_TIMER_DIVIDE:
		*v = *reg(l, off);
		return 0;
	default:
		return -EINVAL;
	}
}
