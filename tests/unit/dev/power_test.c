// sources: hv/dev/power.c hv/dev/mark.c
/* Power, reset, keyboard controller, CMOS clock and the measurement port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "dev/mark.h"
#include "dev/power.h"
#include "lib/errno.h"

static struct power p;
static unsigned nr_off, nr_reset, marked;
static uint64_t seconds;
static struct bus bus;

static void fake_off(void *ctx)
{
	(void)ctx;
	nr_off++;
}

static void fake_reset(void *ctx)
{
	(void)ctx;
	nr_reset++;
}

static uint64_t fake_clock(void *ctx)
{
	(void)ctx;
	return seconds;
}

static void fake_mark(void *ctx, uint8_t n)
{
	(void)ctx;
	marked = n;
}

struct bus_region *bus_add(
	struct bus *b, uint64_t base, uint64_t size_bytes, bus_handler handler, void *arg)
{
	struct bus_region *r = &b->region[b->nr_regions];

	if (b->nr_regions == BUS_REGIONS_MAX)
		return NULL;
	*r = (struct bus_region){ base, size_bytes, handler, arg };
	b->nr_regions++;
	return r;
}

static const struct power_ops ops = { fake_off, fake_reset, fake_clock };

static int setup(void **state)
{
	(void)state;
	nr_off = nr_reset = marked = 0;
	bus.nr_regions = 0;
	power_init(&p, &ops, NULL);
	assert_int_equal(power_attach(&p, &bus), 0);
	return 0;
}

static struct bus_access port(uint64_t address, bool write, uint64_t value)
{
	struct bus_access a = { .value = value, .size_bytes = 1, .write = write };

	for (unsigned i = 0; i < bus.nr_regions; i++) {
		struct bus_region *r = &bus.region[i];

		if (address - r->base >= r->size_bytes)
			continue;
		a.offset = address - r->base;
		r->handler(r->arg, &a);
		return a;
	}
	fail();
	return a;
}

static uint8_t in(uint64_t address)
{
	return (uint8_t)port(address, false, 0).value;
}

static void out(uint64_t address, uint8_t v)
{
	port(address, true, v);
}

static void only_s5_sleeps(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		nr_off = 0;
		out(0x600, (uint8_t)v);
		assert_int_equal(nr_off, (v & 0x3c) == 0x34);
		out(0x601, (uint8_t)v);
		assert_int_equal(in(0x601), 0);
	}
	out(0x600, 0x34);
	assert_int_equal(in(0x600), 0x14);
}

static void reset_register(void **state)
{
	(void)state;
	out(0xcf9, 0x02);
	assert_int_equal(nr_reset, 0);
	assert_int_equal(in(0xcf9), 2);
	out(0xcf9, 0x06);
	out(0xcf9, 0x0e);
	assert_int_equal(nr_reset, 2);
}

static void keyboard_controller(void **state)
{
	unsigned full = 0;

	(void)state;
	assert_int_equal(in(0x64) & 2, 0); /* nobody waits to write */
	for (unsigned i = 0; i < 100; i++, in(0x60))
		full += in(0x64) & 1;
	assert_int_equal(full, 100); /* never flushed: no controller */
	for (unsigned v = 0; v < 256; v++) {
		out(0x60, (uint8_t)v);
		out(0x64, (uint8_t)v);
	}
	assert_int_equal(nr_reset, 1);
	for (unsigned i = 0x60; i < 0x65; i++)
		in(i);
}

static uint8_t cmos(uint8_t index)
{
	out(0x70, index);
	return in(0x71);
}

static unsigned cmos_bcd(uint8_t index)
{
	uint8_t v = cmos(index);

	assert_in_range(v & 0xf, 0, 9);
	return v / 16u * 10 + v % 16u;
}

static void clock_is_the_calendar(void **state)
{
	(void)state;
	/* Every day until 2250, at a different second of each. */
	for (uint64_t day = 0; day < 102270; day++) {
		time_t t = (time_t)(day * 86400 + day * 7919 % 86400);
		struct tm tm;

		seconds = (uint64_t)t;
		gmtime_r(&t, &tm);
		assert_int_equal(cmos_bcd(0), tm.tm_sec);
		assert_int_equal(cmos_bcd(2), tm.tm_min);
		assert_int_equal(cmos_bcd(4), tm.tm_hour);
		assert_int_equal(cmos(6), tm.tm_wday + 1);
		assert_int_equal(cmos_bcd(7), tm.tm_mday);
		assert_int_equal(cmos_bcd(8), tm.tm_mon + 1);
		assert_int_equal(cmos_bcd(0x32) * 100 + cmos_bcd(9), tm.tm_year + 1900);
	}
}

static void clock_never_updates(void **state)
{
	(void)state;
	seconds = UINT64_MAX; /* any value is safe */
	for (unsigned i = 0; i < 256; i++)
		cmos((uint8_t)i);
	assert_int_equal(cmos(0x8a) & 0x80, 0); /* with NMI masked */
	assert_int_equal(cmos(0x0b), 2);
	assert_int_equal(cmos(0x0d), 0x80);
	out(0x71, 0x55);
	assert_int_equal(cmos(0x0d), 0x80);
	assert_int_equal(in(0x70), 0xff);
}

static void bus_full(void **state)
{
	(void)state;
	bus.nr_regions = BUS_REGIONS_MAX - 3;
	assert_int_equal(power_attach(&p, &bus), -ENOSPC);
}

static void mark(void **state)
{
	struct mark m = { .mark = fake_mark };
	struct bus_access a = { .value = 42, .size_bytes = 1, .write = true };

	(void)state;
	mark_port(&m, &a);
	assert_int_equal(marked, 42);
	a = (struct bus_access){ .size_bytes = 1 };
	mark_port(&m, &a);
	assert_int_equal(a.value, 'S');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_s5_sleeps, setup),
		cmocka_unit_test_setup(reset_register, setup),
		cmocka_unit_test_setup(keyboard_controller, setup),
		cmocka_unit_test_setup(clock_is_the_calendar, setup),
		cmocka_unit_test_setup(clock_never_updates, setup),
		cmocka_unit_test_setup(bus_full, setup),
		cmocka_unit_test_setup(mark, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
