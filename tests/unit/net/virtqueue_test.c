// sources: hv/net/virtqueue.c hv/mem/guest_mem.c tests/support/vring.c
/* Split virtqueues: walks, hostile rings, event indices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "vring.h"

#define GPA    0x100000
#define MEMORY 0x100000
#define SEGS   8

struct fixture {
	struct test_memory mem;
	struct vring ring;
	struct virtqueue vq;
	struct virtqueue_segment segment[SEGS];
	struct virtqueue_chain chain;
};

static struct fixture *make(uint64_t features)
{
	static struct fixture f;

	test_memory_init(&f.mem, GPA, MEMORY);
	vring_init(&f.ring, &f.mem, 16, (features & VIRTIO_F_EVENT_IDX) != 0);
	assert_int_equal(virtqueue_init(&f.vq, &f.mem.gm, &f.ring.conf, features), 0);
	f.chain = (struct virtqueue_chain){ .segment = f.segment, .segments_max = SEGS };
	return &f;
}

static void done(struct fixture *f)
{
	test_memory_free(&f->mem);
}

static int pop(struct fixture *f)
{
	return virtqueue_pop_chain(&f->vq, &f->chain);
}

static void offer(struct fixture *f, uint16_t head)
{
	struct vring_avail *a = f->ring.avail;

	a->ring[a->idx & 15] = head;
	a->idx++;
}

static void test_chain(void **state)
{
	struct fixture *f = make(0);
	struct vring_buffer b[] = { { GPA, 12, false }, { GPA + 0x1000, 100, false },
		{ GPA + MEMORY - 4, 4, true } };
	int head = vring_add(&f->ring, b, 3, 0);

	(void)state;
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.head, head);
	assert_int_equal(f->chain.nr_read, 2);
	assert_int_equal(f->chain.nr_write, 1);
	assert_int_equal(f->chain.read_bytes, 112);
	assert_int_equal(f->chain.write_bytes, 4);
	assert_ptr_equal(f->chain.segment[1].hva, f->mem.bytes + 0x1000);
	assert_int_equal(pop(f), -EAGAIN);
	virtqueue_push_used(&f->vq, f->chain.head, 4);
	assert_int_equal(vring_take_used(&f->ring, NULL), -1); /* not before publish */
	assert_true(virtqueue_publish(&f->vq));
	assert_false(virtqueue_publish(&f->vq));
	assert_int_equal(vring_take_used(&f->ring, NULL), head);
	done(f);
}

static void test_indirect(void **state)
{
	struct fixture *f = make(VIRTIO_F_INDIRECT_DESC);
	struct vring_buffer b[] = { { GPA, 12, false }, { GPA + 0x1000, 100, true } };

	(void)state;
	vring_add(&f->ring, b, 2, GPA + 0x8008); /* alignment is not promised */
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.read_bytes, 12);
	assert_int_equal(f->chain.write_bytes, 100);

	/* A direct descriptor, then an indirect one (2.7.5.3.2). */
	f->ring.desc[4] = (struct vring_desc){ GPA, 8, VRING_DESC_F_NEXT, 5 };
	f->ring.desc[5] = (struct vring_desc){ GPA + 0x8008, 32, VRING_DESC_F_INDIRECT, 0 };
	offer(f, 4);
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.nr_read, 2);
	assert_int_equal(f->chain.read_bytes, 20);
	done(f);
}

static void test_unpop(void **state)
{
	struct fixture *f = make(0);
	struct vring_buffer b = { GPA, 12, true };
	int first = vring_add(&f->ring, &b, 1, 0), second = vring_add(&f->ring, &b, 1, 0);

	(void)state;
	assert_int_equal(pop(f), 0);
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.head, second);
	virtqueue_unpop(&f->vq, 2);
	assert_true(virtqueue_has_avail(&f->vq));
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.head, first);
	done(f);
}

