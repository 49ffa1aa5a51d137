/* Building guests from sluice.conf, and what their machines call outside of hv/vm. */
#ifndef SLUICE_VM_BUILD_H
#define SLUICE_VM_BUILD_H

#include "vm/guest_load.h"
#include "vm/vm.h"

/* Set by hv/main.c before vm_create_all(). */
struct vm_hooks {
	void (*putc)(struct vm *vm, uint8_t c); /* a byte on the guest's console */
	void (*mark)(struct vm *vm, uint8_t n); /* dev/mark.h */
	void (*stopped)(struct vm *vm);		/* on core 0, state is VM_STOPPED */
};

extern struct vm_hooks vm_hooks;

/* The guest's kernel, initrd and command line, in the loader's memory. */
void vm_files(const struct vm *vm, struct guest_files *files);

/* Nanoseconds since 1970, from the machine's clock at boot and the TSC since. */
uint64_t vm_wall_clock_ns(void);

#endif
