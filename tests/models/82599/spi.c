/* The serial EEPROM as EEC drives it pin by pin: an AT25128-like part, SPI mode 0, chip select
 * active low, 16-bit byte addresses, pages of 64 bytes. DS 3.4 */
#include "control.h"

#define OP_WRSR	      0x01
#define OP_WRITE      0x02
#define OP_READ	      0x03
#define OP_WRDI	      0x04
#define OP_RDSR	      0x05
#define OP_WREN	      0x06
#define STATUS_BUSY   0x01
#define STATUS_WEL    0x02
#define PAGE_BYTES    64u
#define WRITE_TIME_PS (3 * CLOCK_PS_PER_MS)
#define BYTES	      (2u * EEPROM_WORDS)

static uint8_t load(const struct shared *s, uint32_t address)
{
	address %= BYTES;
	return (uint8_t)(s->eeprom[address / 2] >> 8 * (address & 1));
}

static void store(struct shared *s, uint32_t address, uint8_t v)
{
	uint16_t *word = &s->eeprom[address % BYTES / 2];
	unsigned shift = 8 * (address & 1);

	*word = (uint16_t)((*word & ~(0xffu << shift)) | (uint32_t)v << shift);
}

static bool is_busy(const struct spi *spi, const struct clock *clock)
{
	return clock_now(clock) < spi->busy_until_ps;
}

static uint8_t status(const struct spi *spi, const struct clock *clock)
{
	return (uint8_t)((is_busy(spi, clock) ? STATUS_BUSY : 0) |
			 (spi->write_enabled ? STATUS_WEL : 0));
}

static void take_opcode(struct spi *spi, const struct clock *clock)
{
	spi->opcode = spi->in;
	if (is_busy(spi, clock) && spi->opcode != OP_RDSR)
		spi->opcode = 0; /* ignored */
	if (spi->opcode == OP_RDSR)
		spi->out = status(spi, clock);
	else if (spi->opcode == OP_WREN)
		spi->write_enabled = true;
	else if (spi->opcode == OP_WRDI)
		spi->write_enabled = false;
}

/* A byte's last bit has been clocked in. */
static void take_byte(struct shared *s, const struct clock *clock)
{
	struct spi *spi = &s->spi;
	unsigned nr = spi->bits / 8;

	if (nr == 1) {
		take_opcode(spi, clock);
	} else if (spi->opcode == OP_RDSR) {
		spi->out = status(spi, clock);
	} else if (spi->opcode != OP_READ && spi->opcode != OP_WRITE) {
		return;
	} else if (nr <= 3) {
		spi->address = (spi->address << 8 | spi->in) & 0xffff;
		if (nr == 3 && spi->opcode == OP_READ)
			spi->out = load(s, spi->address++);
	} else if (spi->opcode == OP_READ) {
		spi->out = load(s, spi->address++);
	} else if (spi->write_enabled) {
		store(s, spi->address, spi->in);
		/* a burst wraps around inside its page */
		spi->address = (spi->address & ~(PAGE_BYTES - 1)) |
			       ((spi->address + 1) & (PAGE_BYTES - 1));
	}
}

static void deselect(struct spi *spi, const struct clock *clock)
{
	if (spi->opcode == OP_WRITE && spi->bits >= 32 && spi->write_enabled) {
		spi->busy_until_ps = clock_now(clock) + WRITE_TIME_PS;
		spi->write_enabled = false;
	}
	spi->bits = 0;
	spi->opcode = 0;
	spi->address = 0;
	spi->data_out = true; /* pulled up */
}

void spi_drive(struct shared *s, struct clock *clock, uint32_t pins)
{
	struct spi *spi = &s->spi;
	uint32_t changed = spi->pins ^ pins;

	spi->pins = pins;
	if (pins & EEC_CS) {
		if (changed & EEC_CS)
			deselect(spi, clock);
		return;
	}
	if (!(changed & EEC_SK))
		return;
	if (pins & EEC_SK) {
		spi->in = (uint8_t)(spi->in << 1 | (pins & EEC_DI ? 1 : 0));
		if (++spi->bits % 8 == 0)
			take_byte(s, clock);
		/* a read may go on for ever: the count only matters up to the data */
		if (spi->bits >= 48)
			spi->bits -= 8;
	} else {
		spi->data_out = spi->out >> 7;
		spi->out = (uint8_t)(spi->out << 1);
	}
}

bool spi_data_out(const struct shared *s)
{
	return s->spi.data_out;
}
