/* An option ROM that starts a Linux kernel from the first ATA disk, where mkdisk has put it as it
 * is to lie in memory. A BIOS and a boot loader would read it much more slowly, and the kernel
 * would then decompress itself, a minute in the emulator. When the ROM is called, the BIOS has made
 * its ACPI and MP tables and configured PCI.
 *
 * The kernel is entered by its PVH entry: 32-bit, no paging, EBX = struct hvm_start_info.
 * Xen: docs/misc/pvh.pandoc, xen/include/public/arch-x86/hvm/start_info.h. Option ROM: PCI Firmware
 * Specification 3.0, 5.2. Disk: ATA/ATAPI-6, PIO data-in. mkrom fills in what it finds at
 * `patch`, the command line and the checksum. */
#define ROM_BASE   0xd0000 /* = mkrom's */
#define RAM_BASE   0x10000 /* of what is built here: start info, memory map */
#define MEMMAP	   0x100   /* in it */
#define ENTRY_SIZE 24	   /* struct hvm_memmap_table_entry */
#define MAX_ENTRIES 64
#define SMAP	   0x534d4150
#define INFO_MEMMAP_ENTRIES 48
#define INFO_BYTES 56

/* ports and bits of the first ATA channel */
#define ATA_DATA   0x1f0
#define ATA_COUNT  0x1f2 /* then LBA bits 7:0, 15:8, 23:16 */
#define ATA_DEVICE 0x1f6
#define ATA_STATUS 0x1f7
#define ATA_BSY_DRQ 0x88
#define ATA_DRQ	   0x08
#define READ_SECTORS 0x20
#define LBA_MODE   0xe0
#define SECTORS_MAX 256 /* of one command */

	.code16
	.text
	.globl _start
_start:
	.byte	0x55, 0xaa, 0	/* signature, length in 512-byte blocks: mkrom's */
	jmp	start
	.balign	8
patch:	/* mkrom's, in this order */
entry:	.long	0
kernel:	.long	0, 0, 0		/* first sector, sectors, address */
disk:	.long	0, 0, 0		/* the same of the initrd */
initrd:	.quad	0, 0, 0, 0	/* struct hvm_modlist_entry */
	.balign	8
info:	/* struct hvm_start_info, version 1 */
	.long	0x336ec578, 1, 0, 1
	.quad	ROM_BASE + (initrd - _start)
	.quad	ROM_BASE + (command_line - _start)
	.quad	0		/* RSDP: the kernel looks for it where a BIOS puts it */
	.quad	RAM_BASE + MEMMAP
	.long	0, 0

gdt:	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	ROM_BASE + (gdt - _start)

start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	mov	$RAM_BASE >> 4, %ax
	mov	%ax, %es
	xor	%di, %di
	mov	$MEMMAP + MAX_ENTRIES * ENTRY_SIZE, %cx
	xor	%al, %al
	rep stosb
	mov	$info - _start, %si
	xor	%di, %di
	mov	$INFO_BYTES, %cx
	rep movsb

	/* INT 15h, E820h: ACPI 6.4, 15.1 */
	xor	%ebx, %ebx
	mov	$MEMMAP, %di
next:
	mov	$0xe820, %eax
	mov	$SMAP, %edx
	mov	$20, %ecx
	int	$0x15
	jc	last
	add	$ENTRY_SIZE, %di
	incl	%es:INFO_MEMMAP_ENTRIES
	test	%ebx, %ebx
	jz	last
	cmp	$MEMMAP + MAX_ENTRIES * ENTRY_SIZE, %di
	jb	next
last:
	cli
	in	$0x92, %al	/* A20 */
	or	$2, %al
	out	%al, $0x92
	lgdtl	gdt_pointer - _start
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$8, $ROM_BASE + (protected - _start)

	.code32
protected:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$RAM_BASE + 0x8000, %esp
	mov	$ROM_BASE + (kernel - _start), %esi
	call	load
	mov	$ROM_BASE + (disk - _start), %esi
	call	load
	mov	$RAM_BASE, %ebx
	jmp	*ROM_BASE + (entry - _start)

/* ESI: first sector, sectors, address */
load:
	mov	(%esi), %ebx
	mov	4(%esi), %ebp
	mov	8(%esi), %edi
command:
	mov	$SECTORS_MAX, %esi
	cmp	%ebp, %esi
	cmova	%ebp, %esi
	mov	$ATA_DEVICE, %edx
	mov	%ebx, %eax
	shr	$24, %eax
	or	$LBA_MODE, %al
	out	%al, %dx
	mov	$ATA_COUNT, %edx
	mov	%esi, %eax	/* 256 is 0 */
	out	%al, %dx
	mov	%ebx, %eax
	mov	$3, %ecx
address:
	inc	%edx
	out	%al, %dx
	shr	$8, %eax
	loop	address
	mov	$ATA_STATUS, %edx
	mov	$READ_SECTORS, %al
	out	%al, %dx
	add	%esi, %ebx
	sub	%esi, %ebp
sector:
	mov	$ATA_STATUS, %edx
	in	%dx, %al
	and	$ATA_BSY_DRQ, %al
	cmp	$ATA_DRQ, %al
	jne	sector
	mov	$ATA_DATA, %edx
	mov	$512 / 4, %ecx
	rep insl
	dec	%esi
	jnz	sector
	test	%ebp, %ebp
	jnz	command
	ret

command_line:
