/* Loader for Linux x86-64 bzImages, by the 64-bit boot protocol.
 * Linux Documentation/x86/boot.rst, section "64-bit boot protocol". */
#ifndef SLUICE_VM_BZIMAGE_H
#define SLUICE_VM_BZIMAGE_H

#include "vm/guest_load.h"

/* Fills in out->mode, rip, rsi and cr3. Errors as guest_load(). */
int bzimage_load(struct guest_loader *l, struct guest_entry *out) __must_check;

#endif
