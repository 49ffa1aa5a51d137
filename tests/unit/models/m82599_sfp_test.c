// sources: @82599_control tests/support/model_bench.c
/* The SFP+ module behind the 82599's I2CCTL, bit by bit as drivers go about it, its pins, and MDIO,
 * where nobody is. SFF-8472, DS 8.2.3.1.5, 8.2.3.22.11 */
#include "m82599_stub.h"

static void wires(bool scl, bool sda)
{
	put(REG_I2CCTL, (scl ? I2CCTL_CLK_OUT : 0) | (sda ? I2CCTL_DATA_OUT : 0));
	wait_us(5);
}

static void i2c_start(void)
{
	wires(get(REG_I2CCTL) & I2CCTL_CLK_OUT, true);
	wires(true, true);
	wires(true, false);
	wires(false, false);
}

static void i2c_stop(void)
{
	wires(false, false);
	wires(true, false);
	wires(true, true);
}

static bool i2c_bit(bool out)
{
	bool in;

	wires(false, out);
	wires(true, out);
	assert_true(get(REG_I2CCTL) & I2CCTL_CLK_IN);
	in = get(REG_I2CCTL) & I2CCTL_DATA_IN;
	wires(false, out);
	return in;
}

/* true: acknowledged. */
static bool i2c_send(uint8_t v)
{
	for (int i = 7; i >= 0; i--)
		i2c_bit(v >> i & 1);
	return !i2c_bit(true);
}

static uint8_t i2c_receive(bool more)
{
	uint8_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = (uint8_t)(v << 1 | i2c_bit(true));
	i2c_bit(!more);
	return v;
}

static void i2c_read(uint8_t address, uint8_t offset, uint8_t *to, unsigned nr)
{
	i2c_start();
	assert_true(i2c_send(address));
	assert_true(i2c_send(offset));
	i2c_start();
	assert_true(i2c_send(address | 1));
	while (nr--)
		*to++ = i2c_receive(nr != 0);
	i2c_stop();
}

static uint8_t sum_of(const uint8_t *data, unsigned nr)
{
	uint8_t sum = 0;

	while (nr--)
		sum = (uint8_t)(sum + *data++);
	return sum;
}

static void module_identity(void **state)
{
	uint8_t id[128];

	(void)state;
	i2c_read(0xa0, 0, id, sizeof(id));
	assert_int_equal(id[0], 3);
	assert_int_equal(id[3], 0x10); /* 10GBASE-SR */
	assert_int_equal(id[6], 0);    /* one speed */
	assert_int_equal(id[8], 0);    /* not a cable */
	assert_memory_equal(id + 37, "\x00\x1b\x21", 3);
	assert_int_equal(id[63], sum_of(id, 63));
	assert_int_equal(id[95], sum_of(id + 64, 31));
	assert_int_equal(id[92] & 0x44, 0x40); /* diagnostics, no address change */
	/* single bytes, as Linux reads them */
	for (unsigned i = 0; i < 128; i += 7) {
		uint8_t v;

		i2c_read(0xa0, (uint8_t)i, &v, 1);
		assert_int_equal(v, id[i]);
	}
}

static void module_diagnostics(void **state)
{
	uint8_t d[128];

	(void)state;
	i2c_read(0xa2, 0, d, sizeof(d));
	assert_int_equal(d[95], sum_of(d, 95));
	assert_int_equal(d[96], 35); /* degrees */
}

static void module_is_written(void **state)
{
	uint8_t v;

	(void)state;
	i2c_start();
	assert_true(i2c_send(0xa2));
	assert_true(i2c_send(0x80));
	assert_true(i2c_send(0x5a));
	i2c_stop();
	i2c_read(0xa2, 0x80, &v, 1);
	assert_int_equal(v, 0x5a);
	i2c_start();
	assert_true(i2c_send(0xa0));
	assert_true(i2c_send(0x00));
	assert_true(i2c_send(0x5a));
	i2c_stop();
	i2c_read(0xa0, 0, &v, 1);
	assert_int_equal(v, 3);
}

/* Nobody answers, say, for a thermal sensor; afterwards the module does again. */
static void nobody_acknowledges(void **state)
{
	uint8_t v;

	(void)state;
	i2c_start();
	assert_false(i2c_send(0xf8));
	i2c_stop();
	/* nine clocks with data high, as drivers clear the bus */
	for (unsigned i = 0; i < 9; i++)
		i2c_bit(true);
	i2c_start();
	i2c_stop();
	i2c_read(0xa0, 0, &v, 1);
	assert_int_equal(v, 3);
}

static void cage_is_full(void **state)
{
	(void)state;
	assert_true(get(REG_ESDP) & ESDP_DATA(2));
	put(REG_ESDP, get(REG_ESDP) & ~ESDP_DATA(2));
	assert_true(get(REG_ESDP) & ESDP_DATA(2));
}

/* ---- MDIO: nobody is there either ---- */

static void mdio(void **state)
{
	(void)state;
	put(REG_MSCA,
		0x0008 | 1u << MSCA_DEVICE_SHIFT | 3u << MSCA_OPCODE_SHIFT | MSCA_MDI_COMMAND);
	assert_true(get(REG_MSCA) & MSCA_MDI_COMMAND);
	wait_us(30);
	assert_false(get(REG_MSCA) & MSCA_MDI_COMMAND);
	assert_int_equal(get(REG_MSRWD) >> 16, 0xffff);
}

static void analog_registers(void **state)
{
	(void)state;
	put(REG_CORECTL, 0x2400 | 0x5a);
	put(REG_CORECTL, CORECTL_READ | 0x2400);
	assert_int_equal(get(REG_CORECTL) & 0xff, 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(module_identity),
		TEST(module_diagnostics),
		TEST(module_is_written),
		TEST(nobody_acknowledges),
		TEST(cage_is_full),
		TEST(mdio),
		TEST(analog_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
