// sources: hv/dev/lapic.c hv/dev/lapic_msr.c hv/dev/lapic_timer.c
/* The software local APIC against SDM vol. 3A, chapter 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/lapic.h"
#include "lib/errno.h"

static _Alignas(4096) uint8_t page[2][4096];
static _Alignas(4096) struct pi_desc pi[2];
static struct lapic apic, other;
static uint64_t tsc, sent_icr;
static unsigned nr_sent, nr_eoi;
static uint8_t eoi_vector;

static uint64_t fake_tsc(void *ctx)
{
	(void)ctx;
	return tsc;
}

static void fake_send(void *ctx, uint64_t icr)
{
	(void)ctx;
	sent_icr = icr;
	nr_sent++;
}

static void fake_eoi(void *ctx, uint8_t vector)
{
	(void)ctx;
	eoi_vector = vector;
	nr_eoi++;
}

static const struct lapic_ops ops = { fake_tsc, fake_send, fake_eoi };

static int setup(void **state)
{
	(void)state;
	memset(page, 0xa5, sizeof(page));
	memset(pi, 0, sizeof(pi));
	tsc = 1000000;
	sent_icr = nr_sent = nr_eoi = eoi_vector = 0;
	lapic_init(&apic, 3, false, page[0], &pi[0], &ops, NULL);
	lapic_init(&other, 0x25, true, page[1], &pi[1], &ops, NULL);
	return 0;
}

static uint64_t rd(unsigned off)
{
	uint64_t v = 0xdead;

	assert_int_equal(lapic_msr_read(&apic, LAPIC_X2APIC_MSR(off), &v), 0);
	return v;
}

static void wr(unsigned off, uint64_t v)
{
	assert_int_equal(lapic_msr_write(&apic, LAPIC_X2APIC_MSR(off), v), 0);
}

static void wr_gp(unsigned off, uint64_t v)
{
	assert_int_equal(lapic_msr_write(&apic, LAPIC_X2APIC_MSR(off), v), -EINVAL);
}

static void enable(void)
{
	wr(LAPIC_SVR, 0x1ff);
}

static void reset_state(void **state)
{
	(void)state;
	assert_int_equal(rd(LAPIC_ID), 3);
	assert_int_equal(rd(LAPIC_VERSION), 0x50014);
	assert_int_equal(rd(LAPIC_LDR), 8);
	assert_int_equal(rd(LAPIC_SVR), 0xff);
	assert_int_equal(rd(LAPIC_TPR), 0);
	assert_int_equal(rd(LAPIC_PPR), 0);
	for (unsigned off = LAPIC_LVT_TIMER; off <= LAPIC_LVT_ERROR; off += 16)
		assert_int_equal(rd(off), LAPIC_LVT_MASKED);
	for (unsigned off = LAPIC_ISR; off <= LAPIC_ESR; off += 16)
		assert_int_equal(rd(off), 0);
	assert_int_equal(rd(LAPIC_ICR), 0);
	assert_int_equal(lapic_pending_vector(&apic), -1);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
}

static void init_clears_everything_but_id(void **state)
{
	(void)state;
	enable();
	pi[0].control |= PI_NV(0xf2);
	pi[0].ndst = 7;
	assert_true(lapic_post(&apic, 0x41));
	lapic_sync(&apic);
	lapic_accept(&apic, 0x41);
	assert_true(lapic_post(&apic, 0x42));
	assert_true(lapic_post_level(&apic, 0x43));
	wr(LAPIC_TIMER_INITIAL, 5);
	lapic_reset(&apic);
	reset_state(state);
	lapic_sync(&apic);
	assert_int_equal(lapic_rvi(&apic), 0);
	assert_int_equal(lapic_svi(&apic), 0);
	assert_int_equal(pi[0].control, PI_NV(0xf2));
	assert_int_equal(pi[0].ndst, 7);
}

static void every_vector_posts_and_delivers(void **state)
{
	(void)state;
	enable();
	for (unsigned v = 16; v < 256; v++) {
		assert_false(lapic_posted(&apic));
		assert_true(lapic_post(&apic, (uint8_t)v));
		assert_true(lapic_posted(&apic));
		assert_false(lapic_post(&apic, (uint8_t)v));
		assert_int_equal(lapic_pending_vector(&apic), -1);
		lapic_sync(&apic);
		assert_false(lapic_posted(&apic));
		assert_int_equal(lapic_pending_vector(&apic), (int)v);
		assert_int_equal(lapic_rvi(&apic), v);
		assert_int_equal(rd(LAPIC_IRR + v / 32 * 16), 1u << v % 32);
		lapic_accept(&apic, (uint8_t)v);
		assert_int_equal(rd(LAPIC_IRR + v / 32 * 16), 0);
		assert_int_equal(rd(LAPIC_ISR + v / 32 * 16), 1u << v % 32);
		assert_int_equal(lapic_svi(&apic), v);
		assert_int_equal(rd(LAPIC_PPR), v & 0xf0);
		wr(LAPIC_EOI, 0);
		assert_int_equal(lapic_svi(&apic), 0);
		assert_int_equal(rd(LAPIC_PPR), 0);
	}
	assert_int_equal(nr_eoi, 0);
}

/* IRR is never empty for the processor, and always was for the guest. */
static void anchor_stays_and_is_unseen(void **state)
{
	(void)state;
	enable();
	for (unsigned v = 16; v < 256; v++) {
		assert_int_equal(page[0][LAPIC_IRR], LAPIC_IRR_ANCHOR);
		assert_int_equal(rd(LAPIC_IRR), 0);
		assert_int_equal(lapic_rvi(&apic), 0);
		assert_int_equal(lapic_pending_vector(&apic), -1);
		assert_int_equal(lapic_tpr_threshold(&apic), 0);
		assert_true(lapic_post(&apic, (uint8_t)v));
		lapic_sync(&apic);
		lapic_accept(&apic, (uint8_t)v);
		lapic_eoi(&apic);
	}
	assert_int_equal(nr_eoi, 0);
}

