// sources: @82599_control tests/support/model_bench.c
/* The 82599's interrupts: MSI-X, MSI and INTx, causes and masks, moderation. DS 7.3 */
#include "m82599_stub.h"

static struct bench_slot *slot(void)
{
	return &bench.slot[0];
}

/* As stock drivers set it up: vectors 0 to 3 for queues 0 to 3, 4 for the rest. */
static void use_msix(void)
{
	bench_enable_msix(dev);
	put(REG_GPIE, GPIE_MULTIPLE_MSIX | GPIE_OCD | GPIE_EIAME | GPIE_PBA_SUPPORT);
	put(REG_EIAM_EX(1), UINT32_MAX);
	put(REG_EIAM_EX(2), UINT32_MAX);
	put(REG_EIAC, EICR_RTX_QUEUE | EICR_TCP_TIMER);
	/* receive and transmit of queues 0 and 1, then 2 and 3 */
	put(REG_IVAR(0), 0x81818080);
	put(REG_IVAR(1), 0x83838282);
	put(REG_IVAR_MISC, (4u | IVAR_VALID) << 8 | (4u | IVAR_VALID));
	get(REG_EICR);
	put(REG_EICR, UINT32_MAX);
}

static unsigned messages(uint32_t vector)
{
	return bench_messages(slot(), vector, 0);
}

static void vector_of_a_queue(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS_EX(1), 0xf);
	irq_rx(port, 2);
	assert_int_equal(messages(2), 1);
	irq_tx(port, 3);
	assert_int_equal(messages(3), 1);
	assert_int_equal(slot()->nr_messages, 2);
	/* queue 4 has no valid entry */
	irq_rx(port, 4);
	assert_int_equal(slot()->nr_messages, 2);
}

/* DS 7.3.1.5, 7.3.1.6: the cause and the mask clear themselves. */
static void auto_clear_and_auto_mask(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS_EX(1), 0xf);
	irq_rx(port, 1);
	assert_int_equal(get(REG_EICS), 0);
	assert_int_equal(get(REG_EIMS_EX(1)), 0xd);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 1);
	assert_int_equal(get(REG_EICS), 1u << 1);
}

/* What happens while the vector is masked is not lost. */
static void fires_when_unmasked(void **state)
{
	(void)state;
	use_msix();
	irq_rx(port, 1);
	assert_int_equal(messages(1), 0);
	put(REG_EIMS_EX(1), 1u << 1);
	assert_int_equal(messages(1), 1);
	put(REG_EIMS_EX(1), 1u << 1);
	assert_int_equal(messages(1), 1);
}

static void masked_in_the_table(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS_EX(1), 1u << 1);
	bench_write32(dev, 4, 16 * 1 + 12, 1);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 0);
	assert_int_equal(bench_read32(dev, 4, 0x2000), 1u << 1);
	bench_write32(dev, 4, 16 * 1 + 12, 0);
	assert_int_equal(messages(1), 1);
	assert_int_equal(bench_read32(dev, 4, 0x2000), 0);
}

/* Vectors beyond EICR's sixteen. */
static void high_vectors(void **state)
{
	(void)state;
	use_msix();
	put(REG_IVAR(10), 0x80u | 40);
	put(REG_EIMS_EX(2), 1u << 8);
	irq_rx(port, 20);
	assert_int_equal(messages(40), 1);
	assert_int_equal(get(REG_EICR_EX(2)), 0);
	assert_int_equal(get(REG_EIMS_EX(2)), 0);
	/* the event of a masked vector waits ... */
	irq_rx(port, 20);
	assert_int_equal(messages(40), 1);
	put(REG_EIMS_EX(2), 1u << 8);
	assert_int_equal(messages(40), 2);
	assert_int_equal(get(REG_EIMS_EX(2)), 0);
	/* ... but EICS unmasks what EIAM has: so a driver gets going again after a lost message */
	put(REG_EICS_EX(2), 1u << 8);
	assert_int_equal(messages(40), 3);
	assert_int_equal(get(REG_EIMS_EX(2)), 0);
}

static void software_sets_a_cause(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS_EX(1), 0x3);
	put(REG_EICS_EX(1), 0x3);
	assert_int_equal(messages(0), 1);
	assert_int_equal(messages(1), 1);
	put(REG_EIMS, 0x3);
	put(REG_EICS, 0x1);
	assert_int_equal(messages(0), 2);
}

