// sources: @ioat_model tests/support/model_bench.c
/* What the I/OAT model writes where: copies of any size and alignment, fills, page breaks, and the
 * cache they are aimed at. Xeon E5 v2 datasheet, volume 2 ("DS"); page breaks as FreeBSD's
 * ioat_copy_8k_aligned() uses them. */
#include "ioat_fixture.h"

#define FILL	  0x01000000u
#define SRC_BREAK 0x40u
#define DST_BREAK 0x80u
#define DEST_DCA  0x200u
#define HINT	  0x400u
#define GUARD	  64
#define MAX	  (1u << 20)

static void run_all(unsigned ch)
{
	ring_doorbell(ch);
	bench_advance(&bench, 1000 * US);
	assert_int_equal(state(ch), IDLE);
	assert_int_equal(chanerr(ch), 0);
}

static void set_breaks(unsigned ch, unsigned n, uint64_t next_src, uint64_t next_dst)
{
	put64(desc(ch, n) + 0x20, next_src);
	put64(desc(ch, n) + 0x28, next_dst);
}

static void random_copy(uint64_t src, uint64_t dst, uint8_t *want, uint32_t size)
{
	uint32_t from = (uint32_t)rand() % 4096, to = (uint32_t)rand() % 4096;
	uint8_t *p = bench_mem(&bench, dst + to, size + 2 * GUARD);
	unsigned ch = (unsigned)rand() % 4;

	memset(p, 0x5a, size + 2 * GUARD);
	memset(want, 0x5a, size + 2 * GUARD);
	memcpy(want + GUARD, bench_mem(&bench, src + from, size), size);
	add(ch, size, COMPL, src + from, dst + to + GUARD);
	run_all(ch);
	assert_memory_equal(p, want, size + 2 * GUARD);
	assert_int_equal(get64(channel[ch].completion), completed(ch) | IDLE);
}

/* 1 byte to 1 MiB (XFERCAP, DS 8.5.2), any alignment of both ends, nothing around it touched. */
static void random_copies(void **s)
{
	uint64_t src = pattern(MAX + 4096, 4096, 5);
	uint64_t dst = bench_alloc(&bench, MAX + 4096 + 2 * GUARD, 4096);
	uint8_t *want = malloc(MAX + 2 * GUARD);

	(void)s;
	srand(1);
	random_copy(src, dst, want, 1);
	random_copy(src, dst, want, MAX);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t limit = 1u << (rand() % 21);

		random_copy(src, dst, want, 1 + (uint32_t)rand() % limit);
	}
	free(want);
}

static void overlapping(void **s)
{
	uint64_t a = pattern(20000, 1, 6), copy = bench_alloc(&bench, 20000, 1);

	(void)s;
	memcpy(bench_mem(&bench, copy, 20000), bench_mem(&bench, a, 20000), 20000);
	add(0, 10000, 0, a + 100, a);
	run_all(0);
	assert_true(same(a, copy + 100, 10000));
}

/* DMACAPABILITY bit 6: 8 bytes, repeated from the destination's first byte on. */
static void fill(void **s)
{
	uint64_t dst = bench_alloc(&bench, 50000, 4096);
	const uint8_t *p = bench_mem(&bench, dst, 50000);

	(void)s;
	add(0, 40001, FILL | COMPL, UINT64_C(0x0807060504030201), dst + 3);
	run_all(0);
	assert_int_equal(get64(dst) & 0xffffff, 0);
	for (unsigned i = 0; i < 40001; i++)
		assert_int_equal(p[3 + i], 1 + i % 8);
	assert_int_equal(p[3 + 40001], 0);
	assert_int_equal(counts().fills, 1);
	assert_int_equal(get64(channel[0].completion), desc(0, 0) | IDLE);
}

/* 8 KiB from two pages that do not follow each other to two that do not either. */
static void page_breaks(void **s)
{
	uint64_t src = pattern(4 * 4096, 4096, 7), dst = bench_alloc(&bench, 4 * 4096, 4096);

	(void)s;
	add(0, 8192, SRC_BREAK | DST_BREAK, src, dst + 3 * 4096);
	set_breaks(0, 0, src + 2 * 4096, dst);
	add(0, 8192, SRC_BREAK, src + 4096, dst + 4096);
	set_breaks(0, 1, src, NOWHERE);
	run_all(0);
	assert_true(same(src, dst + 3 * 4096, 4096));
	assert_true(same(src + 2 * 4096, dst, 4096));
	assert_true(same(src + 4096, dst + 4096, 4096));
	assert_true(same(src, dst + 2 * 4096, 4096));
}

/* Not on page boundaries: the buffers break at different places. */
static void page_breaks_unaligned(void **s)
{
	uint64_t src = pattern(4 * 4096, 4096, 8), dst = bench_alloc(&bench, 4 * 4096, 4096);

	(void)s;
	add(0, 4000, SRC_BREAK | DST_BREAK, src + 4000, dst + 2 * 4096 + 3000);
	set_breaks(0, 0, src + 3 * 4096, dst);
	/* crosses nothing: the next addresses do not matter */
	add(0, 96, SRC_BREAK | DST_BREAK, src + 4000, dst + 3 * 4096 + 4000);
	set_breaks(0, 1, 1, 1);
	run_all(0);
	/* 96 bytes, 1000 more to the end of the destination's page, the rest */
	assert_true(same(src + 4000, dst + 2 * 4096 + 3000, 96));
	assert_true(same(src + 3 * 4096, dst + 2 * 4096 + 3096, 1000));
	assert_true(same(src + 3 * 4096 + 1000, dst, 4000 - 1096));
	assert_true(same(src + 4000, dst + 3 * 4096 + 4000, 96));
	assert_int_equal(counts().bytes, 4096);
}

