// sources: hv/net/mac_table.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/atomic.h"
#include "lib/errno.h"
#include "net/mac_table.h"

#define SECOND UINT64_C(1000000)

static struct mac_table t;

static uint64_t key(uint16_t vlan, unsigned n)
{
	uint8_t mac[6] = { 0x52, 0x54, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return mac_table_key(vlan, mac);
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	mac_table_init(&t, 300);
	return 0;
}

static void test_learns_and_moves(void **state)
{
	(void)state;
	assert_int_equal(mac_table_lookup(&t, key(1, 7)), -ENOENT);
	mac_table_learn(&t, key(1, 7), 3);
	assert_int_equal(mac_table_lookup(&t, key(1, 7)), 3);
	assert_int_equal(mac_table_lookup(&t, key(2, 7)), -ENOENT);
	mac_table_learn(&t, key(2, 7), 31);
	mac_table_learn(&t, key(1, 7), 4);
	assert_int_equal(mac_table_lookup(&t, key(1, 7)), 4);
	assert_int_equal(mac_table_lookup(&t, key(2, 7)), 31);
	mac_table_forget_port(&t, 4);
	assert_int_equal(mac_table_lookup(&t, key(1, 7)), -ENOENT);
	assert_int_equal(mac_table_lookup(&t, key(2, 7)), 31);
}

static void test_fixed_stays(void **state)
{
	(void)state;
	mac_table_learn(&t, key(1, 1), 9);
	assert_int_equal(mac_table_add_fixed(&t, key(1, 1), 2), 0);
	assert_int_equal(mac_table_add_fixed(&t, key(1, 1), 2), 0);
	assert_int_equal(mac_table_add_fixed(&t, key(1, 1), 3), -EEXIST);
	mac_table_learn(&t, key(1, 1), 9);
	assert_int_equal(mac_table_lookup(&t, key(1, 1)), 2);
	mac_table_age(&t, 1);
	mac_table_age(&t, 10000 * SECOND);
	assert_int_equal(mac_table_lookup(&t, key(1, 1)), 2);
	mac_table_forget_port(&t, 2);
	assert_int_equal(mac_table_lookup(&t, key(1, 1)), -ENOENT);
}

static void test_ages(void **state)
{
	(void)state;
	for (unsigned ageing = 1; ageing < 5000; ageing = ageing * 3 + 1) {
		setup(state);
		mac_table_init(&t, ageing);
		mac_table_age(&t, SECOND);
		mac_table_learn(&t, key(1, 1), 5);
		mac_table_learn(&t, key(1, 2), 6);
		for (uint64_t s = 1; s <= ageing; s++) {
			mac_table_age(&t, (s + 1) * SECOND - 1);
			mac_table_learn(&t, key(1, 2), 6);
			assert_int_equal(mac_table_lookup(&t, key(1, 1)), 5);
		}
		for (uint64_t s = ageing; s <= ageing + 2 * t.stamp_s + 1; s++) {
			mac_table_age(&t, (s + 1) * SECOND);
			mac_table_learn(&t, key(1, 2), 6);
		}
		assert_int_equal(mac_table_lookup(&t, key(1, 1)), -ENOENT);
		assert_int_equal(mac_table_lookup(&t, key(1, 2)), 6);
		mac_table_age(&t, 100000 * SECOND); /* nobody swept for long */
		assert_int_equal(mac_table_lookup(&t, key(1, 2)), -ENOENT);
	}
}

static void test_ageing_off(void **state)
{
	(void)state;
	mac_table_init(&t, 0);
	mac_table_learn(&t, key(1, 1), 5);
	mac_table_age(&t, SECOND);
	mac_table_age(&t, 1000000 * SECOND);
	assert_int_equal(mac_table_lookup(&t, key(1, 1)), 5);
}

/* Unchanged entries are not written: the line stays shared between cores. */
static void test_refresh_writes_only_when_needed(void **state)
{
	static struct mac_table before;

	(void)state;
	mac_table_age(&t, 1);
	mac_table_learn(&t, key(1, 1), 5);
	before = t;
	mac_table_learn(&t, key(1, 1), 5);
	assert_memory_equal(&before, &t, sizeof(t));
	mac_table_age(&t, t.next_us);
	before = t;
	mac_table_learn(&t, key(1, 1), 5);
	assert_memory_not_equal(&before, &t, sizeof(t));
}

static unsigned listed;

static void check_listed(void *arg, const struct mac_entry *e)
{
	unsigned n = (unsigned)e->mac[3] << 16 | (unsigned)e->mac[4] << 8 | e->mac[5];

	(void)arg;
	assert_int_equal(e->mac[0], 0x52);
	assert_int_equal(e->port, n % 32);
	assert_int_equal(e->vlan, n % 4094 + 1);
	listed++;
}

/* Half full: nothing may be lost that the statistics do not say, and no wrong port ever given. */
static void test_many_and_listing(void **state)
{
	unsigned found = 0, nr = MAC_TABLE_BUCKETS * MAC_BUCKET_ENTRIES / 2;

	(void)state;
	for (unsigned n = 0; n < nr; n++)
		mac_table_learn(&t, key((uint16_t)(n % 4094 + 1), n), n % 32);
	for (unsigned n = 0; n < nr; n++) {
		int port = mac_table_lookup(&t, key((uint16_t)(n % 4094 + 1), n));

		assert_true(port == -ENOENT || port == (int)(n % 32));
		found += port >= 0;
	}
	listed = 0;
	mac_table_for_each(&t, check_listed, NULL);
	assert_int_equal(listed, found);
	assert_int_equal(found + t.evictions, nr);
	assert_true(t.evictions < nr / 50);
}

static void test_full_bucket_evicts_oldest(void **state)
{
	unsigned nr = 200000, fixed = 0;

	(void)state;
	assert_int_equal(mac_table_add_fixed(&t, key(1, 1), 1), 0);
	for (unsigned n = 2; n < nr; n++)
		mac_table_learn(&t, key(1, n), 2);
	assert_int_equal(mac_table_lookup(&t, key(1, 1)), 1);
	assert_int_equal(mac_table_lookup(&t, key(1, nr - 1)), 2);
	for (unsigned n = nr; n < 2 * nr; n++) {
		int r = mac_table_add_fixed(&t, key(1, n), 3);

		assert_true(r == 0 || r == -ENOSPC);
		fixed += r == 0;
		assert_int_equal(mac_table_lookup(&t, key(1, n)) == 3, r == 0);
	}
	assert_int_equal(fixed, MAC_TABLE_BUCKETS * MAC_BUCKET_ENTRIES - 1);
	mac_table_learn(&t, key(1, 0), 4);
	assert_int_equal(mac_table_lookup(&t, key(1, 0)), -ENOENT);
}

/* Threads learn overlapping keys, each key only ever on two ports, while others look up: a lookup
 * that gives a third port would be a torn or mistaken entry. */
static uint32_t learners;

static void *learn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < 100000; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned n = (seed >> 8) % 20000;

		mac_table_learn(&t, key(1, n), (n + (seed >> 30 & 1)) % 32);
		n = (seed >> 4) % 20000;
		int port = mac_table_lookup(&t, key(1, n));
		if (port >= 0 && port != (int)(n % 32) && port != (int)((n + 1) % 32))
			abort();
	}
	(void)atomic_fetch_sub(&learners, 1);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t th[3];

	(void)state;
	learners = 3;
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&th[i], NULL, learn, (void *)(i + 1)), 0);
	for (uint64_t s = 1; load_acquire(&learners); s += 50)
		mac_table_age(&t, s * SECOND);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_learns_and_moves, setup),
		cmocka_unit_test_setup(test_fixed_stays, setup),
		cmocka_unit_test_setup(test_ages, setup),
		cmocka_unit_test_setup(test_ageing_off, setup),
		cmocka_unit_test_setup(test_refresh_writes_only_when_needed, setup),
		cmocka_unit_test_setup(test_many_and_listing, setup),
		cmocka_unit_test_setup(test_full_bucket_evicts_oldest, setup),
		cmocka_unit_test_setup(test_threads, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
