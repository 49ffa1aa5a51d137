// sources: @ioat_model tests/support/model_bench.c
/* Interrupts of the I/OAT model in their three modes, and the faults that can be injected. Xeon E5
 * v2 datasheet, volume 2 ("DS"), and the handlers of Linux's ioatdma. */
#include "ioat_fixture.h"

#define INTRCTRL   0x03
#define ATTNSTATUS 0x04
#define INTRDELAY  0x0c
#define DST	   (MEMORY + 0x800000)

static void do_copy(unsigned ch)
{
	add(ch, 8, INT | COMPL, MEMORY, DST);
	ring_doorbell(ch);
	bench_advance(&bench, US);
}

/* DS 8.5.12: an interrupt disables the next one until software writes a one; a cause in between is
 * remembered. Vector per channel, as Linux sets it up. */
static void msix(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	wr(INTRCTRL, 0x09, 1);
	do_copy(2);
	assert_int_equal(bench_messages(slot, 2, 0), 1);
	assert_int_equal(slot->nr_messages, 1);
	assert_int_equal(rd(CHAN(2) + CHANCTRL, 2) & 1, 1);
	do_copy(2);
	do_copy(2);
	assert_int_equal(slot->nr_messages, 1);
	wr(CHAN(2) + CHANCTRL, RUN & ~1u, 2); /* a zero has no effect */
	assert_int_equal(slot->nr_messages, 1);
	wr(CHAN(2) + CHANCTRL, RUN, 2);
	assert_int_equal(slot->nr_messages, 2);
	wr(CHAN(2) + CHANCTRL, RUN, 2);
	assert_int_equal(slot->nr_messages, 2); /* the two were one */
	do_copy(3);
	assert_int_equal(bench_messages(slot, 3, 2), 1);
	/* a descriptor without the bit does not interrupt */
	add(0, 8, COMPL, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, US);
	assert_int_equal(slot->nr_messages, 3);
	assert_int_equal(counts().interrupts, 3);
	assert_false(slot->intx);
}

/* DS 8.5.4 bit 3 clear: all channels share the first vector. */
static void msix_one_vector(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	wr(INTRCTRL, 0x01, 1);
	do_copy(1);
	do_copy(3);
	assert_int_equal(bench_messages(slot, 0, 0), 2);
}

/* DS 8.5.38: masked, the message waits; it is no longer due when the channel is armed anew. */
static void msix_masked(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	wr(INTRCTRL, 0x09, 1);
	wr(0x101c, 1, 4);
	do_copy(1);
	assert_int_equal(rd(0x1800, 8), 2);
	wr(0x101c, 0, 4);
	assert_int_equal(bench_messages(slot, 1, 0), 1);
	wr(0x101c, 1, 4);
	wr(CHAN(1) + CHANCTRL, RUN, 2);
	do_copy(1);
	assert_int_equal(rd(0x1800, 8), 2);
	wr(CHAN(1) + CHANCTRL, RUN, 2);
	assert_int_equal(rd(0x1800, 8), 0);
	do_copy(1);
	do_copy(1); /* another one waits behind it */
	wr(CHAN(1) + CHANCTRL, RUN, 2);
	assert_int_equal(rd(0x1800, 8), 2);
	wr(0x101c, 0, 4);
	assert_int_equal(slot->nr_messages, 2);
}

/* Linux's ioat_dma_do_interrupt(): reads INTRCTRL, which disables; reads ATTNSTATUS, which clears;
 * writes INTRCTRL back. DS 8.5.4, 8.5.5 */
static void intx(void **s)
{
	(void)s;
	wr(INTRCTRL, 0x01, 1);
	do_copy(1);
	assert_true(slot->intx);
	do_copy(3);
	assert_int_equal(slot->nr_intx_edges, 1);
	assert_int_equal(rd(INTRCTRL, 1), 0x07);
	assert_false(slot->intx);
	assert_int_equal(rd(INTRCTRL, 1), 0x02); /* disabled by the first read */
	assert_int_equal(rd(ATTNSTATUS, 4), 0x0a);
	assert_int_equal(rd(ATTNSTATUS, 4), 0);
	wr(INTRCTRL, 0x07, 1); /* what was read; only the enable bit takes it */
	assert_false(slot->intx);
	wr(CHAN(1) + CHANCTRL, RUN, 2);
	do_copy(1);
	assert_int_equal(slot->nr_intx_edges, 2);
	/* the handler of another device on the line sees no status */
	assert_int_equal(rd(INTRCTRL, 1), 0x07);
	assert_int_equal(rd(ATTNSTATUS, 4), 0x02);
	wr(INTRCTRL, 0x01, 1);
	assert_int_equal(rd(INTRCTRL, 1), 0x01);
	/* a cause that comes between the two is seen when interrupts are enabled again */
	do_copy(2);
	assert_false(slot->intx);
	wr(INTRCTRL, 0x01, 1);
	assert_true(slot->intx);
	assert_int_equal(slot->nr_messages, 0);
}