/* Every pair of a pending and an in-service vector, and every TPR class. */
static void priority_rules(void **state)
{
	(void)state;
	enable();
	for (unsigned isr = 16; isr < 256; isr += 5) {
		lapic_raise(&apic, (uint8_t)isr);
		lapic_accept(&apic, (uint8_t)isr);
		for (unsigned irr = 16; irr < 256; irr++) {
			lapic_raise(&apic, (uint8_t)irr);
			for (unsigned tpr = 0; tpr < 256; tpr += 9) {
				unsigned ppr = tpr >> 4 >= isr >> 4 ? tpr : isr & 0xf0;

				wr(LAPIC_TPR, tpr);
				assert_int_equal(rd(LAPIC_PPR), ppr);
				assert_int_equal(lapic_pending_vector(&apic),
					irr >> 4 > ppr >> 4 ? (int)irr : -1);
				assert_int_equal(lapic_tpr_threshold(&apic),
					irr >> 4 <= tpr >> 4 ? irr >> 4 : 0);
			}
			page[0][LAPIC_IRR + irr / 32 * 16 + irr % 32 / 8] = 0;
		}
		lapic_eoi(&apic);
	}
}

static void nesting_ends_highest_first(void **state)
{
	(void)state;
	enable();
	lapic_raise(&apic, 0x31);
	lapic_accept(&apic, 0x31);
	lapic_raise(&apic, 0x3f);
	assert_int_equal(lapic_pending_vector(&apic), -1);
	lapic_raise(&apic, 0x81);
	lapic_accept(&apic, 0x81);
	assert_int_equal(lapic_ppr(&apic), 0x80);
	lapic_eoi(&apic);
	assert_int_equal(lapic_ppr(&apic), 0x30);
	lapic_eoi(&apic);
	assert_int_equal(lapic_pending_vector(&apic), 0x3f);
	lapic_eoi(&apic); /* none in service: nothing happens */
	assert_int_equal(lapic_pending_vector(&apic), 0x3f);
}

