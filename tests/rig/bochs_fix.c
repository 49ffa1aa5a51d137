/* Repairs three faults of stock Bochs 3.0 in the running emulator; preloaded by its launcher.
 * Nothing is changed unless the code is, byte by byte, the one that is known (Debian 3.0+dfsg-1,
 * amd64).
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
 * The repair: behind setjmp(), the CPU that is counted is the one whose turn it is.
 *
 * 3. A guest gets a virtual interrupt while its interrupts are disabled. HandleExtInterrupt() is
 * called for any external interrupt that is not masked, and in a guest the physical ones are not.
 * It delivers a virtual interrupt first, if one is pending, without asking whether that one is
 * masked. The guest is interrupted with RFLAGS.IF=0, say at its IRET, and lost.
 *
 * The repair: a virtual interrupt counts there only if it is pending and not masked. */
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
#define VIRTUAL_AT	0x33  /* in HandleExtInterrupt() */
#define VIRTUAL_BYTES	10    /* that the call of the third stub replaces */
#define STUB_BYTES	64
#define PATCHES		3

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

/* mov %rbx, %rdi; testb $PENDING_VMX_VIRTUAL_INTR, pending_event + 1(%rbx); jne */
static const uint8_t test_pending[] = { 0x48, 0x89, 0xdf, 0xf6, 0x83, 0xd9, 0x91, 0, 0, 0x02, 0x0f,
	0x85 };

/* A call of our code in place of len_bytes of the emulator's. */
struct patch {
	uint8_t *at;
	unsigned len_bytes;
	uint8_t stub[STUB_BYTES]; /* may lie anywhere: no relative addresses in it */
};

static void put_address(uint8_t *code, const void *address)
{
	uint64_t v = (uintptr_t)address;

	memcpy(code, &v, sizeof(v));
}

/* mov RIP(%rdi), %rax; mov %rax, prev_rip(%rdi); movabs $handleAsyncEvent, %rax; jmp *%rax */
static bool find_commit(struct patch *p)
{
	static const uint8_t code[] = { 0x48, 0x8b, 0x87, RIP_OFFSET, 0, 0, 0, 0x48, 0x89, 0x87,
		PREV_RIP_OFFSET & 0xff, PREV_RIP_OFFSET >> 8, 0, 0, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0,
		0, 0xff, 0xe0 };
	uint8_t *run = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C13cpu_run_traceEv");
	uint8_t *event = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C16handleAsyncEventEv");
	uint8_t *vmexit = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C6VMexitEjm");

	if (!run || !event || !vmexit)
		return false;
	p->at = run + CALL_AT;
	p->len_bytes = CALL_BYTES;
	memcpy(p->stub, code, sizeof(code));
	put_address(p->stub + 16, event);
	return memcmp(p->at + 1 - sizeof(before_call), before_call, sizeof(before_call)) == 0 &&
	       memcmp(vmexit + RESTORE_AT, restore, sizeof(restore)) == 0;
}

/* movabs $&bx_cpu_array, %rsi; mov (%rsi), %rsi; mov turn(%rsp), %edi; mov (%rsi,%rdi,8), %rdi;
 * ret. The return address lies between %rsp and the caller's variable. */
static bool find_count(struct patch *p)
{
	static const uint8_t code[] = { 0x48, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0x8b, 0x36, 0x8b,
		0x7c, 0x24, TURN_OFFSET + 8, 0x48, 0x8b, 0x3c, 0xfe, 0xc3 };
	uint8_t *simulate = dlsym(RTLD_DEFAULT, "_Z19bx_begin_simulationiPPc");
	void *array = dlsym(RTLD_DEFAULT, "bx_cpu_array");

	if (!simulate || !array)
		return false;
	p->at = simulate + COUNT_AT;
	p->len_bytes = COUNT_BYTES;
	memcpy(p->stub, code, sizeof(code));
	put_address(p->stub + 2, array);
	return memcmp(p->at, load_array, sizeof(load_array)) == 0 &&
	       memcmp(p->at + sizeof(load_array) + 4, count, sizeof(count)) == 0;
}

/* mov %rbx, %rdi; mov event_mask(%rbx), %eax; not %eax; and pending_event(%rbx), %eax; test $2,
 * %ah; ret: the flags are what the jne looks at. */
static bool find_virtual(struct patch *p)
{
	static const uint8_t code[] = { 0x48, 0x89, 0xdf, 0x8b, 0x83, 0xdc, 0x91, 0, 0, 0xf7, 0xd0,
		0x23, 0x83, 0xd8, 0x91, 0, 0, 0xf6, 0xc4, 0x02, 0xc3 };
	uint8_t *handle = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C18HandleExtInterruptEv");

	if (!handle)
		return false;
	p->at = handle + VIRTUAL_AT;
	p->len_bytes = VIRTUAL_BYTES;
	memcpy(p->stub, code, sizeof(code));
	return memcmp(p->at, test_pending, sizeof(test_pending)) == 0;
}

/* A page that a near call at `code` reaches. */
static uint8_t *page_near(const uint8_t *code)
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

static int apply(const struct patch *p, const uint8_t *stub)
{
	uint8_t *page = (uint8_t *)((uintptr_t)p->at & ~(uintptr_t)0xfff);
	int32_t rel = (int32_t)(stub - (p->at + CALL_BYTES));

	if (mprotect(page, 2 * 4096, PROT_READ | PROT_WRITE))
		return -1;
	memset(p->at, 0x90, p->len_bytes); /* NOP, behind the call */
	p->at[0] = 0xe8;
	memcpy(p->at + 1, &rel, sizeof(rel));
	return mprotect(page, 2 * 4096, PROT_READ | PROT_EXEC);
}

/* All or none. NULL: done; otherwise why not. */
static const char *repair_all(void)
{
	struct patch patch[PATCHES] = { 0 };
	uint8_t *stubs;

	if (!find_commit(&patch[0]) || !find_count(&patch[1]) || !find_virtual(&patch[2]))
		return "this is not the build it knows";
	stubs = page_near(patch[0].at);
	if (!stubs)
		return "no memory near the code";
	for (unsigned i = 0; i < PATCHES; i++)
		memcpy(stubs + i * STUB_BYTES, patch[i].stub, STUB_BYTES);
	if (mprotect(stubs, 4096, PROT_READ | PROT_EXEC))
		return "no executable memory";
	for (unsigned i = 0; i < PATCHES; i++)
		if (apply(&patch[i], stubs + i * STUB_BYTES))
			return "the code cannot be written";
	return NULL;
}

__attribute__((constructor)) static void repair(void)
{
	const char *why = repair_all();

	fprintf(stderr, "bochs_fix: %s%s\n", why ? "not applied: " : "applied", why ? why : "");
}
