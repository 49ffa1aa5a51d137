/* Start-up code of the other cores. It is copied to a page below 1 MiB, where a SIPI starts it in real
 * mode at CS = page << 8, IP = 0, and goes straight to long mode: SDM vol. 3A, 9.8.5. All data it
 * uses lies behind it in the same page. smp.c fills in struct trampoline_data. */

	.section .rodata
	.balign 16
	.code16
	.globl trampoline_start
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	movl $0x20, %eax			/* CR4.PAE */
	movl %eax, %cr4
	movl (trampoline_cr3 - trampoline_start), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx			/* EFER: what smp.c says, LME in it */
	movl (trampoline_efer - trampoline_start), %eax
	xorl %edx, %edx
	wrmsr
	lgdtl (trampoline_gdtr - trampoline_start)
	movl $0x80010031, %eax			/* CR0: PG, WP, NE, ET, PE; caches on */
	movl %eax, %cr0
	ljmpl *(trampoline_far - trampoline_start)

	.code64
trampoline_long:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq trampoline_target(%rip), %rax
	jmp *%rax

	.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff

	.globl trampoline_data
	.balign 8
trampoline_data:				/* struct trampoline_data */
trampoline_cr3:		.long 0
trampoline_efer:	.long 0
trampoline_far:		.long trampoline_long - trampoline_start	/* plus the page's address */
			.word 0x08
trampoline_gdtr:	.word 23
			.long trampoline_gdt - trampoline_start		/* likewise */
			.long 0
trampoline_target:	.quad 0
	.globl trampoline_end
trampoline_end:

	.text
/* Where the trampoline jumps to: on the common tables, without a stack. Takes a ticket, and with it
 * the stack that smp.c will have put in that slot; late ones halt. */
	.globl smp_entry
	.type smp_entry, @function
smp_entry:
	movl $1, %eax
	lock xaddl %eax, smp_tickets(%rip)
	cmpl $256, %eax				/* CPU_MAX */
	jae 3f
	leaq smp_slots(%rip), %rdx
	leaq (%rdx, %rax, 8), %rdx
1:	movl smp_tickets(%rip), %ecx		/* before the slot: served, then closed */
	movq (%rdx), %rsp
	testq %rsp, %rsp
	jnz 2f
	cmpl $256, %ecx				/* the door was closed meanwhile */
	jae 3f
	pause
	jmp 1b
2:	movl %eax, %edi
	xorl %ebp, %ebp
	pushq $0
	pushq $0
	movq %rsp, %rbp
	call smp_core_main			/* does not return */
3:	cli
	hlt
	jmp 3b
	.size smp_entry, . - smp_entry

	.section .note.GNU-stack, "", @progbits
