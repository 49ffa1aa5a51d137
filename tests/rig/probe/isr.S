/* Counts an interrupt in hits[n][APIC ID of this CPU] and ends it. */
#define LAPIC_ID  0xfee00020
#define LAPIC_EOI 0xfee000b0

.macro isr n
	.globl isr\n
isr\n:
	push %rax
	push %rcx
	push %rdx
	mov $LAPIC_ID, %eax
	mov (%rax), %ecx
	shr $24, %ecx
	and $15, %ecx
	lea hits(%rip), %rdx
	lock incl \n*64(%rdx, %rcx, 4)
	mov $LAPIC_EOI, %eax
	movl $0, (%rax)
	pop %rdx
	pop %rcx
	pop %rax
	iretq
.endm

	.text
	isr 0
	isr 1
	isr 2
	isr 3
	.section .note.GNU-stack, "", @progbits
