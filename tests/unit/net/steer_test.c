// sources: hv/net/steer.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/steer.h"

#define CORES	   8
#define FIXED	   5u
#define START_US   UINT64_C(7000000)
#define BACKGROUND 256u

static struct steer_core cores[CORES];
static struct steer s;

static void init(enum steer_policy policy, enum steer_backend backend)
{
	steer_init(&s, policy, backend, cores, CORES);
}

static void expect(uint64_t hint, unsigned this_core, bool engine, struct steer_verdict want)
{
	struct steer_verdict v = steer_decide(&s, hint, FIXED, this_core, engine);

	assert_int_equal(v.action, want.action);
	assert_int_equal(v.core, want.core);
}

/* A packet lasts share / background there as long as nothing arrives. */
static uint32_t quiet_survival(void)
{
	return STEER_SHARE_BYTES / BACKGROUND;
}

/* ---- The table's rows ---- */

static void test_running_here(void **state)
{
	(void)state;
	for (unsigned b = 0; b < STEER_BACKENDS; b++) {
		init(STEER_FULL, b);
		expect(hint_pack(HINT_RUNNING, 2, 0), 2, false,
			(struct steer_verdict){ STEER_COPY, 2 });
	}
}

static void test_running_elsewhere_moves_the_work(void **state)
{
	(void)state;
	for (unsigned b = 0; b < STEER_BACKENDS; b++) {
		init(STEER_FULL, b);
		expect(hint_pack(HINT_RUNNING, 2, 0), 3, false,
			(struct steer_verdict){ STEER_MOVE, 2 });
	}
}

static void test_running_elsewhere_by_engine(void **state)
{
	uint64_t hint = hint_pack(HINT_RUNNING, 2, 0);

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	expect(hint, 3, true, (struct steer_verdict){ STEER_COPY_BY_ENGINE, 2 });
	expect(hint, 2, true, (struct steer_verdict){ STEER_COPY, 2 });
	init(STEER_FULL, STEER_BACKEND_NONE); /* what it writes lands in no cache */
	expect(hint, 3, true, (struct steer_verdict){ STEER_MOVE, 2 });
	init(STEER_FULL, STEER_BACKEND_DDIO);
	expect(hint, 3, true, (struct steer_verdict){ STEER_COPY_BY_ENGINE, 2 });
	steer_set_cache(&s, 2, STEER_SHARE_BYTES, 1); /* another package's */
	expect(hint, 3, true, (struct steer_verdict){ STEER_MOVE, 2 });
}

static void test_queued_not_for_long(void **state)
{
	uint64_t hint;

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	hint = hint_pack(HINT_QUEUED, 4, quiet_survival() / STEER_WAIT_MARGIN);
	expect(hint, 4, false, (struct steer_verdict){ STEER_COPY, 4 });
	expect(hint, 1, false, (struct steer_verdict){ STEER_MOVE, 4 });
	expect(hint, 1, true, (struct steer_verdict){ STEER_COPY_BY_ENGINE, 4 });
}

static void test_queued_for_long_holds(void **state)
{
	uint64_t hint;

	(void)state;
	for (unsigned b = 0; b < STEER_BACKENDS; b++) {
		init(STEER_FULL, b);
		hint = hint_pack(HINT_QUEUED, 4, quiet_survival() / STEER_WAIT_MARGIN + 1);
		for (unsigned engine = 0; engine < 2; engine++) {
			expect(hint, 4, engine, (struct steer_verdict){ STEER_HOLD, 4 });
			expect(hint, 1, engine, (struct steer_verdict){ STEER_HOLD, 4 });
		}
	}
}

static void test_asleep_goes_to_its_last_core(void **state)
{
	uint64_t hint = hint_pack(HINT_ASLEEP, 6, 0);

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	expect(hint, 6, false, (struct steer_verdict){ STEER_COPY, 6 });
	expect(hint, 0, false, (struct steer_verdict){ STEER_MOVE, 6 });
	expect(hint, 0, true, (struct steer_verdict){ STEER_COPY_BY_ENGINE, 6 });
}

/* ---- Policies ---- */