static void level_interrupts_broadcast_eoi(void **state)
{
	uint64_t bitmap[4];

	(void)state;
	enable();
	assert_true(lapic_post_level(&apic, 0x61));
	assert_false(lapic_post_level(&apic, 0x61));
	assert_false(pi[0].control & PI_ON);
	assert_true(lapic_posted(&apic));
	lapic_sync(&apic);
	assert_false(lapic_posted(&apic));
	lapic_eoi_exit_bitmap(&apic, bitmap);
	assert_int_equal(bitmap[0], 0);
	assert_true(bitmap[1] == BIT64(0x61 - 64));
	assert_int_equal(bitmap[2] | bitmap[3], 0);
	lapic_accept(&apic, 0x61);
	/* An edge message of the same vector meanwhile does not lose the broadcast. */
	assert_true(lapic_post(&apic, 0x61));
	lapic_sync(&apic);
	lapic_eoi(&apic);
	assert_int_equal(nr_eoi, 1);
	assert_int_equal(eoi_vector, 0x61);
	lapic_accept(&apic, 0x61);
	lapic_eoi(&apic);
	assert_int_equal(nr_eoi, 2); /* spurious, harmless */
	assert_true(lapic_post(&apic, 0x61));
	lapic_sync(&apic);
	assert_int_equal(rd(LAPIC_TMR + 0x61 / 32 * 16), 0);
	lapic_accept(&apic, 0x61);
	lapic_eoi(&apic);
	assert_int_equal(nr_eoi, 2);
	lapic_eoi_exited(&apic, 0x61);
	assert_int_equal(nr_eoi, 2);
}

static void disabled_accepts_nothing(void **state)
{
	(void)state;
	assert_false(lapic_post(&apic, 0x40));
	assert_false(lapic_post_level(&apic, 0x40));
	wr(LAPIC_SELF_IPI, 0x40);
	assert_false(lapic_posted(&apic));
	assert_int_equal(lapic_rvi(&apic), 0);
	/* LVT masks stay set while disabled. */
	wr(LAPIC_LVT_LINT0, 0x700);
	assert_int_equal(rd(LAPIC_LVT_LINT0), 0x10700);
	enable();
	wr(LAPIC_LVT_LINT0, 0x700);
	wr(LAPIC_LVT_TIMER, 0x20030);
	assert_int_equal(rd(LAPIC_LVT_LINT0), 0x700);
	lapic_raise(&apic, 0x50);
	wr(LAPIC_SVR, 0xff);
	assert_int_equal(rd(LAPIC_LVT_LINT0), 0x10700);
	assert_int_equal(rd(LAPIC_LVT_TIMER), 0x30030);
	assert_int_equal(lapic_pending_vector(&apic), 0x50); /* held, not lost */
}

