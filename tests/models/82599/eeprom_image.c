/* The EEPROM's content: words and sections as DS 6 lays them out, their checksum, and what the
 * auto-read takes from them into a port's registers. */
#include "control.h"

#include <string.h>

/* Words of the map. DS 6.1 */
#define WORD_CONTROL_1	    0x00
#define WORD_CONTROL_2	    0x01
#define WORD_ANALOG_PTR	    0x03
#define WORD_CORE_PTR(port) (0x09 + (port))
#define WORD_MAC_PTR(port)  (0x0b + (port))
#define WORD_FIRMWARE_PTR   0x0f
#define WORD_SERIAL_MAC	    0x11
#define WORD_PBA_FLAG	    0x15
#define WORD_PBA_PTR	    0x16
#define WORD_THERMAL_PTR    0x26
#define WORD_SAN_MAC_PTR    0x28
#define WORD_SFP_INIT_PTR   0x2b
#define WORD_CAPABILITIES   0x2c
#define WORD_VERSION_LOW    0x2d
#define WORD_VERSION_HIGH   0x2e
#define WORD_CHECKSUM	    0x3f
#define CHECKSUM	    0xbaba
#define PBA_IS_STRING	    0xfafa
#define CAPABILITY_NO_FCOE  (1u << 1)
#define CONTROL_1_SIZE	    (EEPROM_SIZE_FIELD << 10)
#define NONE		    0xffff

/* Sections. A first word is the length of what follows, in words. */
#define SECTION_CORE(port)   ((uint16_t)(0x100 + 0x20 * (port)))
#define SECTION_MAC(port)    ((uint16_t)(0x140 + 0x20 * (port)))
#define SECTION_SAN_MAC	     0x180
#define SECTION_PBA	     0x190
#define SECTION_SFP_INIT     0x1a0
#define SECTION_SFP_DATA(id) ((uint16_t)(0x1c0 + 8 * (id)))
#define SECTION_FIRMWARE     0x200
#define SECTION_PATCH_CONFIG 0x220
#define CORE_LENGTH	     9
#define CORE_MAC	     1 /* three words */
#define CORE_LED	     4 /* two words */
#define CORE_ESDP	     6 /* two words */
#define MAC_LENGTH	     6
#define MAC_AUTOC	     1 /* two words, low first */
#define MAC_AUTOC2	     3 /* two words */
#define FIRMWARE_LENGTH	     8
#define FIRMWARE_LESM_PTR    2
#define FIRMWARE_PATCH_PTR   4
#define PATCH_LENGTH	     8
#define PATCH_VERSION	     7

/* 10GBASE-R over SFI, no auto-negotiation; the rest only matters on a backplane. */
#define AUTOC_DEFAULT  0xc09c6004u
#define AUTOC2_DEFAULT 0x000a0000u
/* LED 0 link up, 1 link and blinking activity, 2 link and activity, 3 1 Gbit/s. */
#define LEDCTL_DEFAULT 0x05048100u
/* TX_DISABLE (SDP3) and rate select (SDP5) are outputs. */
#define ESDP_DEFAULT (ESDP_OUT(3) | ESDP_OUT(5))

/* What software distinguishes by SFP+ module, one number for each port: DS does not define it, the
 * drivers do. */
enum { SFP_DA = 3, SFP_OPTICAL = 5, SFP_ACTIVE_DA = 7, SFP_IDS = 9 };

static void put_long(uint16_t *word, uint32_t v)
{
	word[0] = (uint16_t)v;
	word[1] = (uint16_t)(v >> 16);
}

static uint32_t get_long(const uint16_t *word)
{
	return word[0] | (uint32_t)word[1] << 16;
}

/* Byte 0 of an address is the low byte of the first word. */
static void put_mac(uint16_t *word, const uint8_t mac[6], unsigned add)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	v += add;
	for (unsigned i = 0; i < 3; i++) {
		uint16_t big_endian = (uint16_t)(v >> (32 - 16 * i));

		word[i] = (uint16_t)(big_endian >> 8 | big_endian << 8);
	}
}

static void build_port(struct shared *s, unsigned port)
{
	uint16_t *core = s->eeprom + SECTION_CORE(port), *mac = s->eeprom + SECTION_MAC(port);

	s->eeprom[WORD_CORE_PTR(port)] = SECTION_CORE(port);
	core[0] = CORE_LENGTH;
	put_mac(core + CORE_MAC, s->mac, port);
	put_long(core + CORE_LED, LEDCTL_DEFAULT);
	put_long(core + CORE_ESDP, ESDP_DEFAULT);
	s->eeprom[WORD_MAC_PTR(port)] = SECTION_MAC(port);
	mac[0] = MAC_LENGTH;
	put_long(mac + MAC_AUTOC, AUTOC_DEFAULT);
	put_long(mac + MAC_AUTOC2, AUTOC2_DEFAULT);
}

/* Pairs of a module number and where its sequence of CORECTL writes is; there is no analog part
 * here that needs one, so all are short. */
