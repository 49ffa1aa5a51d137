/* Physical NICs on the switches of sluice.conf: finds each uplink's port, attaches its driver, and
 * wires queues, interrupts and filters. The packets' way: net/uplink.h. */
#ifndef SLUICE_VM_UPLINK_H
#define SLUICE_VM_UPLINK_H

#include <stdint.h>

#include "net/uplink.h"
#include "net/uplink_filter.h"
#include "vm/conf.h"

#define VM_UPLINK_VECTORS (UPLINK_PAIRS_MAX + 1) /* the last one is the control vector */

struct vm;
struct vm_uplink;

struct vm_uplink_vector {
	struct vm_uplink *owner;
	unsigned index;
	uint8_t idt_vector;
};

struct vm_uplink {
	struct uplink up;
	/* As they were at vm_uplinks_stop(). */
	bool ended;
	enum nic_state last_state;
	struct nic_link last_link;
	const struct conf_switch *conf;
	unsigned sw; /* its switch, by index */
	struct uplink_filter filter;
	const char *driver;
	char name[16]; /* nicN */
	struct vm_uplink_vector vector[VM_UPLINK_VECTORS];
};

extern struct vm_uplink *vm_uplink[CONF_SWITCHES_MAX];
extern unsigned nr_vm_uplinks;

/* After the guests. A NIC that is not there, or that does not work, is said and left out: it is no
 * error. -ENOMEM. */
int vm_uplinks_create(const struct conf *c) __must_check;

/* Core 0, every 10 ms. */
void vm_uplinks_housekeeping(uint64_t now_us);

/* How often queues that follow this guest were aimed at another core; of these: at a helper. */
void vm_uplinks_retagged(const struct vm *vm, uint64_t *retagged, uint64_t *helped);

/* Core 0, at the end of everything: no DMA of a NIC any more; their statistics are final. */
void vm_uplinks_stop(void);

/* Core 0: lets NICs without interrupts be looked at, and says in how many microseconds to call it
 * again: 1000 while one of them has a link, else UINT64_MAX. So a frame waits 1 ms at most for a
 * core that has nothing else to do, or whose guest does not come by. */
uint64_t vm_uplinks_poll(void);

#endif
