/* A guest's network interface: virtio-net on virtio-pci, plugged into a switch. */
#ifndef SLUICE_VM_NIC_H
#define SLUICE_VM_NIC_H

#include <stdbool.h>

#include "vm/conf.h"

struct conf;
struct vm;
struct vm_nic;

/* The switches of sluice.conf. */
int vm_switches_create(const struct conf *c) __must_check;

/* Core 0, every 10 ms: ageing, stalled receivers. */
void vm_nics_housekeeping(uint64_t now_us);

/* NIC n of vm->conf; its switch must exist (vm_switches_create()). */
int vm_nic_create(struct vm *vm, unsigned n, struct vm_nic **nic) __must_check;

/* Begins the device's reset, or looks how far it is: true when no frame of it is in flight. */
bool vm_nic_reset(struct vm_nic *nic);

#endif