/* The causes above bit 15 have their own mask bits and one vector. */
static void other_causes(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS, EICR_LSC);
	irq_other(port, EICR_FLOW_DIR);
	assert_int_equal(messages(4), 0);
	irq_other(port, EICR_LSC);
	assert_int_equal(messages(4), 1);
	/* reading EICS shows without clearing; writing EICR clears */
	assert_int_equal(get(REG_EICS), EICR_LSC | EICR_FLOW_DIR);
	assert_int_equal(get(REG_EICS), EICR_LSC | EICR_FLOW_DIR);
	put(REG_EICR, EICR_LSC | EICR_FLOW_DIR);
	assert_int_equal(get(REG_EICS), 0);
	irq_other(port, EICR_LSC);
	assert_int_equal(messages(4), 2);
}

/* GPIE.OCD: a read clears the other causes only. */
static void read_clears_others_only(void **state)
{
	(void)state;
	use_msix();
	irq_rx(port, 0);
	irq_other(port, EICR_LSC);
	assert_int_equal(get(REG_EICR), 1u | EICR_LSC);
	assert_int_equal(get(REG_EICR), 1u);
}

/* ---- Moderation: DS 7.3.2 ---- */

static void interval_between_messages(void **state)
{
	uint64_t start;

	(void)state;
	use_msix();
	/* 50 us: units of 2 us in bits 11:3 */
	put(REG_EITR(1), 25u << 3 | EITR_CNT_WDIS);
	put(REG_EIMS_EX(1), 1u << 1);
	start = clock_now(&bench.clock);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 1);
	wait_us(10);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 1);
	assert_int_equal((get(REG_EITR(1)) & EITR_COUNTER) >> EITR_COUNTER_SHIFT, 20 >> 2);
	wait_us(39);
	assert_int_equal(messages(1), 1);
	wait_us(1);
	assert_int_equal(messages(1), 2);
	assert_true(slot()->message[1].at_ps == start + 50 * US);
	/* idle for longer: at once */
	wait_us(60);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 3);
}

/* A request that waits is dropped when software takes its cause away, and kept when it only masks.
 */
static void request_that_waits(void **state)
{
	(void)state;
	use_msix();
	put(REG_EITR(1), 25u << 3 | EITR_CNT_WDIS);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	put(REG_EIMC_EX(1), 1u << 1);
	wait_us(100);
	assert_int_equal(messages(1), 1);
	put(REG_EIMS_EX(1), 1u << 1);
	assert_int_equal(messages(1), 2);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	put(REG_EICR_EX(1), 1u << 1);
	wait_us(100);
	assert_int_equal(messages(1), 2);
}

static void counter_is_written(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS_EX(1), 1u << 1);
	put(REG_EITR(1), 25u << 3 | 10u << EITR_COUNTER_SHIFT); /* 10 * 8 us */
	irq_rx(port, 1);
	wait_us(79);
	assert_int_equal(messages(1), 0);
	put(REG_EITR(1), 25u << 3 | EITR_CNT_WDIS); /* leaves the counter alone */
	assert_int_equal(messages(1), 0);
	wait_us(1);
	assert_int_equal(messages(1), 1);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	put(REG_EITR(1), 25u << 3); /* the counter is 0 now */
	assert_int_equal(messages(1), 2);
}

static void eitr_of_high_vectors(void **state)
{
	(void)state;
	put(REG_EITR(63), 3u << 3);
	assert_int_equal(get(0x12300 + 4 * (63 - 24)) & EITR_INTERVAL, 3u << 3);
	put(REG_EITR(128), 5u << 3);
	assert_int_equal(get(REG_EITR(128)), 5u << 3);
}

static void low_latency(void **state)
{
	(void)state;
	use_msix();
	put(REG_GPIE, get(REG_GPIE) & ~GPIE_EIAME);
	put(REG_EIMS_EX(1), 1u << 1);
	put(REG_EITR(1), 250u << 3 | EITR_CNT_WDIS);
	irq_rx(port, 1);
	irq_rx_low_latency(port, 1);
	assert_int_equal(messages(1), 2); /* no credits needed */
	/* two credits, one more each 4 us */
	put(REG_EITR(1),
		250u << 3 | EITR_LLI_EN | 2u << EITR_LLI_CREDIT_SHIFT | 100u << EITR_COUNTER_SHIFT);
	irq_rx_low_latency(port, 1);
	irq_rx_low_latency(port, 1);
	irq_rx_low_latency(port, 1);
	assert_int_equal(messages(1), 4);
	wait_us(9);
	assert_int_equal((get(REG_EITR(1)) & EITR_LLI_CREDIT) >> EITR_LLI_CREDIT_SHIFT, 2);
	irq_rx_low_latency(port, 1);
	assert_int_equal(messages(1), 5);
	wait_us(1000000);
	assert_int_equal((get(REG_EITR(1)) & EITR_LLI_CREDIT) >> EITR_LLI_CREDIT_SHIFT, 31);
}

