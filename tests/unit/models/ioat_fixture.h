/* An I/OAT engine on the bench, with a descriptor ring for each channel, for the model's tests.
 * Offsets are written out as the datasheet and stock drivers have them. Not every test uses
 * everything. */
#ifndef TESTS_UNIT_MODELS_IOAT_FIXTURE_H
#define TESTS_UNIT_MODELS_IOAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/ioat/ioat_model.h"
#include "tests/support/model_bench.h"

#define MEMORY	UINT64_C(0x140000000) /* above 4 GiB: both halves of addresses count */
#define NOWHERE UINT64_C(0x900000000)
#define RING	64
#define NS	CLOCK_PS_PER_NS
#define US	CLOCK_PS_PER_US

#define CHAN(n)	   (0x80 + 0x80 * (n))
#define CHANCTRL   0x00
#define CHANCMD	   0x04
#define DMACOUNT   0x06
#define CHANSTS	   0x08
#define CHAINADDR  0x10
#define CHANCMP	   0x18
#define CHANERR	   0x28
#define CHANERRMSK 0x2c
#define DCACTRL	   0x30
#define RUN	   0x1d /* as Linux's driver: interrupts again, errors abort and are reported */

enum { ACTIVE, IDLE, SUSPENDED, HALTED, ARMED };
#define SUSPEND 0x04
#define ABORT	0x08
#define RESUME	0x10
#define RESET	0x20

#define INT   0x01u
#define COMPL 0x08u
#define FENCE 0x10u
#define NUL   0x20u

static struct bench bench;
static struct ioat_model *engine;
static struct pci_dev *dev;
static struct bench_slot *slot;
static struct {
	uint64_t ring, completion;
	uint16_t head;
} channel[IOAT_MODEL_CHANNELS_MAX];

static inline uint64_t rd(uint64_t off, unsigned width_bytes)
{
	return pci_dev_bar_read(dev, 0, off, width_bytes);
}

static inline void wr(uint64_t off, uint64_t v, unsigned width_bytes)
{
	pci_dev_bar_write(dev, 0, off, v, width_bytes);
}

static inline void put64(uint64_t addr, uint64_t v)
{
	memcpy(bench_mem(&bench, addr, 8), &v, 8);
}

static inline uint64_t get64(uint64_t addr)
{
	uint64_t v;

	memcpy(&v, bench_mem(&bench, addr, 8), 8);
	return v;
}

static inline uint64_t desc(unsigned ch, unsigned n)
{
	return channel[ch].ring + 64 * (n % RING);
}

static inline unsigned state(unsigned ch)
{
	return rd(CHAN(ch) + CHANSTS, 8) & 7;
}

static inline uint64_t completed(unsigned ch)
{
	return rd(CHAN(ch) + CHANSTS, 8) & ~UINT64_C(63);
}

static inline uint32_t chanerr(unsigned ch)
{
	return (uint32_t)rd(CHAN(ch) + CHANERR, 4);
}

static inline void fault(const char *command)
{
	const char *why;

	assert_int_equal(ioat_model_fault(engine, command, &why), 0);
}

static inline struct ioat_model_counts counts(void)
{
	struct ioat_model_counts c;

	ioat_model_counts(engine, &c);
	return c;
}

/* A ring and a completion word; the order of writes as in Linux's driver. */
static inline void set_up_channel(unsigned ch)
{
	if (!channel[ch].ring) {
		channel[ch].ring = bench_alloc(&bench, RING * 64, 64);
		channel[ch].completion = bench_alloc(&bench, 8, 8);
		for (unsigned i = 0; i < RING; i++)
			put64(desc(ch, i) + 0x18, desc(ch, i + 1));
	}
	channel[ch].head = 0;
	wr(CHAN(ch) + CHANCTRL, RUN, 2);
	wr(CHAN(ch) + CHANCMP, (uint32_t)channel[ch].completion, 4);
	wr(CHAN(ch) + CHANCMP + 4, channel[ch].completion >> 32, 4);
	wr(CHAN(ch) + CHAINADDR, (uint32_t)desc(ch, 0), 4);
	wr(CHAN(ch) + CHAINADDR + 4, desc(ch, 0) >> 32, 4);
}

/* Appends to the ring, without doorbell. */
static inline void add(unsigned ch, uint32_t size, uint32_t ctl, uint64_t src, uint64_t dst)
{
	uint64_t d = desc(ch, channel[ch].head++);

	put64(d, (uint64_t)ctl << 32 | size);
	put64(d + 0x08, src);
	put64(d + 0x10, dst);
}

static inline void ring_doorbell(unsigned ch)
{
	wr(CHAN(ch) + DMACOUNT, channel[ch].head, 2);
}

static inline void set_up_engine(const struct ioat_model_config *config)
{
	bench_init(&bench, 16, MEMORY);
	memset(channel, 0, sizeof(channel));
	slot = &bench.slot[0];
	engine = ioat_model_create(config, &bench.clock, &bench_host, slot, &bench.record, 7);
	assert_non_null(engine);
	dev = ioat_model_function(engine);
	bench_enable(dev);
}

static inline int setup(void **s)
{
	static const struct ioat_model_config config = { .has_dca = true };

	(void)s;
	set_up_engine(&config);
	for (unsigned ch = 0; ch < 4; ch++)
		set_up_channel(ch);
	return 0;
}

static inline int teardown(void **s)
{
	(void)s;
	ioat_model_destroy(engine);
	assert_int_equal(clock_next(&bench.clock), CLOCK_NEVER);
	bench_destroy(&bench);
	return 0;
}

/* Bytes that differ from place to place, at a bus address of their own. */
static inline uint64_t pattern(uint32_t len_bytes, uint64_t align, uint32_t seed)
{
	uint64_t addr = bench_alloc(&bench, len_bytes, align);
	uint8_t *p = bench_mem(&bench, addr, len_bytes);

	for (uint32_t i = 0; i < len_bytes; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
	return addr;
}

static inline bool same(uint64_t a, uint64_t b, uint32_t len_bytes)
{
	return !memcmp(bench_mem(&bench, a, len_bytes), bench_mem(&bench, b, len_bytes), len_bytes);
}

#endif
