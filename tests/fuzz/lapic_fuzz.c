// sources: hv/dev/lapic.c hv/dev/lapic_msr.c hv/dev/lapic_timer.c
/* Any order of guest accesses, posts, deliveries and passing time leaves a consistent APIC. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/lapic.h"

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static _Alignas(4096) uint8_t page[4096];
static _Alignas(4096) struct pi_desc pi;
static struct lapic l;
static uint64_t tsc;

static uint64_t guest_tsc(void *ctx)
{
	(void)ctx;
	return tsc;
}

static void send_ipi(void *ctx, uint64_t icr)
{
	struct lapic_ipi ipi = lapic_ipi_decode(icr);

	(void)ctx;
	CHECK(ipi.mode > LAPIC_LOWEST || ipi.vector >= 16);
	if (lapic_ipi_match(&l, &ipi, &l) && ipi.mode == LAPIC_FIXED)
		(void)!lapic_post(&l, ipi.vector);
}

static void eoi(void *ctx, uint8_t vector)
{
	(void)ctx;
	CHECK(vector >= 16);
}

static void check(void)
{
	const uint16_t *irr = (const uint16_t *)(page + LAPIC_IRR);
	const uint16_t *isr = (const uint16_t *)(page + LAPIC_ISR);
	int pending = lapic_pending_vector(&l);
	unsigned class = lapic_svi(&l) > lapic_tpr(&l) ? lapic_svi(&l) >> 4 : lapic_tpr(&l) >> 4;

	CHECK(irr[0] == LAPIC_IRR_ANCHOR && isr[0] == 0); /* never an illegal vector */
	CHECK(lapic_ppr(&l) >> 4 == (int)class);
	CHECK(pending < 0 || pending == lapic_rvi(&l));
	CHECK(pending < 0 ? lapic_rvi(&l) >> 4 <= (int)class : pending >> 4 > (int)class);
	CHECK(!l.timer_armed || tsc < l.timer_deadline || lapic_timer_deadline(&l) <= tsc ||
		lapic_timer_deadline(&l) == LAPIC_NO_DEADLINE);
}

static void step(uint8_t op, uint8_t b, uint64_t v)
{
	uint64_t out;

	switch (op % 12) {
	case 0:
	case 1:
		(void)!lapic_msr_write(&l, 0x800u + b % 0x48, v);
		break;
	case 2:
		(void)!lapic_msr_read(&l, 0x800u + b % 0x48, &out);
		break;
	case 3:
		(void)!lapic_post(&l, b);
		break;
	case 4:
		(void)!lapic_post_level(&l, b);
		break;
	case 5:
		lapic_sync(&l);
		CHECK(!lapic_posted(&l));
		break;
	case 6:
		if (lapic_pending_vector(&l) >= 0)
			lapic_accept(&l, (uint8_t)lapic_pending_vector(&l));
		break;
	case 7:
		lapic_eoi(&l);
		break;
	case 8:
		tsc += v;
		lapic_timer_check(&l, tsc);
		CHECK(lapic_timer_deadline(&l) > tsc || tsc > UINT64_MAX - 0x10000000000);
		break;
	case 9:
		lapic_tsc_deadline_write(&l, v);
		CHECK(lapic_tsc_deadline_read(&l) == v || lapic_tsc_deadline_read(&l) == 0);
		break;
	case 10:
		(void)!lapic_cr8_write(&l, b);
		break;
	default:
		if (b == 0)
			lapic_reset(&l);
		lapic_timer_tsc_moved(&l, (int64_t)v);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lapic_ops ops = { guest_tsc, send_ipi, eoi };

	tsc = 0;
	memset(&pi, 0, sizeof(pi));
	lapic_init(&l, 1, true, page, &pi, &ops, NULL);
	(void)!lapic_msr_write(&l, LAPIC_X2APIC_MSR(LAPIC_SVR), 0x1ff);
	for (; size >= 6; size -= 6, data += 6) {
		uint32_t v;

		memcpy(&v, data + 2, sizeof(v));
		/* Values of every magnitude, and ICR destinations. */
		step(data[0], data[1], data[0] & 0x80 ? (uint64_t)v << 21 : v);
		check();
	}
	return 0;
}
