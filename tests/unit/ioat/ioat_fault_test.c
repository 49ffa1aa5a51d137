// sources: @ioat
/* The I/OAT driver on a device with faults: no operation is lost, none is done twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/errno.h"
#include "tests/models/pci_regs.h"
#include "tests/unit/ioat/ioat_bench.h"

#define OPS	 12u
#define SEGMENTS 2u
#define BYTES	 3000u

static struct ioat_device device[MACHINE_DEVICES_MAX];
static struct ioat_chan *chan; /* the first */

/* Operations of SEGMENTS segments each; what the device did not do, `complete()` does as a caller
 * would, and counts each byte. */
static struct op {
	uint8_t *src, *dst;
	unsigned ended;
	int status;
	uint32_t done_bytes;
} op[OPS];
static uint64_t order; /* token of the next one that must end */

static int setup(void **state)
{
	(void)state;
	machine_start(&(struct ioat_model_config){ .device_id = 0x0e20 }, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 1);
	chan = &device[0].chan[0];
	assert_int_equal(ioat_open(chan), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_stop();
	return 0;
}

static void prepare(struct ioat_chan *c)
{
	memset(op, 0, sizeof(op));
	order = 0;
	for (unsigned i = 0; i < OPS; i++) {
		op[i].src = machine_alloc(SEGMENTS * BYTES, 64);
		op[i].dst = machine_alloc(SEGMENTS * BYTES, 64);
		machine_fill(op[i].src, SEGMENTS * BYTES, (uint32_t)rand());
		assert_int_equal(ioat_begin(c), 0);
		for (unsigned s = 0; s < SEGMENTS; s++)
			assert_int_equal(ioat_add(c, op[i].dst + s * BYTES, op[i].src + s * BYTES,
						 BYTES, false),
				0);
		ioat_commit(c, i);
	}
}

static void complete(const struct ioat_result *r)
{
	struct op *o = &op[r->token];

	assert_int_equal(r->token, order);
	/* nothing is handed back that the device may still write to */
	assert_false(r->status && chan->state == IOAT_RESETTING);
	order++;
	o->ended++;
	o->status = r->status;
	o->done_bytes = r->status ? r->done_bytes : SEGMENTS * BYTES;
	/* what is said to be done is done, before anything is repaired */
	assert_memory_equal(o->dst, o->src, o->done_bytes);
	memcpy(o->dst + o->done_bytes, o->src + o->done_bytes, SEGMENTS * BYTES - o->done_bytes);
}

/* Until all have ended; how long it took. */
static uint64_t finish(struct ioat_chan *c, unsigned max)
{
	struct ioat_result r[OPS];
	uint64_t start_us = machine_now_us();

	while (order < OPS) {
		unsigned n = ioat_poll(c, r, max);

		for (unsigned i = 0; i < n; i++)
			complete(&r[i]);
		assert_true(machine_now_us() < start_us + 1000000);
	}
	assert_int_equal(ioat_poll(c, r, OPS), 0);
	assert_false(ioat_is_busy(c));
	assert_int_equal(c->backlog_bytes, 0);
	for (unsigned i = 0; i < OPS; i++) {
		assert_int_equal(op[i].ended, 1);
		assert_memory_equal(op[i].dst, op[i].src, SEGMENTS * BYTES);
	}
	return machine_now_us() - start_us;
}

/* Nothing more than `extra` bytes were written than what is said to be done: by the device, which
 * may have been in the middle of one. */
static void check_bytes(unsigned nr_failed, uint64_t before, uint64_t extra)
{
	uint64_t done = 0, written = machine_counts(0).bytes - before;
	unsigned failed = 0;

	for (unsigned i = 0; i < OPS; i++) {
		done += op[i].done_bytes;
		failed += op[i].status != 0;
	}
	assert_int_equal(failed, nr_failed);
	assert_in_range(written, done, done + extra);
}

static void works_again(struct ioat_chan *c)
{
	uint64_t handed_back = c->stats.handed_back;

	machine.bench.allocated_bytes = 16 << 20;
	prepare(c);
	(void)ioat_flush(c);
	(void)finish(c, OPS);
	assert_int_equal(c->state, IOAT_RUNNING);
	assert_int_equal(c->stats.handed_back, handed_back);
}

/* Each bit of CHANERR, on each of the batch's first descriptors; fetched at once or one by one. */
static void test_each_error(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 19; bit++) {
		for (unsigned when = 0; when < 5; when++) {
			uint64_t bytes = machine_counts(0).bytes, halts = chan->stats.halts;

			machine.bench.allocated_bytes = 16 << 20;
			prepare(chan);
			(void)ioat_flush(chan);
			machine_advance_us(when); /* a descriptor takes 0.6 us */
			machine_fault(0, "halt 0 %u", bit);
			/* an error of the completion word is not written there */
			assert_true(finish(chan, when % 2 ? OPS : 1) <
				    (bit == 12 ? 2 * IOAT_CHECK_US : 50));
			assert_int_equal(chan->stats.halts, halts + 1);
			assert_int_equal(chan->stats.errors[bit], when + 1);
			check_bytes(1, bytes, 0); /* it ends before its data */
			works_again(chan);
		}
	}
	assert_int_equal(chan->stats.stalls, 0);
	assert_int_equal(chan->stats.handed_back, 19 * 5);
}

