/* The part of the ELF-64 file format that Sluice reads. Source: "ELF-64 Object File Format",
 * version 1.5, figures 2, 3 and 6, with its names. */
#ifndef SLUICE_LIB_ELF_H
#define SLUICE_LIB_ELF_H

#include <stdint.h>

#include "lib/bits.h"

#define ELF_MAGIC "\177ELF"

#define EI_CLASS    4 /* in e_ident */
#define EI_DATA	    5
#define ELFCLASS64  2
#define ELFDATA2LSB 1
#define ET_EXEC	    2
#define EM_X86_64   62

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF-64, figure 2");

#define PT_LOAD	  1
#define PT_INTERP 3
#define PT_NOTE	  4
#define PF_X	  BIT32(0)
#define PF_W	  BIT32(1)

struct elf_program_header {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_program_header) == 56, "ELF-64, figure 6");

struct elf_note {
	uint32_t namesz, descsz, type;
};

#endif
