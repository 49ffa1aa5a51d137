/* The SFP+ module: what it is, and the set-up that the EEPROM has for its kind. DS 6.3, core
 * and PHY set-up sections, SFF-8472 (the module's EEPROM). */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"

#define SFF_IDENTIFIER	   0
#define SFF_IDENTIFIER_SFP 3
#define SFF_10G_CODES	   3
#define SFF_10G_SR_LR	   0x30
#define SFF_1G_CODES	   6
#define SFF_1G_SX_LX	   0x03
#define SFF_CABLE	   8
#define SFF_CABLE_PASSIVE  0x04
#define SFF_CABLE_ACTIVE   0x08
#define SFF_CABLE_SPEC	   60
#define SFF_CABLE_LIMITING 0x04

/* EEPROM word that points to pairs (kind of module, pointer to its list), ended by 0xffff. Kinds
 * are numbered by port. */
#define INIT_POINTER	 0x2b
#define LIST_END	 0xffff
#define KIND_DA(port)	 (3 + (port))
#define KIND_SR_LR(port) (5 + (port))
#define PAIRS_MAX	 32u
#define LIST_WORDS_MAX	 256u

static enum ixgbe_sfp judge(const uint8_t *sff)
{
	if (sff[SFF_IDENTIFIER] != SFF_IDENTIFIER_SFP)
		return IXGBE_SFP_REFUSED;
	if (sff[SFF_CABLE] & SFF_CABLE_PASSIVE)
		return IXGBE_SFP_DA;
	if (sff[SFF_CABLE] & SFF_CABLE_ACTIVE)
		return sff[SFF_CABLE_SPEC] & SFF_CABLE_LIMITING ? IXGBE_SFP_DA : IXGBE_SFP_REFUSED;
	if (sff[SFF_10G_CODES] & SFF_10G_SR_LR || sff[SFF_1G_CODES] & SFF_1G_SX_LX)
		return IXGBE_SFP_SR_LR;
	return IXGBE_SFP_REFUSED;
}

static enum ixgbe_sfp look(const struct ixgbe *ix)
{
	static const uint8_t wanted[] = { SFF_IDENTIFIER, SFF_10G_CODES, SFF_1G_CODES, SFF_CABLE,
		SFF_CABLE_SPEC };
	uint8_t sff[SFF_CABLE_SPEC + 1] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (ixgbe_i2c_read(ix, wanted[i], &sff[wanted[i]]))
			return IXGBE_SFP_ABSENT;
	}
	return judge(sff);
}

/* Each word of the list goes to the analog core. */
static int write_list(const struct ixgbe *ix, uint32_t at)
{
	for (unsigned i = 0; i < LIST_WORDS_MAX; i++) {
		uint16_t v;
		int ret = ixgbe_eeprom_read(ix, at + 1 + i, &v);

		if (ret || v == LIST_END)
			return ret;
		ixgbe_write(ix, IXGBE_CORECTL, IXGBE_CORECTL_WRITE | v);
		ixgbe_write_flush(ix);
	}
	return -EIO;
}

/* An EEPROM without a list for this kind leaves the defaults. */
static int write_setup(const struct ixgbe *ix)
{
	uint16_t wanted =
		(uint16_t)(ix->sfp == IXGBE_SFP_DA ? KIND_DA(ix->port) : KIND_SR_LR(ix->port));
	uint16_t base, kind, list;
	int ret = ixgbe_eeprom_read(ix, INIT_POINTER, &base);

	if (ret || base == 0 || base == LIST_END)
		return ret;
	for (unsigned i = 0; i < PAIRS_MAX; i++) {
		ret = ixgbe_eeprom_read(ix, base + 1u + 2 * i, &kind);
		if (ret || kind == LIST_END)
			return ret;
		if (kind != wanted)
			continue;
		ret = ixgbe_eeprom_read(ix, base + 2u + 2 * i, &list);
		return ret || list == 0 || list == LIST_END ? ret : write_list(ix, list);
	}
	return 0;
}

void ixgbe_sfp_identify(struct ixgbe *ix)
{
	static const char *const name[] = { "not known", "none", "direct attach",
		"SR, LR, SX or LX", "of a kind that is not supported" };
	enum ixgbe_sfp sfp = look(ix);

	if (sfp == ix->sfp)
		return;
	ix->sfp = sfp;
	log_info("%s: SFP+ module: %s", ix->nic.name, name[sfp]);
	if (sfp != IXGBE_SFP_DA && sfp != IXGBE_SFP_SR_LR)
		return;
	if (ixgbe_sync_get(ix, IXGBE_SYNC_MAC))
		return;
	if (write_setup(ix))
		log_warn("%s: the EEPROM's set-up for the module cannot be read", ix->nic.name);
	ixgbe_sync_put(ix, IXGBE_SYNC_MAC);
}
