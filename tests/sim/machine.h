/* The machines that are simulated: three Xeons, and what things cost on them. */
#ifndef SLUICE_SIM_MACHINE_H
#define SLUICE_SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define LINE_BYTES 64u

struct cache_size {
	uint32_t kib;
	unsigned ways;
};

enum inject { INJECT_DCA, INJECT_DDIO }; /* what DMA into a cache the platform has */

struct machine {
	const char *name, *what;
	uint64_t khz;
	unsigned cores_per_socket;
	struct cache_size l2, llc; /* private; of a socket */
	bool inclusive;		   /* the LLC holds what the L2s hold; else it is their victims' */
	enum inject inject;
	unsigned io_ways; /* of the LLC, that DMA may allocate in (DDIO) */
	/* From the core's request to its data. */
	unsigned llc_cycles, memory_ns, remote_cache_ns, remote_memory_ns;
	unsigned overlap; /* misses of a sequential access that are under way at once */
};

extern const struct machine machines[];
extern const unsigned nr_machines;

/* NULL: none of that name. */
const struct machine *machine_find(const char *name);

/* What code costs, in cycles, beside the misses, which the caches say. Machine independent: their
 * differences are small beside those of the caches. */
struct costs {
	unsigned vm_exit;      /* and entry again */
	unsigned vcpu_switch;  /* another VMCS, its FPU state, TLB and L1 refills */
	unsigned interrupt;    /* taken by the hypervisor, up to its handler's end */
	unsigned halt_exit_ns; /* from the IPI to the first instruction */
	unsigned round;	       /* of the core's loop */
	unsigned work_item;    /* taken from the worker, up to its run() */
	unsigned nic_receive;  /* a frame from the ring, and a fresh buffer */
	unsigned switch_frame; /* forward one: this bridge */
	unsigned linux_bridge; /* the same by Linux's bridge */
	unsigned bridge_lines; /* of metadata that Linux's bridge touches for a frame */
	unsigned ring_frame;   /* virtqueue: take a buffer, make it used */
	unsigned copy_line;    /* by the CPU, all of it in L1 */
	unsigned engine_prepare, engine_doorbell,
		engine_complete; /* I/OAT: an operation; a batch */
	unsigned engine_start_ns, engine_mb_per_s;
	unsigned guest_interrupt; /* the guest's handler, up to its poll function */
	unsigned guest_frame;	  /* protocol and socket, for a frame that it receives */
	unsigned guest_line;	  /* the application's copy of a line */
	unsigned guest_ack;	  /* to send an acknowledgement */
	unsigned hog_line;	  /* a hog's computing for each line of its working set */
};

extern const struct costs costs;

#endif
