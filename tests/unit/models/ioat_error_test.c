// sources: @ioat_model tests/support/model_bench.c
/* Errors of the I/OAT model: each cause of CHANERR that it detects itself, and each by injection;
 * what halts, what is reported, how a channel comes back. Xeon E5 v2 datasheet, volume 2, 8.5.12
 * and 8.5.22 ("DS"). */
#include <stdio.h>

#include "ioat_fixture.h"

#define DST (MEMORY + 0x800000)

/* Halted with this error; the good descriptor before it is the last completed one. Reported by a
 * completion write and a message, as CHANCTRL says. */
static void expect_halt(unsigned ch, uint32_t error)
{
	uint64_t before = slot->nr_messages, status = desc(ch, 0) | HALTED;

	if (error & 0x8000)
		status |= 8;
	if (error & 0x4000)
		status |= 16;
	ring_doorbell(ch);
	bench_advance(&bench, 1000 * US);
	assert_int_equal(rd(CHAN(ch) + CHANSTS, 8), status);
	assert_int_equal(chanerr(ch), error);
	assert_int_equal(get64(channel[ch].completion), status);
	assert_int_equal(bench_messages(slot, ch, before), 1);
	assert_int_equal(pci_dev_cfg_read(dev, 0x180, 4) & error, error);
}

/* As the drivers do: clear the error, reset, program everything anew. */
static void recover(unsigned ch)
{
	wr(CHAN(ch) + CHANERR, chanerr(ch), 4);
	wr(CHAN(ch) + CHANCMD, RESET, 1);
	bench_advance(&bench, 2 * US);
	wr(0x1000, BENCH_MSI_ADDRESS, 8);
	wr(0x1008, 0, 8);
	assert_int_equal(chanerr(ch), 0);
	set_up_channel(ch);
	put64(desc(ch, 0) + 0x18, desc(ch, 1));
	add(ch, 8, COMPL, MEMORY, DST);
	ring_doorbell(ch);
	bench_advance(&bench, 10 * US);
	assert_int_equal(get64(channel[ch].completion), desc(ch, 0) | IDLE);
}

static void good_first(unsigned ch)
{
	set_up_channel(ch);
	add(ch, 8, 0, MEMORY, DST);
}

static void bad(uint32_t size, uint32_t ctl, uint64_t src, uint64_t dst, uint32_t error)
{
	for (unsigned ch = 0; ch < 4; ch += 3) {
		good_first(ch);
		add(ch, size, ctl, src, dst);
		add(ch, 8, COMPL, MEMORY, DST + 64); /* not reached */
		put64(DST + 64, 1);
		expect_halt(ch, error);
		assert_int_equal(get64(DST + 64), 1);
		recover(ch);
	}
}

/* DS 8.5.22, bits 0 and 1: an address that the engine cannot have. */
static void addresses(void **s)
{
	(void)s;
	bad(8, COMPL, UINT64_C(1) << 48, DST, 1u << 0);
	bad(8, COMPL, (UINT64_C(1) << 48) - 7, DST, 1u << 0);
	bad(8, COMPL, UINT64_MAX, DST, 1u << 0);
	bad(8, COMPL, MEMORY, UINT64_C(1) << 63, 1u << 1);
	bad(8, COMPL, UINT64_MAX - 7, UINT64_MAX - 7, 3);
}

/* Bits 2 and 3: the next descriptor misaligned, illegal, not there. Only once it is wanted. */
static void next_descriptor(void **s)
{
	static const struct {
		uint64_t next;
		uint32_t error;
	} cases[] = { { MEMORY + 32, 1u << 2 }, { UINT64_C(1) << 48, 1u << 2 },
		{ NOWHERE, 1u << 3 } };

	(void)s;
	for (unsigned i = 0; i < 3; i++) {
		good_first(1);
		add(1, 8, 0, MEMORY, DST);
		put64(desc(1, 0) + 0x18, cases[i].next);
		wr(CHAN(1) + DMACOUNT, 1, 2);
		bench_advance(&bench, 10 * US);
		assert_int_equal(rd(CHAN(1) + CHANSTS, 8), desc(1, 0) | IDLE);
		expect_halt(1, cases[i].error);
		recover(1);
	}
}