static void illegal_vectors_set_esr(void **state)
{
	(void)state;
	enable();
	for (unsigned v = 0; v < 16; v++) {
		assert_false(lapic_post(&apic, (uint8_t)v));
		assert_int_equal(rd(LAPIC_ESR), 0);
		wr(LAPIC_ESR, 0);
		assert_int_equal(rd(LAPIC_ESR), LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
		wr(LAPIC_ESR, 0);
		assert_int_equal(rd(LAPIC_ESR), 0);
	}
	wr(LAPIC_LVT_ERROR, 0xfe);
	assert_true(lapic_post(&apic, 5));
	lapic_sync(&apic);
	assert_int_equal(lapic_pending_vector(&apic), 0xfe);
	lapic_accept(&apic, 0xfe);
	lapic_eoi(&apic);
	wr(LAPIC_ESR, 0);
	wr(LAPIC_ICR, 0x0f);
	assert_int_equal(nr_sent, 0);
	assert_int_equal(lapic_pending_vector(&apic), 0xfe);
	wr(LAPIC_ESR, 0);
	assert_int_equal(rd(LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL_VECTOR);
	/* The error vector itself is illegal: recorded, and no recursion. */
	wr(LAPIC_LVT_ERROR, 0x03);
	wr(LAPIC_SELF_IPI, 0x02);
	wr(LAPIC_ESR, 0);
	assert_int_equal(
		rd(LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL_VECTOR | LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
	/* SIPI and NMI have no such rule. */
	wr(LAPIC_ICR, 0x4608);
	wr(LAPIC_ICR, 0x4400);
	assert_int_equal(nr_sent, 2);
}

static void reserved_bits_fault(void **state)
{
	static const struct {
		unsigned off;
		uint64_t writable;
	} regs[] = {
		{ LAPIC_TPR, 0xff },
		{ LAPIC_SVR, 0x3ff },
		{ LAPIC_EOI, 0 },
		{ LAPIC_ESR, 0 },
		{ LAPIC_ICR, 0xffffffff000cdfff },
		{ LAPIC_LVT_TIMER, 0x710ff },
		{ LAPIC_LVT_THERMAL, 0x117ff },
		{ LAPIC_LVT_PERF, 0x117ff },
		{ LAPIC_LVT_LINT0, 0x1f7ff },
		{ LAPIC_LVT_LINT1, 0x1f7ff },
		{ LAPIC_LVT_ERROR, 0x110ff },
		{ LAPIC_TIMER_INITIAL, 0xffffffff },
		{ LAPIC_TIMER_DIVIDE, 0xb },
		{ LAPIC_SELF_IPI, 0xff },
	};

	(void)state;
	enable();
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		for (unsigned bit = 0; bit < 64; bit++)
			if (regs[i].writable & BIT64(bit))
				wr(regs[i].off, BIT64(bit));
			else
				wr_gp(regs[i].off, BIT64(bit));
	wr_gp(LAPIC_LVT_TIMER, 0x60030); /* reserved timer mode */
}

static void absent_registers_fault(void **state)
{
	(void)state;
	for (uint32_t msr = 0x7f0; msr < 0x910; msr++) {
		bool ro = msr == 0x802 || msr == 0x803 || msr == 0x80a || msr == 0x80d ||
			  (msr >= 0x810 && msr <= 0x827) || msr == 0x839;
		bool rw = msr == 0x808 || msr == 0x80f || msr == 0x828 || msr == 0x830 ||
			  (msr >= 0x832 && msr <= 0x838) || msr == 0x83e;
		bool wo = msr == 0x80b || msr == 0x83f;
		uint64_t v;

		assert_int_equal(lapic_msr_read(&apic, msr, &v), ro || rw ? 0 : -EINVAL);
		assert_int_equal(lapic_msr_write(&apic, msr, 0), rw || wo ? 0 : -EINVAL);
	}
	assert_int_equal(lapic_msr_write(&apic, 0x10000830, 0x40), -EINVAL);
}

static void read_only_bits_do_not_stick(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_LVT_LINT1, 0xd400);
	assert_int_equal(rd(LAPIC_LVT_LINT1), 0x8400);
	wr(LAPIC_ICR, 0x500001040);
	assert_int_equal(rd(LAPIC_ICR), 0x500000040);
	assert_int_equal(sent_icr, 0x500000040);
}

static void cr8_is_tpr_class(void **state)
{
	(void)state;
	assert_int_equal(lapic_cr8_write(&apic, 9), 0);
	assert_int_equal(lapic_tpr(&apic), 0x90);
	assert_int_equal(lapic_cr8_write(&apic, 16), -EINVAL);
}

static void base_stays_x2apic(void **state)
{
	(void)state;
	assert_int_equal(lapic_base_read(&apic), 0xfee00c00);
	assert_int_equal(lapic_base_read(&other), 0xfee00d00);
	assert_int_equal(lapic_base_write(&apic, 0xfee00c00), 0);
	assert_int_equal(lapic_base_write(&apic, 0xfee00800), -EINVAL);
	assert_int_equal(lapic_base_write(&apic, 0xfee00400), -EINVAL);
	assert_int_equal(lapic_base_write(&apic, 0xfee00000), -EINVAL);
	assert_int_equal(lapic_base_write(&apic, 0x1fee00c00), -EINVAL);
}

static void expect_fire(uint8_t vector)
{
	assert_true(lapic_timer_check(&apic, tsc));
	assert_int_equal(lapic_pending_vector(&apic), vector);
	lapic_accept(&apic, vector);
	lapic_eoi(&apic);
}

static void one_shot(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_TIMER_DIVIDE, 3); /* by 16 */
	wr(LAPIC_LVT_TIMER, 0xef);
	wr(LAPIC_TIMER_INITIAL, 1000);
	assert_int_equal(lapic_timer_deadline(&apic), 1016000);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 1000);
	tsc += 15;
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 1000);
	tsc += 1;
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 999);
	tsc = 1015999;
	assert_false(lapic_timer_check(&apic, tsc));
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 1);
	tsc = 1016000;
	expect_fire(0xef);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 0);
	assert_int_equal(rd(LAPIC_TIMER_INITIAL), 1000);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
	tsc += 100000;
	assert_false(lapic_timer_check(&apic, tsc));
	wr(LAPIC_TIMER_INITIAL, 5);
	wr(LAPIC_TIMER_INITIAL, 0);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
}

