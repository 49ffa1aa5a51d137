// sources: @ioat hv/net/copy.c hv/net/copy_estimate.c hv/net/copy_setup.c hv/net/work.c
/* The copy engine over I/OAT channels and the CPU: every byte once, in order, whatever fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/percpu.h"
#include "lib/errno.h"
#include "net/copy.h"
#include "net/copy_setup.h"
#include "tests/unit/ioat/ioat_bench.h"

#define QUEUES	   3u
#define JOBS_MAX   600u
#define PIECES_MAX 8u
#define CPU_PS	   125 /* for a byte */

struct percpu *cpus[CPU_MAX];
unsigned nr_cpus;

static struct percpu core[4];
static struct ioat_device device[1];
static struct copy_ctx ctx;
static struct worker worker;

static struct stream {
	struct copy_queue q; /* first: wake() gets it */
	struct job {
		struct copy_piece piece[PIECES_MAX];
		unsigned nr;
		uint64_t bytes;
	} job[JOBS_MAX];
	unsigned submitted, ended, woken; /* all jobs, those that were done at once too */
} stream[QUEUES];

static uint64_t total_jobs, total_bytes;

static void wake(struct copy_queue *q)
{
	((struct stream *)(void *)q)->woken++;
}

static void start(const struct ioat_model_config *config, unsigned channels)
{
	machine_start(config, 1);
	memset(&ctx, 0, sizeof(ctx));
	memset(&worker, 0, sizeof(worker));
	memset(stream, 0, sizeof(stream));
	total_jobs = total_bytes = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(core); i++) {
		core[i].apic_id = 2 * i;
		cpus[i] = &core[i];
	}
	nr_cpus = ARRAY_SIZE(core);
	copy_ctx_init(&ctx, &worker);
	for (unsigned i = 0; i < QUEUES; i++)
		copy_queue_init(&stream[i].q, wake);
	machine.cpu_bytes = &ctx.stats.cpu_bytes;
	machine.cpu_ps_per_byte = CPU_PS;
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 1);
	for (unsigned i = 0; i < channels; i++) {
		assert_int_equal(ioat_open(&device[0].chan[i]), 0);
		assert_int_equal(copy_ctx_add_channel(&ctx, &device[0].chan[i]), 0);
	}
	machine.bench.allocated_bytes = 16 << 20;
}

