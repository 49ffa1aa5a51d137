/* Repairs one fault of stock Bochs 3.0 in the running emulator; preloaded by its launcher.
 *
 * With two or more CPUs the emulator runs each by BX_CPU_C::cpu_run_trace(). When an instruction
 * ends in an exception, that function is left before the instruction pointer is committed (prev_rip
 * keeps the address of the instruction that faulted). If the next thing that happens to the CPU is
 * an asynchronous VM exit (external interrupt, preemption timer), VMexit() restores RIP from
 * prev_rip: the guest state saved has the exception handler's stack and privilege, but the RIP of
 * what faulted, and the guest is lost. With one CPU another loop runs, which commits.
 *
 * The repair: cpu_run_trace()'s call of handleAsyncEvent(), which happens between instructions
 * only, goes through a stub that commits first. Nothing is changed unless the code is, byte by
 * byte, the one that is known (Debian 3.0+dfsg-1, amd64). */
#define _GNU_SOURCE
#include <dlfcn.h>
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

/* mov async_event(%rdi), %eax; test %eax, %eax; je; call */
static const uint8_t before_call[] = { 0x8b, 0x87, 0xe0, 0x91, 0x00, 0x00, 0x85, 0xc0, 0x74, 0x09,
	0xe8 };
/* mov prev_rip(%rbx), %rax; cmpb $0, speculative_rsp(%rbx); mov %rax, RIP(%rbx) */
static const uint8_t restore[] = { 0x48, 0x8b, 0x83, PREV_RIP_OFFSET & 0xff, PREV_RIP_OFFSET >> 8,
	0, 0, 0x80, 0xbb, 0x30, 0x01, 0, 0, 0, 0x48, 0x89, 0x83, RIP_OFFSET, 0, 0, 0 };

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
static void write_stub(uint8_t *stub, const uint8_t *target)
{
	uint8_t code[] = { 0x48, 0x8b, 0x87, RIP_OFFSET, 0, 0, 0, 0x48, 0x89, 0x87,
		PREV_RIP_OFFSET & 0xff, PREV_RIP_OFFSET >> 8, 0, 0, 0xe9, 0, 0, 0, 0 };
	int32_t rel = distance(stub + sizeof(code), target);

	memcpy(code + sizeof(code) - sizeof(rel), &rel, sizeof(rel));
	memcpy(stub, code, sizeof(code));
}

static int redirect(uint8_t *call, const uint8_t *target)
{
	uint8_t *stub = page_near(call), *page = (uint8_t *)((uintptr_t)call & ~(uintptr_t)0xfff);
	int32_t rel;

	if (!stub)
		return -1;
	write_stub(stub, target);
	if (mprotect(stub, 4096, PROT_READ | PROT_EXEC) ||
		mprotect(page, 2 * 4096, PROT_READ | PROT_WRITE))
		return -1;
	rel = distance(call + CALL_BYTES, stub);
	memcpy(call + 1, &rel, sizeof(rel));
	return mprotect(page, 2 * 4096, PROT_READ | PROT_EXEC);
}

__attribute__((constructor)) static void repair(void)
{
	uint8_t *run = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C13cpu_run_traceEv");
	uint8_t *event = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C16handleAsyncEventEv");
	uint8_t *vmexit = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C6VMexitEjm");
	uint8_t *call = run ? run + CALL_AT : NULL;
	const char *result = "not applied: this is not the build it knows";

	if (run && event && vmexit &&
		memcmp(call + 1 - sizeof(before_call), before_call, sizeof(before_call)) == 0 &&
		memcmp(vmexit + RESTORE_AT, restore, sizeof(restore)) == 0)
		result = redirect(call, event) ? "not applied: no memory near the code" : "applied";
	fprintf(stderr, "bochs_fix: %s\n", result);
}
