/* sluice.conf: its parsed form and its parser.
 *
 * The loader parses it to learn which files to read, the hypervisor parses it again to build the
 * machine. The parser allocates nothing and touches no hardware. Every option: docs/sluice-conf.md.
 *
 *     [sluice]                  global options
 *     [switch NAME]             an L2 switch; uplink= puts a physical NIC on it
 *     [guest NAME]              a guest; nic= may be repeated
 */
#ifndef SLUICE_VM_CONF_H
#define SLUICE_VM_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"
#include "sched/core_set.h"

#define CONF_NAME_MAX	  16 /* with its NUL */
#define CONF_PATH_MAX	  128
#define CONF_CMDLINE_MAX  1024
#define CONF_SWITCHES_MAX 8
#define CONF_GUESTS_MAX	  16
#define CONF_NICS_MAX	  4
#define CONF_VCPUS_MAX	  8
#define CONF_TRUNK_VLANS  16
#define CONF_PORTS_MAX	  31	    /* NICs on one switch, which keeps a port for its uplink */
#define CONF_MEMORY_MAX	  GIB(1024) /* of one guest */
#define CONF_SIZE_MAX	  65536	    /* bytes of text */

enum conf_vlan_mode { CONF_VLAN_ACCESS, CONF_VLAN_TRUNK };

/* As enum port_mirror has them. */
enum conf_mirror {
	CONF_MIRROR_NONE,
	CONF_MIRROR_RX,
	CONF_MIRROR_TX,
	CONF_MIRROR_BOTH,
	CONF_MIRROR_PORT,
};

/* What every port of a switch has, a guest's or an uplink. */
struct conf_port {
	enum conf_vlan_mode vlan_mode;
	uint16_t vlan; /* access: its VLAN; trunk: the native one; default 1 */
	uint16_t trunk_vlan[CONF_TRUNK_VLANS]; /* allowed tagged VLANs; nr 0 = all */
	unsigned nr_trunk_vlans;
	uint16_t mtu;		 /* default 1500 */
	bool isolated;		 /* talks to non-isolated ports only */
	bool promiscuous;	 /* gets what has an unknown destination */
	enum conf_mirror mirror; /* whether its frames are copied to the mirror port, or it is it */
	uint64_t rate_limit_bps; /* bits per second from it into the switch, 0 = none */
};

struct conf_nic {
	char switch_name[CONF_NAME_MAX];
	unsigned switch_index;
	uint8_t mac[6];
	struct conf_port port;
	bool spoof_check;      /* default true: only its own source MAC */
	uint64_t features_off; /* virtio feature bits masked: features=-tso,-csum,... */
	unsigned queue_pairs;  /* default 1 */
	bool link_follow;      /* its link is that of the switch's uplink; default false: up */
	bool rx_zero_copy;     /* from an uplink into the guest's own buffers; default false */
};

/* A physical NIC's port as a port of a switch. */
struct conf_uplink {
	bool by_pci;
	uint16_t pci_bdf;   /* by_pci: bus << 8 | device << 3 | function */
	unsigned nic_index; /* otherwise: of the ports that a driver takes, in PCI order */
	struct conf_port port;
	bool rsc;	     /* receive-side coalescing; default true */
	bool tso;	     /* segmentation by the NIC; default true */
	unsigned rx_buffers; /* receive buffers of each queue pair; default 512 */
};

struct conf_guest {
	char name[CONF_NAME_MAX];
	unsigned vcpus;	       /* 1..8 */
	uint64_t memory_bytes; /* a multiple of 2 MiB */
	char kernel[CONF_PATH_MAX];
	char initrd[CONF_PATH_MAX]; /* "" = none */
	char cmdline[CONF_CMDLINE_MAX];
	unsigned weight;       /* 1..65535, default 256 */
	unsigned cap_percent;  /* of a core, for each vCPU, 1..100; 0: none, the default */
	unsigned tsc_khz;      /* the TSC it sees, 0 = the host's */
	struct core_set cores; /* where its vCPUs may run, default all */
	bool autostart;	       /* default true */
	bool poweroff_on_exit; /* exit=poweroff: the machine powers off when this guest does */
	unsigned nr_nics;
	struct conf_nic nic[CONF_NICS_MAX];
};

struct conf_switch {
	char name[CONF_NAME_MAX];
	unsigned ageing_s;	  /* default 300 */
	uint64_t storm_limit_pps; /* flooded frames per second and port, 0 = none */
	bool has_uplink;
	struct conf_uplink uplink;
};

/* Where DMA lands: as the machine says, or forced. */
enum conf_steer { CONF_STEER_AUTO, CONF_STEER_NONE, CONF_STEER_DDIO, CONF_STEER_DCA };

struct conf {
	unsigned log_level;	 /* enum log_level, default info */
	bool poweroff_when_idle; /* idle=poweroff: power off when the last guest has stopped */
	unsigned slice_us;	 /* scheduler slice, default 5000 */
	bool round_robin;	 /* sched=rr; the default is full */
	bool cache_aware;	 /* the scheduler looks at caches; default true */
	bool credit_stealing;	 /* packet work may borrow time; default true */
	bool smt_isolated;	 /* no two guests on the threads of a core; default false */
	bool apicv;		 /* apicv=off works as on a CPU without it; default true */
	bool posted_interrupts;	 /* likewise; default true */
	bool ioat;		 /* I/OAT channels copy; default true */
	unsigned steer_policy;	 /* enum steer_policy, default full */
	unsigned steer_backend;	 /* enum conf_steer, default auto */
	unsigned nr_switches;
	struct conf_switch sw[CONF_SWITCHES_MAX];
	unsigned nr_guests;
	struct conf_guest guest[CONF_GUESTS_MAX];
};

struct conf_error {
	unsigned line, column; /* from 1 */
	char text[96];
};

/* 0, or -EINVAL with *err filled in. *c is complete only on 0. len_bytes may be 0. */
int conf_parse(
	const char *text, size_t len_bytes, struct conf *c, struct conf_error *err) __must_check;

#endif