static void test_static_and_rss_ignore_the_vcpu(void **state)
{
	static const enum hint_state states[] = { HINT_ASLEEP, HINT_QUEUED, HINT_RUNNING };

	(void)state;
	for (unsigned p = STEER_STATIC; p <= STEER_RSS; p++) {
		init(p, STEER_BACKEND_DCA);
		for (unsigned i = 0; i < ARRAY_SIZE(states); i++) {
			uint64_t hint = hint_pack(states[i], 2, UINT32_MAX);

			expect(hint, FIXED, false, (struct steer_verdict){ STEER_COPY, FIXED });
			expect(hint, 2, false, (struct steer_verdict){ STEER_MOVE, FIXED });
			expect(hint, 2, true,
				(struct steer_verdict){ STEER_COPY_BY_ENGINE, FIXED });
			assert_int_equal(steer_core_of(&s, hint, FIXED), FIXED);
		}
	}
}

static void test_follow_never_holds(void **state)
{
	uint64_t hint = hint_pack(HINT_QUEUED, 2, UINT32_MAX);

	(void)state;
	init(STEER_FOLLOW, STEER_BACKEND_DCA);
	expect(hint, 2, false, (struct steer_verdict){ STEER_COPY, 2 });
	expect(hint, 3, false, (struct steer_verdict){ STEER_MOVE, 2 });
	expect(hint, 3, true, (struct steer_verdict){ STEER_COPY_BY_ENGINE, 2 });
	assert_int_equal(steer_core_of(&s, hint, FIXED), 2);
}

static void test_fixed_core(void **state)
{
	(void)state;
	init(STEER_STATIC, STEER_BACKEND_NONE);
	assert_int_equal(steer_fixed_core(&s, 2 * CORES + 3, 77), 3);
	init(STEER_RSS, STEER_BACKEND_NONE);
	assert_int_equal(steer_fixed_core(&s, 3, 2 * CORES + 1), 1);
}

/* ---- The flow's hash ---- */

#define L3 14

static unsigned make_ip4(uint8_t *f, uint8_t protocol, uint16_t source_port)
{
	memset(f, 0, 64);
	memset(f, 2, 12);
	f[12] = 8;
	f[L3] = 0x45;
	f[L3 + 9] = protocol;
	f[L3 + 12] = 10;
	f[L3 + 16] = 11;
	f[L3 + 20] = (uint8_t)(source_port >> 8);
	f[L3 + 21] = (uint8_t)source_port;
	return 64;
}

static void test_flow_hash_spreads_ports(void **state)
{
	unsigned seen[CORES] = { 0 };
	uint8_t f[64];

	(void)state;
	for (unsigned port = 0; port < 100 * CORES; port++)
		seen[steer_flow_hash(f, make_ip4(f, 6, (uint16_t)(40000 + port))) % CORES]++;
	for (unsigned i = 0; i < CORES; i++)
		assert_in_range(seen[i], 50, 150);
}