static void divide_values(void **state)
{
	static const uint8_t shift[16] = { 1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 0 };

	(void)state;
	enable();
	wr(LAPIC_LVT_TIMER, 0xef);
	for (unsigned d = 0; d < 12; d = d == 3 ? 8 : d + 1) {
		wr(LAPIC_TIMER_DIVIDE, d);
		wr(LAPIC_TIMER_INITIAL, 0xffffffff);
		assert_int_equal(lapic_timer_deadline(&apic), tsc + (0xffffffffULL << shift[d]));
		assert_int_equal(rd(LAPIC_TIMER_CURRENT), 0xffffffff);
	}
}

static void divide_change_keeps_count(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_LVT_TIMER, 0xef);
	wr(LAPIC_TIMER_DIVIDE, 0xb);
	wr(LAPIC_TIMER_INITIAL, 1000);
	tsc += 400;
	wr(LAPIC_TIMER_DIVIDE, 0);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 600);
	assert_int_equal(lapic_timer_deadline(&apic), tsc + 1200);
}

static void periodic_without_drift(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_TIMER_DIVIDE, 0xb);
	wr(LAPIC_LVT_TIMER, 0x200ef);
	wr(LAPIC_TIMER_INITIAL, 50000);
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(lapic_timer_deadline(&apic), 1000000 + i * 50000);
		tsc = 1000000 + i * 50000 + i * 7;
		expect_fire(0xef);
		assert_int_equal(rd(LAPIC_TIMER_CURRENT), 50000 - i * 7);
	}
	/* Missed periods merge and the phase stays. */
	tsc = 1000000 + 1000 * 50000 + 1;
	expect_fire(0xef);
	assert_false(lapic_timer_check(&apic, tsc));
	assert_int_equal(lapic_timer_deadline(&apic), 1000000 + 1001 * 50000);
	tsc = 1000000 + 1001 * 50000;
	expect_fire(0xef);
	assert_int_equal(lapic_timer_deadline(&apic), 1000000 + 1002 * 50000);
	/* To one-shot: the count in progress goes on, once. */
	wr(LAPIC_LVT_TIMER, 0xef);
	tsc += 50000;
	expect_fire(0xef);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
}

static void periodic_is_bounded(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_TIMER_DIVIDE, 0xb);
	wr(LAPIC_LVT_TIMER, 0x200ef);
	wr(LAPIC_TIMER_INITIAL, 1);
	tsc += 1;
	expect_fire(0xef);
	assert_int_equal(lapic_timer_deadline(&apic) - tsc, LAPIC_TIMER_PERIOD_MIN_TICKS);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 1);
	tsc = UINT64_MAX - 5;
	expect_fire(0xef);
	assert_true(lapic_timer_deadline(&apic) > tsc);
}

