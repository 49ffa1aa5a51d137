/* Decoder for the instructions with which a guest reaches memory-mapped registers.
 *
 * SDM vol. 2, chapter 2 and appendix A. Only what compilers and Linux use for that: MOV in all its
 * forms, MOVZX, MOVSX(D), and reads by CMP, TEST, ADD, SUB, AND, OR, XOR. A read-modify-write of a
 * register file, string and vector instructions are not decoded. The effective address is not
 * computed: the exit's guest-physical address says it already.
 *
 * The bytes come from the guest and need not be what its processor executed. */
#ifndef SLUICE_DEV_DECODE_H
#define SLUICE_DEV_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define DECODE_BYTES_MAX 15

enum decode_mode { DECODE_16, DECODE_32, DECODE_64 };

enum decode_op {
	DECODE_MOV,
	DECODE_ADD,
	DECODE_SUB,
	DECODE_AND,
	DECODE_OR,
	DECODE_XOR,
	DECODE_CMP,
	DECODE_TEST,
};

struct decode_insn {
	uint8_t op;	    /* enum decode_op; all but DECODE_MOV read memory */
	uint8_t length;	    /* bytes of code */
	uint8_t size_bytes; /* of the memory access: 1, 2, 4, 8 */
	uint8_t reg;	    /* 0-15 as encoded: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8... */
	uint8_t reg_bytes;  /* how much of it takes part; more than size_bytes: extended */
	bool write;	    /* to memory */
	bool high_byte;	    /* AH, CH, DH or BH; reg says whose */
	bool sign_extend;
	bool has_immediate; /* in place of the register */
	bool memory_first;  /* memory is the left operand of CMP */
	uint64_t immediate; /* sign-extended to 64 bits */
};

/* 0; -EINVAL: not one of these, no memory operand, or longer than len_bytes or 15. */
int decode_insn(const uint8_t *bytes, unsigned len_bytes, enum decode_mode mode,
	struct decode_insn *insn) __must_check;

/* The value a writing instruction stores. gpr in the order of decode_insn.reg. */
uint64_t decode_store_value(const struct decode_insn *insn, const uint64_t gpr[16]);
/* Completes a reading instruction with what memory gave. */
void decode_load(
	const struct decode_insn *insn, uint64_t value, uint64_t gpr[16], uint64_t *rflags);

#endif
