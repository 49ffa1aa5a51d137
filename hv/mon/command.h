/* The commands of the prompt. Host-testable: all they see is struct mon_ops. */
#ifndef SLUICE_MON_COMMAND_H
#define SLUICE_MON_COMMAND_H

#include "mon/mon.h"
#include "mon/stats.h"

#define COMMAND_LINE_MAX 128 /* with NUL */
#define COMMAND_NO_GUEST -1

struct command_context {
	const struct mon_ops *ops;
	void *ctx;
	const struct stats_marks *marks;
	int attach; /* out: the guest that `attach` named, or COMMAND_NO_GUEST */
};

/* Executes one line, writes whole lines to out. Empty lines do nothing. */
void command_run(struct command_context *c, const char *line, const struct mon_sink *out);

#endif
