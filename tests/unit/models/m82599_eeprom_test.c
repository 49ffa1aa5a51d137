// sources: @82599_control tests/support/model_bench.c
/* The 82599's EEPROM by EERD, EEWR and bit by bit, and its semaphores, as drivers go about them. */
#include "m82599_stub.h"

/* ---- EEPROM ---- */

static uint16_t read_word(unsigned address)
{
	put(REG_EERD, address << EERW_ADDRESS_SHIFT | EERW_START);
	for (unsigned i = 0; i < 100 && !(get(REG_EERD) & EERW_DONE); i++)
		wait_us(5);
	assert_true(get(REG_EERD) & EERW_DONE);
	return (uint16_t)(get(REG_EERD) >> EERW_DATA_SHIFT);
}

/* DS 6, as software computes it. */
static uint16_t checksum(void)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < 0x3f; i++)
		sum = (uint16_t)(sum + read_word(i));
	for (unsigned i = 0x03; i < 0x0f; i++) {
		uint16_t at = read_word(i), length;

		if (at == 0xffff || at == 0)
			continue;
		length = read_word(at);
		if (length == 0xffff || length == 0)
			continue;
		for (unsigned j = 1; j <= length; j++)
			sum = (uint16_t)(sum + read_word(at + j));
	}
	return (uint16_t)(0xbaba - sum);
}

static void checksum_is_right(void **state)
{
	(void)state;
	assert_int_equal(checksum(), read_word(0x3f));
}

static void checksum_fault(void **state)
{
	(void)state;
	assert_int_equal(m82599_fault(chip, 0, "eeprom-checksum bad", NULL), 0);
	assert_int_not_equal(checksum(), read_word(0x3f));
	assert_int_equal(m82599_fault(chip, 0, "eeprom-checksum good", NULL), 0);
	assert_int_equal(checksum(), read_word(0x3f));
}

static void reading_takes_time(void **state)
{
	(void)state;
	put(REG_EERD, 0x3f << EERW_ADDRESS_SHIFT | EERW_START);
	assert_int_equal(get(REG_EERD) & EERW_DONE, 0);
	wait_us(20);
	assert_int_equal(get(REG_EERD) & EERW_DONE, EERW_DONE);
}

static void size_and_presence(void **state)
{
	uint32_t eec = get(REG_EEC);

	(void)state;
	assert_true(eec & EEC_PRES);
	assert_true(eec & EEC_ADDR_SIZE);
	assert_int_equal(64 << (eec >> EEC_SIZE_SHIFT & 0xf), EEPROM_WORDS);
	assert_int_equal(read_word(EEPROM_WORDS), 0xffff);
}

/* A list of module numbers and sequences, each to its end. */
static void sfp_sequences(void **state)
{
	unsigned list = read_word(0x2b), found = 0;

	(void)state;
	for (list++; read_word(list) != 0xffff; list += 2) {
		unsigned data = read_word(list + 1), words = 0;

		assert_true(data != 0 && data != 0xffff);
		while (read_word(++data) != 0xffff)
			assert_true(++words < 8);
		found |= 1u << read_word(list);
	}
	assert_int_equal(found, 0x1f8); /* 3 to 8 */
}

/* The version that drivers want to see: pointers by way of the firmware module. */
static void firmware_version(void **state)
{
	unsigned module = read_word(0x0f), patch;

	(void)state;
	assert_true(module != 0 && module != 0xffff);
	assert_int_equal(read_word(module + 2), 0xffff); /* no LESM */
	patch = read_word(module + 4);
	assert_true(patch != 0 && patch != 0xffff);
	assert_true(read_word(patch + 7) > 5);
}

static void part_number(void **state)
{
	char text[16] = { 0 };
	unsigned at, length;

	(void)state;
	assert_int_equal(read_word(0x15), 0xfafa);
	at = read_word(0x16);
	length = read_word(at);
	assert_true(length * 2 - 1 <= 11);
	for (unsigned i = 0; i < length - 1; i++) {
		uint16_t word = read_word(at + 1 + i);

		text[2 * i] = (char)(word >> 8);
		text[2 * i + 1] = (char)word;
	}
	assert_string_equal(text, "E66560-001");
}

static void addresses(void **state)
{
	unsigned san = read_word(0x28);

	(void)state;
	assert_int_equal(get(REG_RAL(0)), 0x10211b00);
	assert_int_equal(get(REG_RAH(0)) & 0xffff, 0x3020);
	assert_int_equal(bench_read32(m82599_function(chip, 1), 0, REG_RAH(0)) & 0xffff, 0x3120);
	assert_int_equal(read_word(san), 0x1b00);
	assert_int_equal(read_word(san + 2), 0x3220);
	assert_int_equal(read_word(san + 5), 0x3320);
}

static void writing_by_eewr(void **state)
{
	(void)state;
	assert_true(get(REG_EEWR) & EERW_DONE);
	put(REG_EEWR, 0x300 << EERW_ADDRESS_SHIFT | 0xbeefu << EERW_DATA_SHIFT | EERW_START);
	assert_false(get(REG_EEWR) & EERW_DONE);
	/* busy: ignored */
	put(REG_EEWR, 0x300 << EERW_ADDRESS_SHIFT | 0xdeadu << EERW_DATA_SHIFT | EERW_START);
	wait_us(5000);
	assert_true(get(REG_EEWR) & EERW_DONE);
	assert_int_equal(read_word(0x300), 0xbeef);
}