static void immediately_by_software(void **state)
{
	(void)state;
	use_msix();
	put(REG_EITR(1), 250u << 3 | EITR_CNT_WDIS);
	put(REG_EIMS_EX(1), 1u << 1);
	irq_rx(port, 1);
	put(REG_EIMS_EX(1), 1u << 1);
	put(REG_GPIE, get(REG_GPIE) | GPIE_EIMEN);
	put(REG_EICS_EX(1), 1u << 1);
	assert_int_equal(messages(1), 2);
}

/* ---- One vector ---- */

/* What Linux's ethtool -t does: the mask decides, the cause register does not. */
static void check_interrupt_test(void (*check)(uint32_t bit, bool expected))
{
	put(REG_EIMC, UINT32_MAX);
	for (unsigned i = 0; i < 10; i++) {
		uint32_t bit = 1u << i;

		put(REG_EIMC, ~bit & 0x7fff);
		put(REG_EICS, ~bit & 0x7fff);
		wait_us(10000);
		check(bit, false);
		put(REG_EIMS, bit);
		put(REG_EICS, bit);
		wait_us(10000);
		check(bit, true);
		put(REG_EIMC, ~bit & 0x7fff);
		put(REG_EICS, ~bit & 0x7fff);
		wait_us(10000);
		check(bit, false);
	}
	put(REG_EIMC, UINT32_MAX);
}

static void check_line(uint32_t bit, bool expected)
{
	assert_int_equal(slot()->intx, expected);
	if (expected) {
		assert_true(get(REG_EICR) & bit);
		assert_false(slot()->intx);
	}
}

static void line(void **state)
{
	(void)state;
	check_interrupt_test(check_line);
}

static uint64_t seen;

static void check_msi(uint32_t bit, bool expected)
{
	/* a cause that was set already sends one when it is unmasked, and another when it is set */
	assert_int_equal(slot()->nr_messages != seen, expected);
	seen = slot()->nr_messages;
	if (expected)
		assert_true(get(REG_EICR) & bit);
}

static void msi(void **state)
{
	(void)state;
	bench_enable_msi(dev);
	seen = 0;
	check_interrupt_test(check_msi);
	assert_false(slot()->intx);
}

static void line_follows_the_mask(void **state)
{
	(void)state;
	put(REG_IVAR(0), 0x80);
	put(REG_EIMS, 1);
	irq_rx(port, 0);
	assert_true(slot()->intx);
	put(REG_EIMC, 1);
	assert_false(slot()->intx);
	put(REG_EIMS, 1);
	assert_true(slot()->intx);
	put(REG_EICR, 1);
	assert_false(slot()->intx);
	assert_int_equal(slot()->nr_intx_edges, 2);
}

/* DS 7.3.1.6 without MSI-X: reading EICR masks, setting by EICS unmasks. */
static void auto_mask_by_access(void **state)
{
	(void)state;
	put(REG_EIAM, EICR_RTX_QUEUE);
	put(REG_EIMS, 0x3 | EICR_LSC);
	get(REG_EICR);
	assert_int_equal(get(REG_EIMS), EICR_LSC);
	put(REG_EICS, 0x2);
	assert_int_equal(get(REG_EIMS), 0x2 | EICR_LSC);
	assert_true(slot()->intx);
	put(REG_EICR, 0x2);
	assert_int_equal(get(REG_EIMS), EICR_LSC);
	assert_false(slot()->intx);
}

static void line_is_moderated(void **state)
{
	(void)state;
	put(REG_IVAR(0), 0x80);
	put(REG_EITR(0), 25u << 3 | EITR_CNT_WDIS);
	put(REG_EIMS, 1);
	irq_rx(port, 0);
	assert_true(slot()->intx);
	get(REG_EICR);
	irq_rx(port, 0);
	assert_false(slot()->intx);
	wait_us(50);
	assert_true(slot()->intx);
}

