/* Instructions to try. Each is a function (arg in RDI); insn tables as in hostile.h.
 *
 * Without nearer comment: RAX = RDI = arg, RCX = RDX = 0, RSI = scratch memory. Instructions that
 * the assembler may not know are bytes. */

	.macro	INSN table, name, body
	.pushsection .rodata.\table, "a"
	.quad	1f, 2f
	.popsection
	.pushsection .rodata.names, "a"
2:	.asciz	"\name"
	.popsection
	.text
1:	movq	%rdi, %rax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	leaq	insn_scratch(%rip), %rsi
	\body
	cld
	ret
	.endm

	.bss
	.align	4096
insn_scratch:
	.skip	8192

	.section .rodata.cpu, "a"
	.align	8
	.globl	cpu_insns
cpu_insns:
	.section .rodata.mmio, "a"
	.align	8
	.globl	mmio_insns
mmio_insns:
	.section .rodata.odd, "a"
	.align	8
	.globl	odd_insns
odd_insns:

	INSN cpu, vmcall, "vmcall"
	INSN cpu, vmlaunch, "vmlaunch"
	INSN cpu, vmresume, "vmresume"
	INSN cpu, vmxoff, "vmxoff"
	INSN cpu, vmxon, "vmxon (%rax)"
	INSN cpu, vmptrld, "vmptrld (%rax)"
	INSN cpu, vmptrst, "vmptrst (%rax)"
	INSN cpu, vmclear, "vmclear (%rax)"
	INSN cpu, vmread, "vmread %rax, %rcx"
	INSN cpu, vmwrite, "vmwrite %rcx, %rax"
	INSN cpu, invept, "invept (%rax), %rcx"
	INSN cpu, invvpid, "invvpid (%rax), %rcx"
	INSN cpu, vmfunc, "movl $0, %eax; vmfunc"
	INSN cpu, vmfunc-junk, "movl $77, %eax; vmfunc"
	INSN cpu, vmmcall, "vmmcall"
	INSN cpu, vmrun, ".byte 0x0f, 0x01, 0xd8"
	INSN cpu, stgi, ".byte 0x0f, 0x01, 0xdc"
	INSN cpu, clgi, ".byte 0x0f, 0x01, 0xdd"
	INSN cpu, skinit, ".byte 0x0f, 0x01, 0xde"
	INSN cpu, getsec, "xorl %eax, %eax; .byte 0x0f, 0x37"
	INSN cpu, getsec-junk, "movl $99, %eax; .byte 0x0f, 0x37"
	INSN cpu, encls, "xorl %eax, %eax; .byte 0x0f, 0x01, 0xcf"
	INSN cpu, enclv, "xorl %eax, %eax; .byte 0x0f, 0x01, 0xc0"
	INSN cpu, pconfig, "xorl %eax, %eax; .byte 0x0f, 0x01, 0xc5"
	INSN cpu, invd, "invd"
	INSN cpu, wbinvd, "wbinvd"
	INSN cpu, wbnoinvd, ".byte 0xf3, 0x0f, 0x09"
	INSN cpu, monitor, "monitor"
	INSN cpu, monitor-bad, "movq $-1, %rax; shrq $1, %rax; monitor"
	INSN cpu, monitor-hint, "movl $1, %ecx; monitor"
	INSN cpu, mwait, "monitor; xorl %eax, %eax; mwait"
	INSN cpu, mwait-deep, "monitor; movl $0xf0, %eax; movl $1, %ecx; mwait"
	INSN cpu, mwait-junk, "movl $-1, %eax; movl $-1, %ecx; mwait"
	INSN cpu, umonitor, ".byte 0xf3, 0x0f, 0xae, 0xf0"
	INSN cpu, umwait, ".byte 0xf2, 0x0f, 0xae, 0xf1"
	INSN cpu, tpause, "xorl %eax, %eax; .byte 0x66, 0x0f, 0xae, 0xf1"
	INSN cpu, rsm, "rsm"
	INSN cpu, rdpmc, "rdpmc"
	INSN cpu, rdpmc-fixed, "movl $0x40000000, %ecx; rdpmc"
	INSN cpu, rdtscp, "rdtscp"
	INSN cpu, rdpid, ".byte 0xf3, 0x0f, 0xc7, 0xf9"
	INSN cpu, rdrand, "rdrand %rax"
	INSN cpu, rdseed, "rdseed %rax"
	INSN cpu, invpcid, "invpcid (%rsi), %rcx"
	INSN cpu, invpcid-junk, "movl $99, %ecx; invpcid (%rsi), %rcx"
	INSN cpu, invlpg, "invlpg (%rax)"
	INSN cpu, invlpg-bad, "movq $-1, %rax; shrq $1, %rax; invlpg (%rax)"
	INSN cpu, xsaves, "xorl %eax, %eax; .byte 0x48, 0x0f, 0xc7, 0x2e"
	INSN cpu, xrstors, "xorl %eax, %eax; .byte 0x48, 0x0f, 0xc7, 0x1e"
	INSN cpu, xgetbv-junk, "movl $99, %ecx; xgetbv"
	INSN cpu, sgdt, "sgdt (%rsi)"
	INSN cpu, sidt, "sidt (%rsi)"
	INSN cpu, sldt, "sldt %ecx"
	INSN cpu, str, "str %ecx"
	INSN cpu, smsw, "smsw %ecx"
	INSN cpu, lmsw, "smsw %ecx; lmsw %cx"
	INSN cpu, clts, "clts"
	INSN cpu, ltr-bad, "movl $0xfff8, %ecx; ltr %cx"
	INSN cpu, lldt-0, "lldt %dx"
	INSN cpu, lldt-bad, "movl $0xfff8, %ecx; lldt %cx"
	INSN cpu, mov-ss-bad, "movl $0xfff8, %ecx; movw %cx, %ss"
	INSN cpu, far-call-bad, "movl $0xfff80000, 4(%rsi); lcall *(%rsi)"
	INSN cpu, iret-bad, "pushq $-1; pushq $-1; pushq $-1; pushq $-1; pushq $-1; iretq"
	INSN cpu, int3, "int3"
	INSN cpu, int1, ".byte 0xf1"
	INSN cpu, int-2, "int $2"
	INSN cpu, int-80, "int $0x80"
	INSN cpu, ud2, "ud2"
	INSN cpu, ud1, ".byte 0x0f, 0xb9, 0xc0"
	INSN cpu, syscall, "syscall"
	INSN cpu, sysenter, "sysenter"
	INSN cpu, sysexit, "sysexit"
	INSN cpu, swapgs, "swapgs; swapgs"
	INSN cpu, rdfsbase, "rdfsbase %rcx"
	INSN cpu, non-canonical, "movq $-1, %rax; shrq $1, %rax; movq (%rax), %rax"
	INSN cpu, cpuid-prefixes, "pushq %rbx; \
		.byte 0x66, 0xf2, 0xf3, 0x2e, 0x64, 0x67, 0x0f, 0xa2; popq %rbx"
	INSN cpu, cpuid-15, "pushq %rbx; .fill 13, 1, 0x66; .byte 0x0f, 0xa2; popq %rbx"
	INSN cpu, too-long, ".fill 15, 1, 0x66; .byte 0x0f, 0xa2"
	INSN cpu, lock-cpuid, ".byte 0xf0, 0x0f, 0xa2"
	INSN cpu, lock-vmcall, ".byte 0xf0, 0x0f, 0x01, 0xc1"
	INSN cpu, cr0-lock, ".byte 0xf0, 0x0f, 0x20, 0xc0"
	INSN cpu, cr1, ".byte 0x0f, 0x20, 0xc8"
	INSN cpu, cr5, ".byte 0x0f, 0x22, 0xe8"
	INSN cpu, cr15, ".byte 0x44, 0x0f, 0x22, 0xf8"
	INSN cpu, dr8, ".byte 0x44, 0x0f, 0x23, 0xc0"
	INSN cpu, cr0-via-rsp, "movq %rsp, %rdx; movq %cr0, %rsp; movq %rsp, %cr0; movq %rdx, %rsp"
	INSN cpu, cr3-via-rsp, "movq %rsp, %rdx; movq %cr3, %rsp; movq %rsp, %cr3; movq %rdx, %rsp"
	/* TF: the trap comes after the instruction behind POPF, which exits */
	INSN cpu, tf-cpuid, "pushq %rbx; pushfq; orl $0x100, (%rsp); popfq; cpuid; nop; popq %rbx"
	INSN cpu, tf-in, "movl $0x80, %edx; pushfq; orl $0x100, (%rsp); popfq; inb %dx, %al; nop"
	INSN cpu, tf-rdmsr, "movl $0x1b, %ecx; pushfq; orl $0x100, (%rsp); popfq; rdmsr; nop"
	INSN cpu, tf-vmcall, "pushfq; orl $0x100, (%rsp); popfq; vmcall; nop"
	INSN cpu, tf-cr8, "pushfq; orl $0x100, (%rsp); popfq; movq %cr8, %rax; nop"
	INSN cpu, tf-mov-ss, "pushq %rbx; movl %ss, %ecx; pushfq; orl $0x100, (%rsp); popfq; \
		movw %cx, %ss; cpuid; nop; popq %rbx"
	INSN cpu, tf-sti, "pushq %rbx; cli; pushfq; orl $0x100, (%rsp); popfq; sti; cpuid; \
		nop; popq %rbx"
	INSN cpu, tf-sti-hlt, "cli; pushfq; orl $0x100, (%rsp); popfq; sti; hlt; nop"
	/* A data breakpoint on what MOV SS reads stays pending across the next instruction. */
	INSN cpu, watch-mov-ss, "pushq %rbx; movw %ss, (%rsi); movq %rsi, %dr0; \
		movl $0x30003, %eax; movq %rax, %dr7; movw (%rsi), %ss; cpuid; nop; popq %rbx"
	INSN cpu, watch-mov-ss-int, "movw %ss, (%rsi); movq %rsi, %dr0; movl $0x30003, %eax; \
		movq %rax, %dr7; movw (%rsi), %ss; int $0x80; nop"
	INSN cpu, watch-in, "movq $0x80, %rdx; movq %rdx, %dr0; movl $0x20003, %eax; \
		movq %rax, %dr7; inb %dx, %al; nop"

	/* RAX = the MMIO address. What compilers use for that: */
	INSN mmio, mov8, "movb (%rax), %cl; movb %cl, (%rax)"
	INSN mmio, mov16, "movw (%rax), %cx; movw %cx, (%rax)"
	INSN mmio, mov32, "movl (%rax), %ecx; movl %ecx, (%rax)"
	INSN mmio, mov64, "movq (%rax), %rcx; movq %rcx, (%rax)"
	INSN mmio, mov-high-byte, "movb (%rax), %ch; movb %ch, (%rax)"
	INSN mmio, mov-r15, "pushq %r15; movl (%rax), %r15d; movl %r15d, (%rax); popq %r15"
	INSN mmio, mov-sil, "movb (%rax), %dil; movb %dil, (%rax)"
	INSN mmio, mov-imm8, "movb $0x5a, (%rax)"
	INSN mmio, mov-imm16, "movw $0x5a5a, (%rax)"
	INSN mmio, mov-imm32, "movl $0x5a5a5a5a, (%rax)"
	INSN mmio, mov-imm64, "movq $-1, (%rax)"
	INSN mmio, moffs, "movabs 0xfec00000, %al; movabs %eax, 0xfec00000"
	INSN mmio, moffs64, "movabs 0xfec00000, %rax; movabs %rax, 0xfec00000"
	INSN mmio, sib, "movl 0x0(%rax, %rdx, 8), %ecx; movl %ecx, 0x10(%rax, %rdx, 2)"
	INSN mmio, rsp-base, "movq %rsp, %rdx; movq %rax, %rsp; movl (%rsp), %ecx; movq %rdx, %rsp"
	INSN mmio, r12-base, "pushq %r12; movq %rax, %r12; movl 4(%r12), %ecx; popq %r12"
	INSN mmio, r13-base, "pushq %r13; movq %rax, %r13; movl (%r13), %ecx; popq %r13"
	INSN mmio, addr32, "movl (%eax), %ecx"
	INSN mmio, segment-fs, "movl %fs:(%rax), %ecx"
	INSN mmio, prefixes, ".byte 0x66, 0x66, 0x2e, 0x36, 0x3e, 0x8b, 0x08"
	INSN mmio, prefix-max, ".fill 13, 1, 0x2e; .byte 0x8b, 0x08"
	INSN mmio, rex-ignored, ".byte 0x48, 0x66, 0x8b, 0x08"
	INSN mmio, movzx8, "movzbl (%rax), %ecx"
	INSN mmio, movzx16, "movzwl (%rax), %ecx"
	INSN mmio, movsx8, "movsbq (%rax), %rcx"
	INSN mmio, movsx16, "movswq (%rax), %rcx"
	INSN mmio, movsxd, "movslq (%rax), %rcx"
	INSN mmio, test-cmp, "testl $-1, (%rax); cmpl (%rax), %ecx; cmpb $1, (%rax)"
	INSN mmio, rep-movsb-0, "rep movsb"
	INSN mmio, unaligned, "movq 3(%rax), %rcx; movl %ecx, 1(%rax)"
	INSN mmio, prefetch, "prefetcht0 (%rax)"
	INSN mmio, invlpg, "invlpg (%rax)"
	INSN mmio, reads, "addl (%rax), %ecx; andl (%rax), %ecx; xorl (%rax), %ecx"

	/* What nobody uses for that; a hypervisor may stop the guest for them. */
	INSN odd, movbe, ".byte 0x0f, 0x38, 0xf0, 0x08; .byte 0x0f, 0x38, 0xf1, 0x08"
	INSN odd, movnti, "movnti %ecx, (%rax)"
	INSN odd, movdiri, ".byte 0x0f, 0x38, 0xf9, 0x08"
	INSN odd, movdir64b, ".byte 0x66, 0x0f, 0x38, 0xf8, 0x06"
	INSN odd, xchg, "xchgl %ecx, (%rax)"
	INSN odd, or, "orl $1, (%rax)"
	INSN odd, lock-or, "lock orl $1, (%rax)"
	INSN odd, lock-or8, "lock orb $1, 3(%rax)"
	INSN odd, lock-xadd, "lock xaddl %ecx, (%rax)"
	INSN odd, lock-cmpxchg, "pushq %rax; movq %rax, %rdi; lock cmpxchgl %ecx, (%rdi); \
		popq %rax"
	INSN odd, cmpxchg8b, "pushq %rbx; lock cmpxchg8b (%rdi); popq %rbx"
	INSN odd, cmpxchg16b, "pushq %rbx; lock cmpxchg16b (%rdi); popq %rbx"
	INSN odd, lock-inc, "lock incl (%rax)"
	INSN odd, lock-bts, "lock btsl $40, (%rax)"
	INSN odd, bt-register, "movl $1000, %ecx; btl %ecx, (%rax)"
	INSN odd, add, "addl %ecx, (%rax); addl (%rax), %ecx"
	INSN odd, adc-sbb, "adcl $-1, (%rax); sbbl %ecx, (%rax)"
	INSN odd, and-xor, "andl (%rax), %ecx; xorl %ecx, (%rax)"
	INSN odd, not-neg, "notl (%rax); negl (%rax)"
	INSN odd, shl, "shll $3, (%rax); rorl %cl, (%rax)"
	INSN odd, mul, "mull (%rdi); imull (%rdi), %ecx"
	INSN odd, setcc, "sete (%rax)"
	INSN odd, cmov, "cmovel (%rax), %ecx; cmovnel (%rax), %ecx"
	INSN odd, push, "pushq (%rax); popq %rcx"
	INSN odd, pop, "pushq $7; popq (%rax)"
	INSN odd, stack, "movq %rsp, %rdx; leaq 64(%rax), %rsp; pushq %rdx; movq %rdx, %rsp"
	INSN odd, rep-movsb-to, "movl $9, %ecx; rep movsb"
	INSN odd, rep-movsl-to, "movl $4, %ecx; rep movsl"
	INSN odd, rep-movsq-to, "movl $4, %ecx; rep movsq"
	INSN odd, rep-movsb-from, "xchgq %rsi, %rdi; movl $9, %ecx; rep movsb"
	INSN odd, rep-movsq-from, "xchgq %rsi, %rdi; movl $4, %ecx; rep movsq"
	INSN odd, rep-movsl-both, "leaq 16(%rdi), %rsi; movl $4, %ecx; rep movsl"
	INSN odd, rep-movsl-down, "std; movl $2, %ecx; addq $8, %rdi; addq $8, %rsi; rep movsl"
	INSN odd, rep-stosb, "movl $9, %ecx; rep stosb"
	INSN odd, rep-stosq, "movl $4, %ecx; rep stosq"
	INSN odd, rep-lodsl, "movq %rdi, %rsi; movl $4, %ecx; rep lodsl"
	INSN odd, repe-cmpsb, "movl $9, %ecx; repe cmpsb"
	INSN odd, repne-scasl, "movl $4, %ecx; repne scasl"
	INSN odd, movsl-addr32, "movsl (%esi), %es:(%edi)"
	INSN odd, out-string, "movl $0x80, %edx; movq %rdi, %rsi; movl $3, %ecx; rep outsb"
	INSN odd, in-string, "movl $0x80, %edx; movl $3, %ecx; rep insb"
	INSN odd, sgdt, "sgdt (%rax)"
	INSN odd, lgdt, "cli; lgdt 0x20(%rax); lgdt gdt_descriptor"
	INSN odd, far-jump, "ljmp *(%rax)"
	INSN odd, clflush, "clflush (%rax)"
	INSN odd, vmptrld, "vmptrld (%rax)"
	INSN odd, mov-sreg, "movw (%rax), %gs; movw %gs, (%rax)"
	INSN odd, mov-ss, "movw (%rax), %ss"
	INSN odd, enter, "movq %rsp, %rdx; movq %rbp, %rcx; enter $8, $0; leave; \
		movq %rdx, %rsp; movq %rcx, %rbp"

	.section .rodata.cpu, "a"
	.globl	cpu_insns_end
cpu_insns_end:
	.section .rodata.mmio, "a"
	.globl	mmio_insns_end
mmio_insns_end:
	.section .rodata.odd, "a"
	.globl	odd_insns_end
odd_insns_end:
	.section .note.GNU-stack, "", @progbits
