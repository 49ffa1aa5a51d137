// sources: @ioat_model tests/support/model_bench.c
/* Descriptor chains, doorbell, states and commands of the I/OAT model. Xeon E5 v2 datasheet, volume
 * 2 ("DS"); what it leaves open, as the drivers of Linux, FreeBSD and SPDK have it. */
#include "ioat_fixture.h"

/* 3 descriptors; completion write-back of CHANSTS as the second and third ask for it. DS 8.5.20 */
static void chain(void **s)
{
	uint64_t src = pattern(3000, 1, 1), dst = bench_alloc(&bench, 3000, 1);

	(void)s;
	add(0, 1000, 0, src, dst);
	add(0, 1000, COMPL, src + 1000, dst + 1000);
	add(0, 1000, COMPL, src + 2000, dst + 2000);
	assert_int_equal(state(0), ARMED);
	ring_doorbell(0);
	assert_int_equal(state(0), ACTIVE);
	bench_advance(&bench, 200 * NS + 2 * 213 * NS); /* two of them */
	assert_int_equal(state(0), ACTIVE);
	assert_int_equal(completed(0), desc(0, 1));
	assert_int_equal(get64(channel[0].completion), desc(0, 1) | ACTIVE);
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 2) | IDLE);
	assert_int_equal(get64(channel[0].completion), desc(0, 2) | IDLE);
	assert_true(same(src, dst, 3000));
	assert_int_equal(counts().completion_writes, 2);
	assert_int_equal(slot->nr_messages + slot->nr_intx_edges, 0);
}

/* Memory changes when its time has come, not before: 64 KiB at 5 GB/s in chunks of 16 KiB. */
static void timing(void **s)
{
	uint64_t src = pattern(65536, 4096, 2), dst = bench_alloc(&bench, 65536, 4096);
	const uint64_t first = 200 * NS + (16384 + 64) * NS / 5, chunk = 16384 * NS / 5;

	(void)s;
	add(1, 65536, COMPL, src, dst);
	ring_doorbell(1);
	bench_advance(&bench, first - 1);
	assert_int_equal(get64(dst), 0);
	bench_advance(&bench, 1);
	assert_true(same(src, dst, 16384));
	assert_int_equal(get64(dst + 16384), 0);
	/* what the source says at the time of the chunk counts */
	put64(src + 65528, 0x1234567890abcdef);
	bench_advance(&bench, 3 * chunk - 1);
	assert_int_equal(get64(dst + 49152), 0);
	assert_int_equal(get64(channel[1].completion), 0);
	bench_advance(&bench, 1);
	assert_true(same(src, dst, 65536));
	assert_int_equal(get64(dst + 65528), 0x1234567890abcdef);
	assert_int_equal(get64(channel[1].completion), desc(1, 0) | IDLE);
}

/* DS 8.5.15: DMACOUNT is absolute; more descriptors are appended by raising it. */
static void append(void **s)
{
	(void)s;
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	bench_advance(&bench, US);
	assert_int_equal(state(0), IDLE);
	ring_doorbell(0); /* the same count: nothing to do */
	assert_int_equal(state(0), IDLE);
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	assert_int_equal(state(0), ACTIVE);
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0); /* while it works */
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 2) | IDLE);
	assert_int_equal(rd(CHAN(0) + DMACOUNT, 2), 3);
	assert_int_equal(counts().copies, 3);
}

/* The link is part of a descriptor that was counted: what is written to it later is too late, even
 * if the channel is idle. */
