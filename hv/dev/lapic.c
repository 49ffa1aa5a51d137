/* Local APIC: interrupt state, posting, priorities and destinations; see lapic.h. */
#include "dev/lapic.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

#define LAPIC_BASE_DEFAULT UINT64_C(0xfee00000)
#define LAPIC_BASE_BSP	   BIT64(8)
#define LAPIC_BASE_EXTD	   BIT64(10)
#define LAPIC_BASE_EN	   BIT64(11)

/* Integrated APIC, six LVT entries, no suppression of EOI broadcasts. */
#define LAPIC_VERSION_VALUE 0x00050014u

#define VECTOR_FIRST 16 /* 0-15 are illegal in an interrupt message (11.8.2) */

static uint32_t reg(const struct lapic *l, unsigned off)
{
	return load_relaxed(&l->regs[off / 4]);
}

static void set_reg(struct lapic *l, unsigned off, uint32_t v)
{
	store_relaxed(&l->regs[off / 4], v);
}

static unsigned vector_reg(unsigned base, uint8_t vector)
{
	return base + (vector / 32u) * 16u;
}

static bool test_vector(const struct lapic *l, unsigned base, uint8_t vector)
{
	return reg(l, vector_reg(base, vector)) & BIT32(vector % 32);
}

static void set_vector(struct lapic *l, unsigned base, uint8_t vector)
{
	unsigned off = vector_reg(base, vector);

	set_reg(l, off, reg(l, off) | BIT32(vector % 32));
}

static void clear_vector(struct lapic *l, unsigned base, uint8_t vector)
{
	unsigned off = vector_reg(base, vector);

	set_reg(l, off, reg(l, off) & ~BIT32(vector % 32));
}

static int highest_vector(const struct lapic *l, unsigned base)
{
	for (int i = 7; i >= 0; i--) {
		uint32_t word = reg(l, base + (unsigned)i * 16u);

		if (word)
			return i * 32 + 31 - __builtin_clz(word);
	}
	return -1;
}

static uint32_t ldr_of(uint32_t id)
{
	return ((id >> 4) << 16) | BIT32(id & 0xf);
}

void lapic_init(struct lapic *l, uint32_t id, bool bsp, void *page, struct pi_desc *pi,
	const struct lapic_ops *ops, void *ctx)
{
	*l = (struct lapic){ .regs = page, .pi = pi, .ops = ops, .ctx = ctx, .id = id, .bsp = bsp };
	lapic_reset(l);
}

void lapic_reset(struct lapic *l)
{
	atomic_fetch_and(&l->pi->control, ~PI_ON);
	store_release(&l->level_posted, 0);
	for (unsigned i = 0; i < 4; i++) {
		atomic_xchg(&l->pi->pir[i], 0);
		atomic_xchg(&l->level[i], 0);
	}
	atomic_xchg(&l->errors, 0);
	l->timer_armed = false;
	memset(l->regs, 0, PAGE_SIZE);
	set_reg(l, LAPIC_ID, l->id);
	set_reg(l, LAPIC_VERSION, LAPIC_VERSION_VALUE);
	set_reg(l, LAPIC_LDR, ldr_of(l->id));
	set_reg(l, LAPIC_SVR, 0xff);
	for (unsigned off = LAPIC_LVT_TIMER; off <= LAPIC_LVT_ERROR; off += 16)
		set_reg(l, off, LAPIC_LVT_MASKED);
	/* Never cleared, never delivered: its class is 0. lapic_sync() may empty the descriptor
	 * while the notification is still on its way. A processor then takes the highest vector of
	 * IRR as the requested one, and an emulator that finds none in IRR delivers 255, for which
	 * no guest sends an EOI. */
	set_reg(l, LAPIC_IRR, LAPIC_IRR_ANCHOR);
}

/* Publishes a vector: the bit first, then ON, so that whoever clears ON finds the bit. */
static bool post_bit(struct lapic *l, uint8_t vector)
{
	atomic_fetch_or(&l->pi->pir[vector / 64], BIT64(vector % 64));
	return !(atomic_fetch_or(&l->pi->control, PI_ON) & PI_ON);
}