/* Bits 4 and 3: the same for the first one. */
static void chain_address(void **s)
{
	(void)s;
	wr(CHAN(2) + CHAINADDR, desc(2, 0) + 8, 8);
	assert_int_equal(state(2), ARMED);
	wr(CHAN(2) + DMACOUNT, 1, 2);
	bench_advance(&bench, US);
	assert_int_equal(rd(CHAN(2) + CHANSTS, 8), HALTED); /* nothing is completed */
	assert_int_equal(get64(channel[2].completion), HALTED);
	assert_int_equal(chanerr(2), 1u << 4);
	recover(2);
	wr(CHAN(2) + CHAINADDR, NOWHERE, 8);
	wr(CHAN(2) + DMACOUNT, 1, 2);
	bench_advance(&bench, US);
	assert_int_equal(chanerr(2), 1u << 3);
	recover(2);
}

/* Bit 5, DS 8.5.14: more than one command in a write. Those of version 1 alone do nothing. */
static void command(void **s)
{
	(void)s;
	wr(CHAN(0) + CHANCMD, 0x01, 1);
	wr(CHAN(0) + CHANCMD, 0x02, 1);
	wr(CHAN(0) + CHANCMD, 0x00, 1);
	assert_int_equal(state(0), ARMED);
	wr(CHAN(0) + CHANCMD, RESET | SUSPEND, 1);
	assert_int_equal(state(0), HALTED);
	assert_int_equal(chanerr(0), 1u << 5);
	recover(0);
}