static int setup(void **state)
{
	(void)state;
	start(&(struct ioat_model_config){ .device_id = 0x0e20 }, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_stop();
	return 0;
}

static void check(const struct job *job)
{
	for (unsigned i = 0; i < job->nr; i++)
		assert_memory_equal(job->piece[i].dst, job->piece[i].src, job->piece[i].len_bytes);
}

static void take(struct stream *s)
{
	unsigned n = copy_take(&s->q);

	while (n--)
		check(&s->job[s->ended++]);
	assert_true(s->ended <= s->submitted);
}

/* A job of pieces of these sizes. What copy_submit() said. */
static int submit_sizes(struct stream *s, const uint32_t *size, unsigned nr, uint32_t dest_core)
{
	struct job *job = &s->job[s->submitted];
	int r;

	assert_true(s->submitted < JOBS_MAX);
	*job = (struct job){ .nr = nr };
	for (unsigned i = 0; i < nr; i++) {
		uint8_t *src = machine_alloc(size[i] + 4096, 1), *dst = machine_alloc(size[i], 1);

		machine_fill(src, size[i], (uint32_t)rand());
		job->piece[i] = (struct copy_piece){ dst, src, size[i] };
		job->bytes += size[i];
	}
	take(s);
	r = copy_submit(&ctx, &s->q, job->piece, nr, dest_core);
	if (r == -EAGAIN)
		return r;
	total_jobs++;
	total_bytes += job->bytes;
	s->submitted++;
	if (r == COPY_DONE) {
		assert_int_equal(s->ended, s->submitted - 1); /* nothing older is pending */
		check(job);
		s->ended++;
	}
	return r;
}

static int submit(struct stream *s, uint32_t len_bytes)
{
	return submit_sizes(s, &len_bytes, 1, COPY_ANY_CORE);
}

static void drain(void)
{
	uint64_t end_us = machine_now_us() + 1000000;

	copy_flush(&ctx);
	while (copy_poll(&ctx)) {
		machine_advance_us(1);
		assert_true(machine_now_us() < end_us);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		take(&stream[i]);
		assert_int_equal(stream[i].ended, stream[i].submitted);
		stream[i].ended = stream[i].submitted = 0;
	}
	machine.bench.allocated_bytes = 16 << 20;
}

/* Every job and every byte were counted once. */
static void check_books(void)
{
	struct copy_stats sum = { 0 };

	copy_stats_add(&sum, &ctx);
	assert_int_equal(sum.cpu_copies + sum.ioat_copies, total_jobs);
	assert_int_equal(sum.cpu_bytes + sum.ioat_bytes, total_bytes);
	assert_int_equal(ctx.job_head, ctx.job_tail);
	assert_int_equal(ctx.piece_head, ctx.piece_tail);
}

static void test_without_channels(void **state)
{
	const uint32_t size[] = { 12, 64, 0, 1450, 65536 };

	(void)state;
	start(&(struct ioat_model_config){ 0 }, 0);
	assert_true(copy_is_immediate(&ctx, &stream[0].q));
	assert_false(copy_takes(&ctx, UINT32_MAX, true));
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(submit_sizes(&stream[i % QUEUES], size, 5, 1), COPY_DONE);
	copy_flush(&ctx);
	assert_false(copy_poll(&ctx));
	check_books();
	assert_int_equal(ctx.stats.cpu_copies, 50);
	assert_false(worker_pending(&worker));
}

/* Small pieces by the CPU, large ones by the channel, in one job. */
static void test_mixed_job(void **state)
{
	const uint32_t size[] = { 12, 20000, 64, 0, 40000 };
	struct job *job = &stream[0].job[0];

	(void)state;
	assert_int_equal(submit_sizes(&stream[0], size, 5, COPY_ANY_CORE), COPY_PENDING);
	assert_memory_equal(job->piece[2].dst, job->piece[2].src, 64);
	assert_memory_not_equal(job->piece[1].dst, job->piece[1].src, 64);
	assert_int_equal(ctx.stats.cpu_bytes, 12 + 64);
	drain();
	check_books();
	assert_int_equal(ctx.stats.ioat_bytes, 60000);
	assert_int_equal(ctx.stats.ioat_copies, 1);
	assert_int_equal(machine_counts(0).copies, 2);
}

/* A small job behind a large one is copied at once, but not told before it; in another queue it
 * is. */
static void test_order(void **state)
{
	(void)state;
	assert_int_equal(submit(&stream[0], 60000), COPY_PENDING);
	assert_int_equal(submit(&stream[0], 60), COPY_PENDING);
	check(&stream[0].job[1]);
	assert_int_equal(submit(&stream[1], 60), COPY_DONE);
	copy_flush(&ctx);
	assert_true(copy_poll(&ctx));
	assert_int_equal(copy_take(&stream[0].q), 0);
	assert_int_equal(stream[0].woken, 0);
	machine_advance_us(50);
	assert_false(copy_poll(&ctx));
	assert_int_equal(stream[0].woken, 1);
	assert_int_equal(stream[1].woken, 0);
	take(&stream[0]);
	assert_int_equal(stream[0].ended, 2);
	assert_int_equal(submit(&stream[0], 60), COPY_DONE);
	check_books();
}

static void test_one_doorbell_for_a_batch(void **state)
{
	uint64_t before = machine_counts(0).doorbells;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(submit(&stream[i % QUEUES], 9000), COPY_PENDING);
	drain();
	assert_int_equal(machine_counts(0).doorbells, before + 1);
	assert_int_equal(ctx.stats.doorbells, 1);
	assert_int_equal(ctx.stats.ioat_copies, 10);
}

static uint32_t random_size(void)
{
	switch (rand() % 4) {
	case 0:
		return (uint32_t)rand() % 128;
	case 1:
		return (uint32_t)rand() % 2048;
	case 2:
		return (uint32_t)rand() % 16384;
	default:
		return 1 + (uint32_t)rand() % 65536;
	}
}

static void random_batch(void)
{
	for (unsigned i = 0; i < 20; i++) {
		uint32_t size[PIECES_MAX];
		unsigned nr = 1 + (unsigned)rand() % PIECES_MAX;

		for (unsigned k = 0; k < nr; k++)
			size[k] = random_size();
		assert_true(submit_sizes(&stream[rand() % QUEUES], size, nr,
				    rand() % 2 ? COPY_ANY_CORE : (uint32_t)rand() % 5) >= 0);
		if (rand() % 8 == 0)
			copy_flush(&ctx);
		if (rand() % 4 == 0)
			(void)copy_poll(&ctx);
	}
}

static void test_random_sizes(void **state)
{
	(void)state;
	srand(5);
	for (unsigned i = 0; i < 60; i++) {
		random_batch();
		if (rand() % 2)
			machine_advance_us((uint64_t)rand() % 100);
		drain();
	}
	check_books();
	assert_true(ctx.stats.ioat_copies > 100);
	assert_true(ctx.stats.cpu_copies > 100);
	assert_int_equal(machine_counts(0).bytes, ctx.stats.ioat_bytes);
	assert_int_equal(ctx.stats.errors_recovered, 0);
}

static void test_several_channels(void **state)
{
	(void)state;
	machine_stop();
	start(&(struct ioat_model_config){ .device_id = 0x0e20 }, 4);
	assert_int_equal(copy_ctx_add_channel(&ctx, &device[0].chan[0]), -ENOSPC);
	srand(6);
	for (unsigned i = 0; i < 40; i++) {
		random_batch();
		drain();
	}
	check_books();
	for (unsigned i = 0; i < 4; i++)
		assert_true(device[0].chan[i].stats.operations > 20);
}

/* Each error in the middle of batches, and others at random. */
static void test_faults(void **state)
{
	(void)state;
	machine_stop();
	start(&(struct ioat_model_config){ .device_id = 0x0e20 }, 2);
	srand(7);
	for (unsigned i = 0; i < 19 * 4; i++) {
		random_batch();
		machine_fault(0, "halt %u %u", i % 2, i / 4);
		machine_advance_us((uint64_t)rand() % 20);
		random_batch();
		if (i % 8 == 0)
			machine_fault(0, "stall %u 20000", (i + 1) % 2);
		drain();
	}
	check_books();
	assert_in_range(ctx.stats.errors_recovered, 60, 19 * 4 + 10);
	assert_int_equal(ctx.nr_channels, 2);
	assert_int_equal(ctx.stats.channels_lost, 0);
	/* the device may have been in the middle of a descriptor that was handed back */
	assert_in_range(machine_counts(0).bytes, ctx.stats.ioat_bytes,
		ctx.stats.ioat_bytes + ctx.stats.errors_recovered * 65536);
}

static void test_master_abort(void **state)
{
	(void)state;
	srand(8);
	for (unsigned i = 0; i < 20; i++) {
		machine_fault(0, "abort-%s on", i % 2 ? "reads" : "writes");
		random_batch();
		copy_flush(&ctx);
		machine_advance_us(3);
		machine_fault(0, "abort-%s off", i % 2 ? "reads" : "writes");
		drain();
	}
	check_books();
	assert_true(ctx.stats.errors_recovered >= 10);
}

static void test_late_completion(void **state)
{
	(void)state;
	machine_fault(0, "late-completion 300");
	srand(9);
	for (unsigned i = 0; i < 5; i++) {
		random_batch();
		drain();
	}
	check_books();
	assert_int_equal(ctx.stats.errors_recovered, 0);
}

/* The CPU does it all from then on, and the channel is not tried again. */
static void test_reset_that_never_ends(void **state)
{
	uint64_t ioat_bytes;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
	copy_flush(&ctx);
	machine_advance_us(10);
	machine_fault(0, "reset-hangs on");
	machine_fault(0, "halt 0 dma-data");
	machine_advance_us(10);
	assert_true(copy_poll(&ctx));
	assert_int_equal(submit(&stream[0], 30000), COPY_PENDING); /* by the CPU, and waits */
	assert_int_equal(ctx.stats.fallback_fault, 1);
	assert_int_equal(submit(&stream[1], 30000), COPY_DONE);
	drain();
	check_books();
	assert_int_equal(ctx.nr_channels, 0);
	assert_int_equal(ctx.stats.channels_lost, 1);
	assert_in_range(ctx.stats.errors_recovered, 5, 9);
	ioat_bytes = ctx.stats.ioat_bytes;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(submit(&stream[0], 30000), COPY_DONE);
	assert_true(copy_is_immediate(&ctx, &stream[0].q));
	check_books();
	assert_int_equal(ctx.stats.ioat_bytes, ioat_bytes);
}

/* The channel's ring is full: the CPU, without a gap in the order. */
static void test_ring_full(void **state)
{
	uint32_t size[PIECES_MAX];
	unsigned pending = 0;

	(void)state;
	for (unsigned i = 0; i < PIECES_MAX; i++)
		size[i] = 3000;
	machine_fault(0, "stall 0");
	for (unsigned i = 0; i < 100; i++) /* whatever the backlog, the channel is better */
		copy_estimate_cpu(&ctx.estimate, 3000, 1000000);
	for (unsigned i = 0; i < 40; i++)
		pending +=
			submit_sizes(&stream[0], size, PIECES_MAX, COPY_ANY_CORE) == COPY_PENDING;
	assert_int_equal(pending, 40);
	assert_in_range(ctx.stats.fallback_full, 1, 40);
	assert_true(ctx.stats.cpu_copies > 0);
	machine_fault(0, "run 0");
	drain();
	check_books();
}

/* No more jobs can be pending: refused where there is an order to keep, copied where not. */
static void test_jobs_full(void **state)
{
	unsigned n = 0;
	int r;

	(void)state;
	assert_int_equal(submit(&stream[0], 60000), COPY_PENDING);
	copy_flush(&ctx);
	machine_fault(0, "stall 0 3000");
	while ((r = submit(&stream[0], 100)) == COPY_PENDING)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(n, COPY_JOBS - 1);
	assert_int_equal(ctx.stats.refused, 1);
	assert_int_equal(submit(&stream[1], 60000), COPY_DONE);
	assert_int_equal(ctx.stats.fallback_space, 1);
	assert_int_equal(stream[0].woken, 0);
	drain();
	assert_true(stream[0].woken > 0);
	check_books();
}

/* Its owner goes to another core. */
static void test_queue_moves(void **state)
{
	uint8_t *src, *dst;
	struct copy_ctx other = { 0 };
	struct copy_piece piece;

	(void)state;
	copy_ctx_init(&other, NULL);
	src = machine_alloc(4096, 1), dst = machine_alloc(4096, 1);
	piece = (struct copy_piece){ dst, src, 4096 };
	assert_int_equal(submit(&stream[0], 60000), COPY_PENDING);
	copy_flush(&ctx);
	assert_int_equal(copy_submit(&other, &stream[0].q, &piece, 1, 0), -EAGAIN);
	assert_int_equal(other.stats.refused, 1);
	machine_advance_us(100);
	(void)copy_poll(&ctx);
	assert_int_equal(stream[0].woken, 1);
	take(&stream[0]);
	assert_int_equal(copy_submit(&other, &stream[0].q, &piece, 1, 0), COPY_DONE);
	assert_memory_equal(dst, src, 4096);
	assert_int_equal(submit(&stream[0], 60000), COPY_PENDING); /* and back */
	drain();
}

static void test_work_item(void **state)
{
	(void)state;
	assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
	assert_false(worker_pending(&worker));
	copy_flush(&ctx);
	assert_true(worker_pending(&worker));
	assert_true(worker_run(&worker));
	machine_advance_us(50);
	assert_false(worker_run(&worker));
	assert_int_equal(stream[0].woken, 1);
	drain();
	assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
	copy_flush(&ctx);
	assert_true(worker_pending(&worker));
	machine_advance_us(50);
	assert_false(worker_run(&worker));
	drain();
}

static void test_interrupt(void **state)
{
	(void)state;
	assert_int_equal(ioat_interrupt_enable(ctx.channel[0], 0, copy_interrupt, &ctx), 0);
	assert_false(copy_interrupt_request(&ctx));
	assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
	assert_true(copy_interrupt_request(&ctx));
	assert_false(worker_pending(&worker));
	machine_advance_us(50);
	machine_interrupts();
	assert_true(worker_pending(&worker));
	assert_false(worker_run(&worker));
	assert_int_equal(stream[0].woken, 1);
	drain();
}

/* The core is left to something else while nothing ends; without a wake-up nobody looks, until
 * housekeeping does for the second time. */
static void test_work_item_sleeps(void **state)
{
	(void)state;
	assert_int_equal(ioat_interrupt_enable(ctx.channel[0], 0, copy_interrupt, &ctx), 0);
	for (unsigned lost = 0; lost < 2; lost++) {
		machine_fault(0, "stall 0 200");
		machine_fault(0, "lose-interrupts %u", lost);
		assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
		copy_flush(&ctx);
		for (unsigned i = 0; i <= COPY_DRY_POLLS; i++) {
			assert_true(worker_pending(&worker));
			(void)worker_run(&worker);
		}
		assert_false(worker_pending(&worker));
		copy_queue_housekeeping(&stream[0].q);
		assert_false(worker_pending(&worker));
		machine_advance_us(300);
		machine_interrupts();
		assert_int_equal(worker_pending(&worker), !lost);
		copy_queue_housekeeping(&stream[0].q);
		assert_true(worker_pending(&worker));
		assert_false(worker_run(&worker));
		take(&stream[0]);
		assert_int_equal(stream[0].ended, stream[0].submitted);
		copy_queue_housekeeping(&stream[0].q);
		assert_false(worker_pending(&worker));
	}
	check_books();
}

/* Without pieces: a place in the order for what the caller copied. */
static void test_empty_job(void **state)
{
	(void)state;
	assert_ptr_equal(worker.copy, &ctx);
	assert_int_equal(copy_submit(&ctx, &stream[0].q, NULL, 0, COPY_ANY_CORE), COPY_DONE);
	assert_int_equal(submit(&stream[0], 30000), COPY_PENDING);
	assert_true(copy_accepts(&ctx, &stream[0].q));
	assert_int_equal(copy_submit(&ctx, &stream[0].q, NULL, 0, COPY_ANY_CORE), COPY_PENDING);
	copy_count_cpu(&ctx, 0, 77);
	copy_flush(&ctx);
	assert_int_equal(copy_take(&stream[0].q), 0);
	machine_advance_us(50);
	assert_false(copy_poll(&ctx));
	assert_int_equal(copy_take(&stream[0].q), 2);
	assert_int_equal(ctx.stats.cpu_copies, 2);
	assert_int_equal(ctx.stats.cpu_bytes, 77);
	assert_int_equal(ctx.stats.ioat_copies, 1);
}

/* A channel that is idle is aimed at the core; where it aims already goes the next for that core.
 */
static void test_destination(void **state)
{
	const struct record *record = &machine.bench.record;
	const uint32_t size = 30000;

	(void)state;
	machine_stop();
	machine.cpu_has_dca = true;
	start(
		&(struct ioat_model_config){
			.device_id = 0x0e20, .has_dca = true, .apicid_tag_map = 0x4041424344 },
		2);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(submit_sizes(&stream[0], &size, 1, i % 2 ? 3 : 1), COPY_PENDING);
	copy_flush(&ctx);
	machine_advance_us(100);
	assert_false(copy_poll(&ctx));
	for (unsigned i = 0; i < 6; i++) {
		const struct record_entry *e =
			record_find(record, (uint64_t)stream[0].job[i].piece[0].dst, 0);

		assert_int_equal(
			e->hint.target, core[i % 2 ? 3 : 1].apic_id | IOAT_MODEL_TARGET_HINT);
	}
	drain();
	assert_int_equal(ctx.channel[0]->stats.retargets, 1);
	assert_int_equal(ctx.channel[1]->stats.retargets, 1);
	/* A third core while both are busy: not aimed rather than aimed at another. */
	assert_int_equal(submit_sizes(&stream[0], &size, 1, 1), COPY_PENDING);
	assert_int_equal(submit_sizes(&stream[0], &size, 1, 3), COPY_PENDING);
	assert_int_equal(submit_sizes(&stream[0], &size, 1, 2), COPY_PENDING);
	copy_flush(&ctx);
	machine_advance_us(100);
	assert_int_equal(
		record_find(record, (uint64_t)stream[0].job[2].piece[0].dst, 0)->hint.target,
		DMA_NO_TARGET);
	drain();
	check_books();
}

/* Many copies of these sizes; the share of bytes that the channel got, in percent. */
static unsigned share(unsigned batch)
{
	uint64_t cpu = ctx.stats.cpu_bytes, ioat = ctx.stats.ioat_bytes;

	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < batch; i++)
			(void)submit(&stream[i % QUEUES], BIT32(6 + (unsigned)rand() % 10));
		drain();
	}
	cpu = ctx.stats.cpu_bytes - cpu;
	ioat = ctx.stats.ioat_bytes - ioat;
	return (unsigned)(ioat * 100 / (cpu + ioat));
}

/* What the CPU costs changes, and so does the size from which it is not used. */
static void test_break_even_adapts(void **state)
{
	uint32_t slow, fast;

	(void)state;
	srand(10);
	machine.cpu_ps_per_byte = 1000;
	(void)share(8);
	slow = ctx.estimate.break_even_bytes;
	assert_in_range(slow, 32, 400);
	machine.cpu_ps_per_byte = 30;
	for (unsigned i = 0; i < 6; i++)
		(void)share(8);
	fast = ctx.estimate.break_even_bytes;
	assert_in_range(fast, 1000, 12000);
	machine.cpu_ps_per_byte = 1000;
	(void)share(8);
	assert_in_range(ctx.estimate.break_even_bytes, 32, 400);
	check_books();
}

/* A channel that does not keep up gets less. */
static void test_backlog_adapts(void **state)
{
	unsigned quick, slow;

	(void)state;
	srand(11);
	quick = share(30);
	machine_stop();
	start(&(struct ioat_model_config){ .device_id = 0x0e20, .copy_bytes_per_us = 100 }, 1);
	(void)share(30);
	slow = share(30);
	assert_in_range(quick, 80, 100);
	assert_in_range(slow, 1, 60);
	check_books();
}

/* Without a device: the arithmetic. */
static void test_estimate(void **state)
{
	struct copy_estimate e;

	(void)state;
	assert_int_equal(copy_class(0), 0);
	assert_int_equal(copy_class(127), 0);
	assert_int_equal(copy_class(128), 1);
	assert_int_equal(copy_class(65536), COPY_CLASSES - 1);
	assert_int_equal(copy_class(UINT32_MAX), COPY_CLASSES - 1);
	copy_estimate_init(&e);
	assert_in_range(e.break_even_bytes, 1000, 4000);
	for (unsigned i = 0; i < 400; i++) { /* 1 tick a byte against 500 for the channel */
		copy_estimate_cpu(&e, BIT32(6 + i % 11), BIT32(6 + i % 11));
		copy_estimate_prepare(&e, 200);
		copy_estimate_doorbell(&e, 1600, 16);
		copy_estimate_poll(&e, 3200, 16);
		copy_estimate_rate(&e, 1024 * 10, 10240);
	}
	assert_in_range(e.break_even_bytes, 450, 550);
	assert_in_range(e.backlog_max_bytes[copy_class(4096)], 4096 * 60, 4096 * 68);
	/* one wild sample does not matter */
	copy_estimate_prepare(&e, 1000000000);
	for (unsigned i = 0; i < 16; i++)
		copy_estimate_prepare(&e, 200);
	assert_in_range(e.break_even_bytes, 450, 600);
	/* nothing is worth the channel, and everything is */
	for (unsigned i = 0; i < 2000; i++)
		copy_estimate_prepare(&e, 10000000);
	assert_int_equal(e.break_even_bytes, COPY_NEVER_BYTES);
	for (unsigned i = 0; i < 2000; i++) {
		copy_estimate_prepare(&e, 0);
		copy_estimate_poll(&e, 0, 1);
		copy_estimate_doorbell(&e, 0, 1);
	}
	assert_in_range(e.break_even_bytes, 1, 64);
}

