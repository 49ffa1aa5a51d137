/* Statistics: all counters as one JSON object on one line, and marks.
 *
 * A mark is a snapshot that a guest asks for by writing a label to the measurement port
 * (dev/mark.h): exits and frames so far, at a TSC value, so that whoever reads the object can
 * compute what a piece of work in the guest cost. */
#ifndef SLUICE_MON_STATS_H
#define SLUICE_MON_STATS_H

#include <stdint.h>

#include "lib/spinlock.h"
#include "mon/mon.h"

#define STATS_MARKS_MAX 128

struct stats_mark {
	uint64_t tsc;
	uint64_t exits[CONF_GUESTS_MAX];
	uint64_t frames_in, frames_out;
	uint16_t guest;
	uint8_t label;
};

/* Zero is empty. */
struct stats_marks {
	struct spinlock lock;
	uint32_t nr;	 /* the first STATS_MARKS_MAX are kept */
	uint32_t missed; /* and the others counted */
	struct stats_mark mark[STATS_MARKS_MAX];
};

/* Any core, from the guest's exit. */
void stats_take_mark(
	struct stats_marks *m, const struct mon_ops *ops, void *ctx, unsigned guest, uint8_t label);

/* One line, ended by a newline. marks may be NULL. Counts that are 0 are left out of maps by
 * reason. */
void stats_write(const struct mon_sink *sink, const struct mon_ops *ops, void *ctx,
	const struct stats_marks *marks);

uint64_t stats_sum_exits(const struct mon_guest *g);
/* Lower-case, for people and JSON. */
const char *stats_state_name(enum mon_guest_state s);
/* For a reason without a name, "reason_N" in buf. */
const char *stats_exit_name(const struct mon_ops *ops, unsigned reason, char buf[16]);

#endif