static void test_several_errors(void **state)
{
	uint64_t bytes = machine_counts(0).bytes;
	struct ioat_result r;

	(void)state;
	prepare(chan);
	(void)ioat_flush(chan);
	machine_fault(0, "halt 0 read");
	while (chan->stats.halts < 5 && order < OPS) {
		uint64_t halts = chan->stats.halts;

		if (ioat_poll(chan, &r, 1))
			complete(&r);
		if (chan->stats.halts != halts)
			machine_fault(0, "halt 0 %u", (unsigned)halts);
		while (chan->state != IOAT_RUNNING && !ioat_poll(chan, &r, 0))
			machine_fault(0, "halt 0 %u", (unsigned)halts);
	}
	(void)finish(chan, 1);
	assert_true(chan->stats.halts >= 5);
	check_bytes((unsigned)chan->stats.handed_back, bytes, 0);
	works_again(chan);
}

static void test_master_abort(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const char *what = i % 2 ? "abort-writes" : "abort-reads";
		uint64_t bytes = machine_counts(0).bytes;

		machine.bench.allocated_bytes = 16 << 20;
		prepare(chan);
		(void)ioat_flush(chan);
		machine_advance_us(3);
		machine_fault(0, "%s on", what);
		machine_advance_us(3);
		machine_fault(0, "%s off", what);
		(void)finish(chan, OPS);
		check_bytes(1, bytes, 0);
		works_again(chan);
	}
	assert_int_equal(chan->stats.halts, 4);
}

/* It never works again: after some attempts the channel is given up, and nothing is lost. */
static void test_abort_for_good(void **state)
{
	struct ioat_result r;

	(void)state;
	prepare(chan);
	(void)ioat_flush(chan);
	machine_fault(0, "abort-reads on");
	(void)finish(chan, 3);
	assert_int_equal(chan->state, IOAT_DEAD);
	assert_int_equal(chan->stats.halts, IOAT_RECOVERIES_MAX + 1);
	assert_int_equal(chan->stats.handed_back, OPS);
	assert_int_equal(device[0].dead, 0); /* the others may go on */
	assert_int_equal(ioat_begin(chan), -EIO);
	assert_int_equal(ioat_poll(chan, &r, 1), 0);
	machine_fault(0, "abort-reads off");
	chan = &device[0].chan[1];
	assert_int_equal(ioat_open(chan), 0);
	works_again(chan);
}

