/* A bench for the 82599's data plane: port 0 on a cable whose other end is the test, which sends
 * frames and keeps what arrives; rings set up as DS 4.6.7 and 4.6.8 say. Included by one test file
 * each. */
#ifndef TESTS_UNIT_M82599_FIXTURE_H
#define TESTS_UNIT_M82599_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/82599/data.h"
#include "tests/models/82599/m82599.h"
#include "tests/models/wire.h"
#include "tests/support/model_bench.h"

#define US	    CLOCK_PS_PER_US
#define MS	    CLOCK_PS_PER_MS
#define RING	    64 /* descriptors */
#define BUFFER_SIZE 2048
#define KEPT	    256 /* frames that arrived at the test's end */

static struct bench bench;
static struct wire cable;
static struct m82599 *chip;
static struct pci_dev *dev;
static struct port *port;

static struct {
	uint8_t data[WIRE_FRAME_MAX];
	uint32_t len;
	bool fcs_ok;
	uint64_t at_ps;
} kept[KEPT];
static unsigned nr_kept;

static inline void keep(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	(void)ctx;
	memcpy(kept[nr_kept % KEPT].data, data, len_bytes);
	kept[nr_kept % KEPT].len = len_bytes;
	kept[nr_kept % KEPT].fcs_ok = fcs_ok;
	kept[nr_kept++ % KEPT].at_ps = clock_now(&bench.clock);
}

static inline void see_signal(void *ctx, bool present)
{
	(void)ctx;
	(void)present;
}

static inline uint32_t get(uint32_t off)
{
	return bench_read32(dev, 0, off);
}

static inline void put(uint32_t off, uint32_t v)
{
	bench_write32(dev, 0, off, v);
}

static inline void wait_us(uint64_t us)
{
	bench_advance(&bench, us * US);
}

