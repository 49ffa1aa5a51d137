/* From the firmware's page tables to the loader's, and into the hypervisor.
 *
 * SDM vol. 3A: 2.5 (control registers), 4.10.4.1 (what CR4.PGE invalidates), vol. 4 (IA32_EFER). */
#define CR0_WP	       (1 << 16)
#define CR4_PGE	       (1 << 7)
#define CR4_PCIDE      (1 << 17)
#define CR4_CET	       (1 << 23)
#define IA32_EFER      0xc0000080
#define IA32_EFER_NXE  (1 << 11)

	.text
	.globl handover
	.type handover, @function
	.balign 256 /* longer than the code: one page holds it */
handover:
	cli
	cld
	mov %rdx, %r8
	mov %ecx, %r9d
	/* No translation of the firmware's may survive: global ones go with PGE. CET would bring
	   the firmware's shadow stack along. */
	mov %cr4, %rax
	and $~(CR4_PGE | CR4_PCIDE | CR4_CET), %rax
	mov %rax, %cr4
	test %r9b, %r9b
	jz 1f
	mov $IA32_EFER, %ecx
	rdmsr
	or $IA32_EFER_NXE, %eax
	wrmsr
1:	mov %rsi, %cr3
	/* read-only pages are read-only for the hypervisor too */
	mov %cr0, %rax
	or $CR0_WP, %rax
	mov %rax, %cr0
	xor %ebp, %ebp
	jmp *%r8
	.size handover, . - handover
	.section .note.GNU-stack, "", @progbits