static void late_link(void **s)
{
	(void)s;
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	bench_advance(&bench, US);
	put64(desc(0, 0) + 0x18, desc(0, 7));
	add(0, 64, COMPL, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	bench_advance(&bench, US);
	assert_int_equal(get64(channel[0].completion), desc(0, 1) | IDLE);
}

/* 100,000 descriptors around a ring of 64; both counters wrap at 16 bits. */
static void wrap(void **s)
{
	(void)s;
	for (unsigned n = 0; n < 100000; n += 50) {
		for (unsigned i = 0; i < 50; i++)
			add(2, 1, NUL | COMPL, 0, 0);
		ring_doorbell(2);
		bench_advance(&bench, 2 * US);
		assert_int_equal(get64(channel[2].completion), desc(2, n + 49) | IDLE);
	}
	assert_int_equal(counts().nulls, 100000);
	assert_int_equal(rd(CHAN(2) + DMACOUNT, 2), 100000 % 65536);
}

/* A null descriptor reads and writes no data, but completes and interrupts; Linux's first one. */
static void null_descriptor(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	wr(3, 9, 1);
	add(3, 1, NUL | COMPL | INT, 0, 0);
	ring_doorbell(3);
	bench_advance(&bench, US);
	assert_int_equal(get64(channel[3].completion), desc(3, 0) | IDLE);
	assert_int_equal(bench_messages(slot, 3, 0), 1);
	assert_int_equal(counts().bytes, 0);
	assert_int_equal(dev->nr_dma_reads, 1);
	assert_int_equal(dev->nr_dma_writes, 1);
}

/* A fence: what follows sees what came before. */
static void fence(void **s)
{
	uint64_t a = pattern(40000, 1, 3), b = bench_alloc(&bench, 40000, 1);
	uint64_t c = bench_alloc(&bench, 40000, 1);

	(void)s;
	add(0, 40000, FENCE, a, b);
	add(0, 40000, 0, b, c);
	ring_doorbell(0);
	bench_advance(&bench, 100 * US);
	assert_true(same(a, c, 40000));
}

/* DS 8.5.14: suspend takes effect between descriptors; resume goes on with the same chain. */
static void suspend_resume(void **s)
{
	(void)s;
	add(0, 5000, COMPL, MEMORY, MEMORY + 0x800000);
	add(0, 5000, COMPL, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	bench_advance(&bench, 500 * NS);
	wr(CHAN(0) + CHANCMD, SUSPEND, 1);
	assert_int_equal(state(0), ACTIVE);
	assert_int_equal(rd(CHAN(0) + CHANCMD, 1), 0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 0) | SUSPENDED);
	ring_doorbell(0); /* does not wake it */
	bench_advance(&bench, 10 * US);
	assert_int_equal(state(0), SUSPENDED);
	wr(CHAN(0) + CHANCMD, RESUME, 1);
	bench_advance(&bench, 10 * US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 1) | IDLE);
	/* an idle one too: Linux's ioat_quiesce() waits until it is neither active nor idle */
	wr(CHAN(0) + CHANCMD, SUSPEND, 1);
	assert_int_equal(state(0), SUSPENDED);
	wr(CHAN(0) + CHANCMD, RESUME, 1);
	assert_int_equal(state(0), IDLE);
	wr(CHAN(1) + CHANCMD, SUSPEND, 1);
	assert_int_equal(state(1), SUSPENDED);
	wr(CHAN(1) + CHANCMD, RESUME, 1);
	assert_int_equal(state(1), ARMED);
	assert_int_equal(counts().suspends, 3);
}

/* Linux restarts a suspended channel by a new CHAINADDR and DMACOUNT alone (__ioat_restart_chan).
 */
static void restart_suspended(void **s)
{
	(void)s;
	add(0, 64, COMPL, MEMORY, MEMORY + 0x800000);
	add(0, 64, COMPL, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	wr(CHAN(0) + CHANCMD, SUSPEND, 1); /* before the first fetch */
	assert_int_equal(state(0), SUSPENDED);
	bench_advance(&bench, 10 * US);
	assert_int_equal(completed(0), 0);
	wr(CHAN(0) + CHAINADDR, desc(0, 1), 8);
	assert_int_equal(rd(CHAN(0) + DMACOUNT, 2), 0);
	wr(CHAN(0) + DMACOUNT, 1, 2);
	bench_advance(&bench, 10 * US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 1) | IDLE);
}

/* DS 8.5.15: writing CHAINADDR sets both counters to 0; and no descriptor of it is completed. Not
 * while the channel works. */
static void new_chain(void **s)
{
	(void)s;
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	wr(CHAN(0) + CHAINADDR, desc(0, 5), 8);
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 0) | IDLE);
	assert_int_equal(counts().ignored_writes, 2); /* both halves */
	wr(CHAN(0) + CHAINADDR, desc(0, 9), 8);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), ARMED);
	assert_int_equal(rd(CHAN(0) + DMACOUNT, 2), 0);
	assert_int_equal(rd(CHAN(0) + CHAINADDR, 8), desc(0, 9));
	assert_int_equal(rd(CHAN(0) + 0x20, 8), desc(0, 9)); /* CDAR */
}

static void abort_command(void **s)
{
	uint64_t src = pattern(60000, 1, 4), dst = bench_alloc(&bench, 60000, 1);

	(void)s;
	add(0, 60000, COMPL, src, dst);
	ring_doorbell(0);
	bench_advance(&bench, 5 * US);
	wr(CHAN(0) + CHANCMD, ABORT, 1);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), HALTED);
	bench_advance(&bench, 100 * US);
	assert_true(same(src, dst, 16384)); /* the chunk whose time had come, no more */
	assert_int_equal(get64(dst + 16384), 0);
	assert_int_equal(get64(channel[0].completion), 0);
	assert_int_equal(chanerr(0), 0);
	wr(CHAN(0) + CHANCMD, ABORT, 1);
	assert_int_equal(counts().aborts, 1);
	ring_doorbell(0); /* needs a chain */
	bench_advance(&bench, 10 * US);
	assert_int_equal(state(0), HALTED);
	wr(CHAN(0) + CHAINADDR, desc(0, 0), 8);
	ring_doorbell(0);
	bench_advance(&bench, 100 * US);
	assert_true(same(src, dst, 60000));
}

/* DS 8.5.14: back to Halted at once; the bit reads back until the reset is over. What Linux and
 * FreeBSD write again afterwards is lost. */
