/* The control plane of the 82599's model alone: a data plane that only notes what it is told, a
 * bench with both ports on one cable, and register access. Included by one test file each. */
#ifndef TESTS_UNIT_M82599_STUB_H
#define TESTS_UNIT_M82599_STUB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/82599/control.h"
#include "tests/models/82599/m82599.h"
#include "tests/models/pci_regs.h"
#include "tests/models/wire.h"
#include "tests/support/model_bench.h"

/* What the data plane was told. */
static struct {
	unsigned resets, link_changes, received;
	bool stall_tx, stalled, ran;
	unsigned stall_queue;
	uint64_t stall_until, delay;
} told;

const struct reg_range *const data_ranges[] = { NULL };

int data_create(struct port *p)
{
	(void)p;
	return 0;
}

void data_destroy(struct port *p)
{
	(void)p;
}

void data_reset(struct port *p)
{
	(void)p;
	told.resets++;
}

void data_link_changed(struct port *p)
{
	(void)p;
	told.link_changes++;
}

void data_receive(struct port *p, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	(void)p;
	(void)data;
	(void)len_bytes;
	(void)fcs_ok;
	told.received++;
}

void data_stall(struct port *p, bool tx, unsigned queue, uint64_t until_ps)
{
	(void)p;
	told.stalled = true;
	told.stall_tx = tx;
	told.stall_queue = queue;
	told.stall_until = until_ps;
}

void data_run(struct port *p, bool tx, unsigned queue)
{
	(void)p;
	(void)tx;
	(void)queue;
	told.ran = true;
}

void data_delay_write_back(struct port *p, uint64_t delay_ps)
{
	(void)p;
	told.delay = delay_ps;
}

static struct bench bench;
static struct wire cable;
static struct m82599 *chip;
static struct pci_dev *dev; /* port 0's */
static struct port *port;   /* 0, for what the data plane calls */

#define US CLOCK_PS_PER_US
#define MS CLOCK_PS_PER_MS

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

/* Both ports with their EEPROM read, and on a cable; the link is up. */
static inline int set_up(void **state)
{
	const struct m82599_config config = { .mac = { 0x00, 0x1b, 0x21, 0x10, 0x20, 0x30 } };
	void *const ctx[] = { &bench.slot[0], &bench.slot[1] };

	(void)state;
	memset(&told, 0, sizeof(told));
	bench_init(&bench, 1, 0x100000);
	chip = m82599_create(&config, &bench.clock, &bench_host, ctx, &bench.record, 0);
	assert_non_null(chip);
	wire_init(&cable, &bench.clock);
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		m82599_connect(chip, n, &cable, n);
		bench_enable(m82599_function(chip, n));
	}
	dev = m82599_function(chip, 0);
	port = &chip->port[0];
	bench_advance(&bench, 20 * MS);
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

#endif
