// sources: hv/dev/decode.c
/* The MMIO decoder: encodings from the GNU assembler, results against this machine's own ALU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/decode.h"
#include "lib/errno.h"

#define FLAGS 0x8d5 /* OF SF ZF AF PF CF */

enum { W = 1, HIGH = 2, SIGNED = 4, IMM = 8, MEM_FIRST = 16 };

struct vector {
	const char *text, *code;
	unsigned len;
	enum decode_mode mode;
	unsigned op, size, reg, reg_bytes, flags;
	uint64_t imm;
};

/* clang-format off */
#define V(text, code, ...) { text, code, sizeof(code) - 1, __VA_ARGS__ }
#define BAD(t, c, m) { .text = t, .code = c, .len = sizeof(c) - 1, .mode = m }
/* clang-format on */

static const struct vector vectors[] = {
	V("mov %al,(%rdi)", "\x88\x07", DECODE_64, DECODE_MOV, 1, 0, 1, W, 0),
	V("mov %ah,(%rdi)", "\x88\x27", DECODE_64, DECODE_MOV, 1, 0, 1, W | HIGH, 0),
	V("mov %spl,(%rdi)", "\x40\x88\x27", DECODE_64, DECODE_MOV, 1, 4, 1, W, 0),
	V("mov %r9b,(%rdi)", "\x44\x88\x0f", DECODE_64, DECODE_MOV, 1, 9, 1, W, 0),
	V("mov %cx,16(%rdi)", "\x66\x89\x4f\x10", DECODE_64, DECODE_MOV, 2, 1, 2, W, 0),
	V("mov %ecx,disp32(%rdi)", "\x89\x8f\x78\x56\x34\x12", DECODE_64, DECODE_MOV, 4, 1, 4, W,
		0),
	V("mov %r10,(%r12)", "\x4d\x89\x14\x24", DECODE_64, DECODE_MOV, 8, 10, 8, W, 0),
	V("mov (%rsp,%rbx,4),%eax", "\x8b\x04\x9c", DECODE_64, DECODE_MOV, 4, 0, 4, 0, 0),
	V("mov disp32(,%rbx,4),%rax", "\x48\x8b\x04\x9d\x44\x33\x22\x11", DECODE_64, DECODE_MOV, 8,
		0, 8, 0, 0),
	V("mov disp32(%rip),%r8d", "\x44\x8b\x05\x00\x01\x00\x00", DECODE_64, DECODE_MOV, 4, 8, 4,
		0, 0),
	V("mov (%rax),%bh", "\x8a\x38", DECODE_64, DECODE_MOV, 1, 3, 1, HIGH, 0),
	V("movb $0x5a,(%rax)", "\xc6\x00\x5a", DECODE_64, DECODE_MOV, 1, 0, 0, W | IMM, 0x5a),
	V("movw $0x1234,(%rax)", "\x66\xc7\x00\x34\x12", DECODE_64, DECODE_MOV, 2, 0, 0, W | IMM,
		0x1234),
	V("movl $imm,8(%rax)", "\xc7\x40\x08\xef\xcd\xab\x89", DECODE_64, DECODE_MOV, 4, 0, 0,
		W | IMM, 0xffffffff89abcdef),
	V("movq $-2,(%rax)", "\x48\xc7\x00\xfe\xff\xff\xff", DECODE_64, DECODE_MOV, 8, 0, 0,
		W | IMM, UINT64_MAX - 1),
	V("movzbl (%rdi),%eax", "\x0f\xb6\x07", DECODE_64, DECODE_MOV, 1, 0, 4, 0, 0),
	V("movzwl (%rdi),%eax", "\x0f\xb7\x07", DECODE_64, DECODE_MOV, 2, 0, 4, 0, 0),
	V("movzbw (%rdi),%ax", "\x66\x0f\xb6\x07", DECODE_64, DECODE_MOV, 1, 0, 2, 0, 0),
	V("movsbq (%rdi),%r15", "\x4c\x0f\xbe\x3f", DECODE_64, DECODE_MOV, 1, 15, 8, SIGNED, 0),
	V("movswl (%rdi),%eax", "\x0f\xbf\x07", DECODE_64, DECODE_MOV, 2, 0, 4, SIGNED, 0),
	V("movslq (%rdi),%rax", "\x48\x63\x07", DECODE_64, DECODE_MOV, 4, 0, 8, SIGNED, 0),
	V("movabs moffs,%eax", "\xa1\x88\x77\x66\x55\x44\x33\x22\x11", DECODE_64, DECODE_MOV, 4, 0,
		4, 0, 0),
	V("movabs %al,moffs", "\xa2\x88\x77\x66\x55\x44\x33\x22\x11", DECODE_64, DECODE_MOV, 1, 0,
		1, W, 0),
	V("cmp %eax,(%rdi)", "\x39\x07", DECODE_64, DECODE_CMP, 4, 0, 4, MEM_FIRST, 0),
	V("cmp (%rdi),%eax", "\x3b\x07", DECODE_64, DECODE_CMP, 4, 0, 4, 0, 0),
	V("cmpl $-1,(%rdi)", "\x83\x3f\xff", DECODE_64, DECODE_CMP, 4, 0, 0, IMM | MEM_FIRST,
		UINT64_MAX),
	V("cmpw $0x1234,(%rdi)", "\x66\x81\x3f\x34\x12", DECODE_64, DECODE_CMP, 2, 0, 0,
		IMM | MEM_FIRST, 0x1234),
	V("cmpb $3,(%rdi)", "\x80\x3f\x03", DECODE_64, DECODE_CMP, 1, 0, 0, IMM | MEM_FIRST, 3),
	V("testb $1,(%rdi)", "\xf6\x07\x01", DECODE_64, DECODE_TEST, 1, 0, 0, IMM | MEM_FIRST, 1),
	V("testl $0x80000000,(%rdi)", "\xf7\x07\x00\x00\x00\x80", DECODE_64, DECODE_TEST, 4, 0, 0,
		IMM | MEM_FIRST, 0xffffffff80000000),
	V("test %rax,(%rdi)", "\x48\x85\x07", DECODE_64, DECODE_TEST, 8, 0, 8, 0, 0),
	V("and (%rdi),%edx", "\x23\x17", DECODE_64, DECODE_AND, 4, 2, 4, 0, 0),
	V("or (%rdi),%dl", "\x0a\x17", DECODE_64, DECODE_OR, 1, 2, 1, 0, 0),
	V("add (%rdi),%rdx", "\x48\x03\x17", DECODE_64, DECODE_ADD, 8, 2, 8, 0, 0),
	V("sub (%rdi),%dx", "\x66\x2b\x17", DECODE_64, DECODE_SUB, 2, 2, 2, 0, 0),
	V("xor (%rdi),%edx", "\x33\x17", DECODE_64, DECODE_XOR, 4, 2, 4, 0, 0),
	V("mov %gs:(%edi),%eax", "\x65\x67\x8b\x07", DECODE_64, DECODE_MOV, 4, 0, 4, 0, 0),
	V("REX before a prefix is void", "\x4c\x66\x89\x07", DECODE_64, DECODE_MOV, 2, 0, 2, W, 0),
	V("mov %eax,(%edi)", "\x89\x07", DECODE_32, DECODE_MOV, 4, 0, 4, W, 0),
	V("mov %ax,16(%bx,%si)", "\x67\x66\x89\x40\x10", DECODE_32, DECODE_MOV, 2, 0, 2, W, 0),
	V("mov 0xfee00020,%eax", "\xa1\x20\x00\xe0\xfe", DECODE_32, DECODE_MOV, 4, 0, 4, 0, 0),
	V("mov %ecx,0xfec00010", "\x89\x0d\x10\x00\xc0\xfe", DECODE_32, DECODE_MOV, 4, 1, 4, W, 0),
	V("movl $1,(%esp)", "\xc7\x04\x24\x01\x00\x00\x00", DECODE_32, DECODE_MOV, 4, 0, 0, W | IMM,
		1),
	V("mov %ax,(0x1234)", "\xa3\x34\x12", DECODE_16, DECODE_MOV, 2, 0, 2, W, 0),
	V("movl %eax,(%di)", "\x66\x89\x05", DECODE_16, DECODE_MOV, 4, 0, 4, W, 0),
	V("movb $1,(%eax)", "\x67\xc6\x00\x01", DECODE_16, DECODE_MOV, 1, 0, 0, W | IMM, 1),
	V("mov 18(%bp),%cx", "\x8b\x4e\x12", DECODE_16, DECODE_MOV, 2, 1, 2, 0, 0),
	V("mov (0x1234),%cx", "\x8b\x0e\x34\x12", DECODE_16, DECODE_MOV, 2, 1, 2, 0, 0),
};

