// sources: @82599_model tests/support/model_bench.c
/* The 82599's flow director, programmed as DS 7.1.2.7 and stock drivers do. The hashes are those
 * that a stock driver's own functions give for these tuples. */
#include "m82599_fixture.h"

#define BUCKET_KEY    0x3dad14e2u
#define SIGNATURE_KEY 0x174d3614u
#define STATUS_FLM    (1u << 2)
#define ADD	      (FDIRCMD_ADD | FDIRCMD_UPDATE | FDIRCMD_LAST | FDIRCMD_QUEUE_EN)

static struct frame frame;

static void start_tables(uint32_t ctrl)
{
	put(REG_FDIRHKEY, BUCKET_KEY);
	put(REG_FDIRSKEY, SIGNATURE_KEY);
	put(REG_FDIRCTRL, ctrl | 6u << FDIRCTRL_FLEX_SHIFT | 10u << FDIRCTRL_MAX_LENGTH_SHIFT |
				  4u << FDIRCTRL_FULL_SHIFT);
	assert_int_equal(get(REG_FDIRCTRL) & FDIRCTRL_INIT_DONE, 0);
	wait_us(100);
	assert_int_equal(get(REG_FDIRCTRL) & FDIRCTRL_INIT_DONE, FDIRCTRL_INIT_DONE);
}

static void expect_queue(struct rx_ring *r, unsigned n, unsigned queue)
{
	struct rx_done v;

	receive(frame.data, frame.len);
	for (unsigned q = 0; q < n; q++)
		assert_int_equal(rx_get(&r[q], &v), q == queue);
}

static void open_queues(struct rx_ring *r, unsigned n)
{
	for (unsigned q = 0; q < n; q++)
		rx_open(&r[q], q, ONE_BUFFER, 32);
}

/* Filters as a driver samples them from what it sends. */
static void test_signature(void **state)
{
	struct rx_ring r[6];

	(void)state;
	open_queues(r, 6);
	start_tables(1);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 8190);
	frame_build(&frame, false, 6, -1, 100, 1);
	expect_queue(r, 6, 0);
	assert_int_equal(get(REG_FDIRMISS), 1);
	bench_write64(dev, 0, REG_FDIRHASH,
		(uint64_t)(ADD | 2u << 5 | 3u << FDIRCMD_QUEUE_SHIFT) << 32 | 0x441c1a13);
	assert_int_equal(get(REG_FDIRCMD) & FDIRCMD_CMD, 0);
	expect_queue(r, 6, 3);
	bench_write64(dev, 0, REG_FDIRHASH,
		(uint64_t)(ADD | 2u << 5 | 4u << FDIRCMD_QUEUE_SHIFT) << 32 | 0x46f8133e);
	frame_build(&frame, false, 6, 0x6005, 100, 1);
	expect_queue(r, 6, 4);
	bench_write64(dev, 0, REG_FDIRHASH,
		(uint64_t)(ADD | 6u << 5 | 5u << FDIRCMD_QUEUE_SHIFT) << 32 | 0x37704488);
	frame_build(&frame, true, 6, -1, 100, 1);
	expect_queue(r, 6, 5);
	assert_int_equal(get(REG_FDIRMATCH), 3);
	assert_int_equal(get(REG_FDIRMATCH), 0);
	assert_int_equal(get(REG_FDIRUSTAT), 3);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 8187);
	/* the same filter again moves the flow */
	bench_write64(dev, 0, REG_FDIRHASH,
		(uint64_t)(ADD | 6u << 5 | 1u << FDIRCMD_QUEUE_SHIFT) << 32 | 0x37704488);
	expect_queue(r, 6, 1);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 8187);
	/* reinitialisation empties the tables */
	put(REG_FDIRCMD, FDIRCMD_CLEARHT);
	put(REG_FDIRCMD, 0);
	start_tables(1);
	expect_queue(r, 6, 0);
}

/* Masks as for a rule that looks at addresses, ports and protocol of IPv4. */
static void mask_vlan_and_flex(void)
{
	put(REG_FDIRM, FDIRM_DIPV6 | FDIRM_POOL | FDIRM_VLANID | FDIRM_VLANP | FDIRM_FLEX);
	put(REG_FDIRTCPM, 0);
	put(REG_FDIRUDPM, 0);
	put(REG_FDIRSIP4M, 0);
	put(REG_FDIRDIP4M, 0);
}

static void program(uint32_t hash, uint16_t id, uint32_t cmd)
{
	put(REG_FDIRIPSA, 0x0201a8c0);
	put(REG_FDIRIPDA, 0x0101a8c0);
	put(REG_FDIRPORT, 5001u << 16 | 40000);
	put(REG_FDIRVLAN, 0);
	put(REG_FDIRHASH, hash | (uint32_t)id << 16);
	put(REG_FDIRCMD, cmd);
	assert_int_equal(get(REG_FDIRCMD) & FDIRCMD_CMD, 0);
}