static void reset_command(void **s)
{
	(void)s;
	add(0, 60000, COMPL, MEMORY, MEMORY + 0x800000);
	add(1, 1, NUL | COMPL, 0, 0);
	ring_doorbell(0);
	wr(CHAN(0) + CHANERRMSK, 0x30000, 4);
	bench_advance(&bench, 2 * US);
	wr(CHAN(0) + CHANCMD, RESET, 1);
	assert_int_equal(rd(CHAN(0) + CHANCMD, 1), RESET);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), HALTED);
	wr(CHAN(0) + CHAINADDR, desc(0, 0), 8); /* too early */
	ring_doorbell(0);
	ring_doorbell(1); /* the others go on */
	bench_advance(&bench, 2 * US);
	assert_int_equal(rd(CHAN(0) + CHANCMD, 1), 0);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), HALTED);
	assert_int_equal(rd(CHAN(0) + CHANCMP, 8), 0);
	assert_int_equal(rd(CHAN(0) + CHANERRMSK, 4), 0x30000); /* sticky */
	assert_int_equal(state(1), IDLE);
	set_up_channel(0);
	add(0, 1000, COMPL, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	bench_advance(&bench, 2 * US);
	assert_int_equal(get64(channel[0].completion), desc(0, 0) | IDLE);
}

static void function_reset(void **s)
{
	(void)s;
	add(0, 60000, COMPL, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	wr(CHAN(1) + CHANCMD, RESET, 1);
	wr(0x03, 1, 1);
	pci_dev_reset(dev);
	assert_int_equal(clock_next(&bench.clock), CLOCK_NEVER);
	bench_enable(dev);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), HALTED);
	assert_int_equal(rd(CHAN(1) + CHANCMD, 1), 0);
	assert_int_equal(rd(0x03, 1), 0);
	assert_int_equal(rd(CHAN(0) + CHANCTRL, 2), 0);
}

/* DMACOUNT back to where the channel is before it began: nothing happens. */
static void doorbell_taken_back(void **s)
{
	(void)s;
	add(0, 64, 0, MEMORY, MEMORY + 0x800000);
	ring_doorbell(0);
	wr(CHAN(0) + DMACOUNT, 0, 2);
	bench_advance(&bench, US);
	assert_int_equal(state(0), ARMED);
	assert_int_equal(counts().copies, 0);
}

/* Four channels share the engine's rate, a chunk each in turn; which is the same every time. */
static void concurrent(void **s)
{
	uint64_t src[4], dst[4];

	(void)s;
	for (unsigned ch = 0; ch < 4; ch++) {
		src[ch] = pattern(65536, 1, ch);
		dst[ch] = bench_alloc(&bench, 65536, 1);
		add(ch, 65536, COMPL, src[ch], dst[ch]);
		ring_doorbell(ch);
	}
	bench_advance(&bench, 200 * NS + 4 * (16384 + 64) * NS / 5);
	for (unsigned ch = 0; ch < 4; ch++) {
		assert_true(same(src[ch], dst[ch], 16384));
		assert_int_equal(get64(dst[ch] + 16384), 0);
	}
	bench_advance(&bench, 2 * 4 * 16384 * NS / 5 + 3 * 16384 * NS / 5);
	assert_int_equal(state(2), IDLE);
	assert_int_equal(state(3), ACTIVE);
	bench_advance(&bench, 16384 * NS / 5);
	for (unsigned ch = 0; ch < 4; ch++) {
		assert_true(same(src[ch], dst[ch], 65536));
		assert_int_equal(get64(channel[ch].completion), desc(ch, 0) | IDLE);
	}
}

/* A host that wants to be called at multiples of 10 us only: the same results, later. */
static void batched(void **s)
{
	static const struct ioat_model_config config = { .batch_ps = 10 * US };
	unsigned calls = 0;

	(void)s;
	set_up_engine(&config);
	set_up_channel(0);
	for (unsigned i = 0; i < 60; i++)
		add(0, 4096, COMPL, MEMORY, MEMORY + 0x800000 + 4096 * i);
	ring_doorbell(0);
	while (clock_next(&bench.clock) != CLOCK_NEVER) {
		assert_int_equal(clock_next(&bench.clock) % (10 * US), 0);
		clock_advance(&bench.clock, clock_next(&bench.clock));
		calls++;
	}
	/* 60 * 832 ns */
	assert_int_equal(clock_now(&bench.clock), 60 * US);
	assert_int_equal(calls, 6);
	assert_int_equal(get64(channel[0].completion), desc(0, 59) | IDLE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chain),
		TEST(timing),
		TEST(append),
		TEST(late_link),
		TEST(wrap),
		TEST(null_descriptor),
		TEST(fence),
		TEST(suspend_resume),
		TEST(restart_suspended),
		TEST(new_chain),
		TEST(abort_command),
		TEST(reset_command),
		TEST(function_reset),
		TEST(doorbell_taken_back),
		TEST(concurrent),
		cmocka_unit_test_teardown(batched, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