static void encodings(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(vectors); n++) {
		const struct vector *v = &vectors[n];
		uint8_t code[DECODE_BYTES_MAX];
		struct decode_insn i;
		unsigned flags;

		memset(code, 0xcc, sizeof(code));
		memcpy(code, v->code, v->len);
		if (decode_insn(code, sizeof(code), v->mode, &i))
			fail_msg("%s", v->text);
		flags = (i.write ? W : 0) | (i.high_byte ? HIGH : 0) |
			(i.sign_extend ? SIGNED : 0) | (i.has_immediate ? IMM : 0) |
			(i.memory_first && (i.op == DECODE_CMP || i.has_immediate) && !i.write
					? MEM_FIRST
					: 0);
		if (i.length != v->len || i.op != v->op || i.size_bytes != v->size ||
			i.reg != v->reg || i.reg_bytes != v->reg_bytes || flags != v->flags ||
			i.immediate != v->imm)
			fail_msg("%s: length %u op %u size %u reg %u/%u flags %u", v->text,
				i.length, i.op, i.size_bytes, i.reg, i.reg_bytes, flags);
		/* Cut anywhere, it is refused and nothing behind the cut is read. */
		for (unsigned len = 0; len < v->len; len++)
			assert_int_equal(
				decode_insn((const uint8_t *)v->code, len, v->mode, &i), -EINVAL);
	}
}

