/* The user of a NIC's first queue pair, for fuzzers of drivers behind drivers/nic.h: what the
 * driver owes whoever gave it buffers and packets, whatever its device does. A buffer comes back
 * once and with at most the length it has, a packet's cookie once and in order. */
#ifndef SLUICE_TESTS_FUZZ_NIC_CLIENT_H
#define SLUICE_TESTS_FUZZ_NIC_CLIENT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/nic.h"

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

#define CLIENT_COOKIES 64u

static struct {
	struct nic_rxq *rx;
	struct nic_txq *tx;
	uint64_t buffer, header;    /* one for all: what lies in it is of no interest */
	bool owned[CLIENT_COOKIES]; /* by the driver */
	uint64_t given, back;
	struct nic_rx_batch batch;
} client;

static inline void client_begin(
	struct nic_rxq *rx, struct nic_txq *tx, uint64_t buffer, uint64_t header)
{
	memset(&client, 0, sizeof(client));
	client.rx = rx;
	client.tx = tx;
	client.buffer = buffer;
	client.header = header;
}

static inline unsigned client_give(unsigned nr)
{
	unsigned taken = 0;

	for (uint64_t c = 0; c < CLIENT_COOKIES && taken < nr; c++) {
		struct nic_buffer b = { .hpa = client.buffer,
			.cookie = c,
			.len_bytes = client.rx->buffer_bytes,
			.header_hpa = client.rx->header_bytes ? client.header : 0 };

		if (client.owned[c])
			continue;
		if (!nic_rx_post(client.rx, &b, 1))
			break;
		client.owned[c] = true;
		taken++;
	}
	return taken;
}

static inline void client_take(uint64_t cookie)
{
	CHECK(cookie < CLIENT_COOKIES && client.owned[cookie]);
	client.owned[cookie] = false;
}

static inline void client_take_all_back(void)
{
	uint64_t cookie[CLIENT_COOKIES];
	unsigned n = nic_rx_take_back(client.rx, cookie, CLIENT_COOKIES);

	for (unsigned i = 0; i < n; i++)
		client_take(cookie[i]);
}

static inline void client_poll(void)
{
	const struct nic_rx_batch *b = &client.batch;
	unsigned at = 0;

	nic_rx_poll(client.rx, &client.batch);
	CHECK(b->nr_packets <= NIC_BATCH && b->nr_buffers <= NIC_RX_BATCH_BUFFERS);
	for (unsigned i = 0; i < b->nr_packets; i++) {
		const struct nic_rx_packet *p = &b->packet[i];
		uint32_t sum = p->header_bytes;

		CHECK(sum <= client.rx->header_bytes);
		CHECK(p->first_buffer == at && p->nr_buffers && p->nr_buffers <= NIC_RX_CHAIN_MAX);
		for (unsigned k = 0; k < p->nr_buffers; k++, at++) {
			CHECK(b->buffer[at].len_bytes <= client.rx->buffer_bytes);
			sum += b->buffer[at].len_bytes;
			client_take(b->buffer[at].cookie);
		}
		CHECK(sum == p->len_bytes);
	}
	CHECK(at == b->nr_buffers);
}

/* p: all but the cookie. */
static inline void client_send(struct nic_tx_packet *p)
{
	p->cookie = client.given;
	if (nic_tx_prepare(client.tx, p, 1) == 1)
		client.given++;
}

static inline void client_reap(unsigned max)
{
	struct nic_tx_done done[NIC_BATCH];
	unsigned n = nic_tx_reap(client.tx, done, max);

	CHECK(n <= max);
	for (unsigned i = 0; i < n; i++)
		CHECK(done[i].cookie == client.back++);
}

/* The port is stopped: all comes back. */
static inline void client_end(void)
{
	while (client.back != client.given) {
		uint64_t before = client.back;

		client_reap(NIC_BATCH);
		CHECK(client.back != before);
	}
	client_take_all_back();
	for (unsigned i = 0; i < CLIENT_COOKIES; i++)
		CHECK(!client.owned[i]);
}

#endif