static void intx_disabled(void **s)
{
	(void)s;
	do_copy(1); /* no master enable */
	assert_false(slot->intx);
	wr(INTRCTRL, 0x01, 1);
	assert_true(slot->intx);
	pci_dev_cfg_write(dev, 4, 0x406, 2); /* PCI: INTx disable */
	assert_false(slot->intx);
	pci_dev_cfg_write(dev, 4, 0x6, 2);
	assert_true(slot->intx);
}

/* The same registers, the message being the line's edge. */
static void msi(void **s)
{
	(void)s;
	bench_enable_msi(dev);
	wr(INTRCTRL, 0x01, 1);
	do_copy(0);
	assert_int_equal(slot->nr_messages, 1);
	do_copy(2); /* no edge */
	assert_int_equal(slot->nr_messages, 1);
	assert_int_equal(rd(INTRCTRL, 1), 0x07);
	assert_int_equal(rd(ATTNSTATUS, 4), 0x05);
	do_copy(1);
	assert_int_equal(slot->nr_messages, 1);
	wr(INTRCTRL, 0x01, 1);
	assert_int_equal(slot->nr_messages, 2);
	assert_false(slot->intx);
}

/* DS 8.5.7: the time from where the channel's interrupts were enabled to the next one, at least. */
static void coalesce(unsigned ch, uint64_t (*nr)(void), void (*acknowledge)(void))
{
	uint64_t before;

	wr(INTRDELAY, 100, 2);
	bench_advance(&bench, 200 * US); /* long after the reset: at once */
	before = nr();
	do_copy(ch);
	assert_int_equal(nr(), before + 1);
	acknowledge();
	wr(CHAN(ch) + CHANCTRL, RUN, 2);
	for (unsigned i = 0; i < 9; i++)
		do_copy(ch);
	assert_int_equal(nr(), before + 1);
	bench_advance(&bench, 91 * US - 1);
	assert_int_equal(nr(), before + 1);
	bench_advance(&bench, 1);
	assert_int_equal(nr(), before + 2);
	acknowledge();
	wr(CHAN(ch) + CHANCTRL, RUN, 2);
	do_copy(ch);
	assert_int_equal(nr(), before + 2);
	wr(INTRDELAY, 0, 2); /* shortened while one waits */
	assert_int_equal(nr(), before + 3);
	acknowledge();
}

static uint64_t nr_messages(void)
{
	return slot->nr_messages;
}

static uint64_t nr_edges(void)
{
	return slot->nr_intx_edges;
}

static void acknowledge_nothing(void)
{
}

static void acknowledge_line(void)
{
	rd(INTRCTRL, 1);
	rd(ATTNSTATUS, 4);
	wr(INTRCTRL, 1, 1);
}

static void coalescing(void **s)
{
	(void)s;
	wr(INTRCTRL, 0x09, 1);
	coalesce(1, nr_edges, acknowledge_line);
	bench_enable_msi(dev);
	coalesce(2, nr_messages, acknowledge_line);
	bench_enable_msix(dev);
	wr(INTRCTRL, 0x09, 1);
	coalesce(3, nr_messages, acknowledge_nothing);
}

/* A reset forgets a delayed interrupt and the channel's attention. */
static void reset_forgets(void **s)
{
	(void)s;
	wr(INTRCTRL, 0x01, 1);
	do_copy(1);
	do_copy(1);
	assert_true(slot->intx);
	wr(CHAN(1) + CHANCMD, RESET, 1);
	assert_false(slot->intx);
	assert_int_equal(rd(ATTNSTATUS, 4), 0);
	bench_advance(&bench, 2 * US);
	wr(CHAN(1) + CHANCTRL, RUN, 2);
	bench_advance(&bench, 100 * US);
	assert_int_equal(rd(ATTNSTATUS, 4), 0);
}

