/* Instruction decoder for MMIO; see decode.h. */
#include "dev/decode.h"

#include "lib/errno.h"

#define FLAG_CF		 BIT64(0)
#define FLAG_PF		 BIT64(2)
#define FLAG_AF		 BIT64(4)
#define FLAG_ZF		 BIT64(6)
#define FLAG_SF		 BIT64(7)
#define FLAG_OF		 BIT64(11)
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define REX_B 1
#define REX_R 4
#define REX_W 8

struct cursor {
	const uint8_t *bytes;
	unsigned len, pos;
	bool overrun;
	enum decode_mode mode;
	uint8_t operand_bytes, address_bytes;
	uint8_t rex; /* 0: none */
};

static uint8_t next(struct cursor *c)
{
	if (c->pos >= c->len) {
		c->overrun = true;
		return 0;
	}
	return c->bytes[c->pos++];
}

static void skip(struct cursor *c, unsigned n)
{
	while (n--)
		next(c);
}

/* Little-endian, sign-extended. */
static uint64_t next_immediate(struct cursor *c, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)next(c) << (8 * i);
	return (uint64_t)((int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n));
}

/* Prefixes in any order; REX counts only directly before the opcode. False: LOCK. */
static bool prefixes(struct cursor *c, uint8_t *opcode)
{
	bool opsize = false, addrsize = false;

	for (;;) {
		uint8_t b = next(c);

		if (c->overrun || b == 0xf0)
			return false;
		if (c->mode == DECODE_64 && (b & 0xf0) == 0x40) {
			c->rex = b;
			continue;
		}
		switch (b) {
		case 0x66:
			opsize = true;
			break;
		case 0x67:
			addrsize = true;
			break;
		case 0x26: /* segments: the linear address is known */
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0xf2: /* repeat: no meaning for these instructions */
		case 0xf3:
			break;
		default:
			c->operand_bytes = (c->mode == DECODE_16) == opsize ? 4 : 2;
			c->address_bytes = (c->mode == DECODE_16) == addrsize ? 4 : 2;
			if (c->mode == DECODE_64)
				c->address_bytes = addrsize ? 4 : 8;
			if (c->rex & REX_W)
				c->operand_bytes = 8;
			*opcode = b;
			return true;
		}
		c->rex = 0;
	}
}

