// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* Instructions per packet of the driver, through nic.h, in batches of 32, against the model, as
 * `make bench-driver` counts them:
 *
 *     valgrind --tool=callgrind --toggle-collect='bench_receive*' ixgbe_bench PACKETS SEGMENTS
 * FLAGS
 *
 * counts polling, posting and the doorbell; divide by PACKETS. bench_transmit: reaping, preparing
 * and the doorbell. What the model does comes after the count, what the caller does between its
 * calls does not count. SEGMENTS and FLAGS (NIC_TX_) are those of a sent packet. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include <stdio.h>
#include <stdlib.h>

static struct nic_tx_packet packet[NIC_BATCH];
static struct nic_segment segment[NIC_TX_SEGMENTS_MAX];
static struct nic_tx_done done[NIC_BATCH];
static struct nic_buffer buffer[NIC_RX_BATCH_BUFFERS];
static uint8_t frame[1514];

void bench_transmit(struct nic_txq *q);
void bench_receive_poll(struct nic_rxq *q, struct nic_rx_batch *b);
void bench_receive_post(struct nic_rxq *q, unsigned nr);

__attribute__((noinline)) void bench_transmit(struct nic_txq *q)
{
	nic_tx_reap(q, done, NIC_BATCH);
	if (nic_tx_prepare(q, packet, NIC_BATCH) != NIC_BATCH)
		abort();
	nic_tx_flush(q);
}

__attribute__((noinline)) void bench_receive_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	nic_rx_poll(q, b);
}

__attribute__((noinline)) void bench_receive_post(struct nic_rxq *q, unsigned nr)
{
	if (nic_rx_post(q, buffer, nr) != nr)
		abort();
	nic_rx_flush(q);
}

static unsigned receive(struct nic_rxq *q, struct nic_rx_batch *b)
{
	bench_receive_poll(q, b);
	for (unsigned i = 0; i < b->nr_buffers; i++)
		buffer[i] = (struct nic_buffer){
			.hpa = b->buffer[i].cookie, .cookie = b->buffer[i].cookie, .len_bytes = 2048
		};
	bench_receive_post(q, b->nr_buffers);
	return b->nr_packets;
}

static void fill_in(unsigned segments, unsigned flags)
{
	uint32_t len = rig_tcp(frame, rig.port[1].nic->mac, rig.port[0].nic->mac, 1, 1, 200);
	uint64_t hpa = rig_alloc(sizeof(frame), 64);
	uint32_t part = len / segments;

	memcpy((void *)hpa, frame, len);
	for (unsigned i = 0; i < segments; i++)
		segment[i] = (struct nic_segment){ hpa + i * part,
			i + 1 < segments ? part : len - i * part };
	for (unsigned i = 0; i < NIC_BATCH; i++)
		packet[i] = (struct nic_tx_packet){ .cookie = i,
			.segment = segment,
			.len_bytes = len,
			.nr_segments = (uint16_t)segments,
			.flags = (uint16_t)flags,
			.l2_len = 14,
			.l3_len = 20 };
}

int main(int argc, char **argv)
{
	unsigned packets = argc > 1 ? (unsigned)atoi(argv[1]) : 3200;
	unsigned segments = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	unsigned flags = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	struct nic_setup s = rig_setup();
	unsigned received = 0;

	rig_start(&s);
	fill_in(segments, flags);
	for (unsigned n = 0; n < packets; n += NIC_BATCH) {
		rig_defer(true);
		bench_transmit(rig.port[0].nic->txq[0]);
		rig_defer(false);
		rig_us(100);
		rig_defer(true);
		received += receive(rig.port[1].nic->rxq[0], &rig.port[1].batch);
		rig_defer(false);
	}
	printf("%u packets received\n", received);
	rig_destroy();
	return received == packets ? 0 : 1;
}
