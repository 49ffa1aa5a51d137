// sources: @ioat
/* The I/OAT driver on a device without faults. */
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

static struct ioat_device device[MACHINE_DEVICES_MAX];
static struct ioat_chan *chan; /* the first */

static void start(const struct ioat_model_config *config)
{
	machine_start(config, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 1);
	chan = &device[0].chan[0];
	assert_int_equal(ioat_open(chan), 0);
}

static int setup(void **state)
{
	(void)state;
	start(&(struct ioat_model_config){ 0 });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_stop();
	return 0;
}

/* The next operation that ends, or a failure if none does in a second. */
static struct ioat_result next(void)
{
	struct ioat_result r;
	uint64_t end_us = machine_now_us() + 1000000;

	while (!ioat_poll(chan, &r, 1)) {
		assert_true(machine_now_us() < end_us);
		machine_advance_us(1);
	}
	return r;
}

static int copy(void *dst, const void *src, uint32_t len_bytes, uint64_t token)
{
	int r = ioat_begin(chan);

	if (!r)
		r = ioat_add(chan, dst, src, len_bytes, true);
	if (r)
		ioat_cancel(chan);
	else
		ioat_commit(chan, token);
	return r;
}

static void test_probe(void **state)
{
	static const struct ioat_model_config config[] = { { .device_id = 0x0e20, .channels = 8 },
		{ .device_id = 0x0b00 }, { .device_id = 0x3430, .channels = 16 } };
	static const struct {
		uint8_t version, channels;
	} want[] = { { 0x32, 8 }, { 0x34, 4 }, { 0x30, 16 } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		machine_start(&config[i], 2);
		assert_int_equal(ioat_probe(device, 2, IOAT_DCA_PROBE), 2);
		for (unsigned d = 0; d < 2; d++) {
			assert_int_equal(device[d].version, want[i].version);
			assert_int_equal(device[d].nr_channels, want[i].channels);
			assert_int_equal(device[d].max_bytes, 1 << 20);
			assert_false(device[d].has_dca);
			assert_int_equal(
				host_pci_read16(device[d].bdf, HOST_PCI_COMMAND) & 0x406, 0x406);
			assert_int_equal(machine_counts(d).unknown_reads, 0);
			assert_int_equal(machine_counts(d).unknown_writes, 0);
		}
		machine_stop();
	}
}

static void test_probe_refuses(void **state)
{
	(void)state;
	machine_start(&(struct ioat_model_config){ .version = 0x20 }, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 0);
	machine_stop();
	machine_start(&(struct ioat_model_config){ .device_id = 0x1234 }, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 0);
	machine_stop();
	machine_start(&(struct ioat_model_config){ 0 }, 1);
	machine_fault(0, "reset-hangs on");
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 0);
	assert_in_range(machine_now_us(), IOAT_RESET_US, IOAT_RESET_US + 1000);
	assert_int_equal(pci_dev_cfg_read(machine_function(0), CFG_COMMAND, 2) & COMMAND_MASTER, 0);
}

static void test_open_refuses(void **state)
{
	(void)state;
	machine_start(&(struct ioat_model_config){ 0 }, 1);
	assert_int_equal(ioat_probe(device, 1, IOAT_DCA_PROBE), 1);
	machine.no_memory = true;
	assert_int_equal(ioat_open(&device[0].chan[0]), -ENOMEM);
	machine.no_memory = false;
	machine_fault(0, "abort-writes on");
	assert_int_equal(ioat_open(&device[0].chan[1]), -EIO);
	machine_fault(0, "abort-writes off");
	assert_int_equal(ioat_begin(&device[0].chan[1]), -EIO);
	assert_int_equal(ioat_open(&device[0].chan[2]), 0);
}

/* A buffer with guards before and behind it. */
#define GUARD 64
struct buffer {
	uint8_t *p;
	uint32_t len_bytes;
};