static void test_late_completion(void **state)
{
	(void)state;
	machine_fault(0, "late-completion 2000"); /* slow but in time */
	prepare(chan);
	(void)ioat_flush(chan);
	(void)finish(chan, OPS);
	assert_int_equal(chan->stats.handed_back, 0);
	assert_int_equal(chan->stats.stalls, 0);
	machine_fault(0, "late-completion 15000");
	machine.bench.allocated_bytes = 16 << 20;
	prepare(chan);
	(void)ioat_flush(chan);
	(void)finish(chan, OPS);
	assert_int_equal(chan->state, IOAT_DEAD);
	assert_int_equal(chan->stats.handed_back, OPS);
}

static void test_stall(void **state)
{
	uint64_t bytes = machine_counts(0).bytes, took_us;

	(void)state;
	prepare(chan);
	(void)ioat_flush(chan);
	machine_advance_us(2);
	machine_fault(0, "stall 0");
	took_us = finish(chan, OPS);
	assert_int_equal(chan->stats.stalls, 1);
	assert_in_range(took_us, IOAT_STALL_US, IOAT_STALL_US + IOAT_SUSPEND_US + 500);
	check_bytes(1, bytes, BYTES);
	works_again(chan);
	/* a short one is no fault */
	prepare(chan);
	(void)ioat_flush(chan);
	machine_fault(0, "stall 0 5000");
	(void)finish(chan, OPS);
	assert_int_equal(chan->stats.stalls, 1);
}

/* While the channel is being brought back nothing is taken, but what was prepared before is kept.
 */
static void test_prepare_during_recovery(void **state)
{
	(void)state;
	machine_fault(0, "halt 0 control");
	prepare(chan);
	(void)ioat_flush(chan);
	machine_advance_us(1);
	assert_int_equal(ioat_poll(chan, NULL, 0), 0);
	assert_int_equal(chan->state, IOAT_RESETTING);
	assert_int_equal(ioat_begin(chan), -EAGAIN);
	assert_int_equal(ioat_set_target(chan, IOAT_NO_TARGET), 0);
	(void)finish(chan, 1);
	/* halted between commit and flush: a batch that is not flushed yet */
	works_again(chan);
	machine.bench.allocated_bytes = 32 << 20;
	prepare(chan);
	assert_int_equal(ioat_poll(chan, NULL, 0), 0);
	machine_fault(0, "halt 0 control");
	(void)ioat_flush(chan);
	(void)finish(chan, OPS);
	assert_int_equal(chan->stats.handed_back, 2);
}

/* A flush that comes while the channel is being reset is made good for. */
static void test_flush_during_recovery(void **state)
{
	(void)state;
	machine_fault(0, "halt 0 control");
	prepare(chan);
	chan->head -= 6 * SEGMENTS; /* the second half is committed later */
	(void)ioat_flush(chan);
	chan->head += 6 * SEGMENTS;
	machine_advance_us(1);
	assert_int_equal(ioat_poll(chan, NULL, 0), 0);
	assert_int_equal(chan->state, IOAT_RESETTING);
	assert_int_equal(ioat_flush(chan), 6 * SEGMENTS);
	(void)finish(chan, OPS);
	assert_int_equal(chan->stats.handed_back, 1);
}

/* The reset never ends: the function may not write any more, and its channels hand back. */
static void test_reset_hangs(void **state)
{
	struct ioat_chan *other = &device[0].chan[2];
	struct ioat_result r[OPS];
	uint64_t took_us;

	(void)state;
	assert_int_equal(ioat_open(other), 0);
	assert_int_equal(ioat_begin(other), 0);
	machine_fault(0, "stall 2");
	assert_int_equal(
		ioat_add(other, machine_alloc(64, 64), machine_alloc(64, 64), 64, false), 0);
	ioat_commit(other, 77);
	(void)ioat_flush(other);
	prepare(chan);
	(void)ioat_flush(chan);
	machine_advance_us(3);
	machine_fault(0, "reset-hangs on");
	machine_fault(0, "halt 0 read");
	took_us = finish(chan, 2);
	assert_in_range(took_us, IOAT_RESET_US, IOAT_RESET_US + 500);
	assert_int_equal(chan->state, IOAT_DEAD);
	assert_int_equal(chan->stats.failed_resets, 1);
	assert_int_equal(device[0].dead, 1);
	assert_int_equal(pci_dev_cfg_read(machine_function(0), CFG_COMMAND, 2) & COMMAND_MASTER, 0);
	machine_advance_us(2 * IOAT_CHECK_US);
	assert_int_equal(ioat_poll(other, r, OPS), 0); /* it looks from time to time */
	machine_advance_us(2 * IOAT_CHECK_US);
	assert_int_equal(ioat_poll(other, r, OPS), 1);
	assert_int_equal(r[0].token, 77);
	assert_int_equal(r[0].status, -EIO);
	assert_int_equal(other->state, IOAT_DEAD);
	assert_int_equal(ioat_open(&device[0].chan[3]), -ETIMEDOUT);
}