static void refused(void **state)
{
	static const struct vector bad[] = {
		BAD("register operand", "\x89\xc8", DECODE_64),
		BAD("lock", "\xf0\x89\x07", DECODE_64),
		BAD("read-modify-write", "\x09\x07", DECODE_64),
		BAD("or $1,(%rdi)", "\x83\x0f\x01", DECODE_64),
		BAD("mov group 1", "\xc7\x08\x00\x00\x00\x00", DECODE_64),
		BAD("not (%rdi)", "\xf7\x17\x00\x00\x00\x00", DECODE_64),
		BAD("arpl", "\x63\x07", DECODE_32),
		BAD("vector", "\x0f\x28\x07", DECODE_64),
		BAD("vex", "\xc5\xf8\x28\x07", DECODE_64),
		BAD("rep stosb", "\xf3\xaa", DECODE_64),
	};
	uint8_t prefixes[64];
	struct decode_insn i;

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(bad); n++)
		if (decode_insn((const uint8_t *)bad[n].code, bad[n].len, bad[n].mode, &i) !=
			-EINVAL)
			fail_msg("%s", bad[n].text);
	/* Fifteen bytes are the limit, however many there are. */
	memset(prefixes, 0x66, sizeof(prefixes));
	assert_int_equal(decode_insn(prefixes, sizeof(prefixes), DECODE_64, &i), -EINVAL);
	prefixes[13] = 0x89;
	prefixes[14] = 0x07;
	assert_int_equal(decode_insn(prefixes, sizeof(prefixes), DECODE_64, &i), 0);
	assert_int_equal(i.length, 15);
	prefixes[14] = 0x47;
	prefixes[15] = 0x00;
	assert_int_equal(decode_insn(prefixes, sizeof(prefixes), DECODE_64, &i), -EINVAL);
}

