// sources: @82599_model tests/support/model_bench.c
/* Both ports of the 82599 on one cable: a stream with all offloads, and the books at both ends. */
#include "m82599_fixture.h"

#define STREAM_BYTES (256 * 1024)
#define CHUNK	     (44 * 1448)
#define L4T_TCP	     (1u << 11)
#define TUCMD_IPV4   (1u << 10)

static struct pci_dev *other;
static struct port *other_port;

static int set_up_pair(void **state)
{
	set_up(state);
	wire_destroy(&cable);
	wire_init(&cable, &bench.clock);
	m82599_connect(chip, 0, &cable, 0);
	m82599_connect(chip, 1, &cable, 1);
	other = m82599_function(chip, 1);
	other_port = &chip->port[1];
	bench_enable(other);
	bench_advance(&bench, 20 * MS);
	assert_true(link_is_up(port) && link_is_up(other_port));
	return 0;
}

#define PAIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_pair, tear_down)

/* Everything in rings and registers is done to this port from now on. */
static void use(unsigned n)
{
	dev = m82599_function(chip, n);
	port = &chip->port[n];
}

static void receiver(struct rx_ring *r, uint32_t rscctl)
{
	use(1);
	put(REG_FCTRL, FCTRL_BAM | FCTRL_UPE);
	put(REG_RXCTRL, RXCTRL_RXEN);
	rx_open(r, 0, ONE_BUFFER, 60);
	put(REG_RX_QUEUE(0) + RSCCTL, rscctl);
	use(0);
}

static uint8_t stream_byte(uint32_t at)
{
	return (uint8_t)(at * 31 >> 5);
}

/* One segmented packet of the stream. */
static void send_chunk(struct tx_ring *t, uint32_t at, uint32_t len)
{
	static struct frame frame;
	uint8_t *buffer = bench_mem(&bench, t->buffers, 65536);

	frame_build(&frame, false, 6, -1, 0, at);
	store_be16(frame.data + frame.l4 + 16, plain_fold(plain_pseudo(&frame, 0)));
	store_be16(frame.data + frame.l3 + 2, 0);
	store_be16(frame.data + frame.l3 + 10, 0);
	memcpy(buffer, frame.data, 54);
	for (uint32_t i = 0; i < len; i++)
		buffer[54 + i] = stream_byte(at + i);
	tx_context(t, 14, 20, 20, L4T_TCP | TUCMD_IPV4, 1448, 0);
	tx_desc(t, t->buffers, TX_DATA | TX_IFCS | TX_TSE | 54, len << 14 | TX_TXSM | TX_IXSM);
	tx_desc(t, t->buffers + 54, TX_DATA | TX_EOP | TX_RS | TX_TSE | len, 0);
	tx_bump(t);
}

/* What has arrived so far, in ring order; each packet's payload must go on where the last ended. */
static uint32_t drain(struct rx_ring *r, uint32_t at, uint32_t *skip)
{
	struct rx_done v;

	use(1);
	while (rx_get(r, &v)) {
		for (uint32_t i = *skip; i < v.len; i++)
			assert_int_equal(v.data[i], stream_byte(at++));
		*skip = v.status & 2 ? 54 : 0; /* a header is where a packet begins */
		if (v.status & 2)
			assert_int_equal(v.status >> 29, 0); /* no error */
		rx_post(r, 1);
	}
	use(0);
	return at;
}

static void stream(uint32_t rscctl)
{
	uint32_t sent = 0, got = 0, skip = 54;
	struct m82599_counts from, to;
	struct rx_ring r;
	struct tx_ring t;

	tx_open(&t, 0, 8u << TXDCTL_WTHRESH_SHIFT);
	receiver(&r, rscctl);
	while (got < STREAM_BYTES) {
		if (sent == got && sent < STREAM_BYTES) {
			uint32_t n = STREAM_BYTES - sent < CHUNK ? STREAM_BYTES - sent : CHUNK;

			send_chunk(&t, sent, n);
			sent += n;
		}
		wait_us(10);
		got = drain(&r, got, &skip);
	}
	m82599_counts(chip, 0, &from);
	m82599_counts(chip, 1, &to);
	assert_int_equal(from.tx_frames, to.rx_frames);
	assert_int_equal(from.tx_bytes, to.rx_bytes);
	assert_int_equal(to.rx_delivered, to.rx_frames);
	assert_int_equal(to.rx_no_descriptor + to.rx_csum_errors + to.rx_filtered, 0);
	use(1);
	assert_int_equal(get(REG_GPRC), to.rx_frames);
	assert_int_equal(get(REG_GORCL), to.rx_bytes);
	assert_int_equal(get(REG_QPRC(0)), to.rx_delivered);
	use(0);
	assert_int_equal(get(REG_GPTC), from.tx_frames);
	assert_int_equal(get(REG_GOTCL), from.tx_bytes);
	if (rscctl)
		assert_true(to.rx_rsc > 0);
}

static void test_stream(void **state)
{
	(void)state;
	stream(0);
}

static void test_stream_coalesced(void **state)
{
	(void)state;
	stream(RSCCTL_RSCEN | 3u << RSCCTL_MAXDESC_SHIFT);
}

/* A receiver that is too slow stops the sender by pause frames, and nothing is lost. */
static void test_flow_control(void **state)
{
	static struct frame frame;
	struct m82599_counts to;
	struct rx_done v;
	struct rx_ring r;
	struct tx_ring t;

	(void)state;
	tx_open(&t, 0, 0);
	receiver(&r, 0);
	put(REG_MFLCN, MFLCN_RFCE | MFLCN_DPF);
	use(1);
	put(REG_RXPBSIZE(0), 64 * 1024);
	put(REG_FCCFG, FCCFG_TFCE_LINK);
	put(REG_FCRTH(0), FCRTH_FCEN | 32 * 1024);
	put(REG_FCRTL(0), FCRTL_XONE | 16 * 1024);
	put(REG_FCTTV(0), 0xffff);
	put(REG_FCRTV, 0x8000);
	use(0);
	frame_build(&frame, false, 17, -1, 1400, 1);
	for (unsigned round = 0; round < 10; round++) {
		bool idle = get(REG_TX_QUEUE(0) + TDH) == t.tail;

		for (unsigned i = 0; idle && i < 60; i++)
			tx_send(&t, frame.data, frame.len, TX_ALL, frame.len << 14);
		wait_us(200);
	}
	assert_true(other_port->counts.tx_pause > 0);
	for (unsigned round = 0; round < 2000; round++) {
		use(1);
		while (rx_get(&r, &v))
			rx_post(&r, 1);
		use(0);
		wait_us(20);
	}
	m82599_counts(chip, 1, &to);
	assert_int_equal(to.rx_no_descriptor, 0);
	assert_int_equal(to.rx_delivered, port->counts.tx_frames);
	assert_int_equal(get(REG_TX_QUEUE(0) + TDH), t.tail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_stream),
		PAIR_TEST(test_stream_coalesced),
		PAIR_TEST(test_flow_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
