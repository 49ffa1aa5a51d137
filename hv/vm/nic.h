/* Guests' network interfaces: virtio-net on virtio-pci, plugged into the switches of sluice.conf.
 */
#ifndef SLUICE_VM_NIC_H
#define SLUICE_VM_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/virtio_pci.h"
#include "net/switch.h"
#include "net/virtio_net.h"
#include "vm/conf.h"

struct vm;

struct vm_nic {
	struct virtio_pci pci;
	struct virtio_net *net;
	bool resetting;
};

/* The switches of sluice.conf, by their index there. On the boot CPU, before the guests. */
int vm_switches_create(const struct conf *c) __must_check;
extern struct net_switch *vm_switch[CONF_SWITCHES_MAX];
extern unsigned nr_vm_switches;

/* What sluice.conf says of any port, in the switch's words. */
struct port_policy vm_port_policy(const struct conf_port *c);

/* NIC n of vm->conf, on the guest's PCI bus and on its switch. */
int vm_nic_create(struct vm *vm, unsigned n, struct vm_nic **nic) __must_check;

/* Begins the device's reset, or looks how far it is: true when no frame of it is in flight. */
bool vm_nic_reset(struct vm_nic *nic);

/* What was held until the guest's first vCPU, which its NICs follow, is scheduled in goes on, at
 * that core's worker. Any core. */
void vm_nics_release(struct vm *vm, unsigned core);
/* That vCPU takes what was published for it; as steer_track_consume(). */
void vm_nics_consume(struct vm *vm, unsigned core, uint64_t now_us, bool at_once);
/* What steering did for the guest. */
void vm_nics_steer_sum(const struct vm *vm, struct steer_stats *sum);

/* Core 0, every 10 ms: ageing, stalled receivers. */
void vm_nics_housekeeping(uint64_t now_us);

#endif
