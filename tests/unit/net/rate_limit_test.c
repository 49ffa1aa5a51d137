// sources: hv/net/rate_limit.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "net/rate_limit.h"

/* Bits that pass in so many microseconds if the sender always tries. */
static uint64_t passed(struct rate_limit *r, uint64_t from_us, uint64_t for_us, uint64_t frame_bits)
{
	uint64_t bits = 0;

	for (uint64_t now = from_us; now < from_us + for_us; now++) {
		for (unsigned i = 0; i < 64 && rate_limit_ok(r, now); i++) {
			rate_limit_charge(r, frame_bits, now);
			bits += frame_bits;
		}
	}
	return bits;
}

static void check_rate(uint64_t bps, uint64_t frame_bits)
{
	struct rate_limit r;
	uint64_t bits, want = bps / 1000000 * 500000 + bps % 1000000 / 2;
	uint64_t slack = bps / 1000 * 20 + bps / 1000 + frame_bits;

	rate_limit_init(&r, bps, 20000);
	bits = passed(&r, UINT64_C(1000000000), 500000, frame_bits);
	assert_true(bits + slack >= want && bits <= want + slack);
	/* the burst is spent: from here the rate holds to one frame */
	slack = want / 1000 + frame_bits;
	bits = passed(&r, UINT64_C(1000500000), 500000, frame_bits);
	assert_true(bits + slack >= want && bits <= want + slack);
}

static void test_holds_the_rate(void **state)
{
	(void)state;
	check_rate(1000, 64 * 8);
	check_rate(1000000, 1514 * 8);
	check_rate(1000000, 65562 * 8);
	check_rate(1000000000, 64 * 8);
	check_rate(UINT64_C(10000000000), 1514 * 8);
}

static void test_no_limit(void **state)
{
	struct rate_limit r;

	(void)state;
	rate_limit_init(&r, 0, 20000);
	assert_int_equal(r.cost_q24, 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(rate_limit_ok(&r, 1));
		rate_limit_charge(&r, UINT64_MAX, 1);
	}
}

static void test_extremes(void **state)
{
	struct rate_limit r;

	(void)state;
	rate_limit_init(&r, UINT64_MAX, 0);
	assert_true(r.cost_q24 > 0);
	rate_limit_init(&r, 1, 0);
	rate_limit_charge(&r, 65562 * 8, 5);
	assert_false(rate_limit_ok(&r, 1000000));
	assert_true(rate_limit_ok(&r, 65562 * 8 * UINT64_C(1000000) + 6));
	/* another core's clock may be a little behind */
	rate_limit_init(&r, 1000, 0);
	rate_limit_charge(&r, 1, 1000);
	assert_false(rate_limit_ok(&r, 900));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_the_rate),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