static struct decode_insn decode(const char *code, unsigned len)
{
	struct decode_insn i;

	assert_int_equal(decode_insn((const uint8_t *)code, len, DECODE_64, &i), 0);
	return i;
}

#define DECODE(code) decode(code, sizeof(code) - 1)

static void stores(void **state)
{
	uint64_t gpr[16] = { 0x1122334455667788, [4] = 0xa0a1a2a3a4a5a6a7 };
	struct decode_insn i;

	(void)state;
	i = DECODE("\x88\x07");
	assert_true(decode_store_value(&i, gpr) == 0x88);
	i = DECODE("\x88\x27");
	assert_true(decode_store_value(&i, gpr) == 0x77);
	i = DECODE("\x40\x88\x27");
	assert_true(decode_store_value(&i, gpr) == 0xa7);
	i = DECODE("\x66\x89\x07");
	assert_true(decode_store_value(&i, gpr) == 0x7788);
	i = DECODE("\x89\x07");
	assert_true(decode_store_value(&i, gpr) == 0x55667788);
	i = DECODE("\x48\x89\x07");
	assert_true(decode_store_value(&i, gpr) == 0x1122334455667788);
	i = DECODE("\xc7\x07\xff\xff\xff\xff");
	assert_true(decode_store_value(&i, gpr) == 0xffffffff);
	i = DECODE("\x48\xc7\x07\xff\xff\xff\xff");
	assert_true(decode_store_value(&i, gpr) == UINT64_MAX);
}

static void check_load(struct decode_insn i, uint64_t memory, uint64_t want)
{
	uint64_t gpr[16] = { [3] = 0x1122334455667788 }, flags = 0x246;

	decode_load(&i, memory, gpr, &flags);
	assert_true(gpr[3] == want);
	assert_int_equal(flags, 0x246);
}

static void loads(void **state)
{
	const uint64_t m = 0xf1f2f3f4f5f6f7f8;

	(void)state;
	check_load(DECODE("\x8a\x1f"), m, 0x11223344556677f8);
	check_load(DECODE("\x8a\x3f"), m, 0x112233445566f888); /* %bh */
	check_load(DECODE("\x66\x8b\x1f"), m, 0x112233445566f7f8);
	check_load(DECODE("\x8b\x1f"), m, 0xf5f6f7f8);
	check_load(DECODE("\x48\x8b\x1f"), m, m);
	check_load(DECODE("\x0f\xb6\x1f"), m, 0xf8);
	check_load(DECODE("\x66\x0f\xb6\x1f"), m, 0x11223344556600f8);
	check_load(DECODE("\x0f\xbe\x1f"), m, 0xfffffff8);
	check_load(DECODE("\x66\x0f\xbe\x1f"), m, 0x112233445566fff8);
	check_load(DECODE("\x48\x0f\xbf\x1f"), m, 0xfffffffffffff7f8);
	check_load(DECODE("\x48\x63\x1f"), m, 0xfffffffff5f6f7f8);
	check_load(DECODE("\x63\x1f"), m, 0xf5f6f7f8);
}

/* The flags go by the stack, clear of the red zone. */
#define NATIVE(insn, type)                                                                         \
	do {                                                                                       \
		type r = (type)a;                                                                  \
		__asm__("lea -128(%%rsp), %%rsp; " insn " %2, %0; pushfq; popq %1; "               \
			"lea 128(%%rsp), %%rsp"                                                    \
			: "+q"(r), "=&r"(f)                                                        \
			: "q"((type)b)                                                             \
			: "cc");                                                                   \
		result = r;                                                                        \
	} while (0)

