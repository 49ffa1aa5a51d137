/* What the monitor shows and does, as a table of functions.
 *
 * Commands and statistics reach the rest of the hypervisor only through struct mon_ops, filled in
 * at start-up. The getters copy counters that other cores go on writing; they take no lock that a
 * vCPU could hold for long. Indices are below what the nr_ functions (or struct mon_system) say. */
#ifndef SLUICE_MON_MON_H
#define SLUICE_MON_MON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "net/port.h"
#include "net/steer_track.h"
#include "net/uplink.h"
#include "net/virtio_net.h"
#include "sched/topology.h"
#include "vm/conf.h"

#define MON_EXIT_REASONS 72

/* Where text goes. write() takes any length. */
struct mon_sink {
	void (*write)(void *ctx, const char *text, size_t len);
	void *ctx;
};

/* Formats at most MON_PRINT_MAX - 1 bytes; more is cut. */
#define MON_PRINT_MAX 256
void mon_print(const struct mon_sink *s, const char *fmt, ...) __printf_like(2, 3);
void mon_write(const struct mon_sink *s, const char *text, size_t len);

enum mon_guest_state { MON_STOPPED, MON_RUNNING, MON_PAUSED, MON_STOPPING, MON_CRASHED };

/* All vCPUs of a guest; sched/sched.h says what it is. */
struct mon_sched {
	uint64_t waits, wait_error_us; /* mean, of the expected wait against the real one */
	uint64_t boosts, migrations, throttled;
	uint64_t charged_ticks, borrowed_ticks, lent_ticks;
};

struct mon_guest {
	const char *name;
	enum mon_guest_state state;
	const char *why; /* if crashed, else NULL */
	unsigned vcpus;
	uint64_t memory_bytes;
	const char *kernel;  /* path in sluice.conf */
	uint64_t boot_ticks; /* kernel entry to the guest's first mark, 0: none yet */
	uint64_t boot_exits; /* in that time */
	uint64_t run_ticks;  /* spent on it, all vCPUs */
	uint64_t resets;
	uint64_t exits[MON_EXIT_REASONS]; /* all vCPUs, by basic reason */
	struct mon_sched sched;
};

struct mon_core {
	uint32_t apic_id;
	bool idle;
	unsigned queued; /* vCPUs waiting */
	uint64_t vcpu_ticks, worker_ticks, idle_ticks;
	uint64_t smt_blocked_ticks; /* of idle_ticks: waiting outside, smt=isolated */
	uint64_t switches, stolen;
	uint64_t stolen_by_distance[SCHED_DISTANCES];
};

struct mon_port {
	const char *switch_name, *name;
	struct port_counters counters;
	/* The guest's device: notifications from and to its driver, work done for it. */
	struct virtio_net_stats device;
};

/* A physical NIC's port. */
struct mon_uplink {
	const char *switch_name, *name, *driver;
	enum nic_state state;
	struct nic_link link;
	struct port_counters counters;
	struct nic_stats nic;
	uint64_t rx_bad_frames, rx_bad_descriptors; /* as the NIC called them; dropped */
	uint64_t tx_zero_copy, tx_bounced;
	uint64_t rx_zero_copy;	 /* received frames whose payload nobody has copied */
	uint64_t tx_wire_frames; /* what the NIC should have sent for what it took */
	unsigned nr_pairs;
	struct {
		unsigned pool;
		uint64_t rx_packets, tx_packets; /* taken from the NIC, back from it */
	} pair[UPLINK_PAIRS_MAX];
};

struct mon_mac {
	const char *switch_name, *port;
	uint8_t mac[6];
	uint16_t vlan;
	bool fixed;
	uint32_t age_s;
};

/* What steering did for a guest. */
struct mon_steer {
	struct steer_stats stats;
	uint64_t retagged; /* NIC queues of it that were aimed at another core */
	uint64_t helped;   /* of these: at a helper, sched/help.c */
	/* Its vCPUs' expected waits against what came, absolute: the sum, over so many waits. */
	uint64_t wait_error_us, nr_waits;
};

struct mon_system {
	uint64_t tsc, tsc_khz;
	uint64_t image_bytes;  /* the hypervisor's ELF in memory */
	uint64_t memory_bytes; /* all it uses beside the guests' RAM and the buffers */
	uint64_t buffer_bytes; /* of packets, as many as sluice.conf says */
	unsigned nr_guests, nr_cores, nr_ports, nr_uplinks;
	struct port_counters net; /* sum over all switches, departed ports included */
	uint64_t copies_cpu, copies_ioat;
	const char *steer_policy, *steer_backend;
};

enum mon_control { MON_START, MON_PAUSE, MON_RESUME, MON_RESET, MON_STOP, MON_POWEROFF };

struct mon_ops {
	void (*system)(void *ctx, struct mon_system *s);
	void (*guest)(void *ctx, unsigned i, struct mon_guest *g);
	void (*core)(void *ctx, unsigned i, struct mon_core *c);
	void (*port)(void *ctx, unsigned i, struct mon_port *p);
	void (*uplink)(void *ctx, unsigned i, struct mon_uplink *u); /* core 0 only */
	void (*steer)(void *ctx, unsigned guest, struct mon_steer *s);
	/* The guest's newest packets of which is known where they were taken, oldest first. */
	void (*for_each_placement)(void *ctx, unsigned guest,
		void (*fn)(void *arg, const struct steer_trace *t), void *arg);
	void (*for_each_mac)(void *ctx, void (*fn)(void *arg, const struct mon_mac *m), void *arg);
	/* 0 or a negative errno: -EINVAL where the state does not allow it. */
	int (*control)(void *ctx, unsigned guest, enum mon_control what);
	/* A byte typed for a guest; false: its buffer is full. */
	bool (*guest_input)(void *ctx, unsigned guest, uint8_t c);
	void (*set_log_level)(enum log_level level);
	const char *(*exit_reason_name)(unsigned basic_reason); /* NULL: none */
	void (*poweroff)(void *ctx);				/* the machine; may return */
};

#endif
