/* Loader for 64-bit ELF kernels with a PVH entry point.
 * ELF-64 object file format 1.5; Xen docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h. */
#ifndef SLUICE_VM_PVH_H
#define SLUICE_VM_PVH_H

#include <stdbool.h>

#include "vm/guest_load.h"

bool pvh_is_elf(const struct guest_files *files);
/* Fills in out->mode, rip and rbx. Errors as guest_load(). */
int pvh_load(struct guest_loader *l, struct guest_entry *out) __must_check;

#endif
