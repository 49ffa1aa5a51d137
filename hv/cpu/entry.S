/* Where the loader jumps to (hv/boot_info.h), and the exception and interrupt stubs.
 * The assembler sees offsets of struct exception_frame only through the order of the pushes. */

	.section .text.entry, "ax"
	.globl entry
entry:
	cli
	cld
	leaq boot_stack_top(%rip), %rsp
	xorl %ebp, %ebp
	pushq $0		/* ends the backtrace */
	pushq $0
	movq %rsp, %rbp
	call entry_main		/* RDI: physical address of struct boot_info; does not return */
1:	hlt
	jmp 1b

	.text
/* One stub per vector: error code (0 where the CPU pushes none) and vector, then the common part. */
	.macro stub vector
	.balign 16
	.if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \
		\vector == 29 || \vector == 30
	.else
	pushq $0
	.endif
	pushq $\vector
	jmp common
	.endm

	.globl interrupt_stubs
	.balign 16
interrupt_stubs:
	.altmacro
	.set i, 0
	.rept 256
	stub %i
	.set i, i + 1
	.endr
	.noaltmacro

common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	/* A false frame, so that a backtrace goes on in what was interrupted. */
	pushq 17*8(%rdi)	/* RIP */
	pushq %rbp
	movq %rsp, %rbp
	movq %rdi, %rbx
	andq $-16, %rsp
	call exception_handle
	movq %rbx, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

/* int rdmsr_safe(uint32_t msr, uint64_t *value) */
	.globl rdmsr_safe
	.type rdmsr_safe, @function
rdmsr_safe:
	movl %edi, %ecx
1:	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, (%rsi)
	xorl %eax, %eax
	ret
	.size rdmsr_safe, . - rdmsr_safe

/* int wrmsr_safe(uint32_t msr, uint64_t value) */
	.globl wrmsr_safe
	.type wrmsr_safe, @function
wrmsr_safe:
	movl %edi, %ecx
	movq %rsi, %rdx
	movl %esi, %eax
	shrq $32, %rdx
2:	wrmsr
	xorl %eax, %eax
	ret
	.size wrmsr_safe, . - wrmsr_safe

msr_failed:
	movl $-5, %eax		/* -EIO */
	ret

/* Instructions that may fault with #GP, and where to go on then. */
	.section .fixups, "a"
	.quad 1b, msr_failed
	.quad 2b, msr_failed

	.bss
	.balign 4096
	.globl boot_stack_guard
boot_stack_guard:		/* unmapped by host_paging.c */
	.skip 4096
	.skip 16384		/* CPU_STACK_BYTES */
	.globl boot_stack_top
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
