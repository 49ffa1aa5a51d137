/* Two virtio-net devices on a switch, with little memory, for fuzzers: device 0 is the fuzzer's,
 * device 1 has a driver that takes what it gets. */
#ifndef SLUICE_TESTS_TINY_NET_H
#define SLUICE_TESTS_TINY_NET_H

#include "dev/virtio_pci.h"
#include "net/switch.h"
#include "net/virtio_net.h"

#define TINY_GPA   0x10000
#define TINY_BYTES 65536

struct tiny_net {
	uint8_t *memory; /* device 0's guest */
	struct guest_mem gm;
	struct bus mmio, io;
	struct pci_bus pci;
	struct virtio_pci vp;
	struct virtio_net *net, *peer;
	struct net_switch *sw;
	struct worker worker;
	struct sched_hint hint;
};

extern struct tiny_net tiny;

void tiny_net_init(void);
/* Runs packet work and lets time pass, so that nothing waits for ever. */
void tiny_net_run(void);
/* Aborts unless device 0's reset ends and frames in = frames out + drops. */
void tiny_net_free(void);

#endif