/* Bits 8 and 9: nobody answers; 3 abort-reads and abort-writes do the same to good addresses. */
static void master_abort(void **s)
{
	(void)s;
	bad(20000, COMPL, NOWHERE, DST, 1u << 8);
	bad(20000, COMPL, MEMORY, NOWHERE, 1u << 9);
	assert_int_equal(pci_dev_cfg_read(dev, 6, 2) & 0x2000, 0x2000);
	good_first(0);
	fault("abort-reads on");
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(chanerr(0), 1u << 3);
	fault("abort-reads off");
	recover(0);
	fault("abort-writes on");
	set_up_channel(0);
	add(0, 8, COMPL, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	/* nor can the completion be written */
	assert_int_equal(chanerr(0), 1u << 9 | 1u << 12);
	fault("abort-writes off");
	recover(0);
}

static void no_bus_mastering(void **s)
{
	(void)s;
	pci_dev_cfg_write(dev, 4, 2, 2);
	add(0, 8, COMPL, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(state(0), HALTED);
	assert_int_equal(chanerr(0), 1u << 3 | 1u << 12);
	pci_dev_cfg_write(dev, 4, 6, 2);
	recover(0);
}

/* Bit 10: an operation that DMACAPABILITY does not offer, or reserved bits. */
static void control(void **s)
{
	(void)s;
	bad(8, 0x87000000, MEMORY, DST, 1u << 10); /* XOR */
	bad(8, 0x89000000, MEMORY, DST, 1u << 10); /* PQ */
	bad(8, 0x41000000, MEMORY, DST, 1u << 10); /* move and CRC */
	bad(8, 0x02000000, MEMORY, DST, 1u << 10);
	bad(8, 0x00000800, MEMORY, DST, 1u << 10);
	bad(8, 0x01000200, MEMORY, DST, 1u << 10); /* fill with dest_dca */
}

/* Bit 11: 0, which holds for null descriptors too (a note in Linux's dma.h), or beyond XFERCAP. */
static void length(void **s)
{
	(void)s;
	bad(0, COMPL, MEMORY, DST, 1u << 11);
	bad(0, NUL | COMPL, 0, 0, 1u << 11);
	bad((1u << 20) + 1, COMPL, MEMORY, DST, 1u << 11);
	bad(UINT32_MAX, 0x01000000, MEMORY, DST, 1u << 11);
}

/* Bit 12: CHANCMP not on 8 bytes, illegal, or nobody there. The interrupt still tells. */
static void completion_address(void **s)
{
	static const uint64_t address[] = { MEMORY + 4, UINT64_C(1) << 48, NOWHERE };

	(void)s;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = slot->nr_messages;

		set_up_channel(1);
		wr(CHAN(1) + CHANCMP, address[i], 8);
		add(1, 8, COMPL, MEMORY, DST);
		add(1, 8, COMPL, MEMORY, DST);
		ring_doorbell(1);
		bench_advance(&bench, 10 * US);
		assert_int_equal(rd(CHAN(1) + CHANSTS, 8), desc(1, 0) | HALTED);
		assert_int_equal(chanerr(1), 1u << 12);
		assert_int_equal(bench_messages(slot, 1, before), 1);
		recover(1);
	}
}

/* Bit 13: the vector's address is no interrupt's. No message for that error, of course. */
static void interrupt_configuration(void **s)
{
	(void)s;
	bench_write64(dev, 0, 0x1020, 0x12345678);
	add(2, 8, COMPL | INT, MEMORY, DST);
	add(2, 8, COMPL | INT, MEMORY, DST);
	ring_doorbell(2);
	bench_advance(&bench, 10 * US);
	assert_int_equal(rd(CHAN(2) + CHANSTS, 8), desc(2, 0) | HALTED);
	assert_int_equal(chanerr(2), 1u << 13);
	assert_int_equal(get64(channel[2].completion), desc(2, 0) | HALTED);
	assert_int_equal(slot->nr_messages, 0);
	bench_write64(dev, 0, 0x1020, BENCH_MSI_ADDRESS);
	recover(2);
}

/* Every cause, by number and by name, wherever the hardware would find it. */
static void injected(void **s)
{
	static const char *const names[] = { "source", "destination", "next", "descriptor", "chain",
		"command", "chipset-data", "dma-data", "read", "write", "control", "length",
		"completion", "interrupt", "soft", "unaffiliated", "xor-p", "xor-q", "count" };

	(void)s;
	for (unsigned i = 0; i < 2 * 19; i++) {
		char text[32];

		if (i < 19)
			snprintf(text, sizeof(text), "halt 3 %u", i);
		else
			snprintf(text, sizeof(text), "halt 3 %s", names[i - 19]);
		good_first(3);
		ring_doorbell(3);
		bench_advance(&bench, 10 * US);
		fault(text);
		add(3, 8, COMPL, MEMORY, DST + 64);
		put64(DST + 64, 1);
		if (i % 19 == 12 || i % 19 == 13) { /* reported by one of the two ways */
			ring_doorbell(3);
			bench_advance(&bench, 10 * US);
			assert_int_equal(rd(CHAN(3) + CHANSTS, 8), desc(3, 0) | HALTED);
			assert_int_equal(chanerr(3), 1u << (i % 19));
		} else {
			expect_halt(3, 1u << (i % 19));
		}
		assert_int_equal(get64(DST + 64), 1);
		recover(3);
	}
	assert_int_equal(counts().halts, 2 * 19);
	assert_int_equal(counts().channel[3].halts, 2 * 19);
	assert_int_equal(counts().errors[18], 2);
}

/* DS 8.5.23: a masked error is noted only, and the descriptor skipped (8.5.15). */
static void masked(void **s)
{
	(void)s;
	wr(CHAN(0) + CHANERRMSK, UINT32_MAX, 4);
	assert_int_equal(rd(CHAN(0) + CHANERRMSK, 4), 0x7ffff);
	put64(DST, 1);
	add(0, 0, COMPL, MEMORY, DST);	      /* length */
	add(0, 8, 0x02000000, MEMORY, DST);   /* control */
	add(0, 8, 0, UINT64_C(1) << 50, DST); /* source */
	add(0, 8, 0, NOWHERE, DST);	      /* read */
	add(0, 8, COMPL, MEMORY, DST + 64);
	put64(desc(0, 4) + 0x18, MEMORY + 1);
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(get64(channel[0].completion), desc(0, 4) | IDLE);
	assert_int_equal(chanerr(0), 1u << 0 | 1u << 8 | 1u << 10 | 1u << 11);
	assert_int_equal(get64(DST), 1);
	assert_true(same(MEMORY, DST + 64, 8));
	assert_int_equal(counts().halts, 0);
	/* but without a descriptor there is nothing to go on with */
	add(0, 8, COMPL, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(state(0), HALTED);
	assert_int_equal(slot->nr_messages, 0);
}

/* DS 8.5.12: without ANY_ERR_ABORT an error that is not of this channel does not stop it. */
static void unaffiliated(void **s)
{
	(void)s;
	wr(CHAN(1) + CHANCTRL, RUN & ~8u, 2);
	fault("halt 1 unaffiliated");
	add(1, 8, COMPL, MEMORY, DST);
	ring_doorbell(1);
	bench_advance(&bench, 10 * US);
	assert_int_equal(rd(CHAN(1) + CHANSTS, 8), desc(1, 0) | IDLE | 8);
	assert_true(same(MEMORY, DST, 8));
	wr(CHAN(1) + CHANERR, UINT32_MAX, 4);
	assert_int_equal(chanerr(1), 0x8000); /* read-only */
	recover(1);
}

/* DS 8.5.12: neither completion write nor interrupt where CHANCTRL does not ask for them. */
static void unreported(void **s)
{
	(void)s;
	wr(CHAN(0) + CHANCTRL, 0x01, 2);
	add(0, 0, COMPL | INT, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, 10 * US);
	assert_int_equal(state(0), HALTED);
	assert_int_equal(get64(channel[0].completion), 0);
	assert_int_equal(slot->nr_messages, 0);
}

/* A halted channel takes a new chain only when its errors are cleared; a reset is not needed
 * (Linux, ioat_eh()). Configuration space keeps its own note, DS 8.4.36. */
static void halted(void **s)
{
	(void)s;
	add(0, 0, COMPL, MEMORY, DST);
	ring_doorbell(0);
	bench_advance(&bench, US);
	assert_int_equal(chanerr(0), 1u << 11);
	wr(CHAN(0) + DMACOUNT, 2, 2);
	wr(CHAN(0) + CHANCMD, RESUME, 1);
	wr(CHAN(0) + CHANCMD, SUSPEND, 1);
	wr(CHAN(0) + CHAINADDR, desc(0, 1), 8);
	assert_int_equal(state(0), HALTED);
	wr(CHAN(0) + CHANERR, 1u << 10, 4); /* another bit */
	assert_int_equal(chanerr(0), 1u << 11);
	wr(CHAN(0) + CHANERR, 1u << 11, 4);
	assert_int_equal(chanerr(0), 0);
	add(0, 8, COMPL, MEMORY, DST);
	wr(CHAN(0) + CHAINADDR, desc(0, 1), 8);
	wr(CHAN(0) + DMACOUNT, 1, 2);
	bench_advance(&bench, US);
	assert_int_equal(get64(channel[0].completion), desc(0, 1) | IDLE);
	assert_int_equal(pci_dev_cfg_read(dev, 0x180, 4), 1u << 11);
	pci_dev_cfg_write(dev, 0x180, UINT32_MAX, 4);
	assert_int_equal(pci_dev_cfg_read(dev, 0x180, 4), 0);
	pci_dev_cfg_write(dev, 0x184, 0x3e07, 4);
	assert_int_equal(pci_dev_cfg_read(dev, 0x184, 4), 0x3e07);
}

static int setup_msix(void **s)
{
	setup(s);
	bench_enable_msix(dev);
	wr(3, 9, 1);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_msix, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses),
		TEST(next_descriptor),
		TEST(chain_address),
		TEST(command),
		TEST(master_abort),
		TEST(no_bus_mastering),
		TEST(control),
		TEST(length),
		TEST(completion_address),
		TEST(interrupt_configuration),
		TEST(injected),
		TEST(masked),
		TEST(unaffiliated),
		TEST(unreported),
		TEST(halted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
