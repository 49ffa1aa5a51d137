// sources: tests/sim/memory.c tests/sim/machine.c
/* The cache model: who has a line after what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/memory.h"

#define KIB	 1024u
#define LINES(n) ((n)*LINE_BYTES)

static struct memory *mem;
static struct memory_count count;
static uint64_t at;

static void start(const char *machine, unsigned nr_cores, unsigned sample)
{
	memset(&count, 0, sizeof(count));
	mem = memory_new(machine_find(machine), nr_cores, sample);
	at = memory_alloc(mem, 64 * KIB * KIB, 0);
}

static uint64_t load(unsigned core, uint64_t addr, uint32_t len_bytes)
{
	return memory_access(mem, core, addr, len_bytes, false, &count);
}

static uint64_t store(unsigned core, uint64_t addr, uint32_t len_bytes)
{
	return memory_access(mem, core, addr, len_bytes, true, &count);
}

static void assert_misses(uint64_t l2, uint64_t llc)
{
	assert_int_equal(count.l2_misses, l2);
	assert_int_equal(count.llc_misses, llc);
	memset(&count, 0, sizeof(count));
}

static void test_hits_and_misses(void **state)
{
	(void)state;
	start("westmere", 4, 1);
	assert_true(load(0, at, LINES(8)) > 0);
	assert_misses(8, 8);
	assert_int_equal(load(0, at, LINES(8)), 0);
	assert_misses(0, 0);
	load(1, at, LINES(8)); /* from the LLC */
	assert_misses(8, 0);
	store(0, at, LINES(8)); /* takes them away from core 1 */
	assert_misses(0, 0);
	load(1, at, LINES(8));
	assert_misses(8, 0);
	memory_free(mem);
}

static void test_a_cache_holds_its_size(void **state)
{
	(void)state;
	start("westmere", 4, 1);
	load(0, at, 256 * KIB);
	load(0, at, 256 * KIB);
	assert_misses(256 * KIB / LINE_BYTES, 256 * KIB / LINE_BYTES);
	load(0, at, 512 * KIB); /* twice its size, swept: the least recently used is always gone */
	memset(&count, 0, sizeof(count));
	load(0, at, 512 * KIB);
	assert_misses(512 * KIB / LINE_BYTES, 0);
	memory_free(mem);
}

static void test_other_sockets(void **state)
{
	uint64_t far_cycles, near_cycles;

	(void)state;
	start("westmere", 12, 1);
	near_cycles = load(0, at, LINES(1));
	load(6, at, LINES(1)); /* from the other socket's cache */
	assert_misses(2, 2);
	far_cycles = load(6, at + LINES(1), LINES(1)); /* from its memory */
	assert_true(far_cycles > near_cycles);
	store(0, at, LINES(1));
	count = (struct memory_count){ 0 };
	load(6, at, LINES(1)); /* was taken away */
	assert_misses(1, 1);
	memory_free(mem);
}

/* Whatever leaves the LLC leaves the L2s too, in use or not. */
static void test_inclusive_cache_takes_back(void **state)
{
	(void)state;
	start("westmere", 4, 1);
	load(0, at, LINES(4));
	load(1, at + KIB * KIB, 24 * KIB * KIB);
	assert_int_equal(memory_resident_permille(mem, 0, at, LINES(4)), 0);
	memory_free(mem);
}

static void test_victim_cache_keeps_what_l2_evicts(void **state)
{
	(void)state;
	start("skylake", 4, 1);
	load(0, at, LINES(4));
	load(1, at + KIB * KIB, 40 * KIB * KIB); /* more than the LLC, by another core */
	assert_int_equal(memory_resident_permille(mem, 0, at, LINES(4)), 1000);
	count = (struct memory_count){ 0 };
	load(0, at + 50 * KIB * KIB, 1 * KIB * KIB); /* pushes the four lines out of the L2 */
	count = (struct memory_count){ 0 };
	load(0, at, LINES(4));
	assert_misses(4, 0);
	memory_free(mem);
}

static void test_dca_goes_where_it_is_aimed(void **state)
{
	(void)state;
	start("westmere", 4, 1);
	load(1, at, LINES(24));
	memory_dma_write(mem, 0, at, LINES(24), 2, true);
	assert_int_equal(memory_resident_permille(mem, 2, at, LINES(24)), 1000);
	assert_int_equal(memory_resident_permille(mem, 1, at, LINES(24)), 0);
	assert_int_equal(memory_dma_counts(mem)->memory_writes, 24);
	assert_int_equal(memory_dma_counts(mem)->memory_reads, 24);
	memory_dma_write(mem, 0, at, LINES(24), MEMORY_NO_CORE, true);
	count = (struct memory_count){ 0 };
	load(2, at, LINES(24));
	assert_misses(24, 24);
	memory_free(mem);
}

static void test_ddio_stays_in_its_ways(void **state)
{
	(void)state;
	start("haswell", 4, 1);
	memory_dma_write(mem, 0, at, LINES(24), 2, true);
	assert_int_equal(memory_resident_permille(mem, 2, at, LINES(24)), 0);
	load(2, at, LINES(24));
	assert_misses(24, 0);
	memory_dma_write(mem, 0, at, 6 * KIB * KIB, 2, true); /* two ways of 20 are 3 MiB */
	load(2, at, 3 * KIB * KIB - LINES(64));
	assert_int_equal(count.llc_misses, count.l2_misses);
	assert_int_equal(memory_dma_counts(mem)->memory_writes, 0);
	memory_free(mem);
}

static void test_dma_past_the_caches(void **state)
{
	(void)state;
	start("haswell", 4, 1);
	memory_dma_write(mem, 0, at, LINES(24), 2, false);
	load(2, at, LINES(24));
	assert_misses(24, 24);
	memory_dma_read(mem, at, LINES(24));
	assert_int_equal(memory_dma_counts(mem)->memory_reads, 0); /* the caches have them */
	memory_dma_read(mem, at + KIB * KIB, LINES(24));
	assert_int_equal(memory_dma_counts(mem)->memory_reads, 24);
	memory_free(mem);
}

/* One of eight lines stands for all: the same misses, within the noise. */
static void test_a_sample_counts_as_all(void **state)
{
	uint64_t all;

	(void)state;
	start("westmere", 4, 1);
	for (unsigned i = 0; i < 300; i++)
		load(0, at + i % 100 * 4096, 1514);
	all = count.l2_misses;
	memory_free(mem);
	start("westmere", 4, 8);
	for (unsigned i = 0; i < 300; i++)
		load(0, at + i % 100 * 4096, 1514);
	assert_in_range(count.l2_misses, all * 9 / 10, all * 11 / 10);
	memory_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hits_and_misses),
		cmocka_unit_test(test_a_cache_holds_its_size),
		cmocka_unit_test(test_other_sockets),
		cmocka_unit_test(test_inclusive_cache_takes_back),
		cmocka_unit_test(test_victim_cache_keeps_what_l2_evicts),
		cmocka_unit_test(test_dca_goes_where_it_is_aimed),
		cmocka_unit_test(test_ddio_stays_in_its_ways),
		cmocka_unit_test(test_dma_past_the_caches),
		cmocka_unit_test(test_a_sample_counts_as_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