static void test_probes(void **state)
{
	struct copy_estimate e;
	unsigned small = 0, tiny = 0, large = 0;

	(void)state;
	copy_estimate_init(&e);
	for (unsigned i = 0; i < 640; i++) {
		small += copy_estimate_prefers_channel(&e, 600, 0);
		tiny += copy_estimate_prefers_channel(&e, 60, 0);
	}
	for (unsigned i = 0; i < 640; i++)
		large += copy_estimate_prefers_channel(&e, 60000, 0);
	assert_int_equal(small, 640 / COPY_PROBE_PERIOD);
	assert_int_equal(tiny, 0);
	assert_int_equal(large, 640 - 640 / COPY_PROBE_PERIOD);
	assert_false(copy_estimate_prefers_channel(&e, 60000, UINT64_MAX));
}

static unsigned to_channel(struct copy_estimate *e, uint32_t len_bytes, unsigned nr)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nr; i++)
		n += copy_estimate_prefers_channel(e, len_bytes, 0);
	return n;
}

/* What would be copied elsewhere is tried here now and then, until the measured costs decide. */
static void test_trials(void **state)
{
	struct copy_estimate e;
	unsigned asked;

	(void)state;
	copy_estimate_init(&e);
	for (asked = 1; !copy_estimate_takes(&e, 1000, false); asked++)
		assert_int_equal(to_channel(&e, 1000, 1), 0);
	assert_int_equal(asked, COPY_TRIAL_PERIOD);
	assert_int_equal(to_channel(&e, 1000, 20), 20);
	assert_int_equal(to_channel(&e, 100, 1), 0);
	assert_false(copy_estimate_takes(&e, 1000, false)); /* the next batch is none */
	assert_in_range(to_channel(&e, 1000, 20), 0, 1);
	for (unsigned i = 0; i < 10 * COPY_TRIAL_PERIOD; i++)
		assert_false(copy_estimate_takes(&e, COPY_PROBE_BYTES - 1, false));
	/* the channel turns out to cost nothing */
	for (asked = 1; !copy_estimate_takes(&e, 1000, false); asked++)
		;
	assert_true(asked <= COPY_TRIAL_PERIOD);
	for (unsigned i = 0; i < 100; i++) {
		copy_estimate_prepare(&e, 0);
		copy_estimate_doorbell(&e, 0, 1);
		copy_estimate_poll(&e, 0, 1);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_true(copy_estimate_takes(&e, 1000, false));
	assert_int_equal(to_channel(&e, 1000, COPY_PROBE_PERIOD), COPY_PROBE_PERIOD - 1);
}

/* A trial that nobody ends does. */
static void test_trial_is_bounded(void **state)
{
	struct copy_estimate e;

	(void)state;
	copy_estimate_init(&e);
	while (!copy_estimate_takes(&e, 1000, false))
		;
	assert_in_range(to_channel(&e, 1000, 3 * COPY_TRIAL_COPIES), COPY_TRIAL_COPIES,
		COPY_TRIAL_COPIES + 2 * COPY_TRIAL_COPIES / COPY_PROBE_PERIOD);
}

/* A core that helps gives all to its channel, whatever is before it. */
static void test_helper_takes_all(void **state)
{
	struct copy_estimate e;

	(void)state;
	copy_estimate_init(&e);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(copy_estimate_takes(&e, 1000, true));
		assert_int_equal(to_channel(&e, 1000, COPY_TRIAL_COPIES), COPY_TRIAL_COPIES);
	}
	assert_true(copy_estimate_takes(&e, 1000, true));
	assert_true(copy_estimate_prefers_channel(&e, 1000, UINT64_MAX));
	assert_false(copy_estimate_takes(&e, 300, true));
}