/* Without GPIE.Multiple_MSIX every cause is vector 0's. */
static void msix_with_one_vector(void **state)
{
	(void)state;
	bench_enable_msix(dev);
	put(REG_IVAR(1), 0x83);
	get(REG_EICR); /* the link came up */
	put(REG_EIMS, 1u << 3 | EICR_LSC);
	irq_rx(port, 2);
	irq_other(port, EICR_LSC);
	assert_int_equal(messages(0), 2);
	assert_int_equal(slot()->nr_messages, 2);
	assert_true(get(REG_EICR) & 1u << 3);
}

/* What waits when a driver changes the mode arrives by the new one. */
static void mode_changes(void **state)
{
	(void)state;
	put(REG_EIMS, 1);
	put(REG_EICS, 1);
	assert_true(slot()->intx);
	bench_enable_msi(dev);
	assert_false(slot()->intx);
	assert_int_equal(slot()->nr_messages, 1);
}

/* ---- The rest ---- */

static void tcp_timer(void **state)
{
	(void)state;
	use_msix();
	put(REG_EIMS, EICR_TCP_TIMER);
	put(REG_TCPTIMER, 5 | TCPTIMER_KICK_START | TCPTIMER_COUNT_ENABLE | TCPTIMER_LOOP);
	wait_us(4999);
	assert_int_equal(messages(4), 0);
	wait_us(1);
	assert_int_equal(messages(4), 1);
	wait_us(10000);
	assert_int_equal(messages(4), 3);
	put(REG_TCPTIMER, 0);
	wait_us(10000);
	assert_int_equal(messages(4), 3);
}

static void spurious(void **state)
{
	(void)state;
	assert_int_equal(m82599_fault(chip, 0, "spurious-interrupt 0", NULL), 0);
	assert_true(slot()->intx);
	assert_int_equal(get(REG_EICR), EICR_LSC); /* of the link that came up */
	assert_false(slot()->intx);
	use_msix();
	assert_int_equal(m82599_fault(chip, 0, "spurious-interrupt 3", NULL), 0);
	assert_int_equal(messages(3), 1);
}

static void lost(void **state)
{
	struct m82599_counts counts;

	(void)state;
	use_msix();
	assert_int_equal(m82599_fault(chip, 0, "lose-interrupts 1", NULL), 0);
	put(REG_EIMS_EX(1), 3);
	irq_rx(port, 0);
	assert_int_equal(messages(0), 0);
	irq_rx(port, 1);
	assert_int_equal(messages(1), 1);
	/* software that suspects so asks again */
	put(REG_EIMS_EX(1), 1);
	put(REG_EICS_EX(1), 1);
	assert_int_equal(messages(0), 1);
	m82599_counts(chip, 0, &counts);
	assert_int_equal(counts.interrupts, 3);
}

static void reset_silences(void **state)
{
	(void)state;
	use_msix();
	put(REG_EITR(1), 250u << 3 | EITR_CNT_WDIS);
	put(REG_EIMS_EX(1), 2);
	irq_rx(port, 1);
	put(REG_EIMS_EX(1), 2);
	irq_rx(port, 1);
	put(REG_CTRL, CTRL_RST);
	wait_us(100000);
	assert_int_equal(messages(1), 1);
	assert_int_equal(get(REG_EIMS_EX(1)), 0);
	assert_int_equal(get(REG_GPIE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vector_of_a_queue),
		TEST(auto_clear_and_auto_mask),
		TEST(fires_when_unmasked),
		TEST(masked_in_the_table),
		TEST(high_vectors),
		TEST(software_sets_a_cause),
		TEST(other_causes),
		TEST(read_clears_others_only),
		TEST(interval_between_messages),
		TEST(request_that_waits),
		TEST(counter_is_written),
		TEST(eitr_of_high_vectors),
		TEST(low_latency),
		TEST(immediately_by_software),
		TEST(line),
		TEST(msi),
		TEST(line_follows_the_mask),
		TEST(auto_mask_by_access),
		TEST(line_is_moderated),
		TEST(msix_with_one_vector),
		TEST(mode_changes),
		TEST(tcp_timer),
		TEST(spurious),
		TEST(lost),
		TEST(reset_silences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