static struct buffer guarded(uint32_t len_bytes, uint32_t in_page)
{
	uint8_t *whole = machine_alloc(len_bytes + 4096 + 2 * GUARD, 4096);
	struct buffer b = { whole + GUARD + in_page, len_bytes };

	memset(whole, 0x5a, len_bytes + 4096 + 2 * GUARD);
	return b;
}

static void check_guards(const struct buffer *b)
{
	for (unsigned i = 1; i <= GUARD; i++) {
		assert_int_equal(b->p[-(int)i], 0x5a);
		assert_int_equal(b->p[b->len_bytes + i - 1], 0x5a);
	}
}

static const uint32_t sizes[] = { 1, 2, 63, 64, 65, 1514, 4095, 4096, 4097, 9000, 65535, 65536 };
static const uint32_t places[] = { 0, 1, 4031, 3967, 2047 }; /* in a page: also its last byte */

static void test_sizes_and_page_ends(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(places); k++) {
			struct buffer src = guarded(sizes[i], places[k]);
			struct buffer dst = guarded(sizes[i], places[(k + i) % 5]);
			struct ioat_result r;

			machine_fill(src.p, sizes[i], i * 31 + k);
			assert_int_equal(copy(dst.p, src.p, sizes[i], i), 0);
			assert_int_equal(ioat_flush(chan), 1);
			r = next();
			assert_int_equal(r.status, 0);
			assert_int_equal(r.token, i);
			assert_memory_equal(dst.p, src.p, sizes[i]);
			check_guards(&dst);
		}
		machine.bench.allocated_bytes = 16 << 20; /* the channel's memory is below */
	}
}

/* Segments of random sizes at random places, several operations in a batch. */
static void random_batch(unsigned round)
{
	enum { OPS = 6, SEGMENTS = 5 };
	struct buffer src[OPS][SEGMENTS], dst[OPS][SEGMENTS];
	unsigned nr[OPS];

	machine.bench.allocated_bytes = 16 << 20;
	for (unsigned o = 0; o < OPS; o++) {
		nr[o] = 1 + (unsigned)rand() % SEGMENTS;
		assert_int_equal(ioat_begin(chan), 0);
		for (unsigned s = 0; s < nr[o]; s++) {
			uint32_t len = 1 + (uint32_t)rand() % (rand() % 4 ? 2048 : 65536);

			src[o][s] = guarded(len, (uint32_t)rand() % 4096);
			dst[o][s] = guarded(len, (uint32_t)rand() % 4096);
			machine_fill(src[o][s].p, len, (uint32_t)rand());
			assert_int_equal(ioat_add(chan, dst[o][s].p, src[o][s].p, len, false), 0);
		}
		ioat_commit(chan, round * OPS + o);
	}
	(void)ioat_flush(chan);
	for (unsigned o = 0; o < OPS; o++) {
		struct ioat_result r = next();

		assert_int_equal(r.token, round * OPS + o);
		assert_int_equal(r.status, 0);
		for (unsigned s = 0; s < nr[o]; s++) {
			assert_memory_equal(dst[o][s].p, src[o][s].p, src[o][s].len_bytes);
			check_guards(&dst[o][s]);
		}
	}
}

static void test_scatter_gather(void **state)
{
	(void)state;
	srand(4);
	for (unsigned i = 0; i < 60; i++)
		random_batch(i);
	assert_int_equal(machine_counts(0).doorbells, 60 + 1); /* one a batch, one to open */
	assert_int_equal(chan->stats.operations, 60 * 6);
	assert_int_equal(chan->backlog_bytes, 0);
	assert_true(machine_counts(0).copies > IOAT_RING_ENTRIES); /* it went round */
}

static void test_long_segment(void **state)
{
	uint32_t len = (5 << 20) / 2; /* a descriptor takes 1 MiB */
	uint8_t *src = machine_alloc(len, 64), *dst = machine_alloc(len, 64);

	(void)state;
	machine_fill(src, len, 9);
	assert_int_equal(copy(dst, src, len, 1), 0);
	assert_int_equal(ioat_flush(chan), 3);
	assert_int_equal(next().status, 0);
	assert_memory_equal(dst, src, len);
}