/* Buffers that make no sense come back unused; the queue goes on. */
static void test_bad_buffers(void **state)
{
	const struct vring_buffer bad[] = { { GPA - 1, 4, false }, { GPA + MEMORY - 3, 4, false },
		{ GPA, UINT32_MAX, false }, { UINT64_MAX - 1, 4, true }, { 0, 1, false },
		{ UINT64_MAX, UINT32_MAX, true } };
	struct fixture *f = make(0);
	struct vring_buffer order[] = { { GPA, 4, true }, { GPA, 4, false } };
	struct vring_buffer empty[] = { { GPA, 0, false }, { 3, 0, true }, { GPA, 1, true } };
	struct vring_buffer many[SEGS + 1];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		int head = vring_add(&f->ring, &bad[i], 1, 0);

		assert_int_equal(pop(f), -EINVAL);
		assert_int_equal(f->chain.head, head);
	}
	vring_add(&f->ring, order, 2, 0);
	assert_int_equal(pop(f), -EINVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct vring_buffer){ GPA, 1, false };
	f->ring.nr_free = 16;
	for (unsigned i = 0; i < 16; i++)
		f->ring.in_use[i] = false;
	vring_add(&f->ring, many, SEGS + 1, 0);
	assert_int_equal(pop(f), -E2BIG);
	vring_add(&f->ring, empty, 3, 0); /* length 0 is nothing, wherever it points */
	assert_int_equal(pop(f), 0);
	assert_int_equal(f->chain.nr_read + f->chain.nr_write, 1);
	done(f);
}

static void broken(struct fixture *f)
{
	assert_int_equal(pop(f), -EPROTO);
	assert_int_equal(pop(f), -EPROTO);
	assert_true(virtqueue_has_avail(&f->vq));
	done(f);
}

static void test_loop(void **state)
{
	struct fixture *f = make(0);

	(void)state;
	f->ring.desc[0] = (struct vring_desc){ GPA, 4, VRING_DESC_F_NEXT, 1 };
	f->ring.desc[1] = (struct vring_desc){ GPA, 0, VRING_DESC_F_NEXT, 0 };
	offer(f, 0);
	broken(f);

	f = make(VIRTIO_F_INDIRECT_DESC); /* a loop inside an indirect table */
	struct vring_desc *t = test_memory_at(&f->mem, GPA + 0x8000);

	t[0] = (struct vring_desc){ GPA, 4, VRING_DESC_F_NEXT, 0 };
	f->ring.desc[0] = (struct vring_desc){ GPA + 0x8000, 16, VRING_DESC_F_INDIRECT, 0 };
	offer(f, 0);
	broken(f);
}

static void test_bad_structure(void **state)
{
	const struct vring_desc bad[] = {
		{ GPA, 4, VRING_DESC_F_NEXT, 16 },		     /* next out of the table */
		{ GPA, 4, VRING_DESC_F_NEXT, UINT16_MAX },	     /* likewise */
		{ GPA + 0x8000, 15, VRING_DESC_F_INDIRECT, 0 },	     /* not whole descriptors */
		{ GPA + 0x8000, 0, VRING_DESC_F_INDIRECT, 0 },	     /* none */
		{ GPA + 0x8000, 17 * 16, VRING_DESC_F_INDIRECT, 0 }, /* longer than the queue */
		{ GPA + 0x8000, 0xfffffff0, VRING_DESC_F_INDIRECT, 0 },
		{ GPA + MEMORY - 8, 16, VRING_DESC_F_INDIRECT, 0 }, /* outside memory */
		{ GPA + 0x8000, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1 },
		{ GPA + 0x9000, 16, VRING_DESC_F_INDIRECT, 0 }, /* indirect in indirect */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = make(VIRTIO_F_INDIRECT_DESC);
		struct vring_desc *t = test_memory_at(&f->mem, GPA + 0x9000);

		t[0] = (struct vring_desc){ GPA + 0x9000, 16, VRING_DESC_F_INDIRECT, 0 };
		f->ring.desc[0] = bad[i];
		offer(f, 0);
		broken(f);
	}
	struct fixture *f = make(0); /* indirect, but not negotiated */

	f->ring.desc[0] = (struct vring_desc){ GPA + 0x8000, 16, VRING_DESC_F_INDIRECT, 0 };
	offer(f, 0);
	broken(f);
	f = make(0);
	offer(f, 16); /* head out of the table */
	broken(f);
}