/* Reception and transmission on, everything accepted, MSI-X with vector n for queue n (mod 16). */
static inline int set_up(void **state)
{
	static const struct wire_end_ops ops = { .receive = keep, .signal = see_signal };
	const struct m82599_config config = { .mac = { 0x00, 0x1b, 0x21, 0x10, 0x20, 0x30 } };
	void *const ctx[] = { &bench.slot[0], &bench.slot[1] };

	(void)state;
	nr_kept = 0;
	bench_init(&bench, 16, 0x100000);
	chip = m82599_create(&config, &bench.clock, &bench_host, ctx, &bench.record, 0);
	assert_non_null(chip);
	dev = m82599_function(chip, 0);
	port = &chip->port[0];
	wire_init(&cable, &bench.clock);
	m82599_connect(chip, 0, &cable, 0);
	wire_attach(&cable, 1, &ops, NULL);
	wire_set_transmitter(&cable, 1, true);
	bench_enable(dev);
	bench_enable_msix(dev);
	bench_advance(&bench, 20 * MS);
	put(REG_GPIE, GPIE_MULTIPLE_MSIX | GPIE_EIAME);
	for (unsigned i = 0; i < 64; i++)
		put(REG_IVAR(i), (0x80u | (2 * i & 15)) | (0x80u | (2 * i & 15)) << 8 |
					 (0x80u | ((2 * i + 1) & 15)) << 16 |
					 (0x80u | ((2 * i + 1) & 15)) << 24);
	put(REG_EIAC, 0xffff);
	put(REG_EIMS_EX(1), 0xffff);
	put(REG_FCTRL, FCTRL_BAM | FCTRL_MPE | FCTRL_UPE);
	put(REG_MAXFRS, 9728u << MAXFRS_MFS_SHIFT);
	put(REG_HLREG0, get(REG_HLREG0) | HLREG0_JUMBOEN);
	put(REG_RXCTRL, RXCTRL_RXEN);
	put(REG_DMATXCTL, get(REG_DMATXCTL) | DMATXCTL_TE);
	assert_true(link_is_up(port));
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	m82599_destroy(chip);
	wire_destroy(&cable);
	bench_destroy(&bench);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

/* ---- Receive ---- */

struct rx_ring {
	unsigned queue;
	uint64_t desc, buffers, headers;
	uint32_t next, tail;
};

/* srrctl without the buffer size, which is 2 KiB. Gives the queue `posted` descriptors. */
static inline void rx_open(struct rx_ring *r, unsigned queue, uint32_t srrctl, uint32_t posted)
{
	uint32_t base = REG_RX_QUEUE(queue);

	*r = (struct rx_ring){ .queue = queue,
		.desc = bench_alloc(&bench, RING * 16, 128),
		.buffers = bench_alloc(&bench, RING * BUFFER_SIZE, 4096),
		.headers = bench_alloc(&bench, RING * 1024, 4096) };
	put(base + RDBAL, (uint32_t)r->desc);
	put(base + RDBAH, (uint32_t)(r->desc >> 32));
	put(base + RDLEN, RING * 16);
	put(base + SRRCTL, srrctl | 2);
	put(base + RDH, 0);
	put(base + RDT, 0);
	put(base + RXDCTL, get(base + RXDCTL) | RXDCTL_ENABLE);
	assert_int_equal(get(base + RXDCTL) & RXDCTL_ENABLE, 0); /* not yet */
	wait_us(20);
	assert_int_equal(get(base + RXDCTL) & RXDCTL_ENABLE, RXDCTL_ENABLE);
	for (uint32_t i = 0; i < posted; i++) {
		uint8_t *d = bench_mem(&bench, r->desc + 16 * r->tail, 16);

		memset(d, 0, 16);
		store_le32(d, (uint32_t)(r->buffers + r->tail * BUFFER_SIZE));
		store_le32(d + 8, (uint32_t)(r->headers + r->tail * 1024));
		r->tail = (r->tail + 1) % RING;
	}
	put(base + RDT, r->tail);
}

#define ONE_BUFFER (1u << SRRCTL_DESCTYPE_SHIFT)

static inline void rx_post(struct rx_ring *r, uint32_t n)
{
	while (n--) {
		uint8_t *d = bench_mem(&bench, r->desc + 16 * r->tail, 16);

		memset(d, 0, 16);
		store_le32(d, (uint32_t)(r->buffers + r->tail * BUFFER_SIZE));
		store_le32(d + 8, (uint32_t)(r->headers + r->tail * 1024));
		r->tail = (r->tail + 1) % RING;
	}
	put(REG_RX_QUEUE(r->queue) + RDT, r->tail);
}

struct rx_done {
	uint32_t index, dw0, hash, status, len;
	uint16_t vlan;
	const uint8_t *data, *header;
};

static inline bool rx_peek(struct rx_ring *r, uint32_t index, struct rx_done *v)
{
	const uint8_t *d = bench_mem(&bench, r->desc + 16 * index, 16);

	*v = (struct rx_done){ .index = index,
		.dw0 = load_le32(d),
		.hash = load_le32(d + 4),
		.status = load_le32(d + 8),
		.len = load_le32(d + 12) & 0xffff,
		.vlan = (uint16_t)(load_le32(d + 12) >> 16),
		.data = bench_mem(&bench, r->buffers + index * BUFFER_SIZE, BUFFER_SIZE),
		.header = bench_mem(&bench, r->headers + index * 1024, 1024) };
	return v->status & 1;
}

/* The next descriptor in ring order, if it is done. */
static inline bool rx_get(struct rx_ring *r, struct rx_done *v)
{
	if (!rx_peek(r, r->next, v))
		return false;
	r->next = (r->next + 1) % RING;
	return true;
}

static inline void receive(const uint8_t *data, uint32_t len)
{
	data_receive(port, data, len, true);
}

/* ---- Transmit ---- */

struct tx_ring {
	unsigned queue;
	uint64_t desc, buffers;
	uint32_t tail;
};

static inline void tx_open(struct tx_ring *t, unsigned queue, uint32_t txdctl)
{
	uint32_t base = REG_TX_QUEUE(queue);

	*t = (struct tx_ring){ .queue = queue,
		.desc = bench_alloc(&bench, RING * 16, 128),
		.buffers = bench_alloc(&bench, 65536 * 2, 4096) };
	put(base + TDBAL, (uint32_t)t->desc);
	put(base + TDBAH, (uint32_t)(t->desc >> 32));
	put(base + TDLEN, RING * 16);
	put(base + TDH, 0);
	put(base + TDT, 0);
	put(base + TXDCTL, txdctl | TXDCTL_ENABLE);
	wait_us(20);
	assert_int_equal(get(base + TXDCTL) & TXDCTL_ENABLE, TXDCTL_ENABLE);
}

#define TX_DEXT	   (1u << 29)
#define TX_DATA	   (TX_DEXT | 3u << 20)
#define TX_CONTEXT (TX_DEXT | 2u << 20)
#define TX_EOP	   (1u << 24)
#define TX_IFCS	   (1u << 25)
#define TX_RS	   (1u << 27)
#define TX_VLE	   (1u << 30)
#define TX_TSE	   (1u << 31)
#define TX_IXSM	   (1u << 8)
#define TX_TXSM	   (1u << 9)
#define TX_ALL	   (TX_DATA | TX_EOP | TX_IFCS | TX_RS)

static inline uint32_t tx_desc(struct tx_ring *t, uint64_t qword, uint32_t dw2, uint32_t dw3)
{
	uint8_t *d = bench_mem(&bench, t->desc + 16 * t->tail, 16);
	uint32_t index = t->tail;

	store_le32(d, (uint32_t)qword);
	store_le32(d + 4, (uint32_t)(qword >> 32));
	store_le32(d + 8, dw2);
	store_le32(d + 12, dw3);
	t->tail = (t->tail + 1) % RING;
	return index;
}

/* A context: header lengths, TUCMD (IPV4, L4T), MSS, VLAN tag. */
static inline void tx_context(struct tx_ring *t, uint32_t mac, uint32_t ip, uint32_t l4,
	uint32_t type, uint32_t mss, uint32_t vlan)
{
	tx_desc(t, vlan << 16 | mac << 9 | ip, TX_CONTEXT | type, mss << 16 | l4 << 8);
}

static inline void tx_bump(struct tx_ring *t)
{
	put(REG_TX_QUEUE(t->queue) + TDT, t->tail);
}

/* One packet in one buffer. */
static inline uint32_t tx_send(
	struct tx_ring *t, const uint8_t *data, uint32_t len, uint32_t dw2, uint32_t dw3)
{
	uint64_t at = t->buffers + t->tail * 2048;
	uint32_t index;

	memcpy(bench_mem(&bench, at, len), data, len);
	index = tx_desc(t, at, dw2 | len, dw3);
	tx_bump(t);
	return index;
}

static inline bool tx_is_done(struct tx_ring *t, uint32_t index)
{
	return load_le32(bench_mem(&bench, t->desc + 16 * index + 12, 4)) & 1;
}

/* ---- Frames, and sums that are computed here in the plainest way ---- */

static inline uint32_t plain_sum(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static inline uint16_t plain_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

struct frame {
	uint8_t data[WIRE_FRAME_MAX];
	uint32_t len, l3, l4, payload;
	bool v6, tagged;
	uint8_t protocol;
};

static inline uint32_t plain_pseudo(const struct frame *f, uint32_t l4_len)
{
	const uint8_t *ip = f->data + f->l3;
	uint32_t sum = f->v6 ? plain_sum(ip + 8, 32, 0) : plain_sum(ip + 12, 8, 0);

	return sum + f->protocol + l4_len;
}

static inline void frame_sums(struct frame *f)
{
	uint8_t *ip = f->data + f->l3, *l4 = f->data + f->l4;
	uint32_t field = f->protocol == 6 ? 16 : 6, len = f->len - f->l4;
	uint16_t sum;

	if (!f->v6) {
		store_be16(ip + 10, 0);
		store_be16(ip + 10, (uint16_t)~plain_fold(plain_sum(ip, f->l4 - f->l3, 0)));
	}
	if (f->protocol != 6 && f->protocol != 17)
		return;
	store_be16(l4 + field, 0);
	sum = (uint16_t)~plain_fold(plain_sum(l4, len, plain_pseudo(f, len)));
	store_be16(l4 + field, sum ? sum : 0xffff);
}

/* TCP (6) or UDP (17) with right sums; tag: -1 none. */
static inline void frame_build(
	struct frame *f, bool v6, uint8_t protocol, int tag, uint32_t payload, uint32_t seq)
{
	uint8_t *p = f->data;
	uint32_t l4_bytes = protocol == 6 ? 20 : 8;

	memset(f, 0, sizeof(*f));
	f->v6 = v6;
	f->protocol = protocol;
	f->tagged = tag >= 0;
	f->l3 = f->tagged ? 18 : 14;
	f->l4 = f->l3 + (v6 ? 40 : 20);
	f->payload = f->l4 + l4_bytes;
	f->len = f->payload + payload;
	memcpy(p, (uint8_t[]){ 0x00, 0x1b, 0x21, 0x10, 0x20, 0x30, 2, 0, 0, 0, 0, 9 }, 12);
	if (f->tagged) {
		store_be16(p + 12, 0x8100);
		store_be16(p + 14, (uint16_t)tag);
	}
	store_be16(p + f->l3 - 2, v6 ? 0x86dd : 0x0800);
	p += f->l3;
	if (v6) {
		p[0] = 0x60;
		store_be16(p + 4, (uint16_t)(l4_bytes + payload));
		p[6] = protocol;
		p[7] = 64;
		for (unsigned i = 0; i < 32; i++)
			p[8 + i] = (uint8_t)(0x20 + i);
	} else {
		p[0] = 0x45;
		store_be16(p + 2, (uint16_t)(20 + l4_bytes + payload));
		store_be16(p + 4, 0x1234);
		p[6] = 0x40;
		p[8] = 64;
		p[9] = protocol;
		memcpy(p + 12, (uint8_t[]){ 192, 168, 1, 2, 192, 168, 1, 1 }, 8);
	}
	p = f->data + f->l4;
	store_be16(p, 40000);
	store_be16(p + 2, 5001);
	if (protocol == 6) {
		store_be32(p + 4, seq);
		store_be32(p + 8, 77);
		p[12] = 0x50;
		p[13] = TCP_ACK;
		store_be16(p + 14, 1000);
	} else {
		store_be16(p + 4, (uint16_t)(8 + payload));
	}
	for (uint32_t i = 0; i < payload; i++)
		f->data[f->payload + i] = (uint8_t)(seq + i * 7);
	frame_sums(f);
}

#endif
