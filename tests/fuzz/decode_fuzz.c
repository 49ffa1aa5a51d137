// sources: hv/dev/decode.c hv/dev/guest_walk.c hv/mem/guest_mem.c
/* Hostile code bytes, and hostile page tables on the way to them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/guest_walk.h"

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static void check_insn(const struct decode_insn *i, unsigned len)
{
	CHECK(i->length >= 2 && i->length <= len && i->length <= DECODE_BYTES_MAX);
	CHECK(i->size_bytes == 1 || i->size_bytes == 2 || i->size_bytes == 4 || i->size_bytes == 8);
	CHECK(i->reg < 16 && i->reg_bytes <= 8);
	CHECK(i->has_immediate || i->reg_bytes >= i->size_bytes);
	CHECK(!i->high_byte || (i->reg < 4 && i->reg_bytes == 1));
	CHECK(!i->write || i->op == DECODE_MOV);
}

static void use_insn(const struct decode_insn *i)
{
	uint64_t gpr[16] = { 1, 2, 3, 4, 5, 6, 7, 8 }, before[16], flags = 0x202;

	memcpy(before, gpr, sizeof(gpr));
	if (i->write) {
		(void)decode_store_value(i, gpr);
		return;
	}
	decode_load(i, 0xfedcba9876543210, gpr, &flags);
	for (unsigned r = 0; r < 16; r++)
		CHECK(r == i->reg || gpr[r] == before[r]);
	CHECK((flags & ~UINT64_C(0x8d5)) == 0x202);
}

/* Exactly as long as the input, so that a read beyond it is seen. */
static void decode_all_modes(const uint8_t *data, unsigned len)
{
	uint8_t *code = malloc(len ? len : 1);
	struct decode_insn i;

	memcpy(code, data, len);
	for (unsigned mode = DECODE_16; mode <= DECODE_64; mode++) {
		if (decode_insn(code, len, (enum decode_mode)mode, &i))
			continue;
		check_insn(&i, len);
		use_insn(&i);
	}
	free(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t ram[4 * 4096];
	struct guest_mem gm = { 1, { { 0, sizeof(ram), ram } } };
	uint64_t word[6] = { 0 };
	uint8_t bytes[DECODE_BYTES_MAX];
	struct guest_cpu cpu;

	decode_all_modes(data, (unsigned)(size < 64 ? size : 64));
	if (size < sizeof(word))
		return 0;
	memcpy(word, data, sizeof(word));
	cpu = (struct guest_cpu){ word[0], word[1], word[2], word[3], word[4], word[5] & 1,
		word[5] & 2 };
	memset(ram, 0, sizeof(ram));
	memcpy(ram, data, size < sizeof(ram) ? size : sizeof(ram));
	CHECK(guest_fetch(&gm, &cpu, word[5] >> 2, bytes) <= DECODE_BYTES_MAX);
	return 0;
}