static void test_ring_full(void **state)
{
	uint8_t *src = machine_alloc(4096, 64), *dst = machine_alloc(IOAT_RING_ENTRIES * 16, 64);
	struct ioat_result r[IOAT_RING_ENTRIES];

	(void)state;
	machine_fill(src, 4096, 3);
	for (unsigned round = 0; round < 5; round++) {
		unsigned n = 0;

		while (copy(dst + 16 * n, src + 16 * n, 16, n) == 0)
			n++;
		assert_int_equal(n, IOAT_RING_ENTRIES - 1);
		assert_int_equal(chan->stats.ring_full, round * 2 + 1);
		assert_int_equal(ioat_flush(chan), n);
		assert_int_equal(ioat_flush(chan), 0);
		machine_advance_us(1000);
		/* Done, but not fetched: the room is there when it is. A few at a time. */
		for (unsigned got = 0; got < n - 1;)
			got += ioat_poll(chan, r + got, MIN(7u, n - 1 - got));
		/* One free, and an operation of two: rolled back as a whole. */
		assert_int_equal(ioat_begin(chan), 0);
		for (unsigned i = 0; i < IOAT_RING_ENTRIES - 2; i++)
			assert_int_equal(ioat_add(chan, dst, src, 16, false), 0);
		assert_int_equal(ioat_add(chan, dst, src, 16, false), -EAGAIN);
		ioat_cancel(chan);
		assert_int_equal(ioat_poll(chan, r, 8), 1);
		assert_int_equal(r[0].token, n - 1);
		assert_false(ioat_is_busy(chan));
		assert_memory_equal(dst, src, 16 * n);
	}
	assert_int_equal(ioat_begin(chan), 0);
	assert_int_equal(ioat_add(chan, dst, src, 0, false), -EINVAL);
	ioat_cancel(chan);
}

/* Between flush and completion the token does not appear, and nothing is copied before it. */
static void test_nothing_before_the_doorbell(void **state)
{
	uint8_t *src = machine_alloc(64, 64), *dst = machine_alloc(64, 64);
	struct ioat_result r;

	(void)state;
	machine_fill(src, 64, 1);
	assert_int_equal(copy(dst, src, 64, 5), 0);
	machine_advance_us(50);
	assert_int_equal(ioat_poll(chan, &r, 1), 0);
	assert_memory_not_equal(dst, src, 64);
	(void)ioat_flush(chan);
	assert_int_equal(ioat_poll(chan, &r, 1), 0);
	machine_advance_us(50);
	assert_int_equal(ioat_poll(chan, &r, 1), 1);
	assert_int_equal(r.token, 5);
}

/* What the device writes may be anything: nothing is completed by it, and nothing is lost. */
static void test_garbage_completions(void **state)
{
	uint8_t *src = machine_alloc(65536, 64), *dst = machine_alloc(65536, 64);
	const uint64_t garbage[] = { 1, 3, UINT64_MAX, 0x1000 | 1, (uint64_t)(uintptr_t)src,
		chan->desc_hpa - 64, chan->desc_hpa + IOAT_RING_ENTRIES * 64,
		chan->desc_hpa + 64 * 200, (chan->desc_hpa + 64 * 200) | 3,
		0x8000000000000000 | 3 };
	struct ioat_result r;

	(void)state;
	machine_fill(src, 65536, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(garbage); i++) {
		assert_int_equal(copy(dst, src, 65536, i), 0);
		(void)ioat_flush(chan);
		memcpy(chan->completion, &garbage[i], 8);
		assert_int_equal(ioat_poll(chan, &r, 1), 0);
		assert_int_equal(next().token, i);
		assert_memory_equal(dst, src, 65536);
		memset(dst, 0, 65536);
	}
	assert_int_equal(chan->stats.bad_completions, 8); /* the first two name no descriptor */
	assert_int_equal(chan->stats.halts, 0);
	assert_int_equal(chan->stats.handed_back, 0);
}

