/* Entry of the boot CPU and of started CPUs, interrupt stubs, fault recovery.
 *
 * Boot CPU: the PVH boot protocol's 32-bit entry (EBX = hvm_start_info). Started CPUs: real mode in
 * the trampoline page, which cpu.c copies below 1 MiB. Both turn paging on with the same identity
 * map of the first 4 GiB and meet in long_entry. A CPU's stack is stacks[initial APIC ID]; struct
 * cpu (cpu.h) lies at its lower end. */

#define STACK_SHIFT 14
#define STACK_BYTES (1 << STACK_SHIFT)
#define CPU_ID_MASK 7
#define SEL_CODE64  0x08
#define SEL_DATA    0x10
#define SEL_CODE32  0x18

	.section .note.pvh, "a", @note
	.align	4
	.long	4, 8, 18		/* name and descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	pvh_entry

	.section .text.entry, "ax"
	.code32
	.globl	pvh_entry
pvh_entry:
	cli
	cld
	movl	%ebx, start_info_gpa

	/* PML4 -> one PDPT -> four page directories of 2 MiB pages */
	movl	$page_pdpt + 3, page_pml4
	movl	$page_dirs + 3, %eax
	xorl	%ecx, %ecx
1:	movl	%eax, page_pdpt(, %ecx, 8)
	addl	$4096, %eax
	incl	%ecx
	cmpl	$4, %ecx
	jne	1b
	movl	$0x83, %eax		/* present, writable, 2 MiB */
	xorl	%ecx, %ecx
2:	movl	%eax, page_dirs(, %ecx, 8)
	addl	$0x200000, %eax
	incl	%ecx
	cmpl	$2048, %ecx
	jne	2b

	.globl	enter_long_mode
enter_long_mode:
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$page_pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	lgdt	gdt_descriptor
	ljmp	$SEL_CODE64, $long_entry

	.code64
long_entry:
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	andl	$CPU_ID_MASK, %ebx
	movl	%ebx, %edi
	incl	%ebx
	shll	$STACK_SHIFT, %ebx
	leaq	stacks(%rbx), %rsp
	xorl	%ebp, %ebp
	call	cpu_start
3:	hlt
	jmp	3b

/* Copied to a page below 1 MiB; entered at its start in real mode. */
	.globl	trampoline, trampoline_end
	.code16
trampoline:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	trampoline_gdt_descriptor - trampoline
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $trampoline_to_image
trampoline_gdt_descriptor:
	.word	gdt_end - gdt - 1
	.long	gdt
trampoline_end:

	.code32
trampoline_to_image:
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	jmp	enter_long_mode

	.data
	.align	16
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* SEL_CODE64 */
	.quad	0x00cf93000000ffff	/* SEL_DATA */
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
gdt_end:
	.globl	gdt_descriptor
gdt_descriptor:
	.word	gdt_end - gdt - 1
	.quad	gdt

	.text
	.code64
/* uint16_t bytes each stub occupies: fixed, so that trap.c computes their addresses. */
	.globl	trap_stubs
	.align	16
trap_stubs:
vector = 0
	.rept	256
	.align	16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
		vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
vector = vector + 1
	.endr

trap_common:
	cld
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	call	trap_dispatch
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp
	iretq

/* unsigned try_call(void (*fn)(void *), void *arg): the vector of the fault that ended fn, or 0.
 * struct cpu's first field holds the stack to recover to; calls nest. */
	.globl	try_call, try_landing
try_call:
	pushfq
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdx
	andq	$-STACK_BYTES, %rdx
	pushq	(%rdx)
	pushq	$0
	movq	%rsp, (%rdx)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	call	*%rax
	xorl	%eax, %eax
try_landing:			/* trap_dispatch arrives here with RSP restored, RAX = vector */
	movq	%rsp, %rdx
	andq	$-STACK_BYTES, %rdx
	addq	$8, %rsp
	popq	(%rdx)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	popfq
	cld
	ret

	.bss
	.globl	stacks, page_pml4
	.align	STACK_BYTES
stacks:
	.skip	STACK_BYTES * (CPU_ID_MASK + 1)
	.align	4096
page_pml4:
	.skip	4096
page_pdpt:
	.skip	4096
page_dirs:
	.skip	4096 * 4
	.globl	start_info_gpa
start_info_gpa:
	.skip	8

	.section .note.GNU-stack, "", @progbits
