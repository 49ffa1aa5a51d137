/* rx=zero_copy of sluice.conf: which guests' NICs lend their buffers to the uplink. */
#ifndef SLUICE_VM_UPLINK_LEND_H
#define SLUICE_VM_UPLINK_LEND_H

#include "net/virtio_net.h"
#include "vm/uplink.h"

/* For a guest's NIC that wants it, whose frames pool receives (0: those of many). Says in the log
 * whether it does, and if not why; then its frames are copied. Before the NIC is started. */
void vm_uplink_lend(
	struct vm_uplink *u, unsigned pool, const struct conf_nic *c, struct virtio_net *net);

#endif
