/* I2CCTL: the two-wire bus to the SFP+ module, driven bit by bit, and the module's side of it.
 * DS 8.2.3.1.5, SFF-8472 section 4 (addresses A0h, A2h), I2C bus specification 3. */
#include "control.h"

#define ADDRESS_A0  0xa0
#define ADDRESS_A2  0xa2
#define WRITABLE_A2 110 /* SFF-8472: control, then the user's EEPROM */

static bool data_line(const struct i2c *b)
{
	return b->sda && !b->pull_low;
}

void i2c_init(struct port *p)
{
	struct i2c *b = &p->control->i2c;

	*b = (struct i2c){ .scl = true, .sda = true };
	sfp_build(b->memory, p->index);
}

static void start(struct i2c *b)
{
	b->phase = I2C_ADDRESS;
	b->bit = 0;
	b->pull_low = false;
}

static void stop(struct i2c *b)
{
	b->phase = I2C_IDLE;
	b->pull_low = false;
}

/* false: not for this module. */
static bool take_address(struct i2c *b)
{
	uint8_t address = b->byte & 0xfe;

	if (address != ADDRESS_A0 && address != ADDRESS_A2)
		return false;
	b->page = address == ADDRESS_A2;
	b->phase = b->byte & 1 ? I2C_READ : I2C_OFFSET;
	return true;
}

/* The identity is write-protected: acknowledged and dropped, as is common. */
static void take_data(struct i2c *b)
{
	if (b->page == 1 && b->offset >= WRITABLE_A2)
		b->memory[1][b->offset] = b->byte;
	b->offset++;
}

/* A byte from the master is complete: whether it is acknowledged. */
static bool take_byte(struct i2c *b)
{
	switch (b->phase) {
	case I2C_ADDRESS:
		return take_address(b);
	case I2C_OFFSET:
		b->offset = b->byte;
		b->phase = I2C_WRITE;
		return true;
	case I2C_WRITE:
		take_data(b);
		return true;
	default:
		return false;
	}
}

static void clock_rises(struct i2c *b)
{
	if (b->bit < 8) {
		if (b->phase != I2C_READ)
			b->byte = (uint8_t)(b->byte << 1 | data_line(b));
	} else if (b->phase == I2C_READ) {
		b->nack = data_line(b);
	}
}

/* Data changes while the clock is low. */
static void clock_falls(struct i2c *b, bool first_after_start)
{
	if (first_after_start || b->phase == I2C_IDLE)
		return;
	b->bit++;
	b->pull_low = false;
	if (b->bit == 8) {
		if (b->phase == I2C_READ)
			return; /* the master acknowledges */
		if (take_byte(b))
			b->pull_low = true;
		else
			b->phase = I2C_IDLE;
		/* an address may have begun a read: its first data bit comes after the
		 * acknowledge */
		b->nack = false;
		return;
	}
	if (b->bit == 9) {
		b->bit = 0;
		if (b->phase == I2C_READ && b->nack) {
			b->phase = I2C_IDLE;
			return;
		}
		if (b->phase == I2C_READ)
			b->byte = b->memory[b->page][b->offset++];
	}
	if (b->phase == I2C_READ)
		b->pull_low = !(b->byte >> (7 - b->bit) & 1);
}

static uint32_t read_i2cctl(struct port *p, unsigned index)
{
	const struct i2c *b = &p->control->i2c;

	(void)index;
	return (b->scl ? I2CCTL_CLK_IN | I2CCTL_CLK_OUT : 0) | (data_line(b) ? I2CCTL_DATA_IN : 0) |
	       (b->sda ? I2CCTL_DATA_OUT : 0);
}

static void drive(struct i2c *b, bool scl, bool sda)
{
	bool fell = b->scl && !scl, rose = !b->scl && scl;

	/* data and clock that change in one write: data first, while the clock is as it was */
	if (sda != b->sda) {
		bool was = data_line(b);

		b->sda = sda;
		if (b->scl && was && !data_line(b)) {
			start(b);
			b->starting = true;
		} else if (b->scl && !was && data_line(b)) {
			stop(b);
		}
	}
	b->scl = scl;
	if (rose) {
		clock_rises(b);
	} else if (fell) {
		clock_falls(b, b->starting);
		b->starting = false;
	}
}

static void write_i2cctl(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	drive(&p->control->i2c, v & I2CCTL_CLK_OUT, v & I2CCTL_DATA_OUT);
}

const struct reg_range i2c_ranges[] = {
	{ .off = REG_I2CCTL, .read = read_i2cctl, .write = write_i2cctl },
	{ 0 },
};