/* Skips SIB and displacement. False: the operand is a register. */
static bool skip_memory_operand(struct cursor *c, uint8_t modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;

	if (mod == 3)
		return false;
	if (c->address_bytes == 2) {
		skip(c, mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
		return true;
	}
	if (rm == 4)
		rm = next(c) & 7; /* SIB: its base plays rm's part */
	skip(c, mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
	return true;
}

static void set_reg(const struct cursor *c, struct decode_insn *i, unsigned field, uint8_t bytes)
{
	i->reg_bytes = bytes;
	i->reg = (uint8_t)(field | (c->rex & REX_R ? 8 : 0));
	if (bytes == 1 && !c->rex && field >= 4) {
		i->reg = (uint8_t)(field - 4);
		i->high_byte = true;
	}
}

/* op with a register operand; which opcodes have which widths is their lowest bit. */
static bool decode_modrm_reg(struct cursor *c, struct decode_insn *i, uint8_t op, bool wide)
{
	uint8_t modrm = next(c);

	i->op = op;
	i->size_bytes = wide ? c->operand_bytes : 1;
	set_reg(c, i, modrm >> 3 & 7, i->size_bytes);
	return skip_memory_operand(c, modrm);
}

/* op with an immediate, selected by the reg field. */
static bool decode_modrm_imm(
	struct cursor *c, struct decode_insn *i, uint8_t op, unsigned group, bool wide, bool imm8)
{
	uint8_t modrm = next(c);

	i->op = op;
	i->size_bytes = wide ? c->operand_bytes : 1;
	i->has_immediate = true;
	i->memory_first = true;
	if ((modrm >> 3 & 7) != group || !skip_memory_operand(c, modrm))
		return false;
	i->immediate = next_immediate(c, !wide || imm8 ? 1 : MIN(c->operand_bytes, 4));
	return true;
}

/* MOV between the accumulator and an absolute offset. */
static bool decode_moffs(struct cursor *c, struct decode_insn *i, uint8_t opcode)
{
	i->op = DECODE_MOV;
	i->size_bytes = opcode & 1 ? c->operand_bytes : 1;
	i->reg_bytes = i->size_bytes;
	i->write = opcode & 2;
	skip(c, c->address_bytes);
	return true;
}

/* MOVZX, MOVSX, MOVSXD. */
static bool decode_extend(struct cursor *c, struct decode_insn *i, uint8_t size, bool sign)
{
	uint8_t modrm = next(c);

	i->op = DECODE_MOV;
	i->size_bytes = size;
	i->sign_extend = sign;
	i->reg = (uint8_t)((modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0));
	i->reg_bytes = c->operand_bytes;
	return skip_memory_operand(c, modrm);
}

static bool decode_0f(struct cursor *c, struct decode_insn *i)
{
	uint8_t opcode = next(c);

	switch (opcode) {
	case 0xb6:
	case 0xb7:
	case 0xbe:
	case 0xbf:
		return decode_extend(c, i, opcode & 1 ? 2 : 1, opcode >= 0xbe);
	default:
		return false;
	}
}

static bool decode_mov(struct cursor *c, struct decode_insn *i, uint8_t opcode)
{
	i->write = !(opcode & 2);
	return decode_modrm_reg(c, i, DECODE_MOV, opcode & 1);
}

static bool decode_opcode(struct cursor *c, struct decode_insn *i, uint8_t opcode)
{
	switch (opcode) {
	case 0x02:
	case 0x03:
		return decode_modrm_reg(c, i, DECODE_ADD, opcode & 1);
	case 0x0a:
	case 0x0b:
		return decode_modrm_reg(c, i, DECODE_OR, opcode & 1);
	case 0x0f:
		return decode_0f(c, i);
	case 0x22:
	case 0x23:
		return decode_modrm_reg(c, i, DECODE_AND, opcode & 1);
	case 0x2a:
	case 0x2b:
		return decode_modrm_reg(c, i, DECODE_SUB, opcode & 1);
	case 0x32:
	case 0x33:
		return decode_modrm_reg(c, i, DECODE_XOR, opcode & 1);
	case 0x38 ... 0x3b:
		i->memory_first = !(opcode & 2);
		return decode_modrm_reg(c, i, DECODE_CMP, opcode & 1);
	case 0x63: /* outside 64-bit mode this is ARPL */
		return c->mode == DECODE_64 && c->operand_bytes >= 4 &&
		       decode_extend(c, i, 4, true);
	case 0x80:
	case 0x81:
	case 0x83:
		return decode_modrm_imm(c, i, DECODE_CMP, 7, opcode & 1, opcode == 0x83);
	case 0x84:
	case 0x85:
		return decode_modrm_reg(c, i, DECODE_TEST, opcode & 1);
	case 0x88 ... 0x8b:
		return decode_mov(c, i, opcode);
	case 0xa0 ... 0xa3:
		return decode_moffs(c, i, opcode);
	case 0xc6:
	case 0xc7:
		i->write = true;
		return decode_modrm_imm(c, i, DECODE_MOV, 0, opcode & 1, false);
	case 0xf6:
	case 0xf7:
		return decode_modrm_imm(c, i, DECODE_TEST, 0, opcode & 1, false);
	default:
		return false;
	}
}

int decode_insn(
	const uint8_t *bytes, unsigned len_bytes, enum decode_mode mode, struct decode_insn *insn)
{
	struct cursor c = { .bytes = bytes, .len = MIN(len_bytes, DECODE_BYTES_MAX), .mode = mode };
	uint8_t opcode;

	*insn = (struct decode_insn){ 0 };
	if (!prefixes(&c, &opcode) || !decode_opcode(&c, insn, opcode) || c.overrun)
		return -EINVAL;
	insn->length = (uint8_t)c.pos;
	return 0;
}

static uint64_t truncate(uint64_t v, unsigned bytes)
{
	return bytes == 8 ? v : v & (BIT64(8 * bytes) - 1);
}

static uint64_t operand(const struct decode_insn *i, const uint64_t gpr[16])
{
	if (i->has_immediate)
		return truncate(i->immediate, i->size_bytes);
	return truncate(gpr[i->reg] >> (i->high_byte ? 8 : 0), i->reg_bytes);
}

uint64_t decode_store_value(const struct decode_insn *insn, const uint64_t gpr[16])
{
	return operand(insn, gpr);
}

/* A 32-bit result clears the upper half; shorter ones leave the rest. SDM vol. 1, 3.4.1.1. */
static void write_reg(const struct decode_insn *i, uint64_t v, uint64_t gpr[16])
{
	unsigned shift = i->high_byte ? 8 : 0;
	uint64_t mask;

	v = truncate(v, i->reg_bytes);
	if (i->reg_bytes >= 4) {
		gpr[i->reg] = v;
		return;
	}
	mask = (BIT64(8 * i->reg_bytes) - 1) << shift;
	gpr[i->reg] = (gpr[i->reg] & ~mask) | v << shift;
}

static uint64_t result_flags(uint64_t r, unsigned bytes)
{
	uint64_t f = 0;

	if (!__builtin_parity((unsigned)(r & 0xff)))
		f |= FLAG_PF;
	if (!r)
		f |= FLAG_ZF;
	if (r >> (8 * bytes - 1))
		f |= FLAG_SF;
	return f;
}

/* Carry, auxiliary carry and overflow out of the carries into each bit: SDM vol. 1, 3.4.3.1. */
static uint64_t carry_flags(uint64_t a, uint64_t b, uint64_t r, bool subtract, unsigned bytes)
{
	uint64_t carries = a ^ b ^ r, sign = BIT64(8 * bytes - 1), f = 0;

	if (subtract ? a < b : r < a)
		f |= FLAG_CF;
	if (carries & 0x10)
		f |= FLAG_AF;
	if ((subtract ? (a ^ b) & (a ^ r) : (a ^ r) & (b ^ r)) & sign)
		f |= FLAG_OF;
	return f;
}

static uint64_t alu(uint8_t op, uint64_t a, uint64_t b, unsigned bytes, uint64_t *flags)
{
	uint64_t r;

	switch (op) {
	case DECODE_ADD:
		r = truncate(a + b, bytes);
		*flags = carry_flags(a, b, r, false, bytes);
		break;
	case DECODE_SUB:
	case DECODE_CMP:
		r = truncate(a - b, bytes);
		*flags = carry_flags(a, b, r, true, bytes);
		break;
	case DECODE_OR:
		r = a | b;
		*flags = 0;
		break;
	case DECODE_XOR:
		r = a ^ b;
		*flags = 0;
		break;
	default:
		r = a & b;
		*flags = 0;
		break;
	}
	*flags |= result_flags(r, bytes);
	return r;
}

static uint64_t extend(const struct decode_insn *i, uint64_t v)
{
	unsigned shift = 64 - 8u * i->size_bytes;

	return i->sign_extend ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
}

void decode_load(const struct decode_insn *insn, uint64_t value, uint64_t gpr[16], uint64_t *rflags)
{
	uint64_t memory = truncate(value, insn->size_bytes), other, result, flags;

	if (insn->op == DECODE_MOV) {
		write_reg(insn, extend(insn, memory), gpr);
		return;
	}
	other = operand(insn, gpr);
	result = insn->memory_first ? alu(insn->op, memory, other, insn->size_bytes, &flags)
				    : alu(insn->op, other, memory, insn->size_bytes, &flags);
	*rflags = (*rflags & ~FLAGS_ARITHMETIC) | flags;
	if (insn->op != DECODE_CMP && insn->op != DECODE_TEST)
		write_reg(insn, result, gpr);
}