static struct worker *worker_of(unsigned index)
{
	static struct worker workers[4];

	return &workers[index];
}

/* Channels go round; what does not work is left out. */
static void test_setup(void **state)
{
	static const struct {
		unsigned cores, devices, channels, want, first, last;
	} row[] = { { 4, 1, 4, 4, 1, 1 }, { 2, 2, 4, 8, 4, 4 }, { 3, 1, 4, 4, 2, 1 },
		{ 4, 1, 16, 16, 4, 4 }, { 1, 2, 8, 4, 4, 4 }, { 2, 0, 4, 0, 0, 0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct copy_stats sum = { 0 };
		uint8_t *a, *b;
		struct copy_queue q;
		struct copy_piece piece;

		machine.cpu_has_dca = true;
		machine_start(&(struct ioat_model_config){ .device_id = 0x0e20,
				      .channels = row[i].channels,
				      .has_dca = true,
				      .apicid_tag_map = 0x4041424344 },
			row[i].devices);
		nr_cpus = row[i].cores;
		assert_int_equal(copy_start(worker_of, true, IOAT_DCA_PROBE), 0);
		assert_int_equal(copy_channels(), row[i].want);
		assert_int_equal(copy_of_core(0)->nr_channels, row[i].first);
		assert_int_equal(copy_of_core(nr_cpus - 1)->nr_channels, row[i].last);
		for (unsigned k = 0; k < row[i].last; k++) {
			assert_int_equal(copy_of_core(nr_cpus - 1)->channel[k]->target,
				core[nr_cpus - 1].apic_id);
			assert_int_not_equal(copy_of_core(nr_cpus - 1)->channel[k]->vector, 0);
		}
		a = machine_alloc(30000, 64), b = machine_alloc(30000, 64);
		piece = (struct copy_piece){ a, b, 30000 };
		machine_fill(b, 30000, i);
		copy_queue_init(&q, NULL);
		assert_int_equal(copy_submit(copy_of_core(0), &q, &piece, 1, 0),
			row[i].want ? COPY_PENDING : COPY_DONE);
		copy_flush(copy_of_core(0));
		machine_advance_us(50);
		assert_false(copy_poll(copy_of_core(0)));
		assert_memory_equal(a, b, 30000);
		copy_stats_sum(&sum);
		assert_int_equal(sum.cpu_copies + sum.ioat_copies, 1);
		copy_stop();
		machine_stop();
	}
	machine_start(&(struct ioat_model_config){ 0 }, 1);
	assert_int_equal(copy_start(worker_of, false, IOAT_DCA_PROBE), 0);
	assert_int_equal(copy_channels(), 0);
	machine_fault(0, "reset-hangs on");
	assert_int_equal(copy_start(worker_of, true, IOAT_DCA_PROBE), 0);
	assert_int_equal(copy_channels(), 0);
	machine.no_memory = true;
	assert_int_equal(copy_start(worker_of, true, IOAT_DCA_PROBE), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_trials),
		cmocka_unit_test(test_trial_is_bounded),
		cmocka_unit_test(test_helper_takes_all),
		cmocka_unit_test_teardown(test_without_channels, teardown),
		cmocka_unit_test_setup_teardown(test_mixed_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_doorbell_for_a_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_channels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_abort, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_that_never_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_jobs_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work_item, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work_item_sleeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destination, setup, teardown),
		cmocka_unit_test_setup_teardown(test_break_even_adapts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backlog_adapts, setup, teardown),
		cmocka_unit_test_teardown(test_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
