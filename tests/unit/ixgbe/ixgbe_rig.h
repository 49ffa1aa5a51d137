/* Two ports of the 82599's model on one cable, a driver on each, and the machine around them: PCI,
 * memory, time. An hpa is a host pointer here, as everywhere in host tests. */
#ifndef TESTS_UNIT_IXGBE_RIG_H
#define TESTS_UNIT_IXGBE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/nic.h"
#include "tests/models/82599/m82599.h"
#include "tests/models/pci_dev.h"
#include "tests/models/wire.h"
#include "tests/support/model_bench.h"

#define RIG_VECTORS_MAX	 64
#define RIG_DEFERRED_MAX 8
#define RIG_VECTOR_BASE	 0x40 /* IDT vector of a port's vector 0 */

struct rig_port {
	struct nic *nic;
	struct pci_dev *dev;
	struct bench_slot *slot;
	unsigned nr_links, nr_states, nr_wakes[RIG_VECTORS_MAX];
	bool wake_polls;  /* what a wake-up does: nothing, or take everything */
	bool stop_drains; /* when the client hears that it is stopped, it takes what comes back */
	struct nic_rx_batch batch;
	/* what drain() saw */
	uint64_t nr_packets, nr_bytes, nr_errors;
	uint64_t nr_sent, nr_lost;
};

struct rig {
	struct bench bench;
	struct wire wire;
	struct m82599 *chip;
	struct rig_port port[2];
	uint64_t mmio_reads, mmio_writes;
	bool gone;			     /* both ports' registers read all ones */
	uint32_t (*read_filter)(uint32_t v); /* what the driver reads instead; NULL: the truth */
	bool defer;
	unsigned nr_deferred;
	struct {
		uint64_t address;
		uint32_t value;
	} deferred[RIG_DEFERRED_MAX];
};

extern struct rig rig;

/* 2 KiB buffers, rings of 256, one queue, MTU 1500, one vector, 20 us. */
struct nic_setup rig_setup(void);
/* Models only. */
void rig_create(const struct m82599_config *config);
/* What the driver says; the port is not started. */
int rig_attach(unsigned port, const struct nic_setup *setup);
/* Models, both ports attached, started, buffers posted to all queues, link up. */
void rig_start(const struct nic_setup *setup);
/* The same with header split. */
void rig_start_split(const struct nic_setup *setup);
void rig_destroy(void);
/* For a cmocka teardown. */
int rig_teardown(void **state);

/* Register writes wait until this is turned off: for counting what the driver does alone. */
void rig_defer(bool on);

void rig_us(uint64_t us);
/* With housekeeping of both ports every 10 ms. */
void rig_ms(unsigned ms);
uint64_t rig_now_us(void);
void rig_fault(unsigned port, const char *command);

/* A buffer as it is posted; the cookie is its hpa, header memory lies behind it. */
struct nic_buffer rig_buffer(const struct nic_rxq *q, uint64_t hpa);
/* Fresh buffers. As many as were posted. */
unsigned rig_post(unsigned port, unsigned queue, unsigned nr);
uint64_t rig_alloc(uint64_t len_bytes, uint64_t align);

/* One packet in one segment, flushed. What prepare said. */
int rig_send(unsigned port, unsigned queue, const void *data, uint32_t len_bytes);
int rig_send_offload(unsigned port, unsigned queue, const void *data, struct nic_tx_packet packet);

/* Takes all that has arrived and all that is sent, posts the buffers again. Packets. */
unsigned rig_drain(unsigned port);

/* A frame to the other port's address (or any), filled by seed. */
void rig_frame(
	uint8_t *frame, uint32_t len_bytes, const uint8_t *to, const uint8_t *from, uint32_t seed);
/* Gathers a packet of the port's batch. */
uint32_t rig_gather(const struct rig_port *p, unsigned packet, uint8_t *data, uint32_t max);

/* A TCP segment: Ethernet, IPv4, TCP with right checksums; payload by position in the stream. */
uint32_t rig_tcp(uint8_t *frame, const uint8_t *to, const uint8_t *from, uint16_t source_port,
	uint32_t seq, uint32_t payload_bytes);
uint16_t rig_sum(const uint8_t *data, uint32_t len_bytes, uint32_t start);

#endif
