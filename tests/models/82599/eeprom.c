/* EEPROM and flash registers (EEC, EERD, EEWR, FLA), and the semaphores between the two functions'
 * drivers and the firmware. DS 3.4, 10.5.4 (semaphores), 8.2.3.2, 8.2.3.4. */
#include "control.h"

/* An SPI read of one word at about 2 MHz; a write waits for the part. */
#define READ_PS	 (20 * CLOCK_PS_PER_US)
#define WRITE_PS (3 * CLOCK_PS_PER_MS)

static struct eeprom_port *state(struct port *p)
{
	return &p->control->eeprom;
}

void eeprom_reset(struct port *p)
{
	struct shared *s = p->chip->shared;

	*state(p) = (struct eeprom_port){ 0 };
	if (s->eeprom_owner == p->index)
		s->eeprom_owner = EEPROM_NO_OWNER;
}

static uint32_t read_eec(struct port *p, unsigned index)
{
	const struct shared *s = p->chip->shared;
	uint32_t v = EEC_PRES | EEC_ADDR_SIZE | EEPROM_SIZE_FIELD << EEC_SIZE_SHIFT |
		     EEC_PCI_ANA_DONE | EEC_PCI_CORE_DONE | EEC_PCI_GENERAL_DONE |
		     EEC_PCI_FUNC_DONE | state(p)->flash_write_enable;

	(void)index;
	if (p->control->auto_read)
		v |= EEC_AUTO_RD | EEC_CORE_DONE | EEC_CORE_CSR_DONE | EEC_MAC_DONE;
	if (state(p)->requested)
		v |= EEC_REQ;
	if (s->eeprom_owner == p->index) {
		v |= EEC_GNT | s->spi.pins;
		if (spi_data_out(s))
			v |= EEC_DO;
	}
	return v;
}

/* The bus is granted to who asks while nobody else has it. */
static void write_eec(struct port *p, unsigned index, uint32_t v)
{
	struct shared *s = p->chip->shared;

	(void)index;
	state(p)->flash_write_enable = v & EEC_FWE;
	state(p)->requested = v & EEC_REQ;
	if (s->eeprom_owner == p->index)
		spi_drive(s, p->clock, v & (EEC_SK | EEC_CS | EEC_DI));
	if (!state(p)->requested) {
		if (s->eeprom_owner == p->index)
			s->eeprom_owner = EEPROM_NO_OWNER;
	} else if (s->eeprom_owner == EEPROM_NO_OWNER) {
		s->eeprom_owner = p->index;
	}
}

static unsigned word_address(uint32_t v)
{
	return v >> EERW_ADDRESS_SHIFT & 0x3fff;
}

static uint32_t read_eerd(struct port *p, unsigned index)
{
	uint32_t v = state(p)->read_reg;

	(void)index;
	if (clock_now(p->clock) < state(p)->read_done_ps)
		v &= ~(EERW_DONE | 0xffffu << EERW_DATA_SHIFT);
	return v;
}

static void write_eerd(struct port *p, unsigned index, uint32_t v)
{
	unsigned address = word_address(v);
	uint16_t data = address < EEPROM_WORDS ? p->chip->shared->eeprom[address] : 0xffff;

	(void)index;
	if (!(v & EERW_START))
		return;
	state(p)->read_reg =
		address << EERW_ADDRESS_SHIFT | EERW_DONE | (uint32_t)data << EERW_DATA_SHIFT;
	state(p)->read_done_ps = clock_now(p->clock) + READ_PS;
}

static uint32_t read_eewr(struct port *p, unsigned index)
{
	uint32_t v = state(p)->write_reg;

	(void)index;
	if (clock_now(p->clock) >= state(p)->write_done_ps)
		v |= EERW_DONE;
	return v;
}

static void write_eewr(struct port *p, unsigned index, uint32_t v)
{
	unsigned address = word_address(v);

	(void)index;
	if (!(v & EERW_START) || clock_now(p->clock) < state(p)->write_done_ps)
		return;
	if (address < EEPROM_WORDS)
		p->chip->shared->eeprom[address] = (uint16_t)(v >> EERW_DATA_SHIFT);
	state(p)->write_reg = v & ~(EERW_START | EERW_DONE);
	state(p)->write_done_ps = clock_now(p->clock) + WRITE_PS;
}

/* Both functions' configuration is complete once their auto-read is. */
static uint32_t read_eemngctl(struct port *p, unsigned index)
{
	uint32_t v = 1u << 31; /* DONE: no management access is under way */

	(void)index;
	for (unsigned port = 0; port < M82599_PORTS; port++) {
		if (p->chip->port[port].control->auto_read)
			v |= EEMNGCTL_CFG_DONE(port);
	}
	return v;
}

/* Reading SMBI takes it: who reads 0 has the semaphore. */
static uint32_t read_swsm(struct port *p, unsigned index)
{
	uint32_t v = p->chip->shared->swsm;

	(void)index;
	p->chip->shared->swsm |= SWSM_SMBI;
	return v;
}

/* No firmware competes for SWESMBI, so software gets what it writes. SMBI can only be given back.
 */
static void write_swsm(struct port *p, unsigned index, uint32_t v)
{
	struct shared *s = p->chip->shared;

	(void)index;
	s->swsm = (v & SWSM_SWESMBI) | (s->swsm & v & SWSM_SMBI);
}

static uint32_t read_sw_fw_sync(struct port *p, unsigned index)
{
	(void)index;
	return p->chip->shared->sw_fw_sync;
}

static void write_sw_fw_sync(struct port *p, unsigned index, uint32_t v)
{
	(void)index;
	p->chip->shared->sw_fw_sync = v;
}

const struct reg_range eeprom_ranges[] = {
	{ .off = REG_EEC, .read = read_eec, .write = write_eec },
	{ .off = REG_EERD, .read = read_eerd, .write = write_eerd },
	{ .off = REG_EEWR, .read = read_eewr, .write = write_eewr },
	/* no flash is fitted: its pins can be driven, nothing answers */
	{ .off = REG_FLA, .writable = 0x7f },
	{ .off = REG_EEMNGCTL, .read = read_eemngctl },
	{ .off = REG_EEMNGDATA, .writable = 0xffffffff },
	{ .off = REG_FLMNGCTL, .writable = 0x00ffffff },
	{ .off = REG_FLMNGDATA, .writable = 0xffffffff },
	{ .off = REG_FLMNGCNT, .writable = 0x03ffffff },
	{ .off = REG_FLOP, .writable = 0x0000ffff },
	{ .off = REG_SWSM, .read = read_swsm, .write = write_swsm },
	/* there always is firmware, even where it manages nothing: mode "none" */
	{ .off = REG_FWSM, .reset = FWSM_FW_VALID },
	{ .off = REG_FACTPS },
	{ .off = REG_SW_FW_SYNC, .read = read_sw_fw_sync, .write = write_sw_fw_sync },
	{ .off = REG_GRC, .writable = 0x3 },
	{ 0 },
};