static void lost(void **s)
{
	(void)s;
	bench_enable_msix(dev);
	wr(INTRCTRL, 0x09, 1);
	fault("lose-interrupts 1");
	do_copy(0);
	assert_int_equal(slot->nr_messages, 0);
	assert_int_equal(get64(channel[0].completion), desc(0, 0) | IDLE);
	wr(CHAN(0) + CHANCTRL, RUN, 2);
	do_copy(0);
	assert_int_equal(slot->nr_messages, 1);
}

static void stall(void **s)
{
	(void)s;
	fault("stall 0");
	fault("stall 1 50");
	do_copy(0);
	do_copy(1);
	do_copy(2);
	assert_int_equal(state(0), ACTIVE);
	assert_int_equal(state(1), ACTIVE);
	assert_int_equal(state(2), IDLE); /* the others are free */
	bench_advance(&bench, 60 * US);
	assert_int_equal(state(0), ACTIVE);
	assert_int_equal(state(1), IDLE);
	wr(CHAN(0) + CHANCMD, SUSPEND, 1); /* it does not hear */
	bench_advance(&bench, 1000000 * US);
	assert_int_equal(state(0), ACTIVE);
	fault("run 0");
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(0) + CHANSTS, 8), desc(0, 0) | SUSPENDED);
	fault("stall 3");
	do_copy(3);
	wr(CHAN(3) + CHANCMD, RESET, 1);
	bench_advance(&bench, 2 * US);
	set_up_channel(3);
	do_copy(3);
	assert_int_equal(state(3), IDLE);
}

/* The data is there, the completion comes later; the interrupt with it. */
static void late(void **s)
{
	(void)s;
	wr(INTRCTRL, 0x01, 1);
	fault("late-completion 30");
	put64(DST, 1);
	do_copy(0);
	assert_true(same(MEMORY, DST, 8));
	assert_int_equal(state(0), ACTIVE);
	assert_int_equal(get64(channel[0].completion), 0);
	do_copy(1); /* the engine is not held by it */
	bench_advance(&bench, 28 * US);
	assert_int_equal(get64(channel[0].completion), 0);
	assert_false(slot->intx);
	bench_advance(&bench, US);
	assert_int_equal(get64(channel[0].completion), desc(0, 0) | IDLE);
	assert_true(slot->intx);
	fault("late-completion 0");
	do_copy(0);
	assert_int_equal(get64(channel[0].completion), desc(0, 1) | IDLE);
}

static void reset_hangs(void **s)
{
	(void)s;
	fault("reset-hangs on");
	wr(CHAN(2) + CHANCMD, RESET, 1);
	bench_advance(&bench, 1000000 * US);
	assert_int_equal(rd(CHAN(2) + CHANCMD, 1), RESET);
	assert_int_equal(state(2), HALTED);
	fault("reset-hangs off");
	assert_int_equal(rd(CHAN(2) + CHANCMD, 1), 0);
	set_up_channel(2);
	do_copy(2);
	assert_int_equal(state(2), IDLE);
}

static void malformed_faults(void **s)
{
	static const char *const bad[] = { "", " ", "halt", "halt 0", "halt 4 read", "halt 0 19",
		"halt 0 nonsense", "halt 0 read more", "halt x read", "stall", "stall 9",
		"stall 0 x", "stall 0 -1", "stall 0 99999999999999999999", "run", "run 0 1",
		"late-completion", "late-completion x", "lose-interrupts", "lose-interrupts -1",
		"abort-reads", "abort-reads maybe", "abort-writes on off", "reset-hangs 1",
		"unknown 1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	(void)s;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;

		assert_int_not_equal(ioat_model_fault(engine, bad[i], &why), 0);
		assert_non_null(why);
	}
	do_copy(0);
	assert_int_equal(state(0), IDLE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(msix),
		TEST(msix_one_vector),
		TEST(msix_masked),
		TEST(intx),
		TEST(intx_disabled),
		TEST(msi),
		TEST(coalescing),
		TEST(reset_forgets),
		TEST(lost),
		TEST(stall),
		TEST(late),
		TEST(reset_hangs),
		TEST(malformed_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