/* Records an error. The vector of the error interrupt, or -1 if it is masked or itself illegal. */
static int record_error(struct lapic *l, uint32_t esr_bit)
{
	uint32_t lvt = reg(l, LAPIC_LVT_ERROR);

	atomic_fetch_or(&l->errors, esr_bit);
	if (lvt & LAPIC_LVT_MASKED)
		return -1;
	if ((lvt & 0xff) < VECTOR_FIRST) {
		atomic_fetch_or(&l->errors, LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
		return -1;
	}
	return (int)(lvt & 0xff);
}

/* A message with an illegal vector came in from another core. */
static bool post_illegal(struct lapic *l)
{
	int vector = record_error(l, LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);

	return vector >= 0 && post_bit(l, (uint8_t)vector);
}

/* A software-disabled APIC accepts no fixed interrupts (11.4.7.2). */
static bool enabled(const struct lapic *l)
{
	return reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

bool lapic_post(struct lapic *l, uint8_t vector)
{
	if (!enabled(l))
		return false;
	if (vector < VECTOR_FIRST)
		return post_illegal(l);
	return post_bit(l, vector);
}

bool lapic_post_level(struct lapic *l, uint8_t vector)
{
	if (!enabled(l))
		return false;
	if (vector < VECTOR_FIRST)
		return post_illegal(l);
	atomic_fetch_or(&l->level[vector / 64], BIT64(vector % 64));
	return !atomic_xchg(&l->level_posted, 1);
}

bool lapic_posted(const struct lapic *l)
{
	return (load_acquire(&l->pi->control) & PI_ON) || load_acquire(&l->level_posted);
}

/* Merges 64 vectors into IRR. TMR says how each was triggered last; it must not change under an
 * interrupt that is still to be ended. */
static void merge(struct lapic *l, unsigned word, uint64_t vectors, bool level)
{
	for (unsigned half = 0; half < 2; half++) {
		uint32_t bits = (uint32_t)(vectors >> (32 * half));
		unsigned step = (word * 2 + half) * 16;
		uint32_t irr = reg(l, LAPIC_IRR + step), tmr = reg(l, LAPIC_TMR + step);
		uint32_t busy = irr | reg(l, LAPIC_ISR + step);

		if (!bits)
			continue;
		set_reg(l, LAPIC_TMR + step, level ? tmr | bits : tmr & ~(bits & ~busy));
		set_reg(l, LAPIC_IRR + step, irr | bits);
	}
}

void lapic_sync(struct lapic *l)
{
	if (load_acquire(&l->pi->control) & PI_ON) {
		/* ON first: a vector posted from here on sets it again and notifies. */
		atomic_fetch_and(&l->pi->control, ~PI_ON);
		for (unsigned i = 0; i < 4; i++)
			merge(l, i, atomic_xchg(&l->pi->pir[i], 0), false);
	}
	if (load_acquire(&l->level_posted)) {
		atomic_xchg(&l->level_posted, 0);
		for (unsigned i = 0; i < 4; i++)
			merge(l, i, atomic_xchg(&l->level[i], 0), true);
	}
}

static void raise_legal(struct lapic *l, uint8_t vector)
{
	merge(l, vector / 64u, BIT64(vector % 64), false);
}

void lapic_raise_error(struct lapic *l, uint32_t esr_bit)
{
	int vector = record_error(l, esr_bit);

	if (vector >= 0)
		raise_legal(l, (uint8_t)vector);
}

void lapic_raise(struct lapic *l, uint8_t vector)
{
	if (vector < VECTOR_FIRST)
		lapic_raise_error(l, LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
	else
		raise_legal(l, vector);
}

uint8_t lapic_tpr(const struct lapic *l)
{
	return (uint8_t)reg(l, LAPIC_TPR);
}

/* 11.8.3.1. Computed, not stored: the processor changes TPR in the page on its own. */
uint8_t lapic_ppr(const struct lapic *l)
{
	uint8_t tpr = lapic_tpr(l), isrv = lapic_svi(l);

	return (tpr >> 4) >= (isrv >> 4) ? tpr : isrv & 0xf0;
}

void lapic_set_tpr(struct lapic *l, uint8_t tpr)
{
	set_reg(l, LAPIC_TPR, tpr);
	set_reg(l, LAPIC_PPR, lapic_ppr(l));
}

int lapic_cr8_write(struct lapic *l, uint64_t v)
{
	if (v > 15)
		return -EINVAL;
	lapic_set_tpr(l, (uint8_t)(v << 4));
	return 0;
}

int lapic_pending_vector(const struct lapic *l)
{
	int vector = highest_vector(l, LAPIC_IRR);

	return vector >> 4 > lapic_ppr(l) >> 4 ? vector : -1;
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
	clear_vector(l, LAPIC_IRR, vector);
	set_vector(l, LAPIC_ISR, vector);
	set_reg(l, LAPIC_PPR, lapic_ppr(l));
}

void lapic_eoi_exited(struct lapic *l, uint8_t vector)
{
	if (test_vector(l, LAPIC_TMR, vector))
		l->ops->eoi(l->ctx, vector);
}

void lapic_eoi(struct lapic *l)
{
	int vector = highest_vector(l, LAPIC_ISR);

	if (vector < 0)
		return;
	clear_vector(l, LAPIC_ISR, (uint8_t)vector);
	set_reg(l, LAPIC_PPR, lapic_ppr(l));
	lapic_eoi_exited(l, (uint8_t)vector);
}

unsigned lapic_tpr_threshold(const struct lapic *l)
{
	int irr_class = highest_vector(l, LAPIC_IRR) >> 4, tpr_class = lapic_tpr(l) >> 4;

	return irr_class > 0 && irr_class <= tpr_class ? (unsigned)irr_class : 0;
}

uint8_t lapic_rvi(const struct lapic *l)
{
	int vector = highest_vector(l, LAPIC_IRR);

	return vector < 0 ? 0 : (uint8_t)vector;
}

uint8_t lapic_svi(const struct lapic *l)
{
	int vector = highest_vector(l, LAPIC_ISR);

	return vector < 0 ? 0 : (uint8_t)vector;
}

void lapic_eoi_exit_bitmap(const struct lapic *l, uint64_t bitmap[4])
{
	for (unsigned i = 0; i < 4; i++)
		bitmap[i] = reg(l, LAPIC_TMR + i * 32) | (uint64_t)reg(l, LAPIC_TMR + i * 32 + 16)
								 << 32;
}

uint64_t lapic_base_read(const struct lapic *l)
{
	return LAPIC_BASE_DEFAULT | LAPIC_BASE_EN | LAPIC_BASE_EXTD | (l->bsp ? LAPIC_BASE_BSP : 0);
}

int lapic_base_write(struct lapic *l, uint64_t v)
{
	return v == lapic_base_read(l) ? 0 : -EINVAL;
}

struct lapic_ipi lapic_ipi_decode(uint64_t icr)
{
	return (struct lapic_ipi){
		.dest = (uint32_t)(icr >> 32),
		.vector = (uint8_t)icr,
		.mode = (icr >> 8) & 7,
		.shorthand = (icr >> 18) & 3,
		.logical = icr & BIT64(11),
		.assert_level = icr & BIT64(14),
		.level_triggered = icr & BIT64(15),
	};
}

int lapic_msi_decode(uint64_t address, uint32_t data, struct lapic_ipi *ipi)
{
	uint32_t dest = (address >> 12) & 0xff;

	if (address >> 20 != 0xfee)
		return -EINVAL;
	*ipi = (struct lapic_ipi){
		.dest = dest == 0xff ? LAPIC_BROADCAST : dest,
		.vector = (uint8_t)data,
		.mode = (data >> 8) & 7,
		.logical = address & BIT64(2),
		.assert_level = data & BIT32(14),
		.level_triggered = data & BIT32(15),
	};
	return 0;
}

bool lapic_match(const struct lapic *l, uint32_t dest, bool logical)
{
	uint32_t ldr = ldr_of(l->id);

	if (dest == LAPIC_BROADCAST)
		return true;
	if (!logical)
		return dest == l->id;
	return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
}

bool lapic_ipi_match(const struct lapic *l, const struct lapic_ipi *ipi, const struct lapic *sender)
{
	switch (ipi->shorthand) {
	case LAPIC_SELF:
		return l == sender;
	case LAPIC_ALL:
		return true;
	case LAPIC_OTHERS:
		return l != sender;
	default:
		return lapic_match(l, ipi->dest, ipi->logical);
	}
}
