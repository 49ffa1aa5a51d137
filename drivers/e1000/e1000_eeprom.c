/* EEPROM: words by the EERD register, the address, the checksum. SDM 5.3.1 (access), 5.6 (map),
 * 13.4.4. */
#include "drivers/e1000/e1000_hw.h"

#include "lib/errno.h"
#include "lib/log.h"

#define READ_TIMEOUT_US 20000u
#define CHECKSUM_WORDS	0x40u
#define CHECKSUM	0xbabau

static int read_word(const struct e1000 *e, uint32_t word, uint16_t *value)
{
	int ret;

	_Static_assert(CHECKSUM_WORDS <= E1000_EERD_WORDS, "SDM 13.4.4: 8 bits of address");
	e1000_write(e, E1000_EERD, E1000_EERD_ADDR(word) | E1000_EERD_START);
	ret = e1000_wait(e, E1000_EERD, E1000_EERD_DONE, E1000_EERD_DONE, READ_TIMEOUT_US);
	if (!ret)
		*value = E1000_EERD_DATA(e1000_read(e, E1000_EERD));
	return ret;
}

/* From the EEPROM and not from RAL and RAH, where a reset loads it: not every emulator's does. */
int e1000_eeprom_read_mac(const struct e1000 *e, uint8_t *mac)
{
	uint16_t sum = 0, word = 0;

	for (uint32_t i = 0; i < CHECKSUM_WORDS; i++) {
		if (read_word(e, i, &word)) {
			log_error("%s: the EEPROM does not answer", e->nic.name);
			return -EIO;
		}
		sum = (uint16_t)(sum + word);
		if (i < NIC_MAC_BYTES / 2) {
			mac[2 * i] = (uint8_t)word;
			mac[2 * i + 1] = (uint8_t)(word >> 8);
		}
	}
	if (sum != CHECKSUM) {
		log_error("%s: wrong checksum of the EEPROM, %x", e->nic.name, sum);
		return -EIO;
	}
	if (mac[0] & 1 || !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5])) {
		log_error("%s: the EEPROM has no address", e->nic.name);
		return -EIO;
	}
	return 0;
}
