/* Steering on this machine: its policy and backend, its caches, and the tags of its cores. What is
 * decided with them: net/steer.h. */
#ifndef SLUICE_VM_STEER_H
#define SLUICE_VM_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/ioat/ioat.h"
#include "net/steer.h"
#include "vm/conf.h"

extern struct steer vm_steer;

/* What to tell copy_start(). */
enum ioat_dca vm_steer_dca(const struct conf *c);

/* Boot CPU, after copy_start(), before guests and uplinks. -ENOMEM. */
int vm_steer_init(const struct conf *c) __must_check;
/* Core 0, every 10 ms. */
void vm_steer_housekeeping(uint64_t now_us);

/* The DCA tag that a NIC names the core by; 0: none. */
uint8_t vm_steer_tag(unsigned core);

/* "static", "none", ... */
const char *vm_steer_policy_name(void);
const char *vm_steer_backend_name(void);

#endif
