/* Repairs two faults of stock Bochs 3.0 with two or more CPUs, in the running emulator; preloaded
 * by its launcher. Nothing is changed unless the code is, byte by byte, the one that is known
 * (Debian 3.0+dfsg-1, amd64).
 *
 * 1. The address of an exception's handler is lost. With two or more CPUs the emulator runs each by
 * BX_CPU_C::cpu_run_trace(). When an instruction ends in an exception, that function is left before
 * the instruction pointer is committed (prev_rip keeps the address of the instruction that
 * faulted). If the next thing that happens to the CPU is an asynchronous VM exit (external
 * interrupt, preemption timer), VMexit() restores RIP from prev_rip: the guest state saved has the
 * exception handler's stack and privilege, but the RIP of what faulted, and the guest is lost. With
 * one CPU another loop runs, which commits.
 *
 * The repair: cpu_run_trace()'s call of handleAsyncEvent(), which happens between instructions
 * only, goes through a stub that commits first.
 *
 * 2. An interrupt comes between STI and HLT, and the halt waits for ever. STI keeps interrupts off
 * until its CPU's instruction count is two further. Every exception and VM exit ends in a longjmp()
 * to bx_begin_simulation(), which then counts one instruction: for CPU 0, whoever it was. If
 * another CPU takes one while CPU 0 stands between STI and HLT, the protection is over too early.
 *
 * The repair: behind setjmp(), the CPU that is counted is the one whose turn it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define RIP_OFFSET	0xe0
#define PREV_RIP_OFFSET 0x118
#define CALL_AT		0x17 /* in cpu_run_trace() */
#define CALL_BYTES	5
#define RESTORE_AT	0x13d /* in VMexit() */
#define NEAR_BYTES	(UINT64_C(1) << 30)
#define COUNT_AT	0x308 /* in bx_begin_simulation(), where setjmp() returns */
#define COUNT_BYTES	10    /* that the call of the second stub replaces */
#define TURN_OFFSET	4     /* of its variable: whose turn it is */
#define STUB_BYTES	64

/* mov async_event(%rdi), %eax; test %eax, %eax; je; call */
static const uint8_t before_call[] = { 0x8b, 0x87, 0xe0, 0x91, 0x00, 0x00, 0x85, 0xc0, 0x74, 0x09,
	0xe8 };
/* mov prev_rip(%rbx), %rax; cmpb $0, speculative_rsp(%rbx); mov %rax, RIP(%rbx) */
static const uint8_t restore[] = { 0x48, 0x8b, 0x83, PREV_RIP_OFFSET & 0xff, PREV_RIP_OFFSET >> 8,
	0, 0, 0x80, 0xbb, 0x30, 0x01, 0, 0, 0, 0x48, 0x89, 0x83, RIP_OFFSET, 0, 0, 0 };

/* mov bx_cpu_array(%rip), %rsi | mov (%rsi), %rdi; test %eax, %eax; je; addq $1, icount(%rdi) */
static const uint8_t load_array[] = { 0x48, 0x8b, 0x35 };
static const uint8_t count[] = { 0x48, 0x8b, 0x3e, 0x85, 0xc0, 0x74, 0x0d, 0x48, 0x83, 0x87, 0x38,
	0x01, 0, 0, 0x01 };

static uint8_t *stubs; /* a page near the code, executable once it is filled */

static int32_t distance(const uint8_t *from, const uint8_t *to)
{
	return (int32_t)(to - from);
}

/* A page that a near call at `code` reaches. */
static uint8_t *page_near(uint8_t *code)
{
	uint8_t *hint = (uint8_t *)((uintptr_t)code & ~(uintptr_t)0xfff);

	for (uint64_t off = 1 << 24; off < NEAR_BYTES; off += 1 << 24) {
		void *p = mmap(hint - off, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED)
			return p;
	}
	return NULL;
}

