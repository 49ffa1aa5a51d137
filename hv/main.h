/* The hypervisor's entry, called by cpu/entry.S. */
#ifndef SLUICE_MAIN_H
#define SLUICE_MAIN_H

#include "boot_info.h"

_Noreturn void entry_main(uint64_t boot_info_hpa);
_Noreturn void hv_main(const struct boot_info *bi);

#endif