/* ---- The same part, pin by pin: DS 3.4 ---- */

static uint32_t eec;

static void pins(uint32_t set, uint32_t clear)
{
	eec = (eec | set) & ~clear;
	put(REG_EEC, eec);
	wait_us(1);
}

static void shift_out(uint32_t v, unsigned count)
{
	while (count--) {
		pins(v >> count & 1 ? EEC_DI : 0, v >> count & 1 ? 0 : EEC_DI);
		pins(EEC_SK, 0);
		pins(0, EEC_SK);
	}
	pins(0, EEC_DI);
}

static uint32_t shift_in(unsigned count)
{
	uint32_t v = 0;

	while (count--) {
		pins(EEC_SK, 0);
		v = v << 1 | !!(get(REG_EEC) & EEC_DO);
		pins(0, EEC_SK);
	}
	return v;
}

static void select_chip(void)
{
	pins(EEC_CS, 0);
	pins(0, EEC_CS);
}

static void acquire(void)
{
	eec = get(REG_EEC) | EEC_REQ;
	put(REG_EEC, eec);
	assert_true(get(REG_EEC) & EEC_GNT);
	pins(0, EEC_CS | EEC_SK);
}

static void release(void)
{
	pins(EEC_CS, EEC_SK);
	pins(0, EEC_REQ);
	assert_false(get(REG_EEC) & EEC_GNT);
}

static uint16_t read_word_by_bits(unsigned address)
{
	uint32_t v;

	select_chip();
	shift_out(0x03, 8);
	shift_out(address * 2, 16);
	v = shift_in(16);
	return (uint16_t)(v >> 8 | v << 8);
}

static void reading_by_bits(void **state)
{
	(void)state;
	acquire();
	for (unsigned i = 0; i < 0x40; i++)
		assert_int_equal(read_word_by_bits(i), chip->shared->eeprom[i]);
	/* a burst goes on */
	for (unsigned i = 0x40; i < 0x48; i++) {
		uint32_t v = i == 0x40 ? read_word_by_bits(i) : shift_in(16);

		if (i > 0x40)
			v = (v >> 8 | v << 8) & 0xffff;
		assert_int_equal(v, chip->shared->eeprom[i]);
	}
	release();
}

static uint32_t spi_status(void)
{
	select_chip();
	shift_out(0x05, 8);
	return shift_in(8);
}

static void write_by_bits(unsigned address, const uint16_t *words, unsigned nr)
{
	select_chip();
	shift_out(0x06, 8);
	select_chip();
	shift_out(0x02, 8);
	shift_out(address * 2, 16);
	while (nr--) {
		shift_out((uint32_t)(*words >> 8 | *words << 8) & 0xffff, 16);
		words++;
	}
	select_chip();
}

static void writing_by_bits(void **state)
{
	const uint16_t words[] = { 0x1234, 0xabcd };

	(void)state;
	acquire();
	assert_int_equal(spi_status(), 0);
	write_by_bits(0x31f, words, 2);
	assert_int_equal(spi_status() & 1, 1);
	wait_us(5000);
	assert_int_equal(spi_status(), 0);
	/* the second one wrapped around in its page of 32 words */
	assert_int_equal(read_word_by_bits(0x31f), 0x1234);
	assert_int_equal(read_word_by_bits(0x300), 0xabcd);
	/* not enabled: nothing is written */
	select_chip();
	shift_out(0x02, 8);
	shift_out(0x310 * 2, 16);
	shift_out(0, 16);
	select_chip();
	assert_int_equal(read_word_by_bits(0x310), 0xffff);
	release();
}

static void one_owner_of_the_bus(void **state)
{
	struct pci_dev *other = m82599_function(chip, 1);

	(void)state;
	acquire();
	bench_write32(other, 0, REG_EEC, EEC_REQ);
	assert_false(bench_read32(other, 0, REG_EEC) & EEC_GNT);
	release();
	bench_write32(other, 0, REG_EEC, EEC_REQ);
	assert_true(bench_read32(other, 0, REG_EEC) & EEC_GNT);
}

/* ---- Semaphores: DS 10.5.4 ---- */

static void semaphores(void **state)
{
	struct pci_dev *other = m82599_function(chip, 1);

	(void)state;
	assert_false(get(REG_SWSM) & SWSM_SMBI);
	assert_true(bench_read32(other, 0, REG_SWSM) & SWSM_SMBI);
	put(REG_SWSM, get(REG_SWSM) | SWSM_SWESMBI);
	assert_true(get(REG_SWSM) & SWSM_SWESMBI);
	put(REG_SW_FW_SYNC, 0x2);
	assert_int_equal(bench_read32(other, 0, REG_SW_FW_SYNC), 0x2);
	put(REG_SWSM, 0);
	assert_int_equal(bench_read32(other, 0, REG_SWSM), 0);
	assert_true(get(REG_SWSM) & SWSM_SMBI);
	/* SMBI cannot be taken by writing */
	put(REG_SWSM, 0);
	put(REG_SWSM, SWSM_SMBI);
	assert_int_equal(get(REG_SWSM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(checksum_is_right),
		TEST(checksum_fault),
		TEST(reading_takes_time),
		TEST(size_and_presence),
		TEST(sfp_sequences),
		TEST(firmware_version),
		TEST(part_number),
		TEST(addresses),
		TEST(writing_by_eewr),
		TEST(reading_by_bits),
		TEST(writing_by_bits),
		TEST(one_owner_of_the_bus),
		TEST(semaphores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