/* mov RIP(%rdi), %rax; mov %rax, prev_rip(%rdi); jmp target */
static void write_commit_stub(uint8_t *stub, const uint8_t *target)
{
	uint8_t code[] = { 0x48, 0x8b, 0x87, RIP_OFFSET, 0, 0, 0, 0x48, 0x89, 0x87,
		PREV_RIP_OFFSET & 0xff, PREV_RIP_OFFSET >> 8, 0, 0, 0xe9, 0, 0, 0, 0 };
	int32_t rel = distance(stub + sizeof(code), target);

	memcpy(code + sizeof(code) - sizeof(rel), &rel, sizeof(rel));
	memcpy(stub, code, sizeof(code));
}

/* movabs $&bx_cpu_array, %rsi; mov (%rsi), %rsi; mov turn(%rsp), %edi; mov (%rsi,%rdi,8), %rdi;
 * ret. The return address lies between %rsp and the caller's variable. */
static void write_count_stub(uint8_t *stub, const void *array)
{
	uint8_t code[] = { 0x48, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0x8b, 0x36, 0x8b, 0x7c, 0x24,
		TURN_OFFSET + 8, 0x48, 0x8b, 0x3c, 0xfe, 0xc3 };
	uint64_t address = (uintptr_t)array;

	memcpy(code + 2, &address, sizeof(address));
	memcpy(stub, code, sizeof(code));
}

/* Puts a near call, padded with NOPs, at `at`. */
static int write_call(uint8_t *at, unsigned len_bytes, const uint8_t *stub)
{
	uint8_t *page = (uint8_t *)((uintptr_t)at & ~(uintptr_t)0xfff);
	int32_t rel = distance(at + CALL_BYTES, stub);

	if (mprotect(page, 2 * 4096, PROT_READ | PROT_WRITE))
		return -1;
	memset(at, 0x90, len_bytes);
	at[0] = 0xe8;
	memcpy(at + 1, &rel, sizeof(rel));
	return mprotect(page, 2 * 4096, PROT_READ | PROT_EXEC);
}

static const char *repair_commit(uint8_t *stub, bool write)
{
	uint8_t *run = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C13cpu_run_traceEv");
	uint8_t *event = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C16handleAsyncEventEv");
	uint8_t *vmexit = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C6VMexitEjm");
	uint8_t *call = run ? run + CALL_AT : NULL;

	if (!run || !event || !vmexit ||
		memcmp(call + 1 - sizeof(before_call), before_call, sizeof(before_call)) != 0 ||
		memcmp(vmexit + RESTORE_AT, restore, sizeof(restore)) != 0)
		return "this is not the build it knows";
	if (!write)
		write_commit_stub(stub, event);
	else if (write_call(call, CALL_BYTES, stub))
		return "the code cannot be written";
	return NULL;
}

static const char *repair_count(uint8_t *stub, bool write)
{
	uint8_t *simulate = dlsym(RTLD_DEFAULT, "_Z19bx_begin_simulationiPPc");
	void *array = dlsym(RTLD_DEFAULT, "bx_cpu_array");
	uint8_t *at = simulate ? simulate + COUNT_AT : NULL;

	if (!simulate || !array || memcmp(at, load_array, sizeof(load_array)) != 0 ||
		memcmp(at + sizeof(load_array) + 4, count, sizeof(count)) != 0)
		return "this is not the build it knows";
	if (!write)
		write_count_stub(stub, array);
	else if (write_call(at, COUNT_BYTES, stub))
		return "the code cannot be written";
	return NULL;
}

/* Both or none: first all is checked and the stubs are written, then the code. */
static const char *repair_all(void)
{
	uint8_t *run = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C13cpu_run_traceEv");
	const char *why;

	stubs = run ? page_near(run) : NULL;
	if (!stubs)
		return "no memory near the code";
	why = repair_commit(stubs, false);
	if (!why)
		why = repair_count(stubs + STUB_BYTES, false);
	if (!why && mprotect(stubs, 4096, PROT_READ | PROT_EXEC))
		why = "no executable memory";
	if (!why)
		why = repair_commit(stubs, true);
	if (!why)
		why = repair_count(stubs + STUB_BYTES, true);
	return why;
}

__attribute__((constructor)) static void repair(void)
{
	const char *why = repair_all();

	fprintf(stderr, "bochs_fix: %s%s\n", why ? "not applied: " : "applied", why ? why : "");
}
