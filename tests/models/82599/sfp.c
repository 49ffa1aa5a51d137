/* What the SFP+ module says of itself: 10GBASE-SR, 850 nm, sold by Intel, with diagnostics.
 * SFF-8472 rev 11, tables 3.1 (A0h), 3.15 and 3.17 (A2h). */
#include "control.h"

#include <string.h>

static void put_text(uint8_t *to, size_t size, const char *text)
{
	size_t length = strlen(text);

	memset(to, ' ', size);
	memcpy(to, text, length < size ? length : size);
}

static uint8_t checksum(const uint8_t *data, size_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *data++);
	return sum;
}

static void put_short(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void build_identity(uint8_t *id, unsigned port)
{
	id[0] = 0x03;  /* SFP or SFP+ */
	id[1] = 0x04;  /* identified by the two-wire interface */
	id[2] = 0x07;  /* LC */
	id[3] = 0x10;  /* 10GBASE-SR */
	id[11] = 0x06; /* 64B/66B */
	id[12] = 103;  /* 10.3 Gbit/s */
	id[16] = 8;    /* 80 m of OM2 */
	id[17] = 3;    /* 30 m of OM1 */
	id[19] = 30;   /* 300 m of OM3 */
	put_text(id + 20, 16, "Intel Corp");
	id[37] = 0x00; /* Intel's OUI */
	id[38] = 0x1b;
	id[39] = 0x21;
	put_text(id + 40, 16, "SLUICE-10G-SR");
	put_text(id + 56, 4, "A");
	put_short(id + 60, 850);
	id[63] = checksum(id, 63);
	id[65] = 0x1a; /* TX_DISABLE, TX_FAULT, RX_LOS */
	put_text(id + 68, 16, port ? "SIM0000002" : "SIM0000001");
	put_text(id + 84, 8, "240101");
	id[92] = 0x68; /* diagnostics, internally calibrated, average power */
	id[93] = 0xf0;
	id[94] = 0x05; /* SFF-8472 rev 11 */
	id[95] = checksum(id + 64, 31);
}

/* High alarm, low alarm, high warning, low warning. */
static void put_limits(uint8_t *to, unsigned high, unsigned low, unsigned warn, unsigned warn_low)
{
	put_short(to, high);
	put_short(to + 2, low);
	put_short(to + 4, warn);
	put_short(to + 6, warn_low);
}

static void build_diagnostics(uint8_t *d)
{
	put_limits(d, 78 << 8, 0xf300, 73 << 8, 0xf800); /* degrees / 256 */
	put_limits(d + 8, 37000, 29000, 36000, 30000);	 /* 100 uV */
	put_limits(d + 16, 6600, 2000, 5900, 2500);	 /* 2 uA */
	put_limits(d + 24, 9999, 1261, 7943, 1584);	 /* 0.1 uW */
	put_limits(d + 32, 10000, 100, 7943, 158);
	for (unsigned i = 68; i < 88; i += 4)
		put_short(d + i + 4, 0x0100); /* slopes of an internal calibration: 1 */
	d[95] = checksum(d, 95);
	put_short(d + 96, 35 << 8);
	put_short(d + 98, 33000);
	put_short(d + 100, 3500);
	put_short(d + 102, 5800);
	put_short(d + 104, 5200);
}

void sfp_build(uint8_t memory[2][SFP_PAGE], unsigned port)
{
	memset(memory, 0, 2 * SFP_PAGE);
	build_identity(memory[0], port);
	build_diagnostics(memory[1]);
}