#define NATIVE_SIZES(name)                                                                         \
	static uint64_t native_##name(uint64_t a, uint64_t b, unsigned size, uint64_t *flags)      \
	{                                                                                          \
		uint64_t result, f;                                                                \
                                                                                                   \
		if (size == 1)                                                                     \
			NATIVE(#name "b", uint8_t);                                                \
		else if (size == 2)                                                                \
			NATIVE(#name "w", uint16_t);                                               \
		else if (size == 4)                                                                \
			NATIVE(#name "l", uint32_t);                                               \
		else                                                                               \
			NATIVE(#name "q", uint64_t);                                               \
		*flags = f & FLAGS;                                                                \
		return result;                                                                     \
	}

NATIVE_SIZES(add)
NATIVE_SIZES(sub)
NATIVE_SIZES(and)
NATIVE_SIZES(or)
NATIVE_SIZES(xor)
NATIVE_SIZES(cmp)
NATIVE_SIZES(test)

typedef uint64_t (*native)(uint64_t a, uint64_t b, unsigned size, uint64_t *flags);

static void check_alu(uint8_t op, native fn, uint64_t a, uint64_t b)
{
	for (unsigned size = 1; size <= 8; size *= 2) {
		struct decode_insn i = {
			.op = op, .size_bytes = (uint8_t)size, .reg_bytes = (uint8_t)size
		};
		uint64_t gpr[16] = { a }, flags = 0x202 | FLAGS, want_flags, mask;
		uint64_t want = fn(a, b, size, &want_flags);

		mask = size == 8 ? UINT64_MAX : BIT64(8 * size) - 1;
		decode_load(&i, b, gpr, &flags);
		assert_true((gpr[0] & mask) == want);
		assert_true(size >= 4 || (gpr[0] & ~mask) == (a & ~mask));
		/* AF is undefined after the logical ones. */
		if (op != DECODE_ADD && op != DECODE_SUB && op != DECODE_CMP)
			want_flags &= ~(uint64_t)0x10;
		assert_int_equal(flags, 0x202 | want_flags);
	}
}

static void arithmetic(void **state)
{
	static const native fn[] = { [DECODE_ADD] = native_add,
		[DECODE_SUB] = native_sub,
		[DECODE_AND] = native_and,
		[DECODE_OR] = native_or,
		[DECODE_XOR] = native_xor,
		[DECODE_CMP] = native_cmp,
		[DECODE_TEST] = native_test };
	static const uint64_t edge[] = { 0, 1, 0xf, 0x10, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000,
		0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, BIT64(63), UINT64_MAX,
		0x123456789abcdef0 };

	(void)state;
	for (unsigned op = DECODE_ADD; op <= DECODE_TEST; op++)
		for (unsigned x = 0; x < ARRAY_SIZE(edge); x++)
			for (unsigned y = 0; y < ARRAY_SIZE(edge); y++)
				/* CMP and TEST leave the register; 32-bit ones clear nothing. */
				check_alu((uint8_t)op, fn[op], edge[x], edge[y]);
}

static void compare_order(void **state)
{
	uint64_t gpr[16] = { 5 }, flags = 0;
	struct decode_insn i;

	(void)state;
	i = DECODE("\x39\x07"); /* memory - register */
	decode_load(&i, 3, gpr, &flags);
	assert_int_equal(flags & 1, 1);
	i = DECODE("\x3b\x07"); /* register - memory */
	decode_load(&i, 3, gpr, &flags);
	assert_int_equal(flags & 1, 0);
	i = DECODE("\x83\x3f\xff"); /* memory - 0xffffffff */
	decode_load(&i, 0xffffffff, gpr, &flags);
	assert_int_equal(flags & 0x40, 0x40);
	assert_int_equal(gpr[0], 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings),
		cmocka_unit_test(refused),
		cmocka_unit_test(stores),
		cmocka_unit_test(loads),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(compare_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