/* The completion word got lost: the registers tell. */
static void test_lost_completion(void **state)
{
	uint8_t *src = machine_alloc(64, 64), *dst = machine_alloc(64, 64);
	struct ioat_result r;
	uint64_t before;

	(void)state;
	assert_int_equal(copy(dst, src, 64, 5), 0);
	(void)ioat_flush(chan);
	before = *chan->completion;
	machine_advance_us(10);
	*chan->completion = before;
	assert_int_equal(ioat_poll(chan, &r, 1), 0);
	machine_advance_us(IOAT_CHECK_US + 1);
	assert_int_equal(ioat_poll(chan, &r, 1), 1);
	assert_int_equal(chan->stats.lost_completions, 1);
}

static unsigned notified;

static void notify(void *arg)
{
	assert_ptr_equal(arg, &notified);
	notified++;
}

static void test_interrupts(void **state)
{
	uint8_t *src = machine_alloc(65536, 64), *dst = machine_alloc(65536, 64);

	(void)state;
	notified = 0;
	assert_false(ioat_interrupt_request(chan));
	assert_int_equal(ioat_interrupt_enable(chan, 3, notify, &notified), 0);
	assert_false(ioat_interrupt_request(chan)); /* nothing is under way */
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(copy(dst, src, 65536, 1), 0);
		assert_int_equal(copy(dst, src, 65536, 2), 0);
		assert_true(ioat_interrupt_request(chan));
		machine_advance_us(15); /* the first is done */
		machine_interrupts();
		assert_int_equal(notified, i);
		machine_advance_us(20);
		machine_interrupts();
		assert_int_equal(notified, i + 1);
		assert_int_equal(next().token, 1);
		assert_int_equal(next().token, 2);
		assert_int_equal(
			machine.bench.slot[0].message[i].addr, BENCH_MSI_ADDRESS | 3 << 12);
	}
	machine_fault(0, "lose-interrupts 1"); /* polling does not depend on them */
	assert_int_equal(copy(dst, src, 4096, 7), 0);
	assert_true(ioat_interrupt_request(chan));
	machine_advance_us(100);
	machine_interrupts();
	assert_int_equal(notified, 4);
	assert_int_equal(next().token, 7);
	while (ioat_is_busy(chan)) {
		struct ioat_result r;

		assert_int_equal(ioat_poll(chan, &r, 1), 0);
	}
}

#define TAG_MAP UINT64_C(0x0000818040414243) /* bits 3, 2, 1, 0, not 0, not 1, 0, 0 */

static const struct record_entry *written(const void *p)
{
	return record_find(&machine.bench.record, (uint64_t)p, 0);
}

