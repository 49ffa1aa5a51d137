/* EEPROM: words by the EERD register, the checksum. DS 3.1.5 (access), 6.1 (map), 6.4.4 (checksum).
 */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"
#include "lib/log.h"

#define READ_TIMEOUT_US	  20000u
#define CHECKSUM_WORD	  0x3fu
#define CHECKSUM	  0xbabau
#define FIRST_SECTION	  0x03u /* words that point to sections which count in the checksum */
#define LAST_SECTION	  0x0eu
#define SECTION_WORDS_MAX 0x1000u /* a plausible section */

static bool points_somewhere(uint16_t pointer)
{
	return pointer != 0 && pointer != 0xffff;
}

int ixgbe_eeprom_read(const struct ixgbe *ix, uint32_t word, uint16_t *value)
{
	int ret;

	if (word >= IXGBE_EERD_WORDS)
		return -EINVAL;
	ixgbe_write(ix, IXGBE_EERD, IXGBE_EERD_ADDR(word) | IXGBE_EERD_START);
	ret = ixgbe_wait(ix, IXGBE_EERD, IXGBE_EERD_DONE, IXGBE_EERD_DONE, READ_TIMEOUT_US);
	if (!ret)
		*value = IXGBE_EERD_DATA(ixgbe_read(ix, IXGBE_EERD));
	return ret;
}

static int add_words(const struct ixgbe *ix, uint32_t first, uint32_t nr, uint16_t *sum)
{
	uint16_t v;
	int ret = 0;

	for (uint32_t i = 0; i < nr && !ret; i++) {
		ret = ixgbe_eeprom_read(ix, first + i, &v);
		if (!ret)
			*sum = (uint16_t)(*sum + v);
	}
	return ret;
}

/* A section begins with its length in words. */
static int add_section(const struct ixgbe *ix, uint32_t pointer_word, uint16_t *sum)
{
	uint16_t pointer, len;
	int ret = ixgbe_eeprom_read(ix, pointer_word, &pointer);

	if (ret || !points_somewhere(pointer))
		return ret;
	ret = ixgbe_eeprom_read(ix, pointer, &len);
	if (ret || !points_somewhere(len))
		return ret;
	if (len > SECTION_WORDS_MAX)
		return -EIO;
	return add_words(ix, pointer + 1u, len, sum);
}

int ixgbe_eeprom_check(const struct ixgbe *ix)
{
	uint16_t sum = 0, stored;
	int ret;

	if (!(ixgbe_read(ix, IXGBE_EEC) & IXGBE_EEC_PRES))
		return -EIO;
	ret = add_words(ix, 0, CHECKSUM_WORD, &sum);
	for (uint32_t w = FIRST_SECTION; w <= LAST_SECTION && !ret; w++)
		ret = add_section(ix, w, &sum);
	if (!ret)
		ret = ixgbe_eeprom_read(ix, CHECKSUM_WORD, &stored);
	if (ret)
		return ret;
	if ((uint16_t)(sum + stored) == CHECKSUM)
		return 0;
	log_error("%s: EEPROM checksum is %x, should be %x", ix->nic.name, stored,
		(CHECKSUM - sum) & 0xffffu);
	return -EIO;
}