static void build_sfp_init(struct shared *s)
{
	uint16_t *list = s->eeprom + SECTION_SFP_INIT;

	s->eeprom[WORD_SFP_INIT_PTR] = SECTION_SFP_INIT;
	*list++ = 2 * (SFP_IDS - SFP_DA) + 1;
	for (unsigned id = SFP_DA; id < SFP_IDS; id++) {
		uint16_t *data = s->eeprom + SECTION_SFP_DATA(id);

		*list++ = (uint16_t)id;
		*list++ = SECTION_SFP_DATA(id);
		data[0] = 3;
		data[1] = (uint16_t)(0x1000 | id);
		data[2] = (uint16_t)(0x1100 | id);
		data[3] = NONE;
	}
	*list = NONE;
}

static void build_part_number(struct shared *s)
{
	static const char text[] = "E66560-001";
	uint16_t *pba = s->eeprom + SECTION_PBA;

	s->eeprom[WORD_PBA_FLAG] = PBA_IS_STRING;
	s->eeprom[WORD_PBA_PTR] = SECTION_PBA;
	pba[0] = sizeof(text) / 2 + 1; /* counts itself */
	for (unsigned i = 0; i + 1 < sizeof(text); i += 2)
		pba[1 + i / 2] = (uint16_t)(text[i] << 8 | text[i + 1]);
}

/* No firmware runs here, but its module is there: drivers judge the card by its version. */
static void build_firmware(struct shared *s)
{
	s->eeprom[WORD_FIRMWARE_PTR] = SECTION_FIRMWARE;
	s->eeprom[SECTION_FIRMWARE] = FIRMWARE_LENGTH;
	s->eeprom[SECTION_FIRMWARE + FIRMWARE_LESM_PTR] = NONE;
	s->eeprom[SECTION_FIRMWARE + FIRMWARE_PATCH_PTR] = SECTION_PATCH_CONFIG;
	s->eeprom[SECTION_PATCH_CONFIG] = PATCH_LENGTH;
	s->eeprom[SECTION_PATCH_CONFIG + PATCH_VERSION] = 6;
}

void eeprom_build(struct shared *s)
{
	memset(s->eeprom, 0xff, sizeof(s->eeprom));
	s->eeprom[WORD_CONTROL_1] = CONTROL_1_SIZE;
	s->eeprom[WORD_CONTROL_2] = 0;
	for (unsigned port = 0; port < M82599_PORTS; port++)
		build_port(s, port);
	put_mac(s->eeprom + WORD_SERIAL_MAC, s->mac, 0);
	s->eeprom[WORD_SAN_MAC_PTR] = SECTION_SAN_MAC;
	for (unsigned port = 0; port < M82599_PORTS; port++)
		put_mac(s->eeprom + SECTION_SAN_MAC + 3 * port, s->mac, M82599_PORTS + port);
	build_sfp_init(s);
	build_part_number(s);
	build_firmware(s);
	s->eeprom[WORD_CAPABILITIES] = CAPABILITY_NO_FCOE;
	s->eeprom[WORD_VERSION_LOW] = 0x0001;
	s->eeprom[WORD_VERSION_HIGH] = 0x8000;
	eeprom_seal(s);
}

/* All words below the checksum, and the sections that words 0x03 to 0x0e point to, without their
 * length words. */
static uint16_t sum(const struct shared *s)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < WORD_CHECKSUM; i++)
		sum = (uint16_t)(sum + s->eeprom[i]);
	for (unsigned i = WORD_ANALOG_PTR; i < WORD_FIRMWARE_PTR; i++) {
		uint16_t at = s->eeprom[i], length;

		if (at == 0 || at >= EEPROM_WORDS)
			continue;
		length = s->eeprom[at];
		if (length == NONE)
			continue;
		for (unsigned j = 1; j <= length && at + j < EEPROM_WORDS; j++)
			sum = (uint16_t)(sum + s->eeprom[at + j]);
	}
	return sum;
}

void eeprom_seal(struct shared *s)
{
	s->eeprom[WORD_CHECKSUM] = (uint16_t)(CHECKSUM - sum(s) + (s->bad_checksum ? 1 : 0));
}

/* A section that software has made unreachable loads nothing. */
static const uint16_t *section(const struct shared *s, unsigned pointer, unsigned words)
{
	uint16_t at = s->eeprom[pointer];

	return at && at + words < EEPROM_WORDS ? s->eeprom + at : NULL;
}

void eeprom_load(struct port *p)
{
	const struct shared *s = p->chip->shared;
	const uint16_t *core = section(s, WORD_CORE_PTR(p->index), CORE_LENGTH);
	const uint16_t *mac = section(s, WORD_MAC_PTR(p->index), MAC_LENGTH);

	if (core) {
		reg_set(p, REG_RAL(0), get_long(core + CORE_MAC));
		reg_set(p, REG_RAH(0), RAH_AV | core[CORE_MAC + 2]);
		reg_set(p, REG_LEDCTL, get_long(core + CORE_LED));
		reg_set(p, REG_ESDP, get_long(core + CORE_ESDP));
	}
	if (mac) {
		reg_set(p, REG_AUTOC, get_long(mac + MAC_AUTOC));
		reg_set(p, REG_AUTOC2, get_long(mac + MAC_AUTOC2));
	}
}
