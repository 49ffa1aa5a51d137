/* The module's EEPROM, by a two-wire bus whose wires software moves. DS 8.2.3.1, I2CCTL; INF-8074i
 * and SFF-8472: device 0xa0, at most 100 kHz.
 *
 * Both wires are open collector: writing 1 lets go, and another may hold the wire at 0. A read
 * follows each write, so that the pauses really lie between the wires' edges. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"

#define DEVICE	   0xa0u
#define READ	   1u
#define HALF_US	   5u
#define STRETCH_US 500u
#define TRIES	   3u

#define CLK_OUT	 IXGBE_I2CCTL_CLK_OUT
#define DATA_OUT IXGBE_I2CCTL_DATA_OUT

static void set_wires(const struct ixgbe *ix, bool clock, bool data)
{
	ixgbe_write(ix, IXGBE_I2CCTL, (clock ? CLK_OUT : 0) | (data ? DATA_OUT : 0));
	ixgbe_write_flush(ix);
	udelay(HALF_US);
}

/* Lets the clock rise; the module may hold it for a while. */
static int raise_clock(const struct ixgbe *ix, bool data)
{
	set_wires(ix, true, data);
	return ixgbe_wait(ix, IXGBE_I2CCTL, IXGBE_I2CCTL_CLK_IN, IXGBE_I2CCTL_CLK_IN, STRETCH_US);
}

static int start(const struct ixgbe *ix)
{
	int ret;

	set_wires(ix, false, true);
	ret = raise_clock(ix, true);
	set_wires(ix, true, false); /* data falls while the clock is high */
	set_wires(ix, false, false);
	return ret;
}

static void stop(const struct ixgbe *ix)
{
	set_wires(ix, false, false);
	(void)raise_clock(ix, false);
	set_wires(ix, true, true); /* data rises while the clock is high */
}

static int put_bit(const struct ixgbe *ix, bool bit)
{
	int ret;

	set_wires(ix, false, bit);
	ret = raise_clock(ix, bit);
	set_wires(ix, false, bit);
	return ret;
}

static int get_bit(const struct ixgbe *ix, bool *bit)
{
	int ret;

	set_wires(ix, false, true);
	ret = raise_clock(ix, true);
	*bit = ixgbe_read(ix, IXGBE_I2CCTL) & IXGBE_I2CCTL_DATA_IN;
	set_wires(ix, false, true);
	return ret;
}

/* -ENXIO: nobody acknowledges. */
static int put_byte(const struct ixgbe *ix, uint8_t byte)
{
	bool nack = true;
	int ret = 0;

	for (int i = 7; i >= 0 && !ret; i--)
		ret = put_bit(ix, byte >> i & 1);
	if (!ret)
		ret = get_bit(ix, &nack);
	return ret ? ret : nack ? -ENXIO : 0;
}

/* The last byte is not acknowledged. */
static int get_byte(const struct ixgbe *ix, uint8_t *byte)
{
	bool bit = false;
	int ret = 0;

	*byte = 0;
	for (int i = 7; i >= 0 && !ret; i--) {
		ret = get_bit(ix, &bit);
		*byte = (uint8_t)(*byte | bit << i);
	}
	return ret ? ret : put_bit(ix, true);
}

static int read_once(const struct ixgbe *ix, uint8_t off, uint8_t *byte)
{
	int ret = start(ix);

	if (!ret)
		ret = put_byte(ix, DEVICE);
	if (!ret)
		ret = put_byte(ix, off);
	if (!ret)
		ret = start(ix);
	if (!ret)
		ret = put_byte(ix, DEVICE | READ);
	if (!ret)
		ret = get_byte(ix, byte);
	stop(ix);
	return ret;
}

int ixgbe_i2c_read(const struct ixgbe *ix, uint8_t off, uint8_t *byte)
{
	int ret = ixgbe_sync_get(ix, IXGBE_SYNC_PHY(ix->port));

	if (ret)
		return ret;
	for (unsigned i = 0; i < TRIES; i++) {
		ret = read_once(ix, off, byte);
		if (!ret)
			break;
	}
	ixgbe_sync_put(ix, IXGBE_SYNC_PHY(ix->port));
	return ret;
}
