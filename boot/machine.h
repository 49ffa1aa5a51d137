/* What the firmware knows about the machine and the hypervisor cannot find out by itself. */
#ifndef SLUICE_BOOT_MACHINE_H
#define SLUICE_BOOT_MACHINE_H

#include "boot_info.h"
#include "lib/bits.h"

/* Fills in rsdp_hpa, framebuffer, cmdline_hpa and trampoline_hpa. 0 or -ENOMEM after a message. */
int machine_describe(struct boot_info *bi) __must_check;

#endif