static void test_flow_hash_of_one_flow(void **state)
{
	uint8_t f[64], tagged[64];
	uint32_t hash = steer_flow_hash(f, make_ip4(f, 17, 5201));

	(void)state;
	f[L3 + 4] = 9;	/* identification */
	f[L3 + 25] = 1; /* behind the ports */
	f[0] = 4;	/* another MAC address */
	assert_int_equal(steer_flow_hash(f, 64), hash);
	memcpy(tagged, f, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x05", 4);
	memcpy(tagged + 16, f + 12, 48);
	assert_int_equal(steer_flow_hash(tagged, 64), hash);
	f[L3 + 6] = 0x20; /* a fragment: the second one has no ports */
	assert_int_not_equal(steer_flow_hash(f, 64), hash);
	hash = steer_flow_hash(f, 64);
	f[L3 + 21] ^= 1;
	assert_int_equal(steer_flow_hash(f, 64), hash);
}

static void test_flow_hash_of_ip6(void **state)
{
	uint8_t f[64];
	uint32_t hash;

	(void)state;
	memset(f, 0, sizeof(f));
	f[12] = 0x86;
	f[13] = 0xdd;
	f[L3 + 6] = 6;
	f[L3 + 41] = 7;
	hash = steer_flow_hash(f, 64);
	f[L3 + 41] = 8;
	assert_int_not_equal(steer_flow_hash(f, 64), hash);
	f[L3 + 41] = 7;
	f[L3 + 39] = 1;
	assert_int_not_equal(steer_flow_hash(f, 64), hash);
}

/* Whatever the bytes, nothing behind len_bytes is read: ASan watches. */
static void test_flow_hash_of_any_length(void **state)
{
	uint8_t f[64];

	(void)state;
	(void)make_ip4(f, 6, 1);
	for (unsigned options = 5; options < 16; options++) {
		f[L3] = (uint8_t)(0x40 | options);
		for (unsigned len = 0; len <= sizeof(f); len++) {
			uint8_t *exact = malloc(len ? len : 1);

			memcpy(exact, f, len);
			(void)steer_flow_hash(exact, len);
			free(exact);
		}
	}
	f[0] ^= 2;
	assert_int_not_equal(steer_flow_hash(f, 13), steer_flow_hash(f, 14));
	assert_int_equal(steer_flow_hash(f, 13), 0);
}

/* ---- Survival ---- */

/* So many bytes per us for so long, in packets of 1500. */
static uint64_t arrive(unsigned core, uint64_t now_us, uint64_t for_us, unsigned bytes_per_us)
{
	uint64_t end_us = now_us + for_us, bytes = 0;

	for (; now_us < end_us; now_us++) {
		for (bytes += bytes_per_us; bytes >= 1500; bytes -= 1500)
			steer_placed(&s, core, 1500, now_us);
	}
	return end_us;
}

static void test_survival_follows_the_rate(void **state)
{
	uint64_t now_us;

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	steer_housekeeping(&s, START_US);
	assert_int_equal(steer_survival_us(&s, 1), quiet_survival());
	now_us = arrive(1, START_US, 100000, 1000); /* 8 Gbit/s */
	assert_in_range(steer_survival_us(&s, 1),
		STEER_SHARE_BYTES / (1000 + BACKGROUND) * 98 / 100,
		STEER_SHARE_BYTES / (1000 + BACKGROUND) * 102 / 100);
	assert_int_equal(steer_survival_us(&s, 0), quiet_survival());
	/* and so does the decision */
	expect(hint_pack(HINT_QUEUED, 1, quiet_survival() / STEER_WAIT_MARGIN / 2), 1, false,
		(struct steer_verdict){ STEER_HOLD, 1 });
	expect(hint_pack(HINT_QUEUED, 0, quiet_survival() / STEER_WAIT_MARGIN / 2), 0, false,
		(struct steer_verdict){ STEER_COPY, 0 });
	/* a quiet time is forgotten at once, even if nobody looks at the core meanwhile */
	steer_housekeeping(&s, now_us + 100000);
	assert_in_range(steer_survival_us(&s, 1), quiet_survival() * 95 / 100, quiet_survival());
}

static void test_survival_moves_within_some_windows(void **state)
{
	uint64_t now_us;

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	steer_housekeeping(&s, START_US);
	now_us = arrive(1, START_US, 2 * STEER_WINDOW_US, 1000);
	assert_true(steer_survival_us(&s, 1) < quiet_survival() * 9 / 10);
	assert_true(steer_survival_us(&s, 1) > STEER_SHARE_BYTES / (1000 + BACKGROUND));
	(void)arrive(1, now_us, 30 * STEER_WINDOW_US, 1000);
	assert_true(steer_survival_us(&s, 1) < STEER_SHARE_BYTES / (1000 + BACKGROUND) * 105 / 100);
}

/* Another core's clock may be a little behind. */
static void test_survival_with_clocks_apart(void **state)
{
	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	steer_housekeeping(&s, START_US);
	steer_placed(&s, 1, 1500, START_US - 5);
	assert_int_equal(steer_survival_us(&s, 1), quiet_survival());
	assert_int_equal(cores[1].window_bytes, 1500);
	steer_placed(&s, 1, 1500, START_US + STEER_WINDOW_US);
	assert_int_equal(cores[1].window_bytes, 0);
	assert_true(steer_survival_us(&s, 1) < quiet_survival());
}

/* ---- Level 1 ---- */

static void test_queue_follows_with_hysteresis(void **state)
{
	struct steer_queue q;
	uint64_t on[CORES];

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DCA);
	for (unsigned i = 0; i < CORES; i++)
		on[i] = hint_pack(HINT_RUNNING, i, 0);
	steer_queue_init(&s, &q, 3, on[1]);
	assert_int_equal(q.core, 1);
	assert_false(steer_queue_follow(&s, &q, on[1], HINT_NO_HELPER, START_US));
	assert_true(steer_queue_follow(&s, &q, on[2], HINT_NO_HELPER, START_US));
	assert_int_equal(q.core, 2);
	assert_false(steer_queue_follow(
		&s, &q, on[1], HINT_NO_HELPER, START_US + STEER_HYSTERESIS_US - 1));
	assert_int_equal(q.core, 2);
	assert_true(
		steer_queue_follow(&s, &q, on[1], HINT_NO_HELPER, START_US + STEER_HYSTERESIS_US));
	assert_int_equal(q.core, 1);
	assert_int_equal(q.retagged, 2);
	/* where it waits or sleeps is where it will run */
	assert_true(steer_queue_follow(&s, &q, hint_pack(HINT_QUEUED, 6, 90000), HINT_NO_HELPER,
		START_US + 2 * STEER_HYSTERESIS_US));
	assert_int_equal(q.core, 6);
}