static void test_perfect(void **state)
{
	struct rx_ring r[4];

	(void)state;
	open_queues(r, 4);
	mask_vlan_and_flex();
	start_tables(1 | FDIRCTRL_PERFECT | 127u << FDIRCTRL_DROP_Q_SHIFT);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 2046);
	program(0x111a, 5, ADD | 1u << 5 | 2u << FDIRCMD_QUEUE_SHIFT);
	frame_build(&frame, false, 17, -1, 100, 1);
	expect_queue(r, 4, 2);
	frame_build(&frame, false, 17, 7, 100, 1); /* the VLAN is masked */
	expect_queue(r, 4, 2);
	frame_build(&frame, false, 6, -1, 100, 1); /* the protocol is not */
	expect_queue(r, 4, 0);
	frame_build(&frame, false, 17, -1, 100, 1);
	store_be16(frame.data + frame.l4, 40001);
	frame_sums(&frame);
	expect_queue(r, 4, 0);
	/* query, remove, query */
	put(REG_FDIRHASH, 0x111a | 5u << 16);
	put(REG_FDIRCMD, FDIRCMD_QUERY);
	assert_int_equal(get(REG_FDIRCMD) & FDIRCMD_FILTER_VALID, FDIRCMD_FILTER_VALID);
	put(REG_FDIRHASH, 0x111a | 5u << 16);
	put(REG_FDIRCMD, FDIRCMD_REMOVE);
	put(REG_FDIRCMD, FDIRCMD_QUERY);
	assert_int_equal(get(REG_FDIRCMD) & FDIRCMD_FILTER_VALID, 0);
	frame_build(&frame, false, 17, -1, 100, 1);
	expect_queue(r, 4, 0);
	assert_int_equal(get(REG_FDIRUSTAT), 1u << 16 | 1);
	put(REG_FDIRCMD, FDIRCMD_REMOVE);
	assert_int_equal(get(REG_FDIRFSTAT), 1u << 8);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 2046);
}

static void test_wrong_hash_does_not_match(void **state)
{
	struct rx_ring r[4];

	(void)state;
	open_queues(r, 4);
	mask_vlan_and_flex();
	start_tables(1 | FDIRCTRL_PERFECT);
	program(0x111b, 5, ADD | 1u << 5 | 2u << FDIRCMD_QUEUE_SHIFT);
	frame_build(&frame, false, 17, -1, 100, 1);
	expect_queue(r, 4, 0);
}

static void test_drop_and_report(void **state)
{
	struct rx_ring r[4];
	struct rx_done v;

	(void)state;
	open_queues(r, 4);
	mask_vlan_and_flex();
	put(REG_RXCSUM, RXCSUM_PCSD);
	start_tables(1 | FDIRCTRL_PERFECT | FDIRCTRL_REPORT);
	program(0x111a, 9, ADD | 1u << 5 | 1u << FDIRCMD_QUEUE_SHIFT);
	frame_build(&frame, false, 17, -1, 100, 1);
	receive(frame.data, frame.len);
	assert_true(rx_get(&r[1], &v));
	assert_int_equal(v.status & STATUS_FLM, STATUS_FLM);
	assert_int_equal(v.hash, 0x111a0009);
	program(0x111a, 9, ADD | 1u << 5 | 127u << FDIRCMD_QUEUE_SHIFT | FDIRCMD_DROP);
	expect_queue(r, 4, 99);
	assert_int_equal(port->counts.rx_filtered, 1);
	/* without permission to update it is a collision */
	program(0x111a, 9, (ADD & ~FDIRCMD_UPDATE) | 1u << 5);
	assert_int_equal(get(REG_FDIRCMD) & FDIRCMD_COLLISION, FDIRCMD_COLLISION);
	assert_int_equal(get(REG_FDIRFSTAT), 1);
}

/* Partial masks: bits of addresses, and of ports in reverse order. */
static void test_masks(void **state)
{
	struct rx_ring r[4];

	(void)state;
	open_queues(r, 4);
	mask_vlan_and_flex();
	put(REG_FDIRM, get(REG_FDIRM) | FDIRM_L4P);
	put(REG_FDIRTCPM, ~0u);
	put(REG_FDIRUDPM, ~0u);
	put(REG_FDIRSIP4M, ~0u);
	start_tables(1 | FDIRCTRL_PERFECT);
	program(0x1314, 1, ADD | 3u << FDIRCMD_QUEUE_SHIFT);
	frame_build(&frame, false, 17, -1, 100, 1);
	frame.data[frame.l3 + 12] = 10;
	frame_sums(&frame);
	expect_queue(r, 4, 3);
	frame_build(&frame, false, 6, -1, 100, 1);
	expect_queue(r, 4, 3);
	frame.data[frame.l3 + 19] = 7;
	frame_sums(&frame);
	expect_queue(r, 4, 0);
}

/* Tables that run full: a threshold, an interrupt, failures that are counted. */
static void test_full(void **state)
{
	(void)state;
	start_tables(1);
	for (uint32_t i = 0; i < 8200; i++) {
		put(REG_FDIRHASH, (i & 0x7fff) | 1u << 16);
		put(REG_FDIRCMD, ADD);
		if (i == 8000)
			assert_int_equal(get(REG_EICR) & EICR_FLOW_DIR, 0);
	}
	assert_int_equal(get(REG_EICR) & EICR_FLOW_DIR, EICR_FLOW_DIR);
	assert_int_equal(get(REG_FDIRFREE) & 0xffff, 0);
	assert_int_equal(get(REG_FDIRFSTAT), 10);
	put(REG_FDIRCTRL, 0);
	assert_int_equal(get(REG_FDIRFREE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signature),
		TEST(test_perfect),
		TEST(test_wrong_hash_does_not_match),
		TEST(test_drop_and_report),
		TEST(test_masks),
		TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
