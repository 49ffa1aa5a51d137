/* The rig: device models in an emulated machine, with their wires, their record, and commands to
 * them. This part knows nothing of the emulator: see bus.h. README.md has the configuration and
 * the commands. */
#ifndef SLUICE_RIG_RIG_H
#define SLUICE_RIG_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../models/clock.h"
#include "../models/pci_dev.h"
#include "../models/record.h"
#include "../models/wire.h"
#include "bus.h"
#include "pacer.h"
#include "words.h"

#define RIG_FUNCTIONS_MAX  16
#define RIG_MODELS_MAX	   8
#define RIG_PORTS_MAX	   8
#define RIG_WIRES_MAX	   RIG_PORTS_MAX
#define RIG_NAME_MAX	   16
#define RIG_RECORD_ENTRIES 65536

struct m82599;
struct peer;
struct host_wire;
struct control;

/* One PCI function, and what commands can do to it. */
struct rig_function {
	char name[RIG_NAME_MAX]; /* nic0.1, ioat0 */
	struct bus_function *bus;
	struct pci_dev *pci;
	void *model;
	unsigned index; /* the model's: which port */
	int (*fault)(void *model, unsigned index, const char *command, const char **why);
	void (*print_counts)(void *model, unsigned index, FILE *out);
};

struct rig_model {
	void *model;
	void (*destroy)(void *model);
};

/* A port of a NIC: counted over all NICs. */
struct rig_port {
	struct m82599 *chip;
	unsigned index;
	int wire; /* -1: none */
	unsigned end;
};

struct rig_wire {
	struct wire wire;
	struct peer *peer;	/* at end 1, or NULL */
	struct host_wire *host; /* at end 1, or NULL */
	struct pcap *pcap[2];	/* may be the same twice */
};

struct rig {
	struct clock clock;
	struct record record;
	char record_path[256]; /* written at the end; "" if not */
	char counts_path[256]; /* the same */
	struct rig_function function[RIG_FUNCTIONS_MAX];
	unsigned nr_functions;
	struct rig_model model[RIG_MODELS_MAX];
	unsigned nr_models;
	struct rig_port port[RIG_PORTS_MAX];
	unsigned nr_ports, nr_nics, nr_engines, nr_selftests;
	struct rig_wire wire[RIG_WIRES_MAX];
	unsigned nr_wires;
	struct pacer pacer;
	struct control *control;
	bool profile;
	uint64_t repair_us;
	char reason[WORDS_REASON_MAX];
};

/* rig.c. Allocates little; the clock stands at 0 until machine_start_clock(). -ENOMEM. */
int rig_init(struct rig *r);
/* What all devices and wires counted, as "name value" lines below "[DEVICE]" and "[wire N]". */
void rig_print_counts(struct rig *r, FILE *out);
/* Writes the record and the counts, ends and frees everything. */
void rig_destroy(struct rig *r);
/* Sets the reason, and returns -EINVAL. */
int rig_fail(struct rig *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A model of the rig's, which rig_destroy() ends. -ENOSPC: no room (and the reason). */
int rig_add_model(struct rig *r, void *model, void (*destroy)(void *model));
/* The next free one, with its name and what the model needs as its host; not on the bus yet. NULL
 * with the reason. */
struct rig_function *rig_add_function(struct rig *r, const char *name);
struct rig_function *rig_find_function(struct rig *r, const char *name);

/* conf.c. A line of the configuration: its first word, and who takes it. -EINVAL with the reason
 * in r->reason. */
struct conf_line {
	const char *word;
	int (*fn)(struct rig *r, const struct words *w);
};
extern const struct conf_line rig_conf_lines[]; /* lines.c; ended by word NULL */
/* -EINVAL: said on stderr with file and line. */
int conf_read(struct rig *r, const char *path, const struct conf_line *lines);

/* Devices: each takes its line. */
int nic_line(struct rig *r, const struct words *w);
int ioat_line(struct rig *r, const struct words *w);
int selftest_line(struct rig *r, const struct words *w);

/* command.c. Runs a command and prints its answer; one that failed begins with "error". */
void command_run(struct rig *r, const char *line, FILE *out);

#endif
