/* The machine the guest finds itself in: start information, options, mappings, its end. */
#ifndef STUB_MACHINE_H
#define STUB_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct memory_range {
	uint64_t gpa, len_bytes;
	uint32_t type; /* 1: RAM */
	uint32_t reserved;
};

#define MEMORY_RAM 1

/* PVH memory map, as many entries as given. */
extern const struct memory_range *memory_map;
extern uint32_t nr_memory_ranges;
extern uint8_t image_start[], image_end[];

bool memory_is_ram(uint64_t gpa, uint64_t len_bytes);
uint64_t memory_end_low(void); /* end of RAM below 4 GiB */

enum hypervisor { HYPERVISOR_NONE, HYPERVISOR_KVM_LIKE, HYPERVISOR_OTHER };
enum hypervisor machine_hypervisor(void); /* by CPUID 0x40000000 */
bool machine_is_qemu(void);		  /* has QEMU's fw_cfg ports: not the machine we test */

/* The value of `name=value` on the command line, or NULL. */
const char *option(const char *name);
uint64_t option_u64(const char *name, uint64_t fallback);
bool option_is(const char *name, const char *value);
bool option_mac(const char *name, uint8_t mac[6]);
bool option_ip(const char *name, uint8_t ip[4]);

/* Makes [gpa, gpa + len_bytes) accessible at its own address (2 MiB pages, below 512 GiB).
 * All of the first 4 GiB is from the start. False if there are no tables left. */
bool map_identity(uint64_t gpa, uint64_t len_bytes);
/* Maps the 4 KiB page at va to gpa; va's 2 MiB are split on first use. flags: page-table bits. */
bool map_page(uint64_t va, uint64_t gpa, uint64_t flags);

/* Each stub's own work; machine_main() calls it and then machine_end(). */
void stub_main(void);
_Noreturn void machine_main(void);
/* Reports, then ends as option end= says: poweroff (default), reset, triple, hlt. */
_Noreturn void machine_end(void);
_Noreturn void machine_poweroff(bool ok);
void machine_triple_fault(void);

#endif