static void fill_across_a_break(void **s)
{
	uint64_t dst = bench_alloc(&bench, 3 * 4096, 4096);

	(void)s;
	add(0, 16, FILL | DST_BREAK, UINT64_C(0x1122334455667788), dst + 4096 - 8);
	set_breaks(0, 0, 0, dst + 8192);
	run_all(0);
	assert_int_equal(get64(dst + 4096 - 8), UINT64_C(0x1122334455667788));
	assert_int_equal(get64(dst + 8192), UINT64_C(0x1122334455667788));
	assert_int_equal(get64(dst + 4096), 0);
}

/* A descriptor with an error in its break: longer than two pages, or not the start of a page. */
static void bad_break(uint32_t size, uint32_t ctl, uint64_t next, uint32_t error)
{
	set_up_channel(0);
	add(0, size, ctl, MEMORY, MEMORY + 0x800000);
	set_breaks(0, 0, next, next);
	ring_doorbell(0);
	bench_advance(&bench, 100 * US);
	assert_int_equal(state(0), HALTED);
	assert_int_equal(chanerr(0), error);
	wr(CHAN(0) + CHANERR, error, 4);
}

static void bad_breaks(void **s)
{
	(void)s;
	bad_break(8193, SRC_BREAK, MEMORY, 1u << 11);
	bad_break(8193, DST_BREAK, MEMORY, 1u << 11);
	bad_break(8192, SRC_BREAK, MEMORY + 64, 1u << 0);
	bad_break(8192, DST_BREAK, MEMORY + 64, 1u << 1);
	bad_break(8192, DST_BREAK | SRC_BREAK, UINT64_C(1) << 48, 3u);
	bad_break(8192, SRC_BREAK, NOWHERE, 1u << 8);
	bad_break(8192, DST_BREAK, NOWHERE, 1u << 9);
	/* of the last two the first page */
	assert_int_equal(counts().bytes, 8192);
}

static const struct record_entry *of(uint64_t addr, enum dma_kind kind)
{
	const struct record_entry *e = record_find(&bench.record, addr, 0);

	assert_non_null(e);
	assert_int_equal(e->hint.kind, kind);
	assert_int_equal(e->device, 7);
	return e;
}

/* DS 8.5.24: completion writes are for the target CPU if DCACTRL or CHANCTRL says so; dest_dca aims
 * the payload there too, and `hint` is noted. */
static void dca(void **s)
{
	uint64_t dst = MEMORY + 0x800000;

	(void)s;
	add(2, 100, COMPL, MEMORY, dst);
	run_all(2);
	assert_int_equal(of(dst, DMA_PAYLOAD)->hint.target, DMA_NO_TARGET);
	assert_int_equal(of(dst, DMA_PAYLOAD)->hint.queue, 2);
	assert_int_equal(of(dst, DMA_PAYLOAD)->len_bytes, 100);
	assert_int_equal(of(channel[2].completion, DMA_COMPLETION)->hint.target, DMA_NO_TARGET);
	wr(CHAN(2) + DCACTRL, 0x10012, 4);
	add(2, 100, COMPL | DEST_DCA, MEMORY, dst);
	add(2, 100, COMPL | DEST_DCA | HINT, MEMORY, dst + 4096);
	add(2, 100, HINT, MEMORY, dst + 8192);
	run_all(2);
	assert_int_equal(of(dst + 99, DMA_PAYLOAD)->hint.target, 0x12);
	assert_int_equal(of(dst + 4096, DMA_PAYLOAD)->hint.target, 0x12 | IOAT_MODEL_TARGET_HINT);
	assert_int_equal(of(dst + 8192, DMA_PAYLOAD)->hint.target, DMA_NO_TARGET);
	assert_int_equal(of(channel[2].completion, DMA_COMPLETION)->hint.target, 0x12);
	wr(CHAN(2) + DCACTRL, 0x13, 4);
	add(2, 100, COMPL, MEMORY, dst);
	run_all(2);
	assert_int_equal(of(channel[2].completion, DMA_COMPLETION)->hint.target, DMA_NO_TARGET);
	wr(CHAN(2) + CHANCTRL, RUN | 0x200, 2);
	add(2, 100, COMPL, MEMORY, dst);
	run_all(2);
	assert_int_equal(of(channel[2].completion, DMA_COMPLETION)->hint.target, 0x13);
	/* as Linux leaves it: any CPU */
	wr(CHAN(2) + DCACTRL, UINT32_MAX, 4);
	add(2, 100, COMPL | DEST_DCA, MEMORY, dst);
	run_all(2);
	assert_int_equal(of(dst, DMA_PAYLOAD)->hint.target, DMA_NO_TARGET);
	assert_int_equal(of(channel[2].completion, DMA_COMPLETION)->hint.target, DMA_NO_TARGET);
}

static void dca_not_there(void **s)
{
	static const struct ioat_model_config config = { 0 };
	uint64_t dst = MEMORY + 0x800000;

	(void)s;
	set_up_engine(&config);
	set_up_channel(0);
	wr(CHAN(0) + DCACTRL, 0x10012, 4);
	add(0, 100, COMPL | DEST_DCA, MEMORY, dst);
	run_all(0);
	assert_int_equal(of(dst, DMA_PAYLOAD)->hint.target, DMA_NO_TARGET);
	assert_int_equal(of(channel[0].completion, DMA_COMPLETION)->hint.target, DMA_NO_TARGET);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_copies),
		TEST(overlapping),
		TEST(fill),
		TEST(page_breaks),
		TEST(page_breaks_unaligned),
		TEST(fill_across_a_break),
		TEST(bad_breaks),
		TEST(dca),
		cmocka_unit_test_teardown(dca_not_there, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
