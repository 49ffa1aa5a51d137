/* The 82540EM's model with its driver on it, and the machine around them: PCI, memory, time. An hpa
 * is a host pointer here, as everywhere in host tests. */
#ifndef TESTS_UNIT_E1000_RIG_H
#define TESTS_UNIT_E1000_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "tests/models/e1000/m82540.h"

#define RIG_FRAMES_MAX 4

struct rig {
	struct m82540 chip;
	struct nic *nic;
	uint8_t *memory;
	uint64_t used;
	uint16_t command, status; /* of PCI */
	bool no_bar;
	uint64_t now_us;
	unsigned nr_links, nr_states, nr_wakes;
	unsigned nr_sent; /* frames on the wire; the first ones are kept */
	struct {
		uint32_t len_bytes;
		uint8_t data[M82540_FRAME_MAX];
	} sent[RIG_FRAMES_MAX];
	struct nic_rx_batch batch;
};

extern struct rig rig;
extern const uint8_t rig_mac[6];

/* 2 KiB buffers, rings of 64, MTU 1500. */
struct nic_setup rig_setup(void);
/* The model only. */
void rig_create(void);
/* Model, driver attached and started, buffers posted, link up. Aborts if that does not work. */
void rig_start(const struct nic_setup *setup);
void rig_destroy(void);

/* With housekeeping every 10 ms. */
void rig_ms(unsigned ms);

void *rig_alloc(uint64_t len_bytes);
/* Fresh buffers, flushed; the cookie is the buffer's hpa. As many as were posted. */
unsigned rig_post(unsigned nr);
/* One packet in segments of at most so many bytes, flushed. What prepare said. */
int rig_send(const uint8_t *data, uint32_t len_bytes, uint32_t segment_bytes, uint64_t cookie);

#endif