static void test_index_jump(void **state)
{
	struct fixture *f = make(0);

	(void)state;
	f->ring.avail->idx = 17;
	broken(f);
	f = make(0);
	f->ring.avail->idx = UINT16_MAX;
	broken(f);
	f = make(0);
	f->ring.avail->idx = 16;
	assert_int_equal(pop(f), 0); /* 16 empty buffers */
	done(f);
}

static void test_bad_areas(void **state)
{
	struct test_memory m;
	struct virtqueue vq;
	const struct virtio_queue_conf good = { GPA, GPA + 0x1000, GPA + 0x2000, 256 };
	struct virtio_queue_conf bad[12];

	(void)state;
	test_memory_init(&m, GPA, MEMORY);
	assert_int_equal(virtqueue_init(&vq, &m.gm, &good, 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].size = 0;
	bad[1].size = 255;
	bad[2].size = 2048;
	bad[3].desc_gpa += 8;
	bad[4].driver_gpa += 1;
	bad[5].device_gpa += 2;
	bad[6].desc_gpa = GPA + MEMORY - 4096 + 16;
	bad[7].driver_gpa = GPA + MEMORY - 516;
	bad[8].device_gpa = GPA + MEMORY - 2052;
	bad[9].desc_gpa = 0;
	bad[10].driver_gpa = UINT64_MAX - 1;
	bad[11].device_gpa = UINT64_MAX - 3;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(virtqueue_init(&vq, &m.gm, &bad[i], 0), -EINVAL);
	test_memory_free(&m);
}

static void test_flags(void **state)
{
	struct fixture *f = make(0);
	struct vring_buffer b = { GPA, 12, true };

	(void)state;
	virtqueue_disable_kick(&f->vq);
	vring_add(&f->ring, &b, 1, 0);
	assert_false(vring_publish(&f->ring));
	assert_true(virtqueue_enable_kick(&f->vq));
	vring_add(&f->ring, &b, 1, 0);
	assert_true(vring_publish(&f->ring));
	assert_int_equal(pop(f), 0);
	virtqueue_push_used(&f->vq, f->chain.head, 0);
	f->ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(virtqueue_publish(&f->vq));
	done(f);
}

static void test_event_idx(void **state)
{
	struct fixture *f = make(VIRTIO_F_EVENT_IDX);
	struct vring_buffer b = { GPA, 12, true };
	unsigned interrupts = 0, kicks = 0;

	(void)state;
	/* 100000 buffers in batches of 4, kicks off: one spurious kick per wrap at most. */
	virtqueue_disable_kick(&f->vq);
	for (unsigned i = 0; i < 25000; i++) {
		for (unsigned k = 0; k < 4; k++)
			vring_add(&f->ring, &b, 1, 0);
		kicks += vring_publish(&f->ring);
		for (unsigned k = 0; k < 4; k++) {
			assert_int_equal(pop(f), 0);
			virtqueue_push_used(&f->vq, f->chain.head, 0);
		}
		vring_arm(&f->ring);
		interrupts += virtqueue_publish(&f->vq);
		while (vring_take_used(&f->ring, NULL) >= 0)
			;
	}
	assert_in_range(kicks, 0, 1);
	assert_int_equal(interrupts, 25000);

	/* Armed once: the first batch interrupts, the next does not. */
	assert_false(virtqueue_enable_kick(&f->vq));
	vring_arm(&f->ring);
	vring_add(&f->ring, &b, 1, 0);
	vring_add(&f->ring, &b, 1, 0);
	assert_true(vring_publish(&f->ring));
	assert_int_equal(pop(f), 0);
	virtqueue_push_used(&f->vq, f->chain.head, 0);
	assert_true(virtqueue_publish(&f->vq));
	assert_int_equal(pop(f), 0);
	virtqueue_push_used(&f->vq, f->chain.head, 0);
	assert_false(virtqueue_publish(&f->vq));
	done(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_unpop),
		cmocka_unit_test(test_bad_buffers),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_bad_structure),
		cmocka_unit_test(test_index_jump),
		cmocka_unit_test(test_bad_areas),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_event_idx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