static void masked_timer_expires_silently(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_TIMER_DIVIDE, 0xb);
	wr(LAPIC_TIMER_INITIAL, 100);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 100);
	tsc += 200;
	wr(LAPIC_LVT_TIMER, 0xef);
	assert_false(lapic_timer_check(&apic, tsc));
	assert_int_equal(lapic_rvi(&apic), 0);
}

static void tsc_deadline(void **state)
{
	(void)state;
	enable();
	lapic_tsc_deadline_write(&apic, tsc + 10);
	assert_int_equal(lapic_tsc_deadline_read(&apic), 0); /* not in that mode */
	wr(LAPIC_LVT_TIMER, 0x400ec);
	lapic_tsc_deadline_write(&apic, tsc + 10);
	wr(LAPIC_TIMER_INITIAL, 77); /* ignored */
	assert_int_equal(rd(LAPIC_TIMER_INITIAL), 0);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 0);
	assert_int_equal(lapic_timer_deadline(&apic), tsc + 10);
	assert_int_equal(lapic_tsc_deadline_read(&apic), tsc + 10);
	wr(LAPIC_TIMER_DIVIDE, 0xb);
	assert_int_equal(lapic_timer_deadline(&apic), tsc + 10);
	tsc += 10;
	expect_fire(0xec);
	assert_int_equal(lapic_tsc_deadline_read(&apic), 0);
	lapic_tsc_deadline_write(&apic, 1); /* long past */
	expect_fire(0xec);
	lapic_tsc_deadline_write(&apic, tsc + 10);
	lapic_tsc_deadline_write(&apic, 0);
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
	lapic_tsc_deadline_write(&apic, tsc + 10);
	wr(LAPIC_LVT_TIMER, 0xec); /* leaving the mode disarms */
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
	wr(LAPIC_TIMER_INITIAL, 77);
	wr(LAPIC_LVT_TIMER, 0x400ec); /* and so does entering it */
	assert_int_equal(lapic_timer_deadline(&apic), LAPIC_NO_DEADLINE);
	lapic_tsc_deadline_write(&apic, UINT64_MAX);
	assert_int_equal(lapic_tsc_deadline_read(&apic), UINT64_MAX);
}

static void tsc_move_keeps_counts(void **state)
{
	(void)state;
	enable();
	wr(LAPIC_LVT_TIMER, 0xef);
	wr(LAPIC_TIMER_INITIAL, 1000);
	tsc -= 900000;
	lapic_timer_tsc_moved(&apic, -900000);
	assert_int_equal(rd(LAPIC_TIMER_CURRENT), 1000);
	wr(LAPIC_LVT_TIMER, 0x400ef);
	lapic_tsc_deadline_write(&apic, tsc + 10);
	lapic_timer_tsc_moved(&apic, 100);
	assert_int_equal(lapic_timer_deadline(&apic), tsc + 10);
}

static void ipi_decode(void **state)
{
	struct lapic_ipi i = lapic_ipi_decode(0x12345678000cc8fe | 0x4600);

	(void)state;
	assert_int_equal(i.dest, 0x12345678);
	assert_int_equal(i.vector, 0xfe);
	assert_int_equal(i.mode, LAPIC_SIPI);
	assert_int_equal(i.shorthand, LAPIC_OTHERS);
	assert_true(i.logical && i.assert_level && i.level_triggered);
	i = lapic_ipi_decode(0x8500);
	assert_int_equal(i.mode, LAPIC_INIT);
	assert_true(!i.logical && !i.assert_level && i.level_triggered);
	assert_int_equal(i.shorthand, LAPIC_DEST);
}

