/* VM entry and exit. SDM vol. 3C, chapters 27 and 28; C's view in vmx/vmx_vcpu.h.
 *
 * bool vmx_enter(uint64_t gpr[16], bool launched)
 *
 * Loads the guest's general registers (all but RSP, which the VMCS holds) and enters. Comes back with
 * true by a VM exit, with gpr[] updated, or with false if the entry instruction itself failed. The
 * guest's registers do not survive into C: callee-saved ones are popped, the others cleared, so that
 * guest values feed no speculation. RFLAGS are fixed by the exit (IF=0, DF=0). */

#define GPR(n) (8 * (n))

	.text
	.globl vmx_enter
	.type vmx_enter, @function
vmx_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	$0x6c14, %eax		/* VMCS_HOST_RSP */
	vmwrite	%rsp, %rax
	jna	2f
	test	%sil, %sil		/* flags survive the moves below */
	mov	GPR(0)(%rdi), %rax
	mov	GPR(1)(%rdi), %rcx
	mov	GPR(2)(%rdi), %rdx
	mov	GPR(3)(%rdi), %rbx
	mov	GPR(5)(%rdi), %rbp
	mov	GPR(6)(%rdi), %rsi
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	mov	GPR(7)(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
2:	/* VMfail: nothing of the guest ran */
	pop	%rdi
	xor	%eax, %eax
	jmp	3f

	.globl vmx_exit_entry
vmx_exit_entry:				/* VMCS_HOST_RIP; RSP as at vmwrite above */
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, GPR(0)(%rdi)
	mov	%rcx, GPR(1)(%rdi)
	mov	%rdx, GPR(2)(%rdi)
	mov	%rbx, GPR(3)(%rdi)
	mov	%rbp, GPR(5)(%rdi)
	mov	%rsi, GPR(6)(%rdi)
	mov	%r8, GPR(8)(%rdi)
	mov	%r9, GPR(9)(%rdi)
	mov	%r10, GPR(10)(%rdi)
	mov	%r11, GPR(11)(%rdi)
	mov	%r12, GPR(12)(%rdi)
	mov	%r13, GPR(13)(%rdi)
	mov	%r14, GPR(14)(%rdi)
	mov	%r15, GPR(15)(%rdi)
	pop	%rax
	mov	%rax, GPR(7)(%rdi)
	add	$8, %rsp
	mov	$1, %eax
3:	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size vmx_enter, . - vmx_enter

	.section .note.GNU-stack, "", @progbits
