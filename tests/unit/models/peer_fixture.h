/* One peer on a wire whose other end is the test, for the tests of peers. */
#ifndef TESTS_UNIT_MODELS_PEER_FIXTURE_H
#define TESTS_UNIT_MODELS_PEER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/peer.h"
#include "tests/support/packets.h"

#define FRAMES	  512
#define FRAME_MAX 2048
#define L3	  14
#define L4	  34
#define PAYLOAD	  42

static struct clock clock;
static struct wire wire;
static struct peer *peer, *other;
static const char *why;
static struct {
	uint8_t data[FRAME_MAX];
	uint32_t len;
	uint64_t at_ps;
} got[FRAMES];
static unsigned nr_got;

static const uint8_t ours[6] = { 2, 0, 0, 0, 0, 9 }, its[6] = { 2, 0, 0, 0, 0, 1 };

static void receive(void *ctx, const uint8_t *data, uint32_t len, bool fcs_ok)
{
	(void)ctx;
	assert_true(fcs_ok);
	assert_true(nr_got < FRAMES && len <= FRAME_MAX);
	memcpy(got[nr_got].data, data, len);
	got[nr_got].len = len;
	got[nr_got++].at_ps = clock_now(&clock);
}

static void signal(void *ctx, bool present)
{
	(void)ctx;
	(void)present;
}

static const struct wire_end_ops ops = { receive, signal };

/* The test is end 0. */
static int setup(void **state)
{
	(void)state;
	clock_init(&clock, NULL, NULL);
	wire_init(&wire, &clock);
	wire_attach(&wire, 0, &ops, NULL);
	wire_set_transmitter(&wire, 0, true);
	peer = other = NULL;
	nr_got = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peer_destroy(peer);
	peer_destroy(other);
	wire_destroy(&wire);
	clock_destroy(&clock);
	return 0;
}

static void create(const char *spec)
{
	assert_int_equal(peer_create(&peer, spec, &clock, &wire, 1, &why), 0);
}

static void run_us(uint64_t us)
{
	clock_advance(&clock, clock_now(&clock) + us * CLOCK_PS_PER_US);
}

static struct peer_counts counts(const struct peer *p)
{
	struct peer_counts c;

	peer_counts(p, &c);
	return c;
}

static uint8_t frame[FRAME_MAX];

static void begin(const uint8_t *dst, unsigned type)
{
	memset(frame, 0, sizeof(frame));
	memcpy(frame, dst, 6);
	memcpy(frame + 6, ours, 6);
	set16(frame + 12, type);
}

#endif