static void test_gone_from_the_bus(void **state)
{
	(void)state;
	prepare(chan);
	(void)ioat_flush(chan);
	machine_advance_us(3);
	machine_fault(0, "stall 0");
	machine.gone = true;
	assert_true(finish(chan, 1) < 4 * IOAT_CHECK_US);
	assert_int_equal(chan->state, IOAT_DEAD);
	machine.gone = false;
}

/* The doorbell did not arrive. */
static void test_lost_doorbell(void **state)
{
	(void)state;
	prepare(chan);
	machine.gone = true;
	(void)ioat_flush(chan);
	machine.gone = false;
	assert_true(finish(chan, OPS) < 4 * IOAT_CHECK_US);
	assert_int_equal(chan->stats.repeated_doorbells, 1);
	assert_int_equal(chan->stats.handed_back, 0);
}

/* The word says halted, the registers do not. */
static void test_false_halt(void **state)
{
	(void)state;
	prepare(chan);
	(void)ioat_flush(chan);
	*chan->completion = 3;
	(void)finish(chan, OPS);
	assert_int_equal(chan->stats.halts, 0);
}

static unsigned notified;

static void notify(void *arg)
{
	(void)arg;
	notified++;
}

/* An error interrupts if interrupts are enabled, also after a reset that cleared the table's entry
 * (version 3.3). */
static void test_error_interrupt(void **state)
{
	(void)state;
	machine_stop();
	machine_start(&(struct ioat_model_config){ .device_id = 0x6f50 }, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 1);
	assert_int_equal(ioat_open(chan), 0);
	assert_int_equal(ioat_interrupt_enable(chan, 0, notify, NULL), 0);
	for (unsigned i = 1; i <= 3; i++) {
		notified = 0;
		machine.bench.allocated_bytes = 16 << 20;
		machine_fault(0, "halt 0 length");
		prepare(chan);
		(void)ioat_flush(chan);
		machine_advance_us(20);
		machine_interrupts();
		assert_int_equal(notified, 1);
		(void)finish(chan, OPS);
		assert_int_equal(chan->stats.halts, i);
	}
}

/* Faults at random times, and callers that fetch little at a time. */
static void test_random(void **state)
{
	static const char *const fault[] = { "halt 0 %u", "halt 0 read", "stall 0 %u", "stall 0",
		"late-completion %u", "late-completion 0" };

	(void)state;
	srand(11);
	for (unsigned round = 0; round < 200; round++) {
		machine.bench.allocated_bytes = 16 << 20;
		prepare(chan);
		(void)ioat_flush(chan);
		machine_advance_us((uint64_t)rand() % 8);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat"
		machine_fault(0, fault[rand() % 6], (unsigned)rand() % 19);
#pragma GCC diagnostic pop
		(void)finish(chan, 1 + (unsigned)rand() % OPS);
		machine_fault(0, "run 0");
		assert_int_equal(chan->state, IOAT_RUNNING);
	}
	assert_int_equal(chan->stats.bad_completions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_abort, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abort_for_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stall, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prepare_during_recovery, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush_during_recovery, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_from_the_bus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_doorbell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_false_halt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
