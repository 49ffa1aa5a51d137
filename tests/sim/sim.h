/* The simulation: what a run is given, and what it finds.
 *
 * A run is a machine (machine.h) with cores, NICs and copy engines, on which the hypervisor's own
 * code runs: hv/sched with the packet worker, the switch, and steering (hv/net/steer). What stands
 * around it is modelled: the caches (memory.h), time (engine.h), the wire (wire.h), the NIC's and
 * the guests' queues (nic.h, guest.h), the guests themselves and what their code costs. */
#ifndef SLUICE_SIM_SIM_H
#define SLUICE_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "machine.h"
#include "memory.h"
#include "net/steer.h"
#include "sched/sched.h"

#define SIM_GUESTS_MAX 512

enum traffic {
	TRAFFIC_WINDOW,	 /* flows with a window each, as TCP: a frame goes when one is acknowledged
			  */
	TRAFFIC_POISSON, /* frames at random times, as UDP */
	TRAFFIC_BURSTS	 /* the same rate in bursts at line rate */
};

enum frames { FRAMES_FULL, FRAMES_MIX, FRAMES_SMALL }; /* 1514 bytes; 7:4:1 of 64, 594, 1514; 64 */

struct sim_config {
	const struct machine *machine;
	unsigned nr_cores;
	unsigned nr_io, nr_hogs; /* guests of one vCPU each */
	unsigned nr_ports;	 /* of 10GbE; guests are spread over them */
	/* What comes from the wire. */
	enum traffic traffic;
	enum frames frames;
	unsigned flows; /* of a guest */
	unsigned window;
	uint64_t guest_pps; /* not TRAFFIC_WINDOW: frames per second to each guest */
	unsigned burst;	    /* frames in one, on average */
	unsigned hog_kib;   /* working set of a hog */
	/* What is compared. */
	enum steer_policy policy;
	enum sched_policy sched;
	bool cache_aware, credit_stealing;
	bool engine, aim; /* I/OAT copies; and into a cache */
	bool linux_bridge;
	uint64_t slice_us;
	/* How long, and how exact. */
	uint64_t warm_us, run_us;
	unsigned sample; /* memory.h */
	uint64_t seed;
};

/* Frames, and what became of them; since the start. */
struct sim_frames {
	uint64_t sent;	    /* by the peers */
	uint64_t missed;    /* the NIC had no buffer */
	uint64_t dropped;   /* by the switch and the guests' queues */
	uint64_t consumed;  /* by the guests */
	uint64_t bytes;	    /* of those */
	uint64_t on_target; /* consumed on the core that they were placed for */
	uint64_t placed;    /* copied: into a cache that was chosen, or not */
	uint64_t held;	    /* times a batch was left for later */
	uint64_t moved;	    /* times a queue's work went to another core */
	uint64_t cpu_copies, engine_copies;
	uint64_t resident_permille; /* of their lines in the consumer's L2, summed */
	uint64_t acks;
	uint64_t interrupts, vm_exits;
};

/* Counters over the measured time, without the warm-up, and what was there at its end. */
struct sim_result {
	struct sim_frames f;
	struct memory_count packet_work, guests, hogs;
	struct memory_count packets; /* of the first two, what concerns packets' bytes */
	struct memory_dma_count dma;
	uint64_t retagged;
	uint64_t worker_ticks, entity_ticks, idle_ticks, ticks; /* of all cores */
	uint64_t switches, stolen, migrations;
	uint64_t wait_error_ticks, nr_waits, boosts, charged_ticks, borrowed_ticks;
	uint64_t hog_lines;		      /* what the hogs got done */
	uint64_t io_consumed[SIM_GUESTS_MAX]; /* by guest */
	uint64_t hog_done[SIM_GUESTS_MAX];
	/* Behind the counters. */
	uint64_t in_flight, in_flight_at_start; /* frames on the wire and in queues */
	struct histogram latency_ns; /* from the frame's last bit to its end in the guest */
	bool books_balance;	     /* the switches' */
};

/* The defaults of everything but machine, cores and guests. */
void sim_defaults(struct sim_config *c);

/* One run. At most one in a process at a time. */
void sim_run(const struct sim_config *c, struct sim_result *r);

#endif
