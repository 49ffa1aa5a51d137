/* The hypervisor's own address space; see mem/direct_map.h for what is where. No page is both
 * writable and executable. One set of tables for all cores. */
#ifndef SLUICE_MEM_HOST_PAGING_H
#define SLUICE_MEM_HOST_PAGING_H

#include <stdint.h>

#include "boot_info.h"
#include "lib/bits.h"

/* First line of C: makes the direct map usable in the loader's tables, for HVA(). */
void host_paging_early(uint64_t image_hpa);

/* Builds the tables and switches the boot CPU to them; the loader's are not used any more. The page
 * allocator must be there. Panics if memory does not suffice. */
void host_paging_init(const struct boot_info *bi);

/* On each core: CR3, EFER.NXE, CR0.WP, SMEP. */
void host_paging_load(void);

/* Read access to firmware tables wherever they lie: in the direct map if they are RAM of a usable
 * kind, else mapped read-only into it now. Boot CPU, before the other cores start. NULL: no memory,
 * or an address that cannot be. */
const void *host_map_firmware(uint64_t hpa, uint64_t len_bytes);

/* Root of the tables, for CR3 and HOST_CR3. Below 4 GiB. */
uint64_t host_cr3(void);

/* Uncached window on device registers: [hpa, hpa + len_bytes), page-rounded. NULL if there is no
 * space or memory. Never unmapped. Any core, but another core must not have tried the address
 * before. RAM must not be mapped by it. */
void *mmio_map(uint64_t hpa, uint64_t len_bytes);

/* Takes pages of the direct map away (guard pages). Before the other cores start. 0 or -errno. */
int host_unmap(void *hva, uint64_t len_bytes) __must_check;

/* Identity-maps one page below 1 MiB, RX, for the cores' start-up code, and takes it away again. */
int host_map_trampoline(uint64_t hpa) __must_check;
void host_unmap_trampoline(uint64_t hpa);

#endif