static void msi_decode(void **state)
{
	struct lapic_ipi i;

	(void)state;
	assert_int_equal(lapic_msi_decode(0xfee03004, 0xc142, &i), 0);
	assert_int_equal(i.dest, 3);
	assert_int_equal(i.vector, 0x42);
	assert_int_equal(i.mode, LAPIC_LOWEST);
	assert_true(i.logical && i.level_triggered);
	assert_int_equal(lapic_msi_decode(0xfeeff000, 0x42, &i), 0);
	assert_int_equal(i.dest, LAPIC_BROADCAST);
	assert_int_equal(lapic_msi_decode(0xfed03000, 0, &i), -EINVAL);
	assert_int_equal(lapic_msi_decode(0x1fee03000, 0, &i), -EINVAL);
	assert_int_equal(lapic_msi_decode(UINT64_MAX, 0, &i), -EINVAL);
}

static void destinations(void **state)
{
	struct lapic_ipi i = { .shorthand = LAPIC_SELF };

	(void)state;
	assert_true(lapic_match(&apic, 3, false));
	assert_false(lapic_match(&apic, 8, false));
	assert_true(lapic_match(&apic, 0x8, true));
	assert_true(lapic_match(&apic, 0xffff, true));
	assert_false(lapic_match(&apic, 0x7, true));
	assert_false(lapic_match(&apic, 0x10008, true));
	assert_false(lapic_match(&apic, 0, true));
	assert_true(lapic_match(&other, 0x25, false));
	assert_true(lapic_match(&other, 0x20020, true));
	assert_false(lapic_match(&other, 0x10020, true));
	assert_true(lapic_match(&other, LAPIC_BROADCAST, true));
	assert_true(lapic_match(&other, LAPIC_BROADCAST, false));
	assert_true(lapic_ipi_match(&apic, &i, &apic));
	assert_false(lapic_ipi_match(&other, &i, &apic));
	i.shorthand = LAPIC_OTHERS;
	assert_false(lapic_ipi_match(&apic, &i, &apic));
	assert_true(lapic_ipi_match(&other, &i, &apic));
	i.shorthand = LAPIC_ALL;
	assert_true(lapic_ipi_match(&apic, &i, &apic));
	i = (struct lapic_ipi){ .dest = 3 };
	assert_true(lapic_ipi_match(&apic, &i, NULL));
	assert_false(lapic_ipi_match(&other, &i, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_state, setup),
		cmocka_unit_test_setup(init_clears_everything_but_id, setup),
		cmocka_unit_test_setup(every_vector_posts_and_delivers, setup),
		cmocka_unit_test_setup(anchor_stays_and_is_unseen, setup),
		cmocka_unit_test_setup(priority_rules, setup),
		cmocka_unit_test_setup(nesting_ends_highest_first, setup),
		cmocka_unit_test_setup(level_interrupts_broadcast_eoi, setup),
		cmocka_unit_test_setup(disabled_accepts_nothing, setup),
		cmocka_unit_test_setup(illegal_vectors_set_esr, setup),
		cmocka_unit_test_setup(reserved_bits_fault, setup),
		cmocka_unit_test_setup(absent_registers_fault, setup),
		cmocka_unit_test_setup(read_only_bits_do_not_stick, setup),
		cmocka_unit_test_setup(cr8_is_tpr_class, setup),
		cmocka_unit_test_setup(base_stays_x2apic, setup),
		cmocka_unit_test_setup(one_shot, setup),
		cmocka_unit_test_setup(divide_values, setup),
		cmocka_unit_test_setup(divide_change_keeps_count, setup),
		cmocka_unit_test_setup(periodic_without_drift, setup),
		cmocka_unit_test_setup(periodic_is_bounded, setup),
		cmocka_unit_test_setup(masked_timer_expires_silently, setup),
		cmocka_unit_test_setup(tsc_deadline, setup),
		cmocka_unit_test_setup(tsc_move_keeps_counts, setup),
		cmocka_unit_test_setup(ipi_decode, setup),
		cmocka_unit_test_setup(msi_decode, setup),
		cmocka_unit_test_setup(destinations, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
