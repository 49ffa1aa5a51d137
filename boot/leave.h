/* The end of the firmware's boot services, and the way into the hypervisor. */
#ifndef SLUICE_BOOT_LEAVE_H
#define SLUICE_BOOT_LEAVE_H

#include "boot/elf_load.h"
#include "boot_info.h"

/* Makes the temporary page tables, takes the final memory map into bi, leaves boot services and
 * jumps. Returns only if that fails: a negative errno, after a message where one is possible. */
int leave_for_hypervisor(struct boot_info *bi, const struct elf_image *img) __must_check;

/* Takes the memory map as it is now into bi. 0, or a negative errno after a message. */
int leave_take_memory_map(struct boot_info *bi) __must_check;

#endif
