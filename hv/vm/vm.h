/* A guest: its memory, its machine and its life.
 *
 * Everything a guest needs is allocated once, when sluice.conf is read; starting, resetting and
 * stopping only change what is in it, so that no pointer into a guest ever dangles.
 *
 *     STOPPED --start--> RUNNING <--pause/resume--> PAUSED
 *                        RUNNING, PAUSED --stop, reset, crash--> STOPPING --> STOPPED (or RUNNING)
 *
 * Any core asks (vm_request_*); vm_poll() on core 0 does it, because a stop has to wait until every
 * vCPU has left its core and every packet in flight is back. */
#ifndef SLUICE_VM_VM_H
#define SLUICE_VM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "boot_info.h"
#include "dev/bus.h"
#include "dev/ioapic.h"
#include "dev/mark.h"
#include "dev/pci.h"
#include "dev/power.h"
#include "dev/uart16550.h"
#include "lib/spinlock.h"
#include "mem/guest_mem.h"
#include "vm/conf.h"
#include "vm/pvclock.h"
#include "vm/vcpu.h"
#include "vmx/ept.h"

enum vm_state { VM_STOPPED, VM_RUNNING, VM_PAUSED, VM_STOPPING };

/* Why the guest is being stopped, and for `guests` why it stopped last. */
enum vm_exit { VM_EXIT_NONE, VM_EXIT_POWEROFF, VM_EXIT_RESET, VM_EXIT_CRASH, VM_EXIT_STOPPED };

#define VM_WHY_MAX 96

struct vm_nic; /* vm/nic.h */

struct vm {
	const struct conf_guest *conf;
	unsigned index;
	uint32_t state; /* enum vm_state; written on core 0 only */
	bool hold;	/* atomic: no vCPU enters the guest */
	struct spinlock request_lock;
	enum vm_exit stopping; /* asked for; VM_EXIT_NONE: nothing */
	enum vm_exit last_exit;
	bool start_wanted, pause_wanted;
	bool start_after_stop;
	char why[VM_WHY_MAX]; /* of the last crash */

	struct guest_mem mem;
	struct ept ept;
	struct bus ports, mmio;
	struct pci_bus pci;
	struct ioapic ioapic;
	struct uart16550 uart;
	struct power power;
	struct mark mark;
	struct pvclock clock;
	unsigned nr_nics;
	struct vm_nic *nic[CONF_NICS_MAX];
	uint32_t published; /* its NICs have given it packets since it looked last; atomic */
	unsigned nr_vcpus;
	struct vcpu *vcpu[CONF_VCPUS_MAX];

	uint64_t tsc_offset, tsc_ratio; /* vmx/tsc_scale.h */
	uint32_t tsc_khz;		/* of the guest */
	uint64_t stop_tsc;		/* host TSC by which a stop should be over */
	uint64_t start_tsc;		/* host TSC at the last start */
	uint64_t boot_ticks;		/* from start to the guest's first mark, 0: not yet */
	uint64_t boot_exits;
	uint64_t nr_starts;
};

/* All guests of sluice.conf. */
extern struct vm *vms[CONF_GUESTS_MAX];
extern unsigned nr_vms;

/* On the boot CPU, after sched_init() and net_init(): allocates and wires every guest. */
int vm_create_all(const struct conf *c, const struct boot_info *bi) __must_check;

/* Any core. -EINVAL if the state does not allow it. */
int vm_request_start(struct vm *vm) __must_check;
int vm_request_pause(struct vm *vm) __must_check;
int vm_request_resume(struct vm *vm) __must_check;
void vm_request_stop(struct vm *vm, enum vm_exit why);

/* A guest did what no machine allows or what we cannot go on after: stops it alone. The caller has
 * dumped what there is to see. */
void vm_crash(struct vm *vm, const char *why);

/* Housekeeping, core 0. */
void vm_poll(struct vm *vm);

const char *vm_state_name(const struct vm *vm);
uint64_t vm_exits(const struct vm *vm);

/* Interrupt messages of devices (ctx is the struct vm). Any core. */
void vm_msi(void *ctx, uint64_t address, uint32_t data);

#endif