static void test_queue_that_does_not_follow(void **state)
{
	struct steer_queue q;

	(void)state;
	for (unsigned p = STEER_STATIC; p <= STEER_RSS; p++) {
		init(p, STEER_BACKEND_DCA);
		steer_queue_init(&s, &q, CORES + 3, hint_pack(HINT_RUNNING, 1, 0));
		assert_int_equal(q.core, 3);
		assert_false(
			steer_queue_follow(&s, &q, hint_pack(HINT_RUNNING, 2, 0), 4, START_US));
		assert_int_equal(q.core, 3);
		assert_int_equal(q.retagged, 0);
	}
}

/* With STEER_FULL only, and only where what it writes gets into the vCPU's cache. */
static void test_queue_goes_to_a_helper(void **state)
{
	uint64_t hint = hint_pack(HINT_RUNNING, 2, 0);
	struct steer_queue q;

	(void)state;
	init(STEER_FULL, STEER_BACKEND_DDIO);
	steer_set_cache(&s, 5, STEER_SHARE_BYTES, 1);
	assert_int_equal(steer_queue_core(&s, hint, HINT_NO_HELPER), 2);
	assert_int_equal(steer_queue_core(&s, hint, 4), 4);
	assert_int_equal(steer_queue_core(&s, hint, 5), 2); /* another package */
	steer_queue_init(&s, &q, 3, hint);
	assert_true(steer_queue_follow(&s, &q, hint, 4, START_US));
	assert_int_equal(q.core, 4);
	assert_int_equal(q.helped, 1);
	assert_false(steer_queue_follow(&s, &q, hint, HINT_NO_HELPER, START_US + 1));
	assert_true(
		steer_queue_follow(&s, &q, hint, HINT_NO_HELPER, START_US + STEER_HYSTERESIS_US));
	assert_int_equal(q.core, 2);
	assert_int_equal(q.retagged, 2);
	assert_int_equal(q.helped, 1);
	init(STEER_FULL, STEER_BACKEND_DCA);
	assert_int_equal(steer_queue_core(&s, hint, 5), 5);
	init(STEER_FULL, STEER_BACKEND_NONE);
	assert_int_equal(steer_queue_core(&s, hint, 4), 2);
	init(STEER_FOLLOW, STEER_BACKEND_DDIO);
	assert_int_equal(steer_queue_core(&s, hint, 4), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running_here),
		cmocka_unit_test(test_running_elsewhere_moves_the_work),
		cmocka_unit_test(test_running_elsewhere_by_engine),
		cmocka_unit_test(test_queued_not_for_long),
		cmocka_unit_test(test_queued_for_long_holds),
		cmocka_unit_test(test_asleep_goes_to_its_last_core),
		cmocka_unit_test(test_static_and_rss_ignore_the_vcpu),
		cmocka_unit_test(test_follow_never_holds),
		cmocka_unit_test(test_fixed_core),
		cmocka_unit_test(test_flow_hash_spreads_ports),
		cmocka_unit_test(test_flow_hash_of_one_flow),
		cmocka_unit_test(test_flow_hash_of_ip6),
		cmocka_unit_test(test_flow_hash_of_any_length),
		cmocka_unit_test(test_survival_follows_the_rate),
		cmocka_unit_test(test_survival_moves_within_some_windows),
		cmocka_unit_test(test_survival_with_clocks_apart),
		cmocka_unit_test(test_queue_follows_with_hysteresis),
		cmocka_unit_test(test_queue_that_does_not_follow),
		cmocka_unit_test(test_queue_goes_to_a_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