static void test_dca(void **state)
{
	uint8_t *src, *dst, *plain, *other;

	(void)state;
	machine.cpu_has_dca = true;
	start(&(struct ioat_model_config){
		.device_id = 0x0e20, .has_dca = true, .apicid_tag_map = TAG_MAP });
	assert_true(device[0].has_dca);
	assert_int_equal(ioat_set_target(chan, 0x10000), -ENOTSUP);
	assert_int_equal(ioat_set_target(chan, 6), 0);
	src = machine_alloc(4096, 64), dst = machine_alloc(4096, 64);
	plain = machine_alloc(64, 64), other = machine_alloc(64, 64);
	assert_int_equal(ioat_begin(chan), 0);
	assert_int_equal(ioat_add(chan, dst, src, 4096, true), 0);
	assert_int_equal(ioat_add(chan, plain, src, 64, false), 0);
	ioat_commit(chan, 1);
	assert_int_equal(ioat_set_target(chan, 7), -EBUSY);
	assert_int_equal(ioat_set_target(chan, 6), 0);
	(void)ioat_flush(chan);
	assert_int_equal(next().token, 1);
	assert_int_equal(written(dst)->hint.target, 6 | IOAT_MODEL_TARGET_HINT);
	assert_int_equal(written(dst)->hint.kind, DMA_PAYLOAD);
	assert_int_equal(written(plain)->hint.target, DMA_NO_TARGET);
	assert_int_equal(written(chan->completion)->hint.target, 6);
	assert_int_equal(ioat_set_target(chan, 7), 0);
	assert_int_equal(copy(other, src, 64, 2), 0);
	(void)ioat_flush(chan);
	assert_int_equal(next().token, 2);
	assert_int_equal(written(other)->hint.target, 7 | IOAT_MODEL_TARGET_HINT);
	assert_int_equal(ioat_set_target(chan, IOAT_NO_TARGET), 0);
	assert_int_equal(copy(other, src, 64, 3), 0);
	(void)ioat_flush(chan);
	assert_int_equal(next().token, 3);
	assert_int_equal(written(other)->hint.target, DMA_NO_TARGET);
	assert_int_equal(written(chan->completion)->hint.target, DMA_NO_TARGET);
	assert_int_equal(chan->stats.retargets, 3);
	assert_int_equal(chan->stats.retargets_refused, 1);
}

static void test_dca_for_nics(void **state)
{
	uint8_t tag;

	(void)state;
	machine.cpu_has_dca = true;
	start(&(struct ioat_model_config){
		.device_id = 0x0e20, .has_dca = true, .apicid_tag_map = TAG_MAP });
	assert_int_equal(ioat_dca_tag(&device[0], 0x5, &tag), 0);
	assert_int_equal(tag, 0x2a); /* 1010 mirrored: 0101; inverted bit 0: 0, bit 1: 1 */
	assert_int_equal(ioat_dca_tag(&device[0], 0, &tag), 0);
	assert_int_equal(tag, 0x30);
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0500), 0);
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0501), 0);
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0500), 0); /* is there */
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0502), -ENOSPC);
	ioat_dca_remove_requester(&device[0], 0x0500);
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0502), 0);
	machine_stop();
	/* the platform must want it too, and its firmware must have written the map */
	start(&(struct ioat_model_config){
		.device_id = 0x0e20, .has_dca = true, .apicid_tag_map = TAG_MAP });
	assert_false(device[0].has_dca);
	assert_int_equal(ioat_dca_tag(&device[0], 5, &tag), -ENOTSUP);
	assert_int_equal(ioat_dca_add_requester(&device[0], 0x0500), -ENOTSUP);
	machine_stop();
	machine.cpu_has_dca = true;
	start(&(struct ioat_model_config){ .device_id = 0x0e20, .has_dca = true });
	assert_false(device[0].has_dca);
	assert_int_equal(ioat_set_target(chan, 1), -ENOTSUP);
}

static void test_stop(void **state)
{
	uint8_t *src = machine_alloc(65536, 64), *dst = machine_alloc(65536, 64);

	(void)state;
	assert_int_equal(copy(dst, src, 65536, 1), 0);
	(void)ioat_flush(chan);
	ioat_stop(&device[0]);
	machine_fill(src, 65536, 1);
	machine_advance_us(1000);
	assert_memory_not_equal(dst, src, 64);
	assert_int_equal(pci_dev_cfg_read(machine_function(0), CFG_COMMAND, 2) & COMMAND_MASTER, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		cmocka_unit_test_teardown(test_probe_refuses, teardown),
		cmocka_unit_test_teardown(test_open_refuses, teardown),
		cmocka_unit_test_setup_teardown(test_sizes_and_page_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scatter_gather, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_before_the_doorbell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_completions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts, setup, teardown),
		cmocka_unit_test_teardown(test_dca, teardown),
		cmocka_unit_test_teardown(test_dca_for_nics, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
